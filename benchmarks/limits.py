"""What holding operations to their limits costs, and what an operation just below the limit of cost can cost at most.

The pass over a document is timed by itself, without reading it; an answer is timed as the pipeline gives it, with the
document new and copies at hand. Those *built to be dear* make the most work for their cost that was thought of.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import process_time

import orjson
from graphql import get_introspection_query, parse

from benchmarks.client import UnexpectedAnswer
from benchmarks.gateways import SHOP, link_to_paypal
from benchmarks.pages import Simulators
from benchmarks.processes import Child, python
from benchmarks.questions import ORDER_PAGE
from gateway.app import open_services, utc_now
from gateway.auth.principal import ANYONE
from gateway.resilience.deadline import Deadline
from gateway.schema.context import Context
from gateway.schema.counting import Counter
from gateway.schema.pipeline import GraphQLRequest, Pipeline
from gateway.schema.published import schema
from gateway.settings import parse_settings
from gateway.store.database import Database

COLUMNS = ("operation", "tokens", "cost", "counting ms", "answer CPU ms", "outcome")

ORDERS = 240

TIMES = 3
"""Each answer is timed so often."""

DEADLINE_SECONDS = 60
"""Of a query: on a machine that is busy with other things an answer should come late, and not break the run."""

TRIES = 12
"""The first answer is not timed: it fills the cache. One that lacks a part, because a copy was renewed and its provider
could not be heard while values were made, is asked for again."""

MANY_ORDERS = "query { orders(first: 100) { nodes { %s } } }"
ONE_ORDER = 'query { order(by: {orderNumber: "%s"}) { %s } }'


@dataclass(frozen=True, slots=True)
class _Question:
    name: str
    query: str


async def measure_limits() -> list[tuple[str, ...]]:
    """A row of `COLUMNS` for each operation."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="trackgraph-bench-")))
        child = Child(python("-m", "benchmarks.simulators", str(ORDERS)), r"(\{.*\})")
        simulators = Simulators(orjson.loads((await stack.enter_async_context(child)).answer))
        await link_to_paypal(folder / "store.db", await simulators.paid_orders())
        url = f"sqlite+aiosqlite:///{folder / 'store.db'}"
        database = Database(url)
        stack.push_async_callback(database.aclose)
        settings = parse_settings({"store": {"url": url}, "shops": {SHOP: simulators.settings}})
        services = await stack.enter_async_context(open_services(settings, database, utc_now))

        def new_pipeline() -> Pipeline:
            return Pipeline(
                schema,
                lambda one, principal: Context(services, one, Deadline.after(DEADLINE_SECONDS), principal),
                production=False,
            )

        number = await _richest_order(new_pipeline())
        return [await _row(question, new_pipeline) for question in _questions(number)]


def _questions(number: str) -> tuple[_Question, ...]:
    parts = "id trackings { id events(first: 20) { id status name occurredAt location { city countryCode } } }"
    latest = _aliased("latestEvent { id }", 60)
    health = "shop { providers { name title health { level p95Milliseconds errorRate circuitOpen lastSuccessAt } } }"
    filters = [f'orders(first: 100, filter: {{placedFrom: "20{year}-01-01T00:00:00Z"}})' for year in range(10, 17)]
    pages = " ".join(f"p{place}: {page} {{ nodes {{ trackings {{ id }} }} }}" for place, page in enumerate(filters))
    return (
        _Question("order page", ORDER_PAGE.replace("($number: String!)", "").replace("$number", f'"{number}"')),
        _Question("100 orders with 20 events for each parcel", MANY_ORDERS % parts),
        _Question("GraphiQL's introspection", get_introspection_query(input_value_deprecation=True)),
        _Question("40 fragments, each spread twice in the one before", _bomb(40)),
        _Question("10,000 tokens, one field", ONE_ORDER % (number, "id " * 9_982)),
        _Question("orders within orders, three times", ONE_ORDER % (number, _chain(3, "id"))),
        _Question("orders within orders, four times", ONE_ORDER % (number, _chain(4, "id"))),
        _Question("built to be dear: seven pages of 100 orders", f"query {{ {pages} }}"),
        _Question("built to be dear: orders within 100 orders", MANY_ORDERS % _chain(1, "id status createdAt")),
        _Question("built to be dear: orders within orders, and their parcels", ONE_ORDER % (number, _dense_chain())),
        _Question("built to be dear: what has to be worked out", MANY_ORDERS % f"trackings {{ {latest} }}"),
        _Question("built to be dear: nothing but values", MANY_ORDERS % _aliased(health, 32)),
    )


def _bomb(fragments: int) -> str:
    chain = (f"fragment F{place} on Order {{ ...F{place + 1} ...F{place + 1} }}" for place in range(fragments))
    start = 'query { order(by: {orderNumber: "1"}) { ...F0 } }'
    return f"{start} {' '.join(chain)} fragment F{fragments} on Order {{ id }}"


def _chain(times: int, inner: str) -> str:
    for _ in range(times):
        inner = f"order {{ trackings {{ {inner} }} }}"
    return f"trackings {{ {inner} }}"


def _dense_chain() -> str:
    return _chain(3, _aliased("carrier { name reference }", 25))


def _aliased(field: str, times: int) -> str:
    return " ".join(f"a{place}: {field}" for place in range(times))


async def _richest_order(pipeline: Pipeline) -> str:
    """The number of the order that has the most trackings."""
    request = GraphQLRequest(MANY_ORDERS % "orderNumber trackings { id }")
    answer = await pipeline.run(request, request_id="1", principal=ANYONE, queries_only=True)
    orders = answer.body["data"]["orders"]["nodes"]
    return str(max(orders, key=lambda order: len(order["trackings"]))["orderNumber"])


async def _row(question: _Question, new_pipeline: Callable[[], Pipeline]) -> tuple[str, ...]:
    document = parse(question.query)
    counter = Counter(schema._schema)
    [operation] = counter.count(document)
    counting = []
    for _ in range(TIMES):
        started = process_time()
        counter.count(document)
        counting.append(process_time() - started)
    answers = await _whole_answers(question, new_pipeline)
    return (
        question.name,
        f"{document.token_count:,}",
        f"{operation.cost({}):,}",
        f"{median(counting) * 1000:.2f}",
        f"{median(seconds for seconds, _outcome in answers) * 1000:.1f}",
        answers[-1][1],
    )


async def _whole_answers(question: _Question, new_pipeline: Callable[[], Pipeline]) -> list[tuple[float, str]]:
    """`TIMES` answers that lack nothing. Raises `UnexpectedAnswer` when there are not as many."""
    whole = []
    for _ in range(TRIES):
        with suppress(UnexpectedAnswer):
            whole.append(await _answered(question, new_pipeline()))
        if len(whole) > TIMES:
            return whole[1:]
    raise UnexpectedAnswer(f"{question.name}: most answers lack a part")


async def _answered(question: _Question, pipeline: Pipeline) -> tuple[float, str]:
    """The CPU seconds of an answer, all threads, and what came of it. Raises `UnexpectedAnswer` for half an answer."""
    started = process_time()
    answer = await pipeline.run(GraphQLRequest(question.query), request_id="1", principal=ANYONE, queries_only=True)
    seconds = process_time() - started
    if "errors" not in answer.body:
        return seconds, "answered"
    if answer.executed:
        raise UnexpectedAnswer(f"{question.name}: {answer.body['errors'][0]['message']}")
    told = answer.body["errors"][0]["extensions"]
    return seconds, f"refused: {told.get('limit', told['code'])}"
