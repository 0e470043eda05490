"""The matter (事项) of the duty list that cases of a kind of alert are opened for."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from grid.calendar import RESUMPTION_LIMIT, TimeLimit
from grid.errors import UnknownItem
from layers.errors import NotFound
from layers.records import alerts_without_case

LIMITS: Mapping[str, TimeLimit] = {"illegal_resumption": RESUMPTION_LIMIT}
"""Time limits of cases by kind of alert."""
NAME_PARTS: Mapping[str, tuple[str, ...]] = {
    "illegal_resumption": ("复工", "复产", "恢复生产", "resum"),
    "hazardous_storage": ("危险废物", "危险化学品", "hazardous"),
    "split_jurisdictions": ("住所", "无照", "unlicensed"),
    "fishing_ban": ("禁渔", "禁捕", "捕捞", "fishing"),
}
"""Parts of names by which items for a kind of alert are known in duty lists, by kind."""
DEFAULT_LIMIT = RESUMPTION_LIMIT
"""Of kinds that ``LIMITS`` does not name."""
CASE_KINDS = tuple(NAME_PARTS)
"""Kinds of alerts whose matters a city file names: those of the shipped models."""
REQUIRED_KINDS = tuple(LIMITS)
"""Kinds of which a city without a matter has a fault; to set the others is its choice."""
MOST_SUGGESTED = 3
NAME_LIKENESS = 0.3
"""Least ratio of ``difflib`` at which names of items are suggested.

