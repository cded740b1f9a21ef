"""API keys, kept on either database."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from gateway.store.api_keys import ApiKey, ApiKeys
from gateway.store.database import Database

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
KEY = ApiKey("0123456789ab", "Order page", "d" * 64, frozenset({"acme", "other"}), frozenset({"orders:read"}), NOON)


@pytest.fixture
def keys(database: Database) -> ApiKeys:
    return ApiKeys(database)


@pytest.mark.parametrize(
    "key",
    [
        KEY,
        replace(KEY, name=None, shops=None, expires_at=NOON + timedelta(days=90)),
        replace(KEY, shops=frozenset(), scopes=frozenset()),
    ],
)
async def test_a_key_is_found_as_it_was_added(keys: ApiKeys, key: ApiKey) -> None:
    await keys.add(key)
    assert await keys.find(key.id) == key


async def test_a_key_that_was_never_added_is_not_found(keys: ApiKeys) -> None:
    await keys.add(KEY)
    assert await keys.find("ba9876543210") is None


async def test_keys_are_listed_the_oldest_first(keys: ApiKeys) -> None:
    newer = replace(KEY, id="000000000000", created_at=NOON + timedelta(seconds=1))
    await keys.add(newer)
    await keys.add(KEY)
    assert await keys.all() == [KEY, newer]


async def test_a_revoked_key_stays_and_keeps_the_first_moment(keys: ApiKeys) -> None:
    await keys.add(KEY)
    assert await keys.revoke(KEY.id, NOON)
    assert await keys.revoke(KEY.id, NOON + timedelta(days=1))
    found = await keys.find(KEY.id)
    assert found == replace(KEY, revoked_at=NOON)
    assert not found.is_good(NOON)


async def test_what_is_not_there_cannot_be_revoked(keys: ApiKeys) -> None:
    assert not await keys.revoke("nothing", NOON)


def test_a_key_is_good_before_it_expires() -> None:
    key = replace(KEY, expires_at=NOON)
    assert key.is_good(NOON - timedelta(seconds=1))
    assert not key.is_good(NOON)


async def test_every_shop_is_null_in_the_table_and_not_the_word_null(keys: ApiKeys, database: Database) -> None:
    await keys.add(replace(KEY, shops=None))
    async with database.reading() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM api_keys WHERE shops IS NULL")) == 1
