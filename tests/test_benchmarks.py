"""The benchmarks run from end to end, each in the smallest extent it has. Nothing here is about speed."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree

import orjson
import pytest
from graphql import build_schema, parse, validate

from benchmarks import costs, fanout, imports, memory, mixed, pages
from benchmarks.__main__ import MEASUREMENTS, Subject
from benchmarks.chart import Mark, Panel, draw
from benchmarks.laps import Lap
from benchmarks.peers.contestants import GATEWAY, MERCURIUS, PLAIN, State, contestants
from benchmarks.peers.race import Results
from benchmarks.peers.standings import (
    PAGES,
    Ratio,
    Standings,
    ratio,
    requests_per_cpu_second,
    requests_per_second,
)
from benchmarks.peers.workload import QUESTIONS
from benchmarks.processes import ROOT
from benchmarks.report import DOCUMENT, Outcome, Table, section, write_section
from benchmarks.shop_data import order_json, order_number
from providers.karla.mapping import to_order
from providers.karla.wire import SEARCH_ANSWER
from providers.models import TrackingStatus

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the benchmarks read Linux's /proc")

RUN_SECONDS = 120

SVG = "{http://www.w3.org/2000/svg}"


def run(*arguments: str) -> list[list[str]]:
    """The lines that `python -m benchmarks` prints into a pipe, each as its cells. Fails when the command does."""
    command = [sys.executable, "-m", "benchmarks", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=RUN_SECONDS, check=False)  # noqa: S603  # our own
    assert done.returncode == 0, done.stderr
    return [line.split("\t") for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def timed_pages() -> list[list[str]]:
    """What `pages` prints after one round of one request or so."""
    return run("pages", "--rounds", "1", "--seconds", "0.01", "--orders", "300")


def test_pages_prints_a_row_for_each_page_cold_and_warm_and_for_each_load(timed_pages: list[list[str]]) -> None:
    columns, *rows = timed_pages

    assert tuple(columns) == pages.COLUMNS
    assert [(page, copies, at_once) for page, copies, at_once, *_ in rows] == [
        (page, copies, at_once)
        for page in ("order page", "30 orders")
        for copies in ("cold", "warm")
        for at_once in ("1", "16")
    ]


def test_what_is_called_cold_asks_the_providers_and_what_is_called_warm_does_not(timed_pages: list[list[str]]) -> None:
    columns, *rows = timed_pages
    calls = columns.index("calls/request")

    assert {(row[0], row[1]): row[calls] for row in rows} == {
        ("order page", "cold"): "3.00",
        ("order page", "warm"): "0.00",
        ("30 orders", "cold"): "1.00",
        ("30 orders", "warm"): "0.00",
    }


def test_memory_prints_the_growth_and_where_the_first_and_last_order_come_from() -> None:
    columns, *rows = run("memory", "--orders", "60")

    assert tuple(columns) == memory.COLUMNS
    assert rows[0][0] == "0"
    assert ["Asked for again, the first order is a HIT and the last a HIT."] in rows, "60 orders fit into any cache"


def test_costs_prints_the_layers_of_both_pages_and_they_come_to_the_whole() -> None:
    columns, *rows = run("costs", "--rounds", "1")

    assert tuple(columns) == costs.COLUMNS
    assert [row[0] for row in rows if row[2] == "all"] == ["order page", "30 orders"]


def test_import_prints_a_row_for_each_file_with_every_step_done() -> None:
    columns, *rows = run("import", "--orders", "60")

    assert tuple(columns) == imports.COLUMNS
    assert [row[0] for row in rows] == ["6", "60"]
    assert int(rows[1][1]) > 60, "Karla is told of every row, and others of some"


def test_a_section_of_the_document_is_replaced_and_all_else_stays(tmp_path: Path) -> None:
    document = tmp_path / "performance.md"
    document.write_text("above\n<!-- begin pages -->\nold\n<!-- end pages -->\nbelow\n")

    write_section("pages", "new", document)

    assert document.read_text() == "above\n<!-- begin pages -->\nnew\n<!-- end pages -->\nbelow\n"


def test_a_document_without_the_section_is_left_alone(tmp_path: Path) -> None:
    document = tmp_path / "performance.md"
    document.write_text("no marks\n")

    with pytest.raises(ValueError, match="has no section"):
        write_section("pages", "new", document)

    assert document.read_text() == "no marks\n"


@pytest.mark.parametrize("subject", MEASUREMENTS)
def test_the_document_has_a_section_for_every_subject(subject: Subject) -> None:
    assert f"<!-- begin {subject} -->" in DOCUMENT.read_text()


def test_a_section_tells_every_table_by_its_title_and_the_notes_below_them() -> None:
    outcome = Outcome([Table("First", ("a", "b"), [("1", "2")]), Table("Second", ("c",), [("3",)])], ["All is well."])

    measured, *blocks = section(outcome, "make bench").split("\n\n")

    assert "by `make bench` on" in measured
    assert blocks == [
        "**First**",
        "| a | b |\n| --- | --- |\n| 1 | 2 |",
        "**Second**",
        "| c |\n| --- |\n| 3 |",
        "All is well.",
    ]


def test_a_ratio_is_that_of_the_medians_and_its_range_that_of_the_rounds() -> None:
    ours, theirs = [lap(300), lap(100), lap(200)], [lap(10), lap(10), lap(5)]

    found = ratio(ours, theirs, requests_per_second)

    assert (found.median, found.low, found.high) == (20, 10, 40)


@pytest.mark.parametrize(
    ("reached", "floor", "told"),
    [
        (25, 25, "25 (25 to 25); at least 25: yes"),
        (24.9, 25, "25 (25 to 25); at least 25: NO"),
        (0.97, None, "0.97 (0.97 to 0.97)"),
        (4.3, 1, "4.3 (4.3 to 4.3); at least 1: yes"),
    ],
)
def test_a_ratio_says_whether_it_reaches_its_floor(reached: float, floor: float | None, told: str) -> None:
    assert str(Ratio(reached, reached, reached, floor)) == told


def test_less_cpu_time_is_the_better_figure() -> None:
    assert ratio([lap(1, cpu_us=50)], [lap(1, cpu_us=1000)], requests_per_cpu_second).median == 20


def test_with_all_caches_the_gateway_is_held_against_plain_strawberry_warm() -> None:
    rates = {(PLAIN, State.COLD): 5, (PLAIN, State.WARM): 10, (GATEWAY, State.ALL): 1000}

    cold, warm, everything, mercurius = results(rates).ratio_rows()

    assert [row[:2] for row in (cold, warm, everything, mercurius)] == [
        (PLAIN, "cold"),
        (PLAIN, "warm"),
        (PLAIN, "all caches"),
        (MERCURIUS, "warm"),
    ]
    assert everything[2] == "100 (100 to 100); at least 70: yes"
    assert everything[3] == "100 (100 to 100); at least 250: NO"


def test_one_floor_that_is_not_reached_breaks_the_promise() -> None:
    far_above: dict[tuple[str, State], float] = {(GATEWAY, state): 1000 for state in State}

    assert results(far_above).is_as_promised()
    assert not results({**far_above, (GATEWAY, State.COLD): 20}).is_as_promised()


def test_the_table_has_the_servers_of_a_state_side_by_side_the_fastest_first() -> None:
    rows = results({(GATEWAY, State.WARM): 3, (MERCURIUS, State.WARM): 2}).rows()

    page, state, server = 0, 1, 2
    assert [row[server] for row in rows if (row[page], row[state]) == ("tiny", "warm")][:2] == [GATEWAY, MERCURIUS]
    assert [row[state] for row in rows if row[page] == "tiny"] == ["cold"] * 5 + ["warm"] * 5 + ["all caches"] * 2


def test_a_chart_puts_a_value_ten_times_another_as_far_to_its_right_everywhere() -> None:
    marks = [Mark(name, "warm", value, value, value) for name, value in (("a", 20), ("b", 200), ("c", 2000))]

    drawn = parsed(draw("Title", "unit", [Panel("page", marks)]))

    first, second, third = (float(circle.attrib["cx"]) for circle in drawn.iter(f"{SVG}circle"))
    assert second - first == pytest.approx(third - second, abs=0.2)
    assert first < second


def test_a_chart_tells_a_group_once_and_takes_any_text() -> None:
    marks = [Mark(name, "all & more", 1, 1, 1) for name in ("<a>", "b")]

    drawn = parsed(draw('the "title"', "unit", [Panel("page", marks)]))

    texts = [text.text for text in drawn.iter(f"{SVG}text")]
    assert texts.count("all & more") == 1
    assert "<a>" in texts


def test_every_question_is_one_of_the_published_schema_and_of_plain_strawberry(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("UPSTREAM", "http://127.0.0.1:9")
    plain = importlib.import_module("benchmarks.peers.plain_strawberry")
    published = build_schema(Path(ROOT, "schema.graphql").read_text())
    peer = build_schema(plain.schema.as_str())

    for question in QUESTIONS:
        document = parse(orjson.loads(question.bodies[0])["query"])
        assert validate(published, document) == []
        assert validate(peer, document) == []


def test_no_two_requests_of_a_question_ask_the_same() -> None:
    for question in QUESTIONS:
        assert len(set(question.bodies)) == len(question.bodies) > max(fanout.AT_ONCE, 16)


def test_an_order_is_made_in_the_shape_that_was_asked_for_and_karlas_adapter_reads_it() -> None:
    number = order_number(41)
    made = order_json(number, trackings=3, events=200, delivered=False)

    order = to_order(SEARCH_ANSWER.validate_json(orjson.dumps([made]))[0])

    assert order.order_number == number
    assert [len(tracking.events) for tracking in order.trackings] == [200, 200, 200]
    assert all(event.location for tracking in order.trackings for event in tracking.events)
    assert {tracking.status for tracking in order.trackings} == {TrackingStatus.IN_TRANSIT}
    assert len({tracking.uuid for tracking in order.trackings}) == 3


def test_the_mixed_load_asks_for_one_order_far_more_often_than_for_most() -> None:
    orders = 1000
    drawn = mixed.draw(orders, 20_000)

    asked = Counter((number - 1) % orders for number in drawn)
    commonest = [count for _order, count in asked.most_common()]
    assert commonest[0] > 5 * commonest[9] > 25 * commonest[300]
    assert max(drawn) <= 2 * orders
    assert min(drawn) >= 1
    assert drawn == mixed.draw(orders, 20_000)


def parsed(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)  # noqa: S314  # our own


def lap(per_second: float, cpu_us: float = 1) -> Lap:
    return Lap(1, per_second, p50_ms=1, p99_ms=1, cpu_us=cpu_us, calls_per_request=0)


def results(rates: Mapping[tuple[str, State], float]) -> Standings:
    """The standings after one round in which everyone else answers one request per second."""
    everyone = list(contestants())
    return Standings(
        Results(
            {(one, page): [lap(rates.get((one.server, one.state), 1))] for one in everyone for page in PAGES},
            dict.fromkeys(everyone, 0),
        )
    )
