"""Documents that clients named by their hash, kept in a Redis that several gateways share, and a Redis that goes."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator

import pytest

from providers.simulation.world import SimulatedOrder
from tests.gateway.freshness.conftest import eventually
from tests.redis_server import RedisServer
from tests.scenarios.conftest import OpenGateway
from tests.scenarios.harness import Data, Gateway, Reply

DOCUMENT = "query Named($number: String!) { order(by: {orderNumber: $number}) { orderNumber } }"
PERSISTED = {"persistedQuery": {"version": 1, "sha256Hash": hashlib.sha256(DOCUMENT.encode()).hexdigest()}}


@pytest.fixture
def shared(own_redis: RedisServer) -> Data:
    return {"url": own_redis.url, "timeout_ms": 2000}


@pytest.fixture
async def here(open_gateway: OpenGateway, shared: Data) -> AsyncIterator[Gateway]:
    async with open_gateway(cache=shared) as gateway:
        yield gateway


@pytest.fixture
async def there(open_gateway: OpenGateway, shared: Data) -> AsyncIterator[Gateway]:
    async with open_gateway(cache=shared) as gateway:
        yield gateway


@pytest.fixture
def number(plain_order: SimulatedOrder) -> str:
    return plain_order.number


async def by_hash(gateway: Gateway, number: str, **rest: str) -> Reply:
    body = {"extensions": PERSISTED, "variables": {"number": number}, **rest}
    return Reply.of(await gateway.client.post("/graphql", json=body))


async def with_its_text(gateway: Gateway, number: str) -> Reply:
    """What Apollo's clients send when they are told that the hash is not known."""
    return await by_hash(gateway, number, query=DOCUMENT)


def is_answered(reply: Reply, number: str) -> bool:
    return (reply.status, reply.codes, reply.data) == (200, [], {"order": {"orderNumber": number}})


async def test_what_was_sent_to_one_gateway_is_known_to_the_other(here: Gateway, there: Gateway, number: str) -> None:
    assert (await by_hash(there, number)).codes == ["PERSISTED_QUERY_NOT_FOUND"]
    assert is_answered(await with_its_text(here, number), number)
    assert is_answered(await by_hash(there, number), number)


async def test_a_gateway_that_starts_anew_knows_it(
    here: Gateway, open_gateway: OpenGateway, shared: Data, number: str
) -> None:
    await with_its_text(here, number)
    async with open_gateway(cache=shared) as restarted:
        assert is_answered(await by_hash(restarted, number), number)


@pytest.mark.parametrize("how", ["killed", "hung", "flushed"])
async def test_without_what_redis_kept_the_text_is_asked_for_and_nothing_fails(
    here: Gateway, there: Gateway, own_redis: RedisServer, number: str, how: str
) -> None:
    await with_its_text(here, number)
    {"killed": own_redis.kill, "hung": own_redis.pause, "flushed": own_redis.flush}[how]()

    assert is_answered(await by_hash(here, number), number), "it was sent here, so that this process knows it"
    assert (await by_hash(there, number)).codes == ["PERSISTED_QUERY_NOT_FOUND"]
    assert is_answered(await with_its_text(there, number), number)
    assert is_answered(await by_hash(there, number), number)
    if how == "hung":
        own_redis.resume()


async def test_what_somebody_else_wrote_there_is_not_run(
    here: Gateway, there: Gateway, own_redis: RedisServer, number: str
) -> None:
    await with_its_text(here, number)
    await eventually(lambda: any(b"document:" in key for key in own_redis.all_keys()))
    with own_redis.client() as client:
        for key in client.keys("*document:*"):
            client.set(key, b"{ shops { name } }")
    assert (await by_hash(there, number)).codes == ["PERSISTED_QUERY_NOT_FOUND"]
