"""How a template sounds to its reader (DESIGN §1.12), heard in its source, so that no branch goes unread.

What a language calls a reply or a call centre is data: ``voices/<locale>.toml``, read once. A language
without such a file is listened to as far as that needs no words.
"""

import re
import tomllib
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property, lru_cache
from pathlib import Path

from orchestrator.render.source import Is, Piece, wider

VOICES = Path(__file__).parent / "voices"
UNANSWERED = frozenset({"push", "inbox"})  # they open the app or the page; nobody can answer them there
SHORT = frozenset({"sms", "push"})  # one line: what happens next and when may be one and the same word
GREETING = frozenset({"customer.greeting", "customer.name", "customer.given_name"})
AHEAD = frozenset({"promise", "promises", "next_update", "awaited"})  # values that are days to come
PEOPLE = frozenset({"sender", "owner", "manager"})
TELEPHONES = frozenset({"sender.phone", "owner.phone", "manager.phone", "location.phone", "company.phone"})
REASONS = frozenset({"because", "reason", "told", "promise", "promises", "happened", "milestone"})
OWN_WORDS = 3  # a task says in at least so many words of its own what is to be done

_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
_NAME = re.compile(r"(?<![\w.])[a-z_]\w*(?:\.[a-z_]\w*)*")
_DATED = re.compile(r"\|\s*(?:day|date_long|time)\b")
_TAG = re.compile(r"<[^>]*>")
_CAPITALS = "A-ZÀ-ÖØ-Þ"
_SHOUTED = re.compile(rf"!\s*!|\b[{_CAPITALS}]{{6,}}\b|\b[{_CAPITALS}]{{3,}}(?:\s+[{_CAPITALS}]{{3,}})+\b")
_ADDRESS = re.compile(
    r"(?<![@\w.-])(?:https?://\S+|www\.\S+|[\w-]+\.(?:com|org|net|eu|de|at|ch|io|shop|co\.uk|example)\b(?:/\S*)?)"
)
_HREF = re.compile(r"href\s*=\s*[\"'](?:https?:)?//[^\"']*")
_DIGITS = re.compile(r"(?:\+|\b0)\d[\d /()-]{6,}\d")
_ASKED = re.compile(r"\w(?:[\w'’-]*,?\s+[\w'’-]+)+\?")  # two words or more: “Questions?” asks nothing
_SENTENCE_END = re.compile(r"[.!?:;\n]")
_DATE = re.compile(r"\b\d{1,2}\.\s?\d{1,2}\.|\b\d{4}-\d{2}-\d{2}\b|\b\d{1,2}/\d{1,2}\b")


