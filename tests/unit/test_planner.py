"""What is wanted for one order as a whole: cancelled, unknown, unreachable, tasks, errors (DESIGN §4)."""

from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis.strategies import booleans, integers

from orchestrator.engine import problem_of
from orchestrator.journey import BusinessCalendar, Policy, RuleBook
from orchestrator.model import Decision, Entry, Fact, Kind, Notification, Purpose, Status
from orchestrator.planning.planner import wanted
from orchestrator.planning.reconcile import reconcile
from tests.builders import BERLIN, at, car_order, event, maria, promised, reached
from tests.deciding import book, decide, entry, fold, keys, one, outcome, why

ARRIVED = book(
    "{id: arrived, on: {reached: arrived}, say: arrived, channels: [sms, email], "
    "timing: {at: now, within: 6h}}"
)
HERE = reached("O-1", "arrived", "2026-03-12 11:20")
PROMISE = promised("O-1", "arrived", "2026-03-12", "2026-03-02 10:00")
ASK = book(
    '{id: ask, on: {upcoming: arrived, before: 0d, at: "16:00"}, '
    "task: {for: owner, do: ask, within: 1h, then: manager}}"
)


# ── the order ────────────────────────────────────────────────────────────────


def test_a_notification_says_what_made_it_due_and_what_would_take_it_back() -> None:
    note = one(decide(ARRIVED, HERE, now="2026-03-12 11:20"))

    assert note.key == "O-1/arrived/arrived#1/customer"
    assert note.because == "arrived happened on Thu 2026-03-12 11:20"
    assert note.unless == "arrived is taken back or a later milestone happens"


def test_a_cancelled_order_wants_nothing_and_says_why() -> None:
    cancelled = event("order.cancelled", "O-1", "2026-03-12 11:30", reason="changed her mind")
    decision = decide(ARRIVED, HERE, cancelled, now="2026-03-12 11:30")

    assert not decision.wanted
    assert why(decision) == "the order was cancelled on Thu 2026-03-12 11:30: changed her mind"


def test_only_a_rule_about_the_cancellation_speaks_of_a_cancelled_order_and_once() -> None:
    rules = book(
        "{id: arrived, on: {reached: arrived}, say: here}",
        "{id: off, on: {event: order.cancelled}, say: off}",
    )
    twice = [
        event("order.cancelled", "O-1", f"2026-03-12 11:3{minute}", sender=f"s{minute}") for minute in (0, 5)
    ]
    decision = decide(rules, HERE, *twice, now="2026-03-12 11:40")

    assert one(decision).rule == "off"
    assert why(decision) == "the order was cancelled on Thu 2026-03-12 11:30"


def test_on_hold_nothing_is_said_of_an_event_either() -> None:
    rules = book("{id: off, on: {event: order.cancelled}, say: off}")

    assert not decide(rules, event("order.held", "O-1", "2026-03-12 11:30"), now="2026-03-12 11:40").wanted


def test_facts_of_an_order_nobody_announced_wait_for_it() -> None:
    decision = decide(ARRIVED, HERE, now="2026-03-12 11:20", known=False)

    assert not decision.wanted
    assert why(decision) == "order O-1 is not known yet: no order.upserted was heard"


@pytest.mark.parametrize(("written", "hint"), [("bicycle", ""), ("newcar", "; did you mean 'new-car'?")])
def test_a_journey_nobody_wrote_is_a_problem(written: str, hint: str) -> None:
    order, customer = fold(
        {**car_order(), "data": {**car_order()["data"], "journey": written}}, maria(), HERE
    )
    two = replace(ARRIVED, journeys={**ARRIVED.journeys, "other": ARRIVED.journeys["new-car"]})
    decision = wanted(order, customer, two, at("2026-03-12 11:20"))

    assert decision.errors == (f"there is no journey called {written!r}{hint}",)


# ── the customer ─────────────────────────────────────────────────────────────


def test_an_order_before_its_customer_waits_for_them_while_it_is_useful() -> None:
    waiting = one(decide(ARRIVED, car_order(), HERE, now="2026-03-12 11:20", known=False))
    then = one(
        decide(
            ARRIVED, car_order(), HERE, maria(time="2026-03-12 12:00"), now="2026-03-12 12:00", known=False
        )
    )

    assert waiting.due_at == waiting.expires_at == at("2026-03-12 17:20")
    assert (then.key, then.due_at) == (waiting.key, at("2026-03-12 11:20"))


@pytest.mark.parametrize(
    ("status", "reason"),
    [("failed", "550"), ("unknown", "timeout"), ("suppressed", "unreachable: no address")],
)
def test_what_we_could_not_say_the_owner_must(status: str, reason: str) -> None:
    note = one(decide(ARRIVED, HERE, now="2026-03-12 11:20"))
    decision = decide(
        ARRIVED, HERE, outcome(note, "2026-03-12 11:21", status, reason=reason), now="2026-03-12 11:21"
    )

    assert keys(decision.wanted) == ["arrived/arrived#1.unreached/owner", "arrived/arrived#1/customer"]


@pytest.mark.parametrize(
    ("status", "reason"), [("suppressed", "shadow"), ("expired", "too late"), ("accepted", "")]
)
def test_what_was_withheld_on_purpose_is_nobodys_task(status: str, reason: str) -> None:
    note = one(decide(ARRIVED, HERE, now="2026-03-12 11:20"))

    assert (
        one(
            decide(
                ARRIVED,
                HERE,
                outcome(note, "2026-03-12 11:21", status, reason=reason),
                now="2026-03-12 11:21",
            )
        )
        == note
    )


