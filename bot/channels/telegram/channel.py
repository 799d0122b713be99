"""One bot on Telegram's Bot API: sends by python-telegram-bot, polls by its own client.

Guarantees:
- One attempt a call; errors are jobs.channel's, read from the server's answer before the library sorts them.
- The token is in no error and no row.
- An update is stored before the next offset tells Telegram to forget it.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from typing import Any, TypeVar

from telegram import (
    Bot,
    BotCommand,
    BotCommandScopeChat,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputFile,
    LinkPreviewOptions,
    ReplyParameters,
)
from telegram.constants import ChatAction
from telegram.error import NetworkError, TelegramError

from bot.channels.messenger import WebhookState
from bot.channels.pacing import PacingLimits, SlidingWindows
from bot.channels.safe_json import parse_json
from bot.channels.telegram.capabilities import CAPABILITIES, LIMITS
from bot.channels.telegram.http import (
    ANSWER_SECONDS,
    UPDATE_TYPES,
    delivery_error_from_transport,
    poll_telegram,
    raw_update_from_telegram,
)
from bot.channels.telegram.refusals import TopicGone, telegram_delivery_error
from bot.channels.telegram.request import BotApiRefusal, HttpcoreRequest
from bot.channels.telegram.updates import incoming_from_telegram
from data.log import get_logger
from jobs.channel import (
    Attachment,
    Button,
    DeliveryError,
    FileTooBig,
    Gone,
    Incoming,
    Moved,
    OutgoingMessage,
    Pacing,
    RawUpdate,
    Receipt,
    Rejected,
    Unknown,
)

log = get_logger("telegram")

BASE_URL = "https://api.telegram.org"
T = TypeVar("T")
_NO_PREVIEW = LinkPreviewOptions(is_disabled=True)


class TelegramChannel:
    """One bot on Telegram."""

    kind = "telegram"
    capabilities = CAPABILITIES

    def __init__(
        self,
        token: str,
        *,
        base_url: str = BASE_URL,
        limits: PacingLimits = LIMITS,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        self._token = token
        address = base_url.rstrip("/").removesuffix("/bot")
        self._url = f"{address}/bot"
        request = HttpcoreRequest(address, answer_seconds=answer_seconds)
        self._bot = Bot(
            token,
            base_url=self._url,
            base_file_url=f"{address}/file/bot",
            request=request,
            get_updates_request=request,  # never used: polling is our own
        )
        self.name = token.partition(":")[0]  # the bot's own id
        self.title: str | None = None
        self.link: str | None = None
        self.pacing: Pacing = SlidingWindows(limits)
        # They log addresses, which hold the token, and at DEBUG the words of messages.
        for library in ("httpx", "httpcore", "telegram"):
            logging.getLogger(library).setLevel(logging.WARNING)

    async def open(self) -> None:
        """Connect and learn the bot's name; raises Unauthorised, Transient or Unknown."""
        await self._call(self._bot.initialize())
        self.name = str(self._bot.id)
        username = self._bot.username or ""  # an emulator may know none
        self.title = f"@{username}" if username else None
        self.link = f"https://t.me/{username}"

    async def close(self) -> None:
        """Close the connections; never raises."""
        try:
            await self._bot.shutdown()
        except Exception as error:
            log.warning("close.failed", error=type(error).__name__)

    async def send(self, message: OutgoingMessage) -> Receipt:
        """Send or edit once, without web page previews; raises a DeliveryError.

        A reply to a deleted message is sent all the same.
        """
        if message.edits is not None:
            return await self._edit(message, message.edits)
        if message.picture is not None:
            picture = InputFile(message.picture, filename="hinh.png", attach=False)
            return await self._send_file(message, self._bot.send_photo, photo=picture)
        if message.document is not None:
            content, name = message.document.content, message.document.name
            file = InputFile(content, filename=name, attach=False)
            return await self._send_file(message, self._bot.send_document, document=file)
        reply = message.reply_to
        try:
            sent = await self._call(
                self._bot.send_message(
                    chat_id=int(message.address),
                    text=message.text,
                    parse_mode=None if message.plain else "HTML",
                    message_thread_id=int(message.thread) if message.thread else None,
                    reply_markup=_keyboard(message.buttons),
                    reply_parameters=ReplyParameters(int(reply), allow_sending_without_reply=True)
                    if reply
                    else None,
                    link_preview_options=_NO_PREVIEW,
                )
            )
        except TopicGone as error:
            lost = _without_topic(message, str(error))
        else:
            return _receipt(sent)
        raise lost

    async def _send_file(
        self, message: OutgoingMessage, method: Callable[..., Any], **file: InputFile
    ) -> Receipt:
        try:
            sent = await self._call(
                method(
                    chat_id=int(message.address),
                    **file,
                    caption=message.text,
                    parse_mode=None if message.plain else "HTML",
                    message_thread_id=int(message.thread) if message.thread else None,
                    reply_markup=_keyboard(message.buttons),
                )
            )
        except TopicGone as error:
            lost = _without_topic(message, str(error))
        else:
            return _receipt(sent)
        raise lost

    async def _edit(self, message: OutgoingMessage, remote_id: str) -> Receipt:
        try:
            await self._call(
                self._bot.edit_message_text(
                    message.text,
                    chat_id=int(message.address),
                    message_id=int(remote_id),
                    parse_mode=None if message.plain else "HTML",
                    reply_markup=_keyboard(message.buttons),
                    link_preview_options=_NO_PREVIEW,
                )
            )
        except (Rejected, TopicGone) as error:
            if "message is not modified" not in str(error).lower():
                raise Rejected(str(error)) from None  # in a lost topic nothing can be edited
        return Receipt(remote_id)

    async def acknowledge(self, incoming: Incoming, words: str = "") -> None:
        """End a press's spinner; best effort, because the server soon forgets a press; never raises."""
        if incoming.action_id is None:
            return
        try:
            answered = self._bot.answer_callback_query(incoming.action_id, text=words[:200] or None)
            await self._call(answered)
        except Exception as error:
            log.info("press.not_acknowledged", error=type(error).__name__)

    async def show_typing(self, incoming: Incoming) -> None:
        """Show "typing…" for five seconds, or until the reply; best effort, never raises."""
        try:
            shown = self._bot.send_chat_action(
                int(incoming.address),
                ChatAction.TYPING,
                message_thread_id=int(incoming.thread) if incoming.thread else None,
            )
            await self._call(shown)
        except Exception as error:
            log.info("typing.not_shown", error=type(error).__name__)

    async def fetch(self, attachment: Attachment, *, most: int) -> bytes:
        """Download a file (Telegram gives at most 20 MB); raises FileTooBig for more than `most`."""
        file = await self._call(self._bot.get_file(attachment.ref))
        if isinstance(file.file_size, int) and file.file_size > most:
            raise FileTooBig("file too big")
        content = bytes(await self._call(file.download_as_bytearray()))
        if len(content) > most:
            raise FileTooBig("file too big")
        return content

    def split(self, body: bytes) -> RawUpdate:
        """Return id and chat of one webhook body; ValueError for a body that is no update."""
        return raw_update_from_telegram(parse_json(body), body)

    def parse(self, account_id: int, raw: bytes) -> Incoming | None:
        """Read one stored update; None where there is nothing to do, ValueError where malformed."""
        return incoming_from_telegram(account_id, parse_json(raw), self.title)

    def updates(self, offset: int | None) -> AsyncGenerator[list[RawUpdate], None]:
        """Long-poll for ever; see bot.channels.telegram.http.poll_telegram."""
        return poll_telegram(f"{self._url}{self._token}", offset)

    async def set_webhook(self, url: str, *, secret: str) -> None:
        """Have updates sent to a public https address with a secret header; raises DeliveryError."""
        await self._call(
            self._bot.set_webhook(url, secret_token=secret, allowed_updates=UPDATE_TYPES)
        )

    async def delete_webhook(self) -> None:
        """Stop the webhook; Telegram keeps the updates that wait. Raises DeliveryError."""
        await self._call(self._bot.delete_webhook())

    async def webhook_state(self) -> WebhookState:
        """Ask where updates are sent to, what waits, and the last failed call; raises DeliveryError."""
        info = await self._call(self._bot.get_webhook_info())
        return WebhookState(
            info.url or "",
            info.pending_update_count,
            info.last_error_message or "",
            info.last_error_date,
        )

    async def commands(self) -> list[tuple[str, str]]:
        """Return the commands that set_commands offered last; raises DeliveryError."""
        offered = await self._call(self._bot.get_my_commands())
        return [(each.command, each.description) for each in offered]

    async def set_commands(self, commands: Sequence[tuple[str, str]]) -> None:
        """Offer (name, description) where a chat has no menu of its own; raises DeliveryError."""
        await self._call(self._bot.set_my_commands([BotCommand(*command) for command in commands]))

    async def offer_menu(self, address: str, commands: Sequence[tuple[str, str]]) -> None:
        """Offer a chat its own commands, without any those of every chat; raises DeliveryError."""
        scope = BotCommandScopeChat(int(address))
        if not commands:
            await self._call(self._bot.delete_my_commands(scope=scope))
            return
        given = [BotCommand(*command) for command in commands]
        await self._call(self._bot.set_my_commands(given, scope=scope))

    async def _call(self, call: Coroutine[Any, Any, T]) -> T:
        """Await one call of the library; its errors become ours, with no trace of the address."""
        failed: DeliveryError
        try:
            return await call
        except BotApiRefusal as error:
            failed = telegram_delivery_error(error.code, error.payload)
        except NetworkError as error:
            failed = delivery_error_from_transport(error.__cause__)
        except (TelegramError, ValueError, KeyError, TypeError, OverflowError) as error:
            failed = Unknown(f"answer not understood: {type(error).__name__}")
        raise failed  # outside of the handler: the library's error may hold the token


def _receipt(sent: Any) -> Receipt:
    """Return the number of a sent message; raises Unknown where the server told none."""
    number = getattr(sent, "message_id", None)
    if number is None:
        raise Unknown("answer not understood")
    return Receipt(str(number))


def _without_topic(message: OutgoingMessage, detail: str) -> DeliveryError:
    """Return what a deleted topic means: its message goes on in the forum, one of no topic cannot."""
    if not message.thread:
        return Gone(detail)
    return Moved(detail, new_address=message.address, new_thread="")


def _keyboard(rows: tuple[tuple[Button, ...], ...]) -> InlineKeyboardMarkup | None:
    if not rows:
        return None
    return InlineKeyboardMarkup(
        [[InlineKeyboardButton(key.label, callback_data=key.action) for key in row] for row in rows]
    )
