"""Words copied from the bot's own messages, which nobody says. Pure.

Guarantees:
- A copied list says nothing of its items, though a title may begin with "Hoàn thành".
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot.conversation.reader.tokens import prepare

_LEAST_WORDS = 5  # of a title cut short, beside its number
_LONG_TITLE = 4  # words from which a title counts without its number
_WORD = re.compile(r"\w+")
_CUT = re.compile(r"\s*(?:…|\.\.\.)")
_CODE_IN_BRACKETS = re.compile(r"\w\W{0,2} ?\[(?:[^\W\d_]{1,5}\.?)?\d[\w.]{0,10}\]")
# Of our hints and headings; nobody answers in these words.
_OURS = re.compile(
    r"tra loi bang so|bam so cua viec|bam mot nut|tin tu dong, thay mat|khong thay van ban"
    r"|ghi nham\? go huy|bot chua ghi nhan|lan nhac toi:|cac viec trong danh sach|bao xong, cho xac nhan"
    r"|se xem va xac nhan|hoac go, vi du|\(nhan nhiem vu tu|viec co han ve sau|tro lai nhu truoc cau tra loi do"
    r"|(?:dang thuc hien|hoan thanh) (?:dung|trong|qua) han: \d|may chu chua co dia chi|go so cua viec"
    r"|nhiem vu khong co han dang thuc hien: |bao tien do (?:viec|nhiem vu) so \d|(?:^|\n)→ "
    r"|(?:bam|tra loi bang|go|bam hoac go) so cua nhiem vu|chon mot cau tra loi|chua ghi nhan gi"
    r"|cac nhiem vu trong danh sach|bao cao hoan thanh, cho xac nhan|xem xet, xac nhan"
    r"|\(tiep nhan nhiem vu cua|(?:nhiem vu|noi dung) co han ve sau|xem toan van, noi nhan"
    r"|tam dung nhac|tiep tuc nhac"
)


def is_copied(text: str) -> bool:
    """Tell whether a text holds lines or hints of the bot's own messages: "Báo cáo năm 2026 [BC.1]"."""
    bare = prepare(text).bare
    return bool(_CODE_IN_BRACKETS.search(bare) or _OURS.search(bare))


def without_titles(text: str, titles: Sequence[tuple[int, str]]) -> str:
    """Return a text without the titles that were copied into it; titles: with their numbers in the list.

    Beside its number a title counts whole, cut short after five words, or cut by an ellipsis; alone if it is long.
    """
    ready = prepare(text)
    words = [(found[0], *found.span()) for found in _WORD.finditer(ready.bare)]
    dropped = bytearray(len(ready.shown))
    for number, title in titles:
        wanted = _WORD.findall(prepare(title).bare)
        for index, (word, _, _) in enumerate(words):
            behind = word == str(number)
            start = index + behind
            size = _common(words[start:], wanted)
            if size and _is_title(ready.bare, words[start + size - 1][2], size, wanted, behind):
                first, last = words[start][1], words[start + size - 1][2]
                dropped[first:last] = b"1" * (last - first)
    if not any(dropped):
        return text
    return "".join(letter for letter, gone in zip(ready.shown, dropped, strict=True) if not gone)


def _common(words: Sequence[tuple[str, int, int]], wanted: Sequence[str]) -> int:
    """Return how many words of a title follow here, from its first."""
    size = 0
    for (word, _, _), title_word in zip(words, wanted, strict=False):
        if word != title_word:
            break
        size += 1
    return size


def _is_title(bare: str, end: int, size: int, wanted: Sequence[str], behind: bool) -> bool:
    if size == len(wanted):
        return behind or size >= _LONG_TITLE
    return behind and (size >= _LEAST_WORDS or (size >= 2 and _CUT.match(bare, end) is not None))
