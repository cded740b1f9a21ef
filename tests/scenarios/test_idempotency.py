"""Idempotency keys: the same mutation again has no other effect and the same answer, whoever is asked and when."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.schema.ids import GlobalId
from providers.simulation.clock import SimulationClock
from providers.simulation.faults import Fault, FaultMode
from providers.simulation.server import running_simulators
from providers.simulation.world import SimulatedOrder, World
from tests.gateway.freshness.conftest import HandClock
from tests.scenarios.conftest import OpenGateway, orders_of
from tests.scenarios.harness import Data, Gateway, Providers, Reply

KEY = "wish-1"
IN_TIME = {"call_deadline_seconds": 2.0, "query_deadline_seconds": 4.0}
"""The table `[server]` of a gateway that waits for nobody for long."""

LEDGERS = {"karla": "writes", "paypal": "writes", "hypertrack": "writes", "billink": "trackers"}
"""Where each simulator shows what was done: the switch, and the member of its answer."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a mutation is sent: a shop of a gateway, with an order that all know and one that only Karla knows."""

    gateway: Gateway
    shop: str
    order: SimulatedOrder
    plain_order: SimulatedOrder

    async def parcel(self) -> str:
        """The id of a parcel at Karla."""
        return await self._first("karla", {"orderNumber": self.plain_order.number})

    async def tracker(self) -> str:
        """The id of a tracker at PayPal."""
        return await self._first("paypal", {"paypalOrderId": self.order.paypal_order_id})

    def absent_tracker(self) -> str:
        return str(GlobalId("OrderTracker", self.shop, (str(self.order.paypal_order_id), "NOWHERE")))

    async def _first(self, provider: str, by: Data) -> str:
        query = """
        query ($by: OrderBy!, $shop: String!, $provider: String!) {
          order(by: $by, shop: $shop) { trackings(providers: [$provider]) { id } }
        }"""
        found = await self.gateway.data(query, by=by, shop=self.shop, provider=provider)
        return str(found["order"]["trackings"][0]["id"])


Inputs = Callable[[Stage], Awaitable[tuple[Data, Data]]]


@dataclass(frozen=True, slots=True)
class Case:
    """A mutation: who is told and how, an input and one that asks for something else, changes that make it a wrong one,
    and what is selected on the answer."""

    provider: str
    method: str
    inputs: Inputs
    wrong: Data
    answer: str

    @property
    def lost(self) -> Mapping[str, Fault]:
        """Faults in which nobody learns whether it was done: it was not, and it was."""
        path = "/v2/*" if self.provider == "paypal" else None
        return {
            mode.value: Fault(mode=mode, method=self.method, path=path) for mode in (FaultMode.HANG, FaultMode.TRUNCATE)
        }


ADDRESS = {"street": "123 Main St", "zipCode": "10001", "city": "New York"}
NEW: Data = {"orderNumber": "N-1", "externalId": "ext-1", "totalPrice": "29.99", "address": ADDRESS}


async def _place(_stage: Stage) -> tuple[Data, Data]:
    return NEW, NEW | {"currency": "USD"}


async def _upsert(stage: Stage) -> tuple[Data, Data]:
    given = {"reference": stage.plain_order.number, "trackings": [{"trackingNumber": "00340434161094042557"}]}
    return given, given | {"trackings": []}


async def _fulfill(_stage: Stage) -> tuple[Data, Data]:
    first, second = ({"reference": "N-1", "order": NEW | {"externalId": name}, "trackings": []} for name in "ab")
    return {"orders": [first]}, {"orders": [second]}


async def _update(stage: Stage) -> tuple[Data, Data]:
    by = {"order": {"orderNumber": stage.plain_order.number}}
    return by | {"expectedShipments": 3}, by | {"expectedShipments": 4}


async def _update_shipment(stage: Stage) -> tuple[Data, Data]:
    by = {"trackingId": await stage.parcel()}
    return by | {"trackingUrl": "https://shop.example/1"}, by | {"trackingUrl": "https://shop.example/2"}


