"""Rows that rest on an entry of a register on a day: cases, officers, lines of the duty list, accounts."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

MOST_NAMED = 10
_HOLDS = "{0}.valid_from <= :day AND ({0}.valid_to IS NULL OR {0}.valid_to > :day)"
_OF_BODY = "(SELECT b.body_id FROM bodies b WHERE b.code = :key LIMIT 1)"
_STAYING = f"(({_HOLDS.format('r')}) OR r.valid_from > :day)"
_QUESTIONS: dict[str, dict[str, tuple[str, str, str, bool]]] = {
    "bodies": {
        "cases": (
            "open cases",
            "未办结案件",
            "SELECT c.number FROM case_parties p JOIN cases c ON c.id = p.case_id"
            f" WHERE p.body_id = {_OF_BODY} AND p.until IS NULL AND p.part <> 'copied'"
            " AND c.state NOT IN ('closed', 'merged')",
            True,
        ),
        "officers": (
            "officers",
            "执法人员",
            f"SELECT DISTINCT r.certificate_no FROM officers r WHERE r.body_code = :key AND {_STAYING}",
            True,
        ),
        "bodies": (
            "subordinate bodies",
            "下级主体",
            f"SELECT DISTINCT r.code FROM bodies r WHERE r.parent_code = :key AND r.code <> :key AND {_STAYING}",
            True,
        ),
        "duty_items": (
            "lines of the duty list",
            "权责清单条目",
            "SELECT DISTINCT r.item_code || ' ' || r.area_code FROM duty_items r"
            f" WHERE r.body IN (SELECT DISTINCT r.body FROM duty_items r WHERE body_named(r.body) = {_OF_BODY})"
            f" AND {_STAYING}",
            True,
        ),
        "users": (
            "accounts",
            "账户",
            "SELECT u.username FROM users u WHERE u.active AND u.body IS NOT NULL"
            f" AND body_named(u.body) = {_OF_BODY}",
            False,
        ),
    },
    "officers": {
        "users": (
            "accounts",
            "账户",
            "SELECT DISTINCT r.username FROM officers r WHERE r.certificate_no = :key AND r.username IS NOT NULL"
            f" AND {_STAYING}",
            False,
        ),
    },
    "matters": {
        "duty_items": (
            "lines of the duty list",
            "权责清单条目",
            f"SELECT DISTINCT r.body || ' ' || r.area_code FROM duty_items r WHERE r.item_code = :key AND {_STAYING}",
            True,
        ),
        "alert_kinds": (
            "kinds of alerts that open its cases",
            "以其立案的预警类型",
            "SELECT k.kind FROM alert_kinds k WHERE k.item_code = :key",
            True,
        ),
        "cases": (
            "open cases, which go on under the limits of their opening",
            "未办结案件（按立案时的时限继续办理）",
            "SELECT c.number FROM cases c WHERE c.item_code = :key AND c.state NOT IN ('closed', 'merged')",
            False,
        ),
    },
    "grid_workers": {},
    "grid_households": {},
}
"""By register and kind: names in English and Chinese, the question, and whether it forbids the withdrawal."""


@dataclass(frozen=True)
class Resting:
    """Rows of one kind that rest on an entry.

    Attributes
    ----------
    kind : str
    count : int
    ids : list of str
        The first ones, ten at most.
    forbids : bool
        The entry cannot be withdrawn while there are any.
    name_en, name_zh : str
    """

    kind: str
    count: int
    ids: list[str]
    forbids: bool
    name_en: str
    name_zh: str

    def told(self, language: str) -> str:
        """Return count, name and first ids in one language, ``en`` or ``zh``."""
        ids = ", ".join(self.ids) + (", …" if self.count > len(self.ids) else "")
        return (
            f"{self.count} {self.name_en} ({ids})"
            if language == "en"
            else f"{self.name_zh} {self.count}（{ids}）"
        )

    def document(self) -> dict[str, Any]:
        """Return it as the problem of a refusal says it."""
        return {"kind": self.kind, "count": self.count, "ids": self.ids}


def resting_on(db: Session, register: str, key: str, day: dt.date) -> list[Resting]:
    """Return what rests on an entry from a day on, for a session that sees every row."""
    found = []
    for kind, (name_en, name_zh, question, forbids) in _QUESTIONS[register].items():
        given = {name: value for name, value in (("key", key), ("day", day)) if f":{name}" in question}
        ids = sorted(map(str, db.scalars(text(question), given)))
        if ids:
            found.append(Resting(kind, len(ids), ids[:MOST_NAMED], forbids, name_en, name_zh))
    return found
