"""People and chats: accounts, persons, identities, chats, enrolments, invitations, wrong codes."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
    and_,
    false,
    or_,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from data.models.base import Base, Key


class Account(Base):
    """One bot on a channel, and the process that owns it.

    owner, epoch, owned_until: the lease. Every new owner raises the epoch; claims carry it. Without an
    owner, owned_until is the last instant at which a process is known to have owned the account.
    """

    __tablename__ = "account"
    __table_args__ = (UniqueConstraint("channel", "name"),)
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    channel: Mapped[str] = mapped_column(String(20))  # telegram, zalo_bot, local
    name: Mapped[str] = mapped_column(String(80))  # the bot's own id, never the token
    title: Mapped[str | None] = mapped_column(String(120))  # as the platform shows it: "@username"
    link: Mapped[str | None] = mapped_column(String(200))  # where a person opens its chat
    stopped_at: Mapped[datetime | None]  # refused by the platform: sends nothing until mended
    stopped_why: Mapped[str | None] = mapped_column(Text)
    stopped_until: Mapped[datetime | None]  # it resumes by itself then; null: until mended
    halted_until: Mapped[datetime | None]  # rate limit of the whole account
    owner: Mapped[str | None] = mapped_column(String(80))
    epoch: Mapped[int] = mapped_column(server_default="0")
    owned_until: Mapped[datetime | None]
    polled_to: Mapped[int | None] = mapped_column(Key)  # next update offset


class AccountWarning(Base):
    """A chat was warned that an account has used so much of a cap; deleted if the message never left."""

    __tablename__ = "account_warning"
    __table_args__ = (UniqueConstraint("chat_id", "account_id", "what", "month_on", "level"),)
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    chat_id: Mapped[int] = mapped_column(ForeignKey("chat.id"))  # a coordinator's
    what: Mapped[str] = mapped_column(String(10))  # people, messages
    month_on: Mapped[date]  # the 1st of the month; 1/1/1 for people, a cap that never resets
    level: Mapped[int]  # per cent
    told_at: Mapped[datetime]


class Person(Base):
    """A person who may answer or read."""

    __tablename__ = "person"
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    name: Mapped[str | None] = mapped_column(String(120))
    prefers_chat_id: Mapped[int | None] = mapped_column(
        Key
    )  # the first of several chats to get messages
    created_at: Mapped[datetime]


class Identity(Base):
    """A person's sender id on an account."""

    __tablename__ = "identity"
    __table_args__ = (UniqueConstraint("account_id", "sender"),)
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    sender: Mapped[str] = mapped_column(String(80))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))


class Chat(Base):
    """An address on an account. A chat that moved keeps its row and changes its address."""

    __tablename__ = "chat"
    __table_args__ = (UniqueConstraint("account_id", "address", "thread"),)
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    address: Mapped[str] = mapped_column(String(80))
    thread: Mapped[str] = mapped_column(String(40), server_default="")  # a forum topic, or ""
    kind: Mapped[str] = mapped_column(String(10))  # private, group
    title: Mapped[str | None] = mapped_column(String(200))
    state: Mapped[str] = mapped_column(String(10), server_default="living")  # living, gone
    gone_at: Mapped[datetime | None]  # the last loss, also of a chat that lives again
    gone_why: Mapped[str | None] = mapped_column(
        Text
    )  # "topic_closed: …", "forbidden: …", "gone: …"
    halted_until: Mapped[datetime | None]  # rate limit of this chat
    last_seen_at: Mapped[datetime | None]
    last_menu_message_id: Mapped[int | None] = mapped_column(
        Key
    )  # the list that typed numbers refer to
    greeted_at: Mapped[datetime | None]  # by the help text for strangers, not too often
    menu: Mapped[str | None] = mapped_column(String(40))  # the commands last offered there


class ChatAlias(Base):
    """An address a chat had before it moved (a group that became a supergroup)."""

    __tablename__ = "chat_alias"
    __table_args__ = (UniqueConstraint("account_id", "address"),)
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    address: Mapped[str] = mapped_column(String(80))
    chat_id: Mapped[int] = mapped_column(ForeignKey("chat.id"))


class Enrolment(Base):
    """A chat, and its person unless it is a group, in a role for an agency.

    One that ended stays ended: the same right given again is a new row.
    """

    __tablename__ = "enrolment"
    __table_args__ = (
        Index("ix_enrolment_agency_id_role", "agency_id", "role"),
        Index("ix_enrolment_chat_id", "chat_id"),
        Index(
            "uq_enrolment_not_ended",
            "chat_id",
            "person_id",
            "agency_id",
            "role",
            "may_decide",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
    )
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    chat_id: Mapped[int] = mapped_column(ForeignKey("chat.id"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    agency_id: Mapped[int] = mapped_column(ForeignKey("agency.id"))
    role: Mapped[str] = mapped_column(String(12))  # focal, coordinator, leader
    may_decide: Mapped[bool] = mapped_column(server_default=false())
    enrolled_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    until_on: Mapped[date | None]  # the last day of a stand-in during a leave
    given_by_id: Mapped[int | None] = mapped_column(Key)  # the enrolment with which it ends

    @classmethod
    def living(cls, *, on: date | BindParameter[date]) -> ColumnElement[bool]:
        """Return the condition that an enrolment counts on a day: not ended, and its last day not over."""
        return and_(cls.ended_at.is_(None), or_(cls.until_on.is_(None), cls.until_on >= on))


class Invitation(Base):
    """A one-use code that enrols a chat; only its hash is kept."""

    __tablename__ = "invitation"
    __table_args__ = (UniqueConstraint("code_hash"),)
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    code_hash: Mapped[str] = mapped_column(String(64))
    # of a code that offers somebody's enrolments; a plain one has none
    offer_id: Mapped[int | None] = mapped_column(ForeignKey("decision.id"))
    agency_id: Mapped[int] = mapped_column(ForeignKey("agency.id"))
    role: Mapped[str] = mapped_column(String(12))
    may_decide: Mapped[bool] = mapped_column(server_default=false())
    until_on: Mapped[date | None]  # of the enrolment it makes
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    used_chat_id: Mapped[int | None] = mapped_column(ForeignKey("chat.id"))
    # Whose right made it; it opens nothing once that ended. Null: made on the command line.
    made_by_id: Mapped[int | None] = mapped_column(ForeignKey("enrolment.id"))


class WrongCode(Base):
    """A code that opened nothing; who: the sender id, or the chat of senders without one."""

    __tablename__ = "wrong_code"
    __table_args__ = (Index("ix_wrong_code_account_id_who", "account_id", "who"),)
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    who: Mapped[str] = mapped_column(String(90))
    tried_at: Mapped[datetime]
