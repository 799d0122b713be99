"""The menu a chat was offered; an index that counts the sends of a month; messages that are secret."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("chat", schema=None) as batch_op:
        batch_op.add_column(sa.Column("menu", sa.String(length=40), nullable=True))
    with op.batch_alter_table("message", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("secret", sa.Boolean(), server_default=sa.false(), nullable=False)
        )
        batch_op.create_index(
            "ix_message_sent",
            ["account_id", "sent_at"],
            unique=False,
            sqlite_where=sa.text("sent_at IS NOT NULL"),
            postgresql_where=sa.text("sent_at IS NOT NULL"),
        )
    # Codes of before: what waits is marked, what was sent or given up is emptied.
    op.execute("UPDATE message SET secret = true WHERE template = 'code_made'")
    op.execute(
        "UPDATE message SET context = '{}', buttons = '[]'"
        " WHERE template = 'code_made' AND state NOT IN ('pending', 'claimed')"
    )


def downgrade() -> None:
    with op.batch_alter_table("message", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_message_sent",
            sqlite_where=sa.text("sent_at IS NOT NULL"),
            postgresql_where=sa.text("sent_at IS NOT NULL"),
        )
        batch_op.drop_column("secret")
    with op.batch_alter_table("chat", schema=None) as batch_op:
        batch_op.drop_column("menu")
