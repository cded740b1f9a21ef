"""The dashboard and the alert rules ask for metrics that exist, by labels that they have."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.telemetry.names import METRICS, Metric

DEPLOY = Path(__file__).parents[1] / "deploy"

SCRAPED = frozenset({"job", "instance"})
"""Labels that Prometheus adds to what it reads."""

BY_SAMPLE: dict[str, Metric] = {sample: metric for metric in METRICS for sample in metric.samples}


def alerts() -> list[dict[str, Any]]:
    [group] = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text("utf-8"))["groups"]
    rules: list[dict[str, Any]] = group["rules"]
    return rules


def panels() -> list[dict[str, Any]]:
    dashboard = json.loads((DEPLOY / "grafana" / "trackgraph.json").read_text("utf-8"))
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def expressions() -> Iterator[tuple[str, str]]:
    """Every query of Prometheus, by where it stands."""
    for alert in alerts():
        yield alert["alert"], alert["expr"]
    for panel in panels():
        for target in panel["targets"]:
            yield panel["title"], target["expr"]


each_expression = pytest.mark.parametrize(
    "expression", [expression for _, expression in expressions()], ids=[place for place, _ in expressions()]
)


def selectors(expression: str) -> list[tuple[str, set[str]]]:
    """Each metric that an expression reads, with the labels that it chooses by."""
    found = re.findall(r"\b(trackgraph_\w+|up)\b(?:\{(.*?)\})?", expression)
    return [(name, set(re.findall(r"(\w+)(?:=~|=|!=)\"", chosen))) for name, chosen in found]


@each_expression
def test_what_is_asked_for_exists(expression: str) -> None:
    assert selectors(expression)
    for name, chosen in selectors(expression):
        if name != "up":
            assert name in BY_SAMPLE, name
            assert chosen <= SCRAPED | set(BY_SAMPLE[name].labels), name


@each_expression
def test_what_is_grouped_by_is_a_label_of_all_that_is_read(expression: str) -> None:
    grouped = {label for labels in re.findall(r"\bby \(([^)]*)\)", expression) for label in labels.split(", ")}
    known = set.intersection(*(labels_of(name) for name, _ in selectors(expression)))

    assert grouped <= known


def labels_of(sample: str) -> set[str]:
    if sample == "up":
        return set(SCRAPED)
    return {*SCRAPED, *BY_SAMPLE[sample].labels} | ({"le"} if sample.endswith("_bucket") else set())


@each_expression
def test_counters_are_read_as_rates_and_brackets_close(expression: str) -> None:
    for name, _ in selectors(expression):
        if name.endswith(("_total", "_bucket", "_count")):
            assert re.search(rf"\b(rate|increase)\({name}\b", expression), name
    for opening, closing in ("()", "[]", "{}"):
        assert expression.count(opening) == expression.count(closing)


def test_every_metric_is_on_the_dashboard() -> None:
    """What nobody looks at need not be counted."""
    shown = {name for panel in panels() for target in panel["targets"] for name, _ in selectors(target["expr"])}

    assert [metric.name for metric in METRICS if not metric.samples & shown] == []


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert["alert"])
def test_an_alert_says_what_is_wrong_and_how_urgent_it_is(alert: dict[str, Any]) -> None:
    assert alert["labels"]["severity"] in ("page", "ticket")
    assert set(alert["annotations"]) == {"summary", "description"}
    kept = {label for labels in re.findall(r"\bby \(([^)]*)\)", alert["expr"]) for label in labels.split(", ")}
    used = set(re.findall(r"\$labels\.(\w+)", " ".join(alert["annotations"].values())))
    assert used <= (kept or SCRAPED)


def test_panels_of_the_dashboard_do_not_overlap() -> None:
    cells: set[tuple[int, int]] = set()
    for panel in panels():
        at = panel["gridPos"]
        covered = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not covered & cells, panel["title"]
        assert at["x"] + at["w"] <= 24
        cells |= covered


def test_the_names_of_lines_are_labels_of_what_is_shown() -> None:
    for panel in panels():
        for target in panel["targets"]:
            kept = {label for labels in re.findall(r"\bby \(([^)]*)\)", target["expr"]) for label in labels.split(", ")}
            assert set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) <= kept, panel["title"]


def test_the_image_can_trace() -> None:
    """It installs what `requirements.lock` holds, and that has the extra for traces."""
    project = tomllib.loads((DEPLOY.parent / "pyproject.toml").read_text("utf-8"))["project"]
    needed = {re.split(r"[<>=]", requirement)[0] for requirement in project["optional-dependencies"]["otel"]}
    locked = set(re.findall(r"^([a-z0-9-]+)==", (DEPLOY.parent / "requirements.lock").read_text("utf-8"), re.MULTILINE))

    assert needed
    assert needed <= locked
