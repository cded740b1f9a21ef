"""Past its places in flight a process refuses at once, reads nothing, and takes requests again when there is room."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from gateway.http.admission import Admission, Admitted
from gateway.http.health import health_routes
from gateway.http.middleware import Exchange, middleware
from gateway.telemetry.clients import KnownClients

Running = list[asyncio.Task[httpx.Response]]

REQUEST = {"type": "http", "method": "POST", "path": "/graphql", "headers": []}

PLACES = 3

SHED_SECONDS = 0.02
"""Of CPU for one request that is shed, its client's included, which takes the most of it."""


class Endpoint:
    """An application that answers a request when it is told to."""

    def __init__(self) -> None:
        self.released = asyncio.Event()
        self.running = 0
        self._noticed = asyncio.Condition()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._noticed:
            self.running += 1
            self._noticed.notify_all()
        body = await Request(scope, receive).body()
        await self.released.wait()
        await PlainTextResponse(body)(scope, receive, send)

    async def is_full(self) -> None:
        async with asyncio.timeout(10), self._noticed:
            await self._noticed.wait_for(lambda: self.running >= PLACES)


@pytest.fixture
def endpoint() -> Endpoint:
    return Endpoint()


@pytest.fixture
def admission() -> Admission:
    return Admission(PLACES)


@pytest.fixture
def app(endpoint: Endpoint, admission: Admission) -> Starlette:
    async def nothing() -> dict[str, object]:
        return {}

    routes = [Route("/", Admitted(endpoint, admission)), *health_routes(nothing, admission)]  # type: ignore[arg-type]
    return Starlette(routes=routes, middleware=middleware())


@pytest.fixture
async def client(address: tuple[str, int]) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=f"http://{address[0]}:{address[1]}", trust_env=False, timeout=60) as client:
        yield client


@pytest.fixture
async def full(client: httpx.AsyncClient, endpoint: Endpoint) -> AsyncIterator[Running]:
    """Requests that hold every place, until the end of the test at the latest."""
    running = [asyncio.create_task(client.post("/", content=b"mine")) for _ in range(PLACES)]
    await endpoint.is_full()
    yield running
    endpoint.released.set()
    await asyncio.gather(*running)


async def test_one_too_many_is_told_to_come_again(client: httpx.AsyncClient, endpoint: Endpoint, full: Running) -> None:
    answer = await client.post("/", content=b"mine", headers={"accept": "application/graphql-response+json"})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert answer.headers["content-type"] == "application/graphql-response+json; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-request-id"]
    assert answer.json()["errors"][0]["extensions"] == {"code": "OVERLOADED", "retryable": True}
    endpoint.released.set()
    assert [answer.text for answer in await asyncio.gather(*full)] == ["mine"] * PLACES


async def test_it_takes_requests_again_by_itself(
    client: httpx.AsyncClient, endpoint: Endpoint, admission: Admission, full: Running
) -> None:
    assert (await client.post("/")).status_code == 503
    endpoint.released.set()
    await asyncio.gather(*full)
    assert (await client.post("/", content=b"later")).text == "later"
    assert (admission.in_flight, admission.shed) == (0, 1)


@pytest.mark.usefixtures("full")
async def test_it_refuses_before_the_body_is_sent(address: tuple[str, int]) -> None:
    reader, writer = await asyncio.open_connection(*address)
    writer.write(b"POST / HTTP/1.1\r\nHost: gateway\r\nContent-Length: 1000000\r\n\r\n")
    assert (await reader.readline()).startswith(b"HTTP/1.1 503")
    writer.close()


@pytest.mark.usefixtures("full")
async def test_refusing_takes_milliseconds(client: httpx.AsyncClient) -> None:
    await client.post("/")
    started = time.thread_time()
    answers = [await client.post("/", content=b"x" * 10_000) for _ in range(20)]
    assert {answer.status_code for answer in answers} == {503}
    assert (time.thread_time() - started) / len(answers) < SHED_SECONDS


@pytest.mark.usefixtures("full")
@pytest.mark.parametrize("address_of_health", ["/healthz", "/readyz"])
async def test_health_is_never_shed(client: httpx.AsyncClient, address_of_health: str) -> None:
    assert (await client.get(address_of_health)).status_code == 200


async def test_a_client_that_leaves_gives_its_place_back(
    client: httpx.AsyncClient, endpoint: Endpoint, admission: Admission
) -> None:
    impatient = [asyncio.create_task(client.post("/", timeout=0.2)) for _ in range(PLACES)]
    assert [type(failed) for failed in await asyncio.gather(*impatient, return_exceptions=True)] == [
        httpx.ReadTimeout
    ] * PLACES
    endpoint.released.set()
    assert (await client.post("/", content=b"mine")).text == "mine"
    assert admission.in_flight == 0


async def test_a_failure_gives_its_place_back(admission: Admission) -> None:
    async def fails(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise RuntimeError

    app = Starlette(routes=[Route("/", Admitted(fails, admission))], middleware=middleware())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway") as client:
        assert [(await client.get("/")).status_code for _ in range(PLACES + 1)] == [500] * (PLACES + 1)


class TestClosed:
    """A process that is to stop."""

    async def test_it_takes_nothing_new_and_is_not_ready(
        self, client: httpx.AsyncClient, endpoint: Endpoint, admission: Admission, full: Running
    ) -> None:
        admission.close()
        answer = await client.post("/")
        assert (answer.status_code, answer.headers["connection"]) == (503, "close")
        assert answer.json()["errors"][0]["extensions"] == {"code": "SHUTTING_DOWN", "retryable": True}
        ready = await client.get("/readyz")
        assert (ready.status_code, ready.json()["status"]) == (503, "stopping")
        assert (await client.get("/healthz")).status_code == 200
        drained = asyncio.create_task(admission.drained())
        assert not drained.done()
        endpoint.released.set()
        assert {answer.status_code for answer in await asyncio.gather(*full)} == {200}
        await asyncio.wait_for(drained, 10)

    async def test_with_nothing_in_flight_it_is_drained_at_once(self, admission: Admission) -> None:
        admission.close()
        await asyncio.wait_for(admission.drained(), 1)

    async def test_what_is_cut_off_is_told_so(self, admission: Admission, full: Running) -> None:
        admission.close()
        admission.cut_off()
        for answer in await asyncio.gather(*full):
            assert (answer.status_code, answer.headers["connection"]) == (503, "close")
            assert answer.json()["errors"][0]["extensions"] == {"code": "INTERRUPTED"}

    async def test_half_an_answer_is_not_completed_with_a_refusal(self, admission: Admission) -> None:
        begun = asyncio.Event()

        async def half(_scope: Scope, _receive: Receive, send: Send) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            begun.set()
            await asyncio.Event().wait()

        sent: list[str] = []

        async def send(message: dict[str, object]) -> None:
            sent.append(str(message["type"]))

        app = Exchange(Admitted(half, admission), KnownClients())
        answering = asyncio.create_task(app(REQUEST, None, send))  # type: ignore[arg-type]
        await begun.wait()
        admission.cut_off()
        await answering
        assert sent == ["http.response.start"]

    async def test_another_cancellation_is_passed_on(self, admission: Admission) -> None:
        async def waits(_scope: Scope, _receive: Receive, _send: Send) -> None:
            await asyncio.Event().wait()

        answering = asyncio.create_task(Admitted(waits, admission)(REQUEST, None, None))  # type: ignore[arg-type]
        await asyncio.sleep(0)
        answering.cancel()
        with pytest.raises(asyncio.CancelledError):
            await answering
