"""The commands about addresses that nothing is sent to any more: list, add, remove, import, export."""

from __future__ import annotations

import csv
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli import output
from orchestrator.cli.options import Config, Form, settings
from orchestrator.cli.output import Format, counted
from orchestrator.cli.people import asking
from orchestrator.errors import Misconfigured, NotFound, Problems

if TYPE_CHECKING:
    from datetime import datetime

    from orchestrator.config.settings import Settings
    from orchestrator.ledger import Suppression, Transaction
    from orchestrator.tables.suppressions import Listed, Reading

PAGE = 1000
HEADINGS = ("scope", "hash", "key", "reason", "evidence", "since")

Address = Annotated[str, typer.Argument(metavar="ADDRESS", help="A mail address, a number or a device.")]
Channel = Annotated[
    str, typer.Option("--channel", metavar="NAME", help="On which; what the address is of unless told.")
]
Everywhere = Annotated[bool, typer.Option("--everywhere", help="On every channel.")]
Country = Annotated[str, typer.Option("--country", metavar="XX", help="Where national numbers belong: DE.")]
Evidence = Annotated[str, typer.Option("--evidence", metavar="TEXT", help="What proves it: a letter's date.")]


def list_(
    ctx: typer.Context,
    channel: Annotated[str, typer.Option("--channel", metavar="NAME", help="Those of one channel.")] = "",
    address: Annotated[
        str, typer.Option("--address", metavar="ADDRESS", help="What stands against one address.")
    ] = "",
    country: Country = "",
    form: Form = Format.TABLE,
    config: Config = None,
) -> None:
    """List them, as hashes: why, by what evidence, since when.

    The addresses themselves are not kept. To know whether one is among them, ask for it with --address.
    """
    from orchestrator.cli.ledgers import opened
    from orchestrator.sending.suppressions import EVERYWHERE

    chosen = settings(ctx, config)
    with opened(chosen) as ledger, ledger.read() as tx:
        rows = [
            {"scope": one.channel, "hash": one.address_hash.rpartition(":")[2], "reason": one.reason,
             "evidence": one.evidence, "since": one.at, "key": one.address_hash.rpartition(":")[0]}
            for one in (_about(tx, chosen, address, country) if address else _all(tx))
            if channel in ("", one.channel) or one.channel == EVERYWHERE
        ]  # fmt: skip
    if form is Format.TABLE:
        rows = [row | {"hash": str(row["hash"])[:12], "key": _whose(str(row["key"]))} for row in rows]
    columns = ["scope", "hash", "reason", "evidence", "since"]
    output.records(rows, form, [*columns, "key"] if any(row["key"] for row in rows) else columns)
    output.sentence(f"{counted(len(rows), 'address', 'addresses')} on the list", form)


def add(
    ctx: typer.Context,
    address: Address,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, for your colleagues.")],
    channel: Channel = "",
    everywhere: Everywhere = False,
    evidence: Evidence = "",
    country: Country = "",
    form: Form = Format.TABLE,
    config: Config = None,
) -> None:
    """Send nothing to an address any more; only its keyed hash is kept."""
    from orchestrator.access.audit import Told, record
    from orchestrator.cli.ledgers import opened
    from orchestrator.clock import SystemClock
    from orchestrator.private import without_addresses
    from orchestrator.sending.suppressions import suppress

    chosen = settings(ctx, config)
    scope, to = _place(chosen, address, channel, everywhere=everywhere, country=country)
    why, proof = without_addresses(reason, to), without_addresses(evidence, to)
    with opened(chosen) as ledger, ledger.transaction() as tx:
        now = SystemClock().now()
        new = suppress(tx, scope, to, why, proof, now)
        if new:  # which address it was is nowhere kept
            record(tx, asking(), Told("suppress an address", _on(scope), after={"reason": why}), now)
    stands = (
        "nothing is sent to it any more" if new else "it was on the list already, and its first reason stays"
    )
    output.sentence(f"{_on(scope)}: {stands}", form)


