"""A provider's refusal leads to the member of the input that it is about, whatever the draft calls it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any, get_args

import pytest
from graphql import GraphQLInputObjectType, GraphQLList, GraphQLNonNull
from pydantic import BaseModel
from strawberry.utils.str_converters import to_camel_case

from gateway.orders.shops import Shop
from gateway.schema.errors import ErrorCode
from gateway.schema.mutations.attempt import MutationSpec
from gateway.schema.mutations.invoices import REGISTRATION as INVOICE
from gateway.schema.mutations.links import LINKING, REFRESH, UNLINKING
from gateway.schema.mutations.orders import FULFILMENT, ORDER_CHANGE, PLACING, SHIPMENT_CHANGE, UPSERT
from gateway.schema.mutations.payments import CANCELLATION, CHANGE, CREATION
from gateway.schema.mutations.routes import ROUTE
from gateway.schema.published import schema
from gateway.schema.refusals import Terms, not_found, refusals
from gateway.schema.types.provider import provider_of
from providers import drafts, models
from providers.errors import OrderNotFound, RequestRejected, Violation
from tests.gateway.orders.providers import HYPERTRACK, KARLA, PAYPAL, OrderBook, RouteBook, TrackingBook

SHOP = Shop(
    "acme",
    None,
    {"karla": OrderBook(KARLA), "hypertrack": RouteBook(HYPERTRACK), "paypal": TrackingBook(PAYPAL)},
    {},
)

DRAFTS: Mapping[str, tuple[Terms, type[BaseModel]]] = {
    "placeOrder": (PLACING.terms, drafts.OrderDraft),
    "upsertOrder": (UPSERT.terms, drafts.OrderUpsert),
    "updateOrder": (ORDER_CHANGE.terms, drafts.OrderChange),
    "updateShipment": (SHIPMENT_CHANGE.terms, drafts.ShipmentChange),
    "fulfillOrders": (FULFILMENT.terms, drafts.OrderUpsert),
    "createOrderTracker": (CREATION.terms, drafts.OrderTrackerDraft),
    "trackRoute": (ROUTE.terms, drafts.RouteDraft),
    "createInvoiceTracker": (INVOICE.terms, models.TrackerDraft),
}


MUTATIONS = (
    *(PLACING, UPSERT, FULFILMENT, ORDER_CHANGE, SHIPMENT_CHANGE),
    *(CREATION, CHANGE, CANCELLATION, INVOICE, ROUTE),
    *(LINKING, UNLINKING, REFRESH),
)


def fields(model: type[BaseModel], seen: tuple[type, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The way to every member of a draft, with 0 for the place in a list."""
    for name, info in model.model_fields.items():
        yield (name,)
        is_list = "tuple" in str(info.annotation)
        for inner in models_in(info.annotation):
            if inner not in seen:
                below = (name, "0") if is_list else (name,)
                yield from ((*below, *rest) for rest in fields(inner, (*seen, model)))


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from models_in(part)


def exists(mutation: str, path: list[str]) -> bool:
    """Whether `path` leads to something in the arguments of `mutation`."""
    kind: Any = schema._schema.mutation_type.fields[mutation].args["input"].type  # type: ignore[union-attr]
    for step in path[1:]:
        kind = kind.of_type if isinstance(kind, GraphQLNonNull) else kind
        if isinstance(kind, GraphQLList):
            assert step.isdigit()
            kind = kind.of_type
        elif isinstance(kind, GraphQLInputObjectType) and step in kind.fields:
            kind = kind.fields[step].type
        else:
            return False
    return path[0] == "input"


@pytest.mark.parametrize("mutation", DRAFTS)
def test_every_member_of_a_draft_leads_into_the_input(mutation: str) -> None:
    terms, model = DRAFTS[mutation]
    below = ("0",) if terms.below else ()
    paths = {field: terms.path((*below, *field)) for field in fields(model)}
    assert [field for field, path in paths.items() if path == ["input"] or not exists(mutation, path)] == []


