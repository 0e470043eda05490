"""One case with its events, what lies around it, and which towns have cases."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from layers.collections import COLLECTIONS, read_feature
from layers.errors import no_case
from layers.local_time import utc_text
from layers.tables import Alert, Area, Case, CaseEvent, Site
from layers.tables.fences import Fence


@dataclass(frozen=True)
class CaseFile:
    """A case, as the caller may see it.

    Attributes
    ----------
    feature : dict
        The case as a GeoJSON feature, with the names of its areas.
    """

    case: Case
    events: list[CaseEvent]
    feature: dict[str, Any]

    def event_dicts(self) -> list[dict[str, Any]]:
        """Return the events in order, as plain data."""
        names = ("seq", "actor", "role", "action", "from_state", "to_state", "payload", "prev_hash", "hash")
        return [
            {"at": utc_text(event.at), **{name: getattr(event, name) for name in names}}
            for event in self.events
        ]


def newest_case_number(db: Session) -> str | None:
    """Return the number of the case that was opened last."""
    return db.scalar(select(Case.number).order_by(Case.opened_at.desc(), Case.id.desc()).limit(1))


def newest_cases(db: Session, *, states: tuple[str, ...], limit: int) -> list[dict[str, Any]]:
    """Return the cases that were opened last, the newest first, with the names of their areas.

    Parameters
    ----------
    states : tuple of str
        States of ``CASE_STATES`` that count.
    limit : int
        Greatest number of cases.
    """
    newest = select(Case.id).where(Case.state.in_(states)).order_by(Case.opened_at.desc(), Case.id.desc())
    features = (
        json.loads(read_feature(db, COLLECTIONS["cases"], key)) for key in db.scalars(newest.limit(limit))
    )
    return [feature["properties"] for feature in features]


def read_case_file(db: Session, number: str) -> CaseFile:
    """Return the case of that number with its events.

    Raises
    ------
    NotFound
        When there is none, or none that the caller may see.
    """
    case = db.scalars(
        select(Case).where(Case.number == number), execution_options={"populate_existing": True}
    ).one_or_none()
    if case is None:
        raise no_case(number)
    events = db.scalars(select(CaseEvent).where(CaseEvent.case_id == case.id).order_by(CaseEvent.seq)).all()
    return CaseFile(case, list(events), json.loads(read_feature(db, COLLECTIONS["cases"], case.id)))


def surroundings(db: Session, case: Case) -> dict[str, dict[str, Any]]:
    """Return the case's areas as they were at its opening, and its site or fence, as GeoJSON by layer name."""
    keys = {
        "county": case.county_area_id,
        "town": case.town_area_id,
        "community": case.community_area_id,
        "unit_grid": case.grid_area_id,
    }
    rows = db.execute(
        select(Area.id, Area.code, Area.name, Area.kind, func.ST_AsGeoJSON(Area.geom, 6)).where(
            Area.id.in_([key for key in keys.values() if key is not None])
        )
    )
    found = {
        kind: {
            "type": "Feature",
            "geometry": json.loads(geometry),
            "properties": {"code": code, "name": name, "kind": kind},
        }
        for _, code, name, kind, geometry in rows
    }
    if case.site_id is not None:
        found |= _site(db, case.site_id)
    elif case.alert_id is not None:
        found |= _fence(db, case.alert_id)
    return found


def _fence(db: Session, alert_id: int) -> dict[str, dict[str, Any]]:
    """Return the fence of an alert as the boundary of its case; nothing where it is about a site."""
    row = db.execute(
        select(Fence.fence_id, func.ST_AsGeoJSON(Fence.geom, 7))
        .join(Alert, Alert.fence_id == Fence.id)
        .where(Alert.id == alert_id)
    ).one_or_none()
    if row is None:
        return {}
    properties = {"fence_id": row[0], "kind": "boundary"}
    return {"boundary": {"type": "Feature", "geometry": json.loads(row[1]), "properties": properties}}


def _site(db: Session, site_key: int) -> dict[str, dict[str, Any]]:
    row = db.execute(
        select(Site.site_id, func.ST_AsGeoJSON(Site.geom, 7), func.ST_AsGeoJSON(Site.boundary, 7)).where(
            Site.id == site_key
        )
    ).one()
    site = {
        "type": "Feature",
        "geometry": json.loads(row[1]),
        "properties": {"site_id": row[0], "kind": "site"},
    }
    if row[2] is None:
        return {"site": site}
    boundary = {
        "type": "Feature",
        "geometry": json.loads(row[2]),
        "properties": {"site_id": row[0], "kind": "boundary"},
    }
    return {"site": site, "boundary": boundary}


def town_with_most_cases(db: Session) -> str | None:
    """Code of the town with the most cases."""
    return db.scalar(
        text(
            "SELECT a.code FROM cases c JOIN areas a ON a.id = c.town_area_id"
            " GROUP BY a.code ORDER BY count(*) DESC, a.code LIMIT 1"
        )
    )


def handlers_of_town(db: Session, town_code: str) -> list[str]:
    """Return the bodies that handle the newest case of a town, the lead first; without cases that of the town."""
    found = db.execute(
        text(
            "SELECT c.lead_body, c.co_handlers FROM cases c JOIN areas a ON a.id = c.town_area_id"
            " WHERE a.code = :code AND c.lead_body IS NOT NULL ORDER BY c.id DESC LIMIT 1"
        ),
        {"code": town_code},
    ).one_or_none()
    if found is not None:
        return [found.lead_body, *found.co_handlers]
    of_town = text("SELECT body FROM duty_items WHERE area_code = :code ORDER BY valid_from DESC, id LIMIT 1")
    return list(db.scalars(of_town, {"code": town_code}))


def town_without_cases(db: Session) -> str | None:
    """Code of the first town of today that never had a case."""
    return db.scalar(
        text(
            "SELECT code FROM areas a WHERE kind = 'town' AND holds_at(valid_from, valid_to)"
            " AND NOT EXISTS (SELECT FROM cases c WHERE c.town_area_id = a.id) ORDER BY code LIMIT 1"
        )
    )
