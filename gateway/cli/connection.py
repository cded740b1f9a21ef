"""One HTTP connection, as uvicorn and httptools read it, with the bounds that they do not set.

httptools takes a head of any length, uvicorn waits for it and for a reader of the answer as long as they like. Bodies
are bounded where they are read (`gateway/http/parameters.py`).
"""

from __future__ import annotations

import asyncio
from typing import Final
from uuid import uuid4

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from gateway.http.at_once import AtOnce
from gateway.http.middleware import REQUEST_ID_HEADER, RESPONSE_HEADERS
from gateway.http.refusal import HttpRefusal, bad_request, refusal_response
from gateway.http.response import header_lines
from gateway.schema.errors import ErrorCode

MAX_HEAD_BYTES: Final = 64 * 1024
"""Of a request's address and headers: several times what browsers and proxies take, so that a GET can hold a query."""

HEAD_SECONDS: Final = 10.0
"""For a head to arrive, from the opening of the connection or from its first byte."""

UNREAD_SECONDS: Final = 30.0
"""For a client to take the rest of an answer when its connection is to be closed."""

LINGER_SECONDS: Final = 2.0
"""For a client to take notice that it was refused; what it sends meanwhile is dropped unread."""

LAST_REQUEST_SECONDS: Final = 0.3
"""For a request to arrive that was sent before its client could know that the server stops; it is refused in words."""

_TOO_LARGE = HttpRefusal(
    431, ErrorCode.HEADERS_TOO_LARGE, f"The address and the headers are larger than {MAX_HEAD_BYTES} bytes."
)
_TOO_SLOW = HttpRefusal(408, ErrorCode.REQUEST_TIMEOUT, f"The headers did not arrive within {HEAD_SECONDS:g} s.")
_UNREADABLE = bad_request("This cannot be read as an HTTP request.")


class BoundedConnection(HttpToolsProtocol):
    """A connection whose requests have heads of bounded size and age, and whose answers are taken or dropped."""

    _head_bytes = 0
    _is_in_head = False
    _is_in_body = False
    _is_refused = False
    _head_timer: asyncio.TimerHandle | None = None
    _at_once: AtOnce | None = None
    _held: bytes | None = None
    _received = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        super().connection_made(transport)
        self._at_once = getattr(self.app, "at_once", None)
        self._start_head_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_head_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._is_refused:
            return
        was_in_head = self._is_in_head
        self._received = len(data)
        super().data_received(data)
        if self._is_refused:
            return
        self._hand_over()  # what has arrived in part: its reader waits for the rest, and for no longer than it may take
        if was_in_head and self._is_in_head:
            self._head_bytes += len(data)
        if self._head_bytes > MAX_HEAD_BYTES:
            self._refuse(_TOO_LARGE)
        elif self._head_timer is None and (self._is_in_head or self._is_idle) and not self.timeout_keep_alive_task:
            self._start_head_timer()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._is_in_head = True
        self._head_bytes = 0

    def on_headers_complete(self) -> None:
        if self._is_refused:
            return
        self._is_in_head = False
        self._is_in_body = True
        self._stop_head_timer()
        if self._is_too_large:
            self._refuse(_TOO_LARGE)
        elif self._may_be_answered_at_once:
            self._held = b""
        else:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        if self._is_refused:
            return
        if self._held is None:
            super().on_body(body)
        else:
            self._held += body

    def on_message_complete(self) -> None:
        if self._is_refused:
            return
        self._is_in_body = False
        if self._held is not None and self._is_answered_at_once(self._held):
            self._held = None
            return
        self._hand_over()
        super().on_message_complete()

    @property
    def _is_too_large(self) -> bool:
        """Whether the head that has arrived is. One that came in one piece was not counted on its way."""
        if self._head_bytes + self._received <= MAX_HEAD_BYTES:
            return False
        return len(self.url) + sum(len(name) + len(value) for name, value in self.headers) > MAX_HEAD_BYTES

    @property
    def _may_be_answered_at_once(self) -> bool:
        """Whether the request that begins could be answered before a task is made of it: nothing is before it."""
        return (
            self._at_once is not None
            and self.url == self._at_once.path
            and self.parser.get_method() == b"POST"
            and self.parser.get_http_version() == "1.1"
            and self.parser.should_keep_alive()
            and (self.cycle is None or self.cycle.response_complete)
            and not self.flow.write_paused
            and not self.transport.is_closing()
        )

    def _is_answered_at_once(self, body: bytes) -> bool:
        answer = self._at_once.answer(self.headers, body) if self._at_once else None
        if answer is None:
            return False
        head, content = answer
        self.transport.writelines((STATUS_LINE[200], header_lines(self.server_state.default_headers), head, content))
        self.on_response_complete()
        return True

    def _hand_over(self) -> None:
        """Have the application answer the request that was held, as far as it has arrived."""
        if self._held is None:
            return
        body, self._held = self._held, None
        super().on_headers_complete()
        if body:
            super().on_body(body)

    def shutdown(self) -> None:
        """Called when the server stops. What a client has just sent on a connection without a request is answered."""
        if self._is_idle and not self.transport.is_closing():
            self.loop.call_later(LAST_REQUEST_SECONDS, super().shutdown)
        else:
            super().shutdown()

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        if self.transport.get_write_buffer_size():
            self.loop.call_later(UNREAD_SECONDS, self.transport.abort)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  # uvicorn's words, without a code
        if not self._is_refused:
            self._refuse(_UNREADABLE)

    @property
    def _is_idle(self) -> bool:
        """Whether no request is on its way, and none is being answered."""
        return not self._is_in_body and (self.cycle is None or self.cycle.response_complete)

    def _start_head_timer(self) -> None:
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self._give_up_on_head)

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _give_up_on_head(self) -> None:
        if self._is_in_head:
            self._refuse(_TOO_SLOW)
        else:
            self.transport.close()

    def _refuse(self, refusal: HttpRefusal) -> None:
        """Answer `refusal` and close the connection; only close it while the answer to another request is going out."""
        self._is_refused = True
        self._stop_head_timer()
        if self.cycle is not None and not self.cycle.response_complete:
            self.transport.close()
            return
        self.transport.write(_on_the_wire(refusal, self.server_state.default_headers))
        # Closed while the client still sends, the connection would be reset, and the answer lost with it.
        self.transport.write_eof()
        self.loop.call_later(LINGER_SECONDS, self.transport.close)


def _on_the_wire(refusal: HttpRefusal, default_headers: list[tuple[bytes, bytes]]) -> bytes:
    """The bytes of a refusal that no application has seen, with the headers that the middleware gives others."""
    response = refusal_response(refusal, accept=None)
    response.headers.update({**RESPONSE_HEADERS, REQUEST_ID_HEADER.decode(): uuid4().hex, "Connection": "close"})
    headers = [*default_headers, *response.raw_headers]
    return STATUS_LINE[refusal.status] + header_lines(headers) + b"\r\n" + bytes(response.body)
