"""Who may see which field: one decision for every field of every type, and what enforces it.

A decision stands at the field, so it holds on every way that leads there. A field without one is for `admin` alone, and
`tests/gateway/schema/test_access.py` fails. Which shops a principal has is no matter of fields: `Context.shop` and
`find_node` know no others. What an order token may ask for by a key or an id is checked where those are read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from graphql import GraphQLField, GraphQLList, GraphQLNonNull, GraphQLObjectType, GraphQLSchema

from gateway.auth.principal import Principal, Scope
from gateway.compiler import REFUSED
from gateway.schema.errors import Forbidden

Resolver = Callable[..., Any]

GATE: Final = "gate"
"""Where a field of the schema carries its `FieldGate`."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What a principal needs to see a field. Without it the field is an error, or with `is_masked` null or empty.

    `scope` None is nothing beyond what led here. `whole_shop`: it tells of more than one order, so no order token
    will do.
    """

    scope: Scope | None = None
    whole_shop: bool = False
    is_masked: bool = False

    def admits(self, principal: Principal) -> bool:
        if self.whole_shop and principal.order is not None:
            return False
        return self.scope is None or principal.may(self.scope)

    @property
    def told(self) -> str:
        """The rule as clients read it in the field's description."""
        if self.is_masked:
            return f"Personal: null or empty without the scope `{self.scope}`."
        return f"Takes the scope `{self.scope}`{', and is not for order tokens' if self.whole_shop else ''}."


OPEN: Final = Rule()
READ: Final = Rule(Scope.ORDERS_READ)
READ_SHOP: Final = Rule(Scope.ORDERS_READ, whole_shop=True)
SEARCH: Final = Rule(Scope.ORDERS_SEARCH, whole_shop=True)
WRITE: Final = Rule(Scope.ORDERS_WRITE, whole_shop=True)
PERSONAL: Final = Rule(Scope.PERSONAL_READ, is_masked=True)
UNDECIDED: Final = Rule(Scope.ADMIN, whole_shop=True)

_TRACKING = (
    "id provider order trackingNumber carrier status providerStatus createdAt updatedAt events eventCount latestEvent "
    "estimatedArrival source"
)
"""Of the fields that every kind of tracking has, those that are open in each."""

