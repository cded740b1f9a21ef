"""Billink's JSON as it is sent: only the members that are read, under Billink's names.

`Created` is documented (developers.billink.nl, Create Tracker). Of the 422 answer only its outer members are; the
members of a violation are those of API Platform, whose shapes the answer has, so each of them may be absent.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

Number = Annotated[int, Field(strict=True)] | Annotated[str, Field(strict=True, min_length=1)]
"""Billink's `number`: an identifier, so its text is all that is needed of it."""


class Wire(BaseModel):
    """Base of every wire model: other members are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Created(Wire):
    """The 201 answer. `carrier` and `trackingCode` are the request's `carrierCode` and `trackAndTrace`."""

    id: Number
    order_id: Number | None = Field(default=None, alias="orderId")
    carrier: str | None = None
    created_at: str | None = Field(default=None, alias="createdAt")
    updated_at: str | None = Field(default=None, alias="updatedAt")


class Violation(Wire):
    property_path: str | None = Field(default=None, alias="propertyPath")
    code: str | None = None


class Problem(Wire):
    """The 422 answer. `trace` of the 403 answer is never read: it shows the inside of Billink's servers."""

    violations: tuple[Violation, ...] = ()


CREATED = TypeAdapter(Created)
