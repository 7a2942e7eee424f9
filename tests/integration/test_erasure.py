"""Erasing a person: nothing of them is left in any byte, and everything else goes on."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from channels.base import Message
from channels.file import FileChannel
from orchestrator.errors import Busy, NotFound
from orchestrator.ledger import Ledger, sqlite
from orchestrator.model import Status
from orchestrator.persons.disclosure import as_text, disclose
from orchestrator.persons.erasure import dry_run, erase
from orchestrator.persons.remains import still_left
from orchestrator.sight import look_at_facts
from tests.builders import event, promised
from tests.integration.dealership import RULES, START, WORDS, Dealership, arrived, customer, order

SECRETS = (
    "Maria", "Keller", "maria.keller", "23125101", "d7Jk2-device", "M-LK 1234", "after six", "192.0.2.7",
    "Ringstr", "lovely", "strike in the",
)  # fmt: skip
TASKS = (
    RULES
    + """\
  - id: wash
    on: {reached: arrived}
    task: {for: owner, do: wash-it}
  - id: prepared
    on: {reached: prepared}
    say: arrived
    channels: [sms, email]
    timing: {at: now, within: 6h}
  - id: wait
    on: {after: arrived, by: 3d}
    say: arrived
    channels: [email]
  - id: call
    on: {after: arrived, by: 1h}
    task: {for: owner, do: wash-it}
