"""Content of a case pack: the case, its events, the areas and duty lines of then, and the heads over its events."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from grid.cases.proof.hash_chain import canonical
from grid.cases.proof.heads import read_proof
from layers.errors import no_case
from layers.local_time import local_zone

_CASE = text("""
SELECT to_jsonb(c) - '{geom,geom_3857}'::text[] || jsonb_build_object('place', ARRAY[ST_X(c.geom), ST_Y(c.geom)])
FROM cases c WHERE c.number = :number
""")
_EVENTS = text("""
SELECT to_jsonb(e) - '{id,case_id,area_id}'::text[] FROM case_events e WHERE e.case_id = :case ORDER BY e.seq
""")
_AREAS = text("""
SELECT jsonb_build_object('type', 'Feature', 'id', a.id, 'geometry', ST_AsGeoJSON(a.geom, 15)::jsonb, 'properties',
    to_jsonb(a) - '{geom,geom_3857,label_point,tile_zooms,id}'::text[])
FROM areas a WHERE a.id = ANY (:ids) ORDER BY a.id
""")
_DUTIES = text("""
SELECT to_jsonb(d) - '{id,batch_id}'::text[] FROM duty_items d
WHERE d.item_code = :item AND d.valid_from <= :day AND COALESCE(d.valid_to > :day, true)
ORDER BY d.area_code, d.role, d.body, d.valid_from
""")
_AREA_COLUMNS = (
    "grid_area_id",
    "community_area_id",
    "town_area_id",
    "county_area_id",
    "city_area_id",
    "area_id",
)


@dataclass(frozen=True)
class PackContent:
    """Content of the pack of one case, as JSON data.

    Attributes
    ----------
    areas : dict
        GeoJSON: the versions of the areas that the case names.
    heads : list of dict
        Every head that binds an event of the case, with all lines that it binds.
    """

    case: dict[str, Any]
    events: list[dict[str, Any]]
    areas: dict[str, Any]
    duty_lines: list[dict[str, Any]]
    heads: list[dict[str, Any]]

    def attached(self) -> dict[str, str]:
        """Return the SHA-256 of each attached file by its name in the pack; those that were taken back too."""
        added = (event for event in self.events if event["action"] == "attach")
        return {
            f"attachments/{event['seq']:03d}-{event['payload']['name']}": event["payload"]["sha256"]
            for event in added
        }


def read_pack_content(db: Session, number: str) -> PackContent:
    """Read the content of the pack of a case.

    Parameters
    ----------
    db : Session
        With the rights of the system, in one snapshot (repeatable read): whether the caller may see the case
        was asked before.

    Raises
    ------
    layers.errors.NotFound
    """
    case = db.scalar(_CASE, {"number": number})
    if case is None:
        raise no_case(number)
    ids = sorted({case[name] for name in _AREA_COLUMNS if case[name] is not None})
    opened_at = dt.datetime.fromisoformat(case["opened_at"])
    asked = {"item": case["item_code"], "day": opened_at.astimezone(local_zone()).date()}
    return PackContent(
        case=canonical(case),
        events=list(db.scalars(_EVENTS, {"case": case["id"]})),
        areas={"type": "FeatureCollection", "features": list(db.scalars(_AREAS, {"ids": ids}))},
        duty_lines=list(db.scalars(_DUTIES, asked)),
        heads=list(read_proof(db, number)),
    )
