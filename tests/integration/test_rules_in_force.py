"""What is planned or sent is planned and sent under what is in force in the ledger at that transaction."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest

from channels.memory import MemoryChannel
from orchestrator import activation, config
from orchestrator.cli import house, ledgers
from orchestrator.clock import VirtualClock
from orchestrator.config.in_force import at_start, older, planning, policy
from orchestrator.config.quiet_hours import OURS as LAW
from orchestrator.engine import Engine
from orchestrator.intake import Incoming
from orchestrator.ledger import RuleSetState
from orchestrator.model import Entry, Status
from orchestrator.sending.dispatch import Dispatcher
from tests.builders import incoming, promised, why
from tests.installation import CAR, NORA, Home, event, home
from tests.integration.dealership import entries_of, run

__all__ = ["home"]

RULES = """\
version: 1
journey: short
phases: {waiting: [ordered, built]}
rules:
  - {id: ordered, on: {reached: ordered}, say: word, channels: [email], timing: {at: now, within: 6h}}
"""
SAY_IT_NOW = "  - {id: say-it-now, on: {reached: built}, say: word, channels: [email], timing: now}\n"


@pytest.fixture
def short(home: Home) -> Home:
    """One short journey beside the others, with a rule that says so when the order came in."""
    home.write("rules/short.yaml", RULES)
    home.write("templates/short/word/email.txt.en.j2", "Subject: News\n\nHello {{ customer.name }}.\n")
    return home


@contextmanager
def running() -> Iterator[Engine]:
    """The engine of a daemon that started before anything was changed."""
    settings = config.load(Path("config.toml"), {})
    with ledgers.engine_in_force(settings) as engine:
        yield engine


def known(kind: str, order: str = "A-1", ago: timedelta = timedelta(), **data: Any) -> Incoming:
    return incoming(orjson.loads(event(kind, order, datetime.now(UTC) - ago, **data)))


def order(ago: timedelta = timedelta(minutes=5)) -> list[Incoming]:
    about = {"customer": "C-1", "journey": "short", "owner": NORA, "attributes": CAR}
    return [
        known("customer.upserted", "C-1", ago, name="Maria Keller", email="maria@example.com", locale="en"),
        known("order.upserted", "A-1", ago, **about),
    ]


def said(engine: Engine, rule: str) -> list[Entry]:
    return [entry for entry in entries_of(engine, "A-1") if entry.wanted.rule == rule]


def dispatcher(engine: Engine, now: datetime) -> tuple[Dispatcher, MemoryChannel]:
    settings = config.load(Path("config.toml"), {})
    email = MemoryChannel("email")
    composer = house.composer(settings, house.texts(settings))
    return Dispatcher(engine, composer, {"email": email}, VirtualClock(now)), email


def put_in_force(engine: Engine, text: str) -> None:
    """What `beforehand apply` does first; then it is killed, and has planned nothing yet."""
    with engine.ledger.transaction() as tx:
        active = tx.ruleset(RuleSetState.ACTIVE)
        assert active is not None
        sources = {**active.sources, "rules/short.yaml": text}
        tx.activate_ruleset(tx.store_ruleset(activation.digest_of(sources), sources), datetime.now(UTC))


def test_news_right_after_apply_is_planned_under_the_rules_that_were_applied(short: Home) -> None:
    with running() as engine:
        engine.hear(order(), datetime.now(UTC))
        short.write("rules/short.yaml", RULES + SAY_IT_NOW)
        assert short.run("apply")[0] == 0
        engine.hear([known("milestone.reached", milestone="built")], datetime.now(UTC))
        assert [entry.status for entry in said(engine, "say-it-now")] == [Status.SCHEDULED]
        assert short.run("plan")[1].endswith(
            "these rules and settings are in force, and nothing would change\n"
        )


def test_marked_orders_are_planned_under_the_rules_in_force(short: Home) -> None:
    with running() as engine:
        engine.hear([*order(), known("milestone.reached", milestone="ordered")], datetime.now(UTC))
        put_in_force(engine, RULES.replace("id: ordered", "id: other"))
        with engine.ledger.transaction() as tx:
            tx.mark_all()
        engine.plan_changed(datetime.now(UTC))
        assert [entry.status for entry in said(engine, "ordered")] == [Status.CANCELLED]


def test_what_the_rules_in_force_no_longer_want_is_not_sent(short: Home) -> None:
    with running() as engine:
        engine.hear([*order(), known("milestone.reached", milestone="ordered")], datetime.now(UTC))
        put_in_force(engine, RULES.replace("id: ordered", "id: other"))
        sender, email = dispatcher(engine, datetime.now(UTC) + timedelta(seconds=1))
        run(sender.drain())
        assert not email.messages


def test_what_the_rules_in_force_want_is_sent_by_a_daemon_that_was_there_before(short: Home) -> None:
    with running() as engine:
        engine.hear(order(), datetime.now(UTC))
        short.write("rules/short.yaml", RULES + SAY_IT_NOW)
        assert short.run("apply")[0] == 0
        engine.hear([known("milestone.reached", milestone="built")], datetime.now(UTC))
        sender, email = dispatcher(engine, datetime.now(UTC) + timedelta(seconds=1))
        run(sender.drain())
        assert [message.subject for message in email.messages] == ["News"]


def test_what_waits_because_the_rules_that_were_said_so_waits_no_longer(short: Home) -> None:
    with running() as engine:
        now = datetime.now(UTC)
        engine.hear([*order(), known("milestone.reached", milestone="ordered")], now)
        with engine.ledger.transaction() as tx:
            (claimed,) = tx.claim(now + timedelta(seconds=1), 1, "worker", timedelta(minutes=1))
            later = now + timedelta(hours=3)
            tx.back_to_schedule(
                claimed.id, claimed.generation, step=0, not_before=later, reason=why("quiet hours"), now=now,
                outcome="unavailable", code="",
            )  # fmt: skip
        short.write("rules/short.yaml", RULES + SAY_IT_NOW)
        assert short.run("apply")[0] == 0
        (entry,) = said(engine, "ordered")
        assert entry.run_at == entry.due_at < later


def test_what_was_proposed_comes_into_force_whatever_somebody_else_applied_in_between(short: Home) -> None:
    settings = config.load(Path("config.toml"), {})
    with running() as engine:
        engine.hear([*order(), known("milestone.reached", milestone="ordered")], datetime.now(UTC))
        with ledgers.proposal(settings) as (ledger, proposed):
            assert not proposed.new
            put_in_force(engine, RULES.replace("id: ordered", "id: other"))
            activation.adopt(ledger, proposed, datetime.now(UTC), ledgers.in_force(settings))
        assert activation.sources_in_force(engine.ledger) == proposed.sources
        assert [entry.status for entry in said(engine, "ordered")] == [Status.SCHEDULED]


# ── settings ─────────────────────────────────────────────────────────────────

QUIET = '# service = "22:00-07:00"'  # as `init` writes it


def always_quiet(home: Home) -> None:
    """Service messages wait for one minute a day."""
    home.replace("config.toml", QUIET, f'service = "{_clock(-1)}-{_clock(-2)}"')


def _clock(minutes: int) -> str:
    """Maria's clock, so many minutes from now."""
    return f"{datetime.now(ZoneInfo('Europe/Berlin')) + timedelta(minutes=minutes):%H:%M}"


