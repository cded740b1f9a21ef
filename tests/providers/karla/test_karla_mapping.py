"""Claims about what Karla's JSON means."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.karla.mapping import END_STATUSES, RETURN_PHASES, STATUS_BY_PHASE, to_order, to_orders, to_tracking
from providers.karla.wire import ORDER_ANSWER, SEARCH_ANSWER, TRACKING_ANSWER
from providers.models import (
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
    Product,
    TrackingEvent,
    TrackingStatus,
)
from providers.reading import WrongShape

SHIPMENT = UUID("ee5c4b53-f661-455e-85d2-a7b7bcaf81bf")
NOON = datetime(2025, 2, 5, 12, tzinfo=UTC)


def order_of(body: dict[str, Any]) -> Order:
    return to_order(ORDER_ANSWER.validate_json(json.dumps(body).encode()))


def tracking_of(**members: Any) -> CarrierTracking:
    return to_tracking(TRACKING_ANSWER.validate_json(json.dumps(members).encode()))


def event(phase: str | None, hours: float = 0, **members: Any) -> dict[str, Any]:
    return {"phase": phase, "time": (NOON + timedelta(hours=hours)).isoformat(), **members}


def status_of(*events: dict[str, Any], **members: Any) -> TrackingStatus:
    return tracking_of(events=list(events), **members).status


def test_the_sample_order_is_read(sample: Callable[[str], bytes]) -> None:
    (wire,) = SEARCH_ANSWER.validate_json(sample("search_orders"))
    order = to_order(wire)
    assert order.model_copy(update={"trackings": ()}) == Order(
        order_number="1234",
        order_name="IXF1234",
        external_id="string",
        uuid=UUID("b4fadda9-61f4-4041-94d2-7a01ee0082b4"),
        placed_at=datetime(2023, 3, 17, 9, 51, 41, tzinfo=UTC),
        total_price=Money(amount=Decimal("29.99"), currency="EUR"),
        shipping_price=Money(amount=Decimal("4.99"), currency="EUR"),
        sub_total_price=Money(amount=Decimal(40), currency="EUR"),
        discount_price=Money(amount=Decimal("4.99"), currency="EUR"),
        currency="EUR",
        products=(
            Product(title="Product A", quantity=1, price=Money(amount=Decimal(10), currency="EUR"), type="product"),
        ),
        discounts=(Discount(code="ULTRA_OFFER", amount=Decimal("10.0"), type="percentage"),),
        address=Address(city="New York", street="123 Main St", zip_code="10001"),
        segments=("segment1", "segment2"),
        weight_grams=1000,
        external_customer_id="1234067358984",
        merchant_slug="string",
    )


def test_the_sample_tracking_is_read(sample: Callable[[str], bytes]) -> None:
    (tracking,) = to_order(SEARCH_ANSWER.validate_json(sample("search_orders"))[0]).trackings
    assert isinstance(tracking, CarrierTracking)
    assert tracking.model_copy(update={"events": ()}) == CarrierTracking(
        provider="karla",
        tracking_number="123456",
        carrier=Carrier(reference="dhl"),
        status=TrackingStatus.DELIVERED,
        provider_status="delivered",
        estimated_arrival=EstimatedArrival(
            provider="karla",
            start=datetime(2025, 2, 5, 7, 49, 31, tzinfo=UTC),
            end=datetime(2025, 2, 5, 11, 20, 27, tzinfo=UTC),
            prediction="Tomorrow",
            language="en",
        ),
        uuid=SHIPMENT,
        shipment_id=SHIPMENT,
        phase="delivered",
        flag="normal",
        pickup=PickupPoint(
            type="neighbor",
            name="John Doe",
            address=Address(city="New York", street="123 Main St", zip_code="10001"),
        ),
        products=(
            Product(
                title="Individual Product",
                quantity=1,
                price=Money(amount=Decimal(10), currency="EUR"),
                sku="123456",
                weight_grams=100,
            ),
            Product(
                title="Product Bundle",
                quantity=2,
                price=Money(amount=Decimal(20), currency="EUR"),
                sku="123457",
                weight_grams=100,
                bundled_products=(
                    Product(title="Bundled Product", quantity=1, price=Money(amount=Decimal(10), currency="EUR")),
                ),
            ),
        ),
        merchant_id="d7cbb719-2a7b-48d3-9116-153c60c800bd",
        merchant_slug="gokarla",
        shop_slug="gokarla",
        order_uuid=UUID("b721e24e-15ed-48d8-a7e7-4652bcaa60e3"),
        order_number="123456",
    )


def test_the_sample_events_are_read(sample: Callable[[str], bytes]) -> None:
    events = to_order(SEARCH_ANSWER.validate_json(sample("search_orders"))[0]).trackings[0].events
    assert [(event.code, event.status.value) for event in events] == [
        ("H10", "DELIVERED"),
        ("G20", "OUT_FOR_DELIVERY"),
        ("E18", "IN_TRANSIT"),
        ("C20", "INFO_RECEIVED"),
        ("A12", "INFO_RECEIVED"),
        ("A10", "PENDING"),
    ]
    assert events[0] == TrackingEvent(
        status=TrackingStatus.DELIVERED,
        occurred_at=datetime(2025, 2, 5, 11, 20, 27, tzinfo=UTC),
        occurred_at_text="2025-02-05T11:20:27+00:00",
        timezone="Europe/Vienna",
        phase="delivered",
        code="H10",
        name="SUCCESSFULLY_DELIVERED",
        labels=EventLabels(
            event_status="Yippee! Your parcel was successfully delivered.",
            list_label="Delivered: 2025-02-05T11:20:27+00:00",
            header_headline="DELIVERED",
            header_title="Home",
        ),
        location=Location(
            country="Austria",
            country_code="AT",
            formatted_address="Austria",
            full="Austria, AT, 14.550072, 47.516231, Europe/Vienna",
            latitude=47.54401722075543,
            longitude=14.02504506285114,
            place="Austria",
            timezone="Europe/Vienna",
        ),
        language="en",
    )
    assert events[2].location is None


def test_an_updated_order_reads_as_a_found_one(sample: Callable[[str], bytes]) -> None:
    (found,) = SEARCH_ANSWER.validate_json(sample("search_orders"))
    assert to_order(ORDER_ANSWER.validate_json(sample("update_order"))) == to_order(found)


def test_the_updated_shipment_is_read(sample: Callable[[str], bytes]) -> None:
    tracking = to_tracking(TRACKING_ANSWER.validate_json(sample("update_shipment")))
    assert tracking.uuid == UUID("095be615-a8ad-4c33-8e9c-c7612fbf6c9f")
    assert tracking.shipment_id == UUID("497f6eca-6276-4993-bfeb-53cbbbba6f08")
    assert tracking.updated_at == datetime(2019, 8, 24, 14, 15, 22, tzinfo=UTC)
    assert tracking.created_at is None
    assert tracking.status is TrackingStatus.AVAILABLE_FOR_PICKUP
    assert tracking.tracking_url is None  # the reference's placeholder "string" is no address
    (event,) = tracking.events
    assert event.location is None  # `{}` says nothing
    assert event.timezone == "string"
    assert event.additional_info is not None
    assert event.additional_info.pickup_opening_hours == (
        OpeningHours(day="property1", hours="string"),
        OpeningHours(day="property2", hours="string"),
    )


@pytest.mark.parametrize(
    ("phase", "status"),
    [
        ("order_created", "PENDING"),
        ("order_processed", "INFO_RECEIVED"),
        ("in_transit", "IN_TRANSIT"),
        ("in_delivery", "OUT_FOR_DELIVERY"),
        ("collect", "AVAILABLE_FOR_PICKUP"),
        ("delivery_failed", "ATTEMPT_FAILED"),
        ("delivered", "DELIVERED"),
        ("return_created", "RETURNING"),
        ("return_transit", "RETURNING"),
        ("return_received", "RETURNED"),
        ("returned", "RETURNED"),
        ("return_failed", "EXCEPTION"),
        ("teleported", "UNKNOWN"),
        ("DELIVERED", "UNKNOWN"),
        ("", "UNKNOWN"),
        (None, "UNKNOWN"),
    ],
)
def test_a_phase_gives_the_status_of_event_and_tracking(phase: str | None, status: str) -> None:
    tracking = tracking_of(events=[event(phase)])
    assert (tracking.status, tracking.events[0].status) == (status, status)
    assert tracking.provider_status == tracking.phase == tracking.events[0].phase == (phase or None)


@pytest.mark.parametrize("phase", [*STATUS_BY_PHASE, "teleported"])
@pytest.mark.parametrize(
    ("flag", "status"), [("delay", "DELAYED"), ("error", "EXCEPTION"), ("normal", None), ("", None), ("novel", None)]
)
def test_a_flag_counts_until_the_parcel_is_at_its_end(phase: str, flag: str, status: str | None) -> None:
    of_phase = STATUS_BY_PHASE.get(phase, TrackingStatus.UNKNOWN)
    expected = of_phase if of_phase in END_STATUSES or status is None else status
    tracking = tracking_of(events=[event(phase)], flag=flag)
    assert tracking.status == expected
    assert tracking.events[0].status is of_phase
    assert tracking.flag == (flag or None)


def test_the_newest_event_decides_wherever_it_stands() -> None:
    oldest_first = [event("order_created", -2), event("in_transit", -1), event("in_delivery")]
    assert status_of(*oldest_first) is TrackingStatus.OUT_FOR_DELIVERY
    assert status_of(*reversed(oldest_first)) is TrackingStatus.OUT_FOR_DELIVERY


def test_the_newest_is_found_by_instant_and_not_by_text() -> None:
    later = {"phase": "in_delivery", "time": "2025-02-05T09:00:00-05:00"}
    assert status_of(event("in_transit"), later) is TrackingStatus.OUT_FOR_DELIVERY


def test_of_equal_instants_the_first_is_the_newest() -> None:
    """Karla lists newest first, and its own sample has two events of one second (C20 and A12)."""
    assert status_of(event("in_transit"), event("order_processed")) is TrackingStatus.IN_TRANSIT
    same_instant = {"phase": "order_processed", "time": "2025-02-05T14:00:00+02:00"}
    assert status_of(event("in_transit"), same_instant) is TrackingStatus.IN_TRANSIT
    assert status_of(same_instant, event("in_transit")) is TrackingStatus.INFO_RECEIVED


def test_an_event_without_an_instant_decides_only_where_none_has_one() -> None:
    timeless = {"phase": "delivery_failed", "time": "2025-02-06T08:00:00"}
    assert status_of(timeless, event("in_transit")) is TrackingStatus.IN_TRANSIT
    assert status_of({"phase": "in_transit", "time": "2025-02-05T08:00:00"}, timeless) is TrackingStatus.ATTEMPT_FAILED


@pytest.mark.parametrize("late", ["in_transit", "in_delivery", "order_processed", "delivery_failed", "teleported"])
def test_a_scan_that_arrives_late_takes_nothing_from_a_delivery(late: str) -> None:
    tracking = tracking_of(events=[event(late, 1), event("delivered")])
    assert tracking.status is TrackingStatus.DELIVERED
    assert tracking.provider_status == "delivered"


@pytest.mark.parametrize("phase", sorted(RETURN_PHASES))
def test_a_delivered_parcel_goes_back_only_on_a_newer_return_event(phase: str) -> None:
    assert status_of(event("in_transit", 2), event(phase, 1), event("delivered")) is STATUS_BY_PHASE[phase]
    assert status_of(event("delivered"), event(phase, -1)) is TrackingStatus.DELIVERED


def test_a_number_without_events_is_the_merchants_word_and_a_draft_is_pending() -> None:
    assert tracking_of(carrier={"tracking_number": "1"}).status is TrackingStatus.INFO_RECEIVED
    assert tracking_of(carrier={"tracking_number": "1"}, events=[]).provider_status is None
    assert tracking_of().status is TrackingStatus.PENDING
    assert tracking_of(carrier={"tracking_number": "1"}, flag="delay").status is TrackingStatus.DELAYED


@given(
    events=st.lists(
        st.tuples(st.sampled_from([*STATUS_BY_PHASE, "teleported"]), st.integers(-9, 9)), unique_by=lambda e: e[1]
    ),
    data=st.data(),
)
def test_the_order_of_arrival_changes_no_status(events: list[tuple[str, int]], data: st.DataObject) -> None:
    shuffled: Sequence[tuple[str, int]] = data.draw(st.permutations(events))
    assert status_of(*(event(*each) for each in events)) is status_of(*(event(*each) for each in shuffled))


def test_a_time_without_an_offset_states_no_instant_and_keeps_its_words() -> None:
    (read,) = tracking_of(events=[{"time": "2025-02-05T11:20:27", "location": {"timezone": "Europe/Vienna"}}]).events
    assert (read.occurred_at, read.occurred_at_text, read.timezone) == (None, "2025-02-05T11:20:27", "Europe/Vienna")


def test_an_events_own_zone_goes_before_its_places() -> None:
    (read,) = tracking_of(events=[{"timezone": "Europe/Berlin", "location": {"timezone": "Europe/Vienna"}}]).events
    assert read.timezone == "Europe/Berlin"


@pytest.mark.parametrize("written", ["29.99", '"29.99"', "0.1", "1234567.89", "0.07", "4.35", "1e2"])
def test_an_amount_keeps_its_written_digits(written: str) -> None:
    order = to_order(ORDER_ANSWER.validate_json(f'{{"total_order_price": {written}, "currency": "EUR"}}'.encode()))
    assert order.total_price == Money(amount=Decimal(written.strip('"')), currency="EUR")


@given(cents=st.integers(min_value=0, max_value=10**13))
def test_every_amount_in_cents_is_read_exactly(cents: int) -> None:
    written = f"{cents // 100}.{cents % 100:02}"
    order = to_order(ORDER_ANSWER.validate_json(f'{{"shipping_price": {written}}}'.encode()))
    assert order.shipping_price == Money(amount=Decimal(written))


def test_a_price_without_a_currency_is_given_none() -> None:
    assert order_of({"total_order_price": 1}).total_price == Money(amount=Decimal(1), currency=None)


def test_a_tax_line_has_a_currency_of_its_own() -> None:
    tax = {"currency": "CHF", "price": "1.60", "rate": 0.19, "title": "VAT"}
    (product,) = order_of({"currency": "EUR", "products": [{"price": 10, "tax_lines": [tax]}]}).products or ()
    assert product.price == Money(amount=Decimal(10), currency="EUR")
    assert product.tax_lines[0].price == Money(amount=Decimal("1.60"), currency="CHF")
    assert product.tax_lines[0].rate == Decimal("0.19")


@pytest.mark.parametrize(
    ("written", "read"), [("agent", ("agent",)), (["a", "b"], ("a", "b")), ("", None), (None, None), ([], ())]
)
def test_a_user_agent_is_one_text_or_several(written: Any, read: tuple[str, ...] | None) -> None:
    assert order_of({"user_agent": written}).user_agent == read


def test_a_shipment_without_id_goes_by_its_uuid() -> None:
    assert tracking_of(uuid=str(SHIPMENT)).shipment_id == SHIPMENT
    assert tracking_of(id=str(SHIPMENT)).uuid is None


def test_what_is_empty_is_not_known() -> None:
    empty = {
        "order_number": "",
        "uuid": "",
        "total_order_price": "",
        "weight": "",
        "address": {"city": " "},
        "preferred_delivery_date": {},
        "trackings": [
            {
                "pickup": {},
                "estimated_arrival": {"time_prediction": ""},
                "carrier": {"tracking_number": "", "carrier_reference": ""},
                "events": [{"location": {"latitude": "", "city": ""}, "event_strings": {}, "additional_info": {}}],
            }
        ],
    }
    order = order_of(empty)
    assert order == Order(
        trackings=(
            CarrierTracking(
                provider="karla",
                status=TrackingStatus.UNKNOWN,
                events=(TrackingEvent(status=TrackingStatus.UNKNOWN),),
            ),
        )
    )


@pytest.mark.parametrize("name", ["products", "discounts", "segments"])
def test_an_empty_list_of_the_order_is_told_from_one_that_was_not_given(name: str) -> None:
    assert getattr(order_of({name: []}), name) == ()
    assert getattr(order_of({name: None}), name) is None
    assert getattr(order_of({}), name) is None


def test_members_we_do_not_know_are_passed_over() -> None:
    assert order_of({"order_number": "1", "state": "new", "trackings": [{"state": "transit"}]}).order_number == "1"


def test_numbers_pass_for_text_in_the_free_location_object() -> None:
    (read,) = tracking_of(events=[{"location": {"postal_code": 10119, "latitude": "52.5"}}]).events
    assert read.location == Location(postal_code="10119", latitude=52.5)


@pytest.mark.parametrize("url", ["javascript:alert(1)", "string", "", "//x"])
def test_what_is_no_web_address_is_left_out(url: str) -> None:
    tracking = {
        "carrier": {"tracking_url": url},
        "pickup": {"name": "Shop", "url": url},
        "products": [{"images": [{"src": url}]}],
        "events": [
            {"additional_info": {"date": "2025-02-05T11:20:27Z", "tracking_link": url, "pickup_point_url": url}}
        ],
    }
    order = order_of({"order_status_url": url, "trackings": [tracking]})
    (read,) = order.trackings
    assert isinstance(read, CarrierTracking)
    assert read.pickup is not None
    info = read.events[0].additional_info
    assert info is not None
    found = (order.status_url, read.tracking_url, read.pickup.url, read.products[0].images[0].src)
    assert {*found, info.tracking_link, info.pickup_point_url} == {None}


def test_what_parcels_have_in_common_is_one_object() -> None:
    """Parcels go through the same places, and hold what the order lists."""
    place, product = {"city": "Wien"}, {"title": "Mug", "price": 9.5}
    order = order_of(
        {
            "currency": "EUR",
            "products": [product],
            "trackings": [{"products": [product], "events": [event("in_transit", location=place)]} for _ in range(2)],
        }
    )
    first, second = order.trackings
    assert first.events[0].location is second.events[0].location
    assert isinstance(first, CarrierTracking)
    assert order.products is not None
    assert first.products[0] is order.products[0]


def test_the_same_product_is_another_in_another_currency() -> None:
    product = {"title": "Mug", "price": 9.5, "bundled_products": [{"price": 2}]}
    for currency in ("EUR", "CHF", None, " "):
        (read,) = order_of({"currency": currency, "products": [product]}).products or ()
        expected = (currency or "").strip() or None
        assert read.price == Money(amount=Decimal("9.5"), currency=expected)
        assert read.bundled_products[0].price == Money(amount=Decimal(2), currency=expected)


@pytest.mark.parametrize(
    "spoilt",
    [
        {"products": [{"quantity": "many"}]},
        {"products": [{"title": 5}]},
        {"trackings": [{"events": [{"location": {"latitude": "north"}}]}]},
        {"trackings": [{"events": [{"location": []}]}]},
        {"trackings": [{"events": [{"event_strings": {"list_label": 5}}]}]},
        {"trackings": [{"products": [None]}]},
        {"trackings": [{"uuid": "none"}]},
        {"uuid": "none"},
        {"discounts": [{"code": "x", "amount": True}]},
        {"discounts": [{}]},
    ],
    ids=json.dumps,
)
def test_one_member_of_another_type_refuses_the_whole_answer(spoilt: dict[str, Any]) -> None:
    """Wherever it stands, and however often it is sent: what is read later is no exception."""
    for _ in range(2):
        with pytest.raises(WrongShape):
            SEARCH_ANSWER.then(to_orders).validate_json(json.dumps([{"order_number": "1"}, spoilt]).encode())
