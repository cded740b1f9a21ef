"""Asks PayPal for the trackers and captures of one PayPal order, and adds, changes and cancels trackers there.

Orders v2 has no call that reads a single tracker and no list of orders, so the order itself is read (Orders v2 OpenAPI
2.13, `orders.get`). What is sent is in `drafts.py`, what answers mean in `mapping.py` and `refusals.py`, tokens are
`oauth.py`'s.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from pydantic import JsonValue

from providers.base import ProviderContext
from providers.drafts import OrderTrackerDraft
from providers.errors import (
    InvalidProviderResponse,
    OrderNotFound,
    ProviderConnectionFailed,
    ProviderServerFailed,
    ProviderTimeout,
    RequestRejected,
    Violation,
)
from providers.http import ProviderHttp, Refine, Reply
from providers.models import Capture, OrderTracker, Reference, TrackerItem, TrackingsFound
from providers.paypal import oauth
from providers.paypal.drafts import (
    CANCELLATION,
    Changes,
    order_path,
    to_changes,
    to_patch,
    to_track_request,
    track_path,
    tracker_path,
)
from providers.paypal.mapping import to_added_tracker, to_captures, to_earlier_tracker, to_trackers
from providers.paypal.profile import PROFILE
from providers.paypal.refusals import Refusals
from providers.paypal.settings import PayPalSettings
from providers.paypal.wire import ORDER_ANSWER, WireOrder, WireTracker

_TRACK = "track_order"

_REQUEST_ID = re.compile(r"[\x21-\x7e]{1,108}")
"""A `PayPal-Request-Id` of the length that the Orders v2 OpenAPI 2.13 allows, which a header carries unchanged."""


@dataclass(frozen=True, slots=True)
class _Call:
    """One call without its token."""

    operation: str
    method: str
    path: str
    refine: Refine
    json: JsonValue = None
    headers: Mapping[str, str] = field(default_factory=dict)
    expect: frozenset[int] = frozenset({200})


class PayPalAdapter:
    """A `TrackingSource` and `OrderTrackerSink` over one REST app."""

    profile = PROFILE

    def __init__(self, settings: PayPalSettings, context: ProviderContext) -> None:
        self._http = ProviderHttp(PROFILE.name, context.client, context.clock)
        self._tokens = oauth.AccessTokens(settings, self._http, context.clock)

    async def find_trackings(self, reference: Reference) -> TrackingsFound:
        """The trackers of the PayPal order `reference.value`. See `TrackingSource.find_trackings`.

        An answer that is about another order is `OrderNotFound`.
        """
        answer = await self._read("find_trackings", reference.value)
        return TrackingsFound(trackings=to_trackers(answer, reference.value))

    async def find_captures(self, paypal_order_id: str) -> tuple[Capture, ...]:
        """The captures of the PayPal order. See `OrderTrackerSink.find_captures`.

        Raises `InvalidProviderResponse` for a tracker without its order, which says nothing of captures.
        """
        operation = "find_captures"
        answer = await self._read(operation, paypal_order_id)
        if isinstance(answer, WireTracker):
            raise InvalidProviderResponse(PROFILE.name, operation, "wrong_shape")
        return to_captures(answer, paypal_order_id)

    async def find_tracker(self, draft: OrderTrackerDraft, known_ids: Collection[str]) -> OrderTracker | None:
        """The tracker that an earlier request added. See `OrderTrackerSink.find_tracker`.

        A draft without a number finds none: nothing tells its tracker from others.
        """
        answer = await self._read("find_tracker", draft.paypal_order_id)
        return to_earlier_tracker(answer, draft, known_ids)

    async def track_order(self, draft: OrderTrackerDraft, request_id: str) -> OrderTracker:
        """Add a tracker. See `OrderTrackerSink.track_order`.

        `request_id` is sent as `PayPal-Request-Id`; visible ASCII only, else `RequestRejected` without a call. PayPal
        answers a repeated call like the first (200 and 201), so either is an answer. The tracker answered has the
        draft's number and carrier, which PayPal gives back nowhere.
        """
        if not _REQUEST_ID.fullmatch(request_id):
            raise RequestRejected(PROFILE.name, _TRACK, violations=(Violation(("request_id",)),))
        call = _Call(
            _TRACK,
            "POST",
            track_path(draft.paypal_order_id),
            Refusals(_TRACK).of_write,
            json=to_track_request(draft),
            headers={"PayPal-Request-Id": request_id},
            expect=frozenset({200, 201}),
        )
        answer = self._trackers_of(_TRACK, await self._write(call), draft.paypal_order_id)
        added = None if _is_of_another_order(answer, draft.paypal_order_id) else to_added_tracker(answer, draft)
        if added is None:
            raise InvalidProviderResponse(PROFILE.name, _TRACK, "wrong_shape")
        return added

    async def change_tracker(
        self, paypal_order_id: str, tracker_id: str, items: tuple[TrackerItem, ...] | None, notify_payer: bool | None
    ) -> None:
        """Replace items or notification. See `OrderTrackerSink.change_tracker`. Nothing to replace makes no call."""
        changes = to_changes(items, notify_payer)
        if changes:
            await self._patch("change_tracker", tracker_path(paypal_order_id, tracker_id), changes)

    async def cancel_tracker(self, paypal_order_id: str, tracker_id: str) -> None:
        """Cancel a tracker. See `OrderTrackerSink.cancel_tracker`."""
        await self._patch("cancel_tracker", tracker_path(paypal_order_id, tracker_id), CANCELLATION)

    async def check(self) -> str:
        """Obtain an access token."""
        await self._tokens.current()
        return "credentials accepted, access token obtained"

    async def _read(self, operation: str, paypal_order_id: str) -> WireOrder | WireTracker:
        reply = await self._send(_Call(operation, "GET", order_path(paypal_order_id), Refusals(operation).of_read))
        answer = self._trackers_of(operation, reply, paypal_order_id)
        if _is_of_another_order(answer, paypal_order_id):
            raise OrderNotFound(PROFILE.name, operation)
        return answer

    def _trackers_of(self, operation: str, reply: Reply, paypal_order_id: str) -> WireOrder | WireTracker:
        answer = self._http.read(operation, reply, ORDER_ANSWER)
        if isinstance(answer, WireTracker) and answer.id == paypal_order_id:
            # An order without its purchase units, whose other members a tracker has too: it says nothing of trackers.
            raise InvalidProviderResponse(PROFILE.name, operation, "wrong_shape")
        return answer

    async def _patch(self, operation: str, path: str, changes: Changes) -> None:
        refine = Refusals(operation, tuple(changes)).of_write
        await self._write(_Call(operation, "PATCH", path, refine, json=to_patch(changes), expect=frozenset({204})))

    async def _write(self, call: _Call) -> Reply:
        """Send a write; where no token could be had, nothing was sent, whatever the token's address answered."""
        try:
            return await self._send(call)
        except (
            ProviderTimeout,
            ProviderConnectionFailed,
            ProviderServerFailed,
            InvalidProviderResponse,
        ) as error:
            if error.operation != oauth.OPERATION:
                raise
            raise ProviderConnectionFailed(PROFILE.name, call.operation, sent=False) from error

    async def _send(self, call: _Call) -> Reply:
        """Make the call; a token that PayPal refuses is replaced once (it may have been withdrawn before its end)."""
        token = await self._tokens.current()
        reply = await self._send_with(token, call, call.expect | {401})
        if reply.status != 401:
            return reply
        return await self._send_with(await self._tokens.instead_of(token), call, call.expect)

    async def _send_with(self, token: oauth.AccessToken, call: _Call, expect: frozenset[int]) -> Reply:
        return await self._http.call(
            call.operation,
            call.method,
            call.path,
            json=call.json,
            headers={**call.headers, "Authorization": f"Bearer {token.value}"},
            expect=expect,
            refine=call.refine,
        )


def _is_of_another_order(answer: WireOrder | WireTracker, paypal_order_id: str) -> bool:
    return isinstance(answer, WireOrder) and answer.id not in (None, paypal_order_id)