"""
)
PARTNER = {"name": "Jonas Weber", "email": "jonas.weber@example.org"}
PAYER = {"name": "Maria Keller", "email": "maria.keller@example.com"}
SAID = {**WORDS, "wash-it/email.txt.en": "Subject: Wash it\n\n{{ customer.name or 'the customer' }} waits.\n"}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Dealership]:
    outbox = tmp_path / "outbox"
    channels = {name: FileChannel(outbox, name) for name in ("email", "sms")}
    made = Dealership(tmp_path, channels, rules_text=TASKS, words=SAID)
    with (
        made.ledger._database.writing() as connection
    ):  # some builds of SQLite zero what they free, others do not
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA secure_delete=OFF")
    yield made
    made.close()


def life() -> list[dict[str, Any]]:
    """Everything a customer may leave behind."""
    return [
        customer(devices=["d7Jk2-device"], attributes={"street": "Ringstr. 1"}),
        event("consent.given", "maria", START, purpose="marketing", channel="email",
              evidence={"how": "form", "ip": "192.0.2.7", "wording": "lovely news"}),
        event("preference.set", "maria", START, channels=["email"]),
        order(attributes={"plate": "M-LK 1234"}, parties={"co_buyer": PARTNER, "pays": PAYER}),
        promised("BX-1", "arrived", "2026-03-12", START, reason="strike in the yard"),
        arrived(note="Maria saw it"),
        event("message.replied", "BX-1", START, channel="sms", text="call me after six"),
        event("feedback.given", "BX-1", START, phase="handover", score=9, comment="lovely"),
        event("yard.note", "BX-1", START, text="Maria Keller came by"),
    ]  # fmt: skip


def bytes_of(folder: Path) -> bytes:
    """Every byte that is kept, file names included."""
    kept = [path for path in folder.rglob("*") if path.is_file() and "templates" not in path.parts]
    return b"\n".join(path.name.encode() + path.read_bytes() for path in kept)


def standing(house: Dealership) -> list[str]:
    content = bytes_of(house.folder)
    return [secret for secret in SECRETS if secret.encode() in content]


def gone(house: Dealership, who: str = "maria") -> Any:
    return erase(house.engine, who, "she asked", house.clock.now(), house.folder / "outbox")


def test_nothing_of_an_erased_person_is_left_in_any_byte(house: Dealership) -> None:
    house.hear(*life())
    house.drain()
    house.hear(customer(time=START, email="maria.keller@example.net", name="Maria Keller-Lang"))
    assert {"Maria", "Keller", "M-LK 1234", "Ringstr"} <= set(standing(house))

    report = gone(house)

    assert standing(house) == []
    assert report.left == ()
    assert b"Nora Brandt" in bytes_of(house.folder)


def test_an_export_shows_no_mail_that_was_for_somebody_else_not_even_at_the_same_address(
    tmp_path: Path,
) -> None:
    outbox = tmp_path / "outbox"
    rules = (
        RULES.replace("say: arrived", "to: [customer, co_buyer]\n    say: arrived", 1) + TASKS[len(RULES) :]
    )
    house = Dealership(tmp_path, {"email": FileChannel(outbox, "email")}, rules_text=rules, words=SAID)
    partner = {"name": "Jonas Weber", "email": "maria.keller@example.com"}
    house.hear(customer(phone=""), order(parties={"co_buyer": partner}), arrived())
    house.drain()

    with house.ledger.read() as tx:
        ended = {(entry.wanted.role, entry.channel) for entry in tx.entries_in({Status.ACCEPTED})}
        document = disclose(tx, "maria", outbox, house.clock.now())
    house.close()
    assert {("customer", "email"), ("co_buyer", "email"), ("owner", "email")} <= ended
    assert len(list(outbox.iterdir())) >= 3
    (mine,) = document["outbox"]
    assert "Jonas" not in mine["text"]


def test_a_last_name_by_itself_in_anothers_order_is_kept_and_named_for_somebody_to_look(
    house: Dealership,
) -> None:
    house.hear(*life(), customer("jonas", name="Jonas Weber", email="jonas.weber@example.org", phone=""))
    house.hear(order("BX-2", "jonas", owner={"name": "Nora Keller", "email": "nora.keller@example.net"}))
    said = [
        event("contact.logged", "BX-2", START, note="Frau Keller drives it home"),
        event("contact.logged", "BX-2", START, note="stands in the Kellerhalle"),
        event("contact.logged", "BX-2", START, note="Maria Keller drives it home"),
    ]
    house.hear(*said)

    report = gone(house)

    (line,) = [line for line in report.lines if line.what == "last name alone"]
    assert (line.count, line.became) == (1, "kept")
    assert str(said[0]["id"]) in line.why
    assert "another may be called so" in line.why
    assert b"Frau Keller" in bytes_of(house.folder)
    assert b"Maria Keller" not in bytes_of(house.folder)


@pytest.mark.parametrize("first", [True, False], ids=["before the customer is known", "afterwards"])
def test_what_a_company_says_of_a_customer_in_its_own_words_is_the_customers(
    house: Dealership, *, first: bool
) -> None:
    opened = event("app.opened", "maria", "2026-03-12 07:00", who="Maria Keller")
    for news in ([opened], life()) if first else (life(), [opened]):
        house.hear(*news)
    with house.ledger.read() as tx:
        assert "maria" not in tx.orders(["maria"]), "an order that nobody announced"
        document = disclose(tx, "maria", house.folder / "outbox", house.clock.now())
    assert "app.opened" in [fact["type"] for fact in document["facts"]]
    assert gone(house).left == ()
    assert standing(house) == []


def test_an_order_under_a_customers_id_keeps_what_is_said_of_it(house: Dealership) -> None:
    said = event("app.opened", "17", "2026-03-12 07:00", colour="blue")
    for news in (customer("17"), said, order("17", "jonas")):
        house.hear(news)
    gone(house, "17")
    with house.ledger.read() as tx:
        assert "blue" in [fact.data.get("colour") for fact in tx.order_facts(["17"])["17"]]


def test_a_dry_run_says_the_same_and_changes_nothing(house: Dealership) -> None:
    house.hear(*life())
    house.drain()
    before = bytes_of(house.folder)

    said = dry_run(house.engine, "maria", house.folder / "outbox")

    assert bytes_of(house.folder) == before
    assert said.dry
    assert said.lines == gone(house).lines


def test_the_fold_goes_on_and_rebuilding_gives_the_same(house: Dealership) -> None:
    house.hear(*life())
    house.drain()
    gone(house)
    with house.ledger.read() as tx:
        before = tx.orders(["BX-1"])
    assert before["BX-1"].problem == ""
    assert before["BX-1"].milestone == "arrived"
    house.engine.rebuild(house.clock.now())
    with house.ledger.read() as tx:
        assert tx.orders(["BX-1"]) == before


def test_what_was_said_stays_said_and_nothing_more_is_said_to_them(house: Dealership) -> None:
    house.hear(*life())
    house.drain()
    gone(house)
    assert house.entry().status is Status.ACCEPTED
    assert (house.entry("wait").status, house.entry("wait").reason) == (
        Status.SUPPRESSED,
        "the customer was erased",
    )

    house.hear(event("milestone.reached", "BX-1", START, milestone="prepared"))
    house.drain()
    house.pass_time(timedelta(days=4))
    assert [entry for entry in house.entries() if entry.wanted.rule == "prepared"] == []
    files = [path.name for path in (house.folder / "outbox").iterdir()]
    assert all("-owner_" in name for name in files)


def test_tasks_about_the_order_of_an_erased_customer_go_on_without_the_name(house: Dealership) -> None:
    house.hear(*life())
    house.drain()
    gone(house)
    house.pass_time(timedelta(hours=2))

    (task,) = (house.folder / "outbox").iterdir()
    assert "the customer waits." in task.read_text()
    assert standing(house) == []


@pytest.mark.parametrize("late", [False, True], ids=["heard before", "heard after"])
def test_a_task_rendered_before_the_erasure_is_rendered_again_without_the_name(
    tmp_path: Path, late: bool
) -> None:
    house = Dealership(
        tmp_path, {"email": FileChannel(tmp_path / "outbox", "email")}, rules_text=TASKS, words=SAID
    )
    house.hear(customer(), order(), arrived())
    composer = house.dispatcher._composer

    class ErasedMeanwhile:
        def compose(self, *what: Any) -> Message:
            message = composer.compose(*what)
            house.hear(event("customer.erased", "maria", START, event_id="erase-maria", reason="asked"))
            if late:
                house.hear(customer(time="2026-03-12 11:00", event_id="nightly"))
            return message

    house.dispatcher._composer = ErasedMeanwhile()
    house.drain()

    (task,) = (tmp_path / "outbox").iterdir()
    assert "the customer waits." in task.read_text()
    house.close()


def test_an_erased_address_is_never_written_to_again_under_any_id(house: Dealership) -> None:
    house.hear(*life())
    gone(house)
    house.hear(customer("maria-2", phone=None), order("BX-2", "maria-2"), arrived("BX-2"))
    house.drain()

    entry = house.entry(order="BX-2")
    assert entry.status is Status.SUPPRESSED
    assert "its owner was erased" in entry.reason


def test_what_comes_in_again_is_recognised_and_kept_without_payload(house: Dealership) -> None:
    house.hear(*life())
    gone(house)
    again = customer(event_id="nightly-1", time="2026-03-12 10:30")
    assert house.hear(again).new == 1
    assert house.hear(again).duplicates == 1
    house.hear(
        order("BX-3", time="2026-03-12 10:30", attributes={"plate": "M-LK 1234"}),
        arrived("BX-3", note="Maria"),
    )
    house.hear(event("message.replied", "BX-1", "2026-03-12 10:31", channel="sms", text="after six"))
    house.drain()

    assert standing(house) == []
    with house.ledger.read() as tx:
        assert tx.order_facts(["BX-3"])["BX-3"][0].data["customer"] == "maria"


def test_the_same_event_as_before_is_a_duplicate_though_its_payload_is_gone(house: Dealership) -> None:
    first = customer(event_id="crm-1")
    house.hear(first, order())
    gone(house)
    assert house.hear(first).duplicates == 1
    assert standing(house) == []


def test_in_other_peoples_orders_only_the_mention_goes(house: Dealership) -> None:
    buyer = {"name": "Maria Keller", "email": "maria.keller@example.com", "phone": "+493023125101"}
    house.hear(
        *life(),
        customer(
            "jonas", name="Jonas Weber", given_name="Jonas", email="jonas.weber@example.com", phone=None
        ),
    )
    house.hear(order("BX-7", "jonas", parties={"co_buyer": buyer}, attributes={"plate": "B-JW 7"}))
    gone(house)

    assert standing(house) == []
    with house.ledger.read() as tx:
        data = tx.order_facts(["BX-7"])["BX-7"][0].data
    assert data["attributes"] == {"plate": "B-JW 7"}
    assert data["parties"]["co_buyer"] == {"name": "", "email": "", "phone": ""}
    assert data["owner"]["name"] == "Nora Brandt"


def test_whoever_else_an_order_names_is_served_on(house: Dealership) -> None:
    house.hear(*life())
    gone(house)
    house.hear(order(time="2026-03-12 10:30", parties={"neighbour": {"name": "Maria Keller"}}))
    with house.ledger.read() as tx:
        parties = look_at_facts(tx, house.engine.book, ["BX-1"]).orders["BX-1"].parties
    assert {role: person.name for role, person in parties.items()} == {"co_buyer": "Jonas Weber", "pays": ""}
    assert standing(house) == []


def test_everybody_who_is_the_same_person_is_erased(house: Dealership) -> None:
    house.hear(customer("maria-old", email="keller.m@example.org"), *life())
    house.hear(event("customer.merged", "maria-old", START, into="maria"))
    assert gone(house, "maria-old").ids == ("maria", "maria-old")
    assert standing(house) == []
    assert b"keller.m@example.org" not in bytes_of(house.folder)


def test_whoever_is_merged_into_somebody_erased_hears_nothing_and_is_erased_in_turn(
    house: Dealership,
) -> None:
    house.hear(*life())
    gone(house)
    house.hear(customer("maria-2", email="keller.m@example.org"), order("BX-2", "maria-2"))
    house.hear(event("customer.merged", "maria-2", START, into="maria"), arrived("BX-2"))
    house.drain()
    assert not [entry for entry in house.entries("BX-2") if entry.wanted.role == "customer"]

    assert gone(house, "maria-2").ids == ("maria", "maria-2")
    assert standing(house) == []
    assert b"keller.m@example.org" not in bytes_of(house.folder)


def test_while_a_message_of_theirs_is_leaving_nothing_is_erased(house: Dealership) -> None:
    house.hear(*life())
    with house.ledger.transaction() as tx:
        tx.claim(START, 10, "worker", timedelta(minutes=5))
    with pytest.raises(Busy, match="being sent just now"):
        gone(house)
    assert "Maria" in standing(house)


def test_while_somebody_reads_the_free_space_waits_for_a_second_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT", 0.1)
    house = Dealership(tmp_path, rules_text=TASKS, words=SAID)
    house.hear(*life())
    with Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}") as other, other.read() as tx:
        assert tx.newest_fact()
        assert "read" in gone(house).unclean
    assert gone(house).unclean == ""
    assert standing(house) == []
    house.close()


def test_nobody_of_that_name_is_said(house: Dealership) -> None:
    with pytest.raises(NotFound, match="no customer is called 'nobody'"):
        gone(house, "nobody")


def test_erasing_twice_adds_nothing(house: Dealership) -> None:
    house.hear(*life())
    gone(house)
    with house.ledger.read() as tx:
        newest = tx.newest_fact()
    gone(house)
    with house.ledger.read() as tx:
        assert tx.newest_fact() == newest


@pytest.mark.parametrize(
    "written",
    ["+49 30 23125101", "+493023125101", "0049 30 23125-101", "(030) 23125 101", "+49 (0)30/23125.101",
     "MARIA  KELLER", "Maria.Keller@Example.com"],
)  # fmt: skip
def test_a_mention_is_taken_out_however_it_is_written(house: Dealership, written: str) -> None:
    house.hear(*life(), order("BX-7", "jonas"))
    house.hear(
        event("x.note", "BX-7", START, event_id="n-1", text=f"call {written} please", colour="blue", sum=4930)
    )
    report = gone(house)
    assert report.left == ()
    assert any("dealer/n-1 (x.note) of BX-7" in line.why for line in report.lines)
    with house.ledger.read() as tx:
        (note,) = [fact for fact in tx.order_facts(["BX-7"])["BX-7"] if fact.id == "n-1"]
    assert note.data == {"text": "call … please", "colour": "blue", "sum": 4930}


def test_what_is_said_of_them_under_another_customer_is_taken_out_and_the_others_name_stays(
    house: Dealership,
) -> None:
    house.hear(
        *life(), customer("jonas", name="Jonas Weber", given_name="Jonas", email="j@example.org", phone=None)
    )
    house.hear(event("x.note", "jonas", START, event_id="n-1", text="married to Maria Keller"))
    assert gone(house).left == ()
    assert standing(house) == []
    assert b"Jonas Weber" in bytes_of(house.folder)


def test_where_something_stays_is_named_and_a_second_time_claims_nothing(house: Dealership) -> None:
    house.hear(*life(), order("BX-7", "jonas"))
    house.hear(event("x.note", "BX-7", START, event_id="n-1", by={"Maria Keller": "called"}))
    for report in (gone(house), gone(house)):
        stands = [line.why for line in report.lines if line.what == "still stands"]
        assert stands == ["fact dealer/n-1 (x.note) of order BX-7: data.by.…"]
        assert report.left
    assert not report.looked
    with house.ledger.read() as tx:
        assert [note.customer for note in still_left(tx)] == ["maria"]


def test_a_reason_that_names_who_asked_keeps_the_reason_and_not_the_name(house: Dealership) -> None:
    house.hear(*life())
    why = "request of Maria Keller (maria.keller@example.com), 5 March"
    report = erase(house.engine, "maria", why, house.clock.now(), house.folder / "outbox")
    assert (report.left, standing(house)) == ((), [])
    with house.ledger.read() as tx:
        said = [fact for fact in tx.customer_facts(["maria"])["maria"] if fact.type == "customer.erased"]
    assert [fact.data for fact in said] == [{"reason": "request of … (…), 5 March"}]


def test_a_number_that_is_part_of_a_longer_one_is_left_alone(house: Dealership) -> None:
    house.hear(*life(), order("BX-7", "jonas"))
    house.hear(event("x.note", "BX-7", START, event_id="n-1", text="part 99302312510177"))
    assert gone(house).left == ()
    with house.ledger.read() as tx:
        assert "part 99302312510177" in str(tx.order_facts(["BX-7"]))


def test_a_number_that_somebody_else_has_as_well_is_theirs_and_no_remainder(house: Dealership) -> None:
    house.hear(*life())
    house.hear(customer("jonas", name="Jonas Weber", given_name="Jonas", email="jonas.weber@example.org"))
    report = gone(house)
    assert (report.left, [line.what for line in report.lines if line.became == "not taken out"]) == ((), [])
    with house.ledger.read() as tx:
        assert list(still_left(tx)) == []
        (told,) = tx.customer_facts(["jonas"])["jonas"]
    assert told.data["phone"] == "+493023125101"


def test_what_is_kept_is_told_to_a_reader_as_people_write_it(house: Dealership) -> None:
    night = {"days": ["mon", "fri"], "from": "19:00", "to": "21:00"}
    house.hear(*life(), event("preference.set", "maria", START, channels=["email"], windows=[night]))
    house.drain()
    with house.ledger.read() as tx:
        told = "\n".join(as_text(disclose(tx, "maria", house.folder / "outbox", house.clock.now())))
    assert "windows: days: Monday, Friday, start: 19:00, end: 21:00\n" in told
    assert "learning: yes\n" in told
    for machine in ("\r", "True", "00:00:", "known:", ": \n", ": ,"):
        assert machine not in told
