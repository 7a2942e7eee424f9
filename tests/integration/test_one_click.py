"""One click in a mail program is a withdrawal, at once; looking at the link is none (RFC 8058, fault 39)."""

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from itsdangerous import URLSafeSerializer

from channels.inbound.signed import Signing
from orchestrator.errors import LedgerAway
from orchestrator.links import Links, Use
from orchestrator.persons.merging import fold_person
from orchestrator.render.page_words import words
from orchestrator.sending.ways_back import WaysBack
from orchestrator.web.app import create_app
from orchestrator.web.customer.paper import House
from orchestrator.web.customer.unsubscribe import unsubscribe_router
from orchestrator.web.hearing import hearing, locales, withdrawing, writing
from tests.builders import event
from tests.integration.calling_back import consent
from tests.integration.dealership import RULES, Dealership, arrived, customer, order
from tests.serving import served

URL = "https://updates.example.com"
KEY = "a key of thirty-two characters!!"
LINKS = Links(URL, [KEY])
MARKETING = RULES.replace("    say: arrived\n", "    say: arrived\n    purpose: marketing\n")


@pytest.fixture
def lindner(tmp_path: Path) -> Iterator[Dealership]:
    ways = WaysBack(Signing((KEY,), ("lindner.example",)), links=LINKS)
    made = Dealership(tmp_path, rules_text=MARKETING, ways=ways)
    yield made
    made.close()


def agreed(
    time: str = "2026-03-12 08:00", purpose: str = "marketing", who: str = "maria"
) -> dict[str, object]:
    return event("consent.given", who, time, purpose=purpose, channel="email", evidence="form")


def mailed(made: Dealership, **about: str) -> str:
    """She gets a mail; returns the path of its link."""
    made.hear(customer(**about), order(), agreed(), arrived())
    made.drain()
    (message,) = made.channels["email"].messages  # type: ignore[attr-defined]
    assert message.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    found = re.match(rf"<{URL}(/unsubscribe/[\w.-]+)>, <mailto:", message.headers["List-Unsubscribe"])
    assert found
    return found[1]


@contextmanager
def listening(made: Dealership, *, broken: bool = False) -> Iterator[httpx.Client]:
    async def ready() -> bool:
        return True

    async def away(_message_id: str) -> bool:
        raise LedgerAway("locked")

    with writing(made.engine, patience=1) as write:
        now = made.clock.now
        withdraw = away if broken else withdrawing(made.engine, write, now)
        router = unsubscribe_router(LINKS, withdraw, locales(made.engine), House({"locale": "de"}, {}))
        app = create_app(hearing(made.engine, write, now), now=now, ready=ready, routers=[router])
        with served(app) as url, httpx.Client(base_url=url) as client:
            yield client


def withdrawals(made: Dealership) -> list[dict[str, object]]:
    with made.ledger.read() as tx:
        return [
            dict(fact.data)
            for fact in tx.customer_facts(["maria"])["maria"]
            if fact.type == "consent.withdrawn"
        ]


def test_39_a_post_without_a_cookie_is_a_withdrawal_at_once_however_often(lindner: Dealership) -> None:
    path = mailed(lindner)
    with listening(lindner) as client:
        for body in ({"List-Unsubscribe": "One-Click"}, {"List-Unsubscribe": "One-Click"}, {}):
            answer = client.post(path, data=body)
            assert answer.status_code == 200
            assert not answer.history
            assert "set-cookie" not in answer.headers
    (data,) = withdrawals(lindner)
    assert (data["purpose"], data["channel"]) == ("marketing", "email")
    assert data["evidence"] == {
        "how": "unsubscribed by email, reported by one-click",
        "message": lindner.entry().key,
    }
    last = consent(lindner.ledger, purpose="marketing", channel="email")
    assert last is not None
    assert not last.given


