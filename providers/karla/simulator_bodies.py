"""The requests that Karla's double takes, as FastAPI would read them.

From the tables of the Karla API reference (Place Order, Upsert Order, Update Order, Update Order Shipment, Fulfill
Orders) for members, types and defaults; from the vendor's Dart client (github.com/gokarla-io/gokarla-dart) for what is
required inside an address, a discount and a tracking, and for the carriers. What is documented nowhere is assumed: a
product needs its title and quantity, and the address of an order that is changed needs a zip code like any other.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, PlainSerializer, TypeAdapter

from providers.karla.simulator_refusals import CARRIER_REFERENCE_INVALID, ZIP_CODE_INVALID, Loc, Refused

CARRIERS = frozenset(
    {
        *("amz", "brt", "depost", "dhl", "dhlexp", "dhl_old", "dhl2man", "dpd", "dpdn", "dpduk", "gls", "gls_es"),
        *("goexp", "hrs", "postat", "rhe", "royalmail", "swisspost", "ups", "bpost", "dao", "anpost", "bring"),
        *("posti", "postnl_inter", "usps", "fedex", "postnord", "parcelone", "dachser", "asendia_de"),
    }
)
"""The carrier references of the Dart client; Karla says that it has more by now."""


def _in_utc(moment: datetime) -> datetime:
    """A date-time without an offset is taken for UTC."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


DateTime = Annotated[
    datetime, AfterValidator(_in_utc), PlainSerializer(lambda moment: moment.isoformat(), when_used="json")
]


class SearchQuery(BaseModel):
    """The query of Search Orders; what it does not name is ignored, as FastAPI does."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    page: int = Field(default=1, gt=0)
    per_page: int = Field(default=30, gt=0, le=100)
    email_id: str | None = None
    external_id: str | None = None
    order_name: str | None = None
    order_number: str | None = None
    uuid: UUID | None = None
    zip_code: str | None = None
    order_placed_from: DateTime | None = None
    order_placed_to: DateTime | None = None
    shipment_updated_since: DateTime | None = None

    def exact(self) -> dict[str, str]:
        """The filters that must equal a member of the order."""
        given = {name: getattr(self, name) for name in EXACT}
        return {name: str(value) for name, value in given.items() if value is not None}


EXACT = ("order_number", "uuid", "external_id", "order_name", "email_id", "zip_code")


class Body(BaseModel):
    """Base of every object in a request; members that it does not name are ignored, as FastAPI does."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    def whole(self) -> dict[str, JsonValue]:
        """As JSON with Karla's defaults in place of what was left out."""
        return self.model_dump(mode="json", exclude_none=True)

    def given(self) -> dict[str, JsonValue]:
        """As JSON, only what was sent."""
        return self.model_dump(mode="json", exclude_none=True, exclude_unset=True)


class AddressBody(Body):
    zip_code: str
    name: str | None = None
    company: str | None = None
    street: str | None = None
    address_line_1: str | None = None
    address_line_2: str | None = None
    city: str | None = None
    province: str | None = None
    province_code: str | None = None
    country: str | None = None
    country_code: str | None = None
    phone: str | None = None


class ImageBody(Body):
    src: str
    alt: str | None = None


class TaxLineBody(Body):
    title: str | None = None
    rate: float | None = None
    price: float | None = None
    currency: str | None = None


class ProductBody(Body):
    title: str
    quantity: int
    price: float | None = None
    size: str | None = None
    images: list[ImageBody] = []
    sku: str | None = None
    weight: float | None = None
    tax_lines: list[TaxLineBody] = []
    bundled_products: list[ProductBody] = []
    shipment_id: str | None = None
    type: str | None = None


class DiscountBody(Body):
    code: str
    amount: str | None = None
    type: str | None = None


class PreferredDeliveryBody(Body):
    start: DateTime | None = None
    end: DateTime | None = None
    updated_at: DateTime | None = None
    source: str | None = None


Shipments = Annotated[int, Field(le=100)]


class OrderBody(Body):
    """The body of Place Order. `user_agent` is a string in the table and an array in the sample."""

    order_number: str
    external_id: str
    address: AddressBody
    order_name: str | None = None
    order_placed_at: DateTime | None = None
    total_order_price: float | None = None
    shipping_price: float | None = None
    sub_total_price: float | None = None
    discount_price: float = 0
    products: list[ProductBody] = []
    discounts: list[DiscountBody] = []
    email_id: str | None = None
    currency: str = "EUR"
    segments: list[str] | None = None
    weight: float | None = None
    external_customer_id: str | None = None
    order_status_url: str | None = None
    preferred_delivery_date: PreferredDeliveryBody | None = None
    user_agent: str | list[str] | None = None
    order_analytics: dict[str, JsonValue] = {}
    expected_number_of_shipments: Shipments = 1


class TrackingBody(Body):
    tracking_number: str
    tracking_placed_at: DateTime | None = None
    tracking_url: str | None = None
    carrier_reference: str | None = None
    external_shipment_id: str | None = None
    products: list[ProductBody] | None = None


class UpsertBody(Body):
    """The body of Upsert Order, and one element of Fulfill Orders."""

    id: str
    id_type: Literal["uuid", "external_id", "order_name", "order_number"] = "order_number"
    order: OrderBody | None = None
    trackings: list[TrackingBody]


class OrderChangeBody(Body):
    """The body of Update Order; null leaves a member as it is, like leaving it out."""

    address: AddressBody | None = None
    expected_number_of_shipments: Shipments | None = None


class ShipmentChangeBody(Body):
    """The body of Update Order Shipment; null leaves a member as it is, like leaving it out."""

    tracking_url: str | None = None
    products: list[ProductBody] | None = None


ORDER = TypeAdapter(OrderBody)
UPSERT = TypeAdapter(UpsertBody)
ORDER_CHANGE = TypeAdapter(OrderChangeBody)
SHIPMENT_CHANGE = TypeAdapter(ShipmentChangeBody)
BULK: TypeAdapter[list[UpsertBody]] = TypeAdapter(Annotated[list[UpsertBody], Field(min_length=1, max_length=100)])
"""The reference gives no bounds; the size of a bulk is assumed to be that of a page."""


def check_address(address: AddressBody | None, *where: str | int) -> None:
    """Raises `Refused` for a zip code that can be none; `where` leads to the address."""
    if address is not None and not address.zip_code.strip():
        raise Refused(ZIP_CODE_INVALID, (*where, "zip_code"))


def check_upsert(upsert: UpsertBody, *where: str | int) -> None:
    """Raises `Refused` for what fits the schema and cannot be; `where` leads to the upsert."""
    if upsert.order is not None:
        check_address(upsert.order.address, *where, "order", "address")
    wrong = tuple(_wrong_carriers(upsert, where))
    if wrong:
        raise Refused(CARRIER_REFERENCE_INVALID, *wrong)


def _wrong_carriers(upsert: UpsertBody, where: Loc) -> Iterator[Loc]:
    for place, tracking in enumerate(upsert.trackings):
        if tracking.carrier_reference is not None and tracking.carrier_reference not in CARRIERS:
            yield (*where, "trackings", place, "carrier_reference")
