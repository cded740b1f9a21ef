"""What the store of a demonstration holds from the start: links to PayPal, and trackers at Billink."""

from __future__ import annotations

from gateway.app import open_services, utc_now
from gateway.settings import Settings
from gateway.store.database import Database
from providers.base import TrackerSink
from providers.models import Reference, TrackerDraft
from providers.simulation.world import SimulatedOrder, World

INVOICED_ORDERS = 12
"""Orders whose parcels are registered at Billink: enough to be met by chance, few enough to start at once."""


async def seed_demo(settings: Settings, world: World) -> None:
    """Link every simulated order to its PayPal order, and register some parcels at Billink. Repeating adds nothing."""
    database = Database(settings.store.url.get_secret_value())
    try:
        await database.migrate()
        async with open_services(settings, database, utc_now) as services:
            for shop in services.shops:
                for order in world.orders:
                    if order.paypal_order_id:
                        await services.links.add(shop.slug, order.number, _paypal(order.paypal_order_id), utc_now())
                billink = shop.providers.get("billink")
                if isinstance(billink, TrackerSink):
                    await _register(billink, world)
    finally:
        await database.aclose()


async def _register(billink: TrackerSink, world: World) -> None:
    invoiced = [order for order in world.orders if _draft(order, world)][:INVOICED_ORDERS]
    for order in invoiced:
        draft = _draft(order, world)
        if draft:
            await billink.register_tracker(draft)


def _paypal(order_id: str) -> Reference:
    return Reference(provider="paypal", kind="paypal_order_id", value=order_id)


def _draft(order: SimulatedOrder, world: World) -> TrackerDraft | None:
    parcel = next(iter(world.parcels(order)), None)
    if parcel is None:
        return None
    return TrackerDraft(
        reference=Reference(provider="billink", kind="invoice_number", value=order.number),
        carrier_code=parcel.carrier_reference.upper(),
        tracking_number=parcel.tracking_number,
    )
