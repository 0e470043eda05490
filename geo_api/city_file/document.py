"""The text of ``city.toml``: read and checked field by field, written with what each field means."""

from __future__ import annotations

import difflib
import os
import re
import tomllib
import zoneinfo
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import tomlkit

from geo_api.city_file.sources import source_faults
from grid.alerts import CASE_KINDS
from layers.city import LANGUAGES, UNNAMED, City
from layers.codes import parse_division, projected_system
from layers.errors import InvalidIdentifier, LayerError, UnknownCrs

HEAD = (
    "The city that wangge serves; `wangge check` names what is wrong in this file.",
    "本市信息；wangge check 会指出其中的错误。",
)
NOTES: Mapping[str, str] = MappingProxyType(
    {
        "name_zh": "Name in Chinese, as the console and the reports show it · 中文名称",
        "name_en": "Name in English · 英文名称",
        "code": "Division code of GB/T 2260, six digits · 行政区划代码",
        "case_prefix": "Start of case numbers, as AJ in AJ20261031-0001: 1 to 8 letters A-Z or digits · 案件编号前缀",
        "time_zone": "IANA time zone: days, deadlines and times written without a zone · 时区",
        "metric_crs": "Projected CRS for metres, EPSG:n · 以米计的投影坐标系",
        "served_crs": "Projected CRS that the API offers besides the usual ones, EPSG:n · 接口提供的投影坐标系",
        "languages": "Languages of the console, the first where the browser has none of them: zh, en · 界面语言",
        "matters": "Item of the duty list that alerts of each kind open cases for · 各类预警立案所依据的权责事项",
    }
)
"""Fields in their order, with the comment that is written above each."""
REQUIRED = ("name_zh", "name_en", "code", "case_prefix", "time_zone")
_PREFIX = re.compile(r"[A-Z][A-Z0-9]{0,7}")
_EPSG = re.compile(r"EPSG:(\d{4,6})")


@dataclass(frozen=True)
class CityFault:
    """A fault of one field of the file."""

    field: str
    reason_en: str
    reason_zh: str

    def __str__(self) -> str:
        return f"{self.field}: {self.reason_en} {self.reason_zh}"


class WrongCityFile(LayerError):
    """A city file that cannot be read; the message names each field and the reason."""

    def __init__(self, path: Path, faults: list[CityFault]) -> None:
        super().__init__(f"{path}: " + "; ".join(map(str, faults)))
        self.path = path
        self.faults = faults


def read_city(path: Path) -> City:
    """Read a city file.

    Raises
    ------
    WrongCityFile
        It is no TOML, or fields are missing, unknown or wrong.
    """
    return city_from(read_document(path), path)


