"""HTML of a mail → the text somebody reads in it; quotations keep their ``>``."""

import re
from html.parser import HTMLParser

_BREAKS = frozenset(
    {"address", "blockquote", "br", "div", "h1", "h2", "h3", "h4", "hr", "li", "p", "table", "tr"}
)
_UNSEEN = frozenset({"head", "script", "style", "title"})


class _Reader(HTMLParser):
    """Gathers lines, each with how deep it is quoted."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.lines: list[tuple[int, str]] = []
        self._words: list[str] = []
        self._quoted = self._unseen = 0

    def handle_starttag(self, tag: str, _attrs: list[tuple[str, str | None]]) -> None:
        if tag in _BREAKS:
            self.line()
        self._quoted += tag == "blockquote"
        self._unseen += tag in _UNSEEN

    def handle_startendtag(self, tag: str, _attrs: list[tuple[str, str | None]]) -> None:
        if tag in _BREAKS:
            self.line()

    def handle_endtag(self, tag: str) -> None:
        if tag in _BREAKS and tag != "br":
            self.line()
        self._quoted -= tag == "blockquote" and self._quoted > 0
        self._unseen -= tag in _UNSEEN and self._unseen > 0

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self._words.append(data)

    def line(self) -> None:
        """End the line."""
        words = " ".join("".join(self._words).split())
        self._words.clear()
        if words:
            self.lines.append((self._quoted, words))


def plain(html: str) -> str:
    """The text of *html*, a line for each block."""
    reader = _Reader()
    reader.feed(re.sub(r"<!--.*?-->", "", html, flags=re.DOTALL))
    reader.close()
    reader.line()
    return "\n".join(f"{'> ' * min(quoted, 3)}{words}" for quoted, words in reader.lines)
