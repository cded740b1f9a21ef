"""Values that occur nowhere else, put in place of every leaf of a sample, so that each can be found again."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from providers.parsing import parse_instant

WEB_ADDRESSES = frozenset(
    {
        "embed_url",
        "href",
        "image_url",
        "order_status_url",
        "pickup_point_url",
        "share_url",
        "src",
        "tracking_link",
        "tracking_url",
        "url",
    }
)
"""The members that hold an address; the samples' placeholders for them ("string", "href6") are none."""

PLACES = frozenset({"latitude", "longitude", "coordinates"})
"""The members that hold degrees, which have bounds."""

FREE_KEYS = frozenset({"pickup_opening_hours", "risks"})
"""The members whose own members have no fixed names: there the names are data too."""

KEPT = frozenset({("geometry", "type"), ("polyline", "type")})
"""What says how its neighbours are read (GeoJSON's `type`) and is no data itself, as the last two steps of its path."""


@dataclass
class Marks:
    """Hands out values, none of them twice, and remembers where each was put."""

    placed: dict[str, str] = field(default_factory=dict)
    """Canonical mark by path, such as `[0].trackings[0].uuid`."""
    _count: int = 0

    def put_into(self, body: Any, path: str = "", steps: tuple[str, ...] = ()) -> Any:
        """`body` with a mark for every leaf."""
        if isinstance(body, dict):
            return {
                self._key(name, steps, path): self.put_into(value, f"{path}.{name}", (*steps, name))
                for name, value in body.items()
            }
        if isinstance(body, list):
            return [self.put_into(value, f"{path}[{at}]", steps) for at, value in enumerate(body)]
        if body is None or steps[-2:] in KEPT:
            return body
        mark = self._instead_of(body, steps[-1] if steps else "")
        self.placed[path] = canonical(mark)
        return mark

    def missing_in(self, answer: Any) -> set[str]:
        """The paths, without their positions, whose mark is nowhere in `answer`."""
        found = {canonical(leaf) for leaf in leaves(answer)}
        return {without_positions(path) for path, mark in self.placed.items() if mark not in found}

    def _key(self, name: str, steps: tuple[str, ...], path: str) -> str:
        if not steps or steps[-1] not in FREE_KEYS:
            return name
        self._count += 1
        self.placed[f"{path}.{name} (its name)"] = f"key-{self._count}"
        return f"key-{self._count}"

    def _instead_of(self, value: object, member: str) -> object:
        self._count += 1
        if member in WEB_ADDRESSES:
            return f"https://example.com/{self._count}"
        if member in PLACES:
            return self._instant() if isinstance(value, str) else self._count / 1000
        if isinstance(value, bool):
            return f"no place for a truth value: {self._count}"
        if isinstance(value, int | float):
            return 7_000_000 + self._count
        return self._instead_of_text(str(value), member)

    def _instead_of_text(self, value: str, member: str) -> str:
        if _is_uuid(value) and member not in ("route_handle", "device_id"):
            return str(UUID(int=self._count))
        if parse_instant(value) or member in ("create_time", "update_time"):
            return self._instant()
        return str(7_000_000 + self._count) if member == "amount" else f"mark-{self._count}"

    def _instant(self) -> str:
        return (datetime(2031, 1, 1, tzinfo=UTC) + timedelta(seconds=self._count)).isoformat()


def without_positions(path: str) -> str:
    """`path` for all items of its lists: `trackings[].uuid`."""
    return re.sub(r"\[\d+\]", "[]", path).lstrip(".")


def canonical(value: object) -> str:
    """One spelling for a value, whether JSON holds it as a number or as a text."""
    if isinstance(value, bool) or value is None:
        return repr(value)
    try:
        return str(Decimal(str(value)).normalize())
    except InvalidOperation:
        return str(value)


def leaves(value: Any) -> Iterator[object]:
    """Every value in `value` that holds no others."""
    if isinstance(value, Mapping):
        for each in value.values():
            yield from leaves(each)
    elif isinstance(value, list):
        for each in value:
            yield from leaves(each)
    else:
        yield value


def _is_uuid(text: str) -> bool:
    return len(text) == 36 and text.count("-") == 4
