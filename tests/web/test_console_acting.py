"""What a person does on the console's pages: by a form, without script, once, and with their name."""

import re
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from orchestrator.access.roles import Role, Viewer
from orchestrator.ledger import Health, Stops
from orchestrator.model import Entry, Status
from orchestrator.reasons.sending import FROZEN, parked
from orchestrator.web.signed_in import OpenDoor
from tests.builders import at
from tests.web.browser import NORA, site
from tests.web.story import Evening, evening, opened

BERLINERS = Viewer(3, "Nora Brandt", "nora.brandt@example.com", Role.ADMIN, locations=frozenset({"berlin"}))
READER = Viewer(4, "Paul Lindner", "paul.lindner@example.com", Role.READ_ONLY)
BX = "orders/BX-100"
STILL = "BX-100/not-arrived/arrived#1.2026-03-12.r2/customer"


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ledger as it was that evening; each test has a copy."""
    file: Path = tmp_path_factory.mktemp("played") / "ledger.db"
    with evening(f"sqlite:///{file}"):
        pass
    return file


@pytest.fixture
def house(played: Path, tmp_path: Path) -> Iterator[Evening]:
    copy = shutil.copy(played, tmp_path / "ledger.db")
    with opened(f"sqlite:///{copy}") as found:
        yield found


@pytest.fixture
def console(house: Evening, tmp_path: Path) -> Iterator["Pages"]:
    door = OpenDoor(NORA)
    with site(house.engine, house.clock.now, door=door, outbox=tmp_path / "outbox") as found:
        pages = Pages(found)
        yield pages
        pages.client.close()


class Pages:
    """A browser without script: it reads a page, fills one of its forms and sends that."""

    def __init__(self, address: str) -> None:
        self.client = httpx.Client(base_url=f"{address}/console/", headers={"Origin": address})

    def get(self, page: str) -> httpx.Response:
        return self.client.get(page)

    def send(self, page: str, to: str, **filled: str) -> str:
        """Fill the form of a page that goes *to* there, send it, and return what is said then."""
        answer = self.client.post(f"{page}/{to}", data=self.fields(page, to, **filled))
        if answer.status_code != httpx.codes.SEE_OTHER:
            return f"{answer.status_code} {' '.join(re.findall(r'<p[^>]*>([^<]*)', answer.text))}"
        (said,) = re.findall(r'class="toast"[^>]*>([^<]*)', self.client.get(answer.headers["location"]).text)
        return str(said)

    def fields(self, page: str, to: str, **filled: str) -> dict[str, str]:
        """What the form carries by itself, and what is filled in; a key chooses among several of a kind."""
        forms = re.findall(
            rf'<form[^>]*action="[^"]*/{to}"[^>]*>(.*?)</form>', self.get(page).text, re.DOTALL
        )
        for form in forms:
            given = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form))
            named = [name for name in ("message", "task") if name in filled]
            if all(given[name] == filled[name] for name in named):
                return {**given, **filled}
        raise AssertionError(f"no form goes to {to} on {page}")


def entry(house: Evening, key: str) -> Entry:
    with house.engine.ledger.read() as tx:
        found = tx.entry(key)
    assert found is not None
    return found


def newest(house: Evening, order: str = "BX-100") -> tuple[str, str, dict[str, Any]]:
    """Type, source and data of what was heard last about an order."""
    with house.engine.ledger.read() as tx:
        fact = tx.order_facts([order])[order][-1]
    return fact.type, fact.source, dict(fact.data)


def record(house: Evening) -> list[tuple[str, str, str]]:
    with house.engine.ledger.read() as tx:
        return [(one.who, one.what, one.about) for one in tx.changes()]


def test_a_call_is_logged_with_the_name_of_whoever_called_and_ends_the_silence(
    house: Evening, console: Pages
) -> None:
    said = console.send(BX, "calls", direction="out", note="She knows.")

    assert said == "The call is on the order."
    kind, source, data = newest(house)
    assert (kind, source) == ("contact.logged", NORA.source)
    assert data == {"direction": "out", "by": "Nora Brandt", "note": "She knows."}
    with house.engine.ledger.read() as tx:
        row = tx.order("BX-100")
    assert row is not None
    assert row.silent_since == house.clock.now()
    assert record(house) == [("Nora Brandt", "contact.logged", "order BX-100")]


def test_an_order_is_put_on_hold_with_a_reason_and_says_nothing_until_it_goes_on(
    house: Evening, console: Pages
) -> None:
    assert "on hold" in console.send(BX, "hold", do="hold", reason="a question of money")
    assert newest(house)[:2] == ("order.held", NORA.source)
    held = console.get(BX).text
    assert "Put the order on hold" not in held
    assert "On hold since" in held
    assert "a question of money" in held.partition('class="figures"')[0], "why stands at the top"
    assert "Nothing is said while it is on hold" in held
    assert entry(house, STILL).status is not Status.SCHEDULED

    assert "The order goes on" in console.send(BX, "hold", do="release", reason="settled")
    assert newest(house)[2]["reason"] == "settled"
    assert "Let the order go on" not in console.get(BX).text
    assert [what for _, what, _ in record(house)] == ["order.released", "order.held"]


def test_a_form_that_is_sent_twice_is_heard_once(house: Evening, console: Pages) -> None:
    form = console.fields(BX, "calls", direction="in", note="again")
    first = console.client.post(f"{BX}/calls", data=form)
    with house.engine.ledger.read() as tx:
        before = len(tx.order_facts(["BX-100"])["BX-100"])
    house.clock.advance(datetime.resolution)
    second = console.client.post(f"{BX}/calls", data=form)

    assert (first.status_code, second.status_code) == (303, 303)
    with house.engine.ledger.read() as tx:
        assert len(tx.order_facts(["BX-100"])["BX-100"]) == before
    assert "That was done already." in console.get(BX).text


def test_a_corrected_promise_is_a_new_version_that_the_rules_tell(house: Evening, console: Pages) -> None:
    said = console.send(BX, "promises", milestone="arrived", date="2026-03-19", reason="the carrier")

    assert said == "The new date is on the order, and the rules tell the customer."
    assert newest(house)[2] == {
        "milestone": "arrived", "date": "2026-03-19", "told": False, "source": "Nora Brandt",
        "reason": "the carrier",
    }  # fmt: skip
    assert "not told" in console.get(BX).text


def test_a_promise_that_is_no_date_is_refused_and_nothing_is_kept(house: Evening, console: Pages) -> None:
    before = newest(house)
    said = console.send(BX, "promises", milestone="arrived", date="soon")

    assert said.startswith("400 ")
    assert newest(house) == before


@pytest.mark.parametrize(
    ("to", "given", "words"),
    [
        ("promises", {"date": "2019-01-01"}, "That day is past"),
        ("promises", {"date": "2026-03-12", "time": "08:00"}, "That day is past"),
        ("milestones", {"date": "2027-05-05"}, "That is still to come"),
    ],
)
def test_a_promise_of_the_past_and_a_milestone_of_the_future_are_refused_with_a_way_back(
    house: Evening, console: Pages, to: str, given: dict[str, str], words: str
) -> None:
    before = newest(house)

    form = console.fields(BX, to, milestone="arrived", **given)
    page = f"{console.client.base_url}{BX}"
    answer = console.client.post(f"{BX}/{to}", data=form, headers={"Referer": page})

    assert (answer.status_code, newest(house)) == (400, before)
    assert "<h1>Nothing was changed</h1>" in answer.text
    assert words in answer.text
    assert f'href="/console/{BX}"' in answer.text


def test_what_happened_yesterday_is_heard_as_of_then(house: Evening, console: Pages) -> None:
    console.send(BX, "milestones", milestone="arrived", date="2026-03-12", time="17:55", note="at the gate")

    with house.engine.ledger.read() as tx:
        (fact,) = [one for one in tx.order_facts(["BX-100"])["BX-100"] if one.data.get("note")]
    assert (fact.happened, fact.data["note"]) == (at("2026-03-12 17:55"), "at the gate")


def test_a_task_is_taken_on_and_then_finished(house: Evening, console: Pages) -> None:
    task = "BX-100/not-arrived/arrived#1.2026-03-12.r1.task/owner"
    assert console.send(BX, "tasks", task=task, do="take").startswith("The task is yours")
    assert newest(house)[0] == "task.acknowledged"
    assert console.send(BX, "tasks", task=task, do="done", outcome="She is content.") == "The task is done."
    with house.engine.ledger.read() as tx:
        row = tx.order("BX-100")
    assert row is not None
    assert task not in row.tasks


def test_a_message_is_sent_now_and_not_again_at_its_time(house: Evening, console: Pages) -> None:
    assert console.send(BX, "messages", message=STILL, do="now") == "It leaves now."
    house.work()

    assert entry(house, STILL).status is Status.ACCEPTED
    house.until(at("2026-03-13 18:00"))
    said = [sent for sent in house.channels["sms"].messages if sent.id == STILL]
    assert len(said) == 1


def test_a_message_waits_until_when_somebody_wants_it(house: Evening, console: Pages) -> None:
    said = console.send(BX, "messages", message=STILL, do="later", date="2026-03-14", time="10:30")

    assert said == "It leaves at Sat 2026-03-14 10:30 (Nora Brandt wants it then)."
    assert entry(house, STILL).run_at == at("2026-03-14 10:30")
    assert "wants what not-arrived says to leave at Sat 14 Mar 10:30" in console.get(BX).text


def test_a_message_that_is_taken_back_is_never_wanted_again(house: Evening, console: Pages) -> None:
    said = console.send(BX, "messages", message=STILL, do="cancel", reason="I call her")

    assert said == "It is taken back for good."
    found = entry(house, STILL)
    assert (found.status, found.by_person) == (Status.CANCELLED, True)
    assert found.reason == "Nora Brandt took it back: I call her"
    house.hear({**_again(), "id": "other"})
    assert entry(house, STILL).status is Status.CANCELLED
    assert "Nora Brandt took it back: I call her" in console.get(BX).text


def _again() -> dict[str, Any]:
    from tests.builders import event

    return event("promise.made", "BX-100", "2026-03-12 18:00", milestone="arrived", date="2026-03-12")


def test_a_message_that_left_meanwhile_is_not_taken_back(house: Evening, console: Pages) -> None:
    form = console.fields(BX, "messages", message=STILL, do="cancel", reason="")
    house.until(at("2026-03-13 18:00"))
    answer = console.client.post(f"{BX}/messages", data=form)

    assert answer.status_code == 303
    assert "Nothing was changed: it is accepted by now." in console.get(BX).text
    assert entry(house, STILL).status is Status.ACCEPTED


def test_a_message_cannot_be_sent_in_the_past_or_that_of_another_order(console: Pages) -> None:
    past = console.send(BX, "messages", message=STILL, do="later", date="2026-03-11", time="10:00")
    assert "moment is past" in past
    form = console.fields(BX, "messages", message=STILL) | {"message": "BX-104/x/y/customer", "do": "now"}
    assert console.client.post(f"{BX}/messages", data=form).status_code == 400


@pytest.mark.parametrize("to", ["calls", "promises", "milestones", "tasks", "messages"])
def test_without_its_own_pages_token_nothing_is_done(house: Evening, console: Pages, to: str) -> None:
    before = newest(house)
    assert console.client.post(f"{BX}/{to}", data={"once": "12345678", "do": "now"}).status_code == 403
    assert newest(house) == before


def test_whoever_only_reads_has_no_form_and_whoever_is_of_elsewhere_sees_nothing(
    house: Evening,
) -> None:
    with site(house.engine, house.clock.now, door=OpenDoor(READER)) as found:
        page = httpx.get(f"{found}/console/{BX}").text
        assert "Maria Keller" in page
        assert 'method="post"' not in page
    with site(house.engine, house.clock.now, door=OpenDoor(BERLINERS)) as found:
        for page in (BX, "customers/maria"):
            assert httpx.get(f"{found}/console/{page}").status_code == 404
        assert "Maria" not in httpx.get(f"{found}/console/now").text
        assert "Maria" not in httpx.get(f"{found}/console/search?q=maria").text
        assert httpx.get(f"{found}/console/customers/maria/erase").status_code == 403


def test_everything_that_is_kept_of_a_customer_is_handed_out_as_a_file(
    house: Evening, console: Pages
) -> None:
    form = console.fields("customers/maria", "export")
    answer = console.client.post("customers/maria/export", data=form)

    assert answer.headers["content-disposition"].startswith("attachment")
    document = answer.json()
    assert document["person"]["name"] == "Maria Keller"
    assert [order["order"] for order in document["orders"]] == ["BX-100"]
    assert record(house) == [("Nora Brandt", "customer exported", "customer maria")]


def test_a_customer_is_erased_only_by_whoever_may_and_types_the_id(house: Evening, tmp_path: Path) -> None:
    with ExitStack() as closing:
        found = closing.enter_context(site(house.engine, house.clock.now, outbox=tmp_path / "outbox"))
        paul = Pages(found)
        closing.callback(paul.client.close)
        form = paul.fields("customers/maria/erase", "erase", typed="mary")
        wrong = paul.client.post("customers/maria/erase", data=form)
        assert (wrong.status_code, "type the id just as it stands" in wrong.text) == (400, True)
        assert "Maria Keller" in paul.get("customers/maria").text
        done = paul.client.post("customers/maria/erase", data=form | {"typed": "maria", "reason": "asked"})
        assert done.status_code == 303
        page = paul.get("customers/maria").text
        assert "This customer was erased" in page
        assert "Maria Keller" not in page
        assert "Maria" not in paul.get("search?q=maria").text
    assert record(house)[0] == ("Paul Lindner", "customer erased", "customer maria")


def test_what_stands_in_the_way_of_the_whole_house_is_told_first(house: Evening, console: Pages) -> None:
    now = house.clock.now()
    with house.engine.ledger.transaction() as tx:
        tx.pause(Stops.CHANNEL, "sms", now, "the contract ended")
        tx.pause(Stops.EVERYTHING, "", now, "a fire drill")
        tx.keep_health(Health("email", 12, 1, now, now, reason="535 authentication failed"))
        tx.store_ruleset("digest", {"rules/new-car.yaml": "version: 1"})
        waiting = [one.id for one in tx.entries_of(["BX-100"], statuses={Status.SCHEDULED})["BX-100"]]
        tx.hold(waiting[:1], FROZEN, now)
        tx.hold(waiting[1:], parked("its text says what nobody knows"), now)
    page = console.get("now").text

    for said in (
        "Channel <bdi>sms</bdi> is paused", "the contract ended", "Everything is paused", "a fire drill",
        "The channel <bdi>email</bdi> does not work", "535 authentication failed",
        "Changed rules wait for a release", "1 message or task is frozen",
        "an approver or admin releases it", 'href="/console/rules/held"',
        "wait for a text or a fact to be mended", "its text says what nobody knows",
    ):  # fmt: skip
        assert said in page
    order = console.get(BX).text
    assert "beforehand plan" not in order, "whoever reads it has a page for it, and no command line"
    assert 'that would change it wait for a person. <a href="/console/rules/held">' in order
