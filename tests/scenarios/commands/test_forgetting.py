"""Forgetting an order: what the store and a shared cache keep about it is gone, and what is about others stays."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import secrets
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import pytest
from sqlalchemy import select

from gateway.app import utc_now
from gateway.cli.program import run
from gateway.settings import CONFIG_VARIABLE, load_settings
from gateway.store.database import Database
from gateway.store.invoice_trackers import InvoiceTrackers
from gateway.store.tables import Table
from providers.models import InvoiceTracker, Media, TrackingStatus
from providers.simulation.server import SimulatorServer
from providers.simulation.world import SimulatedOrder, World
from tests.history.gateways import PROGRAM
from tests.redis_server import RedisServer
from tests.scenarios.harness import DOWN, running_gateway

ROOT = Path(__file__).parents[3]
PATIENCE_SECONDS = 60

PAGE = """
query ($number: String!) {
  order(by: {orderNumber: $number}) { currency trackings { trackingNumber } }
  orders(first: 100) { nodes { orderNumber } }
}"""

Ended = tuple[int, dict[str, str], str]
"""Exit code, the table on standard output, and standard error."""

Trackgraph = Callable[..., Awaitable[Ended]]


@pytest.fixture
def trackgraph(config: Path, capsys: pytest.CaptureFixture[str]) -> Trackgraph:
    """Runs a command with the settings of the test, beside the simulators, as into a pipe."""

    async def trackgraph(command: str, *arguments: object) -> Ended:
        capsys.readouterr()
        code = await asyncio.to_thread(run, [command, *map(str, arguments), "--config", str(config)])
        printed = capsys.readouterr()
        rows = [line.split("\t") for line in printed.out.splitlines()]
        return code, {row[0]: row[-1] for row in rows[1:]}, printed.err

    return trackgraph


@pytest.fixture
def orders(world: World) -> list[SimulatedOrder]:
    """Two orders that were paid with PayPal."""
    return [order for order in world.orders if order.paypal_order_id and order.capture_id][:2]


def names_of(order: SimulatedOrder) -> set[str]:
    """What tells the order from all others."""
    assert order.paypal_order_id is not None
    return {f'"{order.number}"', order.paypal_order_id, f"FORGET{order.number}"}


@pytest.fixture
async def moved_in(trackgraph: Trackgraph, orders: list[SimulatedOrder], tmp_path: Path) -> None:
    """Both orders are linked and have a parcel that every provider was told of."""
    rows = [
        {
            "order_number": order.number,
            "paypal_order_id": order.paypal_order_id,
            "capture_id": order.capture_id,
            "invoice_number": order.number,
            "tracking_number": f"FORGET{order.number}",
            "carrier": "dhl",
        }
        for order in orders
    ]
    file = tmp_path / "orders.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    code, _table, err = await trackgraph("import", file)
    assert code == 0, err


async def look_at(config: Path, orders: list[SimulatedOrder]) -> None:
    """Have a gateway read the orders, and keep its copies."""
    settings = load_settings({CONFIG_VARIABLE: str(config)})
    async with running_gateway(settings, utc_now) as gateway:
        for order in orders:
            await gateway.data(PAGE, number=order.number)


async def stored(url: str) -> str:
    """Everything in the store, as text."""
    database = Database(url)
    try:
        async with database.reading() as connection:
            rows = [
                dict(row._mapping)
                for table in Table.metadata.sorted_tables
                for row in await connection.execute(select(table))
            ]
    finally:
        await database.aclose()
    return json.dumps(rows, default=str)


@pytest.mark.usefixtures("moved_in")
async def test_nothing_of_the_order_stays_in_the_store_and_all_of_another_does(
    trackgraph: Trackgraph, config: Path, orders: list[SimulatedOrder], store_url: str
) -> None:
    await look_at(config, orders)
    mine, other = orders
    before = await stored(store_url)
    assert all(name in before for name in names_of(mine) | names_of(other))

    code, removed, err = await trackgraph("forget", mine.number, "--yes")

    after = await stored(store_url)
    assert code == 0
    assert [name for name in names_of(mine) if name in after] == []
    assert [name for name in names_of(other) if name not in after] == []
    assert int(removed.pop("tracking numbers in the index")) >= 1
    assert removed == {
        "links to other systems": "2",
        "registrations of shipments": "1",
        "answers kept under idempotency keys": "1",
        "details of trackers at PayPal": "1",
        "invoice trackers": "1",
        "media of invoice trackers": "0",
        "attempts at invoice trackers": "0",
    }
    assert "not removed: copies in the memory of running gateways" in err


@pytest.mark.usefixtures("moved_in")
async def test_what_was_forgotten_can_be_forgotten_again(trackgraph: Trackgraph, orders: list[SimulatedOrder]) -> None:
    await trackgraph("forget", orders[0].number, "--yes")

    code, removed, _err = await trackgraph("forget", orders[0].number, "--yes")

    assert (code, set(removed.values())) == (0, {"0"})


@pytest.mark.usefixtures("moved_in")
async def test_copies_in_a_shared_cache_go_too(
    trackgraph: Trackgraph, config: Path, orders: list[SimulatedOrder], redis_server: RedisServer
) -> None:
    prefix = f"t{secrets.token_hex(4)}"
    with config.open("a", encoding="utf-8") as opened:
        opened.write(f'\n[cache]\nurl = "{redis_server.url}"\nkey_prefix = "{prefix}"\ntimeout_ms = 5000\n')
    await look_at(config, orders)
    mine, other = (f'"order_number":"{order.number}"'.encode() for order in orders)
    assert await copies(redis_server, prefix, mine) > 0

    code, removed, err = await trackgraph("forget", orders[0].number, "--yes")

    assert (code, int(removed["copies in the shared cache"]) > 0) == (0, True)
    assert await copies(redis_server, prefix, mine) == 0
    assert await copies(redis_server, prefix, other) > 0
    assert "memory of running gateways" not in err


async def copies(server: RedisServer, prefix: str, text: bytes) -> int:
    """How many values in the cache hold `text`."""
    keys = [key for key in server.all_keys() if key.startswith(prefix.encode())]
    with server.client() as client:
        return sum(text in (client.get(key) or b"") for key in keys)


@pytest.mark.usefixtures("moved_in")
async def test_a_cache_that_cannot_be_reached_is_told_and_nothing_is_removed(
    trackgraph: Trackgraph, config: Path, orders: list[SimulatedOrder], store_url: str
) -> None:
    with config.open("a", encoding="utf-8") as opened:
        opened.write('\n[cache]\nurl = "redis://127.0.0.1:9/0"\n')
    before = await stored(store_url)

    code, _removed, err = await trackgraph("forget", orders[0].number, "--yes")

    assert code == 1
    assert "the cache (cache.url) cannot be reached" in err
    assert await stored(store_url) == before


async def test_an_invoice_that_is_linked_to_another_order_stays_though_a_rule_would_name_it_so(
    trackgraph: Trackgraph, orders: list[SimulatedOrder], store_url: str, tmp_path: Path
) -> None:
    mine, other = orders
    file = tmp_path / "links.jsonl"
    file.write_text(json.dumps({"order_number": other.number, "invoice_number": mine.number}), "utf-8")
    await trackgraph("import", file)
    await register_tracker(store_url, mine.number, "T1")

    code, removed, _err = await trackgraph("forget", mine.number, "--yes")

    assert (code, removed["invoice trackers"]) == (0, "0")
    _code, removed, _err = await trackgraph("forget", other.number, "--yes")
    assert (removed["invoice trackers"], removed["links to other systems"]) == ("1", "1")


@pytest.fixture
def rule(config: Path) -> None:
    """Invoices are named after what only Karla knows of an order."""
    line = '[shops.demo.billink]\ninvoice_number = "R-{external_id}"'
    config.write_text(config.read_text("utf-8").replace("[shops.demo.billink]", line), "utf-8")


@pytest.mark.usefixtures("rule")
async def test_an_invoice_that_a_rule_names_after_what_only_karla_knows_is_found(
    trackgraph: Trackgraph, orders: list[SimulatedOrder], store_url: str
) -> None:
    await register_tracker(store_url, f"R-{orders[0].external_id}", "T1")
    await register_tracker(store_url, f"R-{orders[1].external_id}", "T2")

    code, removed, _err = await trackgraph("forget", orders[0].number, "--yes")

    after = await stored(store_url)
    assert (code, removed["invoice trackers"], removed["media of invoice trackers"]) == (0, "1", "1")
    assert (f"R-{orders[0].external_id}" in after, f"R-{orders[1].external_id}" in after) == (False, True)


@pytest.mark.usefixtures("rule")
async def test_a_name_that_cannot_be_asked_for_is_told_and_nothing_is_removed(
    trackgraph: Trackgraph, orders: list[SimulatedOrder], simulators: Mapping[str, SimulatorServer]
) -> None:
    simulators["karla"].control.faults.arm(DOWN)

    code, removed, err = await trackgraph("forget", orders[0].number, "--yes")

    assert (code, removed) == (1, {})
    assert err.startswith("trackgraph: The provider ")


async def register_tracker(url: str, invoice_number: str, tracking_number: str) -> None:
    """Have the store know a tracker with a picture, as if Billink had taken it."""
    database = Database(url)
    tracker = InvoiceTracker(
        provider="billink",
        store_id=0,
        tracker_id=tracking_number,
        invoice_number=invoice_number,
        tracking_number=tracking_number,
        status=TrackingStatus.INFO_RECEIVED,
        media=(Media(type="image/png", content="aGFsbG8="),),
    )
    try:
        await InvoiceTrackers(database, "demo").add(tracker)
    finally:
        await database.aclose()


@pytest.mark.usefixtures("moved_in")
async def test_without_a_terminal_yes_must_be_said(
    trackgraph: Trackgraph, orders: list[SimulatedOrder], store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await stored(store_url)
    with open(os.devnull, encoding="utf-8") as nobody:  # noqa: ASYNC230  # no file
        monkeypatch.setattr(sys, "stdin", nobody)
        code, _removed, err = await trackgraph("forget", orders[0].number)

    assert (code, err) == (1, "trackgraph: nothing was removed: nobody can be asked here; say --yes\n")
    assert await stored(store_url) == before


@pytest.mark.usefixtures("moved_in")
@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)  # who is asked does not depend on the store
@pytest.mark.parametrize(("answer", "code"), [(b"\n", 1), (b"no\n", 1), (b"y\n", 0), (b"\x03", 130)])
async def test_at_a_terminal_a_person_is_asked(
    config: Path, orders: list[SimulatedOrder], answer: bytes, code: int
) -> None:
    ours, theirs = pty.openpty()
    words = ["forget", orders[0].number, "--config", str(config)]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        PROGRAM,
        *words,
        cwd=ROOT,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=_take_terminal,
    )
    os.close(theirs)
    async with asyncio.timeout(PATIENCE_SECONDS):
        await asyncio.to_thread(_read_until, ours, b"[y/N] ")
        os.write(ours, answer)
        assert await process.wait() == code
    os.close(ours)


def _take_terminal() -> None:
    """Make the pseudo-terminal the one that Ctrl-C of this process comes from."""
    import fcntl  # noqa: PLC0415  # in the child
    import termios  # noqa: PLC0415

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _read_until(terminal: int, end: bytes) -> bytes:
    text = b""
    while not text.endswith(end):
        text += os.read(terminal, 1024)
    return text
