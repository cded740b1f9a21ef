"""The use case of reading orders: from a key and a list of needs to a loaded order, or the word that there is none."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Coroutine, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from gateway.freshness.cache import Loaded
from gateway.freshness.envelope import CacheResult
from gateway.orders.directory import Directory
from gateway.orders.errors import CapabilityMissing
from gateway.orders.identity import KnownReference, OrderIdentity, OrderKey, identity_of
from gateway.orders.loaded import LoadedOrder, ProviderPart, status_told
from gateway.orders.loads import Loading, Loads, one_of, waited_for
from gateway.orders.needs import Need
from gateway.orders.pages import OrderPage, PageWindow
from gateway.orders.plan import LoadPlan
from gateway.orders.shops import Shop
from providers.base import OrderSource, RouteSource
from providers.errors import ProviderError
from providers.models import Order, OrderSearch, Reference, Route, TrackingsFound

T = TypeVar("T")

Rest = Coroutine[Any, Any, None]
"""What is left to be awaited of something that was begun."""


@dataclass(frozen=True, slots=True)
class NotFound:
    """No order. `failures` are the providers that could have known it and could not answer; none: nobody knows it."""

    failures: tuple[ProviderError, ...] = ()


class OrderService:
    """Finds orders, searches them and finds routes, for the time of one operation."""

    def __init__(self, directory: Directory, loads: Loads) -> None:
        self._directory = directory
        self._loads = loads

    def at_hand(self, shop: Shop, key: OrderKey, needs: Collection[Need]) -> LoadedOrder | None:
        """What `find` would answer, where that takes no waiting because it was answered before and still stands."""
        kept = self._loads.find_kept(_question(shop, key, needs))
        return kept if isinstance(kept, LoadedOrder) else None

    async def find(
        self, shop: Shop, key: OrderKey, needs: Collection[Need], *, refresh: bool = False
    ) -> LoadedOrder | NotFound:
        """The order behind `key` with everything that `needs` ask, or `NotFound`.

        Raises `OrderError` for a key that cannot be resolved.
        """
        at_hand = None if refresh else self.at_hand(shop, key, needs)
        return at_hand or await self._find(shop, key, needs, refresh=refresh)

    async def _find(
        self, shop: Shop, key: OrderKey, needs: Collection[Need], *, refresh: bool
    ) -> LoadedOrder | NotFound:
        begun = self._loads.now()
        if not self._directory.knows_without_store(key):
            self._loads.note_store()
        identity = await self._directory.identify(shop, key)
        draft, plan = _Draft(shop, identity, refresh), LoadPlan.of(shop, needs)
        await self._fill(draft, plan)
        if draft.is_known or await self._is_known_elsewhere(draft):
            order = await self._finish(draft, plan)
            if order.token is not None:
                self._loads.keep(_question(shop, key, needs), order, begun)
            return order
        return NotFound(draft.failures)

    async def load(self, shop: Shop, identity: OrderIdentity, needs: Collection[Need]) -> LoadedOrder:
        """An order that is known to exist, with everything that `needs` ask."""
        draft, plan = _Draft(shop, identity, refresh=False), LoadPlan.of(shop, needs)
        await self._fill(draft, plan)
        return await self._finish(draft, plan)

    async def search(
        self, shop: Shop, search: OrderSearch, window: PageWindow, needs: Collection[Need]
    ) -> OrderPage | NotFound:
        """The orders of one window of a search, each with everything that `needs` ask; `NotFound` when it failed."""
        source = shop.order_source
        if source is None:
            raise CapabilityMissing(f"No provider of shop {shop.slug!r} can search orders.")
        at_hand = self.page_at_hand(shop, search, window, needs)
        if at_hand is not None:
            return at_hand
        begun = self._loads.now()
        found = await self._search(shop, source, search, window, needs)
        if isinstance(found, OrderPage) and found.record is not None:
            self._loads.keep(_page_question(shop, search, window, needs), found, begun)
        return found

    def page_at_hand(
        self, shop: Shop, search: OrderSearch, window: PageWindow, needs: Collection[Need]
    ) -> OrderPage | None:
        """What `search` would answer, where that takes no waiting because it was answered before and still stands."""
        kept = self._loads.find_kept(_page_question(shop, search, window, needs))
        if not isinstance(kept, OrderPage) or kept.record is None or shop.order_source is None:
            return None
        self._loads.know(shop, shop.order_source, kept.record)
        return kept

    async def _search(
        self, shop: Shop, source: OrderSource, search: OrderSearch, window: PageWindow, needs: Collection[Need]
    ) -> OrderPage | NotFound:
        numbered = window.provider_pages(source.profile.page_size_limit or window.size)
        pages = await _together([self._loads.page(shop, source, search, page.number, page.size) for page in numbered])
        errors = tuple(page.error for page in pages if page.error)
        if any(page.value is None for page in pages):
            return NotFound(errors)
        plan = LoadPlan.of(shop, needs)
        for page in pages:
            self._loads.know(shop, source, page)
        found = window.cut([each for page in pages for each in self._on_page(shop, page, plan)], numbered)
        whole = tuple(each for each in found if isinstance(each, LoadedOrder))
        if len(whole) == len(found) and len(pages) == 1 and pages[0].cache is CacheResult.HIT:
            return _held_by(pages[0], OrderPage(shop, whole, window, None, pages[0]), plan)
        waiting = iter(await _together([self._complete(each, plan) for each in found if isinstance(each, _Draft)]))
        orders = tuple(next(waiting) if isinstance(each, _Draft) else each for each in found)
        return OrderPage(shop, orders, window, next(iter(errors), None))

    async def find_route(self, shop: Shop, handle: str) -> Loaded[Route]:
        """The route called `handle`; its `value` is None without an error when there is none."""
        source = next((adapter for adapter in shop.providers.values() if isinstance(adapter, RouteSource)), None)
        if source is None:
            raise CapabilityMissing(f"No provider of shop {shop.slug!r} knows routes.")
        return await self._loads.route(shop, source, handle)

    def _on_page(self, shop: Shop, page: Loaded[tuple[Order, ...]], plan: LoadPlan) -> Sequence[LoadedOrder | _Draft]:
        """The orders of a page: loaded where the page holds all that `plan` asks for, which is found out once."""
        loaded = page.derived.of(
            plan.needs, lambda: tuple(self._from_page(shop, order, page, plan) for order in page.value or ())
        )
        drafts = zip(loaded, page.value or (), strict=True)
        return [each or self._drafted(shop, order, page) for each, order in drafts]

    def _from_page(
        self, shop: Shop, order: Order, page: Loaded[tuple[Order, ...]], plan: LoadPlan
    ) -> LoadedOrder | None:
        draft = self._drafted(shop, order, page)
        is_all = not plan.others and not plan.wants_references and all(_tells(draft, need) for need in plan.statuses)
        return draft.loaded() if is_all else None

    def _drafted(self, shop: Shop, order: Order, page: Loaded[tuple[Order, ...]]) -> _Draft:
        record, source = one_of(page, order), shop.order_source
        parts = {source.profile.name: ProviderPart.of(source.profile.name, record, order.trackings)} if source else {}
        return _Draft(shop, identity_of(shop.slug, order), refresh=False, record=record, parts=parts)

    async def _complete(self, draft: _Draft, plan: LoadPlan) -> LoadedOrder:
        await self._fill(draft, plan)
        return await self._finish(draft, plan)

    async def _fill(self, draft: _Draft, plan: LoadPlan) -> None:
        """Ask everything that `plan` names: at once what can be asked at once, then down the order of trust."""
        await self._learn_names(draft, plan)
        record = self._begin_record(draft) if plan.needs_record(draft.identity) else None
        await _all_of([record, self._load_parts(draft, plan.others) if plan.others else None])
        for need in plan.statuses:
            await self._walk_status(draft, need)

    async def _learn_names(self, draft: _Draft, plan: LoadPlan) -> None:
        """Ask the order source first where a name that only it knows decides whom else to ask."""
        lacks_name = any(
            self._directory.rule_lacks_name(draft.shop, draft.identity, provider) for provider in plan.providers
        )
        if draft.shop.order_source and (lacks_name or (plan.needs_links and draft.identity.order_number is None)):
            await self._load_record(draft)

    async def _load_record(self, draft: _Draft) -> None:
        rest = self._begin_record(draft)
        if rest is not None:
            await rest

    def _begin_record(self, draft: _Draft) -> Rest | None:
        """Take the record where it is at hand; else what is left to be awaited."""
        source, name = draft.shop.order_source, draft.identity.best_name
        if source is None or draft.record is not None or name is None:
            return None
        reference = Reference(provider=source.profile.name, kind=name.kind, value=name.value)
        loading = self._loads.order(draft.shop, source, reference, refresh=draft.refresh)
        if isinstance(loading, Loaded):
            self._take_record(draft, loading)
            return None
        return self._await_record(draft, loading)

    async def _await_record(self, draft: _Draft, loading: Coroutine[Any, Any, Loaded[Order]]) -> None:
        self._take_record(draft, await loading)

    def _take_record(self, draft: _Draft, record: Loaded[Order]) -> None:
        source = draft.shop.order_source
        if source is None or draft.record is not None:
            return
        draft.record = record
        if record.value is not None:
            draft.identity = draft.identity.learnt_from(record.value)
        trackings = record.value.trackings if record.value else None
        draft.parts[source.profile.name] = ProviderPart.of(source.profile.name, record, trackings)

    async def _load_parts(self, draft: _Draft, providers: Sequence[str]) -> None:
        """Ask those of `providers` that were not asked yet, all by what is known of the order now."""
        sources = draft.shop.tracking_sources
        missing = [provider for provider in providers if provider in sources and provider not in draft.parts]
        if not missing:
            return
        self._loads.note_store()
        names = [await self._directory.askable(draft.shop, draft.identity, provider) for provider in missing]
        begun = [self._begin_part(draft, provider, known) for provider, known in zip(missing, names, strict=True)]
        await _all_of(begun)

    def _begin_part(self, draft: _Draft, provider: str, references: Sequence[Reference]) -> Rest | None:
        """Take what `provider` tracks by `references` where it is at hand; else what is left to be awaited."""
        if not references:
            error = self._failure_to_name(draft, provider)
            if error:
                draft.parts[provider] = ProviderPart.unasked(provider, error)
            return None
        source = draft.shop.tracking_sources[provider]
        loading = [
            self._loads.trackings(draft.shop, source, reference, draft.identity, refresh=draft.refresh)
            for reference in references
        ]
        at_hand = [each for each in loading if isinstance(each, Loaded)]
        if len(at_hand) == len(loading):
            self._take_part(draft, provider, at_hand)
            return None
        return self._await_part(draft, provider, loading)

    async def _await_part(self, draft: _Draft, provider: str, loading: Sequence[Loading[TrackingsFound]]) -> None:
        self._take_part(draft, provider, await _together([waited_for(each) for each in loading]))

    def _take_part(self, draft: _Draft, provider: str, found: Sequence[Loaded[TrackingsFound]]) -> None:
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
        await self._load_parts(draft, (provider,))

    async def _is_known_elsewhere(self, draft: _Draft) -> bool:
        """Ask those that were not selected but could know the order, cheapest first, until one does."""
        self._loads.note_store()
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

    async def _finish(self, draft: _Draft, plan: LoadPlan) -> LoadedOrder:
        if not plan.wants_references:
            return draft.loaded()
        self._loads.note_store()
        return draft.loaded(await self._directory.references(draft.shop, draft.identity))


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

    def loaded(self, references: tuple[KnownReference, ...] = ()) -> LoadedOrder:
        """The order as it is now. One that a fresh copy of its record alone makes is made once."""
        record, is_alone = self.record, len(self.parts) == 1 and not references
        if record is None or record.cache is not CacheResult.HIT or not is_alone:
            return LoadedOrder(self.shop, self.identity, record, dict(self.parts), references)
        return record.derived.of(
            self.identity,
            lambda: LoadedOrder(self.shop, self.identity, record, dict(self.parts), (), token=object()),
        )


def _question(shop: Shop, key: OrderKey, needs: Collection[Need]) -> Hashable:
    """What an order is asked by, for finding it again."""
    return (shop.slug, key.kind, key.value, *needs)


def _page_question(shop: Shop, search: OrderSearch, window: PageWindow, needs: Collection[Need]) -> Hashable:
    """What a page is asked by, for finding it again."""
    return (shop.slug, window.offset, window.size, *needs, *vars(search).values())


def _held_by(record: Loaded[tuple[Order, ...]], page: OrderPage, plan: LoadPlan) -> OrderPage:
    """A page that a fresh copy alone makes: the same one each time, held by that copy."""
    return record.derived.of((page.window, plan.needs), lambda: page)


def _tells(draft: _Draft, need: Need) -> bool:
    """Whether a status walk for `need` ends at the order source, which is asked first and was."""
    source = draft.shop.order_source
    first = next((name for name in draft.shop.tracking_providers if need.names(name)), None)
    part = draft.parts.get(first) if first else None
    is_source = source is not None and source.profile.name == first
    return is_source and part is not None and status_told(draft.shop, draft.record, part) is not None


async def _all_of(rests: Iterable[Rest | None]) -> None:
    """Await what is left, where anything is."""
    left = [rest for rest in rests if rest is not None]
    if left:
        await _together(left)


async def _together(asking: Sequence[Coroutine[Any, Any, T]]) -> Sequence[T]:
    """What each of `asking` answers. One alone needs no task, which costs more than an answer that is at hand."""
    return [await asking[0]] if len(asking) == 1 else await asyncio.gather(*asking)
