"""Contract of a delivery, read from a Table Schema of Frictionless Data (JSON).

What the standard has no word for stands under ``wangge``: rules that only warn, freshness, volume, and when the
next delivery is expected. A key that nobody checks is refused: it would promise something.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import polars as pl

from layers.codes import to_half_width
from layers.contracts.delivery_checks import Expected, Freshness, Volume
from layers.errors import InputError
from layers.imports import Column, FileKind, columns_at, words_of

TYPES = ("string", "integer", "number", "boolean", "date", "datetime", "any")
CONSTRAINTS = ("required", "unique", "minLength", "maxLength", "minimum", "maximum", "pattern", "enum")
_NUMERIC = ("integer", "number")
_DAYS = ("date", "datetime")
_SCHEMA_KEYS = (
    "$schema", "name", "title", "description", "fields", "primaryKey", "uniqueKeys", "missingValues", "wangge",
)  # fmt: skip
_FIELD_KEYS = ("name", "type", "format", "title", "description", "constraints", "example", "rdfType")
_OWN_KEYS = ("warn", "freshness", "volume", "delivery")
_DURATION = re.compile(r"(\d{1,4}) ?(m|h|d)")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
LARGEST_FILE = 2**20


@dataclass(frozen=True)
class ContractField:
    """One column of a contract: our name of it, the type, and what its values keep to."""

    name: str
    type: str
    constraints: Mapping[str, Any]


@dataclass(frozen=True)
class Contract:
    """Promise of a department about its deliveries.

    Attributes
    ----------
    fields : tuple of ContractField
        Under the names that the kind's columns have here.
    primary_key : tuple of str
        Columns that are never empty and stand in a delivery once.
    unique : tuple of tuples of str
        Columns whose values together stand in a delivery once, those of the primary key among them.
    missing_values : frozenset of str
        Texts that mean that there is no value.
    warn : frozenset of str
        Rules that warn; all others hold.
    freshness, volume, expected
        Of the delivery as a whole; None: not promised.
    sha256 : str
        Of the file: which contract a delivery was checked by.
    """

    fields: tuple[ContractField, ...] = ()
    primary_key: tuple[str, ...] = ()
    unique: tuple[tuple[str, ...], ...] = ()
    missing_values: frozenset[str] = frozenset({""})
    warn: frozenset[str] = frozenset()
    freshness: Freshness | None = None
    volume: Volume | None = None
    expected: Expected | None = None
    sha256: str | None = None

    def level_of(self, rule: str) -> Any:
        """Return whether a rule holds or warns."""
        return "warn" if rule in self.warn else "hold"


def read_duration(text: object) -> dt.timedelta | None:
    """Return a time span written as ``90m``, ``2h`` or ``1d``; None when it is none.

    Examples
    --------
    >>> read_duration("90m"), read_duration("1d"), read_duration("soon"), read_duration("0h")
    (datetime.timedelta(seconds=5400), datetime.timedelta(days=1), None, None)
    """
    found = _DURATION.fullmatch(text) if isinstance(text, str) else None
    return dt.timedelta(**{_UNITS[found[2]]: int(found[1])}) if found and int(found[1]) else None


def read_contract(path: Path, kind: FileKind) -> Contract:
    """Read the contract of a file.

    Raises
    ------
    InputError
        It is no JSON, or something in it is missing, unknown or wrong; all of it is named.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST_FILE + 1)
        document = json.loads(raw.decode("utf-8-sig")) if len(raw) <= LARGEST_FILE else None
    except (OSError, ValueError) as error:
        raise InputError(f"{path.name}: no contract in JSON 不是 JSON 格式的约定 ({error})") from error
    if not isinstance(document, dict):
        raise InputError(f"{path.name}: no contract in JSON 不是 JSON 格式的约定")
    return contract_from(document, kind, path.name, hashlib.sha256(raw).hexdigest())


def contract_from(
    document: Mapping[str, Any], kind: FileKind, name: str = "contract", sha256: str | None = None
) -> Contract:
    """Return the contract of a document; its fields may have the headings of the office.

    Raises
    ------
    InputError

    Examples
    --------
    >>> from layers.imports import FILE_KINDS
    >>> made = contract_from({"fields": [{"name": "读数", "type": "number", "constraints": {"minimum": 0}}]},
    ...                      FILE_KINDS["meters"])
    >>> made.fields[0].name, made.level_of("value.minimum")
    ('value', 'hold')
    """
    reading = _Reading(document, kind)
    contract = reading.contract(sha256)
    if reading.faults:
        raise InputError(f"{name}: " + "; ".join(reading.faults))
    return contract


