"""The one way from an input to a payload: what a mutation can end in, as clients see it.

What is wrong with the input is told before anything is done, and uses up no idempotency key. Then the mutation is made,
once for each key, and answered by what was made; a refusal is told in the terms of the input.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from strawberry import Info

from gateway.orders.attempts import Attempt
from gateway.orders.errors import IdempotencyKeyInUse, IdempotencyKeyReused, OrderError, ProviderNotConfigured
from gateway.orders.idempotency import Made, NamedOrder
from gateway.orders.identity import OrderKey
from gateway.orders.links import Problem
from gateway.orders.refusal import RefusedError
from gateway.orders.shops import Shop
from gateway.schema.context import Context
from gateway.schema.errors import ClientError, ErrorCode
from gateway.schema.ids import GlobalId, parse_id
from gateway.schema.mutations.input_hash import input_hash
from gateway.schema.refusals import Terms, not_found, refusals
from gateway.schema.selection import path_of
from gateway.schema.types.payloads import Done, Payload, UserError, user_errors_of
from gateway.store.idempotency_keys import KeyedWrite
from providers.errors import OrderNotFound, ProviderError, RequestRejected


class InputRefused(OrderError):
    """What was found wrong with an input while it was being carried out: `problems`, each with its member.

    Told again, out of what is kept, it is the first of them alone.
    """

    code = ErrorCode.BAD_USER_INPUT.value

    def __init__(self, problems: Sequence[Problem]) -> None:
        first = problems[0]
        super().__init__(first.message)
        self.code = first.code  # type: ignore[misc]  # each problem has one of its own
        self.problems = problems


class Input(Protocol):
    """What every mutation is given."""

    shop: str | None
    idempotency_key: str | None


G = TypeVar("G", bound=Input)
P = TypeVar("P", bound=Payload)

Make = Callable[[Info[Context], Shop, G, Attempt], Awaitable[Made]]
"""Makes what an input asks for. Raises `RefusedError` when it is refused, and `ProviderError` when a provider fails."""


def named_shop(given: Input) -> str | None:
    """The slug of the shop, of an input that is about nothing which has a shop of its own."""
    return given.shop


def in_any_shop(check: Callable[[G], Iterable[UserError]]) -> Callable[[Shop, G], Iterable[UserError]]:
    """A check that comes to the same whatever the shop."""
    return lambda _shop, given: check(given)


@dataclass(frozen=True, slots=True)
class MutationSpec(Generic[G, P]):
    """One mutation: what it says about its input, and what it does.

    `check` finds what is wrong with an input before anything is done. `shop_of` is the slug of the shop that an input
    is about; raises `ClientError` when what it names the thing to be changed by, at `terms.named_by`, is no name.
    `keeps_its_key`: `make` takes the idempotency key itself, together with what it stores.
    """

    terms: Terms
    payload: Callable[..., P]
    check: Callable[[Shop, G], Iterable[UserError]]
    make: Make[G]
    shop_of: Callable[[G], str | None] = named_shop
    keeps_its_key: bool = False


async def attempt(info: Info[Context], mutation: MutationSpec[G, P], given: G, **members: object) -> P | None:
    """The payload for `given`: of what was made, with `members` of its own, or else of user errors alone.

    None when a provider failed: that is reported, and is no fault of the input. Raises `ClientError` when the shop is
    none or not named, and `StoreUnavailable` when there is an idempotency key and nobody can say whether it was used.
    """
    try:
        slug = mutation.shop_of(given)
    except ClientError as error:
        return mutation.payload(user_errors=[_misnamed(error, mutation.terms)])
    shop = info.context.shop(slug)
    problems = list(mutation.check(shop, given))
    if problems:
        return mutation.payload(user_errors=problems)
    try:
        outcome = await info.context.idempotency.once(
            None if mutation.keeps_its_key else keyed_write(info, shop, given),
            lambda attempt: mutation.make(info, shop, given, attempt),
        )
    except (OrderError, RequestRejected, OrderNotFound) as refusal:
        return mutation.payload(user_errors=_user_errors(refusal, shop, mutation.terms))
    except ProviderError as failure:
        info.context.report(failure, path_of(info._raw_info))
        return None
    return mutation.payload(done=Done(shop, outcome), user_errors=[], **members)


def keyed_write(info: Info[Context], shop: Shop, given: Input) -> KeyedWrite | None:
    """What is kept under the idempotency key of `given`; None without one."""
    if given.idempotency_key is None:
        return None
    return KeyedWrite(shop.slug, given.idempotency_key, info.field_name, input_hash(given))


def named(*keys: OrderKey) -> tuple[NamedOrder, ...]:
    """The orders behind `keys`, as they are kept."""
    return tuple(NamedOrder(kind=key.kind, value=key.value) for key in keys)


def id_of(text: str, type_name: str, shop: str | None) -> GlobalId:
    """What a global id says. Raises `ClientError` (BAD_ID) for that of anything else, or of another shop."""
    parsed = parse_id(text)
    if parsed.type_name != type_name or (shop is not None and shop != parsed.shop):
        raise ClientError(ErrorCode.BAD_ID, f"This is not the id of a {type_name} of this shop.")
    return parsed


_OWN_PATHS: Mapping[str, list[str]] = {
    ProviderNotConfigured.code: ["input"],
    IdempotencyKeyReused.code: ["input", "idempotencyKey"],
    IdempotencyKeyInUse.code: ["input", "idempotencyKey"],
}
"""Where a refusal of ours is told, by its code, when it is not about what names the thing to be changed."""


def _user_errors(refusal: RefusedError, shop: Shop, terms: Terms) -> list[UserError]:
    match refusal:
        case RequestRejected():
            return refusals(refusal, shop, terms)
        case OrderNotFound():
            return [not_found(refusal, shop, terms)]
        case InputRefused():
            return user_errors_of(refusal.problems)
        case _:
            path = _OWN_PATHS.get(refusal.code, terms.name_path)
            return [UserError(code=refusal.code, message=refusal.message, path=path)]


def _misnamed(error: ClientError, terms: Terms) -> UserError:
    return UserError(code=error.code.value, message=error.message, path=terms.name_path)
