"""Signing in: a password that fits becomes a session, and one that does not costs time.

Whatever proves in another way who somebody is (OpenID Connect, say) ends in :func:`begin` as a password does.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from orchestrator.access.audit import CONSOLE, By, Told, record
from orchestrator.access.passwords import MOST, Passwords
from orchestrator.access.people import viewer
from orchestrator.access.roles import Viewer
from orchestrator.access.throttle import FORGET, OF_AN_ACCOUNT, OF_AN_ADDRESS, Patience
from orchestrator.access.tokens import digest, new_token
from orchestrator.errors import BeforehandError
from orchestrator.ledger import Transaction
from orchestrator.ledger.access_values import Account, Failures, Session

TOUCH = timedelta(minutes=1)  # how exactly it is known when a session was last used


@dataclass(frozen=True, slots=True)
class Ages:
    """How long a session lasts: unused for *idle*, and in all *longest*."""

    idle: timedelta = timedelta(hours=8)
    longest: timedelta = timedelta(days=7)

    def holds(self, session: Session, now: datetime) -> bool:
        """Is it still good?"""
        return now < session.made_at + self.longest and now < session.seen_at + self.idle


class TooOften(BeforehandError):
    """Too many failures: nothing is tried before *until*."""

    def __init__(self, until: datetime) -> None:
        self.until = until
        super().__init__(f"too many tries; the next one at {until:%H:%M:%S} UTC")


def attempt(tx: Transaction, email: str, address: str, now: datetime) -> Account | None:
    """Begin to try: count it as a failure before anything is compared, so that tries at once count too.

    Gives who is meant, if anybody. Raises :class:`TooOften`; then nothing was counted.
    """
    tx.forget_failures(now - FORGET)
    counted: list[tuple[str, Failures]] = []
    for name, patience in _counters(email, address):
        found = tx.failures(name, now)
        if (until := patience.until(found.count, found.last_at, now)) is not None:
            raise TooOften(until)
        counted.append((name, found))
    for name, found in counted:
        tx.count_failures(name, found.count + 1, now)
    account = tx.account_of(email)
    return None if account is None or account.disabled_at is not None else account


def fits(passwords: Passwords, account: Account | None, password: str) -> bool:
    """Is it their password? Blocks, and for as long where nobody is meant."""
    return passwords.fits(account.password if account else "", password[: MOST + 1]) and len(password) <= MOST


def succeed(tx: Transaction, account: Account, address: str, now: datetime) -> str | None:
    """Sign in an account whose password fitted, as :func:`begin` does, and forgive its failures."""
    token = begin(tx, account, now)
    if token is None:
        return None
    for name, patience in _counters(account.email, address):
        if patience is OF_AN_ACCOUNT:
            tx.count_failures(name, 0, now)
        else:  # the try that was counted was none; what others failed from there stays
            found = tx.failures(name, now)
            tx.count_failures(name, max(found.count - 1, 0), now)
    return token


def begin(tx: Transaction, account: Account, now: datetime) -> str | None:
    """Sign somebody in, and give the token of their new session.

    Nothing for who was disabled, or got another password, since *account* was read: comparing takes a while.
    """
    if not tx.sign_in(account, now):
        return None
    token = new_token()
    tx.begin_session(Session(digest(token), account.id, now, now))
    by = By(account.name, CONSOLE, account.id)
    record(tx, by, Told("sign in", f"{account.name} <{account.email}>"), now)
    return token


def known(tx: Transaction, token: str, ages: Ages, now: datetime) -> tuple[Viewer, Session] | None:
    """Give who is signed in by that token, or nothing."""
    session = tx.session(digest(token))
    if session is None or not ages.holds(session, now):
        return None
    account = tx.account(session.account)
    if account is None or account.disabled_at is not None:
        return None
    return viewer(account), session


def tidy(tx: Transaction, ages: Ages, now: datetime) -> None:
    """Forget the sessions that are over."""
    tx.tidy_sessions(now - ages.longest, now - ages.idle)


def _counters(email: str, address: str) -> tuple[tuple[str, Patience], ...]:
    """What is counted, by hashes: what people type into a field for a name may be a password."""
    return (
        (f"account {_hashed(email)}", OF_AN_ACCOUNT),
        (f"address {_hashed(address)}", OF_AN_ADDRESS),
    )


def _hashed(text: str) -> str:
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()
