"""All that a messenger is stands in its folder: complete, of one shape, and named nowhere else."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.channels import MESSENGERS
from bot.channels.capabilities import capabilities_for_kind
from bot.channels.local import LocalChannel
from bot.channels.messenger import Messenger
from bot.config import Settings, list_setting_names
from bot.service.accounts import build_channels, webhook_address_for
from tests.support.sources import MODULES, TOP, path_name, source, tree
from tests.support.telegram_server import TOKEN
from tests.support.zalo_server import TOKENS

CHANNELS = TOP / "bot" / "channels"
FOLDERS = sorted(path.parent for path in CHANNELS.glob("*/__init__.py"))
NAMES = ("telegram", "zalo")

# What may name a messenger outside of the folders, and why.
EXCEPTIONS = {
    "bot/config.py": "the settings: every one is named here",
    "bot/cli/main.py": "the table of commands, one of which is `zalo`",
    "bot/cli/zalo.py": "the command `zalo`; its work is bot/channels/zalo/webhook.py",
    "bot/cli/invite.py": "words to the administrator",
    "bot/conversation/commands.py": "words to people: the help of /kenh",
    "bot/conversation/reader/talk_words.py": "words of people: how they name what they write by",
    "bot/sandbox/chats.py": "the sandbox shows each message as either messenger would",
    "bot/sandbox/page.py": "the sandbox's page is switched between the two looks",
    "bot/sandbox/view.py": "the sandbox draws both looks",
}
SETTINGS = Settings.model_validate(
    {
        "telegram_token": TOKEN,
        "zalo_bot_tokens": ",".join(TOKENS[:2]),
        "zalo_bot_people": 7,
        "zalo_bot_messages": 70,
    }
)


def docstrings(module: ast.AST) -> set[int]:
    """Return the ids of the nodes that document and do nothing."""
    return {id(node.value) for node in ast.walk(module) if isinstance(node, ast.Expr)}


def words(path: Path) -> Iterator[str]:
    """Yield every name and every string of a module, but for its docstrings and comments."""
    silent = docstrings(tree(path))
    for node in ast.walk(tree(path)):
        if id(node) in silent:
            continue
        for field in ("id", "attr", "arg", "name", "asname", "module"):
            value = getattr(node, field, None)
            if isinstance(value, str):
                yield value
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_nothing_outside_of_the_folders_names_a_messenger_but_for_a_reason() -> None:
    naming = {
        path_name(path)
        for path in MODULES
        if CHANNELS not in path.parents
        and any(name in source(path).lower() for name in NAMES)
        and any(name in word.lower() for word in words(path) for name in NAMES)
    }
    assert naming == set(EXCEPTIONS)


def test_every_folder_is_a_messenger_of_the_dictionary_and_holds_every_part() -> None:
    assert len(FOLDERS) >= 2
    accounts = {type(messenger).__module__ for messenger in MESSENGERS.values()}
    assert accounts == {f"bot.channels.{folder.name}.account" for folder in FOLDERS}
    for folder in FOLDERS:
        parts = {path.stem for path in folder.glob("*.py")}
        assert parts >= {"account", "capabilities", "channel", "http", "updates"}, folder.name


@pytest.mark.parametrize("kind", MESSENGERS)
def test_a_messenger_gives_everything_that_is_asked_of_one(kind: str) -> None:
    shape = {name for name in vars(Messenger) if not name.startswith("_")}
    shape |= set(Messenger.__annotations__)
    assert len(shape) >= 13
    assert {name for name in shape if not hasattr(MESSENGERS[kind], name)} == set()


@pytest.mark.parametrize("kind", MESSENGERS)
def test_its_settings_exist_and_without_them_it_has_no_bot(kind: str) -> None:
    messenger = MESSENGERS[kind]
    assert {messenger.keys_setting, messenger.server_setting} <= set(list_setting_names())
    assert messenger.keys_setting in messenger.keys_hint
    assert messenger.keys_setting in messenger.refused_advice
    assert messenger.server(SETTINGS).startswith("https://")
    assert messenger.channels(Settings.model_validate({})) == []


@pytest.mark.parametrize("kind", MESSENGERS)
async def test_its_bots_are_of_its_kind_and_do_what_is_set(kind: str) -> None:
    messenger = MESSENGERS[kind]
    channels = messenger.channels(SETTINGS)
    assert channels
    for channel in channels:
        assert channel.kind == kind == messenger.kind
        assert channel.capabilities == messenger.capabilities(SETTINGS)
        assert channel.capabilities.messenger == messenger.title
        await channel.close()


async def test_each_bot_has_a_webhook_of_its_own_that_only_its_platform_can_call() -> None:
    channels = build_channels(SETTINGS)
    hooks = [webhook_address_for(SETTINGS, channel) for channel in channels]
    assert len({hook.path for hook in hooks}) == len({hook.secret for hook in hooks}) == 3
    for hook in hooks:
        assert hook.url("https://nhac.example") == f"https://nhac.example{hook.path}"
        assert hook.url(None) == ""
        assert hook.secret not in SETTINGS.bot_tokens
        assert hook.may_read({hook.header: hook.secret})
        assert not hook.may_read({hook.header: hook.secret[:-1]})
        assert not hook.may_read({})
    for messenger in MESSENGERS.values():
        with pytest.raises(KeyError):
            messenger.webhook(Settings.model_validate({}), "1")
    for channel in channels:
        await channel.close()


@pytest.mark.parametrize("kind", MESSENGERS)
@pytest.mark.parametrize(
    ("url", "wanted"),
    [("https://else.example/x", ""), ("", "https://nhac.example/x"), ("https://a/", "https://b/")],
)
def test_its_doctor_says_what_is_wrong_and_what_to_do(kind: str, url: str, wanted: str) -> None:
    fault = MESSENGERS[kind].judge_webhook(url, wanted)
    assert fault.level in ("warn", "bad")
    assert (url or "chưa đặt webhook") in fault.found
    assert "«nhacviec " in fault.todo


def test_what_an_account_can_do_is_found_by_the_kind_that_its_row_holds() -> None:
    assert list(MESSENGERS) == ["telegram", "zalo_bot"]
    zalo = capabilities_for_kind(SETTINGS, "zalo_bot")
    assert zalo is not None
    assert (zalo.most_people, zalo.monthly_messages) == (7, 70)
    assert capabilities_for_kind(SETTINGS, "local") == LocalChannel.capabilities
    assert capabilities_for_kind(SETTINGS, "pigeon") is None


@pytest.mark.slow
def test_the_messengers_are_known_without_any_messengers_library() -> None:
    command = "import sys, bot.service.accounts; print(*sys.modules)"
    printed = subprocess.run(
        [sys.executable, "-c", command], capture_output=True, text=True, check=True
    )
    loaded = set(printed.stdout.split())
    assert not {"telegram", "httpx", "httpcore"} & loaded
