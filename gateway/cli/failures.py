"""How a command fails: one line that a person can act on, on standard error, and an exit code; never a traceback."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError
from typer.exceptions import TyperException

from gateway.freshness.guard import StorageUnavailable
from gateway.settings import ConfigurationError
from gateway.store.database import StoreUnavailable, WrongSchema
from gateway.telemetry import redact
from providers.errors import ProviderError
from providers.registry import ProviderConflict

EXIT_FAILED = 1
EXIT_MISUSED = 2
"""For wrong settings; Typer answers the same for wrong options."""


class CommandFailed(Exception):
    """The command cannot do what it was asked; the message says why and what to do."""


def explain(error: BaseException) -> tuple[list[str], int]:
    """The lines to print for `error`, and the exit code."""
    match error:
        case ConfigurationError():
            return list(error.problems), EXIT_MISUSED
        case TyperException():
            return [" ".join(error.format_message().split())], error.exit_code
        case _:
            return [describe(error)], EXIT_FAILED


def describe(error: BaseException) -> str:
    """`error` in a few words on one line, without secrets."""
    for kind, text in _TEXTS:
        if isinstance(error, kind):
            return text(error)
    return f"unexpected {type(error).__name__}{_place(error)}; please report it"


def _provider_text(error: BaseException) -> str:
    assert isinstance(error, ProviderError)
    return f"{error.message} ({error.code})"


def _store_text(error: BaseException) -> str:
    return f"the store (store.url) cannot be used: {_first_line(getattr(error, 'orig', None) or error)}"


def _store_down_text(error: BaseException) -> str:
    assert isinstance(error, StoreUnavailable)
    return f"the store (store.url) cannot be used: {redact(error.explanation).splitlines()[0]}"


def _system_text(error: BaseException) -> str:
    file = getattr(error, "filename", None)
    reason = getattr(error, "strerror", None) or _first_line(error)
    return f"{file}: {reason}" if isinstance(file, str) else reason


def _first_line(error: BaseException) -> str:
    lines = redact(str(error)).splitlines()
    return lines[0] if lines else type(error).__name__


def _place(error: BaseException) -> str:
    """Where `error` was raised: all that is told of a mistake of ours, since its text may hold anything."""
    frames = traceback.extract_tb(error.__traceback__)
    return f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""


_TEXTS: tuple[tuple[type[BaseException], Callable[[BaseException], str]], ...] = (
    (CommandFailed, str),
    (ProviderConflict, str),
    (ProviderError, _provider_text),
    (StorageUnavailable, lambda error: f"the cache (cache.url) cannot be reached: {error}"),
    (StoreUnavailable, _store_down_text),
    (WrongSchema, str),
    (SQLAlchemyError, _store_text),
    (TimeoutError, lambda _: "no answer in time"),
    (OSError, _system_text),
)
"""How errors are told that a person can do something about, the narrower class first (TimeoutError is an OSError)."""
