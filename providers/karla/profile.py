"""Facts about Karla, as data (Karla API reference, Orders)."""

from __future__ import annotations

from providers.base import DEFAULT_CONCURRENCY, Capability, ProviderProfile, ReferenceKind

UUID_PATTERN = r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"

PROFILE = ProviderProfile(
    name="karla",
    title="Karla",
    capabilities=frozenset({Capability.FIND_ORDERS, Capability.WRITE_ORDERS}),
    trust=0,
    # The order's own names: Karla tells them itself, so nobody links them.
    reference_kinds=(
        ReferenceKind("order_number", "Order number", linkable=False),
        ReferenceKind("order_name", "Order name", linkable=False),
        ReferenceKind("external_id", "External id", linkable=False),
        ReferenceKind("uuid", "UUID", pattern=UUID_PATTERN, linkable=False),
    ),
    finds_by=("order_number", "order_name", "external_id", "uuid"),
    times="ISO 8601 with an offset; a time without one states no instant",
    concurrency=DEFAULT_CONCURRENCY,
    documentation="https://docs.gokarla.io/docs/api/entities/order",
    estimates_arrival=True,
    page_size_limit=100,
)
