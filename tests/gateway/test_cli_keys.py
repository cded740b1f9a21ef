"""`trackgraph keys`: what it prints, what it keeps, and how it fails."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.auth.api_keys import ApiKeyVerifier
from gateway.auth.principal import Principal
from gateway.cli.keys import COLUMNS
from gateway.cli.program import run
from gateway.store.api_keys import ApiKeys
from gateway.store.database import Database
from tests.databases import sqlite_url


class Printed:
    """What the command prints."""

    def __init__(self, config: str, capsys: pytest.CaptureFixture[str]) -> None:
        self._config = config
        self._capsys = capsys

    def lines(self, *arguments: str) -> list[str]:
        """What a run that succeeds prints to standard output."""
        assert run(["keys", *arguments, "--config", self._config]) == 0
        return self._capsys.readouterr().out.splitlines()

    def table(self) -> list[dict[str, str]]:
        head, *rows = (line.split("\t") for line in self.lines("list"))
        assert tuple(head) == COLUMNS
        return [dict(zip(head, row, strict=True)) for row in rows]

    def failure(self, *arguments: str) -> str:
        assert run(["keys", *arguments, "--config", self._config]) == 1
        return self._capsys.readouterr().err


@pytest.fixture
def keys(config: str, capsys: pytest.CaptureFixture[str]) -> Printed:
    return Printed(config, capsys)


def principal(store_file: Path, key: str) -> Principal:
    """Who a gateway takes the bearer of `key` for."""

    async def look() -> Principal:
        database = Database(sqlite_url(store_file))
        try:
            return await ApiKeyVerifier(ApiKeys(database), lambda: datetime.now(UTC)).principal(key)
        finally:
            await database.aclose()

    return asyncio.run(look())


READER: Sequence[str] = ("create", "--shop", "acme", "--scope", "orders:read")


def test_a_key_is_printed_alone_and_works(keys: Printed, store_file: Path) -> None:
    (key,) = keys.lines(*READER, "--scope", "personal:read", "--name", "Order page")
    found = principal(store_file, key)
    assert (found.name, found.shops) == ("Order page", {"acme"})
    assert found.scopes == {"orders:read", "personal:read"}


def test_the_key_is_kept_nowhere(keys: Printed, store_file: Path) -> None:
    (key,) = keys.lines(*READER)
    secret = key.split("_", 2)[2].encode()
    assert all(secret not in file.read_bytes() for file in store_file.parent.glob("store.db*"))
    assert key not in "".join(map(str, keys.table()))


def test_keys_are_listed_with_all_that_they_may(keys: Printed) -> None:
    keys.lines(*READER, "--shop", "other", "--name", "Page", "--expires", "90d")
    keys.lines("create", "--shop", "*", "--scope", "admin")
    first, second = keys.table()
    assert (first["name"], first["shops"], first["scopes"]) == ("Page", "acme other", "orders:read")
    assert (second["name"], second["shops"], second["scopes"], second["expires"]) == ("", "*", "admin", "")
    assert first["state"] == second["state"] == "good"
    end = datetime.fromisoformat(first["expires"]) - datetime.fromisoformat(first["created"])
    assert end == timedelta(days=90)


def test_a_revoked_key_is_shown_as_such(keys: Printed) -> None:
    keys.lines(*READER)
    (key,) = keys.table()
    keys.lines("revoke", key["id"])
    (revoked,) = keys.table()
    assert revoked["state"].startswith("revoked ")


def test_without_a_word_it_says_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["keys"]) == 0
    printed = capsys.readouterr().out
    assert all(word in printed for word in ("create", "list", "revoke"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("create", "--shop", "nowhere", "--scope", "admin"), "there is no shop nowhere; there are: acme, other"),
        (("create", "--shop", "acme", "--scope", "orders"), "there is no scope orders; there are: orders:read"),
        ((*READER, "--expires", "soon"), "--expires takes a number of days such as 90d"),
        ((*READER, "--expires", "99999d99"), "--expires takes a number of days"),
        ((*READER, "--expires", "2020-01-01"), "--expires is in the past"),
        ((*READER, "--expires", "0d"), "--expires is in the past"),
        ((*READER, "--name", "x" * 256), "--name"),
        (("revoke", "0123456789ab"), "there is no key 0123456789ab"),
    ],
)
def test_what_cannot_be_is_said_and_nothing_is_made(keys: Printed, arguments: Sequence[str], said: str) -> None:
    assert said in keys.failure(*arguments)
    assert keys.table() == []
