"""A Word file made of a letterhead template, paragraphs and tables.

Guarantees:
- The layout is that of Nghị định 30/2020/NĐ-CP, Phụ lục I; head and foot are edited in templates/report/*.docx.
- What is left for a person to write stands in yellow, in square brackets; the file names all of it.
"""

from __future__ import annotations

import copy
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

from jobs.reports.prose import BLANK, TEXTS, Paragraph, fit

# Size and mean letter width above each line; the line is a third to a half as long as the words
# (mục II khoản 2 điểm c, khoản 5).
_RULES = {"Kẻ dưới cơ quan": (12, 0.72), "Kẻ dưới trích yếu": (14, 0.51)}
_POINT = 20  # twentieths of a point, Word's measure
_COLUMN = 3969  # 70 mm, of the issuing body
_PAGE = 9354  # 165 mm, between the margins
_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_BORDERS = "".join(
    f'<w:{side} w:val="single" w:sz="4" w:space="0" w:color="000000"/>'
    for side in ("top", "left", "bottom", "right", "insideH", "insideV")
)


@dataclass(frozen=True, slots=True)
class WordColumn:
    """A column of a table: its heading, width in twentieths of a point, and whether it is centred."""

    heading: str
    width: int
    centred: bool = False


@dataclass(frozen=True, slots=True)
class WordTable:
    """A table; a row of one cell spans it. small: as annexes have it. whole: it stands on one page."""

    columns: Sequence[WordColumn]
    rows: Sequence[Sequence[Any]]
    small: bool = False
    whole: bool = False


def build_word_file(
    template: str,
    context: Mapping[str, Any],
    places: Mapping[str, Sequence[Paragraph]],
    tables: Mapping[str, WordTable],
) -> tuple[bytes, list[str]]:
    """Return a file and what is left to write in it.

    places: the paragraphs that stand where the template has "[[name]]". A name that the template misspells is
    an error, not a blank.
    """
    from docxtpl import DocxTemplate
    from jinja2 import Environment, StrictUndefined

    filled = DocxTemplate(TEXTS / template)
    environment = Environment(autoescape=True, undefined=StrictUndefined, finalize=fit)
    filled.render(dict(context), environment, autoescape=True)
    document = filled.docx
    for paragraph in list(document.paragraphs):
        name = paragraph.text.strip().removeprefix("[[").removesuffix("]]")
        if paragraph.text.strip() != f"[[{name}]]" or name not in places:
            continue
        for block in places[name]:
            for element in _elements(block, tables):
                paragraph._p.addprevious(element)
        _keep_with_foot(paragraph._p)
        paragraph._p.getparent().remove(paragraph._p)
    blanks = _mark_blanks(document.element.body)
    _measure(document)
    file = io.BytesIO()
    filled.save(file)
    return file.getvalue(), blanks


def _keep_with_foot(place: Any) -> None:
    """Keep a text's last paragraph on the page of the table that follows: a signature stands alone on none."""
    from docx.oxml.ns import qn

    last, foot = place.getprevious(), place.getnext()
    if last is not None and foot is not None and (last.tag, foot.tag) == (qn("w:p"), qn("w:tbl")):
        last.get_or_add_pPr().get_or_add_keepNext()


def _elements(block: Paragraph, tables: Mapping[str, WordTable]) -> list[Any]:
    if block.style == "table":
        return [_element(_table_xml(tables[block.words]))]
    if block.style == "break":
        return [_element('<w:p><w:r><w:br w:type="page"/></w:r></w:p>')]
    return [_element(_paragraph_xml(block.style, block.words))]


def _element(xml: str) -> Any:
    from docx.oxml.parser import parse_xml

    head, _, rest = xml.partition(">")
    if head.endswith("/"):
        return parse_xml(f'{head[:-1]} xmlns:w="{_W}"/>{rest}')
    return parse_xml(f'{head} xmlns:w="{_W}">{rest}')


def _paragraph_xml(style: str, words: str, *, with_next: bool = False) -> str:
    keeping = "<w:keepNext/>" if with_next else ""
    return (
        f'<w:p><w:pPr><w:pStyle w:val="{style}"/>{keeping}</w:pPr>'
        f'<w:r><w:t xml:space="preserve">{escape(words)}</w:t></w:r></w:p>'
    )


