"""The input of an invoice tracker, and its limits."""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Iterable

import strawberry

from gateway.schema.constraints import wrong
from gateway.schema.refusals import Terms
from gateway.schema.types.payloads import UserError
from providers.models import Media, Reference, TrackerDraft

TEXT_LIMIT = 255
"""Billink documents no lengths; 255 characters is what its kind of service commonly takes."""

MOST_MEDIA = 10


@strawberry.input(description="A picture or label.")
class MediaInput:
    content: str = strawberry.field(description="The content in Base64.")
    type: str | None = strawberry.field(default=None, description="Media type, such as `image/png`.")


@strawberry.input(description="A tracker to be registered on an invoice.")
class CreateInvoiceTrackerInput:
    invoice_number: str = strawberry.field(description="Number of the invoice.")
    carrier_code: str = strawberry.field(description="The carrier's code, as Billink or the settings know it.")
    track_and_trace: str = strawberry.field(description="The carrier's number of the parcel.")
    media: list[MediaInput] | None = strawberry.field(default=None, description="At most 10 pictures or labels.")
    shop: str | None = strawberry.field(default=None, description="The shop's slug, when there are several.")


TERMS = Terms(CreateInvoiceTrackerInput, renamed={"reference": "invoiceNumber", "tracking_number": "trackAndTrace"})


def check_tracker(given: CreateInvoiceTrackerInput) -> Iterable[UserError]:
    """What is wrong with an input, before anything is sent."""
    texts = {
        "invoiceNumber": given.invoice_number,
        "carrierCode": given.carrier_code,
        "trackAndTrace": given.track_and_trace,
    }
    for member, text in texts.items():
        if not text.strip() or len(text) > TEXT_LIMIT or not text.isprintable():
            yield wrong(f"This takes 1 to {TEXT_LIMIT} printable characters.", member)
    media = given.media or []
    if len(media) > MOST_MEDIA:
        yield wrong(f"At most {MOST_MEDIA} are taken.", "media")
    for place, medium in enumerate(media):
        if not _is_base64(medium.content):
            yield wrong("This is no Base64.", "media", str(place), "content")


def to_draft(given: CreateInvoiceTrackerInput, provider: str) -> TrackerDraft:
    return TrackerDraft(
        reference=Reference(provider=provider, kind="invoice_number", value=given.invoice_number.strip()),
        carrier_code=given.carrier_code.strip(),
        tracking_number=given.track_and_trace.strip(),
        media=tuple(Media(type=medium.type, content=medium.content) for medium in given.media or ()),
    )


def _is_base64(text: str) -> bool:
    try:
        return bool(b64decode(text, validate=True))
    except (ValueError, Base64Error):
        return False
