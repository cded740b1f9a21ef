"""Domain objects for tests: small ones by hand, and strategies that make every kind of tracking and event."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from uuid import NAMESPACE_OID, uuid5

from hypothesis import strategies as st

from providers.models import (
    CarrierTracking,
    EstimatedArrival,
    GenericTracking,
    InvoiceTracker,
    Order,
    OrderTracker,
    RouteTracking,
    Tracking,
    TrackingEvent,
    TrackingStatus,
)

NOON = datetime(2025, 2, 3, 12, tzinfo=UTC)


def parcel(
    status: TrackingStatus = TrackingStatus.IN_TRANSIT,
    number: str = "P1",
    *,
    events: Sequence[TrackingEvent] = (),
    arrival: EstimatedArrival | None = None,
) -> CarrierTracking:
    """A parcel at Karla; `number` tells it apart."""
    return CarrierTracking(
        provider="karla",
        tracking_number=number,
        shipment_id=uuid5(NAMESPACE_OID, number),
        order_number="4711",
        status=status,
        events=tuple(events),
        estimated_arrival=arrival,
    )


def stop(
    status: TrackingStatus = TrackingStatus.OUT_FOR_DELIVERY,
    handle: str = "4711",
    *,
    events: Sequence[TrackingEvent] = (),
    arrival: EstimatedArrival | None = None,
) -> RouteTracking:
    """A drop on a driver's route."""
    return RouteTracking(
        provider="hypertrack",
        order_handle=handle,
        type="drop",
        type_index=0,
        fulfillment_attempt=0,
        status=status,
        events=tuple(events),
        estimated_arrival=arrival,
    )


def payment(
    status: TrackingStatus = TrackingStatus.INFO_RECEIVED, tracker: str = "T1", paypal_order: str = "PAY1"
) -> OrderTracker:
    """A tracker on a PayPal order."""
    return OrderTracker(provider="paypal", tracker_id=tracker, paypal_order_id=paypal_order, status=status)


def invoice(number: str = "4711", tracking_number: str = "B1", store_id: int = 1) -> InvoiceTracker:
    """A tracker registered at Billink."""
    return InvoiceTracker(
        provider="billink",
        store_id=store_id,
        tracker_id="48213",
        invoice_number=number,
        tracking_number=tracking_number,
        status=TrackingStatus.INFO_RECEIVED,
    )


def generic(local_id: str = "1") -> GenericTracking:
    """What a third party's provider tracks."""
    return GenericTracking(provider="acme", local_id=local_id, status=TrackingStatus.IN_TRANSIT)


def happened(
    code: str | None = "E18",
    at: datetime | None = NOON,
    *,
    name: str | None = None,
    text: str | None = None,
    status: TrackingStatus = TrackingStatus.IN_TRANSIT,
    description: str | None = None,
) -> TrackingEvent:
    """An event; `text` is the provider's own word for its time, where that states no instant."""
    return TrackingEvent(
        status=status,
        occurred_at=at,
        occurred_at_text=text if text is not None else at.isoformat() if at else None,
        code=code,
        name=name,
        description=description,
    )


def expected_at(start: datetime, end: datetime | None = None, *, live: bool = False) -> EstimatedArrival:
    """An estimate: a window, or a point in time."""
    return EstimatedArrival(provider="hypertrack" if live else "karla", start=start, end=end or start, live=live)


def placed(number: str | None = "4711", **members: object) -> Order:
    """An order as its source tells it."""
    return Order.model_validate({"order_number": number, **members})


STATUSES = st.sampled_from(TrackingStatus)

INSTANTS = st.builds(
    lambda seconds, hours: (NOON + timedelta(seconds=seconds)).astimezone(timezone(timedelta(hours=hours))),
    # Few instants and several offsets, so that equal times and the same time written differently come up often.
    st.integers(0, 3),
    st.integers(-2, 2),
)

EVENTS = st.builds(
    TrackingEvent,
    status=STATUSES,
    occurred_at=st.none() | INSTANTS,
    occurred_at_text=st.none() | st.sampled_from(["yesterday", "today", "13:31 PM"]),
    code=st.none() | st.sampled_from(["A12", "C20", "Z99"]),
    name=st.none() | st.sampled_from(["ORDER_PROCESSED", "NO SUCH WORD"]),
    description=st.none() | st.sampled_from(["short", "rather longer"]),
)

ESTIMATES = st.builds(
    EstimatedArrival,
    provider=st.sampled_from(["karla", "hypertrack"]),
    start=st.none() | INSTANTS,
    end=st.none() | INSTANTS,
    updated_at=st.none() | INSTANTS,
    live=st.booleans(),
)


def _of_kind(tracking: Tracking) -> st.SearchStrategy[Tracking]:
    return st.builds(
        lambda status, events, arrival: tracking.model_copy(
            update={"status": status, "events": tuple(events), "estimated_arrival": arrival}
        ),
        STATUSES,
        st.lists(EVENTS, max_size=4),
        st.none() | ESTIMATES,
    )


TRACKINGS: st.SearchStrategy[Tracking] = st.one_of(
    *(_of_kind(each) for each in (parcel(), parcel(number="P2"), stop(), payment(), invoice(), generic()))
)
"""Trackings of every kind; one that comes up twice with other contents is the same one, read again."""
