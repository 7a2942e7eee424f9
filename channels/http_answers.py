"""The answers of one connection of HTTP/1.1, read by llhttp (RFC 9112). Pure."""

from collections.abc import Iterator, Mapping

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from channels.http import Answer

MOST = 1 << 20  # bytes of an answer; a provider's has a few hundred


class Nonsense(Exception):
    """What came is no answer of HTTP/1.1, or none that we asked for."""


class Headers(Mapping[str, str]):
    """Fields of an answer by their name in any case; one that came twice is a list with commas."""

    def __init__(self, fields: dict[str, str]) -> None:
        self._fields = fields

    def __getitem__(self, name: str) -> str:
        return self._fields[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)


class Answers:
    """What comes on one connection, an answer at a time; the methods named ``on_…`` are the parser's.

    A hint that there is more to come (1xx) is passed over, and so are fields after the content.
    """

    def __init__(self) -> None:
        self._parser = HttpResponseParser(self)
        self._answer: Answer | None = None
        self._stays = False
        self._size = 0
        self.on_message_begin()

    def take(self, data: bytes) -> tuple[Answer, bool] | None:
        """The answer and whether another request may follow it, once all of it has come.

        Raises Nonsense for what is none; what comes after a whole answer does not make it worse.
        """
        self._size += len(data)
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade):
            if self._answer is None:
                raise Nonsense from None
        found, self._answer = self._answer, None
        if found is not None:
            self._size = 0
            return found, self._stays
        if self._size > MOST:
            raise Nonsense
        return None

    def end(self) -> Answer | None:
        """The answer that was whole only when the connection ended, for it said no length (§6.3)."""
        headers = self._headers
        if headers is None or "content-length" in headers or "transfer-encoding" in headers:
            return None
        return Answer(self._parser.get_status_code(), headers, b"".join(self._content))

    def on_message_begin(self) -> None:
        """Another one begins. Where the last was not asked for yet, nobody asked for this one."""
        self._fields: dict[str, str] = {}
        self._headers: Headers | None = None
        self._content: list[bytes] = []
        self._stays = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """A field of its head, or one that follows its content."""
        key, said = name.decode("latin-1").lower(), value.decode("latin-1").strip()
        self._fields[key] = f"{self._fields[key]}, {said}" if key in self._fields else said

    def on_headers_complete(self) -> None:
        """Its head is whole. Content in codings that we did not ask for is none."""
        self._headers, self._fields = Headers(self._fields), {}
        if self._headers.get("transfer-encoding", "chunked").lower() != "chunked":
            raise Nonsense

    def on_body(self, piece: bytes) -> None:
        """A piece of its content, without what frames it."""
        self._content.append(piece)

    def on_message_complete(self) -> None:
        """It is whole."""
        status, headers, self._headers = self._parser.get_status_code(), self._headers, None
        if headers is not None and not 100 <= status < 200 and self._answer is None:
            self._answer = Answer(status, headers, b"".join(self._content))
            self._stays = self._parser.should_keep_alive()