DECISIONS: Final[Mapping[Rule, Mapping[str, str]]] = {
    READ: {
        "Query": "node nodes order",
        # What a write leads back to is read: whoever may only write learns nothing by writing.
        "CancelOrderTrackerPayload": "order tracker",
        "CreateInvoiceTrackerPayload": "order tracker",
        "CreateOrderTrackerPayload": "order tracker",
        "FulfillOrdersPayload": "orders",
        "LinkOrderPayload": "order",
        "PlaceOrderPayload": "order",
        "RefreshOrderPayload": "order",
        "RegisterShipmentPayload": "order",
        "Registration": "order",
        "RegistrationOutcome": "tracking",
        "TrackRoutePayload": "route",
        "UnlinkOrderPayload": "order",
        "UpdateOrderPayload": "order",
        "UpdateOrderTrackerPayload": "order tracker",
        "UpdateShipmentPayload": "order tracking",
        "UpsertOrderPayload": "order",
    },
    READ_SHOP: {
        "Query": "route registration",
        "Mutation": "mintOrderToken refreshOrder",
        "RouteTracking": "route",
    },
    SEARCH: {"Query": "orders registrations"},
    WRITE: {
        "Mutation": "linkOrder unlinkOrder placeOrder upsertOrder updateOrder updateShipment fulfillOrders "
        "createOrderTracker updateOrderTracker cancelOrderTracker createInvoiceTracker trackRoute registerShipment "
        "retryRegistration dismissRegistration",
    },
    PERSONAL: {
        "Order": "address emailId externalCustomerId userAgent analytics",
        "PickupPoint": "name address",
        # Words of carriers that name a neighbour or the customer.
        "AdditionalInfo": "pickupPoint mailMessage",
        # Where it happened: for what a driver did that is the customer's door. The town may be known.
        "Location": "formattedAddress full latitude longitude line1 line2 place postalCode",
        # A label shows the address.
        "Media": "content",
        # HyperTrack's trackingUrl is its share link.
        "RouteTracking": "trackingUrl destination shareUrl deviceId workerHandle driver path",
        "Route": "embedUrl deviceId workerHandle",
        # Nobody here knows what a third party puts into it.
        "GenericTracking": "attributes",
    },
    OPEN: {
        "Query": "shop providers",
        "AdditionalInfo": "pickupPointUrl pickupTime pickupOpeningHours merchantName preferredDeliveryDate "
        "trackingLink carrierName date",
        "CancelOrderTrackerPayload": "userErrors",
        "Carrier": "reference name",
        "CarrierTracking": f"{_TRACKING} trackingUrl uuid shipmentId phase flag pickup products merchantId "
        "merchantSlug shopSlug orderUuid orderNumber",
        "CreateInvoiceTrackerPayload": "userErrors",
        "CreateOrderTrackerPayload": "userErrors",
        "Discount": "code amount type",
        "DismissRegistrationPayload": "userErrors registration",
        "EstimatedArrival": "from to updatedAt distanceMetres durationSeconds prediction language initial late "
        "provider",
        "EventLabels": "eventStatus listLabel headerHeadline headerTitle headerSubtitle",
        "FulfillOrdersPayload": "userErrors",
        "GenericTracking": f"{_TRACKING} trackingUrl",
        "InvoiceTracker": f"{_TRACKING} trackingUrl trackerId invoiceNumber billinkOrderId media",
        "Link": "href rel method",
        "LinkOrderPayload": "userErrors",
        "Location": "city country countryCode locationType region stateOrProvince timezone",
        "Media": "type",
        "MintOrderTokenPayload": "token userErrors",
        "Money": "amount currency",
        "OpeningHours": "day hours",
        "Order": "id shop orderNumber orderName externalId uuid references status deliveryStatus placedAt totalPrice "
        "shippingPrice subTotalPrice discountPrice currency products discounts segments weightGrams statusUrl "
        "merchantSlug preferredDelivery expectedShipments trackings events eventCount latestEvent estimatedArrival "
        "estimatedArrivals sources masked",
        "OrderConnection": "edges nodes pageInfo",
        "OrderEdge": "cursor node",
        "OrderReference": "kind value origin provider",
        "OrderToken": "value expiresAt",
        "OrderTracker": f"{_TRACKING} trackingUrl trackerId paypalOrderId captureId items links",
        "PageInfo": "hasNextPage hasPreviousPage startCursor endCursor",
        "PickupPoint": "type url openingHours availableUntil",
        "PlaceOrderPayload": "userErrors",
        "PreferredDelivery": "start end updatedAt source",
        "Product": "title quantity price size images sku weightGrams taxLines bundledProducts shipmentId type",
        "ProductImage": "src alt",
        "Provider": "name title capabilities health",
        "ProviderFailure": "code message retryable retryAt",
        "ProviderHealth": "level circuitOpen circuitRetryAt lastSuccessAt lastFailure p95Milliseconds errorRate",
        "RefreshOrderPayload": "userErrors",
        "RegisterShipmentPayload": "userErrors registration outcomes",
        "Registration": "id createdAt finishedAt dismissedAt dismissedReason trackingNumber outcomes",
        "RegistrationConnection": "edges nodes pageInfo",
        "RegistrationEdge": "cursor node",
        "RegistrationOutcome": "state attempts updatedAt provider nextAttemptAt userErrors",
        "RetryRegistrationPayload": "userErrors registration",
        "Route": "id routeHandle status version startedAt assignedAt createdAt plannedAt stops",
        "RouteRisk": "name level value",
        "RouteTracking": f"{_TRACKING} orderHandle routeHandle type typeIndex fulfillmentAttempt trackMode scheduledAt "
        "plannedAt assignedAt startedAt arrivedAt completedAt expectedServiceTimeSeconds capacityUsed risks "
        "opsGroupHandle",
        "Shop": "id slug name providers",
        "Source": "provider cache fetchedAt ageSeconds error",
        "TaxLine": "title rate price",
        "TrackerItem": "name quantity sku url imageUrl upc",
        "TrackingEvent": "id provider tracking occurredAt occurredAtText timezone status phase code name description "
        "labels location language additionalInfo",
        "TrackRoutePayload": "userErrors",
        "UnlinkOrderPayload": "userErrors",
        "Upc": "type code",
        "UpdateOrderPayload": "userErrors",
        "UpdateOrderTrackerPayload": "userErrors",
        "UpdateShipmentPayload": "userErrors",
        "UpsertOrderPayload": "userErrors",
        "UserError": "code message path provider providerCode",
        # All below is reached through a personal field alone; the test of this table proves it.
        "Address": "name company street addressLine1 addressLine2 zipCode city province provinceCode country "
        "countryCode phone",
        "Destination": "address location radiusMetres area placeHandle",
        "DriverPosition": "location bearing accuracyMetres speed recordedAt",
        "GeoLineString": "points",
        "GeoPathPoint": "latitude longitude altitude recordedAt",
        "GeoPoint": "latitude longitude",
    },
}
"""Every field of every type, by what it needs."""

