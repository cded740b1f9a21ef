"""Cache URLs: what is understood, and what a wrong one says."""

from __future__ import annotations

import pytest
from pydantic import SecretStr, ValidationError

from gateway.freshness.address import MemoryAddress, RedisAddress, parse_cache_url
from gateway.freshness.settings import CacheSettings


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("memory://", MemoryAddress()),
        ("redis://cache", RedisAddress(host="cache", port=6379)),
        ("redis://cache:6380/2", RedisAddress(host="cache", port=6380, database=2)),
        ("redis://:s3cret@cache/0", RedisAddress(host="cache", password="s3cret")),  # noqa: S106
        (
            "redis://us%3Aer:p%40ss%2Fw%23rd@cache",
            RedisAddress(host="cache", username="us:er", password="p@ss/w#rd"),  # noqa: S106
        ),
        ("redis://[::1]:7000", RedisAddress(host="::1", port=7000)),
        ("rediss://cache:6380/1", RedisAddress(host="cache", port=6380, database=1, tls=True)),
        ("rediss://cache?ca_file=/etc/ca.pem", RedisAddress(host="cache", tls=True, ca_file="/etc/ca.pem")),
        ("valkey://cache", RedisAddress(host="cache")),
        ("valkeys://cache", RedisAddress(host="cache", tls=True)),
        ("unix:///run/redis.sock", RedisAddress(socket_path="/run/redis.sock")),
        ("unix:///run/my%20redis.sock?db=3", RedisAddress(socket_path="/run/my redis.sock", database=3)),
        (
            "unix://user:pass@/run/redis.sock",
            RedisAddress(socket_path="/run/redis.sock", username="user", password="pass"),  # noqa: S106
        ),
    ],
)
def test_what_a_url_says(url: str, address: MemoryAddress | RedisAddress) -> None:
    assert parse_cache_url(url) == address


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("", "unknown scheme"),
        ("localhost:6379", "unknown scheme"),
        ("http://hunter2@cache", "unknown scheme"),
        ("memory://hunter2", "nothing after memory://"),
        ("redis://", "name a host"),
        ("redis://user:hunter2@cache:port", "cannot be read"),
        ("redis://cache:99999", "cannot be read"),
        ("redis://cache/first", "database by number"),
        ("redis://:hunter2#@cache", "%23"),
        ("redis://cache/0#hunter2", "%23"),
        ("redis://cache?db=1", "unknown option"),
        ("rediss://cache?verify=no", "?ca_file="),
        ("unix://run/redis.sock", "three slashes"),
        ("unix:///", "path of a socket"),
        ("unix:///run/redis.sock?db=one", "database by number"),
    ],
)
def test_a_wrong_url_says_what_to_do_and_shows_nothing_of_itself(url: str, why: str) -> None:
    with pytest.raises(ValidationError) as caught:
        CacheSettings(url=SecretStr(url))
    assert why in str(caught.value)
    assert "it should look like memory://, redis://" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_no_repr_shows_a_password() -> None:
    url = "redis://user:hunter2@cache"
    assert "hunter2" not in repr(parse_cache_url(url)) + repr(CacheSettings(url=SecretStr(url)))


def test_only_memory_is_in_process() -> None:
    assert CacheSettings().is_in_process
    assert not CacheSettings(url=SecretStr("redis://cache")).is_in_process
