"""The shape of a messenger: its folder's interface to the service, the web side and the doctor."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from bot.config import Settings
from jobs.channel import Capabilities, Channel


@dataclass(frozen=True, slots=True)
class WebhookAddress:
    """The address that a platform posts updates to, and the check that a call is the platform's.

    A header holds a secret that both sides know. For a platform that signs the body instead, a subclass
    overrides both checks.
    """

    path: str
    header: str
    secret: str

    def __post_init__(self) -> None:
        if not self.secret:
            raise ValueError("a webhook needs a secret")

    def may_read(self, headers: Mapping[str, str]) -> bool:
        """Check a call's header in constant time, before its body is read."""
        given = headers.get(self.header, "")
        return hmac.compare_digest(given.encode(), self.secret.encode())

    def is_genuine(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Check a call's body; the secret in the header is proof enough."""
        return True

    def url(self, public_url: str | None) -> str:
        """Return the full address; "" without a public one, where the service polls."""
        return public_url + self.path if public_url else ""


@dataclass(frozen=True, slots=True)
class WebhookState:
    """A bot's webhook as its platform reports it.

    url: "" for none. waiting: updates that wait at the platform. trouble: its last failed call.
    """

    url: str
    waiting: int = 0
    trouble: str = ""
    trouble_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class WebhookFault:
    """The doctor's finding on a webhook other than wanted, and what to do."""

    level: Literal["warn", "bad"]
    found: str
    todo: str


class Messenger(Protocol):
    """One messenger. Texts are Vietnamese, for the administrator.

    kind: account.channel in the database. title: its name to people. keys_setting, server_setting: the
    settings of its bots' keys and of its server. keys_hint: keys_setting, with where to get a new key.
    refused_advice: what to do about a refused key.
    """

    kind: str
    title: str
    keys_setting: str
    keys_hint: str
    server_setting: str
    refused_advice: str

    def server(self, settings: Settings) -> str:
        """Return the address of the server that its bots talk to."""

    def channels(self, settings: Settings) -> Sequence[Channel]:
        """Return the channel of every bot that is set, none of them open."""

    def capabilities(self, settings: Settings) -> Capabilities:
        """Return what its bots can do, with the caps that are set."""

    def webhook(self, settings: Settings, bot: str) -> WebhookAddress:
        """Return where the platform posts a bot's updates; KeyError for a bot that is not set."""

    async def greet(
        self, settings: Settings, channel: Channel, commands: Sequence[tuple[str, str]]
    ) -> None:
        """Bring the platform in line with the settings at start; raises DeliveryError.

        commands: (name, description) offered to strangers.
        """

    async def webhook_state(self, channel: Channel) -> WebhookState:
        """Ask where the platform sends an open bot's updates; raises DeliveryError."""

    def judge_webhook(self, url: str, wanted: str) -> WebhookFault:
        """Report updates that go to `url` instead of `wanted`; "": they are polled."""
