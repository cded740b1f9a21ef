"""What failing, slow and overrun providers cost, and how the gateway comes back: with the calls that they got."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
from email.utils import format_datetime
from statistics import median

import httpx
import pytest

from gateway.app import utc_now
from gateway.resilience.settings import ResilienceSettings
from providers.simulation.faults import Fault, FaultMode
from providers.simulation.world import SimulatedOrder, World
from tests.gateway.freshness.conftest import HandClock, eventually
from tests.redis_server import RedisServer
from tests.scenarios.conftest import MakeSettings, OpenGateway
from tests.scenarios.harness import HANGING, LINK_ORDER, Data, Gateway, Providers, Reply, caches, running_gateway

ORDER = """
query ($number: String!) {
  order(by: {orderNumber: $number}) {
    currency
    sources { provider { name } cache error { code retryAt } }
  }
}"""

ROUTE = """
query ($number: String!) { order(by: {orderNumber: $number}) { trackings(providers: ["hypertrack"]) { id } } }"""

PAYMENT = """
query ($number: String!) { order(by: {orderNumber: $number}) { trackings(providers: ["paypal"]) { id } } }"""

UPSERT = "mutation ($input: UpsertOrderInput!) { upsertOrder(input: $input) { userErrors { code } } }"

HEALTH = "{ providers { name health { circuitOpen circuitRetryAt level } } }"

OPEN_SECONDS = ResilienceSettings().circuit_open_seconds

RECOVERED_SECONDS = 35
"""By when after an outage everything works again."""


REFRESH = """
mutation ($number: String!) { refreshOrder(input: {order: {orderNumber: $number}}) { userErrors { code } } }"""


def upsert(number: str) -> Data:
    """The input of a write: a parcel on the order."""
    return {"reference": number, "trackings": [{"trackingNumber": "00340434292135100186"}]}


async def health_of(gateway: Gateway, provider: str) -> Data:
    answered = (await gateway.data(HEALTH))["providers"]
    return next(each["health"] for each in answered if each["name"] == provider)


async def answered_at_once(gateway: Gateway, number: str) -> Reply:
    """The answer to a query, one of five of which, on however busy a machine, must take less than 50 ms."""
    seconds = []
    for _ in range(5):
        begun = time.perf_counter()
        reply = await gateway.ask(ORDER, number=number)
        seconds.append(time.perf_counter() - begun)
    assert min(seconds) < 0.05
    return reply


async def break_circuit(gateway: Gateway, providers: Providers, numbers: list[str]) -> None:
    """Have Karla fail until she is left alone."""
    providers.fail("karla")
    for number in numbers:
        await gateway.ask(ORDER, number=number)
        if (await health_of(gateway, "karla"))["circuitOpen"]:
            break
    else:
        pytest.fail("the circuit did not open")
    providers.forget_calls()


@pytest.fixture
def numbers(world: World) -> list[str]:
    return [order.number for order in world.orders]


class TestOutage:
    async def test_sixty_queries_one_after_the_other_make_few_calls_and_all_are_answered(
        self, gateway: Gateway, providers: Providers, numbers: list[str]
    ) -> None:
        providers.fail("karla", "paypal", "hypertrack")
        replies = [await gateway.ask(ORDER, number=number) for number in numbers[:60]]
        assert all(reply.status == 200 and reply.errors for reply in replies)
        assert all(count <= 15 for count in providers.calls().values())

    async def test_sixty_queries_at_once_make_at_most_ninety_calls_and_it_is_over_in_time(
        self, gateway: Gateway, providers: Providers, clock: HandClock, numbers: list[str]
    ) -> None:
        providers.fail("karla", "paypal", "hypertrack")
        await asyncio.gather(*(gateway.ask(ORDER, number=number) for number in numbers[:60]))
        assert sum(providers.calls().values()) <= 90
        providers.mend()
        clock.advance(RECOVERED_SECONDS)
        for number in numbers[:60]:
            assert (await gateway.data(ORDER, number=number))["order"]["currency"]

    async def test_one_of_four_down_leaves_the_others_alone(
        self, gateway: Gateway, providers: Providers, numbers: list[str]
    ) -> None:
        providers.fail("hypertrack")
        replies = [await gateway.ask(ROUTE, number=number) for number in numbers[:30]]
        assert {code for reply in replies for code in reply.codes} == {"PROVIDER_FAILED", "PROVIDER_CIRCUIT_OPEN"}
        assert (await gateway.data(ORDER, number=numbers[0]))["order"]["currency"]
        assert not (await health_of(gateway, "karla"))["circuitOpen"]


class TestRetries:
    async def test_a_hiccup_is_not_noticed(
        self, gateway: Gateway, providers: Providers, plain_order: SimulatedOrder
    ) -> None:
        providers.fail("karla", fault=Fault(mode=FaultMode.STATUS, status=502, count=1))
        assert (await gateway.data(ORDER, number=plain_order.number))["order"]["currency"]
        assert [call.status for call in providers.received("karla")] == [502, 200]

    async def test_a_broken_connection_is_made_anew(
        self, gateway: Gateway, providers: Providers, plain_order: SimulatedOrder
    ) -> None:
        providers.fail("karla", fault=Fault(mode=FaultMode.RESET, count=1))
        assert (await gateway.data(ORDER, number=plain_order.number))["order"]["currency"]

    async def test_a_write_is_sent_once(
        self, gateway: Gateway, providers: Providers, plain_order: SimulatedOrder
    ) -> None:
        providers.fail("karla")
        reply = await gateway.ask(UPSERT, input=upsert(plain_order.number))
        assert reply.codes == ["PROVIDER_UNAVAILABLE"]
        assert len(providers.received("karla")) == 1


class TestCircuit:
    async def test_an_open_circuit_answers_at_once_with_the_old_copy(
        self, gateway: Gateway, providers: Providers, clock: HandClock, numbers: list[str]
    ) -> None:
        known, others = numbers[0], numbers[1:]
        await gateway.data(ORDER, number=known)
        clock.advance(7 * 3600)
        await break_circuit(gateway, providers, others)
        await gateway.ask(ORDER, number=known)
        reply = await gateway.ask_until(lambda reply: bool(reply.errors), ORDER, number=known)
        reply = await answered_at_once(gateway, known)
        assert reply.data is not None
        assert reply.data["order"]["currency"]
        assert caches(reply.data["order"]) == {"karla": "STALE"}
        assert reply.failures == {"karla": "PROVIDER_CIRCUIT_OPEN"}
        assert providers.calls() == {}

    async def test_without_a_copy_it_says_at_once_when_to_come_back(
        self, gateway: Gateway, providers: Providers, clock: HandClock, numbers: list[str]
    ) -> None:
        await break_circuit(gateway, providers, numbers[1:])
        clock.advance(4)
        reply = await answered_at_once(gateway, numbers[0])
        (error,) = reply.errors
        assert error["extensions"]["code"] == "PROVIDER_CIRCUIT_OPEN"
        assert error["extensions"]["retryable"]
        assert datetime.fromisoformat(error["extensions"]["retryAt"]) == clock.now + timedelta(seconds=6)
        assert providers.received("karla") == []

    async def test_health_shows_it(
        self, gateway: Gateway, providers: Providers, clock: HandClock, numbers: list[str]
    ) -> None:
        assert (await health_of(gateway, "karla"))["circuitRetryAt"] is None
        await break_circuit(gateway, providers, numbers)
        health = await health_of(gateway, "karla")
        assert health["circuitOpen"]
        assert datetime.fromisoformat(health["circuitRetryAt"]) == clock.now + timedelta(seconds=OPEN_SECONDS)

    async def test_one_call_finds_out_that_it_is_over(
        self, gateway: Gateway, providers: Providers, clock: HandClock, numbers: list[str]
    ) -> None:
        await break_circuit(gateway, providers, numbers)
        clock.advance(OPEN_SECONDS)
        assert (await gateway.ask(ORDER, number=numbers[0])).failures == {"karla": "PROVIDER_FAILED"}
        assert providers.calls() == {"karla": 1}, "the trial, which opens it anew"
        providers.mend()
        clock.advance(OPEN_SECONDS)
        assert (await gateway.data(ORDER, number=numbers[0]))["order"]["currency"]
        assert not (await health_of(gateway, "karla"))["circuitOpen"]

    async def test_a_write_is_refused_as_not_taken(
        self, gateway: Gateway, providers: Providers, numbers: list[str]
    ) -> None:
        await break_circuit(gateway, providers, numbers)
        reply = await gateway.ask(UPSERT, input=upsert(numbers[0]))
        (error,) = reply.errors
        assert (error["extensions"]["code"], error["extensions"]["retryable"]) == ("PROVIDER_UNAVAILABLE", True)
        assert providers.received("karla") == []

    async def test_it_opens_on_slowness_too(
        self, make_settings: MakeSettings, providers: Providers, numbers: list[str]
    ) -> None:
        """On the real clock: every answer comes, and is good, and takes twice as long as is bearable."""
        bearable = {"circuit_slow_seconds": 0.05, "circuit_minimum_calls": 5}
        async with running_gateway(make_settings(resilience=bearable), utc_now) as gateway:
            providers.fail("karla", fault=Fault(mode=FaultMode.NONE, latency_ms=100))
            for number in numbers[:5]:
                assert (await gateway.data(ORDER, number=number))["order"]["currency"]
            assert (await health_of(gateway, "karla"))["circuitOpen"]
            assert (await gateway.ask(ORDER, number=numbers[5])).failures == {"karla": "PROVIDER_CIRCUIT_OPEN"}


class TestRetryAfter:
    @pytest.mark.parametrize("form", ["seconds", "date"])
    @pytest.mark.parametrize("status", [429, 503])
    async def test_nobody_calls_before_it_has_passed(
        self,
        gateway: Gateway,
        providers: Providers,
        clock: HandClock,
        numbers: list[str],
        form: str,
        status: int,
    ) -> None:
        wanted = "30" if form == "seconds" else format_datetime(clock.now + timedelta(seconds=30), usegmt=True)
        providers.fail("karla", fault=Fault(mode=FaultMode.STATUS, status=status, retry_after=wanted, count=1))
        await gateway.ask(ORDER, number=numbers[0])
        assert len(providers.received("karla")) == 1
        clock.advance(20)
        reply = await gateway.ask(ORDER, number=numbers[1])
        assert reply.failures == {"karla": "PROVIDER_RATE_LIMITED"}
        retry_at = reply.errors[0]["extensions"]["retryAt"]
        assert datetime.fromisoformat(retry_at) == clock.now + timedelta(seconds=10)
        assert len(providers.received("karla")) == 1
        clock.advance(10)
        assert (await gateway.data(ORDER, number=numbers[1]))["order"]["currency"]

    async def test_old_copies_are_served_meanwhile(
        self, gateway: Gateway, providers: Providers, clock: HandClock, numbers: list[str]
    ) -> None:
        await gateway.data(ORDER, number=numbers[0])
        clock.advance(7 * 3600)
        providers.fail("karla", fault=Fault(mode=FaultMode.STATUS, status=429, retry_after="30"))
        await gateway.ask(ORDER, number=numbers[1])
        providers.forget_calls()
        for _ in range(5):
            reply = await gateway.ask(ORDER, number=numbers[0])
            assert reply.data is not None
            assert caches(reply.data["order"]) == {"karla": "STALE"}
        assert providers.received("karla") == []


class TestRoom:
    async def test_a_provider_that_hangs_does_not_hold_up_the_others(
        self, open_gateway: OpenGateway, providers: Providers, numbers: list[str]
    ) -> None:
        server = {"call_deadline_seconds": 4.0, "query_deadline_seconds": 5.0}
        async with open_gateway(server=server) as gateway:
            providers.fail("hypertrack", fault=HANGING)
            hanging = [asyncio.create_task(gateway.ask(ROUTE, number=number)) for number in numbers[:60]]
            await eventually(lambda: gateway_is_full(providers))
            for number in numbers[:20]:
                assert (await gateway.data(ORDER, number=number))["order"]["currency"]
            assert not any(task.done() for task in hanging), "those who ask Karla waited for HyperTrack"
            replies = await asyncio.gather(*hanging)
        codes = {code for reply in replies for code in reply.codes}
        assert codes <= {"PROVIDER_TIMEOUT", "PROVIDER_CIRCUIT_OPEN", "PROVIDER_BUSY"}
        assert len(providers.received("hypertrack")) <= 30, "twenty at once, and those who followed the first nine"

    async def test_an_account_gets_no_more_calls_at_once_than_its_settings_say(
        self, providers: Providers, make_settings: MakeSettings, clock: HandClock, numbers: list[str]
    ) -> None:
        shop = {**providers.settings, "karla": {**providers.settings["karla"], "concurrency": 2}}
        server = {"call_deadline_seconds": 5.0, "query_deadline_seconds": 1.0}
        async with running_gateway(make_settings(shops={"demo": shop}, server=server), clock) as gateway:
            providers.fail("karla", fault=HANGING)
            replies = await asyncio.gather(*(gateway.ask(ORDER, number=number) for number in numbers[:6]))
            assert sorted(reply.failures["karla"] for reply in replies) == [
                *["PROVIDER_BUSY"] * 4,
                *["PROVIDER_TIMEOUT"] * 2,
            ]
            assert len(providers.received("karla")) == 2
            providers.mend()

    async def test_refreshes_behind_answers_leave_room_for_a_reader(
        self, providers: Providers, make_settings: MakeSettings, clock: HandClock
    ) -> None:
        shop = {**providers.settings, "karla": {**providers.settings["karla"], "concurrency": 4}}
        async with running_gateway(make_settings(shops={"demo": shop}), clock) as gateway:
            page = (await gateway.data("{ orders(first: 100) { nodes { orderNumber deliveryStatus } } }"))["orders"]
            arrived = [node["orderNumber"] for node in page["nodes"] if node["deliveryStatus"] == "DELIVERED"]
            clock.advance(7 * 3600)
            providers.forget_calls()
            providers.fail("karla", fault=Fault(mode=FaultMode.NONE, latency_ms=1000))
            for number in arrived[:8]:
                stale = (await gateway.data(ORDER, number=number))["order"]
                assert caches(stale) == {"karla": "STALE"}
            await eventually(lambda: len(providers.received("karla")) == 3)
            begun = time.perf_counter()
            unknown = await gateway.ask(ORDER, number="nobody knows it")
            assert unknown.errors == []
            assert time.perf_counter() - begun < 1.9, "it did not wait for one of those to end"
            providers.mend()

    async def test_a_quota_spreads_calls_out(
        self, providers: Providers, make_settings: MakeSettings, clock: HandClock, numbers: list[str]
    ) -> None:
        """The quota goes by the clock that stands still: after a second's worth there is no more."""
        shop = {**providers.settings, "karla": {**providers.settings["karla"], "calls_per_second": 3}}
        server = {"query_deadline_seconds": 0.5}
        async with running_gateway(make_settings(shops={"demo": shop}, server=server), clock) as gateway:
            replies = await asyncio.gather(*(gateway.ask(ORDER, number=number) for number in numbers[:5]))
            assert [reply.failures for reply in replies if reply.errors] == [{"karla": "PROVIDER_BUSY"}] * 2
            assert len(providers.received("karla")) == 3
            clock.advance(1)
            assert (await gateway.data(ORDER, number=numbers[9]))["order"]["currency"]


