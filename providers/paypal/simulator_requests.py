"""Which bodies PayPal takes for adding and changing a tracker: pure functions from a body to what is wrong with it.

From PayPal's Orders v2 OpenAPI file 2.13 (schemas `order_tracker_request` and `tracker_item`, operations
`orders.track.create` and `orders.trackers.patch`), and from the Server SDK the form of a product code and the carrier
`OTHER`. Members that neither the SDK nor these tables name are ignored, as those that the OpenAPI file still lists from
Shipment Tracking v1. It must not know HTTP, the world, or the adapter.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from urllib.parse import urlsplit

from pydantic import BaseModel, JsonValue

from providers.paypal.simulator_errors import Finding, Json


class _CarrierCodes(BaseModel):
    codes: frozenset[str]


CARRIERS: frozenset[str] = _CarrierCodes.model_validate_json(
    (files("providers.paypal") / "carrier_codes.json").read_bytes()
).codes
"""The codes that `carrier` may have; the file says where they are from."""


@dataclass(frozen=True, slots=True)
class TextRule:
    """A text member's limits. `values`, where given, are the only ones."""

    longest: int
    shortest: int = 1
    pattern: str | None = None
    values: frozenset[str] | None = None
    is_address: bool = False

    def broken_by(self, value: JsonValue) -> str | None:
        """The issue that `value` raises, or None."""
        if not isinstance(value, str):
            return "INVALID_PARAMETER_SYNTAX"
        if not self.shortest <= len(value) <= self.longest:
            return "INVALID_STRING_LENGTH"
        is_off_pattern = self.pattern is not None and not re.match(self.pattern, value)
        if is_off_pattern or (self.is_address and not _is_absolute(value)):
            return "INVALID_PARAMETER_SYNTAX"
        return "INVALID_PARAMETER_VALUE" if self.values is not None and value not in self.values else None


_TRACKER_TEXTS: Mapping[str, TextRule] = {
    "capture_id": TextRule(50, pattern=r"^[a-zA-Z0-9]*\Z"),
    "tracking_number": TextRule(64),
    "carrier": TextRule(64, pattern=r"^[0-9A-Z_]+\Z", values=CARRIERS),
    "carrier_name_other": TextRule(64),
}
_ITEM_TEXTS: Mapping[str, TextRule] = {
    "name": TextRule(127),
    "quantity": TextRule(10, pattern=r"^[1-9][0-9]{0,9}\Z"),
    "sku": TextRule(127),
    "url": TextRule(2048, is_address=True),
    # The OpenAPI file's own expression, which looks at no more than the address as far as its file's ending.
    "image_url": TextRule(2048, pattern=r"^(https:)([/|.|\w|\s|-])*\.(?:jpg|gif|png|jpeg|JPG|GIF|PNG|JPEG)"),
}
_CODE_TEXTS: Mapping[str, TextRule] = {
    "type": TextRule(5, values=frozenset({"UPC-A", "UPC-B", "UPC-C", "UPC-D", "UPC-E", "UPC-2", "UPC-5"})),
    "code": TextRule(17, shortest=6, pattern=r"^[0-9]{0,17}\Z"),
}

OPERATIONS = frozenset({"add", "remove", "replace", "move", "copy", "test"})
"""The operations of a JSON Patch (RFC 6902 §4), which `op` must be one of."""

_POINTER = re.compile(r"(?:/(?:[^/~]|~[01])*)+")
"""A JSON Pointer (RFC 6901 §3) to anything but the whole."""


def faults_of_track_request(body: Json) -> Iterator[Finding]:
    """What is wrong with the body of "Add tracking information"."""
    if "capture_id" not in body:
        yield Finding("MISSING_REQUIRED_PARAMETER", "/capture_id")
    if body.get("carrier") == "OTHER" and "carrier_name_other" not in body:
        yield Finding("MISSING_REQUIRED_PARAMETER", "/carrier_name_other")
    yield from _faults_of_texts(body, _TRACKER_TEXTS, "")
    if "notify_payer" in body and not isinstance(body["notify_payer"], bool):
        yield Finding("INVALID_PARAMETER_SYNTAX", "/notify_payer", body["notify_payer"])
    if "items" in body:
        yield from _faults_of_items(body["items"], "/items")


def faults_of_patch(operations: list[JsonValue]) -> Iterator[Finding]:
    """What is wrong with the body of "Update or cancel tracking information"."""
    for place, operation in enumerate(operations):
        yield from _faults_of_operation(operation, f"/{place}")


