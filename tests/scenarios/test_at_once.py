"""What is answered before the server makes a task of it is what the application would have answered, to the byte.

A request that arrives in one piece may be answered at once; one whose body comes later goes through the application.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette

from gateway.app import create_app
from gateway.cli.serving import server_config, stoppable
from gateway.http.admission import admission_of
from gateway.http.at_once import LONGEST, LONGEST_HEAD, MOST_HEADERS
from gateway.http.routes import at_once_of
from gateway.settings import Settings
from gateway.telemetry.logs import ACCESS_LOGGER, OneLineFormatter
from gateway.telemetry.metrics import exposition
from providers.simulation.world import SimulatedOrder, World
from tests.figures import Added, figure
from tests.gateway.freshness.conftest import HandClock
from tests.scenarios.conftest import MakeSettings
from tests.scenarios.harness import Providers

Headers = dict[str, str]
Answer = tuple[int, Headers, bytes]

ORDER = """
query Order($number: String!) {
  order(by: {orderNumber: $number}) { id currency trackings(providers: ["karla"]) { status events { name } } }
}"""
LIST = "{ orders(first: 3) { nodes { orderNumber } pageInfo { hasNextPage } } }"
TWO = """
query Two($a: String!, $b: String!) {
  a: order(by: {orderNumber: $a}) { currency }
  b: order(by: {orderNumber: $b}) { currency }
}"""
LINK = """
mutation ($number: String!) {
  linkOrder(input: {orderNumber: $number, provider: "paypal", kind: "paypal_order_id", value: "5O190127TN364715T"}) {
    userErrors { code }
  }
}"""

JSON = {"Host": "localhost", "Content-Type": "application/json"}

WARM_UPS = 4
"""Times after which an answer is there: it is loaded, run, compiled, and kept."""


class Connection:
    """A connection that is kept, byte by byte."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def in_one_piece(self, body: bytes, headers: Mapping[str, str] = JSON) -> Answer:
        self.write(_head(body, headers) + body)
        return await self.answer()

    async def in_two_pieces(self, body: bytes, headers: Mapping[str, str] = JSON) -> Answer:
        self.write(_head(body, headers) + body[:1])
        await asyncio.sleep(0.01)  # two pieces, and not two writes that arrive together
        self.write(body[1:])
        return await self.answer()

    def write(self, data: bytes) -> None:
        self._writer.write(data)

    async def answer(self) -> Answer:
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode()
        status, *lines = head.strip().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        body = await self._reader.readexactly(int(headers["content-length"]))
        return int(status.split()[1]), headers, body

    async def is_closed(self) -> bool:
        return await self._reader.read() == b""


class Served:
    """A gateway behind a real socket."""

    def __init__(self, connection: Connection, app: Starlette) -> None:
        self.connection = connection
        self.admission = admission_of(app)
        self._at_once = at_once_of(app)

    def content_at_once(self, body: bytes, headers: Mapping[str, str] = JSON) -> bytes | None:
        """What is answered without waiting; None when that is nothing."""
        assert self._at_once is not None
        lines = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        answer = self._at_once.answer(lines, body)
        return None if answer is None else answer[1]

    async def warm_up(self, body: bytes, headers: Mapping[str, str] = JSON) -> None:
        for _ in range(WARM_UPS):
            await self.connection.in_one_piece(body, headers)

    async def both(self, body: bytes, headers: Mapping[str, str] = JSON) -> tuple[Answer, Answer]:
        """The answer to a request in one piece, and in two."""
        return await self.connection.in_one_piece(body, headers), await self.connection.in_two_pieces(body, headers)


@asynccontextmanager
async def serving(settings: Settings, clock: HandClock) -> AsyncIterator[Served]:
    app = create_app(settings, clock=clock)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = server_config(settings, stoppable(app))
        config.log_config = None
        server = uvicorn.Server(config)
        server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
        running = asyncio.create_task(server.serve(sockets=[listener]))
        async with asyncio.timeout(30):
            while not server.started:  # noqa: ASYNC110  # uvicorn tells nobody
                await asyncio.sleep(0.01)
            reader, writer = await asyncio.open_connection(*listener.getsockname())
            yield Served(Connection(reader, writer), app)
            writer.close()
            server.should_exit = True
            await running


@pytest.fixture(params=["everything is kept", "objects are kept"])
def settings(request: pytest.FixtureRequest, make_settings: MakeSettings) -> Settings:
    answers = request.param == "everything is kept"
    return make_settings(cache={"url": "memory://", "answers": answers, "pieces": answers})


@pytest.fixture
async def served(settings: Settings, clock: HandClock) -> AsyncIterator[Served]:
    async with serving(settings, clock) as each:
        yield each


