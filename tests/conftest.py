"""A store for each test: on SQLite and on PostgreSQL, with the schema that the migrations make.

And what makes the suite short: what takes longest is begun first, and no client reads certificates that nobody needs.
"""

from __future__ import annotations

import gc
import logging
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import certifi
import pytest
from hypothesis import settings

from gateway.store.database import Database
from tests.databases import DATABASES, PostgresServer, migrate, sqlite_url
from tests.redis_server import RedisServer

settings.register_profile("suite", deadline=None)  # how long an example takes says more of the machine than of us
settings.load_profile("suite")

SUITE = Path(__file__).parent

LONGEST_FIRST = (
    "history",
    "scenarios/commands/test_bulk.py",
    "scenarios/commands/test_forgetting.py",
    "scenarios/test_access.py",
    "faults",
    "processes",
    "test_benchmarks.py",
    "e2e",
    "gateway/test_cli.py",
    "example_provider",
    "audits",
    "scenarios/test_shared_cache.py",
    "scenarios/test_idempotency.py",
    "gateway/schema/test_reachability.py",
    "gateway/orders/registration",
    "scenarios",
)
"""Files and folders of `tests/` that take longest, in CPU time and in waiting, the longest first.

Whole files are given to the processes of a run in this order: a long one that came last would be waited for alone.
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put what takes longest first; all else stays as it is."""
    items.sort(key=lambda item: _place(item.path.relative_to(SUITE).as_posix()))


def pytest_collection_finish() -> None:
    """Keep garbage collection off what stays to the end: ten thousand tests, and the modules that they import.

    A full collection walks all that there is, and was a sixth of what tests in this process take.
    """
    gc.collect()
    gc.freeze()


def _place(file: str) -> int:
    return next((place for place, name in enumerate(LONGEST_FIRST) if file.startswith(name)), len(LONGEST_FIRST))


@pytest.fixture(scope="session", autouse=True)
def one_root_certificate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Has HTTP clients trust one root of certifi's instead of all: reading them takes each client 50 ms.

    Nobody here has TLS with the world outside; who tries certificates trusts an authority of their own.
    """
    file = tmp_path_factory.mktemp("certificates") / "root.pem"
    file.write_text(_first_certificate(certifi.contents()), "ascii")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(certifi, "where", lambda: str(file))
        yield


def _first_certificate(bundle: str) -> str:
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----\n"
    return bundle[bundle.index(begin) : bundle.index(end) + len(end)]


@pytest.fixture(autouse=True)
def environment_as_it_was() -> Iterator[None]:
    """A command that is run in this process hands options on in the environment; the next test begins as this one."""
    before = dict(os.environ)
    yield
    if os.environ != before:
        os.environ.clear()
        os.environ.update(before)


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """A command that is run in this process sets how much is logged, and where; the next test begins as this one did.

    Where it was logged is a stream of the test's own, which is closed when the test is over.
    """
    root = logging.getLogger()
    level, handlers = root.level, root.handlers[:]
    yield
    root.setLevel(level)
    root.handlers[:] = handlers


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
def own_redis() -> Iterator[RedisServer]:
    """A server of Redis for one test to mistreat."""
    server = RedisServer()
    server.start()
    yield server
    server.remove()


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """A migrated PostgreSQL store of the test's own."""
    url = postgres_server.new_database()
    yield url
    postgres_server.drop(url)


@pytest.fixture
def lent_postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """A migrated PostgreSQL store, empty, that other tests have had before and will have."""
    url = postgres_server.lend()
    yield url
    postgres_server.take_back(url)


@pytest.fixture
def empty_postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """A PostgreSQL database of the test's own without any table."""
    url = postgres_server.new_database(migrated=False)
    yield url
    postgres_server.drop(url)


@pytest.fixture(params=DATABASES)
def store_url(request: pytest.FixtureRequest) -> str:
    """The setting `store.url` for a migrated, empty store, on each database in turn."""
    if request.param == "sqlite":
        return sqlite_url(request.getfixturevalue("store_file"))
    url: str = request.getfixturevalue("lent_postgres_url")
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