def test_what_ended_stays_ended_when_the_hours_change_and_makes_no_task_because_of_them() -> None:
    note = one(decide(ARRIVED, HERE, now="2026-03-12 11:20"))
    refused = outcome(
        note, "2026-03-12 11:21", "suppressed", reason="the customer withdrew consent for sms on 2026-03-11"
    )
    night = {purpose: (time(11), time(23)) for purpose in Purpose}
    changed = replace(ARRIVED, policy=replace(ARRIVED.policy, quiet=night))
    decision = decide(changed, HERE, refused, now="2026-03-12 11:45")

    assert not [task for task in decision.wanted if task.kind is Kind.TASK]


def test_whom_nobody_may_write_to_nobody_is_asked_to_call_either() -> None:
    stop = event("consent.withdrawn", "C-1", "2026-03-11 09:00")
    night = {purpose: (time(11), time(23)) for purpose in Purpose}
    quiet = replace(ARRIVED, policy=replace(ARRIVED.policy, quiet=night))

    asked = decide(quiet, HERE, now="2026-03-12 11:20").wanted
    refused = decide(quiet, HERE, stop, now="2026-03-12 11:20").wanted

    assert [note.kind for note in asked] == [Kind.TASK, Kind.MESSAGE]
    assert [note.kind for note in refused] == [Kind.MESSAGE]
    assert not any(note.steps for note in (*asked[1:], *refused))


def test_the_task_to_reach_somebody_says_why_no_message_did() -> None:
    note = one(decide(ARRIVED, HERE, now="2026-03-12 11:20"))
    returned = outcome(note, "2026-03-12 11:21", "failed", reason="550 5.1.1")
    task, _ = sorted(decide(ARRIVED, HERE, returned, now="2026-03-12 11:21").wanted, key=lambda w: w.key)

    assert task.because == "arrived happened on Thu 2026-03-12 11:20; 550 5.1.1"


def test_old_news_that_reached_nobody_is_nobodys_task() -> None:
    old = reached("O-1", "arrived", "2026-03-01 11:20", heard="2026-03-12 11:20")
    note = one(decide(ARRIVED, old, now="2026-03-12 11:20"))
    unreached = outcome(note, "2026-03-12 11:21", "suppressed", reason="unreachable: no address")

    assert one(decide(ARRIVED, old, unreached, now="2026-03-12 11:21")).key == note.key


def test_nothing_is_planned_for_an_erased_customer_and_the_plan_says_so_at_once() -> None:
    erased = event("customer.erased", "C-1", "2026-03-12 09:00", reason="asked")
    decision = decide(ARRIVED, HERE, erased, now="2026-03-12 11:20")

    assert not decision.wanted
    assert why(decision) == "the customer was erased"


def test_staff_go_on_with_the_order_of_an_erased_customer() -> None:
    erased = event("customer.erased", "C-1", "2026-03-12 09:00", reason="asked")
    rules = book("{id: here, on: {reached: arrived}, say: here, task: {for: owner, do: wash}}")
    decision = decide(rules, HERE, erased, now="2026-03-12 11:20")

    assert keys(decision.wanted) == ["here/arrived#1.task/owner"]
    assert why(decision) == "the customer was erased"


# ── a ladder that is begun in the middle ─────────────────────────────────────

LADDER = (
    '{id: late, on: {missed: arrived, closes: "17:30"}, timing: {within: 12h}, rungs: ['
    "{say: late-1, task: {for: owner, do: call}}, "
    "{after: 1d, say: late-2, task: {for: owner, do: call-again}}, "
    "{every: 2d, say: late-3, at_most: 3}]}"
)


def test_a_rule_activated_in_the_middle_of_its_ladder_begins_with_its_first_text_at_the_next_rung() -> None:
    rules = book(LADDER, activated={"late": at("2026-03-13 20:00")})

    decision = decide(rules, PROMISE, now="2026-03-13 20:00")
    assert keys(decision.wanted) == [
        "late/arrived#1.2026-03-12.r1.task/owner",
        "late/arrived#1.2026-03-12.r1/customer",
    ]
    assert {note.due_at for note in decision.wanted} == {at("2026-03-15 17:30")}
    assert decision.silences == ()


def test_of_a_promise_missed_long_before_the_rule_counts_nothing_is_said() -> None:
    long_before = at("2026-03-14 09:00")
    for now in ("2026-03-14 09:00", "2026-03-15 17:30", "2026-03-17 18:00"):
        decision = decide(book(LADDER, activated={"late": long_before}), PROMISE, now=now)
        assert texts(decision) == {}
        assert "the rule counts only since Sat 2026-03-14 09:00" in why(decision)

    patient = LADDER.replace("within: 12h", "within: 12h, stale_after: 3d")
    decision = decide(book(patient, activated={"late": long_before}), PROMISE, now="2026-03-14 09:00")
    assert texts(decision) == {"late-1": "15 17:30"}


def test_a_ladder_that_was_over_before_the_rule_counts_stays_unsaid() -> None:
    patient = LADDER.replace("within: 12h", "within: 12h, stale_after: 30d")
    rules = book(patient, activated={"late": at("2026-03-20 09:00")})

    for now in ("2026-03-20 09:00", "2026-03-20 18:00", "2026-03-23 18:00"):
        assert decide(rules, PROMISE, now=now).wanted == ()


MINUTES = (
    "{id: late, on: {missed: arrived}, timing: now, rungs: ["
    "{say: late-1, task: {for: owner, do: call}}, {after: 2m, say: late-2}, "
    "{after: 4m, say: late-3, task: {for: owner, do: call-again}}]}"
)
DEADLINE = at("2026-03-12 08:14")


