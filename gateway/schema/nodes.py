"""From a global id back to the thing: what `node` and `nodes` answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from strawberry import Info

from gateway.orders import shops
from gateway.orders.directory import provider_of_kind
from gateway.orders.identity import OrderIdentity, OrderKey
from gateway.orders.loaded import LoadedOrder, ProviderPart
from gateway.orders.loads import waited_for
from gateway.orders.needs import Need, Part
from gateway.orders.service import NotFound
from gateway.schema.context import Context, told
from gateway.schema.ids import GlobalId, parse_id
from gateway.schema.inputs import key_of_id
from gateway.schema.order_needs import ORDER_TYPE, needs_below
from gateway.schema.selection import Path
from gateway.schema.types.nodes import Node
from gateway.schema.types.order import Order
from gateway.schema.types.route import load_route
from gateway.schema.types.shop import Shop
from gateway.schema.types.tracking import Tracking, tracking_id, tracking_type
from providers.errors import ProviderError
from providers.models import Reference

MOST_NODES = 100


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A thing to be found: its id, its shop, and its place in the answer."""

    info: Info[Context]
    shop: shops.Shop
    id: GlobalId
    path: Path

    @property
    def context(self) -> Context:
        return self.info.context

    def may_read(self, identity: OrderIdentity) -> bool:
        """Whether the principal may read the order of this identity."""
        return self.context.may_read(self.shop, *identity.keys)


async def find_node(info: Info[Context], node_id: str, path: Path) -> Node | None:
    """The thing behind `node_id`, whose place in the answer is `path`; None also when the principal may not read it.

    Raises `ClientError` (BAD_ID).
    """
    parsed = parse_id(node_id)
    shop = next((shop for shop in info.context.shops if shop.slug == parsed.shop), None)
    if shop is None or (info.context.principal.order and parsed.type_name in OF_NO_ONE_ORDER):
        return None
    with told():
        return await FINDERS[parsed.type_name](_Wanted(info, shop, parsed, path))


async def _find_order(wanted: _Wanted) -> Node | None:
    key, _slug = key_of_id(str(wanted.id), wanted.shop.slug)
    if not wanted.context.may_read(wanted.shop, key):
        return None
    selected = needs_below(wanted.info)
    found = await wanted.context.orders.find(wanted.shop, key, selected.needs)
    if isinstance(found, NotFound):
        _report(wanted, found.failures)
        return None
    wanted.context.report_order(found, wanted.path, selected)
    return Order(loaded=found, needs=selected.needs)


async def _find_carrier_tracking(wanted: _Wanted) -> Node | None:
    source = wanted.shop.order_source
    if source is None:
        return None
    return await _among_trackings(wanted, str(wanted.id.parts[0]), source.profile.name)


async def _find_generic_tracking(wanted: _Wanted) -> Node | None:
    provider, number, _local_id = wanted.id.parts
    return await _among_trackings(wanted, str(number), str(provider))


async def _among_trackings(wanted: _Wanted, order_number: str, provider: str) -> Node | None:
    need = Need(Part.TRACKINGS, frozenset({provider}))
    identity = OrderIdentity(wanted.shop.slug, order_number=order_number)
    if not wanted.may_read(identity):
        return None
    return _pick(wanted, await wanted.context.orders.load(wanted.shop, identity, [need]))


async def _find_order_tracker(wanted: _Wanted) -> Node | None:
    return await _by_reference(wanted, "paypal_order_id")


async def _find_route_tracking(wanted: _Wanted) -> Node | None:
    return await _by_reference(wanted, "order_handle")


async def _by_reference(wanted: _Wanted, kind: str) -> Node | None:
    reference = Reference(provider=provider_of_kind(kind), kind=kind, value=str(wanted.id.parts[0]))
    adapter = wanted.shop.tracking_sources.get(reference.provider)
    if adapter is None:
        return None
    identity = await wanted.context.directory.identify(wanted.shop, OrderKey(kind, reference.value))
    if not wanted.may_read(identity):
        return None
    loading = wanted.context.loads.trackings(wanted.shop, adapter, reference, identity, refresh=False)
    found = await waited_for(loading)
    part = ProviderPart.of(reference.provider, found, found.value.trackings if found.value else None)
    return _pick(wanted, LoadedOrder(wanted.shop, identity, None, {reference.provider: part}, ()))


def _pick(wanted: _Wanted, order: LoadedOrder) -> Tracking | None:
    _report(wanted, tuple(part.error for part in order.parts.values() if part.error))
    trackings = (tracking for part in order.parts.values() for tracking in part.trackings)
    found = next((tracking for tracking in trackings if tracking_id(tracking, order) == wanted.id), None)
    return tracking_type(found, order) if found else None


async def _find_invoice_tracker(wanted: _Wanted) -> Node | None:
    (store_id,) = wanted.id.parts
    tracker = await wanted.context.services.invoice_trackers[wanted.shop.slug].find_by_id(int(store_id or 0))
    if tracker is None or tracker.provider not in wanted.shop.providers:
        return None
    key = OrderKey("invoice_number", tracker.invoice_number)
    identity = await wanted.context.directory.identify(wanted.shop, key)
    if not wanted.may_read(identity):
        return None
    part = ProviderPart.stored(tracker, wanted.context.now())
    return tracking_type(tracker, LoadedOrder(wanted.shop, identity, None, {tracker.provider: part}, ()))


async def _find_route(wanted: _Wanted) -> Node | None:
    return await load_route(wanted.info, wanted.shop, str(wanted.id.parts[0]))


async def _find_registration(wanted: _Wanted) -> Node | None:
    from gateway.schema.types.registration import Registration  # noqa: PLC0415  # its outcomes are found by this module

    (number,) = wanted.id.parts
    found = await wanted.context.registration.find(wanted.shop, int(number or 0))
    return Registration(shop=wanted.shop, model=found) if found else None


async def _find_shop(wanted: _Wanted) -> Node | None:
    return Shop(shop=wanted.shop)


def _report(wanted: _Wanted, failures: tuple[ProviderError, ...]) -> None:
    for error in failures:
        wanted.context.report(error, wanted.path)


FINDERS: Mapping[str, Callable[[_Wanted], Awaitable[Node | None]]] = {
    ORDER_TYPE: _find_order,
    "CarrierTracking": _find_carrier_tracking,
    "OrderTracker": _find_order_tracker,
    "InvoiceTracker": _find_invoice_tracker,
    "RouteTracking": _find_route_tracking,
    "GenericTracking": _find_generic_tracking,
    "Route": _find_route,
    "Registration": _find_registration,
    "Shop": _find_shop,
}
"""How each type with an id is read again."""

OF_NO_ONE_ORDER = frozenset({"Route", "Registration"})
"""What no order token leads to: a route has the stops of other orders, and a registration is the shop's own matter."""
