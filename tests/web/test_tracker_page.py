"""Whoever waits sees how their order stands, by a link alone: honestly, and in their language."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser

from orchestrator.links import Use
from tests.builders import LINDNER, NORA, event, promised, reached
from tests.integration.dealership import Dealership, customer, order
from tests.web.browser import WIDTHS, browser, look, opened, sound
from tests.web.customers import LINKS, RULES, apart, dealership, link
from tests.web.customers import opened as served_pages

__all__ = ["browser"]

LONG = "Donaudampfschifffahrtsgesellschaftskapitänswitwe Freifrau von und zu Hohenlohe-Waldenburg"
AT_BRAND = {**LINDNER, "brand": "lindner"}


def ordered(made: Dealership, number: str, who: str, /, **more: object) -> None:
    about = {key: more.pop(key) for key in ("owner", "location", "parties") if key in more}
    made.hear(
        customer(who, "2026-03-01 08:00", **more),
        order(number, who, "2026-03-01 09:00", **{"location": AT_BRAND, **about}),
        reached(number, "ordered", "2026-03-02 08:00"),
    )


@pytest.fixture(scope="module")
def lindner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dealership]:
    """On 12 March at six in the evening: what was told, kept, moved, missed, paused, ended."""
    made = dealership(tmp_path_factory.mktemp("pages"))
    ordered(made, "waits", "maria")
    ordered(made, "late", "jonas", locale="de-DE", name="Jonas Weber")
    ordered(made, "arabic", "aylin", locale="ar", name="آيلين دمير")
    ordered(made, "dateless", "anton")
    ordered(made, "done", "berta", location={**LINDNER, "brand": "sunny"})
    ordered(made, "held", "carla")
    ordered(made, "off", "dora")
    ordered(made, "long", "emma", name=LONG, owner={**NORA, "name": LONG}, location={**LINDNER, "name": LONG})
    for name, day in (
        ("waits", "2026-03-20"),
        ("late", "2026-03-12"),
        ("arabic", "2026-03-12"),
        ("long", "2026-03-12"),
    ):
        made.hear(promised(name, "arrived", day, "2026-03-02 08:30"))
    made.drain()
    made.clock.advance(timedelta(days=2))
    made.hear(
        promised("waits", "arrived", "2026-03-25", "2026-03-04 08:00", reason="the carrier lost a day"),
        event("order.held", "held", "2026-03-04 08:00", reason="dispute about money"),
        event("order.cancelled", "off", "2026-03-04 08:00"),
        reached("done", "arrived", "2026-03-03 09:00"),
        reached("done", "collected", "2026-03-04 08:50"),
    )
    made.drain()
    made.clock.advance(timedelta(days=8, hours=8, minutes=45))
    made.drain()
    made.hear(promised("waits", "arrived", "2026-03-27", "2026-03-12 17:40"))  # nobody told her yet
    yield made
    made.close()


@pytest.fixture(scope="module")
def site(lindner: Dealership) -> Iterator[str]:
    with served_pages(lindner) as url:
        yield url


def path(made: Dealership, name: str, use: Use = Use.ORDER) -> str:
    """The path of the page that the first message about this order leads to."""
    return link(made, use, next(one for one in made.entries(name) if one.wanted.rule == "welcome"))


def text(made: Dealership, site: str, name: str) -> str:
    """What the page says, without its tags."""
    answer = httpx.get(site + path(made, name))
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text.partition("<body>")[2]))


def test_the_mail_carries_the_links_and_they_open_the_pages(lindner: Dealership, site: str) -> None:
    messages = lindner.channels["email"].messages  # type: ignore[attr-defined]
    mail = next(one.text for one in messages if one.to == "maria.keller@example.com")
    (address,) = re.findall(r"https://updates\.example\.com(/order/[\w.-]+)", mail)
    assert "maria" not in address.lower()
    assert httpx.get(site + address).status_code == 200
    assert httpx.get(site + address + "\u2069").status_code == 200  # what mail programs add at its end
    assert re.search(r"/preferences/[\w.-]+", mail)


def test_what_was_told_is_told_with_its_history_and_nothing_that_only_the_house_knows(
    lindner: Dealership, site: str
) -> None:
    said = text(lindner, site, "waits")
    assert "Arrival at our house, planned for Wednesday, 25 March" in said
    assert "On 2 March we told you Friday, 20 March" in said
    assert "On 4 March we told you Wednesday, 25 March" in said
    assert "27 March" not in said  # promised inside, not yet told
    assert "carrier" not in said  # a reason is for the message that gives it
    assert "We told you the new date: Arrival at our house, Wednesday, 25 March" in said
    assert "shipped" not in said.lower()  # it has no name for customers


def test_they_read_by_when_they_hear_next_as_the_planner_has_it(lindner: Dealership, site: str) -> None:
    with lindner.ledger.read() as tx:
        sight = lindner.engine.look(tx, {"dateless": lindner.clock.now()}, lindner.clock.now())
    due = min(
        one.due_at
        for one in sight.decisions["dateless"].wanted
        if one.role == "customer" and one.due_at > sight.at
    )
    assert f"On {due:%A, %-d %B} at the latest" in text(lindner, site, "dateless")


def test_what_is_late_is_called_late_with_an_apology(lindner: Dealership, site: str) -> None:
    said = text(lindner, site, "late")
    assert "Es dauert länger, als wir Ihnen gesagt haben" in said
    assert "Wir hatten Ihnen Donnerstag, 12. März genannt" in said
    assert "Es tut uns leid" in said
    assert "Spätestens am Freitag, 13. März" in said


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("dateless", "There is no date yet"),
        ("done", "Everything was completed on Wednesday, 4 March."),
        ("held", "Your order is on hold"),
        ("off", "Your order was cancelled"),
    ],
)
def test_every_other_state_is_said_as_it_is(lindner: Dealership, site: str, name: str, says: str) -> None:
    said = text(lindner, site, name)
    assert says in said
    assert "dispute" not in said
    assert ("When you hear from us next" in said) is (name == "dateless")


def test_somebody_looks_after_them_and_can_be_reached(lindner: Dealership, site: str) -> None:
    page = httpx.get(site + path(lindner, "waits")).text
    assert "Nora Brandt" in page
    assert 'href="tel:+493023125110"' in page
    assert re.search(r'href="/reply/[\w.-]+"', page)


@pytest.mark.parametrize("name", ["waits", "late", "arabic", "dateless", "done", "held", "off", "long"])
@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_is_sound_at_a_desk_and_on_a_phone(
    browser: Browser, lindner: Dealership, site: str, name: str, width: int
) -> None:
    look(browser, site + path(lindner, name), width)


def test_it_needs_no_script_and_runs_from_the_right_where_the_language_does(
    browser: Browser, lindner: Dealership, site: str
) -> None:
    with opened(browser, WIDTHS[1], script=False) as page:
        page.goto(site + path(lindner, "arabic"))
        assert page.locator("html").get_attribute("dir") == "rtl"
        assert page.locator("script").count() == 0
        assert "10 مارس" not in page.inner_text("main")
        assert "12 مارس" in page.inner_text("main")
        name, step = (page.locator(one).first.bounding_box() for one in (".path .name bdi", ".path li"))
        assert name is not None
        assert step is not None
        apart = step["x"] + step["width"] - name["x"] - name["width"]
        assert apart < 60, "a name in another script stands beside its dot all the same"


def test_nobody_keeps_it_finds_it_or_frames_it(lindner: Dealership, site: str) -> None:
    headers = httpx.get(site + path(lindner, "waits")).headers
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "no-referrer"
    assert "noindex" in headers["x-robots-tag"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "script" not in headers["content-security-policy"]


def test_a_changed_link_an_old_one_and_one_for_another_page_open_nothing_and_say_what_to_do(
    browser: Browser, lindner: Dealership, site: str
) -> None:
    good = path(lindner, "waits")
    other = path(lindner, "waits", Use.PREFERENCES).replace("/preferences/", "/order/")
    entry = next(one for one in lindner.entries("waits") if one.wanted.rule == "welcome")
    old = f"/order/{LINKS.token(Use.ORDER, entry.message_id, lindner.clock.now() - timedelta(days=91))}"
    for wrong, status, says in (
        (good[:-3], 400, "This link is not whole"),
        (other, 400, "This link is not whole"),
        ("/order/x", 400, "This link is not whole"),
        (old, 410, "This link is no longer valid"),
    ):
        answer = httpx.get(site + wrong)
        assert (answer.status_code, says in answer.text) == (status, True), wrong
        assert "+49 30 23125 100" in answer.text
        assert "Maria" not in answer.text
    for width in WIDTHS:
        with opened(browser, width) as page:
            page.route("**/order/**", lambda route: route.fulfill(response=route.fetch(), status=200))
            page.goto(site + old)  # the browser itself complains about 410
            sound(page, page.content())


def test_whose_order_went_to_somebody_else_and_whoever_was_erased_sees_nothing(tmp_path: Path) -> None:
    made = dealership(tmp_path)
    for name, who in (("given", "fritz"), ("erased", "gerda"), ("merged", "hans")):
        ordered(made, name, who)
    apart(made.drain)
    made.hear(
        customer("ida", "2026-03-02 09:00"),
        order("given", "ida", "2026-03-02 09:00", location=AT_BRAND),
        event("customer.erased", "gerda", "2026-03-02 09:00"),
        event("customer.merged", "hans", "2026-03-02 09:00", into="ida"),
    )
    with served_pages(made) as site:
        assert httpx.get(site + path(made, "given")).status_code == 410
        assert httpx.get(site + path(made, "erased")).status_code == 410
        assert httpx.get(site + path(made, "merged")).status_code == 200
    apart(made.close)


def test_a_co_buyer_sees_the_order_and_answers_as_one_and_chooses_nothing_for_the_customer(
    tmp_path: Path,
) -> None:
    rules = RULES.replace("say: welcome", "say: welcome\n    to: [customer, co-buyer]")
    made = dealership(tmp_path, rules=rules)
    jonas = {"name": "Jonas Weber", "email": "jonas.weber@example.com", "locale": "de"}
    ordered(made, "two", "maria", parties={"co-buyer": jonas})
    apart(made.drain)
    theirs = next(one for one in made.entries("two") if one.wanted.role == "co-buyer")
    with served_pages(made) as site:
        said = httpx.get(site + link(made, Use.ORDER, theirs))
        assert said.status_code == 200
        assert "Wer sich um Sie kümmert" in said.text
        assert "/preferences/" not in said.text
        assert "Maria" not in said.text
        assert httpx.get(site + link(made, Use.PREFERENCES, theirs)).status_code == 410
        assert httpx.post(site + link(made, Use.REPLY, theirs), data={"text": "Gern"}).status_code == 303
    with made.ledger.read() as tx:
        (answer,) = [one for one in tx.order_facts(["two"])["two"] if one.type == "message.replied"]
    assert answer.data["by"] == "co-buyer"
    apart(made.close)


def test_whoever_is_the_co_buyer_no_more_sees_nothing(tmp_path: Path) -> None:
    rules = RULES.replace("say: welcome", "say: welcome\n    to: [customer, co-buyer]")
    made = dealership(tmp_path, rules=rules)
    jonas, aylin = (
        {"name": name, "email": f"{name.lower().replace(' ', '.')}@example.com"}
        for name in ("Jonas Weber", "Aylin Demir")
    )
    ordered(made, "two", "maria", parties={"co-buyer": jonas})
    apart(made.drain)
    his = next(one for one in made.entries("two") if one.wanted.role == "co-buyer")
    with served_pages(made) as site:
        assert httpx.get(site + link(made, Use.ORDER, his)).status_code == 200
        made.hear(event("order.upserted", "two", "2026-03-02 09:00", parties={"co-buyer": aylin}))
        assert httpx.get(site + link(made, Use.ORDER, his)).status_code == 410
        assert httpx.post(site + link(made, Use.REPLY, his), data={"text": "Hm"}).status_code == 410
    apart(made.close)
