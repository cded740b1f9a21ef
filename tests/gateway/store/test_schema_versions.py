"""The versions of the store's schema, which the code reads from the names of its migrations, as Alembic tells them."""

from __future__ import annotations

from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from gateway.store.database import Database
from gateway.store.schema import MIGRATIONS, known_versions


def test_the_migrations_are_named_by_their_versions_and_in_their_order() -> None:
    newest_first = [script.revision for script in ScriptDirectory(str(MIGRATIONS)).walk_revisions()]
    assert list(known_versions()) == newest_first[::-1]


async def test_the_version_of_a_store_is_the_one_that_alembic_reads(database: Database) -> None:
    schema = await database.schema()
    async with database.reading() as connection:
        read = await connection.run_sync(lambda opened: MigrationContext.configure(opened).get_current_revision())
    assert schema.version == read == schema.needed
