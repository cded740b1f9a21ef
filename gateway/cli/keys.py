"""`trackgraph keys`: API keys are made, listed and taken out of use."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from gateway.auth.api_keys import HELD_SECONDS, new_key
from gateway.auth.principal import Scope
from gateway.cli.failures import CommandFailed
from gateway.cli.output import print_plain, print_table, tell
from gateway.cli.serve import set_in_environment
from gateway.settings import AuthMode, Settings, load_settings
from gateway.store.api_keys import ApiKey, ApiKeys
from gateway.store.database import Database
from gateway.store.texts import is_storable

T = TypeVar("T")

COLUMNS = ("id", "name", "shops", "scopes", "created", "expires", "state")

EVERY_SHOP = "*"

_DAYS = re.compile(r"(\d{1,5})d")


@dataclass(frozen=True, slots=True)
class Wanted:
    """The key that is to be made. `shops` may hold `EVERY_SHOP`; `expires` is a date, or a number of days as `90d`."""

    shops: Sequence[str]
    scopes: Sequence[str]
    name: str | None
    expires: str | None


def create_key(config: Path | None, wanted: Wanted) -> None:
    """Make a key and print it, this once. Raises `CommandFailed` for a shop, a scope or a time that cannot be."""
    settings = _settings(config)
    if not is_storable(wanted.name or ""):
        raise CommandFailed("--name is too long")
    now = datetime.now(UTC)
    made = new_key()
    key = ApiKey(
        id=made.id,
        name=wanted.name,
        digest=made.digest,
        shops=_shops(wanted.shops, settings),
        scopes=frozenset(_scope(word) for word in wanted.scopes),
        created_at=now,
        expires_at=_end(wanted.expires, now) if wanted.expires else None,
    )
    _with_keys(settings, lambda keys: keys.add(key))
    if settings.auth.mode is AuthMode.NONE:
        tell("auth.mode is none: no key is asked for until it is required")
    tell("this is the key; it is shown this once and kept nowhere")
    print_plain(made.value)


def list_keys(config: Path | None) -> None:
    """Print every key, the oldest first, without what makes it a key."""
    now = datetime.now(UTC)
    found = _with_keys(_settings(config), lambda keys: keys.all())
    print_table("API keys, oldest first", COLUMNS, [_row(key, now) for key in found])


def revoke_key(config: Path | None, key_id: str) -> None:
    """Take a key out of use for good. Raises `CommandFailed` when there is none of this id."""
    if not _with_keys(_settings(config), lambda keys: keys.revoke(key_id, datetime.now(UTC))):
        raise CommandFailed(f"there is no key {key_id}; `trackgraph keys list` shows those that there are")
    tell(f"key {key_id} is revoked; a running gateway may take it for {HELD_SECONDS:.0f} seconds more")


def _settings(config: Path | None) -> Settings:
    set_in_environment(config=config)
    return load_settings(os.environ)


def _with_keys(settings: Settings, use: Callable[[ApiKeys], Awaitable[T]]) -> T:
    async def run() -> T:
        async with _open_keys(settings) as keys:
            return await use(keys)

    return asyncio.run(run())


@asynccontextmanager
async def _open_keys(settings: Settings) -> AsyncIterator[ApiKeys]:
    database = Database(settings.store.url.get_secret_value())
    try:
        await database.prepare()
        yield ApiKeys(database)
    finally:
        await database.aclose()


def _shops(slugs: Sequence[str], settings: Settings) -> frozenset[str] | None:
    if EVERY_SHOP in slugs:
        return None
    unknown = [slug for slug in slugs if slug not in settings.shops]
    if unknown:
        raise CommandFailed(f"there is no shop {unknown[0]}; there are: {', '.join(settings.shops)}")
    return frozenset(slugs)


def _scope(word: str) -> Scope:
    try:
        return Scope(word)
    except ValueError:
        raise CommandFailed(f"there is no scope {word}; there are: {', '.join(Scope)}") from None


def _end(text: str, now: datetime) -> datetime:
    """The moment that `text` says. A date is its first moment in UTC."""
    days = _DAYS.fullmatch(text)
    try:
        end = now + timedelta(days=int(days[1])) if days else datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise CommandFailed("--expires takes a number of days such as 90d, or a date such as 2027-01-31") from None
    end = end if end.tzinfo else end.replace(tzinfo=UTC)
    if end <= now:
        raise CommandFailed("--expires is in the past")
    return end


def _row(key: ApiKey, now: datetime) -> tuple[str, ...]:
    return (
        key.id,
        key.name or "",
        EVERY_SHOP if key.shops is None else " ".join(sorted(key.shops)),
        " ".join(sorted(key.scopes)),
        _moment(key.created_at),
        _moment(key.expires_at),
        _state(key, now),
    )


def _state(key: ApiKey, now: datetime) -> str:
    if key.revoked_at is not None:
        return f"revoked {_moment(key.revoked_at)}"
    return "good" if key.is_good(now) else "expired"


def _moment(moment: datetime | None) -> str:
    """In UTC and to the second, as a person compares it."""
    return "" if moment is None else moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
