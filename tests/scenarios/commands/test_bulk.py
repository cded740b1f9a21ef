"""Moving in and out: files of rows against the simulated providers, over real HTTP and a real store."""

from __future__ import annotations

import asyncio
import csv
import json
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.cli.program import run
from providers.simulation.faults import Fault, FaultMode
from providers.simulation.server import SimulatorServer
from providers.simulation.world import SimulatedOrder, World
from tests.history.gateways import PROGRAM
from tests.history.ledgers import made_at

ROOT = Path(__file__).parents[3]
PATIENCE_SECONDS = 120
"""For a process on a busy machine."""

ROWS = 20
HEADER = ("order_number", "paypal_order_id", "capture_id", "invoice_number", "tracking_number", "carrier")
BILLINK_AT_ONCE = 4
"""Calls that can be under way at Billink when a process is killed (its profile's `concurrency`)."""

REFUSING = Fault(mode=FaultMode.STATUS, status=400, method="POST")
SLOW = Fault(mode=FaultMode.NONE, latency_ms=100)


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def table(self) -> dict[str, list[str]]:
        """The rows of the table on standard output, by their first cell."""
        rows = [line.split("\t") for line in self.out.splitlines()]
        return {name: cells for name, *cells in rows[1:]}


Trackgraph = Callable[..., Awaitable[Ended]]


@pytest.fixture
def trackgraph(config: Path, capsys: pytest.CaptureFixture[str]) -> Trackgraph:
    """Runs a command with the settings of the test, beside the simulators, as into a pipe."""

    async def trackgraph(command: str, *arguments: object) -> Ended:
        capsys.readouterr()
        code = await asyncio.to_thread(run, [command, *map(str, arguments), "--config", str(config)])
        printed = capsys.readouterr()
        return Ended(code, printed.out, printed.err)

    return trackgraph


@pytest.fixture
def orders(world: World) -> list[SimulatedOrder]:
    """Orders that were paid with PayPal, so that every provider but HyperTrack can be told of them."""
    return [order for order in world.orders if order.paypal_order_id and order.capture_id][:ROWS]


def row_of(order: SimulatedOrder, place: int) -> list[str | None]:
    """A parcel of `order`, every other one on an invoice, and no carrier where the number tells it."""
    return [
        order.number,
        order.paypal_order_id,
        order.capture_id,
        order.number if place % 2 else None,
        f"1Z999AA1012345678{place % 10}{place:02}",
        "ups",
    ]


@pytest.fixture
def file(orders: Sequence[SimulatedOrder], tmp_path: Path) -> Path:
    return write_csv(tmp_path / "orders.csv", [row_of(order, place) for place, order in enumerate(orders)])


