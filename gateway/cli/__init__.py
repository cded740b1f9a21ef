"""The command `trackgraph`: parses options and prints. What it does is elsewhere; a command imports that when it runs.

However a command fails, it says so in lines that a person can act on, and never with a traceback.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.metadata import version as version_of
from typing import Annotated

import typer

from gateway.cli.check import check
from gateway.cli.dev import dev
from gateway.cli.failures import explain
from gateway.cli.output import tell
from gateway.cli.schema import schema
from gateway.cli.serve import serve
from gateway.cli.settings_docs import settings_docs
from gateway.cli.simulate import simulate

app = typer.Typer(
    name="trackgraph",
    help="One GraphQL graph over every system that knows where an order is.",
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (serve, dev, simulate, check, schema):
    app.command()(command)
app.command(hidden=True)(settings_docs)


@app.callback(invoke_without_command=True)
def trackgraph(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False,
) -> None:
    if version:
        print(f"trackgraph {version_of('trackgraph')}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(context.get_help())


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command with `arguments` (left out: this process's own) and answer its exit code."""
    try:
        code = app(arguments, prog_name="trackgraph", standalone_mode=False)
    except Exception as error:  # noqa: BLE001  # the outermost boundary: nothing may show a traceback
        lines, code = explain(error)
        for line in lines:
            tell(line)
    return code if isinstance(code, int) else 0


def main() -> None:
    """The entry point."""
    sys.exit(run())
