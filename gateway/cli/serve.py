"""`trackgraph serve`: the gateway with the settings that it is given."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.output import tell
from gateway.cli.serving import listen, run_until_interrupted, run_workers, serve_app, url_of
from gateway.settings import CONFIG_VARIABLE, load_settings, startup_warnings
from gateway.telemetry import configure_logging

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help=f"TOML file with the settings. [env: {CONFIG_VARIABLE}]"),
]


def serve(
    config: ConfigOption = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on, instead of server.host.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port, instead of server.port.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes, instead of server.workers.")] = None,
) -> None:
    """Serve the gateway until it is stopped."""
    set_in_environment(config=config, host=host, port=port, workers=workers)
    settings = load_settings(os.environ)
    configure_logging(settings.server.log_level)
    for warning in startup_warnings(settings):
        tell(warning)

    from gateway.app import create_app  # noqa: PLC0415  # the whole gateway: no other command should wait for it

    listener = listen(settings.server.host, settings.server.port)
    with listener:
        if settings.server.workers > 1:
            run_workers(settings, create_app(settings), listener)
        else:
            announce = partial(tell, f"serving {url_of(listener)}/graphql")
            run_until_interrupted(serve_app(settings, create_app(settings), listener, announce))


def set_in_environment(
    *, config: Path | None, host: str | None = None, port: int | None = None, workers: int | None = None
) -> None:
    """Put options where settings come from: the environment, which the processes of several workers inherit."""
    options = {
        CONFIG_VARIABLE: config,
        "TRACKGRAPH_SERVER__HOST": host,
        "TRACKGRAPH_SERVER__PORT": port,
        "TRACKGRAPH_SERVER__WORKERS": workers,
    }
    os.environ.update({variable: str(option) for variable, option in options.items() if option is not None})