def gateway_is_full(providers: Providers) -> bool:
    return len(providers.received("hypertrack")) >= 15


class TestCallLimit:
    async def test_what_is_beyond_the_limit_is_missing_and_said_so(
        self, open_gateway: OpenGateway, providers: Providers
    ) -> None:
        async with open_gateway(resilience={"calls_per_operation": 11}) as gateway:
            reply = await gateway.ask(
                '{ orders(first: 30) { nodes { orderNumber currency trackings(providers: ["hypertrack"]) { id } } } }'
            )
        assert reply.data is not None
        nodes = reply.data["orders"]["nodes"]
        assert len(nodes) == 30
        assert all(node["currency"] for node in nodes)
        assert sum(node["trackings"] is None for node in nodes) == 20
        assert reply.failures == {"hypertrack": "CALL_LIMIT_REACHED"}
        assert reply.errors[0]["extensions"]["count"] == 20
        assert providers.calls() == {"karla": 1, "hypertrack": 10}

    async def test_asking_again_gets_further(self, open_gateway: OpenGateway) -> None:
        query = '{ orders(first: 30) { nodes { trackings(providers: ["hypertrack"]) { id } } } }'
        async with open_gateway(resilience={"calls_per_operation": 16}) as gateway:
            missing = []
            for _ in range(2):
                reply: Reply = await gateway.ask(query)
                assert reply.data is not None
                missing.append(sum(node["trackings"] is None for node in reply.data["orders"]["nodes"]))
        assert missing == [15, 0]

    async def test_one_operation_that_has_had_enough_does_not_answer_for_another(
        self, providers: Providers, make_settings: MakeSettings, clock: HandClock, numbers: list[str]
    ) -> None:
        """Two that want the same at once share one asking, which the first of them may not make."""
        wanted = numbers[0]
        shop = {"karla": {**providers.settings["karla"], "concurrency": 1}}
        settings = make_settings(shops={"demo": shop}, resilience={"calls_per_operation": 1})
        greedy = "query ($a: String!, $b: String!) { " + (
            "a: order(by: {orderNumber: $a}) { currency } b: order(by: {orderNumber: $b}) { currency } }"
        )
        async with running_gateway(settings, clock) as gateway:
            providers.fail("karla", fault=Fault(mode=FaultMode.NONE, latency_ms=300))
            asking = asyncio.create_task(gateway.ask(greedy, a=numbers[1], b=wanted))
            await eventually(lambda: len(providers.received("karla")) == 1)
            second = await gateway.ask(ORDER, number=wanted)
            first = await asking
        assert first.failures == {"karla": "CALL_LIMIT_REACHED"}
        assert second.errors == []
        assert providers.calls() == {"karla": 2}

    async def test_a_list_of_a_hundred_with_everything_selected_is_within_it(
        self, gateway: Gateway, providers: Providers
    ) -> None:
        everything = """{ orders(first: 100) { nodes {
          currency deliveryStatus trackings { id ... on RouteTracking { route { id } } } estimatedArrival { from }
        } } }"""
        reply = await gateway.ask(everything)
        assert "CALL_LIMIT_REACHED" not in reply.codes
        assert sum(providers.calls().values()) > 100


