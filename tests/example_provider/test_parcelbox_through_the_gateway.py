"""A provider of somebody else, installed beside the gateway: it is set, asked, linked and published like our own.

Nothing of the gateway is imported here: the package is installed as pip installs any, and the gateway is the command
`trackgraph` in a process of its own.
"""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from test_parcelbox_contract import ACCOUNT, DELIVERIES

from providers.simulation.http_server import HttpServer

PROJECT = Path(__file__).parent
REPOSITORY = PROJECT.parents[1]

pytestmark = pytest.mark.asyncio(loop_scope="module")

SETTINGS = """
[store]
url = "sqlite+aiosqlite:///{folder}/store.db"
[shops.acme.parcelbox]
base_url = "{api}"
api_key = "secret-key-1"
"""

ORDER = """
query ($number: String!) {
  order(by: { orderNumber: $number }) {
    orderNumber
    deliveryStatus
    references { kind value origin provider { name } }
    trackings {
      __typename id status providerStatus trackingNumber updatedAt
      provider { name title capabilities }
      ... on GenericTracking { attributes }
    }
    sources { provider { name } cache }
  }
}
"""

NODE = "query ($id: ID!) { node(id: $id) { __typename ... on GenericTracking { trackingNumber attributes } } }"

LINK = """
mutation ($value: String!) {
  linkOrder(input: { orderNumber: "1077", provider: "parcelbox", kind: "parcelbox_order", value: $value }) {
    userErrors { code path }
    order { trackings { trackingNumber } }
  }
}
"""

KNOWN_ORDERS = ("1042", "PB-77")


class ParcelboxApi:
    """Parcelbox's API over HTTP, with one delivery for each order that it knows, and a list of what it was asked."""

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[str] = []
        self.app = Starlette(
            routes=[Route("/v1/account", self._account), Route("/v1/orders/{order}/deliveries", self._deliveries)]
        )

    async def _account(self, _request: Request) -> Response:
        return Response(ACCOUNT, media_type="application/json")

    async def _deliveries(self, request: Request) -> Response:
        if request.headers.get("x-api-key") != "secret-key-1":
            return JSONResponse({"error": "bad key"}, 401)
        order = request.path_params["order"]
        self.asked.append(order)
        if order not in KNOWN_ORDERS:
            return JSONResponse({"error": "no such order"}, 404)
        return Response(DELIVERIES, media_type="application/json")


@pytest.fixture(scope="module")
def site_packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which pip has installed the example, entry point and all. Asks no package index."""
    folder = tmp_path_factory.mktemp("site-packages")
    options = ("--quiet", "--no-index", "--no-deps", "--no-build-isolation", "--disable-pip-version-check")
    asyncio.run(_succeed(sys.executable, "-m", "pip", "install", *options, "--target", str(folder), str(PROJECT)))
    return folder


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running_api() -> AsyncIterator[ParcelboxApi]:
    api = ParcelboxApi()
    async with HttpServer(api.app) as server:
        api.url = server.url
        yield api


@pytest.fixture
def api(running_api: ParcelboxApi) -> ParcelboxApi:
    """The API, which has not been asked anything in this test."""
    running_api.asked.clear()
    return running_api


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(
    site_packages: Path, running_api: ParcelboxApi, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a gateway whose only shop has the provider, and no other."""
    config = write_settings(tmp_path_factory.mktemp("gateway"), running_api.url)
    async with gateway(site_packages, config) as client:
        yield client


async def test_a_package_with_an_entry_point_is_a_provider(client: httpx.AsyncClient, api: ParcelboxApi) -> None:
    """An order that only the added provider knows is found, published with its attributes, and read again by its id."""
    order = (await query(client, ORDER, number="1042"))["order"]
    [tracking] = order["trackings"]
    node = (await query(client, NODE, id=tracking["id"]))["node"]

    assert order == {
        "orderNumber": "1042",
        "deliveryStatus": "AVAILABLE_FOR_PICKUP",
        "references": [
            {"kind": "parcelbox_order", "value": "1042", "origin": "RULE", "provider": {"name": "parcelbox"}}
        ],
        "trackings": [
            {
                "__typename": "GenericTracking",
                "id": tracking["id"],
                "status": "AVAILABLE_FOR_PICKUP",
                "providerStatus": "stored",
                "trackingNumber": "PB0001",
                "updatedAt": "2025-06-01T09:30:00+02:00",
                "provider": {"name": "parcelbox", "title": "Parcelbox", "capabilities": ["find_trackings"]},
                "attributes": {"locker": "Central Station, wall 2"},
            }
        ],
        "sources": [{"provider": {"name": "parcelbox"}, "cache": "MISS"}],
    }
    assert node == {
        "__typename": "GenericTracking",
        "trackingNumber": "PB0001",
        "attributes": {"locker": "Central Station, wall 2"},
    }
    assert api.asked == ["1042"], "the second reading comes from the cache"


