"""Global ids: base64url of a versioned JSON array, so that an id leads back to its thing without a table of ids.

An id is opaque to clients and no secret: it holds a shop's slug and names that the shop's systems use anyway.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from gateway.schema.arguments import is_name
from gateway.schema.errors import ClientError, ErrorCode

VERSION = 1
LONGEST_ID = 8_000
"""Two names of 512 characters, each of four bytes in UTF-8, and Base64's third more."""

LARGEST_NUMBER = 2**31 - 1
"""What the store's numbers go to (PostgreSQL's INTEGER): a driver refuses to look a larger one up."""

IdPart = str | int | None

PARTS: Mapping[str, tuple[tuple[type, ...], ...]] = {
    "Order": ((str,), (str,)),
    "CarrierTracking": ((str,), (str,)),
    "OrderTracker": ((str,), (str,)),
    "InvoiceTracker": ((int,),),
    "RouteTracking": ((str,), (str, type(None)), (int, type(None)), (int, type(None))),
    "GenericTracking": ((str,), (str,), (str,)),
    "Route": ((str,),),
    "Registration": ((int,),),
    "Shop": (),
}
"""Every type with an id, and what its parts after the shop are: Order kind and value; CarrierTracking order number and
shipment; OrderTracker PayPal order and tracker; InvoiceTracker our own number; RouteTracking handle, type, index and
attempt; GenericTracking provider, order number and local id; Route handle; Registration our own number."""


@dataclass(frozen=True, slots=True)
class GlobalId:
    """What an id says: the type, the shop's slug, and the parts that name the thing there."""

    type_name: str
    shop: str
    parts: tuple[IdPart, ...]

    def __str__(self) -> str:
        document = orjson.dumps([VERSION, self.type_name, self.shop, *self.parts])
        return urlsafe_b64encode(document).decode().rstrip("=")


def parse_id(text: str) -> GlobalId:
    """Raises `ClientError` (BAD_ID) for a text that this gateway did not make."""
    try:
        document = orjson.loads(_decode(text))
    except (ValueError, Base64Error):
        raise _bad_id() from None
    if not isinstance(document, list) or len(document) < 3 or document[0] != VERSION:
        raise _bad_id()
    _version, type_name, shop, *parts = document
    expected = PARTS.get(type_name) if isinstance(type_name, str) else None
    if expected is None or not isinstance(shop, str) or len(parts) != len(expected):
        raise _bad_id()
    if not all(_is_part(part, kinds) for part, kinds in zip(parts, expected, strict=True)):
        raise _bad_id()
    parsed = GlobalId(type_name, shop, tuple(parts))
    # One thing has one id: another spelling of the same array is not ours.
    if str(parsed) != text:
        raise _bad_id()
    return parsed


def _is_part(part: object, kinds: tuple[type, ...]) -> bool:
    """Whether `part` is of one of `kinds`, and within what a thing can be called or numbered."""
    if type(part) not in kinds:
        return False
    if isinstance(part, int):
        return 0 <= part <= LARGEST_NUMBER
    return is_name(part) if isinstance(part, str) else True


def _decode(text: str) -> bytes:
    if len(text) > LONGEST_ID or not text.isascii():
        raise ValueError("no id of ours")
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _bad_id() -> ClientError:
    return ClientError(ErrorCode.BAD_ID, "This id was not made by this gateway. Use an id from an earlier answer.")
