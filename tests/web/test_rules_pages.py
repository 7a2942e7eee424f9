"""Rules in the console: drawn, tried, changed, held for a second person, and brought back."""

from collections.abc import Iterator

import httpx
import pytest
from fastapi import Request
from playwright.sync_api import Browser, Page, expect

from orchestrator.access.roles import Role, Viewer
from orchestrator.ledger import RuleSet, RuleSetState
from orchestrator.model import Status
from orchestrator.web.signed_in import OpenDoor
from tests.web.browser import DESK, NORA, PAUL, PHONE, browser, opened, site
from tests.web.installation import Installed, benches, dealership, glance, installed

__all__ = ["browser"]

PAGES = (
    "/console/rules",
    "/console/rules/rule/not-arrived",
    "/console/rules/files/new-car.yaml",
    "/console/rules/draft",
    "/console/rules/held",
    "/console/rules/versions",
    "/console/rules/versions/1",
)
TRIED = 120_000  # milliseconds; a trial hears a history twice


class Door(OpenDoor):
    """Lets in whoever the test says."""

    def __init__(self) -> None:
        super().__init__(PAUL)
        self.who = PAUL

    async def viewer(self, request: Request) -> Viewer | None:
        return self.who


DOOR = Door()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    with installed(tmp_path_factory.mktemp("rules")) as found:
        dealership(found)
        yield found


@pytest.fixture(scope="module")
def console(home: Installed) -> Iterator[str]:
    with site(home.engine, home.clock.now, door=DOOR, **benches(home)) as found:
        yield found


@pytest.fixture(autouse=True)
def paul() -> None:
    DOOR.who = PAUL


def in_force(home: Installed) -> RuleSet:
    with home.engine.ledger.read() as tx:
        found = tx.ruleset(RuleSetState.ACTIVE)
    assert found is not None
    return found


def change(page: Page, console: str, old: str, new: str) -> None:
    """Type something else into the file of the car's rules, and ask what that changes."""
    page.goto(f"{console}/console/rules/files/new-car.yaml")
    box = page.get_by_label("The rules in new-car.yaml")
    text = box.input_value()
    assert old in text
    box.fill(text.replace(old, new))


@pytest.mark.parametrize("path", PAGES)
def test_the_pages_are_sound_on_a_desk_and_in_the_dark_on_a_phone(
    browser: Browser, console: str, path: str
) -> None:
    glance(browser, f"{console}{path}")


def test_a_journey_is_drawn_as_phases_and_a_rule_says_what_it_did_and_did_not_say(
    browser: Browser, console: str
) -> None:
    with opened(browser, PHONE) as page:
        page.goto(f"{console}/console/rules")
        expect(page.get_by_text("when arrived has not happened by 17:30 on the promised day")).to_be_visible()
        page.get_by_role("link", name="not-arrived", exact=True).click()
        fired = page.get_by_role("region", name="What it said, or will say")
        expect(fired.get_by_text("arrived was promised for Thu 12 Mar").first).to_be_visible()
        expect(fired.get_by_text("if the owner does not acknowledge").first).to_be_visible()  # not yet so
        kept_back = page.get_by_role("region", name="What it did not say, and why")
        expect(kept_back.get_by_text("before the deadline").first).to_be_visible()


def test_what_is_wrong_is_said_beside_the_text_and_what_was_written_is_kept(
    browser: Browser, console: str
) -> None:
    with opened(browser, DESK) as page:
        change(page, console, "channels: [push, sms, email]", "channels: [push, sms, emial]")
        page.get_by_role("button", name="Check").click()
        finding = page.get_by_role("row").filter(has_text="did you mean 'email'").first
        expect(finding).to_be_visible()
        place = finding.get_by_role("link").inner_text()
        page.goto(f"{console}/console/rules")
        page.goto(f"{console}/console/rules/files/new-car.yaml")
        lines = page.get_by_label("The rules in new-car.yaml").input_value().splitlines()
        line, column = map(int, place.split(":"))
        assert lines[line - 1][column - 1 :].startswith("emial")
        page.get_by_role("button", name="Discard my changes").click()
        expect(page.get_by_text("As it is in force.")).to_be_visible()


def test_an_edit_is_compared_with_the_ledger_and_with_history_applied_and_brought_back(
    browser: Browser, console: str, home: Installed
) -> None:
    before = in_force(home)
    with opened(browser, DESK) as page:
        page.set_default_timeout(TRIED)
        change(page, console, 'missed: arrived, closes: "17:30"', 'missed: arrived, closes: "18:00"')
        page.get_by_role("button", name="See what changes").click()
        expect(page.get_by_role("heading", name="What it would have changed")).to_be_visible(timeout=TRIED)
        trial = page.locator("#trial")
        expect(trial.get_by_role("cell", name="not-arrived").first).to_be_visible()
        expect(trial.get_by_text("at another time").first).to_be_visible()
        assert in_force(home).id == before.id, "looking changes nothing"
        page.get_by_label("Why, for your colleagues").fill("we close at six now")
        page.get_by_role("button", name="Apply").click()
        expect(page.get_by_text("In force", exact=True)).to_be_visible(timeout=TRIED)
        now = in_force(home)
        assert (now.by, now.why, now.person) == (PAUL.name, "we close at six now", PAUL.person)
        assert "18:00" in next(text for path, text in now.sources.items() if path.endswith("new-car.yaml"))
        page.goto(f"{console}/console/rules/versions/{before.id}")
        page.get_by_role("button", name="Bring it back").click()
        page.get_by_role("button", name="Apply").click()
        expect(page.get_by_text("In force", exact=True)).to_be_visible(timeout=TRIED)
    assert in_force(home).sources == before.sources
    assert in_force(home).edits == "[]"


