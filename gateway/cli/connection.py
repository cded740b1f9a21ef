"""One HTTP connection, as uvicorn and httptools read it, with the bounds that they do not set.

httptools takes a head and trailers of any length, uvicorn waits for them and for a reader of the answer as long as they
like. Bodies are bounded where they are read (`gateway/http/parameters.py`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final
from uuid import uuid4

import httptools
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from gateway.http.at_once import AtOnce
from gateway.http.head import Header
from gateway.http.middleware import REQUEST_ID_HEADER, RESPONSE_HEADERS
from gateway.http.refusal import HttpRefusal, bad_request, refusal_response
from gateway.http.response import header_lines
from gateway.schema.errors import ErrorCode

MAX_HEAD_BYTES: Final = 64 * 1024
"""Of a request's address and headers: several times what browsers and proxies take, so that a GET can hold a query. As
much may stand between two pieces of a body, and behind the last one: sizes and names of chunks, and trailers."""

MAX_HEADERS: Final = 200
"""Headers of a request. Each takes a hundred bytes of memory beside its own, and some time."""

HEAD_SECONDS: Final = 10.0
"""For a head to arrive, from the opening of the connection or from its first byte."""

REST_SECONDS: Final = 10.0
"""For the rest of a body to arrive whose request was answered without it. It is dropped unread."""

UNREAD_SECONDS: Final = 30.0
"""For a client to take some of an answer for which there is no more room here, or of one whose connection is to be
closed."""

LINGER_SECONDS: Final = 2.0
"""For a client to take notice that it was refused; what it sends meanwhile is dropped unread."""

LAST_REQUEST_SECONDS: Final = 0.3
"""For a request to arrive that was sent before its client could know that the server stops; it is refused in words."""

_TOO_LARGE = HttpRefusal(
    431,
    ErrorCode.HEADERS_TOO_LARGE,
    f"The address and the headers are larger than {MAX_HEAD_BYTES} bytes, or more than {MAX_HEADERS}.",
)
_TOO_SLOW = HttpRefusal(408, ErrorCode.REQUEST_TIMEOUT, f"The headers did not arrive within {HEAD_SECONDS:g} s.")
_UNREADABLE = bad_request("This cannot be read as an HTTP request.")


class BoundedConnection(HttpToolsProtocol):
    """A connection whose requests have heads of bounded size and age, and whose answers are taken or dropped."""

    _at_once: AtOnce | None = None
    _held: bytes | None = None
    _running: RequestResponseCycle | None = None

    _head: Sequence[Header] = ()
    """The headers of the request whose body is being read."""
    _has_offer = False
    """Whether the head that is being read offers to go on in another protocol."""
    _is_in_head = False
    _is_in_body = False
    _is_refused = False

    _segment = 0
    """Bytes of what arrived last, in one piece."""
    _has_ended_one = False
    """Whether a request ended in it."""
    _head_bytes = 0
    """Bytes of a head so far, with all of the piece that it began in."""
    _others_bytes = 0
    """Those of them that may be of requests before it."""
    _framing_bytes = 0
    """Bytes since the last piece of a body."""
    _unread_bytes = 0

    _head_timer: asyncio.TimerHandle | None = None
    _rest_timer: asyncio.TimerHandle | None = None
    _unread_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        super().connection_made(transport)
        self._at_once = getattr(self.app, "at_once", None)
        self._start_head_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_head_timer()
        self._stop_rest_timer()
        self._stop_unread_timer()
        if self._running is not None and not self._running.response_complete:
            # uvicorn tells only the last of several requests that are on their way, which may wait for its turn.
            self._running.disconnected = True
            self._running.message_event.set()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._is_refused:
            return
        self._segment, self._has_ended_one = len(data), False
        self._framing_bytes += len(data)
        if self._is_in_head:
            self._head_bytes += len(data)
        self._read(data)
        if self._is_refused:
            return
        self._hand_over()  # what has arrived in part: its reader waits for the rest, and for no longer than it may take
        if self._is_too_long:
            self._refuse(_TOO_LARGE)
        elif self._head_timer is None and (self._is_in_head or self._is_idle) and not self.timeout_keep_alive_task:
            self._start_head_timer()

    def _read(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        left: bytes | memoryview = data
        try:
            while left:
                try:
                    self.parser.feed_data(left)
                    return
                except httptools.HttpParserUpgrade as offer:
                    if self._is_refused or not self._has_offer:
                        return
                    left = memoryview(left)[offer.args[0] :]
                    self._read_without_offer()
        except httptools.HttpParserError:
            if not self._is_refused:
                self.logger.warning("Invalid HTTP request received.")
                self._refuse(_UNREADABLE)

    def _read_without_offer(self) -> None:
        """Read the head once more as if it offered no other protocol (RFC 9110, section 7.8): none is spoken here.

        httptools takes an offer for accepted and stops behind the head; uvicorn then reads the body as the next
        request (Kludex/uvicorn#2722). Java's HTTP client offers HTTP/2 with each request.
        """
        named = (self.parser.get_method(), self.url, self.parser.get_http_version().encode())
        headers = [header for header in self.headers if header[0] not in (b"upgrade", b"connection")]
        if not self.parser.should_keep_alive():
            headers.append((b"connection", b"close"))
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn does
        self.parser.feed_data(b"%b %b HTTP/%b\r\n" % named + header_lines(headers) + b"\r\n")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._unset_keepalive_if_required()  # an answer at once to the request before it may have set it
        self._is_in_head = True
        self._has_offer = False
        self._head_bytes = self._segment
        self._others_bytes = self._segment if self._has_ended_one else 0

    def on_headers_complete(self) -> None:
        if self._is_refused:
            return
        if self._is_too_large:
            self._refuse(_TOO_LARGE)
            return
        # CONNECT asks for another protocol, and offers nothing.
        self._has_offer = self.parser.should_upgrade() and self.parser.get_method() != b"CONNECT"
        if self._has_offer:
            return
        # What follows a body is no header (RFC 9110, section 6.5.1): it is put into a list that nobody reads.
        self._head, self.headers = self.headers, []
        self._is_in_head = False
        self._is_in_body = True
        self._framing_bytes = 0
        self._stop_head_timer()
        if self._may_be_answered_at_once:
            self._held = b""
        else:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        if self._is_refused:
            return
        self._framing_bytes = 0
        if self._held is None:
            super().on_body(body)
        else:
            self._held += body

    def on_message_complete(self) -> None:
        if self._is_refused or self._has_offer:
            return
        self._is_in_body = False
        self._has_ended_one = True
        self._stop_rest_timer()
        if self._held is not None and self._is_answered_at_once(self._held):
            self._held = None
            return
        self._hand_over()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.transport.is_closing():
            self._start_unread_timer()
        elif self._is_in_body and self.cycle.response_complete:
            self._rest_timer = self.loop.call_later(REST_SECONDS, self._close)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._start_unread_timer()

    def resume_writing(self) -> None:
        super().resume_writing()
        if not self.transport.is_closing():
            self._stop_unread_timer()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    @property
    def _is_too_large(self) -> bool:
        """Whether the head that has arrived is."""
        if len(self.headers) > MAX_HEADERS:
            return True
        if self._head_bytes <= MAX_HEAD_BYTES:  # with all that came in one piece with its beginning
            return False
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers) > MAX_HEAD_BYTES

    @property
    def _is_too_long(self) -> bool:
        """Whether what has arrived of a head is, or of what is neither head nor body."""
        if self._is_in_head:
            return self._head_bytes - self._others_bytes > MAX_HEAD_BYTES
        return self._is_in_body and self._framing_bytes > MAX_HEAD_BYTES

    @property
    def _may_be_answered_at_once(self) -> bool:
        """Whether the request that begins could be answered before a task is made of it: nothing is before it."""
        return (
            self._at_once is not None
            and self.url == self._at_once.path
            and self.parser.get_method() == b"POST"
            and self.parser.get_http_version() == "1.1"
            and self.parser.should_keep_alive()
            and self._has_answered
            and not self.flow.write_paused
            and not self.transport.is_closing()
        )

    def _is_answered_at_once(self, body: bytes) -> bool:
        answer = self._at_once.answer(self._head, body) if self._at_once else None
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
        self._start_unread_timer()

    @property
    def _is_idle(self) -> bool:
        """Whether no request is on its way, and none is being answered."""
        return not self._is_in_body and self._has_answered

    @property
    def _has_answered(self) -> bool:
        """Whether every request is answered that was handed to the application."""
        return self.cycle is None or self.cycle.response_complete

    def _start_head_timer(self) -> None:
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self._give_up_on_head)

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _stop_rest_timer(self) -> None:
        if self._rest_timer is not None:
            self._rest_timer.cancel()
            self._rest_timer = None

    def _start_unread_timer(self) -> None:
        if self._unread_timer is None:
            self._unread_bytes = self.transport.get_write_buffer_size()
            self._unread_timer = self.loop.call_later(UNREAD_SECONDS, self._give_up_on_reader)

    def _stop_unread_timer(self) -> None:
        if self._unread_timer is not None:
            self._unread_timer.cancel()
            self._unread_timer = None

    def _give_up_on_head(self) -> None:
        if not self._has_answered:
            self._start_head_timer()  # the rest is not read before that
        elif self._is_in_head:
            self._refuse(_TOO_SLOW)
        else:
            self._close()

    def _give_up_on_reader(self) -> None:
        self._unread_timer = None
        if self.transport.get_write_buffer_size() < self._unread_bytes:  # nothing is added meanwhile
            self._start_unread_timer()
        else:
            self.transport.abort()

    def _refuse(self, refusal: HttpRefusal) -> None:
        """Read nothing more, and close the connection: in the middle of a body at once, else when all that was asked
        before is answered. `refusal` is told where nothing else is.
        """
        self._is_refused = True
        self._stop_head_timer()
        if self._is_in_body:
            self._close()
        elif not self._has_answered:
            self.cycle.keep_alive = False
        else:
            self.transport.write(_on_the_wire(refusal, self.server_state.default_headers))
            # Closed while the client still sends, the connection would be reset, and the answer lost with it.
            self.transport.write_eof()
            self.loop.call_later(LINGER_SECONDS, self._close)

    def _close(self) -> None:
        """Close the connection, for whose answers there is still some time to be taken."""
        self.transport.close()
        self._start_unread_timer()


def _on_the_wire(refusal: HttpRefusal, default_headers: list[tuple[bytes, bytes]]) -> bytes:
    """The bytes of a refusal that no application has seen, with the headers that the middleware gives others."""
    response = refusal_response(refusal, accept=None)
    response.headers.update({**RESPONSE_HEADERS, REQUEST_ID_HEADER.decode(): uuid4().hex, "Connection": "close"})
    headers = [*default_headers, *response.raw_headers]
    return STATUS_LINE[refusal.status] + header_lines(headers) + b"\r\n" + bytes(response.body)
