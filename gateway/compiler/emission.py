"""Generated Python: functions as text, and the namespace of the objects that they name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from keyword import iskeyword
from typing import Any

INDENT = "    "


class Emission:
    """The source of one module and the constants that it names.

    Nothing of a document gets into the source but names that its parser has checked, by `repr`. Everything else is an
    object of the namespace under a name made here.
    """

    def __init__(self) -> None:
        self._functions: dict[str, str] = {}
        self._tables: list[str] = []
        self._namespace: dict[str, Any] = {}
        self._constants: dict[int, str] = {}
        self._count = 0

    def name(self, prefix: str) -> str:
        """A name that is not in use."""
        self._count += 1
        return f"{prefix}{self._count}"

    def constant(self, value: object, prefix: str = "C") -> str:
        """The name of `value` in the namespace; one object has one name."""
        known = self._constants.get(id(value))
        if known is None:
            known = self._constants[id(value)] = self.name(prefix)
            self._namespace[known] = value  # keeps the object alive, so its id is not given to another
        return known

    def define(self, name: str, value: object) -> None:
        """Put `value` into the namespace under a name without digits."""
        self._namespace[name] = value

    def function(self, prefix: str, parameters: str, body: Sequence[str]) -> str:
        """Add a function and tell its name. Of functions with the same text there is one."""
        text = "\n".join((f"({parameters}):", *(INDENT + line for line in body), ""))
        known = self._functions.get(text)
        if known is None:
            known = self._functions[text] = self.name(prefix)
        return known

    def table(self, name: str, entries: Iterable[tuple[str, str]]) -> None:
        """Add a dict of expressions, which may name every function."""
        self._tables.append(f"{name} = {{{', '.join(f'{key}: {value}' for key, value in entries)}}}")

    @property
    def source(self) -> str:
        functions = (f"def {name}{text}\n" for text, name in self._functions.items())
        return "\n".join((*functions, *self._tables, ""))

    def execute(self, filename: str) -> dict[str, Any]:
        """Run the source once; the namespace that results."""
        namespace = dict(self._namespace)
        exec(compile(self.source, filename, "exec"), namespace)  # noqa: S102  # the text is made here, see the class
        return namespace


def assigned(value: str, name: str) -> str:
    """The expression `value` where it stands first, setting the variable `name`, unless it is that variable."""
    return value if value == name else f"({name} := {value})"


def attribute(owner: str, name: str) -> str:
    """An expression that reads the attribute `name` of the expression `owner`."""
    if name.isidentifier() and not iskeyword(name):
        return f"{owner}.{name}"
    return f"getattr({owner}, {name!r})"
