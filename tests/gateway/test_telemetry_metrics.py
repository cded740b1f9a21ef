"""Metrics are those that are named and documented, and several workers count as one gateway."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.cli.failures import CommandFailed
from gateway.cli.metrics_docs import check_metrics_docs, metrics_page
from gateway.telemetry import metrics, names
from gateway.telemetry.names import LABELS, METRICS, SPANS, Kind, Metric, Span
from tests.figures import figure

ROOT = Path(__file__).parents[2]

BY_WORKER = """
import sys
from gateway.telemetry import observing
from gateway.telemetry.metrics import EVENT_LOOP_LAG, HTTP_IN_FLIGHT, STORE_UP, exposition, tell

for _ in range(int(sys.argv[1])):
    observing.unknown_word("karla")
HTTP_IN_FLIGHT.inc(int(sys.argv[1]))
EVENT_LOOP_LAG.observe(0.3)
STORE_UP.set(int(sys.argv[1]) % 2)
tell()
print("counted", flush=True)
sys.stdin.readline()
print(exposition()[0].decode())
"""


def worker(number: int) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603  # our own script
        [sys.executable, "-c", BY_WORKER, str(number)],
        cwd=ROOT,
        env=os.environ.copy(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def counted(process: subprocess.Popen[str]) -> subprocess.Popen[str]:
    assert process.stdout is not None
    assert process.stdout.readline() == "counted\n"
    return process


class TestSeveralWorkers:
    def test_any_of_them_tells_the_figures_of_all_and_forgets_what_a_dead_one_was_doing(self) -> None:
        """A counter never goes back, so a dead worker's counts stay; requests that it was answering are gone."""
        with metrics.shared_by_workers():
            dead = counted(worker(3))
            dead.kill()
            dead.communicate()
            one, other = (counted(process) for process in (worker(1), worker(2)))
            text, _ = one.communicate("\n")
            other.communicate("\n")

        assert figure("trackgraph_provider_unknown_words_total", text, provider="karla") == 6
        assert figure("trackgraph_http_requests_in_flight", text) == 3
        assert figure("trackgraph_event_loop_lag_seconds_count", text) == 3
        assert figure("trackgraph_event_loop_lag_seconds_bucket", text, le="0.2") == 0
        assert figure("trackgraph_store_up", text) in (0, 1)

    def test_the_folder_that_they_share_is_removed(self) -> None:
        with metrics.shared_by_workers():
            folder = Path(os.environ["PROMETHEUS_MULTIPROC_DIR"])
            assert folder.is_dir()
        assert not folder.exists()
        assert "PROMETHEUS_MULTIPROC_DIR" not in os.environ


class TestNames:
    def test_every_metric_has_an_instrument_and_no_instrument_is_unnamed(self) -> None:
        told = set(re.findall(r"^# TYPE (\S+) (\w+)$", metrics.exposition()[0].decode(), re.MULTILINE))

        assert told == {(metric.name, metric.kind.value) for metric in METRICS}

    @pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
    def test_names_follow_the_conventions_of_prometheus(self, metric: Metric) -> None:
        assert re.fullmatch(r"trackgraph_[a-z_]+", metric.name)
        assert metric.name.endswith("_total") == (metric.kind is Kind.COUNTER)
        assert metric.name.endswith("_seconds") or metric.kind is not Kind.HISTOGRAM
        assert metric.description.endswith(".")
        assert (metric.kind is Kind.HISTOGRAM) == bool(metric.buckets)

    def test_every_label_is_explained_and_used(self) -> None:
        assert set(LABELS) == {label for metric in METRICS for label in metric.labels}

    def test_every_metric_is_in_the_list(self) -> None:
        assert [value for value in vars(names).values() if isinstance(value, Metric)] == list(METRICS)

    def test_every_span_is_explained(self) -> None:
        assert set(SPANS) == set(Span)


class TestDocumentation:
    def test_the_page_is_the_one_that_the_code_says(self) -> None:
        assert (ROOT / "docs" / "metrics.md").read_text("utf-8") == metrics_page()

    def test_the_page_has_a_row_for_every_name(self) -> None:
        page = metrics_page()

        named = [*(metric.name for metric in METRICS), *LABELS, *SPANS, *names.LOG_FIELDS]
        assert [name for name in named if f"| `{name}` |" not in page] == []

    def test_a_page_of_other_names_is_refused(self, tmp_path: Path) -> None:
        page = tmp_path / "metrics.md"
        page.write_text(metrics_page().replace("_shed_", "_lost_"), "utf-8")

        with pytest.raises(CommandFailed, match="trackgraph metrics-docs"):
            check_metrics_docs(page)
