"""Successors of ended areas, and the current lead of their matters.

A matter of the past is answered with the areas and the list of then. Where an area of then has ended, its
successors of now are named (``area_successions``, followed to the end). Where the lead of then no longer has
the item at this place, because its area was abolished or its line in the duty list ended, the lead of now is
named: dispatch goes there.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.orm import Session

from grid.areas import HIERARCHY, AreaVersion
from grid.responsibility.explanation import Step
from grid.responsibility.locating import AreasByKind
from layers.local_time import local_day

_SUCCESSORS = text("""
WITH RECURSIVE line AS (
    SELECT id AS root, id, 0 AS step FROM areas WHERE id = ANY(:ids)
    UNION
    SELECT line.root, s.successor_id, line.step + 1 FROM line
    JOIN areas a ON a.id = line.id AND a.valid_to IS NOT NULL
    JOIN area_successions s ON s.predecessor_id = line.id WHERE line.step < 64
)
SELECT DISTINCT line.root, a.id, a.code, a.name, a.kind, a.parent_id, a.valid_from, a.valid_to
FROM line JOIN areas a ON a.id = line.id
WHERE line.step > 0 AND a.valid_from <= :at AND (a.valid_to IS NULL OR a.valid_to > :at) ORDER BY line.root, a.code
""")


def successors(
    db: Session, ids: Sequence[int], at: dt.datetime | None = None
) -> dict[int, list[AreaVersion]]:
    """Find the areas at a moment (default now) that followed ended areas, directly or through others.

    Returns
    -------
    dict of int to list of AreaVersion
        Successors by id of the ended area, by code.
    """
    found: dict[int, list[AreaVersion]] = {area_id: [] for area_id in ids}
    values = {"ids": list(ids), "at": at or dt.datetime.now(dt.UTC)}
    for root, *version in db.execute(_SUCCESSORS, values):
        found[root].append(AreaVersion(*version))
    return found


def ended_areas(areas: AreasByKind, now: dt.datetime) -> list[AreaVersion]:
    """Areas of the hierarchy that have ended since, larger ones first."""
    held = [areas.hierarchy[kind] for kind in reversed(HIERARCHY) if kind in areas.hierarchy]
    return [area for area in held if area.has_ended(now)]


def area_steps(
    db: Session, areas: AreasByKind, now: dt.datetime
) -> tuple[dict[str, list[AreaVersion]], list[Step]]:
    """Find the current successors by kind, with an explanation step for each area whose code changed."""
    ended = ended_areas(areas, now)
    followers = successors(db, [area.id for area in ended], now)
    by_kind: dict[str, list[AreaVersion]] = {}
    steps = []
    for area in ended:
        by_kind[area.kind] = found = followers[area.id]
        if {follower.code for follower in found} == {area.code}:
            continue  # a new version of the same area
        labels = [follower.label for follower in found]
        ended_on = local_day(area.valid_to or now)
        zh = f"{area.label} 已于 {ended_on} 撤销或变更，现为 {'、'.join(labels) or '无 none'}。"
        en = f"{area.label} ended on {ended_on}; now it is {', '.join(labels) or 'nothing'}."
        codes = [follower.code for follower in found]
        steps.append(Step("successor", "area_succession", zh, en, codes, [area.code]))
    return by_kind, steps


def body_step(before: str | None, after: str | None, place_now: str) -> Step | None:
    """Return the explanation step for a changed lead; None when the lead is the same.

    Parameters
    ----------
    before, after : str or None
        Name of the lead of then and of now; None without a lead.
    """
    if before == after:
        return None
    zh = (
        f"{before or '（无牵头主体）'} 已不再承办该事项；"
        f"现由 {after or '指挥中心指定的主体'} 牵头（{place_now}），派遣以现行主体为准。"
    )
    en = (
        f"{before or '(no lead)'} no longer has this item here; now"
        f" {after or 'a body that the command centre designates'} leads ({place_now}): dispatch goes there."
    )
    return Step("successor", "body_of_now", zh, en, after, [before] if before else [])
