"""What an answer of HTTP/1.1 is made of (RFC 9112 §4, 6.3 and 7.1). Pure."""

from collections.abc import Iterator, Mapping

from channels.http import Answer

_ENDS = b"\r\n\r\n"


class Nonsense(Exception):
    """What came is no answer of HTTP/1.1."""


class Headers(Mapping[str, str]):
    """Fields of an answer by their name in any case; one that came twice is a list with commas."""

    def __init__(self, lines: list[str]) -> None:
        self._fields: dict[str, str] = {}
        for line in lines:
            name, colon, value = line.partition(":")
            if not colon or name != name.strip():
                raise Nonsense
            name, value = name.lower(), value.strip()
            self._fields[name] = f"{self._fields[name]}, {value}" if name in self._fields else value

    def __getitem__(self, name: str) -> str:
        return self._fields[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)


def whole(came: bytes, *, ended: bool) -> tuple[Answer, bool] | None:
    """The answer and whether another request may follow it, once all of it has come.

    Raises Nonsense or ValueError for what is none.
    """
    head, end, body = came.partition(_ENDS)
    if not end:
        return None
    first, *lines = head.decode("latin-1").split("\r\n")
    version, _, said = first.partition(" ")
    status = int(said[:3])
    if version not in {"HTTP/1.1", "HTTP/1.0"}:
        raise Nonsense
    if 100 <= status < 200:  # it says that there is more to come
        return whole(body, ended=ended)
    headers = Headers(lines)
    content = _content(status, headers, body, ended=ended)
    if content is None:
        return None
    found, rest = content
    stays = version == "HTTP/1.1" and not ended and not rest
    stays = stays and "close" not in headers.get("connection", "").lower()
    return Answer(status, headers, found), stays


def _content(status: int, headers: Headers, body: bytes, *, ended: bool) -> tuple[bytes, bytes] | None:
    """The content and what came after it; ``None`` while there is more to come."""
    if status in {204, 304}:
        return b"", body
    if coding := headers.get("transfer-encoding", ""):
        if coding.lower() != "chunked":
            raise Nonsense
        return _unchunked(body)
    if length := headers.get("content-length", ""):
        if not (length.isascii() and length.isdigit()):
            raise Nonsense
        size = int(length)
        return (body[:size], body[size:]) if len(body) >= size else None
    return (body, b"") if ended else None


def _unchunked(body: bytes) -> tuple[bytes, bytes] | None:
    """The same of content that came in pieces (§7.1); fields after them are passed over."""
    found: list[bytes] = []
    while True:
        line, end, rest = body.partition(b"\r\n")
        if not end:
            return None
        size = int(line.partition(b";")[0], 16)
        if size < 0:
            raise Nonsense
        if not size:
            _, end, after = (b"\r\n" + rest).partition(_ENDS)
            return (b"".join(found), after) if end else None
        if len(rest) < size + 2:
            return None
        if rest[size : size + 2] != b"\r\n":
            raise Nonsense
        found.append(rest[:size])
        body = rest[size + 2 :]
