"""Claims about the other providers: a fault of theirs is met as Karla's is, but for what the table of differences says.

One test goes through all faults at one place, since a gateway of its own for each is cheap and simulators are not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import pytest

from providers.http import MAX_BODY_BYTES
from providers.simulation.world import SimulatedOrder
from tests.faults.conftest import ServeGateway
from tests.faults.table import (
    ANYWHERE,
    DIFFERENCES,
    QUERY,
    WRITE,
    WRITES,
    FaultRow,
    Told,
)
from tests.faults.test_faults import IN_BUFFERS, played
from tests.faults.test_outages import EVERYTHING
from tests.faults.troubles import BILLINK, HYPERTRACK, PAYPAL, TOKENS, Place, Stage
from tests.gateway.freshness.conftest import HandClock
from tests.scenarios.harness import Data, Reply

DRIPPING = ("headers drip", "body drips")
"""Like a hang they run into the deadline, the same for every provider: it takes a second and tells nothing new."""

ALL = [row for row in ANYWHERE if row.fault not in DRIPPING]

REQUESTS = [row for row in ALL if row.arrives]
"""The faults in the answer to a request. An address that cannot be reached has no part that could be spared."""

FAULTS_AT = {PAYPAL: ALL, TOKENS: REQUESTS, HYPERTRACK: ALL, BILLINK: ALL}

READ = [PAYPAL, TOKENS, HYPERTRACK]
"""Billink is asked nothing to be read."""


class Met(NamedTuple):
    """A fault as it was met: what a client sees, and the requests that arrived."""

    sees: str
    arrived: int


@dataclass(frozen=True, slots=True)
class Write:
    """A mutation that one provider is sent, and its input: another one for each `number`."""

    mutation: str
    input: Callable[[SimulatedOrder, int], Data]

    @property
    def document(self) -> str:
        given = f"{self.mutation[0].upper()}{self.mutation[1:]}Input"
        return f"mutation ($input: {given}!) {{ {self.mutation}(input: $input) {{ userErrors {{ code }} }} }}"


def order_tracker(order: SimulatedOrder, number: int) -> Data:
    payment = {"paypalOrderId": order.paypal_order_id, "captureId": order.capture_id}
    items = [{"name": "Product A", "quantity": "2"}]
    return {**payment, "trackingNumber": str(443844600000 + number), "carrier": "FEDEX", "items": items}


def route(_order: SimulatedOrder, number: int) -> Data:
    """HyperTrack's own example (reference page "Track Orders"), with handles of our own."""
    stop = {
        "type": "drop",
        "scheduledAt": "2026-02-01T02:00:00Z",
        "destination": {
            "address": "748 Story Rd, San Jose, CA 95112",
            "location": {"latitude": 34.832173, "longitude": 17.803927},
            "radiusMetres": 100,
        },
    }
    stops = [{"orderHandle": f"stop-{number}-{place}", **stop} for place in range(2)]
    driver = {"workerHandle": "james@ht.com", "trackMode": "on_time"}
    return {**driver, "orders": stops}


def invoice_tracker(order: SimulatedOrder, number: int) -> Data:
    return {"invoiceNumber": order.number, "carrierCode": "POSTNL", "trackAndTrace": f"3SDEMO{number:09}"}


PAID = Write("createOrderTracker", order_tracker)

WRITTEN = {
    PAYPAL: PAID,
    TOKENS: PAID,
    HYPERTRACK: Write("trackRoute", route),
    BILLINK: Write("createInvoiceTracker", invoice_tracker),
}

OUTCOMES = {fault: each.sees for each in WRITES for fault in each.faults}
"""What a write becomes that meets a fault of Karla's."""

at_each = pytest.mark.parametrize("place", FAULTS_AT, ids=lambda place: place.name)


def failures_in(reply: Reply, place: Place) -> str:
    """The failures of the provider in an answer, written as the table writes them."""
    told = [error["extensions"] for error in reply.errors]
    assert {each["provider"] for each in told} <= {place.provider}
    return "; ".join(f"`{each['code']}`" + (", retryable" if each["retryable"] else "") for each in told)


def with_differences(met: dict[str, Met], place: Place, asked_by: str) -> dict[str, Met]:
    different = [each for each in DIFFERENCES if (each.place, each.asked_by) == (place, asked_by)]
    return {**met, **{fault: Met(each.sees, each.arrived) for each in different for fault in each.faults}}


def queried(rows: Sequence[FaultRow], place: Place) -> dict[str, Met]:
    """What is claimed of a query that meets each of `rows`."""
    alike = {
        row.fault: Met("" if isinstance(row.outcome, Told) else row.seen, arriving(row, row.calls)) for row in rows
    }
    return with_differences(alike, place, QUERY)


def written(rows: Sequence[FaultRow], place: Place) -> dict[str, Met]:
    """What is claimed of a write that meets each of `rows`."""
    alike = {row.fault: Met(OUTCOMES[row.fault], arriving(row, 1)) for row in rows}
    return with_differences(alike, place, WRITE)


def arriving(row: FaultRow, calls: int) -> int:
    return calls if row.arrives else 0


@pytest.mark.parametrize("place", READ, ids=lambda place: place.name)
async def test_a_query_is_answered_with_what_is_left_and_the_next_one_is_whole(
    place: Place, stage: Stage, serve_gateway: ServeGateway, clock: HandClock, linked: SimulatedOrder
) -> None:
    async with serve_gateway() as healthy:
        whole = (await healthy.data(EVERYTHING, number=linked.number))["order"]
    assert whole[place.provider]
    met = {}
    for row in FAULTS_AT[place]:
        async with played(row, stage.at(place), serve_gateway) as (scene, gateway):
            reply = await gateway.ask(EVERYTHING, number=linked.number)
            met[row.fault] = Met(failures_in(reply, place), scene.arrived)
            assert scene.most_taken < MAX_BODY_BYTES + IN_BUFFERS
            assert reply.data is not None
            left = reply.data["order"]
            if reply.errors:
                assert left == {**whole, place.provider: None}
            else:  # it was told, as what it is or as nothing, and is believed for a while
                assert left in (whole, {**whole, place.provider: []})
                continue

            await scene.mend()
            clock.advance(row.pause_seconds if row.failure else 0)
            mended = (await gateway.data(EVERYTHING, number=linked.number))["order"]
            assert mended == whole
    assert met == queried(FAULTS_AT[place], place)


@at_each
async def test_a_write_is_sent_once_and_the_next_one_is_done(
    place: Place, stage: Stage, serve_gateway: ServeGateway, clock: HandClock, linked: SimulatedOrder
) -> None:
    write, met = WRITTEN[place], {}
    rows = [row for row in FAULTS_AT[place] if row.fault in OUTCOMES]
    for number, row in enumerate(rows):
        async with played(row, stage.at(place), serve_gateway) as (scene, gateway):
            reply = await gateway.ask(write.document, input=write.input(linked, 2 * number))
            met[row.fault] = Met(failures_in(reply, place), scene.arrived)

            await scene.mend()
            clock.advance(row.pause_seconds)
            another = await gateway.data(write.document, input=write.input(linked, 2 * number + 1))
            assert another == {write.mutation: {"userErrors": []}}
    assert met == written(rows, place)
