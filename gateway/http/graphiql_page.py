"""The GraphiQL page for a browser, and the files it loads.

The files are a bundle built from `frontend/`, whose README states the contract between the two: names, configuration,
policy. This module knows the bundle's folder and nothing of GraphQL.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from gateway.http.refusal import HttpRefusal, refusal_response
from gateway.http.response import etag, is_held
from gateway.schema.errors import ErrorCode

BUNDLE: Final = Path(__file__).parent / "graphiql" / "static"
EXAMPLES: Final = Path(__file__).parent / "graphiql" / "examples"

ENTRY: Final = "graphiql.js"
HASHED_FOLDER: Final = "assets/"

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "script-src 'self'; worker-src 'self'; style-src 'self' 'unsafe-inline'; "
    "font-src 'self' data:; img-src 'self' data:; connect-src 'self'"
)
"""Styles need 'unsafe-inline': the Monaco editor writes style elements. Workers obey the policy they come with."""

MEDIA_TYPES: Final[Mapping[str, str]] = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".ttf": "font/ttf",
    ".woff2": "font/woff2",
    ".json": "application/json",
    ".txt": "text/plain; charset=utf-8",
}

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="{mount}/favicon.svg" type="image/svg+xml">
<link rel="stylesheet" href="{mount}/graphiql.css">
<script type="application/json" id="graphiql-config">{config}</script>
<script type="module" src="{mount}/graphiql.js"></script>
</head>
<body>
<div id="graphiql"></div>
</body>
</html>
"""

_NOT_BUILT = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title}</title>
</head>
<body>
<h1>GraphiQL is not built</h1>
<p>The gateway runs, and programs can query it at this address. The page for browsers is missing:
run <code>make graphiql</code> in the source tree and restart the gateway.</p>
</body>
</html>
"""


@dataclass(frozen=True, slots=True)
class Tab:
    """One tab that a browser opens on its first visit. `variables` is JSON as text."""

    query: str
    variables: str | None = None


def example_tabs(folder: Path = EXAMPLES) -> tuple[Tab, ...]:
    """A tab for each `*.graphql`, in the order of their names; the `.json` beside it holds the variables."""
    return tuple(
        Tab(source.read_text("utf-8"), variables.read_text("utf-8") if variables.is_file() else None)
        for source in sorted(folder.glob("*.graphql"))
        for variables in [source.with_suffix(".json")]
    )


class GraphiqlPage:
    """The page at the endpoint and its files under `mount`. The bundle is looked at once, when this is made."""

    def __init__(
        self,
        *,
        endpoint: str = "/graphql",
        mount: str = "/graphiql",
        title: str = "Trackgraph",
        tabs: Sequence[Tab] = (),
        bundle: Path = BUNDLE,
    ) -> None:
        self._mount = mount
        self._files = _bundle_files(bundle)
        self._built = ENTRY in self._files
        config = {"endpoint": endpoint, "title": title, "defaultTabs": [_tab_config(tab) for tab in tabs]}
        template = _PAGE if self._built else _NOT_BUILT
        self._html = template.format(title=html.escape(title), mount=mount, config=script_json(config))

    def response(self) -> Response:
        """The page; with status 503 one that says how to build it, when the bundle is not there."""
        return Response(
            self._html,
            status_code=200 if self._built else 503,
            media_type="text/html",
            headers={
                "Cache-Control": "no-store",
                "Content-Security-Policy": CONTENT_SECURITY_POLICY,
                "Vary": "Accept",
            },
        )

    def routes(self) -> list[Route]:
        """The files of the bundle."""
        return [Route(f"{self._mount}/{{name:path}}", self._file, methods=["GET"])]

    async def _file(self, request: Request) -> Response:
        # Names are looked up, never joined to a path: nothing outside the bundle can be named.
        found = self._files.get(request.path_params["name"])
        if found is None:
            refusal = HttpRefusal(404, ErrorCode.NOT_FOUND, "The GraphiQL bundle has no such file.")
            return refusal_response(refusal, request.headers.get("accept"))
        if is_held(found.headers["ETag"], request.headers.get("if-none-match")):
            return Response(status_code=304, headers=found.headers)
        return FileResponse(found.path, media_type=found.media_type, headers=found.headers)


@dataclass(frozen=True, slots=True)
class _BundleFile:
    path: Path
    media_type: str
    headers: Mapping[str, str]


def _bundle_files(bundle: Path) -> dict[str, _BundleFile]:
    """Every file of the bundle by its name relative to it; none when the bundle is not there."""
    return {
        path.relative_to(bundle).as_posix(): _bundle_file(path, path.relative_to(bundle).as_posix())
        for path in sorted(bundle.rglob("*"))
        if path.is_file()
    }


def _bundle_file(path: Path, name: str) -> _BundleFile:
    hashed = name.startswith(HASHED_FOLDER)
    headers = {
        "Cache-Control": "public, max-age=31536000, immutable" if hashed else "no-cache",
        "ETag": etag(path.read_bytes()),
        "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    }
    return _BundleFile(path, MEDIA_TYPES.get(path.suffix, "application/octet-stream"), headers)


def _tab_config(tab: Tab) -> dict[str, str]:
    return {"query": tab.query} if tab.variables is None else {"query": tab.query, "variables": tab.variables}


def script_json(value: Any) -> str:
    """`value` as JSON that cannot end the script element it stands in."""
    return orjson.dumps(value).decode().replace("<", "\\u003c")