async def test_an_order_that_the_provider_does_not_know_is_null(client: httpx.AsyncClient, api: ParcelboxApi) -> None:
    """Its `OrderNotFound` is an answer: null and no error."""
    assert await query(client, ORDER, number="9999") == {"order": None}
    assert api.asked == ["9999"]


async def test_its_references_can_be_linked(client: httpx.AsyncClient, api: ParcelboxApi) -> None:
    """A link replaces the rule, and a value that its pattern does not match is refused."""
    refused = (await query(client, LINK, value="no such / name"))["linkOrder"]
    linked = (await query(client, LINK, value="PB-77"))["linkOrder"]

    assert refused["userErrors"] == [{"code": "BAD_USER_INPUT", "path": ["input", "value"]}]
    assert linked == {"userErrors": [], "order": {"trackings": [{"trackingNumber": "PB0001"}]}}
    assert api.asked == ["PB-77"]


async def test_its_settings_are_checked_and_tried_like_our_own(
    site_packages: Path, api: ParcelboxApi, tmp_path: Path
) -> None:
    """`trackgraph check` makes its cheap call, and a misspelt setting is named with a suggestion."""
    config = write_settings(tmp_path, api.url)
    checked = await _succeed(*TRACKGRAPH, "check", "--config", str(config), path=site_packages)
    config.write_text(config.read_text("utf-8").replace("api_key", "api_kee"), "utf-8")
    code, _output, errors = await _run(*TRACKGRAPH, "check", "--config", str(config), path=site_packages)

    assert "acme\tparcelbox\tok\treachable, key accepted" in checked
    assert code != 0
    assert "shops.acme.parcelbox.api_kee" in errors
    assert "api_key" in errors.replace("api_kee", "")


TRACKGRAPH = (sys.executable, "-c", "from gateway.cli import main; main()")


@asynccontextmanager
async def gateway(site_packages: Path, config: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A client of `trackgraph serve` with the settings in `config`."""
    command = (*TRACKGRAPH, "serve", "--config", str(config), "--port", "0")
    process = await asyncio.create_subprocess_exec(
        *command, env=_environment(site_packages), stdin=DEVNULL, stdout=DEVNULL, stderr=PIPE
    )
    try:
        async with httpx.AsyncClient(base_url=await _address(process), trust_env=False, timeout=20) as client:
            yield client
    finally:
        process.terminate()
        await process.wait()


def write_settings(folder: Path, api: str) -> Path:
    config = folder / "trackgraph.toml"
    config.write_text(SETTINGS.format(folder=folder, api=api), "utf-8")
    return config


async def query(client: httpx.AsyncClient, document: str, **variables: str) -> Any:
    """The data that the gateway answers, which must come without an error."""
    response = await client.post("/graphql", json={"query": document, "variables": variables})
    body = response.json()
    assert "errors" not in body, body
    return body["data"]


async def _address(process: Process) -> str:
    """Where the gateway says that it serves; everything before that is why it does not start."""
    assert process.stderr
    said = []
    async for line in process.stderr:
        said.append(line.decode())
        if "serving " in said[-1]:
            return said[-1].split("serving ")[1].strip().removesuffix("/graphql")
    pytest.fail(f"the gateway does not start: {''.join(said)}")


async def _succeed(*command: str, path: Path | None = None) -> str:
    code, output, errors = await _run(*command, path=path)
    assert code == 0, f"{output}{errors}"
    return output


async def _run(*command: str, path: Path | None = None) -> tuple[int | None, str, str]:
    process = await asyncio.create_subprocess_exec(*command, env=_environment(path), stdout=PIPE, stderr=PIPE)
    output, errors = await process.communicate()
    return process.returncode, output.decode(), errors.decode()


def _environment(site_packages: Path | None) -> Mapping[str, str]:
    """This process's environment without settings of a gateway, with `site_packages` importable."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TRACKGRAPH_")}
    paths = [str(path) for path in (site_packages, REPOSITORY) if path]
    return {**kept, "PYTHONPATH": os.pathsep.join(paths)}
