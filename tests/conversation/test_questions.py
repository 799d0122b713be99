"""Questions: answered at once from the registry, or passed on, answered by a coordinator, and brought back."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from data.clock import ZONE
from data.db.database import Database
from data.models import Decision, StatusReply
from data.registry.registry import Registry
from tests.support.conversations import WITHOUT, Reply, Seat, Talk, small_registry, small_texts

NOW = datetime(2026, 11, 9, 8, tzinfo=ZONE)
FOCAL, FIRST, SECOND = "7", "8", "9"


@pytest.fixture
async def talk(database: Database) -> Talk:
    return await Talk(database, small_registry(), NOW).begin(
        Seat(FOCAL, "dong", "stc"),
        Seat(FIRST, "dong", "skhcn", "coordinator"),
        Seat(SECOND, "dong", "skhcn", "coordinator"),
        Seat("6", "dong", "sxd"),
        Seat("5", "tay", "skhcn", "coordinator"),
    )


async def only(answers: Any) -> Reply:
    (answer,) = await answers
    return answer


async def kept(talk: Talk) -> list[Any]:
    async with talk.database.read() as connection:
        rows = await connection.execute(
            select(StatusReply.said, StatusReply.note, StatusReply.obligation_id).order_by(
                StatusReply.id
            )
        )
        return [tuple(row) for row in rows]


async def asked(talk: Talk, text: str = "kinh phí lấy ở đâu") -> tuple[int, Reply, Reply]:
    """Let the focal point ask about its report; returns the question's number and both notices."""
    await talk.say(FOCAL, "/viec")
    await talk.say(FOCAL, "1")
    passed, first, second = await talk.say(FOCAL, text)
    assert passed.template == "question_passed"
    assert (first.chat, second.chat) == (FIRST, SECOND)
    return int(first.answer.context["question"]), first, second  # type: ignore[call-overload]


# ------------------------------------------------------------------ from the registry


async def test_the_day_is_told_for_each_item_shown_where_none_is_named(talk: Talk) -> None:
    await talk.say(FOCAL, "/viec")
    told = await only(talk.say(FOCAL, "hạn là ngày nào?"))
    assert told.template == "question_answered"
    assert "1. Báo cáo năm 2026" in told.plain
    assert "trước ngày 15 tháng 11 hàng năm" in told.plain
    assert "2. Rà soát chi ngân sách" in told.plain
    assert "31/12/2026" in told.plain
    assert await kept(talk) == []
    opened = await only(talk.say(FOCAL, "3"))
    assert "Lập cơ sở dữ liệu dùng chung" in opened.plain


async def test_of_many_items_the_most_urgent_are_told_and_how_to_ask_of_the_others(
    database: Database,
) -> None:
    texts = small_texts()
    more = "".join(
        f'  - {{code: "{code}", text: "Rà soát nội dung thứ {code}", leads: ["Sở Tài chính"],\n'
        '     period: {raw: "2026", kind: fixed, start_year: 2026, end_year: 2026}}\n'
        for code in range(11, 17)
    )
    plan = texts["plans/dong-10.yaml"].replace("report_duties:\n", f"{more}report_duties:\n")
    registry = Registry.from_texts({**texts, "plans/dong-10.yaml": plan})
    talk = await Talk(database, registry, NOW).begin(Seat(FOCAL, "dong", "stc"))
    await talk.say(FOCAL, "/viec")
    told = await only(talk.say(FOCAL, "hạn là ngày nào?"))
    assert told.template == "question_answered"
    assert "1. Báo cáo năm 2026" in told.plain
    assert len(told.answer.context["items"]) == 5  # type: ignore[arg-type]
    assert "… và 05 nhiệm vụ khác: gõ số, ví dụ “1 hạn ngày nào”, “nd 1”." in told.plain
    seventh = await only(talk.say(FOCAL, "7 hạn ngày nào"))
    assert seventh.template == "question_answered"
    assert "Rà soát nội dung thứ" in seventh.plain