def test_a_running_daemon_follows_settings_that_were_applied_and_fights_nobody_over_them(short: Home) -> None:
    with running() as engine:
        engine.hear([*order(), known("milestone.reached", milestone="ordered")], datetime.now(UTC))
        before = said(engine, "ordered")[0].due_at
        always_quiet(short)
        engine.hear([known("contact.logged", direction="in", by="Nora Brandt")], datetime.now(UTC))
        assert said(engine, "ordered")[0].due_at == before, "what is written does not count yet"
        assert short.run("apply")[0] == 0
        after = [entry.due_at for entry in said(engine, "ordered")]
        engine.hear([known("customer.active", "C-1", surface="app")], datetime.now(UTC))
        assert [entry.due_at for entry in said(engine, "ordered")] == after != [before]
        assert replace(engine.book.policy, reports={}) == config.load(Path("config.toml"), {}).policy()


def test_settings_are_written_down_so_that_they_can_be_read_again(home: Home) -> None:
    home.write("law.toml", LAW.read_text(encoding="utf-8").replace("09:00", "10:00"))
    home.replace("config.toml", QUIET, 'law = "law.toml"\nservice = "none"\nsecurity = "01:00-02:00"')
    home.replace("config.toml", "[habits]", '[calendars."a.b"]\nmon = "10:00-12:00"\n[habits]')
    settings = config.load(Path("config.toml"), {})
    again, meant = policy(planning(settings)), settings.policy()
    assert replace(again, law=meant.law) == meant
    assert again.law.hours == meant.law.hours
    home.write("law.toml", "")
    assert policy(planning(settings)).law.hours == (), "what a file says counts, not its name"