def promise_heard(made: int, counts: int) -> tuple[RuleBook, Any, datetime]:
    """A promise made, and a rule that counts, so many minutes after its deadline; and when both are there."""
    since, heard = (DEADLINE + timedelta(minutes=minutes) for minutes in (counts, made))
    told = promised(
        "O-1", "arrived", "2026-03-12 08:14", f"{heard.astimezone(ZoneInfo(BERLIN)):%Y-%m-%d %H:%M}"
    )
    return book(MINUTES, activated={"late": since}), told, max(since, heard)


def lived(rules: RuleBook, told: Any, start: datetime) -> list[str]:
    """What left when, minute by minute, as a ledger would have it: planned at news alone, sent when due."""
    have: dict[str, Entry] = {}
    outcomes: list[Any] = []
    left: list[str] = []

    def asked(now: datetime) -> Decision:
        order, customer = fold(car_order(), maria(), told, *outcomes)
        return wanted(order, customer, rules, now)

    def plan(now: datetime) -> None:
        changes = reconcile([asked(now)], {"O-1": list(have.values())})
        have.update({note.key: entry(note) for note in changes.create})
        have.update({move.wanted.key: entry(move.wanted) for move in changes.reschedule})
        for cancel in changes.cancel:
            del have[cancel.entry.key]

    plan(start)
    for now in (start + timedelta(minutes=minute) for minute in range(30)):
        due = [one for one in have.values() if one.status is Status.SCHEDULED and one.due_at <= now]
        still = {note.key: note.due_at for note in asked(now).wanted}
        assert all(still[one.key] <= now for one in due), "what is due is sent, and does not move on"
        for sent in due:
            have[sent.key] = replace(sent, status=Status.ACCEPTED)
            outcomes.append(outcome(sent.wanted, f"{now.astimezone(ZoneInfo(BERLIN)):%Y-%m-%d %H:%M}"))
            left.append(
                f"{(now - DEADLINE) // timedelta(minutes=1)} {sent.wanted.template.rpartition('/')[2]}"
            )
        if due:
            plan(now)
        assert not reconcile([asked(now)], {"O-1": list(have.values())}), "a second pass changes nothing"
    return sorted(left)


@pytest.mark.parametrize(
    ("made", "counts", "says"),
    [
        (-9, -9, ["0 late-1", "0 call", "2 late-2", "4 late-3", "4 call-again"]),
        (1, -9, ["1 late-1", "1 call", "2 late-2", "4 late-3", "4 call-again"]),
        (3, -9, ["3 late-1", "3 call", "4 late-2", "4 call-again", "6 late-3"]),
        (-9, 1, ["2 late-1", "2 call", "4 late-2", "4 call-again", "6 late-3"]),
        (1, 1, ["2 late-1", "2 call", "4 late-2", "4 call-again", "6 late-3"]),
        (3, 1, ["3 late-1", "3 call", "4 late-2", "4 call-again", "6 late-3"]),
        (-9, 3, ["4 late-1", "4 call", "4 call-again", "6 late-2", "8 late-3"]),
        (3, 3, ["4 late-1", "4 call", "4 call-again", "6 late-2", "8 late-3"]),
        (-9, 5, []),
    ],
)
def test_what_is_planned_of_a_ladder_begun_before_the_rule_counts_is_what_leaves(
    made: int, counts: int, says: list[str]
) -> None:
    assert lived(*promise_heard(made, counts)) == sorted(says)


@given(made=integers(-6, 12), counts=integers(-6, 6), always=booleans())
@settings(max_examples=30)
def test_whenever_a_ladder_begins_its_texts_are_said_once_and_in_order(
    made: int, counts: int, always: bool
) -> None:
    rules, told, start = promise_heard(made, counts)
    left = lived(replace(rules, activated={}) if always else rules, told, start)

    said = [text for _, text in sorted((int(at_), text) for at_, text in map(str.split, left))]
    texts_, tasks = [one for one in said if "late" in one], [one for one in said if "late" not in one]
    over = not always and counts > 4
    every = [] if over else ["late-1", "late-2", "late-3"]
    newest = always or counts <= 0  # of a ladder that began while its rule counted, after a gap
    assert texts_ == (every[-len(texts_) :] if newest and texts_ else every)
    assert bool(texts_) is not over
    assert tasks == ([] if over else ["call", "call-again"])


def test_a_rule_that_is_to_catch_up_begins_with_its_first_text_and_skips_no_task() -> None:
    rules = book(
        LADDER.replace("{id: late,", "{id: late, catch_up: true,"), activated={"late": at("2026-03-14 09:00")}
    )

    assert keys(decide(rules, PROMISE, now="2026-03-14 09:00").wanted) == [
        "late/arrived#1.2026-03-12.r1.task/owner",
        "late/arrived#1.2026-03-12.r1/customer",
        "late/arrived#1.2026-03-12.r2.task/owner",
        "late/arrived#1.2026-03-12.r2/customer",
    ]


def texts(decision: Decision) -> dict[str, str]:
    """Which text of the ladder is wanted when, by Munich's clocks."""
    return {
        note.template.rpartition("/")[2]: f"{note.due_at.astimezone(ZoneInfo(BERLIN)):%d %H:%M}"
        for note in decision.wanted
        if note.kind is Kind.MESSAGE
    }


def first_text(rules: RuleBook, now: str) -> Notification:
    (found,) = (n for n in decide(rules, PROMISE, now=now).wanted if n.template.endswith("late-1"))
    return found


@pytest.mark.parametrize(
    ("back", "says"),
    [
        ("2026-03-13 09:00", {"late-1": "12 17:30", "late-2": "13 17:30"}),
        ("2026-03-13 20:00", {"late-1": "13 17:30", "late-2": "14 17:30"}),
        ("2026-03-17 18:00", {"late-1": "17 17:30", "late-2": "18 17:30"}),
    ],
)
def test_who_never_heard_any_of_a_ladder_hears_the_first_text_first_and_no_task_is_skipped(
    back: str, says: dict[str, str]
) -> None:
    decision = decide(book(LADDER), PROMISE, now=back)

    assert texts(decision) == says
    tasks = {note.template for note in decision.wanted if "task" in note.occasion and note.due_at <= at(back)}
    assert tasks == (
        {"new-car/call"} if back < "2026-03-13 17:30" else {"new-car/call", "new-car/call-again"}
    )


