"""Whether a template is plainly in order, told without parsing it as a whole.

Templates say the same few expressions again and again, so each is parsed once and remembered. What is not
plain (a loop, a comment, an unknown name, a brace too many) is left to :mod:`orchestrator.render.check`,
which parses the whole and alone says what is wrong and where.
"""

import re
from collections.abc import Set as AbstractSet
from functools import lru_cache

from jinja2 import TemplateSyntaxError, nodes

from orchestrator.render.sandbox import Sandbox
from orchestrator.render.words import declared

FORBIDDEN = (nodes.Extends, nodes.Import, nodes.FromImport, nodes.ScopedEvalContextModifier)

_MARKUP = re.compile(r"\{\{(?P<expression>.*?)\}\}|\{%\s*(?P<word>[a-z]+)\b(?P<rest>.*?)%\}", re.DOTALL)
_SET = re.compile(r"\s*(?P<name>[A-Za-z_]\w*)\s*=(?!=)")
_INCLUDED = re.compile(r"\s*(?:\"[^\"]*\"|'[^']*')\s*")
_OPENING = ("{{", "{%", "{#")
_DOUBLE = ("{{%", "{{#", "{{{")  # the first two braces open it
_DOTTED = re.compile(r"\s*[a-z_]\w*(?:\.[a-z_]\w*)*\s*", re.ASCII)  # of an `if` or `{{ }}`: no more to parse
_KEYWORDS = frozenset({"and", "else", "false", "if", "in", "is", "none", "not", "or", "true"})


def unproblematic(source: str, env: Sandbox, more: AbstractSet[str] = frozenset()) -> bool:
    """Say whether *source* is certainly without a problem; *more* are names it may use besides the declared.

    ``False`` only means that somebody has to look closely.
    """
    if any(mark in _MARKUP.sub("", source) for mark in _OPENING) or any(mark in source for mark in _DOUBLE):
        return False
    used: set[str] = set()
    own: set[str] = set()
    open_ifs: list[bool] = []  # of each open `if`: may another branch follow
    for match in _MARKUP.finditer(source):
        word, rest = match["word"], match["rest"]
        if word is None:
            names = _names("{{{{{}}}}}", match["expression"], env)
        elif word in ("if", "elif", "else", "endif"):
            if not _nested(word, rest, open_ifs):
                return False
            asked = word in ("if", "elif")
            names = _names("{{% if {} %}}{{% endif %}}", rest, env) if asked else frozenset()
        elif word == "set" and (kept := _SET.match(rest)):
            own.add(kept["name"])
            names = _names("{{% set {} %}}", rest, env)
        elif word == "include" and _INCLUDED.fullmatch(rest):
            names = frozenset()
        else:
            return False
        if names is None:
            return False
        used |= names
    return (
        not open_ifs
        and not own & declared().keys()
        and used <= declared().keys() | env.globals.keys() | more | own
    )


def _nested(word: str, rest: str, open_ifs: list[bool]) -> bool:
    """Keep count of open `if`s; false where Jinja would complain."""
    if word == "if":
        open_ifs.append(True)
        return True
    if not open_ifs or (word in ("else", "endif") and rest.strip(" \t\n+-")):
        return False
    if word == "endif":
        open_ifs.pop()
        return True
    if not open_ifs[-1]:
        return False
    open_ifs[-1] = word == "elif"
    return True


@lru_cache(maxsize=4096)
def _names(markup: str, written: str, env: Sandbox) -> frozenset[str] | None:
    """The names that what is *written* in *markup* takes from outside; ``None`` if it is not in order."""
    if _DOTTED.fullmatch(written) and not _KEYWORDS & {*(steps := written.strip().split("."))}:
        return frozenset(steps[:1]) if _declared(*steps[:2]) else None
    try:
        tree = env.parse(markup.format(written))
    except TemplateSyntaxError:
        return None
    found = list(tree.find_all((nodes.Name, nodes.Getattr, nodes.Filter, nodes.Test, *FORBIDDEN)))
    for node in found:
        if isinstance(node, nodes.Filter | nodes.Test):
            if node.name not in (env.filters if isinstance(node, nodes.Filter) else env.tests):
                return None
        elif isinstance(node, nodes.Getattr):
            if isinstance(node.node, nodes.Name) and not _declared(node.node.name, node.attr):
                return None
        elif isinstance(node, FORBIDDEN):
            return None
    return frozenset(node.name for node in found if isinstance(node, nodes.Name) and node.ctx == "load")


def _declared(name: str, field: str = "") -> bool:
    """Whether a name may have that field: what is not declared is asked for elsewhere."""
    known = declared().get(name)
    return not field or known is None or known.fields is None or field in known.fields
