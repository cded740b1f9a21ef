"""From Karla's JSON to the domain: pure, and the only place that knows what Karla's words mean.

Sources: Karla API reference, Orders, for members and samples; the enumerations of the vendor's Dart client (generated
from Karla's OpenAPI 1.0.0) for phases and flags.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

import msgspec

from providers.construction import struct_constructor
from providers.karla.profile import PROFILE
from providers.karla.wire import (
    DEEPEST_BUNDLE,
    EVENT_STRINGS,
    LOCATION,
    PRODUCT,
    WireAdditionalInfo,
    WireAddress,
    WireDiscount,
    WireEstimatedArrival,
    WireEvent,
    WireOrder,
    WirePickup,
    WirePreferredDelivery,
    WireProduct,
    WireTaxLine,
    WireTracking,
)
from providers.models import (
    AdditionalInfo,
    Address,
    Carrier,
    CarrierTracking,
    Discount,
    EstimatedArrival,
    EventLabels,
    Location,
    Money,
    OpeningHours,
    Order,
    PickupPoint,
    PreferredDelivery,
    Product,
    ProductImage,
    TaxLine,
    TrackingEvent,
    TrackingStatus,
)
from providers.parsing import is_on_earth, parse_instant, text_or_none, web_url
from providers.reading import WrongShape, shared
from providers.wire import Figure, amount, free_object, identifier, number, says_nothing, whole, wording

STATUS_BY_PHASE: Mapping[str, TrackingStatus] = {
    "order_created": TrackingStatus.PENDING,
    "order_processed": TrackingStatus.INFO_RECEIVED,
    "in_transit": TrackingStatus.IN_TRANSIT,
    "in_delivery": TrackingStatus.OUT_FOR_DELIVERY,
    "collect": TrackingStatus.AVAILABLE_FOR_PICKUP,
    "delivery_failed": TrackingStatus.ATTEMPT_FAILED,
    "delivered": TrackingStatus.DELIVERED,
    "return_created": TrackingStatus.RETURNING,
    "return_transit": TrackingStatus.RETURNING,
    "return_received": TrackingStatus.RETURNED,
    "returned": TrackingStatus.RETURNED,
    "return_failed": TrackingStatus.EXCEPTION,
}
"""Karla's phases, all that its OpenAPI lists. One event name belongs to exactly one phase, so the name adds nothing."""

RETURN_PHASES: frozenset[str] = frozenset(
    {"return_created", "return_transit", "return_received", "returned", "return_failed"}
)
"""The phases of a parcel on its way back; only these follow a delivery."""

_PHASES_FROM_DELIVERY = RETURN_PHASES | {"delivered"}

STATUS_BY_FLAG: Mapping[str, TrackingStatus] = {
    "delay": TrackingStatus.DELAYED,
    "error": TrackingStatus.EXCEPTION,
}
"""Karla's flags that change a status; `normal` and a flag we do not know leave it to the phase."""

END_STATUSES: frozenset[TrackingStatus] = frozenset(
    {TrackingStatus.DELIVERED, TrackingStatus.RETURNED, TrackingStatus.EXCEPTION}
)
"""Where a flag says nothing new: the parcel has arrived, is back, or its return has failed."""

# What the wire models have read is not read again.
new_additional_info = struct_constructor(AdditionalInfo)
new_address = struct_constructor(Address)
new_carrier = struct_constructor(Carrier)
new_carrier_tracking = struct_constructor(CarrierTracking)
new_discount = struct_constructor(Discount)
new_estimated_arrival = struct_constructor(EstimatedArrival)
new_event_labels = struct_constructor(EventLabels)
new_location = struct_constructor(Location)
new_money = struct_constructor(Money)
new_opening_hours = struct_constructor(OpeningHours)
new_order = struct_constructor(Order)
new_pickup_point = struct_constructor(PickupPoint)
new_preferred_delivery = struct_constructor(PreferredDelivery)
new_product = struct_constructor(Product)
new_product_image = struct_constructor(ProductImage)
new_tax_line = struct_constructor(TaxLine)
new_tracking_event = struct_constructor(TrackingEvent)

_UNKNOWN = TrackingStatus.UNKNOWN  # Python 3.11 takes 0.1 µs to find a member of an enum, and there are many events
_BEFORE_ALL_TIMES = datetime.min.replace(tzinfo=UTC)


