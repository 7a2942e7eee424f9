"""Template files as pieces that remember where they came from, so that an error names its own line.

A file is cut into text, ``{{ expressions }}`` and ``{% statements %}`` by Jinja's own lexer. Includes are
replaced by the pieces of the file they name, once, at load. Nothing here renders.
"""

import re
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from functools import cache, lru_cache
from pathlib import Path

from jinja2 import Environment, TemplateSyntaxError

from orchestrator.facts import value
from orchestrator.render.syntax import mistake

NAME = re.compile(r"[a-z0-9][a-z0-9_-]*/[a-z0-9][a-z0-9_-]*")
_FILE = re.compile(
    r"(?P<stem>[a-z0-9][a-z0-9_-]*\.(?:html|txt))(?:\.(?P<locale>[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})*))?\.j2"
)
_INCLUDE = re.compile(r"\{%\s*include\s+(?:\"([^\"]*)\"|'([^']*)')\s*%\}")
_HEADER = re.compile(r"(?P<name>[A-Z][A-Za-z-]*):(?P<value>.*)")
_LINE_BEGINS, _LINE_ENDS = re.compile(r"\n[ \t]*\Z"), re.compile(r"[ \t]*\n")
STAND_INS = {"inbox.txt": "push.txt"}  # of a channel that may have no text of its own → which it shows
SIZE_LIMIT = 256_000  # bytes of one file; a text to a customer is a hundredth of that
DEPTH_LIMIT = 8  # includes inside includes
PIECES_LIMIT = 10_000  # of one text, with what it includes; the longest of ours has 200


class Is(Enum):
    """What a piece is."""

    TEXT = 0
    EXPRESSION = 1
    STATEMENT = 2


@value(frozen=True, slots=True)
class Piece:
    """A stretch of a file: its text and where it begins (``line`` from 1)."""

    kind: Is
    text: str
    path: str
    line: int


@dataclass(frozen=True, slots=True)
class Header:
    """One ``Subject: …`` line at the head of a text file."""

    name: str
    value: str
    line: int


class SourceError(Exception):
    """A file cannot be cut into pieces: the code, the place and what is wrong."""

    def __init__(self, code: str, path: str, line: int, message: str, hint: str = "", word: str = "") -> None:
        self.code, self.path, self.line, self.message, self.hint = code, path, line, message, hint
        self.word = word  # of the line, that it is about
        super().__init__(f"{path}:{line}: {message}")


# ── reading ──────────────────────────────────────────────────────────────────


def read(directory: Path) -> tuple[dict[str, str], list[SourceError]]:
    """Return every template file under *directory* by its path inside it, and what could not be read.

    A link that leads out of the directory is not followed.
    """
    root = directory.resolve()
    within = cache(lambda folder: folder.resolve().is_relative_to(root))
    found: dict[str, str] = {}
    errors: list[SourceError] = []
    for file in sorted(root.glob("*/**/*.j2")):
        path = file.relative_to(root).as_posix()
        if not (within(file) if file.is_symlink() else within(file.parent)):
            errors.append(SourceError("T003", path, 0, "the file is a link that leads out of the templates"))
        elif file.stat().st_size > SIZE_LIMIT:
            errors.append(SourceError("T003", path, 0, f"the file is larger than {SIZE_LIMIT // 1000} kB"))
        else:
            try:
                found[path] = file.read_text(encoding="utf-8").removeprefix("\ufeff")
            except UnicodeDecodeError as error:
                errors.append(SourceError("T003", path, 0, f"the file is not UTF-8 (byte {error.start})"))
    return found, errors


@lru_cache(maxsize=4096)
def split_path(path: str) -> tuple[str, str, str] | None:
    """``new-car/arrived/email.txt.de.j2`` → folder, ``email.txt`` and ``de``; ``None`` for other names."""
    folder, _, file = path.rpartition("/")
    match = _FILE.fullmatch(file)
    return (folder, match["stem"], (match["locale"] or "").replace("_", "-")) if match else None


def spoken_by(channel: str, there: Container[str]) -> str:
    """The channel whose text is said on *channel*, of those that are *there*, or ""."""
    other = STAND_INS.get(f"{channel}.txt", "").removesuffix(".txt")
    return channel if channel in there else other if other in there else ""


def fall_back(locale: str, *others: str) -> Iterator[str]:
    """The languages to try, in order: ``de-AT``, ``de``, the others likewise, ``en``, and no language."""
    for wanted in (locale, *others, "en", ""):
        yield from wider(wanted)


