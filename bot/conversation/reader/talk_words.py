"""Phrases around the work, by tag: people and agencies, requests for time, questions, several tasks. Data only."""

from __future__ import annotations

TALK_WORDS: dict[str, str] = {
    # People and agencies.
    "us": (
        "=chỗ em, =chỗ mình, bên, đơn vị, sở, xã, phường, ubnd, ủy ban, uỷ ban, cơ quan, ban, chúng tôi, chúng em, "
        "bên em, bên mình, bên e, bên tôi, bên chúng tôi, bên này, mình, tôi, tui, sở em, sở mình, sở tôi, xã em, "
        "xã mình, phường em, đơn vị em, đơn vị mình, đơn vị tôi, phòng em, phòng mình, tụi em, bọn em, ubnd xã, "
        "ubnd phường, ủy ban nhân dân xã, dv, uỷ ban nhân dân phường, uỷ ban nhân dân xã, ủy ban nhân dân phường, "
        "địa phương, trung tâm, văn phòng, phòng, sở chúng tôi, cơ quan em, xã chúng tôi, sở e, xã e, đv, ubnd "
        "huyện, huyện, ngành"
    ),
    "org": (
        "tài chính, nội vụ, tư pháp, công thương, y tế, giáo dục và đào tạo, giáo dục, gd đt, gd&đt, gdđt, văn hóa "
        "thể thao và du lịch, vhttdl, vh tt dl, văn hóa, thể thao và du lịch, nông nghiệp và môi trường, nông "
        "nghiệp, nn&mt, nn mt, nnmt, nnptnt, khoa học và công nghệ, khoa học, kh&cn, kh cn, khcn, kế hoạch và đầu "
        "tư, kh&đt, ngoại vụ, thông tin và truyền thông, tt&tt, tt tt, tài nguyên và môi trường, tn&mt, giao thông "
        "vận tải, gtvt, lao động thương binh và xã hội, ldtbxh, dân tộc và tôn giáo, dân tộc, stc, snv, sxd, syt, "
        "stp, skhcn"
    ),
    "agency": (
        "công an, công an tỉnh, công an xã, thanh tra tỉnh, thanh tra, bhxh, bảo hiểm xã hội, kho bạc, mặt trận, "
        "cục thuế, thuế, ngân hàng, viễn thông, vnpt, viettel, bưu điện, quân sự, biên phòng, tòa án, viện kiểm "
        "sát, ban dân tộc, tỉnh đoàn, hội nông dân, ban quản lý dự án, sở xây dựng, sở tài chính, sở nội vụ"
    ),
    "elsewhere": "sở khác, đơn vị khác, cơ quan khác, bên khác, phòng khác, xã khác",  # not us
    # who is reported to
    "top": (
        "ubnd tỉnh, tỉnh, ủy ban nhân dân tỉnh, uỷ ban nhân dân tỉnh, ub tỉnh, văn phòng ubnd tỉnh, vp ubnd tỉnh, "
        "chính phủ, trung ương, tw"
    ),
    # not us, or not all of us
    "other": (
        "việc nhà, kỳ trước, đợt trước, lần trước, kỳ rồi, mọi người, cả nhà, anh em, khác, bạn, bên cạnh, kia, các "
        "xã, các đơn vị, các sở, các sở ngành, các địa phương, các phòng, cấp dưới, người ta, họ, ai đó, chi cục, "
        "đơn vị bạn, các cơ quan, sở ngành, nhà thầu, các phường, xóm"
    ),
    # our own leaders: not who is reported to
    "boss": (
        "lãnh đạo, sếp, giám đốc, chủ tịch, thủ trưởng, phó giám đốc, trưởng phòng, đồng chí, đ c, thường trực"
    ),
    "polite": (
        "nhé sếp, nha sếp, ạ sếp, sếp nhé, sếp nha, mong anh thông cảm, mong chị thông cảm, mong thông cảm, mong "
        "anh chị thông cảm, thông cảm, nè, mấy anh, mấy chị, mấy em, trân trọng, trân trọng cảm ơn, ạ, dạ, aj, anh, "
        "chị, em, a, e, c, ah, nhé, nha, bạn ơi, các bạn, nhá, nhe, nhen, ơi, thưa, kính gửi, kính thưa, kính, xin "
        "báo cáo, báo cáo anh, báo cáo chị, báo cáo sếp, báo cáo lãnh đạo là, em xin báo cáo, xin thông báo, sếp "
        "ơi, anh ạ, các anh, các anh chị, anh chị, bạn ạ, ad, admin, bot, chú, =cô, đó, đấy, á, ấy, luôn ạ, anh à, "
        "nghen, hihi, hì, hehe, em ạ, xin lỗi, sorry, sr, sếp ạ, xin được báo cáo, báo cáo với anh, là, "
        # what is said of a file beside the words
        "kèm ảnh, kèm theo ảnh, có ảnh, có ảnh kèm theo, có kèm ảnh, ảnh kèm theo, ảnh đính kèm, gửi kèm ảnh, em gửi "
        "ảnh, em gửi kèm ảnh, đính kèm ảnh, có ảnh minh chứng, ảnh minh chứng, hình ảnh kèm theo, kèm hình ảnh, kèm "
        "file, có file kèm theo, file kèm theo, file đính kèm, đính kèm file, gửi kèm file, em gửi file, kèm tệp, "
        "tệp kèm theo, tệp đính kèm, có minh chứng, kèm minh chứng, minh chứng kèm theo, minh chứng đính kèm"
    ),
    "task": (
        "các nội dung được giao, các nội dung theo yêu cầu, các nội dung theo kế hoạch, nhiệm vụ, việc, mảng, công "
        "việc, nội dung, nội dung công việc, công tác, nv, đầu việc, chỉ tiêu, kế hoạch, khối lượng, nhiệm vụ trên, "
        "phần việc được giao, cv được giao, task, mục, yêu cầu của kế hoạch, hồ sơ công việc"
    ),
    "this": "này, nay, trên, đó là, nêu trên, cái này, đây, ni, nói trên",
    "given": "được giao, được phân công, đc giao, dc giao, giao cho đơn vị, giao theo kế hoạch",
    "topic": (
        "tình hình, tình hình thực hiện, kết quả thực hiện, chuyển đổi số, cntt, công nghệ thông tin, định kỳ, nghị "
        "quyết, quyết định, đề án, chương trình, ứng dụng, cải cách hành chính, chính quyền số, chính quyền điện "
        "tử, kết quả triển khai, tổng kết, sơ kết, năm, quý, tháng, theo mẫu, đề cương, cđs, cchc"
    ),
    # as it should be
    "fine": (
        "thường xuyên, đúng hạn, đúng tiến độ, trước hạn, trước thời hạn, theo kế hoạch, theo quy định, theo yêu "
        "cầu, đầy đủ, đủ, kịp thời, tốt, chất lượng, đúng kế hoạch, đúng quy định, theo đúng kế hoạch, đúng thời "
        "hạn, đúng thời gian, vượt kế hoạch, theo tiến độ, bình thường, thuận lợi, ổn, suôn sẻ, so với hạn, so với "
        "kế hoạch, đúng yêu cầu, đúng thời gian quy định, theo chỉ đạo, theo đúng quy định, trong hạn"
    ),
    "channel": (
        "trục liên thông văn bản, trục liên thông văn bản quốc gia, email, mail, gmail, trục, trục liên thông, "
        "zalo, ioffice, i office, hệ thống, bản giấy, bản mềm, bưu chính, đường văn bản, phần mềm quản lý văn bản, "
        "trục văn bản, qlvb, văn thư, telegram, vnpt ioffice, egov, edoc, bản cứng, đường công văn, nhóm, hòm thư, "
        "công vụ"
    ),
    "per": "theo",  # "theo"
    "let": "cho",
    "to": (
        "về, lên, tới, qua, tại, bằng, ở, vào, từ, trong, đến, sang, số, hồi, ký số, gởi qua, v v, vv, kể từ, lên "
        "trên, thông qua"
    ),
    "of": "của",
    "right": "đúng",
    "have": "có, gặp, thấy, phát sinh, có phát sinh",
    # Requests for time.
    "more": (
        "thêm tuần nữa, thêm tháng nữa, gia hạn, gia han thêm, khất, hoãn, tạm hoãn, xin hoãn, xin khất, điều chỉnh "
        "thời hạn, điều chỉnh thời gian, điều chỉnh hạn, kéo dài thời gian, kéo dài thời hạn, kéo dài, thêm thời "
        "gian, thêm tg, gia hạn thêm, giãn tiến độ, lùi, lùi hạn, lùi thời hạn, lùi thời gian, lùi lại, xin dời, "
        "cho dời, dời, dời hạn, dời lại, rời hạn, gh thêm, nới hạn, nới thời hạn, lùi tiến độ, giãn thời gian, gia "
        "hạn thời gian, gia hạnn"
    ),
    "plus": "thêm",  # "thêm"
    "slow": (
        "chậm, muộn, trễ, hơi muộn, hơi chậm, hơi trễ, quá hạn, muộn hạn, trễ hạn, chậm hạn, muộn mất"
    ),
    "term": (
        "thời hạn, hạn, hạn chót, deadline, thời gian, tiến độ, hạn cuối, hạn nộp, tỷ lệ, tỉ lệ, khối lượng thực "
        "hiện, tiến độ thực hiện, hạn báo cáo"
    ),
    # "nếu được": supposes nothing
    "polite_if": ("nếu được, nếu có thể, nếu đc, neu dc, vậy thì, thế thì"),
    "ask": (
        "xin, đề nghị, cho phép, kiến nghị, mong muốn, đề xuất, xin phép, kính đề nghị, nhờ, kính mong, xin được, "
        "đề nghị được, được phép, năn nỉ"
    ),
    "unable": "không kịp, ko kịp, k kịp, khó kịp, hok kịp, kịp",
    # Disputes.
    "charge": "chủ trì, phụ trách, chịu trách nhiệm, đảm nhiệm, đầu mối, theo dõi",
    "belong": (
        "thuộc, thuộc về, thuộc thẩm quyền, thuộc trách nhiệm, thuộc chức năng, thuộc phạm vi, thuộc nhiệm vụ"
    ),
    "relate": "liên quan, chức năng, thẩm quyền, trách nhiệm, chức năng nhiệm vụ",
    "move": (
        "chuyển, chuyển giao, bàn giao, chuyển sang, chuyển về, chuyển cho, chuyển qua, bàn giao cho, bàn giao "
        "sang, điều chuyển"
    ),
    "ended": "giải thể, sáp nhập, sát nhập, hợp nhất",
    "weather": "mưa bão, mưa lũ, thiên tai, bão, lũ, lụt, lũ lụt, thời tiết, dịch bệnh, mưa",
    "assist": "chỉ phối hợp, chỉ là đơn vị phối hợp, phối hợp thôi, chỉ là cơ quan phối hợp",
    "by": "do, vì, nên, bởi",
    # Questions.
    "wh": (
        "ở đâu, đâu, ai, gì, nào, bao giờ, khi nào, =mấy, bao nhiêu, thế nào, như thế nào, sao, tại sao, vì sao, "
        "ntn, bn, làm sao, thế nao, j, =răng, hôm nào, ngày nào, ngày mấy, số mấy, tháng mấy, quý mấy, mấy ngày, "
        "mấy giờ, phụ lục mấy, lúc nào, chừng nào, ra sao, cái gì, sao vậy, sao lại, the nao, where, what"
    ),
    "inquire": (
        "cho hỏi, cho em hỏi, em hỏi chút, em hỏi, xin hỏi, cho mình hỏi, hỏi chút, cho đơn vị hỏi, cho bên em hỏi, "
        "cho e hỏi, cho tôi hỏi, hỏi thăm"
    ),
    # turns a statement into a question
    "tagq": (
        "chưa vậy, =chưa thế, chưa nhỉ, chưa hả, chưa ta, à, hả, đúng không, phải không, được không, đúng ko, phải "
        "ko, hay chưa, hay không, có phải, không nhỉ, nhỉ, ư, dc ko, dc khong, đc ko, đc k, dc k, được k, được ko, "
        "được chứ, hử, chăng, được hông, dc hok, được hem, hở, phải k, đúng k"
    ),
    # what is asked for, not reported
    "form": (
        "tài liệu hướng dẫn, mẫu, biểu mẫu, mẫu báo cáo, đề cương báo cáo, form, hướng dẫn em, hướng dẫn giúp, "
        "hướng dẫn mình, hướng dẫn bên em, biểu mẫu nào, số điện thoại, sđt, link"
    ),
    "or": "hay, hoặc",
    # About the sender, not the task.
    "away": (
        "đang họp, đang bận, đang nghỉ, nghỉ phép, đi công tác, đang công tác, đang đi, đang ốm, bận, đang nghĩ, "
        "đang hỏi, đang hỏi lại, chờ em chút, chờ em tí, chờ chút, chờ tí, đợi em tí, đợi em chút, đợi chút, đợi "
        "tí, chờ tý, đang ăn, đang ở ngoài, đang trên đường, đang đám cưới, nghỉ, nghỉ thai sản, nghỉ ốm, đang ngủ, "
        "đang lái xe, đang xem lại, để em xem, để em hỏi"
    ),
    # Several tasks at once.
    "every": (
        "tất cả, tất cả các, cả hai, cả ba, cả bốn, cả năm việc, hai việc, ba việc, các nhiệm vụ, các việc, các "
        "mục, =những nhiệm vụ, toàn bộ các nhiệm vụ, tất cả nhiệm vụ, tất cả các nhiệm vụ, tất cả việc, tất cả các "
        "việc, mọi việc, mấy việc đều, mấy việc này, cả 2, cả 3, cả 4, cả 5, hai nhiệm vụ, ba nhiệm vụ, bốn việc, "
        "năm việc, all, toàn bộ các việc, cả hai việc, cả 2 việc, cả 3 việc, cả hai nhiệm vụ, cả ba việc, tất cả "
        "các mục, hết các việc, hết các nhiệm vụ"
    ),
    "others": (
        "các mục khác, mục khác, số còn lại, cái còn lại, các cái còn lại, những cái còn lại, mấy cái còn lại, mấy "
        "cái khác, những mục còn lại, mục còn lại, các nội dung còn lại, các nội dung khác, tất cả còn lại, tất cả "
        "các việc còn lại, còn lại, các việc khác, các việc còn lại, những việc còn lại, các nhiệm vụ còn lại, việc "
        "còn lại, các nhiệm vụ khác, mấy việc khác, mấy việc còn lại, các mục còn lại, việc sau, việc kia, nhiệm vụ "
        "còn lại"
    ),
}
