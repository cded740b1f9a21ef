"""`trackgraph metrics-docs`: the documentation of metrics, spans and log fields, written from their names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from gateway.cli.failures import CommandFailed
from gateway.telemetry.names import LABELS, LOG_FIELDS, METRICS, SPANS, Attribute, Kind, Metric

INTRODUCTION = """\
# Metrics, traces and the log

<!-- Written by `trackgraph metrics-docs`; do not edit. -->

What the gateway tells the team that runs it. How to turn it on, keep it private and watch it is in
[operating.md](operating.md).

Nothing here ever holds a secret, a URL, an address, a tracking number, a text of a provider, or the text or variables
of a query. What a label can be is bounded: by the settings, by the code, or by a number of versions.
"""

ON_METRICS = """\
## Metrics

At `/metrics`, for Prometheus. Times are in seconds. A histogram has the series `_bucket`, `_count` and `_sum`. With
several workers the figures are those of all of them; what a gauge is then stands behind it: the sum of the workers, the
highest of them, or the latest reading.
"""

ON_SPANS = """\
## Spans

Sent by OTLP where `tracing.endpoint` is set. A span that failed has the status `ERROR` and `error.type`: an error code,
an HTTP status, or the class of an exception.
"""

ON_LOG = """\
## Fields of the log

Members of each line with `server.log_format = "json"`. As text, a line holds the same, the trace without its span.
"""


def write_metrics_docs(file: Path) -> None:
    """Write the documentation of all metrics to `file`."""
    file.write_text(metrics_page(), "utf-8")
    print(f"wrote {file}")


def check_metrics_docs(file: Path) -> None:
    """Raise `CommandFailed` unless `file` holds the documentation of the metrics as they are."""
    if not file.exists() or file.read_text("utf-8") != metrics_page():
        raise CommandFailed(f"{file} is out of date; run: trackgraph metrics-docs")


def metrics_page() -> str:
    """Every metric, label, span and log field as Markdown, a table for each kind."""
    sections = [
        ON_METRICS,
        _table(("Metric", "Kind", "Labels", "What it says"), (_metric_row(metric) for metric in METRICS)),
        "### Labels\n",
        _table(("Label", "Can be"), ((f"`{label}`", text) for label, text in LABELS.items())),
        ON_SPANS,
        _table(
            ("Span", "Attributes", "What it covers"),
            ((f"`{name}`", _codes(span.attributes), span.description) for name, span in SPANS.items()),
        ),
        ON_LOG,
        _table(("Field", "What it says"), ((f"`{name}`", text) for name, text in LOG_FIELDS.items())),
    ]
    return "\n".join([INTRODUCTION, *sections])


def _metric_row(metric: Metric) -> tuple[str, str, str, str]:
    kind = f"{metric.kind}, {metric.workers}" if metric.kind is Kind.GAUGE else metric.kind.value
    return f"`{metric.name}`", kind, _codes(metric.labels), metric.description


def _codes(names: Sequence[str | Attribute]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join([*(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines), ""])
