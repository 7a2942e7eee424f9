"""Messages and texts in the console: found, seen as their readers see them, and explained."""

import re
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, expect

from orchestrator.access.roles import Role, Viewer
from orchestrator.model import Status
from orchestrator.views.reader import LINKS_CLOSED, Reader, reader
from orchestrator.web.signed_in import OpenDoor
from tests.builders import event
from tests.web.browser import DESK, PHONE, browser, opened, site
from tests.web.installation import CAR, Installed, benches, dealership, glance, installed

__all__ = ["browser"]

LONG = "Freifrau Dr. Maximiliane-Friederike von und zu Hohenlohe-Oehringen-Weikersheim"
STRANGE = "<script>alert(1)</script> مريم"
ELSEWHERE = Viewer(
    9, "Nora Brandt", "nora.brandt@example.com", Role.OPERATOR, locations=frozenset({"hamburg"})
)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    with installed(tmp_path_factory.mktemp("messages")) as found:
        dealership(found)
        now = found.clock.now()
        for number, (name, locale) in enumerate(((LONG, "de-DE"), (STRANGE, "ar"))):
            order, customer = f"Y-{number}", f"X-{number}"
            found.hear(
                event("customer.upserted", customer, now, name=name, locale=locale, email="x@example.com"),
                event("order.upserted", order, now, customer=customer, journey="new-car", attributes=CAR),
                event("milestone.reached", order, now, milestone="arrived"),
            )
        found.until(now)
        yield found


@pytest.fixture(scope="module")
def console(home: Installed) -> Iterator[str]:
    with site(home.engine, home.clock.now, **benches(home)) as found:
        yield found


def number_of(home: Installed, order: str, template: str, status: Status = Status.ACCEPTED) -> int:
    with home.engine.ledger.read() as tx:
        entries = tx.entries_of([order])[order]
    return next(
        one.id for one in entries if one.wanted.template == template and one.status is status and one.channel
    )


@pytest.mark.parametrize(
    "path",
    [
        "/console/messages",
        "/console/messages?order=nothing",
        "/console/messages?day=never",
        "/console/templates",
        "/console/templates/new-car/arrived",
        "/console/templates/new-car/not-arrived-yet?channel=sms&order=BX-102",
        "/console/templates/new-car/call-the-customer?order=nothing",
    ],
)
def test_the_pages_are_sound_on_a_desk_and_in_the_dark_on_a_phone(
    browser: Browser, console: str, path: str
) -> None:
    glance(browser, f"{console}{path}")


def test_a_message_is_sound_whoever_reads_it(browser: Browser, console: str, home: Installed) -> None:
    for order in ("BX-101", "Y-0", "Y-1"):
        glance(browser, f"{console}/console/messages/{number_of(home, order, 'new-car/arrived')}")


def test_messages_are_found_by_what_somebody_knows_of_them(browser: Browser, console: str) -> None:
    with opened(browser, PHONE) as page:
        page.goto(f"{console}/console/messages")
        page.get_by_label("Order", exact=True).fill("BX-102")
        page.get_by_label("State").select_option("accepted")
        page.locator("main").get_by_role("button", name="Search").click()
        rows = page.locator("tbody tr")
        expect(rows.filter(has_text="not-arrived-yet")).to_have_count(1)
        expect(rows.filter(has_text="BX-101")).to_have_count(0)
        expect(rows.filter(has_text="cancelled")).to_have_count(0)
    for query, there, absent in (
        ("customer=C-1&kind=message", "Maria Keller", "Jonas Weber"),
        ("rule=arrived", "message of arrived", "of quiet-update"),
        ("day=2026-03-12", "not-arrived-yet", "Wed 11 Mar"),
        ("channel=sms", '"By">sms<', '"By">email<'),
        ("kind=task", "task of", "message of"),
    ):
        found = httpx.get(f"{console}/console/messages?{query}").text
        assert there in found, query
        assert absent not in found, query


