"""Reporters of other people's packages: found, set up, checked, and read by our server."""

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import pytest
from hypothesis import given
from hypothesis import settings as settings_of
from hypothesis import strategies as st

from channels import reporters
from channels.file import FileChannel
from channels.reports import Became, Report
from orchestrator import callbacks, config
from orchestrator.callbacks import Caller
from orchestrator.cli import house
from orchestrator.errors import Problem, Problems
from orchestrator.model import Status
from tests.integration.calling_back import became, consent, events, listening
from tests.integration.dealership import MARIA, START, Dealership, arrived, customer, order
from tests.plugged import install

POST = '''
import json
from datetime import datetime

from pydantic import Field, SecretStr

from channels.plugin import Reporter
from channels.reports import Became, Forged, Report, Unreadable
from channels.settings import ReporterSettings


class Post(ReporterSettings):
    """The pigeon post says what became of letters."""

    needed = ("token",)
    token: SecretStr | None = Field(default=None, description="What it shows us.")


class Reads:
    def __init__(self, settings):
        self.token = settings.token.get_secret_value()

    async def read(self, callback, now):
        if callback.headers.get("x-token") != self.token:
            raise Forged("it shows the wrong token")
        try:
            said = json.loads(callback.body)
        except ValueError:
            raise Unreadable("it is no JSON") from None
        return [
            Report(**one | {"became": Became(one["became"])} | (
                {"at": datetime.fromisoformat(one["at"])} if "at" in one else {}
            ))
            for one in said
        ]


REPORTER = Reporter("what the pigeon post says", Post, Reads)
'''
TOKEN = {"BEFOREHAND_CALLBACKS__PIGEON_POST__TOKEN": "coo"}
TABLE = '[callbacks.pigeon_post]\nchannel = "email"\n'


