"""Settings from ``config.toml`` and the environment: every problem at once, the origin of every value."""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import time, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic.fields import FieldInfo

from channels.settings import ELSEWHERE, is_secret
from orchestrator.config import channels, toml_words
from orchestrator.config.across import across, without
from orchestrator.config.section import Section
from orchestrator.config.settings import Brand, Calendar, Settings, Subscriber
from orchestrator.config.toml_places import Path as Name  # ("channels", "email", "port")
from orchestrator.config.toml_places import Place, places
from orchestrator.errors import Problem, Problems
from orchestrator.findings import did_you_mean
from orchestrator.literals import hours_text

__all__ = ["Row", "Settings", "load", "reference", "rows"]

PREFIX = "BEFOREHAND_"
FILE_VARIABLE = "BEFOREHAND_CONFIG"
DEFAULT_FILE = Path("config.toml")
MASK = "********"
SHARE = "_share"  # ends the names of settings that are a part of one
ANY = "<name>"  # calendars, brands and subscribers are named by whoever writes them
_NAMED: Mapping[str, type[Section]] = {"calendars": Calendar, "brands": Brand, "subscribers": Subscriber}

_KINDS = {
    "bool": "true or false",
    "int": "a whole number",
    "float": "a number",
    "string": "a text",
    "tuple": "a list",
    "model": "a section",
    "dict": "a section",
    "mapping": "a section",
    "date": "a date",
}
_LIMITS = {
    "greater_than_equal": ("ge", "must be at least"),
    "greater_than": ("gt", "must be more than"),
    "less_than_equal": ("le", "must be at most"),
}
_SYNTAX = re.compile(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)")
_PASSWORD = re.compile(r"(://[^:/@]*:).*(?=@)|(\bpassword=)[^&]+")


