"""Everything is wired here: from settings to rules, templates, messages and channels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.errors import Misconfigured, Problem

if TYPE_CHECKING:
    from channels.base import Abilities, Channel
    from channels.inbox import Feed
    from channels.kinds.inbox import Inbox as InboxSettings
    from channels.rates import Limits
    from channels.reports import Reporting
    from channels.settings import ChannelSettings
    from orchestrator.callbacks.events import Caller
    from orchestrator.config.settings import Settings
    from orchestrator.engine import Engine
    from orchestrator.inbox.store import Inbox
    from orchestrator.journey import Policy, RuleBook
    from orchestrator.render import Renderer
    from orchestrator.render.words import Brand
    from orchestrator.sending.messages import Composer
    from orchestrator.web.customer.paper import House


@dataclass(frozen=True, slots=True)
class Written:
    """What operations wrote: rule files as they are, the rules in them, templates, and every problem."""

    sources: Mapping[str, str]
    book: RuleBook
    renderer: Renderer
    problems: tuple[Problem, ...]


def company(settings: Settings) -> dict[str, Any]:
    """The company as templates know it."""
    return {
        "name": settings.company.name,
        "address": settings.company.postal_address,
        "email": settings.sender.reply_to or settings.sender.email,
        "phone": settings.company.phone,
        "locale": settings.company.locale,
        "brands": brands(settings),
    }


def brands(settings: Settings) -> dict[str, Brand]:
    """The brands of the house, each with what it leaves out filled in by the company."""
    from orchestrator.render.brands import LOGO, coloured
    from orchestrator.render.words import Brand

    return {
        key: Brand(
            name=brand.name or key,
            imprint=brand.imprint or settings.company.postal_address,
            logo=f"cid:{LOGO}" if brand.logo else "",
            logo_file=brand.logo,
            layout=brand.layout,
            key=key,
            sender_name=brand.sender_name or brand.name or key,
            sender_email=brand.email,
            reply_to=brand.reply_to,
            **(coloured(brand.accent, brand.accent_dark) if brand.accent else {}),
        )
        for key, brand in settings.brands.items()
    }


def pages(settings: Settings) -> House:
    """The company as its pages show it; a picture that is missing is not shown."""
    from orchestrator.render import attachments
    from orchestrator.web.customer.paper import House

    folder, logos = settings.templates.path, {}
    if any(brand.logo for brand in settings.brands.values()) and folder.is_dir():
        files = attachments.read(folder)
        found = {key: attachments.taken(one.logo, files) for key, one in settings.brands.items() if one.logo}
        logos = {key: one for key, one in found.items() if isinstance(one, attachments.File)}
    return House(company(settings), logos, _languages(folder))


def _languages(templates: Path) -> tuple[str, ...]:
    """The languages that texts are written in."""
    from orchestrator.render.source import split_path

    names = (file.relative_to(templates).as_posix() for file in templates.rglob("*.j2"))
    found = {place[2].partition("-")[0] for name in names if (place := split_path(name)) is not None}
    return tuple(sorted(filter(None, found)))


def written(settings: Settings, rules: Path | None = None, templates: Path | None = None) -> Written:
    """Read rules and templates, from the settings' folders unless told.

    Raises :class:`Misconfigured` if there is no such folder; everything else is a problem at its place.
    """
    from orchestrator.rules import read

    folder = rules or settings.rules.path
    if rules is None and is_unconfigured(settings):
        raise Misconfigured("there is no config.toml here; use --config FILE, or `beforehand init` makes one")
    return understood(settings, read(folder), templates)


def is_unconfigured(settings: Settings) -> bool:
    """Nobody set anything, and no rules are where they are by default: the wrong folder, most likely."""
    return not settings.rules.path.exists() and set(settings.origin.values()) <= {"default"}


def understood(
    settings: Settings,
    sources: Mapping[str, str],
    templates: Path | None = None,
    settled: Policy | None = None,
) -> Written:
    """Load rule files that were read before (path → text) against the templates of a folder.

    The company's policy is that of the settings, or what was *settled* for the rules in force.
    """
    from orchestrator.render.abilities import beyond
    from orchestrator.rules import load

    renderer = texts(settings, templates)
    book, found = load(
        sources,
        templates=renderer.names(),
        channels=abilities(settings),
        policy=policy(settings, settled),
    )
    lacking = list(beyond(renderer, abilities(settings)))
    return Written(sources, book, renderer, (*found, *renderer.problems(), *lacking))


def abilities(settings: Settings) -> dict[str, Abilities]:
    """Every channel by its name, with what it can do once it is live."""
    from channels.registry import find

    kinds = {name: find(chosen.kind or name) for name, chosen in settings.channels.named().items()}
    return {name: kind.abilities for name, kind in kinds.items() if kind is not None}


def reports(settings: Settings, *, live: bool = False) -> dict[str, str]:
    """How far one hears of a message by each channel: ``delivered`` or ``opened``; the others say nothing.

    With *live* of the channels that send for real only those count whose providers know where to call back.
    What is in the outbox is waited for as it will be once its channel is live, though nobody reports it: a
    trial goes on by the next channel. A reporter says of mail whether it was delivered; whether opens are
    tracked is an account's own matter, and is said in the settings.
    """
    found: dict[str, str] = {}
    read = {chosen.channel for chosen in settings.callbacks.named().values()}
    for name, can in abilities(settings).items():
        chosen = settings.channels.named()[name]
        called = not (live and chosen.live) or is_called_back(settings, name)
        words = (
            "opened" if can.opens and called else "",
            "delivered" if (can.receipts and called) or name in read else "",
            chosen.reported,
        )
        if far := max(words, key=("", "delivered", "opened").index):
            found[name] = far
    return found


def policy(settings: Settings, settled: Policy | None = None) -> Policy:
    """What the company settled, now or for the rules in force, and what its channels' abilities add."""
    from dataclasses import replace

    silent = frozenset(name for name, can in abilities(settings).items() if not can.rings)
    return replace(
        settled or settings.policy(),
        reports=reports(settings, live=True),
        silent=silent,
        kinds=settings.channels.kinds(),
    )


