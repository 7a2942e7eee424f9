"""``python -m tests.chaos.kills --kills 1000 --seed 1``: workers that die at random points."""

import argparse
import json
import re
import sys
import tempfile
from collections import Counter
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from random import Random, SystemRandom
from typing import Any

from orchestrator.model import Entry, Status
from tests.contracts.smtp_server import SmtpServer
from tests.contracts.twilio_server import TwilioServer
from tests.dying import Dying, dying
from tests.integration import dealership
from tests.integration.dealership import RULES, Dealership, arrived, customer, order
from tests.integration.texting import TEXTED
from tests.postgres import database, server

SOME = 25  # that die before somebody comes to their rescue
LEASE, BACK_OFF = timedelta(minutes=16), timedelta(minutes=1)


def deaths(channel: str, kills: int, random: Random, worker: Dying, url: str) -> Counter[str]:
    """Let so many workers die, each with a message of its own, and count what came of it."""
    found: Counter[str] = Counter()
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
                for wait in (LEASE, BACK_OFF):
                    house.clock.advance(wait)
                    does("rescue")
                for one in names:
                    _judge(one, house.entry(order=f"BX-{one}"), mail, texts, found)
                names.clear()
        house.close()
    return found


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
    parser.add_argument("--kills", type=int, default=1000, help="in all")
    parser.add_argument("--seed", type=int, default=SystemRandom().randrange(10**6))
    asked = parser.parse_args()
    wrong = 0
    with ExitStack() as stack:
        worker = stack.enter_context(dying())
        postgres = stack.enter_context(server())
        for kept in ("sqlite", "postgres"):
            for channel in ("email", "sms"):
                url = stack.enter_context(database(postgres)) if kept == "postgres" else ""
                found = deaths(channel, asked.kills // 4, Random(asked.seed), worker, url)
                wrong += sum(
                    found[what]
                    for what in ("lost", "not ended", "texts doubled", "mails under several names")
                )
                sys.stdout.write(f"{kept} {channel}: {json.dumps(found)}\n")
    sys.stdout.write(f"seed {asked.seed}: {wrong} wrong\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