def _head(body: bytes, headers: Mapping[str, str]) -> bytes:
    lines = [f"{name}: {value}\r\n" for name, value in {**headers, "Content-Length": str(len(body))}.items()]
    return "".join(["POST /graphql HTTP/1.1\r\n", *lines, "\r\n"]).encode()


def asking(query: str, **members: Any) -> bytes:
    return json.dumps({"query": query, **members}).encode()


def comparable(answer: Answer) -> Answer:
    """An answer without what differs each time: its id and its date."""
    status, headers, body = answer
    assert re.fullmatch(r"[0-9a-f]{32}|mine", headers["x-request-id"])
    return status, {name: value for name, value in headers.items() if name not in ("x-request-id", "date")}, body


def requests_counted() -> tuple[float, float]:
    """Requests and operations that were answered in this process."""
    text = exposition()[0].decode()
    requests = figure("trackgraph_http_requests_total", text, route="/graphql", status="200")
    return requests, figure("trackgraph_operations_total", text, type="query", outcome="ok")


HEADERS: Mapping[str, Mapping[str, str]] = {
    "the least": JSON,
    "a type of its own": {**JSON, "Accept": "application/graphql-response+json"},
    "anything": {**JSON, "Accept": "*/*"},
    "an id": {**JSON, "X-Request-Id": "mine"},
    "an id that cannot be": {**JSON, "X-Request-Id": "no blanks"},
    "a client": {**JSON, "apollographql-client-name": "app", "apollographql-client-version": "2.1"},
    "a charset": {**JSON, "Content-Type": "application/json; charset=utf-8"},
    "a connection that is kept": {**JSON, "Connection": "keep-alive"},
    "a page": {**JSON, "Origin": "http://localhost"},
}


@pytest.mark.parametrize("headers", HEADERS.values(), ids=HEADERS.keys())
async def test_an_answer_is_the_same_at_once(served: Served, order: SimulatedOrder, headers: Mapping[str, str]) -> None:
    for body in (asking(ORDER, variables={"number": order.number}), asking(LIST)):
        await served.warm_up(body, headers)
        at_once, through_the_application = await served.both(body, headers)

        assert comparable(at_once) == comparable(through_the_application)
        assert at_once[0] == 200
        assert "errors" not in json.loads(at_once[2])


async def test_what_is_at_hand_is_answered_at_once_and_nothing_else_is(served: Served, order: SimulatedOrder) -> None:
    for body in (asking(ORDER, variables={"number": order.number}), asking(LIST)):
        assert served.content_at_once(body) is None
        await served.warm_up(body)
        _, _, content = await served.connection.in_two_pieces(body)
        assert served.content_at_once(body) == content


async def test_no_two_answers_have_the_same_id_unless_the_client_says_so(served: Served) -> None:
    await served.warm_up(asking(LIST))
    ids = {(await served.connection.in_one_piece(asking(LIST)))[1]["x-request-id"] for _ in range(3)}
    assert len(ids) == 3
    unreadable = {**JSON, "X-Request-Id": "no blanks"}
    ids = {(await served.connection.in_one_piece(asking(LIST), unreadable))[1]["x-request-id"] for _ in range(3)}
    assert len(ids) == 3
    _, headers, _ = await served.connection.in_one_piece(asking(LIST), {**JSON, "X-Request-Id": "mine"})
    assert headers["x-request-id"] == "mine"


REFUSED: Mapping[str, tuple[bytes, Mapping[str, str]]] = {
    "no JSON": (b"{", JSON),
    "a list": (b"[]", JSON),
    "no query": (b"{}", JSON),
    "no document": (asking("{"), JSON),
    "no field of ours": (asking("{ nothing }"), JSON),
    "no such operation": (asking(LIST, operationName="Other"), JSON),
    "an unknown hash": (
        b'{"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "%b"}}}' % (b"0" * 64),
        JSON,
    ),
    "another type": (asking(LIST), {**JSON, "Content-Type": "text/plain"}),
    "compressed": (asking(LIST), {**JSON, "Content-Encoding": "gzip"}),
    "an answer that is none of ours": (asking(LIST), {**JSON, "Accept": "text/csv"}),
    "another host": (asking(LIST), {**JSON, "Host": "evil.example"}),
}


@pytest.mark.parametrize(("body", "headers"), REFUSED.values(), ids=REFUSED.keys())
async def test_what_is_refused_is_refused_alike(served: Served, body: bytes, headers: Mapping[str, str]) -> None:
    await served.warm_up(asking(LIST))
    at_once, through_the_application = await served.both(body, headers)
    assert comparable(at_once) == comparable(through_the_application)
    assert "errors" in json.loads(at_once[2])


async def test_an_error_while_running_is_told_alike(served: Served, order: SimulatedOrder) -> None:
    unknown = asking(ORDER, variables={"number": 7})
    await served.warm_up(asking(ORDER, variables={"number": order.number}))
    at_once, through_the_application = await served.both(unknown)
    assert comparable(at_once) == comparable(through_the_application)
    assert "errors" in json.loads(at_once[2])


