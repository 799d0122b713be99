"""Posted forms of the sandbox page: fields and one file, within limits."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from urllib.parse import parse_qsl

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from bot.sandbox.chats import UploadedFile
from bot.web.routes import BodyTooLarge, read_body

MOST_TYPED = 4000
MOST_UPLOAD = 15 * 1024 * 1024  # above the bot's own limit, so that its refusal can be tried
_MOST_FIELDS = 64 * 1024
TOO_BIG = (
    f"Tệp quá lớn: trang thử chỉ nhận tệp đến {MOST_UPLOAD // 1024 // 1024} MB."
    " Hãy chọn tệp nhỏ hơn."
)
TOO_LONG = f"Tin dài quá {MOST_TYPED} ký tự. Hãy viết ngắn hơn."
UNREADABLE = "Không đọc được tin này. Mỗi tin mang nhiều nhất một tệp; hãy gửi lại."


class FormRefused(Exception):
    """A posted form is refused; str() is a Vietnamese sentence that says why."""

    def __init__(self, reason: str, status: int) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True, slots=True)
class Form:
    """A posted form: its fields and its file."""

    fields: dict[str, str] = field(default_factory=dict)
    file: UploadedFile | None = None

    def get(self, name: str) -> str:
        """Return a field with "\\n" as line end, or "" where it is missing."""
        return self.fields.get(name, "").replace("\r\n", "\n")


async def read_form(request: Request) -> Form:
    """Return a posted form in either encoding of browsers; raises FormRefused."""
    with_file = request.headers.get("content-type", "").startswith("multipart/form-data")
    most = MOST_UPLOAD + _MOST_FIELDS if with_file else _MOST_FIELDS
    try:
        body = await read_body(request, max_bytes=most)
        if with_file:
            form = await _multipart(request, body)
        else:
            form = Form(dict(parse_qsl(body.decode(), keep_blank_values=True)))
    except BodyTooLarge:
        raise FormRefused(TOO_BIG if with_file else TOO_LONG, 413) from None
    except (MultiPartException, ValueError):
        raise FormRefused(UNREADABLE, 400) from None
    if len(form.get("text").strip()) > MOST_TYPED:
        raise FormRefused(TOO_LONG, 400)
    return form


async def _multipart(request: Request, body: bytes) -> Form:
    async def stream() -> AsyncGenerator[bytes, None]:
        yield body

    parser = MultiPartParser(request.headers, stream(), max_files=1, max_part_size=_MOST_FIELDS)
    fields: dict[str, str] = {}
    file: UploadedFile | None = None
    parts = await parser.parse()
    try:
        for name, value in parts.multi_items():
            if isinstance(value, UploadFile):
                file = await _file(value)
            else:
                fields[name] = value
    finally:
        await parts.close()
    return Form(fields, file)


async def _file(upload: UploadFile) -> UploadedFile | None:
    """Return the chosen file; None where the browser sent an empty choice."""
    content = await upload.read()
    path = (upload.filename or "").replace("\\", "/")
    name = PurePosixPath(path).name[:200]
    if not name and not content:
        return None
    return UploadedFile(name, content, is_photo=(upload.content_type or "").startswith("image/"))
