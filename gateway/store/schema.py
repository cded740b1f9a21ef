"""The version of the store's schema, and how it is brought up to date."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

MIGRATIONS = Path(__file__).parent / "migrations"


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


def inspect_schema(connection: Connection) -> Schema:
    """The schema of the store behind `connection`."""
    scripts = ScriptDirectory.from_config(_config())
    needed = scripts.as_revision_number("head")
    assert isinstance(needed, str)
    version = MigrationContext.configure(connection).get_current_revision()
    known = {script.revision for script in scripts.walk_revisions()}
    return Schema(version, needed, _state(version, needed, known))


def upgrade(connection: Connection) -> None:
    """Run the migrations that are missing, in the transaction of `connection`."""
    config = _config()
    attributes: dict[str, Any] = config.attributes
    attributes["connection"] = connection
    command.upgrade(config, "head")


def _state(version: str | None, needed: str, known: set[str]) -> SchemaState:
    if version is None:
        return SchemaState.EMPTY
    if version == needed:
        return SchemaState.CURRENT
    return SchemaState.OLDER if version in known else SchemaState.UNKNOWN


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config
