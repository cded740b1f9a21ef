"""What can be set about calls to providers: the table `[resilience]`. Knows nothing of files or variables."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class ResilienceSettings(BaseModel):
    """What a provider that fails, is slow or is short of room may cost. Each number holds for one account.

    An account is one provider of one shop. How many calls it takes at once and in a second is set beside its
    credentials (`shops.<shop>.<provider>.concurrency` and `calls_per_second`).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    attempts: int = Field(
        default=3,
        ge=1,
        le=3,
        description="Most times that a read is sent; 1 turns retries off. A third time still finds a server that was "
        "restarting; a fourth hardly ever does. Writes are sent once.",
    )
    retry_wait_ms: int = Field(
        default=100,
        ge=1,
        le=5000,
        description="Longest wait before the first retry, in milliseconds; it doubles for the next. The wait is drawn "
        "evenly from zero to this, so that what failed together does not come back together.",
    )
    retry_share: float = Field(
        default=0.1,
        ge=0,
        le=1,
        description="Most retries, as a share of the reads of the last minute, rounded up to a whole one: enough for a "
        "hiccup, and no second load on a provider that is down.",
    )
    circuit_window_seconds: float = Field(
        default=60.0,
        ge=1,
        le=3600,
        description="How far back the circuit breaker looks, in seconds: long enough for a quiet shop to be judged, "
        "short enough for old trouble to be forgotten.",
    )
    circuit_minimum_calls: int = Field(
        default=10,
        ge=1,
        description="Calls in that time below which the circuit never opens: a share of fewer is chance.",
    )
    circuit_fault_share: float = Field(
        default=0.5,
        gt=0,
        le=1,
        description="Share of those calls that failed from which the circuit opens. What counts is a fault of the "
        "provider: an order that it does not know is an answer, and too many requests are ours.",
    )
    circuit_slow_seconds: float = Field(
        default=3.0,
        gt=0,
        description="How long a call takes, in seconds, to count as slow. A query has 8 s; one that waits this long "
        "for each of two parts has little left.",
    )
    circuit_slow_share: float = Field(
        default=0.8,
        gt=0,
        le=1,
        description="Share of those calls that were slow from which the circuit opens. Higher than that of faults, "
        "because slow answers are answers.",
    )
    circuit_open_seconds: float = Field(
        default=10.0,
        gt=0,
        le=3600,
        description="How long an open circuit holds calls back before one is tried, in seconds. A provider that is "
        "back is used again within this time and one call.",
    )
    background_share: float = Field(
        default=0.75,
        gt=0,
        le=1,
        description="Share of an account's slots that refreshes behind answers and registrations may fill. The rest "
        "is kept for those who wait for an answer.",
    )
    calls_per_operation: int = Field(
        default=400,
        ge=1,
        description="Most calls that one operation may make, retries and refreshes behind it included. A list of 100 "
        "orders with everything selected takes about 300: one page, and each order's stop, route and payment.",
    )
