"""A gateway that asks everybody who they are: keys, JWTs and order tokens over HTTP, and what each of them gets."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from gateway.auth.api_keys import new_key
from gateway.store.api_keys import ApiKey, ApiKeys
from gateway.store.database import Database
from providers.simulation.clock import SimulationClock
from providers.simulation.server import running_simulators
from providers.simulation.world import SimulatedOrder, World
from tests.databases import sqlite_url
from tests.gateway.freshness.conftest import HandClock
from tests.scenarios.conftest import OpenGateway, orders_of
from tests.scenarios.harness import Gateway, Providers, Reply

OTHER_SEED = 8
JWT_SECRET = "the secret of the identity provider, of a test"  # noqa: S105  # made for these tests
ORDER_SECRET = "the secret of order tokens, which is a test's"  # noqa: S105  # made for these tests

READ = "query ($by: OrderBy!, $shop: String) { order(by: $by, shop: $shop) { id orderNumber emailId masked } }"
MINT = """
mutation ($order: OrderBy!, $shop: String, $personal: Boolean, $seconds: Int) {
  mintOrderToken(input: {order: $order, shop: $shop, personal: $personal, expiresInSeconds: $seconds}) {
    token { value expiresAt } userErrors { code path }
  }
}"""
HEALTH = "{ providers { name health { level } } }"


class Caller(Gateway):
    """A client that sends a bearer token, or none."""

    def __init__(self, client: httpx.AsyncClient, token: str | None) -> None:
        super().__init__(client)
        self.headers = {} if token is None else {"Authorization": f"Bearer {token}"}

    async def ask(self, query: str, **variables: Any) -> Reply:
        body = {"query": query, "variables": variables}
        return Reply.of(await self.client.post("/graphql", json=body, headers=self.headers))


class Keys:
    """Makes API keys in the gateway's store."""

    def __init__(self, store: Path) -> None:
        self._url = sqlite_url(store)

    async def make(self, *scopes: str, shops: tuple[str, ...] | None = ("north",)) -> str:
        made = new_key()
        of_shops = None if shops is None else frozenset(shops)
        key = ApiKey(made.id, None, made.digest, of_shops, frozenset(scopes), datetime(2026, 1, 1, tzinfo=UTC))
        database = Database(self._url)
        await ApiKeys(database).add(key)
        await database.aclose()
        return made.value


@pytest.fixture
def keys(store: Path) -> Keys:
    return Keys(store)


@pytest.fixture
async def other_providers(clock: HandClock) -> AsyncIterator[Providers]:
    """Another shop's providers: the same order numbers, and other orders behind them."""
    async with running_simulators(World(orders_of(OTHER_SEED), SimulationClock(clock))) as servers:
        yield Providers(servers)


@pytest.fixture
def secrets(tmp_path: Path) -> Mapping[str, Path]:
    files = {"jwt": tmp_path / "jwt-secret", "order": tmp_path / "order-secret"}
    files["jwt"].write_text(JWT_SECRET, "utf-8")
    files["order"].write_text(ORDER_SECRET, "utf-8")
    return files


@pytest.fixture
async def gateway(
    open_gateway: OpenGateway, providers: Providers, other_providers: Providers, secrets: Mapping[str, Path]
) -> AsyncIterator[Gateway]:
    """Two shops, and nobody is let in unknown."""
    auth = {
        "mode": "required",
        "jwt": {"issuer": "https://idp.test/", "audience": "trackgraph", "secret_file": str(secrets["jwt"])},
        "order_tokens": {"secret_file": str(secrets["order"])},
    }
    shops = {"north": providers.settings, "south": other_providers.settings}
    async with open_gateway(auth=auth, shops=shops) as gateway:
        yield gateway


def caller(gateway: Gateway, token: str | None) -> Caller:
    return Caller(gateway.client, token)


def jwt_of(clock: HandClock, **claims: Any) -> str:
    end = int((clock.now + timedelta(hours=1)).timestamp())
    known = {"iss": "https://idp.test/", "aud": "trackgraph", "exp": end, "sub": "a person", **claims}
    return jwt.encode({"alg": "HS256"}, known, OctKey.import_key(JWT_SECRET), algorithms=["HS256"])


