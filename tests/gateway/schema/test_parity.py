"""The published types and the domain agree, field by field: what is added to one fails here until a person decides.

Values publish a domain object as it is, so their fields must have the domain's names and types. Entities wrap what was
loaded; each of the domain's fields must be published by them, or be named below with the reason.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Union, get_args, get_origin
from uuid import UUID

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLObjectType,
)
from pydantic import AwareDatetime, BaseModel
from strawberry.utils.str_converters import to_camel_case

from gateway.schema.published import schema
from gateway.schema.types.tracking import TYPES as TRACKING_TYPES
from gateway.schema.types.values import PUBLISHED
from providers import models

NOT_EXPOSED: Mapping[str, frozenset[str]] = {
    # `kind` tells the domain's models apart in JSON; clients have `__typename`.
    "CarrierTracking": frozenset({"kind"}),
    "OrderTracker": frozenset({"kind"}),
    "InvoiceTracker": frozenset({"kind", "store_id"}),  # our own number stands in `id`
    "RouteTracking": frozenset({"kind"}),
    "GenericTracking": frozenset({"kind", "local_id"}),  # stands in `id`
    "EstimatedArrival": frozenset({"live"}),  # decides which estimate is the best; clients see that one
}
"""The domain's fields that clients do not see, by type, each with its reason."""

COMPUTED: Mapping[str, frozenset[str]] = {
    "Order": frozenset(
        {
            "id",
            "shop",
            "references",
            "status",
            "deliveryStatus",
            "events",
            "eventCount",
            "latestEvent",
            "estimatedArrival",
            "estimatedArrivals",
            "sources",
            "masked",
        }
    ),
    "Tracking": frozenset({"id", "order", "eventCount", "latestEvent", "source"}),
    "RouteTracking": frozenset({"route"}),
    "TrackingEvent": frozenset({"id", "provider", "tracking"}),
    "Route": frozenset({"id"}),
}
"""Published fields that no member of the domain model stands for: made from several, or from what was loaded."""

RENAMED: Mapping[tuple[str, str], str] = {
    ("EstimatedArrival", "start"): "from",  # a word of Python's own
    ("EstimatedArrival", "end"): "to",
}
"""The published name of a domain field, where it is not the same in camel case."""

VALUES = {cls.__name__: model for cls, model in PUBLISHED.items()}
ENTITIES: Mapping[str, type[models.Domain]] = {
    "Order": models.Order,
    "TrackingEvent": models.TrackingEvent,
    "EstimatedArrival": models.EstimatedArrival,
    "Route": models.Route,
    **{published.__name__: model for model, published in TRACKING_TYPES.items()},
}
MODELS = {**VALUES, **ENTITIES}
SCALARS: Mapping[object, frozenset[str]] = {
    str: frozenset({"String", "URL"}),  # whether a text is a web address, the mapping has decided
    int: frozenset({"Int"}),
    float: frozenset({"Float"}),
    bool: frozenset({"Boolean"}),
    AwareDatetime: frozenset({"DateTime"}),
    Decimal: frozenset({"Decimal"}),
    UUID: frozenset({"UUID"}),
}
BY_FIELD: Mapping[tuple[str, str], str] = {
    ("provider", "str"): "Provider!",
    ("path", "GeoPathPoint"): "GeoLineString",
    ("analytics", "Mapping"): "JSON",
    ("attributes", "Mapping"): "JSON",
    ("events", "TrackingEvent"): "[TrackingEvent!]!",
    # With arguments, and null where none that was asked answered.
    ("trackings", "Tracking"): "[Tracking!]",
}
"""The published type of a domain field that is published as something else: (field, its domain type)."""


def object_type(name: str) -> GraphQLObjectType:
    kind = schema._schema.type_map[name]
    assert isinstance(kind, GraphQLObjectType)
    return kind


def published_name(owner: str, field: str) -> str:
    return RENAMED.get((owner, field)) or str(to_camel_case(field))


def computed(name: str) -> frozenset[str]:
    shared = COMPUTED["Tracking"] if issubclass(MODELS[name], models.TrackingBase) else frozenset[str]()
    return COMPUTED.get(name, frozenset()) | shared


