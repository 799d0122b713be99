"""The menu a chat was offered; an index that counts the sends of a month; what is not to be kept.

Messages with a code or with names are marked and emptied. Decisions name the agency: the person who
decided stands beside it by number, so that who is erased is named nowhere.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("chat", schema=None) as batch_op:
        batch_op.add_column(sa.Column("menu", sa.String(length=40), nullable=True))
    # Not in a batch: that would copy the table and drop the old one, to which deliveries refer.
    op.add_column(
        "message", sa.Column("secret", sa.Boolean(), server_default=sa.false(), nullable=False)
    )
    op.create_index(
        "ix_message_sent",
        "message",
        ["account_id", "sent_at"],
        unique=False,
        sqlite_where=sa.text("sent_at IS NOT NULL"),
        postgresql_where=sa.text("sent_at IS NOT NULL"),
    )
    op.execute(
        "UPDATE message SET secret = true WHERE template IN ('code_made', 'history', 'nhiemvu')"
    )
    op.execute(
        "UPDATE message SET context = '{}' WHERE secret AND state NOT IN ('pending', 'claimed')"
    )
    _let_go_of_names()


def _let_go_of_names() -> None:
    """Put the agency in the place of a person's name; the table is append-only for everybody else."""
    agency = (
        "SELECT substr(agency.name, 1, 120) FROM enrolment"
        " JOIN agency ON agency.id = enrolment.agency_id"
        " WHERE enrolment.person_id = decision.person_id AND enrolment.role <> 'focal'"
        " ORDER BY enrolment.id LIMIT 1"
    )
    change = (
        f"UPDATE decision SET decided_by = COALESCE(({agency}), 'cơ quan theo dõi')"  # noqa: S608
        " WHERE person_id IS NOT NULL AND kind NOT IN ('handover', 'stand_in')"
    )
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER decision_no_update")
        op.execute(change)
        op.execute(
            "CREATE TRIGGER decision_no_update BEFORE UPDATE ON decision "
            "BEGIN SELECT RAISE(ABORT, 'decision is append-only'); END"
        )
        return
    op.execute("ALTER TABLE decision DISABLE TRIGGER decision_append_only")
    op.execute(change)
    op.execute("ALTER TABLE decision ENABLE TRIGGER decision_append_only")


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
