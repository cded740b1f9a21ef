"""The head of a request: what is known before its body is read, and where all layers find it."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.types import Scope

from gateway.telemetry import observing

Header = tuple[bytes, bytes]
"""A name in lower case, and a value."""


class RequestHead:
    """The headers of a request by their names in lower case; of one that is repeated, the first.

    They are put into a table once: looking through the list of them for each header, as often as some layer wants one,
    took a tenth of the time of a request that is answered from memory.
    """

    __slots__ = ("_headers", "_lines", "address", "method", "path")

    def __init__(self, method: str, path: str, headers: Sequence[Header], address: str | None = None) -> None:
        self._lines = headers
        self._headers: dict[bytes, bytes] = dict(reversed(headers))
        self.method = method
        self.path = path
        self.address = address

    @classmethod
    def of(cls, scope: Scope) -> RequestHead:
        """The head of the request in `scope`."""
        client = scope.get("client")
        return cls(scope["method"], scope["path"], scope["headers"], client[0] if client else None)

    def get(self, name: bytes) -> str | None:
        """The value of the header `name`, which is in lower case; None where it is absent."""
        value = self._headers.get(name)
        return None if value is None else value.decode("latin-1")

    @property
    def accept(self) -> str | None:
        """What the client takes: all its lines as one list (RFC 9110, section 5.3); None where it does not say."""
        lines = [value for name, value in self._lines if name == b"accept"]
        return b", ".join(lines).decode("latin-1") if lines else None

    def first(self, names: tuple[bytes, ...]) -> str | None:
        """The value of the first header of `names` that has one."""
        for name in names:
            if name in self._headers and (value := self.get(name)):
                return value
        return None


def request_id(scope: Scope) -> str:
    """The id of the request in `scope`."""
    identity: str = scope["state"]["request_id"]
    return identity


def head_of(scope: Scope) -> RequestHead:
    """The head of the request in `scope`."""
    head: RequestHead = scope["state"]["head"]
    return head


def is_answered(scope: Scope) -> bool:
    """Whether an answer to the request in `scope` has begun."""
    observed: observing.request = scope["state"]["observed"]
    return observed.status is not None


def note_request(scope: Scope, identity: str, head: RequestHead, observed: observing.request) -> None:
    """Put into `scope` what the functions above find there."""
    state = scope.setdefault("state", {})
    state["request_id"] = identity
    state["head"] = head
    state["observed"] = observed