async def test_the_day_of_one_item_is_told_and_the_next_number_records_nothing(talk: Talk) -> None:
    talk.capabilities = {talk.account_id: WITHOUT}
    await talk.say(FOCAL, "/viec")
    told = await only(talk.say(FOCAL, "2 han ngay nao"))
    assert "Rà soát chi ngân sách" in told.plain
    assert "Báo cáo năm" not in told.plain
    assert told.labels() == ["Nội dung", "Hỏi cơ quan theo dõi"]
    opened = await only(talk.say(FOCAL, "3"))
    assert "Lập cơ sở dữ liệu dùng chung" in opened.plain
    assert await kept(talk) == []
    await talk.say(FOCAL, "2 hạn ngày nào")
    assert (await only(talk.say(FOCAL, "đang làm"))).template == "recorded"


async def test_a_code_of_two_years_is_told_for_both_without_asking_which(talk: Talk) -> None:
    talk.now = datetime(2027, 11, 8, 8, tzinfo=ZONE)
    await talk.say(FOCAL, "/viec")
    told = await only(talk.say(FOCAL, "bc.1 hạn ngày nào"))
    assert told.template == "question_answered"
    assert "Báo cáo năm 2026" in told.plain
    assert "Báo cáo năm 2027" in told.plain
    assert (await only(talk.say(FOCAL, "mẫu báo cáo BC.1?"))).template == "ask"


async def test_receiver_giver_and_follower_are_told_from_the_document(talk: Talk) -> None:
    await talk.say(FOCAL, "/viec")
    told = await only(talk.say(FOCAL, "BC.1 nộp cho ai"))
    assert "Nơi nhận: UBND tỉnh (qua Sở Khoa học và Công nghệ)" in told.plain
    assert "“báo cáo trước ngày 15 tháng 11 hàng năm”" in told.plain
    told = await only(talk.say(FOCAL, "ai giao việc này?"))
    assert "Kế hoạch số 10/KH-UBND" in told.plain
    assert "Người ký: Nguyễn Văn A" in told.plain
    assert "Giao tại: mục V.5" in told.plain
    told = await only(talk.say(FOCAL, "số điện thoại liên hệ"))
    assert "giải đáp Kế hoạch 10/KH-UBND: Sở Khoa học và Công nghệ" in told.plain


async def test_a_reply_to_a_message_that_names_one_item_asks_about_it(talk: Talk) -> None:
    await talk.say(FOCAL, "/viec")
    recorded = await only(talk.say(FOCAL, "2 đang làm 40%"))
    await talk.say(FOCAL, "/viec")
    told = await only(talk.say(FOCAL, "hạn khi nào ạ", reply_to=recorded.remote_id))
    assert "Rà soát chi ngân sách" in told.plain
    assert "Báo cáo năm" not in told.plain


async def test_a_question_before_any_list_is_about_the_current_items(talk: Talk) -> None:
    told = await only(talk.say(FOCAL, "kế hoạch 10 về cái gì"))
    assert "Kế hoạch số 10/KH-UBND" in told.plain
    assert "9/KH-UBND" not in told.plain


async def test_who_speaks_and_what_is_left_to_do_are_told(talk: Talk) -> None:
    assert (await only(talk.say(FOCAL, "bạn là ai"))).template == "who_speaks"
    assert (await only(talk.say(FOCAL, "còn việc gì không"))).template == "viec"
    assert (await only(talk.say(FOCAL, "trả lời thế nào"))).template == "help"


async def test_an_answer_with_words_of_questions_stays_an_answer(talk: Talk) -> None:
    await talk.say(FOCAL, "/viec")
    await talk.say(FOCAL, "2")
    for text, template in (("đang làm, hạn 30/11 em gửi", "recorded"), ("2 xong", "recorded")):
        assert (await talk.say(FOCAL, text))[0].template == template


async def test_what_reports_beside_asking_reaches_the_coordinator_too(talk: Talk) -> None:
    await talk.say(FOCAL, "/viec")
    await talk.say(FOCAL, "2")
    told, notice, _ = await talk.say(FOCAL, "vướng mắc vì chưa biết gửi cho ai")
    assert (told.template, notice.template) == ("question_answered", "notice_question")


