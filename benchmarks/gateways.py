"""Gateways to be measured, each in a process of its own, as `trackgraph serve` starts one.

Settings are the defaults, but for where things are and the deadlines.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from benchmarks.processes import Child
from gateway.app import utc_now
from gateway.store.database import Database
from gateway.store.links import Links
from providers.models import Reference

SHOP = "bench"

QUERY_DEADLINE, CALL_DEADLINE = "60", "5.5"
"""Seconds, as much as can be set: on a machine that is busy an answer should come late, and not break the run."""

Providers = Mapping[str, Mapping[str, str]]
"""What a shop's settings say of each provider, by its name."""


def gateway(store: Path, providers: Providers) -> Child:
    """A gateway over the SQLite file `store` that asks `providers`; its `answer` is its URL."""
    environment = {
        "TRACKGRAPH_STORE__URL": _url(store),
        "TRACKGRAPH_SERVER__HOST": "127.0.0.1",
        "TRACKGRAPH_SERVER__PORT": "0",
        "TRACKGRAPH_SERVER__LOG_LEVEL": "warning",
        "TRACKGRAPH_SERVER__QUERY_DEADLINE_SECONDS": QUERY_DEADLINE,
        "TRACKGRAPH_SERVER__CALL_DEADLINE_SECONDS": CALL_DEADLINE,
        **{
            f"TRACKGRAPH_SHOPS__{SHOP}__{provider}__{key}".upper(): value
            for provider, settings in providers.items()
            for key, value in settings.items()
        },
    }
    command = "from gateway.cli import main; main()"
    return Child(["-c", command, "serve"], r"serving (http://\S+)/graphql", environment)


async def link_to_paypal(store: Path, orders: Iterable[tuple[str, str]]) -> None:
    """Put a link into `store` for each order number and the PayPal order that paid for it."""
    database = Database(_url(store))
    try:
        await database.migrate()
        links = Links(database)
        for number, paypal_order in orders:
            reference = Reference(provider="paypal", kind="paypal_order_id", value=paypal_order)
            await links.add(SHOP, number, reference, utc_now())
    finally:
        await database.aclose()


def _url(store: Path) -> str:
    return f"sqlite+aiosqlite:///{store}"