async def test_each_request_is_counted_once(served: Served, order: SimulatedOrder) -> None:
    body = asking(ORDER, variables={"number": order.number})
    await served.warm_up(body)
    requests, operations = requests_counted()
    await served.both(body)
    assert requests_counted() == (requests + 2, operations + 2)


async def test_a_copy_that_is_served_is_counted_once(served: Served, world: World) -> None:
    """Also where it is met at first in vain: beside another order that has to be asked for."""
    hot, warm, cold = (order.number for order in world.orders[:3])
    await served.warm_up(asking(TWO, variables={"a": hot, "b": warm}))
    added = Added()
    await served.connection.in_one_piece(asking(TWO, variables={"a": hot, "b": cold}))
    assert added("trackgraph_cache_loads_total", result="MISS") == 1
    assert added("trackgraph_cache_loads_total", result="HIT") == 1


async def test_the_line_of_the_log_names_the_request_and_the_client(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    headers = {**JSON, "X-Request-Id": "mine", "apollographql-client-name": "app"}
    await served.warm_up(asking(LIST), headers)
    caplog.set_level(logging.INFO, ACCESS_LOGGER)
    lines: list[str] = []
    caplog.handler.setFormatter(OneLineFormatter())
    with caplog.filtering(lambda record: bool(lines.append(caplog.handler.format(record))) or True):
        await served.both(asking(LIST), headers)
    told = [re.sub(r"^\S+ | in \d+ ms$", "", line) for line in lines if "/graphql" in line]
    assert told == ["INFO gateway.access request=mine client=other/none POST /graphql 200"] * 2


async def test_the_answers_to_requests_that_come_together_keep_their_order(
    served: Served, order: SimulatedOrder
) -> None:
    hot, cold = asking(LIST), asking(ORDER, variables={"number": order.number})
    await served.warm_up(hot)
    served.connection.write(b"".join(_head(body, JSON) + body for body in (hot, cold, hot, hot)))
    bodies = [json.loads((await served.connection.answer())[2])["data"] for _ in range(4)]
    assert [next(iter(body)) for body in bodies] == ["orders", "order", "orders", "orders"]


async def test_a_connection_that_is_to_be_closed_is(served: Served) -> None:
    await served.warm_up(asking(LIST))
    status, headers, _ = await served.connection.in_one_piece(asking(LIST), {**JSON, "Connection": "close"})
    assert (status, headers["connection"]) == (200, "close")
    assert await served.connection.is_closed()


async def test_a_mutation_is_made_each_time(served: Served, order: SimulatedOrder) -> None:
    body = asking(LINK, variables={"number": order.number})
    answers = [json.loads((await served.connection.in_one_piece(body))[2]) for _ in range(WARM_UPS)]
    assert all("errors" not in answer for answer in answers)


async def test_what_has_changed_is_not_told_from_memory(
    served: Served, order: SimulatedOrder, clock: HandClock, providers: Providers
) -> None:
    body = asking(ORDER, variables={"number": order.number})
    await served.warm_up(body)
    providers.forget_calls()
    await served.connection.in_one_piece(body)
    assert providers.calls() == {}
    clock.advance(24 * 3600)
    await served.connection.in_one_piece(body)
    assert providers.calls() == {"karla": 1}


async def test_a_long_request_goes_through_the_application(served: Served) -> None:
    padded = asking(LIST) + b" " * LONGEST
    await served.warm_up(padded)
    at_once, through_the_application = await served.both(padded)
    assert comparable(at_once) == comparable(through_the_application)


@pytest.mark.parametrize(
    "more", [{"Cookie": "x" * LONGEST_HEAD}, {f"X-{place}": "" for place in range(MOST_HEADERS)}], ids=["long", "many"]
)
async def test_a_request_with_a_large_head_goes_through_the_application(
    served: Served, order: SimulatedOrder, more: Mapping[str, str]
) -> None:
    """What heads say is remembered, and a few that are as large as the server takes would fill the memory."""
    body = asking(ORDER, variables={"number": order.number})
    await served.warm_up(body)
    assert served.content_at_once(body) is not None
    assert served.content_at_once(body, {**JSON, **more}) is None
    status, _, told = await served.connection.in_one_piece(body, {**JSON, **more})
    assert (status, told) == (200, served.content_at_once(body))


async def test_nothing_is_answered_any_more_when_the_doors_are_closed(served: Served) -> None:
    await served.warm_up(asking(LIST))
    served.admission.close()
    status, _, body = await served.connection.in_one_piece(asking(LIST))
    assert status == 503
    assert json.loads(body)["errors"][0]["extensions"]["code"] == "SHUTTING_DOWN"
