"""A QR picture with the words to send under it, as PNG.

Promises a picture that opens the link when it is scanned, and under it, in letters large enough to be
copied from paper, what a link cannot carry. Letters are those of one-use codes alone, drawn here: a
library for pictures, or a font, would be much for eleven letters. Pure.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

import segno

_BORDER, _PIXELS = 4, 4  # white modules around; pixels to a dot, of which a module has two each way
_BELOW = 4  # white dots under the letters

# Seven rows of five dots to a letter, two hexadecimal digits a row.
_LETTERS = {
    "-": "0000001F000000", "0": "0E11131519110E", "1": "040C040404040E", "2": "0E11010204081F",
    "3": "1F02040201110E", "4": "02060A121F0202", "5": "1F101E0101110E", "6": "0608101E11110E",
    "7": "1F010204080808", "8": "0E11110E11110E", "9": "0E11110F01020C", "A": "0E1111111F1111",
    "B": "1E11111E11111E", "C": "0E11101010110E", "D": "1C12111111121C", "E": "1F10101E10101F",
    "F": "1F10101E101010", "G": "0E11101711110F", "H": "1111111F111111", "J": "0702020202120C",
    "K": "11121418141211", "M": "111B1515111111", "N": "11111915131111", "P": "1E11111E101010",
    "Q": "0E11111115120D", "R": "1E11111E141211", "S": "0F10100E01011E", "T": "1F040404040404",
    "V": "11111111110A04", "W": "1111111515150A", "X": "11110A040A1111", "Y": "1111110A040404",
    "Z": "1F01020408101F",
}  # fmt: skip

Dots = Sequence[Sequence[int]]


def render_qr(link: str, *, send: str | None) -> bytes:
    """Return the PNG that opens a link; send: a one-use code to be written under it."""
    code = segno.make_qr(link, error="m")
    rows = [list(row) for row in code.matrix_iter(scale=2, border=_BORDER)]
    if send is not None:
        rows += _centred(letter_dots(send), len(rows[0]))
        rows += [[0] * len(rows[0])] * _BELOW
    return _png(rows)


def letter_dots(code: str) -> list[list[int]]:
    """Return seven rows of dots (1: dark) that spell a one-use code; raises KeyError for other letters."""
    shapes = [bytes.fromhex(_LETTERS[letter]) for letter in code]
    rows = []
    for number in range(7):
        bits = "0".join(f"{shape[number]:05b}" for shape in shapes)
        rows.append([int(bit) for bit in bits])
    return rows


def _centred(dots: Dots, width: int) -> list[list[int]]:
    rows = []
    for row in dots:
        left = (width - len(row)) // 2
        rows.append([0] * left + list(row) + [0] * (width - len(row) - left))
    return rows


def _png(dots: Dots) -> bytes:
    """Return dots as a black and white PNG."""
    width, height = len(dots[0]) * _PIXELS, len(dots) * _PIXELS
    lines = bytearray()
    for row in dots:
        bits = "".join(("0" if dot else "1") * _PIXELS for dot in row)
        bits += "1" * (-len(bits) % 8)
        lines += (b"\0" + int(bits, 2).to_bytes(len(bits) // 8, "big")) * _PIXELS
    header = struct.pack(">2I5B", width, height, 1, 0, 0, 0, 0)  # one bit a pixel, grey
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(lines), 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, content) for name, content in parts)


def _chunk(name: bytes, content: bytes) -> bytes:
    check = zlib.crc32(name + content)
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", check)
