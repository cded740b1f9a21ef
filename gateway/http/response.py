"""From the pipeline's answer to an HTTP response: status, bytes, and how long it may be kept. Pure."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Final

import orjson
from starlette.responses import Response

from gateway.http.negotiation import JSON
from gateway.schema.pipeline import Answer

VARY: Final = "Accept, Authorization"
"""What an answer depends on besides its address: its type, and who asks."""


def answer_response(answer: Answer, media_type: str) -> Response:
    """The response to a POST. It is never kept: a cache could not tell two requests to one address apart."""
    return _response(answer, media_type, encode(answer.body), {"Cache-Control": "no-store"})


def cacheable_answer_response(answer: Answer, media_type: str, if_none_match: str | None) -> Response:
    """The response to a GET: with the answer's age and a strong ETag, or 304 when the client holds the same bytes."""
    content = encode(answer.body)
    if answer.max_age is None:
        return _response(answer, media_type, content, {"Cache-Control": "no-store"})
    headers = {
        "Cache-Control": f"private, max-age={int(answer.max_age.total_seconds())}",
        # The media type is part of it: one address has a representation for each.
        "ETag": etag(media_type.encode() + b"\n" + content),
    }
    if is_held(headers["ETag"], if_none_match):
        return Response(status_code=304, headers={**headers, "Vary": VARY})
    return _response(answer, media_type, content, headers)


def encode(body: dict[str, Any]) -> bytes:
    """`body` as JSON. orjson writes NaN and the infinities as null, as JSON has no words for them."""
    try:
        return orjson.dumps(body)
    except orjson.JSONEncodeError:
        # orjson takes neither integers above 64 bits nor more than 254 levels; a JSON scalar may hold both.
        return json.dumps(body, allow_nan=False, separators=(",", ":")).encode()


def etag(content: bytes) -> str:
    """A strong entity tag: equal for equal bytes only."""
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def is_held(tag: str, if_none_match: str | None) -> bool:
    """Whether the client says that it holds `tag` (RFC 9110, section 13.1.2: the weak comparison, `*` is any)."""
    held = [candidate.strip().removeprefix("W/") for candidate in (if_none_match or "").split(",")]
    return tag in held or "*" in held


def _response(answer: Answer, media_type: str, content: bytes, headers: dict[str, str]) -> Response:
    return Response(
        content,
        status_code=_status(answer, media_type),
        media_type=f"{media_type}; charset=utf-8",
        headers={**headers, "Vary": VARY},
    )


def _status(answer: Answer, media_type: str) -> int:
    """GraphQL over HTTP, "Status Codes": clients of application/json may be older than it and expect 200."""
    return 200 if answer.executed or media_type == JSON else 400
