"""What a rule can only get wrong as a whole: its trigger's parameters, names, rungs out of order.

The checks read the tree of :mod:`orchestrator.rules.positions`, so one wrong value hides no other.
"""

import re
from collections.abc import Collection, Mapping

from orchestrator.facts import CORE_TYPES
from orchestrator.findings import Wrong, did_you_mean, nearest
from orchestrator.journey import Duration, On
from orchestrator.literals import parse_duration
from orchestrator.rules.journey_checks import ANY, Known, exists
from orchestrator.rules.positions import Findings, Node
from orchestrator.rules.schema import NAME
from orchestrator.texts import SHARED, said_by

PARAMETERS: Mapping[On, frozenset[str]] = {
    On.REACHED: frozenset(),
    On.MISSED: frozenset({"by", "closes"}),
    On.UPCOMING: frozenset({"before", "at", "before_closing"}),
    On.AFTER: frozenset({"by"}),
    On.MOVED: frozenset({"by", "settle", "direction"}),
    On.STUCK: frozenset({"for"}),
    On.SILENT: frozenset(),
    On.RETRACTED: frozenset(),
    On.EVENT: frozenset(),
}
NEEDED: Mapping[On, str] = {On.AFTER: "by", On.STUCK: "for"}
LADDERS = frozenset({On.MISSED, On.STUCK, On.SILENT})
ROLES = ("customer", "owner", "manager")
STAFF = frozenset({"task", "reach-the-customer", "answer-the-customer"})  # texts that no rule says
NEARLY = 0.9  # so alike are two names that one of them is a slip of the finger
SLIP = 0.92  # for types of events: `task.undone` is a type of one's own, `order.upsertd` is none
_NUMBER = re.compile(r"\d+")


def rule(node: Node, known: Known, findings: Findings) -> None:
    """Report everything in one rule that its values alone cannot show."""
    on = _trigger(node, known, findings)
    _what(node, known, findings)
    _ladder(node, on, findings)
    _channels(node.get("channels"), known, findings)
    _lengths(node, findings)
    _until(node, findings)
    _aims(node, known, findings)
    for told in _texts(node.get("tells")):
        exists(told, "milestone", known.milestones, "R014", findings)
    for where in (node, *_rungs(node)):
        _to(where.get("to"), findings)
        task = where.get("task")
        if task is not None:
            _called(task.get("do"), known, findings)
            for key in ("for", "then"):
                _role(task.get(key), findings)


def _trigger(node: Node, known: Known, findings: Findings) -> On | None:
    on = node.get("on")
    if on is None or not isinstance(on.value, dict):
        return None
    named = [On(key) for key in on.keys if key in tuple(On)]
    if not named:
        if not any(
            item.code in ("R010", "R016") and item.line == on.place.line for item in findings.problems
        ):
            findings.add(on.place, "R016", "no trigger here", f"one of: {', '.join(On)}")
        return None
    for extra in named[1:]:
        findings.add(
            on.keys[extra],
            "R017",
            f"{extra.value!r} is a second trigger beside {named[0].value!r}",
            "write two rules",
        )
    for trigger in named:
        _subject(trigger, on.value[trigger], known, findings)
    if len(named) > 1:
        return None  # whose parameters, whose rungs?
    _parameters(named[0], on, findings)
    return named[0]


def _subject(trigger: On, written: Node, known: Known, findings: Findings) -> None:
    """What the trigger is about exists."""
    if trigger is On.EVENT:
        _event_type(written, findings)
    elif trigger is not On.SILENT and not (trigger is On.STUCK and written.text == ANY):
        exists(written, "milestone", known.milestones, "R014", findings)


def _channels(node: Node | None, known: Known, findings: Findings) -> None:
    if node is not None and node.value == []:
        findings.add(
            node.place, "R060", "the list of channels is empty", "name one, or leave `channels:` out"
        )
    seen: set[str] = set()
    for channel in _texts(node):
        exists(channel, "channel", known.channels, "R012", findings)
        if channel.text in seen:
            findings.add(channel.place, "R060", f"{channel.text!r} stands here twice", "keep the first")
        seen.add(channel.text)


def _lengths(node: Node, findings: Findings) -> None:
    """What must last, lasts for some time."""
    timed: list[tuple[Node | None, str]] = [(node.get("on"), key) for key in ("silent", "for")]
    timed += [(node.get("timing"), key) for key in ("within", "stale_after")]
    timed += [(node, "combine"), (node, "fallback_after")]
    timed += [(part.get("task"), "within") for part in (node, *_rungs(node))]
    for part, key in timed:
        written = part.get(key) if part is not None else None
        length = _length(written)
        if written is not None and length is not None and not _grows(None, length):
            message = f"{key} {length} is no time at all"
            findings.add(written.place, "R049", message, "write how long: 14d, 3bd, 6h")


