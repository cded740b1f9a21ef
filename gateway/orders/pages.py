"""Windows on a search: from Relay's cursors to a provider's numbered pages, and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from gateway.freshness.cache import Loaded
from gateway.freshness.derived import PASSING, Derived
from gateway.orders.loaded import LoadedOrder
from gateway.orders.shops import Shop
from providers.errors import ProviderError
from providers.models import Order

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ProviderPage:
    """A page as the provider numbers it, from 1."""

    number: int
    size: int

    @property
    def offset(self) -> int:
        return (self.number - 1) * self.size


@dataclass(frozen=True, slots=True)
class PageWindow:
    """`size` results after the first `offset` ones."""

    offset: int
    size: int

    def provider_pages(self, limit: int) -> tuple[ProviderPage, ...]:
        """The numbered pages of at most `limit` that together hold the whole window: one wherever one can.

        A window that does not begin at a multiple of its size would need two calls of that size; one larger page holds
        it in one call, wherever the limit allows.
        """
        smallest = min(self.size, limit)
        size = next((size for size in range(smallest, limit + 1) if len(self._numbers(size)) == 1), smallest)
        return tuple(ProviderPage(number, size) for number in self._numbers(size))

    def cut(self, results: Sequence[T], pages: Sequence[ProviderPage]) -> Sequence[T]:
        """The part of the results of `pages`, one after the other, that lies in the window."""
        begin = self.offset - pages[0].offset
        return results[begin : begin + self.size]

    def _numbers(self, page_size: int) -> range:
        """The numbers of the pages of `page_size` that the window lies on."""
        return range(self.offset // page_size + 1, (self.offset + self.size - 1) // page_size + 2)


@dataclass(frozen=True, slots=True, weakref_slot=True)
class OrderPage:
    """The loaded orders of one window. `error` says why an old copy had to do.

    `record` is the copy of the provider's page that alone made it, while that is fresh; else None.
    """

    shop: Shop
    orders: tuple[LoadedOrder, ...]
    window: PageWindow
    error: ProviderError | None
    record: Loaded[tuple[Order, ...]] | None = field(default=None, compare=False, repr=False)
    derived: Derived = field(init=False, repr=False, compare=False)
    """What follows from this page alone; kept with it where it has a `record`."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "derived", PASSING if self.record is None else Derived())

    def forget(self) -> None:
        """Let go of what was derived: the copy that this page was made of is no longer held."""
        self.derived.forget()

    @property
    def has_next(self) -> bool:
        """A full window may have another behind it: the provider tells no total, so the next one may be empty."""
        return len(self.orders) == self.window.size
