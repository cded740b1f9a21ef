"""The benchmarks run from end to end, each in the smallest extent it has. Nothing here is about speed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import costs, imports, memory, pages
from benchmarks.processes import ROOT
from benchmarks.report import DOCUMENT, write_section

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the benchmarks read Linux's /proc")

RUN_SECONDS = 120


def run(*arguments: str) -> list[list[str]]:
    """The lines that `python -m benchmarks` prints into a pipe, each as its cells. Fails when the command does."""
    command = [sys.executable, "-m", "benchmarks", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=RUN_SECONDS, check=False)  # noqa: S603  # our own
    assert done.returncode == 0, done.stderr
    return [line.split("\t") for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def timed_pages() -> list[list[str]]:
    """What `pages` prints after one round of one request or so."""
    return run("pages", "--rounds", "1", "--seconds", "0.01", "--orders", "300")


def test_pages_prints_a_row_for_each_page_cold_and_warm_and_for_each_load(timed_pages: list[list[str]]) -> None:
    columns, *rows = timed_pages

    assert tuple(columns) == pages.COLUMNS
    assert [(page, copies, at_once) for page, copies, at_once, *_ in rows] == [
        (page, copies, at_once)
        for page in ("order page", "30 orders")
        for copies in ("cold", "warm")
        for at_once in ("1", "16")
    ]


def test_what_is_called_cold_asks_the_providers_and_what_is_called_warm_does_not(timed_pages: list[list[str]]) -> None:
    columns, *rows = timed_pages
    calls = columns.index("calls/request")

    assert {(row[0], row[1]): row[calls] for row in rows} == {
        ("order page", "cold"): "3.00",
        ("order page", "warm"): "0.00",
        ("30 orders", "cold"): "1.00",
        ("30 orders", "warm"): "0.00",
    }


def test_memory_prints_the_growth_and_where_the_first_and_last_order_come_from() -> None:
    columns, *rows = run("memory", "--orders", "300")

    assert tuple(columns) == memory.COLUMNS
    assert rows[0][0] == "0"
    assert ["Asked for again, the first order is a HIT and the last a HIT."] in rows, "300 orders fit into any cache"


def test_costs_prints_the_layers_of_both_pages_and_they_come_to_the_whole() -> None:
    columns, *rows = run("costs", "--rounds", "1")

    assert tuple(columns) == costs.COLUMNS
    assert [row[0] for row in rows if row[2] == "all"] == ["order page", "30 orders"]


def test_import_prints_a_row_for_each_file_with_every_step_done() -> None:
    columns, *rows = run("import", "--orders", "300")

    assert tuple(columns) == imports.COLUMNS
    assert [row[0] for row in rows] == ["30", "300"]
    assert int(rows[1][1]) > 300, "Karla is told of every row, and others of some"


def test_a_section_of_the_document_is_replaced_and_all_else_stays(tmp_path: Path) -> None:
    document = tmp_path / "performance.md"
    document.write_text("above\n<!-- begin pages -->\nold\n<!-- end pages -->\nbelow\n")

    write_section("pages", "new", document)

    assert document.read_text() == "above\n<!-- begin pages -->\nnew\n<!-- end pages -->\nbelow\n"


def test_a_document_without_the_section_is_left_alone(tmp_path: Path) -> None:
    document = tmp_path / "performance.md"
    document.write_text("no marks\n")

    with pytest.raises(ValueError, match="has no section"):
        write_section("pages", "new", document)

    assert document.read_text() == "no marks\n"


@pytest.mark.parametrize("name", ["pages", "memory", "costs", "import"])
def test_the_document_has_a_section_for_every_subject(name: str) -> None:
    assert f"<!-- begin {name} -->" in DOCUMENT.read_text()
