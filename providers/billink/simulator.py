"""A double of Billink's tracker API over real HTTP: one write, no read, and problem bodies for everything refused.

From the reference page "Create Tracker" (developers.billink.nl/order-management/create-tracker). It names the members
of request and answer but neither path, limits nor the members of a violation; those follow API Platform on Symfony,
whose error bodies the page describes. It must not know the adapter: both read the documentation on their own.

Beside the switches of every simulator, `GET /_simulator/trackers` answers what was made last: {"trackers": [...]}.
"""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from zoneinfo import ZoneInfo

import orjson
from pydantic import JsonValue, TypeAdapter, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from providers.simulation.control import json_response, reason_phrase, simulated
from providers.simulation.world import World

CREDENTIALS: dict[str, str] = {
    "billink_id": "3f786850e387550fdab836ed7e6dc881de23001b",
    "username": "simulated-merchant",
}
"""The settings a client of the simulator needs besides its address; an id looks like a SHA-1, as Billink's do."""

DEFAULT_PATH = "/v2/client/tracker"
"""Where the call is assumed to be: the reference prints only `POST /`; other v2 calls lie under `/v2/client/`."""

BILLINK_TIME = ZoneInfo("Europe/Amsterdam")

MAX_TEXT_LENGTH = 255
MAX_MEDIA = 10
MAX_MEDIA_BYTES = 5 * 1024 * 1024
"""Billink documents no limits; these make the refusals reachable."""

KEPT = 1_000
"""How many trackers are remembered, however long the simulator runs."""

_CREDENTIALS = {"billinkID": "billink_id", "billinkUsername": "username"}
"""The members of the body that say who is calling, each with the setting it is compared to."""

_CARRIER_CODE = re.compile(r"[A-Za-z0-9_-]{2,50}")


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing wrong with a request: where, in words, and the code of Symfony's constraint where one says so."""

    path: str
    message: str
    code: str | None = None

    def to_json(self) -> dict[str, JsonValue]:
        body: dict[str, JsonValue] = {"propertyPath": self.path, "message": self.message}
        return body if self.code is None else body | {"code": self.code}


def _blank(path: str) -> Violation:
    return Violation(path, "This value should not be blank.", "c1051bb4-d103-4f74-8988-acbcafc7fdc3")  # NotBlank


def _wrong_type(path: str, expected: str) -> Violation:
    message = f"This value should be of type {expected}."
    return Violation(path, message, "ba785a8c-82cb-4283-967c-3cf342181b40")  # Type


def _too_long(path: str) -> Violation:
    message = f"This value is too long. It should have {MAX_TEXT_LENGTH} characters or less."
    return Violation(path, message, "d94b19cc-114f-4f44-9cc4-4138e80a87b9")  # Length::TOO_LONG


def _no_carrier_code(path: str) -> Violation:
    return Violation(path, "This value is not valid.", "de1e3db3-5ed4-4941-aae4-59f3667cc3a3")  # Regex


def _too_many(path: str) -> Violation:
    message = f"This collection should contain {MAX_MEDIA} elements or less."
    return Violation(path, message, "756b1212-697c-468d-a9ad-50dd783bb169")  # Count::TOO_MANY


def _too_large(path: str) -> Violation:
    message = f"The file is too large. Allowed maximum size is {MAX_MEDIA_BYTES // 1024**2} MiB."
    return Violation(path, message, "df8637af-d466-48c6-a59d-e7126250a654")  # File::TOO_LARGE


def _text_violations(path: str, value: JsonValue) -> Iterator[Violation]:
    if value is None:
        yield _blank(path)
    elif not isinstance(value, str):
        yield _wrong_type(path, "string")
    elif not value.strip():
        yield _blank(path)
    elif len(value) > MAX_TEXT_LENGTH:
        yield _too_long(path)


def _decoded_size(content: str) -> int | None:
    """How many bytes the Base64 text stands for, or None when it is not Base64 (RFC 4648 §4, padded)."""
    if len(content) % 4:  # Python's decoder lets padding pass that nothing needs
        return None
    try:
        return len(base64.b64decode(content, validate=True))
    except (binascii.Error, ValueError):
        return None


def _content_violations(path: str, content: JsonValue) -> Iterator[Violation]:
    if content is None or content == "":
        yield _blank(path)
    elif not isinstance(content, str):
        yield _wrong_type(path, "string")
    elif (size := _decoded_size(content)) is None:
        yield Violation(path, "This value is not valid Base64.")
    elif size > MAX_MEDIA_BYTES:
        yield _too_large(path)


def _carrier_violations(path: str, value: JsonValue) -> Iterator[Violation]:
    as_text = tuple(_text_violations(path, value))
    yield from as_text
    if not as_text and not _CARRIER_CODE.fullmatch(str(value)):
        yield _no_carrier_code(path)


def _media_violations(path: str, media: JsonValue) -> Iterator[Violation]:
    if media is None:
        return
    if not isinstance(media, list):
        yield _wrong_type(path, "array")
    elif len(media) > MAX_MEDIA:
        yield _too_many(path)
    else:
        for index, entry in enumerate(media):
            yield from _entry_violations(f"{path}[{index}]", entry)


def _entry_violations(path: str, entry: JsonValue) -> Iterator[Violation]:
    if isinstance(entry, dict):
        yield from _text_violations(f"{path}.type", entry.get("type"))
        yield from _content_violations(f"{path}.content", entry.get("content"))
    else:
        yield _wrong_type(path, "object")


