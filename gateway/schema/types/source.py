"""How fresh a part of an answer is, and who said it."""

from __future__ import annotations

from datetime import datetime

import strawberry
from strawberry import Info

from gateway.orders.loaded import ProviderPart
from gateway.orders.shops import Shop
from gateway.resilience.health import failure_of
from gateway.schema.context import Context
from gateway.schema.enums import CacheResult
from gateway.schema.fields import resolved
from gateway.schema.types.provider import Provider, ProviderFailure, provider_of


@strawberry.type(description="How fresh one provider's part of an answer is.")
class Source:
    shop: strawberry.Private[Shop]
    part: strawberry.Private[ProviderPart]

    @resolved("Who said it.")
    def provider(self) -> Provider:
        return provider_of(self.shop, self.part.provider)

    @resolved("Whether it was asked now or kept from before.")
    def cache(self) -> CacheResult:
        return self.part.cache

    @resolved("When the provider was asked.")
    def fetched_at(self) -> datetime | None:
        return self.part.fetched_at

    @resolved("How long ago that was, in whole seconds.")
    def age_seconds(self, info: Info[Context]) -> int | None:
        if self.part.fetched_at is None:
            return None
        return max(0, int((info.context.now() - self.part.fetched_at).total_seconds()))

    @resolved("Why the provider could not be asked; an old copy may stand in for it.")
    def error(self, info: Info[Context]) -> ProviderFailure | None:
        if self.part.error is None:
            return None
        return ProviderFailure.from_failure(failure_of(self.part.error, info.context.now()))
