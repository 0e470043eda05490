"""Who follows whom: areas that ended, and the bodies that have taken over their matters since.

A matter of the past is answered with the areas and the list of then. Where an area of then has ended, its successors
of now are named (``area_successions``, followed to the end). Where the lead of then no longer has the item at this
place, because its area was abolished or its line in the duty list ended, the lead of now is named: dispatch goes there.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from grid.areas import HIERARCHY, Place
from grid.responsibility.locating import Siting, Step, name_of

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


def successors(db: Session, ids: Sequence[int], at: dt.datetime | None = None) -> dict[int, list[Place]]:
    """For each area that has ended the areas of a moment (now) that followed it, directly or through others."""
    found: dict[int, list[Place]] = {area_id: [] for area_id in ids}
    values = {"ids": list(ids), "at": at or dt.datetime.now(dt.UTC)}
    for row in db.execute(_SUCCESSORS, values).mappings():
        found[row["root"]].append({name: value for name, value in row.items() if name != "root"})
    return found


def ended_places(siting: Siting, now: dt.datetime) -> list[Place]:
    """Areas of the hierarchy in a siting that have ended since, larger ones first."""
    places = [siting.areas[kind] for kind in reversed(HIERARCHY) if kind in siting.areas]
    return [place for place in places if place["valid_to"] is not None and place["valid_to"] <= now]


def area_steps(db: Session, siting: Siting, now: dt.datetime) -> tuple[dict[str, Any], list[Step]]:
    """Successors of now by kind, and a step for each area that goes on under another code."""
    ended = ended_places(siting, now)
    followers = successors(db, [place["id"] for place in ended], now)
    by_kind: dict[str, Any] = {}
    steps = []
    for place in ended:
        found = followers[place["id"]]
        by_kind[place["kind"]] = [
            {"id": f["id"], "code": f["code"], "name": f["name"], "valid_from": f["valid_from"].isoformat()}
            for f in found
        ]
        if {f["code"] for f in found} == {place["code"]}:
            continue  # a new version of the same area
        names = "、".join(name_of(f) for f in found) or "无 none"
        day = place["valid_to"].date()
        zh = f"{name_of(place)} 已于 {day} 撤销或变更，现为 {names}。"
        en = (
            f"{name_of(place)} ended on {day}; now it is {', '.join(name_of(f) for f in found) or 'nothing'}."
        )
        steps.append(
            Step("successor", "area_succession", zh, en, [f["code"] for f in found], [place["code"]])
        )
    return by_kind, steps


def body_step(lead: dict[str, Any] | None, lead_now: dict[str, Any] | None, place_now: str) -> Step | None:
    """A step when another body leads the item at this place now."""
    before, after = ((one or {}).get("body") for one in (lead, lead_now))
    if before == after:
        return None
    zh = f"{before or '（无牵头主体）'} 已不再承办该事项；现由 {after or '指挥中心指定的主体'} 牵头（{place_now}），派遣以现行主体为准。"
    en = (
        f"{before or '(no lead)'} no longer has this item here; now {after or 'a body that the command centre designates'}"
        f" leads ({place_now}): dispatch goes there."
    )
    return Step("successor", "body_of_now", zh, en, after, [before] if before else [])
