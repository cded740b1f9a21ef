"""The calls that PayPal takes, as paths and bodies made of our drafts: pure, and knows nothing of answers.

From the Orders v2 OpenAPI 2.13 (`orders.track.create`, `orders.trackers.patch`) and PayPal's Server SDK, whose request
for a tracker is the newer of the two: the OpenAPI file still lists members of Shipment Tracking v1 beside these.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from pydantic import JsonValue

from providers.drafts import OrderTrackerDraft
from providers.models import TrackerItem

ITEMS = "/items"
NOTIFY_PAYER = "/notify_payer"
STATUS = "/status"
"""The three members of a tracker that PayPal lets change, as JSON Pointers (RFC 6901)."""

Changes = Mapping[str, JsonValue]
"""What to replace: the new value of each member, by its pointer."""

CANCELLATION: Changes = {STATUS: "CANCELLED"}
"""The only status that a tracker can be given."""


def order_path(paypal_order_id: str) -> str:
    return f"/v2/checkout/orders/{_segment(paypal_order_id)}"


def track_path(paypal_order_id: str) -> str:
    return f"{order_path(paypal_order_id)}/track"


def tracker_path(paypal_order_id: str, tracker_id: str) -> str:
    return f"{order_path(paypal_order_id)}/trackers/{_segment(tracker_id)}"


def to_track_request(draft: OrderTrackerDraft) -> JsonValue:
    """The body of "Add tracking information"; what the draft leaves open is left out."""
    body: dict[str, JsonValue] = draft.model_dump(mode="json", exclude={"paypal_order_id", "items"}, exclude_none=True)
    return body if draft.items is None else {**body, "items": _items(draft.items)}


def to_changes(items: tuple[TrackerItem, ...] | None, notify_payer: bool | None) -> Changes:
    """What is to change: every member that is not None; empty when nothing is."""
    changes: dict[str, JsonValue] = {}
    if items is not None:
        changes[ITEMS] = _items(items)
    if notify_payer is not None:
        changes[NOTIFY_PAYER] = notify_payer
    return changes


def to_patch(changes: Changes) -> JsonValue:
    """The changes as a JSON Patch (RFC 6902), one operation each, in their order."""
    return [{"op": "replace", "path": pointer, "value": value} for pointer, value in changes.items()]


def _items(items: tuple[TrackerItem, ...]) -> list[JsonValue]:
    """The members of an item are called at PayPal as they are with us."""
    return [item.model_dump(mode="json", exclude_none=True) for item in items]


def _segment(text: str) -> str:
    """One segment of a path, dots too: `..` in the place of a tracker's id would address the order above it."""
    return quote(text, safe="").replace(".", "%2E")
