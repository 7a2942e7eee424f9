"""May this go now, and if not, why: from the facts as they are now (DESIGN §4.4, FACTS 18 to 24)."""

from dataclasses import replace
from typing import Any

import pytest

from orchestrator.journey import Cap, RuleBook
from orchestrator.model import Entry, Purpose, Sent, Status
from orchestrator.persons.consents import refused
from orchestrator.planning.planner import wanted
from orchestrator.sending.guard import Answer, Blocks, Send, Wait, Withhold, guard
from tests.builders import BERLIN, at, car_order, event, maria, promised, reached
from tests.deciding import QUIET, Told, book, decide, entry, fold, one, outcome

RULE = (
    "{id: arrived, on: {reached: arrived}, say: arrived, channels: [sms, email], "
    "timing: {at: now, within: 6h}%s}"
)
RULES = book(RULE % "")
HERE = reached("O-1", "arrived", "2026-03-12 11:20")


NO_BLOCKS = Blocks({}, {})


def ask(
    *told: Told,
    now: str = "2026-03-12 11:20",
    rules: RuleBook = RULES,
    blocks: Blocks = NO_BLOCKS,
    claimed: Entry | None = None,
    known: Told | None = None,
) -> Answer:
    """Ask about the message that was planned when the car arrived, from the facts as they are now."""
    claimed = claimed or entry(one(decide(rules, HERE, now="2026-03-12 11:20")), Status.DISPATCHED)
    order, customer = fold(car_order(), known or maria(), HERE, *told)
    return guard(claimed, wanted(order, customer, rules, at(now)), order, customer, blocks, at(now), BERLIN)


def stop(**data: Any) -> Told:
    return event("consent.withdrawn", "C-1", "2026-03-12 11:19", **data)


# ── go ───────────────────────────────────────────────────────────────────────


def test_what_is_due_and_allowed_goes_by_the_first_step() -> None:
    answer = ask()

    assert isinstance(answer, Send)
    assert (answer.step, answer.channel, answer.to) == (0, "sms", "+493023125101")


def test_a_step_that_was_tried_is_not_tried_again_whatever_the_customer_prefers_by_now() -> None:
    claimed = replace(entry(one(decide(RULES, HERE, now="2026-03-12 11:20"))), step=1)
    answer = ask(
        event("preference.set", "C-1", "2026-03-12 11:19", channels=["email", "sms"]), claimed=claimed
    )

    assert isinstance(answer, Send)
    assert (answer.step, answer.channel) == (1, "email")


# ── not any more ─────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("fact", "reason"),
    [
        (
            event("order.cancelled", "O-1", "2026-03-12 11:21", reason="sold"),
            "the order was cancelled on Thu 2026-03-12 11:21: sold",
        ),
        (
            event("order.held", "O-1", "2026-03-12 11:21", reason="bank"),
            "the order is on hold since Thu 2026-03-12 11:21: bank",
        ),
        (
            event("milestone.retracted", "O-1", "2026-03-12 11:21", milestone="arrived"),
            "arrived has not happened",
        ),
        (
            reached("O-1", "prepared", "2026-03-12 11:21"),
            "prepared has happened since, on Thu 2026-03-12 11:21",
        ),
    ],
)
def test_what_happened_between_planning_and_sending_wins(fact: Told, reason: str) -> None:
    assert ask(fact, now="2026-03-12 11:22") == Withhold(Status.CANCELLED, reason)


def test_a_promise_that_was_dated_anew_before_sending_is_replaced_never_both() -> None:
    rules = book("{id: late, on: {missed: arrived}, say: late, timing: now}")
    promise = promised("O-1", "arrived", "2026-03-11", "2026-03-02 10:00")
    claimed = entry(one(decide(rules, promise, now="2026-03-12 00:00")))
    again = promised("O-1", "arrived", "2026-03-19", "2026-03-11 23:59", told=True)
    order, customer = fold(car_order(), maria(), promise, again)
    decision = wanted(order, customer, rules, at("2026-03-12 00:00"))

    answer = guard(claimed, decision, order, customer, NO_BLOCKS, at("2026-03-12 00:00"), BERLIN)
    assert isinstance(answer, Withhold)
    assert answer.status is Status.CANCELLED
    assert one(decision).due_at == at("2026-03-20 00:00")