async def _create_order_tracker(stage: Stage) -> tuple[Data, Data]:
    given = {
        "paypalOrderId": stage.order.paypal_order_id,
        "captureId": stage.order.capture_id,
        "trackingNumber": "443844607820",
        "carrier": "FEDEX",
        "items": [{"name": "Product A", "quantity": "2"}],
    }
    return given, given | {"trackingNumber": "443844607821"}


async def _update_order_tracker(stage: Stage) -> tuple[Data, Data]:
    by = {"trackingId": await stage.tracker()}
    return by | {"items": [{"name": "Product B", "quantity": "1"}]}, by | {"notifyPayer": True}


async def _cancel_order_tracker(stage: Stage) -> tuple[Data, Data]:
    return {"trackingId": await stage.tracker()}, {"trackingId": stage.absent_tracker()}


async def _create_invoice_tracker(stage: Stage) -> tuple[Data, Data]:
    given = {"invoiceNumber": stage.plain_order.number, "carrierCode": "POSTNL", "trackAndTrace": "3SDEMO000000042"}
    return given, given | {"trackAndTrace": "3SDEMO000000043"}


async def _track_route(_stage: Stage) -> tuple[Data, Data]:
    destination = {"location": {"latitude": 34.832173, "longitude": 17.803927}, "radiusMetres": 100}
    stop = {"orderHandle": "stop-1", "type": "drop", "destination": destination}
    given = {"workerHandle": "james@ht.com", "trackMode": "on_time", "orders": [stop]}
    return given, given | {"trackMode": "flex"}


ORDER = 'order { id orderNumber externalId expectedShipments trackings(providers: ["karla"]) { trackingNumber } }'
TRACKER = "tracker { id trackerId trackingNumber status items { name quantity } } order { id }"

CASES: Mapping[str, Case] = {
    "placeOrder": Case("karla", "POST", _place, {"address": {}}, ORDER),
    "upsertOrder": Case("karla", "PUT", _upsert, {"reference": " "}, ORDER),
    "updateOrder": Case("karla", "PATCH", _update, {"expectedShipments": 0}, ORDER),
    "updateShipment": Case(
        "karla", "PATCH", _update_shipment, {"trackingUrl": None}, f"tracking {{ id trackingUrl status }} {ORDER}"
    ),
    "fulfillOrders": Case("karla", "PUT", _fulfill, {"orders": []}, ORDER.replace("order {", "orders {", 1)),
    "createOrderTracker": Case("paypal", "POST", _create_order_tracker, {"carrier": "fedex"}, TRACKER),
    "updateOrderTracker": Case("paypal", "PATCH", _update_order_tracker, {"items": [{"quantity": "x"}]}, TRACKER),
    "cancelOrderTracker": Case("paypal", "PATCH", _cancel_order_tracker, {"trackingId": "x"}, TRACKER),
    "createInvoiceTracker": Case(
        "billink",
        "POST",
        _create_invoice_tracker,
        {"carrierCode": ""},
        "tracker { id trackerId invoiceNumber trackingNumber carrier { reference } } order { id }",
    ),
    "trackRoute": Case(
        "hypertrack",
        "POST",
        _track_route,
        {"trackMode": "x"},
        "route { id routeHandle workerHandle stops { id orderHandle trackMode } }",
    ),
}
"""Every mutation that tells a provider something."""

ANSWERED_WITHOUT_BODY = frozenset({"updateOrder", "updateOrderTracker", "cancelOrderTracker"})
"""Mutations that the provider answers by the status alone, of which nothing can be cut off."""

every_mutation = pytest.mark.parametrize("mutation", CASES)


def document(mutation: str, answer: str) -> str:
    input_type = f"{mutation[0].upper()}{mutation[1:]}Input"
    return f"""
    mutation ($input: {input_type}!) {{
      {mutation}(input: $input) {{ {answer} userErrors {{ code path message provider {{ name }} providerCode }} }}
    }}"""