@pytest.mark.parametrize("name", MODELS)
def test_field_names_agree(name: str) -> None:
    exposed = set(MODELS[name].model_fields) - NOT_EXPOSED.get(name, frozenset())
    names = {published_name(name, field) for field in exposed} | computed(name)
    assert set(object_type(name).fields) == names


@pytest.mark.parametrize("name", MODELS)
def test_field_types_and_nullability_agree(name: str) -> None:
    wrong = {}
    for field, info in MODELS[name].model_fields.items():
        if field in NOT_EXPOSED.get(name, frozenset()) or published_name(name, field) in computed(name):
            continue
        published = object_type(name).fields[published_name(name, field)]
        if str(published.type) not in expected_types(field, info.annotation):
            wrong[field] = (str(published.type), expected_types(field, info.annotation))
    assert wrong == {}


def expected_types(field: str, annotation: Any) -> frozenset[str]:
    """The GraphQL types that a domain field may be published as."""
    kind, is_optional = without_none(annotation)
    item = item_of(kind)
    special = BY_FIELD.get((field, type_name(item or kind)))
    if special:
        return frozenset({special})
    required = "" if is_optional else "!"
    if item is not None:
        return frozenset(f"[{name}!]{required}" for name in names_of(item))
    return frozenset(f"{name}{required}" for name in names_of(kind))


def without_none(annotation: Any) -> tuple[Any, bool]:
    if get_origin(annotation) in (Union, types.UnionType):
        members = [member for member in get_args(annotation) if member is not type(None)]
        if len(members) < len(get_args(annotation)):
            return (members[0] if len(members) == 1 else Union[tuple(members)]), True  # noqa: UP007  # members vary
    return annotation, False


def item_of(kind: Any) -> Any:
    """What a tuple holds; None for what is no tuple."""
    return get_args(kind)[0] if get_origin(kind) is tuple else None


def type_name(kind: Any) -> str:
    if kind == models.Tracking:
        return "Tracking"
    return str(getattr(get_origin(kind) or kind, "__name__", kind))


def names_of(kind: Any) -> frozenset[str]:
    bare = get_args(kind)[0] if get_origin(kind) is Annotated else kind
    if isinstance(bare, type) and issubclass(bare, Enum | BaseModel):
        return frozenset({bare.__name__})
    return SCALARS[bare]


def test_every_domain_model_is_published_or_named() -> None:
    """A new model is a person's decision too."""
    inner = {
        "Domain",
        "TrackingBase",  # published as the interface Tracking
        "Reference",  # published inside OrderReference, with its origin
        "TrackingsFound",  # how a provider answers
        "OrderSearch",  # published as the input OrderFilter
        "Capture",  # a payment that a tracker can be added to; looked up and told to nobody
        "TrackerDraft",  # published as CreateInvoiceTrackerInput
    }
    every = {
        name
        for name, model in vars(models).items()
        if isinstance(model, type) and issubclass(model, models.Domain) and model.__module__ == models.__name__
    }
    assert every - inner == set(MODELS)


def test_the_sets_of_exceptions_name_only_what_there_is() -> None:
    """An exception that outlives its field hides the next one of that name."""
    assert {name for name in NOT_EXPOSED if not NOT_EXPOSED[name] <= set(MODELS[name].model_fields)} == set()
    interface = schema._schema.type_map["Tracking"]
    shared = {"Tracking": set(interface.fields)}  # type: ignore[attr-defined]  # an interface has fields
    fields = {name: shared.get(name) or set(object_type(name).fields) for name in COMPUTED}
    assert {name for name in COMPUTED if not COMPUTED[name] <= fields[name]} == set()


def test_the_filter_of_orders_is_the_domains_search() -> None:
    filters = schema._schema.type_map["OrderFilter"]
    fields = filters.fields  # type: ignore[attr-defined]  # an input has fields
    assert set(fields) == {to_camel_case(name) for name in models.OrderSearch.model_fields}
    for name, info in models.OrderSearch.model_fields.items():
        assert str(fields[to_camel_case(name)].type) in expected_types(name, info.annotation)


@pytest.mark.parametrize("enum", [models.TrackingStatus])
def test_enum_values_are_the_domains(enum: type[Enum]) -> None:
    published = schema._schema.type_map[enum.__name__]
    assert isinstance(published, GraphQLEnumType)
    assert list(published.values) == [member.name for member in enum]
