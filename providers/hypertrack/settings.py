"""What a shop sets for HyperTrack: `[shops.<shop>.hypertrack]`."""

from __future__ import annotations

from pydantic import Field, SecretStr

from providers.base import BaseUrl, ProviderSettings
from providers.references import ReferenceTemplate


class HyperTrackSettings(ProviderSettings):
    """Where HyperTrack is, the account that is asked, and how its orders are called there."""

    base_url: BaseUrl = Field(default="https://v3.api.hypertrack.com", description="Where HyperTrack's API is.")
    account_id: str = Field(min_length=1, description="AccountId from HyperTrack's dashboard; user name of the calls.")
    secret_key: SecretStr = Field(
        min_length=1, description="SecretKey from HyperTrack's dashboard; password of the calls."
    )
    order_handle: ReferenceTemplate = Field(
        default=ReferenceTemplate("{order_number}"),
        description="Rule that gives an order's `order_handle`: a template over `{order_number}`, `{order_name}`, "
        "`{external_id}` and `{uuid}`.",
    )
