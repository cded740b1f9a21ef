"""Idempotency keys, registrations and their steps, open attempts at Billink, what PayPal does not give back, and the
age of media."""

import time

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _add_age_of_media()
    op.create_table(
        "invoice_tracker_attempts",
        sa.Column("shop", sa.String(100), primary_key=True),
        sa.Column("invoice_number", sa.String(255), primary_key=True),
        sa.Column("carrier_code", sa.String(255), primary_key=True),
        sa.Column("tracking_number", sa.String(255), primary_key=True),
        sa.Column("begun_at", sa.Double(), nullable=False),
    )
    op.create_table(
        "order_tracker_details",
        sa.Column("shop", sa.String(100), primary_key=True),
        sa.Column("paypal_order_id", sa.String(255), primary_key=True),
        sa.Column("tracker_id", sa.String(255), primary_key=True),
        sa.Column("tracking_number", sa.String(255), nullable=True),
        sa.Column("carrier", sa.String(255), nullable=True),
        sa.Column("carrier_name", sa.String(255), nullable=True),
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("shop", sa.String(100), primary_key=True),
        sa.Column("key", sa.String(255), primary_key=True),
        sa.Column("operation", sa.String(100), nullable=False),
        sa.Column("input_hash", sa.String(64), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("attempt", sa.String(64), nullable=False),
        sa.Column("lease_until", sa.Double(), nullable=False),
        sa.Column("outcome", sa.JSON(), nullable=True),
        sa.Column("order_number", sa.String(255), nullable=True),
        sa.Column("created_at", sa.Double(), nullable=False),
    )
    op.create_index("ix_idempotency_keys_age", "idempotency_keys", ["created_at"])
    op.create_index("ix_idempotency_keys_order", "idempotency_keys", ["shop", "order_number"])
    op.create_table(
        "registrations",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("shop", sa.String(100), nullable=False),
        sa.Column("order_kind", sa.String(100), nullable=False),
        sa.Column("order_value", sa.Text(), nullable=False),
        sa.Column("order_number", sa.String(255), nullable=True),
        sa.Column("shipment", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("finished_at", sa.Double(), nullable=True),
        sa.Column("dismissed_at", sa.Double(), nullable=True),
        sa.Column("dismissed_reason", sa.Text(), nullable=True),
    )
    op.create_index("ix_registrations_order", "registrations", ["shop", "order_number"])
    op.create_index("ix_registrations_age", "registrations", ["created_at"])
    op.create_table(
        "registration_steps",
        sa.Column(
            "registration_id",
            sa.Integer(),
            sa.ForeignKey("registrations.id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("provider", sa.String(100), primary_key=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("order_references", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.Double(), nullable=False),
        sa.Column("give_up_at", sa.Double(), nullable=False),
        sa.Column("owner", sa.String(64), nullable=True),
        sa.Column("lease_until", sa.Double(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.JSON(), nullable=True),
        sa.Column("updated_at", sa.Double(), nullable=False),
    )
    op.create_index("ix_registration_steps_due", "registration_steps", ["state", "due_at"])


def downgrade() -> None:
    op.drop_table("registration_steps")
    op.drop_table("registrations")
    op.drop_table("idempotency_keys")
    op.drop_table("order_tracker_details")
    op.drop_table("invoice_tracker_attempts")
    op.drop_column("invoice_trackers", "media_since")


def _add_age_of_media() -> None:
    """Nothing says how old the media are that are kept already: their time begins now."""
    op.add_column("invoice_trackers", sa.Column("media_since", sa.Double(), nullable=True))
    trackers = sa.table("invoice_trackers", sa.column("document", sa.JSON()), sa.column("media_since", sa.Double()))
    has_media = trackers.c.document["media"].as_string() != "[]"
    op.execute(trackers.update().where(has_media).values(media_since=time.time()))
