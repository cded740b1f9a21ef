"""Facts about PayPal's order trackers, as data (PayPal Orders v2 OpenAPI 2.13)."""

from __future__ import annotations

from providers.base import DEFAULT_CONCURRENCY, Capability, ProviderProfile, ReferenceKind

PROFILE = ProviderProfile(
    name="paypal",
    title="PayPal",
    capabilities=frozenset({Capability.FIND_TRACKINGS, Capability.TRACK_PAYMENTS}),
    trust=2,
    reference_kinds=(
        # A split payment gives one shop order several PayPal orders.
        ReferenceKind("paypal_order_id", "PayPal order id", pattern=r"[A-Z0-9]{1,36}"),
    ),
    finds_by=("paypal_order_id",),
    times="RFC 3339 with an offset; second 60 is allowed",
    # PayPal publishes no number, and asks to avoid bursts (PayPal REST rate limiting guidelines).
    concurrency=DEFAULT_CONCURRENCY,
    documentation="https://developer.paypal.com/docs/api/orders/v2/",
)
