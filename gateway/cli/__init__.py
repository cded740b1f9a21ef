"""The command `trackgraph`: reads options and prints; what it does is elsewhere."""

from __future__ import annotations

import sys

EXIT_INTERRUPTED = 130
"""128 and the number of SIGINT, as shells count."""


def main() -> None:
    """The entry point. Nothing that happens shows a traceback, not even Ctrl-C while modules are still loading."""
    try:
        from gateway.cli.program import run  # noqa: PLC0415  # loading takes a second, and Ctrl-C may come in it

        sys.exit(run())
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)