def wider(locale: str) -> Iterator[str]:
    """A language and those it is a kind of: ``de-AT``, ``de``."""
    parts = locale.replace("_", "-").split("-")
    for length in range(len(parts), 0, -1):
        yield "-".join(parts[:length])


# ── cutting ──────────────────────────────────────────────────────────────────


@lru_cache(maxsize=1024)
def headers(source: str) -> tuple[tuple[Header, ...], str]:
    """Split the header lines off a text file.

    The body keeps its line numbers: the header becomes empty lines. Headers are read from the file and
    never from what was rendered, so that no customer's name can add one.
    """
    lines = source.split("\n")
    if not _HEADER.match(lines[0]):
        return (), source
    found: list[Header] = []
    for number, line in enumerate(lines):
        match = _HEADER.fullmatch(line)
        if match is None:
            body = lines[number:] if line.strip() else lines[number + 1 :]
            return tuple(found), "\n" * (len(lines) - len(body)) + "\n".join(body)
        found.append(Header(match["name"], match["value"].strip(), number + 1))
    return tuple(found), "\n" * len(lines)


def cut(source: str, path: str, env: Environment) -> list[Piece]:
    """Return the pieces of *source*; comments are left out.

    A statement or comment alone on its line leaves no line behind; within a line it takes nothing with it.
    """
    try:
        pieces = _cut_plain(source, path) or list(_cut(source, path, env))
    except TemplateSyntaxError as error:
        found = mistake(error, source)
        raise SourceError("T010", path, found.line, found.message, found.hint, found.word) from error
    return [piece for piece in _close_up(pieces) if piece.text]


# No brace and no backslash inside, no sign that eats spaces: where such markup ends, the lexer ends it too.
_PLAIN = re.compile(
    r"""(?P<expression>\{\{(?![-+])(?:[^{}"'\\]|"[^"{}\\]*"|'[^'{}\\]*')*(?<![-+])\}\})
      | (?P<statement>\{%(?![-+]|\s*raw\b)(?:[^{}"'\\%]|"[^"{}\\]*"|'[^'{}\\]*')*(?<![-+])%\})
      | \{\#(?![-+])[^#{}]*(?<![-+])\#\}""",
    re.VERBOSE,
)
_OPENS = re.compile(r"\{[{%#]")


def _cut_plain(source: str, path: str) -> list[Piece]:
    """The pieces of a plain source, ten times faster than Jinja's lexer; nothing if it is not plain.

    What Jinja cannot read inside the braces is told when it is parsed.
    """
    if "\r" in source:
        return []
    found: list[Piece] = []
    end, line = 0, 1
    for match in _PLAIN.finditer(source):
        before, text = source[end : match.start()], match[0]
        if _OPENS.search(before + text[0]):  # in `{{{` Jinja takes the first two, this pattern the last
            return []
        if before:
            found.append(Piece(Is.TEXT, before, path, line))
            line += before.count("\n")
        if match.lastgroup is None:
            found.append(Piece(Is.STATEMENT, "", path, line))
        else:
            kind = Is.EXPRESSION if match.lastgroup == "expression" else Is.STATEMENT
            found.append(Piece(kind, text, path, line))
        line += text.count("\n")
        end = match.end()
    rest = source[end:]
    if _OPENS.search(rest):
        return []
    return [*found, Piece(Is.TEXT, rest, path, line)] if rest else found


# The lexer has done what `{%-` and `-%}` ask for; a second time, beside other text, it would be too much.
_SIGN_AT_START, _SIGN_AT_END = (
    re.compile(r"(?<=^\{[{%])[-+]"),
    re.compile(r"[-+](?=[%}]\}\s*$)|(?<=[%}]\})\s+$"),
)
_BEGINS = ("variable_begin", "block_begin", "raw_begin", "comment_begin")
_ENDS = ("variable_end", "block_end", "raw_end", "comment_end")


def _cut(source: str, path: str, env: Environment) -> Iterator[Piece]:
    kind, text, start = Is.TEXT, "", 1
    for line, what, said in env.lex(source, filename=path):
        if what in _BEGINS:
            if text:
                yield Piece(kind, text, path, start)
            kind = Is.STATEMENT if what in {"block_begin", "comment_begin"} else Is.EXPRESSION
            text, start = _SIGN_AT_START.sub("", said), line
        elif what in _ENDS:
            yield Piece(kind, "" if what == "comment_end" else text + _SIGN_AT_END.sub("", said), path, start)
            kind, text = Is.TEXT, ""
        else:
            if not text:
                start = line
            text += said
    if text:
        yield Piece(kind, text, path, start)


