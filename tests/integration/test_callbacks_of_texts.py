"""Twilio reports what became of our texts: to a real server of ours, in disorder, twice, and forged."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from channels.contract.http_server import CUT_AFTER
from channels.memory import MemoryChannel
from channels.reports import Became, Forged, Report
from orchestrator import callbacks
from orchestrator.callbacks import Caller
from orchestrator.callbacks.early import Early
from orchestrator.model import Entry, Status
from tests.contracts.twilio_calling import OURS, TwilioCalling, signature
from tests.contracts.twilio_server import TwilioServer
from tests.integration.calling_back import (
    HOOK,
    MAX_BODY,
    became,
    consent,
    events,
    house,
    listening,
    reader,
    text_maria,
)
from tests.integration.dealership import START, Dealership
from tests.integration.texting import TEXTED

MARIA = "+493023125101"
FIRST = f"SM{1:032x}"  # what Twilio calls the first text
BY_BOTH = TEXTED.replace("[sms]", "[sms, email]")


@pytest.fixture
def twilio() -> Iterator[TwilioServer]:
    with TwilioServer() as server:
        yield server


@pytest.fixture
def lindner(tmp_path: Path, twilio: TwilioServer) -> Iterator[Dealership]:
    made = house(tmp_path, twilio)
    yield made
    made.close()


def fold_of(made: Dealership, entry: Entry) -> str:
    """The furthest that is known of a message."""
    with made.ledger.read() as tx:
        sight = made.engine.look(tx, {"BX-1": made.clock.now()}, made.clock.now())
    return sight.orders["BX-1"].outcomes[entry.key].delivery


# ── what became of it ────────────────────────────────────────────────────────


def test_a_delivery_is_an_event_of_the_order_without_any_address(
    lindner: Dealership, twilio: TwilioServer
) -> None:
    text_maria(lindner)
    with listening(lindner) as caller:
        assert caller.report(twilio.texts[0], "delivered", RawDlrDoneDate="2603121001").status_code == 200
    (event,) = events(lindner.ledger)
    assert (event.type, event.source) == ("message.delivered", "callback:sms")
    assert event.data == {"message": lindner.entry().key, "channel": "sms", "provider": "sms"}


def test_29_delivered_then_sent_then_delivered_again_stays_delivered(
    lindner: Dealership, twilio: TwilioServer
) -> None:
    text_maria(lindner)
    text = twilio.texts[0]
    with listening(lindner) as caller:
        for status in ("delivered", "sent", "delivered", "queued", "sent"):
            assert caller.report(text, status).status_code == 200
    assert became(lindner.ledger) == ["delivered", "accepted", "accepted"]
    assert fold_of(lindner, lindner.entry()) == "delivered"
    assert lindner.entry().status is Status.ACCEPTED


def test_a_repeated_report_with_another_body_is_no_matter_to_twilio_and_changes_nothing(
    lindner: Dealership, twilio: TwilioServer
) -> None:
    text_maria(lindner)
    with listening(lindner) as caller:
        assert caller.report(twilio.texts[0], "undelivered", ErrorCode="30003").status_code == 200
        assert caller.report(twilio.texts[0], "undelivered", ErrorCode="30008").status_code == 200
    (event,) = events(lindner.ledger)
    assert event.data["code"] == "30003"


def test_a_number_that_is_dead_by_report_gets_nothing_any_more(
    lindner: Dealership, twilio: TwilioServer
) -> None:
    text_maria(lindner)
    with listening(lindner) as caller:
        caller.report(twilio.texts[0], "undelivered", ErrorCode="30005")
    assert became(lindner.ledger) == ["bounced"]
    (listed,) = lindner.suppressions()
    assert (listed.channel, listed.evidence) == ("sms", "bounced reported by sms 30005")
    assert MARIA not in lindner.stored_text()


def test_what_people_mended_since_stays_mended_when_a_report_comes_again(
    lindner: Dealership, twilio: TwilioServer
) -> None:
    text_maria(lindner)
    with listening(lindner) as caller:
        caller.report(twilio.texts[0], "undelivered", ErrorCode="30005")
        with lindner.ledger.transaction() as tx:
            (listed,) = tx.suppressions()
            tx.unsuppress(listed.channel, listed.address_hash, "Maria says it is hers", START)
        caller.report(twilio.texts[0], "undelivered", ErrorCode="30005")
        caller.report(twilio.texts[0], "undelivered", ErrorCode="30007")
    assert lindner.suppressions() == []
    assert lindner.paused() == {}


def test_a_phone_that_is_off_is_not_dead(lindner: Dealership, twilio: TwilioServer) -> None:
    text_maria(lindner)
    with listening(lindner) as caller:
        caller.report(twilio.texts[0], "undelivered", ErrorCode="30003")
    assert became(lindner.ledger) == ["failed"]
    assert lindner.suppressions() == []


def test_31_an_opt_out_that_twilio_reports_is_recorded_as_the_customers_word(
    lindner: Dealership, twilio: TwilioServer
) -> None:
    text_maria(lindner)
    with listening(lindner) as caller:
        caller.report(twilio.texts[0], "failed", ErrorCode="21610")
    word = consent(lindner.ledger)
    assert word is not None
    assert not word.given
    assert "21610" in word.evidence
    assert lindner.suppressions() == []  # START lifts it


def test_a_fault_of_our_account_pauses_the_channel(lindner: Dealership, twilio: TwilioServer) -> None:
    text_maria(lindner)
    with listening(lindner) as caller:
        caller.report(twilio.texts[0], "undelivered", ErrorCode="30034")
    assert "A2P" in lindner.paused()["sms"]


# ── what was in doubt ────────────────────────────────────────────────────────


def test_2_a_report_resolves_what_nobody_knew_and_no_second_text_leaves(
    lindner: Dealership, twilio: TwilioServer
) -> None:
    twilio.answering(CUT_AFTER, times=1)
    text_maria(lindner)
    assert lindner.entry().status is Status.SCHEDULED  # Twilio is to be asked
    with listening(lindner) as caller:
        caller.report(twilio.texts[0], "sent")
    assert lindner.entry().status is Status.ACCEPTED
    assert lindner.outcomes(lindner.entry()) == ["accepted"]
    lindner.pass_time(timedelta(hours=1))
    assert len(twilio.texts) == 1
    assert [r.method for r in twilio.requests] == ["POST"]


def test_what_was_in_doubt_and_failed_goes_on_with_the_next_channel(
    tmp_path: Path, twilio: TwilioServer
) -> None:
    mail = MemoryChannel("email")
    made = house(tmp_path, twilio, channels={"email": mail}, rules_text=BY_BOTH)
    twilio.answering(CUT_AFTER, times=1)
    text_maria(made)
    with listening(made) as caller:
        caller.report(twilio.texts[0], "failed", ErrorCode="30003")
    made.drain()
    assert mail.sent == 1
    assert made.entry().status is Status.ACCEPTED
    made.close()


def test_a_report_about_a_text_that_is_being_sent_does_not_break_its_end(
    lindner: Dealership, twilio: TwilioServer
) -> None:
    with listening(lindner) as caller:
        taken = twilio.taken

        def report_at_once(form: dict[str, str]) -> object:
            answer = taken(form)
            assert caller.report(twilio.texts[-1], "delivered").status_code == 200
            return answer

        twilio.taken = report_at_once  # type: ignore[method-assign,assignment]
        text_maria(lindner)
    assert lindner.entry().status is Status.ACCEPTED
    assert fold_of(lindner, lindner.entry()) == "delivered"


def test_a_report_while_it_is_sent_counts_once_the_answer_is_lost(
    lindner: Dealership, twilio: TwilioServer
) -> None:
    with listening(lindner) as caller:
        taken = twilio.taken

        def report_at_once(form: dict[str, str]) -> object:
            answer = taken(form)
            assert caller.report(twilio.texts[-1], "sent").status_code == 200
            return answer

        twilio.taken = report_at_once  # type: ignore[method-assign,assignment]
        twilio.answering(CUT_AFTER, times=1)
        text_maria(lindner)
    assert lindner.entry().status is Status.ACCEPTED
    assert len(twilio.texts) == 1


def test_a_report_about_nothing_we_know_is_taken_and_logged_by_its_id(
    lindner: Dealership, twilio: TwilioServer, caplog: pytest.LogCaptureFixture
) -> None:
    text_maria(lindner)
    form = {"MessageSid": "SM9", "MessageStatus": "delivered", "To": MARIA}
    with listening(lindner) as caller, caplog.at_level(logging.INFO):
        assert caller.post(HOOK, form).status_code == 200
    assert events(lindner.ledger) == []
    assert "SM9:delivered" in caplog.text
    assert MARIA not in caplog.text


def test_a_report_that_comes_before_the_answer_to_the_send_counts_once_that_is_written(
    lindner: Dealership, twilio: TwilioServer
) -> None:
    caller, clock = Caller("theirs", "sms"), lindner.clock
    said = [
        Report("r1", Became.DELIVERED, clock.now(), provider_id=FIRST, to=MARIA, reason=f"to {MARIA}"),
        Report("r2", Became.DELIVERED, clock.now(), provider_id="SM-of-others"),
    ]
    with lindner.ledger.transaction() as tx:
        assert callbacks.take(lindner.engine, tx, caller, said, clock.now()).strangers == 0
    again = Early(lindner.engine, clock.now)
    assert again() == 0
    text_maria(lindner)
    assert twilio.texts[0].sid == FIRST

    assert again() == 1
    lindner.engine.plan_changed(clock.now())
    assert fold_of(lindner, lindner.entry()) == "delivered"
    assert MARIA not in str(events(lindner.ledger))
    assert again() == 0
    clock.advance(timedelta(hours=1))
    assert again() == 0
    with lindner.ledger.transaction() as tx:
        assert tx.forget_early(clock.now()) == 0, "that of others was forgotten"


def test_a_token_that_was_used_proves_nothing_else_after_a_restart_or_on_another_machine(
    lindner: Dealership,
) -> None:
    text_maria(lindner)
    key, caller, now = lindner.entry().key, Caller("mailgun", "sms"), lindner.clock.now()
    first = Report("t1", Became.DEFERRED, now, key=key, proof=("t1", "a hash"))
    other = replace(first, became=Became.BOUNCED, dead=True, proof=("t1", "of another body"))

    with lindner.ledger.transaction() as tx:
        assert callbacks.take(lindner.engine, tx, caller, [first], now).new == 1
    with lindner.ledger.transaction() as tx:
        with pytest.raises(Forged):
            callbacks.take(lindner.engine, tx, caller, [other], now)
        assert callbacks.take(lindner.engine, tx, caller, [first], now).duplicates == 1
    assert fold_of(lindner, lindner.entry()) == "deferred"


# ── who may say so ───────────────────────────────────────────────────────────


def refused(lindner: Dealership, response: httpx.Response, status: int) -> None:
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert events(lindner.ledger) == []
    assert lindner.suppressions() == []


FORM = {"MessageStatus": "undelivered", "ErrorCode": "30005", "To": MARIA}


def dead(twilio: TwilioServer) -> dict[str, str]:
    return FORM | {"MessageSid": twilio.texts[0].sid}


def test_30_a_forged_signature_changes_nothing(lindner: Dealership, twilio: TwilioServer) -> None:
    text_maria(lindner)
    with listening(lindner) as caller:
        address, form = twilio.texts[0].callback, dead(twilio)
        for forged in ("", "AAAA", "é", signature(address, form, "another token"), signature(address, {})):
            headers = {"X-Twilio-Signature": forged.encode()} if forged == "é" else None
            said = "" if forged == "é" else forged
            refused(lindner, caller.post(address, form, signed=said, headers=headers), 403)  # type: ignore[arg-type]
        changed = form | {"ErrorCode": "30006"}
        refused(lindner, caller.post(address, changed, signed=signature(address, form)), 403)


def test_30_a_changed_host_changes_nothing(lindner: Dealership, twilio: TwilioServer) -> None:
    text_maria(lindner)
    theirs = twilio.texts[0].callback.replace("hooks.lindner.example", "hooks.attacker.example")
    with listening(lindner) as caller:
        refused(lindner, caller.post(theirs, dead(twilio)), 403)
        ours = {"Host": "hooks.attacker.example", "X-Forwarded-Host": "hooks.attacker.example"}
        refused(lindner, caller.post(theirs, dead(twilio), headers=ours), 403)


def test_the_host_that_a_proxy_names_plays_no_part(lindner: Dealership, twilio: TwilioServer) -> None:
    text_maria(lindner)
    with listening(lindner) as caller:
        inside = {"Host": "10.0.0.7:8000"}
        assert caller.post(twilio.texts[0].callback, dead(twilio), headers=inside).status_code == 200
    assert became(lindner.ledger) == ["bounced"]


@pytest.mark.parametrize("signed", [f"{OURS}:443", OURS])
@pytest.mark.parametrize("public", [f"{OURS}:443", OURS])
def test_the_port_may_be_in_the_signature_or_not(
    tmp_path: Path, twilio: TwilioServer, signed: str, public: str
) -> None:
    made = house(tmp_path, twilio)
    text_maria(made)
    with listening(made, {Caller("sms", "sms"): reader(callback="")}, public=public) as caller:
        address = twilio.texts[0].callback
        proof = signature(address.replace(OURS, signed), dead(twilio))
        assert caller.post(address, dead(twilio), signed=proof).status_code == 200
    made.close()


def test_another_entry_cannot_be_named(lindner: Dealership, twilio: TwilioServer) -> None:
    text_maria(lindner)
    address = twilio.texts[0].callback.replace("entry=", "entry=x")
    with listening(lindner) as caller:
        refused(lindner, caller.post(address, dead(twilio), signed="AAAA"), 403)


def test_one_that_is_too_large_is_refused_before_it_is_read(
    lindner: Dealership, twilio: TwilioServer
) -> None:
    text_maria(lindner)
    with listening(lindner) as caller:
        form = dead(twilio) | {"Body": "x" * MAX_BODY}
        refused(lindner, caller.post(twilio.texts[0].callback, form), 413)


@pytest.mark.parametrize(
    "body", [b"MessageStatus=%FF%FE", b"\xff\xfe\x00", b"&".join([b"a=1"] * 500)], ids=str
)
def test_one_that_cannot_be_decoded_is_refused(
    lindner: Dealership, twilio: TwilioServer, body: bytes
) -> None:
    text_maria(lindner)
    with listening(lindner) as caller:
        refused(lindner, caller.post(twilio.texts[0].callback, {}, body=body, signed="AAAA"), 400)


def test_what_is_no_form_is_refused(lindner: Dealership, twilio: TwilioServer) -> None:
    text_maria(lindner)
    with listening(lindner) as caller:
        headers = {"Content-Type": "application/json"}
        refused(lindner, caller.post(HOOK, {}, body=b"{}", headers=headers), 400)


def test_a_name_nobody_reads_is_not_found(lindner: Dealership, twilio: TwilioServer) -> None:
    text_maria(lindner)
    with listening(lindner) as caller:
        refused(lindner, caller.post(f"{OURS}/callbacks/pigeon", dead(twilio)), 404)


def test_a_status_that_twilio_invents_is_taken_and_its_parameters_harm_nothing(
    lindner: Dealership, twilio: TwilioServer
) -> None:
    text_maria(lindner)
    with listening(lindner) as caller:
        assert caller.report(twilio.texts[0], "pondering").status_code == 200
        assert caller.report(twilio.texts[0], "delivered", NewThing="yes").status_code == 200
    assert became(lindner.ledger) == ["delivered"]


def test_while_the_ledger_is_away_twilio_is_asked_to_come_again(
    lindner: Dealership, twilio: TwilioServer
) -> None:
    text_maria(lindner)
    with listening(lindner) as caller:
        with lindner.ledger.transaction():
            away = caller.report(twilio.texts[0], "delivered")
        assert away.status_code == 503
        assert int(away.headers["retry-after"]) > 0
        assert events(lindner.ledger) == []
        assert caller.report(twilio.texts[0], "delivered").status_code == 200
    assert became(lindner.ledger) == ["delivered"]


def test_nothing_personal_is_logged(
    lindner: Dealership, twilio: TwilioServer, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, logger="orchestrator"):
        text_maria(lindner)
        with listening(lindner) as caller:
            report_all(caller, twilio)
    for private in (MARIA, "Maria", "Keller"):
        assert private not in caplog.text


def report_all(caller: TwilioCalling, twilio: TwilioServer) -> None:
    caller.report(twilio.texts[0], "undelivered", ErrorCode="30034")
    caller.post(twilio.texts[0].callback, dead(twilio), signed="AAAA")
    caller.post(HOOK, {"MessageSid": "SM9", "MessageStatus": "sent", "To": MARIA})
