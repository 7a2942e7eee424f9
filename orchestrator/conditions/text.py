"""The text of a condition: its tokens, the fields it mentions, and what is wrong before it is compiled."""

import ast
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from orchestrator.conditions.fields import ATTRIBUTE, FIELDS, HAS

LONGEST = 4_000  # characters
DEEPEST = 32  # the library's own limit, which it reports without a place

_MAPS = tuple(name for name, known in FIELDS.items() if known.type.startswith("map"))
_TOKEN = re.compile(
    r"""(?P<space>\s+|//[^\n]*)
      | (?P<text>[rRbB]{0,2}(?:\"{3}.*?\"{3}|'{3}.*?'{3}|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'))
      | (?P<number>(?<![\w.])\d+(?:\.\d+)?(?![\w.]))
      | (?P<name>[A-Za-z_]\w*(?:\s*\.\s*[A-Za-z_]\w*)*)
      | (?P<sign>&&|\|\||[<>=!]=|.)""",
    re.VERBOSE | re.DOTALL,
)


class Flaw(NamedTuple):
    """One thing wrong with a condition; line and column count from 1, the offset in its text from 0."""

    line: int
    column: int
    message: str
    hint: str
    code: str
    offset: int


class Mention(NamedTuple):
    """A field the expression names, with the way into it when it is a mapping."""

    field: str
    way: tuple[str, ...]
    name: str  # both, as it is written


class Token(NamedTuple):
    """A name, a text in quotes, a number or a sign; spaces and comments are left out."""

    kind: str
    text: str  # names without spaces
    start: int
    end: int
    called: bool  # a "(" follows


def tokens(text: str) -> Iterator[Token]:
    """Return the tokens of a condition."""
    for match in _TOKEN.finditer(text):
        kind = str(match.lastgroup)
        if kind != "space":
            shown = re.sub(r"\s", "", match[0]) if kind == "name" else match[0]
            yield Token(kind, shown, match.start(), match.end(), text[match.end() :].lstrip().startswith("("))


def quoted(text: str) -> str | None:
    """The text that stands between the quotes of a token, if Python writes it the same way."""
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return None
    return value if isinstance(value, str) else None


def mention_of(token: Token, names: Mapping[str, str]) -> Mention | None:
    """The declared field a name begins with, and the rest of the way; method names are no way."""
    if token.kind != "name":
        return None
    parts = token.text.split(".")
    for length in range(len(parts), 0, -1):
        if (name := ".".join(parts[:length])) in names:
            way = parts[length : -1 if token.called else None]
            return Mention(name, tuple(way), ".".join((name, *way)))
    return None


def flaw_at(text: str, offset: int, code: str, message: str, hint: str = "") -> Flaw:
    """Return a flaw at the character *offset* of *text*."""
    before = text[:offset].split("\n")
    return Flaw(len(before), len(before[-1]) + 1, message, hint, code, offset)


def too_large(text: str) -> Flaw | None:
    """Return the flaw of a condition that is too long or too deep to be given to the library."""
    if len(text) > LONGEST:
        return flaw_at(
            text, 0, "R035", f"the condition is longer than {LONGEST:,} characters", "split the rule"
        )
    depth = 0
    for token in tokens(text):
        depth += (token.text in ("(", "[", "{")) - (token.text in (")", "]", "}"))
        if depth > DEEPEST:
            return flaw_at(text, token.start, "R035", f"nested more than {DEEPEST} deep", "split the rule")
    return None


def misread(text: str, names: Mapping[str, str]) -> Iterator[Flaw]:
    """`has(a.b)` is accepted for any field and then answers with its value."""
    asked = False
    for token in tokens(text):
        if asked and token.kind == "name" and not token.text.startswith(tuple(f"{name}." for name in _MAPS)):
            message = f"has() cannot ask for {token.text}"
            yield flaw_at(text, token.start, "R034", message, _instead_of_has(token.text, names))
        asked = token.text == "has" or (asked and token.text == "(")


def _instead_of_has(name: str, names: Mapping[str, str]) -> str:
    if name.startswith(ATTRIBUTE) and (known := HAS + name.removeprefix(ATTRIBUTE)) in names:
        return f"write {known}"
    return "leave it out: a missing value makes the condition unknown, and the rule does not fire"
