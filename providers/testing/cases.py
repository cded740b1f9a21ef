"""What a provider states about itself, so that the contract can hold it to it. Data only."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from pydantic import JsonValue

from providers.base import Provider, ProviderSpec
from providers.errors import ProviderError
from providers.models import InvoiceTracker, TrackingStatus
from providers.testing.api import Answer, Exchange

NOW = datetime(2025, 6, 1, 12, 0, tzinfo=UTC)
"""What the adapter's clock says under contract."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One call of an adapter: how it is made, what it sends, and what it makes of the recorded answers.

    `method` is the Protocol's method that `call` uses; `label` tells two operations of one method apart. `expected` is
    the answer as `as_json` writes it. `required` are the members without which the last recorded body cannot be used,
    each as a path into it. `errors` says, by name of the fault, where the operation differs from the table of faults;
    None means that it answers in spite of it. `asks_once` says that callers at the same time share one call.
    """

    method: str
    call: Callable[[Provider], Awaitable[object]]
    exchanges: tuple[Exchange, ...]
    expected: JsonValue
    required: tuple[tuple[str | int, ...], ...] = ()
    errors: Mapping[str, type[ProviderError] | None] = field(default_factory=dict)
    label: str = ""
    asks_once: bool = False

    @property
    def name(self) -> str:
        return f"{self.method}-{self.label}" if self.label else self.method


@dataclass(frozen=True, slots=True)
class StatusTable:
    """Every status word of a provider, and what it stands for.

    `put` writes a word into the recorded body of the operation named `operation`; `read` finds the status and the
    provider's own word in what the operation answers.
    """

    operation: str
    words: Mapping[str, TrackingStatus]
    put: Callable[[JsonValue, str], JsonValue]
    read: Callable[[object], tuple[TrackingStatus, str | None]]
    label: str = ""


@dataclass(frozen=True, slots=True)
class ContractCase:
    """A provider under contract.

    `settings` are as they stand in a settings file; `secrets` are the values in them that must never be shown. `token`
    is the exchange that fetches an access token, where the provider has one. `ledger` holds the trackers that were
    registered before. `without_statuses` is the reason why there is no status table.
    """

    spec: ProviderSpec
    settings: Mapping[str, object]
    secrets: tuple[str, ...]
    operations: tuple[Operation, ...]
    statuses: tuple[StatusTable, ...] = ()
    token: Exchange | None = None
    ledger: tuple[InvoiceTracker, ...] = ()
    without_statuses: str = ""

    @property
    def base_url(self) -> str:
        """Where the adapter's client points."""
        return self.spec.settings.model_validate(self.settings).base_url

    def operation(self, name: str) -> Operation:
        return next(operation for operation in self.operations if operation.name == name)


def sample(path: Path, status: int = 200) -> Answer:
    """The recorded body in the file `path`, as an answer."""
    return Answer(status, path.read_bytes())


def load_sample(path: Path) -> JsonValue:
    """The JSON in the file `path`."""
    value: JsonValue = json.loads(path.read_bytes())
    return value


def without(body: JsonValue, path: Sequence[str | int]) -> JsonValue:
    """`body` without the member at `path`."""
    first, *rest = path
    if isinstance(body, dict) and isinstance(first, str):
        kept = {name: value for name, value in body.items() if name != first}
        return {**kept, first: without(body[first], rest)} if rest else kept
    if isinstance(body, list) and isinstance(first, int):
        after = [without(body[first], rest)] if rest else []
        return [*body[:first], *after, *body[first + 1 :]]
    raise ValueError(f"the recorded body has no member {first!r}")
