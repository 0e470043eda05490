"""Versions of models over HTTP: listed with what was measured, put into force by another person, taken back."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Response
from sqlalchemy.orm import Session

from geo_api.auth.access import Caller, CallerDep, Db, SystemDb, needs
from geo_api.http.caching import PRIVATE
from geo_api.http.errors import Problem
from geo_api.http.representations import json_response
from geo_api.http.request_bodies import JsonRoute
from geo_api.models.schemas import PutBackBody, PutInForceBody, VersionsOfModel
from grid.models import put_back, put_in_force
from layers.models import VersionFacts, versions

router = APIRouter(prefix="/v1/models", tags=["models"], route_class=JsonRoute)
ModelName = Annotated[str, Path(min_length=1, max_length=100, pattern=r"^[a-z0-9_]+$")]
HEADERS = {"Cache-Control": PRIVATE}


def of_whole_city(caller: CallerDep) -> Caller:
    """Refuse accounts of a part: a model judges the whole city."""
    if not caller.scope.city_wide or caller.scope.domains:
        raise Problem(
            "not-allowed",
            "A model judges the whole city: an account of the whole city and every domain is needed.",
            "模型适用于全市，须由全市范围的账户办理。",
        )
    return caller


DECIDING = [needs("put_models_in_force"), Depends(of_whole_city)]


@router.get("/{name}/versions", response_model=VersionsOfModel, dependencies=[needs("read_alerts")])
def list_model_versions(name: ModelName, caller: CallerDep, db: Db) -> Response:
    """Return the versions of a model, the newest first: who made each, old figures against new, which is in force."""
    return json_response(_document(db, name, caller), headers=HEADERS)


@router.post("/{name}/in-force", response_model=VersionsOfModel, dependencies=DECIDING)
def put_model_in_force(
    name: ModelName, body: PutInForceBody, caller: CallerDep, system: SystemDb
) -> Response:
    """Put a version into force; the next run uses it. Who made it does not put it into force."""
    put_in_force(system, name, body.version, by=caller.username, now=dt.datetime.now(dt.UTC), note=body.note)
    return json_response(_document(system, name, caller), headers=HEADERS)


@router.post("/{name}/put-back", response_model=VersionsOfModel, dependencies=DECIDING)
def put_model_back(name: ModelName, body: PutBackBody, caller: CallerDep, system: SystemDb) -> Response:
    """Take the version in force back: the one before it is in force again, or the file."""
    put_back(system, name, by=caller.username, now=dt.datetime.now(dt.UTC), note=body.note)
    return json_response(_document(system, name, caller), headers=HEADERS)


def _document(db: Session, name: str, caller: Caller) -> dict[str, Any]:
    found = versions(db, name)
    decides = caller.may("put_models_in_force") and caller.scope.city_wide and not caller.scope.domains
    in_force = next((facts.stored.version for facts in found if facts.is_in_force), None)
    return {
        "model": name,
        "in_force": in_force,
        "may_put_back": decides and in_force is not None,
        "versions": [_facts(facts, decides, caller.username) for facts in found],
    }


def _facts(facts: VersionFacts, decides: bool, username: str) -> dict[str, Any]:
    names = ("version", "based_on", "made_at", "made_by", "note", "sha256", "document", "figures")
    moments = ("is_in_force", "in_force_at", "in_force_by", "put_back_at", "put_back_by")
    row = {name: getattr(facts.stored, name) for name in names} | {
        name: getattr(facts, name) for name in moments
    }
    may = decides and not facts.is_in_force and facts.stored.made_by != username
    return row | {"may_put_in_force": may}
