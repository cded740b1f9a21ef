"""Entries on their way through bytes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from gateway.freshness.envelope import Entry, Unreadable, from_microseconds, pack, to_microseconds, unpack
from providers.models import (
    CarrierTracking,
    Money,
    Order,
    Product,
    Reference,
    Tracking,
    TrackingEvent,
    TrackingsFound,
    TrackingStatus,
)
from tests.gateway.orders.builders import generic, invoice, parcel, payment, stop

INSTANTS = st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC))
NOW = datetime(2026, 1, 31, 12, 0, 0, 123456, tzinfo=UTC)
ORDERS = TypeAdapter(Order)
NUMBERS = TypeAdapter(int)
FOUND = TypeAdapter(TrackingsFound)


def entry(value: int | None = 7, *, found: bool = True) -> Entry[int]:
    later = NOW + timedelta(hours=1)
    return Entry(value, found, to_microseconds(NOW), NOW, later, later, frozenset({"tag"}))


@given(INSTANTS, INSTANTS, INSTANTS, INSTANTS, st.frozensets(st.text(st.characters(codec="ascii"))))
def test_an_entry_comes_back_as_it_was(
    asked: datetime, fetched: datetime, fresh: datetime, stale: datetime, tags: frozenset[str]
) -> None:
    before = Entry(7, True, to_microseconds(asked), fetched, fresh, stale, tags)
    assert unpack(pack(before, NUMBERS), NUMBERS) == before


@given(INSTANTS)
def test_microseconds_are_exact(instant: datetime) -> None:
    assert from_microseconds(to_microseconds(instant)) == instant


@pytest.mark.parametrize("number", [1, 2**63, 2**64, -(2**70)])
def test_an_order_comes_back_with_its_types(number: int) -> None:
    order = Order(
        order_number="4711",
        uuid=UUID(int=7),
        total_price=Money(amount=Decimal("10.10"), currency="EUR"),
        products=(Product(title="Shirt", bundled_products=(Product(title="Button"),)),),
        analytics={"a": None, "b": [number, 2.5, "x", {"c": True}]},
        trackings=(
            CarrierTracking(
                provider="karla",
                status=TrackingStatus.IN_TRANSIT,
                events=(TrackingEvent(status=TrackingStatus.UNKNOWN, occurred_at=NOW),),
            ),
        ),
    )
    before = Entry(order, True, 1, NOW, NOW, NOW, frozenset())
    assert unpack(pack(before, ORDERS), ORDERS).value == order


@pytest.mark.parametrize(
    "found", [parcel(TrackingStatus.DELIVERED), stop(), payment(), invoice(), generic()], ids=lambda each: each.kind
)
def test_every_kind_of_tracking_comes_back_and_is_written_as_pydantic_does(found: Tracking) -> None:
    timed = found.model_copy(update={"updated_at": NOW.astimezone(timezone(-timedelta(hours=3, minutes=30)))})
    value = TrackingsFound(trackings=(timed,), references=(Reference(provider="karla", kind="uuid", value="é"),))
    written = pack(Entry(value, True, 1, NOW, NOW, NOW, frozenset()), FOUND)
    assert unpack(written, FOUND).value == value
    assert FOUND.validate_json(FOUND.dump_json(value)) == value
    assert orjson.loads(written.splitlines()[1]).keys() == orjson.loads(FOUND.dump_json(value)).keys()


def test_there_is_none_comes_back_without_a_value() -> None:
    assert unpack(pack(entry(None, found=False), NUMBERS), NUMBERS) == entry(None, found=False)


def test_an_entry_is_two_lines_of_json() -> None:
    head, body = pack(entry(), NUMBERS).split(b"\n")
    assert orjson.loads(head)["version"] == 1
    assert orjson.loads(body) == 7


@given(st.binary())
def test_bytes_of_any_kind_are_unreadable_and_nothing_worse(payload: bytes) -> None:
    with pytest.raises(Unreadable):
        unpack(payload, NUMBERS)


@given(st.integers(min_value=0), st.integers(min_value=0, max_value=255))
def test_one_changed_byte_is_unreadable_or_an_entry(at: int, byte: int) -> None:
    payload = bytearray(pack(entry(), NUMBERS))
    payload[at % len(payload)] = byte
    try:
        unpack(bytes(payload), NUMBERS)
    except Unreadable:
        return


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"version":1', b'"version":2'),
        (b'"found":true', b'"found":"perhaps"'),
        (b"Z", b""),
        (b'"tags":["tag"]', b'"tags":"tag"'),
        (b'{"version"', b'{"extra":1,"version"'),
        (b"\n7", b"\nseven"),
        (b"\n7", b"\n"),
        (b"\n7", b""),
    ],
)
def test_another_version_shape_or_type_is_unreadable(old: bytes, new: bytes) -> None:
    payload = pack(entry(), NUMBERS)
    assert old in payload
    with pytest.raises(Unreadable):
        unpack(payload.replace(old, new), NUMBERS)