_CHECKS: Mapping[str, Callable[[str, JsonValue], Iterator[Violation]]] = {
    "billinkID": _text_violations,
    "billinkUsername": _text_violations,
    "carrierCode": _carrier_violations,
    "invoiceNumber": _text_violations,
    "trackAndTrace": _text_violations,
    "media": _media_violations,
}


def _shape_violations(body: Mapping[str, JsonValue]) -> list[Violation]:
    """Everything that can be said against the request without knowing any order."""
    return [violation for name, check in _CHECKS.items() for violation in check(name, body.get(name))]


_UNKNOWN_INVOICE = Violation("invoiceNumber", "No order was found for this invoice number.")

PROBLEM = "application/problem+json"
_ABOUT_STATUS = "https://tools.ietf.org/html/rfc2616#section-10"
_ABOUT_VALIDATION = "https://symfony.com/errors/validation"
_TITLE = "An error occurred"
_DETAILS = {400: "Syntax error", 403: "Access Denied."}
"""Symfony's words where they are not the status's own."""


def _problem(status: int, detail: str) -> dict[str, JsonValue]:
    """The documented 403 shape; `trace` is filled only on servers in debug mode."""
    return {"type": _ABOUT_STATUS, "title": _TITLE, "status": status, "detail": detail, "trace": []}


def _unprocessable(violations: Sequence[Violation]) -> dict[str, JsonValue]:
    """The documented 422 shape."""
    return {
        "type": _ABOUT_VALIDATION,
        "title": _TITLE,
        "status": 422,
        "detail": "\n".join(f"{violation.path}: {violation.message}" for violation in violations),
        "violations": [violation.to_json() for violation in violations],
    }


def _refusal(status: int, problem: Mapping[str, JsonValue]) -> Response:
    return Response(orjson.dumps(problem), status, media_type=PROBLEM)


def error_body(status: int) -> bytes:
    """Billink's body for a status that has no more to tell."""
    if status == 422:
        return orjson.dumps(_unprocessable([_UNKNOWN_INVOICE]))
    return orjson.dumps(_problem(status, _DETAILS.get(status) or reason_phrase(status)))


_OBJECT: TypeAdapter[dict[str, JsonValue]] = TypeAdapter(dict[str, JsonValue])


def _parse_object(raw: bytes) -> dict[str, JsonValue] | None:
    """The JSON object in `raw`, or None when it holds anything else."""
    try:
        return _OBJECT.validate_json(raw)
    except ValidationError:
        return None


def _authenticates(body: Mapping[str, JsonValue]) -> bool:
    return all(body[member] == CREDENTIALS[setting] for member, setting in _CREDENTIALS.items())


def _media_metadata(media: JsonValue) -> list[JsonValue]:
    """What is told of attachments afterwards: their type and size, never their content."""
    entries = media if isinstance(media, list) else []
    return [
        {"type": entry["type"], "size": _decoded_size(str(entry["content"]))}
        for entry in entries
        if isinstance(entry, dict)
    ]


def _billink_time(instant: datetime) -> str:
    """RFC 3339 in Dutch time (`2025-06-04T16:26:05+02:00`)."""
    return instant.astimezone(BILLINK_TIME).isoformat(timespec="seconds")


class BillinkSimulator:
    """What Billink would hold: the trackers it was sent, in order. A repeated POST makes another record.

    Nothing reads them again but a person or a test, so only the last `KEPT` are remembered.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._trackers: deque[dict[str, JsonValue]] = deque(maxlen=KEPT)
        self._ids = count(1)

    async def create_tracker(self, request: Request) -> Response:
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type != "application/json":
            supported = 'Supported MIME types are "application/json".'
            return _refusal(415, _problem(415, f'The content-type "{media_type}" is not supported. {supported}'))
        body = _parse_object(await request.body())
        if body is None:
            return _refusal(400, _problem(400, _DETAILS[400]))
        return self._create(body)

    async def list_trackers(self, _request: Request) -> Response:
        """The simulator's own ledger; Billink has no such call."""
        return json_response({"trackers": list(self._trackers)})

    def _create(self, body: Mapping[str, JsonValue]) -> Response:
        violations = _shape_violations(body)
        if not any(violation.path in _CREDENTIALS for violation in violations) and not _authenticates(body):
            return _refusal(403, _problem(403, _DETAILS[403]))
        if not violations and self._world.by_number(str(body["invoiceNumber"])) is None:
            violations = [_UNKNOWN_INVOICE]
        if violations:
            return _refusal(422, _unprocessable(violations))
        tracker = self._to_tracker(body)
        self._trackers.append(tracker)
        return json_response(tracker, 201)

    def _to_tracker(self, body: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
        now = _billink_time(self._world.now())
        invoice_number = str(body["invoiceNumber"])
        return {
            "id": next(self._ids),
            "orderId": zlib.crc32(invoice_number.encode()),
            "invoiceNumber": invoice_number,
            "carrier": body["carrierCode"],
            "trackingCode": body["trackAndTrace"],
            "media": _media_metadata(body.get("media")),
            "createdAt": now,
            "updatedAt": now,
        }


def create_simulator(world: World, path: str = DEFAULT_PATH) -> Starlette:
    """The API as an application; `path` is where the tracker call is."""
    simulator = BillinkSimulator(world)
    return simulated(
        "billink",
        [Route(path, simulator.create_tracker, methods=["POST"])],
        world,
        error_body,
        error_content_type=PROBLEM,
        switches=[Route("/trackers", simulator.list_trackers)],
    )
