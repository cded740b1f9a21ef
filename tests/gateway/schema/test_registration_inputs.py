"""What is registered and what is asked for of it: every limit at both its ends, and nothing of an input lost."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from strawberry.utils.str_converters import to_camel_case

from gateway.orders.registration.shipment import Shipment
from gateway.schema.errors import ClientError, ErrorCode
from gateway.schema.inputs import OrderBy
from gateway.schema.payment_inputs import TrackerItemInput, UpcInput
from gateway.schema.registration_inputs import (
    NUMBER_LIMIT,
    RULES,
    DismissRegistrationInput,
    RegisterShipmentInput,
    RegistrationFilter,
    RetryRegistrationInput,
    check_dismissal,
    check_retry,
    check_shipment,
    to_shipment,
)
from gateway.schema.route_inputs import DestinationInput, GeoPointInput, RouteInput, RouteOrderInput
from gateway.schema.scalars import URL
from gateway.store import registrations
from gateway.store.registrations import StepState
from gateway.store.tables import TrackingNumberRow
from providers import drafts, models
from providers.registry import provider_specs

BESIDE = {"order", "providers", "shop", "idempotency_key"}
"""The members of the input that say of which order, to whom and where, and are no part of the shipment."""


def shipment(**changes: Any) -> RegisterShipmentInput:
    given = {"order": OrderBy(order_number="1"), "tracking_number": "00340", "carrier": "dhl", **changes}
    return RegisterShipmentInput(**given)


def stop(**changes: Any) -> RegisterShipmentInput:
    destination = DestinationInput(location=GeoPointInput(latitude=52.5, longitude=13.4))
    order = RouteOrderInput(**{"order_handle": "1", "destination": destination, **changes})
    return shipment(route=RouteInput(worker_handle="a", track_mode="flex", orders=[order]))


def dismissal(reason: str) -> DismissRegistrationInput:
    return DismissRegistrationInput(registration_id="x", reason=reason)  # type: ignore[arg-type]  # an ID is a text


def retry(*providers: str) -> RetryRegistrationInput:
    return RetryRegistrationInput(registration_id="x", providers=[*providers])  # type: ignore[arg-type]


ADDRESS = "https://a.example/"

LIMITS: Mapping[str, tuple[Any, Any]] = {
    "input.trackingNumber": (shipment(tracking_number="ä" * 255), shipment(tracking_number="ä" * 256)),
    "input.trackingNumber is not blank": (shipment(tracking_number="1"), shipment(tracking_number="\u2003")),
    "input.trackingNumber is printable": (shipment(tracking_number="1 2"), shipment(tracking_number="1\u200b2")),
    "input.trackingNumber is whole": (shipment(tracking_number="😀"), shipment(tracking_number="\ud800")),
    "input.trackingNumber at PayPal": (
        shipment(tracking_number="1" * 64, providers=["paypal"]),
        shipment(tracking_number="1" * 65, providers=["paypal"]),
    ),
    "input.trackingNumber with a capture": (
        shipment(tracking_number="1" * 64, capture_id="8MC"),
        shipment(tracking_number="1" * 65, capture_id="8MC"),
    ),
    "input.trackingNumber at others": (
        shipment(tracking_number="1" * 65, providers=["karla", "billink", "hypertrack"]),
        shipment(tracking_number="1" * 256, providers=["karla", "billink", "hypertrack"]),
    ),
    "input.carrier": (shipment(carrier="x" * 64), shipment(carrier="x" * 65)),
    "input.carrier is whole": (shipment(carrier="Müller & Söhne"), shipment(carrier="Müller\udfff")),
    "input.trackingUrl": (
        shipment(tracking_url=URL(ADDRESS.ljust(2048, "a"))),
        shipment(tracking_url=URL(ADDRESS.ljust(2049, "a"))),
    ),
    "input.captureId": (shipment(capture_id="a" * 50), shipment(capture_id="a" * 51)),
    "input.items.0.quantity": (
        shipment(items=[TrackerItemInput(quantity="2")]),
        shipment(items=[TrackerItemInput(quantity="0")]),
    ),
    "input.items.0.upc.code": (
        shipment(items=[TrackerItemInput(upc=UpcInput(type="UPC-A", code="123456"))]),
        shipment(items=[TrackerItemInput(upc=UpcInput(type="UPC-A", code="12345"))]),
    ),
    "input.providers": (shipment(providers=["karla"]), shipment(providers=[])),
    "input.route.orders.0.type": (stop(type="drop"), stop(type="fly")),
    "input.route.orders.0.destination": (stop(), stop(destination=None)),
    "input.route.orders": (shipment(route=RouteInput(route_handle="R1")), shipment(route=RouteInput(
        worker_handle="a", track_mode="flex"
    ))),
    "input.idempotencyKey": (shipment(idempotency_key="k" * 255), shipment(idempotency_key="k" * 256)),
    "input.reason": (dismissal("x" * 500), dismissal("x" * 501)),
    "input.reason is not blank": (dismissal("sent by hand"), dismissal(" ")),
}  # fmt: skip
"""By the way into the input: one that is just taken, and one that is just not."""


@pytest.mark.parametrize("limit", LIMITS)
def test_a_limit_is_where_it_is_said_to_be(limit: str) -> None:
    taken, refused = LIMITS[limit]
    check: Any = check_shipment if isinstance(taken, RegisterShipmentInput) else check_dismissal
    assert list(check(taken)) == []
    (error,) = check(refused)
    assert (error.code, ".".join(error.path or [])) == ("BAD_USER_INPUT", limit.partition(" ")[0])
    assert error.message.endswith(".")


def test_every_rule_of_a_shipment_has_both_its_ends_tried() -> None:
    tried = {limit.partition(" ")[0].rpartition(".")[2] for limit in LIMITS}
    ruled = (*RULES[RegisterShipmentInput], *RULES[DismissRegistrationInput])
    assert {to_camel_case(member) for member in ruled} <= tried


def test_everything_wrong_is_told_at_once() -> None:
    given = shipment(tracking_number="", carrier="", providers=["dhl"], route=RouteInput())
    assert [".".join(error.path or []) for error in check_shipment(given)] == [
        "input.trackingNumber",
        "input.carrier",
        "input.providers.0",
        "input.route.orders",
        "input.route.trackMode",
        "input.route.workerHandle",
    ]


@pytest.mark.parametrize(
    "checked", [check_shipment(shipment(providers=["karla", "dhl"])), check_retry(retry("karla", "dhl"))]
)
def test_a_provider_that_nobody_knows_is_told_with_those_there_are(checked: Any) -> None:
    (error,) = checked
    assert (error.code, error.path) == ("UNKNOWN_PROVIDER", ["input", "providers", "1"])
    assert all(name in error.message for name in provider_specs())


def test_a_long_list_of_providers_is_one_error() -> None:
    (error,) = check_shipment(shipment(providers=["nobody"] * 1_000))
    assert (error.code, error.path) == ("BAD_USER_INPUT", ["input", "providers"])


def test_the_input_has_every_member_of_a_shipment() -> None:
    assert {field.name for field in dataclasses.fields(RegisterShipmentInput)} == set(Shipment.model_fields) | BESIDE


def test_a_shipment_has_everything_that_was_given() -> None:
    given = shipment(
        tracking_number=" 00340 ",
        carrier=" dhl",
        tracking_url=URL("https://a.example/1"),
        items=[TrackerItemInput(name="A", quantity="2", upc=UpcInput(type="UPC-A", code="123456"))],
        notify_payer=True,
        capture_id="8MC",
        route=RouteInput(
            worker_handle="a",
            track_mode="flex",
            orders=[
                RouteOrderInput(
                    order_handle="1",
                    scheduled_at=datetime(2026, 1, 1, tzinfo=UTC),
                    destination=DestinationInput(location=GeoPointInput(latitude=1, longitude=2), radius_metres=3),
                )
            ],
        ),
    )
    assert to_shipment(given) == Shipment(
        tracking_number="00340",
        carrier="dhl",
        tracking_url="https://a.example/1",
        items=(models.TrackerItem(name="A", quantity="2", upc=models.Upc(type="UPC-A", code="123456")),),
        notify_payer=True,
        capture_id="8MC",
        route=drafts.RouteDraft(
            worker_handle="a",
            track_mode="flex",
            orders=(
                drafts.RouteOrderDraft(
                    order_handle="1",
                    scheduled_at=datetime(2026, 1, 1, tzinfo=UTC),
                    destination=drafts.DestinationDraft(
                        location=models.GeoPoint(latitude=1, longitude=2), radius_metres=3
                    ),
                ),
            ),
        ),
    )


def test_null_is_as_if_it_had_been_left_out() -> None:
    given = shipment(notify_payer=None, items=None, route=None)
    assert to_shipment(given) == Shipment(tracking_number="00340", carrier="dhl")


def test_no_items_are_not_the_same_as_items_left_out() -> None:
    assert to_shipment(shipment(items=[])).items == ()


def test_the_longest_number_fits_its_index() -> None:
    assert TrackingNumberRow.__table__.c.tracking_number.type.length == NUMBER_LIMIT


class TestFilters:
    def test_a_filter_asks_for_what_was_given(self) -> None:
        noon = datetime(2026, 1, 31, 12, tzinfo=timezone(timedelta(hours=2)))
        given = RegistrationFilter(
            states=[StepState.PENDING, StepState.PENDING],
            providers=["karla"],
            order_number="1042",
            created_from=noon,
            created_to=noon,
            open_only=True,
        )
        assert given.to_search() == registrations.RegistrationFilter(
            states=frozenset({StepState.PENDING}),
            providers=frozenset({"karla"}),
            order_number="1042",
            created_from=noon,
            created_to=noon,
            open_only=True,
        )

    @pytest.mark.parametrize(
        "nothing", [RegistrationFilter(), RegistrationFilter(states=[], providers=[], open_only=None)]
    )
    def test_what_is_empty_does_not_matter(self, nothing: RegistrationFilter) -> None:
        assert nothing.to_search() == registrations.RegistrationFilter()

    @pytest.mark.parametrize(
        ("given", "code"),
        [
            (RegistrationFilter(providers=["dhl"]), ErrorCode.UNKNOWN_PROVIDER),
            (RegistrationFilter(order_number=""), ErrorCode.BAD_USER_INPUT),
        ],
    )
    def test_a_name_that_nothing_can_have_is_refused(self, given: RegistrationFilter, code: ErrorCode) -> None:
        with pytest.raises(ClientError) as refused:
            given.to_search()
        assert refused.value.code is code
