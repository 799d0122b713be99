"""Which target (chỉ tiêu) a reading means: word by word, against the document's own words.

Guarantees:
- No foreign word: "chưa đạt 82%", "dự kiến 82%", "được giao 82%", "trên 82%" give no value.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

from bot.conversation.reader.lexicon import agrees, plain
from bot.conversation.reader.targets import TargetReading
from data.registry.schema import TargetEntry
from data.targets.indicators import Indicator, target_search_words, unit_of

_WORD = re.compile(r"[^\W_]+")
# What may stand in such a text and says nothing more; with marks, that they may be left out.
_FILL = frozenset(
    _WORD.findall(
        "tỷ lệ trọng đạt là được bằng hiện nay tại đang đã mới ở mức của tỉnh về số liệu kết quả thực tế giá trị"
        " năm đến hết tính thời điểm các có chiếm trong"
    )
)
_AFTER = frozenset(_WORD.findall("nhé ạ dạ em anh chị rồi hiện nay tại của tỉnh trong năm"))
# The last word before a number: after any other that fills ("đến 82%", "từ 82%") it is no value.
_SAYS_IT = frozenset(
    _WORD.findall("đạt là được bằng hiện nay tại đang đã mới mức quả liệu tế trị có chiếm lệ trọng")
)
_DOUBT = frozenset(
    _WORD.findall(
        "chưa không chẳng chả đừng nếu giả dự kiến ước phấn đấu sẽ sắp cần phải giao sau hoạch mục"
        " khoảng gần hơn trên dưới tối thiểu ít vượt còn thiếu tăng giảm thêm sai nhầm huỷ bỏ từ đến so xong làm"
    )
)
_SAME = str.maketrans("yỳýỷỹỵ", "iìíỉĩị")


def fits(reading: TargetReading, target: TargetEntry) -> bool:
    """Tell whether every word of a reading is the target's own or says nothing; by its code or by its words.

    A word is the target's own where it stands there beside the same neighbour ("được giao" is not "giao
    dịch"), or as the first letters of its words ("HĐĐT").
    """
    own = target_search_words(target)
    known = _known(reading.names, own)
    named = any(known[at] and not _fills(word) for at, word in enumerate(reading.names))
    if reading.code is not None:
        named = plain(reading.code.lower()) == plain(target.code.lower())
    strange = [w for at, w in enumerate(reading.names) if not known[at] and not _fills(w)]
    unit = _WORD.findall(unit_of(target).lower())
    late = [w for w in reading.after if not any(_same(w, u) for u in unit) and not _any(w, _AFTER)]
    return named and not strange and not late and _ends_well(reading, own, known)


def is_doubtful_value(reading: TargetReading) -> bool:
    """Tell whether the words around a number deny, suppose, plan or bound it, so that it is no value at all."""
    return any(_any(word, _DOUBT) for word in (*reading.names, *reading.after))


def is_whole_name(reading: TargetReading, target: TargetEntry) -> bool:
    """Tell whether a reading says all the words of a target that carry meaning."""
    said = reading.names
    return all(
        _fills(word) or any(_same(w, word) for w in said) for word in target_search_words(target)
    )


def nearness(reading: TargetReading, target: TargetEntry) -> int:
    """Return how many of a reading's words are the target's own, to tell which it may have meant."""
    known = _known(reading.names, target_search_words(target))
    return sum(yes and not _fills(word) for yes, word in zip(known, reading.names, strict=True))


def find_meant_indicators(reading: TargetReading, among: Sequence[Indicator]) -> list[int]:
    """Return which indicators a reading may mean, as places in `among`: one where it is sure, else several.

    None where it has no value.
    """
    if reading.value is None:
        return []
    fit = [
        place
        for place, indicator in enumerate(among)
        if any(fits(reading, target) for target in indicator)
    ]
    whole = [place for place in fit if any(is_whole_name(reading, t) for t in among[place])]
    return whole if len(whole) == 1 else fit


def _known(names: Sequence[str], own: Sequence[str]) -> list[bool]:
    alone = len([word for word in names if not _fills(word)]) == 1
    return [
        any(
            _same(word, other)
            and (alone or _beside(names, at, own, place, -1) or _beside(names, at, own, place, 1))
            for place, other in enumerate(own)
        )
        or _is_initials(word, own)
        for at, word in enumerate(names)
    ]


def _beside(names: Sequence[str], at: int, own: Sequence[str], place: int, step: int) -> bool:
    inside = 0 <= at + step < len(names) and 0 <= place + step < len(own)
    return inside and _same(names[at + step], own[place + step])


def _is_initials(word: str, own: Sequence[str]) -> bool:
    letters = plain(word)
    size = len(letters)
    return size >= 3 and any(
        letters == "".join(plain(other[0]) for other in own[start : start + size])
        for start in range(len(own) - size + 1)
    )


def _ends_well(reading: TargetReading, own: Sequence[str], known: Sequence[bool]) -> bool:
    """Tell whether the word before the number leads to it ("đạt", "là"), or is the target's last.

    A number that stands there in the target itself is no value: "dịch vụ công mức độ 4".
    """
    if not reading.names:
        return True
    last, digits = reading.names[-1], str(reading.value)
    pairs = pairwise(own)
    if not reading.percent and any(_same(last, a) and digits == b for a, b in pairs):
        return False
    return known[-1] or _any(last, _SAYS_IT)


@lru_cache(maxsize=8192)
def _fills(word: str) -> bool:
    return _any(word, _FILL)


def _any(word: str, words: frozenset[str]) -> bool:
    return word in words or any(_same(word, other) for other in words)


def _same(typed: str, spelt: str) -> bool:
    """Tell whether a typed word may be a word of the document: marks may be left out, "kĩ" is "kỹ"."""
    (typed, bare), (spelt, spelt_bare) = _spelling(typed), _spelling(spelt)
    return typed == spelt or (bare == spelt_bare and agrees(typed, spelt))


@lru_cache(maxsize=8192)
def _spelling(word: str) -> tuple[str, str]:
    """Return a word in its one spelling, and that without marks."""
    spelt = word.translate(_SAME)
    return spelt, plain(spelt)
