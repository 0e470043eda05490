"""Budgets of checks: how many alerts of a kind a county can check in a week, and the places that follow from them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import RowMapping, select, text
from sqlalchemy.orm import Session

from layers.errors import InputError
from layers.tables import AlertBudget


@dataclass(frozen=True)
class NewBudget:
    """A budget as somebody sets it; ``checks_per_week`` None ends the one in force."""

    area_code: str
    kind: str
    checks_per_week: int | None
    valid_from: dt.date
    set_by: str
    note: str = ""


def set_budget(db: Session, new: NewBudget, now: dt.datetime) -> AlertBudget | None:
    """Set the budget of a county and kind from a day on; the one before it ends on that day and stays in the history.

    A budget that begins on the same day or later is replaced by it: its days end before they begin.

    Raises
    ------
    InputError
        No county of this code, no such kind of alerts, or a number below 0.
    """
    if db.scalar(_IS_COUNTY, {"code": new.area_code}) is None:
        raise InputError(f"area: {new.area_code} is no county 不是县级区域")
    if db.scalar(_IS_KIND, {"kind": new.kind}) is None:
        raise InputError(f"kind: {new.kind} is no kind of alerts 没有该预警类型")
    if new.checks_per_week is not None and not 0 <= new.checks_per_week <= 10_000:
        raise InputError(f"checks_per_week: {new.checks_per_week}, 0 to 10000 每周核查数须为 0 至 10000")
    asked = select(AlertBudget).where(AlertBudget.area_code == new.area_code, AlertBudget.kind == new.kind)
    for known in db.scalars(asked.with_for_update()):
        if known.valid_to is None or known.valid_to > new.valid_from:
            known.valid_to = max(known.valid_from, new.valid_from)
    if new.checks_per_week is None:
        db.flush()
        return None
    made = AlertBudget(**vars(new), set_at=now)
    db.add(made)
    db.flush()
    return made


def budgets(db: Session, day: dt.date | None) -> Sequence[RowMapping]:
    """Return the budgets in force on a day (None: all, with those that ended), with the state of this week's checks."""
    return db.execute(_BUDGETS, {"day": day}).mappings().all()


def rank_alerts(db: Session, *, today: dt.date, week_from: dt.datetime) -> None:
    """Write the places of the queue anew (``layers/schema/alerts.sql``); places that do not change are not written.

    Parameters
    ----------
    today : date
        Day of the city whose budgets count.
    week_from : datetime
        Begin of the city's week: outcomes from here on were checks of this week.
    """
    db.execute(text("SELECT rank_alerts(:today, :week_from)"), {"today": today, "week_from": week_from})


_IS_COUNTY = text("SELECT 1 FROM areas WHERE kind = 'county' AND code = :code LIMIT 1")
_IS_KIND = text("SELECT 1 FROM alert_kinds WHERE kind = :kind")
_BUDGETS = text("""
SELECT b.id, b.area_code, (SELECT r.name FROM areas r WHERE r.kind = 'county' AND r.code = b.area_code
                           ORDER BY r.valid_from DESC LIMIT 1) AS area_name,
       b.kind, b.checks_per_week, b.valid_from, b.valid_to, b.set_at, b.set_by, b.note,
       q.n_open, q.n_due, q.checked
FROM alert_budgets b LEFT JOIN LATERAL (
    SELECT count(*) AS n_open, count(*) FILTER (WHERE r.is_due) AS n_due, max(r.checked) AS checked
    FROM alert_ranks r JOIN alerts a ON a.id = r.alert_id WHERE r.area_code = b.area_code AND a.kind = b.kind
) q ON true
WHERE CAST(:day AS date) IS NULL OR (b.valid_from <= :day AND (b.valid_to IS NULL OR b.valid_to > :day))
ORDER BY b.area_code, b.kind, b.valid_from DESC, b.id DESC
""")
