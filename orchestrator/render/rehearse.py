"""What a text says with given facts, worked out piece by piece without compiling the text.

Compiling costs 3 ms a text, and a check of many texts prints each only once. Names are looked up, other
expressions are Jinja's own and compiled once for all texts that share them; what else Jinja knows (loops,
blocks) is left to :meth:`orchestrator.render.Renderer.render`, which this must equal wherever it answers.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jinja2 import TemplateError

from orchestrator.render.bidi import leftwards
from orchestrator.render.limits import BUDGET, Budget
from orchestrator.render.sandbox import Sandbox, said
from orchestrator.render.source import Is, Piece

_DOTTED = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")
_STATEMENT = re.compile(r"\{%\s*(?P<word>if|elif|else|endif|set)\b(?P<rest>.*?)%\}", re.DOTALL)
_SET = re.compile(r"\s*(?P<name>[A-Za-z_]\w*)\s*=(?!=)(?P<value>.*)", re.DOTALL)
_CONSTANTS = frozenset({"true", "false", "none", "True", "False", "None"})


class Rehearsal:
    """Says texts of one environment without escaping; keeps the expressions it compiled."""

    def __init__(self, env: Sandbox) -> None:
        self._env = env
        self._steps: dict[str, list[str]] = {}  # of each expression; none: it is more than a name with dots
        self._compiled: dict[str, Callable[..., Any]] = {}

    def say(self, pieces: Sequence[Piece], words: Mapping[str, Any]) -> str | None:
        """What *pieces* print with *words*; ``None``: only Jinja itself can tell, or tell what is wrong.

        The pieces of one message share the budget that is among its *words*; others have one each.
        """
        try:
            names = {**self._env.globals, **words}
            if BUDGET not in names:
                names[BUDGET] = Budget(leftwards=leftwards(str(words.get("locale", ""))))
            return self._said(pieces, names)
        except (TemplateError, _BeyondError, ArithmeticError, LookupError, TypeError, ValueError):
            return None

    def _said(self, pieces: Sequence[Piece], names: dict[str, Any]) -> str:
        parts: list[str] = []
        branches: list[tuple[bool, bool]] = []  # of each open `if`: is this branch said, was one before it
        live = True
        for piece in pieces:
            if piece.kind is Is.TEXT:
                if live:
                    parts.append(piece.text)
            elif piece.kind is Is.EXPRESSION:
                if not piece.text.startswith("{{"):
                    raise _BeyondError
                if live:
                    parts.append(said(names[BUDGET], self._value(piece.text[2:-2], names)))
            else:
                self._statement(piece.text, branches, names)
                live = all(now for now, _ in branches)
        return "".join(parts)

    def _statement(self, text: str, branches: list[tuple[bool, bool]], names: dict[str, Any]) -> None:
        match = _STATEMENT.fullmatch(text)
        if match is None:
            raise _BeyondError
        word, rest = match["word"], match["rest"]
        if word in ("elif", "else", "endif"):
            _, before = branches.pop()
        live = all(now for now, _ in branches)
        if word == "if":
            now = live and bool(self._value(rest, names))
            branches.append((now, now))
        elif word == "elif":
            now = live and not before and bool(self._value(rest, names))
            branches.append((now, before or now))
        elif word == "else":
            branches.append((live and not before, True))
        elif word == "set" and live:
            kept = _SET.fullmatch(rest)
            if kept is None:
                raise _BeyondError
            names[kept["name"]] = self._value(kept["value"], names)

    def _value(self, written: str, names: Mapping[str, Any]) -> Any:
        expression = written.strip()
        if expression not in self._steps:
            plain = _DOTTED.fullmatch(expression) and expression not in _CONSTANTS
            self._steps[expression] = expression.split(".") if plain else []
        if steps := self._steps[expression]:
            value = names[steps[0]]
            for step in steps[1:]:
                value = self._env.getattr(value, step)
            return value
        known = self._compiled.get(expression)
        if known is None:
            known = self._compiled[expression] = self._env.compile_expression(
                expression, undefined_to_none=False
            )
        return known(names)


class _BeyondError(Exception):
    """The text holds what is not worked out here."""
