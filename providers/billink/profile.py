"""Facts about Billink, as data."""

from __future__ import annotations

from providers.base import Capability, ProviderProfile, ReferenceKind

NAME = "billink"
INVOICE_NUMBER = "invoice_number"

PROFILE = ProviderProfile(
    name=NAME,
    title="Billink",
    capabilities=frozenset({Capability.FIND_TRACKINGS, Capability.REGISTER_TRACKERS}),
    trust=3,
    reference_kinds=(ReferenceKind(INVOICE_NUMBER, "Invoice number", rule="invoice_number"),),
    finds_by=(INVOICE_NUMBER,),
    times="not documented; an instant is taken only where an offset is stated",
    # Billink publishes no limit. A merchant's software registers trackers one by one, so few are enough.
    concurrency=4,
    documentation="https://developers.billink.nl/order-management/create-tracker",
    # Billink documents no call that reads trackers.
    stored=True,
)
