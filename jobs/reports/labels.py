"""The words of reports for states and answers."""

from __future__ import annotations

from data.sheets.labels import REPLY_LABELS

STATE_WORDS = {
    "done_on_time": "Hoàn thành đúng hạn",
    "done_late": "Hoàn thành quá hạn",
    "open_on_time": "Đang thực hiện trong hạn",
    "open_late": "Đang thực hiện quá hạn",
}
SAID_WORDS = {**REPLY_LABELS, "confirmed": "được xác nhận"}
SILENT = "chưa báo cáo"
UNASSIGNED = "chưa xác định cơ quan thực hiện"
UNDATED = "Thường xuyên, không xác định thời hạn"
ENDED_BEFORE = "Đã hết thời gian thực hiện trước khi theo dõi, chưa xác nhận kết quả"
