"""Which check a bearer token goes to, and API keys out of a real store."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from gateway.auth.api_keys import HELD_SECONDS, ApiKeyVerifier, new_key
from gateway.auth.authenticator import LONGEST_TOKEN, Authenticator, anyone, nobody_yet
from gateway.auth.errors import AuthenticationUnavailable, NotAuthenticated
from gateway.auth.jwt_verifier import JwtVerifier, SecretKeys
from gateway.auth.order_tokens import OrderTokens
from gateway.auth.principal import ANYONE, OneOrder, Principal, Scope
from gateway.auth.secret_file import SecretFile
from gateway.auth.settings import JwtSettings
from gateway.orders.identity import OrderKey
from gateway.store.api_keys import ApiKey, ApiKeys
from gateway.store.database import Database, StoreUnavailable
from tests.databases import sqlite_url, store_threads_end
from tests.gateway.auth.tokens import AUDIENCE, ISSUER, NOON, SECRET, signed

MADE = new_key()
KEY = ApiKey(MADE.id, "page", MADE.digest, frozenset({"acme"}), frozenset({"orders:read", "of a newer gateway"}), NOON)
ORDER = OneOrder("acme", frozenset({OrderKey("order_number", "1")}))


def take_away(store_file: Path) -> None:
    """Put a folder where the store was."""
    store_file.unlink()
    store_file.mkdir()


class Moment:
    """A clock and a monotonic clock that are moved together."""

    def __init__(self) -> None:
        self.now = NOON

    def clock(self) -> datetime:
        return self.now

    def monotonic(self) -> float:
        return self.now.timestamp()


@pytest.fixture
def moment() -> Moment:
    return Moment()


@pytest.fixture
async def keys(store_file: Path) -> AsyncIterator[ApiKeys]:
    database = Database(sqlite_url(store_file))
    yield ApiKeys(database)
    await database.aclose()


@pytest.fixture
def order_tokens(tmp_path: Path, moment: Moment) -> OrderTokens:
    file = tmp_path / "order-secret"
    file.write_text(SECRET[::-1], "utf-8")
    return OrderTokens(SecretFile(file), timedelta(days=1), moment.clock)


Authenticate = Callable[[str | None], Awaitable[Principal]]


def awaited(authenticator: Authenticator) -> Authenticate:
    """What `authenticator` answers, at once or later."""

    async def principal(token: str | None) -> Principal:
        known = authenticator(token)
        return known if isinstance(known, Principal) else await known

    return principal


@pytest.fixture
def authenticate(keys: ApiKeys, order_tokens: OrderTokens, tmp_path: Path, moment: Moment) -> Authenticate:
    file = tmp_path / "jwt-secret"
    file.write_text(SECRET, "utf-8")
    settings = JwtSettings(issuer=ISSUER, audience=AUDIENCE, secret_file=file)
    jwt = JwtVerifier(settings, SecretKeys(SecretFile(file)), moment.clock)
    return awaited(Authenticator(ApiKeyVerifier(keys, moment.clock, moment.monotonic), jwt, order_tokens))


class TestKinds:
    async def test_each_kind_of_token_is_recognised(
        self, authenticate: Authenticate, keys: ApiKeys, order_tokens: OrderTokens
    ) -> None:
        await keys.add(KEY)
        minted = order_tokens.mint(ORDER, timedelta(hours=1), personal=False)
        reader = Principal("page", frozenset({"acme"}), frozenset({Scope.ORDERS_READ}))
        assert await authenticate(MADE.value) == reader
        assert await authenticate(signed(SECRET, "HS256")) == reader
        assert (await authenticate(minted.value)).order == ORDER

    async def test_a_key_and_a_subject_of_one_name_and_a_reader_are_told_apart(
        self, authenticate: Authenticate, keys: ApiKeys, order_tokens: OrderTokens
    ) -> None:
        await keys.add(KEY)
        minted = order_tokens.mint(ORDER, timedelta(hours=1), personal=False)
        tokens = (MADE.value, signed(SECRET, "HS256"), minted.value)
        identities = [(await authenticate(token)).identity for token in tokens]
        assert identities == [f"key {MADE.id}", "jwt page", "order acme order_number=1"]

    @pytest.mark.parametrize("token", [None, ""])
    async def test_nothing_sent_is_told_from_something_wrong(
        self, authenticate: Authenticate, token: str | None
    ) -> None:
        with pytest.raises(NotAuthenticated) as error:
            await authenticate(token)
        assert not error.value.is_given

    @pytest.mark.parametrize(
        "token",
        ["x", "x" * (LONGEST_TOKEN + 1), "é", "tgk_", pytest.param(f"{MADE.value}x", id="a key and more"), "a.b.c"],
    )
    async def test_what_is_no_token_of_ours_is_refused(self, authenticate: Authenticate, token: str) -> None:
        with pytest.raises(NotAuthenticated) as error:
            await authenticate(token)
        assert error.value.is_given

    async def test_a_jwt_that_calls_itself_an_order_token_is_checked_as_one(self, authenticate: Authenticate) -> None:
        with pytest.raises(NotAuthenticated, match="signature"):
            await authenticate(signed(SECRET, "HS256", {"typ": "trackgraph-order+jwt"}))

    async def test_where_no_jwt_is_set_up_none_is_taken(self, keys: ApiKeys, moment: Moment) -> None:
        authenticate = awaited(Authenticator(ApiKeyVerifier(keys, moment.clock)))
        with pytest.raises(NotAuthenticated):
            await authenticate(signed(SECRET, "HS256"))

    async def test_anyone_is_let_in_only_where_that_is_set(self) -> None:
        assert anyone(None) is ANYONE
        with pytest.raises(AuthenticationUnavailable):
            nobody_yet(MADE.value)


class TestApiKeys:
    async def test_the_whole_key_counts_and_not_its_id_alone(self, authenticate: Authenticate, keys: ApiKeys) -> None:
        await keys.add(KEY)
        with pytest.raises(NotAuthenticated):
            await authenticate(MADE.value[:-1] + ("A" if MADE.value[-1] != "A" else "B"))

    async def test_a_key_is_good_until_it_expires(
        self, authenticate: Authenticate, keys: ApiKeys, moment: Moment
    ) -> None:
        await keys.add(replace(KEY, expires_at=NOON + timedelta(seconds=3)))
        await authenticate(MADE.value)
        moment.now = NOON + timedelta(seconds=3)
        with pytest.raises(NotAuthenticated):
            await authenticate(MADE.value)

    async def test_a_revoked_key_is_taken_for_seconds_at_most(
        self, authenticate: Authenticate, keys: ApiKeys, moment: Moment
    ) -> None:
        await keys.add(KEY)
        await authenticate(MADE.value)
        await keys.revoke(KEY.id, NOON)
        moment.now = NOON + timedelta(seconds=HELD_SECONDS)
        with pytest.raises(NotAuthenticated):
            await authenticate(MADE.value)

    async def test_a_look_up_that_holds_needs_no_store(self, store_file: Path, moment: Moment) -> None:
        database = Database(sqlite_url(store_file))
        keys = ApiKeys(database)
        await keys.add(KEY)
        verifier = ApiKeyVerifier(keys, moment.clock, moment.monotonic)
        assert verifier.held(MADE.value) is None
        looked_up = await verifier.principal(MADE.value)
        await database.aclose()
        take_away(store_file)
        assert verifier.held(MADE.value) == await verifier.principal(MADE.value) == looked_up
        moment.now = NOON + timedelta(seconds=HELD_SECONDS)
        assert verifier.held(MADE.value) is None
        with pytest.raises(StoreUnavailable):
            await verifier.principal(MADE.value)
        await database.aclose()
        await store_threads_end()

    def test_keys_are_long_and_never_the_same(self) -> None:
        made = [new_key() for _ in range(1000)]
        assert len({key.id for key in made}) == len({key.value for key in made}) == 1000
        assert {len(key.value) for key in made} == {60}
        assert not any(key.digest in key.value or key.value in key.digest for key in made)
