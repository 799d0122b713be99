"""The state of an undated task stands on its yearly obligation, no more on the assignment."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_column("assignment", "state")
    op.drop_column("assignment", "percent")


def downgrade() -> None:
    op.add_column(
        "assignment",
        sa.Column("state", sa.String(length=12), server_default="open", nullable=False),
    )
    op.add_column("assignment", sa.Column("percent", sa.Integer(), nullable=True))
