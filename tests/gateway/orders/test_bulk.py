"""Rows that are moved in: what makes two of them the same, and which carrier a parcel gets."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gateway.orders.bulk import BulkRow, link_kinds
from gateway.orders.shops import Shop
from providers.models import Reference

ACME = Shop("acme", None, {}, {})
PAY1 = Reference(provider="paypal", kind="paypal_order_id", value="PAY1")
INVOICE = Reference(provider="billink", kind="invoice_number", value="R-1")
ROW = BulkRow("1001", (PAY1, INVOICE), "00340434161094042557", "dhl", "CAP1")


def test_the_same_row_is_the_same_write_wherever_it_stands_and_however_its_columns_do() -> None:
    assert replace(ROW, references=(INVOICE, PAY1)).write(ACME) == ROW.write(ACME)


@pytest.mark.parametrize(
    "change",
    [
        {"order_number": "1002"},
        {"references": (PAY1,)},
        {"references": (PAY1, INVOICE.model_copy(update={"value": "R-2"}))},
        {"tracking_number": "T2"},
        {"carrier": None},
        {"capture_id": None},
        {"capture_id": None, "carrier": "CAP1"},
    ],
)
def test_a_row_that_says_something_else_is_another_write(change: dict[str, Any]) -> None:
    assert replace(ROW, **change).write(ACME).key != ROW.write(ACME).key


def test_a_row_of_another_shop_is_another_write() -> None:
    other = replace(ACME, slug="other")

    assert ROW.write(other).key != ROW.write(ACME).key


def test_a_key_says_nothing_of_the_row_and_fits_into_the_store() -> None:
    key = ROW.write(ACME).key

    assert "1001" not in key
    assert len(key) <= 255


def test_a_carrier_that_is_named_is_taken_as_it_is_and_another_one_is_guessed() -> None:
    named, guessed = replace(ROW, carrier="Our own drivers").shipment, replace(ROW, carrier=None).shipment

    assert named is not None
    assert named.carrier == "Our own drivers"
    assert guessed is not None
    assert guessed.carrier == "dhl"
    assert replace(ROW, carrier=None, tracking_number="?").shipment is None


def test_a_row_without_a_tracking_number_is_no_parcel() -> None:
    assert replace(ROW, tracking_number=None).shipment is None


def test_every_kind_of_link_has_a_column_and_the_orders_own_names_have_none() -> None:
    assert set(link_kinds()) >= {"paypal_order_id", "invoice_number", "order_handle", "route_handle"}
    assert not {"order_number", "order_name", "external_id", "uuid"} & set(link_kinds())
