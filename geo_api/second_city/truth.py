"""The truth of the city, which stands in no imported file."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geo_api.second_city.meters import Runs
from geo_api.second_city.stories import STORIES, Story
from geo_api.second_city.winter import LOCAL

if TYPE_CHECKING:
    from geo_api.second_city.city import SecondCity


def truth_of(city: SecondCity) -> dict[str, Any]:
    """Planted sites and decoys with their evidence, and what the office form has wrong."""
    first_use = {
        story.key: min(
            (
                part.first
                for meter in (*story.meters, *story.companion_meters)
                for part in meter.parts
                if isinstance(part, Runs)
            ),
            default=None,
        )
        for story in STORIES
    }
    quiet = [
        site.site_id
        for enterprise, site in city.enterprises.sites()
        if not enterprise.story and enterprise.status != "operating" and site.xy is not None
    ]
    return {
        "seed": city.seed,
        "looked_at": city.last_day.isoformat(),
        "planted": [_told(city, story, first_use[story.key]) for story in STORIES if story.guilty],
        "decoys": [_told(city, story, first_use[story.key]) for story in STORIES if not story.guilty],
        "quiet_sites": quiet,
        "boats_that_break_the_ban": [v.vehicle_id for v in city.vehicles if v.fleet == "vessels"][:1],
        "tank_trucks": [
            v.vehicle_id for v in city.vehicles if v.fleet in ("tankers", "outage_tanker", "unlisted")
        ],
        "addresses_without_position": [s.site_id for _, s in city.enterprises.sites() if s.xy is None],
        "office_faults": city.office_faults,
    }


def _told(city: SecondCity, story: Story, first_use: Any) -> dict[str, Any]:
    firms = city.enterprises
    site = firms.site_of_story[story.key]
    owner = next(enterprise for enterprise in firms.all if enterprise.story == story.key)
    own_store = story.companion is not None and story.companion.kind == "own_storage"
    beside = firms.companion_site.get(story.key)
    came = city.visits.get(story.key, [])
    return {
        "key": story.key,
        "title": story.title,
        "title_zh": story.title_zh,
        "guilty": story.guilty,
        "because": story.because,
        "uscc": owner.uscc,
        "enterprise": owner.name,
        "site_id": beside.site_id if own_store and beside else site.site_id,
        "closed_site_id": site.site_id,
        "beside_site_id": beside.site_id if beside else None,
        "town": site.town,
        "use_begins": first_use.isoformat() if first_use else None,
        "meters": {
            meter.kind: meter.supply
            for meter in (*story.meters, *(story.companion_meters if own_store else ()))
        },
        "visits": len(came),
        "visitors": sorted({vehicle for vehicle, _, _ in came}),
        "first_visit": _local(min(start for _, start, _ in came)) if came else None,
        "last_visit": _local(max(start for _, start, _ in came)) if came else None,
        "dark_terminals": any(visits.dark for visits in story.visits),
    }


def _local(seconds: float) -> str:
    return datetime.fromtimestamp(int(seconds), LOCAL).isoformat()


def write_truth(truth: dict[str, Any], path: Path) -> None:
    """Write it beside the two forms, never inside them."""
    path.write_text(json.dumps(truth, ensure_ascii=False, indent=1, sort_keys=True) + "\n", encoding="utf-8")
