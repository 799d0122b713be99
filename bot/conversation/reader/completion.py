"""Completion: whether a reply reports the whole work as done.

Guarantees:
- Every clause consists of known words, and at least one of them states the completion.
- No word denies, supposes, plans, quotes, asks or commands. A doubtful reply is no completion: a wrong refusal
  costs a question, a wrong completion is recorded.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

from bot.conversation.reader.tokens import Token

_LONGEST_CLAUSE = 40  # tokens; who writes more says more than that it is done
_LONGEST_AGO = 92  # days; what was due before a period gone by so long is not what is asked now


def any_of(tags: str) -> str:
    """Return the pattern of one token with any of the tags."""
    return f"(?:{'|'.join(tags.split())}) "


# The patterns read a clause as its tags, a blank after each: "em đã gửi báo cáo rồi ạ" is
# "polite past send report already polite ". The tags used here, with a word of each; work_words.py and
# talk_words.py hold all the words, tokens.py makes the tags of numbers, days and documents.
#
#   done xong     past đã       already rồi   also cũng      sofar đến nay   get được      whole hết
#   work làm      send gửi      issue ban hành               have có         full 100%     be là
#   report báo cáo              paper công văn               draft kế hoạch  doc 123/BC    attach kèm
#   task nhiệm vụ this này      given được giao              topic tình hình point mục     term hạn
#   us đơn vị     we bên em     org nội vụ    agency công an top tỉnh        person anh Nam
#   elsewhere sở khác           other việc nhà               outside huyện   side bên      letter a, e
#   polite ạ      yes vâng      ack đã rõ     thanks cảm ơn  fine đúng hạn   good hết vướng
#   to về         of của        let cho       per theo       at tại          there đó      pace tiến độ
#   before, now, weekday, span: days and lengths of time     year năm, tháng               today nay
#   but nhưng     slow chậm     check xác nhận               ask xin         tell báo cáo, as polite address
#
# The words before, behind and beside the word that states a completion:
_BEFORE = (
    "polite person yes thanks us org agency top task this given topic report paper doc also whole of sofar"
    " before now weekday fine"
)
_BEHIND = (
    "already polite person thanks task this given topic report paper doc whole full before now weekday fine"
    " us org agency top of to let channel attach also done have"
)
_BESIDE = (
    "polite person yes ack thanks us org agency top task this given topic report paper doc attach channel to"
    " of let fine whole full already also have before now past send good sofar check"
)
_NAMED = r"(?:us (?:(?:name|org|us) ){0,4}(?=past ))"  # "UBND xã Ia Grai đã …"
_FOLLOWING = r"per (?=task |doc |topic |given |report doc )"  # "theo kế hoạch", never "theo lời"
_LATE = r"(?:(?:but )?slow (?:span )?)"
_LEAD = rf"(?:{_NAMED}|full (?=us (?:also )?past )|{any_of(_BEFORE)}|to (?=before |now |doc |weekday )|{_FOLLOWING})*"
_TAIL = (
    rf"(?:{_LATE}|fine span |span already |(?:(?<=task )|(?<=whole )|(?<=topic ))work |{_FOLLOWING}"
    rf"|{any_of(_BEHIND)})*"
)
_MARK = r"(?:(?:sofar|past|also|get|whole) )*"

_DONE = re.compile(
    rf"(?:past polite )?{_LEAD}{_MARK}(?:(?:work|send|issue) (?:get )?)?"
    rf"(?:(?:task|this|given|report|topic|us|whole) )*(?:past )?done {_TAIL}"
)
_FULL = re.compile(
    rf"{_LEAD}(?:{any_of('past get term task already work whole')})*(?:done )?full {_TAIL}"
)
_SENT = re.compile(rf"{_LEAD}past {_MARK}(?:send|issue|report|have) {_TAIL}(?:send {_TAIL})?")
_SENT_ALREADY = re.compile(rf"{_LEAD}(?:send|report) {_TAIL}(?<=already )(?:polite |thanks )*")
_SENT_NOW = re.compile(
    r"(?:(?:polite|yes|us|org|person|ask) )*"
    r"(?:send (?:polite )?report doc |have report doc (?=(?:before )?already ))"
    r"(?:(?:before|now|already|polite|to|us|org|top) )*"
)
_BESIDE_ONLY = re.compile(
    rf"(?:work (?=ack |task |doc |topic |given |paper ))?(?:{_LATE}|{_FOLLOWING}|{any_of(_BESIDE)}"
    r"|ask (?=(?:us |org |top |polite )*check ))*"
)

# Look like a completion and are none:
_YET_TO_COME = re.compile(  # "xong em gửi"
    r"\b(?:done|send) (?:\w+ )*?(?:polite )(?:us |org )?(?:work|send|report|task|have|issue|past|to|let)\b"
)
_OPENING = r"^(?:(?:polite|letter|tell|yes|past|report|task|this|today|now|sofar|before|also|we|us(?! org)) )*"
_OF_OTHERS = re.compile(  # what somebody else has done, or one's own share alone
    r"\bof (?:us )?(?:us org|agency|elsewhere|other)\b|\bside us org (?!we |polite )"
    r"|\b(?:task|point) of (?:polite|letter)\b|\btop past (?:issue|have)\b|\bdone (?:\w+ )*?at us org\b"
    rf"|{_OPENING}(?:(?<!report )(?<!tell )top|outside) (?:also )?(?:past|done|work|send|issue|have|report|full)\b"
    r"|(?<!tell )\bperson (?:past|also|get|done|work|send|have|report (?:past|done|full|$))"
    rf"|{_OPENING}us (?:\w+ )?report (?:past|done|full)\b"
    r"|\b(?:polite|letter) year\b|\byear (?:polite|letter)\b"  # "anh Nam", "thằng em" in small letters without marks
)
_OF_A_STEP = re.compile(  # a paper or a plan that is written, a point of several, how far it has come
    r"(?<!per )\b(?:paper|draft) (?:\w+ )*?done\b|\breport draft\b(?! doc)"
    r"|\bdone (?:(?:let|this|polite|letter|whole|already) )*(?:paper|draft)\b(?! given)"
    r"|\bpoint letter\b|\b(?:to|we) there\b|\b(?:to|at) (?:this|point)\b|\blet (?:already|have|done)\b|\balready top\b"
    r"|\b(?:done|full) be\b|^(?:polite )*be (?!past)"
)
_UNSURE = re.compile(  # said so only with "đã": "xong báo cáo anh", "xong có …", "Sở Tài chính xong rồi"
    r"\bdone (?:\w+ )*?(?:tell|be|have|let|weekday report)\b|\bdone already (?:\w+ )*?(?:report|send)\b|\bbe done\b"
    rf"|{_OPENING}us org\b|\balso done (?!already)|\bdone point\b|\breport have\b"
)
_NO_STATEMENT = re.compile(  # said so only with "đã", "rồi" or "đạt": "chỉ tiêu 100%", "nay xong"
    r"\b(?:task|point|draft|topic|report|paper) full\b|\bterm (?:done )?full\b"
    r"|(?:^|polite |letter |us |we |tell |yes )today (?:\w+ )*?done\b"
    r"|\bfull (?:us|org|paper|report) (?:(?:polite|letter|already) )*$"
)
_TO_COME = re.compile(  # "xong, em gửi", "xong, chiều nay"
    r"^(?:(?:already|polite|us) )*send |\b(?:now|weekday) "
)
_TOLD = re.compile(r"us (?:\w+ ){0,4}?report ")  # "đã xong, xã báo cáo"

_HANGING = ("to ", "of ", "let ", "per ")
# Documents that are no report.
_PROPOSALS = frozenset(["kh", "ttr", "qd", "tb", "gm", "hd", "da", "nq", "ctr", "ct", "pa"])
# What a word says beside a completion, where its tag does not tell it.
_FINER = {
    ("polite", "la"): "be",
    ("polite", "do"): "there",
    ("polite", "day"): "there",
    ("polite", "ay"): "there",
    ("this", "day"): "there",
    ("this", "nay"): "today",
    ("us", "ben"): "side",
    ("us", "huyen"): "outside",
    ("us", "ubnd huyen"): "outside",
    ("to", "o"): "at",
    ("to", "tai"): "at",
    ("topic", "nam"): "year",
    ("topic", "thang"): "year",
    ("topic", "de cuong"): "draft",
    ("task", "ke hoach"): "draft",
    ("topic", "de an"): "draft",
    ("topic", "chuong trinh"): "draft",
    ("topic", "quyet dinh"): "draft",
    ("topic", "nghi quyet"): "draft",
    ("task", "noi dung"): "point",
    ("task", "muc"): "point",
}
_WITHIN = frozenset(["phong", "ban", "trung tam", "van phong", "co quan", "phong em", "phong minh"])


def tag_line(tokens: Sequence[Token]) -> str:
    """Return the tags of tokens in a row, a blank after each: what the patterns of the rules read."""
    return "".join(f"{token.tag} " for token in tokens)


def clauses_of(tokens: Sequence[Token]) -> list[list[Token]]:
    """Return the tokens split at every break and "và"; empty clauses are left out."""
    clauses: list[list[Token]] = [[]]
    for token in tokens:
        if token.tag in (",", "and"):
            clauses.append([])
        else:
            clauses[-1].append(token)
    return [clause for clause in clauses if clause]


def is_completed(tokens: Sequence[Token], today: date) -> bool:
    """Tell whether tokens say that the whole work is done, and nothing that takes it back."""
    stated = sure = to_come = False
    agreed = any(token.tag in ("yes", "ack") for token in tokens)  # "đã rõ, hoàn thành đúng hạn"
    for clause in clauses_of(tokens):
        line = tag_line(clause)
        if len(clause) > _LONGEST_CLAUSE or _misses_it(clause, line, today):
            return False
        if _states_it(clause, line, agreed=agreed):
            stated = True
            sure = sure or _says_past(clause)
        elif not _BESIDE_ONLY.fullmatch(line) or (stated and _TOLD.fullmatch(line)):
            return False
        to_come = to_come or bool(_TO_COME.search(line))
    return stated and (sure or not to_come)


def names_it(tokens: Sequence[Token]) -> bool:
    """Tell whether a clause by itself states a completion; its dates are not looked at."""
    return any(
        len(clause) <= _LONGEST_CLAUSE and _DONE.fullmatch(tag_line(clause))
        for clause in clauses_of(tokens)
    )


def says_nothing(tokens: Sequence[Token]) -> bool:
    """Tell whether tokens are mere politeness and address."""
    return all(_BESIDE_ONLY.fullmatch(tag_line(clause)) for clause in clauses_of(tokens))


def _says_past(clause: Sequence[Token]) -> bool:
    return any(token.tag in ("past", "already") for token in clause)


def _misses_it(clause: Sequence[Token], line: str, today: date) -> bool:
    """Tell whether a clause speaks of another's work, of a step, of another period or of what is to come."""
    finer = _finer_line(clause)
    if _YET_TO_COME.search(line) or _OF_OTHERS.search(finer) or _OF_A_STEP.search(finer):
        return True
    return _stays_within(clause) or not _times_agree(clause, today)


