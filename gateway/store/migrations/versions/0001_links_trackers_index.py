"""Links, registered invoice trackers, and the index of tracking numbers."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "links",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("shop", sa.String(100), nullable=False),
        sa.Column("order_number", sa.String(255), nullable=False),
        sa.Column("provider", sa.String(100), nullable=False),
        sa.Column("kind", sa.String(100), nullable=False),
        sa.Column("value", sa.String(255), nullable=False),
        sa.Column("sharer", sa.String(255), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint("shop", "provider", "kind", "value", "sharer", name="uq_links_reference"),
    )
    op.create_index("ix_links_order", "links", ["shop", "order_number"])
    op.create_table(
        "invoice_trackers",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("shop", sa.String(100), nullable=False),
        sa.Column("invoice_number", sa.String(255), nullable=False),
        sa.Column("carrier_code", sa.String(255), nullable=False),
        sa.Column("tracking_number", sa.Text(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.UniqueConstraint(
            "shop", "invoice_number", "carrier_code", "tracking_number", name="uq_invoice_trackers_registration"
        ),
    )
    op.create_table(
        "tracking_numbers",
        sa.Column("shop", sa.String(100), primary_key=True),
        sa.Column("tracking_number", sa.String(255), primary_key=True),
        sa.Column("order_number", sa.String(255), primary_key=True),
    )


def downgrade() -> None:
    op.drop_table("tracking_numbers")
    op.drop_table("invoice_trackers")
    op.drop_table("links")