async def mint(gateway: Gateway, keys: Keys, number: str, shop: str = "north", *, personal: bool = False) -> str:
    """A token for the order of this number, as the shop's backend has it made."""
    scopes = ("orders:read", "personal:read") if personal else ("orders:read",)
    backend = caller(gateway, await keys.make(*scopes, shops=(shop,)))
    answer = await backend.data(MINT, order={"orderNumber": number}, personal=personal)
    return str(answer["mintOrderToken"]["token"]["value"])


class TestWhoIsLetIn:
    @pytest.mark.parametrize(
        ("authorization", "challenge"),
        [
            (None, 'Bearer realm="trackgraph"'),
            ("Basic dXNlcjpwYXNz", 'Bearer realm="trackgraph"'),
            ("Bearer", 'Bearer realm="trackgraph"'),
            ("Bearer nonsense", 'Bearer realm="trackgraph", error="invalid_token"'),
            pytest.param(
                f"Bearer {new_key().value}", 'Bearer realm="trackgraph", error="invalid_token"', id="a key of nobody"
            ),
        ],
    )
    async def test_others_are_told_how_to_come_in(
        self, gateway: Gateway, providers: Providers, authorization: str | None, challenge: str
    ) -> None:
        headers = {} if authorization is None else {"Authorization": authorization}
        response = await gateway.client.post("/graphql", json={"query": HEALTH}, headers=headers)
        assert (response.status_code, response.headers["www-authenticate"]) == (401, challenge)
        reply = Reply.of(response)
        assert (reply.data, reply.codes) == (None, ["UNAUTHENTICATED"])
        assert response.headers["cache-control"] == "no-store"
        assert providers.calls() == {}

    async def test_a_body_that_is_no_request_is_not_looked_at_before(self, gateway: Gateway) -> None:
        response = await gateway.client.post("/graphql", content=b"{", headers={"content-type": "application/json"})
        assert response.status_code == 401

    @pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
    async def test_a_key_is_taken_in_one_scheme_however_it_is_spelt(
        self, gateway: Gateway, keys: Keys, scheme: str
    ) -> None:
        headers = {"Authorization": f"{scheme} {await keys.make('orders:read')}"}
        response = await gateway.client.post("/graphql", json={"query": HEALTH}, headers=headers)
        assert response.status_code == 200

    async def test_a_token_in_a_cookie_or_in_the_address_is_never_read(self, gateway: Gateway, keys: Keys) -> None:
        key = await keys.make("orders:read")
        headers = {"Cookie": f"Authorization=Bearer {key}; token={key}"}
        response = await gateway.client.get("/graphql", params={"query": HEALTH, "access_token": key}, headers=headers)
        assert response.status_code == 401

    async def test_whoever_looks_after_it_needs_no_token(self, gateway: Gateway) -> None:
        assert (await gateway.client.get("/healthz")).status_code == 200
        assert (await gateway.client.get("/readyz")).status_code == 200

    async def test_an_answer_to_one_is_kept_for_nobody_else(
        self, gateway: Gateway, keys: Keys, plain_order: SimulatedOrder
    ) -> None:
        mine = caller(gateway, await keys.make("orders:read", "personal:read"))
        query = f'{{ order(by: {{orderNumber: "{plain_order.number}"}}) {{ placedAt }} }}'
        response = await gateway.client.get("/graphql", params={"query": query}, headers=mine.headers)
        assert response.headers["cache-control"].startswith("private")
        assert "Authorization" in response.headers["vary"]

    async def test_an_answer_that_is_kept_goes_only_to_those_who_may_see_as_much(
        self, gateway: Gateway, keys: Keys, plain_order: SimulatedOrder
    ) -> None:
        query = f'{{ order(by: {{orderNumber: "{plain_order.number}"}}) {{ orderNumber emailId address {{ city }} }} }}'
        may, may_not = ("orders:read", "personal:read"), ("orders:read",)
        callers = [caller(gateway, await keys.make(*scopes)) for scopes in (may, may_not, may, may_not)]
        for _ in range(4):
            told = [(await each.data(query))["order"] for each in callers]
            assert [each["emailId"] is None for each in told] == [False, True, False, True]
            assert [each["address"] is None for each in told] == [False, True, False, True]
        stranger = caller(gateway, await keys.make("orders:write"))
        assert (await stranger.ask(query)).codes == ["FORBIDDEN"]

    async def test_a_jwt_speaks_for_its_shops_and_scopes(
        self, gateway: Gateway, clock: HandClock, plain_order: SimulatedOrder
    ) -> None:
        token = jwt_of(clock, shops=["south"], scope="orders:read openid")
        reply = await caller(gateway, token).ask(READ, by={"orderNumber": plain_order.number})
        assert reply.errors == []
        assert "emailId" in reply.data["order"]["masked"]  # type: ignore[index]

    async def test_a_token_that_expires_meanwhile_is_refused(self, gateway: Gateway, clock: HandClock) -> None:
        person = caller(gateway, jwt_of(clock, shops=["north"], scope="orders:read"))
        assert (await person.ask(HEALTH)).status == 200
        clock.now += timedelta(hours=2)
        assert (await person.ask(HEALTH)).status == 401


