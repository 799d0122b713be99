"""The one entrance: every incoming message, from any channel, becomes answers here.

Guarantees:
- A chat that is not enrolled gets no data.
- Every command passes access.may().
- The effects and the answers belong to the caller's one transaction.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.conversation.commands import COMMANDS, COMMANDS_BY_WORD, ChatCommand
from bot.conversation.contacts import enrol
from bot.conversation.context.access import DECIDING_ROLES, load_caller, may
from bot.conversation.context.dialogs import close_open_question
from bot.conversation.context.preview import settle_preview
from bot.conversation.context.turn import Turn
from bot.conversation.queries.spoken import find_spoken_query
from bot.conversation.replies.borrowed import answer_borrowed_words
from bot.conversation.replies.dispatch import (
    answer_button,
    answer_edited,
    answer_files,
    answer_retraction,
    answer_text,
)
from bot.conversation.replies.labels import find_typed_action, is_shown_label
from bot.conversation.replies.show import no_list_answer
from bot.conversation.replies.summary import summarise_answers
from data.clock import civil_date
from data.contacts.chats import ensure_chat, wake_chat
from data.models import Account
from data.registry.registry import Registry
from data.text import fold, strip_invisible
from jobs.channel import Answer, Capabilities, Incoming
from jobs.rendering.links import Links

_COMMAND = re.compile(
    r"^/+[^\S\n]?(?P<name>[^\s@/:,.;!?]+)(?:@(?P<bot>\w*))?[^\w\s]*(?:(?<=:)|\s|$)(?P<words>.*)$",
    re.DOTALL,
)
_MENTION = re.compile(r"\s*@(\w+)[\s,:]+(?=\S)")
_FIRST_WORD = re.compile(r"\s*(\S+)(.*)", re.DOTALL)
_RETRACTION = "huy"  # in no list of commands: people type "huỷ"
_LONGEST_WORDS = 200
_SHORTEST_JOINED = 5  # letters of a command's name that is no word
_DEFAULT_LIMIT = 4096


class Router:
    """The answers of the bot to incoming messages.

    registry: returns the registry in use, asked at each turn. templates: the folder of the templates.
    limits: the longest text of each account in UTF-16 units; longer lists go in pages. capabilities: of
    the open accounts. links: addresses of the web server, if there is a public one.
    """

    def __init__(
        self,
        registry: Callable[[], Registry],
        templates: Path,
        *,
        limits: Mapping[int, int] | None = None,
        capabilities: Mapping[int, Capabilities] | None = None,
        links: Links | None = None,
    ) -> None:
        self._registry = registry
        self._templates = templates
        self._limits = limits if limits is not None else {}
        self._capabilities = capabilities if capabilities is not None else {}
        self._links = links

    async def handle(
        self,
        connection: AsyncConnection,
        incoming: Incoming,
        *,
        event_id: int | None,
        now: datetime,
    ) -> list[Answer]:
        """Handle one incoming message within the caller's write transaction; returns its answers.

        The inbox handles a chat that moved or is gone itself (data/outbox/lost_chats.py).
        """
        return await _route(await self._begin_turn(connection, incoming, event_id, now))

    async def summarise(
        self,
        connection: AsyncConnection,
        incoming: Incoming,
        answers: Sequence[Answer],
        *,
        event_ids: Sequence[int],
        now: datetime,
    ) -> list[Answer]:
        """Return what remains to be said, of the answers to several messages of one chat.

        Call in the write transaction that puts it in their place. incoming: the last of the messages.
        """
        turn = await self._begin_turn(connection, incoming, None, now)
        return await summarise_answers(turn, answers, event_ids)

    async def _begin_turn(
        self,
        connection: AsyncConnection,
        incoming: Incoming,
        event_id: int | None,
        now: datetime,
    ) -> Turn:
        chat = await ensure_chat(connection, incoming, now=now)
        if chat.state != "living":
            await wake_chat(connection, chat.id)
        today = civil_date(now)
        incoming = replace(
            incoming, text=_plain_command(await _strip_mention(connection, incoming))
        )
        return Turn(
            connection=connection,
            incoming=incoming,
            chat=chat,
            caller=await load_caller(connection, incoming, chat, today=today),
            registry=self._registry(),
            templates=self._templates,
            event_id=event_id,
            now=now,
            today=today,
            max_length=self._limits.get(incoming.account_id, _DEFAULT_LIMIT),
            capabilities=self._capabilities,
            links=self._links,
        )


async def _route(turn: Turn) -> list[Answer]:
    incoming, caller = turn.incoming, turn.caller
    text = incoming.text.strip()
    if incoming.kind == "text":
        redeemed = await enrol.use_typed_codes(turn, text)
        if redeemed is not None:
            return redeemed
    if caller.is_stranger:
        # In a group people talk among themselves: only a command, or adding the bot, is meant for it.
        to_bot = not caller.in_group or incoming.kind == "back" or text.startswith("/")
        is_start = _name_command(text) == "start"
        return await enrol.greet_stranger(turn, is_start=is_start) if to_bot else []
    agreed = await _run_agreed_command(turn)
    if agreed is not None:
        return agreed
    if incoming.kind == "action":
        return await _run_tapped_command(turn) or await answer_button(turn)
    if incoming.borrowed and (text or incoming.files):
        return await answer_borrowed_words(turn)
    if incoming.corrects is not None:
        return await answer_edited(turn) if text else []
    if incoming.files and not text.startswith("/"):
        return await answer_files(turn)
    if incoming.kind == "text" and text:
        return await _run_typed_command(turn, text) or await _answer_words(turn, text)
    if incoming.kind == "other" and not caller.in_group:
        return [no_list_answer("not_text")] if await enrol.may_greet(turn) else []
    return []


async def _run_agreed_command(turn: Turn) -> list[Answer] | None:
    """Do what was shown first, once its asker agrees; None for whatever else was said."""
    if turn.incoming.borrowed or turn.incoming.corrects is not None:
        return None
    agreed = await settle_preview(turn)
    if agreed is None or isinstance(agreed, Answer):
        return None if agreed is None else [agreed]
    turn = replace(turn, words=agreed.words, agreed=agreed.seal or None)
    answers = await _run_command(turn, COMMANDS[agreed.command])
    if answers and answers[0].to_chat is None and answers[0].edits is None:
        answers[0] = replace(answers[0], edits=turn.pressed_message_id)
    return answers


async def _strip_mention(connection: AsyncConnection, incoming: Incoming) -> str:
    """Return a typed text without the name of this bot before it: "@nhacviec_bot /viec"."""
    mention = _MENTION.match(incoming.text)
    if incoming.kind != "text" or mention is None:
        return incoming.text
    title = await connection.scalar(select(Account.title).where(Account.id == incoming.account_id))
    is_ours = (title or "").lstrip("@").casefold() == mention[1].casefold()
    return incoming.text[mention.end() :] if is_ours else incoming.text


def _plain_command(text: str) -> str:
    """Return a typed text with a command at its beginning in plain letters, whatever the keyboard made of it."""
    match = _FIRST_WORD.match(text)
    if match is None:
        return text
    plain = unicodedata.normalize("NFKC", strip_invisible(match[1]))
    return f"{plain}{match[2]}" if plain.startswith("/") else text


def _name_command(text: str) -> str:
    """Return the name of a command as it is looked up; "" for other words."""
    match = _COMMAND.match(text)
    return "" if match is None else fold(match["name"]).replace(" ", "")


async def _run_tapped_command(turn: Turn) -> list[Answer]:
    """Answer a button that runs a command: page:NAME:N[:words], or go:NAME:words as if typed.

    Its words are as untrusted as typed ones: the command checks them anew.
    """
    verb, _, rest = turn.incoming.text.partition(":")
    if verb not in ("page", "go"):
        return []
    name, _, words = rest.partition(":")
    if verb == "page":
        number, _, words = words.partition(":")
        words = f"{words} trang {number if number.isdecimal() else 1}"
    command = COMMANDS.get(name)
    if command is None or not may(turn.caller, name):
        return [Answer("unknown_item")]
    if verb == "go":  # a new message; a page replaces the one whose button was pressed
        turn = replace(turn, incoming=replace(turn.incoming, kind="text", reply_to=None))
    return await _run_command(replace(turn, words=words.strip()[:_LONGEST_WORDS]), command)


async def _run_typed_command(turn: Turn, text: str) -> list[Answer]:
    match = _COMMAND.match(text)
    if match is None:
        typed = text.startswith("/") and not turn.caller.in_group
        return (
            [Answer("unknown_command", {"typed": text.lstrip("/ ")[:40], "nearest": ""})]
            if typed
            else []
        )
    name, bot, words = match["name"], match["bot"] or None, match["words"].strip()
    if bot is not None and turn.caller.in_group and not await _is_this_bot(turn, bot):
        return []
    word = fold(name).replace(" ", "")
    if word == _RETRACTION:
        return await answer_retraction(turn, words)
    command = COMMANDS_BY_WORD.get(word)
    if command is not None:
        return await _run_command(replace(turn, words=words[:_LONGEST_WORDS]), command)
    allowed = [key for key, each in COMMANDS_BY_WORD.items() if may(turn.caller, each.name)]
    near = difflib.get_close_matches(word, allowed, n=1)
    if turn.caller.in_group and bot is None and not near:
        return []  # another bot's command
    return [Answer("unknown_command", {"typed": name[:40], "nearest": near[0] if near else ""})]


async def _answer_words(turn: Turn, text: str) -> list[Answer]:
    if text.startswith("/"):
        return []
    command = COMMANDS_BY_WORD.get(fold(text).replace(" ", ""))
    words = ""
    if command is None and turn.caller.roles() & DECIDING_ROLES:
        command, words = _find_joined_command(text)
    # From a caller who may not run /baocao, "báo cáo" is a reply and no command.
    if (
        command is not None
        and not turn.caller.in_group
        and may(turn.caller, command.name)
        and (words or not await is_shown_label(turn))  # "Xác nhận" is a choice, too
    ):
        return await _run_command(replace(turn, words=words[:_LONGEST_WORDS]), command)
    action = await find_typed_action(turn)
    if action.startswith(("page:", "go:")):
        return await _run_tapped_command(
            replace(turn, incoming=replace(turn.incoming, text=action))
        )
    if action.startswith("answer:"):
        return await answer_button(replace(turn, incoming=replace(turn.incoming, text=action)))
    spoken = await find_spoken_query(turn)
    if spoken is not None:
        name, words = spoken
        return await _run_command(replace(turn, words=words[:_LONGEST_WORDS]), COMMANDS[name])
    return await answer_text(turn)


def _find_joined_command(text: str) -> tuple[ChatCommand | None, str]:
    """Return the command that a text without "/" begins with and the words after it: "chuanop 1901".

    Only for names that are no Vietnamese word: "giao" and "nhac" begin sentences.
    """
    name, _, words = text.partition(" ")
    is_name = len(name) >= _SHORTEST_JOINED and name.isascii()
    return (COMMANDS_BY_WORD.get(name.lower()) if is_name else None), words.strip()


async def _run_command(turn: Turn, command: ChatCommand) -> list[Answer]:
    if not may(turn.caller, command.name):
        context: dict[str, Any] = {"why": "command", "command": command.name, "coordinator": ""}
        return [Answer("not_allowed", context)]
    await close_open_question(turn)
    return await command.function(turn)


async def _is_this_bot(turn: Turn, bot: str) -> bool:
    """Tell whether "/viec@name" names this bot; a bot without a known name takes every command."""
    title = await turn.connection.scalar(
        select(Account.title).where(Account.id == turn.incoming.account_id)
    )
    return not title or title.lstrip("@").casefold() == bot.casefold()