def test_a_condition_that_no_longer_holds_withholds() -> None:
    rules = book(RULE % ", when: 'order.attributes.model == \"Corsa\"'")
    answer = ask(
        event("order.upserted", "O-1", "2026-03-12 11:21", attributes={"model": "demo"}),
        rules=rules,
        now="2026-03-12 11:22",
    )

    assert answer == Withhold(Status.CANCELLED, 'order.attributes.model == "Corsa" does not hold')


def test_nothing_leaves_after_it_expired() -> None:
    assert isinstance(ask(now="2026-03-12 17:19"), Send)
    assert ask(now="2026-03-12 17:20") == Withhold(
        Status.EXPIRED, "too late: useful only until Thu 2026-03-12 17:20"
    )


@pytest.mark.parametrize(
    ("happened", "heard", "answer"),
    [
        ("2026-03-10 11:20", "2026-03-12 11:20", Withhold),  # two days old when it is heard
        ("2026-03-13 09:00", "2026-03-13 09:00", Wait),  # announced for tomorrow
    ],
)
def test_an_event_of_two_days_ago_expires_and_one_ahead_waits(
    happened: str, heard: str, answer: type[Answer]
) -> None:
    order, customer = fold(car_order(), maria(), reached("O-1", "arrived", happened, heard=heard))
    now = at("2026-03-12 11:20")
    decision = wanted(order, customer, RULES, now)

    assert isinstance(guard(entry(one(decision)), decision, order, customer, NO_BLOCKS, now, BERLIN), answer)


def test_a_rule_on_trial_sends_nothing() -> None:
    assert ask(rules=book(RULE % ", mode: shadow")) == Withhold(
        Status.SUPPRESSED, "shadow: the rule is on trial; it would have said this by sms"
    )


def test_a_rule_that_cannot_be_decided_waits() -> None:
    claimed = entry(one(decide(RULES, HERE, now="2026-03-12 11:20")))
    order, customer = fold(car_order(), maria(), HERE)
    decision = replace(
        wanted(order, customer, RULES, at("2026-03-12 11:20")), wanted=(), errors=("arrived: no open day",)
    )

    answer = guard(claimed, decision, order, customer, NO_BLOCKS, at("2026-03-12 11:20"), BERLIN)
    assert answer == Wait(at("2026-03-12 11:25"), "the rule cannot be decided: arrived: no open day")


# ── consent and reach ────────────────────────────────────────────────────────


def test_a_stop_between_planning_and_sending_closes_that_channel() -> None:
    answer = ask(stop(channel="sms"))

    assert isinstance(answer, Send)
    assert answer.channel == "email"


def test_a_stop_on_every_channel_suppresses_with_the_reason() -> None:
    assert ask(stop()) == Withhold(
        Status.SUPPRESSED,
        "the customer withdrew consent for sms on 2026-03-12; "
        "the customer withdrew consent for email on 2026-03-12",
    )


def test_withdrawing_marketing_leaves_service_alone() -> None:
    assert isinstance(ask(stop(purpose="marketing")), Send)


MARKETING_SMS = ("given", "marketing", "sms")
MARKETING = ("given", "marketing", "")
NO_MARKETING = ("withdrawn", "marketing", "")
STOP = ("withdrawn", "", "sms")
Word = tuple[str, str, str]

