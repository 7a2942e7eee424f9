"""The chaos run, short: real processes, real providers, and the contract afterwards."""

import pytest

from tests.chaos.run import Plan, run

SHORT = Plan(
    "sqlite", seconds=12, seed=5, rate=4, length=5, pause=0.8, speed=12, within="2m", lease=60, settle=90,
    script=("kill", "cut_provider", "worse_mood", "full_disk", "freeze", "kill", "refuse_provider"),
)  # fmt: skip


def test_a_short_chaos_loses_and_doubles_nothing() -> None:
    outcome = run(SHORT)
    assert outcome.breaches == [], outcome.figures
    assert outcome.figures["kills"] >= 1
    assert outcome.figures["entries"]["accepted"] >= 1


ROLLED = Plan(
    "sqlite", seconds=120, seed=6, rate=4, length=12, pause=3, lease=600, settle=120, moods=0, answer=60,
    script=("roll",),
)  # fmt: skip


@pytest.mark.limit(600)
def test_a_daemon_that_is_stopped_and_started_under_way_loses_doubles_and_holds_up_nothing() -> None:
    """What it left in its hands would wait for its lease, which is longer than we do."""
    outcome = run(ROLLED)
    assert outcome.breaches == [], outcome.figures
    assert outcome.faults == {"rolling restart": 1}
    assert outcome.figures["entries"].keys() <= {"accepted", "cancelled"}
    assert outcome.figures["copies under the same name"] == 0
