"""Global ids lead back to what they name, and nothing that was made elsewhere passes for one."""

from __future__ import annotations

from base64 import urlsafe_b64encode

import orjson
import pytest
from graphql import GraphQLObjectType
from hypothesis import given
from hypothesis import strategies as st

from gateway.schema.arguments import is_name
from gateway.schema.errors import ClientError, ErrorCode
from gateway.schema.ids import LARGEST_NUMBER, LONGEST_ID, PARTS, VERSION, GlobalId, parse_id
from gateway.schema.nodes import FINDERS
from gateway.schema.published import schema

NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30).filter(is_name)
OF_KIND = {str: NAMES, int: st.integers(0, LARGEST_NUMBER), type(None): st.none()}


def ids_of(type_name: str) -> st.SearchStrategy[GlobalId]:
    parts = st.tuples(*(st.one_of(*(OF_KIND[kind] for kind in kinds)) for kinds in PARTS[type_name]))
    return st.builds(GlobalId, st.just(type_name), NAMES, parts)


IDS = st.sampled_from(sorted(PARTS)).flatmap(ids_of)


def encoded(document: object) -> str:
    return urlsafe_b64encode(orjson.dumps(document)).decode().rstrip("=")


@given(IDS)
def test_an_id_leads_back_to_what_it_names(made: GlobalId) -> None:
    assert parse_id(str(made)) == made


@given(IDS, IDS)
def test_two_things_never_share_an_id(one: GlobalId, other: GlobalId) -> None:
    assert (str(one) == str(other)) == (one == other)


@given(IDS)
def test_an_id_is_safe_in_a_url(made: GlobalId) -> None:
    assert set(str(made)) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


def test_the_documented_form() -> None:
    """base64url of a versioned JSON array: an order by shop, kind and value."""
    assert str(GlobalId("Order", "acme", ("number", "4711"))) == encoded([1, "Order", "acme", "number", "4711"])


def test_every_type_with_an_id_can_be_read_again() -> None:
    """A type that implements Node and is forgotten here could not be found by its own id."""
    nodes = {
        name
        for name, kind in schema._schema.type_map.items()
        if isinstance(kind, GraphQLObjectType) and any(each.name == "Node" for each in kind.interfaces)
    }
    assert nodes == set(PARTS) == set(FINDERS)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "4711",
        "!!!!",
        "Ünïcode",
        "A" * (LONGEST_ID + 1),
        encoded({"a": 1}),
        encoded("Order"),
        encoded([]),
        encoded([VERSION, "Order"]),
        encoded([VERSION + 1, "Order", "acme", "number", "4711"]),
        encoded([True, "Order", "acme", "number", "4711"]),
        encoded([VERSION, "Basket", "acme", "number", "4711"]),
        encoded([VERSION, ["Order"], "acme", "number", "4711"]),
        encoded([VERSION, "Order", 1, "number", "4711"]),
        encoded([VERSION, "Order", "acme", "number"]),
        encoded([VERSION, "Order", "acme", "number", "4711", "more"]),
        encoded([VERSION, "Order", "acme", "number", 4711]),
        encoded([VERSION, "Order", "acme", "number", ""]),
        encoded([VERSION, "Order", "acme", "number", "4711\n"]),
        encoded([VERSION, "InvoiceTracker", "acme", -1]),
        encoded([VERSION, "InvoiceTracker", "acme", LARGEST_NUMBER + 1]),
        encoded([VERSION, "InvoiceTracker", "acme", True]),
        encoded([VERSION, "InvoiceTracker", "acme", 1.0]),
        encoded([VERSION, "Order", "acme", "number", "4711"]) + "=",
        encoded([VERSION, "Order", "acme", "number", "4711"]) + " ",
        urlsafe_b64encode(b'[1, "Order", "acme", "number", "4711"]').decode(),
        urlsafe_b64encode(b'[1,"Order","acme","number","4711"]\xff').decode(),
    ],
)
def test_what_was_not_made_here_is_a_bad_id(text: str) -> None:
    with pytest.raises(ClientError) as refused:
        parse_id(text)
    assert refused.value.code is ErrorCode.BAD_ID


def outcome(text: str) -> str | ErrorCode:
    try:
        return str(parse_id(text))
    except ClientError as refused:
        return refused.code


@given(st.text(max_size=60))
def test_no_text_ends_in_anything_but_an_id_or_a_refusal(text: str) -> None:
    assert outcome(text) in (text, ErrorCode.BAD_ID)
