"""What every scenario is played on: a running gateway that can be asked, and providers that count and can fail."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from gateway.app import create_app
from gateway.settings import Settings
from providers.base import Clock
from providers.simulation.calls import ReceivedCall
from providers.simulation.faults import Fault, FaultMode
from providers.simulation.server import SimulatorServer, simulator_settings
from providers.simulation.world import SimulatedOrder

TOKEN_PATH = "/v1/oauth2/token"  # noqa: S105  # a path
"""PayPal's token is fetched once for many calls: it is no part of what a query costs."""

DOWN = Fault(mode=FaultMode.STATUS, status=503)
HANGING = Fault(mode=FaultMode.HANG)

Data = dict[str, Any]


class Providers:
    """The simulated providers of one shop: what they were asked, and how they fail."""

    def __init__(self, servers: Mapping[str, SimulatorServer]) -> None:
        self._servers = servers

    @property
    def settings(self) -> dict[str, dict[str, str]]:
        """What a shop's settings must say to ask them, by provider."""
        return simulator_settings({name: server.url for name, server in self._servers.items()})

    def received(self, name: str) -> list[ReceivedCall]:
        """Every call that provider `name` got since `forget_calls`, PayPal's token aside."""
        return [call for call in self.requests(name) if call.path != TOKEN_PATH]

    def requests(self, name: str) -> list[ReceivedCall]:
        """The same, those for tokens included."""
        return list(self._servers[name].control.calls.calls)

    def calls(self) -> dict[str, int]:
        """How many calls each provider got since `forget_calls`, PayPal's token aside; who got none is left out."""
        return dict(+Counter({name: len(self.received(name)) for name in self._servers}))

    def forget_calls(self) -> None:
        for server in self._servers.values():
            server.control.calls.reset()

    def fail(self, *names: str, fault: Fault = DOWN) -> None:
        """From now on the providers named fail every request, tokens included."""
        for name in names:
            self._servers[name].control.faults.arm(fault)

    def mend(self, *names: str) -> None:
        """The providers named, or all, work again."""
        for name in names or self._servers:
            self._servers[name].control.faults.clear()


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer to a GraphQL request over HTTP."""

    status: int
    headers: httpx.Headers
    data: Data | None
    errors: list[Data]

    @classmethod
    def of(cls, response: httpx.Response) -> Reply:
        body = response.json()
        return cls(response.status_code, response.headers, body.get("data"), body.get("errors", []))

    @property
    def codes(self) -> list[str]:
        """The code of each error, in order."""
        return [error["extensions"]["code"] for error in self.errors]

    @property
    def failures(self) -> dict[str, str]:
        """The code of each provider failure, by the provider's name."""
        return {
            error["extensions"]["provider"]: error["extensions"]["code"]
            for error in self.errors
            if "provider" in error["extensions"]
        }

    def failed_paths(self, provider: str) -> list[str]:
        """Where the failure of `provider` is felt, each path with dots between its keys."""
        extensions = [error["extensions"] for error in self.errors]
        paths = [path for each in extensions if each.get("provider") == provider for path in each["paths"]]
        return [".".join(map(str, path)) for path in paths]


class Gateway:
    """A client of a running gateway."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def ask(self, query: str, **variables: Any) -> Reply:
        """What the gateway answers to `query` by POST."""
        return Reply.of(await self.client.post("/graphql", json={"query": query, "variables": variables}))

    async def data(self, query: str, **variables: Any) -> Data:
        """The data of an answer that must hold no error."""
        reply = await self.ask(query, **variables)
        assert (reply.status, reply.errors) == (200, [])
        assert reply.data is not None
        return reply.data

    async def get(self, query: str, headers: Mapping[str, str] | None = None, **variables: Any) -> httpx.Response:
        """The response to `query` by GET."""
        parameters = {"query": query, "variables": json.dumps(variables)}
        accepted = {"accept": "application/graphql-response+json", **(headers or {})}
        return await self.client.get("/graphql", params=parameters, headers=accepted)

    async def link(self, order: SimulatedOrder, shop: str | None = None) -> None:
        """Tie `order` to the PayPal order that paid for it."""
        given = {"provider": "paypal", "kind": "paypal_order_id", "value": order.paypal_order_id, "shop": shop}
        payload = await self.data(LINK_ORDER, input={"orderNumber": order.number, **given})
        assert payload["linkOrder"]["userErrors"] == []

    async def ask_until(self, holds: Callable[[Reply], bool], query: str, **variables: Any) -> Reply:
        """Ask until the answer is as it must be soon, because of what goes on behind the answers."""
        async with asyncio.timeout(10):
            while True:
                reply = await self.ask(query, **variables)
                if holds(reply):
                    return reply
                await asyncio.sleep(0.005)


LINK_ORDER = """
mutation ($input: LinkOrderInput!) {
  linkOrder(input: $input) { order { id } userErrors { code path } }
}"""


@asynccontextmanager
async def running_gateway(settings: Settings, clock: Clock) -> AsyncIterator[Gateway]:
    """The gateway of `settings` in this process, asked without a socket in between."""
    app = create_app(settings, clock=clock)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://localhost") as client,
    ):
        yield Gateway(client)


def caches(order: Data) -> dict[str, str]:
    """How fresh each provider's part of an answered order is, by the provider's name."""
    return {source["provider"]["name"]: source["cache"] for source in order["sources"]}