def skus_in(items: JsonValue) -> Iterator[tuple[int, str]]:
    """The place and the SKU of every item that has one."""
    for place, item in enumerate(items if isinstance(items, list) else ()):
        sku = item.get("sku") if isinstance(item, dict) else None
        if isinstance(sku, str):
            yield place, sku


def _faults_of_operation(operation: JsonValue, at: str) -> Iterator[Finding]:
    """The first thing that is wrong with one operation, or with its value."""
    if not isinstance(operation, dict):
        yield Finding("MALFORMED_REQUEST_JSON", at, operation)
        return
    op, path = operation.get("op"), operation.get("path")
    if op is None:
        yield Finding("MISSING_REQUIRED_PARAMETER", f"{at}/op")
    elif not isinstance(op, str) or op not in OPERATIONS:
        yield Finding("INVALID_PARAMETER_VALUE", f"{at}/op", op)
    elif path is None:
        yield Finding("PATCH_PATH_REQUIRED", f"{at}/path")
    elif not isinstance(path, str) or not _POINTER.fullmatch(path):
        yield Finding("INVALID_JSON_POINTER_FORMAT", f"{at}/path", path)
    elif path not in PATCHABLE:
        yield Finding("FIELD_NOT_PATCHABLE", f"{at}/path", path)
    elif op not in PATCHABLE[path].operations:
        yield Finding("INVALID_PATCH_OPERATION", f"{at}/op", op)
    elif "value" not in operation:
        yield Finding("PATCH_VALUE_REQUIRED", f"{at}/value")
    else:
        yield from PATCHABLE[path].faults(operation["value"], f"{at}/value")


def _faults_of_status(value: JsonValue, at: str) -> Iterator[Finding]:
    if value != "CANCELLED":
        yield Finding("INVALID_PARAMETER_VALUE", at, value)


def _faults_of_notify_payer(value: JsonValue, at: str) -> Iterator[Finding]:
    if not isinstance(value, bool):
        yield Finding("INVALID_PARAMETER_VALUE", at, value)


def _faults_of_patched_items(value: JsonValue, at: str) -> Iterator[Finding]:
    """As in a new tracker, only that changing one has no word for wrong syntax beside that for a wrong value."""
    for found in _faults_of_items(value, at):
        issue = "INVALID_PARAMETER_VALUE" if found.issue == "INVALID_PARAMETER_SYNTAX" else found.issue
        yield Finding(issue, found.field, found.value)


@dataclass(frozen=True, slots=True)
class Patchable:
    """How one member of a tracker can be changed."""

    operations: frozenset[str]
    faults: Callable[[JsonValue, str], Iterator[Finding]]


PATCHABLE: Mapping[str, Patchable] = {
    "/items": Patchable(frozenset({"replace"}), _faults_of_patched_items),
    "/notify_payer": Patchable(frozenset({"replace", "add"}), _faults_of_notify_payer),
    "/status": Patchable(frozenset({"replace"}), _faults_of_status),
}
"""The table of attributes and operations in the description of `orders.trackers.patch`."""


def _faults_of_items(items: JsonValue, at: str) -> Iterator[Finding]:
    if not isinstance(items, list):
        yield Finding("INVALID_PARAMETER_SYNTAX", at, items)
        return
    for place, item in enumerate(items):
        here = f"{at}/{place}"
        if not isinstance(item, dict):
            yield Finding("INVALID_PARAMETER_SYNTAX", here, item)
            continue
        yield from _faults_of_texts(item, _ITEM_TEXTS, here)
        if "upc" in item:
            yield from _faults_of_product_code(item["upc"], f"{here}/upc")


def _faults_of_product_code(upc: JsonValue, at: str) -> Iterator[Finding]:
    if not isinstance(upc, dict):
        yield Finding("INVALID_PARAMETER_SYNTAX", at, upc)
        return
    yield from (Finding("MISSING_REQUIRED_PARAMETER", f"{at}/{name}") for name in _CODE_TEXTS if name not in upc)
    yield from _faults_of_texts(upc, _CODE_TEXTS, at)


def _faults_of_texts(body: Json, rules: Mapping[str, TextRule], at: str) -> Iterator[Finding]:
    for name, rule in rules.items():
        issue = rule.broken_by(body[name]) if name in body else None
        if issue:
            yield Finding(issue, f"{at}/{name}", body[name])


def _is_absolute(address: str) -> bool:
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return bool(parts.scheme and (parts.netloc or parts.path))
