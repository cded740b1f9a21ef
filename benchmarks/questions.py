"""The two queries that are timed, as bodies of POST requests."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import orjson

ORDER_PAGE = """\
query OrderPage($number: String!) {
  order(by: {orderNumber: $number}) {
    id orderNumber placedAt status deliveryStatus
    totalPrice { amount currency }
    estimatedArrival { from to prediction provider { name title } }
    trackings {
      id trackingNumber trackingUrl status providerStatus updatedAt
      carrier { reference name }
      provider { name title }
    }
    events {
      id occurredAt timezone status name description
      location { city countryCode latitude longitude }
      provider { name }
    }
    sources { provider { name } cache fetchedAt ageSeconds error { code } }
  }
}"""
"""What an order page shows. Asks Karla, PayPal and HyperTrack, and the store for Billink."""

ORDER_LIST = """\
query OrderList($filter: OrderFilter) {
  orders(first: 30, filter: $filter) {
    nodes {
      id orderNumber placedAt status
      totalPrice { amount currency }
      trackings(providers: ["karla"]) {
        trackingNumber status
        carrier { reference name }
        events { occurredAt status name location { city countryCode } }
      }
    }
    pageInfo { hasNextPage endCursor }
  }
}"""
"""What a list of orders shows. Asks Karla, once."""


ORDER_RECORD = """\
query OrderRecord($number: String!) {
  order(by: {orderNumber: $number}) { orderNumber trackings { status } sources { cache } }
}"""
"""The least that shows an order, and where the answer came from."""


def order_page(number: str) -> bytes:
    """The order page of the order `number`."""
    return _body(ORDER_PAGE, number=number)


def order_list() -> bytes:
    """The 30 newest orders."""
    return _body(ORDER_LIST)


def order_lists() -> Iterator[bytes]:
    """The 30 newest orders over and over, each time by a filter that was not used before and lets all pass."""
    long_ago = datetime(2000, 1, 1, tzinfo=UTC)
    return (
        _body(ORDER_LIST, filter={"placedFrom": (long_ago + timedelta(seconds=number)).isoformat()})
        for number in count()
    )


def order_record(number: str) -> bytes:
    """The least of the order `number`."""
    return _body(ORDER_RECORD, number=number)


def _body(query: str, **variables: Any) -> bytes:
    return orjson.dumps({"query": query, "variables": variables})
