"""Who is responsible: a point, a matter and a time → grid, areas, bodies, and every step explained.

Where the point lies is answered by ``siting``. Then, from the lines of the duty list in force on that day:

1. The lowest level that may act leads: the town if it is empowered for the item, else the county, else the city.
2. Where a functional zone or a water area overlaps the county, ``grid.responsibility.competent_bodies.BEFORE_COUNTY`` says per domain whether its
   own body goes before the county's.
3. Bodies that the list names beside the lead (role ``joint``, same area) are co-handlers: a joint case. Several
   leads of one area: the line that is older in the list leads, the others join, and the common superior is named.
4. The department above the lead gets a copy (抄送).

The answer never picks silently: each step names the rule, what was chosen and what was not.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from grid.areas import HIERARCHY, OVERLAYS, Place, moment
from grid.errors import GridError
from grid.responsibility.competent_bodies import Bodies, resolve_bodies
from grid.responsibility.duties import day_of
from grid.responsibility.enterprise_sites import sites_of, sites_step, told_sites, unknown_step
from grid.responsibility.locating import Siting, Step, name_of, site_point
from grid.responsibility.succession import area_steps, body_step, ended_places

__all__ = ["Assignment", "Bodies", "answer_of", "assign", "joined_codes", "resolve_bodies", "with_enterprise"]


@dataclass
class Assignment:
    """An answer.

    Attributes
    ----------
    outcome : str
        ``assigned``, ``ambiguous``, ``nearest_assumed`` or ``no_area``.
    areas : dict
        Kind to ``{id, code, name, valid_from}`` or None for city … unit_grid; a list for functional_zone and water.
    lead : dict or None
        ``body``, ``level``, ``item_code``, ``legal_basis``, ``area_code``; None when no line of the list applies.
    co_handlers, copied_to : list of dict
        ``body``, ``level``, ``reason`` (Chinese), ``reason_en``.
    candidates : list of dict
        Of an ambiguous answer: grids with their share of the circle, the chosen one first.
    explanation : list of dict
        ``step``, ``rule``, ``zh``, ``en``, ``chosen``, ``not_chosen``.
    now : dict or None
        Of a matter of the past whose areas or lead have ended since: ``areas`` (successors by kind) and ``lead`` of now.
    cross_region : dict or None
        Of a line or polygon that spans several towns: see :mod:`grid.responsibility.cross_region`.
    enterprise_sites : list of dict
        Of the enterprise in question every place with ``role``, ``code`` and ``name`` of its jurisdiction, ``lead_body``
        there and ``place_of_matter``.
    """

    outcome: str
    lon: float
    lat: float
    accuracy_m: float
    item_code: str
    at: dt.datetime
    domain: str | None
    areas: dict[str, Any]
    lead: dict[str, Any] | None
    co_handlers: list[dict[str, Any]]
    copied_to: list[dict[str, Any]]
    candidates: list[dict[str, Any]]
    explanation: list[dict[str, Any]] = field(default_factory=list)
    now: dict[str, Any] | None = None
    cross_region: dict[str, Any] | None = None
    enterprise_sites: list[dict[str, Any]] = field(default_factory=list)

    def area_id(self, kind: str) -> int | None:
        """Id of the area of that kind."""
        place = self.areas.get(kind)
        return int(place["id"]) if isinstance(place, dict) else None

    @property
    def scope_area_id(self) -> int | None:
        """The smallest of community, town, county and city: what row-level security compares."""
        ids = (self.area_id(kind) for kind in HIERARCHY[1:])
        return next((area_id for area_id in ids if area_id is not None), None)

    def flat(self) -> dict[str, Any]:
        """A row of a table: outcome, codes of the hierarchy, domain, bodies, what followed them, places of the enterprise.

        ``<kind>_now`` holds the successors' codes of an area that has ended, joined by ``;``.
        """
        codes = {kind: (self.areas[kind] or {}).get("code") for kind in HIERARCHY}
        bodies = Bodies(self.domain, self.lead, self.co_handlers)
        after = (self.now or {}).get("areas", {})
        later = {f"{kind}_now": joined_codes(after.get(kind)) for kind in HIERARCHY}
        lead = ((self.now or {}).get("lead") or {}).get("body")
        places = [f"{place['role']} {place['code'] or 'outside'}" for place in self.enterprise_sites]
        return {
            "outcome": self.outcome,
            **codes,
            **bodies.flat(),
            **later,
            "lead_body_now": lead,
            "enterprise_sites": list(dict.fromkeys(places)),
        }

    def as_dict(self) -> dict[str, Any]:
        """Plain data, ready for JSON."""
        return {
            "outcome": self.outcome,
            "lon": self.lon,
            "lat": self.lat,
            "accuracy_m": self.accuracy_m,
            "item_code": self.item_code,
            "at": self.at.isoformat(),
            "domain": self.domain,
            "areas": self.areas,
            "lead": self.lead,
            "co_handlers": self.co_handlers,
            "copied_to": self.copied_to,
            "candidates": self.candidates,
            "explanation": self.explanation,
            "now": self.now,
            "cross_region": self.cross_region,
            "enterprise_sites": self.enterprise_sites,
        }


def joined_codes(places: Sequence[Mapping[str, Any]] | None) -> str | None:
    """Codes of areas joined by ``;``; None without any."""
    return ";".join(place["code"] for place in places) if places else None


def assign(
    db: Session,
    *,
    lon: float,
    lat: float,
    item_code: str,
    at: dt.datetime,
    accuracy_m: float = 0.0,
    enterprise_uscc: str | None = None,
) -> Assignment:
    """Who is responsible for a matter at a point and time.

    Parameters
    ----------
    lon, lat : float
        Degrees, EPSG:4326.
    item_code : str
        An item of the duty list.
    at : datetime
        When it happened, with zone: areas and duty list of that moment answer.
    accuracy_m : float
        Radius of the position's accuracy.
    enterprise_uscc : str, optional
        Its recorded sites decide between grids when the position is ambiguous.

    Raises
    ------
    UnknownItem
        The list never had this item.
    GridError
        Coordinates out of range, a time without zone, a negative accuracy.
    """
    if not (-180 <= lon <= 180 and -90 <= lat <= 90):
        raise GridError(f"lon {lon}, lat {lat}: no degrees", f"经纬度 {lon}, {lat} 无效")
    if not accuracy_m >= 0:
        raise GridError(f"accuracy_m {accuracy_m}: not negative", f"定位精度 {accuracy_m} 不能为负")
    when = moment(at)
    siting = site_point(db, lon, lat, when, accuracy_m, enterprise_uscc)
    bodies = resolve_bodies(db, item_code, when, siting)
    answer = answer_of(db, siting, bodies, lon, lat, accuracy_m, item_code, when)
    return with_enterprise(db, answer, enterprise_uscc)


def with_enterprise(db: Session, answer: Assignment, uscc: str | None) -> Assignment:
    """The answer with every place of the enterprise in question, before the steps about bodies that followed."""
    places = [] if uscc is None else sites_of(db, [uscc], answer.at).get(uscc, [])
    town = (answer.areas.get("town") or {}).get("code")
    answer.enterprise_sites = told_sites(db, places, answer.item_code, answer.at, town)
    step = unknown_step(uscc) if uscc and not places else sites_step(places, town)
    answer.explanation += [] if step is None else [step.as_dict()]
    return answer


def answer_of(
    db: Session,
    siting: Siting,
    bodies: Bodies,
    lon: float,
    lat: float,
    accuracy_m: float,
    item_code: str,
    when: dt.datetime,
) -> Assignment:
    """The answer from where and who, with what has become of both since."""
    now, later = _since(db, siting, bodies, lon, lat, item_code, when)
    return Assignment(
        siting.outcome,
        lon,
        lat,
        accuracy_m,
        item_code,
        when,
        bodies.domain,
        _areas_of(siting),
        bodies.lead,
        bodies.co_handlers,
        bodies.copied_to,
        [_candidate(place) for place in siting.candidates],
        [step.as_dict() for step in [*siting.steps, *bodies.steps, *later]],
        now,
    )


def _since(
    db: Session, siting: Siting, bodies: Bodies, lon: float, lat: float, item_code: str, when: dt.datetime
) -> tuple[dict[str, Any] | None, list[Step]]:
    """What followed the areas and the lead of a matter of the past; nothing while both still hold."""
    now = dt.datetime.now(dt.UTC)
    line_ended = bodies.lead is not None and (bodies.lead["valid_to"] or "9999") <= day_of(now).isoformat()
    if when >= now or not (line_ended or ended_places(siting, now)):
        return None, []
    areas, steps = area_steps(db, siting, now)
    there = site_point(db, lon, lat, now, 0.0, None)
    after = resolve_bodies(db, item_code, now, there)
    place = next((name_of(there.areas[kind]) for kind in HIERARCHY if kind in there.areas), "")
    step = body_step(bodies.lead, after.lead, place)
    return {"areas": areas, "lead": after.lead}, steps + ([] if step is None else [step])


def _short(place: Place) -> dict[str, Any]:
    return {
        "id": place["id"],
        "code": place["code"],
        "name": place["name"],
        "valid_from": place["valid_from"].isoformat(),
    }


def _candidate(place: Place) -> dict[str, Any]:
    return _short(place) | {"share": place["share"], "holds_site": place["holds_site"]}


def _areas_of(siting: Siting) -> dict[str, Any]:
    one = {kind: siting.areas.get(kind) for kind in reversed(HIERARCHY)}
    areas: dict[str, Any] = {kind: None if place is None else _short(place) for kind, place in one.items()}
    return areas | {kind: [_short(place) for place in siting.areas[kind]] for kind in OVERLAYS}
