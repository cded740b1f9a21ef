"""Every refusal of the HTTP side looks the same: a status, one error with a code that is documented, and nothing else.

The table holds one request for each way in which a request can be refused before anything is executed.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from gateway.auth.errors import AuthenticationUnavailable, NotAuthenticated
from gateway.auth.principal import ANYONE, Principal
from gateway.http import BodyLimits, CorsOptions, HttpOptions, admission_of, create_http_app
from gateway.schema.errors import ErrorCode
from gateway.schema.persisted import KeptDocuments, PersistedDocuments
from gateway.schema.pipeline import Pipeline
from gateway.store.errors import StoreUnavailable

SECRET = "secret"  # noqa: S105  # what the doubles below raise, and no answer may hold

MAX_BODY_BYTES = 10_000
JSON = {"content-type": "application/json"}
HELLO = b'{"query": "{ hello }"}'


async def authenticate(token: str | None) -> Principal:
    match token:
        case None:
            return ANYONE
        case "away":
            raise AuthenticationUnavailable("Tokens cannot be checked now.")
        case "store":
            raise StoreUnavailable(f"{SECRET} in the store")
        case _:
            raise NotAuthenticated("The token is not good.")


@dataclass(frozen=True)
class Refused:
    """A request, and how it is refused. `headers` must be on the answer."""

    status: int
    code: str
    method: str = "POST"
    address: str = "/graphql"
    sent: Mapping[str, str] = field(default_factory=lambda: JSON)
    body: bytes = HELLO
    headers: Mapping[str, str] = field(default_factory=dict)


def hashed(sha256: str, **members: str) -> bytes:
    extensions = {"persistedQuery": {"version": 1, "sha256Hash": sha256}}
    return json.dumps({**members, "extensions": extensions}).encode()


def bearing(token: str) -> dict[str, str]:
    return {**JSON, "authorization": f"Bearer {token}"}


REFUSED: dict[str, Refused] = {
    "address": Refused(404, "NOT_FOUND", address="/nothing"),
    "file of GraphiQL": Refused(404, "NOT_FOUND", "GET", "/graphiql/x"),
    "method": Refused(405, "METHOD_NOT_ALLOWED", "PUT", headers={"allow": "GET, POST"}),
    "method of health": Refused(405, "METHOD_NOT_ALLOWED", address="/healthz"),
    "mutation by GET": Refused(
        405, "QUERY_REQUIRED", "GET", "/graphql?query=mutation{write}", body=b"", headers={"allow": "POST"}
    ),
    "accept": Refused(406, "NOT_ACCEPTABLE", sent={**JSON, "accept": "image/png"}),
    "content type": Refused(415, "UNSUPPORTED_MEDIA_TYPE", sent={"content-type": "text/plain"}),
    "size": Refused(413, "PAYLOAD_TOO_LARGE", body=b" " * (MAX_BODY_BYTES + 1)),
    "body": Refused(400, "BAD_REQUEST", body=b"{"),
    "members": Refused(400, "BAD_REQUEST", body=b"{}"),
    "query string": Refused(400, "BAD_REQUEST", "GET", "/graphql?query=%ff", body=b""),
    "preflight": Refused(
        400,
        "ORIGIN_NOT_ALLOWED",
        "OPTIONS",
        sent={"origin": "https://evil.example", "access-control-request-method": "POST"},
    ),
    "token": Refused(401, "UNAUTHENTICATED", sent=bearing("wrong")),
    "keys are away": Refused(503, "AUTHENTICATION_UNAVAILABLE", sent=bearing("away"), headers={"retry-after": "5"}),
    "store is away": Refused(503, "STORE_UNAVAILABLE", sent=bearing("store"), headers={"retry-after": "5"}),
    "unknown hash": Refused(200, "PERSISTED_QUERY_NOT_FOUND", body=hashed("0" * 64)),
    "wrong hash": Refused(400, "BAD_REQUEST", body=hashed("0" * 64, query="{ hello }")),
    "version of hashes": Refused(400, "BAD_REQUEST", body=b'{"extensions": {"persistedQuery": {"version": 2}}}'),
    "hash that is none": Refused(
        400, "BAD_REQUEST", body=b'{"extensions": {"persistedQuery": {"version": 1, "sha256Hash": 1}}}'
    ),
    "unknown document": Refused(200, "PERSISTED_QUERY_NOT_FOUND", body=b'{"documentId": "x"}'),
    "two documents": Refused(400, "BAD_REQUEST", body=b'{"documentId": "x", "query": "{ hello }"}'),
    "what nobody foresaw": Refused(500, "INTERNAL_ERROR", sent={**JSON, "x-request-id": "break-the-gateway"}),
}


@pytest.fixture
def app(pipeline: Pipeline, parts: Any) -> Starlette:
    options = HttpOptions(
        authenticate=authenticate,
        body=BodyLimits(MAX_BODY_BYTES, seconds=0.3),
        max_in_flight=1,
        cors=CorsOptions(("https://shop.example",)),
    )
    return create_http_app(pipeline, options, parts)


@pytest.fixture
def persisted() -> PersistedDocuments:
    return PersistedDocuments(kept=KeptDocuments())


def error_of(answer: httpx.Response) -> dict[str, Any]:
    """The one error of a refusal, once it is sure that the answer has the shape that all have."""
    assert answer.headers["content-type"].startswith(("application/json", "application/graphql-response+json"))
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-request-id"]
    assert "set-cookie" not in answer.headers
    assert SECRET not in answer.text
    body = answer.json()
    assert body.keys() == {"errors"}
    (error,) = body["errors"]
    assert error.keys() == {"message", "extensions"}
    found: dict[str, Any] = error
    return found


@pytest.mark.parametrize("refused", REFUSED.values(), ids=REFUSED.keys())
async def test_a_refusal_has_its_status_its_code_and_nothing_else(client: httpx.AsyncClient, refused: Refused) -> None:
    answer = await client.request(refused.method, refused.address, headers=dict(refused.sent), content=refused.body)
    error = error_of(answer)
    assert (answer.status_code, error["extensions"]["code"]) == (refused.status, refused.code)
    for name, value in refused.headers.items():
        assert answer.headers[name] == value
    known = ErrorCode(refused.code)
    assert error["extensions"].get("retryable", False) == known.retryable
    assert (error["message"] == "Internal error") == (known is ErrorCode.INTERNAL_ERROR)


async def test_a_refusal_comes_in_the_type_that_is_asked_for(client: httpx.AsyncClient) -> None:
    for accept in ("application/graphql-response+json", "application/json"):
        answer = await client.post("/nothing", headers={"accept": accept})
        assert answer.headers["content-type"] == f"{accept}; charset=utf-8"


class TestOfTheProcess:
    """Refusals that say nothing of the request."""

    async def test_overloaded_and_too_slow(self, app: Starlette, client: httpx.AsyncClient) -> None:
        """A body that does not come holds the only place until its time is over."""
        begun = asyncio.Event()

        async def slow_body() -> AsyncIterator[bytes]:
            begun.set()
            yield b'{"query"'
            await asyncio.sleep(10)  # longer than the body may take

        slow = asyncio.create_task(client.post("/graphql", content=slow_body(), headers=JSON))
        await begun.wait()
        overloaded = error_of(await client.post("/graphql", content=HELLO, headers=JSON))
        assert overloaded["extensions"] == {"code": "OVERLOADED", "retryable": True}
        answer = await slow
        assert (answer.status_code, answer.headers["connection"]) == (408, "close")
        assert error_of(answer)["extensions"] == {"code": "REQUEST_TIMEOUT", "retryable": True}
        assert (await client.post("/graphql", content=HELLO, headers=JSON)).json() == {"data": {"hello": "hello world"}}
        assert admission_of(app).shed == 1

    async def test_shutting_down(self, app: Starlette, client: httpx.AsyncClient) -> None:
        admission_of(app).close()
        answer = await client.post("/graphql", content=HELLO, headers=JSON)
        assert (answer.status_code, answer.headers["connection"]) == (503, "close")
        assert error_of(answer)["extensions"] == {"code": "SHUTTING_DOWN", "retryable": True}
