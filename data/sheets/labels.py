"""The words by which codes are told in sheets and on the command line.

Promises one word for one code; what chats say stands in templates/. Pure, and light to import.
"""

from __future__ import annotations

from typing import get_args

from data.registry.schema import Frequency
from data.sheets.phrases import FREQUENCY_WORDS

KINDS = {
    "report": "báo cáo",
    "one_off": "báo cáo một lần",
    "phase_end": "nhiệm vụ",
    "undated": "nhiệm vụ không hạn",
}
STATES = {
    "open": "chưa xong",
    "submitted": "chờ xác nhận",
    "confirmed": "hoàn thành",
    "withdrawn": "đã rút",
    "superseded": "đã chuyển",
}
PROGRESS = {"not_started": "chưa làm", "in_progress": "đang làm"}
SAID = {
    "acknowledge": "đã nhận",
    **PROGRESS,
    "completed": "đã xong",
    "blocked": "vướng mắc",
    "extension": "xin gia hạn",
    "dispute": "đề nghị xem lại",
    "question": "hỏi",
    "undo": "rút lại câu trả lời",
}
DECIDED = {
    "assign": "giao việc",
    "open_duty": "mở báo cáo đột xuất",
    "confirm_date": "xác nhận hạn",
    "confirm": "xác nhận hoàn thành",
    "return": "trả lại",
    "keep": "giữ nguyên cơ quan",
    "close_plan": "đóng kế hoạch",
    "extension_granted": "cho gia hạn",
    "extension_refused": "không cho gia hạn",
    "extension_offered": "đề xuất hạn khác",
}
REQUESTED = {
    "open": "chờ quyết định",
    "granted": "được gia hạn",
    "refused": "không được gia hạn",
    "offered": "được đề xuất hạn khác",
    "withdrawn": "thôi xin",
}
EXPLAINED = {"asked": "chờ giải trình", "answered": "đã giải trình"}
FREQUENCIES = dict(zip(get_args(Frequency), FREQUENCY_WORDS, strict=True))
