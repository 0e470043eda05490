"""The answer of an assignment, as JSON and as a row of a table."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from grid.areas import HIERARCHY, OVERLAYS, AreaVersion
from grid.responsibility.competent_bodies import Lead, Partner, body_columns
from grid.responsibility.enterprise_sites import SiteJurisdiction
from grid.responsibility.explanation import Step
from grid.responsibility.locating import AreasByKind, Candidate


@dataclass(frozen=True)
class AreaName:
    """Code and name of an area."""

    code: str
    name: str


SHARE_DIGITS = 6
"""Decimal places of shares in an answer; they are compared and added up unrounded."""


@dataclass(frozen=True)
class TownShare:
    """A town with its share of a line or polygon, and the body that leads there (None without one)."""

    code: str
    name: str
    share: float
    lead: str | None


@dataclass(frozen=True)
class CrossRegion:
    """The towns of a matter that spans several towns.

    Attributes
    ----------
    lead_town : str
        Code of the town that leads.
    superior : AreaName or None
        The smallest area of all these towns: in dispute it designates.
    towns : list of TownShare
        The largest share first.
    outside : float
        Share that lies outside of all grids.
    """

    lead_town: str
    superior: AreaName | None
    towns: list[TownShare]
    outside: float


@dataclass(frozen=True)
class Succession:
    """Successors of the ended areas of a past matter by kind, and the current lead."""

    areas: dict[str, list[AreaVersion]]
    lead: Lead | None


@dataclass
class Assignment:
    """The answer of an assignment: areas, competent bodies and explanation.

    Attributes
    ----------
    outcome : str
        ``assigned``, ``ambiguous``, ``nearest_assumed`` or ``no_area``.
    areas : AreasByKind
    lead : Lead or None
        None when no line of the list applies.
    co_handlers, copied_to : list of Partner
    candidates : list of Candidate
        Of an ambiguous answer: grids with their share of the circle, the chosen one first.
    explanation : list of Step
    now : Succession or None
        Of a matter of the past whose areas or lead have ended since.
    cross_region : CrossRegion or None
        Of a line or polygon that spans several towns: see :mod:`grid.responsibility.cross_region`.
    enterprise_sites : list of SiteJurisdiction
        Every place of the enterprise in question.
    """

    outcome: str
    lon: float
    lat: float
    accuracy_m: float
    item_code: str
    at: dt.datetime
    domain: str | None
    areas: AreasByKind
    lead: Lead | None
    co_handlers: list[Partner]
    copied_to: list[Partner]
    candidates: list[Candidate]
    explanation: list[Step] = field(default_factory=list)
    now: Succession | None = None
    cross_region: CrossRegion | None = None
    enterprise_sites: list[SiteJurisdiction] = field(default_factory=list)

    def area_id(self, kind: str) -> int | None:
        """Id of the area of that kind of the hierarchy."""
        area = self.areas.hierarchy.get(kind)
        return None if area is None else area.id

    @property
    def scope_area_id(self) -> int | None:
        """The smallest of community, town, county and city: what row-level security compares."""
        ids = (self.area_id(kind) for kind in HIERARCHY[1:])
        return next((area_id for area_id in ids if area_id is not None), None)

    def flat(self) -> dict[str, Any]:
        """Return a row of a table: outcome, area codes, domain, bodies, successors, sites of the enterprise.

        ``<kind>_now`` holds the successors' codes of an area that has ended, joined by ``;``.
        """
        held = self.areas.hierarchy
        after = self.now or Succession({}, None)
        sites = [f"{site.role} {site.code or 'outside'}" for site in self.enterprise_sites]
        return {
            "outcome": self.outcome,
            **{kind: held[kind].code if kind in held else None for kind in HIERARCHY},
            **body_columns(self.domain, self.lead, self.co_handlers),
            **{f"{kind}_now": joined_codes(after.areas.get(kind)) for kind in HIERARCHY},
            "lead_body_now": after.lead and after.lead.body,
            "enterprise_sites": list(dict.fromkeys(sites)),
        }

    def as_json(self) -> dict[str, Any]:
        """Return the answer as JSON data: what cases keep and callers get."""
        return {
            "outcome": self.outcome,
            "lon": self.lon,
            "lat": self.lat,
            "accuracy_m": self.accuracy_m,
            "item_code": self.item_code,
            "at": self.at.isoformat(),
            "domain": self.domain,
            "areas": _areas_json(self.areas),
            "lead": self.lead and self.lead.as_json(),
            "co_handlers": [asdict(partner) for partner in self.co_handlers],
            "copied_to": [asdict(partner) for partner in self.copied_to],
            "candidates": [_candidate_json(candidate) for candidate in self.candidates],
            "explanation": [step.as_json() for step in self.explanation],
            "now": self.now and _succession_json(self.now),
            "cross_region": self.cross_region and _cross_region_json(self.cross_region),
            "enterprise_sites": [asdict(site) for site in self.enterprise_sites],
        }


def _area_json(area: AreaVersion) -> dict[str, Any]:
    return {"id": area.id, "code": area.code, "name": area.name, "valid_from": area.valid_from.isoformat()}


def _areas_json(areas: AreasByKind) -> dict[str, Any]:
    held = {kind: areas.hierarchy.get(kind) for kind in reversed(HIERARCHY)}
    one = {kind: None if area is None else _area_json(area) for kind, area in held.items()}
    return one | {kind: [_area_json(area) for area in areas.overlays[kind]] for kind in OVERLAYS}


def _cross_region_json(cross: CrossRegion) -> dict[str, Any]:
    towns = [asdict(town) | {"share": round(town.share, SHARE_DIGITS)} for town in cross.towns]
    return asdict(cross) | {"towns": towns, "outside": round(cross.outside, SHARE_DIGITS)}


def _candidate_json(candidate: Candidate) -> dict[str, Any]:
    return _area_json(candidate.area) | {
        "share": round(candidate.share, SHARE_DIGITS),
        "holds_site": candidate.holds_site,
    }


def _succession_json(now: Succession) -> dict[str, Any]:
    areas = {kind: [_area_json(area) for area in found] for kind, found in now.areas.items()}
    return {"areas": areas, "lead": now.lead and now.lead.as_json()}


def joined_codes(areas: Sequence[AreaVersion] | None) -> str | None:
    """Codes of areas joined by ``;``; None without any."""
    return ";".join(area.code for area in areas) if areas else None