async def effects(providers: Providers, provider: str) -> list[Any]:
    """What was done at a provider, oldest first, by its simulator's own ledger."""
    address = f"{providers.settings[provider]['base_url']}/_simulator/{LEDGERS[provider]}"
    async with httpx.AsyncClient(trust_env=False) as client:
        shown = (await client.get(address)).json()
    ledger = shown if isinstance(shown, list) else shown[LEDGERS[provider]]
    assert isinstance(ledger, list)
    return ledger


def user_errors(reply: Reply, mutation: str) -> list[tuple[str, list[str]]]:
    """Code and path of each user error of an answer without errors."""
    assert (reply.errors, reply.status) == ([], 200)
    assert reply.data is not None
    return [(error["code"], error["path"]) for error in reply.data[mutation]["userErrors"]]


def assert_done(data: Data | None, mutation: str) -> None:
    assert data is not None
    payload = dict(data[mutation])
    assert payload.pop("userErrors") == []
    assert None not in payload.values()


@pytest.fixture
async def gateway(open_gateway: OpenGateway) -> AsyncIterator[Gateway]:
    async with open_gateway(server=IN_TIME) as gateway:
        yield gateway


@pytest.fixture
def stage(gateway: Gateway, order: SimulatedOrder, plain_order: SimulatedOrder) -> Stage:
    return Stage(gateway, "demo", order, plain_order)


@every_mutation
async def test_the_same_again_has_one_effect_and_the_same_answer(
    stage: Stage, providers: Providers, mutation: str
) -> None:
    """A key keeps what was made, and no bytes of an answer: something else can be selected on it."""
    case = CASES[mutation]
    given, _other = await case.inputs(stage)
    before = len(await effects(providers, case.provider))
    wish = given | {"idempotencyKey": KEY}
    assert await stage.gateway.data(document(mutation, ""), input=wish) == {mutation: {"userErrors": []}}
    second = await stage.gateway.data(document(mutation, case.answer), input=wish)
    assert_done(second, mutation)
    assert await stage.gateway.data(document(mutation, case.answer), input=wish) == second
    assert len(await effects(providers, case.provider)) == before + 1


@every_mutation
async def test_a_key_is_good_for_one_input(stage: Stage, providers: Providers, mutation: str) -> None:
    case = CASES[mutation]
    given, other = await case.inputs(stage)
    await stage.gateway.data(document(mutation, ""), input=given | {"idempotencyKey": KEY})
    providers.forget_calls()
    reply = await stage.gateway.ask(document(mutation, case.answer), input=other | {"idempotencyKey": KEY})
    assert user_errors(reply, mutation) == [("IDEMPOTENCY_KEY_REUSED", ["input", "idempotencyKey"])]
    assert providers.calls() == {}


async def test_a_key_is_good_for_one_mutation(stage: Stage, providers: Providers) -> None:
    await stage.gateway.data(document("placeOrder", ""), input=NEW | {"idempotencyKey": KEY})
    given = {"orders": [{"reference": "N-2", "trackings": []}], "idempotencyKey": KEY}
    providers.forget_calls()
    reply = await stage.gateway.ask(document("fulfillOrders", ""), input=given)
    assert user_errors(reply, "fulfillOrders") == [("IDEMPOTENCY_KEY_REUSED", ["input", "idempotencyKey"])]
    assert providers.calls() == {}


@every_mutation
async def test_a_key_belongs_to_a_shop(
    open_gateway: OpenGateway,
    providers: Providers,
    clock: HandClock,
    order: SimulatedOrder,
    plain_order: SimulatedOrder,
    mutation: str,
) -> None:
    case = CASES[mutation]
    async with (
        running_simulators(World(orders_of(), SimulationClock(clock))) as servers,
        open_gateway(shops={"north": providers.settings, "south": Providers(servers).settings}) as gateway,
    ):
        for shop, of_shop in (("north", providers), ("south", Providers(servers))):
            given, _other = await case.inputs(Stage(gateway, shop, order, plain_order))
            before = len(await effects(of_shop, case.provider))
            wish = given | {"idempotencyKey": KEY, "shop": shop}
            assert_done(await gateway.data(document(mutation, case.answer), input=wish), mutation)
            assert len(await effects(of_shop, case.provider)) == before + 1


