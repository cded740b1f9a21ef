"""Requests are counted for who sends them: what answers say of it, and who is refused."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import httpx
import pytest
from starlette.applications import Starlette

from gateway.auth.errors import NotAuthenticated
from gateway.auth.principal import ANYONE, OneOrder, Principal, Scope, order_reader
from gateway.http.graphiql_page import GraphiqlPage
from gateway.http.rate_limits import caller_of
from gateway.http.routes import HttpOptions, create_http_app
from gateway.orders.identity import OrderKey
from gateway.resilience.rate_limits import RateLimit, RateLimiter
from gateway.schema.pipeline import Pipeline
from tests.gateway.http.conftest import Parts
from tests.gateway.resilience.watch import Watch

HELLO = {"query": "{ hello }"}

LIMIT = RateLimit(per_minute=30, burst=2)
"""One in two seconds, two at once."""

TOLD = ("ratelimit-policy", "ratelimit")


async def authenticate(token: str | None) -> Principal:
    """Takes every token as the name of who sends it."""
    if token is None:
        raise NotAuthenticated("Who is there?", is_given=False)
    return Principal("same name", None, frozenset({Scope.ADMIN}), identity=f"key {token}")


def as_(name: str) -> dict[str, str]:
    return {"authorization": f"Bearer {name}"}


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def limited(pipeline: Pipeline, parts: Parts, page: GraphiqlPage, watch: Watch) -> Starlette:
    options = HttpOptions(authenticate, rate_limiter=RateLimiter(LIMIT, watch), page=page)
    return create_http_app(pipeline, options, parts)


@pytest.fixture
async def client(
    limited: Starlette, client_of: Callable[[Starlette], httpx.AsyncClient]
) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(limited) as client:
        yield client


async def test_an_answer_says_what_is_left(client: httpx.AsyncClient) -> None:
    answers = [await client.post("/graphql", json=HELLO, headers=as_("page")) for _ in range(2)]
    assert [[answer.headers[name] for name in TOLD] for answer in answers] == [
        ['"default";q=30;w=60', '"default";r=1;t=2'],
        ['"default";q=30;w=60', '"default";r=0;t=2'],
    ]


async def test_one_too_many_is_refused_until_there_is_one_more(client: httpx.AsyncClient, watch: Watch) -> None:
    for _ in range(2):
        await client.post("/graphql", json=HELLO, headers=as_("page"))
    watch.advance(0.5)
    refused = await client.post("/graphql", json=HELLO, headers=as_("page"))
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "2")
    assert [refused.headers[name] for name in TOLD] == ['"default";q=30;w=60', '"default";r=0;t=2']
    assert refused.json()["errors"][0]["extensions"] == {"code": "RATE_LIMITED", "retryable": True}
    assert refused.headers["cache-control"] == "no-store"
    watch.advance(2)
    assert (await client.post("/graphql", json=HELLO, headers=as_("page"))).status_code == 200


async def test_callers_of_the_same_name_are_counted_apart(client: httpx.AsyncClient) -> None:
    for _ in range(3):
        await client.post("/graphql", json=HELLO, headers=as_("page"))
    answer = await client.post("/graphql", json=HELLO, headers=as_("desk"))
    assert (answer.status_code, answer.headers["ratelimit"]) == (200, '"default";r=1;t=2')


async def test_nothing_is_run_of_what_is_refused(client: httpx.AsyncClient, written: list[int]) -> None:
    for _ in range(5):
        await client.post("/graphql", json={"query": "mutation { write }"}, headers=as_("page"))
    assert len(written) == LIMIT.burst


@pytest.mark.parametrize(
    ("method", "address", "content", "status"),
    [
        ("GET", "/graphql?query={hello}", b"", 200),
        ("GET", "/graphql?query=mutation{write}", b"", 405),
        ("POST", "/graphql", b"{", 400),
        ("POST", "/graphql", b'{"query": "{ nothing }"}', 200),
    ],
)
async def test_queries_by_get_and_what_is_no_request_count_as_well(
    client: httpx.AsyncClient, method: str, address: str, content: bytes, status: int
) -> None:
    headers = {**as_("page"), "content-type": "application/json"}
    answer = await client.request(method, address, content=content, headers=headers)
    assert (answer.status_code, answer.headers["ratelimit"]) == (status, '"default";r=1;t=2')


@pytest.mark.parametrize(
    ("method", "address", "headers"),
    [
        ("POST", "/graphql", {}),
        ("GET", "/graphql", {"accept": "text/html"}),
        ("DELETE", "/graphql", as_("page")),
        ("GET", "/healthz", {}),
    ],
    ids=["nobody", "graphiql", "no query", "health"],
)
async def test_what_nobody_is_known_to_have_sent_is_not_counted(
    client: httpx.AsyncClient, method: str, address: str, headers: dict[str, str]
) -> None:
    for _ in range(4):
        answer = await client.request(method, address, headers=headers)
        assert answer.status_code != 429
        assert not set(TOLD) & set(answer.headers)


async def test_without_a_limit_nothing_is_said_of_one(
    app: Starlette, client_of: Callable[[Starlette], httpx.AsyncClient]
) -> None:
    async with client_of(app) as client:
        assert not set(TOLD) & set((await client.post("/graphql", json=HELLO)).headers)


ORDER = OneOrder("acme", frozenset({OrderKey("order_number", "1")}))
READER = order_reader("order token", ORDER, personal=True)


class TestCallers:
    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("192.0.2.1", "192.0.2.2"),
            ("2001:db8::1", "2001:db8:0:1::1"),
            ("192.0.2.1", None),
        ],
    )
    def test_addresses_are_told_apart(self, one: str, other: str | None) -> None:
        assert caller_of(ANYONE, one) != caller_of(ANYONE, other)

    @pytest.mark.parametrize(
        ("one", "other"),
        [("2001:db8::1", "2001:db8::ffff:1"), ("192.0.2.1", "::ffff:192.0.2.1")],
        ids=["one customer's network", "one address written twice"],
    )
    def test_addresses_of_one_caller_are_not(self, one: str, other: str) -> None:
        assert caller_of(ANYONE, one) == caller_of(ANYONE, other)

    def test_a_principal_is_the_same_from_everywhere(self) -> None:
        principal = Principal("page", None, frozenset(), identity="key 1")
        assert caller_of(principal, "192.0.2.1") == caller_of(principal, "192.0.2.2")

    def test_a_subject_cannot_pass_for_a_key_nor_a_key_for_an_address(self) -> None:
        identities = ["key 1", "jwt 1", "order 1", "address 1"]
        callers = {caller_of(Principal("1", None, frozenset(), identity=name), None) for name in identities}
        assert len(callers) == len(identities)

    def test_tokens_for_one_order_are_one_caller_and_for_another_another(self) -> None:
        other = order_reader("order token", OneOrder("other", ORDER.names), personal=True)
        again = order_reader("somebody", ORDER, personal=False)
        assert caller_of(READER, None) == caller_of(again, None) != caller_of(other, None)

    def test_what_is_kept_names_nobody(self) -> None:
        principal = Principal("page", None, frozenset(), identity="jwt ada@example.org")
        assert "ada" not in caller_of(principal, None)
        assert "ada" not in repr(principal)
