"""PayPal's JSON as it is: tracker, the order around it, access token and error bodies.

From PayPal's TypeScript Server SDK (model `OrderTrackerResponse`), the Orders v2 OpenAPI 2.13 (`order`, `error`), and
RFC 6749 for the token. Knows nothing of our domain. A member is required only where nothing can be said without it.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Discriminator, Field, Tag, TypeAdapter

from providers.wire import Code, Text, Wire


class WireUpc(Wire):
    """Both are required in the SDK; the OpenAPI file leaves the whole object open."""

    type: Text = None
    code: Text = None


class WireItem(Wire):
    name: Text = None
    quantity: Text = None
    sku: Text = None
    url: Text = None
    image_url: Text = None
    upc: WireUpc | None = None


class WireLink(Wire):
    href: Text = None
    rel: str
    method: Text = None


class WireTracker(Wire):
    """`OrderTrackerResponse`. Its `id` is optional in the SDK; without one there is nothing to call a tracker by."""

    id: str = Field(min_length=1)
    status: Text = None
    items: list[WireItem] | None = None
    links: list[WireLink] | None = None
    create_time: Text = None
    update_time: Text = None


class WireCapture(Wire):
    id: Text = None
    status: Text = None


class WirePayments(Wire):
    captures: list[WireCapture] | None = None


class WireShipping(Wire):
    trackers: list[WireTracker] | None = None


class WirePurchaseUnit(Wire):
    shipping: WireShipping | None = None
    payments: WirePayments | None = None


class WireOrder(Wire):
    """The order around its trackers; without `purchase_units` nobody can say whether it has any."""

    id: Text = None
    purchase_units: list[WirePurchaseUnit]


def _kind(body: object) -> str:
    """`intent` and `purchase_units` belong to an order alone; a tracker shares its other members."""
    is_tracker = isinstance(body, dict) and not body.keys() & {"purchase_units", "intent"}
    return "tracker" if is_tracker else "order"


class WireToken(Wire):
    """The answer of RFC 6749 §5.1. A token is visible ASCII (its appendix A.12), so it always fits a header."""

    access_token: str = Field(pattern=r"^[\x21-\x7e]+$", repr=False)
    token_type: str = Field(pattern=r"^[Bb][Ee][Aa][Rr][Ee][Rr]$")
    expires_in: int = Field(default=0, ge=0, le=10**9)


class WireTokenError(Wire):
    """The refusal of RFC 6749 §5.2."""

    error: Code = None


class WireErrorDetail(Wire):
    """`field` is a JSON Pointer into the body that was sent."""

    issue: Code = None
    field: Text = None


class WireError(Wire):
    """`error` of the OpenAPI file: of its texts only `name` and `issue` are fixed words that code may read."""

    name: Code = None
    details: list[WireErrorDetail] | None = None


ORDER_ANSWER: TypeAdapter[WireOrder | WireTracker] = TypeAdapter(
    Annotated[
        Annotated[WireOrder, Tag("order")] | Annotated[WireTracker, Tag("tracker")],
        Discriminator(_kind),
    ]
)
"""SDK and OpenAPI disagree on whether a tracker comes alone or inside its order; both are read."""

TOKEN_ANSWER = TypeAdapter(WireToken)
TOKEN_ERROR_BODY = TypeAdapter(WireTokenError)
ERROR_BODY = TypeAdapter(WireError)
