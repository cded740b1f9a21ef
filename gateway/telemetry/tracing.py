"""Traces, for whoever wants them: what the gateway does is in spans, and without a tracer those are nothing.

Nothing of OpenTelemetry is imported here. While tracing is off, a span is one shared object that does nothing, so it
costs a call and no memory; `gateway.telemetry.otel` has the tracer that records.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from types import TracebackType
from typing import Final, Protocol

from gateway.telemetry.names import Attribute, Span

AttributeValue = str | int | bool | float


class OpenSpan(Protocol):
    """A span that has begun."""

    def set(self, attribute: Attribute, value: AttributeValue) -> None:
        """Learn something about what it covers."""
        ...

    def fail(self, error: str) -> None:
        """What it covers failed; `error` is a code, never a text."""
        ...


class Tracer(Protocol):
    """Makes spans. One begun inside another, in the same task or one that it started, is its child."""

    def span(
        self, name: Span, attributes: dict[Attribute, AttributeValue], parent: str | None
    ) -> AbstractContextManager[OpenSpan]:
        """A span around what is inside; `parent` is a `traceparent` (W3C Trace Context) from outside."""
        ...

    def trace_ids(self) -> tuple[str, str] | None:
        """The present trace and span, in hex; None outside of one that is recorded."""
        ...


class _Nothing:
    """The tracer, the context manager and the span of a gateway without tracing, all in one."""

    def span(self, _name: Span, _attributes: object, _parent: object) -> _Nothing:
        return self

    def trace_ids(self) -> None:
        return None

    def set(self, _attribute: Attribute, _value: AttributeValue) -> None:
        return None

    def fail(self, _error: str) -> None:
        return None

    def __enter__(self) -> _Nothing:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        return None


NOTHING: Final = _Nothing()

_tracer: Tracer = NOTHING


def is_tracing() -> bool:
    """Whether anybody records spans."""
    return _tracer is not NOTHING


def span(
    name: Span, attributes: dict[Attribute, AttributeValue] | None = None, *, parent: str | None = None
) -> AbstractContextManager[OpenSpan]:
    """A span around what is inside. What is raised there passes, and the span tells its class and no text."""
    return _tracer.span(name, attributes or {}, parent)


def trace_ids() -> tuple[str, str] | None:
    """The present trace and span, in hex, where they are recorded."""
    return _tracer.trace_ids()


@contextmanager
def tracing_with(tracer: Tracer) -> Iterator[None]:
    """Have this process's spans made by `tracer` while what is inside runs."""
    global _tracer  # noqa: PLW0603  # one tracer in a process, as spans are begun in every layer of it
    before, _tracer = _tracer, tracer
    try:
        yield
    finally:
        _tracer = before
