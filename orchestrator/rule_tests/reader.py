"""Files of rule tests → cases, with every problem of every file at its line and column."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from orchestrator.errors import Problem
from orchestrator.findings import suggestion
from orchestrator.journey import Journey, RuleBook
from orchestrator.model import Kind
from orchestrator.planning.answering import DO as ANSWER
from orchestrator.planning.missing import MISSED_ON_HOLD
from orchestrator.planning.tasks import UNREACHED
from orchestrator.rule_tests.facts import Cast
from orchestrator.rule_tests.moments import minute, shown
from orchestrator.rule_tests.shape import FILE, PATTERN, TEST
from orchestrator.rule_tests.source import Source, merged
from orchestrator.rule_tests.values import Case, Given, Pattern
from orchestrator.rules.checks import template_name
from orchestrator.rules.positions import START, Node, parse

OF_RULES = frozenset({"X014", "X015", "X016", "X017", "X018"})  # codes of what the rules do not know
BY_ITSELF = (UNREACHED, MISSED_ON_HOLD, ANSWER)  # tasks the engine gives without a rule naming them


def load(
    sources: Mapping[str, str], book: RuleBook, channels: Sequence[str]
) -> tuple[list[Case], list[Problem]]:
    """Return the cases of *sources* (path → text) and every problem in them, in the order of the text."""
    cases: list[Case] = []
    problems: list[Problem] = []
    for path, text in sources.items():
        source = Source(path, text)
        cases += _File(source, book, channels).cases(parse(text, source))
        problems += sorted(source.problems, key=lambda problem: (problem.line, problem.column))
    return cases, problems


class _File:
    """One file on its way into cases."""

    def __init__(self, source: Source, book: RuleBook, channels: Sequence[str]) -> None:
        self._source = source
        self._book = book
        self._channels = channels
        self._rules = {rule.id: rule for journey in book.journeys.values() for rule in journey.rules}

    def cases(self, root: Node | None) -> list[Case]:
        """Every test that can be run."""
        source = self._source
        if root is None or root.value is None:
            if not source.problems:
                source.add(START, "X011", "the file is empty", "start with `version: 1` and `tests:`")
            return []
        keys = source.mapping(root, FILE, FILE)
        if not isinstance(root.value, dict):
            return []
        self._version(root)
        tests = source.items(keys.get("tests"))
        journey = self._journey(root)
        names: dict[str, int] = {}
        made = [self._case(test, keys, journey, names) for test in tests]
        return [case for case in made if case is not None]

    def _version(self, root: Node) -> None:
        version = root.get("version")
        if version is None:
            self._source.add(root.place, "X011", "'version' is missing", "the first line is `version: 1`")
        elif version.text != "1":
            self._source.add(
                version.place, "X013", f"version {version.text!r} is not known", "write `version: 1`"
            )
        tests = root.get("tests")
        if tests is None or tests.value in (None, []):
            place = root.keys.get("tests", root.place)
            self._source.add(place, "X011", "there is no test", "begin each with `- name: …` under `tests:`")

    def _journey(self, root: Node) -> str:
        journeys = self._book.journeys
        named = root.get("journey")
        if named is not None:
            return self._source.word(named, journeys, "X018", "journey")
        if len(journeys) != 1:
            hint = f"there is: {', '.join(journeys)}" if journeys else ""
            self._source.add(root.place, "X011" if journeys else "X018", "'journey' is missing", hint)
        return next(iter(journeys), "")

    # ── one test ─────────────────────────────────────────────────────────────

    def _case(self, test: Node, file: Mapping[str, Node], journey: str, names: dict[str, int]) -> Case | None:
        source = self._source
        before = len(source.problems)
        keys = source.mapping(test, TEST, TEST)
        if not isinstance(test.value, dict):
            return None
        name = self._name(test, names)
        cast = Cast(
            merged(file.get("customers"), keys.get("customers")),
            merged(file.get("orders"), keys.get("orders")),
            journey,
            self._book,
            source,
        )
        since, until = self._span(test, cast.zone)
        given = self._given([*source.items(file.get("given")), *source.items(keys.get("given"))], cast, until)
        expect, never = self._asked(test, cast)
        for pattern in expect:
            self._in_time(pattern, since, until)
        only_these = source.yes(keys.get("only_these"), default=True)
        only_reported = source.yes(keys.get("only_reported"), default=False)
        if len(source.problems) > before or until is None or not given:
            return None
        place = test.keys.get("expect") or test.keys["name"]
        return Case(
            name, source.spot(test.keys["name"]), source.spot(place), given, since, until,
            expect, never, only_these, only_reported, cast.zones,
        )  # fmt: skip

    def _name(self, test: Node, names: dict[str, int]) -> str:
        node = test.get("name")
        name = self._source.text(node)
        if node is None:
            self._source.add(test.place, "X011", "'name' is missing", "say what the test shows: `name: …`")
        elif name and names.setdefault(name, node.place.line) != node.place.line:
            self._source.add(
                node.place, "X023", f"a test called {name!r} exists already", f"first on line {names[name]}"
            )
        return name

    def _span(self, test: Node, zone: str) -> tuple[datetime | None, datetime | None]:
        """From when to when what is said is compared; the second is also where the test ends."""
        source = self._source
        at, since, until = test.get("at"), test.get("from"), test.get("until")
        if at is not None:
            for name in ("from", "until"):
                if name in test.keys:
                    source.add(test.keys[name], "X024", f"`at` and `{name}` exclude each other")
            moment = source.moment(at, zone)
            return moment, moment
        if until is None:
            source.add(test.place, "X011", "the end is missing", "add `until: …`, or `at: …` for one minute")
        begins, ends = source.moment(since, zone, end=False), source.moment(until, zone, end=True)
        if begins and ends and begins > ends:
            source.add(test.keys["from"], "X022", "it begins after it ends")
        return begins, ends

    def _given(self, facts: Sequence[Node], cast: Cast, until: datetime | None) -> tuple[Given, ...]:
        """Customers, orders and facts as they are heard."""
        source = self._source
        told: list[Given] = []
        for number, node in enumerate(facts, 1):
            given = cast.fact(node, number, until)
            if given is not None:
                told.append(given)
        sinces = (
            source.moment(node.get("since"), cast.zones.get(name, cast.zone))
            for name, node in {**cast.customers, **cast.orders}.items()
        )
        starts = [given.event.fact.happened for given in told] + [moment for moment in sinces if moment]
        if not starts:
            return ()
        return tuple(sorted([*cast.introduced(min(starts)), *told], key=lambda given: given.event.fact.heard))

    # ── what is asked for ────────────────────────────────────────────────────

    def _asked(self, test: Node, cast: Cast) -> tuple[tuple[Pattern, ...], tuple[Pattern, ...]]:
        if "expect" not in test.keys and "never" not in test.keys:
            hint = "`expect: []` is for nothing at all"
            self._source.add(test.place, "X011", "neither `expect` nor `never` says what is right", hint)
        expect = tuple(self._patterns(test.get("expect"), cast))
        never = tuple(self._patterns(test.get("never"), cast))
        return expect, never

    def _patterns(self, node: Node | None, cast: Cast) -> Iterator[Pattern]:
        for item in self._source.items(node):
            pattern = self._pattern(item, cast)
            if pattern is not None:
                yield pattern

    def _pattern(self, node: Node, cast: Cast) -> Pattern | None:
        source = self._source
        keys = source.mapping(node, PATTERN, PATTERN)
        if not isinstance(node.value, dict):
            return None
        kinds = [kind for kind in ("say", "task") if kind in keys]
        if len(kinds) != 1:
            both = len(kinds) == 2
            code, words = (
                ("X024", "`say` and `task` exclude each other") if both else ("X011", "what is said?")
            )
            source.add(node.place, code, words, "write `say: …` for a message or `task: …` for a task")
            return None
        kind = Kind.MESSAGE if kinds == ["say"] else Kind.TASK
        order = source.word(keys.get("order"), cast.orders, "X012", "order")
        zone = cast.zones.get(order, cast.zone)
        rule = source.word(keys.get("rule"), self._rules, "X016", "rule")
        what = self._what(keys[kinds[0]], kind, rule, cast)
        return Pattern(
            spot=source.spot(node.place),
            kind=kind,
            what=what,
            at=source.moment(keys.get("at"), zone),
            to=source.word(keys.get("to"), cast.roles, "X019", "role"),
            by=source.word(keys.get("by"), self._channels, "X019", "channel"),
            order=order,
            rule=rule,
            why=source.text(keys.get("why")),
            zone=zone,
        )

    def _what(self, node: Node, kind: Kind, rule: str, cast: Cast) -> str:
        """The name of a text or task, which some rule must say."""
        journeys = cast.journeys()
        name = self._source.text(node)
        for journey in journeys:
            name = template_name(name, journey.id)
        messages, tasks = _said(journeys, rule if rule in self._rules else "")
        kinds = {"say": messages, "task": tasks}
        key = "say" if kind is Kind.MESSAGE else "task"
        other = "task" if key == "say" else "say"
        if not name or not journeys or name in kinds[key]:
            return name
        who = f"in the rule {rule!r}" if rule in self._rules else "in the rules"
        what = f"no {'text' if key == 'say' else 'task'} called {name!r} {who}"
        hint = f"write `{other}: {name}`" if name in kinds[other] else suggestion(name, sorted(kinds[key]))
        self._source.add(node.place, "X015", what, hint)
        return name

    def _in_time(self, pattern: Pattern, since: datetime | None, until: datetime | None) -> None:
        if pattern.at is None or until is None:
            return
        early = since is not None and minute(pattern.at) < minute(since)
        if early or minute(pattern.at) > minute(until):
            what = "before the test looks" if early else "after the test ends"
            moment = shown(until, pattern.zone)
            self._source.problems.append(
                pattern.spot.problem("X022", f"it is expected {what}", f"the test ends at {moment}")
            )


def _said(journeys: Sequence[Journey], rule: str) -> tuple[set[str], set[str]]:
    """Every text and every task of these journeys' rules, or of one of them."""
    rules = [each for journey in journeys for each in journey.rules if rule in ("", each.id)]
    rungs = [rung for each in rules for rung in each.rungs]
    return {rung.say for rung in rungs if rung.say}, {rung.task.do for rung in rungs if rung.task} | set(
        BY_ITSELF
    )
