"""The daemon as a process, with Twilio on its other side: a text leaves, and what comes of it comes back."""

import json
import re
import socket
from datetime import UTC, datetime, timedelta

from orchestrator.ledger import Ledger
from orchestrator.model import Entry, Status
from tests.contracts.twilio_calling import OURS, TwilioCalling
from tests.contracts.twilio_server import ACCOUNT, SENDER, TOKEN, TwilioServer
from tests.installation import Home, home
from tests.integration.test_daemon import at_any_hour, daemon, said, stopped, until

__all__ = ["home"]

MARIA = "+493023125101"


def by_twilio(server: TwilioServer) -> dict[str, str]:
    """The settings that send texts for real, to a server of this test."""
    return {
        "BEFOREHAND_CHANNELS__SMS__LIVE": "true",
        "BEFOREHAND_CHANNELS__SMS__ACCOUNT": ACCOUNT,
        "BEFOREHAND_CHANNELS__SMS__TOKEN": TOKEN,
        "BEFOREHAND_CHANNELS__SMS__SENDER": SENDER,
        "BEFOREHAND_CHANNELS__SMS__URL": server.url,
        "BEFOREHAND_SERVER__PUBLIC_URL": OURS,
    }


def entries(home: Home) -> list[Entry]:
    with Ledger.open(f"sqlite:///{home.folder / 'beforehand.db'}") as ledger, ledger.read() as tx:
        return tx.entries_of(["A-1"])["A-1"]


def reached_by_text(home: Home) -> None:
    """Maria has a telephone and nothing else."""
    home.story(datetime.now(UTC), timedelta())
    lines = [json.loads(line) for line in (home.folder / "events.jsonl").read_text().splitlines()]
    lines[0]["data"] = {"name": "Maria Keller", "locale": "de", "phone": MARIA}
    always = [{"days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], "from": "00:00", "to": "24:00"}]
    lines[1]["data"]["owner"] = {**lines[1]["data"]["owner"], "working_hours": always}
    home.write("events.jsonl", "\n".join(map(json.dumps, lines)))
    assert home.run("ingest", "events.jsonl")[0] == 0


def test_a_text_leaves_its_report_counts_and_its_answer_reaches_the_owner(home: Home) -> None:
    at_any_hour(home)
    with (
        TwilioServer() as twilio,
        daemon(home, "serve", "--port", _free(), **by_twilio(twilio)) as process,
    ):
        until(lambda: "listening on" in said(home))
        found = re.search(r"listening on (http://\S+)", said(home))
        assert found is not None
        caller = TwilioCalling(found[1])
        reached_by_text(home)
        until(lambda: twilio.texts)
        (text,) = twilio.texts
        assert text.callback.startswith(f"{OURS}/callbacks/sms?")
        assert caller.report(text, "delivered").status_code == 200
        assert caller.post(text.callback, {"MessageSid": "x"}, signed="AAAA").status_code == 403
        assert caller.reply("SM-in-1", MARIA, "Bitte rufen Sie mich an").status_code == 200
        until(lambda: any(e.wanted.rule == "reply" and e.status is Status.ACCEPTED for e in entries(home)))
        stopped(process)
    mails = [path.read_text("utf-8") for path in (home.folder / "outbox").glob("*.eml")]
    assert any("nora.brandt@example.com" in mail and "A-1" in mail for mail in mails)
    code, out, err = home.run("explain", "A-1")
    assert code == 0, err
    assert "was delivered" in out
    assert "the customer answered" in out
    assert MARIA not in said(home)
    assert "Bitte rufen" not in said(home)


def _free() -> str:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return str(found.getsockname()[1])
