"""Every text said once with sample facts, as sending would: whether it fails is known before anybody waits.

What a :class:`~orchestrator.render.rehearse.Rehearsal` can tell is not compiled; the rest is rendered.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from orchestrator.journey import Journey, Policy
from orchestrator.render import OUTPUT_LIMIT, SMS_SEGMENTS, Renderer, bidi, sms_text, wording
from orchestrator.render import source as template_source
from orchestrator.render.limits import BUDGET, Budget
from orchestrator.render.plain import paragraphs, tidy
from orchestrator.render.preview import barely, sample
from orchestrator.render.rehearse import Rehearsal
from orchestrator.render.source import Is, Piece

HEARD = ("Subject", "Preview", "Title", "Calendar-Title")  # headers that a reader reads
_MEANT = re.compile(r"\|\s*default\b|\bif\b|\bor\b")  # it says itself what it says of nothing
_SURE = re.compile(r"\{\{-? *(?:customer\.(?:greeting|name)|sender\.name|order\.id|company\.name) *-?\}\}")
_IN_HTML = 2  # what stands in HTML may be escaped: so many times longer than it was said, it may be too long


class Sampled:
    """Says the texts of one renderer, each with facts under which its journey would say it."""

    def __init__(self, renderer: Renderer, policy: Policy) -> None:
        self._renderer, self._policy = renderer, _in_plain_weeks(policy)
        self._rehearsal = Rehearsal(renderer.text_env)
        self._words: dict[tuple[str, str, str, bool], dict[str, Any]] = {}
        self._empty: dict[str, list[Piece]] = {}  # of each text file: what printed nothing with sample facts

    def say(self, path: str, journey: Journey) -> str:
        """Return the body of the text file *path*; raises :class:`RenderError` if anything of it fails."""
        place = template_source.split_path(path)
        assert place is not None
        name, stem, locale = place
        channel = stem.removesuffix(".txt")
        words = self.words(journey, name, locale)
        body = self._rehearsed(path, name, channel, locale, words)
        return self._renderer.render_file(path, words).text if body is None else body

    def holes(self, path: str, journey: Journey) -> Iterator[tuple[Piece, bool]]:
        """What the text file *path* prints and is empty: with sample facts, or (true) where little is known.

        Little is what its rule makes sure of. What gives a default of its own knows what it does.
        """
        place = template_source.split_path(path)
        assert place is not None
        name, _, locale = place
        with_little: list[Piece] = []
        words = self.words(journey, name, "", bare=True)  # what is empty is so in every language
        heads = [pieces for head, pieces in self._renderer.heads(path).items() if head in HEARD]
        for pieces in (*heads, self._renderer.body(path, locale)):
            if any(piece.kind is not Is.TEXT and not _SURE.fullmatch(piece.text) for piece in pieces):
                self._rehearsal.say(pieces, words, with_little)
        empty = self._empty.get(path, [])
        for piece in dict.fromkeys([*empty, *with_little]):
            if not _MEANT.search(piece.text):
                yield piece, piece not in empty

    def words(self, journey: Journey, name: str, locale: str, *, bare: bool = False) -> dict[str, Any]:
        """What a template may name with sample facts, the same on every channel; *bare* of what may lack."""
        key = (journey.id, name, locale, bare)
        if key not in self._words:
            facts = (barely if bare else sample)(journey, name, locale)
            self._words[key] = wording.context(
                facts.notification, facts.order, facts.customer, journey, self._policy, facts.now,
                self._renderer.company,
            )  # fmt: skip
        return self._words[key]

    def _rehearsed(
        self, path: str, name: str, channel: str, locale: str, words: Mapping[str, Any]
    ) -> str | None:
        """The body as it is said; ``None``: something fails, or only rendering can tell."""
        words = {**words, BUDGET: Budget(leftwards=bidi.leftwards(locale or str(words["locale"])))}
        holes = self._empty[path] = []
        heads = {
            head: self._said(pieces, words, holes=holes if head in HEARD else None)
            for head, pieces in self._renderer.heads(path).items()
        }
        body = self._said(self._renderer.body(path, locale), words, holes=holes)
        if body is None or None in heads.values():
            return None
        body = tidy(body)
        if channel == "sms":
            body = sms_text.plain(body)
            return body if sms_text.sms_segments(body)[1] <= SMS_SEGMENTS else None
        more = [self._said(pieces, words) for pieces in self._attached(path, locale)]
        if channel == "email":
            own = {"subject": heads.get("Subject"), "preview": heads.get("Preview") or ""}
            more += self._in_html(name, locale, {**words, **own, "body": paragraphs(body)})
        return None if None in more else body

    def _attached(self, path: str, locale: str) -> Iterator[Sequence[Piece]]:
        for attached in self._renderer.attached(path):
            if self._renderer.produces(attached):
                folder, _, stem = attached.rpartition("/")
                yield self._renderer.body(*self._renderer.choose(folder, stem, locale))

    def _in_html(self, name: str, locale: str, words: Mapping[str, Any]) -> Iterator[str | None]:
        """The document of a mail, in every brand's layout."""
        for brand in self._renderer.brands():
            pieces = self._renderer.html(name, locale, brand)
            if pieces is not None:
                yield self._said(pieces, words, most=OUTPUT_LIMIT // _IN_HTML)

    def _said(
        self,
        pieces: Sequence[Piece],
        words: Mapping[str, Any],
        most: int = OUTPUT_LIMIT,
        holes: list[Piece] | None = None,
    ) -> str | None:
        said = self._rehearsal.say(pieces, words, holes)
        return said if said is not None and len(said) <= most else None


def _in_plain_weeks(policy: Policy) -> Policy:
    """No sample is about a public holiday, and to look one up takes 40 ms the first time."""
    plain = {name: replace(known, holidays=frozenset()) for name, known in policy.calendars.items()}
    return replace(policy, calendars=plain)
