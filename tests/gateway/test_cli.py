"""What the command prints, how it fails, and what it leaves running."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import tomllib
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import IO

import httpx
import pytest
from alembic.script import ScriptDirectory

from gateway.cli.check import Finding, try_everything
from gateway.cli.dev import demo_settings, example_curl
from gateway.cli.failures import CommandFailed, explain
from gateway.cli.output import print_table
from gateway.cli.program import run
from gateway.cli.schema import breaking_changes, check_published
from gateway.cli.seed import seed_demo
from gateway.cli.serving import listen, url_of
from gateway.cli.simulate import choose_ports
from gateway.settings import Settings, parse_settings
from gateway.store.database import Database
from gateway.store.schema import MIGRATIONS, SchemaState
from providers.simulation.server import running_simulators, simulator_settings, world_of_today
from tests.databases import downgrade, pose_as_newer, sqlite_url

REPOSITORY = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-c", "from gateway.cli import main; main()"]

PATIENCE_SECONDS = 60
"""For a process to start or stop on a busy machine; a healthy one takes a few."""

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture(autouse=True)
def no_settings() -> None:
    """A test begins without settings in the environment."""
    for name in [name for name in os.environ if name.startswith("TRACKGRAPH_")]:
        del os.environ[name]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts the command in an empty folder; what still runs in the end is killed."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str, **variables: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(  # noqa: S603  # our own command
            [*COMMAND, *arguments],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY), **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate(timeout=PATIENCE_SECONDS)


def first_line(stream: IO[str] | None, beginning: str) -> str:
    """The first line of `stream` that begins so; waits for it. Fails when the stream ends before."""
    assert stream is not None
    passed = []
    for line in stream:
        if line.startswith(beginning):
            return line.rstrip("\n")
        passed.append(line)
    pytest.fail(f"no line begins with {beginning!r}: {''.join(passed)}")


def settings_file(tmp_path: Path, text: str) -> str:
    file = tmp_path / "trackgraph.toml"
    file.write_text(text, "utf-8")
    return str(file)


KARLA = '[shops.acme.karla]\nbase_url = "http://127.0.0.1:9"\nslug = "acme"\napi_key = "k"\n'


def needed_version() -> str:
    [version] = ScriptDirectory(str(MIGRATIONS)).get_heads()
    return version


async def older(database: Database) -> None:
    await downgrade(database, "0001")


async def changed(url: str, change: Callable[[Database], Awaitable[None]]) -> None:
    """Do `change` to the store at `url`."""
    database = Database(url)
    await change(database)
    await database.aclose()


def settings_over(tmp_path: Path, url: str, tables: str = "") -> str:
    """A settings file of a gateway over the store at `url`."""
    return settings_file(tmp_path, f'[store]\nurl = "{url}"\n{tables}{KARLA}')


class TestFailures:
    def test_wrong_settings_are_told_on_a_line_each_and_exit_with_2(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        config = settings_file(tmp_path, "[sever]\n[server]\nport = 'x'\n" + KARLA)

        assert run(["serve", "--config", config]) == 2

        assert capsys.readouterr().err.splitlines() == [
            f"trackgraph: {config}: server.port: should be a valid integer, unable to parse string as an integer",
            f"trackgraph: {config}: sever: is not a setting; did you mean server?",
        ]

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["serve", "--prot", "1"], "trackgraph: No such option: --prot (Possible options: --host, --port)"),
            (["sreve"], "trackgraph: No such command 'sreve'. Did you mean 'serve'?"),
            (["serve", "--port", "99999"], "trackgraph: Invalid value for '--port'"),
        ],
    )
    def test_a_wrong_option_is_told_on_one_line_and_exits_with_2(
        self, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert run(arguments) == 2

        [line] = capsys.readouterr().err.splitlines()
        assert line.startswith(message)

    def test_several_workers_over_a_memory_cache_are_refused_on_one_line(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert run(["serve", "--config", settings_file(tmp_path, KARLA), "--workers", "2"]) == 2

        [line] = capsys.readouterr().err.splitlines()
        assert line.startswith("trackgraph: server.workers: several workers need a cache that they share")

    def test_a_mistake_of_ours_is_told_by_class_and_place_and_not_by_its_text(self) -> None:
        try:
            raise KeyError("s3cret")
        except KeyError as error:
            [line], code = explain(error)

        assert code == 1
        assert line.startswith("unexpected KeyError at test_cli.py:")
        assert "s3cret" not in line

    def test_a_store_that_cannot_be_opened_is_told_without_a_traceback(self, start: Start, tmp_path: Path) -> None:
        config = settings_file(tmp_path, "[store]\nurl = 'sqlite+aiosqlite:////nowhere/t.db'\n" + KARLA)

        out, err = start("serve", "--config", config, "--port", "0").communicate(timeout=PATIENCE_SECONDS)

        assert out == ""
        assert err.splitlines()[-1] == "trackgraph: the store (store.url) cannot be used: unable to open database file"
        assert "Traceback" not in err

    def test_a_port_that_is_taken_is_told_with_what_to_do(self) -> None:
        with listen("127.0.0.1", 0) as taken:
            port = taken.getsockname()[1]
            with pytest.raises(CommandFailed, match=f"port {port} on 127.0.0.1 is taken; .* with --port"):
                listen("127.0.0.1", port)

    def test_a_host_that_is_not_this_machines_is_told(self) -> None:
        with pytest.raises(CommandFailed, match=r"192\.0\.2\.1 is not an address of this machine"):
            listen("192.0.2.1", 0)


def test_without_a_command_the_commands_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == 0

    out = capsys.readouterr().out
    assert [name for name in ("serve", "dev", "simulate", "check", "migrate", "schema") if name not in out] == []
    assert "settings-docs" not in out


def test_the_version_is_the_one_that_pyproject_states(capsys: pytest.CaptureFixture[str]) -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]

    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"trackgraph {project['version']}\n"


def test_a_pipe_gets_tables_as_lines_with_tabs(capsys: pytest.CaptureFixture[str]) -> None:
    print_table("Title", ("a", "b"), [("1", "x" * 300)])

    assert capsys.readouterr().out == f"a\tb\n1\t{'x' * 300}\n"


@pytest.mark.parametrize(("host", "reachable"), [("0.0.0.0", "127.0.0.1"), ("127.0.0.1", "127.0.0.1")])  # noqa: S104
def test_the_printed_address_is_one_that_a_browser_can_open(host: str, reachable: str) -> None:
    with listen(host, 0) as listener:
        assert url_of(listener) == f"http://{reachable}:{listener.getsockname()[1]}"


class TestSchema:
    def test_what_was_written_is_up_to_date(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        file = str(tmp_path / "schema.graphql")

        assert run(["schema", "--output", file]) == 0
        assert run(["schema", "--output", file, "--check"]) == 0
        assert capsys.readouterr().err == ""

    def test_a_file_that_is_behind_fails(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        file = tmp_path / "schema.graphql"
        run(["schema", "--output", str(file)])
        file.write_text("# older\n" + file.read_text("utf-8"), "utf-8")

        assert run(["schema", "--output", str(file), "--check"]) == 1
        assert capsys.readouterr().err == f"trackgraph: {file} is out of date; run: trackgraph schema\n"

    def test_changes_that_break_clients_are_listed(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        file = tmp_path / "schema.graphql"
        file.write_text("type Query { order: String gone: Int }", "utf-8")

        with pytest.raises(CommandFailed, match="1 breaking changes against"):
            check_published(file, "type Query { order: String! number: Int }")
        assert capsys.readouterr().err == "trackgraph: BREAKING: Field Query.gone was removed.\n"

    def test_additions_do_not_break_clients(self) -> None:
        assert breaking_changes("type Query { a: Int }", "type Query { a: Int b(c: Int): String }") == []

    def test_a_missing_file_fails(self, tmp_path: Path) -> None:
        with pytest.raises(CommandFailed, match="does not exist; run: trackgraph schema"):
            check_published(tmp_path / "schema.graphql", "type Query { a: Int }")


class TestSettingsDocs:
    def test_what_was_written_is_up_to_date(self, tmp_path: Path) -> None:
        file = tmp_path / "settings.md"

        assert run(["settings-docs", "--output", str(file)]) == 0
        assert run(["settings-docs", "--output", str(file), "--check"]) == 0
        file.write_text("older", "utf-8")
        assert run(["settings-docs", "--output", str(file), "--check"]) == 1

    def test_the_page_names_every_table(self, tmp_path: Path) -> None:
        file = tmp_path / "settings.md"
        run(["settings-docs", "--output", str(file)])

        page = file.read_text("utf-8")
        assert "## `[shops.<shop>.karla]`" in page
        assert "| `api_key` | secret text | required |" in page
        assert "`TRACKGRAPH_SHOPS__<SHOP>__KARLA__…`" in page


class TestCheck:
    async def findings(self, settings: Settings) -> dict[str, Finding]:
        return {finding.subject: finding for finding in await try_everything(settings)}

    async def test_every_provider_the_store_and_the_cache_are_tried(self, tmp_path: Path) -> None:
        async with running_simulators(world_of_today()) as simulators:
            findings = await self.findings(demo_settings(8000, tmp_path / "store.db", simulators))

        assert set(findings) == {"store", "cache", "karla", "paypal", "billink", "hypertrack"}
        assert [finding for finding in findings.values() if not finding.ok] == []

    async def test_one_that_fails_hides_no_other(self, tmp_path: Path) -> None:
        async with running_simulators(world_of_today()) as simulators:
            providers = simulator_settings({name: simulator.url for name, simulator in simulators.items()})
            providers["karla"]["api_key"] = "wrong"
            providers["paypal"]["base_url"] = "http://127.0.0.1:9"
            findings = await self.findings(
                parse_settings(
                    {
                        "store": {"url": f"sqlite+aiosqlite:///{tmp_path}/store.db"},
                        "cache": {"url": "redis://127.0.0.1:9/0"},
                        "shops": {"acme": providers},
                    }
                )
            )

        assert {name: finding.ok for name, finding in findings.items()} == {
            "store": True,
            "cache": False,
            "karla": False,
            "paypal": False,
            "billink": True,
            "hypertrack": True,
        }
        assert findings["karla"].detail == "The provider refused our credentials. (PROVIDER_AUTH_FAILED)"
        assert findings["cache"].detail.startswith("the cache (cache.url) cannot be reached")

    def test_a_failure_exits_with_1_and_a_line_for_each_thing(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        config = settings_file(tmp_path, f"[store]\nurl = 'sqlite+aiosqlite:///{tmp_path}/t.db'\n" + KARLA)

        assert run(["check", "--config", config]) == 1

        rows = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
        assert rows[0] == ["shop", "subject", "result", "detail", "time"]
        assert [row[:3] for row in rows[1:]] == [["", "store", "ok"], ["", "cache", "ok"], ["acme", "karla", "failed"]]

    @pytest.mark.parametrize(
        ("change", "ok", "detail"),
        [
            (None, True, f"sqlite, schema version {needed_version()}"),
            (older, False, "the store's schema is version 0001 and this trackgraph needs"),
            (pose_as_newer, False, "the store's schema is version 9999, made by a newer trackgraph"),
        ],
    )
    async def test_the_schema_of_the_store_is_told(
        self, store_file: Path, change: Callable[[Database], Awaitable[None]] | None, ok: bool, detail: str
    ) -> None:
        if change:
            await changed(sqlite_url(store_file), change)
        settings = parse_settings({"store": {"url": sqlite_url(store_file)}, "shops": {}})
        store = (await self.findings(settings))["store"]
        assert (store.ok, store.detail.startswith(detail)) == (ok, True), store.detail

    @pytest.mark.parametrize(
        ("manifest", "told"),
        [
            ('{"a": "{ shop { slug } }", "b": "{ providers { name } }"}', [(True, "2 can be run")]),
            (
                '{"a": "{ shop { slug } }", "old": "{ shop { gone } }", "broken": "{"}',
                [(False, "entry 2 (old): Cannot query field 'gone'"), (False, "entry 3 (broken): Syntax Error")],
            ),
            ("[]", [(False, "should be Apollo's persisted query manifest")]),
            (None, [(False, "cannot be read")]),
        ],
    )
    async def test_which_trusted_documents_cannot_run_is_told(
        self, tmp_path: Path, manifest: str | None, told: list[tuple[bool, str]]
    ) -> None:
        file = tmp_path / "manifest.json"
        if manifest:
            file.write_text(manifest, "utf-8")
        store = {"url": sqlite_url(tmp_path / "store.db")}
        settings = parse_settings({"store": store, "documents": {"manifest": str(file)}, "shops": {}})

        findings = [finding for finding in await try_everything(settings) if finding.subject == "documents"]

        assert [finding.ok for finding in findings] == [ok for ok, _ in told]
        assert [text in finding.detail for finding, (_, text) in zip(findings, told, strict=True)] == [True] * len(told)

    async def test_a_new_store_is_told_as_empty_and_is_left_so(self, empty_store_url: str) -> None:
        settings = parse_settings({"store": {"url": empty_store_url}, "shops": {}})
        for _ in range(2):
            store = (await self.findings(settings))["store"]
            assert (store.ok, store.detail.partition(", ")[2]) == (True, "empty: the first start makes its schema")


class TestMigrate:
    """Each run is the command's own event loop, so these tests have none."""

    def test_it_says_from_which_version_to_which(
        self, empty_store_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        config = settings_over(tmp_path, empty_store_url)
        for change, told in [
            (None, f"the store was empty and has schema version {needed_version()} now\n"),
            (None, f"the store's schema is version {needed_version()} already\n"),
            (older, f"the store's schema was version 0001 and is {needed_version()} now\n"),
        ]:
            if change:
                asyncio.run(changed(empty_store_url, change))
            assert run(["migrate", "--config", config]) == 0
            assert capsys.readouterr() == (told, "")

    def test_a_store_of_a_newer_trackgraph_fails_on_one_line(
        self, store_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        asyncio.run(changed(sqlite_url(store_file), pose_as_newer))
        config = settings_over(tmp_path, sqlite_url(store_file))

        assert run(["migrate", "--config", config]) == 1

        out, err = capsys.readouterr()
        assert (out, len(err.splitlines())) == ("", 1)
        assert err.startswith("trackgraph: the store's schema is version 9999, made by a newer trackgraph")

    def test_a_server_that_is_away_fails_on_one_line(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        config = settings_over(tmp_path, "postgresql+asyncpg://u:secret@127.0.0.1:9/store")

        assert run(["migrate", "--config", config]) == 1

        [line] = capsys.readouterr().err.splitlines()
        assert line == "trackgraph: the store (store.url) cannot be used: Connect call failed ('127.0.0.1', 9)"


class TestSimulate:
    def test_each_simulator_has_its_own_port_unless_one_is_given(self) -> None:
        assert choose_ports(["karla", "paypal"], 9000) == {"karla": 9000, "paypal": 9001}
        assert choose_ports(["karla", "paypal"], 0) == {"karla": 0, "paypal": 0}
        assert len(set(choose_ports(["karla", "paypal", "billink", "hypertrack"], None).values())) == 4

    def test_an_unknown_provider_is_told_with_those_there_are(self) -> None:
        with pytest.raises(CommandFailed, match="no simulator of krala; there are: karla, paypal, billink, hypertrack"):
            choose_ports(["krala"], None)

    def test_a_simulator_runs_alone_until_ctrl_c(self, start: Start) -> None:
        process = start("simulate", "--provider", "karla", "--port", "0")
        name, url, credentials = first_line(process.stdout, "karla\t").split("\t")

        keys = dict(pair.split("=", 1) for pair in credentials.split(" "))
        response = httpx.get(f"{url}/v1/shops/{keys['slug']}/orders", auth=(keys["username"], keys["api_key"]))
        process.send_signal(signal.SIGINT)

        assert (name, response.status_code) == ("karla", 200)
        assert process.wait(PATIENCE_SECONDS) == 0


class TestDev:
    def test_the_printed_curl_is_answered_and_ctrl_c_stops_everything(self, start: Start, tmp_path: Path) -> None:
        process = start("dev", "--port", "0")
        curl = first_line(process.stdout, "curl ")

        answer = subprocess.run(curl, shell=True, capture_output=True, check=True)  # noqa: S602  # as a person pastes it
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=PATIENCE_SECONDS)

        reply = json.loads(answer.stdout)
        assert "errors" not in reply
        assert reply["data"]["order"]["deliveryStatus"] == "OUT_FOR_DELIVERY"
        assert {source["provider"]["name"] for source in reply["data"]["order"]["sources"]} >= {"karla", "billink"}
        assert (process.returncode, err) == (0, "")
        assert (tmp_path / "trackgraph-dev.db").exists()

    async def test_its_own_store_is_brought_up_to_date(self, store_file: Path) -> None:
        await changed(sqlite_url(store_file), older)

        world = world_of_today()
        async with running_simulators(world) as simulators:
            await seed_demo(demo_settings(8000, store_file, simulators), world)

        database = Database(sqlite_url(store_file))
        assert (await database.schema()).state is SchemaState.CURRENT
        await database.aclose()

    def test_a_query_with_quotes_survives_the_shell(self) -> None:
        command = example_curl("http://127.0.0.1:1", """{ order(by: {orderName: "it's"}) { id } }""")

        words = subprocess.run(  # noqa: S602  # as a person pastes it
            command.replace("curl", "printf '%s\\n'", 1), shell=True, capture_output=True, text=True, check=True
        ).stdout.splitlines()
        assert json.loads(words[-1]) == {"query": """{ order(by: {orderName: "it's"}) { id } }"""}


class TestServe:
    @pytest.mark.parametrize("workers", ["1", "2"])
    def test_an_older_schema_is_refused_on_one_line(
        self, start: Start, store_url: str, workers: str, tmp_path: Path
    ) -> None:
        asyncio.run(changed(store_url, older))
        config = settings_over(tmp_path, store_url, "[cache]\nurl = 'redis://127.0.0.1:9/0'\n")
        process = start("serve", "--config", config, "--port", "0", "--workers", workers)

        _, err = process.communicate(timeout=PATIENCE_SECONDS)

        assert process.returncode == 1
        assert [line for line in err.splitlines() if " uvicorn." not in line] == [
            f"trackgraph: the store's schema is version 0001 and this trackgraph needs {needed_version()}: "
            "run `trackgraph migrate`"
        ]

    def test_the_gateway_answers_without_naming_its_server_until_ctrl_c(self, start: Start, tmp_path: Path) -> None:
        process = start("serve", "--config", settings_file(tmp_path, KARLA), "--port", "0")
        url = first_line(process.stderr, "trackgraph: serving ").split(" ")[2]

        response = httpx.post(url, json={"query": "{ __typename }"})
        process.send_signal(signal.SIGINT)

        assert response.json() == {"data": {"__typename": "Query"}}
        assert "server" not in response.headers
        assert process.wait(PATIENCE_SECONDS) == 0

    def test_several_workers_over_a_shared_cache_answer_and_stop(self, start: Start, tmp_path: Path) -> None:
        """The shared cache of this test is down, which costs answers time and nothing else."""
        config = settings_file(tmp_path, "[cache]\nurl = 'redis://127.0.0.1:9/0'\n" + KARLA)
        process = start("serve", "--config", config, "--port", "0", "--workers", "2")
        url = first_line(process.stderr, "trackgraph: serving ").split(" ")[2]

        response = httpx.post(url, json={"query": "{ __typename }"}, timeout=PATIENCE_SECONDS)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=PATIENCE_SECONDS)

        assert response.json() == {"data": {"__typename": "Query"}}
        assert process.returncode == 0
        assert "Traceback" not in err
