"""Forms of dates in replies, as one pattern over text without marks; dates.py reads what it finds."""

from __future__ import annotations

import re

from bot.conversation.reader.numbers import NUMBER

DAYS = {
    "hom kia": -2, "hom truoc": -2, "bua truoc": -2, "ngay hom kia": -2,
    "hom qua": -1, "hqua": -1, "toi qua": -1, "chieu qua": -1, "sang qua": -1, "bua qua": -1, "trua qua": -1,
    "dem qua": -1, "ngay hom qua": -1,
    "hom nay": 0, "bua nay": 0, "hnay": 0, "sang nay": 0, "chieu nay": 0, "toi nay": 0, "trua nay": 0,
    "ngay hom nay": 0, "trong ngay": 0, "trong ngay hom nay": 0, "hoi sang": 0, "hoi nay": 0, "ban nay": 0,
    "luc nay": 0, "luc sang": 0,
    "ngay mai": 1, "sang mai": 1, "chieu mai": 1, "toi mai": 1, "mai": 1,
    "ngay kia": 2, "ngay mot": 2, "mai kia": 2,
}  # fmt: skip
WEEKDAYS = {"hai": 0, "ba": 1, "tu": 2, "nam": 3, "sau": 4, "bay": 5}

_LEAD = r"(?:(?P<lead>den het|den truoc|den cuoi|toi het|den|toi|truoc|sang|vao|het|tu|trong|qua|sau)\b )?"
_HOUR = r"(?:(?:24|17) ?(?:h|gio) )?"
_D_OF = r"(?:ngay|hom|mung|mong)"
_UNITS = r"(?:ngay|hom|bua|tuan|thang|nam|quy|nlv)"  # "2-3 ngày" is no date
_MORE_DIGITS = r"(?! (?:ba|bon|lam|bay|tam|chin)\b)"  # no month is "mười ba"
_OF = r"(?:,| -)?(?: cua| trong)? thang"
_MONTHS = r"\d{1,2}|muoi hai|muoi mot|muoi|mot|hai|ba|tu|nam|sáu|bay|tam|chin"
_MONTH_TURN = r"nay|sau|toi"


def _year(name: str) -> str:
    """Return the pattern of a year; "tới" and "này" without "năm" point to the month itself, as "tháng 12 tới"."""
    said = r"20\d\d|(?<=nam )(?:nay|sau|toi|ngoai|truoc)|(?<=sang )nam"
    itself = r" (?:nay|toi)\b(?! (?:\d|ngay|het|cuoi|thu |thang|quy))"
    return rf"(?:(?: ?[/.-] ?|,? nam | sang |,? )(?P<{name}>{said})\b|{itself})?"


def _edge(name: str) -> str:
    return rf"(?:(?P<{name}>dau|giua|cuoi|het|trong|nua dau) )?"


