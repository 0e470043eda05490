"""Assignment of a line or a polygon to one town, or to a lead town with co-handling towns and a common superior.

1. Every unit grid that the geometry meets has a share of it: of its area for polygons, of its length for
  lines, of its
   points for multi-points (``grid.responsibility.shares``). What lies outside of all grids is said.
2. The shares are added up by town. A case of one town is a case of that town's lead, as for a point.
3. Of several towns the one with the largest share leads (equal shares: the lower code); where a case was
  filed before,
   who filed first leads. The leads of the other towns' matters are co-handlers.
4. The smallest area that holds all these towns is named: in dispute it designates (指定管辖).
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass, field
from typing import Any

import shapely
from sqlalchemy import text
from sqlalchemy.orm import Session

from grid.areas import HIERARCHY, OVERLAYS, AreaVersion, ancestor_chains, areas_at_point, time_or_now
from grid.errors import GridError
from grid.responsibility.answer import AreaName, Assignment, CrossRegion, TownShare
from grid.responsibility.assignment import answer_of, assign, with_enterprise
from grid.responsibility.competent_bodies import CompetentBodies, Partner, find_competent_bodies
from grid.responsibility.explanation import Step
from grid.responsibility.locating import AreasByKind, Candidate, PointInAreas
from grid.responsibility.shares import shares_in_zones
from layers.codes import name_and_code
from layers.codes.outline_faults import outline_fault

NEGLIGIBLE_SHARE = 1e-9
CANDIDATES_SHOWN = 200
_TOWN_OR_ELSE = ("town", "county", "city", "community", "unit_grid")

_MEETING = text("""
SELECT id, code, name, kind, parent_id, valid_from, valid_to, ST_AsBinary(geom) AS wkb FROM areas
WHERE geom && ST_GeomFromWKB(:wkb, 4326) AND kind = 'unit_grid' AND valid_from <= :at
  AND (valid_to IS NULL OR valid_to > :at) AND ST_Intersects(geom, ST_GeomFromWKB(:wkb, 4326))