class TestWhileTokensCannotBeChecked:
    async def test_a_key_is_neither_good_nor_bad_while_the_store_is_away(
        self, gateway: Gateway, keys: Keys, store: Path
    ) -> None:
        known, unknown = caller(gateway, await keys.make("orders:read")), caller(gateway, new_key().value)
        assert (await known.ask(HEALTH)).status == 200
        await asyncio.to_thread(spoil, store)
        reply = await unknown.ask(HEALTH)
        assert (reply.status, reply.codes) == (503, ["STORE_UNAVAILABLE"])
        assert reply.headers["retry-after"]
        assert (await known.ask(HEALTH)).status == 200

    async def test_a_jwt_waits_for_the_keys_of_its_issuer(self, open_gateway: OpenGateway, clock: HandClock) -> None:
        key = RSAKey.generate_key(2048, {"kid": "k"})
        end = int((clock.now + timedelta(hours=1)).timestamp())
        claims = {"iss": "i", "aud": "a", "exp": end, "shops": ["demo"], "scope": "orders:read"}
        token = jwt.encode({"alg": "RS256", "kid": "k"}, claims, key, algorithms=["RS256"])
        async with serving(orjson.dumps({"keys": [key.as_dict(private=False)]})) as url:
            auth = {"mode": "required", "jwt": {"issuer": "i", "audience": "a", "jwks_url": url}}
            async with open_gateway(auth=auth) as gateway:
                assert (await caller(gateway, token).ask(HEALTH)).status == 200
        async with open_gateway(auth=auth) as gateway:  # nobody answers at the address any more
            reply = await caller(gateway, token).ask(HEALTH)
        assert (reply.status, reply.codes) == (503, ["AUTHENTICATION_UNAVAILABLE"])


def spoil(store: Path) -> None:
    """Take the table of keys out of the store."""
    with closing(sqlite3.connect(store)) as connection:
        connection.execute("DROP TABLE api_keys")


