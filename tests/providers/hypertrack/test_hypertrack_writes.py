"""Claims about sending drivers on routes that the contract does not make: what is sent, and what each refusal means."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta, timezone

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from providers.base import ProviderContext
from providers.drafts import DestinationDraft, RouteDraft, RouteOrderDraft
from providers.errors import (
    InvalidProviderResponse,
    OutcomeUnknown,
    ProviderAuthFailed,
    RequestRejected,
    Violation,
    as_write_failure,
)
from providers.hypertrack import wire
from providers.hypertrack.adapter import HyperTrackAdapter
from providers.hypertrack.drafts import from_draft
from providers.hypertrack.mapping import to_destination
from providers.hypertrack.refusals import to_violations
from providers.hypertrack.settings import HyperTrackSettings
from providers.models import GeoPoint
from providers.testing import Answer, ApiDouble, Exchange, MemoryLedger, SentRequest, load_sample
from providers.testing.cases import NOW
from tests.providers.hypertrack.contract_case import DRAFT, SAMPLES

SETTINGS = HyperTrackSettings.model_validate({"account_id": "acme", "secret_key": "s3cret"})
ERRORS = load_sample(SAMPLES / "errors.json")


@asynccontextmanager
async def adapter_answered_with(status: int, body: JsonValue) -> AsyncIterator[HyperTrackAdapter]:
    api = ApiDouble([Exchange(SentRequest("POST", "/orders/track"), Answer(status, json.dumps(body).encode()))])
    async with httpx.AsyncClient(transport=api.transport, base_url=SETTINGS.base_url) as client:
        yield HyperTrackAdapter(SETTINGS, ProviderContext(client, lambda: NOW, MemoryLedger()))


async def refusal(status: int, body: JsonValue) -> RequestRejected:
    async with adapter_answered_with(status, body) as adapter:
        with pytest.raises(RequestRejected) as refused:
            await adapter.track_route(DRAFT)
    assert refused.value.operation == "track_route"
    return refused.value


def fields(detail: JsonValue, orders: int = 2) -> list[tuple[str, ...]]:
    violations = to_violations(wire.Refusal(detail={"json": detail}), orders)
    assert {violation.provider_code for violation in violations} <= {None}
    return [violation.field for violation in violations]


class TestRequest:
    def test_the_documented_example_is_sent_member_for_member(self) -> None:
        assert from_draft(DRAFT) == load_sample(SAMPLES / "track_orders_request.json")

    def test_a_planned_route_needs_its_handle_alone(self) -> None:
        assert from_draft(RouteDraft(route_handle="r-1")) == {"route_handle": "r-1"}

    def test_what_is_not_stated_is_left_out(self) -> None:
        order = RouteOrderDraft(order_handle="o-1", destination=DestinationDraft(address="Depot"))
        assert from_draft(RouteDraft(device_id="D", track_mode="full_shift", orders=(order,))) == {
            "device_id": "D",
            "track_mode": "full_shift",
            "orders": [{"order_handle": "o-1", "destination": {"address": "Depot"}}],
        }

    @pytest.mark.parametrize(
        ("scheduled_at", "text"),
        [
            (datetime(2023, 11, 2, 2, tzinfo=UTC), "2023-11-02T02:00:00Z"),
            (datetime(2023, 11, 2, 4, 30, tzinfo=timezone(timedelta(hours=2))), "2023-11-02T02:30:00Z"),
            (datetime(2023, 11, 2, 2, 0, 0, 500_000, tzinfo=UTC), "2023-11-02T02:00:00.500000Z"),
        ],
    )
    def test_times_are_sent_in_utc(self, scheduled_at: datetime, text: str) -> None:
        order = RouteOrderDraft(order_handle="o-1", scheduled_at=scheduled_at, destination=DestinationDraft())
        assert from_draft(RouteDraft(orders=(order,)))["orders"] == [
            {"order_handle": "o-1", "scheduled_at": text, "destination": {}}
        ]

    @given(
        st.builds(GeoPoint, latitude=st.floats(-90, 90), longitude=st.floats(-180, 180)),
        st.integers(1, 10_000),
    )
    def test_a_destination_comes_back_as_it_was_sent(self, point: GeoPoint, radius: int) -> None:
        """Sent and read again, no point has its coordinates swapped, and metres are metres."""
        sent = DestinationDraft(address="748 Story Rd", location=point, radius_metres=radius)
        order = RouteOrderDraft(order_handle="o-1", destination=sent)
        (body,) = json.loads(json.dumps(from_draft(RouteDraft(orders=(order,)))["orders"]))
        assert body["destination"]["geometry"]["coordinates"] == [point.longitude, point.latitude]
        read = to_destination(wire.ORDER.validate_python({**body, "status": "planned"}))
        assert read is not None
        assert (read.address, read.location, read.radius_metres) == (sent.address, point, radius)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, load_sample(SAMPLES / "track_orders_response.json")),
        (202, {}),
        (201, {"status": "tracking"}),
        (201, []),
    ],
)
async def test_only_a_201_with_a_route_is_success(status: int, body: JsonValue) -> None:
    """Any other answer leaves open whether a driver was sent, so that nobody sends one again unseen."""
    async with adapter_answered_with(status, body) as adapter:
        with pytest.raises(InvalidProviderResponse) as failed:
            await adapter.track_route(DRAFT)
    assert isinstance(as_write_failure(failed.value), OutcomeUnknown)


class TestRefusals:
    @pytest.mark.parametrize(
        ("status", "code", "violations"),
        [
            ("400", "driver_not_linked_to_device", (Violation(("worker_handle",), "driver_not_linked_to_device"),)),
            ("404", "driver_not_found", (Violation(("worker_handle",), "driver_not_found"),)),
            ("409", "duplicate_resource", ()),
            ("422", None, (Violation(()),)),  # its members are placeholders: `<location>`, `<field_name>`
        ],
    )
    async def test_every_published_refusal_is_read(
        self, status: str, code: str | None, violations: tuple[Violation, ...]
    ) -> None:
        assert isinstance(ERRORS, dict)
        refused = await refusal(int(status), ERRORS[status])
        assert (refused.provider_code, refused.violations) == (code, violations)

    async def test_the_published_401_is_about_our_credentials(self) -> None:
        assert isinstance(ERRORS, dict)
        async with adapter_answered_with(401, ERRORS["401"]) as adapter:
            with pytest.raises(ProviderAuthFailed):
                await adapter.track_route(DRAFT)

    @pytest.mark.parametrize(
        ("status", "code", "field"),
        [
            (400, "driver_not_linked_to_device", ("worker_handle",)),
            (400, "validation_error", None),
            (400, "ops_group_not_defined", ("ops_group_handle",)),
            (400, "destination_place_not_found", ("orders",)),
            (404, "driver_not_found", ("worker_handle",)),
            (404, "driver_deleted", ("worker_handle",)),
            (404, "device_not_found", ("device_id",)),
            (404, "route_not_found", ("route_handle",)),
            (404, "geofence_not_found", ("orders",)),
            (409, "duplicate_resource", None),
            (400, "a_code_of_tomorrow", None),
        ],
    )
    @pytest.mark.parametrize("detail", [{"description": "x"}, "x", None])
    async def test_every_documented_code_names_its_member(
        self, status: int, code: str, field: tuple[str, ...] | None, detail: JsonValue
    ) -> None:
        """`detail` is documented as an object, as a text and as null."""
        refused = await refusal(status, {"code": code, "title": "x", "detail": detail})
        assert refused.provider_code == code
        assert refused.violations == (() if field is None else (Violation(field, code),))

    async def test_a_404_without_a_code_is_no_missing_order(self) -> None:
        """What is not there is something that the draft names; nobody asked for an order."""
        refused = await refusal(404, {"detail": {}, "message": "Not Found"})
        assert (refused.provider_code, refused.violations) == (None, ())

    @pytest.mark.parametrize("body", [[], "no", {"detail": "no"}, {"detail": []}, {"detail": {}}, {"code": 7}])
    async def test_a_refusal_that_cannot_be_read_is_still_a_refusal(self, body: JsonValue) -> None:
        refused = await refusal(422, body)
        assert (refused.provider_code, refused.violations) == (None, ())

    async def test_a_422_names_the_members_of_the_draft(self) -> None:
        tree: JsonValue = {
            "track_mode": ["Must be one of: pre_shift, on_shift, full_shift."],
            "orders": {"1": {"destination": {"radius": ["Not a valid integer."]}, "type": ["Must be one of: pick."]}},
        }
        refused = await refusal(422, {"detail": {"json": tree}, "message": "Validation error"})
        assert [violation.field for violation in refused.violations] == [
            ("track_mode",),
            ("orders", "1", "destination", "radius_metres"),
            ("orders", "1", "type"),
        ]


class TestFields:
    @pytest.mark.parametrize(
        ("tree", "field"),
        [
            ({"worker_handle": ["x"]}, ("worker_handle",)),
            ({"driver_handle": ["x"]}, ("worker_handle",)),
            ({"device_id": ["x"]}, ("device_id",)),
            ({"route_handle": ["x"]}, ("route_handle",)),
            ({"track_mode": ["x"]}, ("track_mode",)),
            ({"ops_group_handle": ["x"]}, ("ops_group_handle",)),
            ({"orders": ["x"]}, ("orders",)),
            ({"orders": "x"}, ("orders",)),
            ({"orders": {"0": ["x"]}}, ("orders", "0")),
            ({"orders": {"0": {"order_handle": ["x"]}}}, ("orders", "0", "order_handle")),
            ({"orders": {"1": {"type": ["x"]}}}, ("orders", "1", "type")),
            ({"orders": {"1": {"scheduled_at": ["x"]}}}, ("orders", "1", "scheduled_at")),
            ({"orders": {"1": {"destination": ["x"]}}}, ("orders", "1", "destination")),
            ({"orders": [{}, {"destination": {"address": ["x"]}}]}, ("orders", "1", "destination", "address")),
            ({"orders": [None, {"destination": ["x"]}]}, ("orders", "1", "destination")),
            ({"orders": {"0": {"destination": {"radius": ["x"]}}}}, ("orders", "0", "destination", "radius_metres")),
            ({"orders": {"0": {"destination": {"geometry": ["x"]}}}}, ("orders", "0", "destination", "location")),
            (
                {"orders": {"0": {"destination": {"geometry": {"type": ["x"]}}}}},
                ("orders", "0", "destination", "location"),
            ),
            (
                {"orders": {"0": {"destination": {"geometry": {"coordinates": ["x"]}}}}},
                ("orders", "0", "destination", "location"),
            ),
            (
                {"orders": {"0": {"destination": {"geometry": {"coordinates": {"0": ["x"]}}}}}},
                ("orders", "0", "destination", "location", "longitude"),
            ),
            (
                {"orders": {"0": {"destination": {"geometry": {"coordinates": [None, ["x"]]}}}}},
                ("orders", "0", "destination", "location", "latitude"),
            ),
            # A member that we do not send belongs to the nearest one around it that came from the draft.
            ({"orders": {"0": {"capacity_used": ["x"]}}}, ("orders", "0")),
            ({"orders": {"0": {"destination": {"place_handle": ["x"]}}}}, ("orders", "0", "destination")),
            ({"agent_mode": ["x"]}, ()),
            # Places where the draft has no order, and texts that are no place.
            ({"orders": {"2": {"type": ["x"]}}}, ("orders",)),
            ({"orders": {"00": {"type": ["x"]}}}, ("orders",)),
            ({"orders": {"\u0660": {"type": ["x"]}}}, ("orders",)),
            ({"orders": {"*": {"type": ["x"]}}}, ("orders",)),
            ({"orders": {"9" * 5_000: ["x"]}}, ("orders",)),
        ],
    )
    def test_a_message_leads_to_its_member(self, tree: JsonValue, field: tuple[str, ...]) -> None:
        assert fields(tree) == [field]

    def test_a_member_is_named_once(self) -> None:
        tree: JsonValue = {"orders": {"0": {"destination": {"geometry": {"type": ["x"], "coordinates": ["x", "y"]}}}}}
        assert fields(tree) == [("orders", "0", "destination", "location")]

    @given(st.recursive(st.none() | st.text(), lambda tree: st.lists(tree) | st.dictionaries(st.text(), tree)))
    def test_any_tree_leads_into_the_draft_or_nowhere(self, tree: JsonValue) -> None:
        violations = to_violations(wire.Refusal(detail=tree), 2)
        assert len({violation.field for violation in violations}) == len(violations)
        assert all(violation.field in [(), ("orders",)] for violation in violations)
