"""Parse the registry's YAML texts; every fault names file, line and remedy, in Vietnamese.

A hostile text (full of aliases, deeply nested) is refused before it is built.
"""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from data.registry.files import FileFault, RegistryFault, file_fault
from data.registry.yaml_builder import HostileYaml, build_yaml

MAX_FAULTS = 100  # reported of one file; the others are counted

ModelT = TypeVar("ModelT", bound=BaseModel)
# Errors that ruamel raises for values it cannot build.
_UNBUILDABLE = (ValueError, TypeError, KeyError, AttributeError, OverflowError, AssertionError)


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
        raise file_fault(file, message, line) from error
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
    """Return the 1-based line of the value at `loc`, or None where it is unknown."""
    return _line(_tree(text), loc)


@lru_cache(maxsize=4)  # a file with many faults is composed once
def _tree(text: str) -> Any:
    return YAML(typ="safe").compose(text)


def _load(text: str, file: str) -> Any:
    try:
        return build_yaml(text)
    except HostileYaml as hostile:
        raise file_fault(file, hostile.message, hostile.line) from hostile
    except _UNBUILDABLE as error:  # ruamel builds dates itself: 2020-02-30 fails here
        line = next(
            (number for number, row in enumerate(text.splitlines(), 1) if _is_wrong_date(row)), None
        )
        message = f"ngày không có thật ({error}). Hãy viết ngày dạng năm-tháng-ngày."
        if line is None:  # a number of thousands of digits, "!!int x"
            message = "có giá trị không đọc được. Hãy đặt trong ngoặc kép."
        raise file_fault(file, message, line) from error


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
