"""Gateways to be measured, each in a process of its own, as `trackgraph serve` starts one.

Settings are the defaults, but for where things are and the deadlines.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from benchmarks.processes import Child, pinned, python
from gateway.app import utc_now
from gateway.store.database import Database
from gateway.store.links import Links
from providers.models import Reference

SHOP = "bench"

QUERY_DEADLINE, CALL_DEADLINE = "60", "5.5"
"""Seconds, as much as can be set: on a machine that is busy an answer should come late, and not break the run."""

Providers = Mapping[str, Mapping[str, str]]
"""What a shop's settings say of each provider, by its name."""


def gateway(
    store: Path, providers: Providers, settings: Mapping[str, str] | None = None, core: int | None = None
) -> Child:
    """A gateway over the SQLite file `store` that asks `providers`; its `answer` is its URL.

    `settings` are further ones, by path (`cache.answers`). With `core` it runs on that processor alone.
    """
    chosen = {
        "store.url": _url(store),
        "server.host": "127.0.0.1",
        "server.port": "0",
        "server.log_level": "warning",
        "server.query_deadline_seconds": QUERY_DEADLINE,
        "server.call_deadline_seconds": CALL_DEADLINE,
        **{
            f"shops.{SHOP}.{provider}.{key}": value
            for provider, table in providers.items()
            for key, value in table.items()
        },
        **(settings or {}),
    }
    command = python("-c", "from gateway.cli import main; main()", "serve")
    return Child(
        command if core is None else pinned(command, core),
        r"serving (http://\S+)/graphql",
        {_variable(path): value for path, value in chosen.items()},
    )


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


def _variable(path: str) -> str:
    """The environment variable of the setting at `path`."""
    return f"TRACKGRAPH_{path.replace('.', '__')}".upper()
