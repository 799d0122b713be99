"""Read the registry's YAML files; every fault names file, line and remedy, in Vietnamese.

A hostile file (huge, not UTF-8, full of aliases, deeply nested) is refused before it is built.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from data.registry.yaml_builder import HostileYaml, build_yaml

MAX_BYTES = 5_000_000
MAX_FAULTS = 100  # reported of one file; the others are counted

ModelT = TypeVar("ModelT", bound=BaseModel)
# Errors that ruamel raises for values it cannot build.
_UNBUILDABLE = (ValueError, TypeError, KeyError, AttributeError, OverflowError, AssertionError)


@dataclass(frozen=True, slots=True)
class FileFault:
    """One fault of a registry file, in words by which a person can mend it."""

    file: str
    line: int | None
    message: str

    def __str__(self) -> str:
        where = self.file if self.line is None else f"{self.file}, dòng {self.line}"
        return f"{where}: {self.message}"


class RegistryFault(Exception):
    """Registry files cannot be used; carries every fault."""

    def __init__(self, faults: Sequence[FileFault]) -> None:
        super().__init__("\n".join(str(fault) for fault in faults))
        self.faults = list(faults)


def read_text(path: Path) -> str:
    """Return the text of a registry file.

    Raises RegistryFault where the file is missing, not a regular file (a pipe would never end), larger
    than MAX_BYTES or not UTF-8.
    """
    try:
        about = path.stat()
        if not stat.S_ISREG(about.st_mode):
            raise _fault(path.name, "không phải tệp thường. Hãy kiểm tra xem có đúng tệp không.")
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        message = f"không đọc được tệp ({error.strerror}). Hãy kiểm tra đường dẫn và quyền đọc."
        raise _fault(path.name, message) from error
    if len(raw) > MAX_BYTES:
        message = (
            f"tệp quá lớn ({about.st_size // 1_000_000} MB); tối đa {MAX_BYTES // 1_000_000} MB."
            " Hãy kiểm tra xem có đúng tệp không."
        )
        raise _fault(path.name, message)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        message = "không phải UTF-8. Hãy lưu lại tệp với bảng mã UTF-8."
        raise _fault(path.name, message, line) from error


def parse_yaml(text: str, file: str, model: type[ModelT]) -> ModelT:
    """Return the model that a file's text describes; raises RegistryFault with the line of every fault.

    Anchors and aliases are refused: the registry needs none, and they can blow up a small file.
    """
    try:
        return model.model_validate(_load(text, file))
    except YAMLError as error:
        line = None
        if isinstance(error, MarkedYAMLError) and error.problem_mark is not None:
            line = error.problem_mark.line + 1
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        message = f"không đọc được YAML ({problem}). Hãy sửa cú pháp ở dòng này."
        raise _fault(file, message, line) from error
    except ValidationError as error:
        root = _tree(text)
        faults = [
            FileFault(file, _line(root, item["loc"]), f"{_where(item['loc'])}: {_vietnamese(item)}")
            for item in error.errors(include_url=False)[:MAX_FAULTS]
        ]
        if error.error_count() > MAX_FAULTS:
            faults.append(
                FileFault(file, None, f"… và {error.error_count() - MAX_FAULTS} lỗi nữa.")
            )
        raise RegistryFault(faults) from error


def _fault(file: str, message: str, line: int | None = None) -> RegistryFault:
    return RegistryFault([FileFault(file, line, message)])


def find_line(text: str, loc: tuple[str | int, ...]) -> int | None:
    """Return the 1-based line of the value at `loc`, or None where it is unknown."""
    return _line(_tree(text), loc)


@lru_cache(maxsize=4)  # a file with many faults is composed once
def _tree(text: str) -> Any:
    return YAML(typ="safe").compose(text)


def _load(text: str, file: str) -> Any:
    try:
        return build_yaml(text)
    except HostileYaml as hostile:
        raise _fault(file, hostile.message, hostile.line) from hostile
    except _UNBUILDABLE as error:  # ruamel builds dates itself: 2020-02-30 fails here
        line = next(
            (number for number, row in enumerate(text.splitlines(), 1) if _is_wrong_date(row)), None
        )
        message = f"ngày không có thật ({error}). Hãy viết ngày dạng năm-tháng-ngày."
        if line is None:  # a number of thousands of digits, "!!int x"
            message = "có giá trị không đọc được. Hãy đặt trong ngoặc kép."
        raise _fault(file, message, line) from error


def _is_wrong_date(row: str) -> bool:
    for year, month, day in re.findall(r"\b(\d{4})-(\d{1,2})-(\d{1,2})\b", row):
        try:
            date(int(year), int(month), int(day))
        except ValueError:
            return True
    return False


def _line(node: Node | None, loc: tuple[str | int, ...]) -> int | None:
    if node is None:
        return None
    best: int = node.start_mark.line + 1
    for step in loc:
        if isinstance(node, MappingNode):
            for key, value in node.value:
                if isinstance(key, ScalarNode) and key.value == step:
                    node, best = value, key.start_mark.line + 1
                    break
            else:
                return best
        elif isinstance(node, SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
            best = node.start_mark.line + 1
        else:
            return best
    return best


def _where(loc: tuple[str | int, ...]) -> str:
    return ".".join(str(part + 1) if isinstance(part, int) else part for part in loc) or "tệp"


_WORDS = {
    "missing": "thiếu mục này. Hãy thêm vào.",
    "extra_forbidden": "mục lạ. Hãy xem lại chính tả hoặc bỏ đi.",
    "date_from_datetime_parsing": "ngày sai. Hãy viết dạng 2026-11-15.",
    "date_parsing": "ngày sai. Hãy viết dạng 2026-11-15.",
    "date_type": "ngày sai. Hãy viết dạng 2026-11-15.",
    "string_type": "phải là chữ. Hãy đặt trong ngoặc kép.",
    "int_parsing": "phải là số nguyên.",
    "int_type": "phải là số nguyên.",
    "list_type": "phải là danh sách (mỗi dòng một gạch đầu dòng).",
    "model_type": "phải là một khối có các mục con.",
    "model_attributes_type": "phải là một khối có các mục con.",
    "string_too_short": "không được để trống.",
}


def _vietnamese(item: Any) -> str:
    kind = item["type"]
    if kind == "literal_error":
        return f"«{item['input']}» không hợp lệ; chỉ nhận {item['ctx']['expected']}."
    if kind == "value_error":
        return str(item["ctx"]["error"])
    return _WORDS.get(kind, f"giá trị không hợp lệ ({item['msg']}).")
