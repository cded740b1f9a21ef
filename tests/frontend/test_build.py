"""What the build of the bundle promises: the Node it takes, that what it installs is pinned, the licences it writes."""

import importlib
import json
import re
from pathlib import Path
from types import ModuleType

import pytest

FRONTEND = Path(__file__).parents[2] / "frontend"


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """`frontend/build.py` as its own folder sees it: it is a script beside the packages and no part of them."""
    monkeypatch.syspath_prepend(str(FRONTEND))
    return importlib.import_module("build")


@pytest.mark.parametrize(
    ("version", "suits"),
    [
        ("v18.20.4", False),
        ("v20.18.3", False),
        ("v20.19.0", True),
        ("v21.7.3", False),
        ("v22.11.0", False),
        ("v22.12.0", True),
        ("v24.19.0\n", True),
        ("v23.0.0-nightly2024", True),
        ("", False),
        ("not a version", False),
    ],
)
def test_a_node_is_taken_when_vite_runs_on_it(script: ModuleType, version: str, suits: bool) -> None:
    """`^20.19 || >=22.12`, and nothing that is no version."""
    assert script.suits_vite(version) is suits


def test_the_range_is_the_one_that_vite_names(script: ModuleType) -> None:
    """The range in the script's error texts and in package.json is the one that the locked Vite asks for."""
    locked = json.loads((FRONTEND / "package-lock.json").read_text("utf-8"))["packages"]
    declared = json.loads((FRONTEND / "package.json").read_text("utf-8"))["engines"]["node"]
    assert locked["node_modules/vite"]["engines"]["node"] == "^20.19.0 || >=22.12.0"
    assert declared == "^20.19 || >=22.12"
    assert declared in script.suits_vite.__doc__


def test_every_npm_package_is_locked_by_its_content_and_none_by_an_address() -> None:
    """`npm ci` takes any index, and refuses a package whose content is another."""
    locked = json.loads((FRONTEND / "package-lock.json").read_text("utf-8"))["packages"]
    installed = {location: entry for location, entry in locked.items() if location}
    assert [location for location, entry in installed.items() if "integrity" not in entry] == []
    assert [location for location, entry in installed.items() if "resolved" in entry] == []


def test_direct_dependencies_are_pinned() -> None:
    """package.json names one version of each package, so that a new lock changes only what its author meant."""
    package = json.loads((FRONTEND / "package.json").read_text("utf-8"))
    ranges = {**package["dependencies"], **package["devDependencies"]}
    assert [name for name, version in ranges.items() if not re.fullmatch(r"\d+\.\d+\.\d+", version)] == []


def test_the_licences_name_every_package_that_runs(script: ModuleType, tmp_path: Path) -> None:
    """Each package for running has a section with its own texts, or says that it has none; tools are left out."""
    folder = tmp_path / "node_modules"
    (folder / "@scope" / "lib").mkdir(parents=True)
    (folder / "@scope" / "lib" / "LICENSE.md").write_text("Copy as you like.\n")
    (folder / "@scope" / "lib" / "ThirdPartyNotices.txt").write_text("With a part by another.\n")
    (folder / "plain").mkdir()
    entries = {
        "": {"name": "page"},
        "node_modules/@scope/lib": {"version": "1.2.3", "license": "MIT"},
        "node_modules/plain": {"version": "2.0.0", "license": "0BSD"},
        "node_modules/tool": {"version": "9.9.9", "license": "ISC", "dev": True},
    }
    (tmp_path / "package-lock.json").write_text(json.dumps({"packages": entries}))

    text = script.licenses.render(script.licenses.runtime_packages(tmp_path))

    assert "@scope/lib 1.2.3 (MIT)" in text
    assert "Copy as you like.\n\nWith a part by another." in text
    assert f"plain 2.0.0 (0BSD)\n{'=' * 18}\n\n{script.licenses.NO_TEXT}" in text
    assert "tool" not in text


def test_a_package_without_a_licence_stops_the_build(script: ModuleType, tmp_path: Path) -> None:
    """Nobody may pass on what comes without terms."""
    (tmp_path / "node_modules" / "bare").mkdir(parents=True)
    entries = {"node_modules/bare": {"version": "1.0.0"}}
    (tmp_path / "package-lock.json").write_text(json.dumps({"packages": entries}))
    with pytest.raises(KeyError):
        script.licenses.runtime_packages(tmp_path)
