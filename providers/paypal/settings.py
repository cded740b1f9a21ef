"""What a shop's PayPal app needs: `[shops.<shop>.paypal]`."""

from __future__ import annotations

from pydantic import Field, SecretStr

from providers.base import BaseUrl, ProviderSettings


class PayPalSettings(ProviderSettings):
    """Address and credentials of one REST app at PayPal (PayPal Orders v2 OpenAPI 2.13, `servers`, `Oauth2`)."""

    base_url: BaseUrl = Field(
        default="https://api-m.paypal.com",
        description="Where PayPal's REST API is; the sandbox is https://api-m.sandbox.paypal.com.",
    )
    client_id: str = Field(min_length=1, description="The client id of the REST app.")
    client_secret: SecretStr = Field(min_length=1, description="The secret of the REST app.")
