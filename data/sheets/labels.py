"""Vietnamese labels of codes, in sheets and on the command line; chats have theirs in templates/."""

from __future__ import annotations

from typing import get_args

from data.registry.schema import Frequency
from data.sheets.phrases import FREQUENCY_WORDS

ROLE_LABELS = {"focal": "đầu mối", "coordinator": "theo dõi", "leader": "lãnh đạo"}
KIND_LABELS = {
    "report": "báo cáo",
    "one_off": "báo cáo một lần",
    "phase_end": "nhiệm vụ",
    "undated": "nhiệm vụ không hạn",
}
STATE_LABELS = {
    "open": "chưa hoàn thành",
    "submitted": "chờ xác nhận",
    "confirmed": "hoàn thành",
    "withdrawn": "đã rút",
    "superseded": "đã chuyển",
}
PROGRESS_LABELS = {"not_started": "chưa triển khai", "in_progress": "đang thực hiện"}
REPLY_LABELS = {
    "acknowledge": "đã nhận",
    **PROGRESS_LABELS,
    "completed": "đã hoàn thành",
    "blocked": "có vướng mắc",
    "extension": "đề nghị gia hạn",
    "dispute": "đề nghị xem lại",
    "question": "hỏi",
    "objection": "khiếu nại số liệu",
    "undo": "rút lại câu trả lời",
}
DECISION_LABELS = {
    "assign": "giao cơ quan thực hiện",
    "open_duty": "mở báo cáo đột xuất",
    "confirm_date": "xác nhận hạn",
    "confirm": "xác nhận hoàn thành",
    "return": "trả lại",
    "keep": "giữ nguyên cơ quan",
    "close_plan": "đóng kế hoạch",
    "accept_cause": "chấp nhận nguyên nhân khách quan",
    "refuse_cause": "không chấp nhận nguyên nhân",
    "announce": "gửi thông báo",
    "answer_question": "trả lời câu hỏi",
    "extension_granted": "cho gia hạn",
    "extension_refused": "không cho gia hạn",
    "extension_offered": "đề xuất hạn khác",
    "explain": "đề nghị giải trình",
    "undo": "huỷ quyết định",
}
EXTENSION_LABELS = {
    "open": "chờ quyết định",
    "granted": "được gia hạn",
    "refused": "không được gia hạn",
    "offered": "được đề xuất hạn khác",
    "withdrawn": "đã rút",
}
EXPLANATION_LABELS = {
    "asked": "chờ giải trình",
    "answered": "đã giải trình",
    "withdrawn": "đã rút lại",
}
FREQUENCY_LABELS = dict(zip(get_args(Frequency), FREQUENCY_WORDS, strict=True))
