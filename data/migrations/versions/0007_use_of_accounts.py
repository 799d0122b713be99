"""What accounts use: an index that counts what came in in a month."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_inbox_event_account_id_received_at", "inbox_event", ["account_id", "received_at"]
    )


def downgrade() -> None:
    op.drop_index("ix_inbox_event_account_id_received_at", "inbox_event")
