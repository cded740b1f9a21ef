"""Words that options take when rows are read or written."""

from __future__ import annotations

from enum import StrEnum


class FileFormat(StrEnum):
    """How rows are written."""

    CSV = "csv"
    JSONL = "jsonl"


class Exported(StrEnum):
    """What can be written."""

    LINKS = "links"
    REGISTRATIONS = "registrations"
