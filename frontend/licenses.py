"""Writes the licences of the packages in the bundle, as their terms ask of whoever passes the bundle on.

Knows npm's lock file and package layout, and nothing of how the bundle is built. Covers every package that is installed
for running, also those of which the bundler keeps a part or nothing: too many names do no harm, a missing one does.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: How the files begin that hold a package's terms; "thirdparty" is what Monaco calls the terms of the code inside it.
LICENCE_FILE_PREFIXES = ("licen", "copying", "notice", "thirdparty")

HEADING = "The GraphiQL page contains code of these packages, under the terms below."
NO_TEXT = "The package names this licence and carries no text of it."


@dataclass(frozen=True)
class Package:
    """One installed npm package: what the lock file says of it, and the texts found in its folder."""

    name: str
    version: str
    licence: str
    texts: tuple[str, ...]


def runtime_packages(frontend: Path) -> list[Package]:
    """The packages of `package-lock.json` that are not for development, by name and version.

    Needs an installed `node_modules`. Raises KeyError for a package that names no licence: it may not be passed on.
    """
    locked: dict[str, dict[str, Any]] = json.loads((frontend / "package-lock.json").read_text("utf-8"))["packages"]
    found = {
        _package(frontend / location, location.rpartition("node_modules/")[2], entry)
        for location, entry in locked.items()
        if location and not entry.get("dev")
    }
    return sorted(found, key=lambda package: (package.name, package.version))


def render(packages: list[Package]) -> str:
    """The content of `licenses.txt`: one section for each package."""
    return "\n".join([HEADING, *(_section(package) for package in packages)])


def _package(folder: Path, name: str, entry: dict[str, Any]) -> Package:
    texts = tuple(file.read_text("utf-8").strip() for file in sorted(folder.iterdir()) if _holds_terms(file))
    return Package(name, entry["version"], entry["license"], texts)


def _holds_terms(file: Path) -> bool:
    return file.is_file() and file.name.lower().startswith(LICENCE_FILE_PREFIXES)


def _section(package: Package) -> str:
    title = f"{package.name} {package.version} ({package.licence})"
    return "\n\n".join([f"\n{title}\n{'=' * len(title)}", *(package.texts or (NO_TEXT,))])
