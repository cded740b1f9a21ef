"""How the store fails."""

from __future__ import annotations


class StoreUnavailable(Exception):
    """The store cannot be used: locked, full, read-only, not reachable, no database at all.

    What was being written was not, with one exception: where PostgreSQL was lost while it committed, nobody knows. So
    every write can be repeated. The text is the database's own, without the statement and its values.
    """


class WrongSchema(Exception):
    """The store's schema is not the one that this code needs. The text says what to do, on one line."""
