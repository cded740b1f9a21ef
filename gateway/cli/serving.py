"""Runs the gateway under uvicorn, for `serve` and `dev`; it knows nothing of settings files and simulators."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import socket
import time
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from types import FrameType
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.loops.auto import auto_loop_factory
from uvicorn.supervisors import Multiprocess

from gateway.app import app_from_environment
from gateway.cli.failures import CommandFailed
from gateway.cli.stopping import STOP_SECONDS, STOP_SIGNALS, Stoppable, ended_by_signals
from gateway.cli.worker import ServerConfig
from gateway.http.admission import admission_of
from gateway.http.routes import at_once_of
from gateway.settings import Settings
from gateway.telemetry import logging_config
from gateway.telemetry.metrics import shared_by_workers

WORKER_APP = "gateway.cli.serving:worker_app"
"""What each of several workers calls to make its own application."""

CONNECTION = "gateway.cli.connection:BoundedConnection"
"""What speaks HTTP on each connection."""

_LAST_ANSWERS_SECONDS = 1
"""How long a stopping server waits for the last answers to be written, when nothing is running any more."""

_WORKER_ANSWERS_SECONDS = 10
"""How long a worker may take to answer its supervisor, which kills it then. One that loads answers between two imports:
on a busy machine that can take more than uvicorn's 5 s, and no worker ever started. Less than `_WORKERS_SECONDS`."""

_WORKERS_SECONDS = STOP_SECONDS + 0.5
"""How long several workers have to stop, each of which takes `STOP_SECONDS` at most."""

_BIND_FAILURES = {
    errno.EADDRINUSE: "port {port} on {host} is taken; stop what uses it, or choose another one with --port",
    errno.EACCES: "port {port} is not open to this user; choose one from 1024 up with --port",
    errno.EADDRNOTAVAIL: "{host} is not an address of this machine; choose another one with --host",
}


def listen(host: str, port: int) -> socket.socket:
    """A socket that takes connections at `host` and `port` (0: any free one). Raises `CommandFailed`."""
    try:
        family, *_, address = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)[0]
    except socket.gaierror:
        raise CommandFailed(f"{host} is no address that this machine can resolve; choose another with --host") from None
    try:
        listener = socket.create_server(address[:2], family=family, backlog=2048)
    except OSError as error:
        text = _BIND_FAILURES.get(error.errno or 0, "cannot listen on {host}, port {port}: {reason}")
        raise CommandFailed(text.format(host=host, port=port, reason=error.strerror)) from None
    listener.set_inheritable(True)
    return listener


def url_of(listener: socket.socket) -> str:
    """The address that a browser on this machine takes to reach `listener`."""
    host, port = listener.getsockname()[:2]
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  # compared with, not bound to
    return f"http://[{reachable}]:{port}" if ":" in reachable else f"http://{reachable}:{port}"


def server_config(settings: Settings, app: ASGIApp | str) -> uvicorn.Config:
    """How uvicorn serves `app`, which is the name of a factory when there are several workers."""
    server = settings.server
    return ServerConfig(
        app,
        factory=isinstance(app, str),
        workers=server.workers,
        loop="auto",  # uvloop, but on Windows, where there is none
        http=CONNECTION,  # uvicorn takes a class, too, which its workers would load while they are unpickled
        interface="asgi3",
        ws="none",
        lifespan="on",
        server_header=False,
        proxy_headers=False,
        access_log=False,  # it would write query strings; the gateway has its own (`server.access_log`)
        log_config=logging_config(server.log_level, server.log_format, access_log=server.access_log),
        log_level=None,
        timeout_graceful_shutdown=_LAST_ANSWERS_SECONDS,
        timeout_worker_healthcheck=_WORKER_ANSWERS_SECONDS,
    )


class Startup:
    """An application that says when `app` has started, and keeps why it has not, in place of a printed traceback."""

    def __init__(self, app: Stoppable, on_started: Callable[[], None]) -> None:
        self.at_once = app.at_once
        self._app = app
        self._on_started = on_started
        self.failure: Exception | None = None

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        live_or_answer = self._live if scope["type"] == "lifespan" else self._app
        return live_or_answer(scope, receive, send)

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def watch(message: Message) -> None:
            if message["type"] == "lifespan.startup.failed":
                return  # Starlette raises why right after it; that is told, not the traceback that it sends
            await send(message)
            if message["type"] == "lifespan.startup.complete":
                self._on_started()

        try:
            await self._app(scope, receive, watch)
        except Exception as error:  # noqa: BLE001  # kept for `serve_app`, which raises it
            self.failure = error
            await send({"type": "lifespan.startup.failed", "message": ""})


async def serve_app(
    settings: Settings, app: Starlette, listener: socket.socket, on_started: Callable[[], None]
) -> None:
    """Serve `app` on `listener` until a signal. Raises what `app` raised if it does not start."""
    startup = Startup(stoppable(app), on_started)
    server = uvicorn.Server(server_config(settings, startup))
    try:
        await server.serve(sockets=[listener])
        # uvicorn raises Ctrl-C again when it has stopped; here it arrives, and not in somebody's cleaning up.
        await asyncio.sleep(0)
    except SystemExit:  # uvicorn's word for an application that did not start
        raise startup.failure or CommandFailed("the gateway did not start") from None


def run_until_interrupted(serving: Coroutine[Any, Any, None]) -> None:
    """Run `serving` on uvicorn's event loop. Ctrl-C and SIGTERM end it as planned: that is how a server is stopped."""
    with ended_by_signals(), asyncio.Runner(loop_factory=auto_loop_factory(use_subprocess=False)) as runner:
        runner.run(serving)


def run_workers(settings: Settings, trial: Starlette, listener: socket.socket, on_started: Callable[[], None]) -> None:
    """Serve with several processes until a signal.

    `trial` is started and stopped here first: what keeps it from starting is raised once and not by every worker, and
    the store is brought up to date by one process alone.
    """
    with ended_by_signals(), shared_by_workers():
        asyncio.run(_start_once(trial))
        on_started()
        Workers(server_config(settings, WORKER_APP), sockets=[listener]).run()


class Workers(Multiprocess):
    """uvicorn's supervisor, but in time: by itself it looks for signals between its looks at the workers, which take
    10 s when one hangs, and then waits for ever for a worker that does not stop."""

    def __init__(self, config: uvicorn.Config, sockets: list[socket.socket]) -> None:
        super().__init__(config, sockets)
        self._ends_at: float | None = None
        for number in STOP_SIGNALS:
            signal.signal(number, self._pass_on)

    def join_all(self) -> None:
        for worker in self.processes:
            worker.process.join(max(0.0, (self._ends_at or 0.0) - time.monotonic()))
            if worker.exitcode is None:
                worker.process.kill()
                worker.process.join()

    def _pass_on(self, number: int, _frame: FrameType | None) -> None:
        """Stop the workers at once; a second SIGTERM, from the supervisor itself, changes nothing for them."""
        self.signal_queue.append(number)
        self._ends_at = self._ends_at or time.monotonic() + _WORKERS_SECONDS
        for worker in self.processes:
            with suppress(ProcessLookupError):
                if worker.pid is not None:
                    os.kill(worker.pid, signal.SIGTERM)


def worker_app() -> ASGIApp:
    """The application of one of several workers, which finds its settings in the environment."""
    return stoppable(app_from_environment())


def stoppable(app: Starlette) -> Stoppable:
    """What a server is given in place of `app`: it stops in order, and answers at once what it can."""
    return Stoppable(app, admission_of(app), at_once_of(app))


async def _start_once(app: Starlette) -> None:
    async with app.router.lifespan_context(app):
        pass
