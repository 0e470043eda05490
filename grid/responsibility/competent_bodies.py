"""The competent bodies of a matter in given areas: lead, co-handlers and receivers of a copy."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from grid.areas import OVERLAYS, AreaVersion
from grid.responsibility.duties import LEVELS, Duty, all_lines, day_of, domain_of
from grid.responsibility.explanation import Step
from grid.responsibility.locating import AreasByKind

BEFORE_COUNTY: Mapping[str, tuple[str, ...]] = {
    "ecology": ("water", "functional_zone"),
    "urban": ("functional_zone",),
    "transport": ("water",),
    "agriculture": ("water",),
    "culture_tourism": (),
    "market": ("functional_zone",),
}
"""Kinds of overlapping areas whose bodies go before the county's, by domain, in this order.

The others come after it. An area without a line for the item never goes before anybody.
"""
AFTER_COUNTY = ("functional_zone", "water")

OVERLAY_NAMES = {"functional_zone": ("功能区", "functional zone"), "water": ("水域", "water area")}
LEVEL_NAMES = {"town": ("镇（街道）级", "town"), "county": ("县级", "county"), "city": ("市级", "city")}


@dataclass(frozen=True)
class Lead:
    """The lead body, with the line of the duty list that names it."""

    body: str
    level: str
    item_code: str
    item: str
    legal_basis: str
    kind: str
    area_code: str
    duty_item_id: int
    valid_from: dt.date
    valid_to: dt.date | None

    @classmethod
    def of_line(cls, line: Duty) -> Lead:
        """Return the lead that a line of the duty list names."""
        return cls(
            line.body, line.level, line.item_code, line.item, line.legal_basis, line.kind, line.area_code,
            line.id, line.valid_from, line.valid_to,
        )  # fmt: skip

    def as_json(self) -> dict[str, Any]:
        """Return the lead as JSON data; days are ISO 8601."""
        until = None if self.valid_to is None else self.valid_to.isoformat()
        return asdict(self) | {"valid_from": self.valid_from.isoformat(), "valid_to": until}


@dataclass(frozen=True)
class Partner:
    """A body beside the lead, with the reason in Chinese and English."""

    body: str
    level: str
    reason: str
    reason_en: str


@dataclass
class CompetentBodies:
    """The competent bodies of a matter.

    Lead (None when no line applies), co-handlers, receivers of a copy.
    """

    domain: str | None = None
    lead: Lead | None = None
    co_handlers: list[Partner] = field(default_factory=list)
    copied_to: list[Partner] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)


def body_columns(domain: str | None, lead: Lead | None, co_handlers: Sequence[Partner]) -> dict[str, object]:
    """Domain, lead and names of co-handlers as columns of a table."""
    return {
        "domain": domain,
        "lead_body": lead and lead.body,
        "lead_level": lead and lead.level,
        "co_handlers": [partner.body for partner in co_handlers],
    }


@dataclass(frozen=True)
class _Seat:
    """One area in the order of precedence."""

    level: str
    area: AreaVersion

    @property
    def overlaps(self) -> bool:
        """Whether the area lies across the hierarchy: a functional zone or a water area."""
        return self.area.kind in OVERLAYS


def find_competent_bodies(
    db: Session, item_code: str, at: dt.datetime, areas: AreasByKind
) -> CompetentBodies:
    """Find the competent bodies of an item in the areas of a place.

    Parameters
    ----------
    item_code : str
        An item of the duty list.
    at : datetime
        With zone: the duty list of that day is used.
    areas : AreasByKind
        The areas that the place lies in.

    Raises
    ------
    UnknownItem
    """
    lines = all_lines(db, item_code, sorted(asked_codes(areas)))
    domain = lines[0].domain if lines else domain_of(db, item_code)
    return bodies_of_lines(lines, domain, item_code, at, areas)


def asked_codes(areas: AreasByKind) -> set[str]:
    """Return the codes of the areas whose lines of the duty list are asked."""
    across = [area for kind in OVERLAYS for area in areas.overlays[kind]]
    asked = [areas.hierarchy[level] for level in LEVELS if level in areas.hierarchy] + across
    return {area.code for area in asked}


def bodies_of_lines(
    lines: list[Duty], domain: str, item_code: str, at: dt.datetime, areas: AreasByKind
) -> CompetentBodies:
    """Find the competent bodies from the lines that an item has in the asked areas, lowest level first."""
    found = CompetentBodies(domain=domain)
    seats = _seats(areas, found.domain)
    day = day_of(at)
    for seat in seats:
        here = [line for line in lines if line.area_code == seat.area.code and line.holds(day)]
        here = [line for line in here if seat.overlaps or line.level == seat.level]
        leads = [line for line in here if line.role == "lead"]
        if leads:
            _fill(found, seat, leads, [line for line in here if line.role == "joint"])
            _add_partners_around(found, seats, seat, lines, day)
            _explain_lead(found, seats, seat, leads[0], lines, day)
            _copy_above(found, seats, seat, lines, day)
            _explain_partners(found)
            return found
    zh = f"事项 {item_code} 在所涉区域没有 {day} 有效的牵头主体，须由指挥中心指定。"
    en = f"Item {item_code} has no lead in these areas on {day}; the command centre has to designate one."
    found.steps.append(Step("lead", "no_line", zh, en, None, [_why_not(seat, lines, day) for seat in seats]))
    return found


def _seats(areas: AreasByKind, domain: str | None) -> list[_Seat]:
    """Whom to ask, in order: town, county, city; overlapping areas before or after the county by domain."""
    first = BEFORE_COUNTY.get(domain or "", ())
    across = {kind: [_Seat("county", area) for area in areas.overlays[kind]] for kind in OVERLAYS}
    seats: list[_Seat] = []
    for level in LEVELS:
        own = [_Seat(level, areas.hierarchy[level])] if level in areas.hierarchy else []
        if level != "county":
            seats += own
            continue
        seats += [seat for kind in first for seat in across[kind]] + own
        seats += [seat for kind in AFTER_COUNTY if kind not in first for seat in across[kind]]
    return seats


def _fill(found: CompetentBodies, seat: _Seat, leads: list[Duty], joints: list[Duty]) -> None:
    lead = leads[0]
    found.domain = lead.domain
    found.lead = Lead.of_line(lead)
    taken = {lead.body}
    for line, zh, en in [
        *((line, "同一区域另一牵头主体", "another lead of the same area") for line in leads[1:]),
        *((line, "权责清单列为协办", "named as joint in the duty list") for line in joints),
    ]:
        if line.body not in taken:
            taken.add(line.body)
            found.co_handlers.append(Partner(line.body, line.level, zh, en))


def _add_partners_around(
    found: CompetentBodies, seats: list[_Seat], seat: _Seat, lines: list[Duty], day: dt.date
) -> None:
    """Add the joint bodies of functional zones and water areas of the place.

    And those of the county above an empowered town.
    """
    taken = {found.lead.body if found.lead else None, *(partner.body for partner in found.co_handlers)}
    for other in seats:
        above_town = seat.level == "town" and other.level == "county"
        if other is seat or not (other.overlaps or above_town):
            continue
        zh, en = ("所在功能区或水域列为协办", "named as joint by the area across the hierarchy")
        if not other.overlaps:
            zh, en = "上级县列为协办", "named as joint by the county above"
        for line in lines:
            if line.area_code == other.area.code and line.role == "joint" and line.holds(day):
                if line.body not in taken:
                    taken.add(line.body)
                    found.co_handlers.append(Partner(line.body, line.level, zh, en))


def _explain_lead(
    found: CompetentBodies, seats: list[_Seat], seat: _Seat, lead: Duty, lines: list[Duty], day: dt.date
) -> None:
    zh_level, en_level = LEVEL_NAMES.get(lead.level, (lead.level, lead.level))
    lower = seats[: seats.index(seat)]
    passed = [_why_not(other, lines, day) for other in lower]
    higher = [
        f"{line.body}（{other.area.label}）"
        for other in seats[seats.index(seat) + 1 :]
        for line in lines
        if line.area_code == other.area.code and line.role == "lead" and line.holds(day)
    ]
    county = next((other for other in seats if other.area.kind == "county"), None)
    goes_first = seat.overlaps and (county is None or seats.index(seat) < seats.index(county))
    rule = f"{seat.area.kind}_first" if goes_first else "lowest_level_first"
    zh = (
        f"按权责清单第 {lead.id} 条（{lead.item}，{lead.valid_from} 起有效），"
        f"由能够办理的最低层级牵头：{zh_level} {lead.body}。"
    )
    en = (
        f"By line {lead.id} of the duty list ({lead.item_code}, in force since {lead.valid_from}) the lowest level"
        f" that may act leads: {en_level}, {lead.body}."
    )
    if passed:
        zh, en = zh + "未选：" + "；".join(passed) + "。", en + " Lower levels have no line in force."
    if seat.overlaps:
        zh_kind, en_kind = OVERLAY_NAMES[seat.area.kind]
        zh_order, en_order = ("优先于县级", "before") if goes_first else ("在县级之后", "after")
        zh += f"{zh_kind} {seat.area.label} 在该领域{zh_order}。"
        en += f" In this domain the {en_kind} {seat.area.label} goes {en_order} the county."
    found.steps.append(Step("lead", rule, zh, en, lead.body, passed + higher))


def _why_not(seat: _Seat, lines: list[Duty], day: dt.date) -> str:
    """Why an area's bodies do not lead, in Chinese: the English sentence says it of all of them at once."""
    own = [line for line in lines if line.area_code == seat.area.code and line.role == "lead"]
    label = seat.area.label
    if not own:
        return f"{label}：清单未授权"
    line = max(own, key=lambda one: one.valid_from)
    if line.valid_from > day:
        return f"{label}：{line.valid_from} 起才授权"
    if line.valid_to is not None and line.valid_to <= day:
        return f"{label}：授权已于 {line.valid_to} 收回"
    return f"{label}：层级不符（{LEVEL_NAMES.get(line.level, (line.level,))[0]}）"


