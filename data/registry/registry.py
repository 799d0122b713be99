"""The registry: all plans, provinces and calendars, checked against each other. Never writes a file.

Guarantees:
- Its content is consistent: every name of an agency resolves, no code occurs twice.
- Every fault names file, line and remedy.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from data.registry.files import FileFault, RegistryFault, read_text
from data.registry.province import Province
from data.registry.schema import CalendarFile, PlanFile, ProvinceFile
from data.registry.workdays import Workdays
from data.text import collapse_whitespace, fold, spelling_key

_FOLDERS: dict[str, type[BaseModel]] = {
    "plans": PlanFile,
    "agencies": ProvinceFile,
    "calendar": CalendarFile,
}


def plan_code(plan: PlanFile) -> str:
    """Return a plan's code, unique among all provinces: "gia-lai-1901-2020"."""
    return f"{plan.province}-{plan.number.split('/')[0]}-{plan.issued_on.year}"


class Registry:
    """Plans by code, provinces by slug, and the calendar."""

    def __init__(self, files: Mapping[str, BaseModel], texts: Mapping[str, str]) -> None:
        self.files = dict(files)
        self.sha256 = {
            path: hashlib.sha256(text.encode()).hexdigest() for path, text in texts.items()
        }
        self.plans: dict[str, PlanFile] = {}
        self.plan_paths: dict[str, str] = {}
        self.provinces: dict[str, Province] = {}
        faults: list[FileFault] = []
        for path, file in self.files.items():
            if isinstance(file, PlanFile):
                code = plan_code(file)
                if code in self.plans:
                    message = f"kế hoạch {file.number} đã có trong {self.plan_paths[code]}."
                    faults.append(_fault(path, texts, ("number",), message))
                self.plans[code] = file
                self.plan_paths[code] = path
            elif isinstance(file, ProvinceFile):
                if file.province in self.provinces:
                    message = f"tỉnh {file.province} đã có tệp khác."
                    faults.append(_fault(path, texts, ("province",), message))
                self.provinces[file.province] = Province(file)
        self.workdays = Workdays(
            file for file in self.files.values() if isinstance(file, CalendarFile)
        )
        faults.extend(_cross_check(self, texts))
        if faults:
            raise RegistryFault(faults)

    @classmethod
    def from_folder(cls, folder: Path) -> Registry:
        """Read plans/*.yaml, agencies/*.yaml and calendar/*.yaml; raises RegistryFault with all faults."""
        return cls.from_texts(read_folder(folder))

    @classmethod
    def from_texts(cls, texts: Mapping[str, str]) -> Registry:
        """Build from the files' texts by relative path ("plans/x.yaml")."""
        files: dict[str, BaseModel] = {}
        faults: list[FileFault] = []
        for path, text in texts.items():
            try:
                files[path] = _parse(text, path)
            except RegistryFault as fault:
                faults.extend(fault.faults)
        if faults:
            raise RegistryFault(faults)
        return cls(files, texts)

    def province_of(self, code: str) -> Province:
        """Return the province of a plan."""
        return self.provinces[self.plans[code].province]

    def find_plans(self, words: str, *, province: str | None = None) -> list[str]:
        """Return the codes of plans that a number ("1901", "1901/KH-UBND") or a code names."""
        wanted = words.strip()
        if wanted in self.plans:
            return [wanted]
        wanted = fold(wanted)
        return [
            code
            for code, plan in self.plans.items()
            if (province is None or plan.province == province)
            and wanted in (fold(plan.number), plan.number.split("/")[0])
        ]

    def find_province(self, words: str) -> Province | None:
        """Return the province of a slug or name, in any spelling, with or without "Tỉnh"."""
        wanted = fold(words).removeprefix("tinh ")
        for province in self.provinces.values():
            if wanted in (fold(province.code), fold(province.name).removeprefix("tinh ")):
                return province
        return None

    def check_against(self, seeds: Path) -> list[FileFault]:
        """Return a fault for every text that its plan's document does not contain.

        seeds: the folder of the documents, under the plans' `source` names. White space is collapsed; case
        matters but in titles. A missing document is a fault too.
        """
        faults: list[FileFault] = []
        for code, plan in self.plans.items():
            path = self.plan_paths[code]
            if Path(plan.source).name != plan.source:  # nothing outside the folder is read
                faults.append(FileFault(path, None, f"source: «{plan.source}» không phải tên tệp."))
                continue
            try:
                document = collapse_whitespace(read_text(seeds / plan.source))
            except RegistryFault as fault:
                faults.extend(FileFault(path, None, f"văn bản gốc {f}") for f in fault.faults)
                continue
            for where, words in _quotes(plan):
                ignores_case = where == "title"
                for paragraph in words.split("\n"):
                    wanted = collapse_whitespace(paragraph)
                    is_quoted = (
                        wanted.casefold() in document.casefold()
                        if ignores_case
                        else wanted in document
                    )
                    if not is_quoted:
                        faults.append(
                            FileFault(
                                path, None, f"{where}: không có trong văn bản gốc: «{wanted[:80]}»"
                            )
                        )
        return faults


@lru_cache(maxsize=512)  # files are immutable once read, and most of a folder never changes
def _parse(text: str, path: str) -> BaseModel:
    from data.registry.yaml_reader import parse_yaml  # ruamel: the loaded registry needs none

    return parse_yaml(text, path, _FOLDERS[path.split("/")[0]])