@every_mutation
async def test_a_key_outlives_the_process(
    open_gateway: OpenGateway,
    store_url: str,
    providers: Providers,
    order: SimulatedOrder,
    plain_order: SimulatedOrder,
    mutation: str,
) -> None:
    case = CASES[mutation]
    async with open_gateway(store={"url": store_url}) as before:
        given, _other = await case.inputs(Stage(before, "demo", order, plain_order))
        wish = given | {"idempotencyKey": KEY}
        first = await before.data(document(mutation, case.answer), input=wish)
        assert_done(first, mutation)
    done = await effects(providers, case.provider)
    async with open_gateway(store={"url": store_url}) as after:
        assert await after.data(document(mutation, case.answer), input=wish) == first
    assert await effects(providers, case.provider) == done


@every_mutation
async def test_two_at_the_same_moment_have_one_effect_and_the_same_answer(
    open_gateway: OpenGateway, store_url: str, stage: Stage, providers: Providers, mutation: str
) -> None:
    """Through two gateways over one store; the provider is so slow that they meet."""
    case = CASES[mutation]
    given, _other = await case.inputs(stage)
    before = len(await effects(providers, case.provider))
    providers.fail(case.provider, fault=Fault(mode=FaultMode.NONE, method=case.method, latency_ms=200))
    wish = given | {"idempotencyKey": KEY}
    table = {"store": {"url": store_url}}
    async with open_gateway(**table) as one, open_gateway(**table) as two:
        asking = (each.data(document(mutation, case.answer), input=wish) for each in (one, two))
        first, second = await asyncio.gather(*asking)
    assert_done(first, mutation)
    assert second == first
    assert len(await effects(providers, case.provider)) == before + 1


@every_mutation
async def test_a_wrong_input_does_not_use_up_its_key(stage: Stage, providers: Providers, mutation: str) -> None:
    case = CASES[mutation]
    given, _other = await case.inputs(stage)
    before = len(await effects(providers, case.provider))
    providers.forget_calls()
    wish = given | {"idempotencyKey": KEY}
    refused = await stage.gateway.ask(document(mutation, case.answer), input=wish | case.wrong)
    assert {code for code, _path in user_errors(refused, mutation)} <= {"BAD_USER_INPUT", "BAD_ID"}
    assert user_errors(refused, mutation)
    assert providers.calls() == {}
    assert_done(await stage.gateway.data(document(mutation, case.answer), input=wish), mutation)
    assert len(await effects(providers, case.provider)) == before + 1


@every_mutation
async def test_a_provider_that_is_down_gives_the_key_back(stage: Stage, providers: Providers, mutation: str) -> None:
    case = CASES[mutation]
    given, _other = await case.inputs(stage)
    before = len(await effects(providers, case.provider))
    wish = given | {"idempotencyKey": KEY}
    providers.fail(case.provider)
    reply = await stage.gateway.ask(document(mutation, case.answer), input=wish)
    assert reply.failures[case.provider] in {"PROVIDER_UNAVAILABLE", "PROVIDER_FAILED"}
    assert reply.data == {mutation: None}
    providers.mend()
    assert_done(await stage.gateway.data(document(mutation, case.answer), input=wish), mutation)
    assert len(await effects(providers, case.provider)) == before + 1


LOST = [
    (way, mutation)
    for mutation, case in CASES.items()
    for way in case.lost
    if case.provider != "billink" and not (way == "truncate" and mutation in ANSWERED_WITHOUT_BODY)
]
"""The ways in which an answer is lost, of each mutation that can be sent again."""


