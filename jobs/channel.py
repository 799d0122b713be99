"""The port to messengers: what a channel can do, what it is given, what it answers.

Promises that nothing above it knows a messenger's name: jobs and conversations speak of capabilities.
bot/channels implements it. A channel makes one attempt a call and never repeats by itself; what comes
next is decided by the error's type:

    DeliveryError
    ├── Transient        nothing arrived; try again later (refused connection, 5xx with a body)
    ├── Unknown          it may have arrived: the request left and no answer came (time-out, dropped)
    ├── RateLimited      wait `retry_after` seconds, for that chat or (whole_account) the account
    ├── Moved            the chat has a new address; follow it, this message too
    ├── Gone             blocked, kicked, deleted: this chat is paused, the next one takes over
    ├── Rejected         this payload is refused: once more as plain text, then parked and shown
    └── Unauthorised     the account itself is refused: it stops, the administrator is told
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol


class DeliveryError(Exception):
    """A send that did not end in a receipt; str() never holds a token or a person's words."""


class Transient(DeliveryError):
    """Nothing arrived; the same message may be sent again after a back-off."""


class Unknown(DeliveryError):
    """The request left and no answer came; the message may be in the chat."""


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


class Rejected(DeliveryError):
    """The platform refuses this payload for good."""


class Unauthorised(DeliveryError):
    """The account's token is refused."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a channel can do. max_text counts UTF-16 units; in_flight is k of the outbox.

    repeats_unknown: a message of unknown outcome is sent once more, marked "(gửi lại)"; else it is
    shown to the administrator and left to the next rung (scarce quota). menus: it shows a chat a list of
    commands of its own. max_caption: the longest text, in UTF-16 units, under a picture or file whose
    bytes we send; 0: none are sent. pictures_by_link: it takes pictures by a public address.
    monthly_messages, most_people: caps of the platform (None: no cap). messenger: what people call it.
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
    """A choice under a message: what it says, and the short key that comes back (at most 64 bytes)."""

    label: str
    action: str


@dataclass(frozen=True, slots=True)
class OutgoingDocument:
    """A file that goes with a message."""

    name: str
    mime: str
    content: bytes


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """One message, rendered for one channel.

    text is HTML where the channel's markup is html and plain is False, else plain text. edits: the
    remote id of a message that this one replaces (channels without edits get a new message). picture: a
    PNG above the text, and document: a file above it, only where the capabilities allow captions and the
    text fits; picture_url: a picture's public address, only where they say pictures_by_link.
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
    """The platform took the message; remote_id is its id there."""

    remote_id: str


@dataclass(frozen=True, slots=True)
class Attachment:
    """A photo or file that came in; ref is what the channel fetches it by.

    content: its bytes, once the inbox has fetched them; fault: why it has none ("too_big", "lost").
    """

    ref: str
    name: str = ""
    size: int | None = None  # bytes, where the platform tells
    content: bytes | None = None
    fault: Literal["", "too_big", "lost"] = ""


@dataclass(frozen=True, slots=True)
class Incoming:
    """One thing that came in, in a form that is the same for every channel.

    kind: text (typed), action (a button's key in `text`), moved (the chat's new address in `text`),
    gone (blocked or kicked), back (unblocked or added), other (something we do not read). Words hold no
    NUL, the one character that PostgreSQL keeps in no text.
    """

    account_id: int
    update_id: str
    address: str
    chat_kind: Literal["private", "group"]
    kind: Literal["text", "action", "moved", "gone", "back", "other"]
    sender: str = ""  # the sender's id on the account; "" where it cannot be told (anonymous admin)
    sender_name: str = ""
    chat_title: str = ""
    text: str = ""
    thread: str = ""
    reply_to: str | None = None  # remote id of our message that it answers or whose button it is
    action_id: str | None = None  # what the platform wants acknowledged (a press's spinner)
    sent_at: datetime | None = None
    attachments: tuple[str, ...] = ()  # their kinds, in the platform's words
    files: tuple[Attachment, ...] = ()  # those of them that can be kept

    def __post_init__(self) -> None:
        for name in ("sender_name", "chat_title", "text"):
            words = getattr(self, name)
            if isinstance(words, str) and "\x00" in words:
                object.__setattr__(self, name, words.replace("\x00", ""))


@dataclass(frozen=True, slots=True)
class RawUpdate:
    """One update as it came; raw is stored before it is parsed."""

    update_id: str
    raw: bytes
    address: str | None = None  # the chat, where a cheap look can tell it


@dataclass(slots=True)
class Slot:
    """A send's place in the windows: the monotonic second at which it starts."""

    at: float


class Pacing(Protocol):
    """What a platform allows an account to send, and when; `at` is a monotonic second.

    Asked before a message is claimed, so that no claimed message waits.
    """

    longest: float  # seconds; no wait of a window lasts longer

    def wait(self, chat_id: int | None, *, group: bool, answer: bool, at: float) -> float:
        """Return how many seconds a send to the chat must wait; 0 where it may go now.

        chat_id None: a chat that was never written to.
        """

    def take(self, chat_id: int, *, group: bool, at: float) -> Slot:
        """Reserve a send that starts now (or started then); set its `at` when it really leaves."""


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
        """Connect and learn the bot's own name; raises Unauthorised or Transient."""

    async def close(self) -> None:
        """Let connections go; never raises."""

    async def send(self, message: OutgoingMessage) -> Receipt:
        """Send once; raises the DeliveryError that says what to do next."""

    def updates(self, offset: int | None) -> AsyncGenerator[list[RawUpdate], None]:
        """Yield what each poll brought, maybe nothing; the caller stores a batch before asking on.

        offset: the first update id wanted. A channel that is fed by a webhook yields never.
        """

    def split(self, body: bytes) -> RawUpdate:
        """Tell id and chat of one webhook body; raises ValueError for what is no update."""

    def parse(self, account_id: int, raw: bytes) -> Incoming | None:
        """Read one stored update; None where there is nothing to do; ValueError where malformed."""

    async def acknowledge(self, incoming: Incoming, words: str = "") -> None:
        """End a press's spinner; best effort, never raises."""

    async def show_typing(self, incoming: Incoming) -> None:
        """Show for some seconds that an answer is being written; best effort, never raises."""

    async def fetch(self, attachment: Attachment, *, most: int) -> bytes:
        """Return a file's bytes; raises Rejected for more than `most`, else a DeliveryError."""

    async def offer_menu(self, address: str, commands: Sequence[tuple[str, str]]) -> None:
        """Show a chat its own commands (name, words), or none any more; raises a DeliveryError.

        Called only where the capabilities say `menus`; a forum's topics share one menu.
        """


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back to a chat for one incoming thing; put into the outbox with its effect.

    template: a folder under templates/; context: JSON values for it. items: obligations listed, in
    order, so that numbers typed later find them. edits: remote id of our message to be changed in
    place where the channel can. secret: it holds a code or names of people, and is not kept once it was
    sent or given up.
    """

    template: str
    context: dict[str, object] = field(default_factory=dict)
    buttons: tuple[tuple[Button, ...], ...] = ()
    items: tuple[int, ...] = ()
    edits: str | None = None
    secret: bool = False
    to_chat: int | None = None  # another chat than the one that asked (a coordinator's)
