"""PayPal under contract: its requests and its token, its recorded answers, its words and its refusals."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from pydantic import JsonValue

from providers.base import OrderTrackerSink, Provider, TrackingSource
from providers.drafts import OrderTrackerDraft
from providers.errors import RequestRejected
from providers.models import Capture, OrderTracker, Reference, TrackerItem, TrackingsFound, TrackingStatus, Upc
from providers.paypal import PAYPAL
from providers.testing import Answer, ContractCase, Exchange, Operation, SentRequest, StatusTable, load_sample, sample

SAMPLES = Path(str(files("providers.paypal"))) / "samples"
EXPECTED = Path(__file__).parent / "expected"

PAYPAL_ORDER_ID = "5O190127TN364715T"
TRACKER_ID = "8MC585209K746392H443844607820"
AUTHORIZED = {"authorization": "Bearer secret-token-1", "accept-encoding": "gzip"}
WRITING = {**AUTHORIZED, "content-type": "application/json"}

ITEMS = (
    TrackerItem(
        name="T-Shirt",
        quantity="1",
        sku="sku02",
        url="https://www.example.com/products/t-shirt",
        image_url="https://www.example.com/images/t-shirt.jpg",
        upc=Upc(type="UPC-A", code="001004697"),
    ),
)
ITEMS_BODY: JsonValue = [
    {
        "name": "T-Shirt",
        "quantity": "1",
        "sku": "sku02",
        "url": "https://www.example.com/products/t-shirt",
        "image_url": "https://www.example.com/images/t-shirt.jpg",
        "upc": {"type": "UPC-A", "code": "001004697"},
    }
]
DRAFT = OrderTrackerDraft(
    paypal_order_id=PAYPAL_ORDER_ID,
    capture_id="8MC585209K746392H",
    tracking_number="443844607820",
    carrier="OTHER",
    carrier_name_other="Fiets & Co",
    notify_payer=True,
    items=ITEMS,
)
TRACK = SentRequest(
    "POST",
    f"/v2/checkout/orders/{PAYPAL_ORDER_ID}/track",
    headers={**WRITING, "paypal-request-id": "key-1"},
    body={
        "capture_id": "8MC585209K746392H",
        "tracking_number": "443844607820",
        "carrier": "OTHER",
        "carrier_name_other": "Fiets & Co",
        "notify_payer": True,
        "items": ITEMS_BODY,
    },
)
TRACKER_PATH = f"/v2/checkout/orders/{PAYPAL_ORDER_ID}/trackers/{TRACKER_ID}"
DONE = Answer(204)

WHATEVER_THE_BODY = dict.fromkeys(
    ("html", "cut_off", "empty", "not_utf_8", "deeply_nested", "null", "wrong_type"),
)
"""What a change does not mind: 204 says all, and what comes with it is not read."""

TOKEN = Exchange(
    SentRequest(
        "POST",
        "/v1/oauth2/token",
        headers={"authorization": "Basic YWNtZS1hcHA6c2VjcmV0LWtleS0x", "accept-encoding": "gzip"},
        body={"grant_type": "client_credentials"},
    ),
    Answer(body=b'{"access_token": "secret-token-1", "token_type": "Bearer", "expires_in": 32400}'),
)
"""With `acme-app:secret-key-1` in Base64 (RFC 6749 §2.3.1)."""

ORDER = Exchange(
    SentRequest("GET", f"/v2/checkout/orders/{PAYPAL_ORDER_ID}", headers=AUTHORIZED), sample(SAMPLES / "order.json")
)


async def find_trackings(adapter: Provider) -> TrackingsFound:
    assert isinstance(adapter, TrackingSource)
    return await adapter.find_trackings(Reference(provider="paypal", kind="paypal_order_id", value=PAYPAL_ORDER_ID))


async def track_order(adapter: Provider) -> OrderTracker:
    assert isinstance(adapter, OrderTrackerSink)
    return await adapter.track_order(DRAFT, "key-1")


async def find_captures(adapter: Provider) -> tuple[Capture, ...]:
    assert isinstance(adapter, OrderTrackerSink)
    return await adapter.find_captures(PAYPAL_ORDER_ID)


async def find_tracker(adapter: Provider) -> OrderTracker | None:
    assert isinstance(adapter, OrderTrackerSink)
    return await adapter.find_tracker(DRAFT, ())


async def change_tracker(adapter: Provider) -> None:
    assert isinstance(adapter, OrderTrackerSink)
    await adapter.change_tracker(PAYPAL_ORDER_ID, TRACKER_ID, ITEMS, notify_payer=False)


async def cancel_tracker(adapter: Provider) -> None:
    assert isinstance(adapter, OrderTrackerSink)
    await adapter.cancel_tracker(PAYPAL_ORDER_ID, TRACKER_ID)


def put_status(body: JsonValue, word: str) -> JsonValue:
    assert isinstance(body, dict)
    return {**body, "status": word}


def read_status(answer: object) -> tuple[TrackingStatus, str | None]:
    assert isinstance(answer, TrackingsFound)
    return answer.trackings[0].status, answer.trackings[0].provider_status


CASE = ContractCase(
    spec=PAYPAL,
    settings={"client_id": "acme-app", "client_secret": "secret-key-1"},
    secrets=("secret-key-1", "secret-token-1", "YWNtZS1hcHA6c2VjcmV0LWtleS0x"),
    token=TOKEN,
    operations=(
        Operation(
            "check",
            lambda adapter: adapter.check(),
            (TOKEN,),
            "credentials accepted, access token obtained",
            required=(("access_token",), ("token_type",)),
            errors={"status_404": RequestRejected},
            asks_once=True,
        ),
        Operation(
            "find_trackings",
            find_trackings,
            (ORDER,),
            load_sample(EXPECTED / "order.json"),
            required=(("purchase_units",), ("purchase_units", 0, "shipping", "trackers", 0, "id")),
        ),
        Operation(
            "find_trackings",
            find_trackings,
            (
                Exchange(
                    SentRequest("GET", f"/v2/checkout/orders/{PAYPAL_ORDER_ID}", headers=AUTHORIZED),
                    sample(SAMPLES / "order_tracker_response.json"),
                ),
            ),
            load_sample(EXPECTED / "tracker_alone.json"),
            required=(("id",),),
            label="tracker_alone",
        ),
        Operation(
            "find_captures",
            find_captures,
            (ORDER,),
            [{"paypal_order_id": PAYPAL_ORDER_ID, "capture_id": "8MC585209K746392H", "status": "COMPLETED"}],
            required=(("purchase_units",),),
        ),
        Operation(
            "find_tracker",
            find_tracker,
            (ORDER,),
            load_sample(EXPECTED / "added.json"),
            required=(("purchase_units",), ("purchase_units", 0, "shipping", "trackers", 0, "id")),
        ),
        Operation(
            "track_order",
            track_order,
            (Exchange(TRACK, sample(SAMPLES / "order.json", status=201)),),
            load_sample(EXPECTED / "added.json"),
            required=(("purchase_units",), ("purchase_units", 0, "shipping", "trackers", 0, "id")),
        ),
        Operation(
            "track_order",
            track_order,
            (Exchange(TRACK, sample(SAMPLES / "order_tracker_response.json")),),
            load_sample(EXPECTED / "added_alone.json"),
            required=(("id",),),
            label="tracker_alone",
        ),
        Operation(
            "change_tracker",
            change_tracker,
            (
                Exchange(
                    SentRequest(
                        "PATCH",
                        TRACKER_PATH,
                        headers=WRITING,
                        body=[
                            {"op": "replace", "path": "/items", "value": ITEMS_BODY},
                            {"op": "replace", "path": "/notify_payer", "value": False},
                        ],
                    ),
                    DONE,
                ),
            ),
            None,
            errors=WHATEVER_THE_BODY,
        ),
        Operation(
            "cancel_tracker",
            cancel_tracker,
            (
                Exchange(
                    SentRequest(
                        "PATCH",
                        TRACKER_PATH,
                        headers=WRITING,
                        body=[{"op": "replace", "path": "/status", "value": "CANCELLED"}],
                    ),
                    DONE,
                ),
            ),
            None,
            errors=WHATEVER_THE_BODY,
        ),
    ),
    statuses=(
        StatusTable(
            "find_trackings-tracker_alone",
            {
                "SHIPPED": TrackingStatus.INFO_RECEIVED,
                "CANCELLED": TrackingStatus.CANCELLED,
                "NEW": TrackingStatus.PENDING,
                "NOT_SHIPPED": TrackingStatus.PENDING,
                "UNCONFIRMED": TrackingStatus.PENDING,
                "IN_PROCESS": TrackingStatus.PENDING,
                "PROCESSED": TrackingStatus.INFO_RECEIVED,
                "SHIPMENT_CREATED": TrackingStatus.INFO_RECEIVED,
                "LABEL_PRINTED": TrackingStatus.INFO_RECEIVED,
                "DROPPED_OFF": TrackingStatus.PICKED_UP,
                "IN_TRANSIT": TrackingStatus.IN_TRANSIT,
                "DELIVERY_SCHEDULED": TrackingStatus.IN_TRANSIT,
                "DELIVERY_DELAYED": TrackingStatus.DELAYED,
                "DELIVERY_FAILED": TrackingStatus.ATTEMPT_FAILED,
                "PICKUP_FAILED": TrackingStatus.EXCEPTION,
                "ERROR": TrackingStatus.EXCEPTION,
                "ON_HOLD": TrackingStatus.ON_HOLD,
                "LOCAL_PICKUP": TrackingStatus.DELIVERED,
                "DELIVERED": TrackingStatus.DELIVERED,
                "INRETURN": TrackingStatus.RETURNING,
                "RETURNED": TrackingStatus.RETURNED,
                "VOID": TrackingStatus.CANCELLED,
                "COMPLETED": TrackingStatus.UNKNOWN,
            },
            put_status,
            read_status,
        ),
    ),
)
