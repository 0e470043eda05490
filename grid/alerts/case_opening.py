"""Opening of the case of an alert, once, with the duty item, the title and the deadline of the alert's kind."""

from __future__ import annotations

import datetime as dt

from sqlalchemy.orm import Session

from grid.alerts.matters import LIMITS
from grid.cases import open_case
from grid.errors import SecondCase
from grid.responsibility import assign
from layers.records import alert_site, newest_snapshot


def open_case_of_alert(db: Session, alert_id: int, item_code: str, at: dt.datetime) -> bool:
    """Open the case of an alert unless its present matter has one, or its site an open one of the item.

    Returns whether a case was opened.
    """
    site = alert_site(db, alert_id)
    if site.case_number is not None:
        return False
    snapshot = newest_snapshot(db, alert_id)
    try:
        open_case(
            db,
            title=f"{site.kind_zh}：{site.enterprise}",
            item_code=item_code,
            assignment=assign(
                db, lon=site.lon, lat=site.lat, item_code=item_code, at=at, enterprise_uscc=site.uscc
            ),
            lon=site.lon,
            lat=site.lat,
            opened_at=at,
            default_limit=LIMITS[site.kind],
            payload=None if snapshot is None else {"snapshot_sha256": snapshot},
            alert_id=alert_id,
            site_id=site.site_id,
        )
    except SecondCase:  # an earlier alert of the site opened it, and it is not closed
        return False
    return True
