"""Files of rows, as `import` reads and `export` writes them: CSV with a header, or an object of JSON on each line.

Rows are read and written one at a time, whatever the length of the file. What a row says is checked elsewhere.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain
from pathlib import Path
from typing import BinaryIO, TextIO

import orjson
from strawberry.utils.str_converters import to_camel_case

from gateway.cli.failures import CommandFailed
from gateway.cli.formats import FileFormat
from gateway.orders.bulk import BulkRow, link_kinds
from providers.models import Reference

LONGEST_LINE = 1024 * 1024
"""Bytes of a line at most: a file without line ends is no file of rows, and must not fill the memory."""

DELIMITERS = ",;\t"
"""What may stand between the cells of CSV. Spreadsheets write semicolons where the comma is the decimal sign."""

_PARCEL = ("tracking_number", "carrier", "capture_id")
_BYTE_ORDER_MARK = "\ufeff"

SUFFIXES: Mapping[str, FileFormat] = {
    ".csv": FileFormat.CSV,
    ".jsonl": FileFormat.JSONL,
    ".ndjson": FileFormat.JSONL,
}


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is wrong in a line: of a cell, where `column` is given."""

    line: int
    message: str
    column: str | None = None

    def __str__(self) -> str:
        return (
            f"line {self.line}: {self.column}: {self.message}" if self.column else f"line {self.line}: {self.message}"
        )


@dataclass(frozen=True, slots=True)
class ReadRow:
    """A row and the line that it begins in, counted from 1."""

    line: int
    row: BulkRow


Cells = dict[str, str | None]


def link_columns() -> tuple[str, ...]:
    """The columns that name an order elsewhere: one for each kind of reference that can be linked."""
    return tuple(link_kinds())


@cache
def columns() -> tuple[str, ...]:
    """Every column of a file, as it is written."""
    return ("order_number", *link_columns(), *_PARCEL)


@cache
def _spellings() -> Mapping[str, str]:
    """The column behind each spelling that is taken: its own, and that of the GraphQL schema."""
    return {spelling: column for column in columns() for spelling in (column, to_camel_case(column))}


def column_of(member: str) -> str | None:
    """The column of a mutation's input member, such as `orderNumber`; None for one that no column stands for."""
    return _spellings().get(member)


def format_of(file: Path, given: FileFormat | None) -> FileFormat:
    """`given`, or the format that the file's name tells. Raises `CommandFailed` when neither does."""
    found = given or SUFFIXES.get(file.suffix.lower())
    if found is None:
        raise CommandFailed(f"{file}: its name does not tell the format; say --format csv or --format jsonl")
    return found


def read_rows(file: BinaryIO, file_format: FileFormat) -> Iterator[ReadRow | Wrong]:
    """The rows of `file` from its beginning, and what cannot be read as one, in order of the lines.

    It ends early, with what is wrong, where the rest cannot be told from it.
    """
    file.seek(0)
    lines = _Lines(file)
    try:
        yield from _READERS[file_format](lines)
    except _Unreadable as error:
        yield Wrong(max(lines.line, 1), str(error))


class _Unreadable(Exception):
    """The file cannot be read any further."""


class _Lines:
    """The lines of a file as text. `line` is the number of the last one that was read."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.line = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        raw = self._file.readline(LONGEST_LINE + 1)
        if not raw:
            raise StopIteration
        self.line += 1
        if len(raw) > LONGEST_LINE:
            raise _Unreadable(f"is longer than {LONGEST_LINE:,} bytes")
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError:
            raise _Unreadable("is not UTF-8; save the file as UTF-8") from None
        return text.removeprefix(_BYTE_ORDER_MARK) if self.line == 1 else text


def _read_csv(lines: _Lines) -> Iterator[ReadRow | Wrong]:
    header = next(lines, None)
    if header is None:
        raise _Unreadable("is empty; the first line names the columns")
    delimiter = max(DELIMITERS, key=header.count)
    reader = csv.reader(chain([header], lines), delimiter=delimiter, strict=True)
    named = _named(_next_record(reader) or [])
    while True:
        begin = lines.line + 1
        record = _next_record(reader)
        if record is None:
            return
        if not any(cell.strip() for cell in record):
            continue
        if len(record) != len(named):
            yield Wrong(begin, f"has {len(record)} cells, and the header has {len(named)}")
        else:
            yield _to_row(begin, {name: cell.strip() or None for name, cell in zip(named, record, strict=True)})


def _next_record(reader: Iterator[list[str]]) -> list[str] | None:
    try:
        return next(reader, None)
    except csv.Error as error:
        raise _Unreadable(f"is no CSV: {error}") from None


def _named(header: Sequence[str]) -> list[str]:
    """The columns of a header. Raises `_Unreadable` for what cannot be one."""
    named = []
    for name in header:
        column = _spellings().get(name.strip())
        if column is None:
            raise _Unreadable(_unknown(name.strip()))
        if column in named:
            raise _Unreadable(f"names the column {column} twice")
        named.append(column)
    if "order_number" not in named:
        raise _Unreadable(f"needs the column order_number; the columns are {', '.join(columns())}")
    return named


def _unknown(name: str) -> str:
    return f"{name!r} is no column; the columns are {', '.join(columns())}"


def _read_jsonl(lines: _Lines) -> Iterator[ReadRow | Wrong]:
    for line in lines:
        if line.strip():
            yield _of_object(lines.line, line)


def _of_object(line: int, text: str) -> ReadRow | Wrong:
    try:
        members = orjson.loads(text)
    except orjson.JSONDecodeError:
        return Wrong(line, "is no JSON")
    if not isinstance(members, dict):
        return Wrong(line, "is no JSON object")
    cells: Cells = {}
    for name, value in members.items():
        column = _spellings().get(name)
        if column is None:
            return Wrong(line, _unknown(name))
        if column in cells:
            return Wrong(line, "is given twice", column)
        if isinstance(value, bool) or not isinstance(value, str | int | None):
            return Wrong(line, "takes text", column)
        cells[column] = None if value is None else str(value).strip() or None
    return _to_row(line, cells)


_READERS: Mapping[FileFormat, Callable[[_Lines], Iterator[ReadRow | Wrong]]] = {
    FileFormat.CSV: _read_csv,
    FileFormat.JSONL: _read_jsonl,
}


def _to_row(line: int, cells: Cells) -> ReadRow | Wrong:
    order_number = cells.get("order_number")
    if order_number is None:
        return Wrong(line, "is missing", "order_number")
    references = tuple(
        Reference(provider=provider, kind=kind, value=value)
        for kind, (provider, _kind) in link_kinds().items()
        if (value := cells.get(kind))
    )
    return ReadRow(line, BulkRow(order_number, references, **{column: cells.get(column) for column in _PARCEL}))


class RowWriter:
    """Writes rows of `names` to `out`, one at a time. CSV begins with a header; JSON leaves out what is None."""

    def __init__(self, out: TextIO, file_format: FileFormat, names: Sequence[str]) -> None:
        self._out = out
        self._names = names
        self._csv = csv.writer(out, lineterminator="\n") if file_format is FileFormat.CSV else None
        if self._csv is not None:
            self._csv.writerow(names)

    def write(self, row: Mapping[str, object]) -> None:
        """Write `row`; a member that is not there counts as None."""
        if self._csv is not None:
            self._csv.writerow([row.get(name) for name in self._names])
            return
        members = {name: value for name in self._names if (value := row.get(name)) is not None}
        self._out.write(orjson.dumps(members).decode() + "\n")
