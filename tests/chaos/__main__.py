"""``python -m tests.chaos --seconds 1800 --seed 7 --database postgres``: break everything, and judge."""

import argparse
import json
import sys
from pathlib import Path
from random import SystemRandom

from tests.chaos.run import Plan, run


def main() -> int:
    """Play one run, print what came of it, and return 1 if the contract was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--database", choices=["sqlite", "postgres"], default="sqlite")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long things are broken")
    parser.add_argument("--seed", type=int, default=SystemRandom().randrange(10**6))
    parser.add_argument("--rate", type=float, default=2.0, help="orders that begin in a second")
    parser.add_argument("--pause", type=float, default=5.0, help="seconds between two faults, on average")
    parser.add_argument("--script", nargs="*", default=(), help="just these faults, such as: roll roll kill")
    parser.add_argument("--calm", action="store_true", help="providers are flawless")
    parser.add_argument("--keep", type=Path, help="a folder in which logs and ledger stay")
    asked = parser.parse_args()
    plan = Plan(
        asked.database, asked.seconds, asked.seed, rate=asked.rate, pause=asked.pause,
        script=tuple(asked.script), moods=0 if asked.calm else 1, answer=60 if asked.calm else 3,
    )  # fmt: skip
    outcome = run(plan, asked.keep)
    say = sys.stdout.write
    say(json.dumps(outcome.figures, indent=2, ensure_ascii=False) + "\n")
    for breach in outcome.breaches[:50]:
        say(f"{breach}\n")
    say(f"seed {plan.seed}: {len(outcome.breaches)} breaches of the contract\n")
    return 1 if outcome.breaches else 0


if __name__ == "__main__":
    sys.exit(main())
