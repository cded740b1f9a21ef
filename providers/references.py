"""Reference rules: how a setting turns an order's own names into what a provider calls that order.

A rule such as `"{order_number}"` or `"web-{external_id}"` is read once, with the settings; here it only knows the names
an order can have, and nothing of providers, shops or links.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from string import Formatter
from typing import Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import core_schema

ORDER_NAMES: tuple[str, ...] = ("order_number", "order_name", "external_id", "uuid")
"""The names of an order that a rule may use; members of `providers.models.Order`."""


@dataclass(frozen=True, slots=True)
class ReferenceTemplate:
    """A template over an order's names. `{{` and `}}` stand for braces, as in `str.format`.

    Raises `ValueError` for a placeholder that is not in `ORDER_NAMES`, for one with a format or a conversion, and for a
    template without any: it would give every order the same name. As a field of pydantic settings it is read from text.
    """

    text: str
    _parts: tuple[tuple[str, str | None], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_parts", tuple(_parts(self.text)))
        if not self.placeholders:
            raise ValueError(f"names no part of the order; use one of {_choices()}")

    @property
    def placeholders(self) -> frozenset[str]:
        """The names that `render` needs."""
        return frozenset(name for _, name in self._parts if name is not None)

    def render(self, names: Mapping[str, str | None]) -> str | None:
        """The reference of an order with these `names`, or None when one that is needed is absent, None or empty."""
        rendered = []
        for literal, name in self._parts:
            value = names.get(name) if name is not None else ""
            if value is None or (name is not None and not value):
                return None
            rendered.append(literal + value)
        return "".join(rendered)

    def parse(self, value: str) -> dict[str, str] | None:
        """The name that `render` made `value` from, or None when it cannot have been made by this template.

        Several placeholders leave more than one reading; then the answer is None as well.
        """
        names = [name for _, name in self._parts if name is not None]
        if len(names) != 1:
            return None
        pattern = "".join(re.escape(literal) + ("(.+)" if name is not None else "") for literal, name in self._parts)
        match = re.fullmatch(pattern, value, re.DOTALL)
        return {names[0]: match[1]} if match else None

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        def read(value: Any, as_text: core_schema.ValidatorFunctionWrapHandler) -> ReferenceTemplate:
            return value if isinstance(value, cls) else cls(as_text(value))

        return core_schema.no_info_wrap_validator_function(
            read, core_schema.str_schema(), serialization=core_schema.to_string_ser_schema()
        )

    def __str__(self) -> str:
        return self.text


def _parts(text: str) -> list[tuple[str, str | None]]:
    """Pairs of literal text and the name after it (None where nothing follows)."""
    parts = []
    for literal, name, form, conversion in Formatter().parse(text):
        if name is not None and name not in ORDER_NAMES:
            raise ValueError(f"{{{name}}} is no name of an order; use one of {_choices()}")
        if form or conversion:
            raise ValueError(f"{{{name}}} takes neither a format nor a conversion")
        parts.append((literal, name))
    return parts


def _choices() -> str:
    return ", ".join(f"{{{name}}}" for name in ORDER_NAMES)
