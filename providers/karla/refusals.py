"""What Karla's refusals mean for whoever asked.

From the vendor's page on errors (docs.gokarla.io/docs/api/errors) for the keys and the body, and from FastAPI's for
requests that do not fit the schema. The reference lists only 400 and 422 for orders while the page on errors gives 404
and 409 for the same cases, so the key decides and not the status.
"""

from __future__ import annotations

from providers.errors import OrderNotFound, ProviderError, RequestRejected, Violation
from providers.http import REFUSED_REQUEST, Refine, Reply
from providers.karla.drafts import field_of
from providers.karla.profile import PROFILE
from providers.karla.wire import ERROR_BODY, VIOLATIONS_BODY
from providers.models import Domain

_SHOP_KEYS = frozenset({"shop_not_found", "shop_settings_not_found"})
"""Keys about the shop in the path: our settings are wrong, whatever was asked about an order."""


def refusal_of(operation: str, *, of_order: bool = False, draft: type[Domain] | None = None) -> Refine:
    """How refusals of `operation` read.

    `of_order` says that it concerns an order or parcel that may not be there: only then is a refusal `OrderNotFound`.
    `draft` is what was sent, alone or in a list; with it the violations lead into that draft, and a refusal without a
    key has the type of its first violation for its code.
    """

    def refine(reply: Reply) -> ProviderError | None:
        if reply.status not in REFUSED_REQUEST:
            return None
        key = _key(reply)
        if of_order and _names_no_order(reply.status, key):
            return OrderNotFound(PROFILE.name, operation, key)
        violations = _violations(reply, draft) if draft else ()
        code = key or next((violation.provider_code for violation in violations), None)
        return RequestRejected(PROFILE.name, operation, provider_code=code, violations=violations)

    return refine


def _names_no_order(status: int, key: str | None) -> bool:
    if key is None:
        return status == 404
    return key.endswith("_not_found") and key not in _SHOP_KEYS


def _key(reply: Reply) -> str | None:
    error = reply.parse(ERROR_BODY)
    return error.key if error else None


def _violations(reply: Reply, draft: type[Domain]) -> tuple[Violation, ...]:
    body = reply.parse(VIOLATIONS_BODY)
    listed = (body.errors or body.detail or []) if body else []
    return tuple(Violation(field_of(draft, violation.loc or ()), violation.type) for violation in listed)
