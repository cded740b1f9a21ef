"""Cursors of the order search: the offset, and a hash of the filter that it belongs to."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error

import orjson

from gateway.schema.errors import ClientError, ErrorCode
from providers.models import OrderSearch

VERSION = 1

LARGEST_OFFSET = 1_000_000
"""Beyond this no provider page is asked for: Karla numbers its pages, and a made-up offset must not reach it."""


def write_cursor(shop: str, search: OrderSearch, offset: int) -> str:
    """The cursor of the result after which `offset` results have been seen."""
    document = orjson.dumps([VERSION, offset, _fingerprint(shop, search)])
    return urlsafe_b64encode(document).decode().rstrip("=")


def read_cursor(cursor: str, shop: str, search: OrderSearch) -> int:
    """The offset in `cursor`. Raises `ClientError` (BAD_CURSOR) for one of another filter or shop, or of nobody's."""
    try:
        version, offset, fingerprint = orjson.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, TypeError, Base64Error):
        raise _bad_cursor() from None
    is_offset = type(offset) is int and 0 < offset <= LARGEST_OFFSET
    if version != VERSION or not is_offset or fingerprint != _fingerprint(shop, search):
        raise _bad_cursor()
    return int(offset)


def _fingerprint(shop: str, search: OrderSearch) -> str:
    content = orjson.dumps([shop, search.model_dump(mode="json")])
    return hashlib.sha256(content).hexdigest()[:16]


def _bad_cursor() -> ClientError:
    return ClientError(
        ErrorCode.BAD_CURSOR, "This cursor belongs to another search. Start again without `after`, or keep the filter."
    )