def write_csv(path: Path, rows: Sequence[Sequence[str | None]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as opened:
        csv.writer(opened).writerows([HEADER, *rows])
    return path


def numbers_in(file: Path) -> list[str]:
    return [row["tracking_number"] for row in csv.DictReader(file.read_text("utf-8").splitlines())]


async def start(config: Path, *arguments: object) -> Process:
    """The command in a process of its own, to be interrupted or killed."""
    words = [*map(str, arguments), "--config", str(config)]
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, *words, cwd=ROOT, stdout=PIPE, stderr=PIPE
    )


async def end_of(process: Process) -> Ended:
    async with asyncio.timeout(PATIENCE_SECONDS):
        out, err = await process.communicate()
    assert process.returncode is not None
    return Ended(process.returncode, out.decode(), err.decode())


async def is_at_work(servers: Mapping[str, SimulatorServer], calls: int) -> None:
    """Wait until the providers were asked so often."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while sum(server.control.calls.count for server in servers.values()) < calls:  # noqa: ASYNC110  # no event
            await asyncio.sleep(0.005)


async def test_each_row_is_linked_and_told_once_however_often_its_file_is_taken(
    trackgraph: Trackgraph, simulators: Mapping[str, SimulatorServer], file: Path
) -> None:
    first = await trackgraph("import", file)
    made = await made_at(simulators)
    again = await trackgraph("import", file)

    invoiced = str(ROWS // 2)
    assert (first.code, first.table) == (
        0,
        {
            "billink": [invoiced, "0", "0", "0"],
            "karla": [str(ROWS), "0", "0", "0"],
            "paypal": [str(ROWS), "0", "0", "0"],
        },
    )
    assert first.out.splitlines()[0] == "provider\tDONE\tREFUSED\tPENDING\tUNKNOWN"
    assert f"rows: {ROWS}; registered: {ROWS}; registered before: 0;" in first.err
    assert made["karla"] == made["paypal"] == Counter(numbers_in(file))
    assert (again.code, again.table) == (0, first.table)
    assert f"rows: {ROWS}; registered: 0; registered before: {ROWS};" in again.err
    assert await made_at(simulators) == made


async def test_what_is_exported_can_be_imported_again(
    trackgraph: Trackgraph, orders: Sequence[SimulatedOrder], file: Path, tmp_path: Path
) -> None:
    await trackgraph("import", file)
    exported = {form: (await trackgraph("export", "--format", form)).out for form in ("csv", "jsonl")}
    for form, text in exported.items():
        (tmp_path / f"links.{form}").write_text(text, "utf-8")
        ended = await trackgraph("import", tmp_path / f"links.{form}")
        assert (ended.code, f"registered: 0; registered before: 0; only linked: {ROWS * 3 // 2}" in ended.err) == (
            0,
            True,
        )

    links = [json.loads(line) for line in exported["jsonl"].splitlines()]
    assert {link["order_number"]: link["paypal_order_id"] for link in links if "paypal_order_id" in link} == {
        order.number: order.paypal_order_id for order in orders
    }
    assert (await trackgraph("export", "--format", "csv")).out == exported["csv"]


async def test_registrations_are_exported_with_a_row_for_each_provider(trackgraph: Trackgraph, file: Path) -> None:
    await trackgraph("import", file)

    ended = await trackgraph("export", "--what", "registrations", "--format", "csv")

    rows = list(csv.DictReader(ended.out.splitlines()))
    assert Counter(row["provider"] for row in rows) == {"karla": ROWS, "paypal": ROWS, "billink": ROWS // 2}
    assert {row["tracking_number"] for row in rows} == set(numbers_in(file))
    assert {row["state"] for row in rows} == {"DONE"}


async def test_one_wrong_row_keeps_all_of_them_out(
    trackgraph: Trackgraph, simulators: Mapping[str, SimulatorServer], orders: Sequence[SimulatedOrder], tmp_path: Path
) -> None:
    rows = [row_of(order, place) for place, order in enumerate(orders)]
    rows[3][1] = "no id"
    file = write_csv(tmp_path / "orders.csv", rows)

    ended = await trackgraph("import", file)

    assert (ended.code, ended.out) == (1, "")
    assert f"{file}: line 5: paypal_order_id: This is no PayPal order id: look it up at the provider." in ended.err
    assert ended.err.splitlines()[-1] == f"trackgraph: {file}: nothing was written; things that are wrong: 1"
    assert sum(server.control.calls.count for server in simulators.values()) == 0
    assert (await trackgraph("export")).out == ""


async def test_at_most_a_hundred_wrong_lines_are_told_and_the_others_counted(
    trackgraph: Trackgraph, tmp_path: Path
) -> None:
    file = write_csv(tmp_path / "orders.csv", [[str(number), f"no {number}", "", "", "", ""] for number in range(250)])

    ended = await trackgraph("import", file, "--check")

    assert ended.code == 1
    assert ended.err.count("This is no PayPal order id") == 100
    assert f"{file}: and 150 more" in ended.err


async def test_a_check_writes_nothing(
    trackgraph: Trackgraph, simulators: Mapping[str, SimulatorServer], file: Path
) -> None:
    ended = await trackgraph("import", file, "--check")

    assert (ended.code, ended.out) == (0, "")
    assert ended.err.splitlines()[-1] == f"trackgraph: {file}: nothing is wrong; rows: {ROWS}"
    assert sum(server.control.calls.count for server in simulators.values()) == 0
    assert (await trackgraph("export")).out == ""


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("-", "- is no file that can be read twice; save what is to be imported in one"),
        ("/dev/null", "/dev/null is no file that can be read twice; save what is to be imported in one"),
        ("nowhere.csv", "nowhere.csv: No such file or directory"),
        ("orders.txt", "orders.txt: its name does not tell the format; say --format csv or --format jsonl"),
    ],
)
async def test_what_is_no_file_of_rows_is_told_on_one_line(trackgraph: Trackgraph, file: str, message: str) -> None:
    ended = await trackgraph("import", file)

    assert (ended.code, ended.out, ended.err) == (1, "", f"trackgraph: {message}\n")


async def test_a_shop_that_there_is_not_is_told_with_those_there_are(trackgraph: Trackgraph, file: Path) -> None:
    ended = await trackgraph("import", file, "--shop", "acme")

    assert (ended.code, ended.err) == (1, "trackgraph: there is no shop acme; there are: demo\n")


async def test_a_reference_that_another_order_has_keeps_its_row_out_and_the_rest_goes_on(
    trackgraph: Trackgraph, orders: Sequence[SimulatedOrder], tmp_path: Path
) -> None:
    mine, other = orders[0], orders[1]
    await trackgraph("import", write_csv(tmp_path / "first.csv", [[mine.number, mine.paypal_order_id, "", "", "", ""]]))
    rows = [[other.number, mine.paypal_order_id, "", "", "T1", "dhl"], [other.number, "", "", "", "T2", "dhl"]]
    file = write_csv(tmp_path / "second.csv", rows)

    ended = await trackgraph("import", file)

    assert ended.code == 1
    assert f"{file}: line 2: left out (TAKEN): This reference is linked to another order." in ended.err
    assert ended.table == {"karla": ["1", "0", "0", "0"]}


async def test_a_provider_that_refuses_is_in_the_table_and_in_the_exit_code(
    trackgraph: Trackgraph, simulators: Mapping[str, SimulatorServer], file: Path
) -> None:
    simulators["billink"].control.faults.arm(REFUSING)

    ended = await trackgraph("import", file)

    assert ended.code == 1
    assert ended.table["billink"] == ["0", str(ROWS // 2), "0", "0"]
    assert ended.table["karla"] == [str(ROWS), "0", "0", "0"]


async def test_without_waiting_all_is_accepted_and_nobody_told(
    trackgraph: Trackgraph, simulators: Mapping[str, SimulatorServer], file: Path
) -> None:
    ended = await trackgraph("import", file, "--no-wait")
    told = sum(server.control.calls.count for server in simulators.values())
    waited = await trackgraph("import", file)

    assert (ended.code, ended.out, told) == (0, "", 0)
    assert waited.table["karla"] == [str(ROWS), "0", "0", "0"]


async def test_ctrl_c_says_how_to_go_on_and_going_on_doubles_nothing(
    trackgraph: Trackgraph, simulators: Mapping[str, SimulatorServer], config: Path, file: Path
) -> None:
    for server in simulators.values():
        server.control.faults.arm(SLOW)
    process = await start(config, "import", file)
    await is_at_work(simulators, 5)
    process.send_signal(signal.SIGINT)
    ended = await end_of(process)
    for server in simulators.values():
        server.control.faults.clear()
    again = await trackgraph("import", file)

    assert (ended.code, ended.out) == (130, "")
    last = ended.err.splitlines()[-1]
    assert last.startswith("trackgraph: interrupted; ")
    assert last.endswith("; run the same command again to go on: nothing is registered twice")
    assert "Traceback" not in ended.err
    assert again.code == 0
    assert again.table["karla"] == again.table["paypal"] == [str(ROWS), "0", "0", "0"]
    assert await doubled(simulators) == {}


async def test_an_import_that_was_killed_is_taken_up_again_and_doubles_nothing(
    trackgraph: Trackgraph, simulators: Mapping[str, SimulatorServer], config: Path, file: Path
) -> None:
    for server in simulators.values():
        server.control.faults.arm(SLOW)
    process = await start(config, "import", file)
    await is_at_work(simulators, ROWS // 2)
    process.kill()
    killed = await end_of(process)
    for server in simulators.values():
        server.control.faults.clear()
    again = await trackgraph("import", file)

    assert killed.code == -signal.SIGKILL
    assert again.table["karla"] == again.table["paypal"] == [str(ROWS), "0", "0", "0"]
    done, refused, _pending, _unknown = again.table["billink"]  # what the kill met may not be repeated, nor is it known
    assert int(done) >= ROWS // 2 - BILLINK_AT_ONCE
    assert refused == "0"
    assert await doubled(simulators) == {}


async def doubled(simulators: Mapping[str, SimulatorServer]) -> dict[str, Counter[str]]:
    """The numbers that were made more than once, and how often, by provider."""
    made = await made_at(simulators)
    found = {name: Counter({number: times for number, times in made[name].items() if times > 1}) for name in made}
    return {name: times for name, times in found.items() if times}


async def test_a_reader_that_leaves_an_export_early_is_no_failure(
    trackgraph: Trackgraph, config: Path, tmp_path: Path
) -> None:
    rows = [{"order_number": str(number), "invoice_number": f"R-{number:0100}"} for number in range(2_000)]
    file = tmp_path / "links.jsonl"
    file.write_text("\n".join(json.dumps(row) for row in rows), "utf-8")
    await trackgraph("import", file)
    process = await start(config, "export")
    assert process.stdout is not None
    assert json.loads(await process.stdout.readline()) == rows[0]
    process.stdout._transport.close()  # type: ignore[attr-defined]  # as `head -1` does

    ended = await end_of(process)

    assert (ended.code, ended.err) == (0, "")
