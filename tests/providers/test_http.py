"""Claims about the one place that turns HTTP into answers or `ProviderError`s."""

from __future__ import annotations

import asyncio
import gzip
import json
import traceback
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter

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
from providers.http import MAX_BODY_BYTES, ProviderHttp, Reply, retry_after

NOW = datetime(2025, 6, 4, 12, 0, tzinfo=UTC)

Handler = Callable[[httpx.Request], httpx.Response]


@asynccontextmanager
async def provider_http(handler: Handler) -> AsyncIterator[ProviderHttp]:
    transport = httpx.MockTransport(handler)
    async with httpx.AsyncClient(transport=transport, base_url="https://api.example.com/root/") as client:
        yield ProviderHttp("acme", client, lambda: NOW)


async def failure_of(handler: Handler) -> ProviderError:
    async with provider_http(handler) as http:
        with pytest.raises(ProviderError) as caught:
            await http.call("find_order", "GET", "/orders")
    return caught.value


def answering(status: int, content: bytes = b"", **headers: str) -> Handler:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _: httpx.Response(status, content=content, headers=named)


def streaming(chunks: Iterator[bytes], **headers: str) -> Handler:
    """An answer whose raw bytes come in `chunks`, as from a socket; httpx decodes nothing of it."""

    async def body() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk

    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _: httpx.Response(200, content=body(), headers=named)


Meaning = tuple[type[ProviderError], dict[str, object]]

NOTHING_SENT: Meaning = (ProviderConnectionFailed, {"sent": False})
BROKEN_OFF: Meaning = (ProviderConnectionFailed, {"sent": True})
NO_ANSWER: Meaning = (ProviderTimeout, {})
NOT_HTTP: Meaning = (InvalidProviderResponse, {"reason": "bad_http"})

EXPECTED: dict[type[Exception], Meaning] = {
    httpx.HTTPError: NOT_HTTP,
    httpx.HTTPStatusError: NOT_HTTP,
    httpx.RequestError: NOT_HTTP,
    httpx.TransportError: NOT_HTTP,
    httpx.DecodingError: NOT_HTTP,
    httpx.TooManyRedirects: NOT_HTTP,
    httpx.TimeoutException: NO_ANSWER,
    httpx.ConnectTimeout: NOTHING_SENT,
    httpx.PoolTimeout: NOTHING_SENT,
    httpx.ReadTimeout: NO_ANSWER,
    httpx.WriteTimeout: NO_ANSWER,
    httpx.NetworkError: BROKEN_OFF,
    httpx.ConnectError: NOTHING_SENT,
    httpx.ReadError: BROKEN_OFF,
    httpx.WriteError: BROKEN_OFF,
    httpx.CloseError: BROKEN_OFF,
    httpx.ProxyError: NOTHING_SENT,
    httpx.UnsupportedProtocol: NOTHING_SENT,
    httpx.ProtocolError: NOT_HTTP,
    httpx.LocalProtocolError: NOTHING_SENT,
    httpx.RemoteProtocolError: BROKEN_OFF,
    httpx.InvalidURL: NOT_HTTP,
    httpx.StreamError: NOT_HTTP,
    httpx.StreamConsumed: NOT_HTTP,
    httpx.StreamClosed: NOT_HTTP,
    httpx.ResponseNotRead: NOT_HTTP,
    httpx.RequestNotRead: NOT_HTTP,
}


def tree(root: type[Exception]) -> Iterator[type[Exception]]:
    yield root
    for child in root.__subclasses__():
        yield from tree(child)


def made(error: type[Exception]) -> Exception:
    if error is httpx.HTTPStatusError:
        request = httpx.Request("GET", "https://api.example.com")
        return httpx.HTTPStatusError("refused", request=request, response=httpx.Response(500))
    no_message = (httpx.StreamConsumed, httpx.StreamClosed, httpx.ResponseNotRead, httpx.RequestNotRead)
    return error() if issubclass(error, no_message) else error("broken")


def test_every_error_class_of_httpx_has_its_row() -> None:
    """A class that a newer httpx brings fails here until somebody decides what it means."""
    roots = (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError)
    assert {error for root in roots for error in tree(root)} == EXPECTED.keys()


@pytest.mark.parametrize("error", EXPECTED, ids=lambda error: error.__name__)
async def test_an_error_of_httpx_becomes_exactly_one_provider_error(error: type[Exception]) -> None:
    thrown = made(error)

    def handler(_: httpx.Request) -> httpx.Response:
        raise thrown

    failure = await failure_of(handler)
    expected, attributes = EXPECTED[error]
    assert type(failure) is expected
    assert {name: getattr(failure, name) for name in attributes} == attributes
    assert (failure.provider, failure.operation) == ("acme", "find_order")
    assert failure.__cause__ is thrown


