"""Loads of the communities of an area, and moves of unit grids that balance them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from geo_api.areas.schemas import Balance
from geo_api.auth.access import CallerDep, SystemDb, needs
from geo_api.http.errors import Problem
from geo_api.http.representations import json_response
from grid.change_sets import MEASURES, as_json, balance_of

router = APIRouter(prefix="/areas", tags=["change sets"])


@router.get("/{area_id}/balance", response_model=Balance, dependencies=[needs("read_change_sets")])
def get_balance(
    area_id: Annotated[int, Path(ge=1, lt=2**63, description="A town, county or city that holds now")],
    caller: CallerDep,
    db: SystemDb,
    max_moves: Annotated[int, Query(ge=0, le=100)] = 10,
    weights: Annotated[
        str | None,
        Query(max_length=200, description=f"As households:0.5,cases:0.5; of {', '.join(MEASURES)}"),
    ] = None,
) -> Response:
    """Households, enterprises, open cases, area and roads by community, with unit grids to transfer.

    Contiguity is kept.
    """
    if not caller.scope.city_wide and area_id not in caller.scope.area_ids:
        raise Problem("not-found", f"no area {area_id}", f"没有区域 {area_id}")
    found = balance_of(db, area_id, weights=_weights(weights), max_moves=max_moves)
    return json_response(asdict(found) | {"operations": as_json(found.operations)})


def _weights(given: str | None) -> dict[str, float] | None:
    if given is None:
        return None
    try:
        pairs = [part.split(":") for part in given.split(",")]
        return {name.strip(): float(value) for name, value in pairs}
    except ValueError as error:
        raise Problem(
            "invalid-parameter", f"weights: {given!r} is not name:number,…", "weights 参数无效"
        ) from error
