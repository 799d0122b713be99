"""The words that focal points use in their answers, and what each says: data only.

Promises that a phrase stands under one tag, the whole of what it can mean to a rule; the lookup stands in
`reply_lexicon`, what a sentence means in `reply_rules`. To teach a word, add it here.
"""

from __future__ import annotations

# Each tag, and the phrases that carry it. Where two words are the same without marks ("đã", "dạ"), the
# one that stands first is meant by the bare letters; one with "=" is meant only with all its marks.
LEXICON: dict[str, str] = {
    # ---- what is said of the work
    "done": (
        "làm hết rồi, làm xong hết, xong, hoàn thành, hoàn tất, xong xuôi, hoàn thàng, hthành, hthanh, ht, xg, xog, "
        "xonh, xoq, sog, đã song, song rồi, done, finished, completed, finish, complete"
    ),
    "past": "đã, vừa, vừa mới, mới vừa, dza",
    "already": "òi, luôn rồi, rồi, rùi, r, roài, rui, zồi, oy, roy, rùi đó, lâu rồi, từ lâu, lâu",
    "also": "cũng, đều",
    # "đến nay"
    "sofar": (
        "hiện, hiện nay, hiện tại, đến nay, tới nay, tính đến nay, đến giờ, tới giờ, đến thời điểm này, giờ, bây "
        "giờ, đến hiện tại, đến thời điểm hiện tại, đến thời điểm báo cáo"
    ),
    "get": "đạt, được, đc, dc, đươc, đựoc, dk",  # "được": reached, managed
    "whole": (
        "hết, cả, toàn bộ, trọn vẹn, hoàn toàn, tất cả các nội dung, toàn bộ các nội dung, tất cả nội dung, tất cả "
        "các phần, tất cả các khâu, tất cả các bước, tất cả hạng mục, tất cả các hạng mục"
    ),
    "work": (
        "mần, làm, thực hiện, triển khai, xử lý, giải quyết, tiến hành, tổ chức, lm, thực hiên, triên khai, tổ chức "
        "thực hiện, triển khai thực hiện, trển khai, xử lí"
    ),
    "send": (
        "gửi, gởi, nộp, gữi, chuyển báo cáo, phát hành, send, sent, submit, submitted, up, upload, trả lời"
    ),
    "issue": "ban hành, ký ban hành, ký phát hành",
    "report": "báo cáo, bc, b c, bcao, bcáo, báo cao",
    "paper": (
        "văn bản, công văn, cv, vb, tài liệu, kết quả, hồ sơ, file, biểu mẫu báo cáo, phụ lục, biểu, số liệu báo "
        "cáo, minh chứng"
    ),
    "proposal": "tờ trình, ttr",
    "attach": "kèm theo, đính kèm, gửi kèm, kèm, theo đính kèm, gửi kèm theo",
    "not": "chưa, chưa hề, chưa từng, chx, chwa, chuă, chua có hề, chưa bao giờ",
    # "không phải"
    "isnt": (
        "không phải, ko phải, k phải, hok phải, đâu phải, chẳng phải, không phải là, kg phải, hổng phải, kh phải, "
        "ko phải là, k phải là, chưa phải, chưa phải là"
    ),
    "no": (
        "không còn, ko còn, k còn, không bị, ko bị, k bị, đâu có, đâu được, không, ko, k, kg, khg, hok, hông, hổng, "
        "kh, kô, hem, khum, hong, hk, chẳng, chả, chớ, đừng, không hề, kông, hog, khong he, khôg, kọ, no, not"
    ),
    "prog": (
        "tiếp tục, vẫn tiếp tục, vẫn đang, trong quá trình, đang trong quá trình, đang, đag, dg, đương, dang dc, đanh, "
        "đâng, doing"
    ),
    "start": (
        "bắt đầu, khởi động, bắt tay, bắt tay vào, khởi công, động vào, động đến, động tĩnh, đụng tới, đụng, đụng "
        "đến, đụng vào, động"
    ),
    "future": (
        "sẽ, dự kiến, phấn đấu, cố gắng, =cố, quyết tâm, định, dự định, chuẩn bị, sắp, cam kết, hẹn, dự tính, "
        "=tính, sắp sửa, kế hoạch là, hứa sẽ, gắng, ráng"
    ),
    # not quite, or not all
    "almost": (
        "chủ yếu, 1 chút, 1 tí, 1 tý, 1 vài, 1 ít, 1 lúc, 1 lát, gần, gần như, cơ bản, về cơ bản, hầu như, hầu hết, "
        "phần lớn, đa phần, đa số, sơ bộ, tạm, tương đối, dở, dở dang, nốt, một chút, chút nữa, chút xíu, tí nữa, "
        "bước đầu, phần nào, hòm hòm, tàm tạm, bản nháp, nháp, dự thảo, bản dự thảo, ít, một ít, một vài, vài, một "
        "số, 1 số, nhiều, kha khá, đang dở"
    ),
    # a part of the work
    "part": (
        "phần, một phần, bước, giai đoạn, đợt, khâu, hạng mục, lần, =kỳ, gói, module, phân hệ, vòng, tập, một số "
        "phần, phần đầu, chặng, chi tiết"
    ),
    # what is left
    "rest": (
        "riêng, chỉ có, chỉ riêng, trừ mỗi, còn, chỉ còn, trừ, ngoại trừ, ngoài, =chỉ, chừa, còn mỗi, duy nhất"
    ),
    "only": "mới, mới chỉ, chỉ mới",
    "wait": (
        "chờ ký, =chờ ubnd, =chờ bộ, =chờ sở, chờ lãnh đạo, chờ duyệt, chờ phê duyệt, chờ ý kiến, chờ số liệu, chờ "
        "hướng dẫn, chờ kết quả, chờ, đợi, chờ đợi"
    ),
    # a step on the way, not the whole
    "step": (
        "sắp xếp, trình, trình ký, trình duyệt, ký, duyệt, phê duyệt, thẩm định, thẩm tra, dự thảo xong, soạn, soạn "
        "thảo, viết, xây dựng dự thảo, lấy ý kiến, xin ý kiến, góp ý, tham gia ý kiến, họp, khảo sát, tổng hợp, rà "
        "soát, thu thập, thống kê, đôn đốc, chỉ đạo, phân công, giao, giao phòng, thành lập, tổ công tác, ký hợp "
        "đồng, mời thầu, đấu thầu, chọn nhà thầu, lựa chọn nhà thầu, nghiệm thu, chạy thử, thử nghiệm, vận hành "
        "thử, vận hành, chỉnh sửa, sửa, tiếp thu ý kiến, hoàn thiện, kiểm tra, kiểm tra lại, thi công, tập huấn, "
        "đào tạo, tuyên truyền, lập dự toán, lập kế hoạch, xây dựng, xây dựng kế hoạch, ban hành kế hoạch, phối "
        "hợp, tham mưu, làm việc với, thống nhất, chuẩn bị hồ sơ, cài đặt, cấu hình, kết nối, cập nhật số liệu, "
        "nhập liệu, số hóa, mua sắm, lắp đặt, kiểm thử, đối chiếu, xác minh, gom, chốt số liệu, in, scan, đóng dấu, "
        "nghiên cứu"
    ),
    "trouble": (
        "tạm dừng, tạm ngừng, tạm ngưng, vướng, vướng mắc, vướng mắt, khó khăn, khó, trở ngại, kẹt, tắc, ách tắc, "
        "ách, bất cập, chồng chéo, thiếu, lỗi, hỏng, trục trặc, mất mạng, mất điện, bỏ cuộc, chậm tiến độ, không "
        "phối hợp, ko phối hợp, hết kinh phí, hết tiền, yếu, kém, hạn chế, tồn tại, tháo gỡ, bị chặn, sự cố, quá "
        "tải"
    ),
    # trouble that is over, as "không vướng mắc gì" is none
    "good": (
        "hết vướng, hết vướng mắc, hết khó khăn, vướng mắc đã giải quyết, vướng mắc đã được giải quyết, đã giải "
        "quyết vướng mắc, đã giải quyết xong vướng mắc, vướng mắc đã được tháo gỡ, đã tháo gỡ, đã tháo gỡ vướng mắc, "
        "đã tháo gỡ xong vướng mắc, đã được tháo gỡ"
    ),
    # what work needs
    "means": (
        "kinh phí, kp, nhân lực, nguồn lực, cán bộ, người làm, vốn, thiết bị, hướng dẫn, văn bản hướng dẫn, đơn "
        "giá, định mức, mặt bằng, ngân sách, tiền, nhân sự, máy móc, biên chế, người, quy định, cơ sở pháp lý, "
        "trang thiết bị, nguồn kinh phí, nguồn vốn, máy chủ, máy tính, server, đường truyền, dự toán, chủ trương, "
        "chuyên trách, cơ chế"
    ),
    "grant": "cấp, bố trí, phân bổ, giải ngân, hỗ trợ, bổ sung",  # to be given means
    # went wrong, or was said wrongly
    "bad": (
        "bị, trả lại, bị trả lại, sai, sai mẫu, nhầm, lộn, hụt, trượt, hủy, huỷ, hủy bỏ, rút lại, đùa, xạo, thu "
        "hồi, bác, từ chối"
    ),
    # ---- received and understood
    "yes": (
        "ok, oke, okie, okê, oki, okay, okela, okok, oce, vâng, dạ vâng, ừ, ừm, uh, uk, um, vâng ạ, yes, okj, vag"
    ),
    "ack": (
        "nhận được tin, nhận được tin nhắn, nhận tin nhắn, nhận tin, nhắc việc, nhắc nhở, rõ, đã rõ, biết, hiểu, "
        "=nắm, đã nắm, nắm được, tiếp thu, tiếp nhận, ghi nhận, noted, roger, đồng ý, nhất trí, nhận, nhận được, "
        "nhận đc, nhận dc, đọc, xem, đã đọc, dạ rõ, nhất trí với nội dung, thông tin, thông báo, tin nhắn, nhậnn, "
        "nhận thông tin, nhận thông báo, nhận nhiệm vụ, nhận văn bản, tiếp nhận thông tin, ghi nhận thông tin, nắm "
        "thông tin"
    ),
    "thanks": (
        "cảm ơn, cám ơn, tks, thanks, thank, thank you, cảm ơn anh, đã nhắc, em cảm ơn, xin cảm ơn, ty, camon"
    ),
    "will": "để em làm, để em triển khai, để em thực hiện, để em xử lý, để bên em làm, để em lo",
    # ---- what is said of saying, supposing, commanding: no statement of one's own
    "if": (
        "nếu, giá mà, giá như, nếu như, khi, lúc, hễ, trường hợp, miễn, miễn là, với điều kiện, trừ khi, giả sử, "
        "neu ma, lỡ, có thì, =dù, nhỡ, phải chi, if, when"
    ),
    "thi": "thì, thì đã",  # "thì": often supposes
    "doubt": (
        "chắc, chắc là, chắc chắn, có lẽ, hình như, có thể, có khả năng, khả năng, hy vọng, hi vọng, mong, mong là, "
        "ước gì, ước, tưởng, cứ tưởng, nghĩ, e là, e rằng, =sợ, đáng lẽ, =đáng ra, lẽ ra, suýt, coi như, xem như, "
        "thề, hứa, đảm bảo, bảo đảm, tí nữa thì, tự nhiên, biết đâu, hay là, maybe, dường như, gọi là, nghi, đoán, "
        "sao cũng được, không biết, ko biết, k biết, không rõ, ko rõ, không hiểu, chưa rõ, chưa biết, chưa hiểu, "
        "chưa nắm, chả biết, hok biết"
    ),
    # told, perhaps by others
    "said": (
        "em hỏi lại, để em hỏi lại, theo báo cáo, theo báo cáo của, theo thông tin, phản hồi, phản ánh, cho hay, "
        "rằng, cam đoan, khoe, trình bày, nhắn tin, gọi, gọi điện, giải thích, thừa nhận, đánh giá, bảo, nói, nghe, "
        "nghe nói, hỏi, kêu, nhắn, báo, kể, khẳng định, cho biết, thông báo là, bao la, báo lại, trả lời sau, đồn, "
        "hỏi lại, thông tin là, theo lời, tin"
    ),
    # tells the bot what to record
    "command": (
        "sửa lại giúp, sửa giúp, ghi lại, chỉnh lại giúp, hãy, đánh dấu, ghi, ghi là, cập nhật, set, mark, bỏ qua, "
        "ignore, status, trạng thái, tick, bấm, system, cập nhật trạng thái, ghi nhận là, =chấm"
    ),
    # must, should, in order to
    "order": (
        "tăng, giảm, trích yếu, thiết yếu, trọng yếu, tất yếu, phải, cần, yêu cầu, để, =muốn, =nhằm, mục tiêu, =cứ, "
        "đi, bắt, buộc"
    ),
    # asks that it be looked at
    "check": "xác nhận, kiểm tra giúp, kiểm tra lại giúp, xem giúp, xem lại giúp, kiểm tra hộ, xác nhận giúp",
    # a day to come that no calendar of ours knows
    "after": "qua tết, sau tết, ra tết, hết tết, ra giêng, qua năm mới",
    # ---- what joins
    "but": "nhưng, tuy nhiên, nhưng mà, song le, mà, tuy, chứ, có điều, mỗi tội, còn thì",
    "and": "và, với lại, &, đồng thời",
    "then": "sau, sau đó, rồi sau, tiếp theo, xong sau, lát, lát nữa, tí, tý, sớm, chút, từ từ",
    # ---- who and what
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
        "mong anh thông cảm, mong chị thông cảm, mong thông cảm, mong anh chị thông cảm, thông cảm, nè, mấy anh, "
        "mấy chị, mấy em, trân trọng, trân trọng cảm ơn, ạ, dạ, aj, anh, chị, em, a, e, c, ah, nhé, nha, bạn ơi, "
        "các bạn, nhá, nhe, nhen, ơi, thưa, kính gửi, kính thưa, kính, xin báo cáo, báo cáo anh, báo cáo chị, báo "
        "cáo sếp, báo cáo lãnh đạo là, em xin báo cáo, xin thông báo, sếp ơi, anh ạ, các anh, các anh chị, anh chị, "
        "bạn ạ, ad, admin, bot, chú, =cô, đó, đấy, á, ấy, luôn ạ, anh à, nghen, hihi, hì, hehe, em ạ, xin lỗi, "
        "sorry, sr, sếp ạ, xin được báo cáo, báo cáo với anh, là"
    ),
    "task": (
        "nhiệm vụ, việc, mảng, công việc, nội dung, nội dung công việc, công tác, nv, đầu việc, chỉ tiêu, kế hoạch, "
        "khối lượng, nhiệm vụ trên, phần việc được giao, cv được giao, task, mục, yêu cầu của kế hoạch, hồ sơ công "
        "việc"
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
    # ---- asking for time
    "more": (
        "gia hạn, gia han thêm, khất, hoãn, tạm hoãn, xin hoãn, xin khất, điều chỉnh thời hạn, điều chỉnh thời "
        "gian, điều chỉnh hạn, kéo dài thời gian, kéo dài thời hạn, kéo dài, thêm thời gian, thêm tg, gia hạn thêm, "
        "giãn tiến độ, lùi, lùi hạn, lùi thời hạn, lùi thời gian, lùi lại, xin dời, cho dời, dời, dời hạn, dời lại, "
        "rời hạn, gh thêm, nới hạn, nới thời hạn, lùi tiến độ, giãn thời gian, gia hạn thời gian, gia hạnn"
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
    # ---- not ours
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
    # ---- asking something
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
    # ---- of oneself, not of the task
    "away": (
        "đang họp, đang bận, đang nghỉ, nghỉ phép, đi công tác, đang công tác, đang đi, đang ốm, bận, đang nghĩ, "
        "đang hỏi, đang hỏi lại, chờ em chút, chờ em tí, chờ chút, chờ tí, đợi em tí, đợi em chút, đợi chút, đợi "
        "tí, chờ tý, đang ăn, đang ở ngoài, đang trên đường, đang đám cưới, nghỉ, nghỉ thai sản, nghỉ ốm, đang ngủ, "
        "đang lái xe, đang xem lại, để em xem, để em hỏi"
    ),
    # ---- of several tasks at once
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
