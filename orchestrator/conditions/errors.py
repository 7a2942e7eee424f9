"""The expression library's errors in our words, each at the place in the condition that is to blame."""

import re
from collections.abc import Mapping

from orchestrator.conditions.fields import ATTRIBUTE, HAS
from orchestrator.conditions.text import DEEPEST, Flaw, flaw_at, tokens
from orchestrator.findings import did_you_mean, nearest

_FUNCTIONS = (
    "size",
    "startsWith",
    "endsWith",
    "contains",
    "matches",
    "duration",
    "timestamp",
    "exists",
    "all",
)
_ERROR = re.compile(r"ERROR: <input>:(-?\d+):(-?\d+): (.*)")
_OVERLOAD = re.compile(r"found no matching overload for '([^']+)' applied to '(?:\S+\.)?\((.*)\)'")
_UNDECLARED = re.compile(r"undeclared reference to '([^']+)'")
_SELECT = re.compile(r"expression of type '([^']+)' cannot be the operand of a select")

WORDS = {
    "string": "a text",
    "int": "a whole number",
    "uint": "a whole number",
    "double": "a number",
    "bool": "true or false",
    "google.protobuf.Duration": "a duration",
    "google.protobuf.Timestamp": "a moment",
    "null_type": "null",
    "dyn": "anything",
}


def explain(said: str, text: str, names: Mapping[str, str]) -> list[Flaw]:
    """Return what the library *said* about *text* as flaws, in the order of the text, without echoes."""
    lines = text.split("\n")
    flaws: dict[int, Flaw] = {}
    syntax = False
    for match in _ERROR.finditer(said):
        line, column, message = int(match[1]), int(match[2]), match[3]
        if line < 1 or "*error*" in message:
            continue  # the echo of another error
        offset = sum(len(before) + 1 for before in lines[: line - 1]) + column - 1
        flaw = _explained(message, text, min(offset, len(text)), names)
        if flaw.code == "R030" and syntax:
            continue  # what follows the first syntax error is its echo
        syntax = syntax or flaw.code == "R030"
        flaws.setdefault(flaw.offset, flaw)
    if flaws:
        return sorted(flaws.values(), key=lambda flaw: flaw.offset)
    if "recursion" in said:
        return [flaw_at(text, 0, "R035", f"nested more than {DEEPEST} deep", "split the rule")]
    return [flaw_at(text, 0, "R030", said.removesuffix(" [INVALID_ARGUMENT]").partition(": ")[2] or said)]


def _explained(message: str, text: str, offset: int, names: Mapping[str, str]) -> Flaw:
    if overload := _OVERLOAD.search(message):
        return _mismatch(overload[1], overload[2], text, offset)
    token = next((t for t in tokens(text) if t.kind == "name" and t.start <= offset <= t.end), None)
    if undeclared := _UNDECLARED.search(message):
        if token is not None and token.called and text[offset : offset + 1] == "(":
            name = undeclared[1]
            start = token.end - len(name)
            return flaw_at(
                text, start, "R032", f"no function called {name!r}", did_you_mean(name, _FUNCTIONS, 0.75)
            )
        name = token.text if token else undeclared[1]
        if token and token.called:
            name = name.rpartition(".")[0] or name  # the last part is a method
        return flaw_at(
            text,
            token.start if token else offset,
            "R032",
            f"no field called {name!r}",
            _near_field(name, names),
        )
    if select := _SELECT.search(message):
        name = token.text if token else "this"
        owner, kind = name.rpartition(".")[0] or name, WORDS.get(select[1], select[1])
        start = token.start if token else offset
        return flaw_at(
            text, start, "R032", f"no field called {name!r}", f"{owner!r} is {kind} and has no parts"
        )
    return flaw_at(text, offset, "R030", _syntax(message), _syntax_hint(text, offset))


def _mismatch(function: str, applied: str, text: str, offset: int) -> Flaw:
    operator = function.strip("_@")
    kinds = [_kind(kind) for kind in re.split(r", (?![^(]*\))", applied)]
    hint = ""
    if "a duration" in kinds and {"a text", "a whole number", "a number"} & set(kinds):
        hint = 'write duration("2h")'
    elif "a moment" in kinds and "a text" in kinds:
        hint = 'write timestamp("2026-03-12T09:00:00Z")'
    elif "a text" in kinds and ("a number" in kinds or "a whole number" in kinds):
        hint = "write the number without quotes, or the text with them"
    elif operator == "in":
        hint = 'the right side must be a list: "x" in customer.tags'
    if len(kinds) == 2:
        return flaw_at(text, offset, "R031", f"{operator!r} cannot combine {kinds[0]} with {kinds[1]}", hint)
    return flaw_at(text, offset, "R031", f"{operator!r} cannot take {' and '.join(kinds)}", hint)


def _kind(kind: str) -> str:
    if kind.startswith(("list", "map")):
        return "a list" if kind.startswith("list") else "a mapping"
    return WORDS.get(kind, kind)


def _near_field(name: str, names: Mapping[str, str]) -> str:
    ends = [known for known in names if known.endswith("." + name) and not known.startswith(HAS)]
    if ends:
        return f"did you mean {ends[0]!r}?"
    parent, _, leaf = name.rpartition(".")
    if not parent:
        whole = {known.rpartition(".")[2]: known for known in names if not known.startswith(HAS)}
        if close := nearest(leaf, whole, 0.75):
            return f"did you mean {whole[close]!r}?"
    families = {known.rpartition(".")[0] for known in names}
    for family in (parent, nearest(parent, families, 0.8)):
        leaves = [known.rpartition(".")[2] for known in names if known.rpartition(".")[0] == family]
        if close := nearest(leaf, leaves):
            return f"did you mean {f'{family}.{close}'.lstrip('.')!r}?"
    if parent == "event":
        return "of an event there is event.type, event.count and event.data; its subject is order.id"
    root, _, rest = name.partition(".")
    if rest and (close := nearest(root, {known.partition(".")[0] for known in names}, 0.8)) and close != root:
        return f"did you mean {f'{close}.{rest}'!r}?"
    if name.startswith(ATTRIBUTE):
        return f"declare it: attributes: {{{name.removeprefix(ATTRIBUTE).partition('.')[0]}: text}}"
    return "a text needs quotes" if "." not in name else ""


def _syntax(message: str) -> str:
    message = message.removeprefix("Syntax error: ")
    if "'<EOF>'" in message:
        return "the condition ends too early"
    found = re.search(r"(?:input|recognition error at:) '(.*?)\s*'(?: expecting|$)", message)
    return f"{found[1]!r} is not expected here" if found else message


def _syntax_hint(text: str, offset: int) -> str:
    words = {token.text for token in tokens(text) if token.kind == "name"}
    for word, operator in (("and", "&&"), ("or", "||"), ("not", "!")):
        if word in words:
            return f"write {operator} instead of {word!r}"
    here = text[offset : offset + 2]
    if here.startswith("="):
        return "compare with =="
    if here.startswith(("&", "|")):
        return "write && or ||"
    if re.search(r"\d+[a-z]+$", text[: offset + 1]):
        return 'write a length as duration("2h")'
    return ""
