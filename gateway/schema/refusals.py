"""A provider's refusal in the terms of the input that it is about.

Violations lead into our drafts; an input has the same members in camel case, but for those that its `Terms` name.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field

from strawberry.utils.str_converters import to_camel_case

from gateway.orders.shops import Shop
from gateway.schema.errors import ErrorCode
from gateway.schema.types.payloads import UserError
from gateway.schema.types.provider import provider_of
from providers.errors import OrderNotFound, RequestRejected, Violation

CODES: Mapping[tuple[str, str], ErrorCode] = {
    ("karla", "order_exists"): ErrorCode.ALREADY_EXISTS,
    ("hypertrack", "duplicate_resource"): ErrorCode.ALREADY_EXISTS,
}
"""The refusals, by provider and its code, on which a client acts otherwise than by mending its input."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How the input of one mutation speaks of what is sent.

    `below` is the member that the drafts stand in when the input is no draft itself; `renamed` are members of the draft
    that have another name in the input, or that the provider is asked by in place of it. `named_by` is what names the
    thing to be changed, and `missing` the code for its not being there.
    """

    input: type
    named_by: str | None = None
    missing: str = OrderNotFound.code
    below: str | None = None
    renamed: Mapping[str, str] = field(default_factory=dict)

    def path(self, draft_field: tuple[str, ...]) -> list[str]:
        """The input's path for a draft's field: `("products", "0", "tax_lines")` is at `input.products.0.taxLines`."""
        if not draft_field:
            return ["input"]
        if self.below is not None:
            return ["input", self.below, *map(to_camel_case, draft_field)]
        member, *rest = draft_field
        if member in self.renamed:
            return ["input", self.renamed[member]]
        if member not in {known.name for known in dataclasses.fields(self.input)}:
            return ["input"]
        return ["input", *map(to_camel_case, (member, *rest))]

    @property
    def name_path(self) -> list[str]:
        """The path of what names the thing to be changed."""
        return ["input", self.named_by] if self.named_by else ["input"]


def refusals(rejected: RequestRejected, shop: Shop, terms: Terms) -> list[UserError]:
    """A provider's refusal as user errors, each at the input's member that it concerns."""
    violations = rejected.violations or (Violation((), rejected.provider_code),)
    known = CODES.get((rejected.provider, rejected.provider_code or ""))
    return [
        UserError(
            code=known.value if known else rejected.code,
            message=_message(rejected, violation, known),
            path=terms.path(violation.field),
            provider=provider_of(shop, rejected.provider),
            provider_code=violation.provider_code or rejected.provider_code,
        )
        for violation in violations
    ]


def not_found(missing: OrderNotFound, shop: Shop, terms: Terms) -> UserError:
    """What was to be changed is not at the provider."""
    codes = {code.value: code.meaning for code in ErrorCode}
    return UserError(
        code=terms.missing,
        message=codes.get(terms.missing, missing.message),
        path=terms.name_path,
        provider=provider_of(shop, missing.provider),
        provider_code=missing.provider_code,
    )


def _message(rejected: RequestRejected, violation: Violation, known: ErrorCode | None) -> str:
    if known:
        return known.meaning
    return "The provider refuses this value." if violation.field else rejected.message
