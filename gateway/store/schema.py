"""The version of the store's schema, and how it is brought up to date."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, String, column, inspect, select, table

MIGRATIONS = Path(__file__).parent / "migrations"

_VERSION_ROWS: Final = table("alembic_version", column("version_num", String()))
"""Where Alembic notes the version: its default, which `migrations/env.py` leaves as it is."""


class SchemaState(Enum):
    """How a store's schema stands to the one that this code needs."""

    EMPTY = "empty"
    """Nothing was ever migrated here."""
    CURRENT = "current"
    OLDER = "older"
    UNKNOWN = "unknown"
    """Of a version that this code does not have: a newer trackgraph made it."""


_REFUSALS = {
    SchemaState.OLDER: "the store's schema is version {version} and this trackgraph needs {needed}: "
    "run `trackgraph migrate`",
    SchemaState.UNKNOWN: "the store's schema is version {version}, made by a newer trackgraph, and this one needs "
    "{needed}: run the newer one",
}


@dataclass(frozen=True, slots=True)
class Schema:
    """The schema of a store: its version (None: it has none yet) and the version that this code needs."""

    version: str | None
    needed: str
    state: SchemaState

    @property
    def refusal(self) -> str | None:
        """Why this code does not run on it as it is, and what to do, on one line. An empty store is not refused."""
        text = _REFUSALS.get(self.state)
        return text.format(version=self.version, needed=self.needed) if text else None


def known_versions() -> tuple[str, ...]:
    """Every version that this code has a migration to, the one that it needs last: what their files' names begin with.

    Alembic would tell the same, and takes a tenth of a second to import, at every start.
    """
    return tuple(sorted(file.name.partition("_")[0] for file in (MIGRATIONS / "versions").glob("[0-9]*.py")))


def inspect_schema(connection: Connection) -> Schema:
    """The schema of the store behind `connection`."""
    known = known_versions()
    version = _version(connection)
    return Schema(version, known[-1], _state(version, known))


def upgrade(connection: Connection) -> None:
    """Run the migrations that are missing, in the transaction of `connection`."""
    # Only an empty or an older store needs it: see `known_versions`.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    attributes: dict[str, Any] = config.attributes
    attributes["connection"] = connection
    command.upgrade(config, "head")


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table(_VERSION_ROWS.name):
        return None
    return connection.scalars(select(_VERSION_ROWS.c.version_num)).one_or_none()


def _state(version: str | None, known: tuple[str, ...]) -> SchemaState:
    if version is None:
        return SchemaState.EMPTY
    if version == known[-1]:
        return SchemaState.CURRENT
    return SchemaState.OLDER if version in known else SchemaState.UNKNOWN
