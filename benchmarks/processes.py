"""Child processes: started until they say that they are ready, measured from outside, and stopped.

Knows nothing of what the children do. Measuring reads Linux's `/proc` (proc(5)) and costs the child nothing.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

ROOT = Path(__file__).parents[1]
"""Children run here, so that they find the packages of this repository whether or not they are installed."""

_STARTING_SECONDS = 60
_STOPPING_SECONDS = 15
_LAST_LINES = 20
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class ChildFailed(Exception):
    """A child did not start, or ended before its time. The text holds the last it said."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What processes have used so far: `cpu_seconds` of all threads, user and system; `rss_bytes` at this moment."""

    cpu_seconds: float
    rss_bytes: int


def python(*arguments: str) -> list[str]:
    """The command that runs this interpreter with `arguments`."""
    return [sys.executable, *arguments]


def pinned(command: Sequence[str], core: int) -> list[str]:
    """`command` on the processor `core` alone (taskset(1), of util-linux)."""
    return ["taskset", "--cpu-list", str(core), *command]


class Child:
    """A process, as an async context manager: entered when it has said `ready`, stopped when left.

    `ready` is searched in each line of its output; `answer` is then the first group, and `idle_bytes` the resident set
    at that moment.
    """

    def __init__(self, command: Sequence[str], ready: str, environment: Mapping[str, str] | None = None) -> None:
        self._command = command
        self._ready = re.compile(ready)
        self._environment = environment or {}
        self._said: deque[str] = deque(maxlen=_LAST_LINES)
        self.answer = ""
        self.idle_bytes = 0

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            *self._command,
            cwd=ROOT,
            env={**_inherited(), **self._environment},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            async with asyncio.timeout(_STARTING_SECONDS):
                self.answer = await self._wait_until_ready()
        except TimeoutError:
            await self._stop()
            raise self._failed(f"was not ready after {_STARTING_SECONDS} s") from None
        except BaseException:
            await self._stop()
            raise
        self.idle_bytes = self.usage().rss_bytes
        self._listening = asyncio.create_task(self._listen())
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        await self._stop()
        await self._listening

    def usage(self) -> Usage:
        """What the process and its descendants have used so far. Raises `ChildFailed` when it has ended."""
        try:
            used = [_usage_of(number) for number in _tree(self._process.pid)]
        except (OSError, IndexError):
            raise self._failed("has ended") from None
        return Usage(sum(one.cpu_seconds for one in used), sum(one.rss_bytes for one in used))

    async def _wait_until_ready(self) -> str:
        while line := await self._next_line():
            if found := self._ready.search(line):
                return found.group(1)
        await self._process.wait()
        raise self._failed("ended before it was ready")

    async def _listen(self) -> None:
        """Read on, or the child would stop at a full pipe."""
        while await self._next_line():
            pass

    async def _next_line(self) -> str:
        assert self._process.stdout is not None
        line = (await self._process.stdout.readline()).decode(errors="replace")
        if line:
            self._said.append(line)
        return line

    async def _stop(self) -> None:
        if self._process.returncode is not None:
            return
        self._process.terminate()
        try:
            async with asyncio.timeout(_STOPPING_SECONDS):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()

    def _failed(self, how: str) -> ChildFailed:
        return ChildFailed(f"{' '.join(self._command)} {how}:\n{''.join(self._said)}")


def _tree(number: int) -> list[int]:
    """The process `number` and its descendants."""
    children: list[int] = []
    for task in Path("/proc", str(number), "task").iterdir():
        with suppress(FileNotFoundError):  # a thread that ended meanwhile
            children += map(int, (task / "children").read_text().split())
    return [number, *(descendant for child in children for descendant in _tree(child))]


def _usage_of(number: int) -> Usage:
    folder = Path("/proc", str(number))
    # Fields are counted from behind the name, which may hold spaces and brackets.
    fields = (folder / "stat").read_text().rpartition(")")[2].split()
    resident = int((folder / "statm").read_text().split()[1])
    return Usage((int(fields[11]) + int(fields[12])) / _TICKS_PER_SECOND, resident * _PAGE_BYTES)


def _inherited() -> dict[str, str]:
    """This process's variables, but for the one that would have every child compile a thousand modules again."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


async def start_all(stack: AsyncExitStack, children: Iterable[Child]) -> None:
    """Start `children` at the same time. Those that did start are stopped with `stack`, even when one did not."""
    starting = (stack.enter_async_context(child) for child in children)
    for outcome in await asyncio.gather(*starting, return_exceptions=True):
        if isinstance(outcome, BaseException):
            raise outcome