def ladder_facts(*became: tuple[int, str, str]) -> list[Fact]:
    """What became of the texts of the ladder, each by its rung, when it ended and how."""
    told: list[Fact] = []
    for rung, moment, status in became:
        notes = decide(book(LADDER), PROMISE, *told, now=moment).wanted
        note = next(n for n in notes if n.occasion.endswith(f".r{rung}") and n.kind is Kind.MESSAGE)
        told.append(outcome(note, moment, status))
    return told


TWO_WITHHELD = ((1, "2026-03-12 21:00", "suppressed"), (2, "2026-03-13 21:00", "suppressed"))


def test_whose_texts_were_withheld_hears_the_first_one_first_and_the_others_from_then_on() -> None:
    told = ladder_facts(*TWO_WITHHELD)
    assert texts(decide(book(LADDER), PROMISE, *told, now="2026-03-14 09:00")) == {
        "late-1": "15 17:30"  # in the place of the third
    }
    told = ladder_facts(*TWO_WITHHELD, (3, "2026-03-15 17:30", "accepted"))
    assert told[-1].data["template"] == "new-car/late-1"
    later = decide(book(LADDER), PROMISE, *told, now="2026-03-15 18:00")
    assert texts(later)["late-3"] == "17 17:30"


def test_who_heard_it_from_a_person_instead_hears_what_comes_next() -> None:
    told = ladder_facts(*TWO_WITHHELD)
    meanwhile = event("contact.logged", "O-1", "2026-03-13 10:00", direction="out", note="told by telephone")
    assert (
        texts(decide(book(LADDER), PROMISE, meanwhile, *told, now="2026-03-14 09:00"))["late-3"] == "15 17:30"
    )


def test_a_text_that_a_person_took_back_is_not_said_in_another_place() -> None:
    told = ladder_facts((1, "2026-03-12 17:00", "cancelled"))
    assert texts(decide(book(LADDER), PROMISE, *told, now="2026-03-13 09:00"))["late-2"] == "13 17:30"


def test_the_next_channel_of_a_first_text_said_in_anothers_place_says_the_same() -> None:
    told = ladder_facts(*TWO_WITHHELD, (3, "2026-03-15 17:30", "failed"))
    decision = decide(book(LADDER), PROMISE, *told, now="2026-03-15 17:31")
    again = [
        n
        for n in decision.wanted
        if n.occasion.startswith("arrived#1.2026-03-12.r3") and n.role == "customer"
    ]
    assert {note.template for note in again} == {"new-car/late-1"}


def test_what_follows_a_first_text_that_was_said_late_follows_it_in_order() -> None:
    rules = book(LADDER)
    said = outcome(first_text(rules, "2026-03-17 18:00"), "2026-03-17 18:00")

    assert texts(decide(rules, PROMISE, said, now="2026-03-17 18:01")) == {
        "late-1": "17 17:30",
        "late-2": "18 17:30",
    }
    assert texts(decide(rules, PROMISE, said, now="2026-03-18 18:00")) == {
        "late-2": "18 17:30",
        "late-3": "20 17:30",
    }


def test_a_first_text_after_the_last_rung_is_followed_by_all_the_others() -> None:
    """The third of the last rung is due on the 19th; from the 21st on nothing but the first text is due."""
    rules = book(LADDER)
    said = outcome(first_text(rules, "2026-03-19 18:00"), "2026-03-20 08:00")

    assert texts(decide(rules, PROMISE, said, now="2026-03-20 08:01"))["late-2"] == "21 08:00"


def test_after_downtime_only_the_newest_rung_is_said_to_who_heard_one_before() -> None:
    rules = book(LADDER)
    said = outcome(first_text(rules, "2026-03-12 17:30"), "2026-03-12 17:30")
    decision = decide(rules, PROMISE, said, now="2026-03-17 18:00")

    assert [key.partition(".2026-03-12.")[2] for key in keys(decision.wanted) if "task" not in key] == [
        "r4/customer",
        "r5/customer",
    ]
    older = [s.reason for s in decision.silences if s.reason.startswith("replaced: ")]
    assert len(older) == 2
    assert "new-car/call-again" in {note.template for note in decision.wanted}


# ── silence ──────────────────────────────────────────────────────────────────

SILENCE = book(
    "{id: quiet, on: {silent: 14d}, say: quiet, timing: {at: now, within: 3d}}",
    "{id: arrived, on: {reached: arrived}, say: here, timing: {at: '20:00', within: 8d}}",
    "{id: moved, on: {moved: arrived, settle: 2d}, say: moved, timing: {at: now, within: 8d}}",
    '{id: soon, on: {upcoming: arrived, before: 1d, at: "18:00"}, say: soon}',
)
TOLD = promised("O-1", "arrived", "2026-03-16", "2026-03-01 10:00")


def test_nobody_says_there_is_no_news_while_news_waits_to_be_sent() -> None:
    told = (TOLD, reached("O-1", "arrived", "2026-03-14 20:30"))
    decision = decide(SILENCE, *told, now="2026-03-15 09:00")

    assert keys(decision.wanted) == ["arrived/arrived#1/customer"]
    assert "news waits to be said first: arrived, due Sun 2026-03-15 20:00" in [
        silence.reason for silence in decision.silences if silence.rule == "quiet"
    ]


