"""Checks of imported versions of registers beyond single values: references, days, cycles, double names."""

from __future__ import annotations

import datetime as dt
import difflib
import json
from collections import defaultdict
from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
from sqlalchemy.orm import Session

from grid.errors import GridError
from grid.registers import versions as registers
from grid.registers.limits import limits_of_row
from layers.imports import EVIDENCE_KINDS, FILE_KINDS
from layers.imports.checks import CheckedFrame
from layers.local_time import local_zone
from layers.tables import DOMAINS

LISTS = ("former_names", "domains", "area_codes", "evidence", "keywords")
MOST_SUGGESTED = 3


def nearest_names(name: str, known: Iterable[str]) -> list[str]:
    """Return the names of a register that are most like one that it does not have, three at most."""
    return difflib.get_close_matches(name, list(known), MOST_SUGGESTED, 0.4)


def _unknown_body(known: Iterable[str]) -> Callable[[str], str]:
    listed = sorted(set(known))

    def said(name: str) -> str:
        near = ", ".join(nearest_names(name, listed)) or "—"
        return f"not in the register of bodies; nearest: {near} 主体登记簿中没有，相近：{near}"

    return said


def check_duty_bodies(db: Session, checked: CheckedFrame) -> None:
    """Reject lines of a duty list whose body is not in the register, with the nearest names."""
    known = registers.body_codes_by_name(db)
    checked.reject(~_in(checked.frame["body"], known), "body", _unknown_body(known))


def check_versions(db: Session, register: str, checked: CheckedFrame, *, now: dt.datetime) -> None:
    """Reject what a register must not hold and bring the rows to the form that is written.

    Checked: reversed dates and overlapping versions, unknown areas, domains, superiors, bodies, accounts and
    kinds of alerts, a certificate that ended, cycles of superiors, one name twice in a level and area.
    """
    given = [column.name for column in FILE_KINDS[register].columns]
    for name in LISTS:
        if name in given:
            checked.frame = checked.frame.with_columns(_parts(checked.frame[name]))
    _check_days(checked, registers.KEYS[register])
    if register == "bodies":
        _check_bodies(db, checked)
    elif register == "officers":
        _check_officers(db, checked, now.astimezone(local_zone()).date())
    elif register == "matters":
        _check_matters(db, checked)
    elif register == "grid_workers":
        _check_parts(
            checked, "area_codes", registers.known_values(db, "grid_places"), "grid or community 网格或社区"
        )
    else:
        _check_households(db, checked)
    if "domains" in given:
        _check_parts(checked, "domains", set(DOMAINS), "domain 领域")
    for name, default in (
        ("confirmed", True),
        ("on_duty", True),
        ("legal_review", False),
        ("public", False),
        ("suspension_stops_clock", True),
    ):
        if name in given:
            yes = pl.when(pl.col(name).is_null()).then(pl.lit(default)).otherwise(pl.col(name) == "yes")
            checked.frame = checked.frame.with_columns(yes.alias(name))


def _parts(series: pl.Series) -> pl.Series:
    """Return lists as texts by plain semicolons, without blanks and empty parts."""

    def plain(value: str) -> str | None:
        parts = [part.strip() for part in value.replace("\uff1b", ";").split(";")]
        return ";".join(filter(None, parts)) or None

    return pl.Series(
        series.name, [None if value is None else plain(value) for value in series.to_list()], dtype=pl.Utf8
    )


def _in(series: pl.Series, known: Iterable[str]) -> pl.Series:
    return series.is_null() | series.is_in(list(known)).fill_null(False)


def _reject_rows(checked: CheckedFrame, faults: dict[int, str], field: str) -> None:
    for reason in dict.fromkeys(faults.values()):
        rows = np.array([faults.get(i) == reason for i in range(checked.frame.height)])
        checked.reject(rows, field, reason)


def _check_parts(checked: CheckedFrame, field: str, known: set[str], what: str) -> None:
    faults = {}
    for i, value in enumerate(checked.frame[field].to_list()):
        unknown = [part for part in (value or "").split(";") if part and part not in known]
        if unknown:
            faults[i] = f"unknown {what}: {', '.join(unknown)} 未登记"
    _reject_rows(checked, faults, field)


def _check_days(checked: CheckedFrame, key: str) -> None:
    frame = checked.frame
    checked.reject(
        (frame["valid_to"] <= frame["valid_from"]).fill_null(False),
        "valid_to",
        "not after valid_from 止日不晚于起日",
    )
    by_key: dict[str, list[tuple[dt.date, dt.date | None, int]]] = defaultdict(list)
    for i, (name, begin, end) in enumerate(frame.select(key, "valid_from", "valid_to").iter_rows()):
        if name is not None and begin is not None:
            by_key[name].append((begin, end, i))
    faults = {}
    for of_key in by_key.values():
        of_key.sort(key=lambda version: version[0])
        for first, second in pairwise(of_key):
            if first[1] is not None and first[1] > second[0]:
                faults[second[2]] = f"overlaps the version from {first[0]} 与 {first[0]} 起的版本时间重叠"
    _reject_rows(checked, faults, "valid_from")


