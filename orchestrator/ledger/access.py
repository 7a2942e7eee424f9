"""Who may do what, as it is kept: people, their sessions, one-time links, failures, API keys, changes."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, insert, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert  # its ON CONFLICT is compiled for SQLite as well

from orchestrator.ledger.access_tables import (
    accounts,
    api_keys,
    changes,
    one_time_links,
    sessions,
    sign_in_failures,
)
from orchestrator.ledger.access_values import Account, ApiKey, Change, Failures, OneTimeLink, Session
from orchestrator.ledger.inbox import NEWEST
from orchestrator.ledger.rows import from_json, to_json
from orchestrator.ledger.verbs import Verbs

_ACCOUNT = tuple(accounts.c[name] for name in Account.__dataclass_fields__)
_ACCOUNTS = select(*_ACCOUNT).order_by(accounts.c.name, accounts.c.id)
_BY_ID = select(*_ACCOUNT).where(accounts.c.id == bindparam("number"))
_BY_EMAIL = select(*_ACCOUNT).where(accounts.c.email == bindparam("its_email"))
_ADD = insert(accounts).returning(accounts.c.id)
_CHANGE = (
    update(accounts)
    .where(accounts.c.id == bindparam("number"))
    .values(
        {
            name: bindparam(f"new_{name}")
            for name in Account.__dataclass_fields__
            if name not in ("id", "made_at")
        }
    )
)
_SIGN_IN = (
    update(accounts)
    .where(
        accounts.c.id == bindparam("number"),
        accounts.c.password == bindparam("its_password"),
        accounts.c.disabled_at.is_(None),
    )
    .values(signed_in_at=bindparam("now"))
)

_SESSION = select(sessions.c.digest, sessions.c.account, sessions.c.made_at, sessions.c.seen_at)
_BEGIN = insert(sessions)
_BY_DIGEST = _SESSION.where(sessions.c.digest == bindparam("its_digest"))
_SESSIONS_OF = (
    _SESSION.where(sessions.c.account == bindparam("number"))
    .order_by(sessions.c.seen_at.desc(), sessions.c.digest)
    .limit(bindparam("most"))
)
_TOUCH = update(sessions).where(sessions.c.digest == bindparam("its_digest")).values(seen_at=bindparam("now"))
_END = delete(sessions).where(sessions.c.digest == bindparam("its_digest"))
_END_ALL = delete(sessions).where(
    sessions.c.account == bindparam("number"), sessions.c.digest != bindparam("its_digest")
)
_TIDY = delete(sessions).where(
    or_(
        sessions.c.made_at < bindparam("made", type_=sessions.c.made_at.type),
        sessions.c.seen_at < bindparam("seen", type_=sessions.c.seen_at.type),
    )
)

_ADD_LINK = insert(one_time_links)
_LINK = select(one_time_links.c.account, one_time_links.c.expires_at).where(
    one_time_links.c.digest == bindparam("its_digest")
)
_USED = delete(one_time_links).where(one_time_links.c.account == bindparam("number"))
_FIRST_USED = delete(one_time_links).where(one_time_links.c.account.is_(None))

_COUNTER = upsert(sign_in_failures).on_conflict_do_nothing(index_elements=["name"])
_COUNTED = (
    select(sign_in_failures.c.failures, sign_in_failures.c.last_at)
    .where(sign_in_failures.c.name == bindparam("named"))
    .with_for_update()  # so that nobody tries twice at once
)
_COUNT = (
    update(sign_in_failures)
    .where(sign_in_failures.c.name == bindparam("named"))
    .values(failures=bindparam("count"), last_at=bindparam("now"))
)
_FORGIVE = delete(sign_in_failures).where(sign_in_failures.c.name == bindparam("named"))
_FORGET = delete(sign_in_failures).where(
    sign_in_failures.c.last_at < bindparam("until", type_=sign_in_failures.c.last_at.type)
)

_KEY = tuple(api_keys.c[name] for name in ApiKey.__dataclass_fields__)
_KEYS = select(*_KEY).order_by(api_keys.c.name, api_keys.c.id)
_BY_PREFIX = select(*_KEY).where(api_keys.c.prefix == bindparam("its_prefix"))
_ADD_KEY = insert(api_keys).returning(api_keys.c.id)
_USE_KEY = update(api_keys).where(api_keys.c.id == bindparam("number")).values(used_at=bindparam("now"))
_REVOKE = (
    update(api_keys)
    .where(api_keys.c.id == bindparam("number"), api_keys.c.revoked_at.is_(None))
    .values(revoked_at=bindparam("now"))
)

_KEEP_CHANGE = insert(changes)
_CHANGES = (
    select(*(changes.c[name] for name in Change.__dataclass_fields__))
    .where(changes.c.id < bindparam("below"))
    .order_by(changes.c.id.desc())
    .limit(bindparam("most"))
)
_CHANGES_ABOUT = _CHANGES.where(changes.c.about == bindparam("its_about"))
_CHANGES_BY = _CHANGES.where(changes.c.who == bindparam("its_who"))
_CHANGES_BY_ABOUT = _CHANGES_BY.where(changes.c.about == bindparam("its_about"))


class Access(Verbs):
    """The verbs about who may do what."""

    # ── people ──

    def accounts(self) -> list[Account]:
        """List everybody who may sign in or ever could, by name."""
        return [_account(row) for row in self._rows(_ACCOUNTS)]

    def account(self, number: int) -> Account | None:
        """Give the account of that number, or nothing."""
        rows = self._rows(_BY_ID, {"number": number})
        return _account(rows[0]) if rows else None

    def account_of(self, email: str) -> Account | None:
        """Give the account of that mailbox in small letters, or nothing."""
        rows = self._rows(_BY_EMAIL, {"its_email": email})
        return _account(rows[0]) if rows else None

    def add_account(self, account: Account) -> int:
        """Keep a new account, and give its number."""
        row = _written(account)
        del row["id"]
        return int(self._value(_ADD, row))

    def change_account(self, account: Account) -> None:
        """Keep what an account is now."""
        row = {
            f"new_{name}": value for name, value in _written(account).items() if name not in ("id", "made_at")
        }
        self._run(_CHANGE, row | {"number": account.id})

    def sign_in(self, account: Account, now: datetime) -> bool:
        """Note that somebody signs in, and say whether they still may: enabled, and with that password."""
        row = {"number": account.id, "its_password": account.password, "now": now}
        return self._run(_SIGN_IN, row) == 1

    # ── sessions ──

    def begin_session(self, session: Session) -> None:
        """Keep that somebody is signed in."""
        self._run(
            _BEGIN,
            {
                "digest": session.digest,
                "account": session.account,
                "made_at": session.made_at,
                "seen_at": session.seen_at,
            },
        )

    def session(self, digest: str) -> Session | None:
        """Give the session of that hash, or nothing."""
        rows = self._rows(_BY_DIGEST, {"its_digest": digest})
        return Session(*rows[0]) if rows else None

    def sessions_of(self, account: int, limit: int = 100) -> list[Session]:
        """List the sessions of an account, the one used last first."""
        return [Session(*row) for row in self._rows(_SESSIONS_OF, {"number": account, "most": limit})]

    def touch_session(self, digest: str, now: datetime) -> None:
        """Note that it is used."""
        self._run(_TOUCH, {"its_digest": digest, "now": now})

    def end_session(self, digest: str) -> None:
        """Forget a session."""
        self._run(_END, {"its_digest": digest})

    def end_sessions(self, account: int, *, but: str = "") -> int:
        """Forget every session of an account *but* the one of that hash, and say how many."""
        return self._run(_END_ALL, {"number": account, "its_digest": but})

    def tidy_sessions(self, made: datetime, seen: datetime) -> None:
        """Forget the sessions that began before *made* or were last used before *seen*."""
        self._run(_TIDY, {"made": made, "seen": seen})

    # ── one-time links ──

    def add_link(self, digest: str, link: OneTimeLink) -> None:
        """Keep a link by the hash of its token."""
        self._run(_ADD_LINK, {"digest": digest, "account": link.account, "expires_at": link.expires_at})

    def link(self, digest: str) -> OneTimeLink | None:
        """Give what a link is good for, or nothing."""
        rows = self._rows(_LINK, {"its_digest": digest})
        return OneTimeLink(*rows[0]) if rows else None

    def drop_links(self, account: int | None) -> None:
        """Forget every link of an account, or those that would make the first admin."""
        if account is None:
            self._run(_FIRST_USED)
        else:
            self._run(_USED, {"number": account})

    # ── failures ──

    def failures(self, name: str, now: datetime) -> Failures:
        """Say how often that failed; nobody else counts there until this transaction ends."""
        self._run(_COUNTER, {"name": name, "failures": 0, "last_at": now})
        return Failures(*self._rows(_COUNTED, {"named": name})[0])

    def count_failures(self, name: str, count: int, now: datetime) -> None:
        """Keep how often that failed; nothing at all forgets it."""
        if count:
            self._run(_COUNT, {"named": name, "count": count, "now": now})
        else:
            self._run(_FORGIVE, {"named": name})

    def forget_failures(self, until: datetime) -> None:
        """Forget what failed last before then."""
        self._run(_FORGET, {"until": until})

    # ── API keys ──

    def api_keys(self) -> list[ApiKey]:
        """List every key there is or was, by name."""
        return [_key(row) for row in self._rows(_KEYS)]

    def api_key(self, prefix: str) -> ApiKey | None:
        """Give the key with that prefix, or nothing."""
        rows = self._rows(_BY_PREFIX, {"its_prefix": prefix})
        return _key(rows[0]) if rows else None

    def add_api_key(self, key: ApiKey) -> int:
        """Keep a new key, and give its number."""
        row: dict[str, Any] = {
            name: getattr(key, name) for name in ApiKey.__dataclass_fields__ if name != "id"
        }
        return int(self._value(_ADD_KEY, row | {"scopes": to_json(sorted(key.scopes))}))

    def use_api_key(self, number: int, now: datetime) -> None:
        """Note that it was used."""
        self._run(_USE_KEY, {"number": number, "now": now})

    def revoke_api_key(self, number: int, now: datetime) -> bool:
        """Let a key open nothing any more, and say whether it did."""
        return self._run(_REVOKE, {"number": number, "now": now}) == 1

    # ── changes ──

    def keep_change(self, change: Change) -> None:
        """Keep what a person changed."""
        row: dict[str, Any] = {
            name: getattr(change, name) for name in Change.__dataclass_fields__ if name != "id"
        }
        self._run(_KEEP_CHANGE, row | {"before": to_json(change.before), "after": to_json(change.after)})

    def changes(
        self, *, below: int = NEWEST, limit: int = 50, about: str = "", who: str = ""
    ) -> Sequence[Change]:
        """List what people changed, the newest first, from under the row *below* on."""
        place: dict[str, Any] = {"below": below, "most": limit}
        if about and who:
            rows = self._rows(_CHANGES_BY_ABOUT, place | {"its_about": about, "its_who": who})
        elif about:
            rows = self._rows(_CHANGES_ABOUT, place | {"its_about": about})
        elif who:
            rows = self._rows(_CHANGES_BY, place | {"its_who": who})
        else:
            rows = self._rows(_CHANGES, place)
        return [_change(row) for row in rows]


def _account(row: Sequence[Any]) -> Account:
    number, email, name, role, locations, brands, *rest = row
    return Account(
        number, email, name, role, frozenset(from_json(locations)), frozenset(from_json(brands)), *rest
    )


def _written(account: Account) -> dict[str, Any]:
    row: dict[str, Any] = {name: getattr(account, name) for name in Account.__dataclass_fields__}
    return row | {
        "locations": to_json(sorted(account.locations)),
        "brands": to_json(sorted(account.brands)),
    }


def _key(row: Sequence[Any]) -> ApiKey:
    number, name, prefix, digest, scopes, *rest = row
    return ApiKey(number, name, prefix, digest, frozenset(from_json(scopes)), *rest)


def _change(row: Sequence[Any]) -> Change:
    at, who, door, what, about, before, after, account, number = row
    return Change(at, who, door, what, about, from_json(before), from_json(after), account, number)
