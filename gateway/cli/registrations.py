"""`trackgraph registrations`: the shipments that are not told to every provider yet, as a table."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from gateway.cli.failures import CommandFailed
from gateway.cli.output import print_table, tell
from gateway.cli.serve import set_in_environment
from gateway.schema.ids import GlobalId
from gateway.schema.registration_refusals import outcome_of
from gateway.schema.types.registration import tracking_number_of
from gateway.settings import Settings, load_settings
from gateway.store.database import Database
from gateway.store.idempotency_keys import IdempotencyKeys
from gateway.store.present import present_of
from gateway.store.registrations import Registration, RegistrationFilter, Registrations, Step, StepState

COLUMNS = (
    "shop",
    "id",
    "created",
    "order",
    "tracking number",
    "provider",
    "state",
    "attempts",
    "next attempt",
    "reason",
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be printed: of every shop when `shop` is None; with what is done and given up when `everything`."""

    shop: str | None
    states: frozenset[StepState]
    everything: bool
    limit: int

    @property
    def filter(self) -> RegistrationFilter:
        return RegistrationFilter(states=self.states, open_only=not self.everything)

    def shows(self, step: Step) -> bool:
        """Whether a step of a registration that was found gets a row."""
        if self.states:
            return step.state in self.states
        return self.everything or step.state is not StepState.DONE


def print_registrations(
    config: Path | None, shop: str | None, states: Iterable[str], everything: bool, limit: int
) -> None:
    """Print the newest `limit` registrations, a row for each provider. Raises `CommandFailed` for unknown names."""
    asked = Asked(shop, frozenset(_state(word) for word in states), everything, limit)
    set_in_environment(config=config)
    settings = load_settings(os.environ)
    if shop is not None and shop not in settings.shops:
        raise CommandFailed(f"there is no shop {shop}; there are: {', '.join(settings.shops)}")
    found = asyncio.run(_find(settings, asked))
    print_table("Registrations, newest first", COLUMNS, [row for each in found[:limit] for row in _rows(each, asked)])
    if len(found) > limit:
        tell(f"these are the newest {limit}; see more with --limit")


async def _find(settings: Settings, asked: Asked) -> tuple[Registration, ...]:
    """What is asked for, and one more where there is more."""
    database = Database(settings.store.url.get_secret_value())
    try:
        await database.prepare()
        present = present_of(database)
        registrations = Registrations(database, present, IdempotencyKeys(database, present))
        return await registrations.search(asked.shop, asked.filter, asked.limit + 1)
    finally:
        await database.aclose()


def _rows(registration: Registration, asked: Asked) -> Iterator[tuple[str, ...]]:
    for step in registration.steps:
        if asked.shows(step):
            yield (
                registration.shop,
                str(GlobalId("Registration", registration.shop, (registration.id,))),
                _moment(registration.created_at),
                registration.order_number or registration.order_value,
                tracking_number_of(registration),
                step.provider,
                step.state.value,
                str(step.attempts),
                _moment(step.due_at) if step.state is StepState.PENDING else "",
                _reason(step),
            )


def _reason(step: Step) -> str:
    """The code of what refused the step or went wrong with it, and the provider's own code where there is one."""
    outcome = outcome_of(step)
    if outcome.refusal is None:
        return outcome.failure or ""
    own = outcome.refusal.provider_code
    return f"{outcome.refusal.code} ({own})" if own else outcome.refusal.code


def _moment(moment: datetime) -> str:
    """In UTC and to the second, as a person compares it."""
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def _state(word: str) -> StepState:
    try:
        return StepState(word.upper())
    except ValueError:
        raise CommandFailed(f"there is no state {word}; there are: {', '.join(StepState)}") from None
