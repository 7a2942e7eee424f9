"""The truth table of orchestrator.planning.reconcile, row by row (DESIGN §3 and §4.6)."""

from dataclasses import replace

import pytest

from orchestrator.model import FINAL, IN_FLIGHT, WAITING, Decision, Entry, Notification, Silence, Status, Step
from orchestrator.planning.reconcile import Cancel, Plan, reconcile, same, why_not
from tests.builders import at, promised, reached
from tests.deciding import book, decide, entry, one, outcome

RULES = book("{id: arrived, on: {reached: arrived}, say: arrived, channels: [sms, email], timing: now}")
NOTE = one(decide(RULES, reached("O-1", "arrived", "2026-03-12 11:20"), now="2026-03-12 11:20"))
LATER = replace(NOTE, due_at=at("2026-03-12 12:00"))


def plan(wanted: Notification | None, *have: Entry, errors: tuple[str, ...] = ()) -> Plan:
    silences = () if wanted else (Silence("arrived", "arrived was taken back"),)
    return reconcile([Decision("O-1", (wanted,) if wanted else (), silences, errors)], {"O-1": have})


def test_what_is_wanted_and_not_there_is_created() -> None:
    assert plan(NOTE).create == (NOTE,)


@pytest.mark.parametrize("status", sorted(WAITING))
def test_what_waits_as_wanted_is_left_alone(status: Status) -> None:
    assert not plan(NOTE, entry(NOTE, status))


@pytest.mark.parametrize("status", sorted(WAITING))
def test_what_waits_and_changed_is_rescheduled(status: Status) -> None:
    (move,) = plan(LATER, entry(NOTE, status)).reschedule

    assert move.wanted == LATER


@pytest.mark.parametrize("status", sorted(WAITING))
def test_what_waits_and_is_not_wanted_is_cancelled_with_the_planners_reason(status: Status) -> None:
    (cancel,) = plan(None, entry(NOTE, status)).cancel

    assert cancel.reason == "arrived was taken back"


def test_what_the_planner_cancelled_may_be_wanted_again_and_what_a_person_cancelled_may_not() -> None:
    assert plan(NOTE, entry(NOTE, Status.CANCELLED)).create == (NOTE,)
    assert not plan(NOTE, entry(NOTE, Status.CANCELLED, by_person=True))


@pytest.mark.parametrize("status", sorted((FINAL | IN_FLIGHT | {Status.UNKNOWN}) - {Status.CANCELLED}))
@pytest.mark.parametrize("wanted", [NOTE, LATER, None])
def test_what_left_or_ended_is_never_touched(status: Status, wanted: Notification | None) -> None:
    assert not plan(wanted, entry(NOTE, status))


def test_what_waits_is_kept_while_its_rule_cannot_be_decided() -> None:
    assert not plan(None, entry(NOTE), errors=("arrived: the business calendar has no open day",))


def test_nothing_is_due_before_it_was_decided_and_what_is_overdue_stays_so() -> None:
    """News may make something due in the past (a hold ends, an address is known at last): it leaves now."""
    now = at("2026-03-12 15:00")
    decision = Decision("O-1", (NOTE,), at=now)

    (created,) = reconcile([decision], {}).create
    assert created.due_at == now
    assert not reconcile([decision], {"O-1": [entry(created)]})
    assert not reconcile([replace(decision, at=at("2026-03-12 16:00"))], {"O-1": [entry(created)]})
    (move,) = reconcile([decision], {"O-1": [entry(replace(NOTE, due_at=at("2026-03-12 20:00")))]}).reschedule
    assert move.wanted.due_at == now


def test_what_the_condition_saw_on_the_way_is_no_change() -> None:
    assert same(NOTE, replace(NOTE, values={"hour": 9}))
    assert not same(NOTE, replace(NOTE, template="new-car/other"))


def test_a_step_that_was_tried_stays_tried_when_the_customer_prefers_other_channels() -> None:
    other_way_round = replace(NOTE, steps=NOTE.steps[::-1])
    (move,) = plan(
        replace(other_way_round, steps=(Step("push", NOTE.due_at), *other_way_round.steps)),
        entry(NOTE, step=1),
    ).reschedule

    assert [step.channel for step in move.wanted.steps] == ["sms", "push", "email"]
    assert not plan(other_way_round, entry(NOTE, step=1))


@pytest.mark.parametrize(
    ("silences", "reason"),
    [
        ([Silence("arrived", "general"), Silence("arrived", "this very one", NOTE.key)], "this very one"),
        ([Silence("arrived", "another one's", "O-1/x"), Silence("arrived", "general")], "general"),
        ([Silence("", "the order is not known")], "the order is not known"),
        ([Silence("other", "not about it")], "no rule asks for it any more"),
    ],
)
def test_the_reason_is_the_one_nearest_to_the_entry(silences: list[Silence], reason: str) -> None:
    assert why_not(Decision("O-1", silences=tuple(silences)), entry(NOTE)) == reason


