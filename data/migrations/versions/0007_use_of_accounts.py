"""What accounts use: who was warned of which cap; indexes that count what came in and what is parked."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

PARKED = (
    (
        "ix_message_parked",
        "message",
        ["account_id", "state"],
        "state IN ('failed', 'uncertain')",
    ),
    ("ix_inbox_event_parked", "inbox_event", ["account_id"], "state = 'parked'"),
)


def upgrade() -> None:
    op.create_index(
        "ix_inbox_event_account_id_received_at", "inbox_event", ["account_id", "received_at"]
    )
    for name, table, columns, condition in PARKED:
        op.create_index(
            name,
            table,
            columns,
            sqlite_where=sa.text(condition),
            postgresql_where=sa.text(condition),
        )
    key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "account_warning",
        sa.Column("id", key, nullable=False),
        sa.Column("account_id", key, nullable=False),
        sa.Column("chat_id", key, nullable=False),
        sa.Column("what", sa.String(length=10), nullable=False),
        sa.Column("month_on", sa.Date(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_account_warning_account_id")
        ),
        sa.ForeignKeyConstraint(["chat_id"], ["chat.id"], name=op.f("fk_account_warning_chat_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_warning")),
        sa.UniqueConstraint(
            "chat_id",
            "account_id",
            "what",
            "month_on",
            "level",
            name=op.f("uq_account_warning_chat_id_account_id_what_month_on_level"),
        ),
    )


def downgrade() -> None:
    op.drop_table("account_warning")
    for name, table, _, _ in PARKED:
        op.drop_index(name, table)
    op.drop_index("ix_inbox_event_account_id_received_at", "inbox_event")