def _check_bodies(db: Session, checked: CheckedFrame) -> None:
    frame = checked.frame
    known = registers.body_codes_by_name(db)
    codes = {*known.values(), *filter(None, frame["code"].to_list())}
    checked.reject(
        ~_in(frame["area_code"], registers.known_values(db, "areas")),
        "area_code",
        "unknown area 区域编码未知",
    )
    checked.reject(~_in(frame["parent_code"], codes), "parent_code", _unknown_body(codes))
    parents = registers.parents_of_bodies(db)
    given = frame.sort("valid_from").select("code", "parent_code").iter_rows()
    parents |= {code: parent for code, parent in given}
    faults = {}
    for i, code in enumerate(frame["code"].to_list()):
        seen: list[str] = []
        step: str | None = code
        while step is not None and step not in seen:
            seen.append(step)
            step = parents.get(step)
        if step == code and code is not None:
            faults[i] = f"cycle of superiors 上级成环: {' → '.join([*seen, code])}"
    _reject_rows(checked, faults, "parent_code")
    _check_double_names(db, checked)


def _check_double_names(db: Session, checked: CheckedFrame) -> None:
    columns = ("name", "level", "area_code", "code", "valid_from", "valid_to")
    by_place: dict[Any, list[tuple[Any, ...]]] = defaultdict(list)
    for row in registers.places_of_bodies(db):
        by_place[row[:3]].append(row[3:])
    faults = {}
    for i, row in enumerate(checked.frame.select(columns).iter_rows()):
        if row[4] is None:
            continue
        for code, begin, end in by_place[row[:3]]:
            if code != row[3] and begin < (row[5] or dt.date.max) and row[4] < (end or dt.date.max):
                faults[i] = f"{code} has this name at the same level and area 同层级同区域重名"
        by_place[row[:3]].append(row[3:])
    _reject_rows(checked, faults, "name")


def _check_officers(db: Session, checked: CheckedFrame, today: dt.date) -> None:
    codes = registers.body_codes_by_name(db)
    checked.reject(~_in(checked.frame["body_code"], codes), "body_code", _unknown_body(codes))
    resolved = [codes.get(name, name) for name in checked.frame["body_code"].to_list()]
    checked.frame = checked.frame.with_columns(pl.Series("body_code", resolved, dtype=pl.Utf8))
    frame = checked.frame
    checked.reject(
        ~_in(frame["username"], registers.known_values(db, "accounts")),
        "username",
        "no such account 没有此账户",
    )
    reversed_ = (frame["certificate_to"] < frame["certificate_from"]).fill_null(False)
    checked.reject(reversed_, "certificate_to", "before certificate_from 证件止日早于起日")
    ended = (
        (frame["certificate_to"] < today) & (frame["valid_to"].is_null() | (frame["valid_to"] > today))
    ).fill_null(False)
    stored = registers.certificates(db)
    known = pl.Series(
        [pair in stored for pair in frame.select("certificate_no", "certificate_to").iter_rows()],
        dtype=pl.Boolean,
    )
    checked.reject(ended & ~reversed_ & ~known, "certificate_to", "the certificate has ended 证件已过期")
    _check_parts(checked, "area_codes", registers.known_values(db, "areas"), "area 区域")


def _check_households(db: Session, checked: CheckedFrame) -> None:
    known = _in(checked.frame["grid_code"], registers.known_values(db, "unit_grids"))
    checked.reject(~known, "grid_code", "no unit grid has this code 没有此编码的单元网格")
    _check_whole(checked, "households", "residents")


def _check_whole(checked: CheckedFrame, *names: str) -> None:
    """Reject numbers that are not whole, and write the others as such."""
    for name in names:
        frame = checked.frame
        checked.reject(
            (frame[name] != frame[name].floor()).fill_null(False), name, "not a whole number 须为整数"
        )
    checked.frame = checked.frame.with_columns(pl.col(name).cast(pl.Int64, strict=False) for name in names)


def _check_matters(db: Session, checked: CheckedFrame) -> None:
    frame = checked.frame
    kinds = registers.known_values(db, "alert_kinds")
    listed = ", ".join(sorted(kinds))
    checked.reject(
        ~_in(frame["alert_kind"], kinds), "alert_kind", f"unknown kind of alerts 没有这种预警类型: {listed}"
    )
    _check_parts(checked, "evidence", set(EVIDENCE_KINDS), "evidence 证据")
    for name in ("extension_days_at_most", "duplicate_days"):
        checked.reject(
            (frame[name] != frame[name].floor()).fill_null(False), name, "not a whole number 须为整数"
        )
    limits: list[str] = []
    for stage in [name for name in frame.columns if name.startswith("limit_")]:
        faults = {}
        for i, value in enumerate(frame[stage].to_list()):
            try:
                limits_of_row({stage: value})
            except GridError as error:
                faults[i] = f"{error.message_en} {error.message_zh}"
        _reject_rows(checked, faults, stage)
    for row in frame.iter_rows(named=True):
        limits.append(_limits_json(row))
    checked.frame = frame.with_columns(
        pl.Series("limits", limits, dtype=pl.Utf8),
        pl.col("extension_days_at_most").fill_null(0).cast(pl.Int64, strict=False),
        pl.col("duplicate_days").cast(pl.Int64, strict=False),
    )


def _limits_json(row: dict[str, Any]) -> str:
    try:
        return json.dumps(limits_of_row(row))
    except GridError:
        return "{}"
