"""What `trackgraph registrations` prints of a store, and how it fails."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.cli.program import run
from gateway.cli.registrations import COLUMNS
from gateway.orders.refusal import KeptViolation, Refusal
from gateway.orders.registration.outcome import DISMISSED
from gateway.orders.registration.shipment import Shipment, StepOutcome
from gateway.schema.ids import GlobalId
from gateway.store.database import Database
from gateway.store.idempotency_keys import IdempotencyKeys
from gateway.store.present import present_of
from gateway.store.registrations import NewRegistration, NewStep, Registrations, Result, StepState
from tests.databases import sqlite_url

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)

Row = dict[str, str]
Use = Callable[[Registrations], Awaitable[None]]

REFUSED = Refusal(
    kind="rejected",
    code="PROVIDER_REJECTED",
    message="The provider refused the request.",
    provider="paypal",
    operation="track_order",
    provider_code="CAPTURE_STATUS_NOT_VALID",
    violations=(KeptViolation(field=("capture_id",)),),
)


@pytest.fixture
def fill(store_file: Path) -> Callable[[Use], None]:
    """Writes to the store what a gateway would have, at noon."""

    async def filled(use: Use) -> None:
        database = Database(sqlite_url(store_file))
        try:
            present = present_of(database, lambda: NOON)
            await use(Registrations(database, present, IdempotencyKeys(database, present)))
        finally:
            await database.aclose()

    return lambda use: asyncio.run(filled(use))


async def add(registrations: Registrations, number: str, *providers: str, shop: str = "acme") -> int:
    """An accepted shipment of the order `number`."""
    shipment = Shipment(tracking_number=f"parcel-{number}", carrier="dhl").model_dump(mode="json")
    steps = tuple(NewStep(provider) for provider in providers)
    accepted = await registrations.add(NewRegistration(shop, "order_number", number, number, shipment, steps))
    return accepted.id  # type: ignore[union-attr]  # without a key it is never taken


async def end(registrations: Registrations, provider: str, state: StepState, outcome: StepOutcome) -> None:
    """Have the oldest step at `provider` end so."""
    (step,) = await registrations.claim("worker", provider, 1)
    await registrations.end(step, Result(state, outcome.model_dump(mode="json"), timedelta(seconds=8)))


async def some(registrations: Registrations) -> None:
    """One with every state, one that is done, one of another shop."""
    await add(registrations, "1", "karla", "paypal", "billink", "hypertrack")
    await end(registrations, "karla", StepState.DONE, StepOutcome())
    await end(registrations, "paypal", StepState.REFUSED, StepOutcome(refusal=REFUSED))
    await end(registrations, "billink", StepState.UNKNOWN, StepOutcome(failure="OUTCOME_UNKNOWN"))
    await end(registrations, "hypertrack", StepState.PENDING, StepOutcome(failure="PROVIDER_UNAVAILABLE"))
    await add(registrations, "2", "karla")
    await end(registrations, "karla", StepState.DONE, StepOutcome())
    await add(registrations, "3", "karla", shop="other")


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[Row]:
    """The rows of the table by the names of its columns, as a pipe gets them."""
    assert run(["registrations", *arguments]) == 0
    header, *lines = capsys.readouterr().out.splitlines()
    assert header == "\t".join(COLUMNS)
    return [dict(zip(COLUMNS, line.split("\t"), strict=True)) for line in lines]


def providers(rows: list[Row]) -> list[tuple[str, str]]:
    return [(row["order"], row["provider"]) for row in rows]


def test_a_provider_that_is_not_told_has_a_row_with_everything(
    config: str, fill: Callable[[Use], None], capsys: pytest.CaptureFixture[str]
) -> None:
    fill(some)
    by_provider = {row["provider"]: row for row in printed(capsys, "--config", config, "--shop", "acme")}
    shown = {
        "shop": "acme",
        "id": str(GlobalId("Registration", "acme", (1,))),
        "created": "2026-01-31T12:00:00Z",
        "order": "1",
        "tracking number": "parcel-1",
        "attempts": "1",
    }
    assert by_provider == {
        "paypal": {
            **shown,
            "provider": "paypal",
            "state": "REFUSED",
            "next attempt": "",
            "reason": "PROVIDER_REJECTED (CAPTURE_STATUS_NOT_VALID)",
        },
        "billink": {
            **shown,
            "provider": "billink",
            "state": "UNKNOWN",
            "next attempt": "",
            "reason": "OUTCOME_UNKNOWN",
        },
        "hypertrack": {
            **shown,
            "provider": "hypertrack",
            "state": "PENDING",
            "next attempt": "2026-01-31T12:00:08Z",
            "reason": "PROVIDER_UNAVAILABLE",
        },
    }


def test_the_newest_are_first_of_every_shop(
    config: str, fill: Callable[[Use], None], capsys: pytest.CaptureFixture[str]
) -> None:
    fill(some)
    assert providers(printed(capsys, "--config", config)) == [
        ("3", "karla"),
        ("1", "paypal"),
        ("1", "billink"),
        ("1", "hypertrack"),
    ]


def test_states_choose_the_rows(config: str, fill: Callable[[Use], None], capsys: pytest.CaptureFixture[str]) -> None:
    fill(some)
    rows = printed(capsys, "--config", config, "--state", "pending", "--state", "UNKNOWN")
    assert providers(rows) == [("3", "karla"), ("1", "billink"), ("1", "hypertrack")]
    assert providers(printed(capsys, "--config", config, "--state", "DONE", "--all")) == [
        ("2", "karla"),
        ("1", "karla"),
    ]


def test_all_shows_what_is_done_and_what_was_dismissed(
    config: str, fill: Callable[[Use], None], capsys: pytest.CaptureFixture[str]
) -> None:
    async def dismissed(registrations: Registrations) -> None:
        await some(registrations)
        await registrations.dismiss("other", 3, "sent by hand", DISMISSED.model_dump(mode="json"))

    fill(dismissed)
    assert ("3", "karla") not in providers(printed(capsys, "--config", config))
    rows = printed(capsys, "--config", config, "--all")
    assert len(rows) == 6
    assert (rows[0]["order"], rows[0]["state"], rows[0]["reason"]) == ("3", "REFUSED", "DISMISSED")


def test_more_than_the_limit_is_told(
    config: str, fill: Callable[[Use], None], capsys: pytest.CaptureFixture[str]
) -> None:
    fill(some)
    assert run(["registrations", "--config", config, "--limit", "1"]) == 0
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 2
    assert err == "trackgraph: these are the newest 1; see more with --limit\n"


def test_an_empty_store_prints_the_columns_alone(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys, "--config", config) == []


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--shop", "nobody"], 1, "trackgraph: there is no shop nobody; there are: acme, other"),
        (["--state", "OPEN"], 1, "trackgraph: there is no state OPEN; there are: PENDING, DONE, REFUSED, UNKNOWN"),
        (["--limit", "0"], 2, "trackgraph: Invalid value for '--limit'"),
    ],
)
def test_what_is_not_there_is_told_on_one_line(
    config: str, arguments: list[str], code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["registrations", "--config", config, *arguments]) == code
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(message)
