"""The commands: what each is called, what it says of itself, and what answers it.

Promises that every command stands here once; /help and the messengers' menus are read from it. Who may
use one is decided in access alone.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from bot.conversation.contacts import channels
from bot.conversation.contacts import invite as inviting
from bot.conversation.contacts import remind_now as urging
from bot.conversation.context.access import ROLES, Caller, may
from bot.conversation.context.turn import Turn
from bot.conversation.decisions import assignment as assigning
from bot.conversation.decisions import completion as deciding
from bot.conversation.decisions import explanation as explaining
from bot.conversation.decisions import extension as granting
from bot.conversation.decisions import open_duty as opening
from bot.conversation.queries import calendar as calendaring
from bot.conversation.queries import deadlines
from bot.conversation.queries import report as consolidating
from bot.conversation.queries import search as searching
from bot.conversation.queries import status as standing
from bot.conversation.queries import tasks as queries
from bot.conversation.targets import view as target_view
from data.contacts.enrolments import Enrolled, Role
from jobs.channel import Answer
from jobs.menus import ROLES as MENU_ROLES
from jobs.menus import menu_key


@dataclass(frozen=True, slots=True)
class Command:
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
        return ROLES[self.name]


async def show_help(turn: Turn) -> list[Answer]:
    """Answer /help: every command the caller may use, with three examples for the role."""
    roles = turn.caller.roles()
    role = next(name for name in ("coordinator", "leader", "focal") if name in roles)
    return [
        Answer(
            "help",
            {
                "role": role,
                "agencies": list(dict.fromkeys(e.agency for e in turn.caller.here)),
                "answers": may(turn.caller, "ack"),
                "commands": [
                    {"name": command.name, "aliases": list(command.aliases), "help": command.help}
                    for command in COMMANDS.values()
                    if may(turn.caller, command.name)
                ],
            },
        )
    ]


COMMANDS: dict[str, Command] = {
    command.name: command
    for command in (
        Command(
            "viec",
            ("tasks", "congviec"),
            "việc cơ quan đang phải làm, gấp nhất trước",
            queries.viec,
        ),
        Command(
            "thuongxuyen",
            ("undated", "ongoing", "khonghan"),
            "nhiệm vụ không có hạn: trả lời cả danh sách một lượt",
            queries.thuongxuyen,
        ),
        Command(
            "status",
            ("tinhhinh",),
            "tình hình đến hôm nay; thêm số kế hoạch, mã việc, tên cơ quan hoặc từ cần tìm",
            standing.status,
        ),
        Command("quahan", ("overdue",), "việc quá hạn, chậm nhất trước", deadlines.quahan),
        Command(
            "sapden",
            ("due", "saphan"),
            "việc đến hạn trong n ngày làm việc, ví dụ: /sapden 5",
            deadlines.sapden,
        ),
        Command(
            "nhiemvu",
            ("task",),
            "mọi điều về một việc, ví dụ: /nhiemvu 1901 III.1a",
            searching.nhiemvu,
        ),
        Command("tim", ("search", "timkiem"), "tìm theo chữ, có dấu hay không", searching.tim),
        Command(
            "lichsu", ("history",), "ai đã nói gì, khi nào: mã việc hoặc cơ quan", searching.lichsu
        ),
        Command(
            "lich",
            ("calendar", "ics"),
            "các mốc hạn vào lịch điện thoại, máy tính; đổi địa chỉ: /lich đổi",
            calendaring.lich,
        ),
        Command(
            "chitieu",
            ("targets",),
            "chỉ tiêu của kế hoạch: mục tiêu, số đã đạt, ví dụ: /chitieu 1331",
            target_view.chitieu,
        ),
        Command(
            "donvi", ("agencies", "coquan"), "các cơ quan và kênh nhận tin của họ", inviting.donvi
        ),
        Command(
            "nhac",
            ("remind", "donduc"),
            "nhắc ngay ai chưa trả lời: cơ quan hoặc mã việc",
            urging.nhac,
        ),
        Command("moi", ("invite",), "cấp mã mời dùng một lần cho một cơ quan", inviting.moi),
        Command(
            "doi",
            ("handover", "bangiao"),
            "bàn giao cho người khác; hoặc: /doi nghỉ đến 5/12",
            inviting.doi,
        ),
        Command(
            "kenh",
            ("channels", "kenhnhan"),
            "nhận tin ở kênh nào; thêm Zalo hoặc Telegram của chính mình: /kenh thêm",
            channels.kenh,
        ),
        Command(
            "xacnhan", ("confirm",), "việc đã báo xong, chờ xác nhận hoặc trả lại", deciding.xacnhan
        ),
        Command("giahan", ("extensions",), "đề nghị gia hạn chờ quyết định", granting.giahan),
        Command(
            "giaitrinh",
            ("explain",),
            "đề nghị giải trình việc quá hạn, ví dụ: /giaitrinh BC.1 vì sao chậm",
            explaining.giaitrinh,
        ),
        Command(
            "giao",
            ("assign",),
            "giao việc chưa rõ cơ quan, ví dụ: /giao III.1a SKHCN",
            assigning.giao,
        ),
        Command(
            "baocao",
            ("report", "tonghop"),
            "soạn báo cáo tổng hợp (Word, Excel), ví dụ: /baocao 131 năm 2026 excel",
            consolidating.baocao,
        ),
        Command(
            "mo", ("opennew",), "yêu cầu báo cáo đột xuất: mã, hạn, cơ quan, nội dung", opening.mo
        ),
        Command(
            "han", ("deadline",), "ấn định hạn còn là dự kiến, ví dụ: /han BC.2 18/12", opening.han
        ),
        Command(
            "help", ("trogiup", "huongdan", "start", "menu"), "hướng dẫn và các lệnh", show_help
        ),
    )
}
BY_WORD = {
    word: command for command in COMMANDS.values() for word in (command.name, *command.aliases)
}


Commands = Sequence[tuple[str, str]]

FOR_STRANGERS: Commands = [("help", COMMANDS["help"].help)]


def menus() -> Mapping[str, Commands]:
    """Return (name, words) of what each role may use, by jobs.menus.menu_key; in a group what is open to it."""
    return {
        menu_key(role, in_group=in_group): _offered(role, in_group=in_group)
        for role in MENU_ROLES
        for in_group in (False, True)
    }


def _offered(role: Role, *, in_group: bool) -> Commands:
    anybody = Enrolled(0, 0, None, 0, "", "", "", role, may_decide=False)
    caller = Caller(chat_id=0, in_group=in_group, person_id=None, here=(anybody,))
    return [
        (command.name, command.help) for command in COMMANDS.values() if may(caller, command.name)
    ]
