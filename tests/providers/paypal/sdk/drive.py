"""Adds, changes and cancels one tracker with PayPal's own client, and prints as JSON what it made of the answers.

Run by the Python of an environment of its own, with one argument: JSON with `url`, `client_id`, `client_secret`,
`order_id`, `capture_id`, `sku`, `tracking_number`. It imports nothing of ours.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from paypalserversdk.configuration import Configuration
from paypalserversdk.exceptions.error_exception import ErrorException
from paypalserversdk.http.auth.o_auth_2 import ClientCredentialsAuthCredentials
from paypalserversdk.models.order_tracker_item import OrderTrackerItem
from paypalserversdk.models.order_tracker_request import OrderTrackerRequest
from paypalserversdk.models.patch import Patch
from paypalserversdk.paypal_serversdk_client import PaypalServersdkClient


class LocalConfiguration(Configuration):
    """The client's configuration, pointed at an address that is none of PayPal's two."""

    url = ""

    def get_base_uri(self, server: object = None) -> str:  # noqa: ARG002 - there is one server
        return self.url


def client_for(task: dict[str, str]) -> PaypalServersdkClient:
    LocalConfiguration.url = task["url"]
    credentials = ClientCredentialsAuthCredentials(task["client_id"], task["client_secret"])
    return PaypalServersdkClient(config=LocalConfiguration(client_credentials_auth_credentials=credentials))


def last_tracker(order: Any) -> dict[str, Any]:
    """What the client's models hold of the order's last tracker."""
    tracker = order.purchase_units[0].shipping.trackers[-1]
    return {
        "id": tracker.id,
        "status": tracker.status,
        "items": [[item.sku, item.quantity] for item in tracker.items],
        "links": [[link.rel, link.method] for link in tracker.links],
        "create_time": tracker.create_time,
        "update_time": tracker.update_time,
    }


def refusal_of(call: Any, options: dict[str, Any]) -> dict[str, Any]:
    """What the client's error holds when `call` is refused."""
    try:
        call(options)
    except ErrorException as error:
        details = [[detail.issue, detail.location] for detail in error.details]
        return {"status": error.response_code, "name": error.name, "details": details}
    return {}


def run(task: dict[str, str]) -> dict[str, Any]:
    orders = client_for(task).orders
    order = {"id": task["order_id"]}
    request = OrderTrackerRequest(
        capture_id=task["capture_id"],
        tracking_number=task["tracking_number"],
        carrier="DE_DHL",
        notify_payer=True,
        items=[OrderTrackerItem(name="Parcel", quantity="1", sku=task["sku"])],
    )
    created = orders.create_order_tracking({**order, "body": request})
    repeated = orders.create_order_tracking({**order, "body": request})
    added = last_tracker(created.body)
    tracker = {**order, "tracker_id": added["id"]}
    items = [{"sku": task["sku"], "quantity": "2"}]
    patched = orders.update_order_tracking({**tracker, "body": [Patch(op="replace", path="/items", value=items)]})
    cancelled = orders.update_order_tracking(
        {**tracker, "body": [Patch(op="replace", path="/status", value="CANCELLED")]}
    )
    return {
        "statuses": [each.status_code for each in (created, repeated, patched, cancelled)],
        "added": added,
        "read": last_tracker(orders.get_order(order).body),
        "refused_capture": refusal_of(
            orders.create_order_tracking, {**order, "body": OrderTrackerRequest(capture_id="NOSUCHCAPTURE")}
        ),
        "refused_patch": refusal_of(
            orders.update_order_tracking, {**tracker, "body": [Patch(op="replace", path="/links", value=[])]}
        ),
        "refused_order": refusal_of(orders.get_order, {"id": "NOSUCHORDER"}),
    }


if __name__ == "__main__":
    print(json.dumps(run(json.loads(sys.argv[1]))))
