"""The commands about who may sign in: people add, list, disable, enable and link."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli import ledgers, listening, output
from orchestrator.cli.options import Config, Form, settings
from orchestrator.cli.output import Format, counted
from orchestrator.errors import Misconfigured, NotFound

if TYPE_CHECKING:
    from datetime import datetime

    from orchestrator.access.audit import By
    from orchestrator.config.settings import Settings
    from orchestrator.engine import Engine
    from orchestrator.ledger import Ledger, Transaction
    from orchestrator.ledger.access_values import Account

Email = Annotated[str, typer.Argument(metavar="EMAIL", help="Their mail address, by which they sign in.")]


def add(
    ctx: typer.Context,
    email: Email,
    name: Annotated[str, typer.Option("--name", help="Their name, as colleagues know it.")],
    role: Annotated[
        str, typer.Option("--role", help="`read-only`, `operator`, `approver` or `admin`.")
    ] = "operator",
    location: Annotated[
        list[str] | None,
        typer.Option("--location", metavar="ID", help="Only this location; may be given again."),
    ] = None,
    brand: Annotated[
        list[str] | None, typer.Option("--brand", metavar="NAME", help="Only this brand; may be given again.")
    ] = None,
    config: Config = None,
) -> None:
    """Let somebody sign in to the console, and print the link by which they choose a password.

    The link works once, within seven days. Give it to them in a way that only they read.
    """
    from orchestrator.access import people
    from orchestrator.access.roles import Role

    if role not in set(Role):
        raise Misconfigured(f"no role is called {role!r}\nthere is: {', '.join(Role)}")
    chosen = settings(ctx, config)
    if unknown := sorted(set(brand or ()) - set(chosen.brands)):
        raise Misconfigured(f"no brand is called {unknown[0]!r}")
    seen = {"locations": location or (), "brands": brand or ()}
    with ledgers.opened(chosen) as ledger:
        with changing(nullcontext(ledger)) as (tx, by, now):
            account, token = people.add(tx, by, now, name=name, email=email, role=Role(role), **seen)
        where = _link(chosen, ledger, token)
    output.note(f"{account.name} chooses a password by this link, once, within seven days:")
    print(where)


def list_(ctx: typer.Context, form: Form = Format.TABLE, config: Config = None) -> None:
    """List who may sign in, and as what."""
    chosen = settings(ctx, config)
    found: list[Account] = []
    ledgers.demand_installation(chosen)
    if not ledgers.is_new(chosen):
        with ledgers.opened(chosen) as ledger, ledger.read() as tx:
            found = tx.accounts()
    columns = ["email", "name", "role", "sees", "signed in", "state"]
    output.records((_shown(account) for account in found), form, columns)
    output.sentence(counted(len(found), "person", "people") if found else "nobody may sign in yet", form)


def disable(ctx: typer.Context, email: Email, config: Config = None) -> None:
    """Let somebody sign in no more, and sign them out everywhere; what they did stays on record."""
    from orchestrator.access import people

    with changing(ledgers.existing(settings(ctx, config))) as (tx, by, now):
        account = people.disable(tx, by, now, _known(tx, email).id)
    output.sentence(f"{account.name} is disabled, and signed out everywhere")


def enable(ctx: typer.Context, email: Email, config: Config = None) -> None:
    """Let somebody sign in again who was disabled, with the password they had."""
    from orchestrator.access import people

    with changing(ledgers.existing(settings(ctx, config))) as (tx, by, now):
        account = people.enable(tx, by, now, _known(tx, email).id)
    output.sentence(f"{account.name} may sign in again")


def link(ctx: typer.Context, email: Email, config: Config = None) -> None:
    """Print a new link by which somebody chooses a password, in place of any other.

    The password they have works until they choose another one.
    """
    from orchestrator.access import people

    chosen = settings(ctx, config)
    with ledgers.existing(chosen) as ledger:
        with changing(nullcontext(ledger)) as (tx, by, now):
            account, token = people.link(tx, by, now, _known(tx, email).id)
        where = _link(chosen, ledger, token)
    output.note(f"{account.name} chooses a password by this link, once, within seven days:")
    print(where)


def asking() -> By:
    """Who gives commands: the user of this machine."""
    from orchestrator.access.audit import COMMAND_LINE, By

    return By(_user(), COMMAND_LINE)


@contextmanager
def changing(opening: AbstractContextManager[Ledger]) -> Iterator[tuple[Transaction, By, datetime]]:
    """Give a transaction, who asks and when; what is refused is said as everywhere on the command line."""
    from orchestrator.access.people import Refused

    with opening as ledger:
        now = ledgers.clock_of(ledger).now()
        try:
            with ledger.transaction() as tx:
                yield tx, asking(), now
        except Refused as refused:
            raise Misconfigured("\n".join(refused.wrong.values())) from None


def first_link(chosen: Settings, engine: Engine, base: str) -> str:
    """The address that makes the first admin, or "" if there is one.

    It is below *base*, unless the settings know how the server is reached.
    """
    from orchestrator.access import people

    now = ledgers.clock_of(engine.ledger).now()
    with engine.ledger.read() as tx:
        if not people.needs_first_admin(tx):
            return ""
    with engine.ledger.transaction() as tx:
        token = people.first_link(tx, now)
    return _welcome(chosen, base, token)


def _known(tx: Transaction, email: str) -> Account:
    account = tx.account_of(email.strip().lower())
    if account is None:
        raise NotFound(f"nobody here is {email!r}; `beforehand people list` names everybody")
    return account


def _link(chosen: Settings, ledger: Ledger, token: str) -> str:
    """The address below that of the daemon that runs, or else where the settings would have it listen."""
    base = ledgers.listens(ledger) or listening.url(chosen.server.host, chosen.server.port)
    return _welcome(chosen, base, token)


def _welcome(chosen: Settings, base: str, token: str) -> str:
    return f"{chosen.server.public_url or base}/console/welcome/{token}"


def _shown(account: Account) -> dict[str, object]:
    state = "disabled" if account.disabled_at else "may sign in" if account.password else "invited"
    return {
        "email": account.email,
        "name": account.name,
        "role": account.role,
        "sees": ", ".join(sorted(account.locations) + sorted(account.brands)) or "everything",
        "signed in": account.signed_in_at,
        "state": state,
    }


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no such user on this machine, as in many containers
        return "somebody"
