"""Runs the contestants side by side: the same questions over the same upstream, in rounds that visit everyone once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson

from benchmarks.client import UnexpectedAnswer, connections
from benchmarks.laps import Extent, Lap, Line, run_laps
from benchmarks.peers.contestants import Contestant, State, contestants
from benchmarks.peers.workload import QUESTIONS, Question, count_leaves, page_of_orders
from benchmarks.processes import Child, start_all
from benchmarks.shop_data import order_json
from benchmarks.toolchain import LOAD_CORE, SERVER_CORE, install_node_servers, install_tools
from benchmarks.upstream import ALL_ORDERS, ANY_NUMBER, Upstream, upstream
from benchmarks.wrk import write_lines

_CALLS_OF_COLD = 0.8
"""Calls of a request below which a server is not cold. All make one; those that wrk leaves behind may make none, which
are many of a slow server's in a short lap."""

Runners = Mapping[Contestant, Child]


@dataclass(frozen=True, slots=True)
class Results:
    """What a race showed: the laps of each contestant with each question, by the question's name, and the memory, in
    bytes, that each contestant's processes held in the end."""

    laps: Mapping[tuple[Contestant, str], Sequence[Lap]]
    rss_bytes: Mapping[Contestant, int]


async def race(extent: Extent) -> Results:
    """Time every contestant with every question.

    Raises `UnexpectedAnswer` when the contestants do not answer alike, or one is not as cold as it is called, and
    `ToolMissing`.
    """
    await install_tools()
    await install_node_servers()
    async with _started(list(contestants())) as (runners, source, folder):
        await _check_answers(runners)
        lines = {
            (contestant, question.name): _line(contestant, child, question, folder)
            for question in QUESTIONS
            for contestant, child in runners.items()
        }
        laps = await run_laps("peers", list(lines.values()), source, extent)
        results = Results(
            {key: laps[line] for key, line in lines.items()},
            {contestant: child.usage().rss_bytes for contestant, child in runners.items()},
        )
    _check_coldness(results)
    return results


@asynccontextmanager
async def _started(everyone: Sequence[Contestant]) -> AsyncIterator[tuple[Runners, Upstream, Path]]:
    """Every contestant, started, over one upstream; and a folder for files."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="trackgraph-bench-")))
        orders = {ALL_ORDERS: order_json(ANY_NUMBER)}
        source = await stack.enter_async_context(upstream(folder, orders, page_of_orders(), LOAD_CORE))
        runners = {contestant: contestant.start(folder, source, SERVER_CORE) for contestant in everyone}
        await start_all(stack, runners.values())
        yield runners, source, folder


def _line(contestant: Contestant, child: Child, question: Question, folder: Path) -> Line:
    """The cold are asked something else each time; everyone else is asked the same."""
    kind, bodies = ("different", question.bodies) if contestant.state is State.COLD else ("same", question.bodies[:1])
    file = write_lines(folder / f"{question.name} {kind}", bodies)
    return Line(f"{contestant.name}, {question.name}", child, f"{child.answer}{contestant.path}", file)


async def _check_answers(runners: Runners) -> None:
    """Raises `UnexpectedAnswer` unless all answer every question with the same data, of the size that it has."""
    for question in QUESTIONS:
        answers = {one: await _ask(one, child, question.bodies[0]) for one, child in runners.items()}
        first, expected = next(iter(answers.items()))
        if (leaves := count_leaves(expected)) != question.leaves:
            raise UnexpectedAnswer(f"{first.name} answers the {question.name} with {leaves} leaves")
        for contestant, data in answers.items():
            if data != expected:
                raise UnexpectedAnswer(f"{contestant.name} answers the {question.name} otherwise than {first.name}")


async def _ask(contestant: Contestant, child: Child, body: bytes) -> object:
    try:
        async with connections(child.answer, 1) as (connection,):
            return orjson.loads(await connection.query(body, contestant.path))["data"]
    except UnexpectedAnswer as error:
        raise UnexpectedAnswer(f"{contestant.name}: {error}") from None


def _check_coldness(results: Results) -> None:
    """Raises `UnexpectedAnswer` when a cold contestant answered without asking the upstream."""
    for (contestant, page), laps in results.laps.items():
        calls = min(lap.calls_per_request for lap in laps)
        if contestant.state is State.COLD and calls < _CALLS_OF_COLD:
            raise UnexpectedAnswer(f"{contestant.name} asked the upstream {calls:.2f} times a request for the {page}")