def test_a_ledger_of_before_goes_on_with_the_settings_as_they_are_written(short: Home) -> None:
    with running() as engine, engine.ledger.transaction() as tx:
        tx.activate_ruleset(tx.store_ruleset("d", {"rules/short.yaml": RULES}), datetime.now(UTC))
        followed = replace(engine.follow(tx).policy, reports={})
        assert followed == config.load(Path("config.toml"), {}).policy()


def told(home: Home) -> dict[str, str]:
    rows = orjson.loads(home.run("doctor", "--format", "json")[1])
    return {row["what"]: f"{row['detail']}: {row['remedy']}" for row in rows if row["state"] == "look"}


def test_doctor_names_what_is_written_and_not_in_force(short: Home) -> None:
    assert short.run("ingest", short.story())[0] == 0
    assert "rules and settings" not in told(short)
    always_quiet(short)
    assert told(short)["rules and settings"] == (
        "others are in force than are written: settings: beforehand plan; then beforehand apply"
    )


def test_apply_and_doctor_say_what_a_running_daemon_knows_only_as_it_was(short: Home) -> None:
    settings = config.load(Path("config.toml"), {})
    with running() as engine, engine.ledger.daemon_lock():
        with engine.ledger.transaction() as tx:
            tx.remember(ledgers.DAEMON, at_start(settings))
        always_quiet(short)
        assert "daemon" not in told(short), "a daemon follows these"
        short.replace("config.toml", "port = 8000", "port = 9000")
        assert told(short)["daemon"] == "running with older settings of server: restart it"
        assert "the daemon runs with older settings of server: restart it" in short.run("apply")[2]
        with_port = config.load(Path("config.toml"), {"BEFOREHAND_SERVER__PORT": "9000"})
        assert older(at_start(settings), with_port) == [], "another process may have another environment"


def test_doctor_notices_a_plan_that_the_ledger_does_not_hold(short: Home) -> None:
    with running() as engine:
        engine.hear([*order(), known("milestone.reached", milestone="ordered")], datetime.now(UTC))
        assert "plans" not in told(short)
        with engine.ledger.transaction() as tx:
            (entry,) = tx.entries_of(["A-1"])["A-1"]
            tx.withdraw(entry.id, Status.CANCELLED, why("lost"), datetime.now(UTC))
        assert told(short)["plans"].startswith("something is wanted for 1 order and not planned, such as A-1")


MOVED = "  - {id: moved, on: {moved: built, settle: 15m}, say: word, channels: [email], timing: now}\n"


def test_an_edit_of_a_rule_loses_nothing_that_it_had_planned_and_that_waits(short: Home) -> None:
    short.write("rules/short.yaml", RULES + MOVED)
    assert short.run("apply")[0] == 0
    ahead = [(datetime.now(UTC) + timedelta(days=days)).date().isoformat() for days in (5, 9)]
    with running() as engine:
        engine.hear(order(), datetime.now(UTC))
        for number, day in enumerate(ahead):
            made = datetime.now(UTC) - timedelta(minutes=4 - number)
            engine.hear([incoming(promised("A-1", "built", day, made))], datetime.now(UTC))
        assert [entry.status for entry in said(engine, "moved")] == [Status.SCHEDULED]
        short.write("rules/short.yaml", RULES + MOVED.replace("15m", "1s"))
        code, out, _ = short.run("apply")
        assert (code, "0 to create, 1 to reschedule, 0 to cancel" in out) == (0, True)
        sender, email = dispatcher(engine, datetime.now(UTC) + timedelta(seconds=1))
        run(sender.drain())
        assert [message.subject for message in email.messages] == ["News"]
