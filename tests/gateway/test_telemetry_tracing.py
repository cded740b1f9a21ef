"""Spans: what they tell, that they are sent, that a dead collector delays nobody, and what they cost when off."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
import timeit
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pydantic import ValidationError

from gateway.telemetry import observing
from gateway.telemetry.clients import Client
from gateway.telemetry.names import SPANS, Attribute, Span
from gateway.telemetry.otel import CLOSING_SECONDS, RecordingTracer, exporting, new_provider
from gateway.telemetry.settings import TracingSettings
from gateway.telemetry.tracing import NOTHING, span, trace_ids, tracing_with
from providers.errors import ProviderTimeout
from tests.collector import running_collector

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"


@contextmanager
def threads_ended() -> Iterator[None]:
    """Has every thread that is started inside end there: what it logs later would meet a stream that is closed."""
    before = set(threading.enumerate())
    yield
    for thread in set(threading.enumerate()) - before:
        thread.join()


@contextmanager
def recorded() -> Iterator[InMemorySpanExporter]:
    """The spans that are made inside, when they have ended."""
    exporter = InMemorySpanExporter()
    provider = new_provider(1.0, "1")
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with tracing_with(RecordingTracer(provider)):
        yield exporter


def by_name(exporter: InMemorySpanExporter) -> dict[str, ReadableSpan]:
    return {each.name: each for each in exporter.get_finished_spans()}


class TestOff:
    def test_a_span_is_one_object_that_does_nothing(self) -> None:
        assert span(Span.CALL) is span(Span.REQUEST) is NOTHING
        assert trace_ids() is None

    def test_what_records_and_sends_is_not_imported(self) -> None:
        """So tracing that is off costs neither memory nor the time to import it. (redis looks at parts of the SDK.)"""
        script = "import sys, gateway.app; print(*sys.modules)"
        told = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)  # noqa: S603

        modules = told.stdout.split()
        assert "gateway.telemetry.tracing" in modules
        heavy = ("gateway.telemetry.otel", "opentelemetry.sdk.trace", "opentelemetry.exporter", "requests")
        assert [name for name in modules if name.startswith(heavy)] == []

    def test_a_span_costs_less_than_a_thousandth_of_a_request(self) -> None:
        """A warm order page takes 6 ms of CPU and has some 6 spans; 1 µs each is what a call of a function costs."""

        def nothing() -> None:
            with span(Span.CALL):
                pass

        assert min(timeit.repeat(nothing, number=1000, repeat=20)) / 1000 < 5e-6

    def test_what_is_raised_inside_passes(self) -> None:
        with pytest.raises(KeyError), span(Span.CALL):
            raise KeyError


class TestRecorded:
    def test_a_call_stands_in_its_request_with_its_attempts(self) -> None:
        with recorded() as exporter:
            client = Client("order-page", "2")
            with observing.request("POST", "/graphql", "4f", client, traceparent=None) as notes:
                with observing.operation() as operation:
                    operation.chose("query")
                    with observing.cache_load("acme", "karla", "find_order") as load:
                        account = ("acme", "karla", "find_order")
                        with observing.provider_call(*account), observing.provider_attempt(*account):
                            pass
                        load.ended("MISS", None)
                notes.status = 200
        spans = by_name(exporter)

        chain = [spans[name.value] for name in (Span.ATTEMPT, Span.CALL, Span.CACHE, Span.OPERATION, Span.REQUEST)]
        for inner, outer in pairwise(chain):
            assert inner.parent is not None
            assert inner.parent.span_id == outer.context.span_id
        for name, doc in SPANS.items():
            assert set(spans[name.value].attributes or {}) == {attribute.value for attribute in doc.attributes}

    async def test_a_task_that_is_started_inside_belongs_to_it(self) -> None:
        async def refresh() -> None:
            with observing.provider_call("acme", "karla", "find_order"):
                await asyncio.sleep(0)

        with recorded() as exporter:
            with observing.cache_load("acme", "karla", "find_order"):
                behind = asyncio.create_task(refresh())
            await behind
        spans = by_name(exporter)

        assert spans["provider.call"].context.trace_id == spans["cached.load"].context.trace_id

    def test_a_trace_from_outside_is_gone_on_with(self) -> None:
        with recorded() as exporter, observing.request("GET", "/graphql", "4f", Client(), traceparent=PARENT):
            assert trace_ids() is not None
        [request] = exporter.get_finished_spans()

        assert f"{request.context.trace_id:032x}" == PARENT.split("-")[1]
        assert request.parent is not None
        assert f"{request.parent.span_id:016x}" == PARENT.split("-")[2]

    @pytest.mark.parametrize("header", ["", "s3cret", "00-zz-zz-01", PARENT + "-and-more" * 100])
    def test_a_header_that_is_no_trace_begins_a_new_one(self, header: str) -> None:
        with recorded() as exporter, observing.request("GET", "/graphql", "4f", Client(), traceparent=header):
            pass
        [request] = exporter.get_finished_spans()

        assert request.parent is None

    def test_a_failure_is_told_by_its_code_and_never_by_its_text(self) -> None:
        account = ("acme", "karla", "find_order")
        with recorded() as exporter:
            with pytest.raises(ValueError, match="s3cret"), observing.provider_attempt(*account):
                raise ValueError("s3cret")
            with pytest.raises(ProviderTimeout), observing.provider_call(*account):
                raise ProviderTimeout("karla", "find_order")
        spans = by_name(exporter)

        call, attempt = spans["provider.call"], spans["provider.attempt"]
        assert (call.attributes or {})[Attribute.ERROR] == "PROVIDER_TIMEOUT"
        assert not call.status.is_ok
        assert not attempt.status.is_ok
        assert (call.events, attempt.events) == ((), ())
        assert "s3cret" not in attempt.to_json()

    def test_ids_are_at_hand_for_the_log(self) -> None:
        with recorded() as exporter, span(Span.CALL):
            ids = trace_ids()
        [call] = exporter.get_finished_spans()

        assert ids == (f"{call.context.trace_id:032x}", f"{call.context.span_id:016x}")


class TestSending:
    def test_spans_reach_the_collector_when_the_process_ends(self) -> None:
        with running_collector() as collector:
            settings = TracingSettings(endpoint=collector.endpoint)
            with exporting(settings, "1.2.3") as tracer, tracing_with(tracer), span(Span.CALL):
                pass

        [(path, body)] = collector.received
        assert path == "/v1/traces"
        assert b"provider.call" in body
        assert b"1.2.3" in body

    def test_a_collector_that_is_down_keeps_nobody_for_long(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level("CRITICAL")  # that it cannot be reached is logged, by OpenTelemetry
        settings = TracingSettings(endpoint="http://127.0.0.1:9/v1/traces", timeout_seconds=CLOSING_SECONDS + 2)
        with threads_ended():
            begun = time.monotonic()
            with exporting(settings, "1") as tracer, tracing_with(tracer):
                for _ in range(100):
                    with span(Span.CALL):
                        pass
                answered = time.monotonic() - begun
            closed = time.monotonic() - begun

        assert answered < 1
        assert closed < answered + CLOSING_SECONDS + 1

    def test_nobody_outside_decides_what_is_recorded(self) -> None:
        """Though `traceparent` says that the trace is recorded, a share of nothing is nothing."""
        exporter = InMemorySpanExporter()
        provider = new_provider(0.0, "1")
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        with tracing_with(RecordingTracer(provider)), span(Span.REQUEST, parent=PARENT[:-1] + "1"):
            pass

        assert exporter.get_finished_spans() == ()

    @pytest.mark.parametrize("endpoint", ["collector:4318", "file:///tmp/traces", ""])
    def test_only_an_address_of_http_is_one(self, endpoint: str) -> None:
        with pytest.raises(ValidationError):
            TracingSettings(endpoint=endpoint)
