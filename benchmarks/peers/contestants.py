"""The servers that are timed beside each other, and how each is started in each state of its caches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from benchmarks.gateways import gateway
from benchmarks.processes import Child, pinned, python
from benchmarks.toolchain import NODE_FOLDER
from benchmarks.upstream import Upstream

GATEWAY = "Trackgraph"
PLAIN = "plain Strawberry"
MERCURIUS = "mercurius, jit"
YOGA = "graphql-yoga"
APOLLO = "Apollo Server"


class State(StrEnum):
    """What a server keeps between requests."""

    COLD = "cold"
    """Nothing: each request goes to the upstream."""
    WARM = "warm"
    """Mapped objects; every request is still executed."""
    ALL = "all caches"
    """Whole answers, too."""


@dataclass(frozen=True, slots=True)
class Contestant:
    """A server in one state. `start` makes it, given a folder, the upstream and its processor."""

    server: str
    state: State
    start: Callable[[Path, Upstream, int], Child]
    path: str = "/graphql"

    @property
    def name(self) -> str:
        return f"{self.server}, {self.state}"


_GATEWAY_SETTINGS: Mapping[State, Mapping[str, str]] = {
    State.COLD: {"cache.objects": "false", "cache.pieces": "false", "cache.answers": "false"},
    State.WARM: {"cache.pieces": "false", "cache.answers": "false"},
    State.ALL: {},
}
"""All else is as it comes: metrics, limits, admission, access rules, the index of tracking numbers."""

_LONG_LIVED = {"freshness.page": "3600"}
"""The peers' copies live an hour; a page of ours would go stale between two rounds."""

_PEER_VARIABLES: Mapping[State, Mapping[str, str]] = {
    State.COLD: {},
    State.WARM: {"CACHED": "1"},
    State.ALL: {"CACHED": "1", "ANSWERS": "1"},
}


def contestants() -> Iterator[Contestant]:
    """Every server in every state that it has, those of one state side by side."""
    for state in (State.COLD, State.WARM):
        yield _plain(state)
        yield _gateway(state)
        yield _node(MERCURIUS, "mercurius.mjs", state)
        yield _node(YOGA, "yoga.mjs", state)
        yield _node(APOLLO, "apollo.mjs", state, path="/")
    yield _gateway(State.ALL)
    yield _node(YOGA, "yoga.mjs", State.ALL)


def _gateway(state: State) -> Contestant:
    def start(folder: Path, upstream: Upstream, core: int) -> Child:
        settings = {**_LONG_LIVED, **_GATEWAY_SETTINGS[state]}
        return gateway(folder / f"{state.name}.db", {"karla": upstream.karla}, settings, core)

    return Contestant(GATEWAY, state, start)


def _plain(state: State) -> Contestant:
    command = python("-m", "uvicorn", "benchmarks.peers.plain_strawberry:app", "--port", "0", "--no-access-log")

    def start(_folder: Path, upstream: Upstream, core: int) -> Child:
        variables = {"UPSTREAM": upstream.url, **_PEER_VARIABLES[state]}
        return Child(pinned(command, core), r"running on (http://\S+)", variables)

    return Contestant(PLAIN, state, start)


def _node(server: str, file: str, state: State, path: str = "/graphql") -> Contestant:
    command = ["node", str(NODE_FOLDER / file)]

    def start(_folder: Path, upstream: Upstream, core: int) -> Child:
        variables = {"UPSTREAM": upstream.url, "NODE_ENV": "production", **_PEER_VARIABLES[state]}
        return Child(pinned(command, core), r"listening at (http://\S+)", variables)

    return Contestant(server, state, start, path)
