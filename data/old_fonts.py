"""Vietnamese typed with fonts of before Unicode: TCVN3 (ABC) is converted, VNI recognised.

Guarantees:
- Text that could be ordinary Vietnamese is left as it is.
"""

from __future__ import annotations

import re

_TCVN3 = "µ¸¶·¹¨»¾¼½Æ©ÇÊÈÉË®ÌÐÎÏÑªÒÕÓÔÖ×ÝØÜÞßãáâä«åèæçé¬êíëìîïóñòô\u00adõøö÷ùúýûüþ¡¢§£¤¥¦"
_UNICODE = "àáảãạăằắẳẵặâầấẩẫậđèéẻẽẹêềếểễệìíỉĩịòóỏõọôồốổỗộơờớởỡợùúủũụưừứửữựỳýỷỹỵĂÂĐÊÔƠƯ"
_TABLE = str.maketrans(_TCVN3, _UNICODE)
# No Unicode text has these: a sign for a letter inside a word, a capital with a mark after a small letter.
_SURE = re.compile(
    "[A-Za-z][µ¸¶¨¾¼½ª¬]|[a-z][«»©¹][a-z]|[A-Z][¡¢£¤¥¦§][A-Z]|[a-z][À-ÖØ-Þ]|(?<![A-Za-z])[§®](?:[A-Za-zÀ-ÿ]|[µ¸¶·¹¨©ª])"
)
# What a Vietnamese letter in Unicode looks like that TCVN3 has no use for.
_LATER = re.compile(
    "[\u0102\u0103\u0110\u0111\u0128\u0129\u0168\u0169\u01a0\u01a1\u01af\u01b0\u1ea0-\u1ef9]"
)
_VNI = re.compile(r"(?i)[aeo][ùøûõ]|e[âáàåãä]|o[âåä]|ñ[a-z]")


def convert_tcvn3(text: str) -> str | None:
    """Return a text that was typed in TCVN3 as Unicode: "B¸o c¸o" is "Báo cáo"; None for any other text."""
    if _LATER.search(text) or not _SURE.search(text) or _VNI.search(text):
        return None
    converted = text.translate(_TABLE)
    # Fonts of capitals (.VnTimeH) show the small letters of the table so: "PHÝ" is PHÍ.
    return converted if re.search("[a-z]", text) else converted.upper()


def is_vni(text: str) -> bool:
    """Tell whether a text was typed in VNI: "Baùo caùo"."""
    return _LATER.search(text) is None and _VNI.search(text) is not None
