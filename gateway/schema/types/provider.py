"""Providers, and how they are."""

from __future__ import annotations

from datetime import datetime

import strawberry
from strawberry import Info

from gateway.orders.shops import Shop
from gateway.resilience.health import Failure, Health
from gateway.schema.context import Context
from gateway.schema.enums import HealthLevel
from gateway.schema.fields import resolved
from providers.base import DEFAULT_CONCURRENCY, ProviderProfile
from providers.registry import provider_specs


@strawberry.type(description="Why a provider could not be asked.")
class ProviderFailure:
    code: str = strawberry.field(description="One of the documented error codes.")
    message: str = strawberry.field(description="What happened, in words of the gateway.")
    retryable: bool = strawberry.field(description="Whether the same question may succeed later.")
    retry_at: datetime | None = strawberry.field(description="When to ask again, where the provider said so.")

    @classmethod
    def from_failure(cls, failure: Failure) -> ProviderFailure:
        return cls(code=failure.code, message=failure.message, retryable=failure.retryable, retry_at=failure.retry_at)


@strawberry.type(description="How a provider account does, from what this process saw; asking calls nobody.")
class ProviderHealth:
    level: HealthLevel = strawberry.field(description="The state in one word.")
    circuit_open: bool = strawberry.field(description="Whether calls are held back because too many failed.")
    circuit_retry_at: datetime | None = strawberry.field(description="When a call will be tried again.")
    last_success_at: datetime | None = strawberry.field(description="When a call last succeeded.")
    last_failure: ProviderFailure | None = strawberry.field(description="The last failure.")
    p95_milliseconds: int | None = strawberry.field(
        description="95 of 100 recent calls took at most this many milliseconds."
    )
    error_rate: float | None = strawberry.field(description="Share of recent calls that failed, from 0 to 1.")

    @classmethod
    def from_health(cls, health: Health) -> ProviderHealth:
        failure = health.last_failure
        return cls(
            level=health.level,
            circuit_open=health.circuit_open,
            circuit_retry_at=health.circuit_retry_at,
            last_success_at=health.last_success_at,
            last_failure=ProviderFailure.from_failure(failure) if failure else None,
            p95_milliseconds=health.p95_milliseconds,
            error_rate=health.error_rate,
        )


@strawberry.type(
    description="A system that is asked about orders. An object and no enum: adding one never changes the schema."
)
class Provider:
    shop: strawberry.Private[Shop]
    profile: strawberry.Private[ProviderProfile]

    @resolved("The provider's slug, such as `karla`.")
    def name(self) -> str:
        return self.profile.name

    @resolved("The provider's name for people.")
    def title(self) -> str:
        return self.profile.title

    @resolved("What the provider can be asked for.")
    def capabilities(self) -> list[str]:
        return sorted(capability.value for capability in self.profile.capabilities)

    @resolved("Is it reachable, how fast was it lately. Selecting it calls no provider.")
    def health(self, info: Info[Context]) -> ProviderHealth:
        calls = info.context.services.loads.calls
        return ProviderHealth.from_health(calls.health(self.shop.slug, self.profile.name))


def provider_of(shop: Shop, name: str) -> Provider:
    """The provider called `name`, as `shop` has it; of one that is plugged in no more, its name."""
    spec = provider_specs().get(name)
    return Provider(shop=shop, profile=spec.profile if spec else _unplugged(name))


def _unplugged(name: str) -> ProviderProfile:
    """What is known of a provider that the store tells of, and whose package is gone."""
    return ProviderProfile(
        name=name,
        title=name,
        capabilities=frozenset(),
        trust=len(provider_specs()),
        reference_kinds=(),
        finds_by=(),
        times="",
        concurrency=DEFAULT_CONCURRENCY,
        documentation="",
    )
