"""Everything that can go wrong on the wire, as a table: what happens, and the one error class that must come of it."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import httpx

from providers.errors import (
    InvalidProviderResponse,
    OrderNotFound,
    ProviderAuthFailed,
    ProviderConnectionFailed,
    ProviderError,
    ProviderRateLimited,
    ProviderServerFailed,
    ProviderTimeout,
    RequestRejected,
)
from providers.testing.api import Answer, Failure

PROSE = "prose-of-the-provider-4711"
"""Stands in every faulty body; no error may quote it."""

_HTML = {"content-type": "text/html"}
_PAGE = f"<html><body><h1>{PROSE}</h1></body></html>".encode()
_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Fault:
    """`facts` are members that the error must have besides its class."""

    name: str
    failure: Failure
    error: type[ProviderError]
    facts: Mapping[str, object]


def _status(
    status: int,
    error: type[ProviderError],
    *,
    suffix: str = "",
    headers: Mapping[str, str] | None = None,
    **facts: object,
) -> Fault:
    body = f'{{"detail": "{PROSE}", "message": "{PROSE}"}}'.encode()
    answer = Answer(status, body, {"content-type": "application/json", **(headers or {})})
    return Fault(f"status_{status}{suffix}", lambda _request, _recorded: answer, error, facts)


def _page(status: int, error: type[ProviderError]) -> Fault:
    return Fault(f"html_{status}", lambda _request, _recorded: Answer(status, _PAGE, _HTML), error, {})


def _raised(name: str, raised: type[httpx.TransportError], error: type[ProviderError], **facts: object) -> Fault:
    return Fault(name, lambda request, _recorded: raised(PROSE, request=request), error, facts)


def _body(name: str, body: bytes, reason: str, headers: Mapping[str, str] | None = None) -> Fault:
    def failure(_request: httpx.Request, recorded: Answer) -> Answer:
        return Answer(recorded.status, body, {"content-type": "application/json", **(headers or {})})

    return Fault(name, failure, InvalidProviderResponse, {"reason": reason})


def _cut_off(_request: httpx.Request, recorded: Answer) -> Answer:
    return Answer(recorded.status, recorded.body.rstrip()[:-1], recorded.headers)


FAULTS: tuple[Fault, ...] = (
    _status(400, RequestRejected),
    _status(401, ProviderAuthFailed),
    _status(403, ProviderAuthFailed),
    _status(404, OrderNotFound),
    _status(409, RequestRejected),
    _status(422, RequestRejected),
    _status(429, ProviderRateLimited, retry_after=None),
    _status(
        429,
        ProviderRateLimited,
        suffix="_in_seconds",
        headers={"retry-after": "7"},
        retry_after=timedelta(seconds=7),
    ),
    _status(
        429,
        ProviderRateLimited,
        suffix="_at_a_date",
        headers={"retry-after": "Sun, 01 Jun 2025 12:00:30 GMT"},
        retry_after=timedelta(seconds=30),
    ),
    _status(500, ProviderServerFailed),
    _status(502, ProviderServerFailed),
    _status(503, ProviderServerFailed, headers={"retry-after": "120"}),
    _page(400, RequestRejected),
    _page(422, RequestRejected),
    _page(503, ProviderServerFailed),
    _status(302, InvalidProviderResponse, headers={"location": f"https://{PROSE}.example/"}, reason="redirect"),
    _body("html", _PAGE, "not_json", _HTML),
    Fault("cut_off", _cut_off, InvalidProviderResponse, {"reason": "not_json"}),
    _body("empty", b"", "not_json"),
    _body("not_utf_8", b'{"detail": "\xff\xfe"}', "not_json"),
    _body("deeply_nested", b"[" * 100_000, "not_json"),
    _body("null", b"null", "wrong_shape"),
    _body("wrong_type", f'"{PROSE}"'.encode(), "wrong_shape"),
    _body("too_large", b" " * (6 * _MIB), "too_large"),
    _body("gzip_bomb", gzip.compress(b" " * (64 * _MIB)), "too_large", {"content-encoding": "gzip"}),
    _body("cut_off_gzip", gzip.compress(_PAGE)[:-12], "bad_encoding", {"content-encoding": "gzip"}),
    _body("unknown_encoding", _PAGE, "unknown_encoding", {"content-encoding": "zstd"}),
    _raised("reset", httpx.ReadError, ProviderConnectionFailed, sent=True),
    _raised("connection_refused", httpx.ConnectError, ProviderConnectionFailed, sent=False),
    _raised("connect_time_out", httpx.ConnectTimeout, ProviderConnectionFailed, sent=False),
    _raised("read_time_out", httpx.ReadTimeout, ProviderTimeout),
    _raised("hung_up", httpx.RemoteProtocolError, ProviderConnectionFailed, sent=True),
)
