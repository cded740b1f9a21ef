"""What a shop's Karla account needs: `[shops.<shop>.karla]`."""

from __future__ import annotations

from pydantic import Field, SecretStr

from providers.base import BaseUrl, ProviderSettings


class KarlaSettings(ProviderSettings):
    """Address and credentials of one shop at Karla (Karla API reference, Introduction: HTTP Basic with an API key)."""

    base_url: BaseUrl = Field(default="https://api.gokarla.io", description="Where Karla's API is.")
    slug: str = Field(min_length=1, description="The shop's name at Karla, as it stands in the portal's address.")
    username: str | None = Field(
        default=None,
        min_length=1,
        description="The user name set on the API key; left out: the slug, which is Karla's own default.",
    )
    api_key: SecretStr = Field(min_length=1, description="The API key; reading needs the role `viewer`.")
