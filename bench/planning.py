"""What planning one order costs, and that it grows with rules and facts as a line, not as a curve."""

from collections.abc import Callable, Sequence
from datetime import time, timedelta
from typing import Any

from bench.dealership import BEFORE, NOW, believed, customer, event, order, promised
from bench.report import Cost, Line, Runs, median_of, micro, timed
from orchestrator.config import quiet_hours
from orchestrator.config.public_holidays import PublicHolidays
from orchestrator.journey import BusinessCalendar, Cap, Policy, RuleBook
from orchestrator.model import Fact, Purpose, Sent
from orchestrator.planning.fold import fold_customer, fold_order
from orchestrator.planning.planner import wanted
from orchestrator.rules import load

RULES = (5, 10, 20, 40)
FACTS = (10, 20, 40, 80, 160, 320)
TYPICAL_RULES, TYPICAL_FACTS = 20, 20
TIMES, RUNS = 100, 5
STRAIGHT = 1.3  # what the last doubling may cost against the doubling before, per unit; a square has 2

HEAD = """\
version: 1
journey: bench
attributes: {model: text, colour: text}
milestones: [ordered, built, shipped, arrived, prepared, collected]
hours: "08:00-20:00"
rules:
"""
HOURS = 'hours: "08:00-20:00"\n'
PLAIN = Policy(time_zone="Europe/Berlin")
TWICE = 2
ASKING = "    timing: {business_hours: true, skip_holidays: true, unless_active: true, within: 14d}\n"
EVERYTHING = Policy(
    time_zone="Europe/Berlin",
    calendars={
        "default": BusinessCalendar(
            {day: (time(8), time(18)) for day in range(6)}, PublicHolidays("DE", "BY")
        )
    },
    quiet={purpose: (time(20), time(9)) for purpose in Purpose},
    law=quiet_hours.law(),
    caps={None: Cap(day=4, week=12), Purpose.SERVICE: Cap(day=3, week=8)},
)
PARTICULAR = [
    event(
        "preference.set", "C-0", BEFORE,
        windows=[
            {"days": "weekdays", "from": "12:00", "to": "19:00"},
            {"days": "sat", "from": "10:00", "to": "12:00"},
        ],
    ),
    event("customer.habit", "C-0", BEFORE, windows=[{"days": "mon", "from": "19:00", "to": "21:00"}]),
]  # fmt: skip
SENT = tuple(
    Sent(NOW - timedelta(hours=20 * number), Purpose.SERVICE, f"{number}", number) for number in range(6)
)
KINDS = (
    'on: {upcoming: arrived, before: 1d, at: "16:00"}',
    "on: {reached: arrived}",
    'on: {missed: arrived, closes: "17:30"}',
    "on: {moved: arrived, by: 1d, settle: 2h}\n    when: order.attributes.model != 'demo'",
    "on: {silent: 14d}",
    "on: {stuck: any, for: 5d}",
    "on: {after: built, by: 2d}",
    "on: {retracted: arrived}",
)  # what the delivered rules are made of


def measure() -> list[Line]:
    """Fold and plan one order, over and over."""
    book, facts = _book(TYPICAL_RULES), _facts(TYPICAL_FACTS)
    typical = _cost(book, facts)
    folding = _cost(RuleBook(), facts)
    lines = [
        Line(
            "planning", f"one order, {TYPICAL_RULES} rules, {TYPICAL_FACTS} facts", micro(typical),
            f"{micro(folding)} folding", f"{typical.each / TYPICAL_RULES * 1e6:,.1f} µs a rule",
        )
    ]  # fmt: skip
    lines.append(_with_everything(facts))
    lines += _growth("rule", RULES, [_cost(_book(count), facts) for count in RULES])
    lines += _growth("fact", FACTS, [_cost(book, _facts(count)) for count in FACTS])
    return lines


def _with_everything(facts: Sequence[Fact]) -> Line:
    """The same order with all on that may keep a message back, in turns with rules that ask nothing."""
    free = _planning(_book(TYPICAL_RULES, head=HEAD.replace(HOURS, "")), facts)
    bound = _planning(_book(TYPICAL_RULES, ASKING, EVERYTHING), facts, PARTICULAR)
    without, within = Runs(), Runs()
    for _ in range(RUNS):
        without.add(free())
        within.add(bound())
    times = within.median.cpu_each / without.median.cpu_each
    return Line(
        "planning", "with windows, habits, quiet hours, holidays and caps", micro(within.median),
        f"{micro(without.median)} without", f"{times:.2f} ×", f"under {TWICE} ×", times < TWICE,
    )  # fmt: skip


def _growth(unit: str, sizes: Sequence[int], costs: Sequence[Cost]) -> list[Line]:
    """What one more unit costs between each size and the next; along a line that is always the same."""
    more = [
        (after.cpu_each - before.cpu_each) / (large - small)
        for before, after, small, large in zip(costs, costs[1:], sizes, sizes[1:], strict=False)
    ]
    overall = (costs[-1].cpu_each - costs[0].cpu_each) / (sizes[-1] - sizes[0])
    return [
        Line(
            "planning", f"{sizes[0]} to {sizes[-1]} {unit}s",
            " ".join(f"{cost.cpu_each * 1e6:,.0f}" for cost in costs) + " µs CPU",
            f"{overall * 1e6:,.1f} µs a {unit} overall",
            f"{more[-1] / overall:.2f} × that at the end", f"linear: at most {STRAIGHT}",
            more[-1] / overall <= STRAIGHT,
        )
    ]  # fmt: skip


def _cost(book: RuleBook, facts: Sequence[Fact]) -> Cost:
    return median_of(RUNS, _planning(book, facts))


def _planning(
    book: RuleBook, facts: Sequence[Fact], wishes: Sequence[dict[str, Any]] = ()
) -> Callable[[], Cost]:
    """Fold and plan the order of a customer with these wishes so many times."""
    who = fold_customer("C-0", [item.fact for item in believed([customer(0), *wishes])])
    who.sent = SENT if book.capped else ()

    def plan() -> Cost:
        with timed(TIMES) as cost:
            for _ in range(TIMES):
                wanted(fold_order("O-0", facts), who, book, NOW)
        return cost

    plan()
    return plan


def _book(count: int, timing: str = "", policy: Policy = PLAIN, head: str = HEAD) -> RuleBook:
    """*count* rules of every kind."""
    says = f"    say: text\n    channels: [email]\n{timing}"
    rules = "".join(
        f"  - id: rule-{number}\n    {KINDS[number % len(KINDS)]}\n{says}" for number in range(count)
    )
    book, problems = load({"bench.yaml": head + rules}, policy=policy)
    if problems:
        raise SystemExit(f"a measured rule is wrong: {problems[0]}")
    return book


def _facts(count: int) -> list[Fact]:
    """An order, its first promise, and then talk, revised promises and milestones in turns."""
    documents = [order(0, "bench"), promised(0, NOW + timedelta(days=1))]
    for number in range(count - len(documents)):
        at = BEFORE + timedelta(minutes=number + 1)
        match number % 4:
            case 0:
                said = event("contact.logged", "O-0", at, direction="in", reason="asks", by="Nora Brandt")
            case 1:
                day = f"{NOW + timedelta(days=1 + number % 5):%Y-%m-%d}"
                said = event("promise.made", "O-0", at, milestone="arrived", date=day)
            case 2:
                said = event("milestone.reached", "O-0", at, milestone="built")
            case _:
                said = event("order.upserted", "O-0", at, attributes={"colour": "green"})
        documents.append(said)
    return [item.fact for item in believed(documents)]