async def test_a_number_after_a_question_that_was_passed_on_completes_nothing(talk: Talk) -> None:
    talk.capabilities = {talk.account_id: WITHOUT}
    await asked(talk)
    opened = await only(talk.say(FOCAL, "3"))
    assert "Lập cơ sở dữ liệu dùng chung" in opened.plain
    assert [said for said, _, _ in await kept(talk)] == ["question"]


async def test_people_in_a_group_who_talk_among_themselves_get_no_answer(talk: Talk) -> None:
    await talk.enrol("-3", "dong", "stc")
    assert await talk.say("-3", "hạn là ngày nào?", sender="31") == []


# ------------------------------------------------------------------ passed on, and back


async def test_a_reply_to_the_notice_comes_back_to_who_asked_with_the_question(talk: Talk) -> None:
    number, notice, _ = await asked(talk)
    sent, replied = await talk.say(FIRST, "nguồn sự nghiệp", reply_to=notice.remote_id)
    assert (sent.template, replied.template, replied.chat) == (
        "answer_sent",
        "question_replied",
        FOCAL,
    )
    assert "Đã chuyển câu trả lời tới Sở Tài chính" in sent.plain
    assert "“kinh phí lấy ở đâu”" in replied.plain
    assert "Báo cáo năm 2026" in replied.plain
    async with talk.database.read() as connection:
        (decision,) = (await connection.execute(select(Decision))).all()
    assert (decision.kind, decision.decided_by) == ("answer_question", "Sở Khoa học và Công nghệ")
    assert decision.details["question"] == number
    assert decision.details["words"] == "nguồn sự nghiệp"


async def test_the_button_shows_to_whom_and_the_next_words_are_the_answer(talk: Talk) -> None:
    _, notice, _ = await asked(talk)
    ask = await only(talk.press(notice, "Trả lời"))
    assert "Đề nghị gõ câu trả lời gửi Sở Tài chính" in ask.plain
    sent, replied = await talk.say(FIRST, "nguồn sự nghiệp")
    assert (sent.answer.context["what"], replied.chat) == ("sent", FOCAL)


async def test_without_buttons_the_choice_is_a_number_and_a_question_has_one(talk: Talk) -> None:
    talk.capabilities = {talk.account_id: WITHOUT}
    number, notice, _ = await asked(talk)
    assert f"gõ “tl {number}”" in notice.plain
    assert "1 Trả lời" in notice.plain
    assert (await only(talk.say(FIRST, "1"))).answer.context["what"] == "ask"
    await talk.say(FIRST, "huỷ")
    sent, replied = await talk.say(FIRST, f"TL {number}: nguồn sự nghiệp")
    assert (sent.answer.context["what"], replied.chat) == ("sent", FOCAL)


async def test_several_open_questions_are_answered_each_by_its_number(talk: Talk) -> None:
    one, _, _ = await asked(talk, "kinh phí lấy ở đâu")
    two, _, _ = await asked(talk, "có cần bản giấy không ạ")
    _, replied = await talk.say(FIRST, f"tl {two} không cần")
    assert "bản giấy" in replied.plain
    _, replied = await talk.say(FIRST, f"tl {one} nguồn sự nghiệp")
    assert "kinh phí" in replied.plain


async def test_what_waits_for_an_answer_is_listed_for_who_was_asked(talk: Talk) -> None:
    assert "Không có câu hỏi nào" in (await only(talk.say(FIRST, "/cauhoi"))).plain
    one, _, _ = await asked(talk, "kinh phí lấy ở đâu")
    two, _, _ = await asked(talk, "có cần bản giấy không ạ")
    listed = await only(talk.say(FIRST, "/cauhoi"))
    assert listed.labels() == [f"Trả lời {one}", f"Trả lời {two}"]
    ask = await only(talk.press(listed, f"Trả lời {two}"))
    assert "bản giấy" in ask.plain
    await talk.say(FIRST, "không cần")
    assert (await only(talk.say(SECOND, "/cauhoi"))).labels() == [f"Trả lời {one}"]
    assert "Không có câu hỏi nào" in (await only(talk.say("5", "/cauhoi"))).plain


