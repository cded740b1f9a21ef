"""From our drafts to Billink's JSON and back: pure functions and the tables they read. Knows nothing of HTTP."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from providers.base import LEDGER_TEXT_LIMIT
from providers.billink import wire
from providers.billink.profile import NAME
from providers.billink.settings import BillinkSettings, MediaMembers
from providers.carriers.provider_codes import billink_carrier_code
from providers.errors import Violation
from providers.models import Carrier, InvoiceTracker, Media, TrackerDraft, TrackingStatus
from providers.parsing import parse_instant, web_url

FIELDS: Mapping[str, tuple[str, ...]] = {
    "carrierCode": ("carrier_code",),
    "invoiceNumber": ("reference", "value"),
    "trackAndTrace": ("tracking_number",),
    "media": ("media",),
}
"""Which member of our draft each member of the request came from."""

CREDENTIALS = frozenset({"billinkUsername", "billinkID"})
"""Members of the request that hold credentials, and no part of a draft."""

_MEDIUM = re.compile(r"media\[(?P<index>\d+)\](?:\.(?P<member>.+))?")
"""Path of a violation inside `media`, in Symfony's notation."""


def in_billinks_words(draft: TrackerDraft, codes: Mapping[str, str]) -> TrackerDraft:
    """The draft as Billink is told it, without blanks around: two that are equal then are the same tracker.

    `codes` is the setting `carrier_codes`. A code of Billink's own stays as it is.
    """
    reference = draft.reference.model_copy(update={"value": draft.reference.value.strip()})
    word = draft.carrier_code.strip()
    return draft.model_copy(
        update={
            "reference": reference,
            "carrier_code": word if word in codes.values() else billink_carrier_code(word, codes),
            "tracking_number": draft.tracking_number.strip(),
        }
    )


def unstorable(draft: TrackerDraft) -> tuple[Violation, ...]:
    """What the ledger cannot keep of a draft in Billink's words, and so must not be sent.

    The limits are the ledger's: Billink states none. Inputs are checked before, but an invoice's number can also come
    of a template over an order.
    """
    texts = {
        ("reference", "value"): draft.reference.value,
        ("carrier_code",): draft.carrier_code,
        ("tracking_number",): draft.tracking_number,
    }
    return tuple(
        Violation(field) for field, text in texts.items() if len(text) > LEDGER_TEXT_LIMIT or not text.isprintable()
    )


def from_draft(draft: TrackerDraft, settings: BillinkSettings) -> dict[str, JsonValue]:
    """The request for a draft in Billink's words. Media are left out unless the settings name their members."""
    request: dict[str, JsonValue] = {
        "billinkID": settings.billink_id.get_secret_value(),
        "billinkUsername": settings.username,
        "carrierCode": draft.carrier_code,
        "invoiceNumber": draft.reference.value,
        "trackAndTrace": draft.tracking_number,
    }
    if settings.media_members and draft.media:
        request["media"] = [_from_medium(medium, settings.media_members) for medium in draft.media]
    return request


def _from_medium(medium: Media, members: MediaMembers) -> dict[str, JsonValue]:
    named = {members.type: medium.type, members.content: medium.content}
    return {member: value for member, value in named.items() if value is not None}


def to_invoice_tracker(created: wire.Created, draft: TrackerDraft) -> InvoiceTracker:
    """What was made of `draft`, to be stored.

    Invoice, carrier code and number stay those of the draft, since they find the tracker again. What Billink answers as
    `carrier` is taken for a name where it is not the code that was sent: which of the two it is, is not documented.
    """
    is_name = created.carrier != draft.carrier_code
    return InvoiceTracker(
        provider=NAME,
        tracking_number=draft.tracking_number,
        # Track & trace may be a number or a link (developers.billink.nl, Create Tracker, does not say).
        tracking_url=web_url(draft.tracking_number),
        carrier=Carrier(reference=draft.carrier_code, name=created.carrier if is_name else None),
        # A merchant said that the parcel is under way, and nobody has scanned it.
        status=TrackingStatus.INFO_RECEIVED,
        created_at=parse_instant(created.created_at),
        updated_at=parse_instant(created.updated_at),
        store_id=0,
        tracker_id=str(created.id),
        invoice_number=draft.reference.value,
        billink_order_id=None if created.order_id is None else str(created.order_id),
        media=draft.media,
    )


def blames_credentials(violations: Sequence[wire.Violation]) -> bool:
    """Whether Billink refuses who calls, and not what is asked."""
    return any(violation.property_path in CREDENTIALS for violation in violations)


def to_violation(violation: wire.Violation, members: MediaMembers | None) -> Violation:
    """The violation in terms of `TrackerDraft`; its `field` is empty when it concerns no member of it."""
    return Violation(_field(violation.property_path or "", members), violation.code)


def _field(path: str, members: MediaMembers | None) -> tuple[str, ...]:
    medium = _MEDIUM.fullmatch(path)
    if not medium:
        return FIELDS.get(path, ())
    named = {members.type: "type", members.content: "content"} if members else {}
    member = named.get(medium["member"] or "")
    return ("media", medium["index"], member) if member else ("media", medium["index"])
