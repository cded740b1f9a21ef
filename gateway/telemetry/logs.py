"""How the gateway writes its log: one event is one line, as text or as JSON, and what is never written.

Whatever text is in an event, it stays on its line, so that a log can be read by line and nothing that a client sends
can pose as an event of its own. Of an exception the classes and places are written, never its text: that can hold
whatever a provider or a client sent. Knows nothing of HTTP, GraphQL or providers.
"""

from __future__ import annotations

import json
import logging
import logging.config
import re
from collections.abc import Iterator
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import PurePath
from traceback import StackSummary, walk_tb
from typing import Final, Literal

from gateway.telemetry.clients import CLIENT, NONE
from gateway.telemetry.names import LogField
from gateway.telemetry.tracing import trace_ids

REQUEST_ID: ContextVar[str | None] = ContextVar("request_id", default=None)
"""The id of the request being answered, set by the HTTP layer; every line that is logged meanwhile carries it."""

ACCESS_LOGGER: Final = "gateway.access"
"""Writes a line for each request, where `server.access_log` says so."""

LogFormat = Literal["text", "json"]

REDACTED = "[redacted]"

REDACTED_NAMES: tuple[str, ...] = (
    "authorization",  # HTTP Basic and Bearer credentials of Karla, HyperTrack and PayPal
    "proxy-authorization",
    "cookie",
    "set-cookie",
    "api_key",  # Karla
    "client_id",  # PayPal
    "client_secret",  # PayPal
    "access_token",  # PayPal's token endpoint
    "secret_key",  # HyperTrack
    "account_id",  # HyperTrack
    "billink_id",  # Billink's merchant id, its credential together with the user name
    "username",  # Karla, Billink
    "password",
    "encryption_key",
    "email",  # a buyer's
    "phone",
)
"""Names of headers, settings and query parameters whose values are never written to a log."""

QUIET_LOGGERS: tuple[str, ...] = (
    "httpx",  # logs every URL at INFO; Karla's search carries e-mail addresses in the query
    "httpcore",
    "aiocache",  # logs the name of every entry at DEBUG
    "aiosqlite",
    "alembic",
    "uvicorn.access",  # logs the query string of every request, and so the variables of a GET; ours does not
    "urllib3",  # the exporter of traces; logs its address
    "opentelemetry",
)

MOST_FRAMES = 25
"""Places that are told of one exception, the innermost."""

_NAMES = "|".join(re.escape(name).replace("_", "[_-]?") for name in REDACTED_NAMES)
_NAMED_VALUE = re.compile(
    rf"""(?P<name>\b(?:{_NAMES})["']?\s*[:=]\s*)"""
    r"""(?P<value>"[^"]*"|'[^']*'|(?:(?:basic|bearer)\s+)?[^\s,;&"'})\]]+)""",
    re.IGNORECASE,
)
_URL_CREDENTIALS = re.compile(r"(?P<scheme>\b[a-z][a-z0-9+.-]*://)[^\s/@]+@", re.IGNORECASE)
_URL = re.compile(r"(?P<scheme>\b[a-z][a-z0-9+.-]*://)[^\s\"'<>]+", re.IGNORECASE)
_EMAIL = re.compile(r"[^\s\"'<>@:=,;()]+@[^\s\"'<>@,;()]+\.[^\s\"'<>@,;()]+")
_AUTH_SCHEME = re.compile(r"\b(?P<scheme>basic|bearer)\s+[a-z0-9._~+/-]{16,}=*", re.IGNORECASE)
_CONTROL = {code: f"\\x{code:02x}" for code in (*range(0x20), 0x7F, *range(0x80, 0xA0))} | {
    ord("\n"): "\\n",
    ord("\r"): "\\r",
    ord("\t"): "\\t",
    0x2028: "\\u2028",
    0x2029: "\\u2029",
}


def redact(text: str) -> str:
    """`text` without the values that belong to `REDACTED_NAMES`, credentials in URLs, and authorization schemes."""
    text = _NAMED_VALUE.sub(rf"\g<name>{REDACTED}", text)
    text = _URL_CREDENTIALS.sub(rf"\g<scheme>{REDACTED}@", text)
    return _AUTH_SCHEME.sub(rf"\g<scheme> {REDACTED}", text)


