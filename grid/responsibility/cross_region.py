"""Who is responsible for a line or a polygon: one town, or several with a lead, the others beside it, and a superior.

1. Every unit grid that the geometry meets has a share of it: of its area for polygons, of its length for lines, of its
   points for multi-points. What lies outside of all grids is said.
2. The shares are added up by town. A case of one town is a case of that town's lead, as for a point.
3. Of several towns the one with the largest share leads (equal shares: the lower code); where a case was filed before,
   who filed first leads. The leads of the other towns' matters are co-handlers.
4. The smallest area that holds all these towns is named: in dispute it designates (指定管辖).
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from typing import Any

import shapely
from sqlalchemy import text
from sqlalchemy.orm import Session

from grid.areas import HIERARCHY, OVERLAYS, Place, chains, moment, touching
from grid.errors import GridError
from grid.responsibility.assignment import Assignment, answer_of, assign, with_enterprise
from grid.responsibility.competent_bodies import Bodies, resolve_bodies
from grid.responsibility.locating import Siting, Step, name_of
from grid.topology import metres_scale

NEGLIGIBLE_SHARE = 1e-9
CANDIDATES_SHOWN = 200

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
    """Who is responsible for a matter that has an extent.

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
        ``candidates`` are the grids with their shares; ``cross_region`` is
        ``{"lead_town", "superior", "towns": [{"code", "name", "share", "lead"}], "outside"}`` or None for one town.

    Raises
    ------
    UnknownItem
    GridError
        An empty or invalid geometry, coordinates out of range, a time without zone.
    """
    when = moment(at)
    _check(geometry)
    here = geometry.representative_point() if geometry.geom_type != "MultiPoint" else geometry.centroid
    shares = _shares(db, geometry, when)
    if geometry.geom_type == "Point" or not shares:
        return assign(
            db, lon=here.x, lat=here.y, item_code=item_code, at=when, enterprise_uscc=enterprise_uscc
        )
    every = chains(db, [place["id"] for place in shares], when)
    towns = _by_town(shares, every)
    lead = next((town for town in towns if town["code"] == first_filed), towns[0])
    chosen = next(place for place in shares if place["id"] in lead["grids"])
    siting = _siting(db, geometry, when, chosen, every)
    siting.candidates = [place | {"holds_site": False} for place in shares[:CANDIDATES_SHOWN]]
    siting.steps.append(_share_step(shares, chosen, geometry))
    bodies = resolve_bodies(db, item_code, when, siting)
    cross = _cross_region(db, item_code, when, towns, lead, every, bodies) if len(towns) > 1 else None
    if cross is not None and lead["code"] == first_filed:
        bodies.steps[-1].rule = "first_to_file"
    answer = answer_of(db, siting, bodies, here.x, here.y, 0.0, item_code, when)
    if cross is not None:
        cross["outside"] = round(max(1.0 - sum(place["share"] for place in shares), 0.0), 4)
    answer.cross_region = cross
    return with_enterprise(db, answer, enterprise_uscc)


def _check(geometry: Any) -> None:
    if geometry.is_empty:
        raise GridError("geometry: empty", "geometry 为空")
    if not geometry.is_valid:
        reason = shapely.is_valid_reason(geometry)
        raise GridError(f"geometry: not valid: {reason}", f"geometry 图形无效：{reason}")
    west, south, east, north = geometry.bounds
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise GridError(f"geometry: {west}, {south} … {east}, {north}: no degrees", "geometry 经纬度无效")


def _measure(geometry: Any) -> float:
    """Area, length or number of points, whichever the geometry has most of."""
    scale = metres_scale(geometry.bounds[1]) if not geometry.is_empty else None
    if scale is None:
        return 0.0
    metres = shapely.transform(geometry, lambda c: c * scale)
    return float(metres.area or metres.length or len(shapely.get_parts(geometry)))


def _shares(db: Session, geometry: Any, at: dt.datetime) -> list[dict[str, Any]]:
    """Grids with their share, the largest first. What lies on a common edge is shared by both sides."""
    dimension = shapely.get_dimensions(geometry)
    whole = _measure(geometry)
    found = []
    for row in db.execute(_MEETING, {"wkb": shapely.to_wkb(geometry), "at": at}).mappings():
        part = geometry.intersection(shapely.from_wkb(bytes(row["wkb"])))
        pieces = [p for p in shapely.get_parts(part) if shapely.get_dimensions(p) == dimension]
        share = sum(_measure(piece) for piece in pieces) / whole
        if share > NEGLIGIBLE_SHARE:
            place = {name: value for name, value in row.items() if name != "wkb"}
            found.append(place | {"share": round(share, 4)})
    return sorted(found, key=lambda place: (-place["share"], place["code"]))


def _by_town(shares: list[dict[str, Any]], every: dict[int, list[Place]]) -> list[dict[str, Any]]:
    """Shares added up by town (or the smallest larger area of a grid without one)."""
    towns: dict[str, dict[str, Any]] = {}
    total: dict[str, float] = defaultdict(float)
    for place in shares:
        chain = {p["kind"]: p for p in every[place["id"]]}
        town = next(
            chain[kind] for kind in ("town", "county", "city", "community", "unit_grid") if kind in chain
        )
        entry = towns.setdefault(town["code"], {"code": town["code"], "name": town["name"], "grids": set()})
        entry["grids"].add(place["id"])
        total[town["code"]] += place["share"]
    for code, entry in towns.items():
        entry["share"] = round(total[code], 4)
    return sorted(towns.values(), key=lambda town: (-town["share"], town["code"]))


def _siting(
    db: Session, geometry: Any, at: dt.datetime, chosen: Place, every: dict[int, list[Place]]
) -> Siting:
    point = geometry.representative_point()
    over = touching(db, point.x, point.y, at, OVERLAYS)
    plain = [{name: value for name, value in place.items() if name != "geometry"} for place in over]
    areas: dict[str, Any] = {kind: [p for p in plain if p["kind"] == kind] for kind in OVERLAYS}
    areas |= {p["kind"]: p for p in every[chosen["id"]] if p["kind"] in HIERARCHY}
    return Siting("assigned", areas)


def _share_step(shares: list[dict[str, Any]], chosen: Place, geometry: Any) -> Step:
    what = {0: ("点数", "points"), 1: ("长度", "length"), 2: ("面积", "area")}[
        shapely.get_dimensions(geometry)
    ]
    share = next(place["share"] for place in shares if place["id"] == chosen["id"])
    zh = f"事项范围涉及 {len(shares)} 个网格，按{what[0]}占比取 {name_of(chosen)}（{share:.0%}）。"
    en = f"The matter lies in {len(shares)} grid(s); by share of its {what[1]} {name_of(chosen)} is taken ({share:.0%})."
    others = [f"{name_of(place)} {place['share']:.0%}" for place in shares if place["id"] != chosen["id"]]
    return Step("locate", "largest_share", zh, en, name_of(chosen), others[:50])


def _cross_region(
    db: Session,
    item_code: str,
    at: dt.datetime,
    towns: list[dict[str, Any]],
    lead: dict[str, Any],
    every: dict[int, list[Place]],
    bodies: Bodies,
) -> dict[str, Any]:
    """Bodies of the other towns beside the lead, and the common superior."""
    taken = {
        bodies.lead["body"] if bodies.lead else None,
        *(partner["body"] for partner in bodies.co_handlers),
    }
    told = []
    for town in towns:
        body = bodies.lead
        if town is not lead:
            chain = {p["kind"]: p for p in every[min(town["grids"])]}
            areas: dict[str, Any] = chain | {kind: [] for kind in OVERLAYS}
            body = resolve_bodies(db, item_code, at, Siting("assigned", areas)).lead
        if body is not None and body["body"] not in taken:
            taken.add(body["body"])
            reason = {
                "reason": f"跨区域：{town['name']} 的主体",
                "reason_en": f"cross-region: acts in {town['code']}",
            }
            bodies.co_handlers.append({"body": body["body"], "level": body["level"], **reason})
        told.append(
            {name: town[name] for name in ("code", "name", "share")} | {"lead": (body or {}).get("body")}
        )
    superior = _superior(towns, every)
    bodies.steps.append(_cross_step(told, lead, superior))
    above = None if superior is None else {"code": superior["code"], "name": superior["name"]}
    return {"lead_town": lead["code"], "superior": above, "towns": told}


def _superior(towns: list[dict[str, Any]], every: dict[int, list[Place]]) -> Place | None:
    """The smallest area that holds all the towns."""
    sets = [{p["code"] for p in every[grid]} for town in towns for grid in town["grids"]]
    first = every[min(towns[0]["grids"])]
    return next((place for place in first if all(place["code"] in codes for codes in sets)), None)


def _cross_step(told: list[dict[str, Any]], lead: dict[str, Any], superior: Place | None) -> Step:
    listed = "、".join(f"{town['name']} ({town['code']}) {town['share']:.0%}" for town in told)
    above = "指挥中心" if superior is None else name_of(superior)
    zh = f"事项跨区域：{listed}。{lead['name']} 牵头（先立案者优先，否则占比最大者），其余协办；有争议的由共同上级 {above} 指定管辖。"
    en = (
        f"The matter spans {len(told)} towns ({', '.join(town['code'] for town in told)}): {lead['code']} leads"
        f" (who filed first, else the largest share), the others join; in dispute the common superior"
        f" {above if superior is not None else '(command centre)'} designates."
    )
    others = [town["code"] for town in told if town["code"] != lead["code"]]
    return Step("cross_region", "largest_share_leads", zh, en, lead["code"], others)
