"""What went wrong lately: the failure that an old copy is served because of."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime

from providers.errors import ProviderError


@dataclass(frozen=True, slots=True)
class Failure:
    """`asked` is when the asking began that failed, `at` when it failed."""

    error: ProviderError
    asked: int
    at: datetime


class RecentFailures:
    """The last failure under each key, for the `limit` keys that failed most recently, until an asking succeeds."""

    def __init__(self, limit: int = 10_000) -> None:
        self._limit = limit
        self._failures: OrderedDict[str, Failure] = OrderedDict()

    def note(self, key: str, failure: Failure) -> None:
        """Asking for `key` failed."""
        self._failures[key] = failure
        self._failures.move_to_end(key)
        if len(self._failures) > self._limit:
            self._failures.popitem(last=False)

    def forget(self, key: str) -> None:
        """Asking for `key` succeeded."""
        self._failures.pop(key, None)

    def since(self, key: str, asked: int) -> Failure | None:
        """The last failure under `key`, unless the copy asked for at `asked` is newer than it."""
        failure = self._failures.get(key)
        return failure if failure is not None and failure.asked > asked else None