def _until(node: Node, findings: Findings) -> None:
    """How far a message must get and when to stop waiting for it are one thing, and about messages."""
    until, wait = node.get("until"), node.get("fallback_after")
    asked = [until, *until.children()] if until is not None else []
    aims = [one.text for one in asked if one.text in ("delivered", "opened")]
    if until is not None and aims and wait is None:
        hint = "say for how long: `fallback_after: 2h`"
        findings.add(until.place, "R063", f"nothing says how long to wait until it is {aims[0]}", hint)
    if wait is not None and (until is None or asked[-1].text == "accepted") and not aims:
        message = "whatever is accepted is accepted at once: there is nothing to wait for"
        findings.add(node.keys["fallback_after"], "R063", message, "add `until: delivered` or `opened`")
    if wait is not None and not any(part.get("say") for part in (node, *_rungs(node))):
        findings.add(node.keys["fallback_after"], "R064", "only a message can go another way", "add `say:`")


def _aims(node: Node, known: Known, findings: Findings) -> None:
    """An aim is set for channels that there are, and that the rule uses."""
    until, channels = node.get("until"), [one.text for one in _texts(node.get("channels"))]
    for name, place in until.keys.items() if until is not None else ():
        if known.channels is not None and name not in known.channels:
            hint = did_you_mean(name, channels or known.channels)
            findings.add(place, "R012", f"no channel called {name!r}", hint)
        elif channels and name not in channels:
            findings.add(
                place, "R063", f"the rule does not use {name}", "add it to `channels:`, or remove it"
            )


def _event_type(node: Node, findings: Findings) -> None:
    """Any type may come from outside; one that is nearly a core type never will."""
    if node.text and node.text not in CORE_TYPES and (near := did_you_mean(node.text, CORE_TYPES, SLIP)):
        findings.add(node.place, "R019", f"the type {node.text!r} is nearly one of the core types", near)


def _parameters(trigger: On, on: Node, findings: Findings) -> None:
    every = frozenset().union(*PARAMETERS.values())
    allowed = PARAMETERS[trigger]
    for key, place in on.keys.items():
        if key in every and key not in allowed:
            takes = f"it takes {', '.join(sorted(allowed))}" if allowed else "it takes nothing else"
            findings.add(place, "R018", f"{key!r} does not belong to {trigger.value!r}", takes)
    if trigger is On.UPCOMING and "before_closing" in on.keys and "at" not in on.keys:
        message = "'before_closing' only makes `at` earlier, and nothing says at what time of day"
        hint = 'add `at: "16:00"`: for a location that closes later, or not at all'
        findings.add(on.keys["before_closing"], "R018", message, hint)
    needed = NEEDED.get(trigger)
    if needed and needed not in on.keys:
        findings.add(
            on.place, "R011", f"{needed!r} is missing: {trigger.value} … for how long?", f"add `{needed}: 2d`"
        )


def _what(node: Node, known: Known, findings: Findings) -> None:
    """Something is said or somebody is tasked, in the rule and in each rung; templates exist."""
    parts = [node, *_rungs(node)]
    for part in parts:
        say = part.get("say")
        if say is not None and known.templates is not None:
            _template(say, node, known, known.templates, findings)
        silent = isinstance(part.value, dict) and say is None and part.get("task") is None
        if silent and (part is not node or node.get("rungs") is None):
            findings.add(
                part.place, "R040", "nothing is said here and nobody is tasked", "add `say:` or `task:`"
            )
    says = any(part.get("say") for part in parts)
    if node.get("tells") and not says:
        findings.add(
            node.keys["tells"], "R047", "only a message can tell a promise, and nothing is said", "add `say:`"
        )
    if node.get("combine") and not says:
        findings.add(
            node.keys["combine"], "R061", "only messages leave together, and nothing is said", "add `say:`"
        )


def _template(say: Node, rule: Node, known: Known, templates: Collection[str], findings: Findings) -> None:
    name = template_name(say.text, known.journey)
    own, said = f"{known.journey}/{name}", said_by(f"{known.journey}/{name}", templates)
    if said == own and say.text.startswith(f"{SHARED}/"):
        message = f"{say.text!r} is never said: {own!r} is, which comes first"
        findings.add(say.place, "R015", message, f"write {name!r}, or give one of the two another name")
    if not name or said:
        return
    near = did_you_mean(name, sorted(_names(templates, known.journey) - {*known.tasks, *STAFF}))
    channel = next((node.text for node in _texts(rule.get("channels"))), "email")
    file = f"templates/{known.journey}/{name}/{channel}.txt.en.j2"
    where = f"templates/{known.journey} or templates/shared"
    hint = f"{near} Or write {file}" if near else f"write {file}"
    if not re.match(NAME, name):
        hint = near or "name a text by letters, digits, '-', '_' and '.'"
    findings.add(say.place, "R015", f"no template called {name!r} in {where}", hint)


