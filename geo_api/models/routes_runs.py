"""Runs of the models: when which model looked at what, what it could not see, how long it took."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from geo_api.auth.access import Caller, CallerDep, Db, needs
from geo_api.http.caching import PRIVATE
from geo_api.http.parameters import limit_parameter
from geo_api.http.representations import json_response, older_links
from geo_api.models.run_figures import run_figures
from geo_api.models.schemas import RunOfModel, RunsOfModels, RunWithoutFigures, WholeRunOfModel
from layers.records import newest_runs, read_run
from layers.tables import ModelRun

router = APIRouter(prefix="/v1/model-runs", tags=["models"])
Limit = Annotated[int, Depends(limit_parameter)]
OF_THE_WHOLE_CITY = ("counts", "blind_spots", "fingerprint")


@router.get("", response_model=RunsOfModels, dependencies=[needs("read_alerts")])
def list_model_runs(
    request: Request,
    caller: CallerDep,
    db: Db,
    limit: Limit,
    before: Annotated[int | None, Query(ge=1, le=2**63 - 1, description="Only ids below")] = None,
) -> Response:
    """Return runs of the models, newest first; counts and blind spots are told to those who see the whole city."""
    rows = newest_runs(db, limit + 1, before)
    runs = [_shown(run, caller, RunOfModel) for run in rows[:limit]]
    return json_response(
        {"runs": runs, "links": older_links(request, rows, limit)}, headers={"Cache-Control": PRIVATE}
    )


@router.get("/{run_id}", response_model=WholeRunOfModel, dependencies=[needs("read_alerts")])
def get_model_run(run_id: Annotated[int, Path(ge=1, lt=2**63)], caller: CallerDep, db: Db) -> Response:
    """Return one run with its parameters, the fingerprint of what it read, and figures from the checks since."""
    run = read_run(db, run_id)
    figures = run_figures(db, run.id) if _sees_whole_city(caller) else None
    return json_response(
        _shown(run, caller, RunWithoutFigures) | {"figures": figures}, headers={"Cache-Control": PRIVATE}
    )


def _shown(run: ModelRun, caller: Caller, shape: type[RunOfModel]) -> dict[str, Any]:
    whole = _sees_whole_city(caller)
    return {
        name: getattr(run, name) if whole or name not in OF_THE_WHOLE_CITY else None
        for name in shape.model_fields
    }


def _sees_whole_city(caller: Caller) -> bool:
    return caller.scope.city_wide and not caller.scope.domains
