"""What every storage promises: memory, Redis, and Redis with sealed entries."""

from __future__ import annotations

import asyncio

import pytest
from pydantic import SecretStr, ValidationError

from gateway.freshness.memory import MemoryStorage
from gateway.freshness.settings import CacheSettings
from gateway.freshness.storage import Storage, open_storage
from tests.gateway.freshness.conftest import KEY, StorageOpener
from tests.redis_server import RedisServer

HOUR = 3600.0


async def test_nothing_is_found_before_it_is_written(storage: Storage) -> None:
    assert await storage.read("key", ["tag"]) == (None, 0)
    assert await storage.latest_stamp(["tag"]) == 0
    assert await storage.latest_stamp([]) == 0


async def test_what_is_written_is_found_until_it_is_deleted(storage: Storage) -> None:
    await storage.write("key", b"\x00payload\xff", HOUR)
    assert await storage.read("key", []) == (b"\x00payload\xff", 0)
    await storage.delete("key")
    assert await storage.read("key", []) == (None, 0)


async def test_the_last_write_counts(storage: Storage) -> None:
    await storage.write("key", b"first", HOUR)
    await storage.write("key", b"second", HOUR)
    assert (await storage.read("key", []))[0] == b"second"


async def test_an_entry_ends_with_its_time(storage: Storage) -> None:
    await storage.write("key", b"payload", 0.001)
    await asyncio.sleep(0.02)  # the server's own clock cannot be moved
    assert (await storage.read("key", []))[0] is None


async def test_the_latest_stamp_of_several_tags_counts(storage: Storage) -> None:
    await storage.stamp(["a", "b"], 5, HOUR)
    await storage.stamp(["b"], 7, HOUR)
    assert await storage.latest_stamp(["a"]) == 5
    assert await storage.latest_stamp(["a", "b", "c"]) == 7
    assert await storage.latest_stamp(["c"]) == 0
    assert await storage.read("key", ["a", "b"]) == (None, 7)


async def test_a_stamp_never_goes_back(storage: Storage) -> None:
    await storage.stamp(["a"], 7, HOUR)
    await storage.stamp(["a"], 5, HOUR)
    assert await storage.latest_stamp(["a"]) == 7


async def test_keys_and_tags_do_not_cross(storage: Storage) -> None:
    await storage.write("a", b"payload", HOUR)
    await storage.stamp(["b"], 5, HOUR)
    assert await storage.latest_stamp(["a"]) == 0
    assert (await storage.read("b", []))[0] is None


async def test_a_lease_is_given_to_one_worker_at_a_time(open_redis: StorageOpener) -> None:
    here, there = open_redis(), open_redis()
    assert await here.take_lease("key", "here", HOUR)
    assert not await there.take_lease("key", "there", HOUR)
    await there.release_lease("key", "there")
    assert not await there.take_lease("key", "there", HOUR), "only its holder can give a lease back"
    await here.release_lease("key", "here")
    assert await there.take_lease("key", "there", HOUR)


async def test_a_lease_ends_by_itself(open_redis: StorageOpener) -> None:
    here, there = open_redis(), open_redis()
    assert await here.take_lease("key", "here", 0.001)
    await asyncio.sleep(0.02)
    assert await there.take_lease("key", "there", HOUR)


async def test_entries_and_stamps_are_seen_by_every_worker(open_redis: StorageOpener) -> None:
    here, there = open_redis(), open_redis()
    await here.write("key", b"payload", HOUR)
    await here.stamp(["tag"], 5, HOUR)
    assert await there.read("key", ["tag"]) == (b"payload", 5)


def _redis(server: RedisServer, prefix: str, key: SecretStr | None = None) -> Storage:
    return open_storage(
        CacheSettings(url=SecretStr(server.url), key_prefix=prefix, encryption_key=key, timeout_ms=5000)
    )


async def test_every_key_begins_with_the_prefix_and_ends_by_itself(own_redis: RedisServer) -> None:
    storage = _redis(own_redis, "mine")
    await storage.write("key", b"payload", HOUR)
    await storage.stamp(["tag"], 5, HOUR)
    await storage.take_lease("key", "token", HOUR)
    await storage.aclose()
    keys = own_redis.all_keys()
    assert len(keys) == 3
    assert all(key.startswith(b"mine:1:") for key in keys)
    with own_redis.client() as client:
        assert all(0 < client.pttl(key) <= HOUR * 1000 for key in keys)


async def test_a_sealed_cache_shows_neither_names_nor_payloads(own_redis: RedisServer) -> None:
    storage = _redis(own_redis, "mine", KEY)
    await storage.write("order 4711", b"the buyer's address", HOUR)
    await storage.stamp(["order 4711"], 5, HOUR)
    await storage.aclose()
    with own_redis.client() as client:
        seen = b" ".join(key + (client.get(key) or b"") for key in own_redis.all_keys())
    assert b"4711" not in seen
    assert b"address" not in seen


async def test_a_sealed_entry_that_was_changed_moved_or_written_with_another_key_is_not_found(
    own_redis: RedisServer,
) -> None:
    storage = _redis(own_redis, "mine", KEY)
    other = _redis(own_redis, "mine", SecretStr("eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHg="))
    await storage.write("a", b"payload", HOUR)
    [first] = own_redis.all_keys()
    await storage.write("b", b"payload", HOUR)
    [second] = [key for key in own_redis.all_keys() if key != first]
    with own_redis.client() as client:
        client.set(second, client.get(first) or b"")
        assert (await storage.read("b", []))[0] is None, "moved"
        client.set(first, (client.get(first) or b"")[:-1] + b"\x00")
        assert (await storage.read("a", []))[0] is None, "changed"
        client.set(first, b"short")
        assert (await storage.read("a", []))[0] is None, "cut off"
    await storage.write("a", b"payload", HOUR)
    assert (await other.read("a", []))[0] is None, "another key"
    await storage.aclose()
    await other.aclose()


async def test_user_name_password_and_database_are_used(own_redis: RedisServer) -> None:
    with own_redis.client() as client:
        client.acl_setuser("gate:way", enabled=True, passwords=["+p@ss/word"], keys=["*"], commands=["+@all"])
    url = f"unix://gate%3Away:p%40ss%2Fword@{own_redis.socket}?db=3"
    storage = open_storage(CacheSettings(url=SecretStr(url), timeout_ms=5000))
    await storage.write("key", b"payload", HOUR)
    assert (await storage.read("key", []))[0] == b"payload"
    with own_redis.client() as client:
        assert client.info("keyspace").keys() == {"db3"}
        client.acl_deluser("gate:way")
    await storage.aclose()


def test_memory_is_the_default_and_gets_its_share_of_the_bound() -> None:
    storage = open_storage(CacheSettings())
    assert isinstance(storage, MemoryStorage)
    assert 136 * 2**20 < storage.cache.max_bytes < 144 * 2**20


@pytest.mark.parametrize("key", ["", "c2hvcnQ=", "not base64!", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWYx"])
def test_a_key_of_the_wrong_length_is_refused_without_being_shown(key: str) -> None:
    with pytest.raises(ValidationError, match="openssl rand -base64 32") as caught:
        CacheSettings(encryption_key=SecretStr(key))
    assert not key or key not in str(caught.value)
