"""Windows on a search: from Relay's cursors to a provider's numbered pages, and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from gateway.orders.loaded import LoadedOrder
from gateway.orders.shops import Shop
from providers.errors import ProviderError

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

    def provider_page(self, limit: int) -> ProviderPage:
        """The smallest numbered page of at most `limit` that holds the whole window, or as much of it as any can.

        A window that does not begin at a multiple of its size would need two calls of that size; one larger page holds
        it in one call, wherever the limit allows.
        """
        for size in range(self.size, limit + 1):
            if self.offset // size == (self.offset + self.size - 1) // size:
                return ProviderPage(self.offset // size + 1, size)
        return ProviderPage(self.offset // limit + 1, limit)

    def cut(self, results: Sequence[T], page: ProviderPage) -> Sequence[T]:
        """The part of a provider's page that lies in the window."""
        begin = self.offset - page.offset
        return results[begin : begin + self.size]


@dataclass(frozen=True, slots=True)
class OrderPage:
    """The loaded orders of one window. `error` says why an old copy had to do."""

    shop: Shop
    orders: tuple[LoadedOrder, ...]
    window: PageWindow
    error: ProviderError | None

    @property
    def has_next(self) -> bool:
        """A full window may have another behind it: the provider tells no total, so the next one may be empty."""
        return len(self.orders) == self.window.size
