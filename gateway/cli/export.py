"""`trackgraph export`: what the store knows of a shop, as rows on standard output, one at a time."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from gateway.cli.bulk_rows import RowWriter, link_columns
from gateway.cli.formats import Exported, FileFormat
from gateway.cli.output import tell
from gateway.cli.serve import set_in_environment
from gateway.cli.shops import choose_shop
from gateway.orders.registration.shipment import Shipment, StepOutcome
from gateway.settings import load_settings
from gateway.store.database import Database
from gateway.store.idempotency_keys import IdempotencyKeys
from gateway.store.links import Links
from gateway.store.present import present_of
from gateway.store.registrations import Registration, RegistrationFilter, Registrations, Step, StepState

PAGE = 500
"""Rows that are read from the store at a time."""

REGISTRATION_COLUMNS = (
    "registration",
    "created_at",
    "order_number",
    "named_by",
    "name",
    "tracking_number",
    "carrier",
    "provider",
    "state",
    "attempts",
    "updated_at",
    "next_attempt_at",
    "reason",
    "dismissed_at",
)
"""`named_by` and `name` are the kind and the value of the key that the order was named by."""

Row = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Export:
    """The columns of one kind of rows, and where the rows of a shop come from."""

    columns: Callable[[], tuple[str, ...]]
    rows: Callable[[Database, str], AsyncIterator[Row]]


def export(config: Path | None, shop: str | None, what: Exported, file_format: FileFormat) -> None:
    """Write the rows to standard output. A reader that has had enough and leaves is no failure."""
    set_in_environment(config=config)
    settings = load_settings(os.environ)
    slug = choose_shop(settings, shop)
    try:
        asyncio.run(_write(settings.store.url.get_secret_value(), slug, EXPORTS[what], file_format, sys.stdout))
        sys.stdout.flush()
    except BrokenPipeError:
        # Python flushes standard output again when it ends, and would tell of the same.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


async def _write(url: str, shop: str, exported: Export, file_format: FileFormat, out: TextIO) -> None:
    database = Database(url)
    try:
        await database.prepare()
        writer = RowWriter(out, file_format, exported.columns())
        async for row in exported.rows(database, shop):
            writer.write(row)
    finally:
        await database.aclose()


async def _links(database: Database, shop: str) -> AsyncIterator[Row]:
    """A row for each link, in the columns that `import` reads, oldest first."""
    kinds = frozenset(link_columns())
    left_out = 0
    async for link in Links(database).all_of(shop, PAGE):
        if link.reference.kind in kinds:
            yield {"order_number": link.order_number, link.reference.kind: link.reference.value}
        else:
            left_out += 1
    if left_out:
        tell(f"{left_out:,} links are left out: no provider that is installed calls orders so")


async def _registrations(database: Database, shop: str) -> AsyncIterator[Row]:
    """A row for each provider of each registration, newest first."""
    present = present_of(database)
    registrations = Registrations(database, present, IdempotencyKeys(database, present))
    before: int | None = None
    while page := await registrations.search(shop, RegistrationFilter(), PAGE, before):
        for registration in page:
            for step in registration.steps:
                yield _step_row(registration, step)
        before = page[-1].id


def _step_row(registration: Registration, step: Step) -> Row:
    shipment = Shipment.model_validate(registration.shipment)
    dismissed_at = registration.dismissed_at
    return {
        "registration": registration.id,
        "created_at": registration.created_at.isoformat(),
        "order_number": registration.order_number,
        "named_by": registration.order_kind,
        "name": registration.order_value,
        "tracking_number": shipment.tracking_number,
        "carrier": shipment.carrier,
        "provider": step.provider,
        "state": step.state.value,
        "attempts": step.attempts,
        "updated_at": step.updated_at.isoformat(),
        "next_attempt_at": step.due_at.isoformat() if step.state is StepState.PENDING else None,
        "reason": _reason(step),
        "dismissed_at": dismissed_at.isoformat() if dismissed_at else None,
    }


def _reason(step: Step) -> str | None:
    """The code of what refused the step, or of what went wrong with it last."""
    outcome = StepOutcome.model_validate(step.outcome or {})
    return outcome.refusal.code if outcome.refusal else outcome.failure


EXPORTS: Mapping[Exported, Export] = {
    Exported.LINKS: Export(lambda: ("order_number", *link_columns()), _links),
    Exported.REGISTRATIONS: Export(lambda: REGISTRATION_COLUMNS, _registrations),
}