@pytest.fixture(autouse=True)
def post(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    site = tmp_path / "site"
    site.mkdir()
    broken = {"pigeon_post": "acme_post:REPORTER", "owl_post": "acme_owl:REPORTER"}
    install(site, "acme_post", POST, broken, "beforehand.reporters")
    monkeypatch.syspath_prepend(str(site))
    reporters.KINDS.look_again()
    yield
    reporters.KINDS.look_again()


def settings(folder: Path, text: str, environ: Mapping[str, str] = TOKEN) -> config.Settings:
    file = folder / "config.toml"
    file.write_text(text, encoding="utf-8")
    return config.load(file, environ)


def wrong(folder: Path, text: str, environ: Mapping[str, str] = TOKEN) -> list[Problem]:
    with pytest.raises(Problems) as caught:
        settings(folder, text, environ)
    return list(caught.value.problems)


# ── settings ─────────────────────────────────────────────────────────────────


def test_a_table_of_its_name_makes_a_reporter_of_it(tmp_path: Path) -> None:
    chosen = settings(tmp_path, TABLE)
    found = house.readers(chosen, house.channels(chosen))
    assert [(caller, type(reader).__name__) for caller, reader in found.items()] == [
        (Caller("pigeon_post", "email"), "Reads")
    ]


def test_a_reporter_of_another_name_says_its_kind(tmp_path: Path) -> None:
    text = '[callbacks.letters]\nkind = "pigeon_post"\n'
    chosen = settings(tmp_path, text, {"BEFOREHAND_CALLBACKS__LETTERS__TOKEN": "coo"})
    assert [caller.name for caller in house.readers(chosen, {})] == ["letters"]


def test_what_proves_a_callback_must_be_there_and_not_in_the_file(tmp_path: Path) -> None:
    (missing,) = wrong(tmp_path, TABLE, {})
    assert (missing.code, missing.line) == ("C022", 1)
    assert "environment" in missing.hint
    assert "C030" in [problem.code for problem in wrong(tmp_path, TABLE + 'token = "coo"\n', {})]


@pytest.mark.parametrize(
    ("kind", "needed"),
    [
        ("sendgrid", "public_keys or password"),
        ("mailgun", "signing_key"),
        ("postmark", "password"),
        ("amazon_ses", "topic"),
    ],
)
def test_a_reporter_of_ours_that_could_believe_nobody_is_refused(
    tmp_path: Path, kind: str, needed: str
) -> None:
    for table in (f"[callbacks.{kind}]\n", f'[callbacks.mail]\nkind = "{kind}"\n'):
        (problem,) = wrong(tmp_path, table, {})
        assert (problem.code, problem.line) == ("C022", 1)
        assert needed in problem.message


def test_inbound_parse_alone_needs_its_password_only(tmp_path: Path) -> None:
    secret = {"BEFOREHAND_CALLBACKS__SENDGRID__PASSWORD": "secret"}
    chosen = settings(tmp_path, '[callbacks.sendgrid]\nusername = "hook"\n', secret)
    assert [caller.name for caller in house.readers(chosen, {})] == ["sendgrid"]


def test_a_channel_that_is_not_there_cannot_be_reported_about(tmp_path: Path) -> None:
    (problem,) = wrong(tmp_path, '[callbacks.pigeon_post]\nchannel = "emial"\n')
    assert (problem.code, problem.line, problem.hint) == ("C038", 2, "did you mean 'email'?")


def test_what_cannot_be_loaded_or_does_not_exist_is_told_at_its_line(tmp_path: Path) -> None:
    assert [p.code for p in wrong(tmp_path, "[callbacks.owl_post]\nx = 1\n", {})] == ["C034"]
    (unknown,) = wrong(tmp_path, "[callbacks.pigeon_posst]\n", {})
    assert (unknown.code, unknown.hint) == ("C037", "did you mean 'pigeon_post'?")
    (name,) = wrong(tmp_path, '[callbacks.Post]\nkind = "pigeon_post"\ntoken_file = "x"\n', {})
    assert name.code == "C035"


def test_a_live_sms_channel_is_called_back_below_the_public_address(tmp_path: Path) -> None:
    text = (
        '[server]\npublic_url = "https://updates.example.com/"\n'
        '[channels.sms]\nlive = true\naccount = "AC00000000000000000000000000000001"\n'
        'sender = "+12025550100"\n'
    )
    chosen = settings(tmp_path, text, {"BEFOREHAND_CHANNELS__SMS__TOKEN": "t"})
    reached = house.reached(chosen, "sms")
    assert getattr(reached, "callback_url", "") == "https://updates.example.com/callbacks/sms"
    channels = house.channels(chosen)
    assert [caller.name for caller in house.readers(chosen, channels)] == ["sms"]
    assert isinstance(channels["email"], FileChannel)


# ── what it says ─────────────────────────────────────────────────────────────


@pytest.fixture
def lindner(tmp_path: Path) -> Iterator[Dealership]:
    made = Dealership(tmp_path)
    made.hear(customer(), order(), arrived())
    made.drain()
    yield made
    made.close()


def said(made: Dealership, *reports: dict[str, object], token: str = "coo") -> httpx.Response:
    chosen = settings(made.folder, TABLE)
    named = [{"id": f"e{n}", "message_id": made.entry().message_id} | one for n, one in enumerate(reports)]
    with listening(made, house.readers(chosen, {})) as caller:
        address = f"{caller.url}/callbacks/pigeon_post"
        return httpx.post(address, content=json.dumps(named), headers={"X-Token": token})


def test_a_message_is_found_by_its_message_id_and_by_its_providers(lindner: Dealership) -> None:
    entry = lindner.entry()
    with lindner.ledger.read() as tx:
        (attempt,) = tx.attempts(entry.id)
    by_provider = {"message_id": "", "provider_id": attempt.provider_id, "became": "opened"}
    assert said(lindner, {"became": "delivered"}, by_provider).status_code == 200
    assert became(lindner.ledger) == ["delivered", "machine_open"]


def test_whoever_shows_nothing_changes_nothing(lindner: Dealership) -> None:
    answer = said(lindner, {"became": "delivered"}, token="moo")
    assert (answer.status_code, answer.json()["detail"]) == (403, "it shows the wrong token")
    assert events(lindner.ledger) == []


@pytest.mark.parametrize(
    ("seconds", "word"), [(0, "machine_open"), (9, "machine_open"), (10, "opened"), (3600, "opened")]
)
def test_an_open_within_ten_seconds_of_the_delivery_is_no_persons(
    lindner: Dealership, seconds: int, word: str
) -> None:
    lindner.clock.advance(timedelta(hours=2))
    arrived_at = START + timedelta(minutes=30)
    opened_at = arrived_at + timedelta(seconds=seconds)
    said(
        lindner,
        {"became": "delivered", "at": arrived_at.isoformat()},
        {"became": "opened", "at": opened_at.isoformat()},
    )
    assert became(lindner.ledger) == ["delivered", word]


def test_without_a_delivery_the_moment_it_was_taken_counts(lindner: Dealership) -> None:
    said(lindner, {"became": "opened", "at": START.isoformat()})
    assert became(lindner.ledger) == ["machine_open"]


def test_a_complaint_ends_the_channel_for_its_customer(lindner: Dealership) -> None:
    said(lindner, {"became": "complained"})
    word = consent(lindner.ledger, channel="email")
    assert word is not None
    assert not word.given
    how = "how: complained by email, reported by pigeon_post"
    assert word.evidence == f"{how}; message: {lindner.entry().key}"


def test_a_bounce_suppresses_the_mailbox_with_its_evidence(lindner: Dealership) -> None:
    reason = f"550 5.1.1 <{MARIA}> no such user"
    said(lindner, {"became": "bounced", "dead": True, "to": MARIA, "code": "5.1.1", "reason": reason})
    (listed,) = lindner.suppressions()
    assert (listed.channel, listed.evidence) == ("email", "bounced reported by pigeon_post 5.1.1")
    (event,) = events(lindner.ledger)
    assert MARIA not in str(event.data)
    assert MARIA not in lindner.stored_text()
    assert lindner.entry().status is Status.ACCEPTED  # what became of it later is the fold's


def test_a_moment_that_cannot_be_is_brought_into_the_life_of_the_message(lindner: Dealership) -> None:
    said(
        lindner,
        {"became": "delivered", "at": "1970-01-01T00:00:00+00:00"},
        {"became": "clicked", "at": "2099-01-01T00:00:00+00:00"},
    )
    moments = [event.happened for event in events(lindner.ledger)]
    assert moments == [lindner.entry().created_at, lindner.clock.now()]


# ── in any order ─────────────────────────────────────────────────────────────

MOMENTS = {"accepted": 0, "deferred": 1, "delivered": 20, "opened": 40, "clicked": 45}


@settings_of(max_examples=20)
@given(st.lists(st.sampled_from(sorted(MOMENTS)), min_size=1, max_size=8))
def test_whatever_comes_how_often_and_in_which_order_the_furthest_counts(reports: list[str]) -> None:
    with TemporaryDirectory() as folder:
        made = Dealership(Path(folder))
        made.hear(customer(), order(), arrived())
        made.drain()
        made.clock.advance(timedelta(hours=1))
        entry = made.entry()
        for became in reports:
            at = START + timedelta(minutes=MOMENTS[became])
            one = Report(became, Became(became), at, message_id=entry.message_id)
            with made.ledger.transaction() as tx:
                callbacks.take(made.engine, tx, Caller("post", "email"), [one], made.clock.now())
        with made.ledger.read() as tx:
            sight = made.engine.look(tx, {"BX-1": made.clock.now()}, made.clock.now())
        told = sight.orders["BX-1"].outcomes[entry.key]
        made.close()
    assert told.delivery == max(reports, key=list(MOMENTS).index)
    assert told.status is Status.ACCEPTED
