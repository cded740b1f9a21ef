"""What PayPal's refusals mean: pure, from its error body to our taxonomy and the members of our drafts.

From the Orders v2 OpenAPI 2.13 (`error`, `error_details`, and the issues listed for each operation). Of a refusal's
texts only the fixed words `name` and `issue` are handed on; a `field` passes only through the table below.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from providers.errors import OrderNotFound, ProviderError, RequestRejected, Violation
from providers.http import REFUSED_REQUEST, Reply
from providers.paypal.profile import PROFILE
from providers.paypal.wire import ERROR_BODY, WireError, WireErrorDetail

Field = tuple[str, ...]

FIELD_BY_POINTER: Mapping[str, Field] = {
    "/capture_id": ("capture_id",),
    "/tracking_number": ("tracking_number",),
    "/carrier": ("carrier",),
    "/carrier_name_other": ("carrier_name_other",),
    "/notify_payer": ("notify_payer",),
    "/items": ("items",),
    "/items/#": ("items", "#"),
    "/items/#/name": ("items", "#", "name"),
    "/items/#/quantity": ("items", "#", "quantity"),
    "/items/#/sku": ("items", "#", "sku"),
    "/items/#/url": ("items", "#", "url"),
    "/items/#/image_url": ("items", "#", "image_url"),
    "/items/#/upc": ("items", "#", "upc"),
    "/items/#/upc/type": ("items", "#", "upc", "type"),
    "/items/#/upc/code": ("items", "#", "upc", "code"),
}
"""PayPal's JSON Pointer into the body of "Add tracking information", and the member of our draft; `#` is an index."""

FIELD_BY_ISSUE: Mapping[str, Field] = {
    "CAPTURE_ID_NOT_FOUND": ("capture_id",),
    "CAPTURE_STATUS_NOT_VALID": ("capture_id",),
    "ITEM_SKU_MISMATCH": ("items",),
    "MSP_NOT_SUPPORTED": ("paypal_order_id",),  # the order has several purchase units
}
"""What an issue is about where the refusal names no field that we know."""

_INDEX = re.compile(r"(?<=/)\d{1,5}(?=/|$)", re.ASCII)
_PATCH_VALUE = re.compile(r"/(\d{1,5})/value(?=/|$)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Refusals:
    """The refusals of one operation. `patched` are the pointers that our JSON Patch changes, in its order."""

    operation: str
    patched: Sequence[str] = ()

    def of_read(self, reply: Reply) -> ProviderError | None:
        """What a refused read means, or None where its status says all. No violations: a read has no draft."""
        if reply.status not in REFUSED_REQUEST:
            return None
        error = reply.parse(ERROR_BODY) or WireError()
        if _is_not_found(reply, error):
            return OrderNotFound(PROFILE.name, self.operation, _word(error))
        return RequestRejected(PROFILE.name, self.operation, provider_code=_word(error))

    def of_write(self, reply: Reply) -> ProviderError | None:
        """What a refused write means, or None where its status says all.

        403 `PERMISSION_DENIED` is about one order, which this account may not touch; our credentials are good, or it
        would be 401. Any other 403 (the app lacks the scope) is left to its status.
        """
        error = reply.parse(ERROR_BODY) or WireError()
        is_denied = reply.status == 403 and "PERMISSION_DENIED" in _issues(error)
        if reply.status not in REFUSED_REQUEST and not is_denied:
            return None
        if _is_not_found(reply, error):
            return OrderNotFound(PROFILE.name, self.operation, _word(error))
        violations = tuple(self._violation(detail) for detail in error.details or ())
        return RequestRejected(PROFILE.name, self.operation, provider_code=_word(error), violations=violations)

    def _violation(self, detail: WireErrorDetail) -> Violation:
        """The member of our draft, or the whole of it (`()`) where neither field nor issue is in the tables."""
        field = _field(self._in_tracker(detail.field or ""))
        return Violation(field or FIELD_BY_ISSUE.get(detail.issue or "", ()), detail.issue)

    def _in_tracker(self, pointer: str) -> str:
        """`pointer` as one into a tracker: one into our patch goes through the operation whose value it leads into."""
        inside = _PATCH_VALUE.match(pointer)
        if inside is None or int(inside[1]) >= len(self.patched):
            return pointer
        return self.patched[int(inside[1])] + pointer[inside.end() :]


def _field(pointer: str) -> Field | None:
    indices = iter(_INDEX.findall(pointer))
    field = FIELD_BY_POINTER.get(_INDEX.sub("#", pointer))
    return field and tuple(next(indices) if part == "#" else part for part in field)


def _is_not_found(reply: Reply, error: WireError) -> bool:
    """Whether it is the order or its tracker that is not there (`INVALID_RESOURCE_ID`, `TRACKER_ID_NOT_FOUND`)."""
    return reply.status == 404 or error.name == "RESOURCE_NOT_FOUND"


def _issues(error: WireError) -> list[str]:
    return [detail.issue for detail in error.details or () if detail.issue]


def _word(error: WireError) -> str | None:
    """The first issue says more than the name of the whole error."""
    return next(iter(_issues(error)), error.name)