def _copy_above(
    found: CompetentBodies, seats: list[_Seat], seat: _Seat, lines: list[Duty], day: dt.date
) -> None:
    involved = {found.lead.body if found.lead else None, *(partner.body for partner in found.co_handlers)}
    for other in seats[seats.index(seat) + 1 :]:
        if other.level != "city":
            continue
        for line in lines:
            if line.area_code == other.area.code and line.role == "lead" and line.holds(day):
                if line.body not in involved:
                    zh, en = "抄送市级主管部门", "copy to the city's department in charge"
                    found.copied_to.append(Partner(line.body, line.level, zh, en))


def _explain_partners(found: CompetentBodies) -> None:
    if found.co_handlers:
        names = "、".join(partner.body for partner in found.co_handlers)
        zh = f"事项涉及多个主体，作为联合案件办理，协办：{names}。"
        en = f"The item concerns several bodies: a joint case with {', '.join(p.body for p in found.co_handlers)}."
        rule = "joint_case"
    else:
        zh, en, rule = (
            "清单没有协办主体，由牵头主体独立办理。",
            "The list names no joint body: the lead acts alone.",
            "single_body",
        )
    found.steps.append(Step("co_handlers", rule, zh, en, [p.body for p in found.co_handlers]))
    if any(partner.reason_en.startswith("another lead") for partner in found.co_handlers):
        superior = found.copied_to[0].body if found.copied_to else None
        zh = f"同级有多个牵头主体：先立案者优先，有争议的由共同上级{superior or '指挥中心'}指定。"
        en = (
            "Several leads of one level: who files first leads; in dispute the common superior"
            f" ({superior or 'command centre'}) designates."
        )
        found.steps.append(Step("dispute", "first_to_file", zh, en, superior))
    if found.copied_to:
        names = "、".join(partner.body for partner in found.copied_to)
        found.steps.append(
            Step("copied_to", "supervising_department", f"抄送：{names}。", f"Copied to {names}.", names)
        )
