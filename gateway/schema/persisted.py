"""Documents that a client names instead of sending them: those of a manifest, and those that clients sent before.

A trusted document is named by its id in the manifest. Any other is named by the SHA-256 of its text, by Apollo's
protocol (automatic persisted queries, version 1): the hash alone is tried first; answered PERSISTED_QUERY_NOT_FOUND,
the client sends the text along with the hash, and from then on the hash will do. Apollo's clients go by the codes and
the messages below. Knows nothing of HTTP.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Final, Protocol

from gateway.schema.errors import ClientError, ErrorCode

KEPT_CHARACTERS: Final = 4 * 1024 * 1024
"""Of documents that clients sent: a thousand large ones, in 4 to 16 MiB of each process."""

LONGEST_SHARE: Final = 64
"""A document longer than this part of the room (64 Ki characters) is not kept: a few would push out all others."""

SHARED_SECONDS: Final = 24 * 3600.0
"""How long a shared storage keeps a document that nobody sends again; a client then sends its text once more."""


class NamedDocument(Protocol):
    """A request, as far as it says what is to be run: at least one of these is not None."""

    @property
    def query(self) -> str | None: ...
    @property
    def document_id(self) -> str | None: ...
    @property
    def sha256(self) -> str | None: ...


class SharedTexts(Protocol):
    """A storage that other processes use too. No operation raises or takes long; one may find nothing."""

    async def read(self, key: str, tags: tuple[()]) -> tuple[bytes | None, int]: ...
    async def write(self, key: str, payload: bytes, seconds: float) -> None: ...


class DocumentRefused(ClientError):
    """The request says of no document that it is to be run; why, the classes below say."""


class DocumentUnknown(DocumentRefused):
    """No document has this id or hash: PersistedQueryNotFound."""

    def __init__(self) -> None:
        super().__init__(ErrorCode.PERSISTED_QUERY_NOT_FOUND, "PersistedQueryNotFound")


class HashesNotSupported(DocumentRefused):
    """Documents are not kept by their hash here: PersistedQueryNotSupported."""

    def __init__(self) -> None:
        super().__init__(ErrorCode.PERSISTED_QUERY_NOT_SUPPORTED, "PersistedQueryNotSupported")


class HashMismatch(DocumentRefused):
    """The text that was sent along is not the one that was named."""

    def __init__(self) -> None:
        super().__init__(ErrorCode.BAD_REQUEST, "provided sha does not match query")


class DocumentNotTrusted(DocumentRefused):
    """Only documents of the manifest are run, and this is none of them."""

    def __init__(self) -> None:
        super().__init__(ErrorCode.DOCUMENT_NOT_TRUSTED, "Only trusted documents are run here, and this is none.")


class KeptDocuments:
    """Documents that clients sent, by their hash: at most `characters` of them in this process, and as many as fit in
    the storage that `shared` gives, if it gives one."""

    def __init__(
        self, shared: Callable[[], SharedTexts | None] = lambda: None, characters: int = KEPT_CHARACTERS
    ) -> None:
        self._shared = shared
        self._texts: OrderedDict[str, str] = OrderedDict()
        self._room = characters
        self._longest = characters // LONGEST_SHARE

    def held(self, sha256: str) -> str | None:
        """The document of this hash that this process holds, or None."""
        text = self._texts.get(sha256)
        if text is not None:
            self._texts.move_to_end(sha256)
        return text

    async def find(self, sha256: str) -> str | None:
        """The document of this hash, or None."""
        text = self.held(sha256)
        if text is not None:
            return text
        text = await self._find_shared(sha256)
        if text is not None:
            self._hold(sha256, text)
        return text

    async def keep(self, sha256: str, text: str) -> None:
        """Keep `text`, whose hash this is, unless it is very long."""
        if sha256 in self._texts or len(text) > self._longest:
            return
        self._hold(sha256, text)
        shared = self._shared()
        if shared is not None:
            await shared.write(_key(sha256), text.encode(), SHARED_SECONDS)

    async def _find_shared(self, sha256: str) -> str | None:
        shared = self._shared()
        if shared is None:
            return None
        payload, _ = await shared.read(_key(sha256), ())
        # Others may write there: what is not the document is as good as none.
        if payload is None or hashlib.sha256(payload).hexdigest() != sha256:
            return None
        return payload.decode()

    def _hold(self, sha256: str, text: str) -> None:
        self._texts[sha256] = text
        self._room -= len(text)
        while self._room < 0:
            _, oldest = self._texts.popitem(last=False)
            self._room += len(oldest)


class PersistedDocuments:
    """What a request is to run. `trusted` are texts by id; without `kept`, clients cannot have theirs kept."""

    def __init__(
        self,
        trusted: Mapping[str, str] | None = None,
        *,
        only_trusted: bool = False,
        kept: KeptDocuments | None = None,
    ) -> None:
        self._trusted = dict(trusted or {})
        self._trusted_texts = frozenset(self._trusted.values())
        self._only_trusted = only_trusted
        self._kept = kept

    async def text_of(self, request: NamedDocument) -> str:
        """The document that `request` sends or names.

        Raises DocumentRefused.
        """
        text = self.at_hand(request)
        if text is None and self._kept is not None and request.sha256 is not None:
            text = await self._kept.find(request.sha256)
        if text is None:
            raise DocumentUnknown
        return text

    def at_hand(self, request: NamedDocument) -> str | None:
        """The same, but None where others have to be asked. Raises DocumentRefused."""
        trusted = self._trusted_text(request.document_id or request.sha256)
        if trusted is not None:
            if request.query is not None and request.query != trusted:
                raise HashMismatch
            return trusted
        if self._only_trusted and request.query not in self._trusted_texts:
            raise DocumentNotTrusted
        if request.sha256 is not None:
            return self._text_of_hash(request.sha256, request.query)
        if request.query is None:
            raise DocumentUnknown
        return request.query

    async def keep(self, request: NamedDocument) -> None:
        """Keep the document that `request` sends along with its hash. Only for one that can be run."""
        if self._kept is not None and request.query is not None and request.sha256 is not None:
            await self._kept.keep(request.sha256, request.query)

    def _trusted_text(self, name: str | None) -> str | None:
        """The document of the manifest that is called `name`, or has that hash (GraphQL over HTTP: `sha256:…`)."""
        if name is None:
            return None
        return self._trusted.get(name) or self._trusted.get(name.removeprefix("sha256:"))

    def _text_of_hash(self, sha256: str, text: str | None) -> str | None:
        if self._kept is None:
            raise HashesNotSupported
        if text is None:
            return self._kept.held(sha256)
        if hashlib.sha256(text.encode()).hexdigest() != sha256:
            raise HashMismatch
        return text


def _key(sha256: str) -> str:
    return f"document:{sha256}"
