"""`INSERT` with `ON CONFLICT`, which SQLite and PostgreSQL both have and SQL does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.store.database import Database
from gateway.store.tables import Table

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql, sqlite


def insert_into(database: Database, row: type[Table]) -> sqlite.Insert | postgresql.Insert:
    """An `INSERT` of rows of `row`, in the dialect of `database`: both call what they add by the same names."""
    # Only the dialect that is used: PostgreSQL's takes thirty milliseconds to import, at every start.
    if database.dialect == "postgresql":
        from sqlalchemy.dialects.postgresql import insert as insert_on_postgresql  # noqa: PLC0415

        return insert_on_postgresql(row)
    from sqlalchemy.dialects.sqlite import insert as insert_on_sqlite  # noqa: PLC0415

    return insert_on_sqlite(row)