def to_order(wire: WireOrder) -> Order:
    """The order with its trackings. Prices are in the order's currency, or in none when Karla named none.

    This and `to_tracking` raise `WrongShape` or pydantic's `ValidationError` for what is not as documented.
    """
    currency = wire.currency
    return new_order(
        order_number=wire.order_number,
        order_name=wire.order_name,
        external_id=wire.external_id,
        uuid=identifier(wire.uuid),
        placed_at=parse_instant(wire.order_placed_at),
        total_price=_money(wire.total_order_price, currency),
        shipping_price=_money(wire.shipping_price, currency),
        sub_total_price=_money(wire.sub_total_price, currency),
        discount_price=_money(wire.discount_price, currency),
        currency=currency,
        products=None if wire.products is None else _products(wire.products, currency),
        discounts=None if wire.discounts is None else tuple(_discount(discount) for discount in wire.discounts),
        address=_address(wire.address),
        email_id=wire.email_id,
        external_customer_id=wire.external_customer_id,
        segments=None if wire.segments is None else tuple(wire.segments),
        weight_grams=number(wire.weight),
        status_url=web_url(wire.order_status_url),
        merchant_slug=wire.merchant_slug,
        preferred_delivery=_preferred_delivery(wire.preferred_delivery_date),
        user_agent=_user_agents(wire.user_agent),
        analytics=free_object(wire.order_analytics),
        expected_shipments=whole(wire.expected_number_of_shipments),
        trackings=tuple([to_tracking(tracking, currency) for tracking in wire.trackings or ()]),
    )


def to_orders(wires: Iterable[WireOrder]) -> tuple[Order, ...]:
    return tuple([to_order(wire) for wire in wires])


def to_tracking(wire: WireTracking, currency: str | None = None) -> CarrierTracking:
    """The tracking, its products priced in `currency` (a tracking itself names none).

    `created_at` is None: Karla does not tell it.
    """
    events = tuple([_event(event) for event in wire.events or ()])
    deciding = _deciding_event(events)
    phase = deciding.phase if deciding else None
    tracking_number = text_or_none(wire.carrier.tracking_number) if wire.carrier else None
    uuid = identifier(wire.uuid)
    return new_carrier_tracking(
        provider=PROFILE.name,
        tracking_number=tracking_number,
        tracking_url=web_url(wire.carrier.tracking_url) if wire.carrier else None,
        carrier=_carrier(wire),
        status=_status(deciding.status if deciding else _status_without_events(tracking_number), wire.flag),
        provider_status=phase,
        updated_at=parse_instant(wire.updated_at),
        events=events,
        estimated_arrival=_estimated_arrival(wire.estimated_arrival),
        uuid=uuid,
        shipment_id=identifier(wire.id) or uuid,
        phase=phase,
        flag=wire.flag,
        pickup=_pickup(wire.pickup),
        products=_products(wire.products or (), currency),
        merchant_id=wire.merchant_id,
        merchant_slug=wire.merchant_slug,
        shop_slug=wire.shop_slug,
        order_uuid=identifier(wire.order_id),
        order_number=wire.order_number,
    )


def _status(of_phase: TrackingStatus, flag: str | None) -> TrackingStatus:
    if of_phase in END_STATUSES:
        return of_phase
    return STATUS_BY_FLAG.get(flag or "", of_phase)


def _status_without_events(tracking_number: str | None) -> TrackingStatus:
    """A number without an event is the merchant's word and nobody's scan; without a number it is a draft shipment."""
    return TrackingStatus.INFO_RECEIVED if tracking_number else TrackingStatus.PENDING


def _deciding_event(events: Sequence[TrackingEvent]) -> TrackingEvent | None:
    """The event that the tracking's status follows from: the newest, but after a delivery only a return moves it.

    Of equal instants the first is the newest, which is Karla's own order; those without an instant are older, by text.
    """
    if "delivered" in [event.phase for event in events]:
        events = [event for event in events if event.phase in _PHASES_FROM_DELIVERY]
    return max(events, key=_time_key, default=None)


def _time_key(event: TrackingEvent) -> tuple[datetime, str]:
    if event.occurred_at is not None:
        return event.occurred_at, ""
    return _BEFORE_ALL_TIMES, event.occurred_at_text or ""


def _event(wire: WireEvent) -> TrackingEvent:
    location = _location(wire.location)
    return new_tracking_event(
        status=STATUS_BY_PHASE.get(wire.phase or "", _UNKNOWN),
        occurred_at=parse_instant(wire.time),
        occurred_at_text=wire.time,
        timezone=text_or_none(wire.timezone) or (location.timezone if location else None),
        phase=wire.phase,
        code=wire.event_key,
        name=wire.event_name,
        labels=_labels(wire.event_strings),
        location=location,
        language=wire.language,
        additional_info=_additional_info(wire.additional_info),
    )


@shared
def _location(stated: bytes) -> Location | None:
    """The location, without coordinates that no place has."""
    wire = None if stated == b"null" else LOCATION.validate_json(stated)
    if wire is None or says_nothing(wire):
        return None
    latitude, longitude = number(wire.latitude), number(wire.longitude)
    is_place = is_on_earth(latitude or 0, longitude or 0)
    return new_location(
        city=wording(wire.city),
        country=wording(wire.country),
        country_code=wording(wire.country_code),
        formatted_address=wording(wire.formatted_address),
        full=wording(wire.full),
        latitude=latitude if is_place else None,
        longitude=longitude if is_place else None,
        line1=wording(wire.line1),
        line2=wording(wire.line2),
        location_type=wording(wire.location_type),
        place=wording(wire.place),
        postal_code=wording(wire.postal_code),
        region=wording(wire.region),
        state_or_province=wording(wire.state_or_province),
        timezone=wording(wire.timezone),
    )