def _states_it(clause: Sequence[Token], line: str, *, agreed: bool) -> bool:
    tags, finer = {token.tag for token in clause}, _finer_line(clause)
    if line.endswith(_HANGING) or ("past" not in tags and _UNSURE.search(finer)):
        return False
    if not _says_past(clause):
        unsure_days = any(
            token.tag in ("now", "weekday") or token.word.endswith("truoc") for token in clause
        )
        if agreed or unsure_days or _reads_as_plan(clause):
            return False  # "hôm nay xong", "xong trước ngày 20"
        if "get" not in tags and _NO_STATEMENT.search(finer):
            return False
    if _DONE.fullmatch(line) or _SENT_NOW.fullmatch(line) or _FULL.fullmatch(line):
        return True
    return bool(_SENT.fullmatch(line) or _SENT_ALREADY.fullmatch(line)) and _is_report(clause, line)


def _finer_line(clause: Sequence[Token]) -> str:
    return "".join(f"{_finer(token)} " for token in clause)


def _finer(token: Token) -> str:
    """Return the tag of a token, a finer one where its word alone means more beside a completion."""
    if token.tag == "polite" and "bao cao" in token.word:
        return "tell"
    if token.tag == "agency":
        return "us org" if token.word.startswith("so ") else "outside"
    if token.tag == "term" and token.word.startswith("tien do"):
        return "pace"
    if token.tag == "us" and token.word.split()[-1] in ("em", "e", "minh", "toi"):
        return "we"
    if token.tag == "polite" and len(token.word) == 1:
        return "letter"
    return _FINER.get((token.tag, token.word), token.tag)


