"""What is shipped: the wheel holds all it needs, and the lock files pin it whatever index it comes from."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-build.lock")
BUNDLE = "gateway/http/graphiql/static"


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    return tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built as the image builds it: without isolation, from the tree as it is."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(  # noqa: S603  # our own build backend
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)],
        cwd=REPOSITORY,
        check=True,
        capture_output=True,
    )
    [wheel] = folder.glob("trackgraph-*.whl")
    return wheel


def tracked(*patterns: str) -> set[str]:
    """Files of the packages that match a pattern, relative to the repository."""
    return {
        file.relative_to(REPOSITORY).as_posix()
        for package in ("gateway", "providers")
        for pattern in patterns
        for file in (REPOSITORY / package).rglob(pattern)
    }


class TestWheel:
    def test_it_holds_every_module_and_every_file_that_they_read(self, wheel: Path) -> None:
        contents = set(zipfile.ZipFile(wheel).namelist())

        expected = tracked("*.py", "*.json", "*.graphql", "*.mako", "py.typed")
        assert {name for name in expected if "/samples/" in name}
        assert expected - contents == set()

    def test_it_holds_the_graphiql_bundle_though_git_ignores_it(self, wheel: Path) -> None:
        contents = set(zipfile.ZipFile(wheel).namelist())

        built = {file.relative_to(REPOSITORY).as_posix() for file in (REPOSITORY / BUNDLE).rglob("*") if file.is_file()}
        assert f"{BUNDLE}/graphiql.js" in built, "the bundle is not built; run: make install"
        assert built - contents == set()

    def test_it_holds_nothing_else(self, wheel: Path) -> None:
        contents = zipfile.ZipFile(wheel).namelist()

        strange = [
            name for name in contents if not re.match(r"(gateway|providers|trackgraph-[\d.]+\.dist-info)/", name)
        ]
        assert strange == []
        assert not [name for name in contents if "__pycache__" in name or name.endswith((".db", ".pyc"))]

    def test_it_carries_its_licence(self, wheel: Path) -> None:
        contents = zipfile.ZipFile(wheel).namelist()

        assert [name for name in contents if name.endswith("licenses/LICENSE")]

    def test_it_works_without_the_source(self, wheel: Path, tmp_path: Path) -> None:
        """The schema is printed, the bundle and the migrations are found, from the unpacked wheel alone."""
        site = tmp_path / "site"
        zipfile.ZipFile(wheel).extractall(site)
        script = f"""
import sys
sys.path.insert(0, {str(site)!r})
import gateway, providers
from gateway.http.graphiql_page import example_tabs
from gateway.schema.published import sdl
from gateway.store.schema import MIGRATIONS
assert gateway.__file__.startswith({str(site)!r}) and providers.__file__.startswith({str(site)!r})
assert example_tabs() and list(MIGRATIONS.glob("versions/*.py"))
sys.stdout.write(sdl())
"""

        printed = subprocess.run(  # noqa: S603  # our own script
            [sys.executable, "-c", script], cwd=tmp_path, check=True, capture_output=True, text=True
        ).stdout

        assert printed == (REPOSITORY / "schema.graphql").read_text("utf-8")


class TestLocks:
    @pytest.mark.parametrize("name", LOCKS)
    def test_every_package_is_pinned_with_hashes(self, name: str) -> None:
        pins = re.split(r"\n(?=\S)", (REPOSITORY / name).read_text("utf-8").strip())

        assert pins
        for pin in pins:
            assert re.match(r"[a-z0-9-]+(\[[a-z,]+\])?==\S+", pin), pin
            assert "--hash=sha256:" in pin, pin

    @pytest.mark.parametrize("name", LOCKS)
    def test_no_address_of_an_index_is_named(self, name: str) -> None:
        text = (REPOSITORY / name).read_text("utf-8")

        assert "://" not in text
        assert not re.search(r"^\s*(-i|--index|--extra-index|--find-links|--trusted-host)", text, re.MULTILINE)

    def test_what_the_project_asks_for_is_locked(self, project: dict[str, Any]) -> None:
        locked = names_in("requirements.lock")

        assert {name_of(requirement) for requirement in project["project"]["dependencies"]} - locked == set()

    def test_development_has_the_very_versions_that_are_shipped(self) -> None:
        assert pins_in("requirements.lock") - pins_in("requirements-dev.lock") == set()
        assert pins_in("requirements-build.lock") - pins_in("requirements-dev.lock") == set()

    def test_the_build_backend_is_the_locked_one(self, project: dict[str, Any]) -> None:
        [backend] = project["build-system"]["requires"]

        assert backend in pins_in("requirements-build.lock")


def pins_in(lock: str) -> set[str]:
    """`name==version` of every package in a lock file."""
    return set(re.findall(r"^([a-z0-9-]+==[^\s;]+)", (REPOSITORY / lock).read_text("utf-8"), re.MULTILINE))


def names_in(lock: str) -> set[str]:
    return {pin.partition("==")[0] for pin in pins_in(lock)}


def name_of(requirement: str) -> str:
    match = re.match(r"[A-Za-z0-9_.-]+", requirement)
    assert match
    return match[0].lower().replace("_", "-")


def test_the_image_copies_only_what_its_context_lets_in() -> None:
    """Every path that the Dockerfile copies from the context is let in by .dockerignore, and exists."""
    allowed = {line[1:] for line in (REPOSITORY / ".dockerignore").read_text("utf-8").splitlines() if line[:1] == "!"}
    copied = {
        path.rstrip("/")
        for line in re.findall(r"^COPY (?!--from)(.+)$", (REPOSITORY / "Dockerfile").read_text("utf-8"), re.MULTILINE)
        for path in line.split()[:-1]
    }

    assert copied == allowed
    assert [path for path in copied if not (REPOSITORY / path).exists()] == []
