"""What the documentation says is so: its links, examples, names and tables are held against the code."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
import typer.main
from graphql import build_schema, parse, validate

from gateway.app import create_app
from gateway.cli.dev import demo_settings
from gateway.cli.program import app as command
from gateway.cli.seed import seed_demo
from gateway.freshness.settings import FreshnessSettings
from gateway.settings import load_settings, setting_docs
from gateway.settings.sources import NOT_SETTINGS
from providers.registry import BUILT_IN
from providers.simulation.clock import SimulationClock
from providers.simulation.generate import generate_world
from providers.simulation.server import running_simulators

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "tests" / "example_provider"

README = ROOT / "README.md"
ADDING = ROOT / "docs" / "adding-a-provider.md"
ARCHITECTURE = ROOT / "docs" / "architecture.md"
DECISIONS = sorted((ROOT / "docs" / "adr").glob("0*.md"))

PAGES = [
    README,
    ROOT / "CHANGELOG.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "frontend" / "README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]
each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))

BUILT = ("gateway/http/graphiql/static", "frontend/node_modules")
"""Named in the documentation, and there only after `make install`."""

README_NOW = datetime(2026, 1, 15, 12, tzinfo=UTC)
"""The present in the README's answer."""


def blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks of `page` in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)


def code_spans(page: Path) -> list[str]:
    """What stands in backticks in the prose of `page`, without the fenced blocks."""
    prose = re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"`([^`\n]+)`", prose)


