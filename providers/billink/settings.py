"""What a shop sets for Billink: `[shops.<shop>.billink]`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints, field_validator

from providers.base import BaseUrl, ProviderSettings
from providers.carriers.table import repeated_spellings
from providers.references import ReferenceTemplate

NotBlank = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


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
    always: bool = Field(
        default=False,
        description="Register every shipment at Billink too, also where the order has no linked invoice: the invoice "
        "number is then made by the rule.",
    )
    media_members: MediaMembers | None = Field(
        default=None,
        description="What Billink calls a medium's type and content. Left out: media are kept here and not sent.",
    )
    carrier_codes: Mapping[str, NotBlank] = Field(
        default={},
        description="Billink's `carrierCode` of a carrier, by our code of it (docs/carriers.md) or by the word that "
        "callers use. Billink publishes no list; what is not listed here is sent as it is.",
    )

    @field_validator("carrier_codes")
    @classmethod
    def _names_each_carrier_once(cls, codes: Mapping[str, str]) -> Mapping[str, str]:
        """A variable can add a spelling to one in the file (`DHL` to `dhl`); which of them is meant cannot be told."""
        if not all(name.strip() for name in codes):
            raise ValueError("must name a carrier for every code")
        if repeated := repeated_spellings(codes):
            raise ValueError(f"must name a carrier once, in one spelling: {', '.join(repeated)}")
        return codes
