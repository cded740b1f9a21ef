"""`trackgraph schema`: the published schema as a file, and the guard against breaking those who rely on it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from graphql import GraphQLSyntaxError, build_schema
from graphql.utilities import find_breaking_changes

from gateway.cli.failures import CommandFailed
from gateway.cli.output import tell


def schema(
    output: Annotated[Path, typer.Option(metavar="FILE", help="The file with the schema.")] = Path("schema.graphql"),
    check: Annotated[
        bool,
        typer.Option("--check", help="Write nothing; fail if the file is out of date, or a change breaks clients."),
    ] = False,
) -> None:
    """Write the GraphQL schema to a file, or check it."""
    from gateway.schema.published import sdl  # noqa: PLC0415  # the whole schema: no other command should wait for it

    if check:
        check_published(output, sdl())
    else:
        output.write_text(sdl(), "utf-8")
        print(f"wrote {output}")


def check_published(file: Path, current: str) -> None:
    """Raise `CommandFailed` unless `file` holds `current`. What would break clients is listed first."""
    try:
        published = file.read_text("utf-8")
    except FileNotFoundError:
        raise CommandFailed(f"{file} does not exist; run: trackgraph schema") from None
    if published == current:
        return
    breaking = breaking_changes(published, current)
    for change in breaking:
        tell(f"BREAKING: {change}")
    if breaking:
        raise CommandFailed(
            f"{len(breaking)} breaking changes against {file}; undo them, or run: trackgraph schema, and tell clients"
        )
    raise CommandFailed(f"{file} is out of date; run: trackgraph schema")


def breaking_changes(published: str, current: str) -> list[str]:
    """What a client of `published` may miss in `current`, both SDL. Raises `CommandFailed` if `published` is no SDL."""
    try:
        old = build_schema(published)
    except (GraphQLSyntaxError, TypeError) as error:
        raise CommandFailed(f"the published schema cannot be read: {str(error).splitlines()[0]}") from None
    return [change.description for change in find_breaking_changes(old, build_schema(current))]
