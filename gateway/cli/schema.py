"""`trackgraph schema`: the published schema as a file, and the guard against breaking those who rely on it."""

from __future__ import annotations

from pathlib import Path

from graphql import GraphQLSyntaxError, build_schema
from graphql.utilities import find_breaking_changes

from gateway.cli.failures import CommandFailed
from gateway.cli.output import tell
from gateway.schema.published import sdl


def write_schema(file: Path) -> None:
    """Write the schema to `file`."""
    file.write_text(sdl(), "utf-8")
    print(f"wrote {file}")


def check_schema(file: Path) -> None:
    """Raise `CommandFailed` unless `file` holds the schema as it is; what would break clients is listed first."""
    check_published(file, sdl())


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