@asynccontextmanager
async def serving(document: bytes) -> AsyncIterator[str]:
    """The address at which `document` is served."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(document)}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode() + document)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/keys"


class TestShops:
    @pytest.mark.parametrize(
        "query",
        [
            '{ order(by: {orderNumber: "1235"}, shop: "%s") { id } }',
            '{ orders(shop: "%s") { nodes { id } } }',
            '{ route(handle: "x", shop: "%s") { id } }',
            '{ providers(shop: "%s") { name } }',
            '{ registrations(shop: "%s") { nodes { id } } }',
            'mutation { refreshOrder(input: {order: {orderNumber: "1"}, shop: "%s"}) { userErrors { code } } }',
            'mutation { mintOrderToken(input: {order: {orderNumber: "1"}, shop: "%s"}) { userErrors { code } } }',
        ],
    )
    async def test_a_shop_of_others_is_as_one_that_does_not_exist(
        self, gateway: Gateway, keys: Keys, query: str
    ) -> None:
        mine = caller(gateway, await keys.make("admin"))
        theirs, nothing = await mine.ask(query % "south"), await mine.ask(query % "nowhere")
        assert theirs.codes == ["UNKNOWN_SHOP"]
        assert (theirs.data, theirs.errors) == (nothing.data, nothing.errors)

    async def test_ids_of_another_shop_lead_nowhere(
        self, gateway: Gateway, keys: Keys, plain_order: SimulatedOrder, other_providers: Providers
    ) -> None:
        everything = caller(gateway, await keys.make("admin", shops=None))
        found = await everything.data(READ, by={"orderNumber": plain_order.number}, shop="south")
        mine = caller(gateway, await keys.make("admin"))
        other_providers.forget_calls()
        reply = await mine.ask("query ($id: ID!) { node(id: $id) { id } }", id=found["order"]["id"])
        assert (reply.data, reply.errors) == ({"node": None}, [])
        assert (await mine.ask(READ, by={"id": found["order"]["id"]})).codes == ["UNKNOWN_SHOP"]
        assert other_providers.calls() == {}

    async def test_the_only_shop_of_a_caller_need_not_be_named(
        self, gateway: Gateway, keys: Keys, plain_order: SimulatedOrder
    ) -> None:
        mine = caller(gateway, await keys.make("orders:read"))
        assert (await mine.data("{ shop { slug } }"))["shop"] == {"slug": "north"}
        both = caller(gateway, await keys.make("orders:read", shops=("north", "south")))
        reply = await both.ask(READ, by={"orderNumber": plain_order.number})
        assert reply.errors[0]["extensions"]["shops"] == ["north", "south"]


class TestMinting:
    async def test_what_was_wrong_is_told_at_its_place(self, gateway: Gateway, keys: Keys) -> None:
        backend = caller(gateway, await keys.make("orders:read"))
        wrong = await backend.data(MINT, order={"orderNumber": "1235"}, seconds=59)
        assert wrong["mintOrderToken"] == {
            "token": None,
            "userErrors": [{"code": "BAD_USER_INPUT", "path": ["input", "expiresInSeconds"]}],
        }
        missing = await backend.data(MINT, order={"orderNumber": "no such order"})
        assert missing["mintOrderToken"] == {
            "token": None,
            "userErrors": [{"code": "ORDER_NOT_FOUND", "path": ["input", "order"]}],
        }

    async def test_only_who_may_see_personal_data_may_have_it_shown(
        self, gateway: Gateway, keys: Keys, plain_order: SimulatedOrder
    ) -> None:
        order = {"orderNumber": plain_order.number}
        reply = await caller(gateway, await keys.make("orders:read")).ask(MINT, order=order, personal=True)
        assert reply.codes == ["FORBIDDEN"]
        assert reply.errors[0]["extensions"]["scope"] == "personal:read"
        writer = await caller(gateway, await keys.make("orders:write")).ask(MINT, order=order)
        assert writer.errors[0]["extensions"]["scope"] == "orders:read"

    async def test_a_gateway_that_lets_anybody_in_makes_none(self, open_gateway: OpenGateway) -> None:
        async with open_gateway() as gateway:
            answer = await gateway.data(MINT, order={"orderNumber": "1"})
        assert answer["mintOrderToken"]["userErrors"] == [{"code": "ORDER_TOKENS_OFF", "path": ["input"]}]


class TestAnOrderToken:
    async def test_it_reads_its_order_by_number_and_by_id(
        self, gateway: Gateway, keys: Keys, plain_order: SimulatedOrder
    ) -> None:
        page = caller(gateway, await mint(gateway, keys, plain_order.number))
        found = await page.data(READ, by={"orderNumber": plain_order.number})
        assert found["order"]["orderNumber"] == plain_order.number
        assert found["order"]["emailId"] is None
        assert await page.data(READ, by={"id": found["order"]["id"]}) == found
        node = await page.data("query ($id: ID!) { node(id: $id) { id } }", id=found["order"]["id"])
        assert node["node"]["id"] == found["order"]["id"]
        assert (await page.data(HEALTH))["providers"]

    async def test_it_shows_personal_data_when_it_was_made_to(
        self, gateway: Gateway, keys: Keys, plain_order: SimulatedOrder
    ) -> None:
        query = "query ($by: OrderBy!) { order(by: $by) { address { city } masked } }"
        by = {"orderNumber": plain_order.number}
        shown = await caller(gateway, await mint(gateway, keys, plain_order.number, personal=True)).data(query, by=by)
        hidden = await caller(gateway, await mint(gateway, keys, plain_order.number)).data(query, by=by)
        assert shown["order"]["address"]["city"]
        assert shown["order"]["masked"] == []
        assert hidden["order"]["address"] is None

    async def test_it_reads_every_tracking_of_its_order_by_its_id(
        self, gateway: Gateway, keys: Keys, order: SimulatedOrder
    ) -> None:
        backend = caller(gateway, await keys.make("admin"))
        await backend.link(order)
        page = caller(gateway, await mint(gateway, keys, order.number))
        query = "query ($by: OrderBy!) { order(by: $by) { trackings { id } } }"
        found = await page.data(query, by={"orderNumber": order.number})
        ids = [tracking["id"] for tracking in found["order"]["trackings"]]
        nodes = await page.data("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=ids)
        assert len(ids) > 1
        assert [node["id"] for node in nodes["nodes"]] == ids

    async def test_no_other_order_is_reached_by_any_key(
        self, gateway: Gateway, keys: Keys, world: World, order: SimulatedOrder, providers: Providers
    ) -> None:
        other = next(each for each in world.orders if each.number != order.number and each.paypal_order_id)
        backend = caller(gateway, await keys.make("admin"))
        await backend.link(other)
        full = "query ($by: OrderBy!) { order(by: $by) { externalId orderName uuid trackings { trackingNumber } } }"
        known = (await backend.data(full, by={"orderNumber": other.number}))["order"]
        page = caller(gateway, await mint(gateway, keys, order.number))
        providers.forget_calls()
        numbers = [each["trackingNumber"] for each in known["trackings"] if each["trackingNumber"]]
        for by in (
            {"orderNumber": other.number},
            {"orderName": known["orderName"] or "x"},
            {"externalId": known["externalId"]},
            {"uuid": known["uuid"]},
            {"paypalOrderId": other.paypal_order_id},
            {"invoiceNumber": other.number},
            {"orderHandle": other.number},
            {"trackingNumber": numbers[0] if numbers else "x"},
        ):
            reply = await page.ask(READ, by=by)
            assert (reply.data, reply.codes) == ({"order": None}, ["FORBIDDEN"]), by
        assert providers.calls() == {}, "nobody is asked, so not even the time tells whether there is such an order"

    async def test_no_other_thing_is_reached_by_any_id(
        self, gateway: Gateway, keys: Keys, world: World, order: SimulatedOrder
    ) -> None:
        backend = caller(gateway, await keys.make("admin"))
        query = "query ($by: OrderBy!) { order(by: $by) { id trackings { id ... on RouteTracking { route { id } } } } }"
        ids = []
        for other in world.orders:
            if other.number != order.number and len(ids) < 40:
                if other.paypal_order_id:
                    await backend.link(other)
                found = (await backend.data(query, by={"orderNumber": other.number}))["order"]
                ids += [found["id"], *(each["id"] for each in found["trackings"])]
                ids += [each["route"]["id"] for each in found["trackings"] if each.get("route")]
        registered = await backend.data(
            'mutation ($number: String!) { createInvoiceTracker(input: {invoiceNumber: $number, carrierCode: "DHL", '
            'trackAndTrace: "00340434161094015902"}) { tracker { id } } }',
            number=world.orders[-1].number,
        )
        ids.append(registered["createInvoiceTracker"]["tracker"]["id"])
        page = caller(gateway, await mint(gateway, keys, order.number))
        nodes = await page.ask("query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }", ids=ids)
        assert nodes.errors == []
        assert nodes.data == {"nodes": [None] * len(ids)}
        assert len(ids) > 10

    @pytest.mark.parametrize(
        "query",
        [
            "{ orders { nodes { id } } }",
            "{ registrations { nodes { id } } }",
            '{ route(handle: "x") { id } }',
            '{ registration(id: "x") { id } }',
            'mutation { refreshOrder(input: {order: {orderNumber: "%s"}}) { userErrors { code } } }',
            'mutation { mintOrderToken(input: {order: {orderNumber: "%s"}}) { userErrors { code } } }',
            'mutation { updateOrder(input: {order: {orderNumber: "%s"}, expectedShipments: 2}) { order { id } } }',
        ],
    )
    async def test_it_neither_searches_nor_changes_anything(
        self, gateway: Gateway, keys: Keys, plain_order: SimulatedOrder, providers: Providers, query: str
    ) -> None:
        page = caller(gateway, await mint(gateway, keys, plain_order.number))
        providers.forget_calls()
        reply = await page.ask(query.replace("%s", plain_order.number))
        assert reply.codes == ["FORBIDDEN"]
        assert providers.calls() == {}

    async def test_the_same_number_of_another_shop_is_another_order(
        self, gateway: Gateway, keys: Keys, plain_order: SimulatedOrder
    ) -> None:
        page = caller(gateway, await mint(gateway, keys, plain_order.number, "south"))
        assert (await page.ask(READ, by={"orderNumber": plain_order.number}, shop="north")).codes == ["UNKNOWN_SHOP"]
        assert (await page.data("{ shop { slug } }"))["shop"] == {"slug": "south"}

    async def test_a_jwt_with_the_claim_is_one(
        self, gateway: Gateway, clock: HandClock, plain_order: SimulatedOrder
    ) -> None:
        token = jwt_of(clock, shops=["north"], scope="admin", order={"orderNumber": plain_order.number})
        page = caller(gateway, token)
        assert (await page.data(READ, by={"orderNumber": plain_order.number}))["order"]
        assert (await page.ask("{ orders { nodes { id } } }")).codes == ["FORBIDDEN"]

    async def test_it_expires(
        self, gateway: Gateway, keys: Keys, clock: HandClock, plain_order: SimulatedOrder
    ) -> None:
        page = caller(gateway, await mint(gateway, keys, plain_order.number))
        clock.now += timedelta(seconds=3600)
        assert (await page.ask(HEALTH)).status == 401

    async def test_its_secret_is_changed_without_a_restart(
        self, gateway: Gateway, keys: Keys, plain_order: SimulatedOrder, secrets: Mapping[str, Path]
    ) -> None:
        old = caller(gateway, await mint(gateway, keys, plain_order.number))
        await asyncio.to_thread(secrets["order"].write_text, f"{'n' * 40}\n{ORDER_SECRET}\n", "utf-8")
        new = caller(gateway, await mint(gateway, keys, plain_order.number))
        assert [(await each.ask(HEALTH)).status for each in (old, new)] == [200, 200]
        await asyncio.to_thread(secrets["order"].write_text, "n" * 40, "utf-8")
        assert [(await each.ask(HEALTH)).status for each in (old, new)] == [401, 200]


CALLS = 10_000
IN_A_REQUEST = 10
AT_ONCE = 20
"""Requests."""

QUESTIONS = (
    "query ("
    + ", ".join(f"$n{place}: String!" for place in range(IN_A_REQUEST))
    + ") { shop { slug } "
    + " ".join(f"n{place}: order(by: {{orderNumber: $n{place}}}) {{ ...seen }}" for place in range(IN_A_REQUEST))
    + " } fragment seen on Order { id uuid shop { slug } trackings { id } }"
)
SHOPS = ("north", "south")


async def test_two_shops_with_the_same_order_numbers_never_cross(
    gateway: Gateway, keys: Keys, world: World, other_providers: Providers, clock: HandClock
) -> None:
    """10,000 calls of two shops in turns: hits, misses, loads that many share, renewals behind answers, failures."""
    numbers = [order.number for order in world.orders[:20]]
    callers = {shop: caller(gateway, await keys.make("admin", shops=(shop,))) for shop in SHOPS}
    uuids = {
        "north": {order.number: order.uuid for order in orders_of()},
        "south": {order.number: order.uuid for order in orders_of(OTHER_SEED)},
    }
    crossed: list[tuple[str, str, Any]] = []
    answered = dict.fromkeys(SHOPS, 0)
    trackings: dict[str, set[str]] = {shop: set() for shop in SHOPS}

    async def ask(shop: str, first: int) -> None:
        asked = [numbers[(first + place) % len(numbers)] for place in range(IN_A_REQUEST)]
        reply = await callers[shop].ask(QUESTIONS, **{f"n{place}": number for place, number in enumerate(asked)})
        assert reply.data is not None
        if reply.data["shop"]["slug"] != shop or (shop == "north" and reply.errors):
            crossed.append((shop, "", reply))  # only the other shop's providers ever fail
        for place, number in enumerate(asked):
            order = reply.data[f"n{place}"]
            if order is None:
                continue
            answered[shop] += 1
            trackings[shop] |= {tracking["id"] for tracking in order["trackings"] or ()}
            if order["shop"]["slug"] != shop or order["uuid"] not in (None, uuids[shop][number]):
                crossed.append((shop, number, order))

    for batch in range(CALLS // IN_A_REQUEST // AT_ONCE):
        if batch % 10 == 3:
            other_providers.fail("karla")
        if batch % 10 == 6:
            other_providers.mend()
        if batch % 10 in (4, 8):
            clock.now += timedelta(hours=7)
        await asyncio.gather(*(ask(SHOPS[place % 2], batch + place // 2) for place in range(AT_ONCE)))

    assert crossed == []
    assert min(answered.values()) > CALLS // 4
    assert all(trackings.values())
    assert trackings["north"].isdisjoint(trackings["south"])
