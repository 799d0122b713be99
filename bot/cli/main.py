"""The commands of `nhacviec`: the module of each and its line of help."""

from __future__ import annotations

from typing import Annotated

import typer

from bot.cli.tree import CommandGroup, LazyGroup, build_command

_WEBHOOK = CommandGroup(
    "Địa chỉ mà Zalo gửi tin đến. Chưa đặt thì dịch vụ tự hỏi tin.",
    {
        "set": (
            "bot.cli.zalo",
            "Báo Zalo gửi tin đến NHACVIEC_PUBLIC_URL; địa chỉ đã đúng thì không đặt lại.",
        ),
        "info": (
            "bot.cli.zalo",
            "Xem Zalo đang gửi tin đến đâu, có đúng địa chỉ cần không.",
        ),
        "delete": ("bot.cli.zalo", "Dừng gửi tin đến địa chỉ ấy, để dịch vụ tự hỏi tin."),
        "test": ("bot.cli.zalo", "Nhờ Zalo gọi thử địa chỉ đang đặt và xem kết quả."),
    },
)
_PLAN = CommandGroup(
    "Xem, nạp, đóng các kế hoạch.",
    {
        "list": ("bot.cli.plan.show", "Liệt kê các kế hoạch trong sổ bộ."),
        "show": (
            "bot.cli.plan.show",
            "Xem một kế hoạch: nhiệm vụ, chế độ báo cáo, chỉ tiêu.",
        ),
        "load": (
            "bot.cli.plan.load",
            "Nạp sổ bộ vào cơ sở dữ liệu; câu trả lời đã nhận được giữ nguyên.",
        ),
        "diff": ("bot.cli.plan.load", "Xem «plan load» sẽ thay đổi gì, chưa thay đổi."),
        "close": (
            "bot.cli.plan.load",
            "Đóng một kế hoạch: sau ngày này không nhắc nữa, lịch sử giữ nguyên.",
        ),
        "import": (
            "bot.cli.plan.sheet",
            "Đọc bảng nhiệm vụ đã điền thành tệp kế hoạch nháp; chỗ sai được chỉ rõ từng ô.",
        ),
        "template": ("bot.cli.plan.sheet", "Ghi một bảng Excel trống để điền kế hoạch."),
    },
)
_PEOPLE = CommandGroup(
    "Người và nhóm đã đăng ký.",
    {
        "list": (
            "bot.cli.people",
            "Liệt kê người và nhóm đang đăng ký, vai trò, kênh, lần cuối.",
        ),
        "remove": (
            "bot.cli.people",
            "Kết thúc mọi vai trò của một người hay nhóm; câu trả lời đã ghi giữ nguyên.",
        ),
        "handover": (
            "bot.cli.people",
            "Cấp mã bàn giao: ai dùng mã sẽ thay người này; mã chỉ hiện lần này.",
        ),
        "show": (
            "bot.cli.people",
            "Xem mọi điều đang lưu về một người (Luật Bảo vệ dữ liệu cá nhân).",
        ),
        "erase": (
            "bot.cli.people",
            "Xoá dữ liệu cá nhân của một người; hồ sơ của cơ quan giữ nguyên, không còn tên.",
        ),
    },
)
_FORM = CommandGroup(
    "Mẫu và hướng dẫn của các báo cáo, đi cùng tin nhắc.",
    {
        "attach": (
            "bot.cli.forms",
            "Gắn một tệp vào một báo cáo; tệp cùng tên được thay, bản cũ còn trong lịch sử.",
        ),
        "list": ("bot.cli.forms", "Liệt kê các tệp đã gắn."),
        "remove": ("bot.cli.forms", "Gỡ một tệp, sau khi hỏi lại."),
    },
)
_REGISTRY = CommandGroup(
    "Sổ bộ riêng của cơ quan.",
    {
        "init": ("bot.cli.registry", "Chép sổ bộ kèm sẵn ra một thư mục để cơ quan tự sửa."),
    },
)
COMMANDS = CommandGroup(
    "Nhắc Việc: nhắc các cơ quan làm đúng hạn những gì kế hoạch của tỉnh giao.",
    {
        "run": (
            "bot.cli.run",
            "Chạy dịch vụ: nhắc việc mỗi sáng làm việc, nhận và trả lời tin nhắn.",
        ),
        "sandbox": (
            "bot.cli.sandbox",
            "Mở bản thử trên máy này: trang web như khung chat, không cần tài khoản, tách hẳn dữ liệu thật.",
        ),
        "tick": (
            "bot.cli.tick",
            "Làm một lần những gì đến hạn tại một thời điểm (lập nhiệm vụ, nhắc, gửi, nhận), rồi dừng.",
        ),
        "check": (
            "bot.cli.check",
            "Kiểm tra mọi tệp của sổ bộ và các mối liên hệ giữa chúng.",
        ),
        "obligations": ("bot.cli.obligations", "Xem ai phải nộp gì, hạn nào, đang ở đâu."),
        "preview": (
            "bot.cli.preview",
            "Tính từ sổ bộ và lịch làm việc: ngày nào sẽ nhắc cơ quan nào, nhiệm vụ gì, nếu không ai trả lời.",
        ),
        "status": (
            "bot.cli.status",
            "Xem tình hình từng kế hoạch: hoàn thành, đang thực hiện, quá hạn, chờ xác nhận.",
        ),
        "confirm": (
            "bot.cli.confirm",
            "Xác nhận những kết quả hoàn thành nhập từ bảng trạng thái, sau khi xem.",
        ),
        "evidence-sheet": (
            "bot.cli.evidence_sheet",
            "Ghi bảng kê kết quả trong tháng của một cơ quan: hạn, mốc lỡ, gia hạn, giải trình.",
        ),
        "targets": (
            "bot.cli.targets",
            "Xem chỉ tiêu của một kế hoạch: mục tiêu, số đã đạt, ai báo.",
        ),
        "report": (
            "bot.cli.report",
            "Soạn báo cáo tổng hợp của kế hoạch từ những gì các cơ quan đã trả lời; không thêm điều gì.",
        ),
        "urge": (
            "bot.cli.report",
            "Soạn dự thảo công văn đôn đốc các cơ quan quá hạn lâu; người đọc lại, ký và gửi.",
        ),
        "invite": (
            "bot.cli.invite",
            "Cấp mã mời dùng một lần, hạn 7 ngày; mã chỉ hiện lần này.",
        ),
        "calendar": (
            "bot.cli.calendar",
            "Ghi các mốc hạn của một cơ quan ra tệp lịch .ics để mở bằng Google Lịch, Outlook, điện thoại.",
        ),
        "digest": (
            "bot.cli.digest",
            "Xem lại bản tin tuần đã gửi, hoặc xem trước bản tin tuần này; không gửi gì.",
        ),
        "doctor": (
            "bot.cli.doctor.run",
            "Khám mọi bot và máy chủ: khoá, webhook, hạn mức, dịch vụ, giờ, tin kẹt; nói rõ phải làm gì.",
        ),
        "workday": (
            "bot.cli.workday",
            "Xem một ngày có phải ngày làm việc không, và vì sao.",
        ),
        "understand": (
            "bot.cli.understand",
            "Xem Hệ thống hiểu một câu trả lời thế nào; không ghi nhận gì.",
        ),
        "backup": ("bot.cli.backup", "Sao lưu cơ sở dữ liệu trong khi dịch vụ vẫn chạy."),
        "move": (
            "bot.cli.move",
            "Chuyển mọi dữ liệu sang cơ sở dữ liệu khác (SQLite sang PostgreSQL), đếm và so từng bảng.",
        ),
        "restore": (
            "bot.cli.restore",
            "Đưa một bản sao lưu vào thay cơ sở dữ liệu; tệp cũ được giữ lại bên cạnh.",
        ),
        "export": (
            "bot.cli.export",
            "Xuất sổ bộ và mọi điều đã ghi ra một tệp, hoặc bảng trạng thái để điền rồi nhập lại.",
        ),
        "import-status": (
            "bot.cli.import_status",
            "Nhập lại bảng trạng thái đã điền: cho xem từng thay đổi, hỏi lại, rồi ghi tất cả hoặc không gì.",
        ),
        "plan": _PLAN,
        "people": _PEOPLE,
        "form": _FORM,
        "registry": _REGISTRY,
        "zalo": CommandGroup("Các bot Zalo đã đặt.", {"webhook": _WEBHOOK}),
    },
)


def _root(
    version: Annotated[bool, typer.Option("--version", help="Hiện số phiên bản.")] = False,
) -> None:
    """Hold the program's own options; bot/__main__.py answers --version before this is imported."""


app = LazyGroup(
    (),
    COMMANDS,
    params=build_command(_root).params,
    epilog="Bắt đầu: «nhacviec sandbox» để xem thử; «nhacviec check» để kiểm tra sổ bộ;"
    " điền .env rồi «nhacviec run» để chạy thật.",
)
