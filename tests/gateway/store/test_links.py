"""Links in the store: one holder for each reference, however many write at once."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from gateway.store.database import Database
from gateway.store.links import Links, LinkTaken
from providers.models import Reference

NOW = datetime(2025, 2, 3, 12, tzinfo=UTC)
PAY1 = Reference(provider="paypal", kind="paypal_order_id", value="PAY1")
PAY2 = Reference(provider="paypal", kind="paypal_order_id", value="PAY2")
ROUTE = Reference(provider="hypertrack", kind="route_handle", value="R1")


async def test_a_link_leads_both_ways(database: Database) -> None:
    links = Links(database)
    assert await links.add("acme", "4711", PAY1, NOW) is None
    assert await links.find_order_number("acme", PAY1) == "4711"
    assert await links.of_order("acme", "4711") == (PAY1,)


async def test_a_link_outlives_the_process(store_url: str) -> None:
    for_writing, for_reading = Database(store_url), Database(store_url)
    await Links(for_writing).add("acme", "4711", PAY1, NOW)
    await for_writing.aclose()
    assert await Links(for_reading).find_order_number("acme", PAY1) == "4711"
    await for_reading.aclose()


async def test_orders_that_are_asked_for_together_have_their_own_links_each_the_oldest_first(
    database: Database,
) -> None:
    links = Links(database)
    await links.add("acme", "4712", PAY2, NOW)
    await links.add("acme", "4711", ROUTE, NOW)
    await links.add("acme", "4711", PAY1, NOW)
    await links.add("other", "4711", PAY1, NOW)
    asked = [("acme", "4711"), ("other", "4711"), ("acme", "none"), ("acme", "4712"), ("acme", "4711")]
    found = await asyncio.gather(*(links.of_order(*order) for order in asked))
    assert found == [(ROUTE, PAY1), (PAY1,), (), (PAY2,), (ROUTE, PAY1)]


async def test_the_same_link_again_changes_nothing(database: Database) -> None:
    links = Links(database)
    for _ in range(2):
        assert await links.add("acme", "4711", PAY1, NOW) is None
    assert await links.of_order("acme", "4711") == (PAY1,)


async def test_a_reference_of_another_order_is_taken_and_stays_there(database: Database) -> None:
    links = Links(database)
    await links.add("acme", "4711", PAY1, NOW)
    assert await links.add("acme", "4712", PAY1, NOW) == LinkTaken("4711")
    assert await links.find_order_number("acme", PAY1) == "4711"


async def test_the_same_reference_of_two_shops_is_two_links(database: Database) -> None:
    links = Links(database)
    assert await links.add("acme", "4711", PAY1, NOW) is None
    assert await links.add("other", "1", PAY1, NOW) is None
    assert await links.find_order_number("other", PAY1) == "1"


async def test_a_reference_that_orders_share_is_linked_to_each_and_leads_to_none(database: Database) -> None:
    links = Links(database)
    for order_number in ("4711", "4712", "4711"):
        assert await links.add("acme", order_number, ROUTE, NOW, shared=True) is None
    for linked in ("4711", "4712"):
        assert await links.of_order("acme", linked) == (ROUTE,)
    assert await links.find_order_number("acme", ROUTE) is None


async def test_removing_says_whether_there_was_a_link(database: Database) -> None:
    links = Links(database)
    await links.add("acme", "4711", PAY1, NOW)
    assert not await links.remove("acme", "4712", PAY1)
    assert await links.remove("acme", "4711", PAY1)
    assert not await links.remove("acme", "4711", PAY1)
    assert await links.find_order_number("acme", PAY1) is None


async def test_of_many_who_want_one_reference_at_once_exactly_one_gets_it(store_url: str) -> None:
    """From several processes as well: each database here has connections of its own."""
    databases = [Database(store_url) for _ in range(4)]
    outcomes = await asyncio.gather(
        *(Links(databases[n % 4]).add("acme", str(n), PAY1, NOW) for n in range(20)),
    )
    winners = [str(n) for n, outcome in enumerate(outcomes) if outcome is None]
    assert [outcome for outcome in outcomes if outcome] == [LinkTaken(winners[0])] * 19
    assert await Links(databases[0]).find_order_number("acme", PAY1) == winners[0]
    for database in databases:
        await database.aclose()


async def test_a_link_that_is_added_and_removed_at_once_is_always_somebodys_or_nobodys(database: Database) -> None:
    """Whoever is told that another has it is told who, though it may be removed in that moment."""
    links = Links(database)

    async def take_and_leave(number: str) -> list[LinkTaken | None]:
        outcomes = []
        for _ in range(10):
            outcomes.append(await links.add("acme", number, PAY1, NOW))
            await links.remove("acme", number, PAY1)
        return outcomes

    outcomes = await asyncio.gather(*(take_and_leave(str(n)) for n in range(4)))
    for number, told in enumerate(outcomes):
        assert LinkTaken(str(number)) not in told
    assert await links.find_order_number("acme", PAY1) is None


@pytest.mark.parametrize("text", ["4711\0", "\ud800", "4" * 256])
async def test_what_no_database_can_keep_is_linked_to_nothing(database: Database, text: str) -> None:
    links = Links(database)
    reference = PAY1.model_copy(update={"value": text})
    assert await links.find_order_number("acme", reference) is None
    assert await links.of_order("acme", text) == ()
    assert not await links.remove("acme", "4711", reference)


async def test_reading_goes_on_while_another_writes(store_url: str) -> None:
    writer, reader = Database(store_url), Database(store_url)
    await Links(writer).add("acme", "4711", PAY1, NOW)
    async with writer.writing():
        async with asyncio.timeout(5):
            assert await Links(reader).find_order_number("acme", PAY1) == "4711"
    await writer.aclose()
    await reader.aclose()
