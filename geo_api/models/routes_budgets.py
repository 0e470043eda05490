"""Budgets of checks: how many alerts of a kind a county can check in a week, and what is due this week."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from fastapi import APIRouter, Query, Response
from sqlalchemy.orm import Session

from geo_api.auth.access import Caller, CallerDep, Db, SystemDb, needs
from geo_api.http.caching import PRIVATE
from geo_api.http.representations import json_response
from geo_api.http.request_bodies import JsonRoute
from geo_api.models.schemas import AlertBudgets, BudgetBody
from grid.alerts import change_budget
from layers.alerts import NewBudget, budgets
from layers.local_time import local_zone
from layers.postgres import apply_scope

router = APIRouter(prefix="/v1/alert-budgets", tags=["alerts"], route_class=JsonRoute)


@router.get("", response_model=AlertBudgets, dependencies=[needs("read_alerts")])
def list_budgets(
    caller: CallerDep,
    db: Db,
    whole: Annotated[bool, Query(alias="all", description="Also those that ended")] = False,
) -> Response:
    """Return the budgets in force; ``n_due`` and ``n_open`` count the alerts that the caller sees."""
    return _answer(db, caller, None if whole else dt.datetime.now(local_zone()).date())


@router.put("", response_model=AlertBudgets, dependencies=[needs("set_budgets")])
def set_alert_budget(body: BudgetBody, caller: CallerDep, system: SystemDb) -> Response:
    """Set or end the budget of a county and kind from a day on; the queue follows at once."""
    now = dt.datetime.now(dt.UTC)
    today = now.astimezone(local_zone()).date()
    new = NewBudget(
        body.area, body.kind, body.checks_per_week, body.valid_from or today, caller.username, body.note
    )
    change_budget(system, new, caller.scope, now)
    apply_scope(system, caller.scope)
    return _answer(system, caller, today)


def _answer(db: Session, caller: Caller, day: dt.date | None) -> Response:
    rows = [dict(row) for row in budgets(db, day)]
    for row in rows:
        row["checked"] = row["checked"] or 0
    document = {"budgets": rows, "may_set": caller.may("set_budgets")}
    return json_response(document, headers={"Cache-Control": PRIVATE})
