"""The claim that nothing a provider documents is lost on the way into the domain.

Every leaf of a sample is replaced by a value that occurs nowhere else; after mapping, each must be found again in the
domain object. Karla's samples show few optional members, so what only its tables list is added by hand below.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from pydantic import BaseModel

import providers.karla.mapping
import providers.karla.wire
import providers.paypal.mapping
import providers.paypal.wire
from providers.parsing import parse_instant

ROOT = Path(providers.karla.wire.__file__).parents[1]

WEB_ADDRESSES = frozenset(
    {"order_status_url", "src", "tracking_url", "url", "image_url", "href", "pickup_point_url", "tracking_link"}
)
"""The members that hold an address; the samples' placeholders for them ("string", "href6") are none."""

PRODUCT_OF_TABLES = {
    "title": "t",
    "quantity": 1,
    "price": 9.5,
    "size": "XL",
    "images": [{"src": "https://example.com", "alt": "a"}],
    "sku": "s",
    "weight": 100,
    "tax_lines": [{"currency": "EUR", "price": 1.5, "rate": 0.2, "title": "VAT"}],
    "bundled_products": [{"title": "b", "quantity": 1, "sku": "s"}],
    "shipment_id": "s",
    "type": "bundle",
}
ORDER_OF_TABLES = {
    "email_id": "jane@example.com",
    "order_status_url": "https://example.com",
    "order_analytics": {"source": "newsletter"},
    "products": [PRODUCT_OF_TABLES],
}
"""Members of the Karla API reference's tables (Place Order) and of its Dart client that no sample shows."""


def sample(provider: str, name: str) -> Any:
    return json.loads((ROOT / provider / "samples" / f"{name}.json").read_text())


def full_address() -> Any:
    return sample("karla", "update_order_request")["address"]


def whole_order() -> Any:
    """The found order with every member that the reference lists for one."""
    (found,) = sample("karla", "search_orders")
    placed = sample("karla", "place_order_request")
    tracking = {**found["trackings"][0], **sample("karla", "update_shipment"), "products": [PRODUCT_OF_TABLES]}
    tracking["events"] += found["trackings"][0]["events"]
    order = {**found, **placed, **ORDER_OF_TABLES, "address": full_address()}
    return {**order, "trackings": [*found["trackings"], tracking]}


def karla_order(body: Any) -> BaseModel:
    wire = providers.karla.wire.ORDER_ANSWER.validate_json(json.dumps(body).encode())
    return providers.karla.mapping.to_order(wire)


def karla_tracking(body: Any) -> BaseModel:
    wire = providers.karla.wire.TRACKING_ANSWER.validate_json(json.dumps(body).encode())
    return providers.karla.mapping.to_tracking(wire)


def paypal_tracker(body: Any) -> BaseModel:
    wire = providers.paypal.wire.ORDER_ANSWER.validate_json(json.dumps(body))
    (tracker,) = providers.paypal.mapping.to_trackers(wire, "PAYPALORDER1")
    return tracker


CASES = {
    "karla: found order": (karla_order, sample("karla", "search_orders")[0]),
    "karla: updated order": (karla_order, sample("karla", "update_order")),
    "karla: updated shipment": (karla_tracking, sample("karla", "update_shipment")),
    "karla: placed order": (karla_order, sample("karla", "place_order_request")),
    "karla: all members of the tables": (karla_order, whole_order()),
    "paypal: tracker": (paypal_tracker, sample("paypal", "order_tracker_response")),
    "paypal: tracker with all members": (
        paypal_tracker,
        sample("paypal", "order")["purchase_units"][0]["shipping"]["trackers"][1],
    ),
}


class Marks:
    """Hands out values of a kind, none of them twice."""

    def __init__(self) -> None:
        self._count = 0

    def instead_of(self, value: object, member: str) -> object:
        self._count += 1
        if member in WEB_ADDRESSES:
            return f"https://example.com/{self._count}"
        if member in ("latitude", "longitude"):
            return self._count / 1_000
        if isinstance(value, int | float):
            return 7_000 + self._count
        if not isinstance(value, str):
            raise TypeError(f"no mark for {member}: {value!r}")
        return self._instead_of_text(value, member)

    def _instead_of_text(self, value: str, member: str) -> str:
        if is_uuid(value):
            return str(UUID(int=self._count))
        if parse_instant(value) or member in ("create_time", "update_time"):
            return (datetime(2031, 1, 1, tzinfo=UTC) + timedelta(seconds=self._count)).isoformat()
        return str(7_000 + self._count) if member == "amount" else f"mark-{self._count}"


def is_uuid(text: str) -> bool:
    return len(text) == 36 and text.count("-") == 4


def marked(body: Any, marks: Marks, found: dict[str, object], path: str = "") -> Any:
    """`body` with a mark for every leaf; `found` gets the mark of each path."""
    if isinstance(body, dict):
        return {name: marked(value, marks, found, f"{path}.{name}") for name, value in body.items()}
    if isinstance(body, list):
        return [marked(value, marks, found, f"{path}[{at}]") for at, value in enumerate(body)]
    found[path] = marks.instead_of(body, path.rpartition(".")[2].partition("[")[0])
    return found[path]


def leaves(value: Any) -> Iterator[object]:
    if isinstance(value, dict):
        for each in value.values():
            yield from leaves(each)
    elif isinstance(value, tuple | list):
        for each in value:
            yield from leaves(each)
    else:
        yield value


def plain(value: object) -> object:
    """One spelling for the values that the domain holds in a richer type than JSON has."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Decimal | int | float) and not isinstance(value, bool):
        return str(Decimal(str(value)).normalize())
    return str(value)


@pytest.mark.parametrize("case", CASES)
def test_every_leaf_of_a_sample_is_found_in_the_domain(case: str) -> None:
    to_domain, body = CASES[case]
    marks: dict[str, object] = {}
    domain = to_domain(marked(body, Marks(), marks))
    reached = {plain(leaf) for leaf in leaves(domain.model_dump())}
    assert {path for path, mark in marks.items() if plain(mark) not in reached} == set()
    assert marks
