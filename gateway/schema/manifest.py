"""A file of trusted documents: Apollo's persisted query manifest, or Relay's map of ids to texts.

    {"format": "apollo-persisted-query-manifest", "version": 1,
     "operations": [{"id": "ecf4…", "name": "OrderPage", "type": "query", "body": "query OrderPage { … }"}]}

    {"ecf4…": "query OrderPage { … }"}

Ids are whatever the tool that wrote the file makes of a document, often its SHA-256 (Apollo) or MD5 (Relay). Pure, but
for reading the file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import orjson

APOLLO_FORMAT: Final = "apollo-persisted-query-manifest"
APOLLO_VERSION: Final = 1

MAX_TOLD: Final = 20
"""Problems of a manifest that are told; the rest are counted."""


class BadManifest(Exception):
    """The file is no manifest, or holds a document that cannot be run. `problems` is a line for each."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


def read_manifest(file: Path, problem_of: Callable[[str], str | None]) -> Mapping[str, str]:
    """The documents of `file`: their texts, by id.

    `problem_of` says why a text cannot be run, or None. Raises BadManifest with what is wrong, entry by entry.
    """
    entries = list(_entries(file, _json(file)))
    problems = [f"{file}: {problem}" for problem in _problems(entries, problem_of)]
    if problems:
        more = [f"{file}: {len(problems) - MAX_TOLD} more problems"] if len(problems) > MAX_TOLD else []
        raise BadManifest([*problems[:MAX_TOLD], *more])
    return dict(entries)


def _json(file: Path) -> Any:
    try:
        return orjson.loads(file.read_bytes())
    except OSError as error:
        raise BadManifest([f"{file}: cannot be read: {error.strerror}"]) from None
    except orjson.JSONDecodeError as error:
        raise BadManifest([f"{file}: is not JSON (line {error.lineno}, column {error.colno})"]) from None


def _entries(file: Path, content: Any) -> Iterator[tuple[Any, Any]]:
    """Id and text of each entry, of whatever types the file gives them."""
    match content:
        case {"format": str(), "operations": list(operations)} if _is_apollos(content):
            yield from ((_member(operation, "id"), _member(operation, "body")) for operation in operations)
        case {"format": _, "operations": _}:
            raise BadManifest([f"{file}: should be of the format {APOLLO_FORMAT}, version {APOLLO_VERSION}"])
        case dict():
            yield from content.items()
        case _:
            raise BadManifest([f"{file}: should be Apollo's persisted query manifest, or a map of ids to documents"])


def _is_apollos(content: Mapping[str, Any]) -> bool:
    return content["format"] == APOLLO_FORMAT and content.get("version") == APOLLO_VERSION


def _member(operation: Any, name: str) -> Any:
    return operation.get(name) if isinstance(operation, dict) else None


def _problems(entries: Iterable[tuple[Any, Any]], problem_of: Callable[[str], str | None]) -> Iterator[str]:
    seen: set[str] = set()
    for number, (identifier, text) in enumerate(entries, start=1):
        if not isinstance(identifier, str) or not identifier:
            yield f"entry {number}: has no id"
        elif identifier in seen:
            yield f"entry {number} ({identifier}): has the id of an earlier entry"
        elif not isinstance(text, str):
            yield f"entry {number} ({identifier}): has no document"
        elif problem := problem_of(text):
            yield f"entry {number} ({identifier}): {problem}"
        if isinstance(identifier, str):
            seen.add(identifier)