def test_39_looking_at_the_link_changes_nothing(lindner: Dealership) -> None:
    path = mailed(lindner)
    with listening(lindner) as client:
        for method in ("GET", "HEAD", "OPTIONS", "PUT", "DELETE"):
            assert client.request(method, path).status_code in (200, 405)
        page = client.get(path)
    assert withdrawals(lindner) == []
    assert '<form method="post">' in page.text
    assert words("en")("unsubscribe.ask") in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert page.headers["referrer-policy"] == "no-referrer"
    assert "maria" not in page.text.lower()


def test_39_a_token_for_another_use_or_from_anybody_else_is_400(lindner: Dealership) -> None:
    path = mailed(lindner)
    as_ours = {"digest_method": hashlib.sha256, "key_derivation": "hmac"}
    elsewhere = URLSafeSerializer([KEY], salt="beforehand reply", signer_kwargs=as_ours)
    (entry,) = lindner.entries()
    other = elsewhere.dumps(entry.message_id.strip("<>"))
    with listening(lindner) as client:
        for wrong in (other, "x", path.rpartition("/")[2][:-2], "%00", "x" * 5000):
            for method in ("GET", "POST"):
                answer = client.request(method, f"/unsubscribe/{wrong}")
                assert answer.status_code == 400, wrong
                assert words("de")("unsubscribe.bad") in answer.text
    assert withdrawals(lindner) == []


def test_the_page_is_in_her_language(lindner: Dealership) -> None:
    path = mailed(lindner, locale="de-AT")
    with listening(lindner) as client:
        assert words("de")("unsubscribe.ask") in client.get(path).text
        assert words("de")("unsubscribe.done") in client.post(path).text


def test_who_cannot_be_asked_in_her_language_reads_the_companys(lindner: Dealership) -> None:
    path = mailed(lindner, locale="ja")
    with listening(lindner) as client:
        assert '<html lang="de" ' in client.get(path).text


def test_a_mail_we_know_nothing_of_is_no_withdrawal_that_we_would_pretend(lindner: Dealership) -> None:
    mailed(lindner)
    path = LINKS.address(Use.UNSUBSCRIBE, "<x@lindner.example>").removeprefix(URL)
    with listening(lindner) as client:
        assert client.post(path).status_code == 404
    assert withdrawals(lindner) == []


def test_who_comes_back_can_leave_again_by_the_same_mail(lindner: Dealership) -> None:
    path = mailed(lindner)
    with listening(lindner) as client:
        client.post(path)
        lindner.clock.advance(timedelta(days=1))
        lindner.hear(agreed("2026-03-13 09:00"))
        client.post(path)
        lindner.clock.advance(timedelta(days=1))
        client.post(path)
    assert len(withdrawals(lindner)) == 2
    last = consent(lindner.ledger, purpose="marketing", channel="email")
    assert last is not None
    assert not last.given


def test_who_comes_back_under_the_id_they_were_merged_into_can_leave_again_too(lindner: Dealership) -> None:
    path = mailed(lindner)
    with listening(lindner) as client:
        client.post(path)
        lindner.clock.advance(timedelta(days=1))
        lindner.hear(
            customer("maria-2"),
            event("customer.merged", "maria", "2026-03-13 08:00", into="maria-2"),
            agreed("2026-03-13 09:00", who="maria-2"),
        )
        client.post(path)
    with lindner.ledger.read() as tx:
        facts = tx.customer_facts(["maria", "maria-2"])
    for who in facts:
        assert not fold_person(who, facts).consents["marketing", "email"].given


def test_while_the_ledger_is_away_nobody_is_told_that_it_is_done(lindner: Dealership) -> None:
    path = mailed(lindner)
    with listening(lindner, broken=True) as client:
        answer = client.post(path)
    assert answer.status_code == 503
    assert answer.headers["retry-after"]


def test_mail_that_is_waited_for_has_no_such_link(tmp_path: Path) -> None:
    made = Dealership(tmp_path, ways=WaysBack(links=LINKS))
    made.hear(customer(), order(), arrived())
    made.drain()
    (message,) = made.channels["email"].messages  # type: ignore[attr-defined]
    made.close()
    assert message.headers == {}
