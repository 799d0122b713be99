"""What a bot on Zalo can do, and how fast it may send."""

from __future__ import annotations

from bot.channels.pacing import PacingLimits, Window
from jobs.channel import Capabilities

MOST_TEXT = 2000  # "characters", of no said unit: UTF-16 units after NFC are never fewer

CAPABILITIES = Capabilities(
    max_text=MOST_TEXT,
    buttons=False,
    edits=False,
    groups=False,
    markup="plain",
    in_flight=1,
    repeats_unknown=False,
    pictures_by_link=True,
    monthly_messages=3000,  # the free plan, a bot; both caps can be set
    most_people=50,
    messenger="Zalo",
)

# No figure is published. This is polite, and keeps two a second for answers.
LIMITS = PacingLimits(
    account=(Window(5, 1.003),),
    broadcast=(Window(3, 1.003),),
    chat=(Window(1, 1.03),),
)
