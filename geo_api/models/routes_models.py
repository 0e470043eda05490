"""Models in force: the documents that say what a model looks at and what each signal means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from geo_api.auth.access import Db, needs
from geo_api.http.caching import PRIVATE
from geo_api.http.representations import json_response
from geo_api.models.in_force import ModelInForce, all_in_force, model_in_force
from geo_api.models.schemas import ModelDocument, ModelsInForce
from grid.models import Calibration, calibrations
from spatial_models.suspicion import model_schema
from spatial_models.suspicion.model_file import NAME_PATTERN

router = APIRouter(prefix="/v1/models", tags=["models"])


@router.get("", response_model=ModelsInForce, dependencies=[needs("read_alerts")])
def list_models(request: Request, db: Db) -> Response:
    """Return the models in force, by name."""
    found = all_in_force(db, request.app.state.settings.models_folder()).models
    by_kind = calibrations(db)
    return json_response(
        {"models": [_shown(one, by_kind) for one in found]}, headers={"Cache-Control": PRIVATE}
    )


@router.get("/{name}", response_model=ModelDocument, dependencies=[needs("read_alerts")])
def get_model(name: Annotated[str, Path(pattern=NAME_PATTERN)], request: Request, db: Db) -> Response:
    """Return a model in force: its document, and the schema of such documents."""
    found = model_in_force(db, name, request.app.state.settings.models_folder())
    more = {"document": found.model.document(), "schema": model_schema()}
    return json_response(_shown(found, calibrations(db)) | more, headers={"Cache-Control": PRIVATE})


def _shown(one: ModelInForce, by_kind: Mapping[str, Calibration]) -> dict[str, object]:
    model = one.model
    calibration = by_kind.get(model.alert_kind)
    return {
        "name": model.name,
        "version": model.version,
        "title": model.title.model_dump(),
        "alert_kind": model.alert_kind,
        "subject": model.population.subject,
        "families": sorted(model.families),
        "origin": one.origin,
        "sha256": model.digest(),
        "calibration": None if calibration is None else asdict(calibration),
    }