class OneLineFormatter(logging.Formatter):
    """Writes `2026-01-31T12:00:00.123Z INFO gateway.http request=4f… message`, and what failed after it.

    A client that says who it is, and the trace, stand behind the request.
    """

    def format(self, record: logging.LogRecord) -> str:
        fields = _fields(record)
        head = f"{fields[LogField.TIME]} {record.levelname} {record.name} request={REQUEST_ID.get() or '-'}"
        client, trace = CLIENT.get(), fields.get(LogField.TRACE_ID)
        parts = [
            head,
            *([f"client={client.name}/{client.version}"] if client and client.name != NONE else []),
            *([f"trace={trace}"] if trace else []),
            fields[LogField.MESSAGE],
            *([f"| {fields[LogField.ERROR]}"] if LogField.ERROR in fields else []),
        ]
        return " ".join(parts).translate(_CONTROL)


class JsonFormatter(logging.Formatter):
    """Writes an object for each event, with the members of `LogField`; those that have no value are left out."""

    def format(self, record: logging.LogRecord) -> str:
        return json.dumps(_fields(record))


def _fields(record: logging.LogRecord) -> dict[LogField, str]:
    client = CLIENT.get()
    trace_id, span_id = trace_ids() or (None, None)
    error = record.exc_info[1] if record.exc_info else None
    fields: dict[LogField, str | None] = {
        LogField.TIME: datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z",
        LogField.LEVEL: record.levelname,
        LogField.LOGGER: record.name,
        LogField.MESSAGE: _private(record.getMessage()),
        LogField.REQUEST_ID: REQUEST_ID.get(),
        LogField.TRACE_ID: trace_id,
        LogField.SPAN_ID: span_id,
        LogField.CLIENT: client.name if client else None,
        LogField.CLIENT_VERSION: client.version if client else None,
        LogField.ERROR: error_text(error) if error else None,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _private(text: str) -> str:
    """`text` as it may stand in a log: redacted, and without addresses of people and of pages."""
    return _EMAIL.sub(REDACTED, _URL.sub(rf"\g<scheme>{REDACTED}", redact(text)))


def error_text(error: BaseException) -> str:
    """The class of `error` and the places it came through, then those of what caused it; without any of their texts."""
    return " < ".join(_class_and_places(each) for each in _causes(error))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _class_and_places(error: BaseException) -> str:
    frames = StackSummary.extract(walk_tb(error.__traceback__), lookup_lines=False)[-MOST_FRAMES:]
    places = ", ".join(f"{_short(frame.filename)}:{frame.lineno} {frame.name}" for frame in reversed(frames))
    name = f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")
    return f"{name} at {places}" if places else name


def _short(filename: str) -> str:
    return "/".join(PurePath(filename).parts[-3:])


class AbandonedConnection(logging.Filter):
    """Leaves out what asyncio says when a connection to PostgreSQL is given up while it is being made.

    A statement that is cut off has asyncpg ask the server to stop it, over a connection of its own. When that one is
    given up as well, the future in it fails with nobody waiting (asyncpg's `TLSUpgradeProto.connection_lost`): nothing
    is lost, there is nothing to do, and it would be the last line of a command that ended as it should.
    """

    _TEXT: Final = "unexpected connection_lost() call"

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        return not (type(error) is ConnectionError and error.args == (self._TEXT,))


_FORMATTERS: Final[dict[LogFormat, str]] = {
    "text": "gateway.telemetry.logs.OneLineFormatter",
    "json": "gateway.telemetry.logs.JsonFormatter",
}


def logging_config(
    level: str = "info", log_format: LogFormat = "text", *, access_log: bool = False
) -> dict[str, object]:
    """A `logging.config` dictionary: one-line events on standard error.

    A dictionary and not a call, because every worker process has to apply it for itself.
    """
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": _FORMATTERS[log_format]}},
        "filters": {"abandoned": {"()": "gateway.telemetry.logs.AbandonedConnection"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "stream": "ext://sys.stderr"}},
        "root": {"level": level.upper(), "handlers": ["stderr"]},
        "loggers": {
            **{name: {"level": "WARNING"} for name in QUIET_LOGGERS},
            ACCESS_LOGGER: {"level": "INFO" if access_log else "WARNING"},
            "asyncio": {"filters": ["abandoned"]},
        },
    }


def configure_logging(level: str = "info", log_format: LogFormat = "text", *, access_log: bool = False) -> None:
    """Make this process log as `logging_config` says."""
    logging.config.dictConfig(logging_config(level, log_format, access_log=access_log))
