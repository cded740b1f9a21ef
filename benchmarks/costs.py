"""Where the CPU time of a warm request goes: each layer is run by itself, and taken from what is around it.

A profiler makes Python's many small calls dearer than the few large ones and so points at the wrong layer; here nothing
is traced. Gateway and measurement share this process; sockets are left out, as they are in what `pages` tells.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import process_time
from typing import Any

import orjson
from starlette.types import ASGIApp, Message

from benchmarks.gateways import SHOP, link_to_paypal
from benchmarks.pages import Simulators
from benchmarks.processes import Child, python
from benchmarks.questions import order_list, order_page
from gateway.app import open_services, utc_now
from gateway.auth.principal import ANYONE, Principal
from gateway.http.health import PartHealth
from gateway.http.middleware import GRAPHQL_PATH
from gateway.http.routes import HttpOptions, create_http_app
from gateway.orders.identity import OrderKey, OrderName
from gateway.orders.pages import PageWindow
from gateway.resilience.deadline import Deadline
from gateway.schema.context import Context, Services
from gateway.schema.encoding import encode
from gateway.schema.order_needs import need_for
from gateway.schema.pipeline import GraphQLRequest, Pipeline
from gateway.schema.published import schema
from gateway.settings import parse_settings
from gateway.store.database import Database
from providers.models import OrderSearch

ORDERS = 240
REQUESTS = 50
"""In each round."""

COLUMNS = ("page", "fields", "layer", "CPU ms", "share")

EXECUTION = "running the query's fields: graphql-core, Strawberry, merging"
COPIES = "finding the copies and putting the orders together"
STORE = "reading the store: links, trackers registered at Billink"
ENCODING = "writing JSON"
AROUND = "HTTP around it, without sockets"

Work = Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class _Subject:
    """A page, and what its layers do, each by itself. `store` is None where the page does not read the store."""

    name: str
    body: bytes
    load: Callable[[Context], Awaitable[object]]
    store: Work | None


async def measure_costs(requests: int) -> list[tuple[str, ...]]:
    """A row of `COLUMNS` for each layer of each page: medians of so many `requests`."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="trackgraph-bench-")))
        child = Child(python("-m", "benchmarks.simulators", str(ORDERS)), r"(\{.*\})")
        simulators = Simulators(orjson.loads((await stack.enter_async_context(child)).answer))
        orders = await simulators.paid_orders()
        await link_to_paypal(folder / "store.db", orders)
        url = f"sqlite+aiosqlite:///{folder / 'store.db'}"
        database = Database(url)
        stack.push_async_callback(database.aclose)
        settings = parse_settings({"store": {"url": url}, "shops": {SHOP: simulators.settings}})
        services = await stack.enter_async_context(open_services(settings, database, utc_now))
        rows = []
        for subject in _subjects(services, orders[0][0]):
            rows += await _measure(subject, services, requests)
        return rows


def _subjects(services: Services, number: str) -> tuple[_Subject, ...]:
    shop = services.shops.find(None)
    page_fields = ("placedAt", "deliveryStatus", "estimatedArrival", "trackings", "events")
    page_needs = [need_for(field) for field in page_fields]
    list_needs = [need_for("placedAt"), need_for("trackings", ["karla"])]

    async def read_store() -> None:
        await services.links.of_order(SHOP, number)
        await services.invoice_trackers[SHOP].find_by_invoice(number)

    return (
        _Subject(
            "order page",
            order_page(number),
            lambda context: context.orders.find(shop, OrderKey(OrderName.NUMBER, number), page_needs),
            read_store,
        ),
        _Subject(
            "30 orders",
            order_list(),
            lambda context: context.orders.search(shop, OrderSearch(), PageWindow(0, 30), list_needs),
            None,
        ),
    )


async def _measure(subject: _Subject, services: Services, requests: int) -> list[tuple[str, ...]]:
    def new_context(request_id: str, principal: Principal = ANYONE) -> Context:
        return Context(services, request_id, Deadline.after(services.query_seconds), principal)

    pipeline = Pipeline(schema, new_context, production=False)
    app = create_http_app(pipeline, HttpOptions(), _ready)
    request = GraphQLRequest(**orjson.loads(subject.body))
    answer = await pipeline.run(request, request_id="warming", principal=ANYONE, queries_only=False)

    async def encode_answer() -> bytes:
        return encode(answer.body)

    works: dict[str, Work] = {
        "all": lambda: _post(app, subject.body),
        "pipeline": lambda: pipeline.run(request, request_id="measured", principal=ANYONE, queries_only=False),
        "load": lambda: subject.load(new_context("measured")),
        "encode": encode_answer,
    }
    if subject.store is not None:
        works["store"] = subject.store
    spent = await _time_each(works, requests)
    layers = {
        EXECUTION: spent["pipeline"] - spent["load"],
        COPIES: spent["load"] - spent.get("store", 0),
        STORE: spent.get("store", 0),
        ENCODING: spent["encode"],
        AROUND: spent["all"] - spent["pipeline"] - spent["encode"],
    }
    ranked = sorted(((name, seconds) for name, seconds in layers.items() if seconds > 0), key=lambda layer: -layer[1])
    fields = str(count_fields(answer.body["data"]))
    return [
        (subject.name, fields, name, f"{seconds * 1000:.2f}", f"{seconds / spent['all']:.0%}")
        for name, seconds in (*ranked, ("all", spent["all"]))
    ]


async def _time_each(works: Mapping[str, Work], requests: int) -> dict[str, float]:
    """The median CPU seconds of each work, all threads. They take turns, so that a disturbance meets all of them."""
    spent: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(requests):
        for name, work in works.items():
            started = process_time()
            await work()
            spent[name].append(process_time() - started)
    return {name: median(times) for name, times in spent.items()}


async def _post(app: ASGIApp, body: bytes) -> None:
    """One request to `app` as a server would put it."""

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(_message: Message) -> None:
        pass

    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    place = {"method": "POST", "path": GRAPHQL_PATH, "raw_path": GRAPHQL_PATH.encode(), "root_path": ""}
    scope = {"type": "http", "http_version": "1.1", "query_string": b"", "headers": headers, "state": {}, **place}
    await app(scope, receive, send)


async def _ready() -> Mapping[str, PartHealth]:
    return {}


def count_fields(data: Any) -> int:
    """The members of all objects in an answer."""
    if isinstance(data, Mapping):
        return len(data) + sum(map(count_fields, data.values()))
    if isinstance(data, Sequence) and not isinstance(data, str):
        return sum(map(count_fields, data))
    return 0
