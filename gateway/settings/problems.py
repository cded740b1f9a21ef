"""What is wrong with the settings, in words that a person can act on: one line each, and never a setting's value."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from operator import eq

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from gateway.settings.catalogue import (
    FILE_SUFFIX,
    SHOP,
    Path,
    Table,
    catalogue,
    leaf_at,
    leaves,
    table_at,
    variable_of,
)


class ConfigurationError(Exception):
    """The settings cannot be used. `problems` holds one line for each thing that is wrong."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong. `origin` is the file, or the variable, that said it; None where nothing did."""

    path: Path
    text: str
    origin: str | None = None

    def __str__(self) -> str:
        return ": ".join(part for part in (self.origin, ".".join(self.path), self.text) if part)


_SHOP_SLUG_RULE = "a shop's name in the settings takes a-z, 0-9, - and _, and starts with a letter or digit"
_KEY = "[key]"
"""What pydantic adds to the location of a mapping's key that is wrong."""


def problems_of(error: ValidationError, origins: Mapping[Path, str]) -> list[Problem]:
    """`error` as problems; `origins` tells which file or variable gave the setting at a path."""
    return [_problem_of(details, origins) for details in error.errors(include_url=False)]


def suggest(path: Path) -> str:
    """`; did you mean …?` for a key that is unknown, or nothing when no setting resembles it."""
    close = _close_names(path)
    return f"; did you mean {close[0]}?" if close else ""


def suggest_variable(name: str, shops: Iterable[str]) -> str:
    """`; did you mean …?` for an unknown variable; `shops` are those that are known so far."""
    names = [
        variable_of(tuple(shop if key == SHOP else key for key in path))
        for path, _ in leaves(catalogue())
        for shop in (shops if SHOP in path else ("",))
    ]
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.8)
    return f"; did you mean {close[0]}?" if close else ""


def _problem_of(details: ErrorDetails, origins: Mapping[Path, str]) -> Problem:
    location = tuple(str(part) for part in details["loc"])
    path = tuple(part for part in location if part != _KEY)
    return Problem(path, _text_of(details, location, path), _origin_of(path, origins))


def _origin_of(path: Path, origins: Mapping[Path, str]) -> str | None:
    """Who said `path`, or the table that it is in, or something below it."""
    return next((origin for given, origin in origins.items() if all(map(eq, given, path))), None)


def _text_of(details: ErrorDetails, location: Path, path: Path) -> str:
    if location[-1:] == (_KEY,):
        return _SHOP_SLUG_RULE
    write = _TEXTS.get(details["type"])
    if write is not None:
        return write(details, path)
    subject, should, rest = details["msg"].partition("should ")
    return should + rest if should else subject


def _table_text(_details: ErrorDetails, path: Path) -> str:
    return f"should be a table ([{'.'.join(path)}])"


def _duration_text(_details: ErrorDetails, _path: Path) -> str:
    return "should be a number of seconds"


def _missing_text(_details: ErrorDetails, path: Path) -> str:
    table = table_at(path[:-1]) or Table()
    file_too = f" or {path[-1]}{FILE_SUFFIX}" if table.is_secret(path[-1]) else ""
    return f"is required; set it{file_too}, or {variable_of(path)}"


def _unknown_text(_details: ErrorDetails, path: Path) -> str:
    if _is_provider(path):
        return f"is no provider that is installed{suggest(path)}"
    return f"is not a setting{suggest(path)}"


def _is_provider(path: Path) -> bool:
    """Whether `path` stands where a shop's providers do, as a table."""
    return len(path) == 3 and path[0] == "shops"


def _checked_text(details: ErrorDetails, path: Path) -> str:
    """What a check in a model says, which may be a third party's, unless it repeats the value that it refuses."""
    _, _, text = details["msg"].partition(", ")
    leaf = leaf_at(path)
    public = f"{leaf.default} {leaf.description}" if leaf else ""
    value = str(details["input"])
    if value and value in text and value not in public:
        return f"is not accepted. {leaf.description}" if leaf else "is not accepted"
    return text


_TEXTS: Mapping[str, Callable[[ErrorDetails, Path], str]] = {
    "missing": _missing_text,
    "extra_forbidden": _unknown_text,
    "model_type": _table_text,
    "model_attributes_type": _table_text,
    "dict_type": _table_text,
    "time_delta_type": _duration_text,
    "time_delta_parsing": _duration_text,
    "value_error": _checked_text,
    "assertion_error": _checked_text,
}
"""How an error of pydantic's is told, by its type; the others' own words name what is expected and hold no value."""


def _close_names(path: Path) -> list[str]:
    """Settings that `path` may have meant: a sibling, else one of that very name elsewhere, else a similar name."""
    siblings = (table_at(path[:-1]) or Table()).spellings()
    close = difflib.get_close_matches(path[-1], siblings, n=1)
    if close:
        return [".".join((*path[:-1], close[0]))]
    every = [known for known, _ in leaves(catalogue())]
    namesakes = [".".join(known) for known in every if known[-1] == path[-1] and SHOP not in known]
    return namesakes or difflib.get_close_matches(".".join(path), [".".join(known) for known in every], n=1, cutoff=0.8)
