"""What a request is to run when it names a document: one of the manifest, one that was sent before, or none."""

from __future__ import annotations

import hashlib

import pytest

from gateway.freshness.memory import MemoryStorage
from gateway.schema.persisted import (
    DocumentNotTrusted,
    DocumentRefused,
    DocumentUnknown,
    HashesNotSupported,
    HashMismatch,
    KeptDocuments,
    PersistedDocuments,
)
from gateway.schema.pipeline import GraphQLRequest

TEXT = "{ hello }"
OTHER = "{ bye }"
TRUSTED = "query Trusted { hello }"


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def request(query: str | None = None, *, sha256: str | None = None, document_id: str | None = None) -> GraphQLRequest:
    return GraphQLRequest(query, sha256=sha256, document_id=document_id)


def keeping(storage: MemoryStorage | None = None, characters: int = 100_000) -> PersistedDocuments:
    return PersistedDocuments(kept=KeptDocuments(lambda: storage, characters))


def trusting(*, only: bool, kept: KeptDocuments | None = None) -> PersistedDocuments:
    return PersistedDocuments({"trusted-1": TRUSTED, sha256(OTHER): OTHER}, only_trusted=only, kept=kept)


async def refusal(documents: PersistedDocuments, asked: GraphQLRequest) -> type[DocumentRefused]:
    with pytest.raises(DocumentRefused) as caught:
        await documents.text_of(asked)
    return caught.type


class TestAutomatic:
    """Apollo's protocol: the hash alone, the text along with it, and from then on the hash alone again."""

    async def test_a_hash_will_do_once_its_text_was_sent(self) -> None:
        documents = keeping()
        assert await refusal(documents, request(sha256=sha256(TEXT))) is DocumentUnknown
        sent = request(TEXT, sha256=sha256(TEXT))
        assert await documents.text_of(sent) == TEXT
        await documents.keep(sent)
        assert await documents.text_of(request(sha256=sha256(TEXT))) == TEXT

    async def test_a_text_of_another_hash_is_refused_and_not_kept(self) -> None:
        documents = keeping()
        assert await refusal(documents, request(OTHER, sha256=sha256(TEXT))) is HashMismatch
        assert await refusal(documents, request(sha256=sha256(TEXT))) is DocumentUnknown

    async def test_without_a_hash_nothing_is_kept(self) -> None:
        documents = keeping()
        await documents.keep(request(TEXT))
        assert await refusal(documents, request(sha256=sha256(TEXT))) is DocumentUnknown

    @pytest.mark.parametrize("text", [None, TEXT])
    async def test_where_it_is_off_every_hash_is_refused(self, text: str | None) -> None:
        assert await refusal(PersistedDocuments(), request(text, sha256=sha256(TEXT))) is HashesNotSupported

    async def test_what_apollos_clients_go_by_is_word_for_word(self) -> None:
        assert (DocumentUnknown().message, DocumentUnknown().code) == (
            "PersistedQueryNotFound",
            "PERSISTED_QUERY_NOT_FOUND",
        )
        assert (HashesNotSupported().message, HashesNotSupported().code) == (
            "PersistedQueryNotSupported",
            "PERSISTED_QUERY_NOT_SUPPORTED",
        )

    async def test_the_least_recently_used_goes_first(self) -> None:
        documents = keeping(characters=640)  # room for 64 documents of the longest that is kept
        texts = [f"{{ a{number:02} }}   " for number in range(81)]
        for text in texts[:80]:
            await documents.keep(request(text, sha256=sha256(text)))
        assert await refusal(documents, request(sha256=sha256(texts[0]))) is DocumentUnknown
        assert await documents.text_of(request(sha256=sha256(texts[16]))) == texts[16]
        await documents.keep(request(texts[80], sha256=sha256(texts[80])))
        assert await documents.text_of(request(sha256=sha256(texts[16]))) == texts[16]
        assert await refusal(documents, request(sha256=sha256(texts[17]))) is DocumentUnknown

    async def test_a_very_long_document_is_run_and_not_kept(self) -> None:
        documents = keeping(characters=6_400)
        sent = request("{ a }" + " " * 100, sha256=sha256("{ a }" + " " * 100))
        assert await documents.text_of(sent)
        await documents.keep(sent)
        assert await refusal(documents, request(sha256=sent.sha256)) is DocumentUnknown


class TestShared:
    """Workers that share a storage share what clients sent."""

    @pytest.fixture
    def storage(self) -> MemoryStorage:
        return MemoryStorage(1_000_000)

    async def test_another_worker_finds_it(self, storage: MemoryStorage) -> None:
        await keeping(storage).keep(request(TEXT, sha256=sha256(TEXT)))
        assert await keeping(storage).text_of(request(sha256=sha256(TEXT))) == TEXT

    async def test_what_is_not_the_document_is_none(self, storage: MemoryStorage) -> None:
        await storage.write(f"document:{sha256(TEXT)}", b"mutation { steal }", 60)
        assert await refusal(keeping(storage), request(sha256=sha256(TEXT))) is DocumentUnknown


class TestTrusted:
    """Documents of a manifest, beside others and alone."""

    @pytest.mark.parametrize("only", [True, False])
    @pytest.mark.parametrize(
        ("asked", "text"),
        [
            (request(document_id="trusted-1"), TRUSTED),
            (request(document_id=sha256(OTHER)), OTHER),
            (request(document_id=f"sha256:{sha256(OTHER)}"), OTHER),
            (request(sha256="trusted-1"), TRUSTED),
            (request(sha256=sha256(OTHER)), OTHER),
            (request(OTHER, sha256=sha256(OTHER)), OTHER),
            (request(TRUSTED), TRUSTED),
        ],
    )
    async def test_they_are_found_by_id_by_hash_and_by_text(
        self, asked: GraphQLRequest, text: str, *, only: bool
    ) -> None:
        assert await trusting(only=only).text_of(asked) == text

    async def test_another_text_than_the_one_named_is_refused(self) -> None:
        assert await refusal(trusting(only=False), request(TEXT, sha256="trusted-1")) is HashMismatch

    async def test_an_id_that_nobody_knows_is_told_as_a_hash_is(self) -> None:
        assert await refusal(trusting(only=False), request(document_id="trusted-2")) is DocumentUnknown

    async def test_others_run_beside_them(self) -> None:
        assert await trusting(only=False).text_of(request(TEXT)) == TEXT

    @pytest.mark.parametrize(
        "asked",
        [
            request(TEXT),
            request(TRUSTED + " "),
            request(TEXT, sha256=sha256(TEXT)),
            request(sha256=sha256(TEXT)),
            request(document_id="trusted-2"),
        ],
    )
    async def test_alone_nothing_else_is_run(self, asked: GraphQLRequest) -> None:
        kept = KeptDocuments()
        await kept.keep(sha256(TEXT), TEXT)
        assert await refusal(trusting(only=True, kept=kept), asked) is DocumentNotTrusted
