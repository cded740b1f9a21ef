"""The tracer that records, over OpenTelemetry's SDK: the only module that imports it, and imported when tracing is on.

Needs the extra `trackgraph[otel]`. Spans go to a collector by OTLP over HTTP, in batches and from a thread, so neither
a slow collector nor one that is down delays an answer; what does not fit the queue is dropped.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Final

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import TraceIdRatioBased
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from gateway.telemetry.names import Attribute, Span
from gateway.telemetry.settings import TracingSettings
from gateway.telemetry.tracing import AttributeValue, OpenSpan, Tracer

_PROPAGATOR: Final = TraceContextTextMapPropagator()

CLOSING_SECONDS: Final = 2.0
"""What a stopping process gives a collector for the last spans, out of its 15 s."""

_KINDS: Final = {Span.REQUEST: trace.SpanKind.SERVER, Span.ATTEMPT: trace.SpanKind.CLIENT}


class RecordedSpan:
    """A span of OpenTelemetry."""

    def __init__(self, span: trace.Span) -> None:
        self.has_failed = False
        self._span = span

    def set(self, attribute: Attribute, value: AttributeValue) -> None:
        self._span.set_attribute(attribute.value, value)

    def fail(self, error: str) -> None:
        self.has_failed = True
        self._span.set_attribute(Attribute.ERROR.value, error)
        self._span.set_status(trace.StatusCode.ERROR)


class RecordingTracer:
    """Spans that `provider` exports."""

    def __init__(self, provider: TracerProvider) -> None:
        self._tracer = provider.get_tracer("trackgraph")

    @contextmanager
    def span(self, name: Span, attributes: dict[Attribute, AttributeValue], parent: str | None) -> Iterator[OpenSpan]:
        begun = self._tracer.start_as_current_span(
            name.value,
            context=_context(parent),
            kind=_KINDS.get(name, trace.SpanKind.INTERNAL),
            attributes={attribute.value: value for attribute, value in attributes.items()},
            record_exception=False,  # an exception's text can hold anything
            set_status_on_exception=False,
        )
        with begun as span:
            recorded = RecordedSpan(span)
            try:
                yield recorded
            except BaseException as error:
                if not recorded.has_failed:
                    recorded.fail(type(error).__name__)
                raise

    def trace_ids(self) -> tuple[str, str] | None:
        context = trace.get_current_span().get_span_context()
        if not context.is_valid:
            return None
        return trace.format_trace_id(context.trace_id), trace.format_span_id(context.span_id)


def new_provider(sample_ratio: float, version: str) -> TracerProvider:
    """What records `sample_ratio` of all traces. Which ones, the trace's id says alone: nobody outside decides it."""
    return TracerProvider(
        sampler=TraceIdRatioBased(sample_ratio),
        resource=Resource.create({SERVICE_NAME: "trackgraph", SERVICE_VERSION: version}),
        shutdown_on_exit=False,  # `exporting` sees to it, and within a time
    )


@contextmanager
def exporting(settings: TracingSettings, version: str) -> Iterator[Tracer]:
    """A tracer that sends what it records to `settings.endpoint`, the last of it when what is inside ends."""
    assert settings.endpoint is not None
    provider = new_provider(settings.sample_ratio, version)
    exporter = OTLPSpanExporter(endpoint=settings.endpoint, timeout=settings.timeout_seconds)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    try:
        yield RecordingTracer(provider)
    finally:
        closing = Thread(target=provider.shutdown, daemon=True)
        closing.start()
        closing.join(CLOSING_SECONDS)


def _context(parent: str | None) -> Context | None:
    """The trace that `parent` names, or the present one; one that is not well-formed begins a new trace."""
    return None if parent is None else _PROPAGATOR.extract({"traceparent": parent}, context=Context())