class Reader(Enum):
    """For whom a template is written; each listens for other things."""

    CUSTOMER = "customer"
    STAFF = "staff"  # a task
    OTHER = "other"  # a message to somebody who is neither: a neighbour, the owner


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing a reader would miss or mind; without a path it is about the whole text."""

    code: str
    message: str
    hint: str = ""
    path: str = ""
    line: int = 0
    word: str = ""


# ── the words of a language ──────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Phrases:
    """Some phrases of a language, looked for all at once, each with the reason it is listed."""

    every: re.Pattern[str]
    each: Mapping[str, str]  # pattern: reason

    def reason(self, said: str) -> str:
        """Why the phrase that was found is listed."""
        return next((reason for one, reason in self.each.items() if re.fullmatch(one, said)), "")


def phrases(listed: Mapping[str, str]) -> Phrases:
    """Read phrases as ``voices/*.toml`` writes them: ``*`` ends a word, a capital letter means itself."""
    written = {_pattern(phrase): reason for phrase, reason in listed.items()}
    every = rf"(?<![\w-])(?:{'|'.join(written) or '(?!)'})(?![\w])"
    return Phrases(re.compile(every), written)


def _pattern(phrase: str) -> str:
    body = re.escape(phrase.removesuffix("*")).replace(r"\ ", r"\s+") + (r"\w*" if phrase[-1:] == "*" else "")
    return body if phrase != phrase.lower() else f"(?i:{body})"


@lru_cache(maxsize=64)
def words(locale: str) -> Mapping[str, Phrases] | None:
    """The phrases of the nearest language that has a file, by what they do; ``None`` if it has none."""
    for name in wider(locale):
        file = VOICES / f"{name}.toml"
        if name and file.is_file():
            listed = tomllib.loads(file.read_text(encoding="utf-8"))
            return {section: phrases(entries) for section, entries in listed.items()}
    return None


# ── what is said ─────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Script:
    """One text as its reader may get it: every piece of its headers and its body, includes among them."""

    path: str
    channel: str
    locale: str
    heads: Sequence[Piece]
    body: Sequence[Piece]
    html: bool = False

    @cached_property
    def spoken(self) -> tuple[Piece, ...]:
        """The words that stand there, without tags, in every branch."""
        found = (piece for piece in (*self.heads, *self.body) if piece.kind is Is.TEXT and piece.text.strip())
        if not self.html:
            return tuple(found)
        return tuple(Piece(p.kind, _TAG.sub(_blank, p.text), p.path, p.line) for p in found)

    @cached_property
    def own(self) -> str:
        """The words of the file itself; what it includes is written by others."""
        return "\0".join(piece.text for piece in self.spoken if piece.path == self.path)

    @cached_property
    def text(self) -> str:
        """All the words; a phrase never reaches over a value in between."""
        return "\0".join(piece.text for piece in self.spoken)

    @cached_property
    def values(self) -> str:
        """The expressions that are printed, or kept to be printed, without their quoted words."""
        kept = (p for p in (*self.heads, *self.body) if p.kind is Is.EXPRESSION or _sets(p))
        return "\n".join(_QUOTED.sub("''", piece.text) for piece in kept)

    @cached_property
    def names(self) -> frozenset[str]:
        """The names printed, and what each begins with: ``promise.text`` and ``promise``."""
        found = _NAME.findall(self.values)
        return frozenset(found) | {name.partition(".")[0] for name in found}

    @cached_property
    def _starts(self) -> list[int]:
        starts, at = [], 0
        for piece in self.spoken:
            starts.append(at)
            at += len(piece.text) + 1
        return starts

    def place(self, offset: int) -> tuple[str, int]:
        """The file and line of what stands at *offset* of :attr:`text`."""
        number = bisect_right(self._starts, offset) - 1
        piece = self.spoken[number]
        return piece.path, piece.line + piece.text.count("\n", 0, offset - self._starts[number])


def _blank(match: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", match[0])


def _sets(piece: Piece) -> bool:
    return piece.kind is Is.STATEMENT and re.match(r"\{%\s*set\b", piece.text) is not None


# ── listening ────────────────────────────────────────────────────────────────


def faults(script: Script, reader: Reader) -> Iterator[Fault]:
    """What *reader* would miss in this text, or mind."""
    known = words(script.locale)
    yield from _minded(script, known or {}, reader)
    if script.html:
        return  # the same mail's plain text is asked for the rest
    if reader is Reader.STAFF:
        yield from _of_a_task(script, known)
    elif reader is Reader.CUSTOMER:
        yield from _missed(script, known)


def _missed(script: Script, known: Mapping[str, Phrases] | None) -> Iterator[Fault]:
    if not script.names & GREETING:
        yield Fault("T101", "it does not greet by name", "print customer.greeting or customer.name")
    yield from _future(script, known)
    if not script.names & PEOPLE:
        yield Fault("T104", "nobody signs it", "let a person sign: sender.name")
    if known is None:
        return
    replies = _has(known, "reply", known["machine"].every.sub("", script.text))  # "do not reply" offers none
    if script.names & TELEPHONES or _DIGITS.search(script.text):
        if not replies:
            hint = "offer a reply; the owner of the order can call"
            yield Fault("T106", "a telephone number is the only way to answer", hint)
    elif not replies and script.channel not in UNANSWERED:
        yield Fault("T105", "it offers no reply", "say that an answer to this message is read, and by whom")
    you, we = (len(known[section].every.findall(script.own)) for section in ("you", "we"))
    if we and we >= you:
        hint = "tell it from their side: what they get, when, and what they can do"
        more = "more than" if we > you else "as much as"
        yield Fault("T107", f"it is about us ({_times(we)}) {more} about the reader ({_times(you)})", hint)


def _times(count: int) -> str:
    return {0: "never", 1: "once", 2: "twice"}.get(count, f"{count} times")


def _future(script: Script, known: Mapping[str, Phrases] | None) -> Iterator[Fault]:
    """What happens next, and when we speak again.

    In one line either of them does, and so does a question: what happens next is the reader's answer.
    """
    dated = bool(script.names & AHEAD or _DATED.search(script.values) or _DATE.search(script.text))
    dated = dated or (known is not None and (_has(known, "date", script.text) or _today(known, script.text)))
    followed = known is None or _has(known, "next", script.text)
    hint = "print next_update, a day the rules will keep, or the promise"
    if script.channel in SHORT:
        if not (dated or _ASKED.search(script.text) or (known is not None and followed)):
            yield Fault("T102", "it does not say what happens next", hint)
        return
    if not followed:
        yield Fault("T102", "it does not say what happens next", "say what you do now, or what they can do")
    if not dated:
        yield Fault("T103", "it does not say when you will be in touch again", hint)


def _today(known: Mapping[str, Phrases], text: str) -> bool:
    """Whether something is still to come today: of what was due today one hears nothing about tomorrow."""
    return any(
        _has(known, "today", sentence) and not _has(known, "over", sentence)
        for sentence in _SENTENCE_END.split(text)
    )


def _of_a_task(script: Script, known: Mapping[str, Phrases] | None) -> Iterator[Fault]:
    if "task.do" not in script.names and len(re.findall(r"\w{2,}", script.own)) < OWN_WORDS:
        yield Fault("T120", "it does not say what to do", "say it in a sentence, or print task.do")
    if not any(name.startswith(("customer.", "order.")) for name in script.names):
        yield Fault("T121", "it does not say for whom", "print customer.name and order.id")
    if not any(name.startswith("task.ack_by") for name in script.names):
        yield Fault("T122", "it does not say by when", "print task.ack_by")
    if script.channel not in SHORT and not script.names & REASONS:
        yield Fault("T123", "it does not say why", "print because")
    if known is not None and not _has(known, "answer", script.text):
        yield Fault("T124", "it does not say how to answer", "say what closes the task: what to record")


def _minded(script: Script, known: Mapping[str, Phrases], reader: Reader) -> Iterator[Fault]:
    """What stands there and should not, each where it stands."""
    if reader is not Reader.STAFF:
        for match in _ADDRESS.finditer(script.text):
            hint = "what stands on the page can be said here"
            yield _heard(script, match, "T106", f"it sends the reader to {match[0]!r}", hint)
        for piece in script.body if script.html else ():
            for match in _HREF.finditer(piece.text) if piece.kind is Is.TEXT else ():
                line = piece.line + piece.text.count("\n", 0, match.start())
                hint = "what stands on the page can be said here"
                yield Fault("T106", "a link sends the reader to a web page", hint, piece.path, line, match[0])
        if "elsewhere" in known:
            for match in known["elsewhere"].every.finditer(script.text):
                hint = known["elsewhere"].reason(match[0])
                yield _heard(script, match, "T106", f"{match[0]!r} sends the reader elsewhere", hint)
    for match in _SHOUTED.finditer(script.text):
        yield _heard(script, match, "T108", f"{match[0]!r} is shouted", "say it quietly")
    if "machine" in known:
        for match in known["machine"].every.finditer(script.text):
            hint = known["machine"].reason(match[0])
            yield _heard(script, match, "T109", f"{match[0]!r} is how machines write", hint)


def _has(known: Mapping[str, Phrases], section: str, text: str) -> bool:
    return known[section].every.search(text) is not None


def _heard(script: Script, match: re.Match[str], code: str, message: str, hint: str) -> Fault:
    path, line = script.place(match.start())
    return Fault(code, message, hint, path, line, match[0].partition("\n")[0])