def test_a_promise_that_settles_is_news_too() -> None:
    moves = promised("O-1", "arrived", "2026-03-26", "2026-03-14 20:00")

    assert "moved/arrived#1.v2/customer" in keys(decide(SILENCE, TOLD, moves, now="2026-03-15 09:00").wanted)
    assert not [n for n in decide(SILENCE, TOLD, moves, now="2026-03-15 09:00").wanted if n.rule == "quiet"]


def test_a_reminder_of_what_they_know_is_no_news() -> None:
    decision = decide(SILENCE, TOLD, now="2026-03-15 09:00")

    assert [note.rule for note in decision.wanted] == ["quiet", "soon"]


def test_news_that_came_to_nothing_keeps_no_word_back() -> None:
    here = reached("O-1", "arrived", "2026-03-14 20:30")
    news = one(decide(SILENCE, TOLD, here, now="2026-03-15 09:00"))
    dropped = outcome(news, "2026-03-15 20:00", "suppressed", reason="the customer was active")

    assert "quiet" in {n.rule for n in decide(SILENCE, TOLD, here, dropped, now="2026-03-15 20:00").wanted}


def test_a_rule_about_silence_asked_alone_still_knows_of_the_others_news() -> None:
    order, customer = fold(car_order(), maria(), TOLD, reached("O-1", "arrived", "2026-03-14 20:30"))
    decision = wanted(order, customer, SILENCE, at("2026-03-15 09:00"), {"quiet"})

    assert "quiet" not in {note.rule for note in decision.wanted}


# ── late news and apologies ──────────────────────────────────────────────────

APOLOGY = book(
    '{id: late, on: {missed: arrived, closes: "17:30"}, say: late, timing: now}',
    "{id: arrived, on: {reached: arrived}, say: arrived, timing: {at: now, within: 6h, stale_after: 1d}}",
)


def test_the_end_of_an_apology_that_is_open_is_never_dropped_as_stale() -> None:
    old = reached("O-1", "arrived", "2026-03-12 19:00", heard="2026-03-16 10:00")
    late = one(decide(APOLOGY, PROMISE, now="2026-03-12 17:30"))

    untold = one(decide(APOLOGY, PROMISE, old, now="2026-03-16 10:00"))
    told = one(decide(APOLOGY, PROMISE, outcome(late, "2026-03-12 17:30"), old, now="2026-03-16 10:00"))
    assert untold.expires_at == at("2026-03-13 19:00")
    assert told.expires_at == at("2026-03-16 16:00")


def test_news_that_the_promise_was_kept_after_all_stops_the_apologies() -> None:
    kept = reached("O-1", "arrived", "2026-03-12 15:00", heard="2026-03-13 09:00")
    late = one(decide(APOLOGY, PROMISE, now="2026-03-12 17:30"))
    decision = decide(APOLOGY, PROMISE, outcome(late, "2026-03-12 17:30"), kept, now="2026-03-13 09:00")

    assert keys(decision.wanted) == ["arrived/arrived#1/customer"]


def test_a_promise_that_moved_before_it_was_missed_is_one_message_and_not_two() -> None:
    told = promised("O-1", "arrived", "2026-03-19", "2026-03-12 12:00", told=True)

    assert one(decide(APOLOGY, PROMISE, told, now="2026-03-12 12:00")).due_at == at("2026-03-19 17:30")


# ── tasks ────────────────────────────────────────────────────────────────────


def test_a_task_for_whom_nobody_can_write_to_says_so() -> None:
    nameless = event("order.upserted", "O-1", "2026-03-02 09:00", owner=None)
    owner, manager = decide(ASK, nameless, PROMISE, now="2026-03-12 16:00").wanted

    assert owner.because.endswith("; nobody is written to, for the owner has neither address nor number")
    assert "nobody is written to" not in manager.because


def test_a_task_goes_to_the_next_person_when_nobody_acknowledges_it() -> None:
    owner, manager = decide(ASK, PROMISE, now="2026-03-12 16:00").wanted

    assert (owner.role, owner.due_at, owner.ack_by) == (
        "owner",
        at("2026-03-12 16:00"),
        at("2026-03-12 17:00"),
    )
    assert (manager.role, manager.due_at) == ("manager", at("2026-03-12 17:00"))
    assert manager.because == "the owner had not acknowledged 'ask' by Thu 2026-03-12 17:00"
    assert manager.unless == f"the owner acknowledges it, {owner.unless}"
    assert owner.expires_at is None


def test_the_time_to_acknowledge_runs_from_the_moment_the_task_was_given() -> None:
    owner = decide(ASK, PROMISE, now="2026-03-12 16:00").wanted[0]
    _, manager = decide(ASK, PROMISE, outcome(owner, "2026-03-12 16:40"), now="2026-03-12 16:40").wanted

    assert manager.due_at == at("2026-03-12 17:40")


def test_an_acknowledged_task_goes_no_further() -> None:
    owner = decide(ASK, PROMISE, now="2026-03-12 16:00").wanted[0]
    answer = event("task.acknowledged", "O-1", "2026-03-12 16:30", task=owner.key, by="Nora Brandt")
    decision = decide(ASK, PROMISE, answer, now="2026-03-12 16:30")

    assert one(decision).role == "owner"
    assert why(decision) == "Nora Brandt acknowledged the task"


def test_a_task_waits_out_a_hold_before_it_goes_to_the_next_person() -> None:
    held = [
        event("order.held", "O-1", "2026-03-12 16:30"),
        event("order.released", "O-1", "2026-03-12 18:30"),
    ]
    owner = decide(ASK, PROMISE, now="2026-03-12 16:00").wanted[0]

    _, manager = decide(
        ASK, PROMISE, outcome(owner, "2026-03-12 16:00"), *held, now="2026-03-12 18:30"
    ).wanted
    assert manager.due_at == at("2026-03-12 19:00")


