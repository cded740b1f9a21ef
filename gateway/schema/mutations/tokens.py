"""Order tokens: what a shop's backend gives to a browser, so that it reads one order and nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Annotated

import strawberry
from strawberry import Info

from gateway.auth.order_tokens import MINTABLE_KINDS, MintedToken, OrderTokens
from gateway.auth.principal import OneOrder, Scope
from gateway.orders.errors import OrderError
from gateway.orders.identity import OrderKey
from gateway.orders.loaded import LoadedOrder
from gateway.orders.needs import Need, Part
from gateway.orders.service import NotFound
from gateway.orders.shops import Shop
from gateway.schema.context import Context
from gateway.schema.errors import ClientError, ErrorCode
from gateway.schema.fields import SHOP, optional, required, resolved
from gateway.schema.inputs import OrderBy, to_key
from gateway.schema.selection import path_of
from gateway.schema.types.payloads import UserError
from providers.errors import OrderNotFound

DEFAULT_SECONDS = 3600
LEAST_SECONDS = 60
"""Less than this would expire before a slow page has asked."""

ORDER_PATH = ["input", "order"]


@strawberry.input(description="An order that is to be read by whoever has the token.")
class MintOrderTokenInput:
    order: OrderBy = required("What it is asked by. The token can ask by this, and by the order's number.")
    expires_in_seconds: int | None = optional(
        f"How long the token is good, from {LEAST_SECONDS} to `auth.order_tokens.longest_seconds`.", DEFAULT_SECONDS
    )
    personal: bool | None = optional(
        "Whether it shows personal data, such as the address. Takes the scope `personal:read`.", False
    )
    shop: str | None = optional(SHOP)


@strawberry.type(description="A token for one order. It cannot be had again, and it cannot be revoked by itself.")
class OrderToken:
    value: str = strawberry.field(description="Send it as `Authorization: Bearer …`.")
    expires_at: datetime = strawberry.field(description="Until when it is good.")


@strawberry.type(description="What `mintOrderToken` answers.")
class MintOrderTokenPayload:
    token: OrderToken | None = strawberry.field(default=None, description="The token; null when there is none.")
    user_errors: list[UserError] = strawberry.field(description="What was wrong with the input; empty when done.")


@strawberry.type
class TokenMutations:
    @resolved(
        "Make a token with which a browser reads one order and nothing else. For a shop's own backend; the order must "
        "exist. Null when no provider that could know the order answered."
    )
    async def mint_order_token(
        self,
        info: Info[Context],
        input: Annotated[MintOrderTokenInput, strawberry.argument(description="Which order, and for how long.")],
    ) -> MintOrderTokenPayload | None:
        tokens = info.context.services.order_tokens
        if tokens is None:
            return _refused(
                UserError(code=ErrorCode.ORDER_TOKENS_OFF, message=ErrorCode.ORDER_TOKENS_OFF.meaning, path=["input"])
            )
        if input.personal:
            info.context.require(Scope.PERSONAL_READ)
        try:
            key, slug = to_key(input.order, input.shop)
        except ClientError as error:
            return _refused(UserError(code=error.code.value, message=error.message, path=ORDER_PATH))
        shop = info.context.shop(slug)
        problems = list(_problems(input, tokens))
        if problems:
            return _refused(*problems)
        try:
            found = await info.context.orders.find(shop, key, [Need(Part.ORDER_NUMBER)])
        except OrderError as error:
            return _refused(UserError(code=error.code, message=error.message, path=ORDER_PATH))
        if isinstance(found, NotFound):
            return _not_found(info, found)
        return _minted(tokens.mint(_bound(shop, key, found), _lifetime(input), personal=bool(input.personal)))


def _problems(given: MintOrderTokenInput, tokens: OrderTokens) -> Iterable[UserError]:
    longest = int(tokens.longest.total_seconds())
    if not LEAST_SECONDS <= _lifetime(given).total_seconds() <= longest:
        message = f"`expiresInSeconds` takes {LEAST_SECONDS} to {longest}."
        yield UserError(code=ErrorCode.BAD_USER_INPUT, message=message, path=["input", "expiresInSeconds"])


def _lifetime(given: MintOrderTokenInput) -> timedelta:
    seconds = given.expires_in_seconds
    return timedelta(seconds=DEFAULT_SECONDS if seconds is None else seconds)


def _bound(shop: Shop, asked: OrderKey, found: LoadedOrder) -> OneOrder:
    """The order by what it was asked by and what its id holds, which is its number whenever that is known."""
    names = {asked, found.identity.best_key}
    return OneOrder(shop.slug, frozenset(key for key in names if key.kind in MINTABLE_KINDS))


def _not_found(info: Info[Context], nothing: NotFound) -> MintOrderTokenPayload | None:
    if not nothing.failures:
        return _refused(UserError(code=OrderNotFound.code, message=OrderNotFound.message, path=ORDER_PATH))
    for error in nothing.failures:
        info.context.report(error, path_of(info._raw_info))
    return None


def _minted(token: MintedToken) -> MintOrderTokenPayload:
    return MintOrderTokenPayload(token=OrderToken(value=token.value, expires_at=token.expires_at), user_errors=[])


def _refused(*problems: UserError) -> MintOrderTokenPayload:
    return MintOrderTokenPayload(user_errors=list(problems))
