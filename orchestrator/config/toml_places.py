"""Where each key and value of a TOML text stands: ``tomllib`` reads them, this finds lines and columns.

Only for texts that ``tomllib`` accepted; anything else gives places that mean nothing.
"""

import re
import tomllib
from collections.abc import Mapping

Path = tuple[str, ...]  # the items of a list are called "0", "1", …
Place = tuple[int, int]  # line and column, both from 1

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_STRING = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}'  # a quotation mark or two may stand before the closing three
    r"|'''.*?'{3,5}"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'",
    re.DOTALL,
)
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_SCALAR = re.compile(r"[^,\]}#\n]*")


def places(text: str) -> tuple[Mapping[Path, Place], Mapping[Path, Place]]:
    """Return where every key stands, and where every value begins, by their paths from the root."""
    scanner = _Scanner(text)
    scanner.scan()
    return scanner.keys, scanner.values


class _Scanner:
    """One pass over the text: statements at the top, and values as deep as lists and inline tables go."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.keys: dict[Path, Place] = {}
        self.values: dict[Path, Place] = {}

    def scan(self) -> None:
        table: Path = ()
        while self._past(_BLANK) < len(self.text):
            if self._next("["):
                self._next("[")
                table = self._key(())
                self._next("]")
                self._next("]")
            else:
                self._pair(table)

    def _place(self) -> Place:
        return self.text.count("\n", 0, self.at) + 1, self.at - self.text.rfind("\n", 0, self.at)

    def _past(self, pattern: re.Pattern[str]) -> int:
        match = pattern.match(self.text, self.at)
        if match is not None:
            self.at = match.end()
        return self.at

    def _next(self, mark: str) -> bool:
        if self.text.startswith(mark, self.at):
            self.at += len(mark)
            return True
        return False

    def _key(self, table: Path) -> Path:
        """Read ``a."b c".d``, and note where each part stands the first time."""
        path = table
        while True:
            self._past(_SPACE)
            place, start = self._place(), self.at
            if self.text[start] in "\"'":
                part = next(iter(tomllib.loads(f"{self.text[start : self._past(_STRING)]} = 0")))
            else:
                part = self.text[start : self._past(_BARE)]
            path = (*path, part)
            self.keys.setdefault(path, place)
            self._past(_SPACE)
            if not self._next("."):
                return path

    def _pair(self, table: Path) -> None:
        path = self._key(table)
        self._next("=")
        self._past(_SPACE)
        self._value(path)

    def _value(self, path: Path) -> None:
        self.values[path] = self._place()
        if self._next("{"):
            while self._past(_BLANK) < len(self.text) and not self._next("}"):
                self._pair(path)
                self._past(_BLANK)
                self._next(",")
        elif self._next("["):
            item = 0
            while self._past(_BLANK) < len(self.text) and not self._next("]"):
                self._value((*path, str(item)))
                item += 1
                self._past(_BLANK)
                self._next(",")
        elif self.text[self.at : self.at + 1] in {'"', "'"}:
            self._past(_STRING)
        else:
            self._past(_SCALAR)
