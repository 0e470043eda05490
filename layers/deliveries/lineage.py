"""Lineage: from a row or an alert to the batches of the rows behind it, and the deliveries that these came in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from layers.errors import InputError, NotFound
from layers.local_time import local_zone
from layers.tables import NATURAL_KEYS

_KEYS: Mapping[str, tuple[str, ...]] = {
    name: key
    for name, key in NATURAL_KEYS.items()
    if name in ("enterprises", "sites", "vehicles", "places", "fences", "bodies", "officers", "matters", "duty_items")
    or name in ("grid_workers", "grid_households", "roads", "waterways", "buildings")
} | {"calendar_days": ("day",), "areas": ("code", "valid_from")}  # fmt: skip
_THROUGH_SITE = {
    "meter_readings": ("site_id", "kind", "day"),
    "notices": ("site_id", "kind", "valid_from"),
    "licences": ("number",),
}
"""Tables that name the site by its key of the database, and the columns by which a person names a row."""


@dataclass(frozen=True)
class Origin:
    """Rows of one batch behind a figure.

    Attributes
    ----------
    table : str
    batch_id : int or None
        None: the rows are older than batches, or were made by an edit of the partition.
    rows : int
    delivery_id : int or None
        The delivery of a source that the batch imported.
    """

    table: str
    batch_id: int | None
    rows: int
    delivery_id: int | None


_DELIVERY = "(SELECT (b.options ->> 'delivery')::integer FROM batches b WHERE b.id = r.batch_id)"


def row_keys(table: str) -> tuple[str, ...]:
    """Return the columns by which a row of a table is named.

    Raises
    ------
    InputError
        No row of this table is from outside.
    """
    known = {**_KEYS, **_THROUGH_SITE}
    if table not in known:
        raise InputError(f"table: one of 应为 {', '.join(sorted(known))}")
    return known[table]


def origins_of_row(db: Session, table: str, key: Mapping[str, str]) -> list[Origin]:
    """Return the batch of a row, by the values of its key.

    Raises
    ------
    InputError
        The table or a column of its key is unknown.
    NotFound
    """
    names = row_keys(table)
    if set(key) != set(names):
        raise InputError(f"key: {', '.join(names)} 应给出这些列")
    conditions = " AND ".join(_condition(table, name) for name in names)
    found = db.execute(
        text(
            f"SELECT r.batch_id, count(*), {_DELIVERY} FROM {table} r WHERE {conditions} GROUP BY r.batch_id"
            " ORDER BY r.batch_id"
        ),
        dict(key) | ({"zone": local_zone().key} if table == "meter_readings" else {}),
    ).all()
    if not found:
        raise NotFound(f"no such row in {table}: {dict(key)}", f"{table} 中没有该行：{dict(key)}")
    return [Origin(table, batch, int(rows), delivery) for batch, rows, delivery in found]


def _condition(table: str, name: str) -> str:
    if table in _THROUGH_SITE and name == "site_id":
        return "r.site_id IN (SELECT id FROM sites WHERE site_id = :site_id)"
    if table == "meter_readings" and name == "day":
        return "(r.began_at AT TIME ZONE :zone)::date::text = :day"
    return f"r.{name}::text = :{name}"


_OF_SITE = "SELECT site_id AS id FROM alerts WHERE id = :alert"
_OF_ALERT = {
    "sites": f"SELECT r.batch_id FROM sites r WHERE r.id IN ({_OF_SITE})",
    "enterprises": "SELECT r.batch_id FROM enterprises r JOIN sites s ON s.enterprise_id = r.id"
    f" WHERE s.id IN ({_OF_SITE})",
    "meter_readings": f"SELECT r.batch_id FROM meter_readings r WHERE r.site_id IN ({_OF_SITE})",
    "notices": f"SELECT r.batch_id FROM notices r WHERE r.site_id IN ({_OF_SITE})",
    "licences": "SELECT r.batch_id FROM licences r JOIN sites s ON s.enterprise_id = r.enterprise_id"
    f" WHERE s.id IN ({_OF_SITE}) AND (r.site_id IS NULL OR r.site_id = s.id)",
    "fixes": "SELECT r.batch_id FROM visits v JOIN fixes r ON r.vehicle_id = v.vehicle_id"
    f" AND r.t >= v.entered_at AND r.t <= v.left_at WHERE v.site_id IN ({_OF_SITE})",
    "vehicles": "SELECT r.batch_id FROM vehicles r WHERE r.id IN"
    f" (SELECT vehicle_id FROM visits WHERE site_id IN ({_OF_SITE}))",
}
"""Rows that the signals of an alert are made of, by table."""


def origins_of_alert(db: Session, alert_id: int) -> list[Origin]:
    """Return the batches of the rows behind an alert: its site, enterprise, readings, notices, licences and visits.

    Rows as they are now: those that a later batch replaced since the run stand under that batch.
    """
    every = " UNION ALL ".join(
        f"SELECT '{table}' AS name, batch_id FROM ({rows}) q" for table, rows in _OF_ALERT.items()
    )
    found = db.execute(
        text(
            f"SELECT r.name, r.batch_id, count(*), {_DELIVERY} FROM ({every}) r GROUP BY r.name, r.batch_id"
            " ORDER BY r.name, r.batch_id"
        ),
        {"alert": alert_id},
    ).all()
    return [Origin(table, batch, int(rows), delivery) for table, batch, rows, delivery in found]
