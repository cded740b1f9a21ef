"""Shipments that are told to several providers: accepted once, tried until they are done, and decided about."""

from __future__ import annotations

from typing import Annotated, TypeVar

import strawberry
from strawberry import Info

from gateway.orders import shops
from gateway.orders.attempts import Attempt
from gateway.orders.idempotency import Made
from gateway.orders.links import Problem
from gateway.schema.context import Context
from gateway.schema.fields import resolved
from gateway.schema.inputs import to_key
from gateway.schema.mutations.attempt import (
    InputRefused,
    MutationSpec,
    attempt,
    id_of,
    in_any_shop,
    keyed_write,
    named,
)
from gateway.schema.refusals import Terms
from gateway.schema.registration_inputs import (
    DismissRegistrationInput,
    RegisterShipmentInput,
    RetryRegistrationInput,
    check_dismissal,
    check_retry,
    check_shipment,
    to_shipment,
)
from gateway.schema.registration_refusals import TERMS
from gateway.schema.types.registration import (
    DismissRegistrationPayload,
    RegisterShipmentPayload,
    Registration,
    RegistrationPayload,
    RetryRegistrationPayload,
    order_key,
)
from gateway.store import registrations

P = TypeVar("P", bound=RegisterShipmentPayload | RegistrationPayload)


async def _register(info: Info[Context], shop: shops.Shop, given: RegisterShipmentInput, _attempt: Attempt) -> Made:
    """The registration keeps the key itself: a crash leaves either both of them, or none."""
    key, _slug = to_key(given.order, given.shop)
    accepted = await info.context.registration.register(
        shop, key, to_shipment(given), given.providers, keyed_write(info, shop, given)
    )
    info.context.loads.forget()  # what was told changed it
    return _made(accepted)


async def _retry(info: Info[Context], shop: shops.Shop, given: RetryRegistrationInput, _attempt: Attempt) -> Made:
    tried = await info.context.registration.retry(shop, _number(given), given.providers)
    info.context.loads.forget()
    return _made(tried)


async def _dismiss(info: Info[Context], shop: shops.Shop, given: DismissRegistrationInput, _attempt: Attempt) -> Made:
    return _made(await info.context.registration.dismiss(shop, _number(given), given.reason))


def _made(found: registrations.Registration | tuple[Problem, ...]) -> Made:
    if isinstance(found, tuple):
        raise InputRefused(found)
    return Made(orders=named(order_key(found)), registration=found.id)


def _shop_of(given: RetryRegistrationInput | DismissRegistrationInput) -> str:
    return id_of(given.registration_id, Registration.__name__, given.shop).shop


def _number(given: RetryRegistrationInput | DismissRegistrationInput) -> int:
    (number,) = id_of(given.registration_id, Registration.__name__, given.shop).parts
    return int(number or 0)


REGISTRATION = MutationSpec(
    TERMS,
    RegisterShipmentPayload,
    check=in_any_shop(check_shipment),
    make=_register,
    shop_of=lambda given: to_key(given.order, given.shop)[1],
    keeps_its_key=True,
)
RETRY = MutationSpec(
    Terms(RetryRegistrationInput, named_by="registrationId"),
    RetryRegistrationPayload,
    check=in_any_shop(check_retry),
    make=_retry,
    shop_of=_shop_of,
)
DISMISSAL = MutationSpec(
    Terms(DismissRegistrationInput, named_by="registrationId"),
    DismissRegistrationPayload,
    check=in_any_shop(check_dismissal),
    make=_dismiss,
    shop_of=_shop_of,
)


@strawberry.type
class RegistrationMutations:
    @resolved(
        "Tell every provider that has to know of a parcel. What is accepted is not lost: each provider is tried at "
        "once, and one that is down again and again for up to 7 days. Answers how far each is before the query's "
        "deadline; `registration` shows it later."
    )
    async def register_shipment(
        self,
        info: Info[Context],
        input: Annotated[RegisterShipmentInput, strawberry.argument(description="The parcel, and whose it is.")],
    ) -> RegisterShipmentPayload | None:
        return await _shown(info, await attempt(info, REGISTRATION, input))

    @resolved(
        "Try again at once what is not done of a registration. What is UNKNOWN is sent once more: look first that it "
        "was not done."
    )
    async def retry_registration(
        self,
        info: Info[Context],
        input: Annotated[RetryRegistrationInput, strawberry.argument(description="Which registration.")],
    ) -> RetryRegistrationPayload | None:
        return await _shown(info, await attempt(info, RETRY, input))

    @resolved(
        "Give a registration up: what is PENDING is not tried again, and it is no longer listed as open. Nothing that "
        "was done is undone."
    )
    async def dismiss_registration(
        self,
        info: Info[Context],
        input: Annotated[DismissRegistrationInput, strawberry.argument(description="Which registration, and why.")],
    ) -> DismissRegistrationPayload | None:
        return await _shown(info, await attempt(info, DISMISSAL, input))


async def _shown(info: Info[Context], payload: P | None) -> P | None:
    """`payload` with the registration as it is now, whichever request made it."""
    if payload is None or payload.done is None or payload.done.outcome.made.registration is None:
        return payload
    shop = payload.done.shop
    found = await info.context.registration.find(shop, payload.done.outcome.made.registration)
    payload.registration = Registration(shop=shop, model=found) if found else None
    return payload
