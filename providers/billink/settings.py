"""What a shop sets for Billink: `[shops.<shop>.billink]`."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from providers.base import BaseUrl, ProviderSettings
from providers.references import ReferenceTemplate


class MediaMembers(BaseModel):
    """The names that Billink gives the members of a medium; its documentation does not show them."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    type: str = Field(min_length=1, description="Name of the member that holds the kind of medium.")
    content: str = Field(min_length=1, description="Name of the member that holds the Base64 content.")


class BillinkSettings(ProviderSettings):
    """Where Billink is, who calls it, and how its invoices are numbered."""

    base_url: BaseUrl = Field(
        default="https://api.billink.nl",
        description="Where Billink's API is; staging is https://api-staging.billink.nl.",
    )
    path: str = Field(
        default="/v2/client/tracker",
        pattern=r"^/([^/\s]\S*)?$",
        description="Path of Create Tracker. Billink's documentation does not show it; the default follows its other "
        "v2 calls.",
    )
    invoice_number: ReferenceTemplate = Field(
        default=ReferenceTemplate("{order_number}"),
        description="Rule that gives an order's invoice number: a template over `{order_number}`, `{order_name}`, "
        "`{external_id}` and `{uuid}`.",
    )
    billink_id: SecretStr = Field(min_length=1, description="`billinkID`, the merchant's key; sent in the body.")
    username: str = Field(min_length=1, description="`billinkUsername`, the merchant's name; sent in the body.")
    media_members: MediaMembers | None = Field(
        default=None,
        description="What Billink calls a medium's type and content. Left out: media are kept here and not sent.",
    )
    carrier_codes: Mapping[str, str] = Field(
        default={},
        description="Carrier codes as callers write them, and what Billink calls each. A code that is not listed is "
        "sent as it is.",
    )
