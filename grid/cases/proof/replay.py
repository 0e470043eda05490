"""Rows that an assignment was decided from, and the assignment decided again from them alone.

The rows are put into temporary tables of the names of the stored ones, which the database reads first: the same
statements answer from them, whatever the stored tables hold by now.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from grid.responsibility import assign

_NEAR_DEG = 0.01
"""Areas within so much of the place, or of a site of its enterprise, keep their outlines; others their names."""
_READ: Mapping[str, str] = {
    "areas": """
WITH RECURSIVE places AS (
    SELECT ST_SetSRID(ST_MakePoint(:lon, :lat), 4326) AS geom
    UNION ALL SELECT s.geom FROM sites s JOIN enterprises e ON e.id = s.enterprise_id WHERE e.uscc = :uscc),
near AS (SELECT DISTINCT a.id FROM areas a JOIN places p ON a.geom && ST_Expand(p.geom, :near)
         WHERE a.valid_from <= :at AND COALESCE(a.valid_to > :at, true)),
up AS (SELECT a.id, a.parent_id FROM areas a JOIN near n ON n.id = a.id
       UNION SELECT p.id, p.parent_id FROM areas p JOIN up u ON u.parent_id = p.id)
SELECT (to_jsonb(a) - '{geom,geom_3857,label_point,tile_zooms}'::text[]
        || jsonb_build_object('geom', CASE WHEN n.id IS NOT NULL THEN ST_AsHEXEWKB(a.geom) END))::text
FROM areas a LEFT JOIN near n ON n.id = a.id
WHERE a.id IN (SELECT id FROM up) OR (a.kind IN ('city', 'county') AND a.valid_from <= :at
                                      AND COALESCE(a.valid_to > :at, true)) ORDER BY a.id""",
    "duty_items": "SELECT to_jsonb(d)::text FROM duty_items d WHERE d.item_code = :item ORDER BY d.id",
    "enterprises": "SELECT to_jsonb(e)::text FROM enterprises e WHERE e.uscc = :uscc ORDER BY e.id",
    "sites": """
SELECT (to_jsonb(s) - '{geom,geom_3857,boundary}'::text[] || jsonb_build_object('geom', ST_AsHEXEWKB(s.geom)))::text
FROM sites s JOIN enterprises e ON e.id = s.enterprise_id WHERE e.uscc = :uscc AND s.geom IS NOT NULL ORDER BY s.id""",
    "area_successions": "SELECT to_jsonb(s)::text FROM area_successions s WHERE false",
}


def assignment_rows(
    db: Session, *, lon: float, lat: float, item_code: str, at: dt.datetime, enterprise_uscc: str | None
) -> dict[str, list[str]]:
    """Return the rows that an assignment is decided from, as JSON by table; arguments as of ``assign``."""
    asked = {"lon": lon, "lat": lat, "item": item_code, "at": at, "uscc": enterprise_uscc, "near": _NEAR_DEG}
    return {
        table: list(db.scalars(text(query), {name: asked[name] for name in asked if f":{name}" in query}))
        for table, query in _READ.items()
    }


def assign_again(db: Session, rows: Mapping[str, Sequence[str]], **question: Any) -> dict[str, Any]:
    """Decide an assignment again from the rows of then; ``question`` as of ``assign``.

    Parameters
    ----------
    db : Session
        With the rights of the system, in a transaction of its own: temporary tables hide the stored ones until it
        ends.
    """
    for table in _READ:
        db.execute(
            text(
                f"CREATE TEMPORARY TABLE {table} ON COMMIT DROP AS SELECT * FROM public.{table} WITH NO DATA"
            )
        )
        fill = text(
            f"INSERT INTO pg_temp.{table} SELECT (jsonb_populate_record(NULL::public.{table}, CAST(:row AS jsonb))).*"
        )
        for row in rows.get(table, ()):
            db.execute(fill, {"row": row})
    answer: dict[str, Any] = json.loads(json.dumps(assign(db, **question).as_json()))
    return answer
