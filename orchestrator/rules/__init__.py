"""Rule files → journeys and rules, with every problem of every file at its line and column.

A rule with a problem leaves only itself out; a journey that cannot be read leaves only its own file out.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from orchestrator.errors import Misconfigured, Problem
from orchestrator.findings import nearest
from orchestrator.journey import (
    NOTHING,
    Condition,
    Journey,
    Mode,
    On,
    Policy,
    Rider,
    Rule,
    RuleBook,
    Rung,
    TaskSpec,
    Timing,
    Trigger,
    Verdict,
)
from orchestrator.literals import parse_duration
from orchestrator.model import Purpose
from orchestrator.rules import checks as rule_checks
from orchestrator.rules import journey_checks
from orchestrator.rules.copies import copies_of_named
from orchestrator.rules.journey_checks import Known
from orchestrator.rules.positions import LARGEST, START, Findings, Node, parse
from orchestrator.rules.schema import (
    DIRECTIONS,
    FileShape,
    HeaderShape,
    OnShape,
    RuleShape,
    RungShape,
    TaskShape,
    TimingShape,
)
from orchestrator.rules.schema_problems import shape

__all__ = ["json_schema", "load", "parse_duration", "read"]

OFTEN_ENOUGH = 100  # how often an `every` without `at_most` is said; nobody plans for more
SUFFIXES = (".yaml", ".yml")
TESTS = "tests"  # the folder of what operations expect of their rules


def read(directory: Path) -> dict[str, str]:
    """Return path → text of every rule file below *directory* (or of the one file it is).

    Folders called ``tests`` hold tests of rules and no rules (:mod:`orchestrator.rule_tests`).
    What is not UTF-8 is kept in the text, so that :func:`load` reports it. Raises
    :class:`Misconfigured` when there is no such directory or a file cannot be opened.
    """
    if not directory.exists():
        raise Misconfigured(f"there is no directory of rules at {directory}")
    files = [directory] if directory.is_file() else sorted(filter(_is_rule_file, directory.rglob("*")))
    files = [file for file in files if TESTS not in file.relative_to(directory).parts[:-1]]
    try:
        return {file.as_posix(): _head(file) for file in files}
    except OSError as error:
        raise Misconfigured(f"the rule file {error.filename} cannot be read: {error.strerror}") from error


def _is_rule_file(path: Path) -> bool:
    there = path.is_file() or (path.is_symlink() and not path.exists())  # a link to nothing is no file less
    return path.suffix in SUFFIXES and there and not path.name.startswith(".")


def _head(file: Path) -> str:
    """The text, or just enough of it to be refused as too large."""
    with file.open("rb") as stream:
        return stream.read(LARGEST * 4 + 4).decode("utf-8", "surrogateescape")


def load(
    sources: Mapping[str, str],
    *,
    templates: Collection[str] | None = None,
    channels: Collection[str] | None = None,
    policy: Policy = Policy(),  # noqa: B008 - a frozen value
    drafts: bool = False,
) -> tuple[RuleBook, list[Problem]]:
    """Return the rules of *sources* (path → text) and every problem in them, in the order of the text.

    *templates* (``new-car/arrived``) and *channels* are what exists; ``None`` leaves them unchecked. With
    *drafts* rules are kept in spite of their problems as far as they have a shape: to be read, never to be
    in force.
    """
    loader = _Loader(templates, channels, drafts=drafts)
    copies = copies_of_named(sources)
    for path in sorted(sources, key=copies.__contains__):
        loader.file(path, sources[path].removeprefix("\ufeff"))
    place = {path: number for number, path in enumerate(sources)}
    problems = (
        sorted(loader.problems, key=lambda problem: place.get(problem.path, 0)) if copies else loader.problems
    )
    return RuleBook(journeys=loader.journeys, policy=policy), problems


class _Loader:
    """What the files read so far declared: ids are unique over all of them."""

    def __init__(
        self, templates: Collection[str] | None, channels: Collection[str] | None, *, drafts: bool
    ) -> None:
        self.journeys: dict[str, Journey] = {}
        self.problems: list[Problem] = []
        self._templates = templates if templates is None else frozenset(templates)
        self._channels = channels
        self._drafts = drafts
        self._journey_places: dict[str, str] = {}
        self._rule_places: dict[str, str] = {}
        self._twin = ""  # the file that declares the same journey as the one that is read

    def file(self, path: str, text: str) -> None:
        findings = Findings(path, text)
        root = parse(text, findings)
        if root is not None and isinstance(root.value, dict):
            self._journey(root, findings)
        elif not findings.problems:
            if root is None or root.value is None:
                findings.add(START, "R004", "the file is empty", "start with `version: 1` and `journey: …`")
            else:
                findings.add(
                    root.place, "R013", "a rule file is a mapping", "start with `version: 1` and `journey: …`"
                )
        self.problems += sorted(findings.problems, key=lambda problem: (problem.line, problem.column))

    def _journey(self, root: Node, findings: Findings) -> None:
        """Read one journey and its rules; a broken header leaves the file out, but its rules are checked."""
        before = len(findings.problems)
        rules = root.value.pop("rules", None) if isinstance(root.value, dict) else None
        header = shape(HeaderShape, root, findings)
        phases = journey_checks.milestones(root, findings)
        attributes = journey_checks.attributes(root, findings)
        names = tuple(name for phase in phases.values() for name in phase) if phases else None
        name = header.journey if header else ""
        known = Known(
            name,
            names,
            self._templates if header else None,
            self._channels,
            _asked(rules),
            tuple(phases) if phases else None,
        )
        journey_checks.texts(root.get("journey"), known.templates, findings)
        promises = journey_checks.promises(root, known, findings)
        closes = root.get("closes")
        if closes is not None:
            journey_checks.exists(closes, "milestone", names, "R014", findings)
        journey_checks.names(root.get("names"), name, names, findings)
        usable = self._claim(root.get("journey"), "journey", "R025", self._journey_places, findings)
        self._twin = "" if usable else self._journey_places.get(name, "").rpartition(":")[0]
        usable = usable and not root.flawed and len(findings.problems) == before
        riders = _riders(root.get("with_next"), header, _ids(rules), known, attributes, findings)
        made = self._rules(rules, known, attributes, findings)
        if header is not None and phases is not None and (usable or self._drafts):
            self.journeys[name] = Journey(
                id=name,
                title=header.title or name,
                phases=phases,
                promises=promises,
                attributes=attributes,
                hours=header.hours,
                closes=header.closes or "",
                rules=made,
                riders=riders,
                names=header.names or {},
                path=findings.path,
            )

    def _rules(
        self, node: Node | None, known: Known, attributes: Mapping[str, str], findings: Findings
    ) -> tuple[Rule, ...]:
        if node is None or node.value is None:
            return ()
        if not isinstance(node.value, list):
            findings.add(node.place, "R013", "the rules are a list", "begin each with `- id: …`")
            return ()
        made = (self._rule(item, known, attributes, findings) for item in node.value)
        return tuple(rule for rule in made if rule is not None)

    def _rule(
        self, node: Node, known: Known, attributes: Mapping[str, str], findings: Findings
    ) -> Rule | None:
        before = len(findings.problems)
        _direction(node.get("on"))
        found = shape(RuleShape, node, findings)
        self._claim(node.get("id"), "rule", "R025", self._rule_places, findings)
        rule_checks.rule(node, known, findings)
        when = _condition(node, node, known, attributes, findings)
        rungs = node.get("rungs")
        each = (
            [_condition(node, rung, known, attributes, findings) for rung in rungs.children()]
            if rungs
            else []
        )
        sound = not node.flawed and len(findings.problems) == before
        if found is None or not (sound or (self._drafts and _triggered(found.on))):
            return None
        return _build(found, known.journey, when, each, findings.path, node.place.line)

    def _claim(
        self, node: Node | None, kind: str, code: str, places: dict[str, str], findings: Findings
    ) -> bool:
        """Take an id for this place; ``False`` when another has it."""
        if node is None or not node.text:
            return False
        first = places.setdefault(node.text, f"{findings.path}:{node.place.line}")
        if first == f"{findings.path}:{node.place.line}":
            return True
        if kind == "journey":
            hint = f"first at {first}: is one a copy? Remove it, or rename its journey and its rules"
        elif self._twin and first.rpartition(":")[0] == self._twin:
            return False  # said of the journey already
        else:
            hint = f"first at {first}"
        findings.add(node.place, code, f"a {kind} called {node.text!r} exists already", hint)
        return False


def _direction(on: Node | None) -> None:
    """Let ``{moved: M, later}`` and ``{moved: M, later: 1d}`` mean what they say."""
    if on is None or not isinstance(on.value, dict):
        return
    for word in ("later", "sooner", "either"):
        if word in on.value and "direction" not in on.value:
            length, place = on.value.pop(word), on.keys.pop(word)
            on.value["direction"], on.keys["direction"] = Node(place, word), place
            if length.value not in (None, "true") and "by" not in on.value:
                on.value["by"], on.keys["by"] = length, place
    if "moved" in on.value and "direction" not in on.value:
        bare = (key for key, node in on.value.items() if node.value is None)
        for key in [key for key in bare if nearest(key, DIRECTIONS)][:1]:
            on.value["direction"], on.keys["direction"] = Node(on.keys[key], key), on.keys[key]
            del on.value[key], on.keys[key]


def _asked(node: Node | None) -> frozenset[str]:
    """The names of all tasks below *node*."""
    if node is None:
        return frozenset()
    task = node.get("task")
    do = task.get("do") if task is not None else None
    return frozenset({do.text} if do is not None else ()).union(*map(_asked, node.children()))


def _condition(
    rule: Node, part: Node, known: Known, attributes: Mapping[str, str], findings: Findings
) -> Condition | None:
    """The condition of a rule, or of a rung of it."""
    node = part.get("when")
    if node is None or not node.text:
        return None
    from orchestrator import conditions  # 40 ms, and many rule files have no condition
    from orchestrator.rules import condition_checks

    condition_checks.condition(rule, part, known, findings)
    try:
        return conditions.compile_condition(node.text, attributes)
    except conditions.ConditionError as error:
        for flaw in error.problems:
            findings.add(node.place_of(flaw.offset), flaw.code, flaw.message, flaw.hint)
        return _Unread(node.text)


def _ids(rules: Node | None) -> list[str]:
    """The ids of the rules of a file."""
    return [node.text for rule in (rules.children() if rules else ()) if (node := rule.get("id")) is not None]


def _riders(
    node: Node | None,
    header: HeaderShape | None,
    rules: Collection[str],
    known: Known,
    attributes: Mapping[str, str],
    findings: Findings,
) -> tuple[Rider, ...]:
    """The lines that ride along; one that is misshapen or asks in vain is left out with what is wrong."""
    written = list(node.children()) if node is not None else []
    made = []
    for place, found in zip(written, (header.with_next if header else None) or (), strict=False):
        before = len(findings.problems)
        named = place.get("with")
        for one in named.children() if named is not None and isinstance(named.value, list) else [named]:
            if one is not None:
                journey_checks.exists(one, "rule", rules, "R019", findings)
        when = _condition(place, place, known, attributes, findings)
        if len(findings.problems) == before:
            purpose = Purpose(found.purpose)
            made.append(Rider(found.id, found.line, tuple(found.with_), when, purpose))
    return tuple(made)


@dataclass(frozen=True, slots=True)
class _Unread:
    """A condition of a draft that nobody can read: every answer is unknown."""

    text: str
    value: bool | None = None
    why: str = "the condition cannot be read"
    values: Mapping[str, Any] = field(default_factory=dict)

    def evaluate(self, _variables: Mapping[str, Any]) -> Verdict:
        return self


# ── shapes → values ──────────────────────────────────────────────────────────


def _build(
    found: RuleShape,
    journey: str,
    when: Condition | None,
    each: Sequence[Condition | None],
    path: str,
    line: int,
) -> Rule:
    return Rule(
        id=found.id,
        journey=journey,
        trigger=_trigger(found.on),
        rungs=_rungs(found, journey, each),
        channels=tuple(found.channels or ()),
        to=found.to[0],
        also_to=tuple(found.to[1:]),
        purpose=Purpose(found.purpose),
        timing=_timing(found.timing),
        when=when,
        tells=tuple(found.tells or ()),
        combine=found.combine,
        until=found.until if isinstance(found.until, str) else "accepted",
        until_by=() if isinstance(found.until, str) else tuple(found.until.items()),
        fallback_after=found.fallback_after,
        mode=Mode(found.mode),
        catch_up=found.catch_up,
        title=found.title or "",
        path=path,
        line=line,
    )


def _triggered(on: OnShape) -> bool:
    return any(getattr(on, trigger) is not None for trigger in On)


def _trigger(on: OnShape) -> Trigger:
    named = next(trigger for trigger in On if getattr(on, trigger) is not None)
    value: Any = getattr(on, named)
    return Trigger(
        on=named,
        milestone=value if named not in (On.SILENT, On.EVENT) else "",
        by=on.by or NOTHING,
        before=on.before or NOTHING,
        for_=value if named is On.SILENT else on.for_ or NOTHING,
        settle=on.settle or NOTHING,
        direction=on.direction or "either",
        at=on.at,
        closes=on.closes,
        event=value if named is On.EVENT else "",
        before_closing=on.before_closing,
    )


def _rungs(found: RuleShape, journey: str, each: Sequence[Condition | None]) -> tuple[Rung, ...]:
    first = (_rung(found, journey),) if found.say or found.task else ()
    rungs = zip(found.rungs or (), each, strict=True)
    return first + tuple(replace(_rung(rung, journey), when=when) for rung, when in rungs)


def _rung(part: RuleShape | RungShape, journey: str) -> Rung:
    say, task = rule_checks.template_name(part.say or "", journey), _task(part.task)
    if isinstance(part, RuleShape):
        return Rung(say, task)
    return Rung(say, task, part.after, part.every, 1 if part.every is None else part.at_most or OFTEN_ENOUGH)


def _timing(timing: TimingShape | None) -> Timing:
    if timing is None:
        return Timing()
    return Timing(**{name: getattr(timing, name) for name in TimingShape.model_fields})


def _task(task: TaskShape | None) -> TaskSpec | None:
    return TaskSpec(task.for_, task.do, task.within, task.then or "") if task else None


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a rule file, for editors."""
    schema = FileShape.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
