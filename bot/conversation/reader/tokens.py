"""A reply as a row of tokens, each with a tag for its possible meaning.

Guarantees:
- Composition, case and invisible characters make no difference.
- Every visible character is in a token or is a blank; an unknown word has the tag "x".
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from bot.conversation.reader.dates import UNSURE, When, whens
from bot.conversation.reader.documents import DocumentReference, documents
from bot.conversation.reader.lexicon import is_spelt, longest, plain, repaired
from bot.conversation.reader.numbers import Share, shares
from data.registry.workdays import Workdays
from data.text import STROKED_D, spell_with_y

LONGEST = 4_000
"""Characters that are read; a longer text is no answer."""


class Token(NamedTuple):
    """A piece of the text: its tag, its words without marks, its place, and its value.

    work_words.py and talk_words.py list the tags of words. The others: num; item and code (a task by number or
    code); doc; pct (1 to 99), zero, full (100), pair ("5/12": a day or a share); before, now, after, weekday
    (days by tense), span (a length of time); "," (any break), "?"; name (a word with a capital), person (one
    addressed or mentioned), x (any other word), odd (a sign).
    """

    tag: str
    word: str
    start: int
    end: int
    number: int | None = None
    when: When | None = None
    document: DocumentReference | None = None


class Text(NamedTuple):
    """A reply made ready: as shown (composed, single blanks), in lower case with y for i, and without marks."""

    shown: str
    marked: str
    bare: str


_CODE = r"(?:m{0,3}(?:x{0,3})(?:ix|iv|v?i{1,3}|v|x)|bc|ct)\.\d{1,2}[a-z]?(?:\.\d{1,2}[a-z]?)*"
_ATOM = re.compile(
    r"(?P<word>\b[bd]/c\b|[^\W\d_]+(?:\d[^\W\d_]+)*(?:&[^\W\d_]+)*)"
    r"|(?P<num>\d+)"
    r"|(?P<break>(?:[-=]+>|\./\.|[-–—,;.:=_!\n()\[\]*•+~|…]|(?<=\d)/(?=[^\W\d])|/(?=\s)))"
    r"|(?P<ask>\?)"
    r"|(?P<amp>&)"
    r"|(?P<smile>:\)+|[:=]d\b|[\u263a\U0001f642\U0001f600-\U0001f604\U0001f60a\U0001f64f\u2764\U0001f389\U0001f4aa\U0001f91d"
    r"\U0001f339\U0001f44f\u2705\u2714\u2611\U0001f4af\U0001f60d\U0001f970]\ufe0f?)"
    r"|(?P<thumb>[\U0001f44d\U0001f44c\U0001fae1][\U0001f3fb-\U0001f3ff]?)"
    r"|(?P<blank>\s+|#(?=\d))"
    r"|(?P<odd>.)",
    re.DOTALL,
)
_SPACES = re.compile(r"[^\S\n]+")
_LINES = re.compile(r" ?\n[ \n]*")


_JUNE = re.compile(r"\btháng (?P<six>sáu)\b")  # keeps its mark: "thang sau" is the next month
_UNUSUAL = re.compile(r"[^\n -~\xc0-\u02ff\u1e00-\u1eff]")


def _seen(match: re.Match[str]) -> str:
    """Return a character as it is shown: nothing for joiners and lone marks, a blank for controls."""
    kind = unicodedata.category(match[0])
    if kind in ("Cf", "Mn", "Me"):
        return ""
    return "\n" if match[0] == "\r" else " " if kind == "Cc" else match[0]


def prepare(text: str) -> Text:
    """Compose, drop what cannot be seen, put blanks in order; at most LONGEST characters are kept."""
    shown = unicodedata.normalize("NFC", text[:LONGEST]).translate(STROKED_D)
    if _UNUSUAL.search(shown):
        shown = unicodedata.normalize("NFKC", shown).replace("\u2044", "/")  # the stroke of "½"
        shown = _UNUSUAL.sub(_seen, shown)
    shown = _LINES.sub("\n", _SPACES.sub(" ", shown)).strip()
    marked = shown.lower()
    if len(marked) != len(shown):
        marked = "".join(low if len(low := letter.lower()) == 1 else letter for letter in shown)
    marked = spell_with_y(marked)
    bare = plain(marked)
    for june in _JUNE.finditer(marked):
        start, end = june.span("six")
        bare = bare[:start] + june["six"] + bare[end:]
    return Text(shown, marked, bare)


def tokens(text: Text, *, today: date, codes: Iterable[str], workdays: Workdays) -> list[Token]:
    """Return the tokens of a prepared reply; codes: the task codes that may be named."""
    quantities = _quantities(text, today, codes, workdays)
    row: list[Token] = []
    run: list[tuple[str, str, int, int]] = []
    at = 0
    for quantity in [*quantities, None]:
        stop = len(text.bare) if quantity is None else quantity.start
        for match in _ATOM.finditer(text.bare, at, stop):
            kind, start, end = match.lastgroup or "odd", *match.span()
            if kind in ("word", "num"):
                run.append((match[0], text.marked[start:end], start, end))
            elif kind not in ("blank", "smile"):
                _close(run, row)
                row.append(Token(_PLAIN_TAGS.get(kind, kind), match[0], start, end))
        _close(run, row)
        if quantity is not None:
            row.append(quantity)
            at = quantity.end
    return [_settled(row, index, text) for index in range(len(row))]


_PLAIN_TAGS = {"break": ",", "ask": "?", "amp": "and", "thumb": "thanks"}


_NOUNS = frozenset(
    ["task", "part", "whole", "other", "us", "means", "topic", "report", "step", "x", "name"]
)


def _settled(row: list[Token], index: int, text: Text) -> Token:
    """Return a token as its neighbours show it: "8/10 nội dung" is a share, "Nam" in "anh Nam" a name."""
    token = row[index]
    following = row[index + 1].tag if index + 1 < len(row) else ""
    if token.tag == "pair" and following in _NOUNS:
        return token._replace(tag="full" if token.number == 100 else "pct", when=None)
    if token.tag == "tagq" and following not in ("", "polite", "?", ","):
        return token._replace(tag=_INSIDE.get(token.word, token.tag))
    shown = text.shown[token.start : token.end]
    if following == "num" and shown.lower() == "so":
        return token._replace(tag="to")  # "số 2" typed without its mark, not "Sở"
    if token.tag == "thi" and index and row[index - 1].tag in ("num", "item", "code", "others"):
        return token._replace(
            tag=",", word=":"
        )  # "còn 2 thì chưa": of the second, nothing supposed
    opens = not index or row[index - 1].tag in (",", "polite")
    if token.tag == "past" and opens and following in _NEVER_PAST and shown.lower() == "da":
        return token._replace(tag="polite")  # "dạ", not "đã"
    if token.tag == "x" or (token.start and shown.istitle()):
        called = following == "polite" and row[index + 1].word == "oi" and token.tag == "x"
        named = shown.istitle() and token.start > 0
        if (
            index
            and row[index - 1].tag == "polite"
            and row[index - 1].word in _CALLED
            and (called or named)
        ):
            return token._replace(tag="person")
        place = index and row[index - 1].tag in ("us", "x", "name") and not is_spelt(shown.lower())
        if named and (token.tag == "x" or (place and " " not in token.word)):
            return token._replace(tag="name")
    return token


# What asks only at the end: "à nhầm", "việc xong hay không do anh".
_INSIDE = {
    "a": "polite",
    "ha": "polite",
    "u": "polite",
    "ho": "polite",
    "hay khong": "or",
    "hay chua": "or",
}
_NEVER_PAST = frozenset(
    [
        "polite",
        "us",
        "person",
        "task",
        "this",
        "topic",
        "now",
        "before",
        "after",
        "sofar",
        "full",
        ",",
        "not",
        "prog",
    ]
)
_CALLED = frozenset(["anh", "chi", "em", "chu", "co", "bac", "a", "c", "e"])


def _close(run: list[tuple[str, str, int, int]], row: list[Token]) -> None:
    """Turn a run of words into tokens, the longest known phrase first."""
    bare, typed = [], []
    for word, marked, _, _ in run:
        mended = repaired(word.replace("/", ""))
        bare.append(mended)
        typed.append(marked if mended == word else mended)
    at = 0
    while at < len(run):
        known = longest(bare, typed, at)
        size, tag = known or (1, "x")
        if known is None and bare[at].isdecimal():
            tag = "num" if bare[at].strip("0") else "no"
        number = int(bare[at][:9]) if tag == "num" else None
        row.append(
            Token(tag, " ".join(bare[at : at + size]), run[at][2], run[at + size - 1][3], number)
        )
        at += size
    run.clear()


def _quantities(text: Text, today: date, codes: Iterable[str], workdays: Workdays) -> list[Token]:
    """Find what is more than words: codes, documents, shares and days; of two that meet, one."""
    bare = text.bare
    named = _codes(frozenset(codes)).finditer(text.marked)
    found = [Token("code", match[0], *match.span()) for match in named]
    for match in _ITEM.finditer(bare):
        if match["first"] and "đầu" not in text.marked[match.start() : match.end()]:
            continue  # "đã xong việc đâu"
        item = int(match["digits"]) if match["digits"] else _ORDINALS.get(match["words"] or "", 1)
        found.append(Token("item", str(item), *match.span(), item))
    if any(letter.isdigit() for letter in bare):
        found += [_of_document(entry) for entry in documents(bare, text.shown)]
    dates = {
        when.end: when
        for when in whens(bare, today, workdays)
        if "đâu" not in text.marked[when.start : when.end]  # "đã xong đâu tuần này": not "đầu"
        and (when.named != "lunar" or when.tense or _HAS_DIGIT.search(bare, when.start, when.end))
    }
    for share in shares(bare, text.marked):
        found.append(_of_share(share, dates))
    found += [_of_when(when) for when in dates.values()]
    found += [Token("odd", part[0], *part.span()) for part in _PART_NUMBER.finditer(text.marked)]
    free = bytearray(len(bare))
    taken: list[Token] = []
    for token in sorted(found, key=lambda token: (token.tag not in _FIRST, token.start)):
        if not any(free[token.start : token.end]):
            free[token.start : token.end] = b"1" * (token.end - token.start)
            taken.append(token)
    return sorted(taken, key=lambda token: token.start)


# "1.2", "2b", "A1": the number of a part, or of a paper; surely no item's of a list.
_PART_NUMBER = re.compile(
    r"(?<![\w.,/-])(?:\d{1,2}(?:\.\d{1,2})+|\d{1,2}[a-eđ]|[a-eđ]\d{1,2})(?![\w%])(?!\.\w)"
)
_HAS_DIGIT = re.compile(r"\d")
_FIRST = ("code", "doc", "item")
_ITEM = re.compile(
    r"\b(?<!hang )(?<!danh )(?<!tieu )(?:(?:dau |cong )?viec|nhiem vu|nv|muc|task|stt|cau)(?: so | thu | )?"
    r"(?:(?P<digits>[1-9]\d{0,2})\b(?! ?%|/\d|\.\d)"
    r"(?! (?:thang|ngay|tuan|nam|quy|hom|phan|xa|don vi)\b(?! (?:sau|nay|toi)))"
    r"|(?<=thu )(?P<words>nhat|hai|ba|tu|bon|nam|sau|bay)\b|(?P<first>dau(?: tien)?)\b)"
)
_ORDINALS = {"nhat": 1, "hai": 2, "ba": 3, "tu": 4, "bon": 4, "nam": 5, "sau": 6, "bay": 7}


def _of_document(document: DocumentReference) -> Token:
    return Token("doc", document.number, document.start, document.end, document=document)


def _of_share(share: Share, dates: dict[int, When]) -> Token:
    """Read "5/12" as a day where a word says so ("đến 5/12"), as a share where it can only be one."""
    when = dates.get(share.end)
    if when is not None and (when.start < share.start or share.maybe_date):
        if when.start == share.start:
            del dates[share.end]
            return Token("pair", "", share.start, share.end, share.percent, when)
        return _of_when(dates.pop(share.end))
    dates.pop(share.end, None)
    tag = {0: "zero", 100: "full"}.get(share.percent, "pct")
    return Token(tag, "", share.start, share.end, share.percent, when)


def _of_when(when: When) -> Token:
    undecided = when.named == "weekday" or (when.named in UNSURE and not when.tense)
    tag = "weekday" if undecided else _TENSES.get(when.tense, "span")
    return Token(tag, when.lead, when.start, when.end, when=when)


_TENSES = {"past": "before", "now": "now", "future": "after"}


@lru_cache(maxsize=64)
def _codes(codes: frozenset[str]) -> re.Pattern[str]:
    known = sorted((re.escape(code.lower()) for code in codes), key=len, reverse=True)
    return re.compile(
        rf"(?<![\w.])(?:\d{{3,5}} )?(?:{'|'.join([*known, _CODE_MARKED])})(?!\w)(?!\.\w)"
    )


_CODE_MARKED = _CODE.replace("[a-z]", "[a-zđ]")
