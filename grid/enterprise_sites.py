"""Where else an enterprise has sites: its registered, production, sales and storage places may lie in several towns."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import text
from sqlalchemy.orm import Session

from grid.areas import chains
from grid.siting import Step, name_of

KIND_NAMES = {
    "registered": ("注册地", "registered"),
    "production": ("生产地", "production"),
    "sales": ("销售地", "sales"),
    "storage": ("仓储地", "storage"),
}

_SITES = text("""
SELECT s.site_id, s.kind, s.area_id FROM sites s JOIN enterprises e ON e.id = s.enterprise_id
WHERE e.uscc = :uscc AND s.area_id IS NOT NULL ORDER BY s.kind, s.site_id
""")


def sites_step(db: Session, uscc: str, at: dt.datetime, town_code: str | None) -> Step | None:
    """Name all jurisdictions of an enterprise when they are not one town: the place of the matter decides.

    Returns
    -------
    Step or None
        None when every site lies in the town of the matter, or none is known.
    """
    rows = db.execute(_SITES, {"uscc": uscc}).all()
    every = chains(db, sorted({row.area_id for row in rows}), at) if rows else {}
    places: dict[tuple[str, str], str] = {}
    for row in rows:
        found = {place["kind"]: place for place in every[row.area_id]}
        place = found.get("town") or found.get("county") or found.get("city")
        if place is not None:
            places[row.kind, place["code"]] = name_of(place)
    if not {code for _, code in places} - {town_code}:
        return None
    zh = "；".join(f"{KIND_NAMES.get(kind, (kind, kind))[0]} {label}" for (kind, _), label in places.items())
    en = "; ".join(
        f"{KIND_NAMES.get(kind, (kind, kind))[1]} in {label}" for (kind, _), label in places.items()
    )
    return Step(
        "enterprise_sites",
        "place_of_the_matter",
        f"该企业的场所分属不同辖区：{zh}。以事项发生的地点确定管辖，其余辖区列明备查。",
        f"The enterprise has sites in several jurisdictions: {en}. The place of the matter decides; the others are named.",
        [label for (_, code), label in places.items() if code == town_code],
        [label for (_, code), label in places.items() if code != town_code],
    )
