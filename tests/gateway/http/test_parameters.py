"""Whatever bytes arrive, they are a request or they are refused; nothing else can happen."""

from __future__ import annotations

from contextlib import suppress

import orjson
from hypothesis import given
from hypothesis import strategies as st

from gateway.http.negotiation import DATA_TYPES, negotiate
from gateway.http.parameters import from_body, from_query_string
from gateway.http.refusal import HttpRefusal
from gateway.schema.pipeline import GraphQLRequest

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(), children, max_size=3),
    max_leaves=5,
)

MEMBERS = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("query", "variables", "operationName", "extensions"), JSON_VALUES)
)


@given(st.binary())
def test_any_bytes_as_a_body_are_a_request_or_refused(body: bytes) -> None:
    with suppress(HttpRefusal):
        assert isinstance(from_body(body), GraphQLRequest)


@given(MEMBERS)
def test_members_of_any_type_are_a_request_or_refused(members: dict[str, object]) -> None:
    with suppress(HttpRefusal):
        request = from_body(orjson.dumps(members))
        assert isinstance(request.query, str)
        assert isinstance(request.variables, dict | None)
        assert isinstance(request.operation_name, str | None)


@given(st.binary())
def test_any_bytes_as_a_query_string_are_a_request_or_refused(query_string: bytes) -> None:
    with suppress(HttpRefusal):
        assert isinstance(from_query_string(b"query={a}&variables=" + query_string), GraphQLRequest)


@given(st.text())
def test_any_accept_header_picks_an_offer_or_none(accept: str) -> None:
    assert negotiate(accept) in (*DATA_TYPES, None)