class TestSharedRedis:
    @pytest.fixture
    def redis(self) -> Iterator[RedisServer]:
        """A server for one test to mistreat."""
        server = RedisServer()
        server.start()
        yield server
        server.remove()

    @pytest.fixture
    async def shared(self, open_gateway: OpenGateway, redis: RedisServer) -> AsyncIterator[Gateway]:
        async with open_gateway(cache={"url": redis.url}) as gateway:
            yield gateway

    async def test_two_gateways_share_the_slots_of_an_account(
        self,
        providers: Providers,
        make_settings: MakeSettings,
        clock: HandClock,
        redis: RedisServer,
        numbers: list[str],
    ) -> None:
        settings = make_settings(
            shops={"demo": {"karla": {**providers.settings["karla"], "concurrency": 2}}},
            server={"query_deadline_seconds": 1.0},
            cache={"url": redis.url, "timeout_ms": 5000},
        )
        async with running_gateway(settings, clock) as here, running_gateway(settings, clock) as there:
            providers.fail("karla", fault=HANGING)
            asked = zip([here, there] * 4, numbers[:8], strict=True)
            replies = await asyncio.gather(*(gateway.ask(ORDER, number=number) for gateway, number in asked))
            assert len(providers.received("karla")) == 2
            # One that waits for a slot to the end may find its query over first: both come in the same moment.
            assert {reply.failures["karla"] for reply in replies} <= {"PROVIDER_BUSY", "PROVIDER_TIMEOUT"}
            providers.mend()

    async def test_what_one_gateway_was_told_to_wait_the_other_waits(
        self, open_gateway: OpenGateway, providers: Providers, redis: RedisServer, numbers: list[str]
    ) -> None:
        cache = {"url": redis.url, "timeout_ms": 5000}
        async with open_gateway(cache=cache) as here, open_gateway(cache=cache) as there:
            providers.fail("karla", fault=Fault(mode=FaultMode.STATUS, status=429, retry_after="30", count=1))
            await here.ask(ORDER, number=numbers[0])
            await eventually(lambda: any(b"pause" in key for key in redis.all_keys()))
            assert (await there.ask(ORDER, number=numbers[1])).failures == {"karla": "PROVIDER_RATE_LIMITED"}
            assert len(providers.received("karla")) == 1

    async def test_one_that_hangs_costs_one_query_its_limit_and_the_others_nothing(
        self, shared: Gateway, redis: RedisServer, providers: Providers, numbers: list[str]
    ) -> None:
        usual = [await timed(shared, number) for number in numbers[:10]]
        redis.pause()
        first = await timed(shared, numbers[10])
        rest = [await timed(shared, number) for number in numbers[11:21]]
        redis.resume()
        assert first < max(usual) + 0.15 + 0.1, "the limit, and what a busy machine adds"
        assert median(rest) < max(usual) + 0.02
        assert len(providers.received("karla")) == 21

    @pytest.mark.parametrize("how", ["killed", "flushed", "restarted"])
    async def test_one_that_goes_fails_no_query_and_is_used_again(
        self, shared: Gateway, redis: RedisServer, numbers: list[str], how: str
    ) -> None:
        await timed(shared, numbers[0])
        if how == "flushed":
            redis.flush()
        else:
            redis.kill()
        if how == "restarted":
            redis.start()
        for number in numbers[:10]:
            await timed(shared, number)
        if how == "killed":
            redis.start()
        async with asyncio.timeout(15):
            while not redis.all_keys():
                await timed(shared, numbers[0])
                await shared.ask(REFRESH, number=numbers[0])
                await asyncio.sleep(0.1)


