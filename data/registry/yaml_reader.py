"""Reading of the registry's YAML files.

Promises that every fault is named with file, line and what to do, in Vietnamese, and that a hostile
file (huge, not UTF-8, full of aliases, nested) is refused before anything is built of it. Never writes a file.
"""

from __future__ import annotations

import stat
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from data.registry.yaml_builder import HostileYaml, build_yaml

MAX_BYTES = 5_000_000
MAX_FAULTS = 100  # told of one file; the rest is counted

ModelT = TypeVar("ModelT", bound=BaseModel)
# What ruamel lets through of values that cannot be built.
_UNBUILDABLE = (ValueError, TypeError, KeyError, AttributeError, OverflowError, AssertionError)


@dataclass(frozen=True, slots=True)
class FileFault:
    """One thing that is wrong in a registry file, told so that a person can mend it."""

    file: str
    line: int | None
    message: str

    def __str__(self) -> str:
        where = self.file if self.line is None else f"{self.file}, dòng {self.line}"
        return f"{where}: {self.message}"


class RegistryFault(Exception):
    """Raised when registry files cannot be used; carries every fault that was found."""

    def __init__(self, faults: Sequence[FileFault]) -> None:
        super().__init__("\n".join(str(fault) for fault in faults))
        self.faults = list(faults)


def read_text(path: Path) -> str:
    """Return the text of a registry file.

    Raises RegistryFault where the file is missing, no ordinary file (a pipe would never end), larger
    than MAX_BYTES or not UTF-8.
    """
    try:
        about = path.stat()
        if not stat.S_ISREG(about.st_mode):
            message = "không phải tệp thường. Hãy kiểm tra xem có đúng tệp không."
            raise RegistryFault([FileFault(path.name, None, message)])
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
        if len(raw) > MAX_BYTES:
            raise RegistryFault(
                [
                    FileFault(
                        path.name,
                        None,
                        f"tệp quá lớn ({about.st_size // 1_000_000} MB); tối đa"
                        f" {MAX_BYTES // 1_000_000} MB. Hãy kiểm tra xem có đúng tệp không.",
                    )
                ]
            )
    except OSError as error:
        raise RegistryFault(
            [
                FileFault(
                    path.name,
                    None,
                    f"không đọc được tệp ({error.strerror}). Hãy kiểm tra đường dẫn và quyền đọc.",
                )
            ]
        ) from error
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise RegistryFault(
            [FileFault(path.name, line, "không phải UTF-8. Hãy lưu lại tệp với bảng mã UTF-8.")]
        ) from error


def parse_yaml(text: str, file: str, model: type[ModelT]) -> ModelT:
    """Return the model that a file's text describes.

    Raises RegistryFault with the line of every fault. Anchors and aliases are refused: the registry
    has no use for them and they can blow up a small file.
    """
    try:
        data = _load(text, file)
        return model.model_validate(data)
    except YAMLError as error:
        line = None
        if isinstance(error, MarkedYAMLError) and error.problem_mark is not None:
            line = error.problem_mark.line + 1
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise RegistryFault(
            [FileFault(file, line, f"không đọc được YAML ({problem}). Hãy sửa cú pháp ở dòng này.")]
        ) from error
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


def find_line(text: str, loc: tuple[str | int, ...]) -> int | None:
    """Return the 1-based line on which the value at `loc` stands, or None where it cannot be told."""
    return _line(_tree(text), loc)


@lru_cache(maxsize=4)  # a file with many faults is looked through once
def _tree(text: str) -> Any:
    return YAML(typ="safe").compose(text)


def _load(text: str, file: str) -> Any:
    try:
        return build_yaml(text)
    except HostileYaml as harm:
        raise RegistryFault([FileFault(file, harm.line, harm.message)]) from harm
    except _UNBUILDABLE as error:  # ruamel builds dates itself: 2020-02-30 fails here
        line = next(
            (number for number, row in enumerate(text.splitlines(), 1) if _is_wrong_date(row)), None
        )
        message = f"ngày không có thật ({error}). Hãy viết ngày dạng năm-tháng-ngày."
        if line is None:  # a number of thousands of digits, "!!int x"
            message = "có giá trị không đọc được. Hãy đặt trong ngoặc kép."
        raise RegistryFault([FileFault(file, line, message)]) from error


def _is_wrong_date(row: str) -> bool:
    import re
    from datetime import date

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
