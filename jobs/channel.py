"""The port to messengers, implemented by bot/channels: capabilities, messages, updates, errors.

Jobs and conversations know capabilities and no messenger's name. A channel makes one attempt a call; the
error's type decides the next step:

    DeliveryError
    ├── Transient        nothing arrived: try again later (refused connection, 5xx with a body)
    ├── Unknown          the request left and no answer came: the message may have arrived
    ├── RateLimited      wait `retry_after` seconds, for that chat or (whole_account) the account
    ├── Moved            the chat has a new address: follow it, with this message too
    ├── Gone             blocked, kicked, deleted: pause this chat, the next one takes over
    │   ├── TopicClosed       … until its topic is opened again, or heard from
    │   └── WritingForbidden  … until the bot may write there again
    ├── Rejected         this payload is refused: try plain text once, then park and show it
    │   └── FilesForbidden    the chat takes no pictures or files: the words go alone
    └── Unauthorised     the account is refused: stop it, tell the administrator

Fetching a file has two more: FileTooBig and ForeignFile, each a Rejected.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol


class DeliveryError(Exception):
    """A send without a receipt; str() never holds a token or a person's words."""


class Transient(DeliveryError):
    """Nothing arrived; the same message may be sent again after a back-off."""


class Unknown(DeliveryError):
    """The request left and no answer came; the message may have arrived."""


class RateLimited(DeliveryError):
    """The platform asks to wait; retry_after in seconds."""

    def __init__(self, detail: str, *, retry_after: float, whole_account: bool = False) -> None:
        super().__init__(detail)
        self.retry_after = retry_after
        self.whole_account = whole_account


class Moved(DeliveryError):
    """The chat has a new address, or its forum topic is gone: new_thread "" (None: same thread)."""

    def __init__(self, detail: str, *, new_address: str, new_thread: str | None = None) -> None:
        super().__init__(detail)
        self.new_address = new_address
        self.new_thread = new_thread


class Gone(DeliveryError):
    """The chat cannot be reached any more."""


class TopicClosed(Gone):
    """Nobody but administrators may write in the chat's topic until it is opened again."""


class WritingForbidden(Gone):
    """The chat is there, and the bot may not write in it."""


class Rejected(DeliveryError):
    """The platform refuses this payload for good."""


class FilesForbidden(Rejected):
    """The chat takes no pictures or files from the bot; words it takes."""


class FileTooBig(Rejected):
    """The file to fetch is bigger than was asked for."""


class ForeignFile(Rejected):
    """The file to fetch lies at an address that is not the platform's; str() names its host alone."""


class Unauthorised(DeliveryError):
    """The account's token is refused."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a channel can do. max_text, max_caption: in UTF-16 units.

    in_flight: the most sends at a time. repeats_unknown: a message of unknown outcome is sent once more,
    marked "(gửi lại)"; else the administrator sees it and the next rung tells it (scarce quota).
    start_links: a link to the bot may carry a code. max_caption: the longest text under a picture or file
    whose bytes we send; 0: none are sent. pictures_by_link: pictures go by their public address. menus: a
    chat may have its own list of commands. monthly_messages, most_people: the platform's caps (None: no cap).
    messenger: its name to people.
    """

    max_text: int
    buttons: bool
    edits: bool
    groups: bool
    markup: Literal["html", "plain"]
    in_flight: int
    repeats_unknown: bool
    start_links: bool = False
    max_caption: int = 0
    pictures_by_link: bool = False
    menus: bool = False
    monthly_messages: int | None = None
    most_people: int | None = None
    messenger: str = ""


@dataclass(frozen=True, slots=True)
class Button:
    """A choice under a message: its label, and the key that comes back (at most 64 bytes)."""

    label: str
    action: str


@dataclass(frozen=True, slots=True)
class OutgoingDocument:
    """A file sent with a message."""

    name: str
    mime: str
    content: bytes


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """One message, rendered for one channel.

    text: HTML where the channel's markup is html and plain is False, else plain text. edits: the remote id
    of the message that this one replaces (channels without edits send a new one). picture, document: a PNG
    or a file above the text, only where the capabilities allow captions and the text fits. picture_url:
    only where they allow pictures_by_link.
    """

    address: str
    text: str
    thread: str = ""
    buttons: tuple[tuple[Button, ...], ...] = ()
    plain: bool = False
    reply_to: str | None = None
    edits: str | None = None
    picture: bytes | None = None
    document: OutgoingDocument | None = None
    picture_url: str | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """The platform accepted the message; remote_id is its id there."""

    remote_id: str


@dataclass(frozen=True, slots=True)
class Attachment:
    """A photo or file that came in; the channel fetches it by `ref`.

    content: its bytes, once the inbox has fetched them. fault: why there are none.
    """

    ref: str
    name: str = ""
    size: int | None = None  # bytes, where the platform tells
    content: bytes | None = None
    fault: Literal["", "too_big", "foreign", "lost", "secret", "heavy", "broken", "too_many"] = ""


