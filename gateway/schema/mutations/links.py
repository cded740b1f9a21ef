"""Changes of what the gateway itself knows of an order: its links, and its copies."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated

import strawberry
from strawberry import Info

from gateway.orders.attempts import Attempt
from gateway.orders.idempotency import Made, Outcome
from gateway.orders.identity import OrderKey, OrderName
from gateway.orders.links import check_link
from gateway.orders.needs import Need, Part
from gateway.orders.service import NotFound
from gateway.orders.shops import Shop
from gateway.schema.arguments import check_providers
from gateway.schema.constraints import violations
from gateway.schema.context import Context
from gateway.schema.errors import ClientError
from gateway.schema.fields import IDEMPOTENCY_KEY, SHOP, optional, required, resolved
from gateway.schema.inputs import OrderBy, to_key
from gateway.schema.mutations.attempt import InputRefused, MutationSpec, attempt, in_any_shop, named
from gateway.schema.refusals import Terms
from gateway.schema.selection import path_of
from gateway.schema.types.payloads import (
    Done,
    LinkOrderPayload,
    RefreshOrderPayload,
    UnlinkOrderPayload,
    UserError,
    user_errors_of,
)
from providers.models import Reference


@strawberry.input(description="A reference to be tied to an order.")
class LinkOrderInput:
    order_number: str = required("The shop's number of the order.")
    provider: str = required("The provider that uses the reference.")
    kind: str = required("`paypal_order_id`, `invoice_number`, `order_handle`, `route_handle`, or a third party's.")
    value: str = required("The reference itself.")
    shop: str | None = optional(SHOP)
    idempotency_key: str | None = optional(IDEMPOTENCY_KEY)


@strawberry.input(description="A link to be taken away.")
class UnlinkOrderInput:
    order_number: str = required("The shop's number of the order.")
    provider: str = required("The provider that uses the reference.")
    kind: str = required("The kind of the reference.")
    value: str = required("The reference itself.")
    shop: str | None = optional(SHOP)
    idempotency_key: str | None = optional(IDEMPOTENCY_KEY)


@strawberry.input(description="An order to be asked for past the cache.")
class RefreshOrderInput:
    order: OrderBy = required("What it is asked by.")
    providers: list[str] | None = optional("Ask these only; left out, all that know the order.")
    shop: str | None = optional(SHOP)
    idempotency_key: str | None = optional(IDEMPOTENCY_KEY)


def _check_link(shop: Shop, given: LinkOrderInput | UnlinkOrderInput) -> Sequence[UserError]:
    return violations(given, {}) or user_errors_of(check_link(shop, given.order_number, _reference(given)))


def _check_refresh(given: RefreshOrderInput) -> Iterable[UserError]:
    yield from violations(given, {})
    try:
        check_providers(given.providers)
    except ClientError as error:
        yield UserError(code=error.code.value, message=error.message, path=["input", "providers"])


async def _link(info: Info[Context], shop: Shop, given: LinkOrderInput, _attempt: Attempt) -> Made:
    problems = await info.context.linking.link(shop, given.order_number, _reference(given))
    info.context.directory.forget_links()
    if problems:
        raise InputRefused(problems)
    return _about(given)


async def _unlink(info: Info[Context], shop: Shop, given: UnlinkOrderInput, attempt: Attempt) -> Made:
    problems = await info.context.linking.unlink(shop, given.order_number, _reference(given))
    info.context.directory.forget_links()
    # What an earlier attempt may have taken away is gone, as was asked.
    if problems and not attempt.repeated:
        raise InputRefused(problems)
    return _about(given)


async def _refresh(info: Info[Context], shop: Shop, given: RefreshOrderInput, _attempt: Attempt) -> Made:
    """Raises the failure of a provider that is worth asking again; what else went wrong is reported here."""
    key, _slug = to_key(given.order, given.shop)
    need = Need(Part.TRACKINGS, None if given.providers is None else frozenset(given.providers))
    found = await info.context.orders.find(shop, key, [need], refresh=True)
    failures = found.failures if isinstance(found, NotFound) else found.failures(need)
    again = next((error for error in failures if error.retryable), None)
    for error in failures:
        if error is not again:
            info.context.report(error, path_of(info._raw_info))
    if again:
        raise again
    return Made(orders=named(key))


def _reference(given: LinkOrderInput | UnlinkOrderInput) -> Reference:
    return Reference(provider=given.provider, kind=given.kind, value=given.value)


def _about(given: LinkOrderInput | UnlinkOrderInput) -> Made:
    return Made(orders=named(OrderKey(OrderName.NUMBER.value, given.order_number)))


LINKING = MutationSpec(Terms(LinkOrderInput, named_by="value"), LinkOrderPayload, check=_check_link, make=_link)
UNLINKING = MutationSpec(Terms(UnlinkOrderInput, named_by="value"), UnlinkOrderPayload, check=_check_link, make=_unlink)
REFRESH = MutationSpec(
    Terms(RefreshOrderInput, named_by="order"),
    RefreshOrderPayload,
    check=in_any_shop(_check_refresh),
    make=_refresh,
    shop_of=lambda given: to_key(given.order, given.shop)[1],
)


@strawberry.type
class LinkMutations:
    @resolved("Tie a provider's reference to an order. Asks no provider by itself.")
    async def link_order(
        self,
        info: Info[Context],
        input: Annotated[LinkOrderInput, strawberry.argument(description="What to tie to what.")],
    ) -> LinkOrderPayload | None:
        return await attempt(info, LINKING, input)

    @resolved("Take a link away.")
    async def unlink_order(
        self,
        info: Info[Context],
        input: Annotated[UnlinkOrderInput, strawberry.argument(description="Which link.")],
    ) -> UnlinkOrderPayload | None:
        return await attempt(info, UNLINKING, input)

    @resolved(
        "Ask for an order past the cache. What is younger than 10 seconds is not asked for again, so that "
        "pressing a button twice is one call."
    )
    async def refresh_order(
        self,
        info: Info[Context],
        input: Annotated[RefreshOrderInput, strawberry.argument(description="Which order.")],
    ) -> RefreshOrderPayload | None:
        return await attempt(info, REFRESH, input) or _as_it_is(info, input)


def _as_it_is(info: Info[Context], given: RefreshOrderInput) -> RefreshOrderPayload:
    """The order out of the copies at hand, after a provider failed, which is reported."""
    key, slug = to_key(given.order, given.shop)
    outcome = Outcome(Made(orders=named(key)), is_kept=True)
    return RefreshOrderPayload(done=Done(info.context.shop(slug), outcome), user_errors=[])
