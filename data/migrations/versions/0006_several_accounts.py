"""Several accounts: where each is opened, until when one rests by itself, and the chat a person prefers."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("account", sa.Column("link", sa.String(length=200), nullable=True))
    op.add_column("account", sa.Column("stopped_until", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "person",
        sa.Column(
            "prefers_chat_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
    )


def downgrade() -> None:
    op.drop_column("person", "prefers_chat_id")
    op.drop_column("account", "stopped_until")
    op.drop_column("account", "link")