def _called(do: Node | None, known: Known, findings: Findings) -> None:
    """A task needs no text of its own, but one that is nearly its name was meant for it."""
    if do is None or known.templates is None:
        return
    numbered = {_NUMBER.sub("", do.text), do.text}  # `call-2` beside `call-1` is no slip
    names = _names(known.templates, known.journey)
    others = {name for name in names if _NUMBER.sub("", name) not in numbered}
    if do.text not in names and (near := did_you_mean(do.text, sorted(others), NEARLY)):
        findings.add(do.place, "R015", f"{do.text!r} is nearly the name of a text, and is none", near)


def _names(templates: Collection[str], journey: str) -> set[str]:
    folders = (journey, SHARED)
    return {name for folder, _, name in (full.partition("/") for full in templates) if folder in folders}


def template_name(written: str, journey: str) -> str:
    """The name alone: ``new-car/arrived`` and ``shared/arrived`` may be written out."""
    return written.removeprefix(f"{journey}/").removeprefix(f"{SHARED}/")


def _ladder(node: Node, trigger: On | None, findings: Findings) -> None:
    rungs = node.get("rungs")
    if rungs is None or not isinstance(rungs.value, list):
        return
    if trigger is not None and trigger not in LADDERS:
        hint = f"rungs go on from {', '.join(sorted(LADDERS))}; write a rule for each message instead"
        findings.add(node.keys["rungs"], "R041", f"{trigger.value!r} has no rungs", hint)
    if not rungs.value:
        findings.add(rungs.place, "R040", "the list of rungs is empty", "add a rung, or remove `rungs:`")
    opened = node.get("say") is not None or node.get("task") is not None
    before: Duration | None = None
    for number, rung in enumerate(rungs.value, start=2 if opened else 1):
        _waiting(rung, number, rung is rungs.value[-1], findings)
        after = rung.get("after")
        length = _length(after)
        if after is not None and length is not None and number > 1:
            if not _grows(before, length):
                said = "the rung before" if before else "the first rung"
                findings.add(
                    after.place,
                    "R044",
                    f"after {length} is not later than {said}",
                    "count from the first rung",
                )
            before = length


def _waiting(rung: Node, number: int, last: bool, findings: Findings) -> None:
    """The first rung is due at the trigger; each later one says how long it waits, in one way."""
    after, every, at_most = (rung.get(key) for key in ("after", "every", "at_most"))
    if number == 1:
        for key in ("after", "every", "at_most"):
            if key in rung.keys:
                findings.add(
                    rung.keys[key],
                    "R042",
                    f"the first rung cannot wait: {key!r}",
                    "it is due at the trigger itself",
                )
        return
    if after is None and every is None:
        if isinstance(rung.value, dict):
            findings.add(
                rung.place,
                "R043",
                f"rung {number} does not say when",
                "add `after: 1bd` (from the first rung)",
            )
    elif after is not None and every is not None:
        findings.add(rung.keys["every"], "R048", "'after' and 'every' exclude each other", "keep one")
    if at_most is not None and every is None:
        findings.add(
            rung.keys["at_most"], "R045", "'at_most' belongs to 'every'", "a rung with `after` is said once"
        )
    if every is not None and not last:
        findings.add(
            rung.keys["every"],
            "R046",
            "'every' never ends, so it must be the last rung",
            "move it to the end",
        )
    length = _length(every)
    if every is not None and length is not None and not _grows(None, length):
        findings.add(
            every.place, "R044", f"every {length} would not wait at all", "write a length such as 3bd"
        )


def _length(node: Node | None) -> Duration | None:
    try:
        return parse_duration(node.text) if node else None
    except Wrong:
        return None


def _grows(before: Duration | None, length: Duration) -> bool:
    """Is *length* longer, as far as business days and clock hours can be compared at all?"""
    old, new = (
        (0, 0, 0) if d is None else (d.days * 86_400 + d.seconds, d.business_days, d.business_minutes)
        for d in (before, length)
    )
    return any(b > a for a, b in zip(old, new, strict=True))


# ── names ────────────────────────────────────────────────────────────────────


def _to(node: Node | None, findings: Findings) -> None:
    if node is not None and node.value == []:
        findings.add(node.place, "R062", "the list of readers is empty", "leave `to:` out for the customer")
    seen: set[str] = set()
    for role in _texts(node):
        _role(role, findings)
        if role.text in seen:
            findings.add(role.place, "R062", f"{role.text!r} stands here twice", "keep the first")
        seen.add(role.text)


def _role(node: Node | None, findings: Findings) -> None:
    """Any other word is a party of the order; a slip of the finger is not."""
    if node is None or node.text in ROLES:
        return
    if close := nearest(node.text, ROLES, 0.75):
        findings.add(
            node.place,
            "R027",
            f"{node.text!r} looks like {close!r}",
            f"write {close!r}, or name the party differently",
        )


def _texts(node: Node | None) -> list[Node]:
    if node is None:
        return []
    return [item for item in node.value if item.text] if isinstance(node.value, list) else [node]


def _rungs(node: Node) -> list[Node]:
    rungs = node.get("rungs")
    return (
        [rung for rung in rungs.value if isinstance(rung.value, dict)]
        if rungs and isinstance(rungs.value, list)
        else []
    )