@pytest.mark.parametrize(("way", "mutation"), LOST)
async def test_what_may_have_been_done_is_done_once_when_it_is_sent_again(
    stage: Stage, providers: Providers, way: str, mutation: str
) -> None:
    """Whether it was not done (nobody answered), or was (the answer was cut off)."""
    case = CASES[mutation]
    given, _other = await case.inputs(stage)
    before = len(await effects(providers, case.provider))
    wish = given | {"idempotencyKey": KEY}
    providers.fail(case.provider, fault=case.lost[way])
    lost = await stage.gateway.ask(document(mutation, case.answer), input=wish)
    assert lost.failures == {case.provider: "OUTCOME_UNKNOWN"}
    providers.mend()
    again = await stage.gateway.data(document(mutation, case.answer), input=wish)
    assert_done(again, mutation)
    done = await effects(providers, case.provider)
    # What names the state that it brings about (PUT, PATCH) may be sent twice: the second changes nothing.
    assert len(done) - before == 1 if case.method == "POST" else len(done) - before in (1, 2)
    assert await stage.gateway.data(document(mutation, case.answer), input=wish) == again
    assert await effects(providers, case.provider) == done


@pytest.mark.parametrize(("way", "made"), [("hang", 0), ("truncate", 1)])
async def test_what_billink_may_have_done_is_never_sent_again(
    stage: Stage, providers: Providers, way: str, made: int
) -> None:
    """Nothing protects a second POST there, and nothing can be looked up."""
    mutation = "createInvoiceTracker"
    case = CASES[mutation]
    given, _other = await case.inputs(stage)
    before = len(await effects(providers, "billink"))
    providers.fail("billink", fault=case.lost[way])
    wish = given | {"idempotencyKey": KEY}
    lost = await stage.gateway.ask(document(mutation, case.answer), input=wish)
    assert lost.failures == {"billink": "OUTCOME_UNKNOWN"}
    providers.mend()
    again = await stage.gateway.ask(document(mutation, case.answer), input=wish)
    # Which of the two it is depends on whether the call may still be running, for all that the ledger knows.
    assert again.failures["billink"] in {"OUTCOME_UNKNOWN", "WRITE_IN_PROGRESS"}
    assert len(await effects(providers, "billink")) == before + made
    assert providers.calls()["billink"] == 1


async def test_a_key_of_unknown_outcome_is_good_for_its_input_alone(stage: Stage, providers: Providers) -> None:
    providers.fail("karla", fault=CASES["placeOrder"].lost["hang"])
    await stage.gateway.ask(document("placeOrder", ""), input=NEW | {"idempotencyKey": KEY})
    providers.mend()
    reply = await stage.gateway.ask(document("placeOrder", ""), input=NEW | {"idempotencyKey": KEY, "currency": "USD"})
    assert user_errors(reply, "placeOrder") == [("IDEMPOTENCY_KEY_REUSED", ["input", "idempotencyKey"])]


async def test_what_was_left_in_the_middle_is_taken_up_when_its_lease_is_over(
    stage: Stage, providers: Providers, clock: HandClock
) -> None:
    """As after a crash: the one who began says nothing any more. Until then nobody else may send it."""
    wish = NEW | {"idempotencyKey": KEY}
    providers.fail("karla", fault=Fault(mode=FaultMode.HANG, method="POST"))
    left = asyncio.create_task(stage.gateway.ask(document("placeOrder", ""), input=wish))
    async with asyncio.timeout(5):
        while not providers.calls():  # noqa: ASYNC110  # the simulator runs beside us and tells nobody
            await asyncio.sleep(0.005)
    left.cancel()
    await asyncio.wait([left])
    providers.mend()
    providers.forget_calls()
    reply = await stage.gateway.ask(document("placeOrder", ""), input=wish)
    assert user_errors(reply, "placeOrder") == [("IDEMPOTENCY_KEY_IN_USE", ["input", "idempotencyKey"])]
    assert providers.calls() == {}
    clock.advance(31)
    await stage.gateway.data(document("placeOrder", ""), input=wish)
    assert len(await effects(providers, "karla")) == 1


