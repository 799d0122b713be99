"""`nhacviec people …`: who is enrolled, removing, handing over, what is kept and erasing it."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.cli.test_cli import Terminal, loaded, loaded_file, terminal

__all__ = ["loaded", "loaded_file", "terminal"]  # fixtures


@pytest.fixture
def peopled(loaded: Terminal) -> Terminal:
    """A terminal whose database knows one person and one group of Sở Tài chính."""
    ((agency,),) = loaded.sql(
        "SELECT id FROM agency WHERE province = 'gia-lai' AND name = 'Sở Tài chính'"
    )
    loaded.sql(
        """INSERT INTO account (id, channel, name, title, link, epoch)
           VALUES (1, 'telegram', '77', '@nhacviec_bot', 'https://t.me/nhacviec_bot', 0),
                  (2, 'zalo_bot', '7001', 'Bot A', 'https://bot.test/7001', 0)""",
        "INSERT INTO person (id, name, created_at) VALUES (1, 'Chị Lan', '2026-11-01 00:00:00.000000')",
        "INSERT INTO identity (account_id, sender, person_id) VALUES (1, '555', 1)",
        """INSERT INTO chat (id, account_id, address, thread, kind, title, state)
           VALUES (1, 1, '555', '', 'private', NULL, 'living'),
                  (2, 1, '-9', '', 'group', 'Nhóm STC', 'living')""",
        f"""INSERT INTO enrolment (chat_id, person_id, agency_id, role, may_decide, enrolled_at)
            VALUES (1, 1, {agency}, 'focal', FALSE, '2026-11-01 00:00:00.000000'),
                   (2, NULL, {agency}, 'focal', FALSE, '2026-11-01 00:00:00.000000')""",
    )
    return loaded


def who(listed: Any) -> list[tuple[str, str]]:
    return [(row["who"], row["name"]) for row in listed]


def test_people_are_listed_by_agency(peopled: Terminal) -> None:
    everyone = [("1", "Chị Lan"), ("g2", "Nhóm STC")]
    assert who(peopled.json("people", "list")) == everyone
    only = peopled.json("people", "list", "--province", "Gia Lai", "--agency", "stc")
    assert who(only) == everyone
    assert peopled.json("people", "list", "--province", "lang-son") == []
    _, out, _ = peopled.type("people", "list")
    assert "Sở Tài chính" in out
    assert "--province" in peopled.refused("people", "list", "--agency", "stc")


def test_removed_person_and_group_are_enrolled_no_more(peopled: Terminal) -> None:
    assert peopled.json("people", "remove", "g2", "--yes") == {"who": "g2", "ended": 1}
    assert who(peopled.json("people", "list")) == [("1", "Chị Lan")]
    code, out, _ = peopled.type("people", "remove", "1", "--yes")
    assert (code, "Đã kết thúc 1 vai trò" in out) == (0, True)
    assert "people list" in peopled.refused("people", "remove", "1")
    assert "people list" in peopled.refused("people", "remove", "Lan")


def test_handover_prints_a_code_with_a_link_for_a_private_chat(peopled: Terminal) -> None:
    made = peopled.json("people", "handover", "1")
    assert made["agencies"] == ["Sở Tài chính"]
    assert made["links"][0]["private"] == f"https://t.me/nhacviec_bot?start={made['code']}"
    assert made["links"][0]["group"] is None
    assert made["links"][1]["private"] == "https://bot.test/7001"
    assert made["links"][1]["send"] == made["code"]
    _, out, _ = peopled.type("people", "handover", "1")
    assert "Telegram (@nhacviec_bot): mở https://t.me/nhacviec_bot?start=" in out
    assert re.search(r"^Zalo: mở https://bot\.test/7001 rồi gửi: \w{5}-\w{5}$", out, re.MULTILINE)
    assert who(peopled.json("people", "list"))[0] == ("1", "Chị Lan")  # until the code is used
    assert "Không có người số 9" in peopled.refused("people", "handover", "9")


def test_what_is_kept_is_shown_and_erased_when_confirmed(peopled: Terminal) -> None:
    kept = peopled.json("people", "show", "1")
    assert kept["name"] == "Chị Lan"
    assert kept["identities"] == [{"channel": "telegram", "account": "77", "sender": "555"}]
    code, _, _ = peopled.type("people", "erase", "1")  # nobody there to confirm
    assert code != 0
    assert peopled.json("people", "show", "1")["name"] == "Chị Lan"
    erased = peopled.json("people", "erase", "1", "--yes")
    assert erased == {"person": 1, "identities": 1, "enrolments": 1, "chats": 1, "updates": 0}
    after = peopled.json("people", "show", "1")
    assert (after["name"], after["identities"]) == (None, [])
    assert "Chị Lan" not in str(after)
    assert "555" not in str(after)
