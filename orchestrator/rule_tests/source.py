"""A file of rule tests as a tree whose places can be complained about, in the words of :mod:`.codes`."""

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from orchestrator.findings import Wrong, nearest, suggestion
from orchestrator.rule_tests.moments import parse_moment
from orchestrator.rule_tests.values import Spot
from orchestrator.rules.positions import Findings, Node, Place
from orchestrator.rules.schema import kind_of

_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?")
_QUOTES = ("'", '"', "|", ">")


class Source(Findings):
    """Collects the problems of one file, each once however often a shared block is read."""

    def add(self, place: Place, code: str, message: str, hint: str = "") -> None:
        """Note one problem at *place*."""
        if not any((p.line, p.column, p.code, p.message) == (*place, code, message) for p in self.problems):
            super().add(place, code, message, hint)

    def spot(self, place: Place) -> Spot:
        """*place* with its path and line, to complain about later."""
        line = self._lines[place.line - 1] if 0 < place.line <= len(self._lines) else ""
        return Spot(self.path, place.line, place.column, line)

    # ── shapes ───────────────────────────────────────────────────────────────

    def mapping(
        self, node: Node, known: Collection[str] = (), filled: Collection[str] = ()
    ) -> Mapping[str, Node]:
        """The values of a mapping; complains about other kinds, unknown keys, *filled* ones left empty."""
        if not isinstance(node.value, dict):
            self.wrong(node, "a mapping")
            return {}
        for name in node.value:
            if known and name not in known:
                cut = " " in name and node.value[name].value is None
                hint = "put a text that contains a comma in quotes" if cut else suggestion(name, known)
                self.add(node.keys[name], "X010", f"unknown key {name!r}", hint)
        for name in node.value.keys() & set(filled):
            if node.value[name].value is None and not node.value[name].flaw:
                hint = (
                    "write `[]` for nothing at all"
                    if name == "expect"
                    else "write a value, or remove the key"
                )
                self.add(node.keys[name], "X013", "nothing stands here", hint)
                node.value[name].flaw = True
        return node.value

    def items(self, node: Node | None) -> list[Node]:
        """The values of a list; none if there is no *node*; complains about another kind."""
        if node is None:
            return []
        if isinstance(node.value, list):
            return node.value
        self.wrong(node, "a list")
        return []

    def text(self, node: Node | None) -> str:
        """The text; "" if there is no *node*; complains about another kind and about nothing."""
        if node is None or node.flaw:
            return ""
        if not node.text.strip():
            self.wrong(node, "a text")
        return node.text.strip()

    def yes(self, node: Node | None, *, default: bool) -> bool:
        """True or false."""
        if node is None:
            return default
        if node.text.lower() not in ("true", "false"):
            self.add(node.place, "X019", f"true or false is expected here, not {kind_of(node.plain())}")
        return node.text.lower() == "true"

    def wrong(self, node: Node, expected: str) -> None:
        """Complain about the kind of a value."""
        if not node.flaw:
            given = kind_of(node.plain()) if node.value != "" else "nothing"
            self.add(node.place, "X013", f"{expected} is expected here, not {given}")

    # ── words and times ──────────────────────────────────────────────────────

    def word(self, node: Node | None, known: Iterable[str], code: str, what: str) -> str:
        """A text that must be one of *known*."""
        text = self.text(node)
        if node is not None and text and text not in (words := list(known)):
            self.add(node.place, code, f"no {what} called {text!r}", suggestion(text, words))
        return text

    def moment(self, node: Node | None, zone: str, *, end: bool | None = None) -> Any:
        """The moment a text says, or ``None``; see :func:`parse_moment`."""
        if node is None or not (text := self.text(node)):
            return None
        try:
            return parse_moment(text, zone, end=end)
        except Wrong as wrong:
            self.add(node.place, wrong.code, wrong.message, wrong.hint)
            return None

    def near_miss(self, node: Node, known: Collection[str]) -> None:
        """Complain about keys that are nearly one of *known*; others may be a company's own."""
        for name, place in node.keys.items():
            if name not in known and nearest(name, known, 0.75):
                self.add(place, "X010", f"unknown key {name!r}", suggestion(name, known))


def typed(node: Node) -> Any:
    """The value as an event carries it: plain ``true``, ``12`` and nothing are no texts, quoted ones are."""
    if isinstance(node.value, dict):
        return {name: typed(child) for name, child in node.value.items()}
    if isinstance(node.value, list):
        return [typed(child) for child in node.value]
    if node.value is None or node.written.startswith(_QUOTES):
        return node.value
    if node.value in ("true", "false"):
        return node.value == "true"
    if _NUMBER.fullmatch(node.value):
        return float(node.value) if "." in node.value else int(node.value)
    return node.value


def merged(shared: Node | None, own: Node | None) -> Node | None:
    """Two mappings as one, *own* over *shared*, deep; anything else is *own* if there is any."""
    if shared is None or own is None:
        return own or shared
    if not isinstance(shared.value, dict) or not isinstance(own.value, dict):
        return own
    value: dict[str, Node] = dict(shared.value)
    for name, child in own.value.items():
        both = merged(shared.value.get(name), child)
        assert both is not None
        value[name] = both
    return Node(own.place, value, {**shared.keys, **own.keys}, own.written, shared.flaw or own.flaw)
