"""Who a client says that it is, as far as that may stand in metrics and logs.

A header can say anything, so what is taken from it is bounded: names that the settings list, and a number of versions
of each.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

OTHER: Final = "other"
NONE: Final = "none"

MOST_VERSIONS: Final = 20
"""Versions that one client is told apart by, in each process. Each is a time series that Prometheus keeps."""

_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+_-]{0,31}")


@dataclass(frozen=True, slots=True)
class Client:
    """What a client calls itself, bounded."""

    name: str = NONE
    version: str = NONE


UNNAMED: Final = Client()

CLIENT: ContextVar[Client | None] = ContextVar("client", default=None)
"""The client that is being answered, set by the HTTP layer."""


class KnownClients:
    """Tells clients by the `names` that the settings list. Every other name is `other`, as is a version too many."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._names = frozenset(names)
        self._versions: defaultdict[str, set[str]] = defaultdict(set)

    def client(self, name: str | None, version: str | None) -> Client:
        """The client that sends `name` and `version`, each None where it sends none."""
        if not name:
            return UNNAMED
        if name not in self._names:
            return Client(OTHER)
        return Client(name, self._version(name, version))

    def _version(self, name: str, version: str | None) -> str:
        if not version:
            return NONE
        versions = self._versions[name]
        if version in versions:
            return version
        if len(versions) >= MOST_VERSIONS or not _VERSION.fullmatch(version):
            return OTHER
        versions.add(version)
        return version
