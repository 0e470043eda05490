"""Opening of the case of an alert, once, with the duty item, the title and the deadline of the alert's kind."""

from __future__ import annotations

import datetime as dt

from sqlalchemy.orm import Session

from grid.alerts.matters import DEFAULT_LIMIT, LIMITS
from grid.cases import open_case
from grid.errors import SecondCase
from grid.responsibility import assign
from layers.records import alert_subject, newest_snapshot


def open_case_of_alert(db: Session, alert_id: int, item_code: str, at: dt.datetime) -> bool:
    """Open the case of an alert unless its present matter has one, or its site or fence an open one of the item.

    Returns whether a case was opened.
    """
    subject = alert_subject(db, alert_id)
    if subject.case_number is not None:
        return False
    snapshot = newest_snapshot(db, alert_id)
    try:
        open_case(
            db,
            title=f"{subject.kind_zh}：{subject.name}",
            item_code=item_code,
            assignment=assign(
                db, lon=subject.lon, lat=subject.lat, item_code=item_code, at=at, enterprise_uscc=subject.uscc
            ),
            lon=subject.lon,
            lat=subject.lat,
            opened_at=at,
            default_limit=LIMITS.get(subject.kind, DEFAULT_LIMIT),
            payload=None if snapshot is None else {"snapshot_sha256": snapshot},
            alert_id=alert_id,
            site_id=subject.site_id,
        )
    except SecondCase:  # an earlier alert of the site opened it, and it is not closed
        return False
    return True