def test_a_mail_is_shown_as_its_client_shows_it_and_can_do_nothing(
    browser: Browser, console: str, home: Installed
) -> None:
    number = number_of(home, "BX-102", "new-car/arrival-moved")
    with opened(browser, DESK) as page:
        page.goto(f"{console}/console/messages/{number}")
        letter = page.frame_locator("iframe.letter")
        expect(letter.get_by_text("Hello Jonas")).to_be_visible()
        expect(page.get_by_text("which the customer was told")).to_be_visible()
        expect(page.get_by_role("cell", name="accepted").first).to_be_visible()
    policy = httpx.get(f"{console}/console/messages/{number}/mail").headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "sandbox" in policy
    assert "script" not in policy


def test_a_text_is_shown_as_a_telephone_shows_it_with_what_it_costs(
    browser: Browser, console: str, home: Installed
) -> None:
    with opened(browser, PHONE) as page:
        page.goto(f"{console}/console/messages/{number_of(home, 'BX-102', 'new-car/not-arrived-yet')}")
        expect(page.get_by_text("is not here yet")).to_be_visible()
        expect(page.get_by_text("1 SMS")).to_be_visible()


def test_what_somebody_wrote_stays_what_it_is(console: str, home: Installed) -> None:
    number = number_of(home, "Y-1", "new-car/arrived")

    for path in (f"/console/messages/{number}", f"/console/messages/{number}/mail", "/console/messages"):
        found = httpx.get(f"{console}{path}").text
        assert "<script>alert" not in found


def test_nobody_sees_messages_of_other_places(home: Installed) -> None:
    number = number_of(home, "BX-102", "new-car/not-arrived-yet")
    with site(home.engine, home.clock.now, door=OpenDoor(ELSEWHERE), **benches(home)) as theirs:
        assert "BX-102" not in httpx.get(f"{theirs}/console/messages").text
        for path in (f"/console/messages/{number}", f"/console/messages/{number}/mail"):
            assert httpx.get(f"{theirs}{path}").status_code == 404
        found = httpx.get(f"{theirs}/console/templates/new-car/arrived?order=BX-102").text
        assert "no order is called" in found.lower()
        assert "Jonas Weber" not in found


def test_every_text_can_be_said_in_every_language_for_every_channel(console: str, home: Installed) -> None:
    names = benches(home)["texts"].names()
    for channel, locales in names["new-car/arrived"].items():
        for locale in locales:
            found = httpx.get(
                f"{console}/console/templates/new-car/arrived?channel={channel}&locale={locale}"
            )
            assert found.status_code == 200
            assert "It cannot be said" not in found.text


def test_the_links_of_a_message_are_closed_with_a_name_and_open_nothing_from_then_on(
    home: Installed, console: str
) -> None:
    number = number_of(home, "BX-101", "new-car/arrived")
    page = f"{console}/console/messages/{number}"

    def seen() -> Reader | None:
        with home.engine.ledger.read() as tx:
            entry = tx.entry(number)
            assert entry is not None
            return reader(home.engine, tx, entry.message_id, home.clock.now())

    assert seen() is not None
    with httpx.Client(headers={"Origin": console}) as client:
        form = dict(re.findall(r'name="(csrf|once)" value="([^"]*)"', client.get(page).text))
        for _ in range(2):  # a second click
            assert client.post(f"{page}/links", data={**form, "reason": "forwarded"}).status_code == 303
        assert "They open no page any more" in client.get(page).text
    assert seen() is None
    with home.engine.ledger.read() as tx:
        closed = [one for one in tx.order_facts(["BX-101"])["BX-101"] if one.type == LINKS_CLOSED]
        (change,) = (one for one in tx.changes() if one.what == LINKS_CLOSED)
    assert [one.data["by"] for one in closed] == ["Paul Lindner"]
    assert (change.who, change.after) == ("Paul Lindner", {"reason": "forwarded"})
