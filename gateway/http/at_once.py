"""Requests that are answered before the server has made a task of them: everything is at hand, and nothing unusual.

A server that knows how hands over each request that arrived in one piece (`AtOnce.answer`). Whatever would have to wait
for anything, be refused, or be treated in any special way is not answered here: it goes the way through the application
as if nobody had looked at it. What is answered is the same to the byte (`tests/scenarios/test_at_once.py`).

A request that is answered from memory takes 35 µs of CPU this way and 100 through the layers of an application, of
which half is the server's: task, events, messages, and headers that are put together and taken apart.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from gateway.auth.errors import AuthenticationError
from gateway.auth.principal import Principal
from gateway.http.admission import Admission
from gateway.http.bearer import Authenticate, bearer_token
from gateway.http.head import Header, RequestHead
from gateway.http.hosts import is_for
from gateway.http.middleware import (
    GRAPHQL_PATH,
    REQUEST_ID_HEADER,
    client_of,
    completed,
    new_request_id,
    well_formed_id,
)
from gateway.http.negotiation import DATA_TYPES, negotiate
from gateway.http.parameters import BodyLimits, from_body, require_json
from gateway.http.refusal import HttpRefusal
from gateway.http.response import answer_headers, header_lines
from gateway.schema.pipeline import Pipeline
from gateway.store.errors import StoreUnavailable
from gateway.telemetry import REQUEST_ID, observing
from gateway.telemetry.clients import CLIENT, Client, KnownClients
from gateway.telemetry.tracing import is_tracing

log = logging.getLogger(__name__)

HEADS: Final = 512
LONGEST_HEAD: Final = 4 * 1024
MOST_HEADERS: Final = 40
"""Heads that are remembered, and how large they may be: some 5 MiB when all are. Clients send the same one over and
over, and reading one takes as long as all the rest. A request with a larger head goes through the application."""

LONGEST: Final = 16 * 1024
"""Bytes of a body that is answered at once. A larger one goes through the application."""

BODIES: Final = 1_024
SHORT: Final = 2 * 1024
"""Short bodies that are remembered, and their bytes: what is asked often. Read, one takes ten times its bytes."""

_UNUSUAL: Final = (b"expect", b"upgrade", b"transfer-encoding")
"""Headers that ask the server for something special."""

_LENGTH: Final = b"\0length"
_IDENTITY: Final = b"\0identity"
"""What stands for the two values that differ in answers to the same head, where its answers are put together."""


@dataclass(frozen=True, slots=True)
class _Read:
    """What a head says. `answer` is what answers to it begin with, but for two values."""

    token: str | None
    client: Client
    identity: str | None
    answer: tuple[bytes, bytes, bytes]


class _Unusual(Exception):
    """A head is large, asks for something special, or is to be refused."""


class AtOnce:
    """Answers what POST requests to `path` ask, where that takes no waiting.

    `hosts` are the names that are answered to; None is any.
    """

    path: Final = GRAPHQL_PATH.encode()

    def __init__(
        self,
        pipeline: Pipeline,
        admission: Admission,
        *,
        authenticate: Authenticate,
        clients: KnownClients,
        body_limits: BodyLimits,
        hosts: frozenset[str] | None,
    ) -> None:
        self._pipeline = pipeline
        self._authenticate = authenticate
        self._admission = admission
        self._clients = clients
        self._longest = min(body_limits.max_bytes, LONGEST)
        self._hosts = hosts
        self._read = lru_cache(HEADS)(self._reading)
        self._asked = lru_cache(BODIES)(from_body)

    def answer(self, headers: Sequence[Header], body: bytes) -> tuple[bytes, bytes] | None:
        """The headers of the answer, with the empty line behind them, and its body; its status is 200.

        None for a request that has to take the way through the application. Nothing has come of it then. So it is with
        what nobody foresaw, which goes to the log: the application tells the client, if it fails there too.
        """
        try:
            return self._answer(headers, body)
        except Exception as error:
            # The outermost boundary: a server ends the connection of a request whose reading fails.
            log.error("a request could not be answered at once", exc_info=error)
            return None

    def _answer(self, headers: Sequence[Header], body: bytes) -> tuple[bytes, bytes] | None:
        begun = time.perf_counter()
        if not self._takes(headers, body):
            return None
        try:
            read = self._read(tuple(headers))
        except _Unusual:
            return None
        principal = self._principal(read.token)
        if principal is None:
            return None
        identity = read.identity or new_request_id()
        logged, known = REQUEST_ID.set(identity), CLIENT.set(read.client)
        try:
            content = self._content(body, identity, principal)
            if content is None:
                return None
            observing.request_answered("POST", GRAPHQL_PATH, read.client, 200, time.perf_counter() - begun)
        finally:
            CLIENT.reset(known)
            REQUEST_ID.reset(logged)
        before, between, behind = read.answer
        return b"%b%d%b%b%b" % (before, len(content), between, identity.encode(), behind), content

    def _takes(self, headers: Sequence[Header], body: bytes) -> bool:
        is_small = len(body) <= self._longest and len(headers) <= MOST_HEADERS
        return is_small and self._admission.has_room and not is_tracing()

    def _content(self, body: bytes, identity: str, principal: Principal) -> bytes | None:
        asked = self._asked if len(body) <= SHORT else from_body
        try:
            answer = self._pipeline.at_once(asked(body), request_id=identity, principal=principal)
        except HttpRefusal:
            return None
        return None if answer is None else answer.content

    def _principal(self, token: str | None) -> Principal | None:
        """Who sends `token`, where nobody has to be asked."""
        try:
            known = self._authenticate(token)
        except (AuthenticationError, StoreUnavailable):
            return None
        if isinstance(known, Principal):
            return known
        known.close()
        return None

    def _reading(self, headers: tuple[Header, ...]) -> _Read:
        """What the head says. Raises `_Unusual`, which is not remembered."""
        if sum(len(name) + len(value) for name, value in headers) > LONGEST_HEAD:
            raise _Unusual
        head = RequestHead("POST", GRAPHQL_PATH, headers)
        media_type = negotiate(head.accept, DATA_TYPES)
        is_usual = not any(head.get(name) is not None for name in _UNUSUAL) and media_type is not None
        is_known = self._hosts is None or is_for(head, self._hosts)
        if not (is_usual and is_known and _is_json(head)):
            raise _Unusual
        assert media_type is not None
        return _Read(
            bearer_token(head.get(b"authorization")),
            client_of(head, self._clients),
            well_formed_id(head.get(REQUEST_ID_HEADER)),
            _beginning(media_type),
        )


def _is_json(head: RequestHead) -> bool:
    try:
        require_json(head.get(b"content-type"), head.get(b"content-encoding"))
    except HttpRefusal:
        return False
    return True


def _beginning(media_type: str) -> tuple[bytes, bytes, bytes]:
    """The headers of an answer, with the empty line: what stands before its length, between that and its id, behind."""
    headers = completed(answer_headers(media_type, _LENGTH), _IDENTITY.decode())
    lines = header_lines(headers) + b"\r\n"
    before, _, rest = lines.partition(_LENGTH)
    between, _, behind = rest.partition(_IDENTITY)
    return before, between, behind
