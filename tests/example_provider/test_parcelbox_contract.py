"""Parcelbox under contract: what a provider's own test suite holds, whoever writes it."""

from __future__ import annotations

import json

from parcelbox import PARCELBOX
from pydantic import JsonValue

from providers.base import Provider, TrackingSource
from providers.models import Reference, TrackingsFound, TrackingStatus
from providers.testing import Answer, ContractCase, Exchange, Operation, ProviderContract, SentRequest, StatusTable

KEY = {"x-api-key": "secret-key-1"}

ACCOUNT = b'{"name": "Acme"}'

DELIVERY: dict[str, JsonValue] = {
    "id": "d-1",
    "state": "stored",
    "parcel_number": "PB0001",
    "locker": "Central Station, wall 2",
    "stored_at": "2025-06-01T09:30:00+02:00",
}
"""As recorded, with everything personal replaced."""

DELIVERIES = json.dumps({"deliveries": [DELIVERY]}).encode()


async def find_trackings(adapter: Provider) -> object:
    assert isinstance(adapter, TrackingSource)
    return await adapter.find_trackings(Reference(provider="parcelbox", kind="parcelbox_order", value="1042"))


def put_state(_body: JsonValue, word: str) -> JsonValue:
    return {"deliveries": [{**DELIVERY, "state": word}]}


def read_status(answer: object) -> tuple[TrackingStatus, str | None]:
    assert isinstance(answer, TrackingsFound)
    return answer.trackings[0].status, answer.trackings[0].provider_status


class TestParcelbox(ProviderContract):
    case = ContractCase(
        spec=PARCELBOX,
        settings={"api_key": "secret-key-1"},
        secrets=("secret-key-1",),
        operations=(
            Operation(
                "check",
                lambda adapter: adapter.check(),
                (Exchange(SentRequest("GET", "/v1/account", headers=KEY), Answer(body=ACCOUNT)),),
                "reachable, key accepted",
                required=(("name",),),
            ),
            Operation(
                "find_trackings",
                find_trackings,
                (Exchange(SentRequest("GET", "/v1/orders/1042/deliveries", headers=KEY), Answer(body=DELIVERIES)),),
                {
                    "trackings": [
                        {
                            "kind": "generic",
                            "provider": "parcelbox",
                            "local_id": "d-1",
                            "tracking_number": "PB0001",
                            "status": "AVAILABLE_FOR_PICKUP",
                            "provider_status": "stored",
                            "updated_at": "2025-06-01T09:30:00+02:00",
                            "events": [],
                            "attributes": {"locker": "Central Station, wall 2"},
                        }
                    ],
                    "references": [],
                },
                required=(("deliveries",), ("deliveries", 0, "id"), ("deliveries", 0, "state")),
            ),
        ),
        statuses=(
            StatusTable(
                "find_trackings",
                {
                    "announced": TrackingStatus.INFO_RECEIVED,
                    "stored": TrackingStatus.AVAILABLE_FOR_PICKUP,
                    "taken": TrackingStatus.DELIVERED,
                    "expired": TrackingStatus.RETURNING,
                },
                put_state,
                read_status,
            ),
        ),
    )
