"""The request samples of the Karla API reference as our drafts, written out by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from pydantic import JsonValue

from providers.drafts import (
    CarrierTrackingDraft,
    OrderChange,
    OrderDraft,
    OrderUpsert,
    ProductDraft,
    ShipmentChange,
)
from providers.models import Address, Discount, PreferredDelivery

USER_AGENT = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/111.0.0.0 Safari/537.36"
)
GENERATED_TIME = datetime(2019, 8, 24, 14, 15, 22, tzinfo=UTC)

PRODUCT = ProductDraft(
    title="Product A",
    quantity=1,
    price=Decimal(10),
    images=(),
    tax_lines=(),
    bundled_products=(),
    type="product",
)
ORDER = OrderDraft(
    order_number="1234",
    order_name="IXF1234",
    placed_at=datetime(2023, 3, 17, 9, 51, 41, tzinfo=UTC),
    total_price=Decimal("29.99"),
    shipping_price=Decimal("4.99"),
    sub_total_price=Decimal(40),
    discount_price=Decimal("4.99"),
    products=(PRODUCT,),
    discounts=(Discount(code="ULTRA_OFFER", amount=Decimal("10.0"), type="percentage"),),
    address=Address(city="New York", street="123 Main St", zip_code="10001"),
    currency="EUR",
    segments=("segment1", "segment2"),
    weight_grams=1000,
    external_customer_id="1234067358984",
    external_id="2205783916624",
    preferred_delivery=PreferredDelivery(
        start=GENERATED_TIME, end=GENERATED_TIME, updated_at=GENERATED_TIME, source="string"
    ),
    user_agent=USER_AGENT,
    analytics={},
    expected_shipments=1,
)
UPSERT = OrderUpsert(
    reference="11334422",
    order=ORDER,
    trackings=(
        CarrierTrackingDraft(
            tracking_number="123456",
            placed_at=datetime(2025, 6, 4, 16, 26, 5, 980573, tzinfo=UTC),
            products=(),
        ),
    ),
)
ORDER_CHANGE = OrderChange(
    address=Address(
        address_line1="Teststr. 1",
        address_line2="2nd floor",
        city="Berlin",
        country="Germany",
        country_code="DE",
        name="Jane Doe",
        phone="+49 123 4567890",
        province="Berlin",
        province_code="BE",
        street="Teststr. 1, 2nd floor",
        zip_code="10119",
        company="Example GmbH",
    ),
    expected_shipments=1,
)
SHIPMENT_CHANGE = ShipmentChange(tracking_url="string", products=(PRODUCT,))


def spelt_our_way(body: JsonValue) -> JsonValue:
    """`body` of a sample as we say the same: UTC as `+00:00`, and `user_agent` as the text of the reference's table."""
    if isinstance(body, list):
        return [spelt_our_way(each) for each in body]
    if isinstance(body, dict):
        return {name: _text_of(value) if name == "user_agent" else spelt_our_way(value) for name, value in body.items()}
    return "2019-08-24T14:15:22+00:00" if body == "2019-08-24T14:15:22Z" else body


def _text_of(user_agents: JsonValue) -> JsonValue:
    assert isinstance(user_agents, list)
    [only] = user_agents
    return only
