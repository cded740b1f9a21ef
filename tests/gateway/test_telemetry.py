"""What a line of the log looks like, and what never stands in one."""

from __future__ import annotations

import logging
import sys

import pytest

from gateway.telemetry import QUIET_LOGGERS, REDACTED, REQUEST_ID, OneLineFormatter, logging_config, redact


def line_of(message: str, *args: object, exc_info: bool = False) -> str:
    record = logging.LogRecord(
        "gateway.http", logging.INFO, __file__, 1, message, args, sys.exc_info() if exc_info else None
    )
    record.created = 1_767_225_600.5
    return OneLineFormatter().format(record)


def test_a_line_says_when_in_utc_how_severe_where_and_for_which_request() -> None:
    token = REQUEST_ID.set("4f")
    try:
        assert line_of("asked %s", "karla") == "2026-01-01T00:00:00.500Z INFO gateway.http request=4f asked karla"
    finally:
        REQUEST_ID.reset(token)


def test_outside_a_request_the_id_is_a_dash() -> None:
    assert " request=- " in line_of("started")


@pytest.mark.parametrize("text", ["a\nb", "a\r\nb", "a\x1b[31mb", "a\x00b", "a\x85b", "a\u2028b"])
def test_text_from_outside_cannot_begin_a_line_or_steer_a_terminal(text: str) -> None:
    line = line_of("said %s", text)

    assert len(line.splitlines()) == 1
    assert line.isprintable()


def test_a_traceback_stays_on_its_line() -> None:
    try:
        raise ValueError("no")
    except ValueError:
        line = line_of("failed", exc_info=True)

    assert len(line.splitlines()) == 1
    assert "ValueError: no" in line


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Basic c2VjcmV0OnNlY3JldA==",
        "authorization: Bearer secret-token.of-some.length",
        "a token of Bearer c2VjcmV0LXRva2VuLXZhbHVl here",
        "X-Api-Key=c2VjcmV0",
        "{'client_secret': 's3cret value', 'x': 1}",
        '{"api_key": "s3cret value"}',
        "GET https://user:s3cret@example.org/",
        "redis://:s3cret@example.org:6379/0",
        "GET /v1/orders?email=s3cret%40example.org&page=1",
        "account_id=s3cret secret_key=s3cret",
    ],
)
def test_credentials_and_buyers_addresses_are_left_out(text: str) -> None:
    redacted = redact(text)

    assert REDACTED in redacted
    assert not [word for word in ("s3cret", "c2VjcmV0", "secret-token") if word in redacted]


@pytest.mark.parametrize("text", ["basic delivery to the door", "karla.find_order: PROVIDER_TIMEOUT after 5.0 s"])
def test_other_text_stays_as_it_is(text: str) -> None:
    assert redact(text) == text


def test_loggers_that_write_whole_urls_are_quiet() -> None:
    """httpx logs every URL at INFO, and Karla's search has a buyer's address in the query."""
    loggers = logging_config("debug")["loggers"]

    assert isinstance(loggers, dict)
    assert "httpx" in QUIET_LOGGERS
    assert {loggers[name]["level"] for name in QUIET_LOGGERS} == {"WARNING"}
