"""The four simulators with a watch on what is written to them: bodies as they came, and refusals on demand.

A ledger holds what a simulator made of a request. Here is what stood in it, byte for byte, also in those members that
a simulator ignores; and a write can be refused in words that no input brings a simulator to.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import orjson
from pydantic import JsonValue
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.settings import parse_settings
from providers.base import Clock
from providers.simulation.http_server import HttpServer
from providers.simulation.server import SIMULATORS, simulator_settings
from providers.simulation.world import World
from tests.scenarios.harness import TOKEN_PATH, Gateway, running_gateway

SWITCHES = "/_simulator/"
_WRITING = frozenset({"POST", "PUT", "PATCH"})


def sample(provider: str, name: str) -> Any:
    """A request or an answer that a provider's page prints, as the provider's package keeps it."""
    return orjson.loads((files(f"providers.{provider}") / "samples" / f"{name}.json").read_bytes())


@dataclass(frozen=True, slots=True)
class Answer:
    """An error body of a provider, written out."""

    status: int
    body: JsonValue


@dataclass(frozen=True, slots=True)
class ReceivedWrite:
    """One request that writes, as it came."""

    method: str
    path: str
    body: JsonValue


class WatchedApi:
    """Middleware over a simulator. `answer` is what every write is answered with in place of the simulator's own."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.writes: list[ReceivedWrite] = []
        self.answer: Answer | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not _is_write(scope):
            await self._app(scope, receive, send)
            return
        content = await Request(scope, receive).body()
        self.writes.append(ReceivedWrite(scope["method"], scope["path"], orjson.loads(content)))
        app = self._app if self.answer is None else _saying(self.answer)
        await app(scope, _again(content, receive), send)


def _is_write(scope: Scope) -> bool:
    if scope["type"] != "http" or scope["method"] not in _WRITING:
        return False
    path: str = scope["path"]
    return path != TOKEN_PATH and not path.startswith(SWITCHES)


def _again(content: bytes, receive: Receive) -> Receive:
    """The body once more for who comes next, and then whatever else comes."""
    left: list[Message] = [{"type": "http.request", "body": content, "more_body": False}]

    async def receive_again() -> Message:
        return left.pop() if left else await receive()

    return receive_again


def _saying(answer: Answer) -> ASGIApp:
    return Response(orjson.dumps(answer.body), answer.status, media_type="application/json")


@dataclass(frozen=True, slots=True)
class WatchedShop:
    """One shop: its providers by name, where they are, and a gateway before them."""

    apis: Mapping[str, WatchedApi]
    urls: Mapping[str, str]
    gateway: Gateway


@asynccontextmanager
async def watched_shop(
    world: World, clock: Clock, store: Path, **changes: Mapping[str, Any]
) -> AsyncIterator[WatchedShop]:
    """The shop `demo`, which sends media to Billink; `changes` are settings of single providers."""
    async with AsyncExitStack() as stack:
        apis = {name: WatchedApi(spec.build(world)) for name, spec in SIMULATORS.items()}
        urls = {name: (await stack.enter_async_context(HttpServer(api))).url for name, api in apis.items()}
        shop: dict[str, dict[str, Any]] = {name: {**table} for name, table in simulator_settings(urls).items()}
        shop["billink"]["media_members"] = {"type": "type", "content": "content"}
        for name, table in changes.items():
            shop[name] |= table
        settings = parse_settings({"store": {"url": f"sqlite+aiosqlite:///{store}"}, "shops": {"demo": shop}})
        gateway = await stack.enter_async_context(running_gateway(settings, clock))
        yield WatchedShop(apis, urls, gateway)


def mutation(name: str) -> str:
    """The document of the mutation `name`, which has one argument; it selects nothing that must be read."""
    kind = f"{name[0].upper()}{name[1:]}Input"
    errors = "userErrors { code message path provider { name } providerCode }"
    return f"mutation ($input: {kind}!) {{ {name}(input: $input) {{ {errors} }} }}"