Names of few characters differ in many.
"""


@dataclass(frozen=True)
class Matter:
    """The matter of a kind of alert: the code that is set for it, and whether the duty list has it."""

    kind: str
    kind_zh: str
    kind_en: str
    item_code: str | None
    in_list: bool

    @property
    def fault_en(self) -> str:
        """The missing setting or item, in English."""
        if self.item_code is None:
            return f"no matter is set for alerts of the kind {self.kind} ({self.kind_en})"
        return f"matter {self.item_code} of the kind {self.kind} ({self.kind_en}) is not in the duty list"

    @property
    def fault_zh(self) -> str:
        """The missing setting or item, in Chinese."""
        if self.item_code is None:
            return f"预警类型 {self.kind}（{self.kind_zh}）未设定事项"
        return f"权责清单中没有预警类型 {self.kind}（{self.kind_zh}）的事项 {self.item_code}"


@dataclass(frozen=True)
class WithoutCase:
    """Open alerts that would have a case if the duty list had the matter of their kind."""

    alerts: int
    matter: Matter

    @property
    def message_en(self) -> str:
        """The number of alerts, the missing item and the commands that mend it, in English."""
        return (
            f"{self.alerts} alerts have no case: {self.matter.fault_en};"
            " `wangge import duties FILE` (and `wangge duties matter KIND ITEM_CODE`) mends it,"
            " the next `wangge analyse` opens the cases"
        )

    @property
    def message_zh(self) -> str:
        """The number of alerts, the missing item and the commands that mend it, in Chinese."""
        return (
            f"{self.alerts} 条预警未立案：{self.matter.fault_zh}；"
            "请用 wangge import duties 导入（并用 wangge duties matter 设定事项），下次分析时补立案"
        )


def case_matter(db: Session | Connection, kind: str) -> Matter:
    """Return the matter of a kind of alert.

    Raises
    ------
    NotFound
        When there is no such kind.
    """
    row = db.execute(_MATTER, {"kind": kind}).mappings().one_or_none()
    if row is None:
        kinds = list(db.execute(text("SELECT kind FROM alert_kinds ORDER BY kind")).scalars())
        near = ", ".join(difflib.get_close_matches(kind, kinds, MOST_SUGGESTED, 0.0))
        raise NotFound(f"no kind of alerts {kind!r} 没有这种预警类型; nearest 相近: {near}")
    return Matter(**row)


def ensure_kind(db: Session, kind: str, name_zh: str, name_en: str) -> None:
    """Register a kind of alert if it is new: without a domain, for those who see every domain, and without a matter."""
    db.execute(_ENSURE, {"kind": kind, "name_zh": name_zh, "name_en": name_en})


def missing_matters(db: Session | Connection, matters: Mapping[str, str] | None = None) -> list[Matter]:
    """Return the matters of kinds that open cases which the duty list lacks, or which are required and not set.

    Parameters
    ----------
    matters : mapping of str to str or None
        Items by kind that shall be set; None: those that are.
    """
    known = [case_matter(db, kind) for kind in CASE_KINDS]
    if matters is not None:
        listed = _item_names(db)
        codes = [matters.get(matter.kind) for matter in known]
        known = [
            replace(m, item_code=code, in_list=code in listed) for m, code in zip(known, codes, strict=True)
        ]
    return [
        matter
        for matter in known
        if not matter.in_list and (matter.item_code is not None or matter.kind in REQUIRED_KINDS)
    ]


def kept_without_case(
    db: Session | Connection, kinds: Collection[str], levels: Sequence[str]
) -> list[WithoutCase]:
    """Return, of each kind without a matter in the duty list, how many open alerts of some levels have no case.

    Kinds of which there are none are left out.
    """
    matters = [matter for kind in sorted(kinds) if not (matter := case_matter(db, kind)).in_list]
    counts = [(len(alerts_without_case(db, matter.kind, levels)), matter) for matter in matters]
    return [WithoutCase(n, matter) for n, matter in counts if n]


def set_matter(db: Session, kind: str, item_code: str) -> Matter:
    """Set the matter that later cases of a kind of alert are opened for.

    Raises
    ------
    NotFound
        When there is no such kind.
    UnknownItem
        When the duty list has no such item; the message names similar ones.
    """
    before = case_matter(db, kind)
    names = _item_names(db)
    if item_code not in names:
        near_codes = difflib.get_close_matches(item_code, names, MOST_SUGGESTED)
        found = {code: names[code] for code in near_codes}
        found |= dict(similar_items(db, item_code)) | dict(suggested_items(db, before))
        near = ", ".join(f"{code} {name}" for code, name in list(found.items())[:MOST_SUGGESTED]) or "—"
        raise UnknownItem(
            f"no item {item_code!r} in the duty list; nearest: {near}",
            f"权责清单中没有事项 {item_code}；相近：{near}",
        )
    db.execute(_SET, {"kind": kind, "item_code": item_code})
    return case_matter(db, kind)


def put_matters(db: Session, matters: Mapping[str, str]) -> None:
    """Store the matters of all kinds that open cases, whether or not the duty list has them.

    Other kinds get none.
    """
    for kind in CASE_KINDS:
        db.execute(_PUT, {"kind": kind, "item_code": matters.get(kind)})


def stored_matters(db: Session | Connection) -> dict[str, str]:
    """Return the item that is set for each kind; kinds without one are left out."""
    matters = [case_matter(db, kind) for kind in CASE_KINDS]
    return {matter.kind: matter.item_code for matter in matters if matter.item_code is not None}


def suggested_matters(db: Session | Connection) -> dict[str, str]:
    """Return the item that is set for each kind, else the one that is known by its name."""
    found = stored_matters(db)
    for kind in CASE_KINDS:
        if kind not in found and (named := _named_items(db, kind)):
            found[kind] = named[0][0]
    return found


def suggested_items(db: Session | Connection, matter: Matter) -> Sequence[tuple[str, str]]:
    """Return codes and names of items that suit a kind of alert by their name, the best first.

    Three at most.
    """
    named = _named_items(db, matter.kind)
    return list(dict([*named, *similar_items(db, matter.kind_zh)]).items())[:MOST_SUGGESTED]


def _named_items(db: Session | Connection, kind: str) -> list[tuple[str, str]]:
    """Codes and names of items with a part by which items for a kind are known."""
    parts = NAME_PARTS.get(kind, ())
    return [
        (code, item) for code, item in _item_names(db).items() if any(part in item.lower() for part in parts)
    ]


def similar_items(db: Session | Connection, name: str) -> Sequence[tuple[str, str]]:
    """Codes and names of items of the duty list with a name like ``name``, the most like first.

    Three at most.
    """
    names = _item_names(db)
    nearest = difflib.get_close_matches(name, set(names.values()), MOST_SUGGESTED, NAME_LIKENESS)
    found = [(code, item) for near in nearest for code, item in names.items() if item == near]
    return found[:MOST_SUGGESTED]


def _item_names(db: Session | Connection) -> dict[str, str]:
    """Names of all items of the duty list by code."""
    return {code: item for code, item in db.execute(_ITEMS)}


_MATTER = text("""
SELECT k.kind, k.name_zh AS kind_zh, k.name_en AS kind_en, k.item_code,
       EXISTS (SELECT FROM duty_items d WHERE d.item_code = k.item_code) AS in_list
FROM alert_kinds k WHERE k.kind = :kind
""")
_ENSURE = text(
    "INSERT INTO alert_kinds (kind, name_zh, name_en) VALUES (:kind, :name_zh, :name_en) ON CONFLICT DO NOTHING"
)
_ITEMS = text(
    "SELECT DISTINCT ON (item_code) item_code, item FROM duty_items ORDER BY item_code, valid_from DESC"
)
_PUT = text(
    "UPDATE alert_kinds SET item_code = :item_code WHERE kind = :kind AND item_code IS DISTINCT FROM"
    " :item_code"
)
_SET = text("UPDATE alert_kinds SET item_code = :item_code WHERE kind = :kind")
