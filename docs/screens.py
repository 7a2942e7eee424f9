"""Take the pictures of the console in docs/screens again: ``python docs/screens.py [NAME ...]``.

The dealership's story is told on a ledger of its own, and every page is looked at on a desk and on a phone.
A page that wants its picture here is a line in :data:`PAGES`. Pictures have at most 256 colours, so they
stay small.
"""

import struct
import sys
import tempfile
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import accumulate
from pathlib import Path

from playwright.sync_api import Browser

from orchestrator.access import keys, people
from orchestrator.access.audit import By
from orchestrator.access.keys import Scope
from orchestrator.access.passwords import Argon2
from orchestrator.access.roles import Role
from tests.web import customers
from tests.web.browser import NORA, PHONE, WIDTHS, chromium, opened, signed_site, site
from tests.web.half_year import half_year
from tests.web.installation import Installed, benches, dealership, installed

SCREENS = Path(__file__).parent / "screens"
PASSWORD = "four quiet words here"  # noqa: S105  of nobody: the ledger is thrown away
LARGEST = 120_000  # bytes of a picture


@dataclass(frozen=True)
class Picture:
    """A page by the name of its pictures."""

    path: str
    signed_in: bool = True
    by_password: bool = False
    tallest: int = 2_400  # pixels of a page that are worth showing


PAGES = {
    "now": Picture("/console/now"),
    "order": Picture("/console/orders/BX-101", tallest=1_800),
    "customer": Picture("/console/customers/C-1"),
    "messages": Picture("/console/messages", tallest=1_600),
    "message": Picture("/console/messages/{message}", tallest=1_600),
    "rules": Picture("/console/rules", tallest=1_600),
    "rule": Picture("/console/rules/rule/not-arrived"),
    "rule-file": Picture("/console/rules/files/new-car.yaml", tallest=1_000),
    "templates": Picture("/console/templates", tallest=1_600),
    "template": Picture("/console/templates/new-car/arrived"),
    "channels": Picture("/console/channels", tallest=1_600),
    "people": Picture("/console/people"),
    "changes": Picture("/console/changes"),
    "account": Picture("/console/account"),
    "sessions": Picture("/console/account/sessions", by_password=True),
    "sign-in": Picture("/console/sign-in", signed_in=False),
}
OVER_TIME = {"measures": Picture("/console/measures?weeks=26", tallest=1_600)}  # a week would show no chart
BY_LINK = ("tracker", "slots", "feedback", "preferences", "reply", "task", "mine")


def main(wanted: list[str]) -> None:
    """Take the pictures of these names, or all."""
    SCREENS.mkdir(exist_ok=True)
    if links := [name for name in BY_LINK if name in wanted or not wanted]:
        with chromium() as browser:
            by_link(browser, links)
    if "measures" in wanted or not wanted:
        over_time()
    others = (*BY_LINK, *OVER_TIME)
    if wanted := [name for name in wanted or [*PAGES, "welcome"] if name not in others]:
        console(wanted)


def console(wanted: list[str]) -> None:
    """Take the pictures of the console's pages."""
    with told() as (home, link), chromium() as browser:
        signed = signed_site(home.engine, home.clock.now, **benches(home))
        with ExitStack() as stack:
            door = stack.enter_context(signed)
            inside = stack.enter_context(site(home.engine, home.clock.now, **benches(home)))
            for name in wanted:
                picture = PAGES.get(name) or Picture(f"/console/welcome/{link}", signed_in=False)
                picture = replace(picture, path=picture.path.format(message=message_of(home)))
                outside = picture.by_password or not picture.signed_in
                take(browser, door if outside else inside, name, picture)


def over_time() -> None:
    """Take the pictures of what shows how it goes, after half a year of orders."""
    with tempfile.TemporaryDirectory() as folder, installed(Path(folder)) as home:
        half_year(home)
        with chromium() as browser, site(home.engine, home.clock.now, **benches(home)) as inside:
            for name, picture in OVER_TIME.items():
                take(browser, inside, name, picture)


def message_of(home: Installed) -> int:
    """The number of the message that says that a car has arrived."""
    with home.engine.ledger.read() as tx:
        entries = tx.entries_of(["BX-101"])["BX-101"]
    return next(one.id for one in entries if one.wanted.template == "new-car/arrived" and one.message_id)


def by_link(browser: Browser, wanted: list[str]) -> None:
    """Take the pictures of the pages that customers and owners open by a link, and of an owner's list."""
    with tempfile.TemporaryDirectory() as folder:
        made = customers.told(Path(folder))
        with customers.opened(made, NORA) as base:
            for name in wanted:
                take(browser, base, name, Picture(customers.path(made, name)))
        customers.apart(made.close)