async def test_a_store_that_cannot_be_used_is_told_before_anything_is_done(
    stage: Stage, providers: Providers, store: Path
) -> None:
    with closing(sqlite3.connect(store)) as connection:
        connection.execute("DROP TABLE idempotency_keys")
    reply = await stage.gateway.ask(document("placeOrder", ""), input=NEW | {"idempotencyKey": KEY})
    assert (reply.codes, reply.data) == (["STORE_UNAVAILABLE"], {"placeOrder": None})
    assert providers.calls() == {}
    assert_done(await stage.gateway.data(document("placeOrder", ""), input=NEW), "placeOrder")


async def test_a_key_holds_for_three_days(stage: Stage, providers: Providers, clock: HandClock) -> None:
    wish = NEW | {"idempotencyKey": KEY}
    await stage.gateway.data(document("placeOrder", ""), input=wish)
    done = await effects(providers, "karla")
    clock.advance(72 * 3600)
    assert_done(await stage.gateway.data(document("placeOrder", "order { orderNumber }"), input=wish), "placeOrder")
    assert await effects(providers, "karla") == done


async def test_the_same_input_may_be_written_differently(stage: Stage, providers: Providers) -> None:
    given = NEW | {"idempotencyKey": KEY, "placedAt": "2026-01-30T12:00:00Z", "segments": None}
    same = {
        **dict(reversed(NEW.items())),
        "totalPrice": "29.990",
        "placedAt": "2026-01-30T13:00:00+01:00",
        "currency": "EUR",
        "shop": "demo",
        "idempotencyKey": KEY,
    }
    await stage.gateway.data(document("placeOrder", ""), input=given)
    done = await effects(providers, "karla")
    assert await stage.gateway.data(document("placeOrder", ""), input=same) == {"placeOrder": {"userErrors": []}}
    assert await effects(providers, "karla") == done


async def test_the_mutations_of_one_document_keep_each_its_own_key(stage: Stage, providers: Providers) -> None:
    """The same twice is done once, in one document as well; what is refused between them stops nothing."""
    query = """
    mutation ($a: PlaceOrderInput!, $b: PlaceOrderInput!) {
      first: placeOrder(input: $a) { order { orderNumber } userErrors { code } }
      again: placeOrder(input: $a) { order { orderNumber } userErrors { code } }
      reused: placeOrder(input: $b) { order { orderNumber } userErrors { code } }
      second: upsertOrder(input: {reference: "N-1", trackings: [], idempotencyKey: "wish-2"}) { userErrors { code } }
    }"""
    wish = NEW | {"idempotencyKey": KEY}
    for _ in range(2):
        data = await stage.gateway.data(query, a=wish, b=wish | {"orderNumber": "N-2"})
        assert data["first"] == data["again"] == {"order": {"orderNumber": "N-1"}, "userErrors": []}
        assert data["reused"] == {"order": None, "userErrors": [{"code": "IDEMPOTENCY_KEY_REUSED"}]}
        assert data["second"] == {"userErrors": []}
    assert [write["operation"] for write in await effects(providers, "karla")] == ["place_order", "upsert_order"]


REFUSED: Mapping[str, tuple[str, Callable[[Stage], Data], str]] = {
    "by a provider": ("placeOrder", lambda stage: NEW | {"orderNumber": stage.plain_order.number}, "ALREADY_EXISTS"),
    "because there is no such thing": (
        "cancelOrderTracker",
        lambda stage: {"trackingId": stage.absent_tracker()},
        "TRACKING_NOT_FOUND",
    ),
    "by the directory": (
        "updateOrder",
        lambda _stage: {"order": {"trackingNumber": "never-seen"}, "expectedShipments": 2},
        "REFERENCE_NOT_INDEXED",
    ),
    "by the links that there are": (
        "unlinkOrder",
        lambda _stage: {"orderNumber": "1", "provider": "paypal", "kind": "paypal_order_id", "value": "A"},
        "NOT_LINKED",
    ),
}
"""Who refuses what, and the code of it."""


