"""Registering trackers at Billink: once, stored before it is answered, and honest about what went wrong."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from providers.simulation.faults import Fault, FaultMode
from providers.simulation.world import SimulatedOrder
from tests.scenarios.conftest import OpenGateway
from tests.scenarios.harness import DOWN, HANGING, Data, Gateway, Providers, caches

CREATE = """
mutation ($input: CreateInvoiceTrackerInput!) {
  createInvoiceTracker(input: $input) {
    tracker { id trackerId invoiceNumber trackingNumber status carrier { reference } media { type } source { cache } }
    order { orderNumber }
    userErrors { code path provider { name } providerCode }
  }
}"""

TRACKERS = """
query ($number: String!) {
  order(by: {orderNumber: $number}) {
    trackings(providers: ["billink"]) { id trackingNumber status }
    sources { provider { name } cache error { code } }
  }
}"""

PICTURE = "iVBORw0KGgo="


@pytest.fixture
async def gateway(open_gateway: OpenGateway, providers: Providers) -> AsyncIterator[Gateway]:
    """A gateway that sends media to Billink and waits for nobody for long."""
    billink: dict[str, Any] = {**providers.settings["billink"], "media_members": {"type": "type", "content": "content"}}
    async with open_gateway(
        shops={"demo": {**providers.settings, "billink": billink}},
        server={"call_deadline_seconds": 0.8, "query_deadline_seconds": 1.6},
    ) as gateway:
        yield gateway


@pytest.fixture
def tracker(plain_order: SimulatedOrder) -> Data:
    """The input of a tracker that Billink takes."""
    return {
        "invoiceNumber": plain_order.number,
        "carrierCode": "POSTNL",
        "trackAndTrace": "3SDEMO000000042",
        "media": [{"type": "image/png", "content": PICTURE}],
    }


async def created(gateway: Gateway, given: Data) -> Data:
    payload: Data = (await gateway.data(CREATE, input=given))["createInvoiceTracker"]
    return payload


async def test_a_tracker_is_registered_stored_and_seen_by_the_next_read(
    gateway: Gateway, providers: Providers, tracker: Data
) -> None:
    number = tracker["invoiceNumber"]
    assert (await gateway.data(TRACKERS, number=number))["order"]["trackings"] == []
    providers.forget_calls()
    payload = await created(gateway, tracker)
    assert payload["userErrors"] == []
    assert payload["order"] == {"orderNumber": number}
    made = payload["tracker"]
    assert made | {"id": "", "trackerId": ""} == {
        "id": "",
        "trackerId": "",
        "invoiceNumber": number,
        "trackingNumber": tracker["trackAndTrace"],
        "status": "INFO_RECEIVED",
        "carrier": {"reference": "POSTNL"},
        "media": [{"type": "image/png"}],
        "source": {"cache": "STORED"},
    }
    assert providers.calls() == {"billink": 1}
    order = (await gateway.data(TRACKERS, number=number))["order"]
    assert order["trackings"] == [
        {"id": made["id"], "trackingNumber": tracker["trackAndTrace"], "status": "INFO_RECEIVED"}
    ]
    assert caches(order) == {"billink": "STORED"}
    assert providers.calls() == {"billink": 1}, "Billink is never asked for what was registered"


async def test_registering_ends_the_copies_of_the_order(gateway: Gateway, providers: Providers, tracker: Data) -> None:
    query = "query ($number: String!) { order(by: {orderNumber: $number}) { trackings { id } } }"
    before = await gateway.data(query, number=tracker["invoiceNumber"])
    await created(gateway, tracker)
    providers.forget_calls()
    after = await gateway.data(query, number=tracker["invoiceNumber"])
    assert len(after["order"]["trackings"]) == len(before["order"]["trackings"]) + 1
    assert providers.calls()["karla"] == 1


async def test_the_same_tracker_again_is_one_registration(
    gateway: Gateway, open_gateway: OpenGateway, providers: Providers, tracker: Data
) -> None:
    first = await created(gateway, tracker)
    assert await created(gateway, tracker) == first
    spaced = tracker | {"carrierCode": " POSTNL ", "trackAndTrace": f"{tracker['trackAndTrace']} "}
    assert await created(gateway, spaced) == first
    async with open_gateway() as other_process:
        assert (await created(other_process, tracker))["tracker"]["id"] == first["tracker"]["id"]
    assert providers.calls() == {"billink": 1}


async def test_the_same_tracker_twenty_times_at_once_is_one_registration(
    gateway: Gateway, providers: Providers, tracker: Data
) -> None:
    payloads = await asyncio.gather(*(created(gateway, tracker) for _ in range(20)))
    assert all(payload == payloads[0] for payload in payloads)
    assert providers.calls() == {"billink": 1}


async def test_its_tracking_number_leads_to_the_order(gateway: Gateway, tracker: Data) -> None:
    await created(gateway, tracker)
    query = "query ($number: String!) { order(by: {trackingNumber: $number}) { orderNumber } }"
    found = await gateway.data(query, number=tracker["trackAndTrace"])
    assert found["order"]["orderNumber"] == tracker["invoiceNumber"]


async def test_an_invoice_that_is_linked_belongs_to_its_order(
    gateway: Gateway, order: SimulatedOrder, tracker: Data
) -> None:
    link = {"orderNumber": order.number, "provider": "billink", "kind": "invoice_number"}
    await gateway.data(
        "mutation ($input: LinkOrderInput!) { linkOrder(input: $input) { userErrors { code } } }",
        input=link | {"value": tracker["invoiceNumber"]},
    )
    payload = await created(gateway, tracker)
    assert payload["order"] == {"orderNumber": order.number}
    seen = (await gateway.data(TRACKERS, number=order.number))["order"]["trackings"]
    assert [tracking["id"] for tracking in seen] == [payload["tracker"]["id"]]


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"invoiceNumber": "billink-knows-no-such-invoice"}, ["input", "invoiceNumber"]),
        ({"carrierCode": "no code at all!"}, ["input", "carrierCode"]),
        ({"media": [{"type": "image/png", "content": PICTURE}, {"content": PICTURE}]}, ["input", "media", "1", "type"]),
    ],
)
async def test_what_billink_refuses_is_a_user_error_where_it_is_wrong(
    gateway: Gateway, providers: Providers, tracker: Data, changes: Data, path: list[str]
) -> None:
    payload = await created(gateway, tracker | changes)
    assert (payload["tracker"], payload["order"]) == (None, None)
    (error,) = payload["userErrors"]
    assert (error["code"], error["path"]) == ("PROVIDER_REJECTED", path)
    assert error["provider"] == {"name": "billink"}
    assert providers.calls() == {"billink": 1}


async def test_everything_that_billink_refuses_is_told(gateway: Gateway, tracker: Data) -> None:
    payload = await created(gateway, tracker | {"carrierCode": "?", "media": [{"type": "", "content": PICTURE}]})
    assert [error["path"] for error in payload["userErrors"]] == [
        ["input", "carrierCode"],
        ["input", "media", "0", "type"],
    ]


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"invoiceNumber": " "}, ["input", "invoiceNumber"]),
        ({"carrierCode": ""}, ["input", "carrierCode"]),
        ({"trackAndTrace": "x" * 256}, ["input", "trackAndTrace"]),
        ({"trackAndTrace": "a\x00b"}, ["input", "trackAndTrace"]),
        ({"media": [{"content": "not Base64"}]}, ["input", "media", "0", "content"]),
        ({"media": [{"content": PICTURE}] * 11}, ["input", "media"]),
    ],
)
async def test_what_cannot_be_right_is_refused_without_asking(
    gateway: Gateway, providers: Providers, tracker: Data, changes: Data, path: list[str]
) -> None:
    payload = await created(gateway, tracker | changes)
    assert [(error["code"], error["path"]) for error in payload["userErrors"]] == [("BAD_USER_INPUT", path)]
    assert providers.calls() == {}


FAILURES: dict[str, tuple[Fault, str, bool]] = {
    "503": (DOWN, "PROVIDER_UNAVAILABLE", True),
    "429": (Fault(mode=FaultMode.STATUS, status=429), "PROVIDER_UNAVAILABLE", True),
    "500": (Fault(mode=FaultMode.STATUS, status=500), "OUTCOME_UNKNOWN", False),
    "hang": (HANGING, "OUTCOME_UNKNOWN", False),
    "reset": (Fault(mode=FaultMode.RESET), "OUTCOME_UNKNOWN", False),
    "garbage": (Fault(mode=FaultMode.GARBAGE), "OUTCOME_UNKNOWN", False),
    "HTML": (Fault(mode=FaultMode.HTML), "OUTCOME_UNKNOWN", False),
    "cut-off": (Fault(mode=FaultMode.TRUNCATE), "OUTCOME_UNKNOWN", False),
    "403": (Fault(mode=FaultMode.STATUS, status=403), "PROVIDER_AUTH_FAILED", False),
}


@pytest.mark.parametrize("kind", FAILURES)
async def test_a_failure_says_whether_it_may_be_sent_again(
    gateway: Gateway, providers: Providers, tracker: Data, kind: str
) -> None:
    fault, code, retryable = FAILURES[kind]
    providers.fail("billink", fault=fault)
    reply = await gateway.ask(CREATE, input=tracker)
    assert reply.data == {"createInvoiceTracker": None}
    (error,) = reply.errors
    assert error["path"] == ["createInvoiceTracker"]
    extensions = error["extensions"]
    assert (extensions["code"], extensions["provider"], extensions["retryable"]) == (code, "billink", retryable)


async def test_a_server_that_is_not_there_can_be_tried_again(
    open_gateway: OpenGateway, providers: Providers, tracker: Data
) -> None:
    nowhere = {**providers.settings["billink"], "base_url": "http://127.0.0.1:9"}
    async with open_gateway(shops={"demo": {**providers.settings, "billink": nowhere}}) as gateway:
        reply = await gateway.ask(CREATE, input=tracker)
    assert reply.failures == {"billink": "PROVIDER_UNAVAILABLE"}
    assert reply.errors[0]["extensions"]["retryable"] is True


async def test_wrong_credentials_are_no_fault_of_the_input(
    open_gateway: OpenGateway, providers: Providers, tracker: Data
) -> None:
    wrong = {**providers.settings["billink"], "billink_id": "0" * 40}
    async with open_gateway(shops={"demo": {**providers.settings, "billink": wrong}}) as gateway:
        reply = await gateway.ask(CREATE, input=tracker)
    assert reply.data == {"createInvoiceTracker": None}
    assert reply.failures == {"billink": "PROVIDER_AUTH_FAILED"}


async def test_after_a_refusal_the_same_tracker_can_be_registered(
    gateway: Gateway, providers: Providers, tracker: Data
) -> None:
    providers.fail("billink")
    assert (await gateway.ask(CREATE, input=tracker)).failures == {"billink": "PROVIDER_UNAVAILABLE"}
    providers.mend()
    assert (await created(gateway, tracker))["userErrors"] == []


async def test_a_registration_goes_on_when_nobody_waits_for_it_any_more(
    gateway: Gateway, providers: Providers, tracker: Data
) -> None:
    """Billink takes longer than the gateway waits: unknown then, and stored once Billink has answered."""
    providers.fail("billink", fault=Fault(mode=FaultMode.NONE, latency_ms=1200))
    reply = await gateway.ask(CREATE, input=tracker)
    assert reply.failures == {"billink": "OUTCOME_UNKNOWN"}

    def is_there(answer: Any) -> bool:
        return bool(answer.data and answer.data["order"] and answer.data["order"]["trackings"])

    await gateway.ask_until(is_there, TRACKERS, number=tracker["invoiceNumber"])
    assert providers.calls()["billink"] == 1
    assert (await created(gateway, tracker))["userErrors"] == []
    assert providers.calls()["billink"] == 1


async def test_what_is_registered_after_its_client_has_gone_leads_to_its_order(
    gateway: Gateway, providers: Providers, tracker: Data
) -> None:
    providers.fail("billink", fault=Fault(mode=FaultMode.NONE, latency_ms=200))
    client = asyncio.ensure_future(gateway.ask(CREATE, input=tracker))
    async with asyncio.timeout(10):
        while not providers.calls():  # noqa: ASYNC110  # the provider's own count
            await asyncio.sleep(0.005)
    client.cancel()
    with pytest.raises(asyncio.CancelledError):
        await client
    query = "query ($number: String!) { order(by: {trackingNumber: $number}) { orderNumber } }"
    reply = await gateway.ask_until(lambda reply: not reply.errors, query, number=tracker["trackAndTrace"])
    assert reply.data == {"order": {"orderNumber": tracker["invoiceNumber"]}}


@pytest.mark.parametrize("kind", ["500", "hang", "reset", "garbage", "HTML", "cut-off"])
async def test_what_may_have_been_done_is_not_sent_again(
    gateway: Gateway, open_gateway: OpenGateway, providers: Providers, tracker: Data, kind: str
) -> None:
    """Another worker does not send it either: it says that the outcome is still open."""
    providers.fail("billink", fault=FAILURES[kind][0])
    assert (await gateway.ask(CREATE, input=tracker)).failures == {"billink": "OUTCOME_UNKNOWN"}
    async with open_gateway() as other_worker:
        reply = await other_worker.ask(CREATE, input=tracker)
    assert reply.data == {"createInvoiceTracker": None}
    assert reply.failures == {"billink": "WRITE_IN_PROGRESS"}
    assert reply.errors[0]["extensions"]["retryable"] is True
    assert providers.calls() == {"billink": 1}


async def test_a_shop_without_billink_says_so(open_gateway: OpenGateway, providers: Providers, tracker: Data) -> None:
    async with open_gateway(shops={"demo": {"karla": providers.settings["karla"]}}) as gateway:
        payload = await created(gateway, tracker)
    assert [error["code"] for error in payload["userErrors"]] == ["PROVIDER_NOT_CONFIGURED"]
