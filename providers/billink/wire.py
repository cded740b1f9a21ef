"""Billink's JSON as it is sent: only the members that are read, under Billink's names.

`Created` is documented (developers.billink.nl, Create Tracker). Of the 422 answer only its outer members are; the
members of a violation are those of API Platform, whose shapes the answer has, so each of them may be absent.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, TypeAdapter

from providers.wire import Code, Text, Wire

Identifier = Annotated[int, Field(strict=True)] | Annotated[str, Field(strict=True, pattern=r"\S")]
"""Billink's `number`: an identifier, so its text is all that is needed of it."""


class Created(Wire):
    """The 201 answer. `carrier` and `trackingCode` are the request's `carrierCode` and `trackAndTrace`."""

    id: Identifier
    order_id: Identifier | None = Field(default=None, alias="orderId")
    carrier: Text = None
    created_at: Text = Field(default=None, alias="createdAt")
    updated_at: Text = Field(default=None, alias="updatedAt")


class Violation(Wire):
    property_path: Text = Field(default=None, alias="propertyPath")
    code: Code = None


class Problem(Wire):
    """The 422 answer. `trace` of the 403 answer is never read: it shows the inside of Billink's servers."""

    violations: tuple[Violation, ...] = ()


CREATED = TypeAdapter(Created)
PROBLEM = TypeAdapter(Problem)
