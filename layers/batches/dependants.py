"""Dependants of a batch: later batches, edits, results of models, cases and rows that refer to its rows.

An undo is refused while there is any of it. A result rests on a batch when a model that finished after the
batch was received read its rows: of the same site, vehicle and time, fence or area.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import text
from sqlalchemy.orm import Session

from layers.batches.rows import inserted, replacing_tables, same_key, tables_of
from layers.tables import HISTORY_TABLES, NATURAL_KEYS, Base, Batch

MOST_NAMED = 10
"""Ids of one kind that are named; the count is whole."""


CHINESE = {
    "alerts": "预警",
    "areas": "区域",
    "area_successions": "区域沿革",
    "batches": "后续批次",
    "bodies": "主体",
    "cases": "案件",
    "change_sets": "变更",
    "duty_items": "权责事项",
    "encounters": "车辆会遇",
    "enterprises": "企业",
    "fence_events": "围栏事件",
    "fences": "电子围栏",
    "licences": "许可证",
    "matters": "事项",
    "meter_readings": "计量读数",
    "notices": "报备",
    "officers": "执法人员",
    "places": "停车场所",
    "silences": "失联",
    "sites": "企业场所",
    "stays": "停留",
    "users": "账户",
    "vehicles": "车辆",
    "vehicles_with_fixes": "已有轨迹的车辆",
    "visits": "到访",
}
"""Names of the kinds; in English they are their own."""


@dataclass(frozen=True)
class Dependant:
    """Rows of one kind that rest on a batch.

    Attributes
    ----------
    kind : str
        ``batches``, ``change_sets``, or the table of the rows; ``vehicles_with_fixes``.
    count : int
    ids : tuple of str
        The first ones, as people name them: numbers of cases, codes of areas, ids of sites and batches.
    """

    kind: str
    count: int
    ids: tuple[str, ...]

    def told(self, language: Literal["en", "zh"]) -> str:
        """Return what a person reads: how many of what, and the first ids.

        Examples
        --------
        >>> Dependant("cases", 12, ("NT-1", "NT-2")).told("en"), Dependant("batches", 1, ("7",)).told("zh")
        ('12 cases (NT-1, NT-2, …)', '后续批次 1 (7)')
        """
        ids = ", ".join(self.ids) + (", …" if self.count > len(self.ids) else "")
        ids = f" ({ids})" if self.ids else ""
        english = self.kind.replace("_", " ")
        name = CHINESE.get(self.kind, english)
        return f"{self.count:,} {english}{ids}" if language == "en" else f"{name} {self.count:,}{ids}"

    def without_ids(self) -> Dependant:
        """Return it for somebody who may not see those rows."""
        return Dependant(self.kind, self.count, ())


def dependants_of(db: Session, batch: Batch) -> list[Dependant]:
    """Return what rests on a batch, most important kinds first.

    For a batch of fixes the temporary table ``undone_days`` holds its vehicles and times.
    """
    questions: dict[str, list[str]] = defaultdict(list)
    for kind, question in _questions(batch):
        questions[kind].append(question)
    asked = {"batch": batch.id, "received_at": batch.received_at}
    found = [_ask(db, kind, questions[kind], asked) for kind in sorted(questions, key=_place)]
    return [dependant for dependant in found if dependant.count]


_FIRST = ("cases", "alerts", "batches", "change_sets")


def _place(kind: str) -> tuple[int, str]:
    return _FIRST.index(kind) if kind in _FIRST else len(_FIRST), kind


def _ask(db: Session, kind: str, questions: list[str], asked: dict[str, object]) -> Dependant:
    one = " UNION ".join(questions)
    row = db.execute(
        text(
            f"WITH found (id) AS MATERIALIZED ({one}) SELECT (SELECT count(*) FROM found),"
            f" ARRAY(SELECT id FROM found ORDER BY length(id), id LIMIT {MOST_NAMED})"
        ),
        {name: value for name, value in asked.items() if f":{name}" in one},
    ).one()
    return Dependant(kind, int(row[0]), tuple(row[1]))


def _questions(batch: Batch) -> Iterator[tuple[str, str]]:
    """Kinds of dependants, each with a query for their ids as text."""
    if batch.kind == "tracks":
        yield from _on_fixes()
        return
    for table in replacing_tables(batch):
        yield (
            "batches",
            (
                f"SELECT DISTINCT replaced_by::text FROM {table}_history"
                " WHERE batch_id = :batch AND replaced_by <> :batch"
            ),
        )
        yield from _keys_in_use(table)
    for table in tables_of(batch):
        yield from _referring_rows(batch, table)
    yield from _BY_KIND[batch.kind]


_NAMES = {
    "areas": "r.code",
    "area_successions": "r.predecessor_id || '-' || r.successor_id",
    "bodies": "r.code",
    "cases": "r.number",
    "enterprises": "r.uscc",
    "fences": "r.fence_id",
    "meter_readings": "r.site_id || ' ' || r.kind || ' ' || r.began_at",
    "sites": "r.site_id",
    "vehicles": "r.vehicle_id",
}
"""How a row of a table is named; others by their id."""


def _keys_in_use(table: str) -> Iterator[tuple[str, str]]:
    """Rows that took the key of a row that would come back."""
    key = NATURAL_KEYS[table]
    if key == tuple(column.name for column in Base.metadata.tables[table].primary_key):
        return
    same = " AND ".join(f"r.{name} = h.{name}" for name in key)
    yield (
        table,
        (
            f"SELECT {_NAMES.get(table, 'r.id::text')} FROM {table}_history h JOIN {table} r ON {same}"
            " WHERE h.replaced_by = :batch AND r.batch_id IS DISTINCT FROM :batch AND NOT"
            f" ({same_key(table, 'r', 'h')})"
        ),
    )


def _referring_rows(batch: Batch, table: str) -> Iterator[tuple[str, str]]:
    """Rows with a foreign key to one that the undo would remove.

    Replaced ones too, since they may come back.
    """
    gone = f"SELECT gone.id FROM {table} gone WHERE {inserted(table, 'gone')}"
    for other in Base.metadata.tables.values():
        for key in sorted(other.foreign_keys, key=lambda key: key.parent.name):
            if key.column.table.name != table:
                continue
            column = key.parent.name
            apart = f" AND NOT ({inserted(other.name, 'r')})" if other.name in tables_of(batch) else ""
            if (other.name, column) == ("areas", "parent_id"):
                apart += f" AND NOT {_HANGS_BACK}"
            name = _NAMES.get(other.name, "r.id::text")
            yield other.name, f"SELECT {name} FROM {other.name} r WHERE r.{column} IN ({gone}){apart}"
            if other.name in HISTORY_TABLES:
                yield (
                    "batches",
                    (
                        f"SELECT DISTINCT r.replaced_by::text FROM {other.name}_history r"
                        f" WHERE r.{column} IN ({gone}) AND r.replaced_by <> :batch"
                    ),
                )


# An area that was there before hangs below the former version of its parent again.
_HANGS_BACK = (
    "EXISTS (SELECT FROM areas n JOIN areas o ON o.code = n.code AND o.kind = n.kind AND o.valid_to = n.valid_from"
    " WHERE n.id = r.parent_id AND n.batch_id = :batch AND o.closed_by_batch = :batch AND r.valid_from < n.valid_from)"
)
_LATER = "JOIN model_runs m ON m.id = r.run_id AND m.finished_at > :received_at"


def _alerts_of_sites(sites: str) -> tuple[tuple[str, str], ...]:
    """Alerts that a later run raised at some sites, and their cases."""
    return _alerts_of("site_id", sites)


def _alerts_of(subject: str, ids: str) -> tuple[tuple[str, str], ...]:
    """Alerts that a later run raised at some sites or fences, and their cases."""
    alerts = f"FROM alerts r {_LATER} WHERE r.{subject} IN ({ids})"
    return (
        ("alerts", f"SELECT r.id::text {alerts}"),
        ("cases", f"SELECT c.number FROM cases c WHERE c.alert_id IN (SELECT r.id {alerts})"),
    )


def _results(table: str, condition: str) -> tuple[str, str]:
    return table, f"SELECT r.id::text FROM {table} r {_LATER} WHERE {condition}"


_OF_BATCH = "(SELECT id FROM {} WHERE batch_id = :batch)"
_OF_VEHICLES = "r.vehicle_id IN " + _OF_BATCH.format("vehicles")
_OF_VEHICLES_MET = " OR ".join(
    _OF_VEHICLES.replace("vehicle_id", name) for name in ("vehicle_a", "vehicle_b")
)
_PLACES = "FROM places p WHERE p.batch_id = :batch AND p.kind = r.excluded_by"


def _on_fixes() -> Iterator[tuple[str, str]]:
    """Rows of the same vehicles and times that runs found, and the alerts to which the visits led."""
    during = (
        "EXISTS (SELECT FROM undone_days u WHERE u.vehicle_id = r.vehicle_id"
        " AND r.{} <= u.last_t AND r.{} >= u.first_t)"
    )
    visits = during.format("entered_at", "left_at")
    yield _results("stays", during.format("started_at", "ended_at"))
    yield _results("visits", visits)
    yield _results("fence_events", during.format("started_at", "ended_at"))
    yield _results("silences", during.format("began_at", "began_at"))
    met = during.format("started_at", "ended_at").replace("= r.vehicle_id", "IN (r.vehicle_a, r.vehicle_b)")
    yield _results("encounters", met)
    yield from _alerts_of_sites(f"SELECT r.site_id FROM visits r WHERE {visits}")
    breaches = during.format("started_at", "ended_at")
    yield from _alerts_of("fence_id", f"SELECT r.fence_id FROM fence_events r WHERE {breaches}")


_ENDED_BY = "COALESCE(s.change_set_id::text, substring(a.void_reason FROM 'change set ([0-9]+)'), a.code)"
_OF_AREAS = _OF_BATCH.format("areas")
_NO_OTHER_VERSION = (
    "(SELECT a.code FROM areas a WHERE a.batch_id = :batch AND NOT EXISTS"
    " (SELECT FROM areas b WHERE b.code = a.code AND b.batch_id IS DISTINCT FROM :batch))"
)
_ON_AREAS = (
    (
        "batches",
        "SELECT DISTINCT closed_by_batch::text FROM areas WHERE batch_id = :batch AND closed_by_batch <> :batch",
    ),
    (
        "change_sets",
        f"SELECT {_ENDED_BY} FROM areas a LEFT JOIN area_successions s ON s.predecessor_id = a.id"
        " WHERE a.batch_id = :batch AND a.valid_to IS NOT NULL AND a.closed_by_batch IS NULL",
    ),
    (
        "change_sets",
        f"SELECT c.id::text FROM change_sets c WHERE c.area_id IN {_OF_AREAS}"
        " OR (c.applied_at > :received_at AND jsonb_exists_any(c.result -> 'noded',"
        " ARRAY(SELECT code FROM areas WHERE batch_id = :batch AND kind = 'unit_grid')))",
    ),
    (
        "areas",
        "SELECT a.code FROM areas o JOIN areas a ON a.code = o.code AND a.kind = o.kind AND a.valid_to IS NULL"
        " WHERE o.closed_by_batch = :batch AND a.id <> o.id AND a.batch_id IS DISTINCT FROM :batch",
    ),
    *(
        (table, f"SELECT r.id::text FROM {table} r WHERE r.area_id IN {_OF_AREAS}")
        for table in ("alerts", "stays", "visits", "silences", "encounters", "fence_events")
    ),
    # the fixes of each later batch, by its times: one is enough
    (
        "batches",
        "SELECT b.id::text FROM batches b CROSS JOIN LATERAL (SELECT FROM fixes f"
        f" WHERE f.t >= b.fixes_from AND f.t <= b.fixes_to AND f.batch_id = b.id AND f.area_id IN {_OF_AREAS}"
        " LIMIT 1) f WHERE b.state IN ('done', 'open') AND (b.id > :batch OR b.day IS NOT NULL)",
    ),
    ("duty_items", f"SELECT d.id::text FROM duty_items d WHERE d.area_code IN {_NO_OTHER_VERSION}"),
    ("users", f"SELECT u.username FROM users u WHERE u.area_code IN {_NO_OTHER_VERSION}"),
)

GROUND = ("roads", "waterways", "buildings")
"""Nothing is found by these layers: they are looked at."""
_ON_SITES = (
    *_alerts_of_sites("SELECT id FROM sites WHERE batch_id = :batch"),
    *(_results(table, f"r.site_id IN {_OF_BATCH.format('sites')}") for table in ("visits", "silences")),
)
_BY_KIND: dict[str, tuple[tuple[str, str], ...]] = {
    "areas": _ON_AREAS,
    "enterprises": _alerts_of_sites(
        f"SELECT id FROM sites WHERE enterprise_id IN {_OF_BATCH.format('enterprises')}"
    ),
    **dict.fromkeys(("sites", "site_places"), _ON_SITES),
    "vehicles": (
        *(_results(table, _OF_VEHICLES) for table in ("stays", "visits", "silences", "fence_events")),
        _results("encounters", f"({_OF_VEHICLES_MET})"),
        (
            "vehicles_with_fixes",
            f"SELECT v.vehicle_id FROM vehicles v WHERE {inserted('vehicles', 'v')}"
            " AND EXISTS (SELECT FROM fixes f WHERE f.vehicle_id = v.id)",
        ),
    ),
    "meters": (
        *_alerts_of_sites("SELECT site_id FROM meter_readings WHERE batch_id = :batch"),
        # readings of others in the time of an interval that would come back: a bill that its days had replaced
        (
            "meter_readings",
            f"SELECT {_NAMES['meter_readings']} FROM meter_readings_history h JOIN meter_readings r"
            " ON r.site_id = h.site_id AND r.kind = h.kind AND r.meter_id = h.meter_id"
            " AND r.began_at < h.ended_at AND r.ended_at > h.began_at AND r.ended_at > r.began_at"
            " AND (r.began_at, r.ended_at) <> (h.began_at, h.ended_at)"
            " WHERE h.replaced_by = :batch AND h.ended_at > h.began_at AND r.batch_id IS DISTINCT FROM :batch",
        ),
    ),
    "licences": _alerts_of_sites(
        "SELECT s.id FROM sites s JOIN licences l ON l.enterprise_id = s.enterprise_id"
        " WHERE l.batch_id = :batch AND (l.site_id IS NULL OR l.site_id = s.id)"
    ),
    "notices": _alerts_of_sites("SELECT site_id FROM notices WHERE batch_id = :batch"),
    "places": (
        _results(
            "visits",
            f"EXISTS (SELECT {_PLACES} AND ST_DWithin(p.geom::geography, r.geom::geography, p.radius_m * 1.01))",
        ),
    ),
    "fences": (
        _results("fence_events", f"r.fence_id IN {_OF_BATCH.format('fences')}"),
        *_alerts_of("fence_id", "SELECT id FROM fences WHERE batch_id = :batch"),
    ),
    **dict.fromkeys((*GROUND, "officers", "matters", "grid_workers", "grid_households"), ()),
    "bodies": (
        (
            "officers",
            f"SELECT o.id::text FROM officers o JOIN bodies b ON b.code = o.body_code WHERE {inserted('bodies', 'b')}"
            f" AND NOT EXISTS (SELECT FROM bodies r WHERE r.code = b.code AND NOT ({inserted('bodies', 'r')}))",
        ),
    ),
    "calendar": (),
    "duties": (
        (
            "cases",
            "SELECT c.number FROM cases c JOIN duty_items d ON d.item_code = c.item_code"
            " AND (d.body = c.lead_body OR d.body = ANY (c.co_handlers))"
            " WHERE d.batch_id = :batch AND c.opened_at > :received_at",
        ),
    ),
}
