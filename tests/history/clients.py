"""Shops that register shipments and do not give up before they were told that it was accepted."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from providers.simulation.world import SimulatedOrder

LINK = """
mutation ($input: LinkOrderInput!) { linkOrder(input: $input) { userErrors { code } } }"""

REGISTER = """
mutation ($input: RegisterShipmentInput!) {
  registerShipment(input: $input) { registration { id } userErrors { code path } }
}"""

PAGE = """
query ($after: String) {
  registrations(first: 100, after: $after) {
    nodes { id outcomes { provider { name } state attempts userErrors { code } } }
    pageInfo { hasNextPage endCursor }
  }
}"""


@dataclass(frozen=True, slots=True)
class Parcel:
    """One shipment that is registered once: its own tracking number, invoice and stop tell it from all others."""

    order: SimulatedOrder
    tracking_number: str
    worker_handle: str

    @property
    def stop(self) -> str:
        """The handle that HyperTrack is given for it."""
        return f"stop-{self.tracking_number}"

    def to_input(self) -> dict[str, Any]:
        destination = {"location": {"latitude": 52.5, "longitude": 13.4}, "radiusMetres": 50}
        return {
            "idempotencyKey": f"ship-{self.tracking_number}",
            "order": {"orderNumber": self.order.number},
            "trackingNumber": self.tracking_number,
            "carrier": "dhl",
            "providers": ["karla", "paypal", "billink", "hypertrack"],
            "route": {
                "workerHandle": self.worker_handle,
                "trackMode": "on_time",
                "orders": [{"orderHandle": self.stop, "destination": destination}],
            },
        }


@dataclass
class Shop:
    """Sends to the gateways in turn, and to the next one when one does not answer."""

    urls: Sequence[str]
    acknowledged: dict[str, str] = field(default_factory=dict)
    """The id of the registration of each tracking number."""
    _progress: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def has_accepted(self, count: int) -> None:
        """Wait until `count` registrations were acknowledged."""
        async with self._progress:
            await self._progress.wait_for(lambda: len(self.acknowledged) >= count)

    async def link(self, order: SimulatedOrder) -> None:
        given = {"provider": "paypal", "kind": "paypal_order_id", "value": order.paypal_order_id}
        answer = await self._send(LINK, {"input": {"orderNumber": order.number, **given}})
        assert answer["data"]["linkOrder"] == {"userErrors": []}

    async def register(self, parcels: Sequence[Parcel], at_once: int) -> None:
        """Have all of `parcels` accepted."""
        waiting = list(reversed(parcels))

        async def work() -> None:
            while waiting:
                await self._register(waiting.pop())

        async with asyncio.TaskGroup() as group:
            for _ in range(at_once):
                group.create_task(work())

    async def outcomes(self) -> dict[str, dict[str, Mapping[str, Any]]]:
        """The outcome at each provider of every registration, by the registration's id."""
        found: dict[str, dict[str, Mapping[str, Any]]] = {}
        page: dict[str, Any] = {"hasNextPage": True, "endCursor": None}
        while page["hasNextPage"]:
            answer = await self._send(PAGE, {"after": page["endCursor"]})
            connection = answer["data"]["registrations"]
            page = connection["pageInfo"]
            for node in connection["nodes"]:
                found[node["id"]] = {outcome["provider"]["name"]: outcome for outcome in node["outcomes"]}
        return found

    async def _register(self, parcel: Parcel) -> None:
        answer = await self._send(REGISTER, {"input": parcel.to_input()})
        payload = answer["data"]["registerShipment"]
        assert payload["userErrors"] == []
        async with self._progress:
            self.acknowledged[parcel.tracking_number] = payload["registration"]["id"]
            self._progress.notify_all()

    async def _send(self, query: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        """The first whole answer without an error that any gateway gives."""
        async with asyncio.timeout(300):
            while True:
                for url in self.urls:
                    answer = await _post(url, {"query": query, "variables": variables})
                    if answer is not None:
                        return answer
                await asyncio.sleep(0.1)


async def _post(url: str, body: Mapping[str, Any]) -> dict[str, Any] | None:
    try:
        async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=20) as client:
            answer: dict[str, Any] = (await client.post("/graphql", json=body)).json()
    except (httpx.TransportError, ValueError):
        return None
    return None if answer.get("errors") else answer