@pytest.mark.parametrize("why", REFUSED)
async def test_what_was_refused_is_refused_again_in_the_same_words(
    stage: Stage, providers: Providers, why: str
) -> None:
    mutation, given_on, code = REFUSED[why]
    wish = given_on(stage) | {"idempotencyKey": KEY}
    first = await stage.gateway.data(document(mutation, ""), input=wish)
    assert [error["code"] for error in first[mutation]["userErrors"]] == [code]
    providers.forget_calls()
    assert await stage.gateway.data(document(mutation, ""), input=wish) == first
    assert providers.calls() == {}


async def test_a_provider_that_the_shop_has_not_is_told_alike_both_times(
    open_gateway: OpenGateway, providers: Providers
) -> None:
    wish = {"invoiceNumber": "1", "carrierCode": "POSTNL", "trackAndTrace": "3S1", "idempotencyKey": KEY}
    async with open_gateway(shops={"demo": {"karla": providers.settings["karla"]}}) as gateway:
        first = await gateway.ask(document("createInvoiceTracker", ""), input=wish)
        assert user_errors(first, "createInvoiceTracker") == [("PROVIDER_NOT_CONFIGURED", ["input"])]
        assert (await gateway.ask(document("createInvoiceTracker", ""), input=wish)).data == first.data


class TestLinks:
    """Nobody is told; what another wish changed meanwhile stays as it is when the first is sent again."""

    @pytest.fixture
    def link(self, order: SimulatedOrder) -> Data:
        reference = {"provider": "paypal", "kind": "paypal_order_id", "value": order.paypal_order_id}
        return {"orderNumber": order.number, **reference}

    async def is_linked(self, gateway: Gateway, link: Data) -> bool:
        query = 'query ($by: OrderBy!) { order(by: $by) { trackings(providers: ["paypal"]) { id } } }'
        order = (await gateway.data(query, by={"orderNumber": link["orderNumber"]}))["order"]
        return bool(order["trackings"])

    @pytest.mark.parametrize(("mutation", "opposite"), [("linkOrder", "unlinkOrder"), ("unlinkOrder", "linkOrder")])
    async def test_the_same_again_changes_nothing_and_answers_the_same(
        self, open_gateway: OpenGateway, store_url: str, link: Data, mutation: str, opposite: str
    ) -> None:
        wish = link | {"idempotencyKey": KEY}
        async with open_gateway(store={"url": store_url}) as gateway:
            if mutation == "unlinkOrder":
                await gateway.data(document("linkOrder", ""), input=link)
            first = await gateway.data(document(mutation, "order { orderNumber }"), input=wish)
            assert_done(first, mutation)
            await gateway.data(document(opposite, ""), input=link)
            linked = await self.is_linked(gateway, link)
        async with open_gateway(store={"url": store_url}) as gateway:
            assert await gateway.data(document(mutation, "order { orderNumber }"), input=wish) == first
            assert await self.is_linked(gateway, link) is linked

    @pytest.mark.parametrize("mutation", ["linkOrder", "unlinkOrder"])
    async def test_a_key_is_good_for_one_link(self, gateway: Gateway, link: Data, mutation: str) -> None:
        if mutation == "unlinkOrder":
            await gateway.data(document("linkOrder", ""), input=link)
        wish = link | {"idempotencyKey": KEY}
        await gateway.data(document(mutation, ""), input=wish)
        reply = await gateway.ask(document(mutation, ""), input=wish | {"value": "ANOTHER"})
        assert user_errors(reply, mutation) == [("IDEMPOTENCY_KEY_REUSED", ["input", "idempotencyKey"])]

    @pytest.mark.parametrize("mutation", ["linkOrder", "unlinkOrder"])
    async def test_a_wrong_input_does_not_use_up_its_key(self, gateway: Gateway, link: Data, mutation: str) -> None:
        if mutation == "unlinkOrder":
            await gateway.data(document("linkOrder", ""), input=link)
        wish = link | {"idempotencyKey": KEY}
        reply = await gateway.ask(document(mutation, ""), input=wish | {"kind": "colour"})
        assert user_errors(reply, mutation) == [("UNKNOWN_KIND", ["input", "kind"])]
        assert_done(await gateway.data(document(mutation, ""), input=wish), mutation)

    async def test_a_link_that_is_taken_can_be_made_under_its_key_once_it_is_free(
        self, gateway: Gateway, link: Data, plain_order: SimulatedOrder
    ) -> None:
        await gateway.data(document("linkOrder", ""), input=link)
        taken = link | {"orderNumber": plain_order.number, "idempotencyKey": KEY}
        reply = await gateway.ask(document("linkOrder", ""), input=taken)
        assert user_errors(reply, "linkOrder") == [("TAKEN", ["input", "value"])]
        await gateway.data(document("unlinkOrder", ""), input=link)
        assert_done(await gateway.data(document("linkOrder", ""), input=taken), "linkOrder")


