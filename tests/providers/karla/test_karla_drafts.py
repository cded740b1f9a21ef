"""Claims about how drafts are written for Karla, and how its complaints lead back into them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, get_args, get_type_hints

import pytest

from providers.drafts import (
    CarrierTrackingDraft,
    OrderChange,
    OrderDraft,
    OrderReferenceType,
    OrderUpsert,
    ProductDraft,
    ProductImageDraft,
    ShipmentChange,
    TaxLineDraft,
)
from providers.karla.drafts import MEMBERS, field_of, to_json
from providers.models import Address, Discount, Domain, PreferredDelivery

SENT: tuple[type[Domain], ...] = (OrderDraft, OrderUpsert, OrderChange, ShipmentChange)
"""What a caller hands over; everything else is inside these."""

BERLIN = timezone(timedelta(hours=2))
ADDRESS = Address(zip_code="10119")


def within(hint: Any) -> Iterator[type[Domain]]:
    """The domain models that a member of this type holds."""
    if isinstance(hint, type) and issubclass(hint, Domain):
        yield hint
    for part in get_args(hint):
        yield from within(part)


def reachable(kind: type[Domain], seen: set[type[Domain]]) -> set[type[Domain]]:
    if kind not in seen:
        seen.add(kind)
        for hint in get_type_hints(kind).values():
            for inner in within(hint):
                reachable(inner, seen)
    return seen


def test_every_member_of_every_draft_has_karlas_name() -> None:
    """Nothing that a caller can say is left unsaid."""
    kinds: set[type[Domain]] = set()
    for sent in SENT:
        reachable(sent, kinds)
    assert MEMBERS.keys() == kinds
    for kind, members in MEMBERS.items():
        assert members.keys() == kind.model_fields.keys()
        assert len({member.name for member in members.values()}) == len(members)


def test_every_member_that_holds_a_draft_says_which() -> None:
    for kind, members in MEMBERS.items():
        hints = get_type_hints(kind)
        assert {name: list(within(hints[name])) for name in members} == {
            name: [member.holds] if member.holds else [] for name, member in members.items()
        }


def test_every_member_is_written_as_the_reference_spells_it() -> None:
    upsert = OrderUpsert(
        reference="b4fadda9-61f4-4041-94d2-7a01ee0082b4",
        reference_type=OrderReferenceType.UUID,
        order=OrderDraft(
            order_number="1",
            external_id="x",
            address=Address(
                name="n",
                company="c",
                street="s",
                address_line1="1",
                address_line2="2",
                zip_code="z",
                city="ci",
                province="p",
                province_code="pc",
                country="co",
                country_code="cc",
                phone="ph",
            ),
            order_name="#1",
            placed_at=datetime(2025, 6, 4, 16, 26, 5, tzinfo=BERLIN),
            total_price=Decimal("160.80"),
            shipping_price=Decimal("4.99"),
            sub_total_price=Decimal("155.81"),
            discount_price=Decimal(0),
            currency="DKK",
            products=(
                ProductDraft(
                    title="Box",
                    quantity=2,
                    price=Decimal("9.5"),
                    size="XL",
                    images=(ProductImageDraft(src="https://example.com/a.png", alt="a"),),
                    sku="s",
                    weight_grams=12.5,
                    tax_lines=(TaxLineDraft(title="VAT", rate=Decimal("0.19"), price=Decimal("1.5"), currency="DKK"),),
                    bundled_products=(ProductDraft(title="Part", quantity=1),),
                    shipment_id="sh",
                    type="bundle",
                ),
            ),
            discounts=(Discount(code="TEN", amount=Decimal("10.0"), type="percentage"), Discount(code="FREE")),
            email_id="jane@example.com",
            segments=("a", "b"),
            weight_grams=1000,
            external_customer_id="ec",
            status_url="https://example.com/1",
            preferred_delivery=PreferredDelivery(
                start=datetime(2025, 6, 5, 8, tzinfo=BERLIN),
                end=datetime(2025, 6, 5, 12, tzinfo=BERLIN),
                updated_at=datetime(2025, 6, 4, tzinfo=UTC),
                source="shop",
            ),
            user_agent="Mozilla",
            analytics={"source": {"name": ["newsletter", 7, None]}},
            expected_shipments=2,
        ),
        trackings=(
            CarrierTrackingDraft(
                tracking_number="n",
                placed_at=datetime(2025, 6, 4, microsecond=7, tzinfo=UTC),
                tracking_url="https://dhl.example/n",
                carrier_reference="dhl",
                external_shipment_id="es",
                products=(ProductDraft(title="Box", quantity=1),),
            ),
        ),
    )
    assert to_json(upsert) == {
        "id": "b4fadda9-61f4-4041-94d2-7a01ee0082b4",
        "id_type": "uuid",
        "order": {
            "order_number": "1",
            "external_id": "x",
            "address": {
                "name": "n",
                "company": "c",
                "street": "s",
                "address_line_1": "1",
                "address_line_2": "2",
                "zip_code": "z",
                "city": "ci",
                "province": "p",
                "province_code": "pc",
                "country": "co",
                "country_code": "cc",
                "phone": "ph",
            },
            "order_name": "#1",
            "order_placed_at": "2025-06-04T16:26:05+02:00",
            "total_order_price": 160.8,
            "shipping_price": 4.99,
            "sub_total_price": 155.81,
            "discount_price": 0,
            "currency": "DKK",
            "products": [
                {
                    "title": "Box",
                    "quantity": 2,
                    "price": 9.5,
                    "size": "XL",
                    "images": [{"src": "https://example.com/a.png", "alt": "a"}],
                    "sku": "s",
                    "weight": 12.5,
                    "tax_lines": [{"title": "VAT", "rate": 0.19, "price": 1.5, "currency": "DKK"}],
                    "bundled_products": [{"title": "Part", "quantity": 1}],
                    "shipment_id": "sh",
                    "type": "bundle",
                }
            ],
            "discounts": [{"code": "TEN", "amount": "10.0", "type": "percentage"}, {"code": "FREE"}],
            "email_id": "jane@example.com",
            "segments": ["a", "b"],
            "weight": 1000,
            "external_customer_id": "ec",
            "order_status_url": "https://example.com/1",
            "preferred_delivery_date": {
                "start": "2025-06-05T08:00:00+02:00",
                "end": "2025-06-05T12:00:00+02:00",
                "updated_at": "2025-06-04T00:00:00+00:00",
                "source": "shop",
            },
            "user_agent": "Mozilla",
            "order_analytics": {"source": {"name": ["newsletter", 7, None]}},
            "expected_number_of_shipments": 2,
        },
        "trackings": [
            {
                "tracking_number": "n",
                "tracking_placed_at": "2025-06-04T00:00:00.000007+00:00",
                "tracking_url": "https://dhl.example/n",
                "carrier_reference": "dhl",
                "external_shipment_id": "es",
                "products": [{"title": "Box", "quantity": 1}],
            }
        ],
    }


@pytest.mark.parametrize(
    ("draft", "body"),
    [
        (
            OrderDraft(order_number="1", external_id="x", address=ADDRESS),
            {"order_number": "1", "external_id": "x", "address": {"zip_code": "10119"}, "currency": "EUR"},
        ),
        (OrderUpsert(reference="1"), {"id": "1", "id_type": "order_number", "trackings": []}),
        (OrderChange(), {}),
        (OrderChange(expected_shipments=0), {"expected_number_of_shipments": 0}),
        (ShipmentChange(), {}),
        (ShipmentChange(products=()), {"products": []}),
    ],
)
def test_what_is_none_is_left_out_and_what_is_empty_is_sent(draft: Domain, body: object) -> None:
    assert to_json(draft) == body


@pytest.mark.parametrize(
    ("amount", "written"),
    [
        ("29.99", "29.99"),
        ("160.80", "160.8"),
        ("40", "40"),
        ("40.00", "40"),
        ("0", "0"),
        ("-4.99", "-4.99"),
        ("999999999999.99", "999999999999.99"),
        ("0.10", "0.1"),
        ("123456789012345678901234567890", "123456789012345678901234567890"),
    ],
)
def test_an_amount_is_a_json_number_with_its_digits(amount: str, written: str) -> None:
    draft = ProductDraft(title="t", quantity=1, price=Decimal(amount))
    assert json.dumps(to_json(draft)["price"]) == written


@pytest.mark.parametrize(("amount", "written"), [("10.0", "10.0"), ("10", "10"), ("1E+2", "100")])
def test_a_discounts_amount_is_a_text_in_plain_digits(amount: str, written: str) -> None:
    assert to_json(Discount(code="c", amount=Decimal(amount)))["amount"] == written


def test_a_model_that_karla_takes_nowhere_is_not_written() -> None:
    with pytest.raises(KeyError):
        to_json(Domain())


@pytest.mark.parametrize(
    ("draft", "loc", "field"),
    [
        (OrderDraft, ["body", "address", "zip_code"], ("address", "zip_code")),
        (OrderDraft, ["body", "address", "address_line_1"], ("address", "address_line1")),
        (OrderDraft, ["body", "total_order_price"], ("total_price",)),
        (OrderDraft, ["body", "segments", 1], ("segments", "1")),
        (
            OrderDraft,
            ["body", "products", 0, "bundled_products", 2, "tax_lines", 1, "rate"],
            ("products", "0", "bundled_products", "2", "tax_lines", "1", "rate"),
        ),
        (OrderDraft, ["body", "discounts", 0, "amount"], ("discounts", "0", "amount")),
        (OrderDraft, ["body", "preferred_delivery_date", "end"], ("preferred_delivery", "end")),
        (OrderDraft, ["body", "order_analytics", "source"], ("analytics",)),
        (OrderDraft, ["address", "zip_code"], ("address", "zip_code")),
        (OrderUpsert, ["body", "id"], ("reference",)),
        (OrderUpsert, ["body", "id_type"], ("reference_type",)),
        (OrderUpsert, ["body", "order", "products", 0, "title"], ("order", "products", "0", "title")),
        (OrderUpsert, ["body", "trackings", 3, "carrier_reference"], ("trackings", "3", "carrier_reference")),
        (OrderUpsert, ["body", 7, "trackings", 0, "tracking_placed_at"], ("7", "trackings", "0", "placed_at")),
        (OrderChange, ["body", "expected_number_of_shipments"], ("expected_shipments",)),
        (ShipmentChange, ["body", "products", 0, "images", 0, "src"], ("products", "0", "images", "0", "src")),
        # As far as the draft goes, and no further:
        (OrderDraft, ["body", "address", "planet"], ("address",)),
        (OrderDraft, ["body", "planet", "zip_code"], ()),
        (OrderDraft, ["body", "zip_code"], ()),
        (OrderDraft, ["body"], ()),
        (OrderDraft, [], ()),
        (OrderChange, ["path", "order_id"], ()),
        (OrderDraft, ["query", "order_number"], ()),
    ],
)
def test_a_place_in_karlas_body_leads_to_the_member_of_ours(
    draft: type[Domain], loc: list[str | int], field: tuple[str, ...]
) -> None:
    assert field_of(draft, loc) == field