def remove(
    ctx: typer.Context,
    address: Address,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it is kept.")],
    channel: Channel = "",
    everywhere: Everywhere = False,
    country: Country = "",
    form: Form = Format.TABLE,
    config: Config = None,
) -> None:
    """Take an address off the list, and keep why.

    What bounces or complains after that is on the list again. Consent is another matter: whoever said STOP is
    not written to before they say so.
    """
    from orchestrator.access.audit import Told, record
    from orchestrator.cli.ledgers import existing
    from orchestrator.clock import SystemClock
    from orchestrator.private import without_addresses
    from orchestrator.sending.suppressions import found, in_words, lift

    if not reason.strip():
        raise Misconfigured("say why: the reason is kept")
    chosen = settings(ctx, config)
    scope, to = _place(chosen, address, channel, everywhere=everywhere, country=country)
    with existing(chosen) as ledger, ledger.transaction() as tx:
        why, now = without_addresses(reason, to), SystemClock().now()
        if not lift(tx, scope, to, why, now):
            there = found(tx, [(scope, to)]).get((scope, to))
            hint = f"it is {_on(there.channel)}: {in_words(there)}" if there is not None else ""
            raise NotFound("\n".join(filter(None, (f"{_on(scope)}: it is not on the list", hint))))
        record(tx, asking(), Told("lift a suppression", _on(scope), after={"reason": why}), now)
        left = found(tx, [(scope, to)]).get((scope, to))
    more = f"; but {_on(left.channel)} it still is: {in_words(left)}" if left is not None else ""
    output.sentence(f"{_on(scope)}: it is off the list{more}", form)


def import_(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A CSV file, such as a provider exports.")],
    channel: Annotated[
        str, typer.Option("--channel", metavar="NAME", help="On which, where the file does not say.")
    ] = "",
    everywhere: Everywhere = False,
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="Why, where the file does not say.")
    ] = "",
    country: Country = "",
    column: Annotated[
        list[str] | None,
        typer.Option("--column", metavar="WHAT=NAME", help="Which column holds what: address=Empfaenger."),
    ] = None,
    key_file: Annotated[
        Path | None,
        typer.Option("--key-file", help="The key of the ledger whose hashes these are.", show_default=False),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only look for what is wrong.")] = False,
    form: Form = Format.TABLE,
    config: Config = None,
) -> None:
    """Take the addresses of a file: a provider's, or another ledger's.

    All of it or nothing: every line that is wrong is told. The same file again changes nothing, and what
    somebody took off the list since then stays off it.
    """
    from orchestrator.access.audit import Told, record
    from orchestrator.cli.ledgers import opened
    from orchestrator.clock import SystemClock
    from orchestrator.tables.suppressions import Defaults, Reading

    chosen = settings(ctx, config)
    now, channels = SystemClock().now(), chosen.channels.named()
    scope = _scope(chosen, channel, everywhere)
    defaults = Defaults(frozenset(channels), scope, reason or f"imported from {file.name}", country)
    key = _key_in(key_file) if key_file is not None else None
    with output.reading(file) as stream, opened(chosen) as ledger, ledger.transaction() as tx:
        reading = Reading(stream, defaults, _named(column or []), now)
        with tx.apart() as part:
            counts = _import(tx, str(file), reading, key, now)
            record(tx, asking(), Told("import suppressions", file.name, after={"new": counts["new"]}), now)
            if dry_run:
                part.rollback()
    ignored = f"; nothing is made of {', '.join(reading.ignored)}" if reading.ignored else ""
    words = [f"{counts['new']:,} new", f"{counts['known']:,} known already"]
    if counts["lifted"]:
        words.append(f"{counts['lifted']:,} taken off the list since then and left so")
    dry = "; a dry run, nothing was kept" if dry_run else ""
    total = counted(sum(counts.values()), "address", "addresses")
    output.sentence(f"{total}: {', '.join(words)}{ignored}{dry}", form)


import_.__name__ = "import"  # the command's name, which Python keeps for itself


def export(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The CSV file to write.")],
    key_file: Annotated[
        Path | None,
        typer.Option("--key-file", help="Write the key of the hashes there too.", show_default=False),
    ] = None,
    config: Config = None,
) -> None:
    """Write the list as hashes with their evidence.

    There are no addresses in it. Another ledger takes it with the key, which belongs into other hands:
    who has both can try whether an address is on the list.
    """
    from orchestrator.cli.ledgers import existing
    from orchestrator.sending.suppressions import as_exported, own_key
    from orchestrator.tables.report import escaped

    chosen = settings(ctx, config)
    count = 0
    with existing(chosen) as ledger, ledger.transaction() as tx, output.writing(file) as stream:
        key = own_key(tx)
        lines = csv.writer(stream)
        lines.writerow(HEADINGS)
        for one in _all(tx):
            count += 1
            cells = (one.channel, *as_exported(tx, one), one.reason, one.evidence, one.at.isoformat())
            lines.writerow(map(escaped, cells))
    if key_file is not None:
        _write_key(key_file, key)
    where = f"; the key is in {key_file}" if key_file is not None else ""
    output.sentence(f"{counted(count, 'address', 'addresses')} written to {file}{where}")


# ── what the commands share ──────────────────────────────────────────────────


def _whose(key: str) -> str:
    """By which key a hash was made, where it is another ledger's."""
    return f"of another ledger ({key[:8]})" if key else ""


