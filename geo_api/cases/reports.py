"""Reports of cases and hot spots, made from the database for the routes and for ``wangge report``."""

from __future__ import annotations

import json
from typing import Any

import geopandas as gpd
from sqlalchemy.orm import Session

from geo_api.auth.access import Caller
from geo_api.cases.documents import card_document, case_document
from grid.alerts import alert_card
from layers.collections import COLLECTIONS, MAX_LIMIT, Selection, read_page
from layers.errors import NotFound
from layers.records import CaseFile, surroundings
from layers.tables import ModelRun
from maps.reports import Shown, case_report, hotspot_report

__all__ = ["case_page", "hot_spot_page", "newest_hot_spot_run"]


def case_page(db: Session, found: CaseFile, caller: Caller, language: Shown) -> str:
    """Return the report of a case, with what the caller may see of it."""
    alert_id = found.case.alert_id
    alert = None if alert_id is None else card_document(alert_card(db, alert_id), caller)
    document = case_document(db, found, caller) | {"alert": alert}
    return case_report(document, layers=surroundings(db, found.case), language=language)


def newest_hot_spot_run(db: Session, run_id: int | None = None) -> int:
    """Return the id of a run that found hot spots: the one that is named, else the newest.

    Raises
    ------
    NotFound
        There is none.
    """
    newest = read_page(db, COLLECTIONS["hot_spots"], Selection(values=_of_run(run_id)), limit=1).features
    if not newest:
        raise NotFound("no hot spots: run wangge analyse first", "尚无热点：请先运行 wangge analyse")
    return int(json.loads(newest[0])["properties"]["run_id"])


def hot_spot_page(db: Session, run_id: int, language: Shown) -> str:
    """Return the report of the hot spots of a run."""
    cells = gpd.GeoDataFrame.from_features(_features(db, "hot_spots", _of_run(run_id)), crs=4326)
    run = db.get_one(ModelRun, run_id)
    about = {"model": run.model, "version": run.version, "at": run.at, "parameters": run.parameters}
    over_time = _features(db, "emerging_hot_spots", _of_run(run_id))
    found = gpd.GeoDataFrame.from_features(over_time, crs=4326) if over_time else None
    counties = {"type": "FeatureCollection", "features": _features(db, "areas", {"kind": ["county"]})}
    return hotspot_report(cells, about, over_time=found, areas=counties, language=language)


def _of_run(run_id: int | None) -> dict[str, list[str]]:
    return {} if run_id is None else {"run_id": [str(run_id)]}


def _features(db: Session, collection_id: str, values: dict[str, list[str]]) -> list[dict[str, Any]]:
    """All features, in pages; hot spots are at most some ten thousand cells a run."""
    found: list[dict[str, Any]] = []
    after: tuple[Any, ...] | None = None
    while True:
        page = read_page(
            db, COLLECTIONS[collection_id], Selection(values=values), limit=MAX_LIMIT, after=after
        )
        found.extend(json.loads(feature) for feature in page.features)
        if page.last is None:
            return found
        after = page.last
