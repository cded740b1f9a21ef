"""What a line of the log looks like, and what never stands in one."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import ssl
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from asyncpg.connect_utils import TLSUpgradeProto

from gateway.telemetry import (
    QUIET_LOGGERS,
    REDACTED,
    REQUEST_ID,
    OneLineFormatter,
    configure_logging,
    logging_config,
    redact,
)
from gateway.telemetry.clients import CLIENT, Client
from gateway.telemetry.logs import AbandonedConnection, JsonFormatter, error_text
from gateway.telemetry.names import LOG_FIELDS, LogField


def record_of(message: str, *args: object, exc_info: bool = False) -> logging.LogRecord:
    record = logging.LogRecord(
        "gateway.http", logging.INFO, __file__, 1, message, args, sys.exc_info() if exc_info else None
    )
    record.created = 1_767_225_600.5
    return record


def line_of(message: str, *args: object, exc_info: bool = False) -> str:
    return OneLineFormatter().format(record_of(message, *args, exc_info=exc_info))


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


def test_of_a_failure_the_classes_and_places_are_told_and_never_the_text() -> None:
    """An exception's text can hold whatever a provider or a client sent."""
    try:
        try:
            raise KeyError("s3cret")
        except KeyError as error:
            raise ValueError("1Z999AA10123456784") from error
    except ValueError:
        line = line_of("failed", exc_info=True)

    assert len(line.splitlines()) == 1
    assert re.search(
        r" failed \| ValueError at tests/gateway/test_telemetry.py:\d+ test_\w+ < KeyError at tests/", line
    )
    assert "s3cret" not in line
    assert "1Z999AA10123456784" not in line


def test_a_failure_within_itself_is_told_once() -> None:
    error = ValueError("no")
    error.__cause__ = KeyError("yes")
    error.__cause__.__cause__ = error

    assert error_text(error) == "ValueError < KeyError"


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("asked https://api.example.org/v1/orders/1042?email=x", "asked https://[redacted]"),
        ("the buyer ada.lovelace+1@example.org wrote", "the buyer [redacted] wrote"),
        ("redis://host:6379/0 is down", "redis://[redacted] is down"),
    ],
)
def test_addresses_of_people_and_pages_are_left_out(said: str, written: str) -> None:
    assert line_of(said).endswith(f" {written}")


class TestClients:
    """Who a client says that it is, in every line while it is answered."""

    def test_a_line_names_the_client(self) -> None:
        with client_of(Client("order-page", "1.2")):
            assert " request=- client=order-page/1.2 asked" in line_of("asked")

    def test_so_does_json(self) -> None:
        with client_of(Client("order-page", "1.2")):
            line = json_of("asked")
        assert (line["client"], line["client_version"]) == ("order-page", "1.2")


class TestJson:
    def test_a_line_is_an_object_with_the_documented_members(self) -> None:
        token = REQUEST_ID.set("4f")
        try:
            assert json_of("asked %s", "karla") == {
                "time": "2026-01-01T00:00:00.500Z",
                "level": "INFO",
                "logger": "gateway.http",
                "message": "asked karla",
                "request_id": "4f",
            }
        finally:
            REQUEST_ID.reset(token)

    @pytest.mark.parametrize("text", ["a\nb", "a\x1b[31mb", "a\u2028b", 'a"},{"b'])
    def test_text_from_outside_stays_within_its_member(self, text: str) -> None:
        assert json_of("said %s", text)["message"] == f"said {text}"

    def test_a_failure_is_a_member_of_its_own(self) -> None:
        try:
            raise ValueError("s3cret")
        except ValueError:
            line = json_of("failed", exc_info=True)

        assert line["message"] == "failed"
        assert line["error"].startswith("ValueError at tests/gateway/test_telemetry.py:")
        assert "s3cret" not in str(line)

    def test_every_member_is_documented(self) -> None:
        assert set(LOG_FIELDS) == set(LogField)


@contextmanager
def client_of(client: Client) -> Iterator[None]:
    token = CLIENT.set(client)
    try:
        yield
    finally:
        CLIENT.reset(token)


def json_of(message: str, *args: object, exc_info: bool = False) -> dict[str, str]:
    text = JsonFormatter().format(record_of(message, *args, exc_info=exc_info))
    assert len(text.splitlines()) == 1
    line: dict[str, str] = json.loads(text)
    return line


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


@pytest.mark.parametrize(("access_log", "level"), [(True, "INFO"), (False, "WARNING")])
def test_requests_are_logged_where_that_is_set(access_log: bool, level: str) -> None:
    loggers = logging_config("debug", access_log=access_log)["loggers"]

    assert isinstance(loggers, dict)
    assert loggers["gateway.access"] == {"level": level}


@pytest.fixture
def log(capsys: pytest.CaptureFixture[str]) -> Iterator[pytest.CaptureFixture[str]]:
    """The log as a process of ours has it. What was set is put back after."""
    root, asyncios = logging.getLogger(), logging.getLogger("asyncio")
    before = root.level, root.handlers[:], asyncios.filters[:]
    configure_logging("error")
    yield capsys
    root.setLevel(before[0])
    root.handlers[:], asyncios.filters[:] = before[1:]


@pytest.mark.parametrize(
    ("error", "is_told"),
    [
        (ConnectionError("unexpected connection_lost() call"), False),
        (ConnectionError("Connection reset by peer"), True),
        (ValueError("unexpected connection_lost() call"), True),
    ],
)
def test_of_what_nobody_waited_for_only_an_abandoned_connection_is_not_told(
    log: pytest.CaptureFixture[str], error: Exception, is_told: bool
) -> None:
    handled: dict[str, object] = {"message": "Future exception was never retrieved", "exception": error}
    loop = asyncio.new_event_loop()
    try:
        loop.call_exception_handler(handled)
    finally:
        loop.close()

    assert ("never retrieved" in log.readouterr().err) is is_told


def test_an_abandoned_connection_is_known_by_the_text_that_asyncpg_gives_it() -> None:
    loop = asyncio.new_event_loop()
    connecting = TLSUpgradeProto(loop, "127.0.0.1", 5432, ssl.create_default_context(), ssl_is_advisory=True)
    connecting.connection_lost(None)
    loop.close()

    record = logging.LogRecord(
        "asyncio", logging.ERROR, __file__, 1, "", (), (None, connecting.on_data.exception(), None)
    )
    assert not AbandonedConnection().filter(record)
