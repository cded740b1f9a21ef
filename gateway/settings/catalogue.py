"""Every setting there is, derived from the models: for variables, secret files, suggestions and the documentation.

A third party's provider shows up here by itself, because the models already hold it.
"""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum
from functools import cache
from pathlib import Path as FilePath
from typing import Annotated, Literal, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from gateway.settings.model import settings_model
from providers.references import ReferenceTemplate

Path = tuple[str, ...]

PREFIX = "TRACKGRAPH_"
SEPARATOR = "__"
FILE_SUFFIX = "_file"
SHOP = "<shop>"
"""Stands in a documented name for a shop's slug."""
NAME = "<name>"
"""Stands in a documented name for any other key that whoever writes the settings chooses."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """One setting. `type` and `default` are for people; `default` is None where a value must be given."""

    type: str
    default: str | None
    description: str
    secret: bool
    duration: bool
    file: bool


@dataclass(frozen=True, slots=True)
class Table:
    """Settings under one heading: those with fixed names, and what a chosen name holds, if any may be chosen.

    `placeholder` stands for a chosen name in the documentation.
    """

    members: Mapping[str, Table | Leaf] = field(default_factory=dict)
    chosen: Table | Leaf | None = None
    placeholder: str = NAME

    def member(self, key: str) -> Table | Leaf | None:
        return self.members.get(key, self.chosen)

    def is_secret(self, key: str) -> bool:
        member = self.members.get(key)
        return isinstance(member, Leaf) and member.secret

    def secret_of_file(self, key: str) -> str | None:
        """The secret that `key` names a file for (`api_key` for `api_key_file`), or None."""
        secret = key.removesuffix(FILE_SUFFIX)
        return secret if secret != key and key not in self.members and self.is_secret(secret) else None

    def spellings(self) -> list[str]:
        """Every key that may stand here."""
        return [*self.members, *(f"{key}{FILE_SUFFIX}" for key in self.members if self.is_secret(key))]


@dataclass(frozen=True, slots=True)
class SettingDoc:
    """One setting as the documentation shows it. `default` is None where a value must be given."""

    name: str
    type: str
    default: str | None
    description: str
    variable: str
    secret: bool


@cache
def catalogue() -> Table:
    """The tree of all settings."""
    return _table_of(settings_model())


def setting_docs() -> list[SettingDoc]:
    """Every setting, table by table, in the order of the models."""
    return [
        SettingDoc(".".join(path), leaf.type, leaf.default, leaf.description, variable_of(path), leaf.secret)
        for path, leaf in leaves(catalogue())
    ]


def leaves(table: Table, path: Path = ()) -> Iterator[tuple[Path, Leaf]]:
    """Every setting under `table` with its path; the placeholder stands where a name is chosen."""
    chosen = {table.placeholder: table.chosen} if table.chosen is not None else {}
    for key, member in {**table.members, **chosen}.items():
        if isinstance(member, Leaf):
            yield (*path, key), member
        else:
            yield from leaves(member, (*path, key))


def table_at(path: Path) -> Table | None:
    """The table at `path`, or None where there is none."""
    table: Table | Leaf | None = catalogue()
    for key in path:
        table = table.member(key) if isinstance(table, Table) else None
    return table if isinstance(table, Table) else None


def leaf_at(path: Path) -> Leaf | None:
    """The setting at `path`, or None where there is none."""
    table = table_at(path[:-1]) if path else None
    member = table.member(path[-1]) if table else None
    return member if isinstance(member, Leaf) else None


def variable_of(path: Path) -> str:
    """The environment variable of the setting at `path`."""
    return PREFIX + SEPARATOR.join(to_segment(key) for key in path)


def to_segment(key: str) -> str:
    """`key` as it is written in a variable's name, which cannot hold a hyphen."""
    return key.replace("-", "_").upper()


def _table_of(model: type[BaseModel]) -> Table:
    return Table(members={name: _member_of(info.annotation, info) for name, info in model.model_fields.items()})


def _member_of(annotation: object, info: FieldInfo, default: str | None = None) -> Table | Leaf:
    plain = _without_none(annotation)
    if isinstance(plain, type) and issubclass(plain, BaseModel):
        return _table_of(plain)
    if get_origin(plain) in (dict, Mapping):
        chosen = _member_of(get_args(plain)[1], info, default="")
        return Table(chosen=chosen, placeholder=SHOP if isinstance(chosen, Table) else NAME)
    return Leaf(
        type=_type_name(plain),
        default=_default_text(info) if default is None else default,
        description=info.description or "",
        secret=plain is SecretStr,
        duration=plain is timedelta,
        file=plain is FilePath,
    )


def _without_none(annotation: object) -> object:
    """`annotation` without `Annotated` and `| None` around it."""
    if get_origin(annotation) is Annotated:
        return _without_none(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        alternatives = [kind for kind in get_args(annotation) if kind is not types.NoneType]
        return _without_none(alternatives[0]) if len(alternatives) == 1 else annotation
    return annotation


_TYPE_NAMES: Mapping[object, str] = {
    str: "text",
    SecretStr: "secret text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    timedelta: "seconds",
    FilePath: "file",
    tuple[str, ...]: "list of texts",
    ReferenceTemplate: "template text",
}


def _type_name(kind: object) -> str:
    if get_origin(kind) is Literal:
        return " or ".join(f"`{choice}`" for choice in get_args(kind))
    if isinstance(kind, type) and issubclass(kind, Enum):
        return " or ".join(f"`{member.value}`" for member in kind)
    return _TYPE_NAMES.get(kind) or str(getattr(kind, "__name__", kind))


def _default_text(info: FieldInfo) -> str | None:
    if info.is_required():
        return None
    if info.default_factory_takes_validated_data:
        return ""  # follows another setting, as its description says
    return _to_text(info.get_default(call_default_factory=True))


def _to_text(default: object) -> str:
    """A default from our own code as it would be written in TOML; empty for "left out"."""
    value = _plain(default)
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case int() | float():
            return f"{value:.12g}" if isinstance(value, float) else str(value)
        case tuple():
            return ", ".join(value)  # as it stands in a variable
        case _:
            return f'"{value}"'


def _plain(value: object) -> object:
    match value:
        case SecretStr():
            return value.get_secret_value()
        case timedelta():
            return value.total_seconds()
        case Enum():
            return value.value
        case _:
            return value
