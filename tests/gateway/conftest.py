"""A store for each test: a file of its own, with the schema that the migrations make."""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.store.database import Database


def sqlite_url(file: Path) -> str:
    return f"sqlite+aiosqlite:///{file}"


async def store_threads_end() -> None:
    """Wait until the threads of stores that could not be opened are gone.

    aiosqlite 0.22 tells such a thread to stop and does not wait for it; one that outlives the event loop of its test
    fails when it reports there, and the failure is laid at the next test's door.
    """
    for thread in threading.enumerate():
        if "_connection_worker_thread" in thread.name:
            await asyncio.to_thread(thread.join, 5)


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty store, migrated once: migrating for each test would take most of its time."""

    async def migrate(file: Path) -> None:
        database = Database(sqlite_url(file))
        await database.migrate()
        await database.aclose()

    file = tmp_path_factory.mktemp("store") / "migrated.db"
    asyncio.run(migrate(file))
    return file


@pytest.fixture
def store_file(migrated_file: Path, tmp_path: Path) -> Path:
    """A migrated store of the test's own."""
    return Path(shutil.copy(migrated_file, tmp_path / "store.db"))


@pytest.fixture
async def database(store_file: Path) -> AsyncIterator[Database]:
    """The open store of the test."""
    database = Database(sqlite_url(store_file))
    yield database
    await database.aclose()
