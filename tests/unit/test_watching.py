"""Who watches the work: what is counted and timed, and that labels never grow without end."""

import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from orchestrator.watching import NOBODY, STEPS, Step, Watch, together
from orchestrator.watching.meters import MOST, OTHER, Meters


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def meters(registry: CollectorRegistry) -> Meters:
    return Meters(registry)


def test_how_late_something_was_accepted_is_counted_by_channel(
    meters: Meters, registry: CollectorRegistry
) -> None:
    meters.ended("arrived", "email", "accepted", timedelta(seconds=20))
    meters.ended("arrived", "email", "accepted", timedelta(seconds=-1))
    assert registry.get_sample_value("beforehand_lag_seconds_bucket", {"channel": "email", "le": "10.0"}) == 1
    assert registry.get_sample_value("beforehand_lag_seconds_sum", {"channel": "email"}) == 20
    outcome = {"rule": "arrived", "channel": "email", "outcome": "accepted"}
    assert registry.get_sample_value("beforehand_outcomes_total", outcome) == 2


def test_what_found_no_channel_is_counted_too(meters: Meters, registry: CollectorRegistry) -> None:
    meters.ended("arrived", "", "suppressed")
    outcome = {"rule": "arrived", "channel": "none", "outcome": "suppressed"}
    assert registry.get_sample_value("beforehand_outcomes_total", outcome) == 1


def test_labels_do_not_grow_without_end(meters: Meters, registry: CollectorRegistry) -> None:
    for number in range(MOST + 5):
        meters.ended(f"rule-{number}", "email", "accepted")
    meters.ended("rule-0", "email", "accepted")
    other = {"rule": OTHER, "channel": OTHER, "outcome": "accepted"}
    assert registry.get_sample_value("beforehand_outcomes_total", other) == 5
    first = {"rule": "rule-0", "channel": "email", "outcome": "accepted"}
    assert registry.get_sample_value("beforehand_outcomes_total", first) == 2


def test_a_step_is_timed_unless_there_was_nothing_to_do(meters: Meters, registry: CollectorRegistry) -> None:
    for name in STEPS:
        with meters.step(name):
            pass
    with meters.step("claim") as step:
        step.idle()
    assert {
        name: registry.get_sample_value("beforehand_step_seconds_count", {"step": name}) for name in STEPS
    } == dict.fromkeys(STEPS, 1)


def test_a_step_that_fails_is_timed_and_fails(meters: Meters, registry: CollectorRegistry) -> None:
    with pytest.raises(ValueError, match="no"), meters.step("plan"):
        raise ValueError("no")
    assert registry.get_sample_value("beforehand_step_seconds_count", {"step": "plan"}) == 1


class Told(Watch):
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.heard: list[Any] = []

    def ended(self, rule: str, channel: str, outcome: str, late: timedelta | None = None) -> None:
        self.heard.append((rule, channel, outcome, late))

    def called_back(self, callback: str, outcome: str, count: int = 1) -> None:
        self.heard.append((callback, outcome, count))


def test_several_watch_the_same_and_nobody_watches_nothing(
    meters: Meters, registry: CollectorRegistry
) -> None:
    told = Told()
    both = together([meters, told])
    with both.step("claim", entry=[1]) as step:
        step.note(order=["O-1"])
    with both.step("claim") as step:
        step.idle()
    both.ended("arrived", "sms", "failed")
    both.called_back("sms", "delivered", 2)
    assert told.heard == [("arrived", "sms", "failed", None), ("sms", "delivered", 2)]
    assert registry.get_sample_value("beforehand_step_seconds_count", {"step": "claim"}) == 1
    callback = {"callback": "sms", "outcome": "delivered"}
    assert registry.get_sample_value("beforehand_callbacks_total", callback) == 2
    assert together([]) is NOBODY
    assert together([told]) is told
    with NOBODY.step("claim") as nothing:
        assert type(nothing) is Step


def test_neither_prometheus_nor_opentelemetry_is_imported_where_nobody_watches() -> None:
    script = (
        "import sys\n"
        "import orchestrator.cli.daemon, orchestrator.sending.dispatch, orchestrator.cli.watching\n"
        "print([name for name in sys.modules if name.startswith(('prometheus', 'opentelemetry'))])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_metric_that_an_alert_asks_for_exists_with_its_labels() -> None:
    pages = Path(__file__).parents[2] / "docs"
    page = (pages / "how-to" / "operate.md").read_text()
    rows = re.findall(
        r"^\| `(\w+)`[^|]*\|([^|]*)\|", (pages / "reference" / "metrics.md").read_text(), re.MULTILINE
    )
    known = {name: set(re.findall(r"`(\w+)`", labels)) for name, labels in rows}
    asked = re.findall(r"(beforehand_\w+?)(?:_bucket)?(?:\{(\w+)=)?(?=[\[\])} =\"])", page)
    assert len(asked) >= 10
    for name, label in asked:
        assert name in known, name
        assert not label or label in known[name], (name, label)
