"""Parcelbox's JSON as it is: only the members that are read, required only where nothing can be said without them."""

from pydantic import BaseModel, TypeAdapter


class WireAccount(BaseModel):
    name: str


class WireDelivery(BaseModel):
    id: str
    state: str
    parcel_number: str | None = None
    locker: str | None = None
    stored_at: str | None = None


class WireDeliveries(BaseModel):
    deliveries: list[WireDelivery]


ACCOUNT = TypeAdapter(WireAccount)
DELIVERIES = TypeAdapter(WireDeliveries)
