"""The story of one area: its versions, those before and after it, and the change sets between them."""

from __future__ import annotations

import dataclasses
import datetime as dt
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import text
from sqlalchemy.orm import Session

from grid.errors import UnknownArea

MOST_STEPS = 30
MOST_VERSIONS = 300

Relation = Literal["before", "itself", "after"]


@dataclass(frozen=True)
class StoryChange:
    """The change set that began a version: who asked, who approved, when and why."""

    id: int
    title: str
    reason: str
    author: str
    approved_by: str | None
    applied_at: dt.datetime | None
    status: str


@dataclass(frozen=True)
class StoryVersion:
    """A version of the area, or of one before or after it.

    Attributes
    ----------
    relation : str
        ``itself``: under the code that was asked for; ``before``: land of it came from there; ``after``: land of it
        went there.
    void_reason : str or None
        Why it ended.
    predecessors, successors : list of str
        Codes.
    change : StoryChange or None
        None: it came by an import, or its change set is not the caller's to see.
    """

    id: int
    code: str
    name: str
    relation: Relation
    valid_from: dt.datetime
    valid_to: dt.datetime | None
    area_m2: float
    void_reason: str | None
    predecessors: list[str]
    successors: list[str]
    change: StoryChange | None


@dataclass(frozen=True)
class Story:
    """All that became of an area, the oldest version first; ``truncated``: there is more."""

    code: str
    kind: str
    versions: list[StoryVersion]
    truncated: bool


_STORY = text("""
WITH RECURSIVE before AS (
    SELECT id, 0 AS step FROM areas WHERE code = :code AND kind = :kind
    UNION SELECT s.predecessor_id, b.step + 1 FROM before b JOIN area_successions s ON s.successor_id = b.id
    WHERE b.step < :steps
), after AS (
    SELECT id, 0 AS step FROM areas WHERE code = :code AND kind = :kind
    UNION SELECT s.successor_id, a.step + 1 FROM after a JOIN area_successions s ON s.predecessor_id = a.id
    WHERE a.step < :steps
), named AS (
    SELECT id, CASE WHEN bool_or(self) THEN 'itself' WHEN bool_or(earlier) THEN 'before' ELSE 'after' END AS relation
    FROM (SELECT id, step = 0 AS self, step > 0 AS earlier FROM before
          UNION ALL SELECT id, step = 0, false FROM after) both_ways GROUP BY id
)
SELECT a.id, a.code, a.name, n.relation, a.valid_from, a.valid_to, a.area_m2, a.void_reason,
       ARRAY(SELECT DISTINCT p.code FROM area_successions s JOIN areas p ON p.id = s.predecessor_id
             WHERE s.successor_id = a.id ORDER BY 1) AS predecessors,
       ARRAY(SELECT DISTINCT f.code FROM area_successions s JOIN areas f ON f.id = s.successor_id
             WHERE s.predecessor_id = a.id ORDER BY 1) AS successors,
       c.id AS change_id, c.title, c.reason, c.author, c.approved_by, c.applied_at, c.status
FROM named n JOIN areas a ON a.id = n.id LEFT JOIN change_sets c ON c.id = a.change_set_id
ORDER BY a.valid_from, a.code, a.id LIMIT :most
""")


def story_of_area(db: Session, code: str, kind: str = "unit_grid") -> Story:
    """Return the story of an area, with the change sets that the caller may see.

    Parameters
    ----------
    db : Session
        In the caller's scope: areas are public, change sets are those of the own areas.

    Raises
    ------
    UnknownArea
        No area of that kind ever had the code.
    """
    values = {"code": code, "kind": kind, "steps": MOST_STEPS, "most": MOST_VERSIONS + 1}
    rows = db.execute(_STORY, values).all()
    if not rows:
        raise UnknownArea(f"no {kind} ever had the code {code!r}", f"没有编码为 {code} 的网格")
    versions = [_version(row) for row in rows[:MOST_VERSIONS]]
    return Story(code, kind, versions, len(rows) > MOST_VERSIONS)


def _version(row: Any) -> StoryVersion:
    change = None
    if row.change_id is not None:
        facts = (row.title, row.reason, row.author, row.approved_by, row.applied_at, row.status)
        change = StoryChange(row.change_id, *facts)
    names = [field.name for field in dataclasses.fields(StoryVersion) if field.name != "change"]
    return StoryVersion(**{name: getattr(row, name) for name in names}, change=change)
