"""The commands about API keys: keys add, list, rotate and revoke."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli import ledgers, output
from orchestrator.cli.options import Config, Form, settings
from orchestrator.cli.output import Format, counted
from orchestrator.cli.people import changing
from orchestrator.errors import Misconfigured

if TYPE_CHECKING:
    from orchestrator.ledger.access_values import ApiKey

Name = Annotated[str, typer.Argument(metavar="NAME", help="The system that uses it.")]


def add(
    ctx: typer.Context,
    name: Name,
    scope: Annotated[
        list[str], typer.Option("--scope", help="What it may do, such as `events:write`; may be given again.")
    ],
    config: Config = None,
) -> None:
    """Make a key for another system, and print it; nobody can show it again."""
    from orchestrator.access import keys
    from orchestrator.access.keys import Scope
    from orchestrator.findings import did_you_mean

    if slip := next((one for one in scope if one not in set(Scope)), ""):
        hint = did_you_mean(slip, list(Scope)) or f"there is: {', '.join(Scope)}"
        raise Misconfigured(f"no scope is called {slip!r}\n{hint}")
    with changing(ledgers.opened(settings(ctx, config))) as (tx, by, now):
        key, whole = keys.add(tx, by, now, name, map(Scope, scope))
    output.note(f"the key of {key.name}, for {', '.join(sorted(key.scopes))}; it is shown only now:")
    print(whole)


def list_(ctx: typer.Context, form: Form = Format.TABLE, config: Config = None) -> None:
    """List the keys there are and were, by their first characters."""
    chosen = settings(ctx, config)
    found: list[ApiKey] = []
    ledgers.demand_installation(chosen)
    if not ledgers.is_new(chosen):
        with ledgers.opened(chosen) as ledger, ledger.read() as tx:
            found = tx.api_keys()
    columns = ["key", "name", "may", "made", "by", "used", "revoked"]
    output.records((_shown(key) for key in found), form, columns)
    output.sentence(counted(len(found), "key") if found else "no other system has a key", form)


def rotate(ctx: typer.Context, name: Name, config: Config = None) -> None:
    """Print another key for a system that may do the same; the old one is good until it is revoked."""
    from orchestrator.access import keys

    with changing(ledgers.existing(settings(ctx, config))) as (tx, by, now):
        key, whole = keys.rotate(tx, by, now, name)
        old = next(one for one in tx.api_keys() if one.name == name and one.revoked_at is None)
    output.note(f"once {key.name} uses this one, `beforehand keys revoke bfh_{old.prefix}`:")
    print(whole)


def revoke(
    ctx: typer.Context,
    key: Annotated[str, typer.Argument(metavar="KEY", help="Its first characters: bfh_0123456789.")],
    config: Config = None,
) -> None:
    """Let a key open nothing any more, from now on."""
    from orchestrator.access import keys

    prefix = key.removeprefix("bfh_").partition("_")[0]
    with changing(ledgers.existing(settings(ctx, config))) as (tx, by, now):
        found = keys.revoke(tx, by, now, prefix)
    output.sentence(f"bfh_{found.prefix} of {found.name} is revoked")


def _shown(key: ApiKey) -> dict[str, object]:
    return {
        "key": f"bfh_{key.prefix}",
        "name": key.name,
        "may": ", ".join(sorted(key.scopes)),
        "made": key.made_at,
        "by": key.made_by,
        "used": key.used_at,
        "revoked": key.revoked_at,
    }
