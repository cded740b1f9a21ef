"""From HyperTrack's refusals of a draft to its members: pure functions and the tables they read. Knows nothing of HTTP.

The bodies are those of the reference page "Track Orders" (hypertrack.com/reference/post-orders-track) and of the
OpenAPI file behind it: `Error` with a code, `ValidationError` with messages in the shape of the request.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from pydantic import JsonValue

from providers.errors import Violation
from providers.hypertrack import wire

Path = tuple[str, ...]

FIELDS_BY_CODE: Mapping[str, Path] = {
    "driver_not_linked_to_device": ("worker_handle",),
    "driver_not_found": ("worker_handle",),
    "driver_deleted": ("worker_handle",),
    "device_not_found": ("device_id",),
    "route_not_found": ("route_handle",),
    "ops_group_not_defined": ("ops_group_handle",),
    "destination_place_not_found": ("orders",),  # which of them, HyperTrack does not say
    "geofence_not_found": ("orders",),
}
"""Which member of the draft a refusal with a code is about (OpenAPI file, Track Orders, 400, 404 and 409).

Two codes are about no one member: `validation_error`, and `duplicate_resource`, which is said of a route's handle and
of an order's alike.
"""

EACH = "*"
"""Stands for the place of an order in the list of them."""

FIELDS: Mapping[Path, Path] = {
    ("worker_handle",): ("worker_handle",),
    ("driver_handle",): ("worker_handle",),  # the name before `worker_handle`, deprecated
    ("device_id",): ("device_id",),
    ("route_handle",): ("route_handle",),
    ("track_mode",): ("track_mode",),
    ("ops_group_handle",): ("ops_group_handle",),
    ("orders",): ("orders",),
    ("orders", EACH): ("orders", EACH),
    ("orders", EACH, "order_handle"): ("orders", EACH, "order_handle"),
    ("orders", EACH, "type"): ("orders", EACH, "type"),
    ("orders", EACH, "scheduled_at"): ("orders", EACH, "scheduled_at"),
    ("orders", EACH, "destination"): ("orders", EACH, "destination"),
    ("orders", EACH, "destination", "address"): ("orders", EACH, "destination", "address"),
    ("orders", EACH, "destination", "radius"): ("orders", EACH, "destination", "radius_metres"),
    ("orders", EACH, "destination", "geometry"): ("orders", EACH, "destination", "location"),
    ("orders", EACH, "destination", "geometry", "coordinates", "0"): (
        "orders", EACH, "destination", "location", "longitude",
    ),
    ("orders", EACH, "destination", "geometry", "coordinates", "1"): (
        "orders", EACH, "destination", "location", "latitude",
    ),
}  # fmt: skip
"""Which member of the draft each member of the request came from; what is inside of one and not listed belongs to the
nearest member around it that is."""

_PLACE = re.compile(r"0|[1-9][0-9]{0,5}")


def to_violations(refusal: wire.Refusal, orders: int) -> tuple[Violation, ...]:
    """What a refusal of a draft with so many orders says of its members, each of them once; none when it names none.

    A violation's `field` is empty when HyperTrack names a member that did not come from the draft.
    """
    if refusal.code:
        field = FIELDS_BY_CODE.get(refusal.code)
        return (Violation(field, refusal.code),) if field else ()
    locations = refusal.detail.values() if isinstance(refusal.detail, dict) else ()
    paths = (path for location in locations for path in _blamed(location))
    return tuple(Violation(field) for field in dict.fromkeys(_to_field(path, orders) for path in paths))


def _blamed(tree: JsonValue, path: Path = ()) -> Iterator[Path]:
    """The path of everything that has messages in one location of a `ValidationError`.

    The tree has the shape of the request. Elements of a list stand under their place in it, or in a list themselves.
    """
    if isinstance(tree, dict):
        branches = list(tree.items())
    elif isinstance(tree, list) and any(isinstance(each, dict | list) for each in tree):
        branches = [(str(place), each) for place, each in enumerate(tree) if each]
    else:
        yield path
        return
    for name, branch in branches:
        yield from _blamed(branch, (*path, name))


def _to_field(path: Path, orders: int) -> Path:
    place = path[1] if len(path) > 1 else ""
    is_order = path[:1] == ("orders",) and bool(_PLACE.fullmatch(place)) and int(place) < orders
    shape = ("orders", EACH, *path[2:]) if is_order else path[:1]
    around = (FIELDS.get(shape[:length], ()) for length in range(len(shape), 0, -1))
    field = next((field for field in around if field), ())
    return tuple(place if name == EACH else name for name in field)
