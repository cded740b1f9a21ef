"""What a shop sets for Parcelbox: `[shops.<shop>.parcelbox]`."""

from pydantic import Field, SecretStr

from providers.base import BaseUrl, ProviderSettings
from providers.references import ReferenceTemplate


class ParcelboxSettings(ProviderSettings):
    """Where Parcelbox is, who asks, and what it calls an order."""

    base_url: BaseUrl = Field(default="https://api.parcelbox.example", description="Where Parcelbox's API is.")
    api_key: SecretStr = Field(min_length=1, description="The shop's key, from Parcelbox's dashboard.")
    order: ReferenceTemplate = Field(
        default=ReferenceTemplate("{order_number}"), description="Rule that gives an order's name at Parcelbox."
    )
