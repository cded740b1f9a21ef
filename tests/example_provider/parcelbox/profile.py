"""Facts about Parcelbox, as data."""

from providers.base import Capability, ProviderProfile, ReferenceKind

NAME = "parcelbox"
ORDER = "parcelbox_order"

PROFILE = ProviderProfile(
    name=NAME,
    title="Parcelbox",
    capabilities=frozenset({Capability.FIND_TRACKINGS}),
    trust=4,  # after Karla (0), HyperTrack (1), PayPal (2) and Billink (3)
    reference_kinds=(ReferenceKind(ORDER, "Parcelbox order", rule="order", pattern=r"[A-Za-z0-9-]{1,40}"),),
    finds_by=(ORDER,),
    times="RFC 3339 with an offset",
    concurrency=4,
    documentation="https://parcelbox.example/api",
)
