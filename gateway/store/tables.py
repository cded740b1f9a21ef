"""The store's tables. A change here comes with a migration in `migrations/versions`."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, DateTime, Double, ForeignKey, Index, String, Text, UniqueConstraint
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
    media_since: Mapped[float | None] = mapped_column(Double())
    """Since when the contents of its media are kept, in seconds since 1970; None where none are."""


class TrackingNumberRow(Table):
    """Which order a tracking number was seen on."""

    __tablename__ = "tracking_numbers"

    shop: Mapped[str] = mapped_column(String(100), primary_key=True)
    tracking_number: Mapped[str] = mapped_column(String(255), primary_key=True)
    order_number: Mapped[str] = mapped_column(String(255), primary_key=True)


class InvoiceTrackerAttemptRow(Table):
    """A registration at Billink that was begun and whose end is not known.

    Written before the call and removed with its result. One that stays says: this may have been done, do not repeat it.
    """

    __tablename__ = "invoice_tracker_attempts"

    shop: Mapped[str] = mapped_column(String(100), primary_key=True)
    invoice_number: Mapped[str] = mapped_column(String(255), primary_key=True)
    carrier_code: Mapped[str] = mapped_column(String(255), primary_key=True)
    tracking_number: Mapped[str] = mapped_column(String(255), primary_key=True)
    begun_at: Mapped[float] = mapped_column(Double())


class OrderTrackerDetailRow(Table):
    """What a tracker on a payment was sent with and PayPal gives back nowhere: the number and the carrier."""

    __tablename__ = "order_tracker_details"

    shop: Mapped[str] = mapped_column(String(100), primary_key=True)
    paypal_order_id: Mapped[str] = mapped_column(String(255), primary_key=True)
    tracker_id: Mapped[str] = mapped_column(String(255), primary_key=True)
    tracking_number: Mapped[str | None] = mapped_column(String(255))
    carrier: Mapped[str | None] = mapped_column(String(255))
    carrier_name: Mapped[str | None] = mapped_column(String(255))


class IdempotencyKeyRow(Table):
    """What became of the write that a client gave this key.

    Moments are seconds since 1970 in UTC, by the database's clock, so that machines whose clocks differ agree.
    """

    __tablename__ = "idempotency_keys"
    __table_args__ = (
        Index("ix_idempotency_keys_age", "created_at"),
        Index("ix_idempotency_keys_order", "shop", "order_number"),
    )

    shop: Mapped[str] = mapped_column(String(100), primary_key=True)
    key: Mapped[str] = mapped_column(String(255), primary_key=True)
    operation: Mapped[str] = mapped_column(String(100))
    input_hash: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(20))
    attempt: Mapped[str] = mapped_column(String(64))
    """Who makes the write at present: only that one may say what became of it."""
    lease_until: Mapped[float] = mapped_column(Double())
    outcome: Mapped[dict[str, object] | None] = mapped_column(JSON())
    order_number: Mapped[str | None] = mapped_column(String(255))
    """The order that the write was about, where it is known: what is forgotten with it."""
    created_at: Mapped[float] = mapped_column(Double())


class RegistrationRow(Table):
    """A shipment that several providers are to be told of, accepted and so to be finished."""

    __tablename__ = "registrations"
    __table_args__ = (
        Index("ix_registrations_order", "shop", "order_number"),
        Index("ix_registrations_age", "created_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    shop: Mapped[str] = mapped_column(String(100))
    order_kind: Mapped[str] = mapped_column(String(100))
    order_value: Mapped[str] = mapped_column(Text())
    order_number: Mapped[str | None] = mapped_column(String(255))
    shipment: Mapped[dict[str, object]] = mapped_column(JSON())
    """The domain's `Shipment` as JSON."""
    created_at: Mapped[float] = mapped_column(Double())
    finished_at: Mapped[float | None] = mapped_column(Double())
    dismissed_at: Mapped[float | None] = mapped_column(Double())
    dismissed_reason: Mapped[str | None] = mapped_column(Text())


class RegistrationStepRow(Table):
    """The part of a registration that one provider is told, and the lease of whoever tells it at present."""

    __tablename__ = "registration_steps"
    __table_args__ = (Index("ix_registration_steps_due", "state", "due_at"),)

    registration_id: Mapped[int] = mapped_column(ForeignKey("registrations.id", ondelete="CASCADE"), primary_key=True)
    provider: Mapped[str] = mapped_column(String(100), primary_key=True)
    position: Mapped[int]
    order_references: Mapped[list[dict[str, str]]] = mapped_column(JSON())
    """What the order is called at the provider, as it was known when the registration was accepted."""
    state: Mapped[str] = mapped_column(String(20))
    attempts: Mapped[int]
    due_at: Mapped[float] = mapped_column(Double())
    give_up_at: Mapped[float] = mapped_column(Double())
    owner: Mapped[str | None] = mapped_column(String(64))
    lease_until: Mapped[float] = mapped_column(Double())
    fence: Mapped[int]
    outcome: Mapped[dict[str, object] | None] = mapped_column(JSON())
    updated_at: Mapped[float] = mapped_column(Double())


class ApiKeyRow(Table):
    """An API key, of which only a hash is kept. One that was revoked stays, so that `keys list` can tell of it."""

    __tablename__ = "api_keys"

    id: Mapped[str] = mapped_column(String(12), primary_key=True)
    """What the key itself begins with, and it is found by."""
    name: Mapped[str | None] = mapped_column(String(255))
    digest: Mapped[str] = mapped_column(String(64))
    """SHA-256 of the whole key, in hex."""
    shops: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    """Slugs; NULL is every shop that there is."""
    scopes: Mapped[list[str]] = mapped_column(JSON())
    created_at: Mapped[float] = mapped_column(Double())
    expires_at: Mapped[float | None] = mapped_column(Double())
    revoked_at: Mapped[float | None] = mapped_column(Double())
