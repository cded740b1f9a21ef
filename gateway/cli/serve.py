"""`trackgraph serve`: the gateway with the settings that it is given."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

from gateway.app import create_app
from gateway.cli.output import tell
from gateway.cli.serving import listen, run_until_interrupted, run_workers, serve_app, url_of
from gateway.settings import CONFIG_VARIABLE, load_settings, startup_warnings
from gateway.telemetry import configure_logging


def serve(config: Path | None, host: str | None, port: int | None, workers: int | None) -> None:
    """Serve until a signal; what is not None wins over the settings. Raises what keeps the gateway from starting."""
    set_in_environment(config=config, host=host, port=port, workers=workers)
    settings = load_settings(os.environ)
    server = settings.server
    configure_logging(server.log_level, server.log_format, access_log=server.access_log)
    for warning in startup_warnings(settings):
        tell(warning)
    with listen(settings.server.host, settings.server.port) as listener:
        announce = partial(tell, f"serving {url_of(listener)}/graphql")
        app = create_app(settings)
        if settings.server.workers > 1:
            run_workers(settings, app, listener, announce)
        else:
            run_until_interrupted(serve_app(settings, app, listener, announce))


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