# Words that are not the sender's own: of a message that was forwarded, made by another bot, or that speaks of
# a message in another chat.
Borrowed = Literal["", "forwarded", "via_bot", "elsewhere"]


@dataclass(frozen=True, slots=True)
class Incoming:
    """One update, in the form that is the same for every channel.

    kind: text (typed), action (a button's key in `text`), moved (the chat's new address in `text`),
    gone (blocked or kicked), back (unblocked or added), reopened (its topic), other (not read). Texts hold
    no NUL, which PostgreSQL cannot store.
    """

    account_id: int
    update_id: str
    address: str
    chat_kind: Literal["private", "group"]
    kind: Literal["text", "action", "moved", "gone", "back", "reopened", "other"]
    sender: str = (
        ""  # the sender's id on the account; "" where unknown (an anonymous administrator)
    )
    sender_name: str = ""
    chat_title: str = ""
    text: str = ""
    thread: str = ""
    reply_to: str | None = (
        None  # remote id of our message that it answers, or of the pressed button's
    )
    action_id: str | None = None  # of a press, for Channel.acknowledge
    sent_at: datetime | None = None
    attachments: tuple[str, ...] = ()  # their kinds, in the platform's words
    files: tuple[Attachment, ...] = ()  # those of them that we can keep
    borrowed: Borrowed = ""
    corrects: str | None = None  # remote id of the sender's own message that this one replaces
    album: str = ""  # the same for photos and files that were sent together

    def __post_init__(self) -> None:
        for name in ("sender_name", "chat_title", "text"):
            value = getattr(self, name)
            if isinstance(value, str) and "\x00" in value:
                object.__setattr__(self, name, value.replace("\x00", ""))


@dataclass(frozen=True, slots=True)
class RawUpdate:
    """One update as it came; `raw` is stored before it is parsed."""

    update_id: str
    raw: bytes
    address: str | None = None  # the chat, where a cheap look can tell it
    remote_id: str | None = None  # the message's id on the platform, likewise


@dataclass(slots=True)
class Slot:
    """A send's place in the windows: the monotonic second at which it starts."""

    at: float


class Pacing(Protocol):
    """When a platform allows an account to send; `at` is a monotonic second.

    The sender asks before it claims a message, so that no claimed message waits.
    """

    longest: float  # seconds of the longest window

    def wait(self, chat_id: int | None, *, group: bool, answer: bool, at: float) -> float:
        """Return how many seconds a send to the chat must wait; 0 where it may go now.

        chat_id None: a chat that was never written to.
        """

    def take(self, chat_id: int, *, group: bool, at: float) -> Slot:
        """Reserve a send that starts, or started, at an instant; set its `at` when it really leaves."""


class Channel(Protocol):
    """One account on one messenger.

    `name` is the bot's own id on the platform and never its token.
    """

    kind: str
    name: str
    title: str | None
    link: str | None  # where a person opens its chat, once it is known
    capabilities: Capabilities
    pacing: Pacing

    async def open(self) -> None:
        """Connect and learn the bot's name; raises Unauthorised, Transient or Unknown."""

    async def close(self) -> None:
        """Close the connections; never raises."""

    async def send(self, message: OutgoingMessage) -> Receipt:
        """Send once; raises the DeliveryError that says what to do next."""

    def updates(self, offset: int | None) -> AsyncGenerator[list[RawUpdate], None]:
        """Poll for ever and yield each batch, also an empty one; the caller stores it before the next poll.

        offset: the first update id wanted.
        """

    def split(self, body: bytes) -> RawUpdate:
        """Return id and chat of one webhook body; ValueError for a body that is no update."""

    def parse(self, account_id: int, raw: bytes) -> Incoming | None:
        """Read one stored update; None where there is nothing to do, ValueError where malformed."""

    async def acknowledge(self, incoming: Incoming, words: str = "") -> None:
        """End a press's spinner; best effort, never raises."""

    async def show_typing(self, incoming: Incoming) -> None:
        """Show "typing…" for some seconds; best effort, never raises."""

    async def fetch(self, attachment: Attachment, *, most: int) -> bytes:
        """Return a file's bytes; raises FileTooBig (more than `most`), ForeignFile, else a DeliveryError."""

    async def offer_menu(self, address: str, commands: Sequence[tuple[str, str]]) -> None:
        """Show a chat its own commands (name, description), or none any more; raises a DeliveryError.

        Called only where the capabilities have `menus`; a forum's topics share one menu.
        """


@dataclass(frozen=True, slots=True)
class Answer:
    """The reply to one update, put into the outbox in the same transaction as the update's effect.

    template: its name under templates/. context: JSON values for it. items: obligations listed, in order,
    which numbers typed later refer to. edits: remote id of our message to change in place where the channel
    can. secret: it holds a code or names of people, and is deleted once it was sent or given up.
    """

    template: str
    context: dict[str, object] = field(default_factory=dict)
    buttons: tuple[tuple[Button, ...], ...] = ()
    items: tuple[int, ...] = ()
    edits: str | None = None
    secret: bool = False
    to_chat: int | None = None  # another chat than the one that asked (a coordinator's)