def _is_report(clause: Sequence[Token], line: str) -> bool:
    """Tell whether what was sent can be the report: not "đã gửi công văn", "đã gửi Kế hoạch số 12/KH-SNV"."""
    if "issue " in line or re.search(r"\bhave (?!report)", line):
        return "report " in line
    sent_at = next((at for at, token in enumerate(clause) if token.tag == "send"), 0)
    for token in clause[sent_at:]:
        if token.tag == "report":
            return True
        if token.document:
            return token.document.kind not in _PROPOSALS
    if "report " in line:
        return True
    sent = any(token.tag == "send" and token.word != "tra loi" for token in clause)
    return sent and not re.search(r"\b(?:paper|org|agency|topic|task|person)\b", line)


def _times_agree(clause: Sequence[Token], today: date) -> bool:
    """Tell whether the stretches named are such in which the work that is asked for can have been done."""
    done = False
    for token in clause:
        done = done or token.tag in ("done", "send", "full")
        if token.when is None or token.when.named != "stretch" or token.when.until is None:
            continue
        until = token.when.until
        if token.tag == "now" and not token.word and (done or len(clause) == 1):
            return False  # "đã xong, cuối tháng": what is to come then?
        long_ago = (today - until).days > _LONGEST_AGO
        if token.tag == "before" and until.day > 27 and (long_ago or not token.word):
            return False  # "đã gửi báo cáo quý III", "tháng 10 xong rồi": of a period gone by
    return True


def _stays_within(clause: Sequence[Token]) -> bool:
    """Tell whether it went to a room of the same house: "đã gửi báo cáo cho phòng"."""
    handed = False
    for index, token in enumerate(clause):
        if handed and token.tag == "us" and token.word in _WITHIN:
            return clause[index - 1].tag not in ("of", "us")
        handed = handed or token.tag in ("send", "report", "done")
    return False


def _reads_as_plan(clause: Sequence[Token]) -> bool:
    """Tell "kế hoạch hoàn thành" and "hoàn thành nhé" from "nhiệm vụ hoàn thành" and "xong nhé"."""
    place = next((index for index, token in enumerate(clause) if token.tag == "done"), None)
    if place is None:
        return False
    for index, token in enumerate(clause[:place]):
        if token.tag in ("report", "topic", "paper", "given", "fine"):
            return True
        if token.tag == "task" and token.word != "nhiem vu" and clause[index + 1].tag != "this":
            return True
    asks = any(token.word in ("nhe", "nha") for token in clause[place:])
    worked = any(token.tag == "work" for token in clause[:place])
    return asks and (worked or clause[place].word.startswith("hoan"))
