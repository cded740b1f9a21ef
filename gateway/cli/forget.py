"""`trackgraph forget`: removes what the gateway keeps about an order, and says what it cannot reach."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import AsyncExitStack
from pathlib import Path

from gateway.app import open_services, utc_now
from gateway.cli.failures import CommandFailed
from gateway.cli.output import print_table, tell
from gateway.cli.serve import set_in_environment
from gateway.cli.shops import choose_shop
from gateway.freshness.erasing import SharedCopies
from gateway.freshness.storage import open_shared
from gateway.orders.forgetting import Forgetting, Forgotten, OrderRecords, StillRegistering
from gateway.orders.links import check_order_number
from gateway.orders.operation import Operation
from gateway.resilience.deadline import Deadline
from gateway.settings import Settings, load_settings
from gateway.store.database import Database
from gateway.store.order_tracker_details import OrderTrackerDetails
from gateway.store.tracking_numbers import TrackingNumbers
from gateway.telemetry import configure_logging

NOUNS = {
    "links": "links to other systems",
    "tracking_numbers": "tracking numbers in the index",
    "registrations": "registrations of shipments",
    "kept_answers": "answers kept under idempotency keys",
    "order_tracker_details": "details of trackers at PayPal",
    "invoice_trackers": "invoice trackers",
    "invoice_tracker_media": "media of invoice trackers",
    "invoice_tracker_attempts": "attempts at invoice trackers",
    "cached_copies": "copies in the shared cache",
}
"""What is counted (`Forgotten`), in words."""

YES = ("y", "yes")

NOT_REACHED = (
    "not removed: what the providers keep, and what stands in logs and backups",
    "not removed: answers kept under idempotency keys of writes about several orders at once, or about none by its "
    "number; they go after store.retention_days",
)

OWN_MEMORY = (
    "not removed: copies in the memory of running gateways, which share no cache; they are gone after a restart, and "
    "after {days:g} days at most (freshness)"
)


def forget(order_number: str, config: Path | None, shop: str | None, *, is_sure: bool) -> None:
    """Remove everything about the order, when somebody is sure. Raises `CommandFailed` when it cannot be done."""
    set_in_environment(config=config)
    settings = load_settings(os.environ)
    configure_logging("error")
    slug = choose_shop(settings, shop)
    for problem in check_order_number(order_number):
        raise CommandFailed(problem.message)
    if not is_sure:
        _ask(f"Remove everything that is kept about order {order_number} of shop {slug}? It cannot be undone.")
    print_forgotten(order_number, asyncio.run(_forget(settings, slug, order_number)))
    for text in NOT_REACHED:
        tell(text)
    if open_shared(settings.cache) is None:
        tell(OWN_MEMORY.format(days=settings.freshness.longest.total_seconds() / 86_400))


def print_forgotten(order_number: str, forgotten: Forgotten) -> None:
    """Print how many of each noun were removed."""
    counts = {noun: getattr(forgotten, member) for member, noun in NOUNS.items()}
    rows = [(noun, str(count)) for noun, count in counts.items() if count is not None]
    print_table(f"Removed of order {order_number}", ("what", "removed"), rows)


def _ask(question: str) -> None:
    """Raise `CommandFailed` unless a person at a terminal says yes."""
    if not sys.stdin.isatty():
        raise CommandFailed("nothing was removed: nobody can be asked here; say --yes")
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in YES:
        raise CommandFailed("nothing was removed")


async def _forget(settings: Settings, slug: str, order_number: str) -> Forgotten:
    async with AsyncExitStack() as stack:
        database = Database(settings.store.url.get_secret_value())
        stack.push_async_callback(database.aclose)
        await database.prepare()
        services = await stack.enter_async_context(open_services(settings, database, utc_now))
        shared = open_shared(settings.cache)
        copies = None if shared is None else SharedCopies(shared)
        if copies is not None:
            stack.push_async_callback(copies.aclose)
        operation = Operation(services.operations, Deadline.after(services.query_seconds))
        records = OrderRecords(
            links=services.links,
            tracking_numbers=TrackingNumbers(database),
            registrations=services.registrations.registrations,
            keys=services.keys,
            order_tracker_details=OrderTrackerDetails(database),
            invoice_trackers=services.invoice_trackers,
        )
        forgetting = Forgetting(
            records=records,
            directory=operation.directory,
            orders=operation.orders,
            sightings=services.sightings,
            cache=services.cache,
            copies=copies,
        )
        try:
            return await forgetting.forget(services.shops.find(slug), order_number)
        except StillRegistering:
            raise CommandFailed(
                "nothing was removed: a provider is being told of this order just now; try again in some seconds"
            ) from None
