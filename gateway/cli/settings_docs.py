"""`trackgraph settings-docs`: the documentation of the settings, written from the models that check them."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

from gateway.cli.failures import CommandFailed
from gateway.settings import SettingDoc, setting_docs

INTRODUCTION = """\
# Settings

<!-- Written by `trackgraph settings-docs`; do not edit. -->

Settings come from a TOML file (`trackgraph serve --config FILE`, or the variable `TRACKGRAPH_CONFIG`) and from
environment variables, which win. A variable is named after its setting: `TRACKGRAPH_` and the path in capitals, with
`__` between the parts; a hyphen in a shop's name becomes `_`. A setting of the type "secret text" can be given as a
file instead: add `_file` to its name (`_FILE` to its variable) and give the file's path. A relative path starts from
the folder of the TOML file, or, in a variable, from the working directory. One newline at the file's end is dropped.

A setting that is unknown or wrong is named when the gateway starts, with what is expected, and the gateway does not
start. `trackgraph check --config FILE` tries settings out. `trackgraph.example.toml` is a file to begin with.
"""


def write_settings_docs(file: Path) -> None:
    """Write the documentation of all settings to `file`."""
    file.write_text(settings_page(setting_docs()), "utf-8")
    print(f"wrote {file}")


def check_settings_docs(file: Path) -> None:
    """Raise `CommandFailed` unless `file` holds the documentation of the settings as they are."""
    if not file.exists() or file.read_text("utf-8") != settings_page(setting_docs()):
        raise CommandFailed(f"{file} is out of date; run: trackgraph settings-docs")


def settings_page(docs: Iterable[SettingDoc]) -> str:
    """`docs` as Markdown: a heading and a table for each table of the settings."""
    sections = [_section(table, list(members)) for table, members in groupby(docs, key=_table_of)]
    return "\n".join([INTRODUCTION, *sections])


def _table_of(doc: SettingDoc) -> str:
    return doc.name.rpartition(".")[0]


def _section(table: str, docs: list[SettingDoc]) -> str:
    rows = [_row(doc) for doc in docs]
    head = ["| Setting | Type | Default | What it does |", "| --- | --- | --- | --- |"]
    variables = f"Variables: `{docs[0].variable.rpartition('__')[0]}__…`\n"
    return "\n".join([f"## `[{table}]`\n", variables, *head, *rows, ""])


def _row(doc: SettingDoc) -> str:
    default = "required" if doc.default is None else f"`{doc.default}`" if doc.default else ""
    cells = (f"`{doc.name.rpartition('.')[2]}`", doc.type, default, doc.description)
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
