"""How long each list of the published schema is taken to be before anything is known of it.

One table for `gateway.schema.costs`. A size is meant to lie above what is usually there, so that the cost of an
operation is an upper estimate. *Measured* sizes are the largest among the simulators' newest 100 orders. A test holds
the table complete.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.schema.arguments import LARGEST_FIRST


@dataclass(frozen=True, slots=True)
class ListSize:
    """A list holds `most`, or less when `argument` says so: by its number, or by how many things it names."""

    most: int
    reason: str
    argument: str | None = None


UNKNOWN_LIST = ListSize(LARGEST_FIRST, "as long as a page may be")
"""A list without a row."""

_FEW_ERRORS = ListSize(10, "a refused input rarely has more mistakes")
_PROVIDERS = ListSize(4, "there are four providers")

LIST_SIZES: Mapping[str, ListSize] = {
    "Query.nodes": ListSize(100, "it takes no more ids", "ids"),
    "Query.orders": ListSize(LARGEST_FIRST, "a page: what is selected on it is made for each order", "first"),
    "OrderConnection.edges": ListSize(1, "counted at the connection"),
    "OrderConnection.nodes": ListSize(1, "counted at the connection"),
    "Query.registrations": ListSize(LARGEST_FIRST, "a page, as for orders", "first"),
    "RegistrationConnection.edges": ListSize(1, "counted at the connection"),
    "RegistrationConnection.nodes": ListSize(1, "counted at the connection"),
    "Query.providers": ListSize(4, "there are four providers", "first"),
    "Shop.providers": _PROVIDERS,
    "Provider.capabilities": ListSize(8, "there are no more kinds of capability"),
    "Order.trackings": ListSize(6, "measured: 1.6 on average", "first"),
    "Order.events": ListSize(30, "measured over all trackings of an order", "first"),
    "Tracking.events": ListSize(12, "measured 10, and 4 on average", "first"),
    "Order.estimatedArrivals": ListSize(6, "one for each tracking"),
    "Order.sources": _PROVIDERS,
    "Order.references": ListSize(12, "four names of its own, and two at each provider"),
    "Order.products": ListSize(10, "measured 4"),
    "Order.discounts": ListSize(3, "Karla's examples show one"),
    "Order.segments": ListSize(10, "free words of the shop"),
    "Order.userAgent": ListSize(5, "Karla's examples show one"),
    "Order.masked": ListSize(30, "the fields of an order that are personal"),
    "CarrierTracking.products": ListSize(10, "no more than the order has"),
    "Product.images": ListSize(3, "Karla's examples show one"),
    "Product.taxLines": ListSize(3, "a rate each, and few apply to one product"),
    "Product.bundledProducts": ListSize(5, "measured 3"),
    "AdditionalInfo.pickupOpeningHours": ListSize(7, "one for each day of the week"),
    "OrderTracker.items": ListSize(10, "no more than the order has products"),
    "OrderTracker.links": ListSize(5, "PayPal's examples show two"),
    "InvoiceTracker.media": ListSize(10, "Billink takes no more"),
    "RouteTracking.risks": ListSize(5, "HyperTrack names few kinds"),
    "Destination.area": ListSize(50, "the corners of a delivery area"),
    "GeoLineString.points": ListSize(500, "a point every few seconds of the last stretch"),
    "Route.stops": ListSize(50, "the stops of a driver's day"),
    "Registration.outcomes": _PROVIDERS,
    "RegistrationOutcome.userErrors": _FEW_ERRORS,
    "*Payload.userErrors": _FEW_ERRORS,
    "UserError.path": ListSize(5, "inputs are no deeper"),
    "RegisterShipmentPayload.outcomes": _PROVIDERS,
    "FulfillOrdersPayload.orders": ListSize(100, "the input takes no more"),
    "__Schema.types": ListSize(150, "127 today"),
    "__Schema.directives": ListSize(8, "5 today"),
    "__Type.fields": ListSize(5, "4 on average"),
    "__Type.interfaces": ListSize(1, "one in nine types has any"),
    "__Type.possibleTypes": ListSize(1, "one in nine types has any"),
    "__Type.enumValues": ListSize(1, "1 on average"),
    "__Type.inputFields": ListSize(2, "2 on average"),
    "__Field.args": ListSize(1, "one in eight fields has any"),
    "__Directive.args": ListSize(3, "2 at most today"),
    "__Directive.locations": ListSize(5, "5 at most today"),
}
"""By "Type.field". The row of an interface holds for its types; `*Payload` is everything that a mutation answers."""
