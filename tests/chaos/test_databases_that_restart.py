"""Case 8: a database that is restarted again and again; it takes minutes: `make chaos`."""

import pytest

from tests.chaos.run import Plan, run

RESTARTS = 12
PLAN = Plan(
    "postgres", seconds=240, seed=8, rate=6, length=20, pause=12, script=("restart_database",) * RESTARTS
)


@pytest.mark.limit(1800)
def test_8_a_database_that_is_restarted_under_5000_events_loses_and_doubles_nothing() -> None:
    outcome = run(PLAN)
    assert outcome.breaches == [], outcome.figures
    assert outcome.figures["events"] >= 5000
