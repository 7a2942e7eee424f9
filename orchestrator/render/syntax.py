"""What Jinja cannot read, in our words and where the cause stands: Jinja says where it gave up."""

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from jinja2 import TemplateError, TemplateSyntaxError

from orchestrator.findings import suggestion

_STATEMENTS = ("if", "elif", "else", "endif", "for", "endfor", "include", "set", "endset", "raw", "endraw")
_OPENING = re.compile(r"\{\{|\{%|\{#")
_CLOSING = {"{{": "}}", "{%": "%}", "{#": "#}"}
_NEVER_CLOSED = re.compile(
    r"Missing end of raw|Unexpected end of template\..* innermost block that needs to be closed is '(\w+)'"
)
_STATEMENT = re.compile(
    r"\{#.*?#\}|\{%[-+]?\s*raw\b.*?\{%[-+]?\s*endraw\b|\{%[-+]?\s*(?P<name>\w+)(?P<rest>.*?)%\}", re.DOTALL
)
_NEAR = "look at the braces, quotes and brackets just before this place"


class Mistake(NamedTuple):
    """One mistake: its line (from 1), what is wrong, what to write, and the text of the line it begins at."""

    line: int
    message: str
    hint: str
    word: str = ""


def mistake(error: TemplateSyntaxError, source: str) -> Mistake:
    """Say what *error* of Jinja, in the template *source*, is about."""
    said = error.message or ""
    if (left := _NEVER_CLOSED.search(said)) is not None:
        return _open(source, left[1] or "raw", error.lineno)
    if (unclosed := _unclosed(source, error.lineno)) is not None:
        return unclosed
    for pattern, explain in _SAYINGS:
        if match := re.search(pattern, said):
            message, hint, word = explain(match)
            return Mistake(error.lineno, message, hint, word)
    if said.startswith(("it ", "a ")):  # our own words, of what no template may do
        return Mistake(error.lineno, said, "")
    return Mistake(error.lineno, "this cannot be read", _NEAR)


def failed(error: Exception) -> str:
    """Say what went wrong while a text was made; of Jinja's own messages alone are safe to show.

    Any other may quote a customer's data, so it is told by its kind.
    """
    if isinstance(error, TemplateError):
        return error.message or "it fails"
    return next((words for kind, words in _FAILURES.items() if isinstance(error, kind)), "it fails")


_FAILURES: Mapping[type[Exception], str] = {
    ZeroDivisionError: "it divides by nothing",
    RecursionError: "it includes or calls itself without an end",
    MemoryError: "it needs too much memory",
    OverflowError: "a number in it is too large",
    KeyError: "it asks a mapping for a name that is not in it",
    IndexError: "it asks a list for a place that is not in it",
    AttributeError: "it asks a value for something it does not have",
    TypeError: "it puts values together that do not go together, such as a text and a number",
    ValueError: "a value in it cannot be read as what it is used for, such as a text as a number",
}


def _unclosed(source: str, noticed: int) -> Mistake | None:
    """The brace up to the line where Jinja *noticed* it that is opened and not closed before the next."""
    at = 0
    while (match := _OPENING.search(source, at)) is not None:
        opened, closing = match[0], _CLOSING[match[0]]
        line = source.count("\n", 0, match.start()) + 1
        following = _OPENING.search(source, match.end()) if opened != "{#" else None
        end = source.find(closing, match.end(), following.start() if following else len(source))
        if line > noticed:
            return None
        if end < 0:
            inside = source[match.end() : following.start() if following else len(source)].partition("\n")[0]
            if inside.count('"') % 2 or inside.count("'") % 2:
                return None  # a quote is not closed, and hides the brace
            rest = source[match.start() :].partition("\n")[0]
            return Mistake(line, f"'{opened}' is never closed", f"write {closing} where it ends", rest)
        at = end + 2
    return None


def _open(source: str, name: str, noticed: int) -> Mistake:
    """The innermost statement of that *name* that nothing closes, where it begins."""
    begun: list[int] = []
    for match in _STATEMENT.finditer(source):
        if match["name"] == name and not (name == "set" and "=" in match["rest"]):
            begun.append(match.start("name"))
        elif match["name"] == f"end{name}" and begun:
            begun.pop()
    line = source.count("\n", 0, begun[-1]) + 1 if begun else noticed
    rest = source[begun[-1] :].partition("\n")[0] if begun else name
    return Mistake(line, f"'{name}' is never closed", f"write {{% end{name} %}} where it ends", rest)


_Said = tuple[str, str, str]


def _unknown(match: re.Match[str]) -> _Said:
    name, awaited = match[1], match[2]
    if awaited and name.startswith("end"):
        return f"'{name}' stands where 'end{awaited}' is awaited", f"close '{awaited}' first", name
    if name.startswith("end") and name in _STATEMENTS:
        return f"'{name}' closes nothing", f"remove it, or write the '{name[3:]}' it belongs to", name
    if name in ("else", "elif"):
        return f"'{name}' belongs to no 'if'", "remove it, or write the 'if' before it", name
    return f"there is no statement '{name}'", suggestion(name, _STATEMENTS), name


def _unexpected(match: re.Match[str]) -> _Said:
    if match[1] == "=":
        return "'=' compares nothing", "compare with ==", "="
    if match[1].startswith("end of"):
        return "the expression ends too early", _NEAR, ""
    return f"'{match[1]}' is not expected here", "put texts in quotes, and join values with ~", match[1]


def _character(match: re.Match[str]) -> _Said:
    if match[1] in "\"'":
        return "a quote is not closed", f"write {match[1]} where the text ends", match[1]
    return f"'{match[1]}' means nothing here", "put texts in quotes", match[1]


_SAYINGS: tuple[tuple[str, Callable[[re.Match[str]], _Said]], ...] = (
    (r"unknown tag '(\w+)'(?:.* needs to be closed is '(\w+)')?", _unknown),
    (r"Missing end of comment", lambda _: ("'{#' is never closed", "write #} where it ends", "{#")),
    (r"""unexpected char (?:'(.)'|"(')")""", lambda m: _character(re.match("(.)", m[1] or m[2]) or m)),
    (
        r"unexpected '(.)', expected '(.)'",
        lambda m: (f"'{m[1]}' stands where '{m[2]}' is awaited", "close the bracket first", m[1]),
    ),
    (
        r"unexpected '([)\]}])'",
        lambda m: (f"'{m[1]}' closes nothing", "remove it, or close {{ with }}", m[1]),
    ),
    (r"expected token 'name'", lambda _: ("a name is missing here", _NEAR, "")),
    (r"expected name or number", lambda _: ("a name is missing after the dot", _NEAR, "")),
    (r"expected token '[^']*', got '([^']+)'", _unexpected),
    (
        r"Expected an expression, got",
        lambda _: ("nothing stands here", "write a value: {{ order.id }}, {% if order.id %}", ""),
    ),
    (r"tag name expected", lambda _: ("'{%' without a statement", "write {% if … %}, or remove it", "{%")),
    (r"unexpected '(end of[^']*)'", _unexpected),
    (r"unexpected end of template", lambda _: ("the template ends too early", _NEAR, "")),
)