CONSENT: dict[str, tuple[list[Word], dict[str, bool]]] = {
    "nothing was ever said": ([], {"service": True, "marketing": False, "security": True}),
    "marketing by sms": ([MARKETING_SMS], {"marketing": True}),
    "marketing by e-mail": ([("given", "marketing", "email")], {"marketing": False}),
    "marketing anywhere": ([MARKETING], {"marketing": True}),
    "marketing taken back": ([MARKETING_SMS, NO_MARKETING], {"marketing": False, "service": True}),
    "STOP by sms": ([STOP], {"service": False, "relationship": False, "security": True}),
    "STOP by e-mail": ([("withdrawn", "", "email")], {"service": True}),
    "STOP, then START": ([STOP, ("given", "", "sms")], {"service": True}),
    "STOP outlives a consent that does not name sms": ([MARKETING, STOP, MARKETING], {"marketing": False}),
    "a consent that names sms lifts it": ([STOP, MARKETING_SMS], {"marketing": True, "service": False}),
    "taken back everywhere, given again for sms": ([NO_MARKETING, MARKETING_SMS], {"marketing": True}),
    "a general yes lifts no objection to marketing": (
        [MARKETING_SMS, NO_MARKETING, ("given", "", "sms"), ("given", "", "")],
        {"marketing": False, "service": True},
    ),
    "START after STOP is no yes to marketing": (
        [MARKETING_SMS, STOP, ("given", "", "sms")],
        {"marketing": False, "service": True},
    ),
    "a general yes is none to marketing": ([("given", "", "")], {"marketing": False}),
    "an objection to surveys leaves the rest": (
        [MARKETING_SMS, ("withdrawn", "relationship", "")],
        {"relationship": False, "service": True, "marketing": True},
    ),
    "no to service by sms leaves it by no other purpose": (
        [("withdrawn", "service", "sms")],
        {"service": False, "relationship": True, "security": True},
    ),
}


@pytest.mark.parametrize(("words", "allowed"), CONSENT.values(), ids=CONSENT)
def test_consent_is_per_purpose_and_channel(words: list[Word], allowed: dict[str, bool]) -> None:
    events = [
        event(
            f"consent.{kind}",
            "C-1",
            f"2026-03-0{day} 09:00",
            purpose=purpose or None,
            channel=channel or None,
            evidence="form",
        )
        for day, (kind, purpose, channel) in enumerate(words, 1)
    ]
    customer = fold(*events)[1]

    assert {p: not refused(customer, Purpose(p), "sms") for p in allowed} == allowed


def test_an_address_on_the_suppression_list_is_passed_over_and_the_last_one_suppresses() -> None:
    sms, email = ("sms", "+493023125101"), ("email", "maria.keller@example.com")

    one_left = ask(blocks=Blocks({sms: "21610"}, {}))
    assert isinstance(one_left, Send)
    assert one_left.channel == "email"
    none_left = ask(blocks=Blocks({sms: "21610", email: "550 5.1.1"}, {}))
    assert isinstance(none_left, Withhold)
    assert none_left.reason.startswith("unreachable: nothing is sent to this address by sms any more: 21610")


def push(*devices: str, blocks: Blocks = NO_BLOCKS) -> Answer:
    rules = book((RULE % "").replace("[sms, email]", "[push]"))
    claimed = entry(one(decide(rules, HERE, now="2026-03-12 11:20")), Status.DISPATCHED)
    return ask(rules=rules, blocks=blocks, claimed=claimed, known=maria(devices=list(devices)))


@pytest.mark.parametrize("count", [1, 10])
def test_push_goes_to_every_device(count: int) -> None:
    devices = [f"fcm:phone-{number}" for number in range(count)]
    answer = push(*devices)

    assert isinstance(answer, Send)
    assert [answer.to, *answer.others] == devices


def test_a_dead_device_does_not_silence_the_others() -> None:
    gone = {("push", "fcm:old"): "UNREGISTERED"}
    answer = push("fcm:old", "fcm:new", blocks=Blocks(gone, {}))

    assert isinstance(answer, Send)
    assert (answer.to, answer.others) == ("fcm:new", ())
    nobody = push("fcm:old", blocks=Blocks(gone, {}))
    assert isinstance(nobody, Withhold)
    assert nobody.reason == ("unreachable: nothing is sent to this address by push any more: UNREGISTERED")


def test_staging_pushes_only_to_the_devices_on_its_list() -> None:
    answer = push("fcm:maria", "fcm:ours", blocks=Blocks({}, {}, frozenset({"fcm:ours"})))

    assert isinstance(answer, Send)
    assert (answer.to, answer.others) == ("fcm:ours", ())


def test_somebody_without_a_device_is_unreachable_by_push_and_no_failure() -> None:
    answer = push()

    assert isinstance(answer, Withhold)
    assert answer.status is Status.SUPPRESSED
    assert answer.reason.startswith("unreachable")


