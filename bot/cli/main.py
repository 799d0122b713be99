"""The command line: every command, its options and its help.

Promises to start fast: a command's module is imported when it is called. What commands do lives in
bot/commands; what they print when they fail, in bot/cli/errors.py.
"""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer

from bot.cli import arguments
from bot.cli.digest__cli_digest import EXAMPLES, digest
from bot.cli.export__cli_sheets import add_to
from bot.cli.help import JsonOption, VietnameseCommand, VietnameseGroup, format_examples
from bot.cli.move__cli_moving import add_to as add_moving
from bot.cli.people__cli_people import people
from bot.cli.plans__cli_plans import Number, Province, day_option, plan
from bot.cli.report__cli_report import add_to as add_reports
from bot.cli.zalo import zalo

app = typer.Typer(
    cls=VietnameseGroup,
    rich_markup_mode=None,
    no_args_is_help=True,
    add_completion=False,
    help="Nhắc Việc: nhắc các cơ quan làm đúng hạn những gì kế hoạch của tỉnh giao.",
    epilog="Bắt đầu: «nhacviec sandbox» để xem thử; «nhacviec check» để kiểm tra sổ bộ;"
    " điền .env rồi «nhacviec run» để chạy thật.",
)
registry = typer.Typer(cls=VietnameseGroup, no_args_is_help=True, help="Sổ bộ riêng của cơ quan.")
app.add_typer(plan, name="plan", rich_help_panel=None)
app.add_typer(people, name="people", rich_help_panel=None)
app.add_typer(registry, name="registry", rich_help_panel=None)
app.add_typer(zalo, name="zalo", rich_help_panel=None)

RequiredProvinceOption = Annotated[
    str, typer.Option("--province", metavar="TỈNH", help="Tỉnh: gia-lai.")
]


@app.command(cls=VietnameseCommand, epilog=format_examples("run", "run --or-sandbox"))
def run(
    or_sandbox: Annotated[
        bool, typer.Option("--or-sandbox", help="Chưa đặt tài khoản nào thì mở bản thử.")
    ] = False,
) -> None:
    """Chạy dịch vụ: nhắc việc mỗi sáng làm việc, nhận và trả lời tin nhắn."""
    from bot.cli import service

    service.run(or_sandbox=or_sandbox)


@app.command(cls=VietnameseCommand, epilog=format_examples("sandbox"))
def sandbox() -> None:
    """Mở bản thử trên máy này: trang web như khung chat, không cần tài khoản, tách hẳn dữ liệu thật."""
    from bot.cli import service

    service.sandbox()


@app.command(cls=VietnameseCommand, epilog=format_examples("tick --now 2026-11-09T07:30+07:00"))
def tick(
    now: Annotated[
        datetime,
        typer.Option(
            "--now",
            parser=arguments.parse_instant,
            metavar="THỜI_ĐIỂM",
            help="Thời điểm ISO 8601 có múi giờ; lệch quá 5 phút thì từ chối khi đã đặt tài khoản.",
        ),
    ],
    json: JsonOption = False,
) -> None:
    """Làm một lần những gì đến hạn tại một thời điểm (lập việc, nhắc, gửi, nhận), rồi dừng."""
    from bot.cli import service

    service.tick(now=now, as_json=json)


