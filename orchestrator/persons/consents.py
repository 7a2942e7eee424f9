"""What a customer agreed to and objected to: may a purpose use a channel, and which words say so. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from orchestrator.model import ENGINE, Consent, Customer, Fact, Purpose
from orchestrator.planning.fold import evidence_text, in_order

GIVEN, WITHDRAWN = "consent.given", "consent.withdrawn"
ALL = "all"


@dataclass(frozen=True, slots=True)
class Word:
    """One time a customer said yes or no, with how we know; ``stands`` unless a later word took its place.

    ``purpose`` and ``channel`` "all" mean all of them. ``under`` is the customer's id it was said under.
    """

    given: bool
    purpose: str
    channel: str
    said: datetime
    heard: datetime
    source: str
    under: str
    stands: bool
    evidence: Mapping[str, Any]


def history(facts: Mapping[str, Iterable[Fact]]) -> tuple[Word, ...]:
    """Every word on consent under these ids of one person, the oldest first."""
    words = in_order(fact for theirs in facts.values() for fact in theirs if _is_word(fact))
    last = {(fact.subject, *_about(fact)): fact for fact in words}
    return tuple(
        Word(
            given=fact.type == GIVEN,
            purpose=fact.data.get("purpose") or ALL,
            channel=fact.data.get("channel") or ALL,
            said=fact.happened,
            heard=fact.heard,
            source=fact.source,
            under=fact.subject,
            stands=last[fact.subject, *_about(fact)] is fact and not _taken_back(fact, words),
            evidence=_evidence(fact.data.get("evidence")),
        )
        for fact in words
    )


def line(word: Word) -> str:
    """A word as people read it: what was said, how we know, and whether it counts."""
    said = "yes" if word.given else "no"
    about = f"{_named(word.purpose, 'purposes')} by {_named(word.channel, 'channels')}"
    evidence = evidence_text(word.evidence) or "no evidence is kept"
    counts = "" if word.stands else "; a later word took its place"
    return f"{said} to {about}, heard from {word.source} ({evidence}){counts}"


def _named(name: str, many: str) -> str:
    return f"all {many}" if name == ALL else name


def _is_word(fact: Fact) -> bool:
    return fact.type in (GIVEN, WITHDRAWN) and fact.source != ENGINE


def _about(fact: Fact) -> tuple[str, str]:
    return fact.data.get("purpose") or "", fact.data.get("channel") or ""


def _taken_back(fact: Fact, words: Sequence[Fact]) -> bool:
    """Was this a yes, and a later no, under whatever id, about the same or about more?"""
    if fact.type != GIVEN:
        return False
    purpose, channel = _about(fact)
    later = [word for word in words if word.type == WITHDRAWN and word.happened >= fact.happened]
    return any(no in ("", purpose) and by in ("", channel) for no, by in map(_about, later))


def _evidence(evidence: Any) -> Mapping[str, Any]:
    if isinstance(evidence, Mapping):
        return dict(evidence)
    return {"how": str(evidence)} if evidence else {}


# ── may it be sent ───────────────────────────────────────────────────────────


def refused(customer: Customer, purpose: Purpose, channel: str, kind: str = "") -> str:
    """Why consent forbids this purpose on this channel, or "".

    What was said of its *kind* was said of it too, where its name is another.

    Marketing needs a consent that names it, with evidence, and that still stands; service and relationship
    need no opt-out; security needs nothing. The last word counts, but a stop on one channel (STOP by SMS) is
    lifted only by a consent that names this channel, and an objection to marketing (GDPR article 21) only by
    one that names marketing.
    """
    if purpose is Purpose.SECURITY or (not customer.consents and purpose is not Purpose.MARKETING):
        return ""
    names = dict.fromkeys((channel, kind or channel))
    here = _last([word for name in names for word in _words(customer, purpose, name)])
    anywhere = _last(_words(customer, purpose, ""))
    last = here if here is not None and not here.given else _last([here, anywhere])
    if last is not None and not last.given:
        return f"the customer withdrew consent for {channel} {last.under or f'on {last.at:%Y-%m-%d}'}"
    if purpose is Purpose.MARKETING:
        if last is None and _general(customer, names):
            return f"the customer's consent does not name marketing, and marketing by {channel} needs that"
        if last is None:
            return f"the customer never gave consent to marketing by {channel}"
        if not last.evidence:
            return f"there is no evidence of the customer's consent to marketing by {channel}"
    return ""


def _words(customer: Customer, purpose: Purpose, channel: str) -> list[Consent | None]:
    """The last words on a channel: about this purpose, and about all; no general yes is one to marketing."""
    general = customer.consents.get(("", channel))
    if purpose is Purpose.MARKETING and general is not None and general.given:
        general = None
    return [customer.consents.get((purpose.value, channel)), general]


def _general(customer: Customer, channels: Iterable[str]) -> bool:
    """Did they say yes, and not to what?"""
    words = (customer.consents.get(("", channel)) for channel in (*channels, ""))
    return any(word is not None and word.given for word in words)


def _last(words: Sequence[Consent | None]) -> Consent | None:
    """The newest word; of two at one instant, the stop."""
    heard = [word for word in words if word is not None]
    return max(heard, key=lambda word: (word.at, not word.given), default=None)
