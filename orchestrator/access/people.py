"""People: who may sign in, as what, and the links by which they choose a password."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from orchestrator.access.audit import LINK, By, Told, record
from orchestrator.access.passwords import Passwords, weakness
from orchestrator.access.roles import Role, Viewer
from orchestrator.access.tokens import digest, new_token
from orchestrator.errors import BeforehandError, NotFound
from orchestrator.ledger import Transaction
from orchestrator.ledger.access_values import Account, OneTimeLink

INVITED = timedelta(days=7)
FIRST = timedelta(hours=24)  # the link that `serve` prints; the next start prints a new one


class Refused(BeforehandError):
    """What was asked of people cannot be done, by what was given under which name."""

    def __init__(self, wrong: dict[str, str]) -> None:
        self.wrong = wrong
        super().__init__("; ".join(wrong.values()))


def viewer(account: Account) -> Viewer:
    """Somebody who is signed in."""
    return Viewer(
        account.id, account.name, account.email, Role(account.role), account.locations, account.brands
    )


def add(
    tx: Transaction,
    by: By,
    now: datetime,
    *,
    name: str,
    email: str,
    role: Role,
    locations: Iterable[str] = (),
    brands: Iterable[str] = (),
) -> tuple[Account, str]:
    """Let somebody in, and give the token of the link by which they choose a password.

    Raises :class:`Refused`.
    """
    name, email = " ".join(name.split()), _mailbox(email)
    if wrong := _wrong(tx, name, email, 0):
        raise Refused(wrong)
    account = Account(0, email, name, role, frozenset(locations), frozenset(brands), made_at=now)
    account = replace(account, id=tx.add_account(account))
    record(tx, by, Told("add somebody", _about(account), {}, _shown(account)), now)
    return account, _link(tx, account.id, now + INVITED)


def change(
    tx: Transaction,
    by: By,
    now: datetime,
    number: int,
    *,
    name: str,
    email: str,
    role: Role,
    locations: Iterable[str],
    brands: Iterable[str],
) -> Account:
    """Change who somebody is here; what they may do counts from their next click.

    Raises :class:`Refused` and :class:`NotFound`.
    """
    old = _known(tx, number)
    name, email = " ".join(name.split()), _mailbox(email)
    wrong = _wrong(tx, name, email, number)
    new = replace(
        old, name=name, email=email, role=role, locations=frozenset(locations), brands=frozenset(brands)
    )
    if not _is_admin(new) and _is_last_admin(tx, old):
        wrong["role"] = "nobody would be left who looks after people: make somebody else an admin first"
    if wrong:
        raise Refused(wrong)
    tx.change_account(new)
    if _shown(new) != _shown(old):
        record(tx, by, Told("change somebody", _about(old), _shown(old), _shown(new)), now)
    return new


def disable(tx: Transaction, by: By, now: datetime, number: int) -> Account:
    """Let somebody in no more, and end their sessions; raises :class:`Refused` and :class:`NotFound`."""
    old = _known(tx, number)
    if old.disabled_at is not None:
        return old
    if _is_last_admin(tx, old):
        raise Refused(
            {"role": "nobody would be left who looks after people: make somebody else an admin first"}
        )
    new = replace(old, disabled_at=now)
    tx.change_account(new)
    tx.end_sessions(number)
    tx.drop_links(number)
    record(tx, by, Told("disable somebody", _about(old), _shown(old), _shown(new)), now)
    return new


def enable(tx: Transaction, by: By, now: datetime, number: int) -> Account:
    """Let somebody in again; raises :class:`NotFound`."""
    old = _known(tx, number)
    if old.disabled_at is None:
        return old
    new = replace(old, disabled_at=None)
    tx.change_account(new)
    record(tx, by, Told("enable somebody", _about(old), _shown(old), _shown(new)), now)
    return new


def link(tx: Transaction, by: By, now: datetime, number: int) -> tuple[Account, str]:
    """Give somebody a new link to choose a password, in place of any other; the old password still works.

    Raises :class:`Refused` for somebody who is disabled, and :class:`NotFound`.
    """
    account = _known(tx, number)
    if account.disabled_at is not None:
        raise Refused({"email": f"{account.name} is disabled: enable them first"})
    record(tx, by, Told("make a one-time link", _about(account)), now)
    return account, _link(tx, number, now + INVITED)


# ── one-time links ───────────────────────────────────────────────────────────


def needs_first_admin(tx: Transaction) -> bool:
    """Is there nobody who could sign in and let others in?"""
    return not any(_is_admin(account) and account.password for account in tx.accounts())


def first_link(tx: Transaction, now: datetime) -> str:
    """Make the link that makes the first admin, in place of any other."""
    return _link(tx, None, now + FIRST)


def welcomed(tx: Transaction, token: str, now: datetime) -> tuple[OneTimeLink, Account | None] | None:
    """What a link is good for, and for whom; nothing if it is used, too old or was never ours."""
    found = tx.link(digest(token))
    if found is None or found.expires_at <= now:
        return None
    if found.account is None:
        return (found, None) if needs_first_admin(tx) else None
    account = tx.account(found.account)
    return None if account is None or account.disabled_at is not None else (found, account)


def welcome(
    tx: Transaction, token: str, kept: str, now: datetime, *, name: str = "", email: str = ""
) -> Account | None:
    """Use a link: keep the password (hashed as *kept*), and give who may sign in now, or nothing.

    The first admin also says *name* and *email*. Raises :class:`Refused`.
    """
    found = welcomed(tx, token, now)
    if found is None:
        return None
    link, account = found
    if account is None:
        name, email = " ".join(name.split()), _mailbox(email)
        known = tx.account_of(email)
        if wrong := _wrong(tx, name, email, known.id if known else 0):
            raise Refused(wrong)
        if known is None:
            account = Account(0, email, name, Role.ADMIN, made_at=now)
            account = replace(account, id=tx.add_account(account))
        else:  # somebody who never chose a password, or is no admin: whoever starts the server says so
            account = replace(known, name=name, role=Role.ADMIN, disabled_at=None)
        told = Told("make the first admin", _about(account), _shown(known) if known else {}, _shown(account))
        record(tx, By(account.name, LINK, account.id), told, now)
    new = replace(account, password=kept)
    tx.change_account(new)
    tx.end_sessions(new.id)
    tx.drop_links(link.account)
    tx.drop_links(new.id)
    record(tx, By(new.name, LINK, new.id), Told("choose a password", _about(new)), now)
    return new


def change_password(tx: Transaction, who: Viewer, kept: str, now: datetime) -> None:
    """Keep another password for oneself; every session ends."""
    account = _known(tx, who.person)
    tx.change_account(replace(account, password=kept))
    tx.end_sessions(account.id)
    tx.drop_links(account.id)
    record(tx, By.viewer(who), Told("change the password", _about(account)), now)


def chosen(passwords: Passwords, password: str, *known: str) -> str:
    """Hash a password somebody chose; blocks. Raises :class:`Refused` if it is too weak."""
    if wrong := weakness(password, *known):
        raise Refused({"password": wrong})
    return passwords.kept(password)


# ── what is kept of whom ─────────────────────────────────────────────────────


def _link(tx: Transaction, account: int | None, expires_at: datetime) -> str:
    tx.drop_links(account)
    token = new_token()
    tx.add_link(digest(token), OneTimeLink(account, expires_at))
    return token


def _known(tx: Transaction, number: int) -> Account:
    account = tx.account(number)
    if account is None:
        raise NotFound("nobody here has that number")
    return account


def _wrong(tx: Transaction, name: str, email: str, number: int) -> dict[str, str]:
    wrong = {}
    if not name:
        wrong["name"] = "the name is missing"
    elif len(name) > 200:
        wrong["name"] = "the name is longer than 200 characters"
    if not email:
        wrong["email"] = "this is no mail address"
    elif (known := tx.account_of(email)) is not None and known.id != number:
        wrong["email"] = f"{email} is {known.name} already"
    return wrong


def _mailbox(given: str) -> str:
    """The address in small letters, or "" for what is none."""
    from email_validator import EmailNotValidError, validate_email

    try:
        found = validate_email(given.strip(), check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        return ""
    return found.normalized.lower()


def _is_admin(account: Account) -> bool:
    whole = not account.locations and not account.brands
    return account.role == Role.ADMIN and account.disabled_at is None and whole


def _is_last_admin(tx: Transaction, account: Account) -> bool:
    others = (each for each in tx.accounts() if each.id != account.id)
    return _is_admin(account) and not any(_is_admin(each) for each in others)


def _about(account: Account) -> str:
    return f"{account.name} <{account.email}>"


def _shown(account: Account) -> dict[str, Any]:
    return {
        "name": account.name,
        "email": account.email,
        "role": str(account.role),
        "locations": sorted(account.locations),
        "brands": sorted(account.brands),
        "disabled": account.disabled_at is not None,
    }