async def timed(gateway: Gateway, number: str) -> float:
    """How many seconds a query takes, which must be answered in full."""
    begun = time.perf_counter()
    assert (await gateway.data(ORDER, number=number))["order"]["currency"]
    return time.perf_counter() - begun


class TestTokens:
    async def test_a_token_that_ends_while_fifty_queries_are_on_their_way_is_renewed_once(
        self, gateway: Gateway, providers: Providers, world: World
    ) -> None:
        numbers = [order.number for order in world.orders[:50]]
        for number in numbers:
            given = {"provider": "paypal", "kind": "paypal_order_id", "value": f"PAYPAL{number}", "orderNumber": number}
            await gateway.data(LINK_ORDER, input=given)
        await gateway.ask(PAYMENT, number=numbers[0])
        async with httpx.AsyncClient(base_url=providers.settings["paypal"]["base_url"], trust_env=False) as paypal:
            before = (await paypal.get("/_simulator/tokens")).json()["issued"]
            (await paypal.post("/_simulator/tokens/revoke")).raise_for_status()
            replies = await asyncio.gather(*(gateway.ask(PAYMENT, number=number) for number in numbers))
            assert (await paypal.get("/_simulator/tokens")).json()["issued"] == before + 1
        assert [reply.codes for reply in replies] == [[]] * 50