def test_a_task_for_somebody_without_an_address_stands_all_the_same() -> None:
    nobody = {**car_order(), "data": {**car_order()["data"], "owner": None}}
    owner = decide(ASK, nobody, maria(), PROMISE, now="2026-03-12 16:00", known=False).wanted[0]

    assert owner.steps == ()


# ── several readers, and what is replaced ──

BOTH = book(
    "{id: arrived, on: {reached: arrived}, to: [customer, co-buyer], say: arrived, channels: [sms, email], "
    "task: {for: owner, do: look}, timing: {at: now, within: 6h}}"
)
BUYER = {"name": "Jonas Weber", "email": "jonas.weber@example.com", "phone": "+493023125102"}


def with_buyer(**more: Any) -> dict[str, Any]:
    """The order with a co-buyer."""
    order = car_order()
    return {**order, "data": {**order["data"], "parties": {"co-buyer": {**BUYER, **more}}}}


def test_a_rule_to_several_tells_each_and_tasks_once() -> None:
    decision = decide(BOTH, with_buyer(), maria(), HERE, now="2026-03-12 11:20", known=False)

    assert keys(decision.wanted) == [
        "arrived/arrived#1.task/owner", "arrived/arrived#1/co-buyer", "arrived/arrived#1/customer",
    ]  # fmt: skip


def test_a_party_is_told_by_the_channels_they_prefer() -> None:
    decision = decide(
        BOTH, with_buyer(channels=["email"]), maria(), HERE, now="2026-03-12 11:20", known=False
    )

    ways = {note.role: [step.channel for step in note.steps] for note in decision.wanted}
    assert (ways["co-buyer"], ways["customer"]) == (["email", "sms"], ["sms", "email"])


def test_an_order_without_that_party_says_so_of_a_rule_for_it_alone() -> None:
    alone = book("{id: arrived, on: {reached: arrived}, to: neighbour, say: arrived}")
    decision = decide(alone, HERE, now="2026-03-12 11:20")

    assert not decision.wanted
    assert why(decision) == "the order names no neighbour"


def test_only_the_customer_is_told_a_promise() -> None:
    moved = book("{id: moved, on: {moved: arrived, by: 1d}, to: [customer, co-buyer], say: moved}")
    news = promised("O-1", "arrived", "2026-03-19", "2026-03-05 09:00", told=False)
    told = [with_buyer(), maria(), PROMISE, news]
    to_buyer, to_maria = sorted(
        decide(moved, *told, now="2026-03-05 09:00", known=False).wanted, key=lambda note: note.role
    )

    later = decide(moved, *told, outcome(to_buyer, "2026-03-05 09:01"), now="2026-03-05 09:01", known=False)
    assert to_maria in later.wanted
    later = decide(moved, *told, outcome(to_maria, "2026-03-05 09:01"), now="2026-03-05 09:01", known=False)
    assert [note.role for note in later.wanted] == ["co-buyer"]
    both = [outcome(to_maria, "2026-03-05 09:01"), outcome(to_buyer, "2026-03-05 09:02")]
    assert not decide(moved, *told, *both, now="2026-03-05 09:02", known=False).wanted


NOTE = book('{id: note, on: {event: yard.note}, say: note, timing: {at: "18:00", within: 12h}}')
FIRST, SECOND = (event("yard.note", "O-1", f"2026-03-12 {at}") for at in ("10:00", "11:00"))


def test_what_a_newer_message_replaced_is_not_sent_after_it() -> None:
    newer = one(decide(NOTE, FIRST, SECOND, now="2026-03-12 11:00"))
    after = decide(NOTE, FIRST, SECOND, outcome(newer, "2026-03-12 18:00"), now="2026-03-12 18:00")

    assert one(after).key == newer.key
    assert why(after).startswith("replaced: yard.note happened on Thu 2026-03-12 11:00")


def test_older_news_that_is_heard_of_after_the_newer_was_said_is_news() -> None:
    newer = one(decide(NOTE, SECOND, now="2026-03-12 11:00"))
    late = event("yard.note", "O-1", "2026-03-12 10:00", heard="2026-03-12 13:00")
    after = one(decide(NOTE, SECOND, outcome(newer, "2026-03-12 12:00"), late, now="2026-03-12 13:00"))

    assert after.because == "yard.note happened on Thu 2026-03-12 10:00"


# ── conditions about what happened before ──


def test_a_rung_has_a_condition_of_its_own() -> None:
    ladder = book(
        '{id: late, on: {missed: arrived, closes: "17:30"}, timing: now, rungs: [{say: late-1}, '
        '{after: 1d, say: late-2, task: {for: owner, do: call}, when: order.attributes.model == "Corsa"}, '
        '{after: 2d, say: late-3, when: order.attributes.model == "Astra"}]}'
    )
    first = decide(ladder, PROMISE, now="2026-03-12 17:30").wanted[0]
    said = [outcome(first, "2026-03-12 17:30")]
    second = decide(ladder, PROMISE, *said, now="2026-03-13 17:30")
    third = decide(ladder, PROMISE, *said, now="2026-03-14 17:30")

    assert "late/arrived#1.2026-03-12.r2/customer" in keys(second.wanted)
    assert "late/arrived#1.2026-03-12.r3/customer" not in keys(third.wanted)
    assert 'order.attributes.model == "Astra" does not hold' in [s.reason for s in third.silences]


