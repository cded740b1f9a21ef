"""The cache in a Redis or Valkey server, through aiocache's Redis backend.

Speaks to the server and translates every failure into `StorageUnavailable`; sets no limits of time or number
(`gateway.freshness.guard` does).

Keep the server's `maxmemory-policy` at `volatile-ttl` (or `noeviction`): tag stamps live longest and so go last. Under
an LRU policy a stamp may go before an entry that it forbids.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Awaitable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import redis.asyncio as redis
from aiocache import RedisCache  # type: ignore[import-untyped]  # aiocache 0.12 ships no types
from aiocache.serializers import NullSerializer  # type: ignore[import-untyped]
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from gateway.freshness.address import RedisAddress
from gateway.freshness.guard import Found, StorageUnavailable
from gateway.freshness.sealing import Seal

T = TypeVar("T")

_STAMP_SCRIPT = """
for i, key in ipairs(KEYS) do
  local stamp = redis.call('GET', key)
  if not stamp or tonumber(stamp) < tonumber(ARGV[i]) then
    redis.call('SET', key, ARGV[i], 'PX', ARGV[#ARGV])
  end
end
"""
"""A stamp never goes back, whichever worker's clock is behind. Microseconds since 1970 fit a Lua number (2**53)."""

_SCANNED = 500
"""Keys that are gone through at a time: some megabytes of orders."""


class RedisStorage:
    """Entries, tag stamps and leases in one server, under `prefix`. Every method may raise `StorageUnavailable`."""

    def __init__(self, address: RedisAddress, prefix: str, seal: Seal) -> None:
        self._seal = seal
        self._prefix = prefix
        self._cache = RedisCache(
            serializer=NullSerializer(encoding=None),
            namespace=prefix,
            timeout=None,  # aiocache's own limit costs a task for each command; the guard's does not
            endpoint=address.host,
            port=address.port,
            db=address.database,
            password=address.password,
            connection_pool_class=_socket_pool if address.socket_path else redis.ConnectionPool,
            connection_pool_kwargs=_connection_options(address),
        )

    async def read(self, keys: Collection[str], tags: Collection[str]) -> Found:
        """The payloads under `keys` and the stamps of `tags`, in one round trip."""
        names = [*map(self._entry_name, keys)]
        values = await self._ask(self._cache.multi_get([*names, *map(self._stamp_name, tags)]))
        sealed, stamps = values[: len(names)], values[len(names) :]
        opened = (
            None if value is None else self._seal.open(name, value) for name, value in zip(names, sealed, strict=True)
        )
        return Found(
            {key: payload for key, payload in zip(keys, opened, strict=True) if payload is not None},
            {tag: _stamp(stamp) for tag, stamp in zip(tags, stamps, strict=True) if stamp is not None},
        )

    async def write(self, key: str, payload: bytes, seconds: float) -> None:
        """Keep `payload` under `key` for `seconds`, a millisecond at least."""
        name = self._entry_name(key)
        await self._ask(self._cache.set(name, self._seal.close(name, payload), ttl=_ttl(seconds)))

    async def delete(self, key: str) -> None:
        """Drop the entry under `key`."""
        await self._ask(self._cache.delete(self._entry_name(key)))

    async def stamp(self, stamps: dict[str, int], seconds: float) -> None:
        """Set each tag's stamp, unless it has a later one, for `seconds`."""
        if not stamps:
            return
        names = [self._cache.build_key(self._stamp_name(tag)) for tag in stamps]
        milliseconds = int(_ttl(seconds) * 1000)
        await self._ask(self._cache.raw("eval", _STAMP_SCRIPT, len(names), *names, *stamps.values(), milliseconds))

    async def take_lease(self, key: str, token: str, seconds: float) -> bool:
        """Take the lease on `key` for `seconds`; false while another token holds it."""
        try:
            await self._ask(self._cache.add(self._lease_name(key), token.encode(), ttl=_ttl(seconds)))
        except ValueError:  # how aiocache says that the key exists
            return False
        return True

    async def release_lease(self, key: str, token: str) -> None:
        """Give the lease on `key` back, if `token` still holds it."""
        name = self._cache.build_key(self._lease_name(key))
        await self._ask(self._cache.raw("eval", RedisCache.RELEASE_SCRIPT, 1, name, token.encode()))

    async def values(self) -> AsyncIterator[list[tuple[str, bytes]]]:
        """Everything under the prefix that this seal opens, some at a time: name and payload, stamps and leases too."""
        prefix = self._cache.build_key("")
        cursor = 0
        while True:
            # A prefix holds no character that has a meaning in a pattern (`CacheSettings.key_prefix`).
            cursor, keys = await self._ask(self._cache.raw("scan", cursor, match=f"{prefix}*", count=_SCANNED))
            names = [key.decode().removeprefix(prefix) for key in keys]
            found = await self._ask(self._cache.multi_get(names)) if names else []
            opened = ((name, self._seal.open(name, value)) for name, value in zip(names, found, strict=True) if value)
            yield [(name, payload) for name, payload in opened if payload is not None]
            if cursor == 0:
                return

    async def drop(self, names: Collection[str]) -> None:
        """Delete what `values` named so."""
        if names:
            await self._ask(self._cache.raw("delete", *map(self._cache.build_key, names)))

    async def run(self, script: str, names: Sequence[str], arguments: Sequence[str | int]) -> Any:
        """What `script`, in Lua, answers over the keys called `names`; the server runs it as one step."""
        keys = [self._cache.build_key(self._seal.name(name)) for name in names]
        return await self._ask(self._cache.raw("eval", script, len(keys), *keys, *arguments))

    async def ping(self) -> None:
        """Return if the server answers."""
        await self._ask(self._cache.raw("ping"))

    async def aclose(self) -> None:
        """Close every connection."""
        await self._ask(self._cache.client.aclose(close_connection_pool=True))

    async def _ask(self, command: Awaitable[T]) -> T:
        with _translated():
            return await command

    def _entry_name(self, key: str) -> str:
        return self._seal.name(f"e{key}")

    def _stamp_name(self, tag: str) -> str:
        return self._seal.name(f"t{tag}")

    def _lease_name(self, key: str) -> str:
        return self._seal.name(f"l{key}")


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (RedisError, OSError) as error:
        # The message may name an address or a command with its key; the class says enough.
        raise StorageUnavailable(type(error).__name__) from error


def _connection_options(address: RedisAddress) -> dict[str, Any]:
    options: dict[str, Any] = {
        "username": address.username,
        # One more attempt, at once, as the server may have closed an idle connection; redis-py's default waits longer.
        "retry": Retry(NoBackoff(), 1),
        "protocol": 2,
        "driver_info": None,
    }
    if address.socket_path:
        options["path"] = address.socket_path
        options["connection_class"] = redis.UnixDomainSocketConnection
    if address.tls:
        options["connection_class"] = redis.SSLConnection
        options["ssl_ca_certs"] = address.ca_file
        options["ssl_min_version"] = ssl.TLSVersion.TLSv1_2
    return options


def _socket_pool(*, host: str, port: int, **options: Any) -> redis.ConnectionPool:  # noqa: ARG001
    # aiocache always passes host and port; a connection to a socket takes neither.
    return redis.ConnectionPool(**options)


def _ttl(seconds: float) -> float:
    # A float, because aiocache turns floats into milliseconds and anything else into whole seconds.
    return max(float(seconds), 0.001)


def _stamp(text: bytes) -> int:
    # A stamp that is not a number is not ours and cannot say what it forbids: nothing older than now may be served.
    return int(text) if text.isdigit() else _ALWAYS


_ALWAYS = 2**63
