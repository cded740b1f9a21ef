"""The input of an invoice tracker, and its limits."""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Iterable

import strawberry

from gateway.schema.constraints import Rule, Rules, length, violations
from gateway.schema.fields import IDEMPOTENCY_KEY, SHOP, optional, required
from gateway.schema.types.payloads import UserError
from providers.models import Media, Reference, TrackerDraft

TEXT_LIMIT = 255
"""Billink documents no lengths; 255 characters is what its kind of service commonly takes."""

MOST_MEDIA = 10


@strawberry.input(description="A picture or label.")
class MediaInput:
    content: str = required("The content in Base64.")
    type: str | None = optional("Media type, such as `image/png`.")


@strawberry.input(description="A tracker to be registered on an invoice.")
class CreateInvoiceTrackerInput:
    invoice_number: str = required("Number of the invoice.")
    carrier_code: str = required("The carrier's code, as Billink or the settings know it.")
    track_and_trace: str = required("The carrier's number of the parcel.")
    media: list[MediaInput] | None = optional("At most 10 pictures or labels.")
    shop: str | None = optional(SHOP)
    idempotency_key: str | None = optional(IDEMPOTENCY_KEY)


def _is_base64(text: str) -> bool:
    try:
        return bool(b64decode(text, validate=True))
    except (ValueError, Base64Error):
        return False


RULES: Rules = {
    MediaInput: {"content": Rule(_is_base64, "This is no Base64.")},
    CreateInvoiceTrackerInput: {
        "invoice_number": length(TEXT_LIMIT),
        "carrier_code": length(TEXT_LIMIT),
        "track_and_trace": length(TEXT_LIMIT),
        "media": Rule(lambda media: len(media) <= MOST_MEDIA, f"At most {MOST_MEDIA} are taken."),
    },
}
"""What we demand of each member."""


def check_tracker(given: CreateInvoiceTrackerInput) -> Iterable[UserError]:
    """What is wrong with a tracker to be registered, before anything is sent."""
    return violations(given, RULES)


def to_draft(given: CreateInvoiceTrackerInput, provider: str) -> TrackerDraft:
    return TrackerDraft(
        reference=Reference(provider=provider, kind="invoice_number", value=given.invoice_number.strip()),
        carrier_code=given.carrier_code.strip(),
        tracking_number=given.track_and_trace.strip(),
        media=tuple(Media(type=medium.type, content=medium.content) for medium in given.media or ()),
    )
