"""Location of a point in unit grid and areas for an assignment, with every candidate considered.

The rules, in order:

1. The unit grid whose polygon holds the point (half-open edges) at the time of the event.
2. When the circle of the position's accuracy touches several grids the answer is ``ambiguous``: chosen is the
  grid
   that holds a site of the enterprise in question, else the one with the larger share of the circle, else the
   lower code; all are listed with their shares.
3. Without a grid: a water area that holds the point; else the nearest grid within ``NEAREST_M``
   (``nearest_assumed``); else the smallest area that holds it (its duty desk); else nothing (``no_area``).
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass, field
from typing import Any

import shapely
from sqlalchemy import text
from sqlalchemy.orm import Session

from grid.areas import HIERARCHY, OVERLAYS, AreaShape, AreaVersion, ancestor_chains, areas_at_point
from grid.responsibility.explanation import Step
from layers.local_time import local_zone

NEAREST_M = 200.0
"""A point outside of every grid belongs to the nearest one within this distance.

A position error, as a rule.
"""
METRES_PER_DEGREE = 111_319.49
MAX_ACCURACY_M = 5_000.0


@dataclass
class AreasByKind:
    """The areas that a place lies in.

    Attributes
    ----------
    hierarchy : dict of str to AreaVersion
        By kind of ``HIERARCHY``; only kinds that are there.
    overlays : dict of str to list of AreaVersion
        By kind of ``OVERLAYS``, each list by code; every kind is there.
    """

    hierarchy: dict[str, AreaVersion] = field(default_factory=dict)
    overlays: dict[str, list[AreaVersion]] = field(default_factory=lambda: {kind: [] for kind in OVERLAYS})


@dataclass(frozen=True)
class Candidate:
    """A grid that may hold the place, with its share of it, and whether the enterprise has a site there."""

    area: AreaVersion
    share: float
    holds_site: bool = False


@dataclass
class PointInAreas:
    """The areas of a point, with the outcome and the explanation.

    Attributes
    ----------
    outcome : str
        ``assigned``, ``ambiguous``, ``nearest_assumed`` or ``no_area``.
    areas : AreasByKind
    candidates : list of Candidate
        When ambiguous: grids with their share of the circle, the chosen one first.
    steps : list of Step
    """

    outcome: str
    areas: AreasByKind = field(default_factory=AreasByKind)
    candidates: list[Candidate] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)


def locate_point(
    db: Session,
    lon: float,
    lat: float,
    at: dt.datetime,
    accuracy_m: float = 0.0,
    enterprise_uscc: str | None = None,
) -> PointInAreas:
    """Find the unit grid and areas of a point at a moment, by the rules of this module.

    Parameters
    ----------
    lon, lat : float
        Degrees, EPSG:4326.
    at : datetime
        With zone.
    accuracy_m : float
        Radius of the position's accuracy.
    enterprise_uscc : str, optional
        Enterprise whose recorded sites decide between grids.
    """
    here = areas_at_point(db, lon, lat, at, ("unit_grid", *OVERLAYS))
    grids = [area for area in here if area.kind == "unit_grid"]
    found = PointInAreas("assigned")
    for area in here:
        if area.kind in OVERLAYS:
            found.areas.overlays[area.kind].append(area)
    chosen: AreaVersion | None
    if accuracy_m > 0 and _ambiguous(db, found, lon, lat, at, accuracy_m, enterprise_uscc):
        chosen = found.candidates[0].area
    elif grids:
        chosen = _of_edge(found, grids)
    else:
        chosen = _without_grid(db, found, lon, lat, at)
    if chosen is not None:
        above = found.areas.hierarchy
        above |= {
            area.kind: area
            for area in ancestor_chains(db, [chosen.id], at)[chosen.id]
            if area.kind in HIERARCHY
        }
        if "city" not in above:
            above |= _nearest_city(db, lon, lat, at)
        found.steps.append(_hierarchy_step(above))
    _overlay_step(found)
    return found


def _of_edge(found: PointInAreas, grids: list[AreaVersion]) -> AreaVersion:
    chosen = grids[0]
    others = [area.label for area in grids[1:]]
    version = chosen.valid_from.astimezone(local_zone()).date()
    zh = f"点位落在单元网格 {chosen.label}（{version} 起的版本）"
    en = f"The point lies in unit grid {chosen.label}, version of {version}"
    if others:
        zh += "；点在公共边上，按西、南边归属的规则确定"
        en += "; it lies on a common edge, and a grid owns its western and southern edges"
    rule = "half_open_edge" if others else "point_in_area"
    found.steps.append(Step("locate", rule, zh + "。", en + ".", chosen.label, others))
    return chosen


_NEAR = text("""
SELECT id, code, name, kind, parent_id, valid_from, valid_to, ST_AsBinary(geom) AS wkb
FROM areas
WHERE geom && ST_MakeEnvelope(:lon - :dx, :lat - :dy, :lon + :dx, :lat + :dy, 4326)
  AND kind = 'unit_grid' AND valid_from <= :at AND (valid_to IS NULL OR valid_to > :at)