def texts(settings: Settings, templates: Path | None = None) -> Renderer:
    """Read the templates, from the settings' folder unless told; raises :class:`Misconfigured` without it."""
    from orchestrator.render import Renderer

    folder = templates or settings.templates.path
    if not folder.is_dir():
        raise Misconfigured(f"there is no directory of templates at {folder}")
    return Renderer(folder, company(settings))


def refused(found: Written) -> list[Problem]:
    """Every problem that keeps what was written from coming into force: also texts that would always fail."""
    from orchestrator.render.review import failing

    return [*found.problems] or failing(found.renderer, found.book)


def reviewed(settings: Settings, found: Written, *, whole: bool, folder: Path | None = None) -> list[Problem]:
    """Every problem of what was written in that *folder* of rules, and what a reader would miss in it.

    A text that sounds wrong is no reason to keep rules from coming into force; it is one to mend it first.
    What is, says :func:`refused`.
    With *whole* these are all the rules there are, and not a folder or a file of them.
    """
    from orchestrator.cli.senders import shared
    from orchestrator.render.review import review as review_templates
    from orchestrator.rules.review import no_rule
    from orchestrator.rules.review import review as review_rules

    wrong = {problem.path for problem in found.problems}
    root = f"{found.renderer.templates.name}/"
    broken = {path.removeprefix(root) for path in wrong}
    read = {name for name, journey in found.book.journeys.items() if journey.path not in wrong}
    complete = None if whole and not wrong & found.sources.keys() else read
    if not found.problems and (none := no_rule(found.book, (folder or settings.rules.path).as_posix())):
        return [none]
    return [
        *found.problems,
        *shared(settings, found.book),
        *review_rules(found.book, found.sources, complete=not found.problems, reports=reports(settings)),
        *review_templates(found.renderer, found.book, broken, complete=complete),
    ]