@shared
def _labels(stated: bytes) -> EventLabels | None:
    wire = None if stated == b"null" else EVENT_STRINGS.validate_json(stated)
    if wire is None or says_nothing(wire):
        return None
    return new_event_labels(
        event_status=wire.event_status,
        list_label=wire.list_label,
        header_headline=wire.header_headline,
        header_title=wire.header_title,
        header_subtitle=wire.header_subtitle,
    )


def _additional_info(wire: WireAdditionalInfo | None) -> AdditionalInfo | None:
    if wire is None or says_nothing(wire):
        return None
    return new_additional_info(
        pickup_point=wire.pickup_point,
        pickup_point_url=web_url(wire.pickup_point_url),
        pickup_time=parse_instant(wire.pickup_time),
        pickup_opening_hours=tuple(
            new_opening_hours(day=day, hours=hours) for day, hours in (wire.pickup_opening_hours or {}).items()
        ),
        mail_message=wire.mail_message,
        merchant_name=wire.merchant_name,
        preferred_delivery_date=parse_instant(wire.preferred_delivery_date),
        tracking_link=web_url(wire.tracking_link),
        carrier_name=wire.carrier_name,
        date=parse_instant(wire.date),
    )


def _estimated_arrival(wire: WireEstimatedArrival | None) -> EstimatedArrival | None:
    if wire is None or says_nothing(wire):
        return None
    return new_estimated_arrival(
        provider=PROFILE.name,
        start=parse_instant(wire.start),
        end=parse_instant(wire.to),
        prediction=wire.time_prediction,
        language=wire.language,
    )


def _carrier(wire: WireTracking) -> Carrier | None:
    """Karla names the carrier by its own short reference (`dhl`); no member of a tracking holds a full name."""
    reference = text_or_none(wire.carrier.carrier_reference) if wire.carrier else None
    return new_carrier(reference=reference) if reference else None


def _pickup(wire: WirePickup | None) -> PickupPoint | None:
    if wire is None or says_nothing(wire):
        return None
    return new_pickup_point(
        type=wire.type,
        name=wire.name,
        address=_address(wire.address),
        url=web_url(wire.url),
        opening_hours=wire.opening_hours,
        available_until=parse_instant(wire.date_to),
    )


def _products(stated: Iterable[msgspec.Raw], currency: str | None) -> tuple[Product, ...]:
    return tuple([_product(each, currency) for each in stated])


@shared
def _product(stated: bytes, currency: str | None) -> Product:
    return _product_of(PRODUCT.validate_json(stated), currency, level=1)


def _product_of(wire: WireProduct, currency: str | None, level: int) -> Product:
    """The product; `level` counts bundles in bundles, from 1. Raises `WrongShape` where there are too many."""
    if level > DEEPEST_BUNDLE:
        raise WrongShape
    return new_product(
        title=wire.title,
        quantity=whole(wire.quantity),
        price=_money(wire.price, currency),
        size=wire.size,
        images=tuple([new_product_image(src=web_url(image.src), alt=image.alt) for image in wire.images or ()]),
        sku=wire.sku,
        weight_grams=number(wire.weight),
        tax_lines=tuple([_tax_line(line) for line in wire.tax_lines or ()]),
        bundled_products=tuple([_product_of(part, currency, level + 1) for part in wire.bundled_products or ()]),
        shipment_id=wire.shipment_id,
        type=wire.type,
    )


def _tax_line(wire: WireTaxLine) -> TaxLine:
    return new_tax_line(title=wire.title, rate=amount(wire.rate), price=_money(wire.price, wire.currency))


def _discount(wire: WireDiscount) -> Discount:
    return new_discount(code=wire.code, amount=amount(wire.amount), type=wire.type)


def _preferred_delivery(wire: WirePreferredDelivery | None) -> PreferredDelivery | None:
    if wire is None or says_nothing(wire):
        return None
    return new_preferred_delivery(
        start=parse_instant(wire.start),
        end=parse_instant(wire.end),
        updated_at=parse_instant(wire.updated_at),
        source=wire.source,
    )


def _address(wire: WireAddress | None) -> Address | None:
    if wire is None or says_nothing(wire):
        return None
    return new_address(
        name=wire.name,
        company=wire.company,
        street=wire.street,
        address_line1=wire.address_line_1,
        address_line2=wire.address_line_2,
        zip_code=wire.zip_code,
        city=wire.city,
        province=wire.province,
        province_code=wire.province_code,
        country=wire.country,
        country_code=wire.country_code,
        phone=wire.phone,
    )


def _money(figure: Figure, currency: str | None) -> Money | None:
    value = amount(figure)
    return None if value is None else new_money(amount=value, currency=currency)


def _user_agents(stated: list[str] | str | None) -> tuple[str, ...] | None:
    if isinstance(stated, str):
        return (stated,) if text_or_none(stated) else None
    return None if stated is None else tuple(stated)
