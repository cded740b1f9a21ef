"""Registering a shipment at several providers at once: who is told, what is tried again, and what is never done."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from gateway.schema.ids import GlobalId
from providers.simulation.faults import Fault, FaultMode
from providers.simulation.world import SimulatedOrder, World
from tests.gateway.freshness.conftest import HandClock
from tests.scenarios.conftest import OpenGateway
from tests.scenarios.harness import HANGING, Data, Gateway, Providers, Reply

NUMBER = "00340434161094042557"

SERVER = {"call_deadline_seconds": 0.8, "query_deadline_seconds": 5.0}
"""A gateway that waits for no provider for long; a busy machine has time to answer."""

CUT_OFF = Fault(mode=FaultMode.CLOSE)

OUTCOME = (
    "provider { name } state attempts nextAttemptAt updatedAt tracking { id trackingNumber __typename } "
    "userErrors { code path provider { name } providerCode }"
)
REGISTRATION = (
    f"registration {{ id trackingNumber createdAt finishedAt dismissedAt dismissedReason outcomes {{ {OUTCOME} }} }}"
)
ERRORS = "userErrors { code path }"

REGISTER = f"""
mutation ($input: RegisterShipmentInput!) {{
  registerShipment(input: $input) {{ {REGISTRATION} outcomes {{ {OUTCOME} }} {ERRORS} }}
}}"""
REGISTER_AND_READ = f"""
mutation ($input: RegisterShipmentInput!) {{
  registerShipment(input: $input) {{
    outcomes {{ {OUTCOME} }}
    order {{ orderNumber trackings {{ id provider {{ name }} trackingNumber }} }}
    {ERRORS}
  }}
}}"""
RETRY = f"""
mutation ($input: RetryRegistrationInput!) {{ retryRegistration(input: $input) {{ {REGISTRATION} {ERRORS} }} }}"""
DISMISS = f"""
mutation ($input: DismissRegistrationInput!) {{ dismissRegistration(input: $input) {{ {REGISTRATION} {ERRORS} }} }}"""

FIND = f"query ($id: ID!) {{ {REGISTRATION.replace('registration {', 'registration(id: $id) {', 1)} }}"
STATES = "query ($id: ID!) { registration(id: $id) { finishedAt outcomes { provider { name } state attempts } } }"
SEARCH = """
query ($filter: RegistrationFilter, $first: Int, $after: String) {
  registrations(filter: $filter, first: $first, after: $after) {
    nodes { id trackingNumber }
    edges { cursor node { id } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}"""


@pytest.fixture
async def gateway(open_gateway: OpenGateway) -> AsyncIterator[Gateway]:
    async with open_gateway(server=SERVER) as gateway:
        yield gateway


@pytest.fixture
def shipped(world: World) -> SimulatedOrder:
    """An order that was paid with PayPal and that no driver was sent with yet."""
    return next(
        order for order in world.orders if order.paypal_order_id and not order.stop and len(world.parcels(order)) == 1
    )


@pytest.fixture
def route(shipped: SimulatedOrder) -> Data:
    """A route that HyperTrack takes, with a stop of the order's own name."""
    destination = {"location": {"latitude": 52.5, "longitude": 13.4}, "radiusMetres": 50}
    return {
        "workerHandle": "james@ht.com",
        "trackMode": "on_time",
        "orders": [{"orderHandle": shipped.number, "type": "drop", "destination": destination}],
    }


@pytest.fixture
def shipment(shipped: SimulatedOrder) -> Data:
    """The input of a shipment, as a shop sends it that names nobody."""
    return {
        "order": {"orderNumber": shipped.number},
        "trackingNumber": NUMBER,
        "carrier": "dhl",
        "trackingUrl": f"https://www.dhl.de/{NUMBER}",
        "items": [{"name": "Product A", "quantity": "2"}],
    }


@pytest.fixture
async def everywhere(gateway: Gateway, shipped: SimulatedOrder, shipment: Data, route: Data) -> Data:
    """The input of a shipment that four providers are told of without being named."""
    await gateway.link(shipped)
    await link_invoice(gateway, shipped)
    return {**shipment, "route": route}


async def link_invoice(gateway: Gateway, order: SimulatedOrder) -> None:
    given = {"orderNumber": order.number, "provider": "billink", "kind": "invoice_number", "value": order.number}
    link = "mutation ($input: LinkOrderInput!) { linkOrder(input: $input) { userErrors { code } } }"
    assert (await gateway.data(link, input=given))["linkOrder"] == {"userErrors": []}


async def answered(gateway: Gateway, mutation: str, given: Data) -> Data:
    """The one payload of `mutation`."""
    (payload,) = (await gateway.data(mutation, input=given)).values()
    assert isinstance(payload, dict)
    return payload


async def registered(gateway: Gateway, given: Data) -> Data:
    """The registration of a shipment that is accepted."""
    payload = await answered(gateway, REGISTER, given)
    assert payload["userErrors"] == []
    assert payload["outcomes"] == payload["registration"]["outcomes"]
    registration: Data = payload["registration"]
    return registration


def states(registration: Data) -> dict[str, str]:
    return {outcome["provider"]["name"]: outcome["state"] for outcome in registration["outcomes"]}


def outcome_of(registration: Data, provider: str) -> Data:
    return next(outcome for outcome in registration["outcomes"] if outcome["provider"]["name"] == provider)


def errors_of(outcome: Data) -> list[tuple[str, list[str] | None]]:
    return [(error["code"], error["path"]) for error in outcome["userErrors"]]


def is_state(state: str, provider: str) -> Any:
    """Whether an answer to `STATES` says this of the provider."""

    def holds(reply: Reply) -> bool:
        return reply.data is not None and states(reply.data["registration"])[provider] == state

    return holds


async def switch(providers: Providers, name: str, path: str, **body: Any) -> Any:
    """What a simulator's own switch answers; with a body it is set."""
    async with httpx.AsyncClient(base_url=providers.settings[name]["base_url"], trust_env=False) as client:
        method = "PUT" if body else "GET"
        reply = await client.request(method, f"/_simulator/{path}", json=body or None)
        return reply.raise_for_status().json() if reply.content else None


async def effects(providers: Providers, number: str = NUMBER) -> dict[str, int]:
    """How often each provider took a parcel of this number, by its own ledger."""
    karla = (await switch(providers, "karla", "writes"))["writes"]
    paypal = await switch(providers, "paypal", "writes")
    billink = (await switch(providers, "billink", "trackers"))["trackers"]
    hypertrack = (await switch(providers, "hypertrack", "writes"))["writes"]
    return {
        "karla": sum(sent["tracking_number"] == number for write in karla for sent in write["body"]["trackings"]),
        "paypal": sum(write["operation"] == "track" and write["body"]["tracking_number"] == number for write in paypal),
        "billink": sum(tracker["trackingCode"] == number for tracker in billink),
        "hypertrack": len(hypertrack),
    }


NOBODY = {"karla": 0, "paypal": 0, "billink": 0, "hypertrack": 0}
EVERYBODY = {"karla": 1, "paypal": 1, "billink": 1, "hypertrack": 1}


class TestEverybodyIsTold:
    async def test_four_providers_are_told_once_without_being_named(
        self, gateway: Gateway, providers: Providers, everywhere: Data
    ) -> None:
        registration = await registered(gateway, everywhere)
        assert states(registration) == {
            "karla": "DONE",
            "hypertrack": "DONE",
            "paypal": "DONE",
            "billink": "DONE",
        }
        assert registration["trackingNumber"] == NUMBER
        assert registration["finishedAt"] is not None
        assert [
            (outcome["attempts"], outcome["nextAttemptAt"], outcome["userErrors"])
            for outcome in registration["outcomes"]
        ] == [(1, None, [])] * 4
        assert await effects(providers) == EVERYBODY

    async def test_what_was_made_is_read_in_the_same_round_trip(
        self, gateway: Gateway, everywhere: Data, shipped: SimulatedOrder
    ) -> None:
        """What was remembered of the order from before is not shown."""
        read = "query ($number: String!) { order(by: {orderNumber: $number}) { trackings { id } } }"
        before = await gateway.data(read, number=shipped.number)
        payload = await answered(gateway, REGISTER_AND_READ, everywhere)
        made = {outcome["provider"]["name"]: outcome["tracking"] for outcome in payload["outcomes"]}
        assert {name: tracking["__typename"] for name, tracking in made.items()} == {
            "karla": "CarrierTracking",
            "hypertrack": "RouteTracking",
            "paypal": "OrderTracker",
            "billink": "InvoiceTracker",
        }
        assert {made[name]["trackingNumber"] for name in ("karla", "paypal", "billink")} == {NUMBER}
        assert payload["order"]["orderNumber"] == shipped.number
        shown = {tracking["id"] for tracking in payload["order"]["trackings"]}
        assert shown - {each["id"] for each in before["order"]["trackings"]} == {each["id"] for each in made.values()}

    async def test_a_parcel_that_cannot_be_read_is_null_with_an_error(
        self, gateway: Gateway, open_gateway: OpenGateway, providers: Providers, everywhere: Data
    ) -> None:
        """It was made, whoever can be asked now; and nobody else is asked in place of who made it."""
        made = await registered(gateway, everywhere)
        providers.fail("karla")
        providers.forget_calls()
        parcels = "query ($id: ID!) { registration(id: $id) { outcomes { state provider { name } tracking { id } } } }"
        async with open_gateway(server=SERVER) as without_copies:
            reply = await without_copies.ask(parcels, id=made["id"])
        assert reply.failures == {"karla": "PROVIDER_FAILED"}
        assert reply.data is not None
        karla = outcome_of(reply.data["registration"], "karla")
        assert (karla["state"], karla["tracking"]) == ("DONE", None)
        assert providers.calls() == {"karla": 2, "paypal": 1, "hypertrack": 1}, "who failed is asked once more"

    async def test_a_shop_that_linked_nothing_tells_karla_alone(
        self, gateway: Gateway, providers: Providers, shipment: Data
    ) -> None:
        assert states(await registered(gateway, shipment)) == {"karla": "DONE"}
        assert await effects(providers) == {**NOBODY, "karla": 1}

    async def test_billink_is_told_always_where_the_settings_say_so(
        self, open_gateway: OpenGateway, providers: Providers, shipment: Data
    ) -> None:
        billink: dict[str, Any] = {**providers.settings["billink"], "always": True}
        async with open_gateway(server=SERVER, shops={"demo": {**providers.settings, "billink": billink}}) as gateway:
            assert states(await registered(gateway, shipment)) == {"karla": "DONE", "billink": "DONE"}

    async def test_only_those_are_told_that_are_named_and_in_that_order(
        self, gateway: Gateway, providers: Providers, everywhere: Data
    ) -> None:
        given = {**everywhere, "providers": ["billink", "karla"], "route": None}
        assert list(states(await registered(gateway, given))) == ["billink", "karla"]
        assert await effects(providers) == {**NOBODY, "karla": 1, "billink": 1}

    async def test_an_order_can_be_named_by_its_payment(
        self, gateway: Gateway, shipped: SimulatedOrder, shipment: Data
    ) -> None:
        await gateway.link(shipped)
        given = {**shipment, "order": {"paypalOrderId": shipped.paypal_order_id}}
        payload = await answered(gateway, REGISTER_AND_READ, given)
        assert states(payload) == {"karla": "DONE", "paypal": "DONE"}
        assert payload["order"]["orderNumber"] == shipped.number

    async def test_the_number_leads_to_the_order_afterwards(
        self, gateway: Gateway, shipment: Data, shipped: SimulatedOrder
    ) -> None:
        await registered(gateway, shipment)
        find = "query ($number: String!) { order(by: {trackingNumber: $number}) { orderNumber } }"
        found = await gateway.data(find, number=NUMBER)
        assert found["order"] == {"orderNumber": shipped.number}


class TestSomeFail:
    async def test_one_is_down_one_refuses_and_one_hangs(
        self, gateway: Gateway, providers: Providers, clock: HandClock, everywhere: Data, shipped: SimulatedOrder
    ) -> None:
        """Four outcomes within the query's deadline; who was down is told once it is back, without anybody asking."""
        await switch(
            providers, "paypal", "circumstances", **{str(shipped.paypal_order_id): {"capture_status": "REFUNDED"}}
        )
        providers.fail("karla")
        providers.fail("billink", fault=HANGING)
        async with asyncio.timeout(SERVER["query_deadline_seconds"]):
            registration = await registered(gateway, {**everywhere, "captureId": shipped.capture_id})
        assert states(registration) == {
            "karla": "PENDING",
            "hypertrack": "DONE",
            "paypal": "REFUSED",
            "billink": "UNKNOWN",
        }
        assert registration["finishedAt"] is None
        assert errors_of(outcome_of(registration, "karla")) == [("PROVIDER_UNAVAILABLE", None)]
        assert errors_of(outcome_of(registration, "billink")) == [("OUTCOME_UNKNOWN", None)]
        refused = outcome_of(registration, "paypal")["userErrors"]
        assert refused == [
            {
                "code": "PROVIDER_REJECTED",
                "path": ["input", "captureId"],
                "provider": {"name": "paypal"},
                "providerCode": "CAPTURE_STATUS_NOT_VALID",
            }
        ]
        assert {outcome["tracking"] is None for outcome in registration["outcomes"]} == {True, False}

        providers.mend("karla")
        clock.advance(10)
        reply = await gateway.ask_until(is_state("DONE", "karla"), STATES, id=registration["id"])
        assert reply.data is not None
        assert reply.data["registration"]["finishedAt"] is not None
        assert await effects(providers) == {**EVERYBODY, "paypal": 0, "billink": 0}

    async def test_the_next_attempt_is_within_ten_seconds(
        self, gateway: Gateway, providers: Providers, clock: HandClock, shipment: Data
    ) -> None:
        providers.fail("karla")
        (outcome,) = (await registered(gateway, shipment))["outcomes"]
        now = clock.now
        assert now < datetime.fromisoformat(outcome["nextAttemptAt"]) <= now + timedelta(seconds=10)

    async def test_what_is_pending_survives_a_restart_of_the_gateway(
        self, open_gateway: OpenGateway, providers: Providers, clock: HandClock, shipment: Data
    ) -> None:
        providers.fail("karla")
        async with open_gateway(server=SERVER) as first:
            registration = await registered(first, shipment)
            assert states(registration) == {"karla": "PENDING"}
        providers.mend()
        clock.advance(10)
        async with open_gateway(server=SERVER) as second:
            await second.ask_until(is_state("DONE", "karla"), STATES, id=registration["id"])
        assert await effects(providers) == {**NOBODY, "karla": 1}

    async def test_what_is_done_stays_done_after_a_restart(
        self, open_gateway: OpenGateway, providers: Providers, shipment: Data
    ) -> None:
        async with open_gateway(server=SERVER) as first:
            registration = await registered(first, shipment)
        providers.forget_calls()
        async with open_gateway(server=SERVER) as second:
            assert (await second.data(STATES, id=registration["id"]))["registration"]["outcomes"] == [
                {"provider": {"name": "karla"}, "state": "DONE", "attempts": 1}
            ]
        assert providers.calls() == {}

    async def test_a_payment_without_a_completed_capture_is_refused_at_the_capture(
        self, gateway: Gateway, providers: Providers, shipped: SimulatedOrder, shipment: Data
    ) -> None:
        await gateway.link(shipped)
        await switch(
            providers, "paypal", "circumstances", **{str(shipped.paypal_order_id): {"capture_status": "FAILED"}}
        )
        registration = await registered(gateway, shipment)
        assert states(registration) == {"karla": "DONE", "paypal": "REFUSED"}
        (error,) = outcome_of(registration, "paypal")["userErrors"]
        assert (error["code"], error["path"]) == ("CAPTURE_REQUIRED", ["input", "captureId"])

    async def test_an_item_that_was_not_paid_for_is_refused_at_its_place(
        self, gateway: Gateway, shipped: SimulatedOrder, shipment: Data
    ) -> None:
        await gateway.link(shipped)
        items = [{"name": "Product A", "quantity": "1"}, {"name": "Product B", "quantity": "1", "sku": "nobody's"}]
        registration = await registered(gateway, {**shipment, "items": items, "providers": ["paypal"]})
        (error,) = outcome_of(registration, "paypal")["userErrors"]
        assert (error["path"], error["providerCode"]) == (["input", "items", "1", "sku"], "ITEM_SKU_MISMATCH")

    async def test_a_carrier_that_billink_does_not_take_is_refused_at_the_carrier(
        self, gateway: Gateway, shipped: SimulatedOrder, shipment: Data
    ) -> None:
        await link_invoice(gateway, shipped)
        given = {**shipment, "carrier": "Kurier Müller & Söhne", "providers": ["billink"]}
        registration = await registered(gateway, given)
        assert states(registration) == {"billink": "REFUSED"}
        (error,) = outcome_of(registration, "billink")["userErrors"]
        assert (error["code"], error["path"]) == ("PROVIDER_REJECTED", ["input", "carrier"])

    async def test_a_driver_that_hypertrack_does_not_know_is_refused_in_the_route(
        self, gateway: Gateway, shipment: Data, route: Data
    ) -> None:
        given = {**shipment, "route": {**route, "workerHandle": "nobody@ht.com"}, "providers": ["hypertrack"]}
        (outcome,) = (await registered(gateway, given))["outcomes"]
        assert (outcome["state"], errors_of(outcome)) == (
            "REFUSED",
            [("PROVIDER_REJECTED", ["input", "route", "workerHandle"])],
        )

    async def test_an_order_that_karla_does_not_know_is_refused_at_the_order(
        self, gateway: Gateway, shipment: Data
    ) -> None:
        (outcome,) = (await registered(gateway, {**shipment, "order": {"orderNumber": "nobody's"}}))["outcomes"]
        assert (outcome["state"], errors_of(outcome)) == ("REFUSED", [("ORDER_NOT_FOUND", ["input", "order"])])


WRONG: dict[str, tuple[Data, str, list[str]]] = {
    "a blank number": ({"trackingNumber": "  "}, "BAD_USER_INPUT", ["input", "trackingNumber"]),
    "a long number": ({"trackingNumber": "1" * 256}, "BAD_USER_INPUT", ["input", "trackingNumber"]),
    "a number with a line's end": ({"trackingNumber": "1\n2"}, "BAD_USER_INPUT", ["input", "trackingNumber"]),
    "a number too long for PayPal": (
        {"trackingNumber": "1" * 65, "providers": ["karla", "paypal"]},
        "BAD_USER_INPUT",
        ["input", "trackingNumber"],
    ),
    "a number too long for a capture": (
        {"trackingNumber": "1" * 65, "captureId": "8MC"},
        "BAD_USER_INPUT",
        ["input", "trackingNumber"],
    ),
    "no carrier": ({"carrier": ""}, "BAD_USER_INPUT", ["input", "carrier"]),
    "a long carrier": ({"carrier": "x" * 65}, "BAD_USER_INPUT", ["input", "carrier"]),
    "a long address": ({"trackingUrl": "https://a.example/" + "a" * 2048}, "BAD_USER_INPUT", ["input", "trackingUrl"]),
    "a quantity that is none": (
        {"items": [{"name": "A"}, {"quantity": "two"}]},
        "BAD_USER_INPUT",
        ["input", "items", "1", "quantity"],
    ),
    "a product code that is none": (
        {"items": [{"upc": {"type": "EAN", "code": "123456"}}]},
        "BAD_USER_INPUT",
        ["input", "items", "0", "upc", "type"],
    ),
    "a capture that is none": ({"captureId": "8/MC"}, "BAD_USER_INPUT", ["input", "captureId"]),
    "nobody": ({"providers": []}, "BAD_USER_INPUT", ["input", "providers"]),
    "a provider that nobody knows": (
        {"providers": ["karla", "dhl"]},
        "UNKNOWN_PROVIDER",
        ["input", "providers", "1"],
    ),
    "PayPal without a link": ({"providers": ["paypal"]}, "REFERENCE_REQUIRED", ["input", "order"]),
    "HyperTrack without a route": ({"providers": ["hypertrack"]}, "BAD_USER_INPUT", ["input", "route"]),
    "a route and nobody who drives it": (
        {"providers": ["karla"], "route": {"routeHandle": "R1"}},
        "BAD_USER_INPUT",
        ["input", "route"],
    ),
    "a route without orders": (
        {"route": {"trackMode": "flex", "workerHandle": "a"}},
        "BAD_USER_INPUT",
        ["input", "route", "orders"],
    ),
    "a stop at the end of the world": (
        {
            "route": {
                "trackMode": "flex",
                "workerHandle": "a",
                "orders": [{"orderHandle": "1", "destination": {"location": {"latitude": 91, "longitude": 0}}}],
            }
        },
        "BAD_USER_INPUT",
        ["input", "route", "orders", "0", "destination", "location", "latitude"],
    ),
    "an id of nobody's": ({"order": {"id": "nobody's"}}, "BAD_ID", ["input", "order"]),
    "a blank order": ({"order": {"orderNumber": " "}}, "BAD_USER_INPUT", ["input", "order"]),
    "a number that nobody saw": ({"order": {"trackingNumber": "x"}}, "REFERENCE_NOT_INDEXED", ["input", "order"]),
    "a blank idempotency key": ({"idempotencyKey": " "}, "BAD_USER_INPUT", ["input", "idempotencyKey"]),
}
"""What is wrong with an otherwise good input; the code that it gets, and where."""


@pytest.mark.parametrize("case", WRONG)
async def test_bad_input_is_told_and_nothing_is_sent_or_stored(
    gateway: Gateway, providers: Providers, shipment: Data, case: str
) -> None:
    changes, code, path = WRONG[case]
    payload = await answered(gateway, REGISTER, {**shipment, **changes})
    assert [(error["code"], error["path"]) for error in payload["userErrors"]] == [(code, path)]
    assert (payload["registration"], payload["outcomes"]) == (None, [])
    assert providers.calls() == {}
    assert (await gateway.data(SEARCH))["registrations"]["nodes"] == []


async def test_a_provider_that_the_shop_lacks_is_told(
    open_gateway: OpenGateway, providers: Providers, shipment: Data
) -> None:
    async with open_gateway(shops={"demo": {"karla": providers.settings["karla"]}}) as gateway:
        payload = await answered(gateway, REGISTER, {**shipment, "providers": ["karla", "billink"]})
    assert [(error["code"], error["path"]) for error in payload["userErrors"]] == [
        ("PROVIDER_NOT_CONFIGURED", ["input", "providers"])
    ]
    assert providers.calls() == {}


class TestIdempotencyKeys:
    async def test_the_same_key_is_one_registration(
        self, gateway: Gateway, open_gateway: OpenGateway, providers: Providers, shipment: Data
    ) -> None:
        given = {**shipment, "idempotencyKey": "ship-1"}
        first = await registered(gateway, given)
        again = await registered(gateway, given)
        async with open_gateway(server=SERVER) as other_process:
            elsewhere = await registered(other_process, given)
        assert {first["id"], again["id"], elsewhere["id"]} == {first["id"]}
        assert again["outcomes"] == first["outcomes"]
        assert await effects(providers) == {**NOBODY, "karla": 1}

    async def test_twenty_at_once_are_one_registration(
        self, gateway: Gateway, providers: Providers, shipment: Data
    ) -> None:
        given = {**shipment, "idempotencyKey": "ship-1"}
        found = await asyncio.gather(*(registered(gateway, given) for _ in range(20)))
        assert len({registration["id"] for registration in found}) == 1
        assert await effects(providers) == {**NOBODY, "karla": 1}

    async def test_the_same_key_with_another_input_is_an_error(
        self, gateway: Gateway, providers: Providers, shipment: Data
    ) -> None:
        given = {**shipment, "idempotencyKey": "ship-1"}
        await registered(gateway, given)
        payload = await answered(gateway, REGISTER, {**given, "trackingNumber": "another"})
        assert payload["userErrors"] == [{"code": "IDEMPOTENCY_KEY_REUSED", "path": ["input", "idempotencyKey"]}]
        assert payload["registration"] is None
        assert await effects(providers, "another") == NOBODY

    async def test_bad_input_does_not_use_up_a_key(self, gateway: Gateway, shipment: Data) -> None:
        given = {**shipment, "idempotencyKey": "ship-1"}
        await answered(gateway, REGISTER, {**given, "carrier": ""})
        assert states(await registered(gateway, given)) == {"karla": "DONE"}

    async def test_without_a_key_it_is_another_registration(self, gateway: Gateway, shipment: Data) -> None:
        first, second = await registered(gateway, shipment), await registered(gateway, shipment)
        assert first["id"] != second["id"]


class TestDecisions:
    async def test_retrying_waits_for_no_due_time(self, gateway: Gateway, providers: Providers, shipment: Data) -> None:
        providers.fail("karla")
        registration = await registered(gateway, shipment)
        providers.mend()
        payload = await answered(gateway, RETRY, {"registrationId": registration["id"]})
        assert payload["userErrors"] == []
        (outcome,) = payload["registration"]["outcomes"]
        assert (outcome["state"], outcome["attempts"]) == ("DONE", 2)

    async def test_what_is_unknown_is_repeated_when_a_person_says_so(
        self, gateway: Gateway, providers: Providers, clock: HandClock, shipped: SimulatedOrder, shipment: Data
    ) -> None:
        """Once the call that was cut off cannot be on its way any more."""
        await link_invoice(gateway, shipped)
        providers.fail("billink", fault=CUT_OFF)
        registration = await registered(gateway, {**shipment, "providers": ["billink", "karla"]})
        assert states(registration) == {"billink": "UNKNOWN", "karla": "DONE"}
        providers.mend()
        again = {"registrationId": registration["id"], "providers": ["billink"]}
        payload = await answered(gateway, RETRY, again)
        assert [(error["code"], error["path"]) for error in payload["userErrors"]] == [
            ("WRITE_IN_PROGRESS", ["input", "registrationId"])
        ]
        clock.advance(60)
        payload = await answered(gateway, RETRY, again)
        assert states(payload["registration"]) == {"billink": "DONE", "karla": "DONE"}
        assert await effects(providers) == {**NOBODY, "karla": 1, "billink": 1}

    async def test_a_retry_under_one_key_is_one_retry(
        self, gateway: Gateway, providers: Providers, shipment: Data
    ) -> None:
        providers.fail("karla")
        registration = await registered(gateway, shipment)
        given = {"registrationId": registration["id"], "idempotencyKey": "retry-1"}
        first = await answered(gateway, RETRY, given)
        again = await answered(gateway, RETRY, given)
        assert outcome_of(first["registration"], "karla")["attempts"] == 2
        assert again == first
        other = await answered(gateway, RETRY, {**given, "providers": ["karla"]})
        assert other["userErrors"] == [{"code": "IDEMPOTENCY_KEY_REUSED", "path": ["input", "idempotencyKey"]}]

    async def test_there_is_nothing_to_retry_where_all_is_done(self, gateway: Gateway, shipment: Data) -> None:
        registration = await registered(gateway, shipment)
        payload = await answered(gateway, RETRY, {"registrationId": registration["id"]})
        assert payload["registration"] is None
        assert [error["path"] for error in payload["userErrors"]] == [["input", "registrationId"]]

    async def test_what_is_dismissed_is_not_tried_again(
        self, gateway: Gateway, providers: Providers, clock: HandClock, shipment: Data
    ) -> None:
        providers.fail("karla")
        registration = await registered(gateway, shipment)
        payload = await answered(gateway, DISMISS, {"registrationId": registration["id"], "reason": "sent by hand"})
        assert payload["userErrors"] == []
        dismissed = payload["registration"]
        assert dismissed["dismissedReason"] == "sent by hand"
        assert dismissed["dismissedAt"] is not None
        assert dismissed["finishedAt"] is not None
        assert states(dismissed) == {"karla": "REFUSED"}
        assert errors_of(outcome_of(dismissed, "karla")) == [("DISMISSED", ["input"])]
        providers.mend()
        clock.advance(3600)
        await gateway.ask_until(lambda _: True, STATES, id=registration["id"])
        assert await effects(providers) == NOBODY

    async def test_what_was_dismissed_can_be_taken_up_again(
        self, gateway: Gateway, providers: Providers, shipment: Data
    ) -> None:
        providers.fail("karla")
        registration = await registered(gateway, shipment)
        await answered(gateway, DISMISS, {"registrationId": registration["id"]})
        providers.mend()
        payload = await answered(gateway, RETRY, {"registrationId": registration["id"]})
        assert payload["registration"]["dismissedAt"] is None
        assert states(payload["registration"]) == {"karla": "DONE"}

    @pytest.mark.parametrize("mutation", [RETRY, DISMISS], ids=["retry", "dismiss"])
    @pytest.mark.parametrize(
        ("registration_id", "code"),
        [
            (str(GlobalId("Registration", "demo", (4711,))), "REGISTRATION_NOT_FOUND"),
            (str(GlobalId("Order", "demo", ("number", "1"))), "BAD_ID"),
            ("nonsense", "BAD_ID"),
        ],
    )
    async def test_what_is_not_there_cannot_be_decided_about(
        self, gateway: Gateway, mutation: str, registration_id: str, code: str
    ) -> None:
        payload = await answered(gateway, mutation, {"registrationId": registration_id})
        assert payload == {
            "registration": None,
            "userErrors": [{"code": code, "path": ["input", "registrationId"]}],
        }

    async def test_a_long_reason_is_refused(self, gateway: Gateway, shipment: Data) -> None:
        registration = await registered(gateway, shipment)
        payload = await answered(gateway, DISMISS, {"registrationId": registration["id"], "reason": "x" * 501})
        assert payload["userErrors"] == [{"code": "BAD_USER_INPUT", "path": ["input", "reason"]}]
        found = (await gateway.data(FIND, id=registration["id"]))["registration"]
        assert found["dismissedAt"] is None


class TestSearching:
    async def some(self, gateway: Gateway, shipment: Data, *numbers: str) -> list[str]:
        return [(await registered(gateway, {**shipment, "trackingNumber": number}))["id"] for number in numbers]

    async def test_a_registration_is_found_by_its_id_in_every_way(self, gateway: Gateway, shipment: Data) -> None:
        made = await registered(gateway, shipment)
        assert (await gateway.data(FIND, id=made["id"]))["registration"] == made
        nodes = "query ($ids: [ID!]!) { nodes(ids: $ids) { id ... on Registration { trackingNumber } } }"
        unknown = str(GlobalId("Registration", "demo", (4711,)))
        found = (await gateway.data(nodes, ids=[made["id"], unknown]))["nodes"]
        assert found == [{"id": made["id"], "trackingNumber": NUMBER}, None]
        assert (await gateway.data(FIND, id=unknown))["registration"] is None

    async def test_an_id_of_something_else_is_refused(self, gateway: Gateway) -> None:
        reply = await gateway.ask(FIND, id=str(GlobalId("Order", "demo", ("number", "1"))))
        assert (reply.data, reply.codes) == ({"registration": None}, ["BAD_ID"])

    async def test_the_order_of_a_registration_is_read_when_it_is_selected(
        self, gateway: Gateway, providers: Providers, shipment: Data, shipped: SimulatedOrder
    ) -> None:
        made = await registered(gateway, shipment)
        providers.forget_calls()
        await gateway.data("query ($id: ID!) { registration(id: $id) { outcomes { state } } }", id=made["id"])
        assert providers.calls() == {}
        order = "query ($id: ID!) { registration(id: $id) { order { orderNumber address { city } } } }"
        found = (await gateway.data(order, id=made["id"]))["registration"]["order"]
        assert found == {"orderNumber": shipped.number, "address": {"city": shipped.city}}

    async def test_pages_go_from_the_newest_to_the_oldest_and_end(self, gateway: Gateway, shipment: Data) -> None:
        made = await self.some(gateway, shipment, "n1", "n2", "n3")
        first = (await gateway.data(SEARCH, first=2))["registrations"]
        assert [node["id"] for node in first["nodes"]] == [made[2], made[1]]
        assert first["pageInfo"]["hasNextPage"] is True
        assert first["pageInfo"]["hasPreviousPage"] is False
        late = await self.some(gateway, shipment, "n4")
        rest = (await gateway.data(SEARCH, first=2, after=first["pageInfo"]["endCursor"]))["registrations"]
        assert [edge["node"]["id"] for edge in rest["edges"]] == [made[0]]
        assert (rest["pageInfo"]["hasNextPage"], rest["pageInfo"]["hasPreviousPage"]) == (False, True)
        assert late[0] not in {node["id"] for node in rest["nodes"]}, "what is added meanwhile moves no page"

    async def test_a_page_that_is_just_full_has_no_next_one(self, gateway: Gateway, shipment: Data) -> None:
        await self.some(gateway, shipment, "n1", "n2")
        page = (await gateway.data(SEARCH, first=2))["registrations"]
        assert (len(page["nodes"]), page["pageInfo"]["hasNextPage"]) == (2, False)

    async def test_filters(
        self, gateway: Gateway, providers: Providers, clock: HandClock, shipped: SimulatedOrder, shipment: Data
    ) -> None:
        (done,) = await self.some(gateway, shipment, "n1")
        later = clock.now + timedelta(hours=1)
        clock.advance(7200)
        providers.fail("karla")
        (pending,) = await self.some(gateway, {**shipment, "providers": ["karla", "billink"]}, "n2")
        await answered(gateway, DISMISS, {"registrationId": (await self.some(gateway, shipment, "n3"))[0]})
        for wanted, expected in [
            ({"states": ["PENDING"]}, [pending]),
            ({"states": ["PENDING", "UNKNOWN"], "providers": ["karla"]}, [pending]),
            ({"states": ["PENDING"], "providers": ["billink"]}, []),
            ({"providers": ["billink"]}, [pending]),
            ({"createdTo": later.isoformat()}, [done]),
            ({"createdFrom": later.isoformat(), "openOnly": True}, [pending]),
            ({"openOnly": True}, [pending]),
            ({"orderNumber": "another"}, []),
            ({"orderNumber": shipped.number, "states": ["DONE"], "providers": ["karla"]}, [done]),
        ]:
            found = (await gateway.data(SEARCH, filter=wanted))["registrations"]["nodes"]
            assert [node["id"] for node in found] == expected, wanted

    async def test_a_cursor_of_another_filter_is_refused(self, gateway: Gateway, shipment: Data) -> None:
        await self.some(gateway, shipment, "n1", "n2")
        cursor = (await gateway.data(SEARCH, first=1))["registrations"]["pageInfo"]["endCursor"]
        reply = await gateway.ask(SEARCH, filter={"states": ["DONE"]}, after=cursor)
        assert (reply.data, reply.codes) == ({"registrations": None}, ["BAD_CURSOR"])

    @pytest.mark.parametrize(
        ("given", "code"),
        [
            ({"first": 0}, "BAD_USER_INPUT"),
            ({"first": 101}, "BAD_USER_INPUT"),
            ({"after": "x"}, "BAD_CURSOR"),
            ({"filter": {"providers": ["dhl"]}}, "UNKNOWN_PROVIDER"),
            ({"filter": {"orderNumber": " "}}, "BAD_USER_INPUT"),
        ],
    )
    async def test_a_wrong_question_is_refused(self, gateway: Gateway, given: Data, code: str) -> None:
        reply = await gateway.ask(SEARCH, **given)
        assert (reply.data, reply.codes) == ({"registrations": None}, [code])

    async def test_a_shop_sees_its_own_alone(
        self, open_gateway: OpenGateway, providers: Providers, shipment: Data
    ) -> None:
        async with open_gateway(server=SERVER, shops={name: providers.settings for name in ("one", "two")}) as gateway:
            made = await registered(gateway, {**shipment, "shop": "one"})
            search = "query ($shop: String) { registrations(shop: $shop) { nodes { id } } }"
            assert (await gateway.data(search, shop="one"))["registrations"]["nodes"] == [{"id": made["id"]}]
            assert (await gateway.data(search, shop="two"))["registrations"]["nodes"] == []
            assert (await gateway.ask(search)).codes == ["SHOP_REQUIRED"]
            payload = await answered(gateway, RETRY, {"shop": "two", "registrationId": made["id"]})
        assert payload["userErrors"] == [{"code": "BAD_ID", "path": ["input", "registrationId"]}]
