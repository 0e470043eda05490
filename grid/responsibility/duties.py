"""The duty list (权责清单): competent body by item, area and days, and the checks of a list."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import ARRAY, Text, any_, literal, select
from sqlalchemy.orm import Session

from grid.areas import OVERLAYS
from grid.errors import UnknownItem
from layers.local_time import local_zone
from layers.tables import Area, DutyItem

LEVELS = ("town", "county", "city")
"""From the lowest: who can act alone first is asked first."""


@dataclass(frozen=True)
class Duty:
    """One line of the list.

    It holds from ``valid_from`` up to but not including ``valid_to`` (days in China).
    """

    id: int
    item_code: str
    item: str
    domain: str
    legal_basis: str
    kind: str
    body: str
    level: str
    area_code: str
    role: str
    valid_from: dt.date
    valid_to: dt.date | None

    def holds(self, day: dt.date) -> bool:
        """Whether the line is in force on a day."""
        return self.valid_from <= day and (self.valid_to is None or day < self.valid_to)


_COLUMNS = tuple(DutyItem.__table__.c[name] for name in Duty.__dataclass_fields__)


def day_of(at: dt.datetime) -> dt.date:
    """Return the day in the city to which a moment belongs."""
    return at.astimezone(local_zone()).date()


def all_lines(db: Session, item_code: str, area_codes: Sequence[str] | None = None) -> list[Duty]:
    """Return the lines of an item in any time, lowest level first.

    Raises
    ------
    UnknownItem
    """
    statement = select(*_COLUMNS).where(DutyItem.item_code == item_code)
    if area_codes is not None:
        statement = statement.where(DutyItem.area_code.in_(area_codes))
    lines = [Duty(*row) for row in db.execute(statement)]
    if not lines and db.scalar(select(DutyItem.id).where(DutyItem.item_code == item_code).limit(1)) is None:
        raise UnknownItem(f"no item {item_code!r} in the duty list", f"权责清单中没有事项 {item_code}")
    return sorted(lines, key=_order)


def lines_of_items(
    db: Session, item_codes: Sequence[str], area_codes: Sequence[str]
) -> dict[str, list[Duty]]:
    """Return the lines of many items in some areas in any time, by item, lowest level first."""
    statement = select(*_COLUMNS).where(
        DutyItem.item_code == any_(literal(list(item_codes), ARRAY(Text))),
        DutyItem.area_code == any_(literal(list(area_codes), ARRAY(Text))),
    )
    found: dict[str, list[Duty]] = {item_code: [] for item_code in item_codes}
    for row in db.execute(statement):
        line = Duty(*row)
        found[line.item_code].append(line)
    for lines in found.values():
        lines.sort(key=_order)
    return found


def domain_of(db: Session, item_code: str) -> str:
    """Return the domain of an item, from its first line in any area.

    Raises
    ------
    UnknownItem
    """
    return all_lines(db, item_code)[0].domain


def _order(duty: Duty) -> tuple[int, str, bool, dt.date, int]:
    level = LEVELS.index(duty.level) if duty.level in LEVELS else len(LEVELS)
    return level, duty.area_code, duty.role != "lead", duty.valid_from, duty.id


@dataclass(frozen=True)
class DutyFault:
    """One fault of a duty list; ``lines`` has the ids of the lines concerned (of a file: its rows)."""

    rule: Literal[
        "no_lead", "two_leads", "overlapping_dates", "unknown_area", "dates_reversed", "two_domains"
    ]
    item_code: str
    area_code: str
    zh: str
    en: str
    lines: tuple[int, ...] = ()

    def __str__(self) -> str:
        return f"{self.item_code} {self.area_code}: {self.en}"


def check_list(duties: Iterable[Duty], known_area_codes: Iterable[str] | None = None) -> list[DutyFault]:
    """Check a duty list and return every fault, by item and area.

    Checked: dates in order; a body named twice for the same days; two leads of one area on the same day;
    joint bodies without a lead; an item in two domains; areas that are not known (when given). A line is
    reported once for each rule.
    """
    by_place: dict[tuple[str, str], list[Duty]] = defaultdict(list)
    domains: dict[str, dict[str, int]] = defaultdict(dict)
    for duty in duties:
        by_place[duty.item_code, duty.area_code].append(duty)
        domains[duty.item_code].setdefault(duty.domain, duty.id)
    known = None if known_area_codes is None else set(known_area_codes)
    faults: list[DutyFault] = []
    for (item, area), lines in sorted(by_place.items()):
        if known is not None and area not in known:
            zh, en, first = "区域编码未知", "the area code is not known", (lines[0].id,)
            faults.append(DutyFault("unknown_area", item, area, zh, en, first))
        faults += _faults_of_place(item, area, lines)
    for item, named in sorted(domains.items()):
        if len(named) > 1:
            listed, ids = ", ".join(sorted(named)), tuple(named.values())
            zh, en = f"事项同时属于 {listed}", f"the item is in {listed}"
            faults.append(DutyFault("two_domains", item, "", zh, en, ids))
    return faults


def _faults_of_place(item: str, area: str, lines: list[Duty]) -> list[DutyFault]:
    faults = []
    for line in lines:
        if line.valid_to is not None and line.valid_to <= line.valid_from:
            zh, en = f"{line.body}：止日不晚于起日", f"{line.body}: ends before it begins"
            faults.append(DutyFault("dates_reversed", item, area, zh, en, (line.id,)))
    if all(line.role != "lead" for line in lines):
        zh, en = "有协办无牵头", "joint bodies without a lead"
        faults.append(DutyFault("no_lead", item, area, zh, en, (lines[0].id,)))
    return faults + _clashes(item, area, lines)


def _clashes(item: str, area: str, lines: list[Duty]) -> list[DutyFault]:
    """Each line against the ones that began before it and last longest.

    Of its own body and role, and of other leads.
    """
    faults = []
    latest: dict[tuple[str, str], Duty] = {}
    leads: list[Duty] = []  # the longest ones of two different bodies
    for line in sorted(lines, key=lambda line: (line.valid_from, line.id)):
        same = latest.get((line.body, line.role))
        if same is not None and _overlap(same, line):
            zh, en = f"{line.body} 时间重叠", f"{line.body} is listed twice for the same days"
            faults.append(DutyFault("overlapping_dates", item, area, zh, en, (same.id, line.id)))
        if same is None or _end(line) > _end(same):
            latest[line.body, line.role] = line
        if line.role != "lead":
            continue
        other = next((lead for lead in leads if lead.body != line.body), None)
        if other is not None and _overlap(other, line):
            names = f"{other.body}, {line.body}"
            zh, en = f"两个牵头：{names}", f"two leads: {names}"
            faults.append(DutyFault("two_leads", item, area, zh, en, (other.id, line.id)))
        leads = _two_longest([*leads, line])
    return faults


def _two_longest(leads: list[Duty]) -> list[Duty]:
    kept: list[Duty] = []
    for lead in sorted(leads, key=_end, reverse=True):
        if all(lead.body != one.body for one in kept):
            kept.append(lead)
    return kept[:2]


def _end(duty: Duty) -> dt.date:
    return duty.valid_to or dt.date.max


def _overlap(first: Duty, second: Duty) -> bool:
    return first.valid_from < _end(second) and second.valid_from < _end(first)


def stored_list(db: Session) -> list[Duty]:
    """Read every stored line, by item, area, role and first day."""
    order = ("item_code", "area_code", "role", "valid_from", "id")
    statement = select(*_COLUMNS).order_by(*(DutyItem.__table__.c[name] for name in order))
    return [Duty(*row) for row in db.execute(statement)]


def check_stored(db: Session) -> list[DutyFault]:
    """Check the stored duty list; a functional zone or a water area may have joint bodies only."""
    duties = stored_list(db)
    rows = db.execute(select(Area.code, Area.kind).where(Area.kind != "unit_grid").distinct()).all()
    across = {code for code, kind in rows if kind in OVERLAYS}
    faults = check_list(duties, [code for code, _ in rows])
    return [fault for fault in faults if fault.rule != "no_lead" or fault.area_code not in across]
