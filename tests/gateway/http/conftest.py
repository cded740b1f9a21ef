"""A small schema behind the real HTTP side, in process and over a real socket."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
import strawberry
import uvicorn
from starlette.applications import Starlette
from strawberry.scalars import JSON
from strawberry.types import Info

from gateway.auth.principal import ANYONE, Principal
from gateway.freshness.derived import Derived
from gateway.http import BodyLimits, GraphiqlPage, HttpOptions, PartHealth, Tab, create_http_app
from gateway.schema.persisted import PersistedDocuments
from gateway.schema.pipeline import PartFailure, Pipeline

MAX_BODY_BYTES = 10_000


class Context:
    def __init__(self, request_id: str, _principal: Principal) -> None:
        if request_id == "break-the-gateway":
            raise RuntimeError("secret at /etc/passwd")
        self.request_id = request_id
        self.read_ahead = Derived()
        self.fresh_for: timedelta | None = None

    def afresh(self) -> Context:
        return Context(self.request_id, ANYONE)

    def names(self) -> None:
        """None: nobody would tell of a change."""

    def hold_figures(self) -> None:
        """There are none."""

    def tell_figures(self) -> None:
        """There are none."""

    def failures(self) -> Sequence[PartFailure]:
        return ()

    def max_age(self) -> timedelta | None:
        return self.fresh_for


@strawberry.type
class Query:
    @strawberry.field
    def hello(self, name: str = "world") -> str:
        return f"hello {name}"

    @strawberry.field
    def fresh(self, info: Info[Context, None], seconds: int = 30) -> int:
        info.context.fresh_for = timedelta(seconds=seconds)
        return seconds

    @strawberry.field
    def request_id(self, info: Info[Context, None]) -> str:
        return info.context.request_id

    @strawberry.field
    def broken(self) -> str | None:
        raise RuntimeError("secret at /etc/passwd")

    @strawberry.field
    def raw(self) -> JSON | None:
        return JSON({"infinite": float("inf"), "nan": float("nan")})

    @strawberry.field
    def beyond_orjson(self) -> JSON | None:
        deep: object = 2**70
        for _ in range(300):
            deep = [deep]
        return JSON(deep)


WRITTEN: list[int] = []


@strawberry.type
class Mutation:
    @strawberry.field
    def write(self) -> int:
        WRITTEN.append(1)
        return 1


class Parts:
    """The readiness that a test sets."""

    def __init__(self) -> None:
        self.health: dict[str, PartHealth] = {"store": PartHealth(True), "cache": PartHealth(True, required=False)}

    async def __call__(self) -> Mapping[str, PartHealth]:
        return self.health


@pytest.fixture
def written() -> list[int]:
    """What mutations have written in this test."""
    WRITTEN.clear()
    return WRITTEN


@pytest.fixture
def parts() -> Parts:
    return Parts()


@pytest.fixture
def persisted() -> PersistedDocuments:
    """The documents that clients can name: none, unless a test says otherwise."""
    return PersistedDocuments()


@pytest.fixture
def pipeline(persisted: PersistedDocuments) -> Pipeline:
    return Pipeline(strawberry.Schema(Query, Mutation), Context, production=False, persisted=persisted)


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A bundle in the shape that frontend/README.md promises."""
    folder = tmp_path / "static"
    (folder / "assets").mkdir(parents=True)
    (folder / "graphiql.js").write_text("import './assets/chunk-abc123.js';")
    (folder / "graphiql.css").write_text("body { margin: 0 }")
    (folder / "favicon.svg").write_text("<svg/>")
    (folder / "assets" / "chunk-abc123.js").write_text("export default 1;")
    (tmp_path / "outside.txt").write_text("not to be served")
    return folder


@pytest.fixture
def page(bundle: Path) -> GraphiqlPage:
    return GraphiqlPage(
        bundle=bundle, title="Acme </script>", tabs=[Tab("{ hello } # </script>"), Tab("{ a }", '{"b": 1}')]
    )


@pytest.fixture
def app(pipeline: Pipeline, parts: Parts) -> Starlette:
    return create_http_app(pipeline, HttpOptions(body=BodyLimits(MAX_BODY_BYTES)), parts)


@pytest.fixture
def app_with_page(pipeline: Pipeline, parts: Parts, page: GraphiqlPage) -> Starlette:
    return create_http_app(pipeline, HttpOptions(page=page), parts)


def in_process(app: Starlette) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app), base_url="http://gateway", headers={"accept": "*/*"}
    )


@pytest.fixture
def client_of() -> Callable[[Starlette], httpx.AsyncClient]:
    """Makes a client of an application of the test's own."""
    return in_process


@pytest.fixture
async def client(app: Starlette) -> AsyncIterator[httpx.AsyncClient]:
    async with in_process(app) as client:
        yield client


@pytest.fixture
async def browser(app_with_page: Starlette) -> AsyncIterator[httpx.AsyncClient]:
    async with in_process(app_with_page) as client:
        yield client


@asynccontextmanager
async def served(app: Starlette) -> AsyncIterator[tuple[str, int]]:
    """Host and port of `app` behind uvicorn, on loopback."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, server_header=False, log_config=None, lifespan="on", ws="none"))
        task = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield listener.getsockname()[:2]
        finally:
            server.should_exit = True
            await task


@pytest.fixture
async def address(app: Starlette) -> AsyncIterator[tuple[str, int]]:
    async with served(app) as address:
        yield address


@pytest.fixture
async def roomy_address(app_with_page: Starlette) -> AsyncIterator[tuple[str, int]]:
    """Where bodies of the default size are taken."""
    async with served(app_with_page) as address:
        yield address
