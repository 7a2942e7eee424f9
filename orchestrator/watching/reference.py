"""The page docs/reference/metrics.md, made of the metrics themselves."""

from collections.abc import Sequence
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric

from orchestrator.ledger import Ledger
from orchestrator.watching.gauges import Gauges
from orchestrator.watching.meters import Meters

HEAD = """\
<!-- Written by docs/generate.py from the metrics themselves; do not edit. -->
# Metrics

`GET /metrics` says how it goes, in Prometheus' text format: at `server.port`, or at `metrics.port` where that
is set, for `beforehand run` too. Labels hold names of rules, channels and roles, never anything about a
customer.
[Alerts](../how-to/operate.md#alerts) shows what to do with them.
"""

OF_ALL = """
## From the ledger

Every process gives the same of these, for the ledger is asked: alert on `max()` over all of them. They are
read for each scrape, at most every five seconds.
"""

OF_ONE = """
## From the process

Each process counts what it does itself, from its start on: add them up.
"""


def page() -> str:
    """Return the page."""
    meters = Meters(CollectorRegistry())
    with Ledger.open("sqlite://", upgrade=True) as ledger:
        gauges = Gauges(ledger, ledger.time, ()).describe()
    own = [(metric, family) for family in meters.families for metric in family.describe()]
    return "".join([HEAD, OF_ALL, _table([(one, one) for one in gauges]), OF_ONE, _table(own)])


def _table(metrics: Sequence[tuple[Metric, Any]]) -> str:
    """A row for each metric, beside what knows its labels."""
    rows = ["\n| metric | labels | meaning |\n|---|---|---|\n"]
    for metric, family in metrics:
        name = f"{metric.name}_total" if metric.type == "counter" else metric.name
        kind = f" ({metric.type})" if metric.type != "gauge" else ""
        labels = ", ".join(f"`{label}`" for label in family._labelnames)  # noqa: SLF001
        rows.append(f"| `{name}`{kind} | {labels} | {metric.documentation} |\n")
    return "".join(rows)