@app.command(cls=VietnameseCommand, epilog=format_examples("check", "check --seeds văn-bản-gốc/"))
def check(
    seeds: Annotated[
        Path | None,
        typer.Option(
            "--seeds", metavar="THƯ_MỤC", help="Thư mục văn bản gốc: đối chiếu từng câu trích."
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Kiểm tra mọi tệp của sổ bộ và các mối liên hệ giữa chúng."""
    from bot.cli import registry as admin

    admin.check(seeds=seeds, as_json=json)


@registry.command("init", cls=VietnameseCommand, epilog=format_examples("registry init so-bo"))
def registry_init(
    folder: Annotated[
        Path, typer.Argument(metavar="THƯ_MỤC", help="Thư mục mới, chưa có hoặc còn trống.")
    ] = Path("registry"),
) -> None:
    """Chép sổ bộ kèm sẵn ra một thư mục để cơ quan tự sửa."""
    from bot.cli import registry as admin

    admin.registry_init(folder)


@app.command(
    cls=VietnameseCommand,
    epilog=format_examples("obligations --province gia-lai --from 2026-10-01 --to 2026-12-31"),
)
def obligations(
    province: Province = None,
    agency: Annotated[
        str | None,
        typer.Option("--agency", metavar="CƠ_QUAN", help="Chỉ một cơ quan; cần --province."),
    ] = None,
    since: Annotated[date | None, day_option("--from", "Hạn từ ngày này.")] = None,
    until: Annotated[date | None, day_option("--to", "Hạn đến hết ngày này.")] = None,
    json: JsonOption = False,
) -> None:
    """Xem ai phải nộp gì, hạn nào, đang ở đâu."""
    from bot.cli import status as standing

    standing.obligations(province=province, agency=agency, since=since, until=until, as_json=json)


@app.command(
    cls=VietnameseCommand, epilog=format_examples("preview --from 2026-10-01 --to 2026-12-31")
)
def preview(
    since: Annotated[date, day_option("--from", "Từ ngày này.")],
    until: Annotated[date, day_option("--to", "Đến hết ngày này.")],
    province: Province = None,
    json: JsonOption = False,
) -> None:
    """Tính từ sổ bộ và lịch làm việc: ngày nào sẽ nhắc ai, việc gì, nếu không ai trả lời."""
    from bot.cli import preview as queries

    queries.preview(since=since, until=until, province=province, as_json=json)


@app.command(cls=VietnameseCommand, epilog=format_examples("status", "status --plan 1901"))
def status(
    province: Province = None,
    plan: Annotated[
        str | None, typer.Option("--plan", metavar="SỐ", help="Chỉ một kế hoạch.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Xem tình hình từng kế hoạch: đã xong, đang làm, quá hạn, chờ xác nhận."""
    from bot.cli import status as standing

    standing.status(province=province, plan=plan, as_json=json)


@app.command(
    cls=VietnameseCommand, epilog=format_examples("targets 1331", "targets 1331/KH-UBND --json")
)
def targets(number: Number, province: Province = None, json: JsonOption = False) -> None:
    """Xem chỉ tiêu của một kế hoạch: mục tiêu, số đã đạt, ai báo."""
    from bot.cli import targets as measuring

    measuring.show(number, province=province, as_json=json)


add_reports(app)


@app.command(
    cls=VietnameseCommand,
    epilog=format_examples(
        "invite --province gia-lai --agency «Sở Tài chính» --role focal",
        "invite --province gia-lai --agency stc --role focal --qr moi-stc.png",
    ),
)
def invite(
    province: RequiredProvinceOption,
    agency: Annotated[
        str, typer.Option("--agency", metavar="CƠ_QUAN", help="Tên, tên tắt hoặc mã cơ quan.")
    ],
    role: Annotated[
        str,
        typer.Option(
            "--role",
            parser=arguments.parse_role,
            metavar="VAI_TRÒ",
            help="focal (đầu mối), coordinator (theo dõi) hoặc leader (lãnh đạo).",
        ),
    ],
    may_decide: Annotated[
        bool,
        typer.Option(
            "--may-decide",
            help="Lãnh đạo được quyết định thay cơ quan theo dõi về việc của chính cơ quan ấy.",
        ),
    ] = False,
    qr: Annotated[
        Path | None,
        typer.Option(
            "--qr", metavar="TỆP.png", help="Ghi thêm hình QR mở bot; tệp đã có không bị ghi đè."
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Cấp mã mời dùng một lần, hạn 7 ngày; mã chỉ hiện lần này."""
    from bot.cli import invite as inviting

    inviting.invite(
        province=province, agency=agency, role=role, may_decide=may_decide, qr=qr, as_json=json
    )


@app.command(
    cls=VietnameseCommand,
    epilog=format_examples(
        "calendar «Sở Tài chính» --province gia-lai --out lich-stc.ics",
        "calendar so-khcn --province lang-son --role coordinator --out theo-doi.ics",
    ),
)
def calendar(
    agency: Annotated[str, typer.Argument(metavar="CƠ_QUAN", help="Tên, tên tắt hoặc mã cơ quan.")],
    province: RequiredProvinceOption,
    out: Annotated[
        Path, typer.Option("--out", metavar="TỆP.ics", help="Tệp mới; không ghi đè tệp đã có.")
    ],
    role: Annotated[
        str,
        typer.Option(
            "--role",
            parser=arguments.parse_role,
            metavar="VAI_TRÒ",
            help="focal: việc của cơ quan; coordinator: thêm các kỳ báo cáo mà cơ quan theo dõi.",
        ),
    ] = "focal",
) -> None:
    """Ghi các mốc hạn của một cơ quan ra tệp lịch .ics để mở bằng Google Lịch, Outlook, điện thoại."""
    from bot.cli import calendar as calendars

    calendars.write(agency, province=province, role=role, out=out)


app.command(cls=VietnameseCommand, epilog=EXAMPLES)(digest)


@app.command(cls=VietnameseCommand, epilog=format_examples("doctor", "doctor --json"))
def doctor(json: JsonOption = False) -> None:
    """Khám mọi bot và máy chủ: khoá, webhook, hạn mức, dịch vụ, giờ, tin kẹt; nói rõ phải làm gì."""
    from bot.cli.doctor import run as examining

    examining.run(as_json=json)


@app.command(cls=VietnameseCommand, epilog=format_examples("workday 2026-11-24"))
def workday(
    day: Annotated[
        date, typer.Argument(parser=arguments.parse_day, metavar="NGÀY", help="Ngày cần xem.")
    ],
    json: JsonOption = False,
) -> None:
    """Xem một ngày có phải ngày làm việc không, và vì sao."""
    from bot.cli import preview as queries

    queries.workday(day, as_json=json)


@app.command(
    cls=VietnameseCommand,
    epilog=format_examples(
        "understand «2 xong»",
        "understand «xin gia hạn thêm 1 tuần» --today 2026-11-22 --json",
        "understand - --today 2026-11-22 < tra-loi.txt",
    ),
)
def understand(
    text: Annotated[
        str, typer.Argument(metavar="CÂU", help="Câu trả lời; «-»: mỗi dòng nhập vào là một câu.")
    ],
    today: Annotated[
        date | None,
        day_option("--today", "Ngày để tính «tuần sau», «cuối tháng» [mặc định: hôm nay]."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Xem bot hiểu một câu trả lời thế nào; không ghi nhận gì."""
    from bot.cli import understand as reading

    reading.run(text, today=today, as_json=json)


@app.command(cls=VietnameseCommand, epilog=format_examples("backup sao-luu/nhacviec-2026-11-09.db"))
def backup(
    path: Annotated[Path, typer.Argument(metavar="TỆP", help="Tệp mới; không ghi đè tệp đã có.")],
) -> None:
    """Sao lưu cơ sở dữ liệu trong khi dịch vụ vẫn chạy."""
    from bot.cli import registry as admin

    admin.backup(path)


add_moving(app)  # move, restore
add_to(app)  # export, import-status