# ── reading ──────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class _Draft:
    """What was found so far: the values, where each stands, and what is wrong."""

    file: str
    lines: Sequence[str] = ()
    data: dict[str, Any] = field(default_factory=dict)
    keys: Mapping[Name, Place] = field(default_factory=dict)
    values: Mapping[Name, Place] = field(default_factory=dict)
    variables: dict[Name, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    model: type[Settings] = Settings

    def complain(self, name: Name, code: str, message: str, hint: str = "") -> None:
        """Note a problem at the nearest place known of *name*: its variable, value, key or section."""
        if name in self.variables:
            self.problems.append(Problem(self.variables[name], 0, 0, code, message, hint))
            return
        known = self.keys if code in {"C003", "C030"} else {**self.keys, **self.values}
        parents = (name[:length] for length in range(len(name), 0, -1))
        line, column = next((known[parent] for parent in parents if parent in known), (0, 0))
        source = _LOGIN.sub("//…@", self.lines[line - 1]) if line and code != "C030" else ""
        self.problems.append(Problem(self.file, line, column, code, message, hint, source))

    def origin(self, name: Name) -> str:
        if name in self.variables:
            return f"environment {self.variables[name]}"
        return f"{self.file}:{self.keys[name][0]}" if name in self.keys else "default"


def load(path: Path | None, environ: Mapping[str, str], *, sends: bool = True) -> Settings:
    """Return the settings of *path*, else ``$BEFOREHAND_CONFIG``, else ``./config.toml`` if there is one.

    ``BEFOREHAND_SECTION__KEY`` in *environ* overrides a value; ``BEFOREHAND_SECTION__KEY_FILE`` names a
    file that holds it. Relative paths are seen from the settings file's folder. Who *sends* nothing needs no
    secrets: what they leave open is then among :attr:`Settings.lacking`. Raises :class:`Problems` with
    everything that is wrong.
    """
    variable = environ.get(FILE_VARIABLE)
    named = path or (Path(variable) if variable else None)
    file = named or DEFAULT_FILE
    draft = _Draft(str(file))
    if named or file.exists():
        _read(file, draft)
    senders = channels.chosen(channels.CHANNELS, draft.data.get(channels.CHANNELS), environ)
    readers = channels.chosen(channels.CALLBACKS, draft.data.get(channels.CALLBACKS), environ)
    draft.model = channels.model(senders, readers, draft.complain)
    _no_secrets(draft)
    _flags(draft)
    _override(environ, draft)
    before = list(draft.problems)
    settings = _validated(file.parent, draft)
    lacking: Sequence[Problem] = ()
    if draft.problems and not sends:
        lacking, draft.problems = draft.problems[len(before) :], before
        settings = _validated(file.parent, draft, elsewhere=True)
    if settings is None or draft.problems:
        # The file first, then the environment.
        raise Problems(sorted(draft.problems, key=lambda p: (p.path != draft.file, p.path, p.line, p.column)))
    origin = {".".join(name): draft.origin(name) for name, _ in _values(settings)}
    return settings.with_origin(origin, lacking)


def _read(file: Path, draft: _Draft) -> None:
    try:
        text = file.read_bytes().decode().replace("\r\n", "\n")
        draft.data = tomllib.loads(text)
    except OSError as error:
        draft.problems.append(Problem(draft.file, 0, 0, "C002", f"cannot be read: {error.strerror}"))
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        draft.problems.append(Problem(draft.file, line, 1, "C001", "this line is not UTF-8"))
    except tomllib.TOMLDecodeError as error:
        draft.problems.append(_syntax_problem(draft.file, text, str(error)))
    else:
        draft.lines = text.split("\n")
        draft.keys, draft.values = places(text)


def _no_secrets(draft: _Draft) -> None:
    """Complain of every secret that stands in the file."""
    for declared, info in _declared(draft.model).items():
        if not is_secret(info.annotation):
            continue
        for name in draft.values:
            if len(name) == len(declared) and _leads((*declared, ""), name):
                hint = f"set {_variable(name)}, or {_variable(name)}_FILE to a file that holds it"
                draft.complain(name, "C030", f"{name[-1]} is a secret: it must not be in this file", hint)


def _flags(draft: _Draft) -> None:
    """Complain of every text or number in the file where true or false belongs: `"no"` is none of them.

    It is left out then. In the environment there are only texts.
    """
    for name, info in _declared(draft.model).items():
        if info.annotation is bool and not isinstance(toml_words.given(draft.data, name), bool | None):
            hint = f"write {name[-1]} = true, without quotation marks"
            draft.complain(name, "C004", f"{name[-1]} must be true or false", hint)
            del toml_words.given(draft.data, name[:-1])[name[-1]]


def _syntax_problem(file: str, text: str, error: str) -> Problem:
    lines = text.split("\n")
    match = _SYNTAX.fullmatch(error)
    message = match[1] if match else error
    line, column = (int(match[2]), int(match[3])) if match and match[2] else (len(lines), len(lines[-1]) + 1)
    line = toml_words.begun(message, lines, line)
    found = toml_words.said(message, lines[line - 1], column)
    return Problem(file, line, found.column, "C001", found.message, found.hint, lines[line - 1])


def _override(environ: Mapping[str, str], draft: _Draft) -> None:
    """Lay the environment over the file."""
    for variable, text in sorted(environ.items()):
        if not variable.startswith(PREFIX) or "__" not in variable:
            continue
        name = tuple(variable.removeprefix(PREFIX).lower().split("__"))
        value: str | None = text
        held = (*name[:-1], name[-1].removesuffix("_file"))
        if not _known(draft.model, name) and _known(draft.model, held):
            name, value = held, _contents(variable, text, draft)
        if not _known(draft.model, name):
            if _unusable(draft.model, name):
                continue
            near = did_you_mean(variable, [_variable(known) for known in _declared(draft.model)])
            draft.problems.append(Problem(variable, 0, 0, "C003", "there is no such setting", near))
        elif name in draft.variables:
            message = f"{draft.variables[name]} gives the same setting"
            draft.problems.append(Problem(variable, 0, 0, "C031", message, "remove one of the two"))
        elif value is not None:
            draft.variables[name] = variable
            _put(draft.data, name, value)


def _contents(variable: str, file: str, draft: _Draft) -> str | None:
    try:
        return Path(file).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        draft.problems.append(Problem(variable, 0, 0, "C002", f"the file it names cannot be read: {why}"))
        return None


def _put(data: dict[str, Any], name: Name, value: str) -> None:
    for part in name[:-1]:
        data = data.setdefault(part, {})
        if not isinstance(data, dict):  # the file has a value where a section belongs; that is reported
            return
    data[name[-1]] = value


# ── checking ─────────────────────────────────────────────────────────────────


def _validated(folder: Path, draft: _Draft, *, elsewhere: bool = False) -> Settings | None:
    """The settings, if they can be used; what is wrong with them is told, also with several together."""
    # Sections that nobody wrote are checked too: the paths among their defaults are seen from the folder.
    data = {key: {} for key in Settings.model_fields} | draft.data
    context = {"folder": folder, ELSEWHERE: elsewhere}
    wrong: list[Name] = []
    try:
        settings = draft.model.model_validate(data, context=context)
    except ValidationError as invalid:
        wrong = list(_complaints(invalid, draft))
        rest = without(data, wrong)
        try:
            settings = draft.model.model_validate(rest, context=context)
        except ValidationError:
            return None
    for one in across(settings, draft.data, elsewhere=elsewhere):
        if not one.rests_on(wrong):
            draft.complain(one.name, one.code, one.message, one.hint)
    return None if wrong else settings


def _complaints(invalid: ValidationError, draft: _Draft) -> Iterator[Name]:
    """Note everything that is wrong by itself, and return where."""
    for error in invalid.errors(include_url=False, include_input=False):
        context = error.get("ctx", {})
        name = tuple(str(part) for part in (*error["loc"], context.get("key")) if part not in (None, ""))
        code, message, hint = _explained(draft.model, name, error["type"], error["msg"], context)
        if name[-1].endswith(SHARE):
            hint = hint or toml_words.share(toml_words.given(draft.data, name))
        draft.complain(name, code, message, hint)
        yield name


def _explained(
    model: type[Settings], name: Name, kind: str, message: str, context: Mapping[str, Any]
) -> tuple[str, str, str]:
    """Return the code, the message and the hint of one of pydantic's errors."""
    if "hint" in context:
        return kind, message, context["hint"]
    if kind == "extra_forbidden" and name[:-1] == ("channels",):
        return "C003", f"no channel or kind of channel is called {name[-1]!r}", channels.kinds(name[-1])
    if kind == "extra_forbidden":
        siblings = sorted({known[len(name) - 1] for known in _declared(model) if _leads(known, name[:-1])})
        what = "setting" if len(name) > 1 else "section"
        hint = did_you_mean(name[-1], siblings) or f"there is: {', '.join(siblings)}"
        return "C003", f"no {what} called {name[-1]!r}", hint
    subject = f"each of {name[-2]}" if name[-1].isdigit() else name[-1]
    if kind == "value_error":  # a validator of a plugin
        return "C032", _LOGIN.sub("//…@", str(context["error"])), ""
    if kind == "missing":
        return "C036", f"{subject} is missing", f"write {subject} = …"
    if kind == "literal_error":
        return "C006", f"{subject} must be {context['expected']}", ""
    if kind in _LIMITS:
        key, words = _LIMITS[kind]
        declared = getattr(_declared(model).get(name), "metadata", ())  # pydantic tells how Python writes it
        limit = next((getattr(part, key) for part in declared if hasattr(part, key)), context[key])
        return "C005", f"{subject} {words} {written(limit)}", ""
    expected = next((words for prefix, words in _KINDS.items() if kind.startswith(prefix)), "another value")
    return "C004", f"{subject} must be {expected}", ""


@cache
def _declared(model: type[BaseModel] = Settings, parents: Name = ()) -> Mapping[Name, FieldInfo]:
    """Every setting by its name, in the order of the page."""
    found: dict[Name, FieldInfo] = {}
    for key, info in model.model_fields.items():
        kind: Any = info.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            found |= _declared(kind, (*parents, key))
        elif key in _NAMED:
            found |= _declared(_NAMED[key], (*parents, key, ANY))
        else:
            found[*parents, key] = info
    return found


def _leads(known: Name, parents: Name) -> bool:
    """Is *known* a setting below *parents*?"""
    return len(known) > len(parents) and all(
        part in (ANY, parent) for part, parent in zip(known, parents, strict=False)
    )


def _known(model: type[Settings], name: Name) -> bool:
    return any(len(known) == len(name) and _leads((*known, ""), name) for known in _declared(model))


def _unusable(model: type[Settings], name: Name) -> bool:
    """Is the setting one of a channel or reporter whose kind is told to be wrong?"""
    if name[0] not in (channels.CHANNELS, channels.CALLBACKS):
        return False
    tables: Any = model.model_fields[name[0]].annotation
    table = tables.model_fields.get(name[1])
    return table is not None and table.annotation in (channels.Unusable, channels.Unreadable)


def _variable(name: Name) -> str:
    return PREFIX + "__".join(name).upper()


# ── showing ──────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Row:
    """One line of ``config show``: a dotted name, the value (secrets masked), and where it came from."""

    name: str
    value: str
    origin: str


def rows(settings: Settings) -> list[Row]:
    """Return every setting in force, in the order of the reference page."""
    named = ((".".join(name), value) for name, value in _values(settings))
    return [Row(name, written(value), settings.origin.get(name, "default")) for name, value in named]


def _values(settings: Settings) -> Iterator[tuple[Name, Any]]:
    for declared in _declared(type(settings)):
        given = getattr(settings, declared[0]) if ANY in declared else [ANY]
        for one in given:
            name = tuple(one if part == ANY else part for part in declared)
            value: Any = settings
            for part in name:
                value = value[part] if isinstance(value, Mapping) else getattr(value, part)
            yield name, value


_LOGIN = re.compile(r"//[^/\s@]*@")  # of an address that a validator quotes


def written(value: Any) -> str:
    """Return a value as a person would write it in the file; secrets masked."""
    match value:
        case None:
            return "none"
        case bool():
            return "true" if value else "false"
        case SecretStr():
            return MASK
        case timedelta():
            return _length(value)
        case (time() as start, time() as end):
            return hours_text(start, end)
        case tuple():
            return ", ".join(written(item) for item in value)
        case _:
            return _PASSWORD.sub(lambda found: f"{found[1] or found[2]}{MASK}", str(value))


def _length(length: timedelta) -> str:
    rest, parts = length // timedelta(seconds=1), ""
    for unit, size in (("h", 3600), ("m", 60), ("s", 1)):
        count, rest = divmod(rest, size)
        parts += f"{count}{unit}" if count else ""
    return parts or "0s"


REFERENCE = """# Settings

Written by `make docs` from the settings themselves; a test fails when this page is stale.

The file is `--config FILE`, else `$BEFOREHAND_CONFIG`, else `./config.toml`. Everything has a default. The
environment overrides it: `BEFOREHAND_SECTION__KEY`, such as `BEFOREHAND_SERVER__PORT=9000`; lists are written
with commas. With `_FILE` at its end the variable names a file that holds the value, which is how secrets are
best given; a secret in `config.toml` is refused. Relative paths are seen from the folder of that file.

Lengths of time are written `30s`, `2m`, `24h`; hours `09:00-18:00`; sizes `64KB`, `1MB`.
`beforehand config show --origin` says where each value came from.
"""
HEADING = """
## [{section}]

{purpose}

| setting | default | meaning |
|---|---|---|
"""


def reference() -> str:
    """Return docs/reference/settings.md: every setting with its default and meaning."""
    parts = [REFERENCE]
    section: Name = ()
    model = channels.documented()
    for name, info in _declared(model).items():
        if name[:-1] != section:
            section = name[:-1]
            parts.append(HEADING.format(section=".".join(section), purpose=_purpose(model, section)))
        default = "" if info.default in (None, "", ()) else f"`{written(info.default)}`"
        if is_secret(info.annotation):
            default = "in the environment only"
        parts.append(f"| `{name[-1]}` | {default} | {info.description} |\n")
    return "".join(parts)


def _purpose(settings: type[Settings], section: Name) -> str:
    """What the docstring of the section says."""
    model: Any = _NAMED[section[0]] if ANY in section else settings
    for part in section[2:] if ANY in section else section:
        model = model.model_fields[part].annotation
    return str(model.__doc__)