@dataclass
class _Reading:
    """The reading of one document, which goes on after a fault so that all are told."""

    document: Mapping[str, Any]
    kind: FileKind
    faults: list[str] = field(default_factory=list)

    def contract(self, sha256: str | None) -> Contract:
        self._known(self.document, _SCHEMA_KEYS, "")
        listed = self.document.get("fields")
        if not isinstance(listed, list) or not all(
            isinstance(one, dict) and isinstance(one.get("name"), str) for one in listed
        ):
            self.faults.append("fields: a list of {name, type} 应为字段列表")
            return Contract()
        columns = self._columns([one["name"] for one in listed])
        fields = tuple(self._field(one, columns[one["name"]]) for one in listed if one["name"] in columns)
        own = self.document.get("wangge", {})
        if not isinstance(own, dict):
            self.faults.append("wangge: not a table 不是对象")
            own = {}
        self._known(own, _OWN_KEYS, "wangge.")
        unique = self._unique(fields, columns)
        contract = Contract(
            fields,
            unique[0] if unique and "primaryKey" in self.document else (),
            unique,
            frozenset(map(str, self.document.get("missingValues", [""]))),
            freshness=self._freshness(own.get("freshness"), fields, columns),
            volume=self._volume(own.get("volume")),
            expected=self._expected(own.get("delivery")),
            sha256=sha256,
        )
        return self._with_warnings(contract, own.get("warn", []), columns)

    def _known(self, given: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
        self.faults += [f"{where}{key}: unknown key 未知的键" for key in given if key not in known]

    def _columns(self, names: list[str]) -> dict[str, Column]:
        """Columns of the kind by the names of the contract's fields."""
        found: dict[str, Column] = {}
        for name in names:
            at = columns_at([name], self.kind)
            if not at:
                listed = ", ".join(column.name for column in self.kind.columns)
                self.faults.append(f"{name}: no column of {self.kind.name} 不是该类别的列 ({listed})")
            elif at[0] in found.values():
                self.faults.append(f"{name}: the column stands there twice 列重复")
            else:
                found[name] = at[0]
        return found

    def _field(self, given: Mapping[str, Any], column: Column) -> ContractField:
        name, of_type, limits = given["name"], given.get("type", "string"), given.get("constraints", {})
        self._known(given, _FIELD_KEYS, f"{name}.")
        if of_type not in TYPES:
            self.faults.append(f"{name}.type: one of 应为 {', '.join(TYPES)}")
        if given.get("format", "default") not in ("default", "any"):
            self.faults.append(f"{name}.format: default or any 只支持 default 或 any")
        if not isinstance(limits, dict):
            self.faults.append(f"{name}.constraints: not a table 不是对象")
            limits = {}
        self._known(limits, CONSTRAINTS, f"{name}.constraints.")
        for rule, value in limits.items():
            if rule in CONSTRAINTS and not _fits(rule, value, of_type):
                self.faults.append(f"{name}.constraints.{rule}: does not fit {of_type} 与类型不符: {value!r}")
        if isinstance(limits.get("enum"), list):
            words = words_of(column) if column.choices else {}
            limits = limits | {
                "enum": [
                    words.get(w := to_half_width(str(one)), w) if words else one for one in limits["enum"]
                ]
            }
        return ContractField(column.name, of_type, MappingProxyType(dict(limits)))

    def _unique(
        self, fields: tuple[ContractField, ...], columns: Mapping[str, Column]
    ) -> tuple[tuple[str, ...], ...]:
        keys = [self.document["primaryKey"]] if "primaryKey" in self.document else []
        keys += self.document.get("uniqueKeys", [])
        keys += [[one.name] for one in fields if one.constraints.get("unique")]
        found = []
        for key in keys:
            names = [key] if isinstance(key, str) else key
            if not isinstance(names, list) or not names:
                self.faults.append(f"primaryKey, uniqueKeys: names of fields 应为字段名: {key!r}")
                continue
            ours = [columns[name].name if name in columns else name for name in names]
            if unknown := [name for name in ours if name not in {one.name for one in fields}]:
                self.faults.append(
                    f"primaryKey, uniqueKeys: no field 没有该字段: {', '.join(map(str, unknown))}"
                )
            else:
                found.append(tuple(ours))
        return tuple(dict.fromkeys(found))

    def _with_warnings(self, contract: Contract, warn: Any, columns: Mapping[str, Column]) -> Contract:
        """Return the contract with the rules that only warn; a name of no rule is a fault."""
        rules = {"empty", "unique", "freshness", "volume", "shape", "import"}
        for one in contract.fields:
            rules |= {f"{one.name}.{rule}" for rule in ("type", "required", *one.constraints)}
        named = set()
        for rule in warn if isinstance(warn, list) else [str(warn)]:
            begin, dot, end = str(rule).rpartition(".")
            ours = f"{columns[begin].name}.{end}" if dot and begin in columns else str(rule)
            if ours not in rules or ours in ("empty", "shape", "import"):
                self.faults.append(f"wangge.warn: no rule that can warn 没有可提醒的该规则: {rule}")
            named.add(ours)
        return Contract(**{**vars(contract), "warn": frozenset(named)})

    def _freshness(
        self, given: Any, fields: tuple[ContractField, ...], columns: Mapping[str, Column]
    ) -> Freshness | None:
        if given is None:
            return None
        name = str(given.get("field")) if isinstance(given, dict) else ""
        ours = columns[name].name if name in columns else name
        at_most = read_duration(given.get("at_most")) if isinstance(given, dict) else None
        of = next((one for one in fields if one.name == ours), None)
        if of is None or of.type not in _DAYS or at_most is None or set(given) != {"field", "at_most"}:
            self.faults.append(
                'wangge.freshness: {"field": a date or datetime 日期或时间字段, "at_most": "2d"}'
            )
            return None
        return Freshness(of.name, at_most)

    def _volume(self, given: Any) -> Volume | None:
        if given is None:
            return None
        try:
            made = Volume(**given)
        except TypeError:
            made = None
        if made is None or not made.is_sound():
            self.faults.append(
                'wangge.volume: {"at_least": 0.5, "at_most": 2, "of_last": 10} 与以往行数中位数之比'
            )
            return None
        return made

    def _expected(self, given: Any) -> Expected | None:
        if given is None:
            return None
        every = read_duration(given.get("every")) if isinstance(given, dict) else None
        grace = read_duration(given.get("grace", "1h")) if isinstance(given, dict) else None
        try:
            by = dt.time.fromisoformat(given["by"]) if every and "by" in given else None
            wrong = every is None or grace is None or bool(set(given) - {"every", "by", "grace"})
            wrong = wrong or (
                by is not None and every is not None and every % dt.timedelta(days=1) != dt.timedelta()
            )
        except (TypeError, ValueError):
            by, wrong = None, True
        if wrong or every is None or grace is None:
            self.faults.append(
                'wangge.delivery: {"every": "1d", "by": "09:00", "grace": "2h"} 应到间隔、时刻与宽限'
            )
            return None
        return Expected(every, by, grace)


def _fits(rule: str, value: Any, of_type: str) -> bool:
    """Return whether the value of a constraint can be one for a type."""
    if rule in ("required", "unique"):
        return isinstance(value, bool)
    if rule in ("minLength", "maxLength"):
        return of_type in ("string", "any") and isinstance(value, int) and value >= 0
    if rule in ("minimum", "maximum"):
        return _limit(value, of_type) is not None
    if rule == "enum":
        return isinstance(value, list) and bool(value)
    try:
        pl.Series([""]).str.contains(value)
    except Exception:
        return False
    return of_type in ("string", "any") and isinstance(value, str)


def _limit(value: Any, of_type: str) -> Any:
    if of_type in _NUMERIC:
        return value if isinstance(value, int | float) and not isinstance(value, bool) else None
    return limit_day(value, of_type) if of_type in _DAYS else None


def limit_day(value: Any, of_type: str) -> dt.date | dt.datetime | None:
    """Return a limit of days or times as such; a time without a zone is no limit."""
    try:
        if of_type == "date":
            return dt.date.fromisoformat(value)
        moment = dt.datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return moment.astimezone(dt.UTC) if moment.tzinfo else None
