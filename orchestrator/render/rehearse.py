"""What a text says with given facts, worked out piece by piece without compiling the text.

Compiling costs 3 ms a text, and a check of many texts prints each only once. Names are looked up, plain
expressions are worked out from Jinja's own tree (parsing one takes a quarter of compiling it), others are
compiled once for all texts that share them; what else Jinja knows (loops, blocks) is left to
:meth:`orchestrator.render.Renderer.render`, which this must equal wherever it answers.
"""

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any, NamedTuple

from jinja2 import TemplateError, nodes
from jinja2.runtime import Context

from orchestrator.render.bidi import leftwards
from orchestrator.render.limits import BUDGET, Budget, Counting
from orchestrator.render.sandbox import Sandbox, said
from orchestrator.render.source import Is, Piece

_DOTTED = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")
_STATEMENT = re.compile(r"\{%\s*(?P<word>if|elif|else|endif|set)\b(?P<rest>.*?)%\}", re.DOTALL)
_SET = re.compile(r"\s*(?P<name>[A-Za-z_]\w*)\s*=(?!=)(?P<value>.*)", re.DOTALL)
_CONSTANTS = frozenset({"true", "false", "none", "True", "False", "None"})
_PLAIN = (
    nodes.And, nodes.Compare, nodes.CondExpr, nodes.Const, nodes.Filter, nodes.Getattr, nodes.Name, nodes.Not,
    nodes.Operand, nodes.Or, nodes.Tuple,
)  # fmt: skip
_COMPARE: Mapping[str, Callable[[Any, Any], Any]] = {
    "eq": operator.eq, "ne": operator.ne, "gt": operator.gt, "gteq": operator.ge, "lt": operator.lt,
    "lteq": operator.le,
}  # fmt: skip


class Rehearsal:
    """Says texts of one environment without escaping; keeps the expressions it compiled."""

    def __init__(self, env: Sandbox) -> None:
        self._env = env
        self._steps: dict[str, list[str]] = {}  # of each expression; none: it is more than a name with dots
        self._compiled: dict[str, Callable[[dict[str, Any]], Any]] = {}

    def say(
        self, pieces: Sequence[Piece], words: Mapping[str, Any], holes: list[Piece] | None = None
    ) -> str | None:
        """What *pieces* print with *words*; ``None``: only Jinja itself can tell, or tell what is wrong.

        The pieces of one message share the budget that is among its *words*; others have one each. What is
        reached and prints nothing is added to *holes*.
        """
        try:
            names = {**self._env.globals, **words}
            if BUDGET not in names:
                names[BUDGET] = Budget(leftwards=leftwards(str(words.get("locale", ""))))
            return self._said(pieces, names, holes)
        except (TemplateError, _BeyondError, ArithmeticError, LookupError, TypeError, ValueError):
            return None

    def _said(self, pieces: Sequence[Piece], names: dict[str, Any], holes: list[Piece] | None) -> str:
        parts: list[str] = []
        branches: list[_Branch] = []
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
                    if holes is not None and not parts[-1].strip():
                        holes.append(piece)
            else:
                self._statement(piece.text, branches, names)
                live = not branches or branches[-1].live
        return "".join(parts)

    def _statement(self, text: str, branches: list["_Branch"], names: dict[str, Any]) -> None:
        word, rest = _read(text)
        done = branches.pop().done if word in ("elif", "else", "endif") else False
        live = not branches or branches[-1].live
        if word in ("if", "elif"):
            taken = live and not done and bool(self._value(rest, names))
            branches.append(_Branch(taken, done or taken))
        elif word == "else":
            branches.append(_Branch(live and not done, done=True))
        elif word == "set" and live:
            name, _, value = rest.partition("=")
            names[name] = self._value(value, names)

    def _value(self, written: str, names: dict[str, Any]) -> Any:
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
            known = self._compiled[expression] = self._understood(expression)
        return known(names)

    def _understood(self, expression: str) -> Callable[[dict[str, Any]], Any]:
        """What works out *expression*: its tree where that is plain, else what Jinja compiles of it."""
        tree = Counting(self._env).visit(self._env.parse(f"{{{{ {expression} }}}}"))
        printed = tree.find(nodes.Output)
        if len(tree.body) == 1 and printed is not None and len(printed.nodes) == 1:
            (root,) = printed.nodes
            if all(map(_is_plain, (root, *root.find_all(nodes.Node)))):
                return partial(self._worked_out, root)
        return self._env.compile_expression(expression, undefined_to_none=False)

    def _worked_out(self, root: nodes.Node, names: dict[str, Any]) -> Any:
        env = self._env
        context = Context(env, names, None, {})

        def of(node: Any) -> Any:
            match node:
                case nodes.Name():
                    return names[node.name] if node.name in names else env.undefined(name=node.name)
                case nodes.Getattr():
                    return env.getattr(of(node.node), node.attr)
                case nodes.Const():
                    return node.value
                case nodes.And():
                    return of(node.left) and of(node.right)
                case nodes.Or():
                    return of(node.left) or of(node.right)
                case nodes.Not():
                    return not of(node.node)
                case nodes.CondExpr():
                    return of(node.expr1 if of(node.test) else node.expr2)
                case nodes.Compare():
                    return _COMPARE[node.ops[0].op](of(node.expr), of(node.ops[0].expr))
                case nodes.Filter():
                    return env.call_filter(node.name, of(node.node), [*map(of, node.args)], context=context)
                case _:
                    return tuple(map(of, node.items))

        return of(root)


def _is_plain(node: nodes.Node) -> bool:
    """Whether a part of an expression means by itself what it means in what Jinja would compile."""
    match node:
        case nodes.Compare():
            return len(node.ops) == 1 and node.ops[0].op in _COMPARE
        case nodes.CondExpr():
            return node.expr2 is not None
        case nodes.Filter():
            return node.node is not None and not (node.kwargs or node.dyn_args or node.dyn_kwargs)
        case _:
            return isinstance(node, _PLAIN)


class _Branch(NamedTuple):
    """An open ``if``: whether what stands in it now is said, and whether one of its branches was."""

    live: bool
    done: bool


class _BeyondError(Exception):
    """The text holds what is not worked out here."""


@lru_cache(maxsize=1024)
def _read(statement: str) -> tuple[str, str]:
    """The word that a statement begins with, and the rest: of a ``set`` ``name=value``.

    Texts share their statements: the layout of mails has most of them.
    """
    match = _STATEMENT.fullmatch(statement)
    if match is None:
        raise _BeyondError
    word, rest = match["word"], match["rest"]
    if word != "set":
        return word, rest
    kept = _SET.fullmatch(rest)
    if kept is None:
        raise _BeyondError
    return word, f"{kept['name']}={kept['value']}"
