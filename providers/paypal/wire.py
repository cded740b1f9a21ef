"""PayPal's JSON as it is: tracker, the order around it, access token and error bodies.

From PayPal's TypeScript Server SDK (model `OrderTrackerResponse`), the Orders v2 OpenAPI 2.13 (`order`, `error`), and
RFC 6749 for the token. Knows nothing of our domain. Unknown members are ignored; a member is required only where
nothing can be said without it.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Discriminator, Field, Tag, TypeAdapter

from providers.parsing import text_or_none

Text = Annotated[str | None, AfterValidator(text_or_none)]

Word = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,63}$")]
"""One of PayPal's fixed words (`CAPTURE_ID_NOT_FOUND`, `invalid_client`): safe to hand on, unlike free text."""


class Wire(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


class WireUpc(Wire):
    type: str
    code: str


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


class WirePayments(Wire):
    captures: list[WireCapture] | None = None


class WireShipping(Wire):
    trackers: list[WireTracker] | None = None


class WirePurchaseUnit(Wire):
    shipping: WireShipping | None = None
    payments: WirePayments | None = None


class WireOrder(Wire):
    """The order around its trackers; without `purchase_units` nobody can say whether it has any."""

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

    error: Word | None = None


class WireErrorDetail(Wire):
    issue: Word | None = None


class WireError(Wire):
    """`error` of the OpenAPI file: of its texts only `name` and `issue` are fixed words that code may read."""

    name: Word | None = None
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
