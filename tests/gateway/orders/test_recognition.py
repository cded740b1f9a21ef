"""Whether what is there is what was asked for. Where in doubt it is not: another's work must not pass for ours."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.orders.recognition import is_placed, is_tracked
from providers.drafts import DestinationDraft, OrderDraft, RouteDraft, RouteOrderDraft
from providers.models import Address, Destination, GeoPoint, Route, RouteTracking, TrackingStatus
from tests.gateway.orders.builders import placed, stop

STREET = "748 Story Rd, San Jose, CA 95112"
HERE = GeoPoint(latitude=34.832173, longitude=17.803927)


@pytest.mark.parametrize(
    ("names", "is_it"),
    [
        ({"order_number": "4712", "external_id": "X1"}, True),
        ({"order_number": "4712", "external_id": "X2"}, False),
        ({"order_number": "4713", "external_id": "X1"}, False),
        ({"order_number": "4712"}, False),
    ],
)
def test_an_order_is_the_one_that_was_placed_by_both_its_names(names: dict[str, str], is_it: bool) -> None:
    draft = OrderDraft(order_number="4712", external_id="X1", address=Address())
    assert is_placed(placed(None, **names), draft) is is_it


def wanted(handle: str = "4711", **members: Any) -> RouteOrderDraft:
    destination = DestinationDraft(address=STREET, location=HERE, radius_metres=50)
    return RouteOrderDraft.model_validate({"order_handle": handle, "destination": destination, **members})


def there(handle: str = "4711", **members: Any) -> RouteTracking:
    destination = Destination(address=STREET, location=HERE, radius_metres=100)
    return stop(handle=handle).model_copy(update={"destination": destination, "worker_handle": "james", **members})


def route(*stops: RouteTracking, **members: Any) -> Route:
    return Route.model_validate({"route_handle": "R1", "status": "tracking", "stops": stops, **members})


DRAFT = RouteDraft(worker_handle="james", track_mode="on_time", orders=(wanted("1"), wanted("2")))


class TestRoutesOfNewOrders:
    def test_all_orders_on_one_route_that_is_under_way_are_it(self) -> None:
        assert is_tracked(route(there("2"), there("1")), DRAFT)

    def test_further_stops_do_not_matter(self) -> None:
        assert is_tracked(route(there("0"), there("1"), there("2")), DRAFT)

    def test_what_is_delivered_meanwhile_is_still_on_it(self) -> None:
        assert is_tracked(route(there("1", status=TrackingStatus.DELIVERED), there("2")), DRAFT)

    @pytest.mark.parametrize(
        "found",
        [
            pytest.param(route(there("1")), id="an order is missing"),
            pytest.param(route(there("1"), there("2", status=TrackingStatus.CANCELLED)), id="an order is called off"),
            pytest.param(route(there("1"), there("2"), status="planned"), id="not started"),
            pytest.param(route(there("1"), there("2"), status="completed"), id="over"),
            pytest.param(route(there("1"), there("2"), status=None), id="nobody says"),
            pytest.param(route(there("1"), there("2", worker_handle="anna")), id="another worker"),
            pytest.param(route(there("1"), there("2", destination=None)), id="no destination"),
        ],
    )
    def test_anything_else_is_another_route(self, found: Route) -> None:
        assert not is_tracked(found, DRAFT)

    @pytest.mark.parametrize(
        ("destination", "is_it"),
        [
            (Destination(address=STREET, location=HERE), True),
            (Destination(address=STREET, location=GeoPoint(latitude=34.832174, longitude=17.803926)), True),
            (Destination(address=STREET, location=GeoPoint(latitude=34.8322, longitude=17.803927)), False),
            (Destination(address=STREET, location=GeoPoint(latitude=34.832173, longitude=17.8041)), False),
            (Destination(address="749 Story Rd", location=HERE), False),
            (Destination(location=HERE), False),
            (Destination(address=STREET), False),
        ],
    )
    def test_a_stop_is_at_the_address_and_the_point(self, destination: Destination, is_it: bool) -> None:
        draft = RouteDraft(worker_handle="james", orders=(wanted(),))
        assert is_tracked(route(there(destination=destination)), draft) is is_it

    def test_what_a_draft_leaves_open_may_be_anything(self) -> None:
        draft = RouteDraft(orders=(RouteOrderDraft(order_handle="4711", destination=DestinationDraft()),))
        assert is_tracked(route(there(destination=None, worker_handle=None)), draft)

    @pytest.mark.parametrize(
        ("draft", "found", "is_it"),
        [
            (RouteDraft(device_id="D1"), route(there(device_id="D1")), True),
            (RouteDraft(device_id="D1"), route(there(), device_id="D1"), True),
            (RouteDraft(device_id="D1"), route(there(device_id="D2"), device_id="D1"), False),
            (RouteDraft(device_id="D1"), route(there()), False),
            (RouteDraft(worker_handle="anna"), route(there(worker_handle=None), worker_handle="anna"), True),
            (RouteDraft(worker_handle="james", device_id="D1"), route(there(device_id="D2")), False),
        ],
    )
    def test_a_driver_is_named_by_the_stop_or_else_by_its_route(
        self, draft: RouteDraft, found: Route, is_it: bool
    ) -> None:
        assert is_tracked(found, draft.model_copy(update={"orders": (wanted(),)})) is is_it

    def test_what_is_fetched_and_brought_under_one_handle_are_two_orders(self) -> None:
        both = RouteDraft(orders=(wanted(type="pick"), wanted(type="drop")))
        assert is_tracked(route(there(type="pick"), there(type="drop")), both)
        assert not is_tracked(route(there(type="drop")), both)


@pytest.mark.parametrize(
    ("status", "is_it"),
    [
        ("tracking", True),
        ("summarizing", True),
        ("completed", True),
        ("planned", False),
        ("assigned", False),
        ("unheard of", False),
        (None, False),
    ],
)
def test_a_planned_route_is_the_one_of_its_handle_once_it_is_started(status: str | None, is_it: bool) -> None:
    assert is_tracked(route(status=status), RouteDraft(route_handle="R1")) is is_it
    assert not is_tracked(route(status=status), RouteDraft(route_handle="R2"))