PERSONAL_TYPES: Final = frozenset(
    {"Address", "Destination", "DriverPosition", "GeoLineString", "GeoPathPoint", "GeoPoint"}
)
"""The types that are personal as a whole: a field of any other type that leads to one is `PERSONAL`."""

PERSONAL_FILTERS: Final = ("email_id", "zip_code")
"""Filters of a search that need `personal:read`: with them anybody could find out whose an order is by trying."""


@dataclass(frozen=True, slots=True)
class FieldGate:
    """A rule before one field. `otherwise` is what the field answers to those whom it does not admit, or `REFUSED`."""

    rule: Rule
    otherwise: object

    def admits(self, context: Any) -> bool:
        """Whether the principal of this operation may see the field."""
        return self.rule.admits(context.principal)


def _spread() -> Iterator[tuple[str, Rule]]:
    for rule, types in DECISIONS.items():
        for type_name, fields in types.items():
            for field in fields.split():
                yield f"{type_name}.{field}", rule


RULES: Final[Mapping[str, Rule]] = dict(_spread())
"""The same by schema coordinate, such as `Order.address`."""

MASKED: Final = tuple(coordinate.removeprefix("Order.") for coordinate, rule in RULES.items() if rule.is_masked)
"""What `Order.masked` answers without `personal:read`: the order's own fields by name, and those of types below it."""


def guard(schema: GraphQLSchema) -> None:
    """Have every field of `schema` that is not open ask its rule first, and say so to clients.

    Open fields are left as they are.
    """
    for type_name, type_ in schema.type_map.items():
        if isinstance(type_, GraphQLObjectType) and not type_name.startswith("__"):
            for name, field in type_.fields.items():
                rule = RULES.get(f"{type_name}.{name}", UNDECIDED)
                if rule != OPEN:
                    field.extensions[GATE] = FieldGate(rule, _otherwise(field, rule))
                    field.resolve = _guarded(field)
                    field.description = f"{field.description} {rule.told}"


def gate_of(field: GraphQLField) -> FieldGate | None:
    """What `guard` put before `field`; None where it is open."""
    gate: FieldGate | None = field.extensions.get(GATE)
    return gate


def _guarded(field: GraphQLField) -> Resolver:
    resolve, gate = field.resolve, gate_of(field)
    assert resolve is not None  # Strawberry gives every field a resolver of its own
    assert gate is not None

    def guarded(source: Any, info: Any, **arguments: Any) -> Any:
        if gate.admits(info.context):
            return resolve(source, info, **arguments)
        if gate.otherwise is REFUSED:
            raise Forbidden(gate.rule.scope or Scope.ADMIN)
        return gate.otherwise

    return guarded


def _otherwise(field: GraphQLField, rule: Rule) -> object:
    """What a field answers that its rule keeps from somebody: null, or an empty list where it cannot be null."""
    if not rule.is_masked:
        return REFUSED
    if not isinstance(field.type, GraphQLNonNull):
        return None
    if isinstance(field.type.of_type, GraphQLList):
        return ()
    raise TypeError("a field that is masked has to be nullable, or a list")
