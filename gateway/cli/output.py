"""What commands print: rich tables for a person at a terminal, tab-separated lines for whatever reads a pipe."""

from __future__ import annotations

import sys
from collections.abc import Sequence


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print `rows`. A pipe gets the column names and the rows, separated by tabs, without `title`."""
    from rich.console import Console  # noqa: PLC0415  # `serve` prints no table, and waits for no rich
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    console = Console()
    if not console.is_terminal:
        for row in (columns, *rows):
            print("\t".join(row))
        return
    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console.print(table)


def print_heading(text: str) -> None:
    """Print `text`, in bold at a terminal."""
    from rich.console import Console  # noqa: PLC0415  # as above
    from rich.text import Text  # noqa: PLC0415

    Console(soft_wrap=True).print(Text(text, style="bold"))


def print_plain(text: str) -> None:
    """Print `text` as it is, unbroken, so that it can be copied; at once, though a pipe reads it."""
    print(text, flush=True)


def tell(line: str) -> None:
    """Print `line` to standard error, as the command's."""
    print(f"trackgraph: {line}", file=sys.stderr, flush=True)
