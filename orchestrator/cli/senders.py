"""From settings to whom messages come from, where what comes back goes, and what is wrong with that."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from orchestrator.errors import Problem

if TYPE_CHECKING:
    from channels.inbound.signed import Signing
    from orchestrator.config.senders import Purposes
    from orchestrator.config.settings import Settings
    from orchestrator.journey import RuleBook
    from orchestrator.links import Links
    from orchestrator.model import Purpose
    from orchestrator.sending.senders import From, Sender
    from orchestrator.sending.ways_back import WaysBack


def sender(settings: Settings) -> Sender:
    """Whom messages come from."""
    from orchestrator.sending.senders import Sender

    house = settings.sender
    return Sender(
        house.email,
        house.name,
        house.reply_to,
        postal_address=settings.company.postal_address,
        purposes=_chosen(house),
        brands={key: _chosen(brand) for key, brand in settings.brands.items()},
    )


def ways_back(settings: Settings) -> WaysBack:
    """Where what comes back about mail is read."""
    from orchestrator.sending.ways_back import WaysBack

    house = settings.sender
    return WaysBack(signing(settings), house.bounces, house.replies, links=links(settings))


def links(settings: Settings) -> Links | None:
    """What signs links to our web server, if it is reached from outside."""
    if not settings.server.public_url or not settings.server.keys:
        return None
    from orchestrator.links import Links

    return Links(settings.server.public_url, settings.server.keys)


def signing(settings: Settings) -> Signing:
    """What signs our addresses, and knows them again by the domains of our senders."""
    from channels.inbound.signed import Signing

    who = sender(settings)
    mailboxes = [settings.sender.email, *(brand.email for brand in settings.brands.values())]
    mailboxes += [one.email for chosen in (who.purposes, *who.brands.values()) for one in chosen.values()]
    domains = (mailbox.rpartition("@")[2] for mailbox in mailboxes if mailbox)
    return Signing(settings.server.keys, tuple(dict.fromkeys(domains)))


def shared(settings: Settings, book: RuleBook) -> Iterator[Problem]:
    """Find advertising that would leave from the address of service, if any rule advertises by mail."""
    from orchestrator.cli.house import brands
    from orchestrator.model import Purpose
    from orchestrator.render.words import Brand

    rules = (rule for journey in book.journeys.values() for rule in journey.rules)
    if not any(rule.purpose is Purpose.MARKETING and "email" in rule.channels for rule in rules):
        return
    who, told = sender(settings), set[str]()
    for brand in (Brand(), *brands(settings).values()):
        service = who.of(Purpose.SERVICE, brand).email
        if who.of(Purpose.MARKETING, brand).email == service and service not in told:
            told.add(service)
            table = f"brands.{brand.key}" if brand.key and settings.brands[brand.key].email else "sender"
            path, _, line = settings.origin.get(f"{table}.email", "").rpartition(":")
            place = (path, int(line), 1) if path and line.isdecimal() else ("config.toml", 0, 0)
            yield Problem(
                *place, "C044", f"advertising would leave from {service}, as service does",
                f'in [{table}.marketing], write email = "news@{service.rpartition("@")[2]}"',
            )  # fmt: skip


def _chosen(table: Purposes) -> dict[Purpose, From]:
    from orchestrator.model import Purpose
    from orchestrator.sending.senders import From

    chosen = {purpose: getattr(table, purpose.value) for purpose in Purpose}
    return {purpose: From(one.email, one.name, one.reply_to, one.bounces) for purpose, one in chosen.items()}