def test_without_any_address_it_is_suppressed_as_unreachable() -> None:
    no_address = maria(email=None, phone=None)

    assert ask(known=no_address) == Withhold(
        Status.SUPPRESSED, "unreachable: no address for any of the rule's channels"
    )


def test_a_customer_nobody_knows_is_unreachable_once_waiting_is_useless() -> None:
    nobody = event("yard.note", "O-1", "2026-03-12 11:00")

    assert isinstance(ask(known=nobody), Wait)
    assert ask(known=nobody, now="2026-03-12 17:20") == Withhold(
        Status.SUPPRESSED, "unreachable: nothing is known about customer 'C-1'"
    )


def test_an_erased_customer_hears_nothing() -> None:
    erased = event("customer.erased", "C-1", "2026-03-12 11:19", reason="asked")

    assert ask(erased) == Withhold(Status.CANCELLED, "the customer was erased")


def test_what_an_erased_customer_may_have_heard_is_not_said_again() -> None:
    maybe = outcome(one(decide(RULES, HERE, now="2026-03-12 11:20")), "2026-03-12 11:20", "unknown")
    erased = event("customer.erased", "C-1", "2026-03-12 11:20", reason="asked")

    assert ask(maybe, erased) == Withhold(Status.SUPPRESSED, "the customer was erased")


def test_a_system_for_trying_out_sends_only_to_its_list() -> None:
    assert isinstance(ask(blocks=Blocks({}, {}, frozenset({"maria.keller@example.com"}))), Send)
    nobody = ask(blocks=Blocks({}, {}, frozenset()))
    assert isinstance(nobody, Withhold)
    assert nobody.reason.startswith("a system for trying out: sms sends only to the addresses on its list")


def test_a_task_stands_even_when_its_owner_has_no_address() -> None:
    rules = book("{id: ask, on: {reached: arrived}, task: {for: owner, do: ask}}")
    nobody = event("order.upserted", "O-1", "2026-03-12 11:00", owner=None)
    claimed = entry(one(decide(rules, HERE, nobody, now="2026-03-12 11:20")))

    assert ask(nobody, rules=rules, claimed=claimed) == Send(claimed.wanted, 0, "", "")


# ── not yet ──────────────────────────────────────────────────────────────────


def test_a_paused_channel_gives_way_to_the_next_and_else_waits() -> None:
    other = ask(blocks=Blocks({}, {("channel", "sms"): "20003"}))
    assert isinstance(other, Send)
    assert other.channel == "email"
    both = {("channel", "sms"): "20003", ("channel", "email"): "535"}
    assert ask(blocks=Blocks({}, both)) == Wait(
        at("2026-03-12 11:25"), "channel email is paused: 535", "email"
    )


def test_what_became_useless_because_every_channel_was_paused_is_for_a_person() -> None:
    both = {("channel", "sms"): "20003", ("channel", "email"): "535"}
    claimed = entry(one(decide(RULES, HERE, now="2026-03-12 11:20")), Status.DISPATCHED)
    answer = ask(now="2026-03-12 17:20", blocks=Blocks({}, both), claimed=claimed)

    assert isinstance(answer, Withhold)
    assert answer.status is Status.EXPIRED
    assert answer.reason.endswith("; unreachable: channel sms is paused: 20003; channel email is paused: 535")
    ended = outcome(claimed.wanted, "2026-03-12 17:20", "expired", reason=answer.reason)
    _, task = sorted(decide(RULES, HERE, ended, now="2026-03-12 17:20").wanted, key=lambda note: note.role)
    assert (task.role, task.template) == ("owner", "new-car/reach-the-customer")


def test_what_was_late_for_another_reason_is_old_news_and_no_task() -> None:
    one_of_two = Blocks({}, {("channel", "sms"): "20003"})
    answer = ask(now="2026-03-12 17:20", blocks=one_of_two)

    assert answer == Withhold(Status.EXPIRED, "too late: useful only until Thu 2026-03-12 17:20")


