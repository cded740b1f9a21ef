"""Facts about HyperTrack, as data."""

from __future__ import annotations

from providers.base import DEFAULT_CONCURRENCY, Capability, ProviderProfile, ReferenceKind

NAME = "hypertrack"
ORDER_HANDLE = "order_handle"
ROUTE_HANDLE = "route_handle"

_HANDLE = r"(?!\.{1,2}$)[^\x00-\x1f\x7f]{1,255}"
"""A handle is any text of at least one character (OpenAPI file, `TrackOrder`). It is part of a path, where `.` and `..`
would name another resource. 255 is our own bound: none is documented."""

PROFILE = ProviderProfile(
    name=NAME,
    title="HyperTrack",
    capabilities=frozenset({Capability.FIND_TRACKINGS, Capability.FIND_ROUTES, Capability.TRACK_ROUTES}),
    trust=1,
    reference_kinds=(
        ReferenceKind(ORDER_HANDLE, "Order handle", rule="order_handle", pattern=_HANDLE),
        # Finds no trackings: a route stops at other orders too, and nothing on it says which stops are this order's.
        ReferenceKind(ROUTE_HANDLE, "Route handle", pattern=_HANDLE, shared=True),
    ),
    finds_by=(ORDER_HANDLE,),
    times="RFC 3339 in UTC, with milliseconds",
    concurrency=DEFAULT_CONCURRENCY,
    documentation="https://hypertrack.com/reference",
    estimates_arrival=True,
)
