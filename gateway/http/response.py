"""From the pipeline's answer to an HTTP response: status, bytes, and how long it may be kept. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from starlette.types import Receive, Scope, Send

from gateway.http.head import Header
from gateway.http.negotiation import JSON
from gateway.schema.pipeline import Answer

VARY: Final = (b"vary", b"Accept, Authorization")
"""What an answer depends on besides its address: its type, and who asks."""

NO_STORE: Final = (b"cache-control", b"no-store")


@dataclass(frozen=True, slots=True)
class AnswerResponse:
    """A response as an ASGI application, as Starlette's are. It has nothing to do but to send what it is."""

    status: int
    headers: tuple[Header, ...]
    content: bytes

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
        await send({"type": "http.response.body", "body": self.content})


def answer_response(answer: Answer, media_type: str) -> AnswerResponse:
    """The response to a POST. It is never kept: a cache could not tell two requests to one address apart."""
    return _response(answer, media_type, (NO_STORE,))


def answer_headers(media_type: str, length: bytes, kept: tuple[Header, ...] = (NO_STORE,)) -> tuple[Header, ...]:
    """The headers of a response with so many bytes; `kept` say for how long it may be."""
    described = ((b"content-type", b"%b; charset=utf-8" % media_type.encode()), (b"content-length", length))
    return (*kept, VARY, *described)


def cacheable_answer_response(answer: Answer, media_type: str, if_none_match: str | None) -> AnswerResponse:
    """The response to a GET: with the answer's age and a strong ETag, or 304 when the client holds the same bytes."""
    if answer.max_age is None:
        return _response(answer, media_type, (NO_STORE,))
    # The media type is part of it: one address has a representation for each.
    tag = etag(media_type.encode() + b"\n" + answer.content)
    age = f"private, max-age={int(answer.max_age.total_seconds())}"
    headers = ((b"cache-control", age.encode()), (b"etag", tag.encode()))
    if is_held(tag, if_none_match):
        return AnswerResponse(304, (*headers, VARY), b"")
    return _response(answer, media_type, headers)


def header_lines(headers: Iterable[Header]) -> bytes:
    """`headers` as they stand on the wire, without the empty line behind the last."""
    return b"".join([b"%b: %b\r\n" % header for header in headers])


def etag(content: bytes) -> str:
    """A strong entity tag: equal for equal bytes only."""
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def is_held(tag: str, if_none_match: str | None) -> bool:
    """Whether the client says that it holds `tag` (RFC 9110, section 13.1.2: the weak comparison, `*` is any)."""
    held = [candidate.strip().removeprefix("W/") for candidate in (if_none_match or "").split(",")]
    return tag in held or "*" in held


def _response(answer: Answer, media_type: str, headers: tuple[Header, ...]) -> AnswerResponse:
    described = answer_headers(media_type, b"%d" % len(answer.content), headers)
    return AnswerResponse(_status(answer, media_type), described, answer.content)


def _status(answer: Answer, media_type: str) -> int:
    """GraphQL over HTTP, "Status Codes": clients of application/json may be older than it and expect 200."""
    return 200 if answer.executed or media_type == JSON else 400