def code(page: Path) -> str:
    """All that `page` shows as code: spans and fenced blocks."""
    fenced = re.findall(r"^```\w*\n(.*?)^```$", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    return "\n".join([*code_spans(page), *fenced])


def rows(page: Path, heading: str) -> list[list[str]]:
    """The cells of the first table of `page` whose first column is called `heading`, without its head."""
    lines = iter(page.read_text("utf-8").splitlines())
    table: list[list[str]] = []
    for line in lines:
        if line.startswith(f"| {heading} |"):
            next(lines)
            break
    for line in lines:
        if not line.startswith("|"):
            break
        table.append([cell.strip() for cell in line.strip("|").split("|")])
    assert table, f"{page.name} has no table of {heading!r}"
    return table


# Links and names


@each_page
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link names a file or folder of the repository, and a heading that is there."""
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            broken.append(target)
    assert broken == []


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives the headings of `page`."""
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@each_page
def test_files_that_are_named_are_there(page: Path) -> None:
    """A path in backticks exists, but for what is built and for placeholders."""
    named = [
        span
        for span in code_spans(page)
        if re.fullmatch(r"(gateway|providers|tests|docs|frontend|benchmarks)/[\w./-]+", span)
        and not span.startswith(BUILT)
    ]
    assert [path for path in named if not (ROOT / path).exists()] == []


@each_page
def test_make_targets_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert set(re.findall(r"(?:^|`|&& )make ([a-z]+)", code(page), re.MULTILINE)) <= targets


@each_page
def test_commands_and_options_exist(page: Path) -> None:
    """`trackgraph COMMAND --option` as the command itself knows them; `keys` has commands of its own."""
    commands = typer.main.get_command(command).commands  # type: ignore[attr-defined]  # a group: it has several
    for name, rest in re.findall(r"^trackgraph ([a-z][a-z-]*)([^\n`]*)", code(page), re.MULTILINE):
        assert name in commands, name
        meant = commands[name]
        if hasattr(meant, "commands") and rest.strip():
            meant = meant.commands[rest.split()[0]]
        known = {option for parameter in meant.params for option in parameter.opts}
        assert set(re.findall(r"--[a-z-]+", rest.partition("#")[0])) <= known


# Settings


@each_page
def test_settings_that_are_named_exist(page: Path) -> None:
    tables = {doc.name.partition(".")[0] for doc in setting_docs()} - {"shops"}
    spans = re.findall(rf"^(?:{'|'.join(tables)})(?:\.[a-z_]+)+", "\n".join(code_spans(page)), re.MULTILINE)
    assert set(spans) <= {doc.name for doc in setting_docs()}


@each_page
def test_variables_that_are_named_exist(page: Path) -> None:
    known = {doc.variable.replace("<SHOP>", "ACME") for doc in setting_docs()}
    known |= {f"{doc.variable.replace('<SHOP>', 'ACME')}_FILE" for doc in setting_docs() if doc.secret}
    named = set(re.findall(r"\bTRACKGRAPH_[A-Z_]*[A-Z]\b", page.read_text("utf-8")))
    tables = {variable.rpartition("__")[0] for variable in known}
    assert named - {"TRACKGRAPH_SHOPS__"} <= known | NOT_SETTINGS | tables


def test_the_readme_settings_are_accepted(tmp_path: Path) -> None:
    """The README's TOML, with files where it names some, is a configuration that the gateway starts with."""
    [document] = blocks(README, "toml")
    secret = tmp_path / "secret"
    secret.write_text("s3cret\n", "utf-8")
    config = tmp_path / "trackgraph.toml"
    config.write_text(re.sub(r'"/run/secrets/\w+"', json.dumps(str(secret)), document), "utf-8")
    settings = load_settings({"TRACKGRAPH_CONFIG": str(config)})
    assert list(settings.shops["acme"].providers) == [spec.profile.name for spec in BUILT_IN]


def test_the_example_settings_are_accepted() -> None:
    """The file to begin with is a configuration as it stands, of every provider."""
    settings = load_settings({"TRACKGRAPH_CONFIG": str(ROOT / "trackgraph.example.toml")})
    assert list(settings.shops["acme"].providers) == [spec.profile.name for spec in BUILT_IN]


def test_every_duration_of_freshness_is_explained() -> None:
    section = ARCHITECTURE.read_text("utf-8").partition("\n## Freshness\n")[2].partition("\n## ")[0]
    named = set(re.findall(r"`([a-z_]+)`", section))
    assert set(FreshnessSettings.model_fields) <= named


# The README's query


@pytest.mark.parametrize("document", blocks(README, "graphql"), ids=lambda document: document.split()[0])
def test_the_readme_queries_are_valid(document: str) -> None:
    assert validate(build_schema((ROOT / "schema.graphql").read_text("utf-8")), parse(document)) == []


async def test_the_readme_answer_is_the_real_one(tmp_path: Path) -> None:
    """Against the simulators, on the README's day, its query is answered as it shows, with the calls that it tells.

    Asked again, it calls nobody, and every part but the stored one is a HIT.
    """
    query, _mutation = blocks(README, "graphql")
    [answer] = blocks(README, "json")
    world = generate_world(SimulationClock(lambda: README_NOW))
    async with running_simulators(world) as simulators:
        settings = demo_settings(0, tmp_path / "store.db", simulators)
        await seed_demo(settings, world)
        for simulator in simulators.values():
            simulator.control.calls.reset()
        app = create_app(settings, clock=world.now)
        client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost")
        async with app.router.lifespan_context(app), client:
            response = await client.post("/graphql", json={"query": query})
            again = await client.post("/graphql", json={"query": query})
        paths = {
            name: [call.path for call in simulator.control.calls.calls if "oauth2" not in call.path]
            for name, simulator in simulators.items()
        }

    assert response.json() == json.loads(answer)
    assert again.json() == json.loads(answer.replace("MISS", "HIT"))
    assert {name: len(asked) for name, asked in paths.items()} == {
        "karla": 1,
        "hypertrack": 1,
        "paypal": 1,
        "billink": 0,
    }


# Tables


def test_the_readme_names_every_provider_with_its_reference_kinds() -> None:
    """The table of providers is what their profiles state: title, documentation, kinds, how each is known, times."""
    told = {cells[0]: cells[2] for cells in rows(README, "Provider")}
    assert [cells[4] for cells in rows(README, "Provider")] == [spec.profile.times for spec in BUILT_IN]
    assert list(told) == [f"[{spec.profile.title}]({spec.profile.documentation})" for spec in BUILT_IN]
    for spec, kinds in zip(BUILT_IN, told.values(), strict=True):
        assert re.findall(r"`(\w+)`", kinds) == [kind.name for kind in spec.profile.reference_kinds]
        assert ("by rule" in kinds) == any(kind.rule for kind in spec.profile.reference_kinds)
        assert ("link" in kinds) == any(kind.linkable for kind in spec.profile.reference_kinds)


def test_the_layers_are_those_that_are_enforced() -> None:
    """Architecture's table of folders has the layers of the import rules, in their order."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    [layers] = [contract["layers"] for contract in contracts if contract["type"] == "layers"]
    told = [re.sub(r"`gateway/(\w+)(\.py)?`", r"\1", cells[0]) for cells in rows(ARCHITECTURE, "Layer")]
    assert told[: len(layers)] == layers


def test_decisions_are_numbered_and_listed() -> None:
    """Each decision has its number in name and title, the same parts, and a line in the list."""
    listed = re.findall(r"^(\d+)\. \[.+\]\((.+)\)$", (ROOT / "docs/adr/README.md").read_text("utf-8"), re.MULTILINE)
    assert listed == [(str(number), page.name) for number, page in enumerate(DECISIONS, 1)]
    for number, page in enumerate(DECISIONS, 1):
        text = page.read_text("utf-8")
        assert text.startswith(f"# {number}. "), page.name
        assert page.name.startswith(f"{number:04}-")
        assert re.findall(r"^## (.+)$", text, re.MULTILINE) == [
            "Context",
            "Decision",
            "Consequences",
            "Alternatives considered",
        ]


# The example provider


def shown_files() -> Iterator[tuple[str, str]]:
    """Each file that the page shows, by the name above its block."""
    yield from re.findall(r"^`([\w./]+)`\n\n```\w+\n(.*?)^```$", ADDING.read_text("utf-8"), re.MULTILINE | re.DOTALL)


def test_the_example_provider_is_shown_as_it_is() -> None:
    """The page shows every file of the package and its project file, to the letter."""
    package = {str(file.relative_to(EXAMPLE)) for file in (EXAMPLE / "parcelbox").rglob("*.py")} | {"pyproject.toml"}
    shown = dict(shown_files())
    assert set(shown) == package
    assert [name for name, text in shown.items() if (EXAMPLE / name).read_text("utf-8") != text] == []