async def test_questions_and_answers_stand_in_the_history(talk: Talk) -> None:
    number, _, _ = await asked(talk)
    await talk.say(FIRST, f"tl {number} nguồn sự nghiệp")
    told = await only(talk.say(FIRST, "/lichsu 10 BC.1"))
    assert "hỏi: kinh phí lấy ở đâu" in told.plain
    assert "được trả lời câu hỏi: nguồn sự nghiệp" in told.plain


async def test_a_question_is_taken_back_until_it_is_answered_and_no_answer_before_it(
    talk: Talk,
) -> None:
    await talk.say(FOCAL, "/viec")
    await talk.say(FOCAL, "1 đang làm 60%")
    number, *_ = await asked(talk)
    back, *told = await talk.say(FOCAL, "huỷ")
    assert f"Đã rút lại câu hỏi số {number}" in back.plain
    assert [(each.chat, each.template) for each in told] == [
        (FIRST, "question_withdrawn"),
        (SECOND, "question_withdrawn"),
    ]
    assert "Sở Tài chính đã rút lại câu hỏi" in told[0].plain
    row = await talk.obligation("10/KH-UBND", "stc", "BC.1", "2026")
    assert row.percent == 60  # the answer before stands
    assert (
        await only(talk.say(FIRST, f"tl {number} từ ngân sách"))
    ).template == "question_withdrawn"
    assert (await only(talk.say(FIRST, "/cauhoi"))).answer.context["total"] == 0
    assert (await only(talk.say(FOCAL, "huỷ"))).template == "undone"  # now the answer before
    assert (await talk.obligation("10/KH-UBND", "stc", "BC.1", "2026")).percent is None


async def test_an_answered_question_is_not_taken_back(talk: Talk) -> None:
    number, *_ = await asked(talk)
    await talk.say(FIRST, f"tl {number} từ ngân sách")
    refused = await only(talk.say(FOCAL, "huỷ"))
    assert f"Câu hỏi số {number} đã được trả lời" in refused.plain


async def test_an_answer_to_an_unknown_number_says_so_and_lists_what_waits(talk: Talk) -> None:
    number, *_ = await asked(talk)
    told = await only(talk.say(FIRST, "tl 99 từ ngân sách"))
    assert told.template == "open_questions"
    assert "Không có câu hỏi số 99 gửi tới đây" in told.plain
    assert f"Số {number}, Sở Tài chính" in told.plain


async def test_the_first_answer_counts_and_who_comes_later_may_add_to_it(talk: Talk) -> None:
    number, _, later = await asked(talk)
    await talk.say(FIRST, f"tl {number} nguồn sự nghiệp")
    told = await only(talk.say(SECOND, "nguồn đầu tư", reply_to=later.remote_id))
    assert told.answer.context["what"] == "answered"
    assert "nguồn sự nghiệp" in told.plain
    _, added = await talk.say(SECOND, f"tl {number} bổ sung: theo Quyết định 5")
    assert "bổ sung câu trả lời" in added.plain


async def test_who_was_not_asked_answers_nothing(talk: Talk) -> None:
    number, _, _ = await asked(talk)
    for chat in ("6", "5", FOCAL):
        for answer in await talk.say(chat, f"tl {number} sai"):
            assert answer.template != "answer_sent"
        (refused,) = await talk.tap(chat, f"answer:{number}")
        assert refused.template == "unknown_item"
    async with talk.database.read() as connection:
        assert (await connection.execute(select(Decision))).all() == []


async def test_an_answer_goes_to_a_colleague_where_the_asker_is_gone_else_the_answerer_is_told(
    talk: Talk,
) -> None:
    number, _, _ = await asked(talk)
    await talk.happen(FOCAL, "gone")
    (told,) = await talk.say(FIRST, f"tl {number} nguồn sự nghiệp")
    assert told.answer.context["what"] == "no_chat"
    await talk.enrol("71", "dong", "stc")
    _, added = await talk.say(FIRST, f"tl {number} bổ sung: nguồn sự nghiệp")
    assert added.chat == "71"


