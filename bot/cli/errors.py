"""Describe a command's fault in Vietnamese, with its exit code.

Guarantees: no secret is in any description.
"""

from __future__ import annotations

import difflib
import sqlite3
import traceback

from typer.exceptions import TyperException

from bot.config import Settings, SettingsRefused, load_settings
from bot.errors import AdminError
from bot.service.logs import redact
from data.os_errors import explain_os_error

FAILED = 1
MISTYPED = 2


def describe_error(error: Exception) -> tuple[str, int]:
    """Return the words for an error, and the exit code."""
    while isinstance(error, ExceptionGroup):  # one task of the service failed and ended the others
        error = error.exceptions[0]
    if isinstance(error, TyperException):
        return describe_usage_error(error), MISTYPED
    if isinstance(error, AdminError):
        return str(error), FAILED
    words = _describe_data_error(error) or _describe_machine_error(error)
    return words or _unexpected(error), FAILED


def _describe_data_error(error: Exception) -> str | None:
    """Return the data layer's sentence for an error that a person can mend, else None."""
    from sqlalchemy.exc import ArgumentError, DatabaseError, DBAPIError
    from sqlalchemy.exc import TimeoutError as PoolTimeout

    from data.db.errors import DatabaseUnusable, translate_error
    from data.registry.files import RegistryFault
    from data.sheets.workbook import ImportRefused

    if isinstance(error, sqlite3.Error):
        error = DatabaseError("", {}, error)
    if isinstance(error, DatabaseError):
        error = translate_error(error)
    if isinstance(error, DatabaseUnusable | ImportRefused | RegistryFault):
        return str(error)
    if isinstance(error, ArgumentError):
        return "NHACVIEC_DATABASE_URL: không đọc được địa chỉ này. Hãy xem .env.example."
    if isinstance(error, PoolTimeout):
        return "Cơ sở dữ liệu đang bận. Hãy chờ một phút rồi thử lại."
    if isinstance(error, DBAPIError):
        words = str(error.orig)
        if any(part in words for part in ("no such table", "no such column", "does not exist")):
            return "Cơ sở dữ liệu còn trống hoặc đã cũ. Hãy chạy «nhacviec plan load»."
        if "not a database" in words:
            return "Tệp trong NHACVIEC_DATABASE_URL không phải cơ sở dữ liệu SQLite. Hãy kiểm tra."
        said = redact(" ".join(words.split())[:200], _settings())
        return f"Cơ sở dữ liệu báo lỗi: {said}. Hãy xem «nhacviec doctor»."
    return None


def _describe_machine_error(error: Exception) -> str | None:
    """Return the sentence for a refusal of the machine, the network or the installation, else None."""
    if isinstance(error, OSError) and error.errno is not None:
        about = f"{error.filename}: " if error.filename else ""
        why = explain_os_error(error)
        return redact(f"{about}{why}. Hãy kiểm tra đường dẫn, quyền và chỗ trống.", _settings())
    match error:
        case TimeoutError():
            return "Chờ quá lâu không có trả lời. Hãy kiểm tra mạng và máy chủ, rồi thử lại."
        case MemoryError():
            return "Máy hết bộ nhớ. Hãy dừng bớt chương trình khác rồi thử lại."
        case UnicodeError():
            return "Có chữ không phải UTF-8. Hãy gõ lại, hoặc lưu tệp với bảng mã UTF-8."
        case ImportError():
            return f"Bản cài thiếu {error.name or 'một thư viện'}. Hãy cài lại chương trình."
    if type(error).__name__ in ("TemplateNotFound", "ZoneInfoNotFoundError"):
        return f"Bản cài thiếu {error}. Hãy cài lại chương trình."
    if type(error).__module__.partition(".")[0] == "xlsxwriter":
        return "Không ghi được tệp Excel. Hãy kiểm tra chỗ trống trên đĩa rồi thử lại."
    if type(error).__module__.partition(".")[0] in ("httpx", "httpcore"):
        return "Không nối được máy chủ. Hãy kiểm tra mạng, rồi xem «nhacviec doctor»."
    return None


def _unexpected(error: Exception) -> str:
    settings = _settings()
    words = redact(f"Lỗi ngoài dự kiến ({type(error).__name__}): {error}", settings)
    if settings is not None and settings.log_level == "DEBUG":
        return redact("".join(traceback.format_exception(error)), settings) + words
    return f"{words}\nHãy đặt NHACVIEC_LOG_LEVEL=DEBUG, chạy lại và gửi cho người bảo trì."


def describe_usage_error(error: TyperException) -> str:
    """Return the Vietnamese words for a mistyped command.

    Typer's own sentences are English, so an error is recognised by its class and attributes.
    """
    context = getattr(error, "ctx", None)
    hint = f"\nHãy xem: {context.command_path} --help" if context is not None else ""
    parameter = getattr(error, "param", None)
    match type(error).__name__:
        case "NoArgsIsHelpError":
            return str(error)
        case "NoSuchOption":
            name = str(getattr(error, "option_name", ""))
            every = context.command.params if context else []
            known = [each for p in every for each in p.opts if each.startswith("--")]
            near = difflib.get_close_matches(name, known, n=1)
            return f"Không có tuỳ chọn {name}.{f' Có phải {near[0]}?' if near else ''}{hint}"
        case "MissingParameter" if parameter is not None:
            return f"Thiếu {_name_of(parameter)}.{hint}"
        case "BadParameter" if parameter is not None:
            return f"{_name_of(parameter)}: {getattr(error, 'message', '')}{hint}"
        case "BadOptionUsage":
            return f"Tuỳ chọn {getattr(error, 'option_name', '')} cần một giá trị.{hint}"
    message = str(error)
    if message.startswith("Got unexpected extra"):
        return f"Thừa «{message.rpartition('(')[2].rstrip(')')}».{hint}"
    return f"{message}{hint}"


def _name_of(parameter: object) -> str:
    """Return a parameter as it is typed: "--on", or the name of an argument."""
    options = [name for name in getattr(parameter, "opts", []) if name.startswith("--")]
    return options[0] if options else str(getattr(parameter, "display_name_raw", "đối số"))


def _settings() -> Settings | None:
    try:
        return load_settings()
    except SettingsRefused:
        return None
