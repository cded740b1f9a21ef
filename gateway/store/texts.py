"""Which texts a database can keep."""

from __future__ import annotations

import re

LONGEST = 255
"""Characters of a name, number or reference: the width of their columns."""

_NOT_KEPT = re.compile(r"[\x00\ud800-\udfff]")
"""PostgreSQL has no zero character, and half of a surrogate pair has no UTF-8; SQLite would take the former."""


def is_storable(text: str) -> bool:
    """Whether `text` can be a name, number or reference in the store. What cannot is held by nobody."""
    return len(text) <= LONGEST and not _NOT_KEPT.search(text)
