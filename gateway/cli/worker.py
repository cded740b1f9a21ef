"""What a worker process is started with. Its supervisor sends it by pickle, so that this module is imported first, and
imports nothing of the gateway that takes time: a worker answers its supervisor before it has loaded."""

from __future__ import annotations

import uvicorn

from gateway.cli.loading import loading


class ServerConfig(uvicorn.Config):
    """uvicorn's configuration, whose application and connection are named by strings: loaded where they are used."""

    def load(self) -> None:
        with loading():
            super().load()
