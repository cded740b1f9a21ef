"""What only a real server shows: bytes on the wire, bodies that lie about their length, connections that break."""

from __future__ import annotations

import asyncio

import httpx
import pytest

MAX_BODY_BYTES = 10_000

HEAD = b"POST /graphql HTTP/1.1\r\nHost: gateway\r\nContent-Type: application/json\r\n"


def url(address: tuple[str, int]) -> str:
    return f"http://{address[0]}:{address[1]}/graphql"


async def test_a_query_is_answered_without_a_server_header(address: tuple[str, int]) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        response = await client.post(url(address), json={"query": "{ hello }"})
    assert response.json() == {"data": {"hello": "hello world"}}
    assert "server" not in response.headers


async def test_two_megabytes_get_413_and_the_connection_serves_the_next_request(address: tuple[str, int]) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        large = await client.post(url(address), json={"query": "{ hello }" + " " * 2_000_000})
        small = await client.post(url(address), json={"query": "{ hello }"})
    assert large.status_code == 413
    assert small.status_code == 200


async def test_a_declared_length_gets_413_before_any_body_is_sent(address: tuple[str, int]) -> None:
    reader, writer = await asyncio.open_connection(*address)
    writer.write(HEAD + b"Content-Length: 999999999\r\n\r\n")
    status = await reader.readline()
    writer.close()
    await writer.wait_closed()
    assert status.startswith(b"HTTP/1.1 413")


async def test_chunks_beyond_the_limit_get_413_while_the_client_still_sends(address: tuple[str, int]) -> None:
    reader, writer = await asyncio.open_connection(*address)
    writer.write(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
    chunk = b"x" * 4_000
    for _ in range(MAX_BODY_BYTES // len(chunk) + 1):
        writer.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
    status = await reader.readline()
    writer.close()
    await writer.wait_closed()
    assert status.startswith(b"HTTP/1.1 413")


async def test_a_client_that_leaves_halfway_does_no_harm(address: tuple[str, int]) -> None:
    _, writer = await asyncio.open_connection(*address)
    writer.write(HEAD + b'Content-Length: 100\r\n\r\n{"query"')
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    async with httpx.AsyncClient(trust_env=False) as client:
        assert (await client.post(url(address), json={"query": "{ hello }"})).status_code == 200


DEEP = 100_000

DEEP_BODIES = {
    "variables": (b'{"query": "{ hello }", "variables": {"a": ' + b"[" * DEEP + b"]" * DEEP + b"}}", "BAD_REQUEST"),
    "selections": (b'{"query": "' + b"{ a " * DEEP + b"}" * DEEP + b'"}', "GRAPHQL_PARSE_FAILED"),
    "values": (b'{"query": "{ hello(name: ' + b"[" * DEEP + b"]" * DEEP + b') }"}', "GRAPHQL_PARSE_FAILED"),
    "members": (b'{"a":' * DEEP + b"1" + b"}" * DEEP, "BAD_REQUEST"),
}


@pytest.mark.parametrize(("body", "code"), DEEP_BODIES.values(), ids=DEEP_BODIES.keys())
async def test_what_is_nested_a_hundred_thousand_deep_is_a_clear_error(
    roomy_address: tuple[str, int], body: bytes, code: str
) -> None:
    headers = {"content-type": "application/json", "accept": "application/graphql-response+json"}
    async with httpx.AsyncClient(trust_env=False) as client:
        response = await client.post(url(roomy_address), content=body, headers=headers)
    assert response.status_code == 400
    assert [error["extensions"]["code"] for error in response.json()["errors"]] == [code]
