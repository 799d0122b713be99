"""The commands: what each is called, what it says of itself, and what answers it.

Promises that every command stands here once; /help and the messengers' menus are read from it. Who may
use one is decided in access alone.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from bot.conversation.contacts import channels, invite, remind_now
from bot.conversation.context.access import ROLES_BY_ACTION, Caller, may
from bot.conversation.context.turn import Turn
from bot.conversation.decisions import assignment as assignment_decision
from bot.conversation.decisions import completion as completion_decision
from bot.conversation.decisions import explanation as explanation_decision
from bot.conversation.decisions import extension as extension_decision
from bot.conversation.decisions import open_duty as open_duty_decision
from bot.conversation.queries import calendar as calendar_query
from bot.conversation.queries import deadlines
from bot.conversation.queries import report as report_query
from bot.conversation.queries import search as search_query
from bot.conversation.queries import status as status_query
from bot.conversation.queries import tasks as tasks_query
from bot.conversation.targets import view as target_view
from data.contacts.enrolments import ActiveEnrolment, Role
from jobs.channel import Answer
from jobs.menus import ROLES as MENU_ROLES
from jobs.menus import menu_key


@dataclass(frozen=True, slots=True)
class ChatCommand:
    """One command: its name, what else it is called, one line of help, and what does it.

    Who may use it stands in access.ROLES under its name.
    """

    name: str
    aliases: tuple[str, ...]
    help: str
    function: Callable[[Turn], Awaitable[list[Answer]]]

    @property
    def roles(self) -> frozenset[str]:
        """Return the roles that may use it."""
        return ROLES_BY_ACTION[self.name]


async def answer_help(turn: Turn) -> list[Answer]:
    """Answer /help: every command the caller may use, with three examples for the role."""
    roles = turn.caller.roles()
    role = next(name for name in ("coordinator", "leader", "focal") if name in roles)
    return [
        Answer(
            "help",
            {
                "role": role,
                "agencies": list(dict.fromkeys(e.agency for e in turn.caller.enrolments)),
                "answers": may(turn.caller, "ack"),
                "commands": [
                    {"name": command.name, "aliases": list(command.aliases), "help": command.help}
                    for command in COMMANDS.values()
                    if may(turn.caller, command.name)
                ],
            },
        )
    ]


COMMANDS: dict[str, ChatCommand] = {
    command.name: command
    for command in (
        ChatCommand(
            "viec",
            ("tasks", "congviec"),
            "việc cơ quan đang phải làm, gấp nhất trước",
            tasks_query.answer_viec,
        ),
        ChatCommand(
            "thuongxuyen",
            ("undated", "ongoing", "khonghan"),
            "nhiệm vụ không có hạn: trả lời cả danh sách một lượt",
            tasks_query.answer_thuongxuyen,
        ),
        ChatCommand(
            "status",
            ("tinhhinh",),
            "tình hình đến hôm nay; thêm số kế hoạch, mã việc, tên cơ quan hoặc từ cần tìm",
            status_query.answer_status,
        ),
        ChatCommand(
            "quahan", ("overdue",), "việc quá hạn, chậm nhất trước", deadlines.answer_quahan
        ),
        ChatCommand(
            "sapden",
            ("due", "saphan"),
            "việc đến hạn trong n ngày làm việc, ví dụ: /sapden 5",
            deadlines.answer_sapden,
        ),
        ChatCommand(
            "nhiemvu",
            ("task",),
            "mọi điều về một việc, ví dụ: /nhiemvu 1901 III.1a",
            search_query.answer_nhiemvu,
        ),
        ChatCommand(
            "tim", ("search", "timkiem"), "tìm theo chữ, có dấu hay không", search_query.answer_tim
        ),
        ChatCommand(
            "lichsu",
            ("history",),
            "ai đã nói gì, khi nào: mã việc hoặc cơ quan",
            search_query.answer_lichsu,
        ),
        ChatCommand(
            "lich",
            ("calendar", "ics"),
            "các mốc hạn vào lịch điện thoại, máy tính; đổi địa chỉ: /lich đổi",
            calendar_query.answer_lich,
        ),
        ChatCommand(
            "chitieu",
            ("targets",),
            "chỉ tiêu của kế hoạch: mục tiêu, số đã đạt, ví dụ: /chitieu 1331",
            target_view.answer_chitieu,
        ),
        ChatCommand(
            "donvi",
            ("agencies", "coquan"),
            "các cơ quan và kênh nhận tin của họ",
            invite.answer_donvi,
        ),
        ChatCommand(
            "nhac",
            ("remind", "donduc"),
            "nhắc ngay ai chưa trả lời: cơ quan hoặc mã việc",
            remind_now.answer_nhac,
        ),
        ChatCommand(
            "moi", ("invite",), "cấp mã mời dùng một lần cho một cơ quan", invite.answer_moi
        ),
        ChatCommand(
            "doi",
            ("handover", "bangiao"),
            "bàn giao cho người khác; hoặc: /doi nghỉ đến 5/12",
            invite.answer_doi,
        ),
        ChatCommand(
            "kenh",
            ("channels", "kenhnhan"),
            "nhận tin ở kênh nào; thêm Zalo hoặc Telegram của chính mình: /kenh thêm",
            channels.answer_kenh,
        ),
        ChatCommand(
            "xacnhan",
            ("confirm",),
            "việc đã báo xong, chờ xác nhận hoặc trả lại",
            completion_decision.answer_xacnhan,
        ),
        ChatCommand(
            "giahan",
            ("extensions",),
            "đề nghị gia hạn chờ quyết định",
            extension_decision.answer_giahan,
        ),
        ChatCommand(
            "giaitrinh",
            ("explain",),
            "đề nghị giải trình việc quá hạn, ví dụ: /giaitrinh BC.1 vì sao chậm",
            explanation_decision.answer_giaitrinh,
        ),
        ChatCommand(
            "giao",
            ("assign",),
            "giao việc chưa rõ cơ quan, ví dụ: /giao III.1a SKHCN",
            assignment_decision.answer_giao,
        ),
        ChatCommand(
            "baocao",
            ("report", "tonghop"),
            "soạn báo cáo tổng hợp (Word, Excel), ví dụ: /baocao 131 năm 2026 excel",
            report_query.answer_baocao,
        ),
        ChatCommand(
            "mo",
            ("opennew",),
            "yêu cầu báo cáo đột xuất: mã, hạn, cơ quan, nội dung",
            open_duty_decision.answer_mo,
        ),
        ChatCommand(
            "han",
            ("deadline",),
            "ấn định hạn còn là dự kiến, ví dụ: /han BC.2 18/12",
            open_duty_decision.answer_han,
        ),
        ChatCommand(
            "help", ("trogiup", "huongdan", "start", "menu"), "hướng dẫn và các lệnh", answer_help
        ),
    )
}
COMMANDS_BY_WORD = {
    word: command for command in COMMANDS.values() for word in (command.name, *command.aliases)
}


Commands = Sequence[tuple[str, str]]

STRANGER_COMMANDS: Commands = [("help", COMMANDS["help"].help)]


def menus_by_role() -> Mapping[str, Commands]:
    """Return (name, words) of what each role may use, by jobs.menus.menu_key; in a group what is open to it."""
    return {
        menu_key(role, in_group=in_group): _list_commands(role, in_group=in_group)
        for role in MENU_ROLES
        for in_group in (False, True)
    }


def _list_commands(role: Role, *, in_group: bool) -> Commands:
    anybody = ActiveEnrolment(0, 0, None, 0, "", "", "", role, may_decide=False)
    caller = Caller(chat_id=0, in_group=in_group, person_id=None, enrolments=(anybody,))
    return [
        (command.name, command.help) for command in COMMANDS.values() if may(caller, command.name)
    ]