_FORMS = (
    # 2026-12-15
    r"(?P<y0>20\d\d) ?[-/.] ?(?P<m0>\d{1,2}) ?[-/.] ?(?P<d0>\d{1,2})\b",
    # mùng 6 Tết, 15 tháng chạp, rằm tháng giêng, sau Tết
    (
        rf"(?P<lunar>(?:{_D_OF} )?(?:{NUMBER} )tet\b|(?:{_D_OF} )?{NUMBER} (?:thang )?(?:gieng|chap)\b"
        rf"|(?:{_D_OF} )?ram(?: thang (?:\d{{1,2}}|[a-z]+))?\b"
        r"|(?:(?<=truoc )|(?<=sau )|(?<=qua )|(?<=den )|(?<=toi )|(?<=het )|giap |ra |an |nghi |dip )tet\b|ra gieng\b)"
    ),
    # tuần đầu tháng 12, ngày 1 quý sau
    (
        r"(?P<vague>(?:thuong|trung|ha) tuan thang\b"
        r"|tuan (?:dau(?: tien)?|\d|(?:thu )?(?:nhat|hai|ba|tu|bon|\d)|cuoi(?: cung)?)"
        r" (?:cua )?(?:thang|quy|nam)\b"
        r"|ngay (?:(?:lam viec|lv) (?:dau|cuoi)(?: tien| cung)?|dau tien) (?:cua )?(?:thang|quy|nam|tuan)\b"
        rf"|{_D_OF} \d{{1,2}} (?:cua )?(?:quy|tuan)\b)(?: (?:\d{{1,2}}|nay|sau|toi|i|ii|iii|iv)\b)?"
    ),
    # 05/12/2026, 5.12.26
    rf"{_HOUR}(?:{_D_OF} ?)?(?P<d>\d{{1,2}}) ?[/.-] ?(?P<m>\d{{1,2}}) ?[/.-] ?(?P<y>\d{{4}}|\d{{2}})\b",
    # ngày 5 tháng 12 (năm 2026), 5/12
    rf"{_HOUR}(?:{_D_OF} ?)?(?P<d2>\d{{1,2}})(?: thang | ?/ ?| ?t)(?P<m2>\d{{1,2}})\b(?![/%]|[.]\d){_year('y2')}",
    # ngày 15 tháng sau, ngày mười lăm tháng mười hai
    (
        rf"(?:{_D_OF} ?(?P<d5>{NUMBER}){_OF}|(?!sau\b)(?P<d6>{NUMBER})(?: cua)? thang) "
        rf"(?:(?P<turn5>{_MONTH_TURN})|(?P<m5>{_MONTHS}))\b{_MORE_DIGITS}(?! (?:ngay|tuan)\b|[/%]|[.]\d){_year('y5')}"
    ),
    # 5.12, 5-12: after a word only, for "1-3 xong" names tasks
    rf"(?:{_D_OF} ?|(?<=[a-z] ))(?P<d3>\d{{1,2}})[.-](?P<m3>\d{{1,2}})\b(?! ?%|[./-]\d| ?phan tram| ?{_UNITS}\b)",
    # ngày 20
    rf"{_D_OF} (?P<d4>\d{{1,2}})\b(?! ?(?:%|/|-|\.\d|ngay|tuan|thang))",
    (
        rf"{_edge('month_edge')}thang (?P<month>\d{{1,2}}|nay|sau|toi|truoc|qua|gieng|chap|muoi hai|muoi mot|muoi"
        r"|hai|ba|tu|sáu|bay|tam|chin|nam(?! (?:20|nay|sau|toi)))\b"
        rf"{_MORE_DIGITS}(?! (?:ngay|tuan)\b|%| ?/ ?\d\d\b){_year('month_year')}"
    ),
    # t6/2027, đến T12, hết 12/2026
    (
        rf"{_edge('t_edge')}t(?P<t_month>\d{{1,2}})(?: ?[/.-] ?| nam | sang | )"
        r"(?P<t_year>20\d\d|(?<=nam )(?:nay|sau|toi)|(?<=sang )nam)\b"
    ),
    r"(?:(?P<t_edge2>dau|giua|cuoi) )?(?<=[a-z] )t(?P<t_month2>1|[89]|1[0-2])\b(?! ?[/.-] ?\d)",
    r"(?:(?P<t_edge3>dau|giua|cuoi) )?(?<=[a-z] )(?P<t_month3>\d{1,2}) ?[/-] ?(?P<t_year3>20\d\d)\b",
    (
        rf"{_edge('quarter_edge')}quy (?P<quarter>iv|iii|ii|i|[1-4]|mot|hai|ba|bon|tu|nay|sau|toi|truoc)\b"
        rf"(?! ?/ ?\d\d\b){_year('quarter_year')}"
    ),
    rf"(?:6|sau) thang (?P<half>dau|cuoi) nam\b{_year('half_year')}",
    rf"{_edge('year_edge')}nam (?P<year>20\d\d|nay|sau|toi|truoc|ngoai)\b",
    r"(?P<unnamed_edge>cuoi|dau|het|trong|sang|giua) (?P<unnamed>nam|thang|quy|tuan)\b(?! (?:\d|nay|sau|toi|truoc))",
    rf"{_edge('week_edge')}tuan (?P<week>nay|sau|toi|truoc|qua|roi)\b",
    (
        r"(?P<gone>hom |bua )?(?:thu (?P<wd>hai|ba|tu|nam|sau|bay|[2-7])|t(?P<wd2>[2-7])(?! ?/)"
        r"|(?P<sunday>chu nhat|cn))\b"
        r"(?: (?:tuan )?(?P<turn_of_week>nay|sau|toi|truoc|vua roi|qua))?"
    ),
    rf"(?P<word>{'|'.join(sorted(DAYS, key=len, reverse=True))})\b(?! ?\d| ngay)",
    (
        r"(?<!viec )(?<!nv )(?<!vu )(?<!muc )(?<!so )(?<!doi )"  # "việc 3 tuần sau xong": of the third task
        rf"(?P<count>(?:\d{{1,2}},(?=5))?{NUMBER}|nua|may|vai) "
        r"(?P<unit>(?:ngay|tuan) (?:lam viec|lv|hanh chinh)|nlv|ngay|hom|bua|tuan|thang|nam|quy)\b(?! ?\d| muoi\b)"
        r"(?P<and_half> ruoi)?(?: (?P<turn>nua|toi|sau|truoc|roi|qua)\b)?"
    ),
)
WHEN = re.compile(rf"(?<![\w/&]){_LEAD}(?:{'|'.join(_FORMS)})")