async def test_a_late_answer_still_comes_back(talk: Talk) -> None:
    number, _, _ = await asked(talk)
    await talk.say(FOCAL, "BC.1 xong")
    talk.now += timedelta(days=20)
    _, replied = await talk.say(FIRST, f"tl {number} nguồn sự nghiệp")
    assert replied.chat == FOCAL


async def test_a_long_question_and_a_long_answer_are_told_whole(talk: Talk) -> None:
    await talk.say(FOCAL, "/viec")
    told = await only(talk.say(FOCAL, "1 nộp cho ai"))
    await talk.press(told, "Hỏi cơ quan theo dõi")
    words = " ".join(f"từ{number}" for number in range(500))
    answers = await talk.say(FOCAL, words)
    first = [answer.plain for answer in answers if answer.chat == FIRST]
    assert len(first) > 1
    assert all(f"từ{number}" in "\n".join(first) for number in range(500))
    number = answers[1].answer.context["question"]
    back = await talk.say(FIRST, f"tl {number} {words}")
    heard = "\n".join(answer.plain for answer in back if answer.chat == FOCAL)
    assert all(f"từ{number}" in heard for number in range(500))


async def test_what_is_asked_beyond_the_registry_is_answered_and_passed_on(talk: Talk) -> None:
    await talk.say(FOCAL, "/viec")
    told, notice, _ = await talk.say(FOCAL, "1 hạn ngày nào, có phải gửi bản giấy không ạ")
    assert "trước ngày 15 tháng 11" in told.plain
    assert "đã chuyển tới Sở Khoa học và Công nghệ" in told.plain
    assert notice.template == "notice_question"


async def test_a_form_that_nobody_attached_is_asked_for(talk: Talk) -> None:
    await talk.say(FOCAL, "/viec")
    passed, notice, _ = await talk.say(FOCAL, "mẫu báo cáo?")
    assert "chưa đính kèm mẫu" in passed.plain
    assert "Báo cáo năm 2026" in notice.plain


# ------------------------------------------------------------------ who leaves


async def test_who_retired_is_told_what_a_handover_does_and_makes_the_code(talk: Talk) -> None:
    await talk.say(FOCAL, "/viec")
    told = await only(talk.say(FOCAL, "tôi đã nghỉ hưu"))
    assert told.template == "leaving"
    assert "04 nội dung đang mở" in told.plain
    made = await only(talk.press(told, "Tạo mã bàn giao"))
    assert made.template == "code_made"
    assert [said for said, _, _ in await kept(talk)] == ["question"]


async def test_where_nobody_takes_over_the_coordinators_hear_of_it(talk: Talk) -> None:
    talk.capabilities = {talk.account_id: WITHOUT}
    await talk.say(FOCAL, "em chuyển công tác rồi ạ")
    told, notice, _ = await talk.say(FOCAL, "2")
    assert "Đã báo Sở Khoa học và Công nghệ" in told.plain
    assert "“em chuyển công tác rồi ạ”" in notice.plain
    assert "/moi Sở Tài chính" in notice.plain
    assert (await talk.say(FOCAL, "1"))[0].template != "code_made"


async def test_a_leave_offers_a_code_for_a_stand_in_until_its_last_day(talk: Talk) -> None:
    told = await only(talk.say(FOCAL, "em nghỉ phép đến 5/12"))
    assert "/doi nghỉ đến 5/12/2026" in told.plain.replace("05/12", "5/12")
    made = await only(talk.press(told, "Tạo mã cho người làm thay"))
    assert made.template == "code_made"
    assert await kept(talk) == []


async def test_what_is_not_the_agencys_stays_a_dispute(talk: Talk) -> None:
    await talk.say(FOCAL, "/viec")
    await talk.say(FOCAL, "1")
    echo, *_ = await talk.say(FOCAL, "bên em không phụ trách việc này")
    assert echo.answer.context["verb"] == "dispute"


async def test_words_typed_under_a_question_without_replying_are_asked_about_then_sent(
    talk: Talk,
) -> None:
    await asked(talk)
    shown = await only(talk.say(FIRST, "lấy từ nguồn chi thường xuyên"))
    assert shown.template == "answer_sent"
    assert "Đề nghị gõ câu trả lời gửi Sở Tài chính" in shown.plain
    _, brought = await talk.say(FIRST, "lấy từ nguồn chi thường xuyên")
    assert (brought.chat, brought.template) == (FOCAL, "question_replied")