ORDER BY code, id
""")


def assign_geometry(
    db: Session,
    geometry: Any,
    *,
    item_code: str,
    at: dt.datetime,
    enterprise_uscc: str | None = None,
    first_filed: str | None = None,
) -> Assignment:
    """Assign a matter with a line or polygon to areas and competent bodies.

    Parameters
    ----------
    geometry : shapely geometry
        EPSG:4326. A point is answered as by :func:`grid.responsibility.assignment.assign`.
    item_code, at
        As of :func:`grid.responsibility.assignment.assign`.
    first_filed : str, optional
        Code of the town that filed a case of this matter first: it leads when the geometry meets it.

    Returns
    -------
    Assignment
        ``candidates`` are the grids with their shares; ``cross_region`` is None for one town.

    Raises
    ------
    UnknownItem
    GridError
        An empty or invalid geometry, coordinates out of range, a time without zone.
    """
    when = time_or_now(at)
    _check(geometry)
    here = geometry.representative_point() if geometry.geom_type != "MultiPoint" else geometry.centroid
    shares = _shares(db, geometry, when)
    if geometry.geom_type == "Point" or not shares:
        return assign(
            db, lon=here.x, lat=here.y, item_code=item_code, at=when, enterprise_uscc=enterprise_uscc
        )
    every = ancestor_chains(db, [share.area.id for share in shares], when)
    towns = _by_town(shares, every)
    lead = next((town for town in towns if town.code == first_filed), towns[0])
    chosen = next(share for share in shares if share.area.id in lead.grids)
    found = PointInAreas("assigned", _areas(db, geometry, when, every[chosen.area.id]))
    found.candidates = shares[:CANDIDATES_SHOWN]
    found.steps.append(_share_step(shares, chosen, geometry))
    bodies = find_competent_bodies(db, item_code, when, found.areas)
    cross = None
    if len(towns) > 1:
        told = _leads_of_towns(db, item_code, when, towns, lead, every, bodies)
        above = _superior(towns, every)
        rule = "first_to_file" if lead.code == first_filed else "largest_share_leads"
        bodies.steps.append(_cross_step(rule, told, lead, above))
        outside = max(1.0 - math.fsum(share.share for share in shares), 0.0)
        superior = None if above is None else AreaName(above.code, above.name)
        cross = CrossRegion(lead.code, superior, told, outside)
    answer = answer_of(db, found, bodies, here.x, here.y, 0.0, item_code, when)
    answer.cross_region = cross
    return with_enterprise(db, answer, enterprise_uscc)


def _check(geometry: Any) -> None:
    if geometry.is_empty:
        raise GridError("geometry: empty", "geometry 为空")
    if not geometry.is_valid:
        english, chinese = outline_fault(geometry)
        raise GridError(f"geometry: {english}", f"geometry：{chinese}")
    west, south, east, north = geometry.bounds
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise GridError(f"geometry: {west}, {south} … {east}, {north}: no degrees", "geometry 经纬度无效")


def _shares(db: Session, geometry: Any, at: dt.datetime) -> list[Candidate]:
    """Grids with their share, the largest first."""
    rows = db.execute(_MEETING, {"wkb": shapely.to_wkb(geometry), "at": at}).all()
    shares = shares_in_zones(geometry, [shapely.from_wkb(bytes(wkb)) for *_, wkb in rows])
    found = [
        Candidate(AreaVersion(*version), float(share))
        for (*version, _), share in zip(rows, shares, strict=True)
        if share > NEGLIGIBLE_SHARE
    ]
    return sorted(found, key=lambda one: (-round(one.share, 9), one.area.code))


@dataclass
class _Town:
    """A town (or the smallest larger area of a grid without one) with its grids and their share."""

    code: str
    name: str
    grids: set[int] = field(default_factory=set)
    share: float = 0.0


def _by_town(shares: list[Candidate], every: dict[int, list[AreaVersion]]) -> list[_Town]:
    """Shares added up by town, the largest first."""
    towns: dict[str, _Town] = {}
    for one in shares:
        chain = {area.kind: area for area in every[one.area.id]}
        area = next(chain[kind] for kind in _TOWN_OR_ELSE if kind in chain)
        town = towns.setdefault(area.code, _Town(area.code, area.name))
        town.grids.add(one.area.id)
        town.share += one.share
    return sorted(towns.values(), key=lambda town: (-round(town.share, 9), town.code))


def _areas(db: Session, geometry: Any, at: dt.datetime, chain: list[AreaVersion]) -> AreasByKind:
    """Return the areas of the chosen grid, and the overlays at a point of the geometry."""
    areas = AreasByKind({area.kind: area for area in chain if area.kind in HIERARCHY})
    point = geometry.representative_point()
    for area in areas_at_point(db, point.x, point.y, at, OVERLAYS):
        areas.overlays[area.kind].append(area)
    return areas


def _share_step(shares: list[Candidate], chosen: Candidate, geometry: Any) -> Step:
    what = {0: ("点数", "points"), 1: ("长度", "length"), 2: ("面积", "area")}[
        shapely.get_dimensions(geometry)
    ]
    label = chosen.area.label
    zh = f"事项范围涉及 {len(shares)} 个网格，按{what[0]}占比取 {label}（{chosen.share:.0%}）。"
    en = f"The matter lies in {len(shares)} grid(s); by share of its {what[1]} {label} is taken ({chosen.share:.0%})."
    others = [f"{one.area.label} {one.share:.0%}" for one in shares if one.area.id != chosen.area.id]
    return Step("locate", "largest_share", zh, en, label, others[:50])


def _leads_of_towns(
    db: Session,
    item_code: str,
    at: dt.datetime,
    towns: list[_Town],
    lead: _Town,
    every: dict[int, list[AreaVersion]],
    bodies: CompetentBodies,
) -> list[TownShare]:
    """Return the towns with their leads; those of the other towns become co-handlers beside the lead."""
    taken = {bodies.lead and bodies.lead.body, *(partner.body for partner in bodies.co_handlers)}
    told = []
    for town in towns:
        body = bodies.lead
        if town is not lead:
            areas = AreasByKind({area.kind: area for area in every[min(town.grids)]})
            body = find_competent_bodies(db, item_code, at, areas).lead
        if body is not None and body.body not in taken:
            taken.add(body.body)
            zh, en = f"跨区域：{town.name} 的主体", f"cross-region: acts in {town.code}"
            bodies.co_handlers.append(Partner(body.body, body.level, zh, en))
        told.append(TownShare(town.code, town.name, town.share, body.body if body else None))
    return told


def _superior(towns: list[_Town], every: dict[int, list[AreaVersion]]) -> AreaVersion | None:
    """Return the smallest area that holds all the towns."""
    sets = [{area.code for area in every[grid]} for town in towns for grid in town.grids]
    first = every[min(towns[0].grids)]
    return next((area for area in first if all(area.code in codes for codes in sets)), None)


def _cross_step(rule: str, towns: list[TownShare], lead: _Town, superior: AreaVersion | None) -> Step:
    listed = "、".join(f"{name_and_code(town.name, town.code)} {town.share:.0%}" for town in towns)
    above = "指挥中心" if superior is None else superior.label
    zh = (
        f"事项跨区域：{listed}。{lead.name} 牵头（先立案者优先，否则占比最大者），其余协办；"
        f"有争议的由共同上级 {above} 指定管辖。"
    )
    en = (
        f"The matter spans {len(towns)} towns ({', '.join(town.code for town in towns)}): {lead.code} leads"
        f" (who filed first, else the largest share), the others join; in dispute the common superior"
        f" {above if superior is not None else '(command centre)'} designates."
    )
    others = [town.code for town in towns if town.code != lead.code]
    return Step("cross_region", rule, zh, en, lead.code, others)