def test_the_second_of_an_event_is_another_case_than_the_first() -> None:
    second = book(
        "{id: again, on: {event: delivery.failed}, when: event.count >= 2, say: again, timing: now}"
    )
    tries = [event("delivery.failed", "O-1", f"2026-03-1{day} 10:00") for day in (1, 2)]

    first = decide(second, tries[0], now="2026-03-11 10:00")
    assert not first.wanted
    assert why(first) == "event.count >= 2 does not hold"
    assert one(decide(second, *tries, now="2026-03-12 10:00")).trigger_at == at("2026-03-12 10:00")


def test_a_rule_may_ask_what_happened_and_how_often() -> None:
    asks = book(
        "{id: asks, on: {event: shop.asked}, say: x, timing: now, when: "
        '\'"shipped" in order.reached && "delivery.failed" in order.events '
        '&& order.events["delivery.failed"] >= 2\'}'
    )
    tries = [event("delivery.failed", "O-1", f"2026-03-1{day} 10:00") for day in (1, 2)]
    asked = event("shop.asked", "O-1", "2026-03-12 11:00")
    shipped = reached("O-1", "shipped", "2026-03-10 10:00")

    assert decide(asks, shipped, *tries, asked, now="2026-03-12 11:00").wanted
    assert not decide(asks, *tries, asked, now="2026-03-12 11:00").wanted
    assert not decide(asks, shipped, tries[0], asked, now="2026-03-12 11:00").wanted
    assert not decide(asks, shipped, asked, now="2026-03-12 11:00").wanted


# ── errors ───────────────────────────────────────────────────────────────────


def test_a_rule_that_fails_says_so_and_silences_no_other() -> None:
    rules = book(
        "{id: broken, on: {after: arrived, by: 1bd}, say: x}", "{id: arrived, on: {reached: arrived}, say: x}"
    )
    never_open = replace(rules, policy=Policy(calendars={"default": BusinessCalendar({})}))
    order, customer = fold(car_order(), maria(), HERE)
    decision = wanted(order, customer, never_open, at("2026-03-12 11:20"))

    assert keys(decision.wanted) == ["arrived/arrived#1/customer"]
    (error,) = decision.errors
    assert error.startswith("broken: the business calendar has no open day")


def test_deciding_twice_decides_the_same_and_changes_nothing_it_was_given() -> None:
    order, customer = fold(car_order(), maria(), PROMISE, HERE)
    before = repr((order, customer))

    assert wanted(order, customer, ARRIVED, at("2026-03-12 12:00")) == wanted(
        order, customer, ARRIVED, at("2026-03-12 12:00")
    )
    assert repr((order, customer)) == before


def test_what_is_wanted_stays_the_same_while_nothing_happens() -> None:
    assert one(decide(ARRIVED, HERE, now="2026-03-12 11:20")) == one(
        decide(ARRIVED, HERE, now="2026-03-12 15:00")
    )
    assert entry(one(decide(ARRIVED, HERE, now="2026-03-12 11:20"))).run_at == at("2026-03-12 11:20")


# ── a rule that is edited ────────────────────────────────────────────────────

EDITED = at("2026-03-12 12:00")
OLD = book('{id: late, on: {missed: arrived, closes: "17:30"}, say: late, task: {for: owner, do: call}}')
EARLIER = book(
    '{id: late, on: {missed: arrived, closes: "11:00"}, say: late, task: {for: owner, do: call}}',
    activated={"late": EDITED},
)


def test_what_a_rule_had_planned_and_still_waits_is_kept_when_its_hour_moves_into_the_past() -> None:
    planned = [entry(note) for note in decide(OLD, PROMISE, now="2026-03-12 11:30").wanted]
    decision = decide(EARLIER, PROMISE, now="2026-03-12 12:00")
    plan = reconcile([decision], {"O-1": planned})

    assert (plan.create, plan.cancel) == ((), ())
    assert [move.wanted.key for move in plan.reschedule] == [one.key for one in planned]
    assert {move.wanted.due_at for move in plan.reschedule} == {at("2026-03-12 12:00")}


def test_an_edited_rule_says_nothing_new_about_the_past() -> None:
    decision = decide(EARLIER, PROMISE, now="2026-03-12 12:00")
    plan = reconcile([decision], {})

    assert not decision.wanted
    assert not plan
    assert "the rule counts only since Thu 2026-03-12 12:00" in why(decision)


IN_THE_EVENING = event(
    "preference.set", "C-1", "2026-03-01 10:00",
    windows=[{"days": ["mon", "tue", "wed", "thu", "fri"], "from": "19:00", "to": "21:00"}],
)  # fmt: skip


@pytest.mark.parametrize("edit", [("17:30", "17:00"), ("{after: 1d", "{after: 1bd"), ("17:30", "18:00")])
def test_the_first_text_of_a_ladder_that_waits_for_the_evening_leaves_that_evening_though_its_rule_is_edited(
    edit: tuple[str, str],
) -> None:
    edited = book(LADDER.replace(*edit), activated={"late": at("2026-03-12 18:30")})
    planned = [
        entry(note) for note in decide(book(LADDER), PROMISE, IN_THE_EVENING, now="2026-03-12 18:00").wanted
    ]
    decision = decide(edited, PROMISE, IN_THE_EVENING, now="2026-03-12 18:30")
    plan = reconcile([decision], {"O-1": planned})

    assert (plan.create, plan.cancel) == ((), ())
    waits = {one.key: one.wanted for one in planned} | {one.wanted.key: one.wanted for one in plan.reschedule}
    first = waits["O-1/late/arrived#1.2026-03-12.r1/customer"]
    assert (first.template, first.due_at) == ("new-car/late-1", at("2026-03-12 19:00"))
    assert waits["O-1/late/arrived#1.2026-03-12.r2/customer"].due_at >= at("2026-03-13 19:00")

    have = [entry(note) for note in waits.values()]
    assert not reconcile([decision], {"O-1": have}), "a second pass changes nothing"
    said = outcome(first, "2026-03-12 19:00")
    after = decide(edited, PROMISE, IN_THE_EVENING, said, now="2026-03-12 19:00")
    assert [one.template for one in after.wanted if one.kind is Kind.MESSAGE] == ["new-car/late-2"]


