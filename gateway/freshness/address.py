"""Where the cache is: the setting `cache.url` as data.

aiocache's own URL parser takes neither TLS nor a user name nor a socket, so the URL is read here. A URL may hold a
password: no error and no repr shows any part of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

EXAMPLES = "memory://, redis://user:password@host:6379/0, rediss://host:6380/0 (TLS) or unix:///run/redis.sock?db=0"

REDIS_PORT = 6379
"""Registered for Redis at IANA, and Valkey's default as well."""

_TLS_OF_SCHEME = {"redis": False, "rediss": True, "valkey": False, "valkeys": True}
"""The schemes of servers on TCP, and whether they speak TLS."""


@dataclass(frozen=True, slots=True)
class MemoryAddress:
    """The memory of this process."""


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """A Redis or Valkey server: on a socket when `socket_path` is set, else at `host` and `port`.

    `ca_file` names the PEM file with the certificates that sign the server's; None takes the system's.
    """

    host: str = ""
    port: int = REDIS_PORT
    database: int = 0
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: bool = False
    socket_path: str | None = None
    ca_file: str | None = None


def parse_cache_url(url: str) -> MemoryAddress | RedisAddress:
    """The address in `url`. User name, password and socket path may be percent-encoded.

    Raises `ValueError` with what to write instead.
    """
    if "#" in url:
        raise _wrong("has a #; in a password write it as %23")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _wrong("has a host or port that cannot be read; in a password write / as %2F, : as %3A") from None
    if parts.scheme == "memory":
        return _parse_memory(parts)
    if parts.scheme == "unix":
        return _parse_socket(parts)
    if parts.scheme in _TLS_OF_SCHEME:
        return _parse_server(parts, port)
    raise _wrong("has an unknown scheme")


def _parse_memory(parts: SplitResult) -> MemoryAddress:
    if parts.netloc or parts.path or parts.query:
        raise _wrong("takes nothing after memory://")
    return MemoryAddress()


def _parse_socket(parts: SplitResult) -> RedisAddress:
    if parts.hostname:
        raise _wrong("should name an absolute path, with three slashes after unix:")
    path = unquote(parts.path)
    if path in ("", "/"):
        raise _wrong("should name the path of a socket")
    options = _options(parts, {"db"})
    return RedisAddress(
        socket_path=path,
        database=_database(options.get("db", "")),
        username=_decoded(parts.username),
        password=_decoded(parts.password),
    )


def _parse_server(parts: SplitResult, port: int | None) -> RedisAddress:
    if not parts.hostname:
        raise _wrong("should name a host")
    tls = _TLS_OF_SCHEME[parts.scheme]
    options = _options(parts, {"ca_file"} if tls else set())
    return RedisAddress(
        host=parts.hostname,
        port=REDIS_PORT if port is None else port,
        database=_database(parts.path.removeprefix("/")),
        username=_decoded(parts.username),
        password=_decoded(parts.password),
        tls=tls,
        ca_file=options.get("ca_file"),
    )


def _options(parts: SplitResult, allowed: set[str]) -> dict[str, str]:
    try:
        options = parse_qs(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError:
        raise _wrong("has a query that cannot be read") from None
    if not options.keys() <= allowed:
        takes = " and ".join(f"?{name}=" for name in sorted(allowed)) or "no ?"
        raise _wrong(f"has an unknown option: {parts.scheme}:// takes {takes}")
    return {name: values[-1] for name, values in options.items()}


def _database(text: str) -> int:
    if text == "":
        return 0
    if not (text.isascii() and text.isdigit()):
        raise _wrong("should name its database by number")
    return int(text)


def _decoded(text: str | None) -> str | None:
    # An empty user name is how a password alone is written: redis://:password@host.
    return unquote(text) if text else None


def _wrong(why: str) -> ValueError:
    return ValueError(f"{why}; it should look like {EXAMPLES}")
