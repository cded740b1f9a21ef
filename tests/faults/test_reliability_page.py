"""The page on reliability says what the suite claims, row by row."""

from __future__ import annotations

from tests.faults.table import DIFFERENCES, FAULTS, SITUATIONS, WRITES
from tests.test_docs import ROOT, rows

PAGE = ROOT / "docs" / "reliability.md"


def test_every_fault_is_told_as_it_is_claimed() -> None:
    assert rows(PAGE, "Fault") == [list(row.cells) for row in FAULTS]


def test_what_a_write_becomes_is_told_as_it_is_claimed() -> None:
    assert rows(PAGE, "What the writer sees") == [list(row.cells) for row in WRITES]


def test_a_write_meets_only_faults_of_the_table() -> None:
    named = [fault for row in WRITES for fault in row.faults]
    assert set(named) <= {row.fault for row in FAULTS}
    assert len(named) == len(set(named))


def test_what_differs_elsewhere_is_told_as_it_is_claimed() -> None:
    assert rows(PAGE, "Where") == [list(row.cells) for row in DIFFERENCES]


def test_every_situation_is_told_as_it_is_claimed() -> None:
    assert rows(PAGE, "Situation") == [list(row.cells) for row in SITUATIONS]


def test_no_fault_is_told_twice() -> None:
    names = [row.fault for row in FAULTS]
    assert len(names) == len(set(names))
