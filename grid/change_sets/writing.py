"""Writing of a plan to the database, and the locks of its communities."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import shapely
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from grid.change_sets.plan import REASONS, NewUnit, NewVersion, Plan
from grid.change_sets.result import ChangedArea, ChangeResult, EndedGrid, NextVersion
from layers.tables import Area

_COMMUNITIES = text("""
WITH RECURSIVE named AS (
    SELECT id, kind FROM areas WHERE id = ANY(:ids)
    UNION SELECT a.id, a.kind FROM areas a JOIN named n ON a.parent_id = n.id WHERE n.kind IN ('town', 'community')
), units AS (
    SELECT DISTINCT n.parent_id FROM named u JOIN areas g ON g.id = u.id AND u.kind = 'unit_grid'
    JOIN areas n ON n.kind = 'unit_grid' AND holds_at(n.valid_from, n.valid_to) AND n.geom && ST_Expand(g.geom, 1e-7)
)
SELECT DISTINCT c.code FROM areas c WHERE c.kind = 'community'
 AND (c.id IN (SELECT parent_id FROM units) OR c.id IN (SELECT id FROM named)
      OR c.id IN (SELECT parent_id FROM areas WHERE id = ANY(:ids)))
ORDER BY 1
""")


def lock_communities(db: Session, area_ids: Sequence[int], *, hierarchy: bool = False) -> None:
    """Lock the communities of these areas and of their neighbours, in order.

    A community is locked by its code, which all its versions share. Changes of the ``hierarchy`` follow each
    other, and so do those of unit grids of several communities: outlines of larger areas change with them.
    """
    of_communities = select(func.count(Area.parent_id.distinct())).where(
        Area.id.in_(area_ids), Area.kind == "unit_grid"
    )
    codes = ["hierarchy"] if hierarchy or (db.scalar(of_communities) or 0) > 1 else []
    for code in [*codes, *db.scalars(_COMMUNITIES, {"ids": list(area_ids)}).all()]:
        db.execute(
            text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": f"partition:{code}"}
        )


def effective_moment(db: Session, plan: Plan, wanted: dt.datetime | None = None) -> dt.datetime:
    """Return the time of the change.

    The requested one or now, but after the start of all versions that it ends.
    """
    ids = [unit.key for unit in plan.removed] + [version.old.key for version in plan.versions]
    ids += [unit.key for unit in plan.ended]
    latest = db.scalar(select(func.max(Area.valid_from)).where(Area.id.in_(ids)))
    moment = wanted or dt.datetime.now(dt.UTC)
    return moment if latest is None or latest < moment else latest + dt.timedelta(microseconds=1)


def write(db: Session, plan: Plan, change_set_id: int, now: dt.datetime) -> ChangeResult:
    """Write a plan: end areas, begin areas and link successors.

    Parameters
    ----------
    now : datetime
        With zone: end of the old and start of the new versions.

    Returns
    -------
    ChangeResult
    """
    followed: dict[int, int] = {}
    versions = []
    for version in plan.versions:
        new_id = _write_version(db, version, change_set_id, now, followed)
        followed[version.old.key] = new_id
        versions.append(NextVersion(old_id=version.old.key, id=new_id, kind=version.kind, code=version.code))
    for unit in plan.removed:
        _end(db, unit.key, plan.reasons[unit.key], change_set_id, now)
    for unit in plan.ended:
        _end(db, unit.key, REASONS["emptied"], change_set_id, now)
    for unit in plan.noded:
        db.execute(_NODE, {"wkb": shapely.to_wkb(unit.shape), "id": unit.key})
    created: list[ChangedArea] = []
    again: list[ChangedArea] = []
    for new in [*plan.added, *plan.again]:
        parent = followed.get(new.parent_id, new.parent_id)
        new_id = _insert(db, new, new.kind, parent, change_set_id, now)
        made = ChangedArea(id=new_id, code=new.code, name=new.name)
        (created if new.kind == "unit_grid" else again).append(made)
    begun = list(followed.values())
    parents = {unit.parent_id for unit in plan.removed} | {new.parent_id for new in plan.added}
    parents |= {version.parent_id for version in plan.kept}
    if len(parents) > 1:
        begun += [one.id for one in created]
    if plan.recoded or len(parents) > 1:
        db.execute(_PLACE_SITES, {"ids": begun, "now": now})
    db.expire_all()
    return ChangeResult(
        created=created,
        voided=[ChangedArea(id=unit.key, code=unit.code, name=unit.name) for unit in plan.removed],
        versions=versions,
        ended=[EndedGrid(id=u.key, code=u.code, name=u.name, kind=u.kind) for u in plan.ended],
        again=again,
        noded=[unit.code for unit in plan.noded],
        new_codes=plan.new_codes,
        voided_codes=plan.voided_codes,
    )


def _write_version(
    db: Session, version: NewVersion, change_set_id: int, now: dt.datetime, followed: dict[int, int]
) -> int:
    """End a version and begin the next one; what lay in it lies in the next one, unless the code changed."""
    _end(db, version.old.key, version.reason, change_set_id, now)
    parent = None if version.parent_id is None else followed.get(version.parent_id, version.parent_id)
    new_id = _insert(db, version, version.kind, parent, change_set_id, now)
    if version.code == version.old.code:
        db.execute(
            text(
                "UPDATE areas SET parent_id = :new WHERE parent_id = :old AND (valid_to IS NULL OR valid_to > :now)"
            ),
            {"new": new_id, "old": version.old.key, "now": now},
        )
    return new_id


def _end(db: Session, area_id: int, reason: str, change_set_id: int, now: dt.datetime) -> None:
    db.execute(
        text("UPDATE areas SET valid_to = :now, void_reason = :reason WHERE id = :id"),
        {"now": now, "reason": f"{reason} (change set {change_set_id})", "id": area_id},
    )


# A node changes the area by some dm²: between two nodes an edge is the shortest way on the ellipsoid.
_NODE = text("""
UPDATE areas a SET geom = ST_Multi(g), area_m2 = ST_Area(g::geography),
       label_point = CASE WHEN ST_Contains(g, a.label_point) THEN a.label_point ELSE ST_PointOnSurface(g) END
