"""What goes wrong where requests are answered at once costs no connection: the application answers, or says why not."""

from __future__ import annotations

import logging

import pytest

from gateway.auth.principal import Principal
from gateway.http import HttpOptions, create_http_app
from gateway.http.health import Readiness
from gateway.http.routes import at_once_of
from gateway.schema.pipeline import Pipeline

HEAD = ((b"host", b"localhost"), (b"content-type", b"application/json"))


def broken(_token: str | None) -> Principal:
    raise RuntimeError("a secret")


def test_what_nobody_foresaw_is_left_to_the_application(
    pipeline: Pipeline, parts: Readiness, caplog: pytest.LogCaptureFixture
) -> None:
    at_once = at_once_of(create_http_app(pipeline, HttpOptions(authenticate=broken), parts))
    assert at_once is not None

    with caplog.at_level(logging.ERROR):
        assert at_once.answer(HEAD, b'{"query": "{ __typename }"}') is None

    assert "a request could not be answered at once" in caplog.text