ORDER BY code, id
""")


class _Local:
    """Metres around a point: degrees scaled by constants, so that straight lines stay straight."""

    def __init__(self, lon: float, lat: float) -> None:
        self.lon, self.lat = lon, lat
        self.x_m = METRES_PER_DEGREE * max(math.cos(math.radians(lat)), 1e-6)
        self.y_m = METRES_PER_DEGREE

    def metres(self, shape: Any) -> Any:
        return shapely.transform(
            shape, lambda c: (c - (self.lon, self.lat)) * (self.x_m, self.y_m)
        )  # origin at the point

    def near(self, db: Session, at: dt.datetime, radius_m: float) -> list[AreaShape]:
        """Return unit grids whose box meets the circle, with their polygon in these metres."""
        values = {
            "lon": self.lon,
            "lat": self.lat,
            "dx": radius_m / self.x_m,
            "dy": radius_m / self.y_m,
            "at": at,
        }
        return [
            AreaShape(AreaVersion(*version), self.metres(shapely.from_wkb(bytes(wkb))))
            for *version, wkb in db.execute(_NEAR, values)
        ]


_SITES = text("""
SELECT s.site_id, s.kind, ST_X(s.geom) AS lon, ST_Y(s.geom) AS lat
FROM sites s JOIN enterprises e ON e.id = s.enterprise_id WHERE e.uscc = :uscc AND s.geom IS NOT NULL
ORDER BY s.site_id
""")


def _ambiguous(
    db: Session,
    found: PointInAreas,
    lon: float,
    lat: float,
    at: dt.datetime,
    accuracy_m: float,
    enterprise_uscc: str | None,
) -> bool:
    """Fill ``found`` when the circle touches more than one grid."""
    local = _Local(lon, lat)
    radius_m = min(accuracy_m, MAX_ACCURACY_M)
    circle = shapely.Point(0, 0).buffer(radius_m, quad_segs=16)
    recorded = [] if enterprise_uscc is None else db.execute(_SITES, {"uscc": enterprise_uscc}).all()
    points = [local.metres(shapely.Point(s.lon, s.lat)) for s in recorded]
    candidates = []
    for near in local.near(db, at, radius_m):
        share = near.shape.intersection(circle).area / circle.area
        if share > 0:
            holds_site = any(near.shape.intersects(point) for point in points)
            candidates.append(Candidate(near.area, share, holds_site))
    if len(candidates) < 2:
        return False
    candidates.sort(key=lambda c: (not c.holds_site, -round(c.share, 9), c.area.code))
    found.outcome, found.candidates = "ambiguous", candidates
    found.steps.append(_ambiguous_step(candidates, radius_m))
    _cross_region_step(db, found, at)
    return True


def _cross_region_step(db: Session, found: PointInAreas, at: dt.datetime) -> None:
    """Name the common superior when the grids lie in several towns."""
    ids = [candidate.area.id for candidate in found.candidates[:20]]
    every = ancestor_chains(db, ids, at)
    chain_of = [{area.kind: area for area in every[area_id]} for area_id in ids]
    towns = {chain["town"].code: chain["town"].label for chain in chain_of if "town" in chain}
    if len(towns) < 2:
        return
    superior = next(
        (
            chain_of[0][kind].label
            for kind in ("county", "city")
            if kind in chain_of[0]
            and all(kind in chain and chain[kind].code == chain_of[0][kind].code for chain in chain_of)
        ),
        None,
    )
    zh = f"定位范围跨 {'、'.join(towns.values())}：有争议时由共同上级 {superior or '指挥中心'} 指定管辖。"
    en = (
        f"The circle spans {', '.join(towns.values())}: in dispute the common superior"
        f" {superior or '(command centre)'} designates."
    )
    found.steps.append(Step("cross_region", "common_superior", zh, en, superior, list(towns.values())))


def _ambiguous_step(candidates: list[Candidate], radius_m: float) -> Step:
    chosen, second = candidates[:2]
    if chosen.holds_site and not second.holds_site:
        rule, why_zh, why_en = (
            "recorded_site",
            "企业登记的场所在该网格内",
            "it holds a site of the enterprise",
        )
    elif round(chosen.share, 9) > round(second.share, 9):
        rule, why_zh, why_en = (
            "larger_share",
            f"占定位圆面积最大（{chosen.share:.0%}）",
            f"it has the largest share of the circle ({chosen.share:.0%})",
        )
    else:
        rule, why_zh, why_en = "lower_code", "面积相同，取编码较小者", "equal shares, the lower code"
    return Step(
        "locate",
        rule,
        f"定位精度 {radius_m:g} 米的圆跨 {len(candidates)} 个网格，归属不唯一；取 {chosen.area.label}：{why_zh}。",
        f"The circle of {radius_m:g} m accuracy touches {len(candidates)} grids: ambiguous. Chosen"
        f" {chosen.area.label}: {why_en}.",
        chosen.area.label,
        [f"{other.area.label} {other.share:.0%}" for other in candidates[1:]],
    )


def _without_grid(
    db: Session, found: PointInAreas, lon: float, lat: float, at: dt.datetime
) -> AreaVersion | None:
    if water := found.areas.overlays["water"]:
        label = water[0].label
        zh = f"点位在水域 {label} 内，不属于陆上网格。"
        en = f"The point lies in water area {label}, outside of every land grid."
        found.steps.append(Step("locate", "water_first", zh, en, label, [other.label for other in water[1:]]))
        return water[0]
    point = shapely.Point(0, 0)
    near = [(one.shape.distance(point), one.area) for one in _Local(lon, lat).near(db, at, NEAREST_M)]
    near = sorted((n for n in near if n[0] <= NEAREST_M), key=lambda n: (n[0], n[1].code))
    if near:
        distance_m, chosen = near[0]
        found.outcome = "nearest_assumed"
        zh = f"点位不在任何网格内；取 {NEAREST_M:g} 米内最近的 {chosen.label}（{distance_m:.1f} 米）。"
        en = f"The point lies in no grid; the nearest within {NEAREST_M:g} m is {chosen.label} ({distance_m:.1f} m)."
        others = [f"{area.label} {away_m:.1f} m" for away_m, area in near[1:]]
        found.steps.append(Step("locate", "nearest", zh, en, chosen.label, others))
        return chosen
    for kind in HIERARCHY[1:]:
        if here := areas_at_point(db, lon, lat, at, (kind,)):
            zh = f"点位处没有单元网格；由所在的 {here[0].label} 值守席负责。"
            en = f"There is no unit grid at the point; the duty desk of {here[0].label} takes it."
            found.steps.append(Step("locate", "enclosing_area", zh, en, here[0].label))
            return here[0]
    found.outcome = "no_area"
    zh, en = "点位不在任何已登记区域内。", "The point lies in no area that is stored for this time."
    found.steps.append(Step("locate", "no_area", zh, en))
    return None


_CITY = text("""
SELECT id, code, name, kind, parent_id, valid_from, valid_to FROM areas
WHERE kind = 'city' AND valid_from <= :at AND (valid_to IS NULL OR valid_to > :at)
ORDER BY geom <-> ST_SetSRID(ST_MakePoint(:lon, :lat), 4326) LIMIT 1
""")


def _nearest_city(db: Session, lon: float, lat: float, at: dt.datetime) -> dict[str, AreaVersion]:
    """Return the city of an area that names no parent (water areas run along the border of a city)."""
    row = db.execute(_CITY, {"lon": lon, "lat": lat, "at": at}).one_or_none()
    return {} if row is None else {"city": AreaVersion(*row)}


def _hierarchy_step(areas: dict[str, AreaVersion]) -> Step:
    chain = [areas[kind] for kind in HIERARCHY if kind in areas]
    names = "、".join(area.label for area in chain)
    versions = ", ".join(
        f"{area.label} since {area.valid_from.astimezone(local_zone()).date()}" for area in chain
    )
    zh, en = f"上级区域：{names}。", f"It belongs to: {versions}."
    return Step("areas", "parent_of_area", zh, en, [area.code for area in chain])


def _overlay_step(found: PointInAreas) -> None:
    zones = [area for kind in OVERLAYS for area in found.areas.overlays[kind]]
    if zones:
        zh = f"点位同时位于：{'、'.join(area.label for area in zones)}。"
        en = f"The point also lies in: {', '.join(area.label for area in zones)}."
        found.steps.append(Step("overlays", "overlapping_layers", zh, en, [area.code for area in zones]))
