"""Chat commands: name, aliases, line of help, handler. context/access.py says who may use each.

Guarantees:
- Each command is here once; /help and the messengers' menus are made from this table.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from bot.conversation.contacts.agencies import answer_donvi
from bot.conversation.contacts.announce import answer_thongbao
from bot.conversation.contacts.channels import answer_kenh
from bot.conversation.contacts.handover import answer_doi
from bot.conversation.contacts.invite import answer_moi
from bot.conversation.contacts.remind_now import answer_nhac
from bot.conversation.context.access import Caller, may
from bot.conversation.context.scope import agency_names
from bot.conversation.context.turn import Turn
from bot.conversation.decisions.assignment import answer_giao
from bot.conversation.decisions.completion import answer_xacnhan
from bot.conversation.decisions.explanation import answer_giaitrinh
from bot.conversation.decisions.extension import answer_giahan
from bot.conversation.decisions.forms import answer_mau
from bot.conversation.decisions.open_duty import answer_han, answer_mo
from bot.conversation.decisions.question import answer_cauhoi
from bot.conversation.queries.calendar import answer_lich
from bot.conversation.queries.chart import answer_bieudo
from bot.conversation.queries.deadlines import answer_quahan, answer_sapden
from bot.conversation.queries.detail import answer_nhiemvu
from bot.conversation.queries.evidence_sheet import answer_minhchung
from bot.conversation.queries.history import answer_lichsu
from bot.conversation.queries.missing import answer_chuanop
from bot.conversation.queries.reasons import answer_lydo
from bot.conversation.queries.report import answer_baocao
from bot.conversation.queries.search import answer_tim
from bot.conversation.queries.status import answer_status
from bot.conversation.queries.tasks import answer_thuongxuyen, answer_viec
from bot.conversation.targets.view import answer_chitieu
from data.contacts.enrolments import ActiveEnrolment, Role
from jobs.channel import Answer
from jobs.menus import ROLES as MENU_ROLES
from jobs.menus import MenuCommands, menu_key


@dataclass(frozen=True, slots=True)
class ChatCommand:
    """One command; access.ROLES_BY_ACTION holds its roles under its name."""

    name: str
    aliases: tuple[str, ...]
    help: str
    function: Callable[[Turn], Awaitable[list[Answer]]]


async def answer_help(turn: Turn) -> list[Answer]:
    """Answer /help: the commands that the caller may use, with three examples for the role."""
    roles = turn.caller.roles()
    role = next(name for name in ("coordinator", "leader", "focal") if name in roles)
    return [
        Answer(
            "help",
            {
                "role": role,
                "agencies": agency_names(turn.caller.enrolments),
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
            "viec", ("tasks", "congviec"), "nhiệm vụ cơ quan đang phải thực hiện", answer_viec
        ),
        ChatCommand(
            "thuongxuyen",
            ("undated", "ongoing", "khonghan"),
            "nhiệm vụ không có hạn: trả lời cả danh sách một lượt",
            answer_thuongxuyen,
        ),
        ChatCommand(
            "status",
            ("tinhhinh",),
            "tình hình đến hôm nay; thêm số kế hoạch, mã nhiệm vụ, tên cơ quan hoặc từ cần tìm",
            answer_status,
        ),
        ChatCommand(
            "chuanop",
            ("missing",),
            "nơi chưa báo cáo: sở, xã, nơi khác, ví dụ: /chuanop 1901 BC.1",
            answer_chuanop,
        ),
        ChatCommand(
            "quahan", ("overdue",), "nội dung quá hạn, theo báo cáo và nhiệm vụ", answer_quahan
        ),
        ChatCommand(
            "lydo",
            ("reasons", "visao"),
            "lý do chưa báo cáo, quá hạn mà các cơ quan đã nêu, ví dụ: /lydo 1901 BC.1",
            answer_lydo,
        ),
        ChatCommand(
            "sapden",
            ("due", "saphan"),
            "nội dung đến hạn trong n ngày làm việc, ví dụ: /sapden 5",
            answer_sapden,
        ),
        ChatCommand(
            "nhiemvu",
            ("task",),
            "toàn bộ thông tin về một nhiệm vụ, ví dụ: /nhiemvu 1901 III.1a",
            answer_nhiemvu,
        ),
        ChatCommand("tim", ("search", "timkiem"), "tìm theo chữ, có dấu hay không", answer_tim),
        ChatCommand(
            "lichsu",
            ("history",),
            "các câu trả lời, quyết định: mã nhiệm vụ hoặc cơ quan",
            answer_lichsu,
        ),
        ChatCommand(
            "lich",
            ("calendar", "ics"),
            "các mốc hạn vào lịch điện thoại, máy tính; đổi địa chỉ: /lich đổi",
            answer_lich,
        ),
        ChatCommand(
            "chitieu",
            ("targets",),
            "chỉ tiêu của kế hoạch: mục tiêu, số đã đạt, ví dụ: /chitieu 1331",
            answer_chitieu,
        ),
        ChatCommand("bieudo", ("chart",), "biểu đồ của tuần", answer_bieudo),
        ChatCommand(
            "donvi",
            ("agencies", "coquan"),
            "các cơ quan và kênh nhận tin; “/donvi im lặng”, “/donvi chưa kết nối”",
            answer_donvi,
        ),
        ChatCommand(
            "nhac",
            ("remind", "donduc"),
            "nhắc ngay cơ quan chưa trả lời: tên cơ quan hoặc mã nhiệm vụ",
            answer_nhac,
        ),
        ChatCommand(
            "thongbao",
            ("announce",),
            "thông báo tới các cơ quan của kế hoạch, ví dụ: /thongbao 1901 các xã: nội dung",
            answer_thongbao,
        ),
        ChatCommand("moi", ("invite",), "cấp mã mời dùng một lần cho một cơ quan", answer_moi),
        ChatCommand(
            "minhchung",
            ("evidence", "bangke"),
            "bảng kê kết quả của cơ quan trong tháng, ví dụ: /minhchung tháng 11",
            answer_minhchung,
        ),
        ChatCommand(
            "doi",
            ("handover", "bangiao"),
            "bàn giao cho người khác; hoặc: /doi nghỉ đến 5/12",
            answer_doi,
        ),
        ChatCommand(
            "kenh",
            ("channels", "kenhnhan"),
            "nhận tin ở kênh nào; thêm Zalo hoặc Telegram của chính mình: /kenh thêm",
            answer_kenh,
        ),
        ChatCommand(
            "xacnhan", ("confirm",), "nhiệm vụ đã báo cáo hoàn thành, chờ xác nhận", answer_xacnhan
        ),
        ChatCommand("giahan", ("extensions",), "đề nghị gia hạn chờ quyết định", answer_giahan),
        ChatCommand(
            "giaitrinh",
            ("explain",),
            "đề nghị giải trình nhiệm vụ quá hạn, ví dụ: /giaitrinh BC.1 vì sao chậm",
            answer_giaitrinh,
        ),
        ChatCommand(
            "cauhoi",
            ("questions", "hoidap"),
            "câu hỏi của các cơ quan chưa được trả lời",
            answer_cauhoi,
        ),
        ChatCommand(
            "giao",
            ("assign",),
            "giao nhiệm vụ chưa rõ cơ quan, ví dụ: /giao III.1a SKHCN",
            answer_giao,
        ),
        ChatCommand(
            "baocao",
            ("report", "tonghop"),
            "soạn báo cáo tổng hợp (Word, Excel), ví dụ: /baocao 131 năm 2026 excel",
            answer_baocao,
        ),
        ChatCommand(
            "mau",
            ("form", "bieumau"),
            "mẫu báo cáo: xem, mở, gắn, gỡ, ví dụ: /mau 1901 BC.1",
            answer_mau,
        ),
        ChatCommand("mo", ("opennew",), "giao thêm nhiệm vụ, đề nghị báo cáo đột xuất", answer_mo),
        ChatCommand(
            "han", ("deadline",), "ấn định hạn còn là dự kiến, ví dụ: /han BC.2 18/12", answer_han
        ),
        ChatCommand(
            "help", ("trogiup", "huongdan", "start", "menu"), "hướng dẫn và các lệnh", answer_help
        ),
    )
}
COMMANDS_BY_WORD = {
    word: command for command in COMMANDS.values() for word in (command.name, *command.aliases)
}


STRANGER_COMMANDS: MenuCommands = [("help", COMMANDS["help"].help)]


def menus_by_role() -> Mapping[str, MenuCommands]:
    """Return (name, help) of the commands of each role, private and in a group, by jobs.menus.menu_key."""
    return {
        menu_key(role, in_group=in_group): _list_commands(role, in_group=in_group)
        for role in MENU_ROLES
        for in_group in (False, True)
    }


def _list_commands(role: Role, *, in_group: bool) -> MenuCommands:
    enrolment = ActiveEnrolment(0, 0, None, 0, "", "", "", role, may_decide=False)
    caller = Caller(0, in_group, None, enrolled_here=(enrolment,))
    return [
        (command.name, command.help) for command in COMMANDS.values() if may(caller, command.name)
    ]
