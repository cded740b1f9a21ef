"""Serves one ASGI application over real HTTP inside a running event loop; it knows nothing of simulators.

uvicorn's own server takes over the process's signals, and takes a tenth of a second to stop. A server that tests start
and stop by the hundred uses uvicorn's HTTP protocol with asyncio's server instead.
"""

from __future__ import annotations

import asyncio
import socket
from types import TracebackType
from typing import Any, Self

from starlette.types import ASGIApp
from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from providers.simulation.faults import TRANSPORT

LOOPBACK = "127.0.0.1"
_STOPPING_SECONDS = 1
"""How long an answer that is being written may take to end when the server stops."""


class _Connection(HttpToolsProtocol):
    """One connection. It shows each request its transport, for the faults that break it, and tells when it is lost."""

    def __init__(self, config: Config, server_state: ServerState) -> None:
        super().__init__(config=config, server_state=server_state, app_state={})
        self.lost = asyncio.Event()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn's own
        super().connection_made(transport)
        self.app_state: dict[str, Any] = {TRANSPORT: transport}

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.lost.set()


class HttpServer:
    """Serves `app` on loopback, as an async context manager or between `start` and `stop`.

    `port` 0 takes any free one; `url` tells which once started. The application gets no lifespan events.
    """

    def __init__(self, app: ASGIApp, port: int = 0, host: str = LOOPBACK) -> None:
        self._address = (host, port)
        self._state = ServerState()
        self._config = Config(app, ws="none", log_config=None, access_log=False)
        self._listener: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """The port it listens on. Raises `RuntimeError` before `start` and after `stop`."""
        if self._listener is None:
            raise RuntimeError("the server is not started")
        port: int = self._listener.sockets[0].getsockname()[1]
        return port

    @property
    def url(self) -> str:
        """Where it listens, without a slash at the end. Raises `RuntimeError` before `start` and after `stop`."""
        return f"http://{self._address[0]}:{self.port}"

    async def start(self) -> None:
        """Listen; requests are answered when this returns. Raises `OSError` when the port is taken."""
        listening = _listening(self._address)
        self._listener = await asyncio.get_running_loop().create_server(
            lambda: _Connection(self._config, self._state), sock=listening
        )

    async def stop(self) -> None:
        """Close every connection, answered or not, and the port. Does nothing before `start`."""
        if self._listener is None:
            return
        self._listener.close()
        self._listener = None
        connections = [each for each in self._state.connections if isinstance(each, _Connection)]
        for connection in connections:
            connection.transport.abort()
        await asyncio.gather(*(connection.lost.wait() for connection in connections))
        await _ended(set(self._state.tasks))

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        await self.stop()


async def _ended(requests: set[asyncio.Task[None]]) -> None:
    """Wait a little for the requests that are being answered, then cancel the rest."""
    if not requests:
        return
    _, lasting = await asyncio.wait(requests, timeout=_STOPPING_SECONDS)
    for request in lasting:
        request.cancel()
    await asyncio.gather(*lasting, return_exceptions=True)


def _listening(address: tuple[str, int]) -> socket.socket:
    # asyncio turns Nagle's algorithm off only for sockets that name their protocol; with it, each answer takes 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise OSError(error.errno, f"cannot listen on {address[0]}:{address[1]}: {error.strerror}") from error
    return listener
