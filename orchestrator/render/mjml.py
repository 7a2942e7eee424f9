"""MJML with Jinja inside → HTML with Jinja inside, styles inlined: once for each template, not for each mail.

Expressions and statements are replaced by marks before `mrml` and `css-inline` see the document, and put back
afterwards, so that values are inserted (and escaped) last. A mark takes the form its place allows: a comment
inside a text, an `mj-raw` between sections, a word inside an attribute. Whether every mark came through, each
statement once and in order, is verified; a document for which that fails is refused, never guessed.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

from orchestrator.findings import nearest
from orchestrator.render.source import Is, Piece, SourceError, literal

_TAG = re.compile(
    r"<!--.*?-->|</?(?P<name>mj[a-z-]*)|<(?P<other>/?[a-zA-Z][\w-]*)|(?P<end>/?>)|(?P<quote>[\"'])", re.DOTALL
)
_TAG_BEGINS = re.compile(r"(<[a-z][a-z0-9]*) (?=[a-z])")
_LAYOUT = frozenset(
    {"mj-body", "mj-section", "mj-column", "mj-group", "mj-hero"}
)  # a comment may stand there
_CONTENT = frozenset({"mj-text", "mj-table", "mj-button", "mj-raw", "mj-navbar-link", "mj-social-element"})
_PLAIN = frozenset(
    {"mj-title", "mj-preview", "mj-accordion-title", "mj-accordion-text"}
)  # words, no comments
_ELEMENTS = (
    _LAYOUT
    | _CONTENT
    | {"mjml", "mj-head", "mj-wrapper", "mj-attributes", "mj-all", "mj-class", "mj-breakpoint", "mj-font"}
    | _PLAIN
    | {"mj-style", "mj-image", "mj-divider", "mj-spacer", "mj-social", "mj-navbar"}
    | {"mj-accordion", "mj-accordion-element", "mj-carousel"}
    | {"mj-carousel-image", "mj-html-attributes", "mj-selector", "mj-html-attribute"}
)


def compile_mjml(pieces: Sequence[Piece]) -> Sequence[Piece]:
    """Return *pieces* of an MJML document as pieces of final HTML; :class:`SourceError` says why not."""
    return _compiled(tuple(pieces))


@lru_cache(maxsize=128)  # a daemon that reads its texts again finds most of them as they were
def _compiled(pieces: tuple[Piece, ...]) -> tuple[Piece, ...]:
    tag = _unused(pieces)
    place = _Place()
    document: list[str] = []
    for number, piece in enumerate(pieces):
        if piece.kind is Is.TEXT:
            place.read(piece)
            document.append(piece.text)
        else:
            document.append(place.mark(f"{tag}{number}z", piece))
    place.close()
    html = _in_lines(_inline(_to_html("".join(document), pieces)))
    return tuple(_put_back(html, tag, pieces))


def _unused(pieces: Sequence[Piece]) -> str:
    """A word that stands nowhere in the document."""
    text = "".join(piece.text for piece in pieces)
    return next(word for n in range(10_000) if (word := f"jinja{n}x") not in text)


class _Place:
    """Where in the document we are: which elements are open, inside a tag or a quoted attribute or not."""

    def __init__(self) -> None:
        self.open: list[tuple[str, Piece, int]] = []  # each with the piece it is in, and where
        self.in_tag = ""  # the element whose tag is being read
        self.quote = ""
        self.closing = False

    def read(self, piece: Piece) -> None:
        """Follow the tags of a stretch of MJML."""
        for match in _TAG.finditer(piece.text):
            if self.in_tag:
                self._inside_tag(match, piece)
            elif match["name"]:
                self._element(match, piece)
            elif match["other"]:
                self.in_tag, self.closing = match["other"], True  # HTML inside a text: mrml keeps it as it is

    def _inside_tag(self, match: re.Match[str], piece: Piece) -> None:
        if match["quote"]:
            if not self.quote:
                self.quote = match["quote"]
            elif self.quote == match["quote"]:
                self.quote = ""
        elif match["end"] and not self.quote:
            if self.in_tag.startswith("mj") and not self.closing and match["end"] == ">":
                self.open.append((self.in_tag, piece, match.start()))
            self.in_tag = ""

    def _element(self, match: re.Match[str], piece: Piece) -> None:
        name = match["name"]
        if name not in _ELEMENTS:
            near = nearest(name, _ELEMENTS)
            hint = f"did you mean <{near}>?" if near else ""
            line = _line(piece, match.start())
            raise SourceError("T030", piece.path, line, f"MJML has no element <{name}>", hint)
        self.in_tag, self.closing = name, match[0].startswith("</")
        if not self.closing:
            return
        if not any(opened == name for opened, _, _ in self.open):
            line = _line(piece, match.start())
            raise SourceError("T030", piece.path, line, f"</{name}> closes nothing")
        if self.open[-1][0] != name:
            self.close()
        self.open.pop()

    def close(self) -> None:
        """Refuse a document that leaves an element open."""
        if self.open:
            name, piece, at = self.open[-1]
            raise SourceError("T030", piece.path, _line(piece, at), f"<{name}> is never closed")

    def mark(self, word: str, piece: Piece) -> str:
        """The form in which *piece* survives here."""
        inside = self.open[-1][0] if self.open else ""
        if self.in_tag:
            if not self.quote:
                raise SourceError(
                    "T031", piece.path, piece.line, "Jinja inside a tag must stand in a quoted attribute"
                )
            return word
        if piece.kind is Is.EXPRESSION and inside in _CONTENT | _PLAIN:
            return word
        if piece.kind is Is.EXPRESSION:  # in mj-style too: escaping for HTML is no protection in CSS
            raise SourceError("T031", piece.path, piece.line, f"{piece.text.strip()} must stand in a text")
        if inside in _CONTENT:
            return f"<!--{word}-->"
        if inside in _LAYOUT:
            return f"<mj-raw><!--{word}--></mj-raw>"
        if inside == "mj-wrapper":
            # This lands inside Outlook's own comment, which another comment would end.
            return f"<mj-raw>{word}</mj-raw>"
        raise SourceError(
            "T031", piece.path, piece.line, f"{piece.text.strip()} cannot stand inside <{inside}>"
        )


def _line(piece: Piece, at: int) -> int:
    """The line of the file that the letter *at* in *piece* stands on."""
    return piece.line + piece.text.count("\n", 0, at)


def _to_html(document: str, pieces: Sequence[Piece]) -> str:
    import mrml

    try:
        # no web fonts: naming one makes a reader's mail program tell a third party that it opened the mail
        return str(mrml.to_html(document, None, mrml.RenderOptions(fonts={})).content)
    except OSError as error:
        raise SourceError("T030", pieces[0].path, pieces[0].line, f"MJML: {error}") from error


def _inline(html: str) -> str:
    import css_inline

    try:
        return str(_inliner().inline(html))
    except css_inline.InlineError as error:
        raise SourceError("T032", "", 0, f"styles cannot be inlined: {error}") from error


@lru_cache(maxsize=1)
def _inliner() -> Any:
    import css_inline

    # Media queries stay (phones, dark mode); nothing is fetched from anywhere.
    return css_inline.CSSInliner(keep_style_tags=False, keep_at_rules=True, load_remote_stylesheets=False)


def _in_lines(html: str) -> str:
    """Break the line in each tag, where it shows nowhere: a mail has lines of at most 998."""
    return _TAG_BEGINS.sub(r"\1\n", html)


def _put_back(html: str, tag: str, pieces: Sequence[Piece]) -> list[Piece]:
    first, *parts = re.split(rf"{tag}(\d+)z", html)
    numbers = [int(number) for number in parts[::2]]
    _verify(numbers, pieces)
    return list(_weave([first, *parts[1::2]], numbers, pieces))


def _weave(texts: list[str], numbers: Sequence[int], pieces: Sequence[Piece]) -> Iterator[Piece]:
    """The texts with the pieces between them, out of the comments that some of them stand in."""
    for at, number in enumerate(numbers):
        if texts[at].endswith("<!--") and texts[at + 1].startswith("-->"):
            texts[at], texts[at + 1] = texts[at].removesuffix("<!--"), texts[at + 1].removeprefix("-->")
        yield Piece(Is.TEXT, literal(texts[at]), "", 0)
        yield pieces[number]
    yield Piece(Is.TEXT, literal(texts[-1]), "", 0)


def _verify(found: list[int], pieces: Sequence[Piece]) -> None:
    """Every expression came through at least once, every statement once, and in order."""
    statements = [number for number in found if pieces[number].kind is Is.STATEMENT]
    wanted = [number for number, piece in enumerate(pieces) if piece.kind is Is.STATEMENT]
    for number in sorted(set(wanted) ^ set(statements) | {n for n in statements if statements.count(n) > 1}):
        piece = pieces[number]
        raise SourceError(
            "T031", piece.path, piece.line, f"MJML cannot keep {piece.text.strip()} where it stands"
        )
    for number, other in zip(statements, wanted, strict=True):
        if number != other:
            piece = pieces[other]
            raise SourceError("T031", piece.path, piece.line, f"MJML moves {piece.text.strip()} elsewhere")
    for number, piece in enumerate(pieces):
        if piece.kind is Is.EXPRESSION and number not in found:
            raise SourceError(
                "T031", piece.path, piece.line, f"MJML drops {piece.text.strip()} where it stands"
            )