def rehearsed(
    settings: Settings, sources: Mapping[str, str], templates: Path | None
) -> tuple[Written, set[str]]:
    """Load rule files for a simulation, and name the templates they use that nobody has written yet.

    Rules may be tried before their texts exist, wherever they lie; with *templates* they must exist.
    """
    from orchestrator.render import Renderer
    from orchestrator.rules import load
    from orchestrator.texts import said_by

    folder = templates or settings.templates.path
    renderer = Renderer(folder, company(settings))
    there = renderer.names()
    book, found = load(
        sources,
        templates=there if templates else None,
        channels=abilities(settings),
        policy=policy(settings),
    )
    said = {
        f"{journey.id}/{rung.say}"
        for journey in book.journeys.values()
        for rule in journey.rules
        for rung in rule.rungs
        if rung.say
    }
    missing = {name for name in said if not said_by(name, there)}
    wrong = renderer.problems() if templates or not missing else []
    return Written(sources, book, renderer, (*found, *wrong)), missing


def composer(settings: Settings, renderer: Renderer, policy: Policy | None = None) -> Composer:
    """What makes messages of notifications, by the *policy* in force unless there is none yet."""
    from orchestrator.cli.senders import sender, ways_back
    from orchestrator.sending.messages import Composer

    policy = policy or settings.policy()
    return Composer(renderer, company(settings), sender(settings), policy, ways_back(settings))


def limits(settings: Settings) -> dict[str, Limits]:
    """What each channel may send; the outbox takes everything."""
    return {name: chosen.limits for name, chosen in settings.channels.named().items() if chosen.live}


def channels(settings: Settings, feed: Feed | None = None) -> dict[str, Channel]:
    """Every channel: real where the settings say ``live = true``, else the outbox; *feed* is the inbox's."""
    from channels.base import Misconfigured as ChannelMisconfigured
    from channels.registry import build

    try:
        found = {
            name: build(name, reached(settings, name), outbox=settings.outbox.path)
            for name in settings.channels.named()
        }
    except ChannelMisconfigured as error:
        raise Misconfigured(str(error)) from error
    if feed is not None:
        from channels.inbox import InboxChannel

        for channel in found.values():
            if isinstance(channel, InboxChannel):
                channel.feed = feed
    return found


def inbox_settings(settings: Settings) -> InboxSettings | None:
    """What is set for the inbox, if there is one that customers can read."""
    from channels.kinds import inbox

    found = settings.channels.named().get(inbox.NAME)
    return found if isinstance(found, inbox.Inbox) and found.live else None


@contextmanager
def inbox(settings: Settings, engine: Engine) -> Iterator[Inbox | None]:
    """Give the inbox of this ledger, if customers can read one."""
    if inbox_settings(settings) is None:
        yield None
        return
    from orchestrator.inbox.store import Inbox

    with Inbox(engine) as found:
        yield found


def is_called_back(settings: Settings, name: str) -> bool:
    """Whether the provider of a channel knows where to say what became of messages, if it can say so."""
    return getattr(reached(settings, name), "callback_url", None) != ""


def reached(settings: Settings, name: str) -> ChannelSettings:
    """The settings of a channel, with where its provider calls back if they do not say so themselves."""
    chosen = settings.channels.named()[name]
    if settings.server.public_url and getattr(chosen, "callback_url", None) == "":
        return chosen.model_copy(update={"callback_url": callback_url(settings, name)})
    return chosen


def callback_url(settings: Settings, name: str) -> str:
    """Where the callbacks of that name come to, as seen from outside."""
    return f"{settings.server.public_url}/callbacks/{name}"


def readers(settings: Settings, channels: Mapping[str, Channel]) -> dict[Caller, Reporting]:
    """What reads callbacks: the channels whose providers call back themselves, and the reporters."""
    from channels.base import Misconfigured as ChannelMisconfigured
    from channels.inbound.signed import ReadsMail
    from channels.reporters import build
    from channels.reports import Answering, Reporting
    from orchestrator.callbacks.events import Caller
    from orchestrator.cli.senders import signing

    found: dict[str, tuple[Caller, Reporting]] = {
        name: (Caller(name, name, isinstance(channel, Answering)), channel)
        for name, channel in channels.items()
        if isinstance(channel, Reporting)
    }
    try:
        for name, chosen in settings.callbacks.named().items():
            reader = build(name, chosen)
            if isinstance(reader, ReadsMail):
                reader.signing = signing(settings)
            found[name] = Caller(name, chosen.channel, isinstance(reader, Answering)), reader
    except ChannelMisconfigured as error:
        raise Misconfigured(str(error)) from error
    return dict(found.values())
