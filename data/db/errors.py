"""Faults of the database: in words for an administrator, and without the values of a row."""

from __future__ import annotations

from typing import Any

from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import (
    DatabaseError,
    DataError,
    IntegrityError,
    InterfaceError,
    InternalError,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
)
from sqlalchemy.exc import TimeoutError as NoConnectionFree

CANNOT_OPEN = (
    "Không mở được tệp cơ sở dữ liệu. Hãy kiểm tra đường dẫn và quyền trong NHACVIEC_DATABASE_URL."
)
# Of a file that was opened; each with {file}.
FILE_LOST = (
    "Tệp cơ sở dữ liệu {file} đã mất trong khi chương trình chạy; từ đó không ghi gì nữa. Hãy dừng"
    " «nhacviec run», trả tệp về chỗ cũ hoặc khôi phục bản sao lưu («nhacviec restore TỆP»), rồi chạy lại."
)
FILE_REPLACED = (
    "Tệp cơ sở dữ liệu {file} đã bị thay bằng tệp khác trong khi chương trình chạy; không ghi vào tệp ấy."
    " Hãy dừng «nhacviec run», kiểm tra tệp, rồi chạy lại."
)

# Words by which a server refuses to be used, and what to do about it; the more special first.
_REFUSALS = (
    (
        ("resolve host",),
        "Không tìm thấy máy chủ cơ sở dữ liệu. Hãy kiểm tra tên máy trong NHACVIEC_DATABASE_URL.",
    ),
    (
        ("password",),
        "Máy chủ cơ sở dữ liệu không nhận tên hoặc mật khẩu. Hãy sửa NHACVIEC_DATABASE_URL.",
    ),
    (
        ('fatal:  role "', "does not exist"),
        "Máy chủ cơ sở dữ liệu không có tài khoản này. Hãy tạo nó, hoặc sửa NHACVIEC_DATABASE_URL.",
    ),
    (
        ('fatal:  database "', "does not exist"),
        "Máy chủ không có cơ sở dữ liệu này. Hãy tạo nó (createdb), hoặc sửa NHACVIEC_DATABASE_URL.",
    ),
    (
        ("pg_hba.conf",),
        "Máy chủ cơ sở dữ liệu không cho máy này vào. Hãy sửa pg_hba.conf của máy chủ ấy.",
    ),
    (
        ("permission denied",),
        "Tài khoản cơ sở dữ liệu không đủ quyền. Hãy cấp quyền (GRANT, hoặc chủ của cơ sở dữ liệu).",
    ),
    (
        ("too many clients",),
        "Máy chủ cơ sở dữ liệu hết kết nối. Hãy tăng max_connections, hoặc bớt chương trình khác.",
    ),
    (
        ("connection slots",),
        "Máy chủ cơ sở dữ liệu hết kết nối. Hãy tăng max_connections, hoặc bớt chương trình khác.",
    ),
    (
        ("invalid connection option",),
        "NHACVIEC_DATABASE_URL có tham số mà máy chủ không hiểu. Hãy xem lại phần sau dấu «?».",
    ),
)

# Words by which libpq and PostgreSQL say that the server cannot be reached.
_UNREACHABLE_MESSAGES = ("connection", "starting up", "shutting down", "recovery mode")


class DatabaseUnusable(Exception):
    """The database cannot be used; str() is a Vietnamese sentence that says what to do."""


# Faults of the database, not of the statement: the caller may try again later.
DATABASE_ERRORS = (
    DatabaseUnusable,
    OperationalError,
    InterfaceError,
    InternalError,
    NoConnectionFree,
)


def translate_error(error: DatabaseError) -> Exception:
    """Return DatabaseUnusable for a fault that an administrator can mend, else the error itself."""
    words = str(error.orig).lower()
    for signs, sentence in _REFUSALS:
        if all(sign in words for sign in signs):
            return DatabaseUnusable(sentence)
    if isinstance(error, DataError | IntegrityError | NotSupportedError | ProgrammingError):
        return error  # a fault of the statement
    if "readonly" in words or "read-only" in words:
        return DatabaseUnusable(
            "Cơ sở dữ liệu chỉ đọc. Hãy kiểm tra quyền ghi của tệp và của thư mục chứa nó."
        )
    if "locked" in words:
        return DatabaseUnusable(
            "Cơ sở dữ liệu đang bị chương trình khác khoá. Hãy dừng chương trình đó rồi thử lại."
        )
    if "full" in words or "no space" in words:
        return DatabaseUnusable("Hết chỗ trên đĩa. Hãy giải phóng dung lượng rồi thử lại.")
    if "disk i/o error" in words:
        return DatabaseUnusable(
            "Đĩa không ghi hoặc không đọc được. Hãy kiểm tra dung lượng trống và tình trạng của đĩa."
        )
    if "malformed" in words:
        return DatabaseUnusable(
            "Tệp cơ sở dữ liệu bị hỏng. Hãy dừng dịch vụ, rồi khôi phục từ bản sao lưu gần nhất."
        )
    if "unable to open" in words:
        return DatabaseUnusable(CANNOT_OPEN)
    if isinstance(error, OperationalError) and any(sign in words for sign in _UNREACHABLE_MESSAGES):
        return DatabaseUnusable(
            "Không nối được cơ sở dữ liệu. Hãy kiểm tra máy chủ và NHACVIEC_DATABASE_URL."
        )
    return error


def describe_fault(error: Exception) -> str:
    """Return a fault as a log line says it: the administrator's sentence, else the error's class."""
    if isinstance(error, DatabaseError):
        error = translate_error(error)
    return str(error) if isinstance(error, DatabaseUnusable) else type(error).__name__


def strip_values(context: ExceptionContext) -> None:
    """Cut a PostgreSQL error down to what holds no value; a listener of SQLAlchemy's handle_error.

    PostgreSQL quotes whole rows, which hide_parameters does not hide. The primary message names tables
    and constraints, but in class 22 a value (PostgreSQL, Appendix A). Detail, context and line are cut.
    """
    error: Any = context.original_exception
    primary = getattr(getattr(error, "diag", None), "message_primary", None)
    if primary is None:  # an error of the driver or of the connection
        return
    code = str(error.sqlstate)
    words = f"a value was refused ({code})" if code.startswith("22") else f"{primary} ({code})"
    error.args = (words,)
    wrapped = context.sqlalchemy_exception
    if wrapped is not None:
        kind = type(error)
        wrapped.args = (f"({kind.__module__}.{kind.__name__}) {words}", *wrapped.args[1:])
