"""What clients pass in to ask: keys, filters and trackers."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from gateway.orders.identity import OrderKey
from gateway.schema.errors import ClientError, ErrorCode
from gateway.schema.ids import GlobalId
from gateway.schema.inputs import KEY_KINDS, OrderBy, OrderFilter, key_of_id, to_key
from gateway.schema.invoice_inputs import (
    MOST_MEDIA,
    TEXT_LIMIT,
    CreateInvoiceTrackerInput,
    MediaInput,
    check_tracker,
    to_draft,
)
from providers.models import Media, OrderSearch, Reference

ORDER_ID = str(GlobalId("Order", "acme", ("number", "4711")))


class TestOrderBy:
    """Exactly one field, as a key and a shop."""

    def test_every_field_has_a_kind(self) -> None:
        fields = {field.name for field in dataclasses.fields(OrderBy)}
        assert fields == {*KEY_KINDS, "id"}

    @pytest.mark.parametrize("field", [field for field in KEY_KINDS if field != "uuid"])
    def test_a_field_is_a_key_of_its_kind(self, field: str) -> None:
        by: dict[str, Any] = {field: "X1"}
        assert to_key(OrderBy(**by), "acme") == (OrderKey(KEY_KINDS[field], "X1"), "acme")

    def test_a_uuid_is_a_key_in_its_usual_form(self) -> None:
        uuid = UUID("B4FADDA9-61F4-4041-94D2-7A01EE0082B4")
        assert to_key(OrderBy(uuid=uuid), None) == (OrderKey("uuid", "b4fadda9-61f4-4041-94d2-7a01ee0082b4"), None)

    @pytest.mark.parametrize("shop", [None, "acme"])
    def test_an_id_names_its_shop(self, shop: str | None) -> None:
        assert to_key(OrderBy(id=ORDER_ID), shop) == (OrderKey("order_number", "4711"), "acme")  # type: ignore[arg-type]

    def test_the_id_of_another_shops_order_is_a_bad_id(self) -> None:
        assert refusal(lambda: to_key(OrderBy(id=ORDER_ID), "other")) is ErrorCode.BAD_ID  # type: ignore[arg-type]

    @pytest.mark.parametrize(
        "other",
        [
            GlobalId("Route", "acme", ("R1",)),
            GlobalId("Order", "acme", ("no such kind", "4711")),
            GlobalId("Order", "acme", ("order_number", "4711")),  # one order has one id, and this is not it
        ],
        ids=["another type", "another kind", "another spelling"],
    )
    def test_what_is_no_id_of_an_order_is_a_bad_id(self, other: GlobalId) -> None:
        assert refusal(lambda: key_of_id(str(other), None)) is ErrorCode.BAD_ID

    @pytest.mark.parametrize("value", ["", " ", "4711\n", "x" * 600])
    def test_a_value_that_names_nothing_is_refused(self, value: str) -> None:
        assert refusal(lambda: to_key(OrderBy(order_number=value), None)) is ErrorCode.BAD_USER_INPUT

    @pytest.mark.parametrize("by", [OrderBy(), OrderBy(order_number=None)])
    def test_no_value_at_all_is_refused(self, by: OrderBy) -> None:
        assert refusal(lambda: to_key(by, None)) is ErrorCode.BAD_USER_INPUT


def refusal(ask: object) -> ErrorCode:
    with pytest.raises(ClientError) as refused:
        ask()  # type: ignore[operator]
    return refused.value.code


class TestOrderFilter:
    """All of the search's filters, each where it was given."""

    def test_every_filter_arrives(self) -> None:
        moment = datetime(2025, 2, 3, tzinfo=UTC)
        filters = {
            "email_id": "jane@example.com",
            "external_id": "X1",
            "order_name": "IXF",
            "order_number": "4711",
            "uuid": UUID(int=1),
            "zip_code": "10119",
            "placed_from": moment,
            "placed_to": moment,
            "shipment_updated_since": moment,
        }
        assert set(filters) == set(OrderSearch.model_fields)
        assert OrderFilter(**filters).to_search() == OrderSearch(**filters)  # type: ignore[arg-type]

    def test_an_empty_filter_is_no_filter(self) -> None:
        assert OrderFilter().to_search() == OrderSearch()


class TestInvoiceTracker:
    """What is refused before anything is sent, and what is sent."""

    def tracker(self, **changes: object) -> CreateInvoiceTrackerInput:
        given = {"invoice_number": "1001", "carrier_code": "POSTNL", "track_and_trace": "3SABCD", **changes}
        return CreateInvoiceTrackerInput(**given)  # type: ignore[arg-type]

    def test_nothing_is_wrong_with_an_ordinary_one(self) -> None:
        medium = MediaInput(content="aGVsbG8=", type="image/png")
        assert list(check_tracker(self.tracker(media=[medium]))) == []

    @pytest.mark.parametrize(
        ("member", "name"),
        [("invoice_number", "invoiceNumber"), ("carrier_code", "carrierCode"), ("track_and_trace", "trackAndTrace")],
    )
    @pytest.mark.parametrize("text", ["", "  ", "a\nb", "x" * (TEXT_LIMIT + 1)])
    def test_each_text_is_checked_and_the_error_leads_to_it(self, member: str, name: str, text: str) -> None:
        (error,) = check_tracker(self.tracker(**{member: text}))
        assert (error.code, error.path) == ("BAD_USER_INPUT", ["input", name])

    def test_everything_wrong_is_told_at_once(self) -> None:
        found = check_tracker(
            self.tracker(invoice_number="", carrier_code="", media=[MediaInput(content="no base64!")])
        )
        assert [error.path for error in found] == [
            ["input", "invoiceNumber"],
            ["input", "carrierCode"],
            ["input", "media", "0", "content"],
        ]

    def test_too_many_media_are_refused(self) -> None:
        media = [MediaInput(content="aGVsbG8=")] * (MOST_MEDIA + 1)
        assert [error.path for error in check_tracker(self.tracker(media=media))] == [["input", "media"]]

    @pytest.mark.parametrize("content", ["", "aGVsbG8", "aGVs bG8=", "ä"])
    def test_what_is_no_base64_is_refused(self, content: str) -> None:
        assert len(list(check_tracker(self.tracker(media=[MediaInput(content=content)])))) == 1

    def test_the_draft_has_every_member_without_blanks_around_it(self) -> None:
        medium = MediaInput(content="aGVsbG8=", type="image/png")
        draft = to_draft(self.tracker(invoice_number=" 1001 ", media=[medium]), "billink")
        assert draft.reference == Reference(provider="billink", kind="invoice_number", value="1001")
        assert (draft.carrier_code, draft.tracking_number) == ("POSTNL", "3SABCD")
        assert draft.media == (Media(type="image/png", content="aGVsbG8="),)
