"""Phrases about the work, by tag: data only, looked up by lexicon.py. Teach the reader a word here."""

from __future__ import annotations

# Each tag, and the phrases that carry it. Where two words are the same without marks ("đã", "dạ"), the
# one that stands first is meant by the bare letters; one with "=" is meant only with all its marks.
WORK_WORDS: dict[str, str] = {
    # About the work.
    "done": (
        "làm hết rồi, làm xong hết, xong, hoàn thành, hoàn tất, xong xuôi, hoàn thàng, hthành, hthanh, ht, xg, xog, "
        "xonh, xoq, sog, đã song, song rồi, done, finished, completed, finish, complete"
    ),
    "past": "đã, vừa, vừa mới, mới vừa, dza",
    "already": "=òi, luôn rồi, rồi, rùi, r, roài, rui, zồi, oy, roy, rùi đó, lâu rồi, từ lâu, lâu",
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
        "gửi, =gởi, nộp, gữi, chuyển báo cáo, phát hành, send, sent, submit, submitted, up, upload, trả lời"
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
    # Acknowledgements.
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
    # Conditions, doubts, reported speech, commands: no statement of the sender's own.
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
    # Joining words.
    "but": "nhưng, tuy nhiên, nhưng mà, song le, mà, tuy, chứ, có điều, mỗi tội, còn thì",
    "and": "và, với lại, &, đồng thời",
    "then": "sau, sau đó, rồi sau, tiếp theo, xong sau, lát, lát nữa, tí, tý, sớm, chút, từ từ",
}
