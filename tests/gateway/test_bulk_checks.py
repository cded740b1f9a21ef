"""What must hold of rows before any is taken: their limits are those of the mutations, and they fit together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from gateway.cli.bulk_checks import RowChecker
from gateway.cli.bulk_memory import BulkMemory
from gateway.cli.bulk_rows import ReadRow
from gateway.orders.bulk import BulkRow, link_kinds
from gateway.orders.shops import Shop
from providers.models import Reference

DHL_NUMBER = "00340434161094042557"
SHOP = Shop("acme", None, {"karla": object(), "paypal": object(), "billink": object()}, {})  # type: ignore[dict-item]
"""Checks ask no provider, but which ones there are."""


@pytest.fixture
def checker() -> Iterator[RowChecker]:
    with BulkMemory() as memory:
        yield RowChecker(SHOP, memory)


def row(order_number: str = "1001", tracking_number: str | None = None, **cells: str) -> BulkRow:
    references = tuple(
        Reference(provider=link_kinds()[kind][0], kind=kind, value=cells.pop(kind))
        for kind in list(cells)
        if kind in link_kinds()
    )
    others: dict[str, Any] = cells
    return BulkRow(order_number, references, tracking_number, **others)


def wrong(checker: RowChecker, rows: Sequence[BulkRow]) -> list[tuple[int, str | None, str]]:
    """Line, column and message of everything that is wrong, where the first row is in line 2."""
    found = [each for line, row in enumerate(rows, 2) for each in checker.check(ReadRow(line, row))]
    return [(each.line, each.column, each.message) for each in found]


def test_a_parcel_a_link_and_both_are_right(checker: RowChecker) -> None:
    rows = [
        row("1001", "T1", carrier="dhl"),
        row("1002", paypal_order_id="PAY2"),
        row("1003", "T3", carrier="dhl", paypal_order_id="PAY3", capture_id="CAP3", invoice_number="R-3"),
        row("1003", "T4", carrier="dhl", paypal_order_id="PAY3"),
    ]

    assert wrong(checker, rows) == []
    assert checker.rows == 4


@pytest.mark.parametrize(
    ("given", "column", "message"),
    [
        (row("1" * 256, "T1", carrier="dhl"), "order_number", "An order number is 1 to 255 printable characters."),
        (row("10\n01", paypal_order_id="P"), "order_number", "An order number is 1 to 255 printable characters."),
        (row(paypal_order_id="pay"), "paypal_order_id", "This is no PayPal order id: look it up at the provider."),
        (row(order_handle="1001"), "order_handle", "Shop acme has not configured this provider."),
        (row(tracking_number="T" * 256, carrier="dhl"), "tracking_number", "This takes 1 to 255 printable characters."),
        (row(tracking_number="T1", carrier="x" * 65), "carrier", "This takes 1 to 64 printable characters."),
        (
            row(tracking_number="T1", carrier="dhl", capture_id="x y"),
            "capture_id",
            "This takes PayPal's id of a capture: 1 to 50 letters and digits.",
        ),
        (
            row(tracking_number="T" * 65, carrier="dhl", paypal_order_id="PAY1"),
            "tracking_number",
            "One of the providers named takes at most 64 characters.",
        ),
        (
            row(tracking_number="T1"),
            "carrier",
            "is missing, and the tracking number is built like no carrier's that is known: name the carrier",
        ),
        (
            row(),
            None,
            "says nothing of its order: give one of tracking_number, order_handle, route_handle, paypal_order_id, "
            "invoice_number",
        ),
    ],
)
def test_what_is_wrong_with_one_row_is_told_once_and_by_column(
    checker: RowChecker, given: BulkRow, column: str | None, message: str
) -> None:
    assert wrong(checker, [given]) == [(2, column, message)]


def test_a_carrier_is_guessed_from_the_number_and_the_guesses_are_counted(checker: RowChecker) -> None:
    rows = [
        row("1001", DHL_NUMBER),
        row("1002", "1Z999AA10123456784"),
        row("1003", DHL_NUMBER),
        row("4", "T", carrier="x"),
    ]

    assert wrong(checker, rows) == []
    assert checker.guessed == {"dhl": 2, "ups": 1}


def test_the_same_parcel_twice_is_told_in_the_second_line(checker: RowChecker) -> None:
    rows = [row("1001", "T1", carrier="dhl"), row("1002", "T1", carrier="dhl"), row("1001", "T1", carrier="ups")]

    assert wrong(checker, rows) == [(4, "tracking_number", "stands beside the same order in line 2 already")]


def test_a_reference_of_two_orders_is_told_in_the_second_line(checker: RowChecker) -> None:
    rows = [
        row("1001", paypal_order_id="PAY1"),
        row("1001", paypal_order_id="PAY1"),
        row("1002", paypal_order_id="PAY1"),
    ]

    assert wrong(checker, rows) == [(4, "paypal_order_id", "is another order's in line 2")]


def test_a_route_may_stop_at_several_orders() -> None:
    shop = Shop("acme", None, {"hypertrack": object()}, {})  # type: ignore[dict-item]
    with BulkMemory() as memory:
        checker = RowChecker(shop, memory)

        assert wrong(checker, [row("1001", route_handle="R1"), row("1002", route_handle="R1")]) == []


def test_numbers_of_registrations_come_back_once_each_and_some_at_a_time() -> None:
    with BulkMemory() as memory:
        for number in (3, 1, 2, 3):
            memory.note_accepted(number)

        assert list(memory.accepted(2)) == [(1, 2), (3,)]
