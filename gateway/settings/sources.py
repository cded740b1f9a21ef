"""Where settings come from: a TOML file, and above it the environment. Each value remembers who gave it.

pydantic-settings is not used for this: it drops variables that name no setting, cannot say which source a wrong value
came from, reads variables as JSON, and knows no shop whose name has a hyphen. Reading both sources is less code than
teaching it these.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path as FilePath
from typing import Any

from gateway.settings.catalogue import (
    FILE_SUFFIX,
    PREFIX,
    SEPARATOR,
    SHOP,
    Leaf,
    Path,
    Table,
    catalogue,
    leaf_at,
    table_at,
    to_segment,
)
from gateway.settings.problems import ConfigurationError, Problem, suggest_variable

CONFIG_VARIABLE = "TRACKGRAPH_CONFIG"

NOT_SETTINGS = frozenset(
    {
        CONFIG_VARIABLE,
        "TRACKGRAPH_REQUIRE_BROWSER",  # read by the test suite
    }
)

# What Kubernetes puts into every container of a namespace that has a service called "trackgraph"
# (kubernetes.io, "Service", section "Environment variables").
_KUBERNETES = re.compile(r"TRACKGRAPH_(SERVICE_(HOST|PORT(_[A-Z0-9_]+)?)|PORT(_\d+_(TCP|UDP|SCTP)(_[A-Z]+)?)?)")

_TOML_POSITION = re.compile(r" \(at line (?P<line>\d+), column \d+\)$")


@dataclass(frozen=True, slots=True)
class Given:
    """A value that somebody gave. `folder` is what a relative file name in it starts from."""

    value: object
    origin: str
    folder: FilePath


Values = dict[Path, Given]


def read_toml(file: FilePath) -> Values:
    """The values in `file`. Raises `ConfigurationError` when it cannot be read or is not TOML, with the line."""
    try:
        with file.open("rb") as stream:
            document = tomllib.load(stream)
    except OSError as error:
        raise ConfigurationError([f"{file}: cannot be read: {error.strerror}"]) from None
    except UnicodeDecodeError:
        raise ConfigurationError([f"{file}: is not UTF-8 text"]) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError([_toml_problem(file, str(error))]) from None
    return {path: Given(value, str(file), file.parent) for path, value in _flatten(document)}


def read_environment(environ: Mapping[str, str], shops: Iterable[str]) -> tuple[Values, list[Problem]]:
    """The values in `environ`'s `TRACKGRAPH_…` variables, and what is wrong with the rest of those.

    `shops` are the shops known from the file: a variable's name cannot hold the hyphen that a shop's name may.
    """
    known_shops = sorted(shops)
    values: Values = {}
    problems: list[Problem] = []
    for name in sorted(environ):
        if not _may_be_setting(name):
            continue
        path, leaf = _resolve(name.removeprefix(PREFIX).split(SEPARATOR), known_shops)
        if leaf is None:
            problems.append(Problem((), f"is not a setting{suggest_variable(name, known_shops)}", name))
        else:
            values[path] = Given(_from_variable(environ[name], leaf), name, FilePath.cwd())
    return values, problems


def read_secret_files(values: Values) -> tuple[Values, list[Problem]]:
    """`values` with every `…_file` replaced by the secret that the file holds, less one newline at its end."""
    read: Values = {}
    problems: list[Problem] = []
    for path, given in values.items():
        secret = _secret_of_file(path)
        if secret is None:
            read.setdefault(path, given)
        elif secret in values:
            problems.append(Problem(path, f"is given as well as {secret[-1]}; keep one of them", given.origin))
        else:
            try:
                read[secret] = Given(_read_secret(given), given.origin, given.folder)
            except (OSError, UnicodeDecodeError, TypeError) as error:
                problems.append(Problem(path, _unreadable_text(error), given.origin))
    return read, problems


def locate_files(values: Values) -> Values:
    """`values` with every name of a file that starts from nowhere starting from the folder of who gave it."""
    return {path: _located(given) if _is_file(path) else given for path, given in values.items()}


def file_of(secret: Path) -> Path:
    """The path of the setting that names a file for the one at `secret`."""
    return (*secret[:-1], f"{secret[-1]}{FILE_SUFFIX}") if secret else ()


def unflatten(values: Values) -> dict[str, Any]:
    """`values` as nested tables. A value that stands where a table should be wins, so that it is reported."""
    document: dict[str, Any] = {}
    for path, given in sorted(values.items(), key=lambda item: len(item[0])):
        table = document
        for key in path[:-1]:
            table = table.setdefault(key, {})
            if not isinstance(table, dict):
                break
        else:
            table.setdefault(path[-1], given.value)
    return document


def _flatten(document: Mapping[str, Any], path: Path = ()) -> Iterator[tuple[Path, object]]:
    """Every value with its path; an empty table is a value, because `[shops.acme.karla]` alone says something."""
    for key, value in document.items():
        if isinstance(value, dict) and value:
            yield from _flatten(value, (*path, key))
        else:
            yield (*path, key), value


def _toml_problem(file: FilePath, message: str) -> str:
    position = _TOML_POSITION.search(message)
    if position is None:
        return f"{file}: is not TOML: {message}"
    return f"{file}:{position['line']}: is not TOML: {message[: position.start()]}"


def _may_be_setting(name: str) -> bool:
    return name.startswith(PREFIX) and name not in NOT_SETTINGS and not _KUBERNETES.fullmatch(name)


def _resolve(segments: list[str], shops: list[str]) -> tuple[Path, Leaf | None]:
    """The path and the setting that a variable's `segments` name; no setting when there is none."""
    path: Path = ()
    member: Table | Leaf | None = catalogue()
    for segment in segments:
        if not isinstance(member, Table):
            return path, None
        key = _key_of(segment, member, shops)
        member = member.member(member.secret_of_file(key) or key)
        path = (*path, key)
    return path, member if isinstance(member, Leaf) else None


def _key_of(segment: str, table: Table, shops: list[str]) -> str:
    if table.chosen is not None and table.placeholder != SHOP:
        return segment
    keys = table.spellings() if table.chosen is None else shops
    exact = segment.lower()
    if exact in keys:
        return exact
    return next((key for key in keys if to_segment(key) == segment), exact)


def _from_variable(text: str, leaf: Leaf) -> object:
    """`text` as the models take it. A duration is a number of seconds, which pydantic does not read from text."""
    if not leaf.duration:
        return text
    try:
        return float(text)
    except ValueError:
        return text


def _secret_of_file(path: Path) -> Path | None:
    table = table_at(path[:-1])
    secret = table.secret_of_file(path[-1]) if table else None
    return None if secret is None else (*path[:-1], secret)


def _is_file(path: Path) -> bool:
    leaf = leaf_at(path)
    return leaf is not None and leaf.file


def _located(given: Given) -> Given:
    return replace(given, value=str(given.folder / given.value)) if isinstance(given.value, str) else given


def _read_secret(given: Given) -> str:
    if not isinstance(given.value, str):
        raise TypeError
    text = (given.folder / given.value).read_text("utf-8")
    return text.removesuffix("\n").removesuffix("\r")


def _unreadable_text(error: OSError | UnicodeDecodeError | TypeError) -> str:
    match error:
        case OSError():
            return f"cannot be read: {error.strerror}"
        case UnicodeDecodeError():
            return "is not UTF-8 text"
        case _:
            return "should be the name of a file"
