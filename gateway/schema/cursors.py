"""Cursors: how far a search has been followed, and a hash of the search that this is said of."""

from __future__ import annotations

import dataclasses
import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson

from gateway.schema.errors import ClientError, ErrorCode
from gateway.schema.ids import LARGEST_NUMBER
from gateway.store.registrations import RegistrationFilter
from providers.models import OrderSearch

VERSION = 1

LARGEST_OFFSET = 1_000_000
"""Beyond this no provider page is asked for: Karla numbers its pages, and a made-up offset must not reach it."""


def write_cursor(shop: str, search: OrderSearch, offset: int) -> str:
    """The cursor of the result after which `offset` results have been seen."""
    return _write(offset, _fingerprint(shop, search))


def read_cursor(cursor: str, shop: str, search: OrderSearch) -> int:
    """The offset in `cursor`. Raises `ClientError` (BAD_CURSOR) for one of another filter or shop, or of nobody's."""
    return _read(cursor, _fingerprint(shop, search), LARGEST_OFFSET)


def write_registration_cursor(shop: str, wanted: RegistrationFilter, number: int) -> str:
    """The cursor of the registration `number`: behind it come the older ones, whatever is added meanwhile."""
    return _write(number, _registration_fingerprint(shop, wanted))


def read_registration_cursor(cursor: str, shop: str, wanted: RegistrationFilter) -> int:
    """The registration's number in `cursor`. Raises `ClientError` as `read_cursor` does."""
    return _read(cursor, _registration_fingerprint(shop, wanted), LARGEST_NUMBER)


def _write(position: int, fingerprint: str) -> str:
    document = orjson.dumps([VERSION, position, fingerprint])
    return urlsafe_b64encode(document).decode().rstrip("=")


def _read(cursor: str, expected: str, largest: int) -> int:
    try:
        version, position, fingerprint = orjson.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, TypeError, Base64Error):
        raise _bad_cursor() from None
    is_position = type(position) is int and 0 < position <= largest
    if version != VERSION or not is_position or fingerprint != expected:
        raise _bad_cursor()
    return int(position)


def _fingerprint(shop: str, search: OrderSearch) -> str:
    return _hash([shop, search.model_dump(mode="json")])


def _registration_fingerprint(shop: str, wanted: RegistrationFilter) -> str:
    return _hash(["registrations", shop, {name: _plain(value) for name, value in _members(wanted).items()}])


def _members(wanted: RegistrationFilter) -> Mapping[str, Any]:
    return {field.name: getattr(wanted, field.name) for field in dataclasses.fields(wanted)}


def _plain(value: Any) -> Any:
    """`value` as JSON that is the same for whatever asks for the same."""
    if isinstance(value, datetime):
        return value.timestamp()
    return sorted(value) if isinstance(value, frozenset) else value


def _hash(content: list[Any]) -> str:
    return hashlib.sha256(orjson.dumps(content)).hexdigest()[:16]


def _bad_cursor() -> ClientError:
    return ClientError(
        ErrorCode.BAD_CURSOR, "This cursor belongs to another search. Start again without `after`, or keep the filter."
    )
