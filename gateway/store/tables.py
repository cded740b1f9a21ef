"""The store's tables. A change here comes with a migration in `migrations/versions`."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, DateTime, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Table(DeclarativeBase):
    """Base of every table."""


class LinkRow(Table):
    """A reference that a person or a shop's system tied to an order number."""

    __tablename__ = "links"
    __table_args__ = (
        UniqueConstraint("shop", "provider", "kind", "value", "sharer", name="uq_links_reference"),
        Index("ix_links_order", "shop", "order_number"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    shop: Mapped[str] = mapped_column(String(100))
    order_number: Mapped[str] = mapped_column(String(255))
    provider: Mapped[str] = mapped_column(String(100))
    kind: Mapped[str] = mapped_column(String(100))
    value: Mapped[str] = mapped_column(String(255))
    sharer: Mapped[str] = mapped_column(String(255))
    """The order's number for a reference that several orders may share, else empty: only one may have it."""
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class InvoiceTrackerRow(Table):
    """A tracker that a provider took and cannot be asked for again (Billink has no read endpoint).

    Times are kept as the RFC 3339 text they were read from, so that an offset the provider stated is not lost.
    """

    __tablename__ = "invoice_trackers"
    __table_args__ = (
        UniqueConstraint(
            "shop", "invoice_number", "carrier_code", "tracking_number", name="uq_invoice_trackers_registration"
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    shop: Mapped[str] = mapped_column(String(100))
    invoice_number: Mapped[str] = mapped_column(String(255))
    carrier_code: Mapped[str] = mapped_column(String(255))
    tracking_number: Mapped[str] = mapped_column(Text())
    document: Mapped[dict[str, object]] = mapped_column(JSON())
    """The domain's `InvoiceTracker` as JSON, without its `store_id`."""


class TrackingNumberRow(Table):
    """Which order a tracking number was seen on."""

    __tablename__ = "tracking_numbers"

    shop: Mapped[str] = mapped_column(String(100), primary_key=True)
    tracking_number: Mapped[str] = mapped_column(String(255), primary_key=True)
    order_number: Mapped[str] = mapped_column(String(255), primary_key=True)
