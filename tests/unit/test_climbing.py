"""From channel to channel until somebody has it: push, a text, a mail, and then a person (DESIGN §4.5)."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.reports import Became
from orchestrator.journey import RuleBook
from orchestrator.model import Decision, Fact, Notification, Silence, Status
from orchestrator.planning.reconcile import reconcile
from tests.builders import at, event, maria, promised, reached
from tests.deciding import Told, book, bounced, decide, entry, fold, keys, one, outcome, report, why

PUSHED = maria(devices=["fcm:phone"], time="2026-03-01 08:01")
HERE = reached("O-1", "arrived", "2026-03-12 11:20")
OPENED = {"push": "opened", "sms": "delivered", "email": "opened"}
ARRIVED = (
    "{{id: arrived, on: {{reached: arrived}}, say: arrived, channels: [push, sms, email], "
    "timing: {{at: now, within: 12h}}{more}}}"
)


def rules(more: str = ", until: opened, fallback_after: 2h", **policy: object) -> RuleBook:
    return book(ARRIVED.format(more=more), **{"reports": OPENED, **policy})


LADDER = rules()
TWO_HOURS = ARRIVED.format(more=", until: opened, fallback_after: 2h")


def after(*told: Told, now: str, of: RuleBook = LADDER, here: Told = HERE) -> Decision:
    return decide(of, PUSHED, here, *told, now=now)


def said_by(channel: str, moment: str, *told: Told, of: RuleBook = LADDER, here: Told = HERE) -> Fact:
    """That what is wanted next was accepted on that channel."""
    (note, *_) = [n for n in after(*told, now=moment, of=of, here=here).wanted if n.kind == "message"]
    return outcome(note, moment, channel=channel)


PUSH = said_by("push", "2026-03-12 11:20")
TEXT = said_by("sms", "2026-03-12 13:20", PUSH)
MAIL = said_by("email", "2026-03-12 15:20", PUSH, TEXT)
NOTE = one(after(now="2026-03-12 11:20"))


def next_one(*told: Told, now: str, of: RuleBook = LADDER) -> Notification:
    return one(after(*told, now=now, of=of))


def about(note: Notification) -> tuple[str, str, tuple[str, ...]]:
    return note.occasion, f"{note.due_at:%H:%M}", tuple(step.channel for step in note.steps)


# ── step by step ─────────────────────────────────────────────────────────────


def test_what_our_own_app_says_was_opened_a_person_opened_however_soon() -> None:
    delivered = report(NOTE, "delivered", "2026-03-12 11:20", channel="push")
    opened = report(NOTE, "opened", "2026-03-12 11:20", channel="push", provider="our app")

    then = after(PUSH, delivered, opened, now="2026-03-12 11:21")
    assert {note.occasion for note in then.wanted} == {"arrived#1"}


def test_a_rule_may_wait_for_something_else_by_each_channel() -> None:
    each = rules(", until: {push: opened, sms: delivered}, fallback_after: 2h")

    assert about(next_one(PUSH, now="2026-03-12 11:20", of=each))[1] == "12:20"
    (text,) = (n for n in after(PUSH, now="2026-03-12 13:20", of=each).wanted if n.kind == "message")
    sent = outcome(text, "2026-03-12 13:20", channel="sms")
    there = report(text, "delivered", "2026-03-12 13:21", channel="sms")
    assert [note.occasion for note in after(PUSH, sent, there, now="2026-03-12 13:22", of=each).wanted] == [
        "arrived#1.s2"
    ]
    opened = rules(reports={"push": "opened", "sms": "opened"})
    further = {note.occasion for note in after(PUSH, sent, there, now="2026-03-12 13:22", of=opened).wanted}
    assert "arrived#1.s3" in further, "where each is to be opened"


def test_the_next_channel_is_planned_as_soon_as_the_first_took_the_message() -> None:
    note = next_one(PUSH, now="2026-03-12 11:20")

    assert about(note) == ("arrived#1.s2", "12:20", ("sms", "email"))
    assert note.because == "push took it on Thu 2026-03-12 11:20, and nothing says it was opened within 2h"
    assert note.unless == "it is opened or arrived is taken back or a later milestone happens"
    assert note.expires_at == NOTE.expires_at


def test_who_opens_it_hears_nothing_more_and_the_reason_says_so() -> None:
    planned = next_one(PUSH, now="2026-03-12 11:20")
    decision = after(PUSH, report(NOTE, "opened", "2026-03-12 12:05", channel="push"), now="2026-03-12 12:05")
    (cancel,) = reconcile([decision], {"O-1": [entry(planned)]}).cancel

    assert keys(decision.wanted) == ["arrived/arrived#1/customer"]
    assert cancel.reason == "push: it was opened on Thu 2026-03-12 12:05"


@pytest.mark.parametrize("became", ["deferred", "delivered", "machine_open"])
def test_less_than_the_rule_wants_is_not_enough(became: str) -> None:
    came = report(NOTE, became, "2026-03-12 11:21", channel="push")

    assert about(next_one(PUSH, came, now="2026-03-12 13:20"))[0] == "arrived#1.s2"


def test_the_last_channel_that_is_heard_of_no_further_ends_the_climb() -> None:
    mute = rules(reports={"push": "opened"})
    text = said_by("sms", "2026-03-12 13:20", PUSH, of=mute)

    assert keys(after(PUSH, text, now="2026-03-12 18:00", of=mute).wanted) == [
        "arrived/arrived#1.s2/customer"
    ]


def test_a_channel_that_tells_only_of_delivery_has_done_enough_with_it() -> None:
    there = report(next_one(PUSH, now="2026-03-12 13:20"), "delivered", "2026-03-12 13:21", channel="sms")

    assert keys(after(PUSH, TEXT, there, now="2026-03-12 18:00").wanted) == ["arrived/arrived#1.s2/customer"]


def test_after_the_last_channel_the_owner_is_to_reach_the_customer() -> None:
    assert about(next_one(PUSH, TEXT, now="2026-03-12 15:20")) == ("arrived#1.s3", "14:20", ("email",))
    _, task = after(PUSH, TEXT, MAIL, now="2026-03-12 15:20").wanted

    assert (task.key, task.due_at) == ("O-1/arrived/arrived#1.unreached/owner", at("2026-03-12 17:20"))
    assert task.template == "new-car/reach-the-customer"
    assert task.because.endswith(
        "email took it on Thu 2026-03-12 15:20, and nothing says it was opened within 2h"
    )
    assert task.unless.startswith("it is opened or ")


def test_what_comes_back_goes_another_way_at_once() -> None:
    came = report(NOTE, "failed", "2026-03-12 11:40", channel="push", code="30008")
    note = next_one(PUSH, came, now="2026-03-12 11:40")

    assert about(note) == ("arrived#1.s2", "10:40", ("sms", "email"))
    assert note.because == "push: unreachable: the provider gave it up: 30008"


def test_a_bounce_goes_another_way_without_being_asked_to() -> None:
    plain = rules(more="")
    push = said_by("push", "2026-03-12 11:20", of=plain)

    assert keys(after(push, now="2026-03-12 18:00", of=plain).wanted) == ["arrived/arrived#1/customer"]
    note = next_one(push, bounced(NOTE, "2026-03-12 11:40"), now="2026-03-12 11:40", of=plain)
    assert about(note)[2] == ("sms", "email")


def test_by_each_channel_it_is_said_once_whatever_the_customer_wishes_meanwhile() -> None:
    wish = event("preference.set", "C-1", "2026-03-12 12:00", channels=["email", "push", "sms"])

    assert about(next_one(PUSH, wish, now="2026-03-12 12:00"))[2] == ("email", "sms")


def test_channels_the_customer_refuses_or_cannot_be_reached_by_are_left_out() -> None:
    stop = event("consent.withdrawn", "C-1", "2026-03-12 12:00", channel="sms")
    assert keys(after(PUSH, stop, now="2026-03-12 12:00").wanted) == ["arrived/arrived#1.s2/customer"]
    gone = maria(time="2026-03-12 12:10", devices=["fcm:phone"], email=None)

    _, task = after(PUSH, stop, gone, now="2026-03-12 12:10").wanted
    assert (task.role, task.due_at) == ("owner", at("2026-03-12 13:20"))


def test_it_waits_for_hours_in_which_the_next_channel_may_be_used() -> None:
    wish = event(
        "preference.set", "C-1", "2026-03-02 09:00",
        windows=[{"days": "thu", "from": "18:00", "to": "19:00", "channel": "sms"}],
    )  # fmt: skip
    preferred = book(TWO_HOURS.replace("now", "preferred"), reports=OPENED)
    note = one(decide(preferred, PUSHED, wish, HERE, PUSH, now="2026-03-12 11:20"))

    assert [(step.channel, f"{step.at:%H:%M}") for step in note.steps] == [
        ("sms", "17:00"),
        ("email", "12:20"),
    ]


def test_what_is_useless_by_then_is_for_a_person() -> None:
    hour = book(TWO_HOURS.replace("12h", "1h"), reports=OPENED)
    push = said_by("push", "2026-03-12 11:20", of=hour)
    decision = after(push, now="2026-03-12 11:20", of=hour)
    notes = {note.occasion: note for note in decision.wanted}

    assert notes["arrived#1.s2"].steps == ()
    assert notes["arrived#1.unreached"].due_at == at("2026-03-12 13:20")
    assert why(decision).startswith("no channel in time: sms: not before Thu 2026-03-12 13:20; email: ")


def test_a_rule_with_a_time_of_day_does_not_wait_for_the_next_day() -> None:
    daily = book(ARRIVED.format(more=", until: opened, fallback_after: 2h").replace("at: now", 'at: "12:00"'),
                 reports=OPENED)  # fmt: skip
    push = said_by("push", "2026-03-12 12:00", of=daily)

    assert next_one(push, now="2026-03-12 12:00", of=daily).due_at == at("2026-03-12 14:00")


def test_an_order_on_hold_climbs_no_further_and_its_clock_stands_still() -> None:
    held = event("order.held", "O-1", "2026-03-12 12:20", reason="dispute")
    free = event("order.released", "O-1", "2026-03-12 13:20")

    assert not after(PUSH, held, now="2026-03-12 12:30").wanted
    assert next_one(PUSH, held, free, now="2026-03-12 13:20").due_at == at("2026-03-12 14:20")


def test_what_is_no_longer_true_is_not_said_by_the_next_channel_either() -> None:
    back = event("milestone.retracted", "O-1", "2026-03-12 12:00", milestone="arrived")

    assert not after(PUSH, back, now="2026-03-12 12:00").wanted


# ── what was told meanwhile ──────────────────────────────────────────────────

MOVED = book(
    "{id: moved, on: {moved: arrived}, say: moved, channels: [push, sms], timing: {at: now, within: 12h}, "
    "until: opened, fallback_after: 2h}",
    reports=OPENED,
)
NEWS = (
    PUSHED,
    promised("O-1", "arrived", "2026-03-12", "2026-03-02 10:00"),
    promised("O-1", "arrived", "2026-03-19", "2026-03-05 10:00"),
)


def test_a_move_nobody_has_read_is_told_again_as_it_was_told_first() -> None:
    first = one(decide(MOVED, *NEWS, now="2026-03-05 10:00"))
    second = one(
        decide(MOVED, *NEWS, outcome(first, "2026-03-05 10:00", channel="push"), now="2026-03-05 10:00")
    )

    assert second.occasion == f"{first.occasion}.s2"
    assert second.tells == first.tells
    assert second.due_at == at("2026-03-05 12:00")


def test_a_move_that_was_read_is_known() -> None:
    first = one(decide(MOVED, *NEWS, now="2026-03-05 10:00"))
    opened = report(first, "opened", "2026-03-05 10:30", channel="push")
    decision = decide(MOVED, *NEWS, outcome(first, "2026-03-05 10:00", channel="push"), opened,
                      now="2026-03-05 10:30")  # fmt: skip

    assert not decision.wanted
    assert decision.silences == (Silence("moved", "the customer knows: arrived on 2026-03-19"),)


def test_a_promise_that_moves_on_takes_the_place_of_what_nobody_read() -> None:
    first = one(decide(MOVED, *NEWS, now="2026-03-05 10:00"))
    on = promised("O-1", "arrived", "2026-03-26", "2026-03-05 11:00")
    note = one(
        decide(MOVED, *NEWS, outcome(first, "2026-03-05 10:00", channel="push"), on, now="2026-03-05 11:00")
    )

    assert note.occasion == "arrived#1.v3"
    assert note.because.startswith("arrived moved from 2026-03-19, which the customer was told")


def test_silence_that_was_broken_by_a_push_nobody_read_is_broken_again_by_mail() -> None:
    quiet = book(
        "{id: quiet, on: {silent: 14d}, say: update, channels: [push, email], timing: {at: now, within: 2d}, "
        "until: opened, fallback_after: 4h}",
        reports=OPENED,
    )
    first = one(decide(quiet, PUSHED, now="2026-03-15 09:00"))
    told = outcome(first, "2026-03-15 09:00", channel="push")
    notes = {note.occasion: note for note in decide(quiet, PUSHED, told, now="2026-03-15 09:00").wanted}

    assert notes[f"{first.occasion}.s2"].due_at == at("2026-03-15 13:00")
    assert len(notes) == 2  # and the next silence


def test_two_channels_are_one_apology() -> None:
    missed = book(
        "{id: late, on: {missed: arrived, closes: '17:30'}, channels: [sms, email], timing: now, "
        "until: delivered, fallback_after: 1h, rungs: [{say: not-yet}, {after: 1d, say: still}]}",
        reports=OPENED,
    )
    first = decide(missed, NEWS[1], now="2026-03-12 17:30").wanted[0]
    by_text = outcome(first, "2026-03-12 17:30", channel="sms")
    second = next(
        n for n in decide(missed, NEWS[1], by_text, now="2026-03-12 17:30").wanted if ".s2" in n.occasion
    )
    by_mail = outcome(second, "2026-03-12 18:30", channel="email")
    decision = decide(
        missed, NEWS[1], by_text, by_mail, bounced(first, "2026-03-12 19:00"), now="2026-03-12 19:00"
    )

    assert second.occasion == "arrived#1.2026-03-12.r1.s2"
    assert [n.occasion for n in decision.wanted if n.due_at > at("2026-03-12 19:00")] == [
        "arrived#1.2026-03-12.r1.unreached", "arrived#1.2026-03-12.r2",
    ]  # fmt: skip


# ── whatever comes back, in whatever order ───────────────────────────────────

SENT = (PUSH, TEXT, MAIL)
REPORTS = st.lists(
    st.tuples(st.integers(0, 2), st.sampled_from(list(Became)), st.integers(0, 600)),
    max_size=6,
)


@given(REPORTS, st.integers(0, 3), st.integers(0, 800))
def test_no_key_is_wanted_twice_and_a_second_pass_changes_nothing(
    reports: list[tuple[int, Became, int]], sent: int, minute: int
) -> None:
    came = [
        Fact("twilio", str(n), f"message.{became}", "O-1", at("2026-03-12 11:20") + timedelta(minutes=m),
             at("2026-03-12 11:20") + timedelta(minutes=m), {"message": SENT[of].data["key"]})
        for n, (of, became, m) in enumerate(reports)
    ]  # fmt: skip
    now = at("2026-03-12 11:20") + timedelta(minutes=minute)
    told = (*SENT[:sent], *came)
    decision = after(*told, now=f"{now + timedelta(hours=1):%Y-%m-%d %H:%M}")
    have = [entry(note) for note in decision.wanted]
    order, _ = fold(PUSHED, HERE, *told)
    open_ones = [note for note in decision.wanted if note.key not in order.outcomes]

    assert len(keys(decision.wanted)) == len(set(keys(decision.wanted)))
    assert len(open_ones) <= 1
    assert not reconcile([decision], {"O-1": have})
    channels = [o.channel for o in order.outcomes.values() if o.status is Status.ACCEPTED]
    for note in open_ones:
        assert not {step.channel for step in note.steps} & set(channels) or note.kind == "task"
