"""What a bot on Telegram can do, and how fast it may send."""

from __future__ import annotations

from bot.channels.pacing import PacingLimits, Window
from jobs.channel import Capabilities

CAPABILITIES = Capabilities(
    max_text=4096,
    buttons=True,
    edits=True,
    groups=True,
    markup="html",
    in_flight=3,
    repeats_unknown=True,
    start_links=True,
    max_caption=1024,
    menus=True,
    messenger="Telegram",
)

# Telegram asks for at most 30 a second in bulk, 1 a second in a chat, 20 a minute in a group
# (core.telegram.org/bots/faq). Broadcasts leave one of the 30 free for an answer at any instant, and a
# second one soon: a broadcast alone runs at 28.5 a second. The windows are a little longer than a second
# because two sends may come closer together on their way.
LIMITS = PacingLimits(
    account=(Window(30, 1.003),),
    broadcast=(Window(29, 1.003), Window(10, 0.25)),
    chat=(Window(1, 1.03),),
    group=(Window(19, 60.5),),
)
