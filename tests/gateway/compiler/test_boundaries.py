"""The package could be published as it is: it imports nothing of the application and has no word of its trade."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import gateway.compiler

PACKAGE = Path(gateway.compiler.__file__).parent
MODULES = sorted(PACKAGE.glob("*.py"))
DEPENDENCIES = {"graphql", "orjson", "strawberry"}


def imported(module: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            yield node.module or ""


def test_it_imports_its_dependencies_and_itself() -> None:
    names = {name for module in MODULES for name in imported(module)}

    others = {name for name in names if not name.startswith("gateway.compiler")}
    assert {name.partition(".")[0] for name in others} - sys.stdlib_module_names == DEPENDENCIES


def test_it_has_no_word_of_the_application() -> None:
    texts = "\n".join(path.read_text().lower() for path in [*MODULES, PACKAGE / "README.md"])

    assert not [
        word for word in ("tracking", "trackgraph", "parcel", "karla", "provider", "principal") if word in texts
    ]


def test_the_readme_names_every_module() -> None:
    readme = (PACKAGE / "README.md").read_text()

    assert not [module.name for module in MODULES if module.name != "__init__.py" and f"`{module.name}`" not in readme]
