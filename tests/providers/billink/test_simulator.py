"""Billink's double answers as the reference page "Create Tracker" says, over real HTTP."""

from __future__ import annotations

import base64
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from providers.billink.simulator import CREDENTIALS, KEPT, MAX_MEDIA_BYTES, create_simulator
from providers.simulation.clock import SimulationClock
from providers.simulation.generate import generate_orders
from providers.simulation.http_server import HttpServer
from providers.simulation.server import SimulatorServer
from providers.simulation.world import World

SUMMER = datetime(2025, 6, 4, 14, 26, 5, tzinfo=UTC)
TRACKER_PATH = "/v2/client/tracker"
ORDERS = generate_orders(SUMMER, count=20)
INVOICE = ORDERS[-1].number
PNG = {"type": "image/png", "content": base64.b64encode(b"label").decode()}

REQUEST: dict[str, Any] = {
    "billinkID": CREDENTIALS["billink_id"],
    "billinkUsername": CREDENTIALS["username"],
    "carrierCode": "POSTNL",
    "invoiceNumber": INVOICE,
    "trackAndTrace": "3STEST000000001",
}


@pytest.fixture
def world() -> World:
    return World(ORDERS, SimulationClock(lambda: SUMMER))


@pytest.fixture
async def client(world: World) -> AsyncIterator[httpx.AsyncClient]:
    async with (
        SimulatorServer("billink", world) as server,
        httpx.AsyncClient(base_url=server.url, trust_env=False) as client,
    ):
        yield client


async def create(client: httpx.AsyncClient, **changes: object) -> httpx.Response:
    """The usual request with `changes`; a change to None leaves the member out."""
    body = {name: value for name, value in {**REQUEST, **changes}.items() if value is not None}
    return await client.post(TRACKER_PATH, json=body)


def paths_of(reply: httpx.Response) -> list[str]:
    """Where the violations of a 422 are."""
    body = reply.json()
    assert (reply.status_code, reply.headers["content-type"]) == (422, "application/problem+json")
    assert set(body) == {"type", "title", "status", "detail", "violations"}
    assert body["detail"].split("\n") == [f"{each['propertyPath']}: {each['message']}" for each in body["violations"]]
    return [violation["propertyPath"] for violation in body["violations"]]


class TestCreated:
    async def test_the_answer_holds_the_documented_members_under_their_own_names(
        self, client: httpx.AsyncClient
    ) -> None:
        reply = await create(client)
        body = reply.json()
        assert reply.status_code == 201
        assert set(body) == {
            "id", "orderId", "invoiceNumber", "carrier", "trackingCode", "media", "createdAt", "updatedAt",
        }  # fmt: skip
        assert (body["invoiceNumber"], body["carrier"], body["trackingCode"]) == (INVOICE, "POSTNL", "3STEST000000001")
        assert isinstance(body["id"], int)
        assert isinstance(body["orderId"], int)

    async def test_times_are_dutch_with_their_offset(self, client: httpx.AsyncClient, world: World) -> None:
        assert (await create(client)).json()["createdAt"] == "2025-06-04T16:26:05+02:00"
        world.clock.advance(timedelta(days=183))
        assert (await create(client)).json()["updatedAt"] == "2025-12-04T15:26:05+01:00"

    async def test_media_are_told_without_their_content(self, client: httpx.AsyncClient) -> None:
        assert (await create(client, media=[PNG])).json()["media"] == [{"type": "image/png", "size": 5}]
        assert (await create(client, media=[])).json()["media"] == []

    async def test_a_repeated_call_makes_another_record_of_the_same_order(self, client: httpx.AsyncClient) -> None:
        first, second = (await create(client)).json(), (await create(client)).json()
        assert first["id"] != second["id"]
        assert first["orderId"] == second["orderId"]

    async def test_the_ledger_lists_what_was_made_and_no_credentials(self, client: httpx.AsyncClient) -> None:
        made = [(await create(client)).json(), (await create(client, carrierCode="DHL")).json()]
        await create(client, carrierCode="?")
        ledger = await client.get("/_simulator/trackers")
        assert ledger.json() == {"trackers": made}
        assert CREDENTIALS["billink_id"] not in ledger.text

    async def test_the_path_is_the_builders_choice(self, world: World) -> None:
        async with (
            HttpServer(create_simulator(world, path="/v2/session/tracker")) as server,
            httpx.AsyncClient(base_url=server.url, trust_env=False) as client,
        ):
            assert (await client.post("/v2/session/tracker", json=REQUEST)).status_code == 201
            assert (await client.post(TRACKER_PATH, json=REQUEST)).status_code == 404