def test_a_text_that_was_said_is_not_said_again_as_the_rung_that_an_edit_makes_of_it() -> None:
    longer = book(LADDER.replace("{say: late-1,", "{say: late-0}, {after: 1h, say: late-1,"))
    said = outcome(first_text(book(LADDER), "2026-03-12 17:30"), "2026-03-12 17:30")

    decision = decide(longer, PROMISE, said, now="2026-03-12 18:30")
    assert {name for name in texts(decision) if name != "late-0"} == {"late-2"}
    assert "this text was said already, and none is said twice" in {one.reason for one in decision.silences}


def test_a_text_that_an_edited_rule_could_not_say_while_it_was_useful_is_said_at_the_next_rung() -> None:
    edited = book(LADDER.replace("17:30", "17:00"), activated={"late": at("2026-03-12 18:30")})
    planned = [
        entry(note) for note in decide(book(LADDER), PROMISE, IN_THE_EVENING, now="2026-03-12 18:00").wanted
    ]
    plan = reconcile([decide(edited, PROMISE, IN_THE_EVENING, now="2026-03-13 06:00")], {"O-1": planned})

    moved = {one.wanted.template: one.wanted.due_at for one in plan.reschedule}
    assert moved["new-car/late-1"] == at("2026-03-13 19:00")
    assert [one.entry.wanted.template for one in plan.cancel] == ["new-car/late-2"]


def test_what_waits_is_not_kept_when_the_edited_condition_takes_it_out() -> None:
    other = book(
        '{id: late, on: {missed: arrived, closes: "11:00"}, say: late, when: order.has.model == false}',
        activated={"late": EDITED},
    )
    planned = [entry(note) for note in decide(OLD, PROMISE, now="2026-03-12 11:30").wanted]
    plan = reconcile([decide(other, PROMISE, now="2026-03-12 12:00")], {"O-1": planned})

    assert len(plan.cancel) == len(planned)


def test_what_a_person_or_the_planner_took_back_is_not_kept() -> None:
    (said, _) = decide(OLD, PROMISE, now="2026-03-12 11:30").wanted
    for taken_back in (entry(said, Status.CANCELLED), entry(said, Status.CANCELLED, by_person=True)):
        assert not reconcile([decide(EARLIER, PROMISE, now="2026-03-12 12:00")], {"O-1": [taken_back]})


def test_when_what_was_kept_fails_the_owner_gets_the_task_as_ever() -> None:
    (said, _) = decide(OLD, PROMISE, now="2026-03-12 11:30").wanted
    failed = outcome(said, "2026-03-12 12:01", "failed", reason="550")
    decision = decide(EARLIER, PROMISE, failed, now="2026-03-12 12:02")

    assert keys(decision.wanted) == ["late/arrived#1.2026-03-12.r1.unreached/owner"]


def test_a_newer_event_takes_the_place_of_one_that_was_kept() -> None:
    rule = '{id: news, on: {event: x.status}, say: news, timing: {at: "18:00"}}'
    older = event("x.status", "O-1", "2026-03-12 11:00")
    newer = event("x.status", "O-1", "2026-03-12 12:30")
    planned = [entry(one(decide(book(rule), older, now="2026-03-12 11:00")))]
    decision = decide(book(rule, activated={"news": EDITED}), older, newer, now="2026-03-12 12:30")
    plan = reconcile([decision], {"O-1": planned})

    assert len(plan.create) == len(plan.cancel) == 1


# ── a promise that was past when it was made ────────────────────────────────

PAST = promised("O-1", "arrived", "2026-03-12", "2026-03-20 10:00")
DATED = "arrived was promised for 2026-03-12, which was past when that was said on Fri 2026-03-20 10:00"


def odd(*told: Any, rules: RuleBook | None = None) -> str:
    order, customer = fold(car_order(), maria(), *told)
    return problem_of(order, customer, rules or book(LADDER))


def test_a_promise_for_a_day_already_past_is_the_orders_problem_and_no_apology() -> None:
    decision = decide(book(LADDER), PAST, now="2026-03-20 10:00")

    assert odd(PAST) == f"{DATED}: is the date wrong?"
    assert {note.kind for note in decision.wanted} == {Kind.TASK}
    assert any(silence.reason.startswith(DATED) for silence in decision.silences)


@pytest.mark.parametrize(
    "told",
    [
        (promised("O-1", "arrived", "2026-03-12", "2026-03-14 10:00"),),  # yesterday's news, by night
        (promised("O-1", "arrived", "2026-03-12", "2026-03-20 10:00", told=False),),  # nobody was told
        (PAST, reached("O-1", "arrived", "2026-03-11 10:00")),
        (promised("O-1", "arrived", "2026-03-12", "2026-03-02 10:00", heard="2026-03-20 10:00"),),  # history
        (PAST, promised("O-1", "arrived", "2026-03-25", "2026-03-20 10:05", told=True)),  # put right
        (PAST, event("order.cancelled", "O-1", "2026-03-20 11:00")),
    ],
)
def test_a_promise_that_is_nearly_new_internal_kept_or_put_right_is_no_problem(told: Any) -> None:
    assert odd(*told) == ""


def test_a_rule_that_takes_older_news_still_speaks() -> None:
    patient = book(LADDER.replace("timing: {within: 12h}", "timing: {within: 12h, stale_after: 30d}"))

    assert Kind.MESSAGE in {note.kind for note in decide(patient, PAST, now="2026-03-20 10:00").wanted}
