"""From an HTTP request to a well-formed GraphQLRequest, as GraphQL over HTTP says ("Request Parameters", and appendix
"Persisted Documents" for `documentId`), and Apollo's protocol for persisted queries.

Reading a body is bounded; everything else here is pure. Raises only HttpRefusal. Whether the document or the variables
mean anything to the schema is not decided here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from types import NoneType
from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.requests import ClientDisconnect
from starlette.types import Receive

from gateway.http.negotiation import JSON, UTF_8, parse_media_type
from gateway.http.refusal import HttpRefusal, bad_request
from gateway.schema.errors import ErrorCode
from gateway.schema.pipeline import GraphQLRequest

MAX_QUERY_FIELDS = 20
"""Fields of a query string. The specification names five; clients and proxies add their own."""

_TEXT_MEMBERS = ("query", "documentId", "operationName")
_MAP_MEMBERS = ("variables", "extensions")
_TEXT_OR_NULL = (str, NoneType)
_MAP_OR_NULL = (dict, NoneType)


def from_query_string(query_string: bytes) -> GraphQLRequest:
    """The request in a GET's query string: `variables` and `extensions` are JSON as text, an empty value is none."""
    try:
        fields = parse_qsl(query_string.decode("ascii"), errors="strict", max_num_fields=MAX_QUERY_FIELDS)
    except UnicodeDecodeError:
        raise bad_request("The query string is not percent-encoded UTF-8.") from None
    except ValueError:
        raise bad_request(f"The query string has more than {MAX_QUERY_FIELDS} fields.") from None
    members: dict[str, Any] = {}
    for name, value in fields:
        if name in members:
            raise bad_request(f"The query string holds '{name}' twice.")
        members[name] = _json(value.encode(), f"'{name}'") if name in _MAP_MEMBERS else value
    return _request(members)


def from_body(body: bytes) -> GraphQLRequest:
    """The request in a POST's JSON body."""
    members = _json(body, "The body")
    if isinstance(members, list):
        raise bad_request("The body is a list: send one request at a time, batches are not taken.")
    if not isinstance(members, dict):
        raise bad_request("The body is not a JSON object.")
    return _request(members)


def require_json(content_type: str | None, content_encoding: str | None) -> None:
    """Raise unless the body is declared as JSON in UTF-8, not compressed.

    Browsers send other types across origins without asking first, so this is also what stops forged requests (CSRF).
    """
    if content_type == JSON and content_encoding is None:
        return
    media_type, parameters = parse_media_type(content_type or "")
    if media_type != JSON:
        raise _unsupported("The body must be sent as Content-Type: application/json.")
    if parameters.get("charset", "utf-8") not in UTF_8:
        raise _unsupported("The body must be encoded in UTF-8.")
    if content_encoding and content_encoding.strip().lower() != "identity":
        raise _unsupported("The body must be sent without a Content-Encoding.")


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """How many bytes a body may have, and how many seconds all of it may take to arrive."""

    max_bytes: int = 1024 * 1024
    seconds: float = 10.0


async def read_body(receive: Receive, content_length: str | None, limits: BodyLimits) -> bytes:
    """The whole body, within `limits`. One that is declared longer is refused before any of it is read.

    Raises `HttpRefusal`, and `ClientDisconnect` when the client leaves before its end.
    """
    if content_length is not None and content_length.isdecimal() and int(content_length) > limits.max_bytes:
        raise _too_large(limits)
    try:
        async with asyncio.timeout(limits.seconds):
            return await _joined(receive, limits)
    except TimeoutError:
        message = f"The body did not arrive within {limits.seconds:g} s."
        # Nobody waits for the rest of it.
        raise HttpRefusal(408, ErrorCode.REQUEST_TIMEOUT, message, headers={"Connection": "close"}) from None


async def _joined(receive: Receive, limits: BodyLimits) -> bytes:
    body, is_more = await _part(receive)
    if is_more:
        joined = bytearray(body)
        while is_more and len(joined) <= limits.max_bytes:
            body, is_more = await _part(receive)
            joined += body
        body = bytes(joined)
    if len(body) > limits.max_bytes:
        raise _too_large(limits)
    return body


async def _part(receive: Receive) -> tuple[bytes, bool]:
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientDisconnect
    return message.get("body", b""), message.get("more_body", False)


def _request(members: Mapping[str, Any]) -> GraphQLRequest:
    """The request that `members` make; members that the specification does not name are ignored."""
    for name in _TEXT_MEMBERS:
        if not isinstance(members.get(name), _TEXT_OR_NULL):
            raise bad_request(f"'{name}' must be a string{' or null' if name != 'query' else ''}.")
    for name in _MAP_MEMBERS:
        if not isinstance(members.get(name), _MAP_OR_NULL):
            raise bad_request(f"'{name}' must be a JSON object or null.")
    query, document_id = members.get("query"), members.get("documentId")
    extensions = members.get("extensions")
    sha256 = _persisted_query(extensions) if extensions else None
    if query is None and document_id is None and sha256 is None:
        raise bad_request("The request has no 'query'.")
    if document_id is not None and (query is not None or sha256 is not None):
        raise bad_request("The request holds a 'documentId' and another document: send one of them.")
    # An empty operationName is none: the specification says so for GET, and nothing can have an empty name.
    return GraphQLRequest(query, members.get("variables"), members.get("operationName") or None, document_id, sha256)


def _persisted_query(extensions: Mapping[str, Any]) -> str | None:
    """The hash by which Apollo's clients name a document (automatic persisted queries, version 1); None without one."""
    match extensions.get("persistedQuery"):
        case None:
            return None
        case {"version": 1, "sha256Hash": str(sha256)}:
            return sha256
        case {"version": 1}:
            raise bad_request("'extensions.persistedQuery' holds no 'sha256Hash' that is a string.")
        case _:
            raise bad_request("Unsupported persisted query version")


def _json(text: bytes, subject: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        if not _is_utf_8(text):
            raise bad_request(f"{subject} is not UTF-8.") from None
        place = f"line {error.lineno}, column {error.colno}"
        raise bad_request(f"{subject} is not valid JSON: {error.msg} ({place}).") from None


def _is_utf_8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _unsupported(message: str) -> HttpRefusal:
    return HttpRefusal(415, ErrorCode.UNSUPPORTED_MEDIA_TYPE, message)


def _too_large(limits: BodyLimits) -> HttpRefusal:
    return HttpRefusal(413, ErrorCode.PAYLOAD_TOO_LARGE, f"The body is larger than {limits.max_bytes} bytes.")
