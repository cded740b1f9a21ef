"""The one way from a checked input to a payload: what a write can end in, as clients see it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from strawberry import Info

from gateway.orders.errors import OrderError, ProviderNotConfigured
from gateway.orders.shops import Shop
from gateway.schema.context import Context
from gateway.schema.errors import ClientError, ErrorCode
from gateway.schema.ids import GlobalId, parse_id
from gateway.schema.refusals import Terms, not_found, refusals
from gateway.schema.selection import path_of
from gateway.schema.types.payloads import UserError
from providers.errors import OrderNotFound, ProviderError, RequestRejected

P = TypeVar("P")


async def attempt(
    info: Info[Context],
    shop: Shop,
    terms: Terms,
    payload: Callable[..., P],
    *,
    problems: Iterable[UserError],
    write: Callable[[], Awaitable[P]],
) -> P | None:
    """What `write` answers, when there are no `problems`; else a `payload` with user errors alone.

    None when the provider failed: that is reported, and is no fault of the input.
    """
    wrong = list(problems)
    if wrong:
        return payload(user_errors=wrong)
    try:
        return await write()
    except (OrderError, RequestRejected, OrderNotFound) as error:
        return payload(user_errors=_user_errors(error, shop, terms))
    except ProviderError as error:
        info.context.report(error, path_of(info._raw_info))
        return None


def _user_errors(error: OrderError | RequestRejected | OrderNotFound, shop: Shop, terms: Terms) -> list[UserError]:
    match error:
        case RequestRejected():
            return refusals(error, shop, terms)
        case OrderNotFound():
            return [not_found(error, shop, terms)]
        case ProviderNotConfigured():
            return [UserError(code=error.code, message=error.message, path=["input"])]
        case _:
            return [UserError(code=error.code, message=error.message, path=terms.name_path)]


def tracking_id(text: str, type_name: str, shop: str | None) -> GlobalId:
    """What the id of a tracking says. Raises `ClientError` (BAD_ID) for that of anything else, or of another shop."""
    parsed = parse_id(text)
    if parsed.type_name != type_name or (shop is not None and shop != parsed.shop):
        raise ClientError(ErrorCode.BAD_ID, f"This is not the id of a {type_name} of this shop.")
    return parsed


def misnamed(error: ClientError, member: str) -> UserError:
    """The user error for what `member` of the input cannot name anything by."""
    return UserError(code=error.code.value, message=error.message, path=["input", member])