async def test_a_connection_that_breaks_inside_the_body_is_one_that_was_sent() -> None:
    def chunks() -> Iterator[bytes]:
        yield b'{"order'
        raise httpx.ReadError("reset")

    failure = await failure_of(streaming(chunks()))
    assert isinstance(failure, ProviderConnectionFailed)
    assert failure.sent


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, RequestRejected),
        (401, ProviderAuthFailed),
        (403, ProviderAuthFailed),
        (404, OrderNotFound),
        (408, ProviderTimeout),
        (409, RequestRejected),
        (410, RequestRejected),
        (418, RequestRejected),
        (422, RequestRejected),
        (429, ProviderRateLimited),
        (500, ProviderServerFailed),
        (502, ProviderServerFailed),
        (503, ProviderServerFailed),
        (504, ProviderServerFailed),
        (599, ProviderServerFailed),
        (201, InvalidProviderResponse),
        (204, InvalidProviderResponse),
        (304, InvalidProviderResponse),
    ],
)
async def test_a_status_that_is_no_answer_becomes_exactly_one_error(status: int, expected: type[ProviderError]) -> None:
    assert type(await failure_of(answering(status, b"<html>oops</html>"))) is expected


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_redirect_is_followed(status: int) -> None:
    """Following one could carry credentials to another host."""
    requests: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(status, headers={"Location": "https://elsewhere.example/"})

    failure = await failure_of(handler)
    assert isinstance(failure, InvalidProviderResponse)
    assert failure.reason == "redirect"
    assert len(requests) == 1


async def test_an_expected_status_is_an_answer_with_its_headers_and_body() -> None:
    async with provider_http(answering(404, b"none", X_Request_Id="r1")) as http:
        reply = await http.call("find_order", "GET", "/orders", expect=frozenset({200, 404}))
    assert (reply.status, reply.body, reply.headers["x-request-id"]) == (404, b"none", "r1")


async def test_an_adapter_reads_a_refusal_in_its_providers_terms_first() -> None:
    def refine(reply: Reply) -> ProviderError | None:
        return OrderNotFound("acme", "find_order") if reply.body == b"unknown order" else None

    for body, expected in ((b"unknown order", OrderNotFound), (b"something else", RequestRejected)):
        async with provider_http(answering(400, body)) as http:
            with pytest.raises(expected):
                await http.call("find_order", "GET", "/orders", refine=refine)


async def test_cancellation_passes_through_untouched() -> None:
    arrived = asyncio.Event()

    async def handler(_: httpx.Request) -> httpx.Response:
        arrived.set()
        await asyncio.Event().wait()
        raise AssertionError("never answered")

    async with httpx.AsyncClient(transport=httpx.MockTransport(handler), base_url="https://api.example.com") as client:
        call = asyncio.create_task(ProviderHttp("acme", client, lambda: NOW).call("find_order", "GET", "/orders"))
        await arrived.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call


async def test_a_request_is_sent_as_asked() -> None:
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200)

    async with provider_http(handler) as http:
        await http.call(
            "find_order",
            "GET",
            "/shops/a%2Fb/orders",
            params={"order_number": "1 2+3", "page": 1},
            headers={"X-Trace": "t"},
            auth=httpx.BasicAuth("user", "pass"),
        )
        await http.call("place", "POST", "/orders", json={"a": None})
        await http.call("token", "POST", "/token", form={"grant_type": "client_credentials"})
    get, post, form = seen
    assert get.url.raw_path == b"/root/shops/a%2Fb/orders?order_number=1%202%2B3&page=1".replace(b"%20", b"+")
    assert get.headers["authorization"] == "Basic dXNlcjpwYXNz"
    assert get.headers["accept-encoding"] == "gzip"
    assert get.headers["x-trace"] == "t"
    assert (post.content, post.headers["content-type"]) == (b'{"a":null}', "application/json")
    assert form.content == b"grant_type=client_credentials"


async def read_body(handler: Handler) -> bytes:
    async with provider_http(handler) as http:
        return (await http.call("find_order", "GET", "/orders")).body


async def reason_of(handler: Handler) -> str:
    failure = await failure_of(handler)
    assert isinstance(failure, InvalidProviderResponse)
    return failure.reason


async def test_a_body_up_to_the_cap_is_read_and_one_byte_more_is_not() -> None:
    assert len(await read_body(answering(200, b"x" * MAX_BODY_BYTES))) == MAX_BODY_BYTES
    assert await reason_of(answering(200, b"x" * (MAX_BODY_BYTES + 1))) == "too_large"


async def test_a_body_without_end_is_left_at_the_cap() -> None:
    taken = 0

    def endless() -> Iterator[bytes]:
        nonlocal taken
        while True:
            taken += 1
            yield b"x" * 65_536

    assert await reason_of(streaming(endless())) == "too_large"
    assert taken <= MAX_BODY_BYTES // 65_536 + 1


async def test_a_gzip_body_is_decoded_whatever_its_pieces() -> None:
    packed = gzip.compress(b'{"a": 1}')
    pieces = (packed[at : at + 1] for at in range(len(packed)))
    assert await read_body(streaming(pieces, content_encoding="GZIP")) == b'{"a": 1}'