def _all(tx: Transaction) -> Iterator[Suppression]:
    after = ("", "")
    while page := tx.suppressions(after=after, limit=PAGE):
        yield from page
        after = (page[-1].channel, page[-1].address_hash)


def _about(tx: Transaction, chosen: Settings, address: str, country: str) -> list[Suppression]:
    """What stands against one address, on any channel."""
    from orchestrator.sending.suppressions import EVERYWHERE, names_of

    _, to = _place(chosen, address, "", everywhere=False, country=country)
    named = chosen.channels.named()
    scopes = {EVERYWHERE, *named, *(one.kind for one in named.values() if one.kind)}
    return list(tx.suppressed((scope, name) for name in names_of(tx, to) for scope in scopes).values())


def _place(
    chosen: Settings, address: str, channel: str, *, everywhere: bool, country: str
) -> tuple[str, str]:
    """The channel and the address in one form; raises :class:`Misconfigured` for what is neither."""
    from orchestrator.tables.flaws import Flawed
    from orchestrator.tables.suppressions import place

    scope, named = _scope(chosen, channel, everywhere), chosen.channels.named()
    try:
        return place(address, scope, country, named)
    except Flawed as wrong:
        raise Misconfigured(
            "\n".join(filter(None, (f"{wrong.column} {wrong.message}", wrong.hint)))
        ) from None


def _scope(chosen: Settings, channel: str, everywhere: bool) -> str:
    from orchestrator.findings import suggestion
    from orchestrator.sending.suppressions import EVERYWHERE

    named = chosen.channels.named()
    if channel and everywhere:
        raise Misconfigured("say --channel NAME or --everywhere, not both")
    if channel and channel not in named:
        raise Misconfigured(f"no channel is called {channel!r}\n{suggestion(channel, sorted(named))}")
    return EVERYWHERE if everywhere else channel


def _on(scope: str) -> str:
    from orchestrator.sending.suppressions import EVERYWHERE

    return "on every channel" if scope == EVERYWHERE else f"on {scope}"


def _named(column: list[str]) -> dict[str, str]:
    pairs = [one.partition("=") for one in column]
    if wrong := next((what for what, sign, name in pairs if not (what and sign and name)), None):
        raise Misconfigured(f"--column {wrong} says nothing\nwrite --column address=NAME")
    return {what: name for what, _, name in pairs}


def _import(tx: Transaction, path: str, reading: Reading, key: bytes | None, now: datetime) -> Counter[str]:
    """Take all of it, or raise :class:`Problems` with everything that is wrong."""
    from orchestrator.errors import Problem
    from orchestrator.sending.suppressions import accept_key, accepts
    from orchestrator.tables.flaws import Flaw

    if key is not None:
        accept_key(tx, key)
    counts: Counter[str] = Counter()
    problems: list[Problem] = []
    for line in reading:
        if isinstance(line, Flaw):
            problems.append(line.problem(path))
        elif line.key and not accepts(tx, line.key):
            hint = "export that ledger's key with --key-file, and name the file here"
            told = Flaw(line.line, "the hash", "", "M305", "is of another ledger", hint)
            problems.append(told.problem(path))
        elif not problems:
            counts[_taken(tx, line, now)] += 1
    if problems:
        raise Problems(problems)
    return counts


def _taken(tx: Transaction, line: Listed, now: datetime) -> str:
    """Put one on the list, and say what that changed. What was taken off it later than that stays so."""
    from orchestrator.ledger import Suppression
    from orchestrator.sending.suppressions import found, hashed, lifted_at, names_of, stored

    names = names_of(tx, line.address) if line.address else [stored(tx, line.key, line.hash)]
    lifted = lifted_at(tx, line.scope, names)
    if lifted is not None and (line.at is None or line.at <= lifted):
        return "lifted"
    if line.address and found(tx, [(line.scope, line.address)]):
        return "known"
    name = hashed(tx, [line.address])[line.address] if line.address else names[0]
    new = tx.suppress(Suppression(line.scope, name, line.reason, line.evidence, line.at or now))
    return "new" if new else "known"


def _key_in(file: Path) -> bytes:
    with output.reading(file) as stream:
        text = stream.read(1000).decode("ascii", "replace").strip()
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) < 16:
        raise Misconfigured(f"{file} holds no key\n`beforehand suppressions export … --key-file` writes one")
    return key


def _write_key(file: Path, key: bytes) -> None:
    """Write it for its owner's eyes alone; never over another file."""
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise Misconfigured(f"{file} cannot be written: {error.strerror}") from error
    with os.fdopen(handle, "w") as stream:
        stream.write(f"{key.hex()}\n")