@pytest.mark.parametrize(
    ("terms", "field", "path"),
    [
        (PLACING.terms, ("address", "zip_code"), ["input", "address", "zipCode"]),
        (PLACING.terms, ("address", "address_line1"), ["input", "address", "addressLine1"]),
        (UPSERT.terms, ("trackings", "0", "carrier_reference"), ["input", "trackings", "0", "carrierReference"]),
        (FULFILMENT.terms, ("1", "order", "email_id"), ["input", "orders", "1", "order", "emailId"]),
        (ORDER_CHANGE.terms, ("uuid",), ["input", "order"]),
        (SHIPMENT_CHANGE.terms, ("shipment_id",), ["input", "trackingId"]),
        (CHANGE.terms, ("items", "0", "sku"), ["input", "items", "0", "sku"]),
        (CANCELLATION.terms, ("tracker_id",), ["input", "trackingId"]),
        (CREATION.terms, ("request_id",), ["input"]),
        (
            ROUTE.terms,
            ("orders", "0", "destination", "radius_metres"),
            ["input", "orders", "0", "destination", "radiusMetres"],
        ),
        (INVOICE.terms, ("reference",), ["input", "invoiceNumber"]),
        (INVOICE.terms, ("media", "0", "content"), ["input", "media", "0", "content"]),
        (PLACING.terms, (), ["input"]),
    ],
)
def test_the_path_of_a_field(terms: Terms, field: tuple[str, ...], path: list[str]) -> None:
    assert terms.path(field) == path


def test_each_violation_is_a_user_error_with_the_providers_code() -> None:
    rejected = RequestRejected(
        "karla",
        "place_order",
        provider_code="validation",
        violations=(Violation(("address", "zip_code"), "zip_code_invalid"), Violation(("email_id",))),
    )
    first, second = refusals(rejected, SHOP, PLACING.terms)
    assert (first.code, first.path, first.provider_code) == (
        "PROVIDER_REJECTED",
        ["input", "address", "zipCode"],
        "zip_code_invalid",
    )
    assert (second.path, second.provider_code) == (["input", "emailId"], "validation")
    assert first.provider == provider_of(SHOP, "karla")


@pytest.mark.parametrize(
    ("provider", "code", "expected"),
    [
        ("karla", "order_exists", "ALREADY_EXISTS"),
        ("hypertrack", "duplicate_resource", "ALREADY_EXISTS"),
        ("paypal", "order_exists", "PROVIDER_REJECTED"),
        ("karla", None, "PROVIDER_REJECTED"),
    ],
)
def test_what_is_there_already_has_a_code_of_its_own(provider: str, code: str | None, expected: str) -> None:
    (error,) = refusals(RequestRejected(provider, "write", provider_code=code), SHOP, PLACING.terms)
    assert (error.code, error.path, error.provider_code) == (expected, ["input"], code)


@pytest.mark.parametrize(
    ("terms", "code", "path"),
    [
        (UPSERT.terms, "ORDER_NOT_FOUND", ["input", "reference"]),
        (ORDER_CHANGE.terms, "ORDER_NOT_FOUND", ["input", "order"]),
        (SHIPMENT_CHANGE.terms, "TRACKING_NOT_FOUND", ["input", "trackingId"]),
        (CREATION.terms, "ORDER_NOT_FOUND", ["input", "paypalOrderId"]),
        (CANCELLATION.terms, "TRACKING_NOT_FOUND", ["input", "trackingId"]),
    ],
)
def test_what_is_not_there_is_told_where_it_was_named(terms: Terms, code: str, path: list[str]) -> None:
    error = not_found(OrderNotFound("karla", "write"), SHOP, terms)
    assert (error.code, error.path) == (code, path)
    known = {each.value: each.meaning for each in ErrorCode} | {OrderNotFound.code: OrderNotFound.message}
    assert error.message == known[code]


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.terms.input.__name__)
def test_terms_name_only_members_that_there_are(mutation: MutationSpec[Any, Any]) -> None:
    terms = mutation.terms
    members = {to_camel_case(field.name) for field in dataclasses.fields(terms.input)}
    named = {terms.named_by, terms.below, *terms.renamed.values()} - {None}
    assert named <= members
