"""What was written to the double of PayPal: trackers added, changed and cancelled, and the ledger of it.

The rules are those of PayPal's Orders v2 OpenAPI file 2.13 (`orders.track.create`, `orders.trackers.patch`). Where no
page says, the following is assumed: captures that are `COMPLETED`, `PARTIALLY_REFUNDED` or `PENDING` take trackers (the
guide to tracking orders; the OpenAPI file names the first alone), a cancelled tracker takes nothing but another
cancellation, and `PayPal-Request-Id` works here as it does elsewhere at PayPal. It must not know HTTP or the adapter.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from pydantic import JsonValue

from providers.paypal.simulator_errors import Finding, Json, Refused
from providers.paypal.simulator_orders import Addresses, Circumstances, PaidOrder, new_tracker, to_time
from providers.paypal.simulator_requests import skus_in
from providers.simulation.clock import SimulationClock

KEY_LIFETIME = timedelta(hours=6)
"""How long a `PayPal-Request-Id` is remembered (Orders v2 OpenAPI file 2.13, parameter `paypal_request_id`)."""

_TAKES_TRACKERS = frozenset({"COMPLETED", "PARTIALLY_REFUNDED", "PENDING"})


@dataclass(slots=True)
class Write:
    """One thing that was done. `replays` counts the requests that were answered with it without doing it again."""

    operation: Literal["track", "patch"]
    at: datetime
    paypal_order_id: str
    tracker_id: str
    body: JsonValue
    request_id: str | None = None
    replays: int = 0


class TrackerBook:
    """Everything written since the simulator was started, beside the world's script."""

    def __init__(self, clock: SimulationClock) -> None:
        self._clock = clock
        self._added: defaultdict[str, list[Json]] = defaultdict(list)
        self._changes: defaultdict[tuple[str, str], Json] = defaultdict(dict)
        self._by_key: dict[str, Write] = {}
        self._by_number: dict[tuple[str, str, str], Write] = {}
        self.writes: list[Write] = []

    def trackers(self, order: PaidOrder) -> list[Json]:
        """The order's trackers as they are now; one that was added and also comes up in the script is there once."""
        added = self._added[order.id]
        ids = {tracker["id"] for tracker in added}
        scripted = [tracker for tracker in order.trackers if tracker["id"] not in ids]
        return [{**tracker, **self._changes[order.id, str(tracker["id"])]} for tracker in (*scripted, *added)]

    def add(
        self, order: PaidOrder, circumstances: Circumstances, body: Json, request_id: str | None, addresses: Addresses
    ) -> bool:
        """Add a tracker; False when it was added before and the request is a repeated one. Raises `Refused`.

        With a `request_id` the same one tells a repeated request, without it the same capture and number.
        """
        if self._is_repeated(order, body, request_id):
            return False
        faults = tuple(_faults_of_capture(order, circumstances, body))
        faults += tuple(_faults_of_skus(order, body.get("items"), "/items"))
        if faults:
            raise Refused(*faults)
        now = self._clock.now()
        taken = {str(tracker["id"]) for tracker in self.trackers(order)}
        tracker = new_tracker(order, body, taken, now, addresses)
        self._added[order.id].append(tracker)
        write = Write("track", now, order.id, str(tracker["id"]), body, request_id)
        self.writes.append(write)
        if request_id is not None:
            self._by_key[request_id] = write
        if "tracking_number" in body:
            self._by_number.setdefault((order.id, str(body["capture_id"]), str(body["tracking_number"])), write)
        return True

    def change(self, order: PaidOrder, tracker_id: str, operations: list[JsonValue]) -> None:
        """Apply a JSON Patch, all of it or nothing. Raises `Refused`."""
        tracker = next((tracker for tracker in self.trackers(order) if tracker["id"] == tracker_id), None)
        if tracker is None:
            raise Refused(Finding("TRACKER_ID_NOT_FOUND", value=tracker_id, location="path"))
        faults = tuple(_faults_of_change(order, tracker, operations))
        if faults:
            raise Refused(*faults)
        now = self._clock.now()
        for path, value in _replacements(operations):
            # Whether the payer is told is no member of a tracker that is shown.
            shown = {} if path == "/notify_payer" else {path.removeprefix("/"): value}
            self._changes[order.id, tracker_id].update({**shown, "update_time": to_time(now)})
        self.writes.append(Write("patch", now, order.id, tracker_id, list(operations)))

    def _is_repeated(self, order: PaidOrder, body: Json, request_id: str | None) -> bool:
        if request_id is None:
            return self._is_known_number(order, body)
        earlier = self._by_key.get(request_id)
        if earlier is None or self._clock.now() >= earlier.at + KEY_LIFETIME:
            return False
        if (earlier.paypal_order_id, earlier.body) != (order.id, body):
            raise Refused(Finding("PAYPAL_REQUEST_ID_PREVIOUSLY_USED"))
        earlier.replays += 1
        return True

    def _is_known_number(self, order: PaidOrder, body: Json) -> bool:
        capture_id, number = str(body["capture_id"]), str(body.get("tracking_number", ""))
        earlier = self._by_number.get((order.id, capture_id, number))
        if earlier:
            earlier.replays += 1
        scripted = {tracker["id"] for tracker in order.trackers}
        return earlier is not None or (capture_id == order.capture_id and order.tracker_ids.get(number) in scripted)


def _faults_of_capture(order: PaidOrder, circumstances: Circumstances, body: Json) -> Iterator[Finding]:
    if circumstances.purchase_units > 1:
        yield Finding("MSP_NOT_SUPPORTED")
    if body["capture_id"] != order.capture_id:
        yield Finding("CAPTURE_ID_NOT_FOUND", "/capture_id", body["capture_id"])
    elif circumstances.capture_status not in _TAKES_TRACKERS:
        yield Finding("CAPTURE_STATUS_NOT_VALID", "/capture_id", body["capture_id"])


def _faults_of_skus(order: PaidOrder, items: JsonValue, at: str) -> Iterable[Finding]:
    return (
        Finding("ITEM_SKU_MISMATCH", f"{at}/{place}/sku", sku) for place, sku in skus_in(items) if sku not in order.skus
    )


def _faults_of_change(order: PaidOrder, tracker: Json, operations: list[JsonValue]) -> Iterator[Finding]:
    for place, (path, value) in enumerate(_replacements(operations)):
        if tracker["status"] == "CANCELLED" and path != "/status":
            yield Finding("NOT_PATCHABLE", f"/{place}/path", path)
        if path == "/items":
            yield from _faults_of_skus(order, value, f"/{place}/value")


def _replacements(operations: list[JsonValue]) -> list[tuple[str, JsonValue]]:
    """Path and new value of each operation; they were found to be in order before."""
    return [(str(each["path"]), each["value"]) for each in operations if isinstance(each, dict)]