PDF = b"%PDF-1.7 huong dan"


@pytest.mark.parametrize("way", ["reply", "number", "button"])
async def test_a_file_that_answers_a_question_reaches_who_asked_with_the_words(
    talk: Talk, way: str
) -> None:
    number, first, _ = await asked(talk)
    text, reply_to = "Theo hướng dẫn này", None
    if way == "reply":
        reply_to = first.remote_id
    elif way == "number":
        text = f"tl {number} {text}"
    else:
        (question,) = await talk.press(first, "Trả lời")
        assert "Có thể gửi ảnh, tệp" in question.plain
    sent, replied, file = await talk.send_file(
        FIRST, PDF, "huong dan.pdf", text=text, reply_to=reply_to
    )
    assert (sent.template, sent.answer.context["what"]) == ("answer_sent", "sent")
    assert (replied.chat, file.chat) == (FOCAL, FOCAL)
    assert "Theo hướng dẫn này (kèm tệp: huong dan.pdf)" in replied.plain
    assert (file.template, file.answer.context["name"]) == ("answer_file", "huong dan.pdf")
    assert isinstance(file.answer.context["attach"], int)
    none = await only(talk.say(FIRST, "/cauhoi"))
    assert none.answer.context["total"] == 0


async def test_a_file_alone_adds_to_the_answer_given_before(talk: Talk) -> None:
    _, first, _ = await asked(talk)
    await talk.say(FIRST, "Có mẫu gửi kèm", reply_to=first.remote_id)
    _, replied, file = await talk.send_file(FIRST, PDF, "mau.pdf", reply_to=first.remote_id)
    assert "bổ sung câu trả lời" in replied.plain
    assert file.answer.context["name"] == "mau.pdf"


async def test_a_file_that_is_refused_is_no_answer_and_says_why(talk: Talk) -> None:
    _, first, _ = await asked(talk)
    refused = await only(talk.send_file(FIRST, b"MZ", "phan mem.exe", reply_to=first.remote_id))
    assert (refused.template, refused.answer.context["what"]) == ("answer_sent", "refused")
    assert "Chưa chuyển “phan mem.exe”: hệ thống chỉ nhận ảnh" in refused.plain
    waiting = await only(talk.say(FIRST, "/cauhoi"))
    assert waiting.answer.context["total"] == 1


@pytest.mark.parametrize("words", ["1", "trả lời"])
async def test_the_choice_under_a_question_about_no_task_can_be_typed(
    talk: Talk, words: str
) -> None:
    talk.capabilities = {talk.account_id: WITHOUT}
    await talk.say(FOCAL, "/viec")
    _, notice, _ = await talk.say(FOCAL, "kinh phí lấy ở đâu")
    assert not notice.answer.items
    assert "1 Trả lời" in notice.plain
    question = await only(talk.say(FIRST, words))
    assert (question.template, question.answer.context["what"]) == ("answer_sent", "ask")
    _, replied = await talk.say(FIRST, "Trong dự toán năm 2026")
    assert replied.chat == FOCAL


async def test_a_coordinator_without_a_list_is_pointed_to_what_waits_for_them(talk: Talk) -> None:
    told = await only(talk.say(FIRST, "đồng ý"))
    assert "/xacnhan (kết quả chờ xác nhận)" in told.plain
    assert "/cauhoi" in told.plain


@pytest.mark.parametrize(
    ("text", "named"),
    [("2 kinh phí lấy ở đâu?", True), ("2 năm rồi sao chưa có kinh phí?", False)],
)
async def test_a_question_that_begins_with_an_items_number_is_passed_on_about_it(
    talk: Talk, text: str, named: bool
) -> None:
    await talk.say(FOCAL, "/viec")
    passed, notice, _ = await talk.say(FOCAL, text)
    assert passed.template == "question_passed"
    assert ("Về nhiệm vụ: “Rà soát chi ngân sách”" in notice.plain) == named
