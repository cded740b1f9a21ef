"""What every server is asked, and the upstream's answers that it is asked over.

The documents use names of `schema.graphql` that every peer can have as well: nothing that the gateway works out by
itself (global ids, merged fields, sources), and nothing that needs its table of carriers.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import orjson

from benchmarks.shop_data import Json, order_json, order_number

LIST_SIZE = 30

DIFFERENT = 1000
"""Orders, or filters of a page, that are asked for in turn."""

_ORDER = """\
    orderNumber orderName placedAt currency merchantSlug statusUrl expectedShipments weightGrams
    totalPrice { amount currency }
    trackings {
      trackingNumber trackingUrl status providerStatus
      carrier { reference }
      estimatedArrival { from to prediction }
      events {
        occurredAt status name
        location { city country countryCode }
      }
    }"""

ORDER_PAGE = f"""\
query OrderPage($number: String!) {{
  order(by: {{orderNumber: $number}}) {{
{_ORDER}
  }}
}}"""

ORDER_LIST = f"""\
query OrderList($from: DateTime!) {{
  orders(first: {LIST_SIZE}, filter: {{placedFrom: $from}}) {{
    nodes {{
{_ORDER}
    }}
  }}
}}"""

TINY = """\
query Tiny($number: String!) {
  order(by: {orderNumber: $number}) { orderNumber placedAt }
}"""

_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Question:
    """One line of work.

    `bodies` are POST requests with the same document, each about something else: another order, or the same page by
    another filter. Requests that are in flight together never ask the same. `leaves` are in each answer.
    """

    name: str
    bodies: tuple[bytes, ...]
    leaves: int


def order_bodies(count: int) -> tuple[bytes, ...]:
    """Requests for the pages of the first `count` orders of a shop."""
    return _of_orders(ORDER_PAGE, count)


def tiny_bodies(count: int) -> tuple[bytes, ...]:
    """Requests for the least of the same orders."""
    return _of_orders(TINY, count)


def list_bodies(count: int) -> tuple[bytes, ...]:
    """Requests for the same page of orders by `count` different filters."""
    moments = (_LONG_AGO + timedelta(seconds=place) for place in range(count))
    return tuple(_body(ORDER_LIST, **{"from": moment.isoformat()}) for moment in moments)


def _of_orders(query: str, count: int) -> tuple[bytes, ...]:
    return tuple(_body(query, number=order_number(place)) for place in range(count))


def _body(query: str, **variables: str) -> bytes:
    return orjson.dumps({"query": query, "variables": variables})


ORDER_LEAVES = 98

QUESTIONS: tuple[Question, ...] = (
    Question("order page", order_bodies(DIFFERENT), ORDER_LEAVES),
    Question("list of 30", list_bodies(DIFFERENT), ORDER_LEAVES * LIST_SIZE),
    Question("tiny", tiny_bodies(DIFFERENT), 2),
)


def page_of_orders() -> list[Json]:
    """What the upstream answers to a search for the newest orders."""
    return [order_json(order_number(place)) for place in range(LIST_SIZE)]


def count_leaves(data: object) -> int:
    """The values in an answer that are neither objects nor lists."""
    match data:
        case dict():
            return sum(map(count_leaves, data.values()))
        case list():
            return sum(map(count_leaves, data))
        case _:
            return 1