def _table_xml(table: WordTable) -> str:
    head, left, middle, group = (
        ("PLDau", "PLChu", "PLGiua", "PLNhom")
        if table.small
        else ("BangDau", "BangChu", "BangGiua", "BangChu")
    )
    columns = table.columns
    width = sum(column.width for column in columns)
    grid = "".join(f'<w:gridCol w:w="{column.width}"/>' for column in columns)
    heading = "".join(_cell_xml(column.width, head, column.heading) for column in columns)
    rows = [f"<w:tr><w:trPr><w:cantSplit/><w:tblHeader/></w:trPr>{heading}</w:tr>"]
    for number, row in enumerate(table.rows, 1):
        stays = table.whole and number < len(table.rows)
        if len(row) == 1:
            cells = _cell_xml(width, group, row[0], span=len(columns))
        else:
            cells = "".join(
                _cell_xml(column.width, middle if column.centred else left, value, with_next=stays)
                for column, value in zip(columns, row, strict=True)
            )
        # A row of an annex may be half a page long; kept whole it would leave the page before it empty.
        whole = "" if table.small else "<w:trPr><w:cantSplit/></w:trPr>"
        rows.append(f"<w:tr>{whole}{cells}</w:tr>")
    return (
        f'<w:tbl><w:tblPr><w:tblW w:w="{width}" w:type="dxa"/><w:jc w:val="center"/>'
        f"<w:tblBorders>{_BORDERS}</w:tblBorders>"
        '<w:tblLayout w:type="fixed"/><w:tblCellMar><w:left w:w="68" w:type="dxa"/>'
        '<w:right w:w="68" w:type="dxa"/></w:tblCellMar></w:tblPr>'
        f"<w:tblGrid>{grid}</w:tblGrid>{''.join(rows)}</w:tbl>"
    )


def _cell_xml(width: int, style: str, value: Any, *, span: int = 1, with_next: bool = False) -> str:
    spanning = f'<w:gridSpan w:val="{span}"/>' if span > 1 else ""
    return (
        f'<w:tc><w:tcPr><w:tcW w:w="{width}" w:type="dxa"/>{spanning}<w:vAlign w:val="center"/></w:tcPr>'
        f"{_paragraph_xml(style, str(fit(value)), with_next=with_next)}</w:tc>"
    )


def _mark_blanks(body: Any) -> list[str]:
    """Put what is left to write into yellow runs of their own; returns its words in order."""
    from docx.oxml.ns import qn
    from docx.oxml.parser import OxmlElement

    blanks: list[str] = []
    for run in list(body.iter(qn("w:r"))):
        words = "".join(text.text or "" for text in run.findall(qn("w:t")))
        if "⟦" not in words:
            continue
        for index, part in enumerate(BLANK.split(words)):
            if not part:
                continue
            made = copy.deepcopy(run)
            texts = made.findall(qn("w:t"))
            for other in texts[1:]:
                made.remove(other)
            texts[0].set("{http://www.w3.org/XML/1998/namespace}space", "preserve")
            texts[0].text = part
            if index % 2:
                to_check = part.startswith("=")  # words are given, for a person to check
                texts[0].text = part[1:] if to_check else f"[Bổ sung: {part}]"
                blanks.append(f"kiểm tra: {part[1:]}" if to_check else part)
                marks = OxmlElement("w:highlight")
                marks.set(qn("w:val"), "yellow")
                made.get_or_add_rPr().append(marks)
            run.addprevious(made)
        run.getparent().remove(run)
    return blanks


def _measure(document: Any) -> None:
    """Set the length of the lines under issuer and abstract by the words above them."""
    from docx.shared import Twips

    tables = [cell for table in document.tables[:1] for cell in table.rows[0].cells[:1]]
    for holder, width in (*((cell, _COLUMN) for cell in tables), (document, _PAGE)):
        above = ""
        for paragraph in holder.paragraphs:
            if (rule := _RULES.get(paragraph.style.name)) is None:
                above = paragraph.text
                continue
            size, letter = rule
            words = sum(0.25 if sign == " " else letter for sign in above) * size * _POINT
            length = 0.42 * words if words <= width else 0.34 * width  # its last line is shorter
            indent = Twips(int((width - length) / 2))
            paragraph.paragraph_format.left_indent = indent
            paragraph.paragraph_format.right_indent = indent
            if holder is document:
                return
