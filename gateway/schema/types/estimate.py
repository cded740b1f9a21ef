"""Estimated arrivals."""

from __future__ import annotations

from datetime import datetime

import strawberry

from gateway.orders.shops import Shop
from gateway.schema.fields import delegated, resolved
from gateway.schema.types.provider import Provider, provider_of
from providers import models


@strawberry.type(description="When a tracking is expected. A point estimate has `from` = `to`.")
class EstimatedArrival:
    estimate: strawberry.Private[models.EstimatedArrival]
    shop: strawberry.Private[Shop]

    start: datetime | None = delegated("estimate.start", "Begin of the window.", name="from")
    end: datetime | None = delegated("estimate.end", "End of the window.", name="to")
    updated_at: datetime | None = delegated("estimate.updated_at", "When the estimate was made.")
    distance_metres: float | None = delegated("estimate.distance_metres", "Distance still to go, in metres.")
    duration_seconds: int | None = delegated("estimate.duration_seconds", "Time still to go, in seconds.")
    prediction: str | None = delegated("estimate.prediction", "Karla's `time_prediction`.")
    language: str | None = delegated("estimate.language", "Language of the prediction.")
    initial: datetime | None = delegated("estimate.initial", "HyperTrack's first estimate.")
    late: bool | None = delegated("estimate.late", "Whether the estimate lies after the time that was planned.")

    @resolved("Who made the estimate.")
    def provider(self) -> Provider:
        return provider_of(self.shop, self.estimate.provider)


def estimate_of(estimate: models.EstimatedArrival | None, shop: Shop) -> EstimatedArrival | None:
    return EstimatedArrival(estimate=estimate, shop=shop) if estimate else None
