"""wrk, the load generator: so many connections for so long, and what it says in the end."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from math import ceil
from pathlib import Path

import orjson

from benchmarks.client import UnexpectedAnswer
from benchmarks.processes import pinned

_PATIENCE = "60s"
"""wrk counts an answer that takes longer than 2 s as failed unless it is told otherwise; a slow server is just slow."""

_SCRIPT = Path(__file__).with_name("post.lua")


@dataclass(frozen=True, slots=True)
class Load:
    """What wrk counted. Latencies in milliseconds; all is 0 when no request was answered in time."""

    requests: int
    per_second: float
    p50_ms: float
    p99_ms: float


async def run_wrk(
    url: str, bodies: Path, seconds: float, *, at_once: int, order: Path | None = None, core: int | None = None
) -> Load:
    """POST the lines of `bodies` to `url` over `at_once` connections, over and over, for `seconds` rounded up.

    With `order`, a file of line numbers from 1, they are sent in that order. `core` is wrk's processor. Raises
    `UnexpectedAnswer` for any status but 200, and when wrk itself failed.
    """
    options = {
        "--threads": "1",
        "--connections": str(at_once),
        "--duration": f"{ceil(seconds)}s",
        "--timeout": _PATIENCE,
        "--script": str(_SCRIPT),
    }
    files = [str(file) for file in (bodies, order) if file is not None]
    command = ["wrk", *chain.from_iterable(options.items()), url, "--", *files]
    process = await asyncio.create_subprocess_exec(
        *(command if core is None else pinned(command, core)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        output, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise UnexpectedAnswer(f"wrk ended with {process.returncode}: {errors.decode()}")
    return _load_of(output)


def write_lines(file: Path, lines: Sequence[bytes]) -> Path:
    """`lines` as the file that `run_wrk` takes."""
    file.write_bytes(b"\n".join(lines) + b"\n")
    return file


def _load_of(output: bytes) -> Load:
    """The last line of what wrk printed, which is the script's. Raises `UnexpectedAnswer` for failed requests."""
    told = orjson.loads(output.splitlines()[-1])
    if told["failed"]:
        raise UnexpectedAnswer(f"{told['failed']} of {told['requests']} requests failed")
    return Load(
        requests=told["requests"],
        per_second=told["requests"] / told["microseconds"] * 1e6,
        p50_ms=told["p50"] / 1000,
        p99_ms=told["p99"] / 1000,
    )
