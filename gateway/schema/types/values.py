"""Values: parts of an order that have no identity of their own.

A value type publishes a domain model under its own name: resolvers hand the domain object out as it is (`published`),
because copying it field by field would cost more than everything else on a list. That the two agree, field by field, is
what `tests/gateway/schema/test_parity.py` proves.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import strawberry

from gateway.schema.scalars import URL
from providers import models

PUBLISHED: dict[type, type[models.Domain]] = {}
"""The domain model behind each value type, for the test of their agreement."""


def published(value: object) -> Any:
    """A domain object, to be read as the value type that publishes it; None stays None."""
    return value


def publishes(model: type[models.Domain]) -> Any:
    """Note that the decorated value type publishes `model`."""

    def note(cls: type) -> type:
        PUBLISHED[cls] = model
        return cls

    return note


def _field(description: str, name: str | None = None) -> Any:
    return strawberry.field(description=description, name=name)


@publishes(models.Money)
@strawberry.type(description="An amount of money.")
class Money:
    amount: Decimal = _field("The amount in plain digits; trailing zeros of the provider are not kept.")
    currency: str | None = _field("ISO 4217 code, where the provider states one.")


@publishes(models.Address)
@strawberry.type(description="A postal address, as the shop gave it.")
class Address:
    name: str | None = _field("Name of the person.")
    company: str | None = _field("Name of the company.")
    street: str | None = _field("Street and house number in one line.")
    address_line1: str | None = _field("First line of the address.")
    address_line2: str | None = _field("Second line of the address.")
    zip_code: str | None = _field("Postal code.")
    city: str | None = _field("City.")
    province: str | None = _field("Province, state or region.")
    province_code: str | None = _field("Code of the province.")
    country: str | None = _field("Name of the country.")
    country_code: str | None = _field("ISO 3166 code of the country.")
    phone: str | None = _field("Telephone number.")


@publishes(models.ProductImage)
@strawberry.type(description="A picture of a product.")
class ProductImage:
    src: URL | None = _field("Where the picture is.")
    alt: str | None = _field("The picture in words.")


@publishes(models.TaxLine)
@strawberry.type(description="One tax on a product.")
class TaxLine:
    title: str | None = _field("Name of the tax.")
    rate: Decimal | None = _field("Rate of the tax, as the provider states it.")
    price: Money | None = _field("Amount of the tax.")


@publishes(models.Product)
@strawberry.type(description="A line item of an order or a parcel.")
class Product:
    title: str | None = _field("Name of the product.")
    quantity: int | None = _field("How many.")
    price: Money | None = _field("Price of one.")
    size: str | None = _field("Size.")
    images: list[ProductImage] = _field("Pictures.")
    sku: str | None = _field("The shop's stock keeping unit.")
    weight_grams: float | None = _field("Weight of one in grams.")
    tax_lines: list[TaxLine] = _field("Taxes.")
    bundled_products: list[Product] = _field("What a bundle is made of.")
    shipment_id: str | None = _field("The shipment that it goes with.")
    type: str | None = _field("`product` or `bundle`.")


@publishes(models.Discount)
@strawberry.type(description="A discount on an order.")
class Discount:
    code: str = _field("Code of the discount.")
    amount: Decimal | None = _field("Amount, read by `type`.")
    type: str | None = _field("What the amount means, such as `percentage`.")


@publishes(models.PreferredDelivery)
@strawberry.type(description="When the customer would like to have the order.")
class PreferredDelivery:
    start: datetime | None = _field("Begin of the window.")
    end: datetime | None = _field("End of the window.")
    updated_at: datetime | None = _field("When the wish was last changed.")
    source: str | None = _field("Where the wish came from.")


@publishes(models.PickupPoint)
@strawberry.type(description="Where a parcel waits, or who took it.")
class PickupPoint:
    type: str | None = _field("`shop`, `neighbor`, `locker` or `letterbox`.")
    name: str | None = _field("Name of the place or person.")
    address: Address | None = _field("Where it is.")
    url: URL | None = _field("A page about the place.")
    opening_hours: str | None = _field("Opening hours in words.")
    available_until: datetime | None = _field("Until when the parcel waits (Karla's `date_to`).")


@publishes(models.OpeningHours)
@strawberry.type(description="Opening hours of one day.")
class OpeningHours:
    day: str = _field("The day, in the provider's words.")
    hours: str = _field("The hours, in the provider's words.")


@publishes(models.AdditionalInfo)
@strawberry.type(description="What a carrier adds to an event.")
class AdditionalInfo:
    pickup_point: str | None = _field("Where the parcel waits.")
    pickup_point_url: URL | None = _field("A page about the pick-up point.")
    pickup_time: datetime | None = _field("When the parcel can be fetched.")
    pickup_opening_hours: list[OpeningHours] = _field("Opening hours of the pick-up point.")
    mail_message: str | None = _field("A message for the customer.")
    merchant_name: str | None = _field("Name of the merchant.")
    preferred_delivery_date: datetime | None = _field("The day that the customer chose.")
    tracking_link: URL | None = _field("The carrier's tracking page.")
    carrier_name: str | None = _field("Name of the carrier.")
    date: datetime | None = _field("A date that belongs to the event.")


@publishes(models.EventLabels)
@strawberry.type(description="Texts for showing an event to a customer, in the event's language.")
class EventLabels:
    event_status: str | None = _field("The event in a sentence.")
    list_label: str | None = _field("A short label for a list.")
    header_headline: str | None = _field("Headline.")
    header_title: str | None = _field("Title.")
    header_subtitle: str | None = _field("Subtitle.")


@publishes(models.Location)
@strawberry.type(description="Where an event happened, as far as the carrier tells.")
class Location:
    city: str | None = _field("City.")
    country: str | None = _field("Name of the country.")
    country_code: str | None = _field("ISO 3166 code of the country.")
    formatted_address: str | None = _field("The address in one line.")
    full: str | None = _field("Everything in one line.")
    latitude: float | None = _field("Degrees north.")
    longitude: float | None = _field("Degrees east.")
    line1: str | None = _field("First line of the address.")
    line2: str | None = _field("Second line of the address.")
    location_type: str | None = _field("What kind of place it is.")
    place: str | None = _field("Name of the place.")
    postal_code: str | None = _field("Postal code.")
    region: str | None = _field("Region.")
    state_or_province: str | None = _field("State or province.")
    timezone: str | None = _field("IANA name of the place's time zone.")


@publishes(models.Carrier)
@strawberry.type(description="Who moves the parcel.")
class Carrier:
    reference: str | None = _field("The provider's code of the carrier.")
    name: str | None = _field("Name of the carrier.")


@publishes(models.Upc)
@strawberry.type(description="Universal product code of an item.")
class Upc:
    type: str = _field("Kind of the code, such as `UPC-A`.")
    code: str = _field("The code.")


@publishes(models.TrackerItem)
@strawberry.type(description="An item that a PayPal tracker is about.")
class TrackerItem:
    name: str | None = _field("Name of the item.")
    quantity: str | None = _field("How many, as PayPal writes it: a string.")
    sku: str | None = _field("Stock keeping unit, as given when the PayPal order was made.")
    url: URL | None = _field("A page about the item.")
    image_url: URL | None = _field("A picture of the item.")
    upc: Upc | None = _field("Universal product code.")


@publishes(models.Link)
@strawberry.type(description="A link that PayPal states for further requests. The gateway never follows it.")
class Link:
    href: URL | None = _field("Where the link leads.")
    rel: str = _field("What the link is for.")
    method: str | None = _field("HTTP method.")


@publishes(models.Media)
@strawberry.type(description="A picture or label kept with an invoice tracker.")
class Media:
    type: str | None = _field("Media type, such as `image/png`.")
    content: str | None = _field("The content in Base64.")


@publishes(models.GeoPoint)
@strawberry.type(description="A place on earth. GeoJSON puts longitude first; here the two are named.")
class GeoPoint:
    latitude: float = _field("Degrees north.")
    longitude: float = _field("Degrees east.")


@publishes(models.GeoPathPoint)
@strawberry.type(description="A point of a travelled path.")
class GeoPathPoint:
    latitude: float = _field("Degrees north.")
    longitude: float = _field("Degrees east.")
    altitude: float | None = _field("Metres above sea level.")
    recorded_at: datetime | None = _field("When the driver was there.")


@strawberry.type(description="A travelled path.")
class GeoLineString:
    points: list[GeoPathPoint] = _field("The points in the order in which they were passed.")


@publishes(models.Destination)
@strawberry.type(description="Where a stop is: a point with a radius, an area, or a named place.")
class Destination:
    address: str | None = _field("The address in words.")
    location: GeoPoint | None = _field("The point.")
    radius_metres: int | None = _field("How near counts as there, in metres.")
    area: list[GeoPoint] | None = _field("The outer ring of an area.")
    place_handle: str | None = _field("HyperTrack's handle of a place.")


@publishes(models.DriverPosition)
@strawberry.type(description="Where the driver was when last heard of.")
class DriverPosition:
    location: GeoPoint | None = _field("The place.")
    bearing: float | None = _field("Direction of travel in degrees from north.")
    accuracy_metres: float | None = _field("How exact the place is, in metres.")
    speed: float | None = _field("Speed in metres a second.")
    recorded_at: datetime | None = _field("When the driver was there.")


@publishes(models.RouteRisk)
@strawberry.type(description="A risk that HyperTrack sees for a stop.")
class RouteRisk:
    name: str = _field("HyperTrack's name of the risk.")
    level: str | None = _field("How great: `green`, `yellow` or `red`, or HyperTrack's own label.")
    value: float | None = _field("How great from 0 to 1, where HyperTrack says it.")
