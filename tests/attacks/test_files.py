"""Hostile files: packed to burst, full of entities, nested, lying, pointing elsewhere, never ending.

Each is refused in one Vietnamese sentence, before it costs memory or time.
"""

from __future__ import annotations

import os
import resource
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.registry.files import RegistryFault, read_text
from data.registry.registry import Registry
from data.registry.schema import PlanFile
from data.registry.yaml_reader import parse_yaml
from data.sheets.plan_import import PLAN_SHEET_LIMITS, read_plan_workbook
from data.sheets.plan_template import PLAN_PAGE
from data.sheets.status_reader import read_status_sheet
from data.sheets.workbook import (
    ImportRefused,
    SheetPage,
    WorkbookLimits,
    read_workbook,
    require_page,
)
from tests.support.changed_sheets import workbook
from tests.support.conversations import CALENDAR, PLAN, PROVINCE, small_registry

pytestmark = pytest.mark.slow


def read_tasks(path: Path, limits: WorkbookLimits) -> SheetPage:
    return require_page(path, read_workbook(path, ["Nhiệm vụ"], limits), "Nhiệm vụ", limits)


NS = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
TODAY = date(2026, 11, 9)
ROOM = 400_000_000  # bytes a process may take beside what it has when it starts to read
PATIENCE = 60  # seconds, for a machine that has other things to do; each took minutes or gigabytes


def sheet_of(body: str, head: str = "", *, encoding: str = "utf-8") -> bytes:
    start = f'<?xml version="1.0" encoding="{encoding}"?>'
    return f"{start}{head}<worksheet {NS}>{body}</worksheet>".encode(encoding)


def text(words: str) -> str:
    cell = f'<c r="A1" t="inlineStr"><is><t>{words}</t></is></c>'
    return f'<sheetData><row r="1">{cell}</row></sheetData>'


def laughs() -> str:
    grown = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    return f'<!DOCTYPE w [<!ENTITY a0 "ha">{grown}]>'


WITHIN = '<!DOCTYPE w [<!ENTITY a SYSTEM "file:///etc/hostname">]>'
BOMBS: dict[str, Callable[[], dict[str, bytes]]] = {
    "billion laughs": lambda: {"xl/worksheets/sheet2.xml": sheet_of(text("&a9;"), laughs())},
    "one large entity, often": lambda: {
        "xl/worksheets/sheet2.xml": sheet_of(
            text("&a;" * 90), f'<!DOCTYPE w [<!ENTITY a "{"x" * 1_000_000}">]>'
        )
    },
    "an entity of another file": lambda: {"xl/worksheets/sheet2.xml": sheet_of(text("&a;"), WITHIN)},
    "entities in UTF-16": lambda: {
        "xl/worksheets/sheet2.xml": sheet_of(text("&a;"), WITHIN, encoding="utf-16")
    },
    "entities in the shared strings": lambda: {
        "xl/sharedStrings.xml": f"{laughs()}<sst {NS}><si><t>&a9;</t></si></sst>".encode()
    },
    "elements within each other": lambda: {
        "xl/worksheets/sheet2.xml": b"<worksheet>" + b"<a>" * 300_000
    },
    "a row of cells without end": lambda: {
        "xl/worksheets/sheet2.xml": sheet_of(f"<sheetData><row>{'<c/>' * 8_000_000}</row></sheetData>")
    },
    "fonts without end": lambda: {
        "xl/styles.xml": f"<styleSheet {NS}><fonts>{'<font/>' * 6_000_000}</fonts>".encode()
    },
    "a thousand files": lambda: {f"xl/{number}.xml": b"<a/>" for number in range(1001)},
    "larger than it may be": lambda: {"xl/media/a.png": bytes(PLAN_SHEET_LIMITS.unpacked)},
}  # fmt: skip


def refuse(kind: str, folder: Path) -> tuple[str, float]:
    """Read a bomb as a plan's sheet; returns what is said of it, and how long that took."""
    path = folder / "bom.xlsx"
    path.write_bytes(workbook(**BOMBS[kind]()))
    began = time.perf_counter()
    try:
        read_workbook(path, [PLAN_PAGE], PLAN_SHEET_LIMITS)
    except ImportRefused as refused:
        return str(refused), time.perf_counter() - began
    return "was read", time.perf_counter() - began


