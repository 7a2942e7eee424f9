"""What whoever operates a daemon sets: where it is watched from, and how long it keeps what is over."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from orchestrator.config.section import Section
from orchestrator.config.values import Address, Length
from orchestrator.retention import Keeps

Kept = Annotated[Length, Field(ge=timedelta(days=30))] | None
Port = Annotated[int, Field(ge=1, le=65535)]


class Metrics(Section):
    """Where Prometheus asks a daemon how it does."""

    host: str = Field(default="127.0.0.1", description="The address of the port below.")
    port: Port | None = Field(
        default=None,
        description="A port of its own for `/metrics`, `/health` and `/ready`, also for `run`; then "
        "there are no metrics at `server.port`.",
    )


class Retention(Section):
    """How long is kept what is over; for ever unless given, and 30 days at least, for caps look back."""

    orders: Kept = Field(
        default=None,
        description="Facts, messages and attempts of closed orders, after the last news of the order.",
    )
    attempts: Kept = Field(
        default=None,
        description="Attempts of messages that have ended: what providers called them and said.",
    )
    activity: Kept = Field(default=None, description="When customers looked at our pages or used the app.")

    def keeps(self) -> Keeps:
        """The same, as the engine knows it."""
        return Keeps(self.orders, self.attempts, self.activity)


class Telemetry(Section):
    """Traces of the work, for OpenTelemetry (`pip install 'beforehand[telemetry]'`)."""

    endpoint: Address = Field(
        default="",
        description="The collector that takes OTLP over HTTP, such as `http://localhost:4318`; no traces "
        "unless given.",
    )
    share: float = Field(
        default=1.0,
        ge=0,
        le=1,
        description="The share of traces that is sent; of those that others began, all.",
    )
