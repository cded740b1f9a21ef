"""PayPal under contract: its requests and its token, its recorded answers, its words and its refusals."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from pydantic import JsonValue

from providers.base import Provider, TrackingSource
from providers.errors import RequestRejected
from providers.models import Reference, TrackingsFound, TrackingStatus
from providers.paypal import PAYPAL
from providers.testing import Answer, ContractCase, Exchange, Operation, SentRequest, StatusTable, load_sample, sample

SAMPLES = Path(str(files("providers.paypal"))) / "samples"
EXPECTED = Path(__file__).parent / "expected"

PAYPAL_ORDER_ID = "5O190127TN364715T"
AUTHORIZED = {"authorization": "Bearer secret-token-1", "accept-encoding": "gzip"}

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


async def find_trackings(adapter: Provider) -> TrackingsFound:
    assert isinstance(adapter, TrackingSource)
    return await adapter.find_trackings(Reference(provider="paypal", kind="paypal_order_id", value=PAYPAL_ORDER_ID))


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
            (
                Exchange(
                    SentRequest("GET", f"/v2/checkout/orders/{PAYPAL_ORDER_ID}", headers=AUTHORIZED),
                    sample(SAMPLES / "order.json"),
                ),
            ),
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
