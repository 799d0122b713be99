"""A QR picture as PNG, with the code to send written under it where the link cannot carry one."""

from __future__ import annotations

import io

_MODULE, _BORDER = 8, 4  # pixels to a module; white modules around
_LETTERS = 40  # height of the code's letters in pixels, so that they can be copied from paper
_GAP, _MARGIN = 4, 32  # pixels between letters, so that none touch; beside and below them


def render_qr(link: str, *, send: str | None) -> bytes:
    """Return the PNG that opens a link; send: a one-use code to be written under it."""
    import segno  # both libraries load only when a picture is asked for
    from PIL import Image, ImageDraw, ImageFont

    png = io.BytesIO()
    segno.make_qr(link, error="m").save(png, kind="png", scale=_MODULE, border=_BORDER)
    if send is None:
        return png.getvalue()
    code = Image.open(png)
    font = ImageFont.load_default(_LETTERS)
    steps = [font.getlength(letter) + _GAP for letter in send]
    width = max(code.width, round(sum(steps)) + 2 * _MARGIN)
    sheet = Image.new("L", (width, code.height + _LETTERS + _MARGIN), "white")
    sheet.paste(code, ((width - code.width) // 2, 0))
    pen = ImageDraw.Draw(sheet)
    x = (width - sum(steps) + _GAP) / 2
    for letter, step in zip(send, steps, strict=True):
        pen.text((x, code.height + _LETTERS / 2), letter, fill="black", font=font, anchor="lm")
        x += step
    drawn = io.BytesIO()
    sheet.save(drawn, "PNG", optimize=True)
    return drawn.getvalue()
