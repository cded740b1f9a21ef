"""How the gateway writes its log: the fields of a line, and what is never written.

One event is one line, whatever text is in it, so that a log can be read by line and nothing that a client sends can
pose as an event of its own. Knows nothing of HTTP, GraphQL or providers.
"""

from __future__ import annotations

import logging
import logging.config
import re
from contextvars import ContextVar
from datetime import UTC, datetime

REQUEST_ID: ContextVar[str | None] = ContextVar("request_id", default=None)
"""The id of the request being answered, set by the HTTP layer; every line that is logged meanwhile carries it."""

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
    "aiosqlite",
    "alembic",
)

_NAMES = "|".join(re.escape(name).replace("_", "[_-]?") for name in REDACTED_NAMES)
_NAMED_VALUE = re.compile(
    rf"""(?P<name>\b(?:{_NAMES})["']?\s*[:=]\s*)"""
    r"""(?P<value>"[^"]*"|'[^']*'|(?:(?:basic|bearer)\s+)?[^\s,;&"'})\]]+)""",
    re.IGNORECASE,
)
_URL_CREDENTIALS = re.compile(r"(?P<scheme>\b[a-z][a-z0-9+.-]*://)[^\s/@]+@", re.IGNORECASE)
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
    """Writes `2026-01-31T12:00:00.123Z INFO gateway.http request=4f… message`; tracebacks stay on the same line."""

    def format(self, record: logging.LogRecord) -> str:
        request_id = REQUEST_ID.get() or "-"
        stamp = datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
        line = f"{stamp} {record.levelname} {record.name} request={request_id} {self._text(record)}"
        return redact(line).translate(_CONTROL)

    def _text(self, record: logging.LogRecord) -> str:
        text = record.getMessage()
        if record.exc_info:
            text = f"{text}\n{self.formatException(record.exc_info)}"
        return text


def logging_config(level: str = "info") -> dict[str, object]:
    """A `logging.config` dictionary: one-line events on standard error.

    A dictionary and not a call, because every worker process has to apply it for itself.
    """
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": "gateway.telemetry.OneLineFormatter"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "stream": "ext://sys.stderr"}},
        "root": {"level": level.upper(), "handlers": ["stderr"]},
        "loggers": {name: {"level": "WARNING"} for name in QUIET_LOGGERS},
    }


def configure_logging(level: str = "info") -> None:
    """Make this process log as `logging_config` says."""
    logging.config.dictConfig(logging_config(level))