def test_what_the_same_rule_wants_instead_is_the_reason_with_why_it_is_wanted() -> None:
    rules = book('{id: late, on: {missed: arrived, closes: "17:30"}, say: late, timing: now}')
    first = promised("O-1", "arrived", "2026-03-12", "2026-03-02 10:00")
    moved = promised("O-1", "arrived", "2026-03-17", "2026-03-09 10:00", told=True)
    before = one(decide(rules, first, now="2026-03-02 10:00"))
    after = decide(rules, first, moved, now="2026-03-09 10:00")

    assert why_not(after, entry(before)) == f"replaced: {one(after).because}"
    assert reconcile([after], {"O-1": [entry(before)]}).cancel[0].at == at("2026-03-09 10:00")


LATE = (
    '{id: late, on: {missed: arrived, closes: "17:30"}, tells: arrived, timing: now, rungs: '
    "[{say: late, task: {for: owner, do: call}}, {after: 1d, say: still}]}"
)


def test_a_call_that_is_owed_outlives_the_date_that_a_message_told() -> None:
    first = promised("O-1", "arrived", "2026-03-12", "2026-03-02 10:00")
    moved = promised("O-1", "arrived", "2026-03-17", "2026-03-12 16:00")
    said, asked = decide(book(LATE), first, moved, now="2026-03-12 17:30").wanted[:2]
    assert (said.role, asked.role) == ("customer", "owner")
    after = decide(book(LATE), first, moved, outcome(said, "2026-03-12 17:30"), now="2026-03-12 17:31")

    assert not reconcile([after], {"O-1": [entry(asked)]}).cancel


def test_a_task_that_a_person_settled_with_the_new_date_says_what_the_rule_watches_now() -> None:
    first = promised("O-1", "arrived", "2026-03-12", "2026-03-02 10:00")
    moved = promised("O-1", "arrived", "2026-03-17", "2026-03-12 16:00")
    said, asked = decide(book(LATE), first, moved, now="2026-03-12 17:30").wanted[:2]
    by_voice = promised("O-1", "arrived", "2026-03-17", "2026-03-12 18:00", told=True)
    after = decide(
        book(LATE), first, moved, outcome(said, "2026-03-12 17:30"), by_voice, now="2026-03-12 18:00"
    )

    assert why_not(after, entry(asked)) == (
        "no longer asked for; next of this rule: "
        "if arrived, promised for 2026-03-17, has not happened by Tue 2026-03-17 17:30"
    )


def test_a_question_replaced_after_a_move_says_the_new_day_to_both_who_would_have_got_it() -> None:
    rules = book(
        '{id: ask, on: {upcoming: arrived, before: 0d, at: "16:00"}, '
        "task: {for: owner, do: ask, within: 1h, then: manager}}"
    )
    first = promised("O-1", "arrived", "2026-03-12", "2026-03-02 10:00")
    moved = promised("O-1", "arrived", "2026-03-17", "2026-03-09 10:00")
    owner, manager = decide(rules, first, now="2026-03-02 10:00").wanted
    after = decide(rules, first, moved, now="2026-03-09 10:00")

    for gone in (owner, manager):
        assert why_not(after, entry(gone)) == "replaced: arrived is promised for 2026-03-17"


def test_a_quiet_update_is_replaced_in_plain_words_when_the_customer_heard_from_us() -> None:
    rules = book(
        "{id: quiet, on: {silent: 14d}, say: update, timing: now}",
        "{id: arrived, on: {reached: arrived}, say: arrived, timing: now}",
    )
    (waiting,) = decide(rules, now="2026-03-02 10:00").wanted
    here = reached("O-1", "arrived", "2026-03-03 10:00")
    (said,) = [n for n in decide(rules, here, now="2026-03-03 10:00").wanted if n.rule == "arrived"]
    after = decide(rules, here, outcome(said, "2026-03-03 10:00"), now="2026-03-03 10:00")

    reason = "replaced: the customer heard from us on Tue 2026-03-03 10:00, then nothing for 14d"
    assert why_not(after, entry(waiting)) == reason


def test_a_plan_too_big_to_be_right_says_so() -> None:
    new = Plan(create=(NOTE,) * 30)
    gone = Plan(cancel=tuple(Cancel(entry(NOTE), "removed") for _ in range(30)))

    assert new.too_big(waiting=1000, most=20, share=0.2) == "30 changes are more than the 20 allowed at once"
    assert "30 of 100 waiting" in gone.too_big(waiting=100, most=500, share=0.2)
    assert gone.too_big(waiting=1000, most=500, share=0.2) == ""
