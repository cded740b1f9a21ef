"""A store for each test: on SQLite and on PostgreSQL, with the schema that the migrations make."""

from __future__ import annotations

import logging
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from gateway.store.database import Database
from tests.databases import DATABASES, PostgresServer, migrate, sqlite_url

settings.register_profile("suite", deadline=None)  # how long an example takes says more of the machine than of us
settings.load_profile("suite")


@pytest.fixture(autouse=True)
def log_level_as_it_was() -> Iterator[None]:
    """A command that is run in this process sets how much is logged; the next test begins as this one did."""
    root = logging.getLogger()
    level = root.level
    yield
    root.setLevel(level)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One server for all tests that leave it running."""
    server = PostgresServer()
    try:
        server.create()
        yield server
    finally:
        server.remove()


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty SQLite store, migrated once: migrating for each test would take most of its time."""
    file = tmp_path_factory.mktemp("store") / "migrated.db"
    migrate(sqlite_url(file))
    return file


@pytest.fixture
def store_file(migrated_file: Path, tmp_path: Path) -> Path:
    """A migrated SQLite store of the test's own."""
    return Path(shutil.copy(migrated_file, tmp_path / "store.db"))


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """A migrated PostgreSQL store of the test's own."""
    url = postgres_server.new_database()
    yield url
    postgres_server.drop(url)


@pytest.fixture
def empty_postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """A PostgreSQL database of the test's own without any table."""
    url = postgres_server.new_database(migrated=False)
    yield url
    postgres_server.drop(url)


@pytest.fixture(params=DATABASES)
def store_url(request: pytest.FixtureRequest) -> str:
    """The setting `store.url` for a migrated store of the test's own, on each database in turn."""
    if request.param == "sqlite":
        return sqlite_url(request.getfixturevalue("store_file"))
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture(params=DATABASES)
def empty_store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The setting `store.url` for a store that was never opened, on each database in turn."""
    if request.param == "sqlite":
        return sqlite_url(tmp_path / "new.db")
    url: str = request.getfixturevalue("empty_postgres_url")
    return url


@pytest.fixture
async def database(store_url: str) -> AsyncIterator[Database]:
    """The open store of the test, on each database in turn."""
    database = Database(store_url)
    yield database
    await database.aclose()