@pytest.mark.parametrize("window", [("07:59", Wait), ("08:00", Send), ("20:59", Send), ("21:00", Wait)])
def test_a_retry_keeps_to_the_quiet_hours_too(window: tuple[str, type[Answer]]) -> None:
    clock, expected = window
    rules = book(
        "{id: arrived, on: {reached: arrived}, say: arrived, channels: [sms], timing: {at: now, within: 3d}}",
        quiet=QUIET,
    )

    assert isinstance(ask(now=f"2026-03-13 {clock}", rules=rules), expected)


def test_hours_chosen_between_planning_and_sending_are_kept() -> None:
    evening = {"days": list(range(7)), "from": "16:00", "to": "17:00"}
    rules = book("{id: arrived, on: {reached: arrived}, say: arrived, timing: {within: 6h}}")

    answer = ask(event("preference.set", "C-1", "2026-03-12 11:19", windows=[evening]), rules=rules)
    assert answer == Wait(at("2026-03-12 16:00"), "due Thu 2026-03-12 16:00")


# ── who looked already ───────────────────────────────────────────────────────

UNLESS_ACTIVE = book(
    "{id: arrived, on: {reached: arrived}, say: arrived, channels: [sms], "
    "timing: {at: now, within: 6h, unless_active: true}}"
)


@pytest.mark.parametrize(
    ("active", "reason"),
    [
        ("2026-03-12 11:19", ""),  # before we heard of it: they cannot have seen it
        ("2026-03-12 11:20", "the customer was active on Thu 2026-03-12 11:20"),
        ("2026-03-12 11:29", "the customer was active on Thu 2026-03-12 11:29"),
    ],
)
def test_who_was_active_since_we_heard_of_it_is_not_told(active: str, reason: str) -> None:
    answer = ask(
        event("customer.active", "C-1", active, surface="app"),
        rules=UNLESS_ACTIVE,
        claimed=entry(one(decide(UNLESS_ACTIVE, HERE, now="2026-03-12 11:20")), Status.DISPATCHED),
        now="2026-03-12 11:30",
    )

    assert answer == Withhold(Status.SUPPRESSED, reason) if reason else isinstance(answer, Send)


def test_a_rule_that_does_not_ask_tells_whoever_was_active_too() -> None:
    assert isinstance(ask(event("customer.active", "C-1", "2026-03-12 11:20", surface="app")), Send)


# ── caps ─────────────────────────────────────────────────────────────────────

ONE_A_DAY = {Purpose.SERVICE: Cap(day=1)}


def had(moment: str, number: int = 7, *, waits: bool = False) -> Blocks:
    sent = Sent(at(moment), Purpose.SERVICE, f"O-{number}/arrived/x/customer", number, waits)
    return Blocks({}, {}, caps=ONE_A_DAY, sent={"C-1": [sent]})


LONG = book(
    "{id: arrived, on: {reached: arrived}, say: arrived, channels: [sms], timing: {at: now, within: 2d}}"
)


def test_on_a_day_that_is_full_it_waits_for_the_next() -> None:
    assert ask(blocks=had("2026-03-12 09:00"), rules=LONG) == Wait(
        at("2026-03-13 00:00"), "the customer had 1 service message that day, and 1 a day is the most"
    )


def test_when_it_is_useless_before_there_is_room_it_is_withheld_and_a_person_must_act() -> None:
    answer = ask(blocks=had("2026-03-12 09:00"))

    assert isinstance(answer, Withhold)
    assert answer.status is Status.SUPPRESSED
    assert answer.reason.startswith("unreachable: ")


def test_yesterdays_message_leaves_room_today() -> None:
    assert isinstance(ask(blocks=had("2026-03-11 23:59"), rules=LONG), Send)


def test_of_two_that_were_claimed_together_the_first_goes_and_the_second_waits() -> None:
    mine = entry(one(decide(LONG, HERE, now="2026-03-12 11:20")), Status.DISPATCHED)  # number 1

    together = "2026-03-12 11:20"
    assert isinstance(ask(blocks=had(together, 2, waits=True), rules=LONG, claimed=mine), Send)
    assert isinstance(ask(blocks=had(together, 0, waits=True), rules=LONG, claimed=mine), Wait)