def refuse_all(folder: str) -> None:
    """Refuse every bomb, each within so much room; in a process of its own, see below."""
    for kind in BOMBS:
        workbook(**BOMBS[kind]())  # what it takes to make it is not counted
        now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (now + ROOM, resource.RLIM_INFINITY))
        said, seconds = refuse(kind, Path(folder))
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        print(f"{kind}: {said} after {seconds:.1f}", flush=True)


@pytest.mark.skipif(sys.platform != "linux", reason="the room of a process is limited on Linux")
def test_a_sheet_that_is_packed_to_burst_is_refused_in_little_room(tmp_path: Path) -> None:
    call = f"from tests.attacks.test_files import refuse_all; refuse_all({str(tmp_path)!r})"
    done = subprocess.run(
        [sys.executable, "-c", call], capture_output=True, text=True, timeout=300, check=False
    )
    print(done.stdout)
    assert done.returncode == 0, done.stderr[-600:]
    lines = done.stdout.splitlines()
    assert len(lines) == len(BOMBS)
    for line in lines:
        assert "bom.xlsx: nội dung quá lớn. Hãy kiểm tra lại." in line
        assert float(line.rpartition(" ")[2]) < PATIENCE, line


def test_a_status_sheet_is_looked_through_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "bang.xlsx"
    path.write_bytes(workbook(**BOMBS["billion laughs"]()))
    with pytest.raises(ImportRefused, match="nội dung quá lớn"):
        read_status_sheet(path, today=TODAY)
    path.write_bytes(workbook())
    with pytest.raises(ImportRefused, match="nội dung quá lớn"):
        read_tasks(path, WorkbookLimits(elements=50))
    assert read_tasks(path, WorkbookLimits()).rows[0].values[0] == "Mã"


def test_what_a_sheet_says_of_its_own_sizes_is_not_believed(tmp_path: Path) -> None:
    path, real = tmp_path / "doi.xlsx", 3_000_000
    content = workbook(**{"xl/media/a.png": bytes(real)})
    lying = content.replace(struct.pack("<L", real), struct.pack("<L", 10))
    assert lying != content
    path.write_bytes(lying)
    with pytest.raises(ImportRefused, match=r"không phải tệp Excel|nội dung quá lớn"):
        read_workbook(path, [PLAN_PAGE], WorkbookLimits(unpacked=1_000_000))