def test_what_an_operator_asks_for_somebody_else_releases_and_nobody_alone(
    browser: Browser, console: str, home: Installed
) -> None:
    DOOR.who = NORA
    with opened(browser, DESK) as page:
        page.set_default_timeout(TRIED)
        change(page, console, 'missed: arrived, closes: "17:30"', 'missed: arrived, closes: "16:30"')
        page.get_by_role("button", name="See what changes").click()
        page.get_by_role("button", name="Ask for a second person").click()
        expect(page.get_by_text("Held for a second person, as you asked")).to_be_visible(timeout=TRIED)
        page.goto(f"{console}/console/rules/held")
        expect(page.get_by_text("You proposed it, so somebody else releases it.")).to_be_visible()
        expect(page.get_by_role("button", name="Release")).to_have_count(0)
        with home.engine.ledger.read() as tx:
            assert tx.entries_in({Status.HELD}), "what it touches is frozen"
        token = page.locator('input[name="csrf"]').first.input_value()
        held = page.locator('input[name="number"]').first.input_value()
        answer = page.request.post(
            f"{console}/console/rules/held",
            form={"csrf": token, "number": held, "do": "release"},
            headers={"Origin": console},
        )
        assert answer.status == 403
    DOOR.who = PAUL
    with opened(browser, PHONE) as page:
        page.goto(f"{console}/console/rules")
        page.get_by_role("link", name="See what it changes and decide").click()
        expect(page.get_by_text("Nora Brandt changed this")).to_be_visible()
        page.get_by_role("button", name="Release").click()
        expect(page.get_by_text("released: these rules are in force")).to_be_visible()
    now = in_force(home)
    assert (now.by, now.decided_by) == (NORA.name, PAUL.name)
    with home.engine.ledger.read() as tx:
        assert not tx.entries_in({Status.HELD})
        newest = [(one.what, one.who) for one in tx.changes(limit=2)]
    assert newest == [("release rules", PAUL.name), ("propose rules", NORA.name)]


def test_who_is_limited_to_one_place_sees_nothing_of_the_others(console: str, home: Installed) -> None:
    DOOR.who = Viewer(9, "Nora Brandt", "nora@example.com", Role.OPERATOR, locations=frozenset({"hamburg"}))
    page = httpx.get(f"{console}/console/rules/files/new-car.yaml").text
    token = page.partition('name="csrf" value="')[2].partition('"')[0]
    draft = f"{console}/console/rules/draft"

    answer = httpx.post(draft, data={"csrf": token, "do": "look"}, headers={"Origin": console})
    assert answer.status_code == 403
    for path in ("/console/rules/rule/not-arrived", "/console/rules/held"):
        assert "BX-10" not in httpx.get(f"{console}{path}").text


def test_two_who_edit_one_file_never_overwrite_each_other(
    browser: Browser, console: str, home: Installed
) -> None:
    with opened(browser, DESK) as page:
        page.set_default_timeout(TRIED)
        DOOR.who = NORA
        change(page, console, "within: 14h", "within: 13h")
        page.get_by_role("button", name="Check").click()
        expect(page.get_by_text("Nothing is wrong with it")).to_be_visible()
        DOOR.who = PAUL
        change(page, console, "before: 7d", "before: 8d")
        page.get_by_role("button", name="See what changes").click()
        page.get_by_role("button", name="Apply").click()
        expect(page.get_by_text("In force", exact=True)).to_be_visible(timeout=TRIED)
        DOOR.who = NORA
        page.goto(f"{console}/console/rules/draft")
        expect(page.get_by_text("Somebody else changed new-car.yaml since you began")).to_be_visible()
        expect(page.get_by_role("button", name="Apply")).to_have_count(0)
        page.get_by_role("link", name="Edit new-car.yaml").click()
        assert "within: 13h" in page.get_by_label("The rules in new-car.yaml").input_value()
        page.get_by_role("button", name="Take theirs").click()
    assert any("before: 8d" in text for text in in_force(home).sources.values())


@pytest.mark.parametrize(
    "name", ["../secrets.yaml", "tests/new-car.yaml", ".hidden.yaml", "new-car.txt", "nothing.yaml"]
)
def test_only_files_of_rules_can_be_opened(browser: Browser, console: str, name: str) -> None:
    with opened(browser) as page:
        answer = page.request.get(f"{console}/console/rules/files/{name.replace('/', '%2f')}")
        assert answer.status == 404
