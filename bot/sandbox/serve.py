"""Serve the sandbox page on this machine alone, at an address that is printed once.

Guarantees:
- Where a public address is set, it refuses.
- The file changes only after the port is known to be free.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path

from bot.config import Settings, SettingsRefused
from bot.sandbox.page import make_page_app
from bot.sandbox.sandbox import Sandbox
from bot.web.server import open_listener, serve, stop_on_signals
from data.clock import ZONE, civil_date
from data.registry.registry import Registry
from jobs.rendering.dates import long_date
from jobs.rendering.environment import padded

FILE = Path("var") / "sandbox.db"
_SAY = partial(print, flush=True)


async def serve_sandbox(
    settings: Settings,
    *,
    port: int,
    path: Path = FILE,
    announce: Callable[[str], None] = _SAY,
) -> None:
    """Run the sandbox and its page on 127.0.0.1 until it is stopped by a signal.

    port: 0 takes any free one. announce gets Vietnamese lines, the page's address last. Raises
    SettingsRefused where a public address is set, PortUnusable, RegistryFault, or DatabaseUnusable
    for the file.
    """
    if settings.public_url is not None:
        raise SettingsRefused(
            "NHACVIEC_PUBLIC_URL: máy này có địa chỉ công khai nên không mở bản chạy thử."
            " Hãy bỏ cài đặt này, hoặc chạy «nhacviec run»."
        )
    with open_listener("127.0.0.1", port) as listener, stop_on_signals() as stopping:
        announce("Đang dựng bản chạy thử…")
        registry = Registry.from_folder(settings.registry)
        sandbox = await Sandbox.create(registry, path, today=datetime.now(ZONE).date())
        try:
            token = secrets.token_urlsafe(24)
            port = listener.getsockname()[1]
            page = make_page_app(sandbox, port=port, token=token)
            for line in await _summary_lines(sandbox, path):
                announce(line)
            announce(f"Mở trang: http://127.0.0.1:{port}/?khoa={token}")
            await serve(page, listener, stopping)
        finally:
            await sandbox.close()


async def _summary_lines(sandbox: Sandbox, path: Path) -> list[str]:
    """Return a few lines about the new sandbox."""
    made = {name: padded(count) for name, count in (await sandbox.count_contents()).items()}
    day = long_date(civil_date(await sandbox.clock.now()))
    return [
        (
            f"Sổ bộ: {made['plans']} kế hoạch, {made['tasks']} nhiệm vụ, {made['agencies']} cơ quan,"
            f" {made['obligations']} nội dung đang theo dõi của từng cơ quan."
        ),
        (
            f"Sáng {day}: {padded(sandbox.morning.messages)} tin nhắc tới"
            f" {padded(sandbox.morning.agencies)} cơ quan;"
            f" {made['chats']} cuộc trò chuyện để thử."
        ),
        f"Dữ liệu chạy thử ở {path}, dựng lại từ đầu mỗi lần chạy. Dừng: Ctrl-C.",
    ]
