"""Whole answers, kept as bytes for as long as everything in them is fresh.

An answer is found again by what was sent (document, operation, variables) and by what its caller may see. It stands
until its first part is no longer fresh, or anything that it was made of was invalidated or replaced in this process.
Never kept: answers with errors, those that rest on the store or on a cache that other processes write to, and those
that tell how things are at this moment (`VOLATILE`).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from sys import getsizeof
from typing import Any, Final, NamedTuple, Protocol

import orjson

from gateway.auth.principal import OneOrder, Principal, Scope
from gateway.freshness.cache import CLOCK_SLACK
from providers.base import Clock

OVERHEAD_BYTES: Final = 1_500
"""What an answer takes beside its own bytes, its question's and its names: rights, times, dictionary slots."""

NAME_BYTES: Final = 120
"""What a key or a tag takes."""

NEVER: Final = 0
"""Begun before everything: what is made since then is not kept."""

_NO_TIME: Final = timedelta()

LONGEST_SHARE: Final = 16
"""An answer that takes more than this part of the room, with its question, is not kept: a few would push out all."""

VOLATILE: Final = frozenset({"Source.cache", "Source.ageSeconds", "Provider.health"})
"""Fields whose value changes though nothing is loaded."""

KEPT_ROOTS: Final = frozenset({"Query.order", "Query.orders"})
"""Root fields that answer from what is loaded, and from nothing else that could change."""


class Question(Protocol):
    """A request, as far as it says what is asked."""

    @property
    def query(self) -> str | None: ...
    @property
    def document_id(self) -> str | None: ...
    @property
    def sha256(self) -> str | None: ...
    @property
    def operation_name(self) -> str | None: ...
    @property
    def variables(self) -> Mapping[str, Any] | None: ...


class Changes(Protocol):
    """What was invalidated or replaced."""

    def instant(self) -> int:
        """A reading behind all before it: since when to look."""
        ...

    def is_unchanged(self, names: Collection[str], since: int) -> bool:
        """Whether nothing under one of `names` has changed since then."""
        ...


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """An answer without errors, and how long it may still be kept by whoever gets it."""

    content: bytes
    max_age: timedelta


class _Key(NamedTuple):
    """What an answer is kept under: what was sent, all of it the client's own words, and what the caller may see."""

    document: tuple[str | None, ...]
    variables: str
    shops: frozenset[str] | None
    scopes: frozenset[Scope]
    order: OneOrder | None

    @property
    def size(self) -> int:
        """The bytes of what was sent."""
        return sum(map(getsizeof, self.document)) + getsizeof(self.variables)


@dataclass(frozen=True, slots=True)
class _Entry:
    """Bytes of an answer. Making it began at `begun`; `names` are what it was made of."""

    content: bytes
    max_age: timedelta
    fresh_until: datetime
    begun: int
    names: frozenset[str]
    cost: int


class KeptAnswers:
    """Answers in about `max_bytes`, their questions and variables included, the most recently used.

    `changes` tells of what answers are made of; None while nobody can tell, and then none is kept.
    """

    def __init__(self, changes: Callable[[], Changes | None], clock: Clock, max_bytes: int) -> None:
        self._changes = changes
        self._clock = clock
        self._room = max_bytes
        self._longest = max_bytes // LONGEST_SHARE
        self._entries: OrderedDict[_Key | None, _Entry] = OrderedDict()

    def now(self) -> int:
        """When the making of an answer begins."""
        changes = self._changes()
        return changes.instant() if changes else NEVER

    def find(self, question: Question, principal: Principal) -> KeptAnswer | None:
        """The answer to `question` that `principal` may have, unless it has had its time or a part of it changed."""
        key = _key_of(question, principal)
        entry = self._entries.get(key)
        if entry is None:
            return None
        max_age = entry.fresh_until - self._clock()
        is_of_now = _NO_TIME < max_age <= entry.max_age + CLOCK_SLACK  # or the clock went back meanwhile
        if not is_of_now or not self._stands(entry.names, entry.begun):
            self._drop(key)
            return None
        self._entries.move_to_end(key)
        return KeptAnswer(entry.content, min(max_age, entry.max_age))

    def keep(
        self,
        question: Question,
        principal: Principal,
        answer: KeptAnswer,
        names: frozenset[str] | None,
        begun: int,
    ) -> None:
        """Keep `answer`, made of `names`. Without them nothing is kept, nor if one of them changed since `begun`."""
        key = _key_of(question, principal)
        if key is None or names is None or not self._stands(names, begun):
            return
        cost = len(answer.content) + key.size + OVERHEAD_BYTES + NAME_BYTES * len(names)
        if cost > self._longest:
            return
        self._drop(key)
        fresh_until = self._clock() + answer.max_age
        self._entries[key] = _Entry(answer.content, answer.max_age, fresh_until, begun, names, cost)
        self._room -= cost
        while self._room < 0:
            self._room += self._entries.popitem(last=False)[1].cost

    def _stands(self, names: frozenset[str], begun: int) -> bool:
        changes = self._changes()
        return changes is not None and changes.is_unchanged(names, begun)

    def _drop(self, key: _Key | None) -> None:
        entry = self._entries.pop(key, None)
        self._room += entry.cost if entry else 0


def _key_of(question: Question, principal: Principal) -> _Key | None:
    """What the answer to `question` is kept under for `principal`; None for variables that orjson cannot write.

    Callers with the same rights share an answer, whatever they are called.
    """
    try:
        # As text, because what orjson writes goes on taking all the room that it was given to write in: 4 kB and more.
        variables = orjson.dumps(question.variables).decode() if question.variables else ""
    except orjson.JSONEncodeError:
        return None
    document = (question.query, question.document_id, question.sha256, question.operation_name)
    return _Key(document, variables, principal.shops, principal.scopes, principal.order)


@lru_cache(maxsize=1024)
def may_be_kept(coordinates: frozenset[str]) -> bool:
    """Whether an answer that reads the fields `coordinates` can be the same a second later."""
    roots = {coordinate for coordinate in coordinates if coordinate.startswith("Query.")}
    return roots <= KEPT_ROOTS and VOLATILE.isdisjoint(coordinates)
