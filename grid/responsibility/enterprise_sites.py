"""Jurisdictions of the sites of an enterprise: registered, production, sales and storage sites may differ.

A site lies in the smallest area of the hierarchy (community and larger) that holds its point at the moment
asked for, whatever area was recorded with it. Who has no registered site on record is registered where digits
3 to 8 of the USCC say; that code is never renewed after a merger, so that it may name a county of the past.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from grid.areas import AreaVersion, ancestor_chains
from grid.responsibility.competent_bodies import Lead, find_competent_bodies
from grid.responsibility.explanation import Step
from grid.responsibility.locating import AreasByKind

KIND_NAMES = {
    "registered": ("注册地", "registered"),
    "production": ("生产地", "production"),
    "sales": ("销售地", "sales"),
    "storage": ("仓储地", "storage"),
}

_SITES = text("""
SELECT e.uscc, s.site_id, s.kind, owning_area(s.geom, at => :at) AS area_id
FROM sites s JOIN enterprises e ON e.id = s.enterprise_id
WHERE e.uscc = ANY(:uscc) AND s.geom IS NOT NULL ORDER BY e.uscc, s.kind, s.site_id
""")
_COUNTIES = text("""
SELECT DISTINCT ON (code) id, code, name, kind, parent_id, valid_from, valid_to FROM areas
WHERE kind IN ('county', 'city') AND code = ANY(:codes) ORDER BY code, valid_from <= :at DESC, valid_from DESC
""")


@dataclass(frozen=True)
class EnterpriseSite:
    """One site of an enterprise.

    Attributes
    ----------
    role : str
        ``registered``, ``production``, ``sales`` or ``storage``.
    site_id : str or None
        None for a registration that is known from the USCC only.
    chain : dict
        Kind to area, from the community up; empty outside of all stored areas.
    code_of_registration : str or None
        The six digits of the USCC, when they are all that is known.
    """

    role: str
    site_id: str | None
    chain: dict[str, AreaVersion]
    code_of_registration: str | None = None

    @property
    def jurisdiction(self) -> AreaVersion | None:
        """The town, or the smallest larger area that is known."""
        return self.chain.get("town") or self.chain.get("county") or self.chain.get("city")

    @property
    def code(self) -> str:
        """Code of the jurisdiction, or of the registration; empty when nothing is known."""
        area = self.jurisdiction
        return area.code if area is not None else self.code_of_registration or ""

    @property
    def label(self) -> str:
        """Name and code for people."""
        area = self.jurisdiction
        return self.code_of_registration or "辖区外 outside" if area is None else area.label


@dataclass(frozen=True)
class SiteJurisdiction:
    """A site of the enterprise, with its jurisdiction and the lead of the matter there.

    Attributes
    ----------
    code, name : str or None
        Of the jurisdiction; None outside of all stored areas.
    place_of_matter : bool
        Whether the matter lies in the same jurisdiction.
    """

    site_id: str | None
    role: str
    role_zh: str
    role_en: str
    code: str | None
    name: str | None
    lead_body: str | None
    place_of_matter: bool


def sites_of(db: Session, usccs: Sequence[str], at: dt.datetime) -> dict[str, list[EnterpriseSite]]:
    """Read the sites of enterprises by USCC, by role and site; none for an unknown USCC."""
    wanted = sorted(set(usccs))
    rows = db.execute(_SITES, {"uscc": wanted, "at": at}).all() if wanted else []
    every = (
        ancestor_chains(db, sorted({row.area_id for row in rows if row.area_id is not None}), at)
        if rows
        else {}
    )
    found: dict[str, list[EnterpriseSite]] = defaultdict(list)
    for row in rows:
        chain = {area.kind: area for area in every.get(row.area_id, [])}
        found[row.uscc].append(EnterpriseSite(row.kind, row.site_id, chain))
    unregistered = [u for u, places in found.items() if all(p.role != "registered" for p in places)]
    codes = {uscc: uscc[2:8] for uscc in unregistered}
    rows = db.execute(_COUNTIES, {"codes": sorted(set(codes.values())), "at": at}).all() if codes else []
    known = {county.code: county for county in (AreaVersion(*row) for row in rows)}
    for uscc, code in codes.items():
        county = known.get(code)
        chain = {} if county is None else {county.kind: county}
        found[uscc].append(EnterpriseSite("registered", None, chain, code))
    return dict(found)


def role_texts(places: Sequence[EnterpriseSite]) -> list[str]:
    """One text a role and jurisdiction, as ``production 320601001``."""
    return list(dict.fromkeys(f"{place.role} {place.code or 'outside'}" for place in places))


def site_jurisdictions(
    db: Session, sites: Sequence[EnterpriseSite], item_code: str, at: dt.datetime, town_code: str | None
) -> list[SiteJurisdiction]:
    """Find the jurisdiction and the lead of the item for each site, and whether the matter lies there."""
    leads: dict[str, Lead | None] = {}
    judged = []
    for site in sites:
        if site.chain and site.code not in leads:
            leads[site.code] = find_competent_bodies(db, item_code, at, AreasByKind(site.chain)).lead
        where, lead = site.jurisdiction, leads.get(site.code)
        judged.append(
            SiteJurisdiction(
                site.site_id,
                site.role,
                *KIND_NAMES.get(site.role, (site.role, site.role)),
                code=site.code or None,
                name=None if where is None else where.name,
                lead_body=None if lead is None else lead.body,
                place_of_matter=site.code == town_code and town_code is not None,
            )
        )
    return judged


def unknown_step(uscc: str) -> Step:
    """Return the explanation step for an unknown enterprise."""
    return Step(
        "enterprise",
        "no_site_on_record",
        f"统一社会信用代码 {uscc} 没有登记在册的场所，未用于判定。",
        f"No site of {uscc} is on record: it did not bear on the answer.",
    )


def sites_step(places: Sequence[EnterpriseSite], town_code: str | None) -> Step | None:
    """Return the step that names all jurisdictions of an enterprise with sites outside the town of the matter.

    Returns
    -------
    Step or None
        None when every place lies in the town of the matter, or none is known.
    """
    labels = {(place.role, place.code): place.label for place in places}
    if not {code for _, code in labels} - {town_code}:
        return None
    zh = "；".join(f"{KIND_NAMES.get(kind, (kind, kind))[0]} {label}" for (kind, _), label in labels.items())
    en = "; ".join(
        f"{KIND_NAMES.get(kind, (kind, kind))[1]} in {label}" for (kind, _), label in labels.items()
    )
    chosen = dict.fromkeys(label for (_, code), label in labels.items() if code == town_code)
    others = dict.fromkeys(label for (_, code), label in labels.items() if code != town_code)
    return Step(
        "enterprise_sites",
        "place_of_the_matter",
        f"该企业的场所分属不同辖区：{zh}。以事项发生的地点确定管辖，其余辖区列明备查。",
        f"The enterprise has sites in several jurisdictions: {en}. The place of the matter decides; the"
        " others are named.",
        list(chosen),
        list(others),
    )