@contextmanager
def told() -> Iterator[tuple[Installed, str]]:
    """Tell the story, and let the people of the dealership in; the last one's link is good."""
    with tempfile.TemporaryDirectory() as folder, installed(Path(folder)) as home:
        dealership(home)
        shell, hash_of = By("paul", "command line"), Argon2().kept(PASSWORD)
        with home.engine.ledger.transaction() as tx:
            now = home.clock.now() - timedelta(days=9)
            first = people.first_link(tx, now)
            email = "paul.lindner@example.com"
            people.welcome(tx, first, hash_of, now, name="Paul Lindner", email=email)
            by = By("Paul Lindner", "console", 1)
            link = ""
            for name, email, role, places in (
                ("Nora Brandt", "nora.brandt@example.com", Role.OPERATOR, ["munich"]),
                ("Aylin Demir", "aylin.demir@example.com", Role.APPROVER, []),
            ):
                now += timedelta(hours=5)
                _, link = people.add(tx, by, now, name=name, email=email, role=role, locations=places)
                if role is Role.OPERATOR:
                    people.welcome(tx, link, hash_of, now)
            now = home.clock.now() - timedelta(hours=3)
            _, link = people.link(tx, shell, now, 3)
            keys.add(tx, by, now, "dealer management", [Scope.EVENTS_WRITE])
            keys.add(tx, by, now, "reporting", [Scope.ORDERS_READ, Scope.MEASURES_READ])
        yield home, link


def take(browser: Browser, base: str, name: str, picture: Picture) -> None:
    """Take the pictures of one page, the phone's in the dark."""
    for width in WIDTHS:
        with opened(browser, width, dark=width == PHONE) as page:
            if picture.by_password:
                page.goto(f"{base}/console/sign-in?next={picture.path}")
                page.get_by_label("E-mail").fill("paul.lindner@example.com")
                page.get_by_label("Password").fill(PASSWORD)
                page.get_by_role("button", name="Sign in").click()
                page.wait_for_url(f"**{picture.path}")
            else:
                page.goto(f"{base}{picture.path}")
            height = page.evaluate("document.documentElement.scrollHeight")
            clip = {"x": 0, "y": 0, "width": width, "height": min(int(height), picture.tallest)}
            content = smaller(page.screenshot(full_page=True, clip=clip))  # type: ignore[arg-type]
        file = SCREENS / f"{name}-{width}.png"
        file.write_bytes(content)
        print(f"{file.name}: {len(content):,} bytes{' (too large)' if len(content) > LARGEST else ''}")


# ── pictures with few colours ────────────────────────────────────────────────


def smaller(png: bytes) -> bytes:
    """Return a picture of eight bits a channel with at most 256 colours (PNG, third edition, section 11)."""
    width, height, kind, lines = _read(png)
    step = {2: 3, 6: 4}[kind]
    pixels = [tuple(line[at : at + 3]) for line in lines for at in range(0, width * step, step)]
    counted = Counter(pixels)
    palette = [colour for colour, _ in counted.most_common(256)]
    near = {colour: n for n, colour in enumerate(palette)}
    for colour in counted.keys() - near.keys():
        near[colour] = min(
            range(len(palette)),
            key=lambda n: sum((a - b) ** 2 for a, b in zip(palette[n], colour, strict=True)),
        )
    indexed = bytes(near[pixel] for pixel in pixels)
    rows = b"".join(b"\0" + indexed[at : at + width] for at in range(0, len(indexed), width))
    head = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        _chunk(name, content)
        for name, content in (
            (b"IHDR", head),
            (b"PLTE", bytes(part for colour in palette for part in colour)),
            (b"IDAT", zlib.compress(rows, 9)),
            (b"IEND", b""),
        )
    )


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def _read(png: bytes) -> tuple[int, int, int, list[bytearray]]:
    """Width, height, type of colour and the lines of a picture without interlacing."""
    at, data, width, height, kind = 8, b"", 0, 0, 0
    while at < len(png):
        (length,), name = struct.unpack(">I", png[at : at + 4]), png[at + 4 : at + 8]
        content = png[at + 8 : at + 8 + length]
        if name == b"IHDR":
            width, height, _, kind = struct.unpack(">IIBB", content[:10])
        elif name == b"IDAT":
            data += content
        at += 12 + length
    step = {2: 3, 6: 4}[kind]
    raw, lines = zlib.decompress(data), list[bytearray]()
    above = bytearray(width * step)
    for row in range(height):
        start = row * (width * step + 1)
        above = _unfiltered(raw[start], bytearray(raw[start + 1 : start + 1 + width * step]), above, step)
        lines.append(above)
    return width, height, kind, lines


def _unfiltered(kind: int, line: bytearray, above: bytearray, step: int) -> bytearray:
    """Undo what was done to a line so that it packs better (section 9)."""
    if kind == 1:
        for channel in range(step):
            line[channel::step] = bytes(accumulate(line[channel::step], lambda a, b: (a + b) & 0xFF))
        return line
    if kind == 2:
        return bytearray((a + b) & 0xFF for a, b in zip(line, above, strict=True))
    for n in range(len(line) if kind else 0):
        left = line[n - step] if n >= step else 0
        corner = above[n - step] if n >= step else 0
        guess = (0, left, above[n], (left + above[n]) // 2, _paeth(left, above[n], corner))[kind]
        line[n] = (line[n] + guess) & 0xFF
    return line


def _paeth(left: int, up: int, corner: int) -> int:
    guess = left + up - corner
    return min((left, up, corner), key=lambda one: abs(guess - one))


if __name__ == "__main__":
    main(sys.argv[1:])