def _close_up(pieces: list[Piece]) -> list[Piece]:
    """Take away the lines on which statements stand alone."""
    found = list(pieces)
    for number, piece in enumerate(pieces):
        if piece.kind is not Is.STATEMENT or not (
            _begins_line(pieces, number) and _ends_line(pieces, number)
        ):
            continue
        if number:
            before = found[number - 1]
            found[number - 1] = replace(before, text=before.text.rstrip(" \t"))
        if number + 1 < len(pieces):
            after = found[number + 1]
            rest = after.text.partition("\n")[2]
            found[number + 1] = replace(after, text=rest, line=after.line + 1)
    return found


def _begins_line(pieces: list[Piece], number: int) -> bool:
    if number == 0:
        return True
    before = pieces[number - 1]
    return before.kind is Is.TEXT and (
        _LINE_BEGINS.search(before.text) is not None or (number == 1 and not before.text.strip())
    )


def _ends_line(pieces: list[Piece], number: int) -> bool:
    if number + 1 == len(pieces):
        return True
    after = pieces[number + 1]
    return after.kind is Is.TEXT and _LINE_ENDS.match(after.text) is not None


def expand(
    pieces: Sequence[Piece], included: Callable[[str], Sequence[Piece] | None], depth: int = 0
) -> list[Piece]:
    """Replace each ``{% include "name" %}`` by the pieces *included* gives for its name."""
    found: list[Piece] = []
    for piece in pieces:
        match = _INCLUDE.fullmatch(piece.text) if piece.kind is Is.STATEMENT else None
        if match is None:
            found.append(piece)
            continue
        name = match[1] or match[2] or ""
        inner = included(name) if depth < DEPTH_LIMIT else None
        if inner is None:
            why = (
                f"nothing to include is called '{name}'"
                if depth < DEPTH_LIMIT
                else f"'{name}' includes itself"
            )
            raise SourceError("T014", piece.path, piece.line, why)
        found += expand(inner, included, depth + 1)
        if len(found) > PIECES_LIMIT:
            raise SourceError("T014", piece.path, piece.line, f"with '{name}' the text has no end")
    return found


def settled(pieces: Sequence[Piece], constants: Mapping[str, str]) -> list[Piece]:
    """Let every ``{{ name }}`` of *constants* stand there as text, also where no expression may stand."""
    return [
        replace(piece, kind=Is.TEXT, text=constants[name])
        if piece.kind is Is.EXPRESSION and (name := piece.text[2:-2].strip()) in constants
        else piece
        for piece in pieces
    ]


# ── putting together ─────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Assembled:
    """Source for Jinja, and for each of its lines the file and line it came from."""

    source: str
    origins: Mapping[int, tuple[str, int]]

    def origin(self, line: int) -> tuple[str, int]:
        """The file and line that the assembled *line* came from."""
        while line > 0 and line not in self.origins:
            line -= 1
        return self.origins.get(line) or next(iter(self.origins.values()), ("", 0))


def assemble(pieces: Sequence[Piece]) -> Assembled:
    """Join *pieces* so that each expression and statement begins on a line of its own.

    A line break just inside ``{{`` or ``{%`` changes nothing that is rendered.
    """
    parts: list[str] = []
    origins: dict[int, tuple[str, int]] = {}
    line = 1
    for piece in pieces:
        text = piece.text
        if piece.kind is not Is.TEXT and not _is_raw(text):
            text = f"{text[:2]}\n{text[2:]}"
            for extra in range(text.count("\n")):
                origins[line + 1 + extra] = (piece.path, piece.line + extra)
        parts.append(text)
        line += text.count("\n")
    return Assembled("".join(parts), origins)


def _is_raw(text: str) -> bool:
    return re.match(r"\{%\s*raw\b", text) is not None


def literal(text: str) -> str:
    """*text* such that Jinja prints it as it is, whatever braces it holds."""
    return re.sub(r"\{(?=[{%#])", "{{ '{' }}", text)


def moved(pieces: Sequence[Piece], lines: int) -> list[Piece]:
    """The same pieces, *lines* further down."""
    return [replace(piece, line=piece.line + lines) for piece in pieces]
