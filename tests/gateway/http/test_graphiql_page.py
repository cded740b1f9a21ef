"""A browser gets the GraphiQL page and its files from the gateway; everyone else gets GraphQL."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import orjson
import pytest

from gateway.http import GraphiqlPage, example_tabs

BROWSER = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


def config(page: str) -> dict[str, object]:
    found = re.search(r'<script type="application/json" id="graphiql-config">(.*?)</script>', page, re.DOTALL)
    assert found
    return dict(orjson.loads(found[1]))


async def test_a_browser_gets_the_page(browser: httpx.AsyncClient) -> None:
    response = await browser.get("/graphql", headers=BROWSER)
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.headers["vary"] == "Accept"
    assert '<script type="module" src="/graphiql/graphiql.js"></script>' in response.text
    assert '<link rel="stylesheet" href="/graphiql/graphiql.css">' in response.text
    assert '<div id="graphiql"></div>' in response.text


async def test_the_policy_allows_no_script_but_our_own(browser: httpx.AsyncClient) -> None:
    policy = (await browser.get("/graphql", headers=BROWSER)).headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy


async def test_the_configuration_cannot_end_its_element(browser: httpx.AsyncClient) -> None:
    page = (await browser.get("/graphql", headers=BROWSER)).text
    assert "Acme </script>" not in page
    assert config(page) == {
        "endpoint": "/graphql",
        "title": "Acme </script>",
        "defaultTabs": [{"query": "{ hello } # </script>"}, {"query": "{ a }", "variables": '{"b": 1}'}],
    }


async def test_the_page_does_not_stand_in_the_way_of_queries(browser: httpx.AsyncClient) -> None:
    response = await browser.get("/graphql?query={hello}")
    assert response.json() == {"data": {"hello": "hello world"}}


async def test_without_a_page_a_browser_gets_graphql(client: httpx.AsyncClient) -> None:
    response = await client.get("/graphql?query={hello}", headers=BROWSER)
    assert response.json() == {"data": {"hello": "hello world"}}


@pytest.mark.parametrize(
    ("name", "media_type", "cache_control"),
    [
        ("graphiql.js", "text/javascript; charset=utf-8", "no-cache"),
        ("graphiql.css", "text/css; charset=utf-8", "no-cache"),
        ("favicon.svg", "image/svg+xml", "no-cache"),
        ("assets/chunk-abc123.js", "text/javascript; charset=utf-8", "public, max-age=31536000, immutable"),
    ],
)
async def test_a_file_comes_with_its_type_and_how_long_it_may_be_kept(
    browser: httpx.AsyncClient, bundle: Path, name: str, media_type: str, cache_control: str
) -> None:
    response = await browser.get(f"/graphiql/{name}")
    assert response.content == (bundle / name).read_bytes()
    assert response.headers["content-type"] == media_type
    assert response.headers["cache-control"] == cache_control
    assert response.headers["x-content-type-options"] == "nosniff"
    again = await browser.get(f"/graphiql/{name}", headers={"if-none-match": response.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    "path",
    [
        "",
        "unknown.js",
        "assets",
        "assets/",
        "../outside.txt",
        "%2e%2e/outside.txt",
        "..%2foutside.txt",
        "assets/..%2f..%2foutside.txt",
        "//etc/passwd",
        "%2fetc%2fpasswd",
        "graphiql.js%00",
    ],
)
async def test_nothing_else_is_served(browser: httpx.AsyncClient, path: str) -> None:
    response = await browser.get(f"/graphiql/{path}")
    assert response.status_code == 404
    assert response.json()["errors"][0]["extensions"]["code"] == "NOT_FOUND"


def test_a_missing_bundle_gives_a_page_that_says_what_to_do(tmp_path: Path) -> None:
    response = GraphiqlPage(bundle=tmp_path / "nowhere").response()
    assert response.status_code == 503
    assert b"make graphiql" in response.body


def test_examples_become_tabs_in_the_order_of_their_names(tmp_path: Path) -> None:
    (tmp_path / "2-b.graphql").write_text("{ b }")
    (tmp_path / "1-a.graphql").write_text("query ($a: Int) { a }")
    (tmp_path / "1-a.json").write_text('{"a": 1}')
    assert [(tab.query, tab.variables) for tab in example_tabs(tmp_path)] == [
        ("query ($a: Int) { a }", '{"a": 1}'),
        ("{ b }", None),
    ]
