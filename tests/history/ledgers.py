"""What the providers themselves hold in the end: how often each parcel was made there, by its tracking number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import httpx

from providers.simulation.server import SimulatorServer

Made = Counter[str]


async def made_at(servers: Mapping[str, SimulatorServer]) -> dict[str, Made]:
    """By provider: how often each tracking number was made."""
    return {name: await _READERS[name](server) for name, server in servers.items()}


async def _karla(server: SimulatorServer) -> Made:
    """Parcels on orders: however often one was sent, it may be there once."""
    writes = (await _switch(server, "writes"))["writes"]
    orders = {write["path"] for write in writes}
    numbers: Counter[str] = Counter()
    for path in orders:
        sent = [write["body"]["trackings"] for write in writes if write["path"] == path]
        numbers.update({tracking["tracking_number"] for trackings in sent for tracking in trackings})
    return numbers


async def _paypal(server: SimulatorServer) -> Made:
    writes = await _switch(server, "writes")
    return Counter(write["body"]["tracking_number"] for write in writes if write["operation"] == "track")


async def _billink(server: SimulatorServer) -> Made:
    trackers = (await _switch(server, "trackers"))["trackers"]
    return Counter(tracker["trackingCode"] for tracker in trackers)


async def _hypertrack(server: SimulatorServer) -> Made:
    writes = (await _switch(server, "writes"))["writes"]
    return Counter(handle.removeprefix("stop-") for write in writes for handle in write["order_handles"])


async def _switch(server: SimulatorServer, name: str) -> Any:
    async with httpx.AsyncClient(base_url=server.url, trust_env=False) as client:
        return (await client.get(f"/_simulator/{name}")).raise_for_status().json()


_READERS: Mapping[str, Callable[[SimulatorServer], Awaitable[Made]]] = {
    "karla": _karla,
    "paypal": _paypal,
    "billink": _billink,
    "hypertrack": _hypertrack,
}