FROM (SELECT ST_GeomFromWKB(:wkb, 4326) AS g) given WHERE a.id = :id
""")

# Households (the register's count where it is newer) and road length: of an area that begins again those that it had;
# else the sum of the old ones' by the share of land in common, with what comes and without what leaves.
_INSERT = text("""
WITH given AS (SELECT ST_GeomFromWKB(:wkb, 4326) AS g),
old AS (
    SELECT a.indicative, households_of(a) AS households, a.road_length_m,
           CASE WHEN :alone OR COALESCE(households_of(a), a.road_length_m) IS NULL THEN 1.0
                ELSE COALESCE(p.share, ST_Area(ST_Intersection(a.geom, g)) / NULLIF(ST_Area(a.geom), 0)) END AS share
    FROM unnest(CAST(:predecessors AS bigint[]), CAST(:shares AS float8[])) AS p(id, share)
    JOIN areas a USING (id), given
), moved AS (
    SELECT COALESCE(sum(part * households), 0) AS households, COALESCE(sum(part * road_length_m), 0) AS road_length_m
    FROM (SELECT m.part, households_of(a) AS households, a.road_length_m
          FROM unnest(CAST(:moved AS bigint[]), CAST(:parts AS float8[])) AS m(id, part) JOIN areas a USING (id)) a
), carried AS (
    SELECT households_of(l) AS households, l.road_length_m FROM areas l WHERE l.id = :like
    UNION ALL
    SELECT CASE WHEN v.households < 0 THEN 0 ELSE v.households END,
           CASE WHEN v.road_length_m < 0 THEN 0 ELSE v.road_length_m END
    FROM (SELECT (SELECT sum(households * share) FROM old) + moved.households AS households,
                 (SELECT sum(road_length_m * share) FROM old) + moved.road_length_m AS road_length_m FROM moved) v
    WHERE CAST(:like AS bigint) IS NULL
), made AS (
    INSERT INTO areas (code, name, kind, parent_id, valid_from, geom, label_point, area_m2, indicative, change_set_id,
                       households, road_length_m)
    SELECT :code, :name, :kind, :parent, :now, ST_Multi(g), ST_PointOnSurface(g), ST_Area(g::geography),
           COALESCE((SELECT bool_or(indicative) FROM old), false), :change_set, c.households, c.road_length_m
    FROM given, carried c RETURNING id
)
INSERT INTO area_successions (predecessor_id, successor_id, change_set_id)
SELECT p, made.id, :change_set FROM made LEFT JOIN unnest(CAST(:predecessors AS bigint[])) AS p ON true
RETURNING successor_id
""")
_PLACE_SITES = text("""
UPDATE sites s SET area_id = owning_area(s.geom, at => :now) FROM areas u
WHERE u.id = ANY(:ids) AND u.kind = 'unit_grid' AND s.geom && u.geom AND ownership(u.geom, s.geom) > 0
""")


def _insert(
    db: Session,
    new: NewUnit | NewVersion,
    kind: str,
    parent: int | None,
    change_set_id: int,
    now: dt.datetime,
) -> int:
    moved: list[tuple[int, float]] = []
    if isinstance(new, NewVersion):
        moved = [*new.gains, *((area_id, -share) for area_id, share in new.losses)]
    values = {
        "code": new.code,
        "name": new.name,
        "kind": kind,
        "parent": parent,
        "now": now,
        "predecessors": list(new.predecessors),
        "alone": isinstance(new, NewVersion) and not new.by_land,
        "shares": list(new.shares) if isinstance(new, NewUnit) else [],
        "moved": [area_id for area_id, _ in moved],
        "parts": [part for _, part in moved],
        "like": new.like,
        "change_set": change_set_id,
        "wkb": shapely.to_wkb(new.shape),
    }
    return int(db.execute(_INSERT, values).scalars().first() or 0)