def test_what_a_customer_had_is_counted_by_their_own_days() -> None:
    in_auckland = maria(time_zone="Pacific/Auckland")  # 00:20 on the 13th; 23:30 on the 12th

    assert isinstance(
        ask(blocks=had("2026-03-12 11:30"), rules=LONG, known=in_auckland, now="2026-03-12 12:20"), Send
    )
    assert isinstance(ask(blocks=had("2026-03-12 11:30"), rules=LONG, now="2026-03-12 12:20"), Wait)


# ── a party of the order ─────────────────────────────────────────────────────

BUYER = {"name": "Jonas Weber", "email": "jonas.weber@example.com", "phone": "+493023125102"}


def to_buyer(blocks: Blocks = NO_BLOCKS, purpose: str = "service", **more: Any) -> Answer:
    """Ask about the message to the co-buyer, of whom the order says *more* by now."""
    rules = book(RULE.replace("say:", f"to: co-buyer, purpose: {purpose}, say:") % "")
    now = at("2026-03-12 11:20")
    before, after = (
        {**car_order(), "data": {**car_order()["data"], "parties": {"co-buyer": who}}}
        for who in (BUYER, BUYER | more)
    )
    claimed = entry(one(decide(rules, before, maria(), HERE, now="2026-03-12 11:20", known=False)))
    order, customer = fold(after, maria(), HERE)
    return guard(claimed, wanted(order, customer, rules, now), order, customer, blocks, now, BERLIN)


def test_a_party_who_refuses_a_channel_hears_by_the_next() -> None:
    answer = to_buyer(refuses=["sms"])

    assert isinstance(answer, Send)
    assert answer.to == BUYER["email"]
    assert to_buyer(refuses=["sms", "email"]) == Withhold(
        Status.SUPPRESSED,
        "the co-buyer wants to hear nothing by sms; the co-buyer wants to hear nothing by email",
    )


def test_an_address_on_the_suppression_list_is_used_for_nobody() -> None:
    answer = to_buyer(Blocks({("sms", BUYER["phone"]): "21610"}, {}))

    assert isinstance(answer, Send)
    assert answer.channel == "email"


def test_a_party_gets_no_marketing() -> None:
    answer = to_buyer(purpose="marketing")

    assert isinstance(answer, Withhold)
    assert answer.reason.startswith("the co-buyer never gave consent to marketing by ")


def test_advertising_goes_by_no_channel_that_the_customer_did_not_list_and_says_so() -> None:
    rules = book("{id: m, on: {reached: arrived}, say: m, purpose: marketing, channels: [sms, email]}")
    told = [
        event("preference.set", "C-1", "2026-03-12 11:00", channels=["push"]),
        event("consent.given", "C-1", "2026-03-12 11:00", purpose="marketing", evidence="form"),
    ]
    claimed = entry(one(decide(rules, HERE, *told, now="2026-03-12 11:20")), Status.DISPATCHED)
    answer = ask(*told, rules=rules, claimed=claimed)

    assert isinstance(answer, Withhold)
    assert (answer.status, answer.reason) == (
        Status.SUPPRESSED, "unreachable: the customer wants to hear by push only"
    )  # fmt: skip


def test_what_no_channel_could_carry_in_time_ends_as_withheld_and_says_why() -> None:
    rules = book(
        "{id: arrived, on: {reached: arrived}, say: arrived, channels: [sms], timing: {within: 2h}}",
        head='hours: "08:00-10:00"',
    )
    (message,) = (note for note in decide(rules, HERE, now="2026-03-12 11:20").wanted if not note.steps)
    claimed = entry(message, Status.DISPATCHED)
    waits = ask(rules=rules, claimed=claimed)
    ended = ask(rules=rules, claimed=claimed, now="2026-03-12 13:20")
    other = event("preference.set", "C-1", "2026-03-12 12:00", windows=[
        {"days": ["thu"], "from": "12:00", "to": "14:00"},
    ])  # fmt: skip

    assert isinstance(waits, Wait)
    assert waits.until == at("2026-03-12 13:20")
    assert isinstance(ended, Withhold)
    assert ended.status is Status.SUPPRESSED
    assert ended.reason == (
        "no channel in time: sms: not before Fri 2026-03-13 08:00, outside the default hours"
    )
    assert isinstance(ask(other, rules=rules, claimed=claimed, now="2026-03-12 12:00"), Send)