def test_names_that_lead_out_of_a_sheet_lead_nowhere(tmp_path: Path) -> None:
    folder = tmp_path / "trong"
    folder.mkdir()
    names = ("../ngoai.xml", "/tmp/ngoai.xml", "xl/../../ngoai.xml", "C:\\ngoai.xml")
    target = f"file://{folder}/bi-mat.txt"
    link = f'<Relationships><Relationship Id="r1" Target="{target}" TargetMode="External"/></Relationships>'
    (folder / "bi-mat.txt").write_text("BÍ MẬT", encoding="utf-8")
    parts = dict.fromkeys(names, b"<a/>") | {
        "xl/externalLinks/_rels/externalLink1.xml.rels": link.encode()
    }
    (folder / "bang.xlsx").write_bytes(workbook(**parts))
    with pytest.raises(ImportRefused) as refused:
        read_plan_workbook(folder / "bang.xlsx", small_registry())
    assert "BÍ MẬT" not in str(refused.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["trong"]
    assert sorted(path.name for path in folder.iterdir()) == ["bang.xlsx", "bi-mat.txt"]


# ------------------------------------------------------------------ YAML

YAML_BOMBS = {
    "aliases": "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n",
    "merge keys": "a: &a {x: 1}\nb: {<<: *a}\n",
    "brackets": "[" * 4_000_000,
    "dashes": "- " * 2_000_000,
    "questions": "? " * 2_000_000,
    "many tasks": "tasks:\n" + "  - a\n" * 700_000,
    "many keys": "".join(f"k{n}: 1\n" for n in range(400_000)),
    "a long text": 'number: "' + "x" * 4_500_000 + '"\n',
    "a number of a million digits": "number: " + "9" * 1_000_000 + "\n",
    "a year of a million digits": "issued_on: " + "2" * 1_000_000 + "-01-01\n",
    "a day that is none": "issued_on: 2020-02-30\n",
    "comments": "#\n" * 2_000_000,
    "an object": "!!python/object/apply:os.system ['true']",
    "no number": "number: !!int x\n",
    "no truth": "number: !!bool x\n",
    "no bytes": "number: !!binary '*'\n",
    "a key that is a list": "? [a]\n: b\n",
    "twice": "number: 1\nnumber: 2\n",
}


@pytest.mark.parametrize("kind", list(YAML_BOMBS))
def test_a_hostile_plan_file_is_refused_soon_and_in_few_words(kind: str) -> None:
    began = time.perf_counter()
    with pytest.raises(RegistryFault) as refused:
        parse_yaml(YAML_BOMBS[kind], "plans/x.yaml", PlanFile)
    assert time.perf_counter() - began < PATIENCE / 2
    assert len(refused.value.faults) <= 101
    assert len(str(refused.value)) < 20_000
    assert all("plans/x.yaml" in str(fault) for fault in refused.value.faults)


@settings(max_examples=150, derandomize=True, deadline=None, database=None)
@given(st.text(alphabet="ab1-2:?[]{}&*!|>'\"#%@,\n \té<~.", max_size=80), st.integers(0, 900))
def test_no_yaml_whatever_makes_anything_but_a_told_fault(words: str, place: int) -> None:
    plan = PLAN.format(slug="dong", number="10/KH-UBND", issued_on="2026-01-05")
    for given_text in (words, plan[:place] + words + plan[place:]):
        try:
            parse_yaml(given_text, "plans/x.yaml", PlanFile)
        except RegistryFault:
            continue


def test_many_faults_of_one_file_are_counted() -> None:
    plan = PLAN.format(slug="dong", number="10/KH-UBND", issued_on="2026-01-05")
    wrong = "".join(f"k{number}: 1\n" for number in range(300))
    with pytest.raises(RegistryFault, match="… và 200 lỗi nữa"):
        parse_yaml(plan + wrong, "plans/x.yaml", PlanFile)


# ------------------------------------------------------------------ folders


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_what_is_no_ordinary_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "ong.yaml")
    (tmp_path / "khong.yaml").symlink_to("/dev/zero")
    for name in ("ong.yaml", "khong.yaml"):
        with pytest.raises(RegistryFault, match="không phải tệp thường"):
            read_text(tmp_path / name)
        with pytest.raises(ImportRefused, match=r"không phải tệp Excel"):
            read_plan_workbook(tmp_path / name, small_registry())


def test_a_link_to_another_file_tells_nothing_of_it(tmp_path: Path) -> None:
    secret = tmp_path / "bi-mat.txt"
    secret.write_text("root: 'BÍ MẬT'\nkhoa: 8001:abcdef\n", encoding="utf-8")
    for name in ("plans", "agencies", "calendar"):
        (tmp_path / name).mkdir()
    (tmp_path / "plans" / "x.yaml").symlink_to(secret)
    with pytest.raises(RegistryFault) as refused:
        Registry.from_folder(tmp_path)
    assert "BÍ MẬT" not in str(refused.value)
    assert "abcdef" not in str(refused.value)


@pytest.mark.parametrize("source", ["../bi-mat.txt", "/etc/passwd", "a/../../bi-mat.txt"])
def test_a_plan_names_its_document_by_name_alone(source: str, tmp_path: Path) -> None:
    (tmp_path / "seeds").mkdir()
    (tmp_path / "bi-mat.txt").write_text("BÍ MẬT", encoding="utf-8")
    texts: dict[str, Any] = {
        "agencies/dong.yaml": PROVINCE.format(slug="dong", name="Đông"),
        "plans/x.yaml": PLAN.format(slug="dong", number="10/KH-UBND", issued_on="2026-01-05").replace(
            "none.txt", source
        ),
        "calendar/2026.yaml": CALENDAR,
    }  # fmt: skip
    (fault,) = Registry.from_texts(texts).check_against(tmp_path / "seeds")
    assert "không phải tên tệp" in str(fault)
