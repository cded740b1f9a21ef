"""The use case of reading orders: from a key and a list of needs to a loaded order, or the word that there is none."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from gateway.freshness.cache import Loaded
from gateway.orders.directory import Directory
from gateway.orders.errors import CapabilityMissing
from gateway.orders.identity import KnownReference, OrderIdentity, OrderKey, identity_of
from gateway.orders.loaded import LoadedOrder, ProviderPart, status_told
from gateway.orders.loads import Loads
from gateway.orders.needs import NAME_PARTS, Need, Part
from gateway.orders.pages import OrderPage, PageWindow
from gateway.orders.shops import Shop
from providers.base import RouteSource, TrackingSource
from providers.errors import ProviderError
from providers.models import Order, OrderSearch, Reference, Route


@dataclass(frozen=True, slots=True)
class NotFound:
    """No order. `failures` are the providers that could have known it and could not answer; none: nobody knows it."""

    failures: tuple[ProviderError, ...] = ()


class OrderService:
    """Finds orders, searches them and finds routes, for the time of one operation."""

    def __init__(self, directory: Directory, loads: Loads) -> None:
        self._directory = directory
        self._loads = loads

    async def find(
        self, shop: Shop, key: OrderKey, needs: Collection[Need], *, refresh: bool = False
    ) -> LoadedOrder | NotFound:
        """The order behind `key` with everything that `needs` ask, or `NotFound`.

        Raises `OrderError` for a key that cannot be resolved.
        """
        identity = await self._directory.identify(shop, key)
        draft = _Draft(shop, identity, refresh)
        await self._fill(draft, needs)
        if draft.is_known or await self._is_known_elsewhere(draft):
            return await self._finish(draft, needs)
        return NotFound(draft.failures)

    async def load(self, shop: Shop, identity: OrderIdentity, needs: Collection[Need]) -> LoadedOrder:
        """An order that is known to exist, with everything that `needs` ask."""
        draft = _Draft(shop, identity, refresh=False)
        await self._fill(draft, needs)
        return await self._finish(draft, needs)

    async def search(
        self, shop: Shop, search: OrderSearch, window: PageWindow, needs: Collection[Need]
    ) -> OrderPage | NotFound:
        """The orders of one window of a search, each with everything that `needs` ask; `NotFound` when it failed."""
        source = shop.order_source
        if source is None:
            raise CapabilityMissing(f"No provider of shop {shop.slug!r} can search orders.")
        numbered = window.provider_pages(source.profile.page_size_limit or window.size)
        pages = await asyncio.gather(
            *(self._loads.page(shop, source, search, page.number, page.size) for page in numbered)
        )
        errors = tuple(page.error for page in pages if page.error)
        if any(page.value is None for page in pages):
            return NotFound(errors)
        found = window.cut([(order, page) for page in pages for order in page.value or ()], numbered)
        for order, page in found:
            self._loads.know(shop, source, order, page)
        loaded = await asyncio.gather(*(self._load_found(shop, order, page, needs) for order, page in found))
        return OrderPage(shop, tuple(loaded), window, next(iter(errors), None))

    async def find_route(self, shop: Shop, handle: str) -> Loaded[Route]:
        """The route called `handle`; its `value` is None without an error when there is none."""
        source = next((adapter for adapter in shop.providers.values() if isinstance(adapter, RouteSource)), None)
        if source is None:
            raise CapabilityMissing(f"No provider of shop {shop.slug!r} knows routes.")
        return await self._loads.route(shop, source, handle)

    async def _load_found(
        self, shop: Shop, order: Order, page: Loaded[tuple[Order, ...]], needs: Collection[Need]
    ) -> LoadedOrder:
        draft = _Draft(shop, identity_of(shop.slug, order), refresh=False)
        self._take_record(draft, Loaded(order, page.cache, page.fetched_at, page.fresh_until, page.error))
        await self._fill(draft, needs)
        return await self._finish(draft, needs)

    async def _fill(self, draft: _Draft, needs: Collection[Need]) -> None:
        """Ask everything that `needs` name: at once what can be asked at once, then down the order of trust."""
        await self._learn_names(draft, needs)
        await asyncio.gather(
            self._load_details(draft, needs),
            *(self._load_part(draft, provider) for provider in _providers_to_ask(draft.shop, needs)),
        )
        for need in needs:
            if need.part is Part.STATUS:
                await self._walk_status(draft, need)

    async def _learn_names(self, draft: _Draft, needs: Collection[Need]) -> None:
        """Ask the order source first where a name that only it knows decides whom else to ask."""
        asked = _providers_to_ask(draft.shop, needs)
        lacks_name = any(self._directory.rule_lacks_name(draft.shop, draft.identity, provider) for provider in asked)
        needs_links = bool(asked) or any(need.part is Part.REFERENCES for need in needs)
        if draft.shop.order_source and (lacks_name or (needs_links and draft.identity.order_number is None)):
            await self._load_record(draft)

    async def _load_details(self, draft: _Draft, needs: Collection[Need]) -> None:
        source = draft.shop.order_source
        is_named = source is not None and source.profile.name in _providers_to_ask(draft.shop, needs)
        if is_named or any(_needs_record(need, draft.identity) for need in needs):
            await self._load_record(draft)

    async def _load_record(self, draft: _Draft) -> None:
        source = draft.shop.order_source
        if source is None or draft.record is not None:
            return
        name = draft.identity.best_name
        if name is not None:
            reference = Reference(provider=source.profile.name, kind=name.kind, value=name.value)
            self._take_record(draft, await self._loads.order(draft.shop, source, reference, refresh=draft.refresh))

    def _take_record(self, draft: _Draft, record: Loaded[Order]) -> None:
        source = draft.shop.order_source
        if source is None or draft.record is not None:
            return
        draft.record = record
        if record.value is not None:
            draft.identity = draft.identity.learnt_from(record.value)
        trackings = record.value.trackings if record.value else None
        draft.parts[source.profile.name] = ProviderPart.of(source.profile.name, record, trackings)

    async def _load_part(self, draft: _Draft, provider: str) -> None:
        adapter = draft.shop.providers[provider]
        if provider in draft.parts or adapter is draft.shop.order_source or not isinstance(adapter, TrackingSource):
            return
        references = await self._directory.askable(draft.shop, draft.identity, provider)
        if not references:
            error = self._failure_to_name(draft, provider)
            if error:
                draft.parts[provider] = ProviderPart.unasked(provider, error)
            return
        found = await asyncio.gather(
            *(
                self._loads.trackings(draft.shop, adapter, reference, draft.identity, refresh=draft.refresh)
                for reference in references
            )
        )
        parts = [ProviderPart.of(provider, one, one.value.trackings if one.value else None) for one in found]
        draft.parts[provider] = ProviderPart.joined(parts)
        for one in found:
            if one.value is not None:
                draft.identity = draft.identity.told_also(one.value.references)

    def _failure_to_name(self, draft: _Draft, provider: str) -> ProviderError | None:
        """What went wrong with the order source, where it alone could tell how `provider` calls the order."""
        if draft.record is None or draft.record.value is not None:
            return None
        lacks_name = self._directory.rule_lacks_name(draft.shop, draft.identity, provider)
        return draft.record.error if lacks_name or draft.identity.order_number is None else None

    async def _walk_status(self, draft: _Draft, need: Need) -> None:
        for provider in draft.shop.tracking_providers:
            if not need.names(provider):
                continue
            await self._ask(draft, provider)
            part = draft.parts.get(provider)
            if part and status_told(draft.shop, draft.record, part) is not None:
                return

    async def _ask(self, draft: _Draft, provider: str) -> None:
        adapter = draft.shop.providers[provider]
        if adapter is draft.shop.order_source:
            await self._load_record(draft)
            return
        lacks_name = self._directory.rule_lacks_name(draft.shop, draft.identity, provider)
        if lacks_name or draft.identity.order_number is None:
            await self._load_record(draft)
        await self._load_part(draft, provider)

    async def _is_known_elsewhere(self, draft: _Draft) -> bool:
        """Ask those that were not selected but could know the order, cheapest first, until one does."""
        if await self._directory.links(draft.identity):
            return True
        elsewhere = _Draft(draft.shop, draft.identity, draft.refresh, draft.record, dict(draft.parts))
        ranked = sorted(draft.shop.tracking_providers, key=lambda name: not draft.shop.providers[name].profile.stored)
        for provider in ranked:
            await self._ask(elsewhere, provider)
            if elsewhere.is_known:
                break
        draft.identity = elsewhere.identity
        draft.failures_elsewhere = elsewhere.failures
        return elsewhere.is_known

    async def _finish(self, draft: _Draft, needs: Collection[Need]) -> LoadedOrder:
        references: tuple[KnownReference, ...] = ()
        if any(need.part is Part.REFERENCES for need in needs):
            references = await self._directory.references(draft.shop, draft.identity)
        return LoadedOrder(draft.shop, draft.identity, draft.record, dict(draft.parts), references)


@dataclass(slots=True)
class _Draft:
    """An order while it is being loaded."""

    shop: Shop
    identity: OrderIdentity
    refresh: bool
    record: Loaded[Order] | None = None
    parts: dict[str, ProviderPart] = field(default_factory=dict)
    failures_elsewhere: tuple[ProviderError, ...] = ()

    @property
    def is_known(self) -> bool:
        return any(part.is_known for part in self.parts.values())

    @property
    def failures(self) -> tuple[ProviderError, ...]:
        own = tuple(part.error for part in self.parts.values() if part.error)
        return tuple(dict.fromkeys((*own, *self.failures_elsewhere)))


def _providers_to_ask(shop: Shop, needs: Iterable[Need]) -> tuple[str, ...]:
    """The providers of `shop` whose trackings the needs name, most trusted first. A status walk asks by itself."""
    return tuple(provider for provider in shop.tracking_providers if any(_asks(need, shop, provider) for need in needs))


def _asks(need: Need, shop: Shop, provider: str) -> bool:
    if need.part is Part.TRACKINGS:
        return need.names(provider)
    return need.part is Part.ESTIMATE and need.names(provider) and shop.providers[provider].profile.estimates_arrival


def _needs_record(need: Need, identity: OrderIdentity) -> bool:
    if need.part is Part.DETAILS:
        return True
    name = NAME_PARTS.get(need.part)
    return name is not None and identity.name(name) is None
