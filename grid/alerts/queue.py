"""Queue of checks: what the inspectors of a county can check in a week decides which alerts are due."""

from __future__ import annotations

import datetime as dt

from sqlalchemy.orm import Session

from grid.registers import area_codes_of
from layers.alerts import NewBudget, rank_alerts, set_budget
from layers.errors import OutOfScope
from layers.local_time import local_zone, start_of_day
from layers.postgres import Scope


def week_begin(now: dt.datetime) -> dt.datetime:
    """Return the begin of the city's week, Monday 00:00.

    Parameters
    ----------
    now : datetime
        With zone.
    """
    local = now.astimezone(local_zone())
    monday = local.date() - dt.timedelta(days=local.weekday())
    return start_of_day(monday)


def refresh_queue(db: Session, now: dt.datetime) -> None:
    """Write the places of the queue anew: after a run, an outcome, a change of a budget, and in a new week."""
    rank_alerts(db, today=now.astimezone(local_zone()).date(), week_from=week_begin(now))


def change_budget(db: Session, new: NewBudget, scope: Scope, now: dt.datetime) -> None:
    """Set a budget in the name of an account, and write the places of the queue anew.

    Parameters
    ----------
    db : Session
        Of the service itself.
    scope : Scope
        Of the account.

    Raises
    ------
    OutOfScope
        The county is not inside the account's area.
    layers.errors.InputError
        No such county or kind, or a number out of range.
    """
    if not scope.city_wide and new.area_code not in area_codes_of(db, scope.area_ids):
        raise OutOfScope(f"the county {new.area_code} is outside of this account's area 该县不在账户区域内")
    set_budget(db, new, now)
    refresh_queue(db, now)
