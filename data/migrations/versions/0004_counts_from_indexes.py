"""Counts are read from indexes: of a plan what is not confirmed, of a duty what is near today; whether an answer
was taken back."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_obligation_plan_id_state_judged_on",
        "obligation",
        [
            "plan_id",
            "state",
            "judged_on",
            "base_on",
            "agency_id",
            "assignment_id",
            "kind",
            "done_on",
        ],
    )
    op.drop_index("ix_obligation_plan_id_state_due_on", "obligation")
    op.create_index(
        "ix_obligation_duty_id_due_on",
        "obligation",
        ["duty_id", "due_on"],
        sqlite_where=sa.text("duty_id IS NOT NULL"),
        postgresql_where=sa.text("duty_id IS NOT NULL"),
    )
    op.create_index(
        "ix_obligation_done_late",
        "obligation",
        ["assignment_id"],
        sqlite_where=sa.text("state = 'confirmed' AND done_on > judged_on"),
        postgresql_where=sa.text("state = 'confirmed' AND done_on > judged_on"),
    )
    op.create_index(
        "ix_status_reply_undoes_id",
        "status_reply",
        ["undoes_id"],
        sqlite_where=sa.text("undoes_id IS NOT NULL"),
        postgresql_where=sa.text("undoes_id IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_status_reply_undoes_id", "status_reply")
    op.drop_index("ix_obligation_done_late", "obligation")
    op.drop_index("ix_obligation_duty_id_due_on", "obligation")
    op.create_index(
        "ix_obligation_plan_id_state_due_on", "obligation", ["plan_id", "state", "due_on"]
    )
    op.drop_index("ix_obligation_plan_id_state_judged_on", "obligation")