def read_document(path: Path) -> dict[str, Any]:
    """Read the tables of a city file whose sources are right.

    Raises
    ------
    WrongCityFile
        It is no TOML, or a source is wrong: with line, field and reason.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise WrongCityFile(path, [CityFault("TOML", str(error), "不是有效的 TOML 文件")]) from error
    if faults := [CityFault(*fault) for fault in source_faults(document, text)]:
        raise WrongCityFile(path, faults)
    return document


def city_from(document: Mapping[str, Any], path: Path) -> City:
    """Return the city of a document with the fields of the file at ``path``.

    Raises
    ------
    WrongCityFile
        Fields are missing, unknown or wrong.
    """
    if faults := [*find_faults(document)]:
        raise WrongCityFile(path, faults)
    return City(
        **{name: document[name] for name in REQUIRED},
        metric_epsg=_epsg(document.get("metric_crs")),
        served_epsg=_epsg(document.get("served_crs")),
        languages=tuple(document.get("languages", UNNAMED.languages)),
        matters=MappingProxyType(dict(document.get("matters", {}))),
    )


def fields_of(city: City) -> dict[str, Any]:
    """Return the fields of a city as its file writes them; systems that are not known are left out."""
    fields = {
        "name_zh": city.name_zh,
        "name_en": city.name_en,
        "code": city.code,
        "case_prefix": city.case_prefix,
        "time_zone": city.time_zone,
        "metric_crs": city.metric_epsg and f"EPSG:{city.metric_epsg}",
        "served_crs": city.served_epsg and f"EPSG:{city.served_epsg}",
        "languages": list(city.languages),
        "matters": dict(city.matters),
    }
    return {name: value for name, value in fields.items() if value is not None}


def write_city(path: Path, city: City) -> None:
    """Write a city file with a comment above each field, all of it or nothing; sources of a file that is there stay."""
    values = fields_of(city)
    document = tomlkit.document()
    for line in HEAD:
        document.add(tomlkit.comment(line))
    for name, note in NOTES.items():
        document.add(tomlkit.nl())
        document.add(tomlkit.comment(note))
        if name in values:
            document.add(name, tomlkit.item(values[name]))
        else:
            document.add(tomlkit.comment(f'{name} = "EPSG:…"'))
    if (sources := _sources_of(path)) is not None:
        document.add("sources", sources)
    _replace(path, tomlkit.dumps(document))


def _sources_of(path: Path) -> Any:
    """Return the sources of a file that is there; None when it names none, or is no TOML."""
    try:
        return tomlkit.parse(path.read_text(encoding="utf-8-sig")).get("sources")
    except (OSError, UnicodeDecodeError, tomlkit.exceptions.ParseError):
        return None


def set_matter_in_file(path: Path, kind: str, item_code: str) -> None:
    """Set the item of one kind of alert and leave everything else of the file as it is, comments included."""
    document = tomlkit.parse(path.read_text(encoding="utf-8-sig"))
    document.setdefault("matters", tomlkit.table())[kind] = item_code
    _replace(path, tomlkit.dumps(document))


def _replace(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)


def find_faults(document: Mapping[str, Any]) -> Iterator[CityFault]:
    """Find the faults of a document that can be seen without the database."""
    for name in document:
        if name not in (*NOTES, "sources"):
            near = difflib.get_close_matches(name, NOTES, 1)
            hint_en, hint_zh = (f"; {near[0]}?", f"，是否为 {near[0]}？") if near else ("", "")
            yield CityFault(name, f"unknown key{hint_en}", f"未知字段{hint_zh}")
    for name in REQUIRED:
        if name not in document:
            yield CityFault(name, "missing", "缺少")
    for name, check in _CHECKS.items():
        if name in document and (fault := check(document[name])) is not None:
            yield CityFault(name, *fault)
    yield from _matter_faults(document.get("matters", {}))


def _matter_faults(matters: Any) -> Iterator[CityFault]:
    """Faults of the table of matters: kinds that do not exist, values that are no codes."""
    if not isinstance(matters, dict):
        yield CityFault("matters", "not a table", "不是表")
        return
    for kind, item in matters.items():
        if kind not in CASE_KINDS:
            (nearest,) = difflib.get_close_matches(kind, CASE_KINDS, 1, 0.0)
            yield CityFault(
                f"matters.{kind}", f"no such kind of alert; {nearest}?", f"没有此类预警，是否为 {nearest}？"
            )
        elif not isinstance(item, str) or not item.strip():
            yield CityFault(f"matters.{kind}", f"not the code of an item: {item!r}", "不是事项编码")


Fault = tuple[str, str] | None


def _name_fault(value: Any) -> Fault:
    return None if isinstance(value, str) and value.strip() else (f"not a name: {value!r}", "不是名称")


def _code_fault(value: Any) -> Fault:
    if not isinstance(value, str):
        return f"not a text in quotes: {value!r}", "须为带引号的文本"
    try:
        division = parse_division(value)
    except InvalidIdentifier as error:
        return str(error), "不是六位行政区划代码"
    if division.level == "county":
        return f"{value} is a county's code, a city's ends in 00", "是县级代码，地级市代码以 00 结尾"
    return None


def _prefix_fault(value: Any) -> Fault:
    if isinstance(value, str) and _PREFIX.fullmatch(value):
        return None
    return (
        f"not 1 to 8 capital letters or digits, a letter first: {value!r}",
        "须为 1 至 8 位大写字母或数字，首位为字母",
    )


def _zone_fault(value: Any) -> Fault:
    zones = zoneinfo.available_timezones()
    if value in zones:
        return None
    near = ", ".join(difflib.get_close_matches(str(value), zones, 2)) or "Asia/Shanghai"
    return f"no such time zone: {value!r}; nearest: {near}", f"没有此时区；相近：{near}"


def _crs_fault(value: Any) -> Fault:
    code = _epsg(value)
    if code is None:
        return f"not EPSG:n: {value!r}", "须写作 EPSG:n"
    try:
        projected_system(code)
    except UnknownCrs as error:
        return str(error), "不是以米计的投影坐标系"
    return None


def _languages_fault(value: Any) -> Fault:
    if (
        isinstance(value, list)
        and value
        and len(set(map(str, value))) == len(value)
        and set(value) <= set(LANGUAGES)
    ):
        return None
    return f"not a list of {', '.join(LANGUAGES)}: {value!r}", "须为 zh、en 的列表"


_CHECKS: Mapping[str, Callable[[Any], Fault]] = {
    "name_zh": _name_fault,
    "name_en": _name_fault,
    "code": _code_fault,
    "case_prefix": _prefix_fault,
    "time_zone": _zone_fault,
    "metric_crs": _crs_fault,
    "served_crs": _crs_fault,
    "languages": _languages_fault,
}


def _epsg(value: Any) -> int | None:
    found = _EPSG.fullmatch(value) if isinstance(value, str) else None
    return int(found[1]) if found else None
