"""Documents by hash and by id over HTTP, as Apollo's clients and GraphQL over HTTP send them."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import httpx
import pytest

from gateway.schema.persisted import KeptDocuments, PersistedDocuments

TEXT = "query Hello($name: String) { hello(name: $name) }"
FRESH = "{ fresh }"
TRUSTED = "query Trusted { hello }"

DATA_TYPES = ["application/json", "application/graphql-response+json"]


def extensions(text: str) -> dict[str, Any]:
    return {"persistedQuery": {"version": 1, "sha256Hash": hashlib.sha256(text.encode()).hexdigest()}}


def error(answer: httpx.Response) -> tuple[int, str, str]:
    (found,) = answer.json()["errors"]
    return answer.status_code, found["extensions"]["code"], found["message"]


class TestAutomatic:
    """Apollo's automatic persisted queries."""

    @pytest.fixture
    def persisted(self) -> PersistedDocuments:
        return PersistedDocuments(kept=KeptDocuments())

    @pytest.mark.parametrize("accept", DATA_TYPES)
    async def test_by_post(self, client: httpx.AsyncClient, accept: str) -> None:
        asked = {"extensions": extensions(TEXT), "variables": {"name": "you"}, "operationName": "Hello"}
        headers = {"accept": accept}
        unknown = await client.post("/graphql", json=asked, headers=headers)
        assert error(unknown) == (200, "PERSISTED_QUERY_NOT_FOUND", "PersistedQueryNotFound")
        sent = await client.post("/graphql", json={**asked, "query": TEXT}, headers=headers)
        again = await client.post("/graphql", json=asked, headers=headers)
        assert sent.json() == again.json() == {"data": {"hello": "hello you"}}

    async def test_by_get_with_the_hash_alone_it_can_be_kept(self, client: httpx.AsyncClient) -> None:
        asked = {"extensions": json.dumps(extensions(FRESH))}
        unknown = await client.get("/graphql", params=asked)
        assert error(unknown) == (200, "PERSISTED_QUERY_NOT_FOUND", "PersistedQueryNotFound")
        assert unknown.headers["cache-control"] == "no-store"
        await client.get("/graphql", params={**asked, "query": FRESH})
        found = await client.get("/graphql", params=asked)
        assert found.json() == {"data": {"fresh": 30}}
        assert found.headers["cache-control"] == "private, max-age=30"
        held = await client.get("/graphql", params=asked, headers={"if-none-match": found.headers["etag"]})
        assert held.status_code == 304

    async def test_a_mutation_by_its_hash_does_not_run_by_get(
        self, client: httpx.AsyncClient, written: list[int]
    ) -> None:
        text = "mutation { write }"
        await client.post("/graphql", json={"query": text, "extensions": extensions(text)})
        answer = await client.get("/graphql", params={"extensions": json.dumps(extensions(text))})
        assert error(answer)[:2] == (405, "QUERY_REQUIRED")
        assert written == [1]

    @pytest.mark.parametrize("text", ["{", "{ unknown }", "mutation { write }"])
    async def test_what_was_not_run_is_not_kept(self, client: httpx.AsyncClient, text: str) -> None:
        """Or a client could fill the room with what can never be run."""
        asked = {"extensions": json.dumps(extensions(text))}
        await client.get("/graphql", params={**asked, "query": text})
        assert error(await client.get("/graphql", params=asked))[1] == "PERSISTED_QUERY_NOT_FOUND"

    async def test_another_text_than_the_hash_says_is_refused(self, client: httpx.AsyncClient) -> None:
        answer = await client.post("/graphql", json={"query": FRESH, "extensions": extensions(TEXT)})
        assert error(answer) == (400, "BAD_REQUEST", "provided sha does not match query")


class TestSwitchedOff:
    """Without a store of documents."""

    @pytest.fixture
    def persisted(self) -> PersistedDocuments:
        return PersistedDocuments()

    @pytest.mark.parametrize("accept", DATA_TYPES)
    @pytest.mark.parametrize("text", [{}, {"query": TEXT}])
    async def test_the_client_is_told_to_send_texts(
        self, client: httpx.AsyncClient, text: dict[str, str], accept: str
    ) -> None:
        asked = {**text, "extensions": extensions(TEXT)}
        answer = await client.post("/graphql", json=asked, headers={"accept": accept})
        assert error(answer) == (200, "PERSISTED_QUERY_NOT_SUPPORTED", "PersistedQueryNotSupported")


class TestOnlyTrusted:
    """Nothing but the documents of a manifest."""

    @pytest.fixture
    def persisted(self) -> PersistedDocuments:
        return PersistedDocuments({"trusted-1": TRUSTED}, only_trusted=True, kept=KeptDocuments())

    @pytest.mark.parametrize("asked", [{"documentId": "trusted-1"}, {"query": TRUSTED}])
    async def test_they_run_by_post_and_by_get(self, client: httpx.AsyncClient, asked: dict[str, str]) -> None:
        assert (await client.post("/graphql", json=asked)).json() == {"data": {"hello": "hello world"}}
        assert (await client.get("/graphql", params=asked)).json() == {"data": {"hello": "hello world"}}

    @pytest.mark.parametrize("accept", DATA_TYPES)
    @pytest.mark.parametrize(
        "asked", [{"query": TEXT}, {"query": "{ __typename }"}, {"query": "{"}, {"extensions": extensions(TEXT)}]
    )
    async def test_nothing_else_runs(self, client: httpx.AsyncClient, asked: dict[str, Any], accept: str) -> None:
        answer = await client.post("/graphql", json=asked, headers={"accept": accept})
        assert error(answer)[:2] == (403, "DOCUMENT_NOT_TRUSTED")