class TestRefresh:
    """Nothing is made; the same again does not ask again."""

    ANSWER = "order { trackings { trackingNumber status } }"

    @pytest.fixture
    def wish(self, plain_order: SimulatedOrder) -> Data:
        return {"order": {"orderNumber": plain_order.number}, "providers": ["karla"], "idempotencyKey": KEY}

    async def test_the_same_again_answers_what_is_there(
        self, gateway: Gateway, providers: Providers, clock: HandClock, wish: Data
    ) -> None:
        query = document("refreshOrder", self.ANSWER)
        first = await gateway.data(query, input=wish)
        assert_done(first, "refreshOrder")
        clock.advance(11)
        providers.forget_calls()
        assert await gateway.data(query, input=wish) == first
        assert providers.calls() == {}
        await gateway.data(query, input=wish | {"idempotencyKey": "wish-2"})
        assert providers.calls() == {"karla": 1}

    async def test_a_refresh_that_failed_gives_its_key_back(
        self, gateway: Gateway, providers: Providers, clock: HandClock, wish: Data
    ) -> None:
        query = document("refreshOrder", self.ANSWER)
        providers.fail("karla")
        failed = await gateway.ask(query, input=wish)
        assert failed.failures == {"karla": "PROVIDER_FAILED"}
        assert failed.data == {"refreshOrder": {"order": None, "userErrors": []}}
        providers.mend()
        clock.advance(11)
        assert_done(await gateway.data(query, input=wish), "refreshOrder")

    @pytest.mark.parametrize(
        ("changes", "code", "path"),
        [
            ({"order": {"id": "x"}}, "BAD_ID", ["input", "order"]),
            ({"order": {"orderNumber": ""}}, "BAD_USER_INPUT", ["input", "order"]),
            ({"order": {"trackingNumber": "never-seen"}}, "REFERENCE_NOT_INDEXED", ["input", "order"]),
            ({"providers": ["fedex"]}, "UNKNOWN_PROVIDER", ["input", "providers"]),
        ],
    )
    async def test_an_order_that_cannot_be_asked_for_is_a_user_error(
        self, gateway: Gateway, providers: Providers, wish: Data, changes: Data, code: str, path: list[str]
    ) -> None:
        reply = await gateway.ask(document("refreshOrder", self.ANSWER), input=wish | changes)
        assert user_errors(reply, "refreshOrder") == [(code, path)]
        assert providers.calls() == {}


@every_mutation
async def test_a_key_that_is_none_is_a_user_error(stage: Stage, providers: Providers, mutation: str) -> None:
    given, _other = await CASES[mutation].inputs(stage)
    providers.forget_calls()
    reply = await stage.gateway.ask(document(mutation, ""), input=given | {"idempotencyKey": "two words"})
    assert user_errors(reply, mutation) == [("BAD_USER_INPUT", ["input", "idempotencyKey"])]
    assert providers.calls() == {}


async def test_without_a_key_each_is_a_wish_of_its_own(stage: Stage, providers: Providers) -> None:
    case = CASES["createOrderTracker"]
    given, _other = await case.inputs(stage)
    before = len(await effects(providers, "paypal"))
    for _ in range(2):
        await stage.gateway.data(document("createOrderTracker", ""), input=given)
    assert len(await effects(providers, "paypal")) == before + 2
