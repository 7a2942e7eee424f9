"""An update of many machines while messages leave; it takes minutes: `make chaos`."""

import pytest

from tests.chaos.run import Plan, run

PLAN = Plan(
    "postgres", seconds=600, seed=9, rate=4, length=10, pause=2, lease=900, settle=300, moods=0, answer=60,
    script=("roll", "roll"),
)  # fmt: skip


@pytest.mark.limit(1200)
def test_every_process_is_stopped_and_started_one_after_another_and_nothing_waits_for_a_lease() -> None:
    outcome = run(PLAN)
    assert outcome.breaches == [], outcome.figures
    assert outcome.faults == {"rolling restart": 2}
    assert outcome.figures["entries"].keys() <= {"accepted", "cancelled"}
    assert outcome.figures["copies under the same name"] == 0