def read_folder(folder: Path) -> dict[str, str]:
    """Return the texts of a registry folder by relative path; raises RegistryFault."""
    texts: dict[str, str] = {}
    faults: list[FileFault] = []
    for name in _FOLDERS:
        if not (folder / name).is_dir():
            faults.append(
                FileFault(
                    str(name), None, "không có thư mục này. Hãy chạy «nhacviec registry init»."
                )
            )
            continue
        for path in sorted((folder / name).glob("*.yaml")):
            try:
                texts[f"{name}/{path.name}"] = read_text(path)
            except RegistryFault as fault:
                faults.extend(
                    FileFault(f"{name}/{f.file}", f.line, f.message) for f in fault.faults
                )
    if faults:
        raise RegistryFault(faults)
    return texts


def _quotes(plan: PlanFile) -> Iterator[tuple[str, str]]:
    """Yield every (place, words) that the document must contain."""
    yield "title", plan.title
    yield "signer", plan.signer
    yield "coordinator", plan.coordinator
    for index, basis in enumerate(plan.legal_bases, 1):
        yield f"legal_bases.{index}", basis
    for task in plan.tasks:
        yield f"{task.code}.text", task.text
        for words in (*task.leads, *task.supports, *task.actions, task.period.raw):
            yield task.code, words
    for duty in plan.report_duties:
        yield duty.code, duty.quote
        for words in (
            *duty.from_,
            duty.to,
            duty.via or "",
            duty.deadline.raw if duty.deadline else "",
        ):
            yield duty.code, words
    for target in plan.targets:
        yield target.code, target.text


def _cross_check(registry: Registry, texts: Mapping[str, str]) -> Iterator[FileFault]:
    for path, file in registry.files.items():
        if isinstance(file, PlanFile):
            yield from _check_plan(registry, path, file, texts)
        elif isinstance(file, ProvinceFile):
            yield from _check_province(path, file, texts)


def _check_plan(
    registry: Registry, path: str, plan: PlanFile, texts: Mapping[str, str]
) -> Iterator[FileFault]:
    for part in ("tasks", "report_duties", "targets"):
        seen: set[str] = set()
        for index, entry in enumerate(getattr(plan, part)):
            if entry.code in seen:
                message = f"mã {entry.code} ghi hai lần. Hãy đổi một trong hai."
                yield _fault(path, texts, (part, index, "code"), message)
            seen.add(entry.code)
    province = registry.provinces.get(plan.province)
    if province is None:
        message = f"chưa có tệp agencies/{plan.province}.yaml. Hãy thêm tệp hoặc sửa tên tỉnh."
        yield _fault(path, texts, ("province",), message)
        return
    for loc, words in _agency_words(plan):
        if not province.resolve_all(words):
            message = f"cơ quan lạ «{words[:200]}». Hãy sửa chính tả, hoặc thêm vào agencies/{plan.province}.yaml."
            yield _fault(path, texts, loc, message)


def _agency_words(plan: PlanFile) -> Iterator[tuple[tuple[str | int, ...], str]]:
    yield ("coordinator",), plan.coordinator
    for index, task in enumerate(plan.tasks):
        for part in ("leads", "supports"):
            for place, words in enumerate(getattr(task, part)):
                yield ("tasks", index, part, place), words
    for index, duty in enumerate(plan.report_duties):
        for place, words in enumerate(duty.from_):
            yield ("report_duties", index, "from", place), words
        yield ("report_duties", index, "to"), duty.to
        if duty.via is not None:
            yield ("report_duties", index, "via"), duty.via


def _check_province(path: str, file: ProvinceFile, texts: Mapping[str, str]) -> Iterator[FileFault]:
    codes: set[str] = set()
    for index, agency in enumerate(file.agencies):
        if agency.code in codes:
            message = f"mã {agency.code} ghi hai lần. Hãy đổi một trong hai."
            yield _fault(path, texts, ("agencies", index, "code"), message)
        codes.add(agency.code)
    for index, succession in enumerate(file.successions):
        for key, code in (("from", succession.from_), ("to", succession.to)):
            if code not in codes:
                message = f"không có cơ quan mã {code}. Hãy sửa mã."
                yield _fault(path, texts, ("successions", index, key), message)
        if succession.from_ == succession.to:
            yield _fault(path, texts, ("successions", index), "cơ quan tự kế thừa chính mình.")
    for index, group in enumerate(file.groups):
        for place, rule in enumerate(group.members):
            for code in rule.agencies:
                if code not in codes:
                    message = f"không có cơ quan mã {code}. Hãy sửa mã."
                    yield _fault(path, texts, ("groups", index, "members", place), message)
    words: dict[str, str] = {}
    for entry in Province(file).entries():
        for key, name in {spelling_key(n): n for n in (entry.name, *entry.spellings)}.items():
            if words.setdefault(key, entry.code) != entry.code:
                message = f"«{name}» chỉ cả {words[key]} lẫn {entry.code}. Hãy bỏ một nơi."
                yield FileFault(path, None, message)


def _fault(
    path: str, texts: Mapping[str, str], loc: tuple[str | int, ...], message: str
) -> FileFault:
    text: Any = texts.get(path)
    if not text:
        return FileFault(path, None, message)
    from data.registry.yaml_reader import find_line

    return FileFault(path, find_line(text, loc), message)
