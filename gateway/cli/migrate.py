"""`trackgraph migrate`: the store's schema, brought to the version that this trackgraph needs."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from gateway.cli.output import print_plain
from gateway.cli.serve import set_in_environment
from gateway.settings import load_settings
from gateway.store.database import Database
from gateway.store.schema import Schema, SchemaState
from gateway.telemetry import configure_logging

_RESULTS = {
    SchemaState.EMPTY: "the store was empty and has schema version {needed} now",
    SchemaState.OLDER: "the store's schema was version {version} and is {needed} now",
    SchemaState.CURRENT: "the store's schema is version {needed} already",
}


def migrate(config: Path | None) -> None:
    """Migrate the store of the settings and print what was done. Raises `WrongSchema` and `StoreUnavailable`."""
    set_in_environment(config=config)
    settings = load_settings(os.environ)
    configure_logging(settings.server.log_level)
    before = asyncio.run(_migrate(settings.store.url.get_secret_value()))
    print_plain(_RESULTS[before.state].format(version=before.version, needed=before.needed))


async def _migrate(url: str) -> Schema:
    database = Database(url)
    try:
        return await database.migrate()
    finally:
        await database.aclose()