async def test_a_gzip_bomb_is_left_at_the_cap() -> None:
    """A gigabyte of zeros packs into a megabyte; what counts is the decoded size."""
    packer = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    zeros = bytes(1024 * 1024)
    taken = 0

    def bomb() -> Iterator[bytes]:
        nonlocal taken
        for _ in range(1024):
            taken += 1
            yield packer.compress(zeros)
        yield packer.flush()

    assert await reason_of(streaming(bomb(), content_encoding="gzip")) == "too_large"
    assert taken < 64


@pytest.mark.parametrize(
    "body",
    [b"", b"not gzip at all", gzip.compress(b"{}")[:-4], gzip.compress(b"{}") + b"more"],
    ids=["empty", "not gzip", "cut off", "bytes after the end"],
)
async def test_a_gzip_body_that_is_broken_is_refused(body: bytes) -> None:
    assert await reason_of(streaming(iter([body]), content_encoding="gzip")) == "bad_encoding"


async def test_an_encoding_that_was_not_asked_for_is_refused() -> None:
    assert await reason_of(streaming(iter([b"x"]), content_encoding="br")) == "unknown_encoding"


class Thing(BaseModel):
    name: str
    size: int = 0


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not_json"),
        (b"<html>", "not_json"),
        (b'{"name": "x"', "not_json"),
        (b"[" * 100_000, "not_json"),
        (b'{"name": "\xff"}', "not_json"),
        (b"null", "wrong_shape"),
        (b"[]", "wrong_shape"),
        (b"{}", "wrong_shape"),
        (b'{"name": 5}', "wrong_shape"),
    ],
)
async def test_a_body_that_cannot_be_used_says_why_and_never_what(body: bytes, reason: str) -> None:
    async with provider_http(answering(200)) as http:
        with pytest.raises(InvalidProviderResponse) as caught:
            http.read("find_order", Reply(200, (), body), TypeAdapter(Thing))
    assert caught.value.reason == reason


async def test_neither_url_nor_body_reach_the_text_of_an_error() -> None:
    body = json.dumps({"name": ["secret-body"]}).encode()
    async with provider_http(answering(200)) as http:
        with pytest.raises(InvalidProviderResponse) as caught:
            http.read("find_order", Reply(200, (), body), TypeAdapter(Thing))
    assert "secret-body" not in "".join(traceback.format_exception(caught.value))
    failure = await failure_of(answering(422, b"secret-body"))
    assert "secret-body" not in repr(failure) + str(failure)
    assert "example.com" not in repr(failure) + str(failure)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("120", timedelta(seconds=120)),
        ("0", timedelta()),
        (" 7 ", timedelta(seconds=7)),
        ("9" * 5000, timedelta(days=1)),
        ("Wed, 04 Jun 2025 12:00:30 GMT", timedelta(seconds=30)),
        ("Wed, 04 Jun 2025 11:00:00 GMT", timedelta()),
        ("Fri, 04 Jun 2055 11:00:00 GMT", timedelta(days=1)),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("٣", None),
    ],
    ids=lambda value: str(value)[:30],
)
def test_retry_after_takes_seconds_and_dates(value: str, expected: timedelta | None) -> None:
    assert retry_after(httpx.Headers([(b"Retry-After", value.encode())]), NOW) == expected


@given(value=st.binary())
def test_no_retry_after_makes_reading_it_fail(value: bytes) -> None:
    wait = retry_after(httpx.Headers([(b"Retry-After", value)]), NOW)
    assert wait is None or timedelta() <= wait <= timedelta(days=1)


async def test_a_rate_limit_carries_what_the_provider_asked_for() -> None:
    with_header = await failure_of(answering(429, Retry_After="30"))
    without = await failure_of(answering(429))
    assert isinstance(with_header, ProviderRateLimited)
    assert isinstance(without, ProviderRateLimited)
    assert (with_header.retry_after, without.retry_after) == (timedelta(seconds=30), None)


@asynccontextmanager
async def server_that_says(answer: bytes) -> AsyncIterator[str]:
    """A server that reads a request, says `answer` and hangs up; gives its address."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def call_over_a_connection(url: str) -> Reply:
    async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
        return await ProviderHttp("acme", client, lambda: NOW).call("find_order", "GET", "/orders")


async def test_a_compressed_answer_is_read_from_a_connection() -> None:
    packed = gzip.compress(b'{"a": 1}')
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed)
    async with server_that_says(head + packed) as url:
        assert (await call_over_a_connection(url)).body == b'{"a": 1}'


@pytest.mark.parametrize(
    "answer",
    [b"", b"HTTP/1.1 200 OK\r\n", b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"order'],
    ids=["no answer", "half a head", "half a body"],
)
async def test_a_server_that_hangs_up_is_a_connection_that_broke_after_sending(answer: bytes) -> None:
    async with server_that_says(answer) as url:
        with pytest.raises(ProviderConnectionFailed) as caught:
            await call_over_a_connection(url)
    assert caught.value.sent


async def test_a_server_that_is_not_there_was_sent_nothing() -> None:
    async with server_that_says(b"") as url:
        pass
    with pytest.raises(ProviderConnectionFailed) as caught:
        await call_over_a_connection(url)
    assert not caught.value.sent
