"""What holds for every history: over random events, rules of every trigger, hours and failures."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from channels.base import ChannelError, Message, Receipt, Rejected, Unavailable, Unknown
from channels.memory import MemoryChannel
from channels.reports import Became
from orchestrator.model import (
    FINAL,
    WAITING,
    Decision,
    Entry,
    Fact,
    Purpose,
    Scope,
    Status,
    Window,
    first_occasion,
    scope_of,
)
from orchestrator.planning.fold import fold_customer, fold_order
from orchestrator.planning.planner import wanted
from orchestrator.planning.reconcile import Plan, reconcile
from orchestrator.render import Rendered
from orchestrator.sending.messages import Composer
from orchestrator.sending.senders import Sender
from orchestrator.simulation.simulate import Simulation
from tests.builders import BERLIN, NORA, at, car_order, event, incoming, maria, promised, reached
from tests.deciding import book, entry, outcome, report

QUIET = (time(21), time(8))
RULES = book(
    '{id: asked, on: {upcoming: arrived, before: 0d, at: "16:00"}, '
    "task: {for: owner, do: ask, within: 1h, then: manager}}",
    "{id: soon, on: {upcoming: arrived, before: 1d}, say: soon, timing: {within: 1d}}",
    "{id: arrived, on: {reached: arrived}, say: arrived, tells: prepared, timing: {within: 8h}, "
    "until: opened, fallback_after: 1h}",
    "{id: shipped, on: {reached: shipped}, say: shipped, timing: now}",
    '{id: late, on: {missed: arrived, closes: "17:30"}, timing: {within: 3h}, until: delivered, '
    "fallback_after: 1h, rungs: ["
    "{say: late-1, task: {for: owner, do: call, within: 4bh, then: manager}}, "
    "{after: 1bd, say: late-2}, {every: 2d, say: late-3, at_most: 3}]}",
    "{id: moved, on: {moved: arrived, by: 1d, settle: 2h}, say: moved, until: delivered, fallback_after: 3h}",
    "{id: back, on: {retracted: arrived}, say: back, timing: now}",
    "{id: asks, on: {after: collected, by: 2d}, say: asks, purpose: relationship, timing: {within: 3d}}",
    "{id: stuck, on: {stuck: any, for: 4d}, rungs: ["
    "{task: {for: owner, do: move, within: 1bd}}, {after: 3d, say: stuck}]}",
    "{id: quiet, on: {silent: 6d}, say: quiet, timing: {business_days: true, within: 3d}, "
    "until: delivered, fallback_after: 1d}",
    "{id: dent, on: {event: yard.note}, when: 'event.data.kind == \"dent\"', say: dent}",
    head='hours: "08:00-20:00"\npromises: {prepared: arrived + 3bd}',
    quiet={Purpose.SERVICE: QUIET, Purpose.RELATIONSHIP: QUIET},
    reports={"push": "opened", "sms": "delivered", "email": "opened"},
)
URGENT = {"asked", "shipped", "back", "soon", "moved"}  # an hour, now, or about a day that is over by then
START = at("2026-03-23 08:00")  # the clocks change within the week
END = START + timedelta(days=30)
DAYS = [f"2026-{day}" for day in ("03-25", "03-27", "03-29", "03-30", "04-02", "04-07")]
MILESTONES = ("ordered", "shipped", "arrived", "prepared", "collected")
ZONES = (BERLIN, "America/New_York", "Asia/Kolkata", None)


# ── histories ────────────────────────────────────────────────────────────────


@st.composite
def happenings(draw: st.DrawFn) -> dict[str, Any]:
    """One event about O-1 or Maria, some time within two weeks, heard at once or up to three days late."""
    moment = START + timedelta(minutes=15 * draw(st.integers(0, 14 * 96)))
    heard = moment + timedelta(minutes=draw(st.sampled_from([0, 0, 0, 30, 600, 3 * 1440])))
    kinds = ["promise", "promise", "reached", "reached", "retracted", "order", "owner", "other", "report"]
    kind = draw(st.sampled_from(kinds))
    if kind == "report":
        became, message = draw(st.sampled_from(list(Became))), draw(st.sampled_from(MESSAGES))
        return event(f"message.{became}", "O-1", moment, heard=heard, message=f"O-1/{message}/customer")
    if kind == "promise":
        told = draw(st.sampled_from([{}, {"told": True}, {"told": False}]))
        return promised("O-1", "arrived", draw(st.sampled_from(DAYS)), moment, heard=heard, **told)
    if kind == "owner":
        hours, zone = draw(st.lists(WORKING, max_size=2)), draw(st.sampled_from(ZONES))
        known = {**NORA, "working_hours": hours, **({"time_zone": zone} if zone else {})}
        return event("order.upserted", "O-1", moment, heard=heard, owner=known)
    milestone = draw(st.sampled_from(MILESTONES))
    if kind == "reached":
        return reached("O-1", milestone, moment, heard=heard)
    if kind == "retracted":
        return event("milestone.retracted", "O-1", moment, heard=heard, milestone=milestone)
    if kind == "order":
        change = draw(st.sampled_from(["order.held", "order.released", "order.released", "order.cancelled"]))
        return event(change, "O-1", moment, heard=heard)
    other, data = draw(st.sampled_from(OTHERS))
    return event(other, "O-1", moment, heard=heard, **data)


@st.composite
def about_maria(draw: st.DrawFn) -> dict[str, Any]:
    """What Maria says, or is said of her: hours, channels, consent, her zone, a number that is gone."""
    moment = START + timedelta(minutes=15 * draw(st.integers(0, 14 * 96)))
    kind = draw(st.sampled_from(["windows", "channels", "consent", "upserted"]))
    if kind == "windows":
        return event("preference.set", "C-1", moment, windows=draw(st.lists(WINDOWS, max_size=2)))
    if kind == "channels":
        return event(
            "preference.set", "C-1", moment, channels=draw(st.permutations(["sms", "email", "push"]))
        )
    if kind == "consent":
        word = draw(st.sampled_from(["consent.given", "consent.withdrawn"]))
        return event(word, "C-1", moment, channel=draw(st.sampled_from(["sms", "email"])))
    phone = draw(st.sampled_from([None, "+493023125101"]))
    return maria(time=moment, phone=phone, time_zone=draw(st.sampled_from(ZONES)))


MESSAGES = (
    "arrived/arrived#1", "arrived/arrived#1.s2", "arrived/arrived#2", "shipped/shipped#1",
    "moved/arrived#1.v2", "moved/arrived#1.v2.s2", "late/arrived#1.2026-03-25.r1",
    "late/arrived#1.2026-03-27.r1.s2",
)  # fmt: skip
OTHERS = (
    ("message.replied", {"channel": "sms", "text": "thanks"}),
    ("contact.logged", {"direction": "in", "reason": "asked"}),
    ("yard.note", {"kind": "dent"}),
    ("yard.note", {"kind": "wash"}),
)
WINDOWS = st.builds(
    lambda days, start, length, channel: {
        "days": sorted(days),
        "from": f"{start:02}:00",
        "to": f"{(start + length) % 24:02}:00",
        "channel": channel,
    },
    st.sets(st.integers(0, 6), min_size=1),
    st.integers(0, 23),
    st.integers(1, 12),
    st.sampled_from([None, "sms", "email"]),
)
WORKING = WINDOWS.map(lambda window: {**window, "channel": None})
HISTORIES = st.lists(st.one_of(happenings(), happenings(), about_maria()), max_size=14)
FAILURES = st.lists(
    st.sampled_from([
        None, None, Unavailable("421"), Rejected("550 5.1.1", suppress=True), Unknown("cut off"),
        Unavailable("450", retry_after=timedelta(hours=5)),
    ]),
    max_size=6,
)  # fmt: skip


def told_from_the_start(history: list[dict[str, Any]], early: bool) -> list[dict[str, Any]]:
    """The history with the order and its customer, who may be heard of only days later."""
    known = maria(time=START - timedelta(hours=1) if early else START + timedelta(days=2))
    return [car_order(time=START - timedelta(hours=2)), known, *history]


# ── deciding ─────────────────────────────────────────────────────────────────


def decision(facts: list[Fact], now: datetime) -> Decision:
    order = fold_order("O-1", [fact for fact in facts if scope_of(fact.type) is Scope.ORDER])
    customer = fold_customer("C-1", [fact for fact in facts if scope_of(fact.type) is Scope.CUSTOMER])
    found = wanted(order, customer, RULES, now)
    assert found.errors == ()
    return found


CHANNELS = st.sampled_from(["email", "sms", "push"])
MOMENTS = st.integers(0, 20 * 24).map(lambda hours: START + timedelta(hours=hours))


@st.composite
def lived(draw: st.DrawFn) -> tuple[list[Fact], datetime]:
    """Facts, with what became of some of the notifications wanted on the way, and a moment to decide at."""
    history = told_from_the_start(draw(HISTORIES), early=True)
    facts = [incoming(document).fact for document in history]
    for moment in sorted(draw(st.lists(MOMENTS, max_size=3))):
        for note in decision(facts, moment).wanted:
            if note.due_at <= moment and draw(st.booleans()):
                status = draw(st.sampled_from(["accepted", "accepted", "failed", "unknown", "suppressed"]))
                facts.append(
                    replace(
                        outcome(note, "2026-03-23 08:00", status, channel=draw(CHANNELS)),
                        happened=moment, heard=moment,
                    )
                )  # fmt: skip
                came = draw(st.none() | st.sampled_from(list(Became)))
                if came is not None:
                    later = moment + timedelta(minutes=draw(st.integers(-30, 600)))
                    word = replace(report(note, came, "2026-03-23 08:00"), happened=later, heard=later)
                    facts.append(word)
    return facts, draw(MOMENTS)


@given(lived(), st.randoms(use_true_random=False))
def test_the_same_facts_give_the_same_decision_in_whatever_order_they_arrive(
    life: tuple[list[Fact], datetime], chance: Random
) -> None:
    facts, now = life
    shuffled = chance.sample(facts, len(facts))

    assert decision(shuffled, now) == decision(facts, now)


@given(lived(), st.lists(st.sampled_from([*WAITING, *FINAL, Status.UNKNOWN, None]), max_size=30), MOMENTS)
def test_a_second_pass_changes_nothing(
    life: tuple[list[Fact], datetime], statuses: list[Status | None], earlier: datetime
) -> None:
    facts, now = life
    before = zip(decision(facts, earlier).wanted, statuses, strict=False)
    have = [entry(note, status) for note, status in before if status is not None]
    found = decision(facts, now)

    after = applied(reconcile([found], {"O-1": have}), have)

    assert not reconcile([found], {"O-1": after})


def applied(plan: Plan, have: list[Entry]) -> list[Entry]:
    """What the ledger holds once a plan was carried out."""
    rows = {row.key: row for row in have}
    rows |= {note.key: entry(note) for note in plan.create}
    rows |= {move.entry.key: replace(move.entry, wanted=move.wanted) for move in plan.reschedule}
    gone = {cancel.entry.key: replace(cancel.entry, status=Status.CANCELLED) for cancel in plan.cancel}
    return list((rows | gone).values())


@given(lived())
def test_everything_wanted_says_because_of_what_and_every_silence_says_why(
    life: tuple[list[Fact], datetime],
) -> None:
    found = decision(*life)

    assert all(note.because and note.unless for note in found.wanted if note.rule not in ("dent", "reply"))
    assert all(silence.reason for silence in found.silences)


# ── living ───────────────────────────────────────────────────────────────────


HOUSE = {"name": "Autohaus Lindner", "address": "Musterstraße 12, 80331 München"}


class Plain:
    """Renders every template to the same words."""

    def render(self, template: str, channel: str, locale: str, context: Mapping[str, Any]) -> Rendered:
        return Rendered("There is news about your order.", "News", locale="en")


@dataclass(frozen=True, slots=True)
class Run:
    """What the real engine did over a history, and the entries as it left them."""

    entries: tuple[Entry, ...]
    messages: tuple[Message, ...]  # each as often as a channel took it
    facts: tuple[Fact, ...]
    again: Plan  # what a second pass would change


class Recording(MemoryChannel):
    """A channel that fails as it is told to, and counts every message it took."""

    def __init__(self, name: str, failures: Iterator[ChannelError | None]) -> None:
        super().__init__(name)
        self.failures = failures
        self.taken: list[Message] = []

    async def send(self, message: Message) -> Receipt:
        if (error := next(self.failures, None)) is not None:
            self.fail_next(error)
        receipt = await super().send(message)
        self.taken.append(message)
        return receipt


def live(history: list[dict[str, Any]], failures: list[ChannelError | None], *, undelivered: bool) -> Run:
    """Run the engine over a history until a month has passed."""
    heard = sorted((incoming(document) for document in history), key=lambda news: news.fact.heard)
    ahead = iter(failures)
    channels = {name: Recording(name, ahead) for name in ("email", "sms", "push")}
    composer = Composer(Plain(), HOUSE, Sender(postal_address=HOUSE["address"]), RULES.policy)
    simulation = Simulation(RULES, composer, channels, start=heard[0].fact.heard, undelivered=undelivered)
    try:
        simulation.run(heard, END)
        with simulation.ledger.transaction() as tx:
            entries = tuple(tx.entries_of(["O-1"]).get("O-1", ()))
            simulation.engine.plan(tx, {"O-1": END}, END)
            found = simulation.engine.look(tx, {"O-1": END}, END).decisions.values()
            again = reconcile(found, tx.entries_of(["O-1"]))
    finally:
        simulation.close()
    taken = tuple(message for channel in channels.values() for message in channel.taken)
    return Run(entries, taken, tuple(news.fact for news in heard), again)


slowly = settings(max_examples=60)


@slowly
@given(HISTORIES, st.booleans(), FAILURES, st.booleans())
def test_over_a_whole_life_the_promises_of_the_engine_hold(
    history: list[dict[str, Any]], early: bool, failures: list[ChannelError | None], undelivered: bool
) -> None:
    """One run of the engine is dear, so every promise about it is held against the same one."""
    run = live(told_from_the_start(history, early), failures, undelivered=undelivered)
    no_key_is_ever_sent_twice(run)
    nothing_is_said_twice_by_one_channel(run)
    nothing_leaves_after_it_expired(run)
    nothing_reaches_the_customer_outside_their_hours(run)
    no_task_but_an_urgent_one_finds_the_owner_off_work(run)
    every_entry_ends_in_a_state_with_a_reason(run)
    assert not run.again, "a second pass changes nothing"


def no_key_is_ever_sent_twice(run: Run) -> None:
    assert not [key for key, times in Counter(message.id for message in run.messages).items() if times > 1]
    accepted = {row.key for row in run.entries if row.status is Status.ACCEPTED and row.channel}
    assert accepted == {message.id for message in run.messages}


def nothing_is_said_twice_by_one_channel(run: Run) -> None:
    said = Counter(
        (row.wanted.rule, first_occasion(row.wanted.occasion), row.wanted.role, row.channel)
        for row in run.entries
        if row.status is Status.ACCEPTED and row.wanted.kind == "message"
    )
    assert not [one for one, times in said.items() if times > 1]


def nothing_leaves_after_it_expired(run: Run) -> None:
    expires = {row.key: row.expires_at for row in run.entries}
    for message in run.messages:
        limit = expires[message.id]
        assert message.at is not None
        assert limit is None or message.at < limit


def nothing_reaches_the_customer_outside_their_hours(run: Run) -> None:
    wanted_as = {row.key: row.wanted for row in run.entries}
    for message in run.messages:
        note, moment = wanted_as[message.id], message.at
        if note.role != "customer" or moment is None:
            continue
        heard = [f for f in run.facts if scope_of(f.type) is Scope.CUSTOMER and f.heard <= moment]
        maria_then = fold_customer("C-1", heard)
        wall = moment.astimezone(ZoneInfo(maria_then.time_zone or BERLIN))
        assert time(8) <= wall.time() < time(21), f"{note.key} in the quiet hours, at {wall}"
        if note.rule not in ("shipped", "back"):  # these leave now, whatever the customer chose
            assert open_at(wall, message.channel, maria_then.windows), (
                f"{note.key} outside the hours, at {wall}"
            )


def no_task_but_an_urgent_one_finds_the_owner_off_work(run: Run) -> None:
    wanted_as = {row.key: row.wanted for row in run.entries}
    for message in run.messages:
        note, moment = wanted_as[message.id], message.at
        if (note.kind, note.role) != ("task", "owner") or moment is None or note.rule in URGENT:
            continue
        owner = fold_order("O-1", [f for f in run.facts if f.subject == "O-1" and f.heard <= moment]).owner
        wall = moment.astimezone(ZoneInfo(owner.time_zone or BERLIN))
        hours = owner.working_hours
        assert not hours or any(inside(wall, window) for window in hours), f"{note.key} at {wall}"


def open_at(wall: datetime, channel: str, windows: tuple[Window, ...]) -> bool:
    """Do the hours the customer chose, else the default ones, include what their clock reads?"""
    mine = [w for w in windows if w.channel == channel] or [w for w in windows if not w.channel]
    mine = mine or [Window(frozenset(range(7)), time(8), time(20))]
    return any(inside(wall, window) for window in mine)


def inside(wall: datetime, window: Window) -> bool:
    at, today, yesterday = wall.time(), wall.weekday(), (wall.weekday() - 1) % 7
    if window.start < window.end:
        return today in window.days and window.start <= at < window.end
    return (today in window.days and at >= window.start) or (yesterday in window.days and at < window.end)


def every_entry_ends_in_a_state_with_a_reason(run: Run) -> None:
    for row in run.entries:
        if row.status is Status.SCHEDULED:
            assert row.run_at >= END, f"{row.key} was left behind"
        else:
            assert row.status in FINAL | {Status.UNKNOWN}, f"{row.key} ended {row.status}: {row.reason}"
            assert row.reason or row.status is Status.ACCEPTED, (
                f"{row.key} ended {row.status} without a reason"
            )
