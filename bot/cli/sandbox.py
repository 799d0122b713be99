"""`nhacviec sandbox`: the service on a database and chats of its own, in a web page."""

from __future__ import annotations

import asyncio
import logging

from bot.cli.tree import examples
from bot.config import load_settings
from bot.sandbox.serve import serve_sandbox
from bot.service.logs import configure_logging


@examples("sandbox")
def sandbox() -> None:
    """Serve the sandbox until asked to stop."""
    settings = load_settings()
    configure_logging(settings)
    # A line for each message of the first morning would drive the page's address out of sight.
    logging.getLogger("nhacviec.delivery").setLevel(logging.WARNING)
    asyncio.run(serve_sandbox(settings, port=settings.web_port))
