"""The operating system's refusals in Vietnamese; its own words are English, or whatever the machine's locale says."""

from __future__ import annotations

import errno

_REASONS = {
    errno.EACCES: "không có quyền",
    errno.EPERM: "không có quyền",
    errno.ENOENT: "không có tệp hoặc thư mục này",
    errno.ENOTDIR: "một phần của đường dẫn không phải thư mục",
    errno.EISDIR: "đó là một thư mục",
    errno.EEXIST: "đã có",
    errno.ENAMETOOLONG: "tên quá dài",
    errno.ENOSPC: "hết chỗ trên đĩa",
    errno.EDQUOT: "hết hạn mức đĩa",
    errno.EFBIG: "tệp lớn quá mức cho phép",
    errno.EROFS: "đĩa chỉ đọc",
    errno.EIO: "đĩa không ghi hoặc không đọc được",
    errno.EMFILE: "chương trình mở quá nhiều tệp",
    errno.ENFILE: "máy mở quá nhiều tệp",
    errno.ENOMEM: "máy hết bộ nhớ",
    errno.ELOOP: "đường dẫn tự trỏ vòng quanh",
    errno.ETXTBSY: "tệp đang có chương trình khác dùng",
    errno.EBUSY: "đang có chương trình khác dùng",
    errno.EXDEV: "hai nơi ở hai đĩa khác nhau",
    errno.EINVAL: "hệ thống không nhận",
    errno.EADDRINUSE: "cổng đang có chương trình khác dùng",
    errno.EADDRNOTAVAIL: "không phải địa chỉ của máy này",
    errno.ECONNREFUSED: "máy chủ không nhận kết nối",
    errno.ECONNRESET: "máy chủ cắt kết nối",
    errno.ENETUNREACH: "không có đường mạng đến đó",
    errno.EHOSTUNREACH: "không có đường mạng đến đó",
    errno.ETIMEDOUT: "không trả lời",
}


def explain_os_error(error: OSError) -> str:
    """Return why the system refused: "hết chỗ trên đĩa"; its own words where the reason has none here."""
    known = _REASONS.get(error.errno or 0)
    return known or error.strerror or str(error) or type(error).__name__
