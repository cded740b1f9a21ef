"""What trackers on payments were sent with, kept on either database."""

from __future__ import annotations

import asyncio

import pytest

from gateway.store.database import Database
from gateway.store.order_tracker_details import OrderTrackerDetails, TrackerDetails
from providers.models import Carrier, OrderTracker
from tests.gateway.orders.builders import payment


def sent(
    number: str | None = "N1", carrier: Carrier | None = None, tracker: str = "T1", order: str = "PAY1"
) -> OrderTracker:
    """A tracker with what it was sent with."""
    return payment(tracker=tracker, paypal_order=order).model_copy(
        update={"tracking_number": number, "carrier": carrier}
    )


@pytest.mark.parametrize(
    ("number", "carrier"),
    [
        ("N1", Carrier(reference="DE_DHL")),
        ("Ñ 1/ß", Carrier(reference="OTHER", name="Fiets & Co")),
        ("N1", None),
        (None, Carrier(reference="UPS")),
        (None, None),
    ],
)
async def test_what_was_sent_is_read_again(database: Database, number: str | None, carrier: Carrier | None) -> None:
    await OrderTrackerDetails(database).keep("acme", sent(number, carrier))
    assert await OrderTrackerDetails(database).find("acme", "PAY1") == {"T1": TrackerDetails(number, carrier)}


async def test_details_belong_to_one_shop_and_one_payment(database: Database) -> None:
    details = OrderTrackerDetails(database)
    await details.keep("acme", sent("N1", tracker="T1"))
    await details.keep("acme", sent("N2", tracker="T2"))
    await details.keep("acme", sent("N3", order="PAY2"))
    await details.keep("other", sent("N4"))
    assert {tracker: kept.tracking_number for tracker, kept in (await details.find("acme", "PAY1")).items()} == {
        "T1": "N1",
        "T2": "N2",
    }
    assert (await details.find("acme", "PAY3")) == {}


async def test_the_latest_word_counts(database: Database) -> None:
    details = OrderTrackerDetails(database)
    await details.keep("acme", sent("N1", Carrier(reference="OTHER", name="Fiets & Co")))
    await details.keep("acme", sent("N2", Carrier(reference="UPS")))
    assert await details.find("acme", "PAY1") == {"T1": TrackerDetails("N2", Carrier(reference="UPS"))}


async def test_two_that_keep_the_same_at_once_keep_it_once(database: Database) -> None:
    details = OrderTrackerDetails(database)
    await asyncio.gather(*(details.keep("acme", sent("N1")) for _ in range(8)))
    assert await details.find("acme", "PAY1") == {"T1": TrackerDetails("N1", None)}


async def test_what_is_forgotten_is_that_of_the_payments_named(database: Database) -> None:
    details = OrderTrackerDetails(database)
    for kept in (sent(tracker="T1"), sent(tracker="T2"), sent(order="PAY2"), sent(order="PAY3")):
        await details.keep("acme", kept)
    await details.keep("other", sent())
    assert await details.forget("acme", ["PAY1", "PAY2", "PAY9"]) == 3
    assert await details.forget("acme", []) == 0
    left = [(shop, order) for shop in ("acme", "other") for order in ("PAY1", "PAY2", "PAY3")]
    assert [each for each in left if await details.find(*each)] == [("acme", "PAY3"), ("other", "PAY1")]
