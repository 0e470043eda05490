"""Assignment of a point, a matter and a time to a unit grid, areas and competent bodies, with an explanation.

``locating`` finds the areas of the point. Then, from the lines of the duty list in force on that day:

1. The lowest level that may act leads: the town if it is empowered for the item, else the county, else the
   city.
2. Where a functional zone or a water area overlaps the county,
   ``grid.responsibility.competent_bodies.BEFORE_COUNTY`` says per domain whether its own body goes before the
   county's.
3. Bodies that the list names beside the lead (role ``joint``, same area) are co-handlers: a joint case.
   Several leads of one area: the line that is older in the list leads, the others join, and the common
   superior is named.
4. The department above the lead gets a copy (抄送).

The answer never picks silently: each step names the rule, what was chosen and what was not.
"""

from __future__ import annotations

import datetime as dt

from sqlalchemy.orm import Session

from grid.areas import HIERARCHY, time_or_now
from grid.errors import GridError
from grid.responsibility.answer import Assignment, Succession
from grid.responsibility.competent_bodies import CompetentBodies, Lead, find_competent_bodies
from grid.responsibility.duties import day_of
from grid.responsibility.enterprise_sites import site_jurisdictions, sites_of, sites_step, unknown_step
from grid.responsibility.explanation import Step
from grid.responsibility.locating import AreasByKind, PointInAreas, locate_point
from grid.responsibility.succession import area_steps, body_step, ended_areas


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
    """Assign a matter at a point and time to areas and competent bodies.

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
        raise GridError(f"lon {lon}, lat {lat}: no degrees", f"经度 {lon}、纬度 {lat} 无效")
    if not accuracy_m >= 0:
        raise GridError(f"accuracy_m {accuracy_m}: not negative", f"定位精度 {accuracy_m} 不能为负")
    when = time_or_now(at)
    found = locate_point(db, lon, lat, when, accuracy_m, enterprise_uscc)
    bodies = find_competent_bodies(db, item_code, when, found.areas)
    answer = answer_of(db, found, bodies, lon, lat, accuracy_m, item_code, when)
    return with_enterprise(db, answer, enterprise_uscc)


def with_enterprise(db: Session, answer: Assignment, uscc: str | None) -> Assignment:
    """Return the answer with every site of the enterprise in question, before the steps about successors."""
    sites = [] if uscc is None else sites_of(db, [uscc], answer.at).get(uscc, [])
    town = answer.areas.hierarchy.get("town")
    town_code = None if town is None else town.code
    answer.enterprise_sites = site_jurisdictions(db, sites, answer.item_code, answer.at, town_code)
    step = unknown_step(uscc) if uscc and not sites else sites_step(sites, town_code)
    answer.explanation += [] if step is None else [step]
    return answer


def answer_of(
    db: Session,
    found: PointInAreas,
    bodies: CompetentBodies,
    lon: float,
    lat: float,
    accuracy_m: float,
    item_code: str,
    when: dt.datetime,
) -> Assignment:
    """Return the answer from the areas and the competent bodies, with the successors of both."""
    now, later = _since(db, found.areas, bodies.lead, lon, lat, item_code, when)
    return Assignment(
        found.outcome,
        lon,
        lat,
        accuracy_m,
        item_code,
        when,
        bodies.domain,
        found.areas,
        bodies.lead,
        bodies.co_handlers,
        bodies.copied_to,
        found.candidates,
        [*found.steps, *bodies.steps, *later],
        now,
    )


def _since(
    db: Session,
    areas: AreasByKind,
    lead: Lead | None,
    lon: float,
    lat: float,
    item_code: str,
    when: dt.datetime,
) -> tuple[Succession | None, list[Step]]:
    """Return the successors of the areas and of the lead of a past matter.

    Nothing while both are in force.
    """
    now = dt.datetime.now(dt.UTC)
    line_ended = lead is not None and lead.valid_to is not None and lead.valid_to <= day_of(now)
    if when >= now or not (line_ended or ended_areas(areas, now)):
        return None, []
    followers, steps = area_steps(db, areas, now)
    there = locate_point(db, lon, lat, now).areas
    after = find_competent_bodies(db, item_code, now, there).lead
    place = next((there.hierarchy[kind].label for kind in HIERARCHY if kind in there.hierarchy), "")
    step = body_step(lead.body if lead else None, after.body if after else None, place)
    return Succession(followers, after), steps + ([] if step is None else [step])