class TestViolations:
    @pytest.mark.parametrize(
        "member", ["billinkID", "billinkUsername", "carrierCode", "invoiceNumber", "trackAndTrace"]
    )
    @pytest.mark.parametrize("value", [None, "", "  ", 7, "x" * 256])
    async def test_required_members_are_text_that_is_not_blank_and_not_long(
        self, client: httpx.AsyncClient, member: str, value: object
    ) -> None:
        assert paths_of(await create(client, **{member: value})) == [member]

    async def test_every_violation_is_told_at_once(self, client: httpx.AsyncClient) -> None:
        reply = await create(client, carrierCode=None, trackAndTrace="")
        assert paths_of(reply) == ["carrierCode", "trackAndTrace"]
        assert reply.json()["violations"][0] == {
            "propertyPath": "carrierCode",
            "message": "This value should not be blank.",
            "code": "c1051bb4-d103-4f74-8988-acbcafc7fdc3",
        }

    @pytest.mark.parametrize("carrier", ["P", "POST NL", "DHL!", "x" * 51])
    async def test_a_carrier_code_is_2_to_50_letters_digits_dashes(
        self, client: httpx.AsyncClient, carrier: str
    ) -> None:
        assert paths_of(await create(client, carrierCode=carrier)) == ["carrierCode"]

    async def test_an_invoice_that_nobody_knows_is_a_violation(self, client: httpx.AsyncClient) -> None:
        assert paths_of(await create(client, invoiceNumber="no-such-order")) == ["invoiceNumber"]

    @pytest.mark.parametrize(
        ("media", "path"),
        [
            ("label.png", "media"),
            ([PNG] * 11, "media"),
            (["label.png"], "media[0]"),
            ([PNG, {"content": PNG["content"]}], "media[1].type"),
            ([{"type": "image/png"}], "media[0].content"),
            ([{"type": "image/png", "content": "not base64!"}], "media[0].content"),
            ([{"type": "image/png", "content": "QUJD="}], "media[0].content"),
            ([{"type": "image/png", "content": 1}], "media[0].content"),
        ],
    )
    async def test_media_are_at_most_ten_typed_base64_texts(
        self, client: httpx.AsyncClient, media: object, path: str
    ) -> None:
        assert paths_of(await create(client, media=media)) == [path]

    async def test_five_mebibytes_are_taken_and_one_byte_more_is_not(self, client: httpx.AsyncClient) -> None:
        def of_size(size: int) -> list[dict[str, str]]:
            return [{"type": "image/png", "content": base64.b64encode(bytes(size)).decode()}]

        assert (await create(client, media=of_size(MAX_MEDIA_BYTES))).status_code == 201
        assert paths_of(await create(client, media=of_size(MAX_MEDIA_BYTES + 1))) == ["media[0].content"]


class TestProblems:
    def assert_problem(self, reply: httpx.Response, status: int) -> None:
        body = reply.json()
        assert (reply.status_code, reply.headers["content-type"]) == (status, "application/problem+json")
        assert set(body) == {"type", "title", "status", "detail", "trace"}
        assert (body["status"], body["trace"]) == (status, [])

    @pytest.mark.parametrize("member", ["billinkID", "billinkUsername"])
    async def test_wrong_credentials_are_denied_before_anything_else_is_said(
        self, client: httpx.AsyncClient, member: str
    ) -> None:
        self.assert_problem(await create(client, **{member: "wrong"}, carrierCode="?"), 403)

    @pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b'{"carrierCode": "\xff"}', b'{"a": "\\ud800"}'])
    async def test_what_is_not_a_json_object_is_a_bad_request(self, client: httpx.AsyncClient, content: bytes) -> None:
        reply = await client.post(TRACKER_PATH, content=content, headers={"Content-Type": "application/json"})
        self.assert_problem(reply, 400)

    @pytest.mark.parametrize("media_type", [None, "text/plain", "application/x-www-form-urlencoded"])
    async def test_another_media_type_is_not_supported(self, client: httpx.AsyncClient, media_type: str | None) -> None:
        headers = {"Content-Type": media_type} if media_type else {}
        self.assert_problem(await client.post(TRACKER_PATH, content=b"{}", headers=headers), 415)

    async def test_there_is_nothing_to_read(self, client: httpx.AsyncClient) -> None:
        reply = await client.get(TRACKER_PATH)
        self.assert_problem(reply, 405)
        assert re.fullmatch("POST", reply.headers["allow"])

    async def test_another_path_is_not_found(self, client: httpx.AsyncClient) -> None:
        self.assert_problem(await client.post("/v2/client/trackers", json=REQUEST), 404)
        self.assert_problem(await client.post(f"{TRACKER_PATH}/", json=REQUEST), 404)

    async def test_a_fault_is_a_problem_too(self, client: httpx.AsyncClient) -> None:
        await client.put("/_simulator/faults", json={"mode": "status", "status": 503})
        assert (await create(client)).json()["status"] == 503
        assert (await client.get("/_simulator/trackers")).json() == {"trackers": []}


async def test_only_the_last_trackers_are_remembered(client: httpx.AsyncClient) -> None:
    """Every tracker gets a number of its own, and a simulator that runs for days does not fill the memory."""
    ids = [(await create(client)).json()["id"] for _ in range(KEPT + 1)]
    assert ids == list(range(1, KEPT + 2))
    trackers = (await client.get("/_simulator/trackers")).json()["trackers"]
    assert [tracker["id"] for tracker in trackers] == ids[1:]
