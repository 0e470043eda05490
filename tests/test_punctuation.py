"""Chinese texts that people read use Chinese punctuation.

In the console, in reports, on server pages and in answers.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("geo_api", "grid", "layers", "maps", "spatial_models")
HAN = "一-鿿"
AS_OTHERS_WRITE = ("layers/imports/names.py", "layers/codes/identifiers.py")
"""Headings of other people's tables, and patterns: not texts of ours."""
OFFICES = ROOT / "geo_api" / "second_city"
"""A city whose offices type half-width marks, as offices do."""
PLACE = r"\{[^{}]*\}"
"""A place that is filled in stands for a word."""
HALF_WIDTH = re.compile(
    rf"[{HAN}”）》][,;:!?(]|[,;:!?)](?=[{HAN}“（《])|\([^()]*[{HAN}]|[{HAN}]\.(?=\s|$|[{HAN}])|[{HAN}]\"|\"[{HAN}]"
)


def faults(text: str) -> list[str]:
    """Half-width marks beside Chinese characters, with what is around them."""
    plain = re.sub(PLACE, "数", text)
    return [plain[max(0, m.start() - 6) : m.end() + 6] for m in HALF_WIDTH.finditer(plain)]


def is_chinese(text: str) -> bool:
    """Whether it is a Chinese text.

    Not an English one that names something in Chinese, nor a line in both languages.
    """
    plain = re.sub(PLACE, "", text)
    first = re.search(f"[A-Za-z{HAN}]", plain)
    characters, letters = len(re.findall(f"[{HAN}]", plain)), len(re.findall("[A-Za-z]", plain))
    return first is not None and re.match(f"[{HAN}]", first[0]) is not None and characters * 2 > letters


def in_glossary() -> Iterator[tuple[str, str]]:
    groups = json.loads((ROOT / "maps" / "glossary.json").read_text(encoding="utf-8"))
    for group, entry in groups.items():
        for code, names in {"title": entry["title"], **entry["terms"]}.items():
            yield f"glossary {group}.{code}", names["zh"]


def in_console() -> Iterator[tuple[str, str]]:
    source = ROOT / "maps" / "web"
    for path in [*sorted((source / "src").rglob("*.ts")), source / "index.html"]:
        if not path.name.endswith(".spec.ts"):
            for text in re.findall(r"\"(?:[^\"\\]|\\.)*\"|`[^`]*`|>[^<]+<", path.read_text(encoding="utf-8")):
                yield str(path.relative_to(ROOT)), text[1:-1]


def in_templates() -> Iterator[tuple[str, str]]:
    for folder in ("maps", "geo_api"):
        for path in sorted((ROOT / folder / "templates").iterdir()):
            page = path.read_text(encoding="utf-8")
            outside = re.sub(r"\{\{.*?\}\}|\{%.*?%\}", "", page, flags=re.DOTALL)
            for text in [*re.findall(r"\"([^\"]*)\"", page), *re.findall(r">([^<]+)<", outside)]:
                yield str(path.relative_to(ROOT)), text


def in_python() -> Iterator[tuple[str, str]]:
    """Strings of the packages; what stands in docstrings is for developers."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            if str(path.relative_to(ROOT)) in AS_OTHERS_WRITE or OFFICES in path.parents:
                continue
            tree = ast.parse(path.read_text(encoding="utf-8"))
            docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
            docs |= {id(p) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for p in node.values}
            for node in ast.walk(tree):
                if isinstance(node, ast.JoinedStr):
                    parts = [p.value if isinstance(p, ast.Constant) else "{}" for p in node.values]
                    yield f"{path.relative_to(ROOT)}:{node.lineno}", "".join(str(part) for part in parts)
                elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
                    yield f"{path.relative_to(ROOT)}:{node.lineno}", node.value


@pytest.mark.parametrize("texts", [in_glossary, in_console, in_templates, in_python])
def test_chinese_texts_use_chinese_punctuation(texts: object) -> None:
    found = [(place, text) for place, text in texts() if is_chinese(text)]  # type: ignore[operator]
    assert len(found) > 10
    assert [(place, fault) for place, text in found for fault in faults(text)] == []


@pytest.mark.parametrize(
    "text", ["无数据(不等于未使用)", "上升:日均 3", "一,二", "“甲”,乙", "结束.", "{}(示意)"]
)
def test_half_width_marks_are_seen(text: str) -> None:
    assert faults(text)


@pytest.mark.parametrize(
    "text", ["无数据（不等于未使用）", "上升：日均 3.5 kWh", "时间 12:30", "Gi*，q 值", "F(x) 为"]
)
def test_what_is_right_is_let_through(text: str) -> None:
    assert faults(text) == []
