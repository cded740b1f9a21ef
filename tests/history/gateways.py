"""A gateway in a process of its own, as an operator starts it, that is killed without a warning."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import httpx

TRACKGRAPH = Path(sys.executable).with_name("trackgraph")

PROGRAM = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from gateway.cli import main; main()"
)
"""The command as a program of Python's. Tests that run in the background of a shell ignore Ctrl-C, and so would what
they start."""

PATIENCE_SECONDS = 60
"""For a gateway to start on a busy machine; a healthy one takes three."""


class GatewayProcess:
    """`trackgraph serve` on a port of its own, with the settings in `config`."""

    def __init__(self, config: Path, log: Path) -> None:
        self._config = config
        self._log = log
        self._port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    async def start(self) -> None:
        """Start, and wait until it is ready."""
        with self._log.open("ab") as log:
            command = [str(TRACKGRAPH), "serve", "--config", str(self._config), "--port", str(self._port)]
            self._process = subprocess.Popen(command, stdout=log, stderr=log)  # noqa: ASYNC220, S603  # our own words
        async with (
            asyncio.timeout(PATIENCE_SECONDS),
            httpx.AsyncClient(base_url=self.url, trust_env=False) as client,
        ):
            while not await _is_ready(client):
                assert self._process.poll() is None, f"the gateway does not start: {self._log.read_text('utf-8')}"
                await asyncio.sleep(0.05)

    def kill(self) -> None:
        """End it as a power cut would: nothing is finished, nothing given back."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(PATIENCE_SECONDS)
            self._process = None

    async def restart(self) -> None:
        self.kill()
        await self.start()


def write_settings(path: Path, store_url: str, providers: Mapping[str, Mapping[str, str]]) -> Path:
    """A settings file of one shop, `demo`, with these providers over this store."""
    lines = ["[store]", f'url = "{store_url}"', "[server]", 'log_level = "error"']
    for provider, settings in providers.items():
        lines.append(f"[shops.demo.{provider}]")
        lines += [f'{name} = "{value}"' for name, value in settings.items()]
    path.write_text("\n".join(lines), "utf-8")
    return path


async def _is_ready(client: httpx.AsyncClient) -> bool:
    try:
        return (await client.get("/readyz")).status_code == 200
    except httpx.TransportError:
        return False


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
