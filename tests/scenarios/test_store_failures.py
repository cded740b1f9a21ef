"""The log names a failure of the store by classes and codes: what the database says may quote what it holds."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gateway.store.database import Database, StoreUnavailable
from gateway.store.links import Links
from providers.models import Reference
from providers.simulation.world import SimulatedOrder
from tests.databases import sqlite_url
from tests.scenarios.conftest import OpenGateway
from tests.scenarios.test_canaries import CANARY, ORDER, Watch, watch

__all__ = ["watch"]

NAME = "OperationalError SQLITE_ERROR"
PAYMENT = Reference(provider="paypal", kind="paypal_order_id", value="5O190127TN364715T")


def break_links(store: Path) -> None:
    """From now on SQLite says `no such table: main.canary_table` when a link is read."""
    with closing(sqlite3.connect(store)) as connection, connection:
        connection.executescript("DROP TABLE links; CREATE VIEW links AS SELECT * FROM canary_table")


async def test_the_databases_words_are_kept_apart_from_the_name_of_the_failure(store: Path) -> None:
    break_links(store)
    database = Database(sqlite_url(store))
    with pytest.raises(StoreUnavailable) as failure:
        await Links(database).find_order_number("demo", PAYMENT)
    await database.aclose()
    assert str(failure.value) == NAME
    assert CANARY in failure.value.explanation


async def test_the_databases_words_are_told_to_nobody(
    open_gateway: OpenGateway, watch: Watch, store: Path, order: SimulatedOrder
) -> None:
    async with open_gateway() as gateway:
        break_links(store)
        reply = await gateway.ask(ORDER, number=order.number)

    assert "STORE_UNAVAILABLE" in reply.codes
    assert CANARY not in str(reply.errors)
    assert NAME in watch.log.getvalue()
    watch.assert_clean()
