"""Traces for OpenTelemetry, sent to a collector by OTLP over HTTP: ids, rules and channels, nothing else.

The only importer of OpenTelemetry, which is an extra; without an endpoint it is never imported.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import (
    Link,
    Span,
    Status,
    StatusCode,
    get_current_span,
    set_span_in_context,
    use_span,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from orchestrator.watching import Step, Watch

MOST = 100  # ids that one span names; beyond that how many there are says more
WAIT = 10_000  # milliseconds for the collector, at the end


class Traces(Watch):
    """Makes a span of each step and sends it to the collector at *endpoint*, of so large a *share* of traces.

    Spans wait in memory and leave in a thread of their own: a collector that is away costs them, and nothing
    else.
    """

    def __init__(self, endpoint: str, share: float) -> None:
        self._provider = TracerProvider(
            sampler=ParentBased(TraceIdRatioBased(share)),
            resource=Resource.create({"service.name": "beforehand"}),
            shutdown_on_exit=False,
        )
        exporter = OTLPSpanExporter(f"{endpoint}/v1/traces")
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("beforehand")

    def close(self) -> None:
        """Send what waits, and end."""
        self._provider.force_flush(WAIT)
        self._provider.shutdown()

    def step(self, name: str, /, causes: Sequence[str] = (), **ids: Any) -> AbstractContextManager[Step]:
        """Make a span of it: a child of what goes on in this thread, else of its only cause."""
        return self._span(name, causes, ids)

    @contextmanager
    def _span(self, name: str, causes: Sequence[str], ids: Mapping[str, Any]) -> Iterator[Step]:
        contexts = [_context(cause) for cause in dict.fromkeys(causes[:MOST])]
        links = [Link(one) for one in contexts if one.is_valid]
        parent = None
        if len(links) == 1 and not get_current_span().get_span_context().is_valid:
            parent, links = set_span_in_context(_remote(causes[0])), []
        span = self._tracer.start_span(f"beforehand.{name}", parent, links=links)
        step = _Spanned(span)
        step.note(**ids)
        try:
            with use_span(span, end_on_exit=False, record_exception=False, set_status_on_exception=False):
                yield step
        except BaseException as error:
            span.set_status(Status(StatusCode.ERROR, type(error).__name__))  # its words may quote a customer
            raise
        finally:
            if step.counts:
                span.end()


class _Spanned(Step):
    counts = True

    def __init__(self, span: Span) -> None:
        self._span = span

    def note(self, **ids: Any) -> None:
        for name, value in ids.items():
            if isinstance(value, str | int):
                self._span.set_attribute(f"beforehand.{name}", value)
            else:
                self._span.set_attribute(f"beforehand.{name}.count", len(value))
                self._span.set_attribute(f"beforehand.{name}", list(value)[:MOST])

    def idle(self) -> None:
        self.counts = False


def _remote(cause: str) -> Span:
    return get_current_span(TraceContextTextMapPropagator().extract({"traceparent": cause}))


def _context(cause: str) -> Any:
    return _remote(cause).get_span_context()
