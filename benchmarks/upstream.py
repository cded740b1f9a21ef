"""The providers' reading calls by nginx, which answers far faster than any gateway asks, for a shop of any size.

nginx takes any credentials and knows no filter but Karla's `order_number`: an order is a template with the number that
was asked for put in, at all three providers. Any other search at Karla gets the page. Paths and shapes are those of the
Karla API reference (Search Orders), of PayPal's Orders v2 OpenAPI 2.13 and of HyperTrack's API reference.
"""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import orjson

from benchmarks.client import connections
from benchmarks.processes import Child, pinned
from benchmarks.shop_data import NUMBER_DIGITS, Json
from benchmarks.toolchain import find_tool

ANY_NUMBER = "9" * NUMBER_DIGITS
"""Stands for an order's number in a template."""

ALL_ORDERS = "."
"""The pattern of every number."""

SLUG = "bench"
"""The shop's name at Karla."""

_COUNT_PATH = "/_calls"
_PAGE_FILE = "page.json"

_CONFIGURATION = """\
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log stderr notice;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  sendfile on;
  keepalive_requests 1000000000;
  keepalive_timeout 1h;
  open_file_cache max=100 inactive=1h;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  types {{ application/json json; }}
  map $arg_order_number $template {{
{templates}
  }}
  server {{
    listen 127.0.0.1:{port};
    root {folder};
    sub_filter_types application/json;
    sub_filter_once off;

    location = /v1/shops/{slug}/orders {{
      if ($arg_order_number) {{ rewrite ^ /$template last; }}
      rewrite ^ /{page} last;
    }}
    location = /{page} {{ internal; }}
    location /order- {{
      internal;
      sub_filter '{number}' $arg_order_number;
    }}
    location ~ ^/v2/checkout/orders/(?<paypal_order>[0-9]+)$ {{
      sub_filter '{number}' $paypal_order;
      try_files /paypal.json =404;
    }}
    location ~ ^/orders/(?<handle>[0-9]+)$ {{
      sub_filter '{number}' $handle;
      try_files /hypertrack.json =404;
    }}
    location = /v1/oauth2/token {{
      default_type application/json;
      return 200 '{token}';
    }}
    location = {count_path} {{ stub_status; }}
  }}
}}
"""

_TOKEN = '{"access_token": "benchmark", "token_type": "Bearer", "expires_in": 32400}'  # noqa: S105  # nobody's

_SAMPLES = {"paypal": "id", "hypertrack": "order_handle"}
"""Provider -> the member of its sample order that is the order's name."""


@dataclass(frozen=True, slots=True)
class Upstream:
    """A running upstream; `url` is the address of every provider's API."""

    url: str

    @property
    def karla(self) -> dict[str, str]:
        """The settings of a shop's Karla account here."""
        return {"base_url": self.url, "slug": SLUG, "api_key": "none"}

    async def count_calls(self) -> int:
        """How many requests it has had so far, this one included."""
        async with connections(self.url, 1) as (connection,):
            status = (await connection.get(_COUNT_PATH)).decode().splitlines()
        # "Active connections: 2", a line of names, then accepted, handled and requests as three numbers.
        return int(status[2].split()[2])


@asynccontextmanager
async def upstream(
    folder: Path, orders: Mapping[str, Json], page: Sequence[Json] = (), core: int | None = None
) -> AsyncIterator[Upstream]:
    """nginx in `folder`, on the processor `core` alone when one is given.

    `orders` are templates, orders by the name of `ANY_NUMBER`, each under the pattern of the numbers that it is for;
    `page` is the answer to any other search.
    """
    names = {pattern: f"order-{place}.json" for place, pattern in enumerate(orders)}
    answers: dict[str, object] = {_PAGE_FILE: page}
    answers |= {names[pattern]: [order] for pattern, order in orders.items()}
    answers |= {f"{provider}.json": _sample(provider, member) for provider, member in _SAMPLES.items()}
    for name, answer in answers.items():
        (folder / name).write_bytes(orjson.dumps(answer))
    port = _free_port()
    configuration = folder / "nginx.conf"
    configuration.write_text(
        _CONFIGURATION.format(
            folder=folder,
            port=port,
            slug=SLUG,
            number=ANY_NUMBER,
            page=_PAGE_FILE,
            token=_TOKEN,
            count_path=_COUNT_PATH,
            templates="\n".join(f'    "~{pattern}" {name};' for pattern, name in names.items()),
        )
    )
    command = [find_tool("nginx") or "nginx", "-c", str(configuration), "-p", str(folder)]
    async with Child(command if core is None else pinned(command, core), r"notice\].*(nginx/\S+)"):
        yield Upstream(f"http://127.0.0.1:{port}")


def _sample(provider: str, name: str) -> Json:
    """The provider's sample of an order, called `ANY_NUMBER`."""
    sample: Json = orjson.loads((files(f"providers.{provider}") / "samples" / "order.json").read_bytes())
    return {**sample, name: ANY_NUMBER}


def _free_port() -> int:
    """A port that nobody listens on at this moment; nginx cannot be told to choose one."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port
