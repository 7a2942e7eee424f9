"""``python -m tests.chaos.kills --kills 1000 --seed 1``: workers that die at random points."""

import argparse
import json
import re
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from random import Random, SystemRandom
from typing import Any

from orchestrator.model import Entry, Status
from orchestrator.sending.dispatch import LEASE
from tests.contracts.smtp_server import SmtpServer
from tests.contracts.twilio_server import TwilioServer
from tests.dying import Dying, dying
from tests.integration import dealership
from tests.integration.dealership import RULES, START, Dealership, arrived, customer, order
from tests.integration.texting import TEXTED
from tests.postgres import database, server

SOME = 25  # that die before somebody comes to their rescue
BACK_OFF = timedelta(minutes=1)  # after which a mail is repeated of which nobody knows
SCAN = timedelta(seconds=1)  # as `daemon.tick` is delivered
WRONG = (
    "lost", "not ended", "late", "texts doubled", "mails under several names",
    "unknown that doctor does not list",
)  # fmt: skip
DATABASES, CHANNELS = ("sqlite", "postgres"), ("email", "sms")


def deaths(channel: str, kills: int, random: Random, worker: Dying, url: str) -> Counter[str]:
    """Let so many workers die, each with a message of its own, and count what came of it."""
    found: Counter[str] = Counter({"unknown": 0})
    with SmtpServer() as mail, TwilioServer() as texts, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        dealership.KEPT_IN = lambda _: url or dealership.in_a_file(folder)
        house = Dealership(folder, rules_text=TEXTED if channel == "sms" else RULES)
        texts.now = house.clock.now
        providers: dict[str, Any] = {
            "folder": name, "channel": channel, "mail": mail.port, "texts": texts.url,
        }  # fmt: skip

        def does(work: str, **more: Any) -> Any:
            return worker.do(work, dealership.KEPT_IN(folder), house.clock.now(), **providers, **more)

        house.hear(customer("C-0", email="c0@example.com"), order("BX-0", "C-0"), arrived("BX-0"))
        points = does("send").said["points"]
        names: list[int] = []
        for number in range(1, kills + 1):
            who = f"C-{number}"
            person = customer(who, email=f"c{number}@example.com", phone=f"+4930{23126000 + number}")
            house.hear(person, order(f"BX-{number}", who), arrived(f"BX-{number}"))
            names.append(number)
            found["killed"] += does("send", number=random.randrange(1, points)).killed
            if len(names) == SOME or number == kills:
                died = house.clock.now()
                for wait in (LEASE + SCAN, BACK_OFF):
                    house.clock.advance(wait)
                    does("rescue")
                for one in names:
                    entry = house.entry(order=f"BX-{one}")
                    _judge(one, entry, mail, texts, found)
                    _time(entry, died, Status.UNKNOWN in house.outcomes(entry), found)
                names.clear()
        with house.ledger.read() as tx:
            found["unknown that doctor does not list"] = (
                found["unknown"] - tx.ended({Status.UNKNOWN}, START)[0]
            )
        house.close()
    return found


def _time(entry: Entry, died: datetime, doubted: bool, found: Counter[str]) -> None:
    """How long it took from the death of the one who had it, which was also when it was due."""
    took = round((entry.updated_at - died).total_seconds()) if entry.updated_at else 0
    kind = "longest delay, seconds" + (", of what may have left before" if doubted else "")
    found[kind] = max(found[kind], took)
    found["late"] += not doubted and took > (LEASE + SCAN).total_seconds()


def _judge(number: int, entry: Entry, mail: SmtpServer, texts: TwilioServer, found: Counter[str]) -> None:
    mails = [one for one in mail.mails if one.to == f"c{number}@example.com"]
    ids = {match[1] for one in mails if (match := re.search(rb"(?i)message-id: *(\S+)", one.content))}
    sms = sum(text.to == f"+4930{23126000 + number}" for text in texts.texts)
    found[entry.status.value] += 1
    found["lost"] += entry.status is Status.ACCEPTED and not mails and not sms
    found["not ended"] += entry.status not in {Status.ACCEPTED, Status.UNKNOWN}
    found["texts doubled"] += sms > 1
    found["mails under several names"] += len(ids) > 1
    found["mails again under their name"] += len(mails) > 1 and len(ids) == 1


def main() -> int:
    """Let workers die by each channel on each database; return 1 if anything was lost or doubled."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.kills", description=__doc__)
    parser.add_argument("--kills", type=int, default=1000, help="in all, half of them mails and half texts")
    parser.add_argument("--database", choices=DATABASES, help="on one alone; otherwise half on each")
    parser.add_argument("--seed", type=int, default=SystemRandom().randrange(10**6))
    asked = parser.parse_args()
    wrong, began = 0, time.monotonic()
    kept_in = [asked.database] if asked.database else DATABASES
    with ExitStack() as stack:
        worker = stack.enter_context(dying())
        postgres = stack.enter_context(server()) if "postgres" in kept_in else ""
        for kept in kept_in:
            for channel in CHANNELS:
                url = stack.enter_context(database(postgres)) if kept == "postgres" else ""
                each = asked.kills // len(kept_in) // len(CHANNELS)
                found = deaths(channel, each, Random(asked.seed), worker, url)
                wrong += sum(found[what] for what in WRONG)
                sys.stdout.write(f"{kept} {channel}: {json.dumps(found)}\n")
                sys.stdout.flush()
    sys.stdout.write(f"seed {asked.seed}: {wrong} wrong, {time.monotonic() - began:,.0f} s\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
