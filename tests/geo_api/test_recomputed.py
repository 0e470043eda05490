"""Figures of explanations, computed again from the stored rows by SQL that shares no code with the models.

A sentence of the evidence says how many days were measured, what was used on the days above idle, how many different
vehicles came. Each is counted here from readings, fixes and visits, on the demo and on the second city.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import text

from layers.postgres import SYSTEM, session
from layers.private_server import Cluster
from spatial_models.suspicion import catalogue
from tests.support.cities import in_force
from tests.support.loaded_cities import MAKERS, LoadedCity, loaded_city

Item = dict[str, Any]
NUMBER = r"([\d,.]+(?:e[+-]?\d+)?)"
UNIT = r"(?:kWh|m³)"
DAYS = """
WITH days AS (
    SELECT (m.began_at AT TIME ZONE :zone)::date AS day, sum(m.value) AS value
    FROM meter_readings m JOIN sites s ON s.id = m.site_id
    WHERE s.site_id = :site AND m.kind = :kind AND m.quality = 'measured' AND m.value IS NOT NULL
      AND m.ended_at - m.began_at BETWEEN interval '20 hours' AND interval '28 hours' GROUP BY 1
)
"""
CAME = """
SELECT count(DISTINCT v.vehicle_id) AS vehicles, count(DISTINCT (v.entered_at AT TIME ZONE :zone)::date) AS days,
       sum(v.night * (v.seen_s + v.unseen_s) * v.share) / sum((v.seen_s + v.unseen_s) * v.share) AS night
FROM visits v JOIN sites s ON s.id = v.site_id JOIN vehicles k ON k.id = v.vehicle_id
WHERE s.site_id = :site AND k.kind = ANY (:kinds) AND v.share >= 0.2 AND v.excluded_by IS NULL
  AND (v.entered_at AT TIME ZONE :zone)::date >= :first
  AND v.entered_at >= (SELECT max(at) FROM model_runs) - interval '30 days'
"""
NEAR = """
SELECT count(DISTINCT f.vehicle_id) FROM fixes f JOIN vehicles k ON k.id = f.vehicle_id, sites s
WHERE s.site_id = :site AND k.kind = ANY (:kinds) AND f.t >= CAST(:first AS date) - interval '1 day'
  AND ST_DWithin(COALESCE(s.boundary, s.geom)::geography, ST_SetSRID(ST_MakePoint(f.lon, f.lat), 4326)::geography, :reach_m)
"""


@pytest.fixture(scope="module", params=list(MAKERS))
def city(request: pytest.FixtureRequest, cluster: Cluster, _migrated: str) -> Iterator[LoadedCity]:
    with loaded_city(cluster, _migrated, request.param) as loaded, in_force(loaded.city):
        yield loaded


def ask(city: LoadedCity, statement: str, **values: Any) -> Any:
    with session(SYSTEM, city.url) as db:
        return db.execute(text(statement), {"zone": city.city.time_zone} | values).one()


def number(written: str) -> float:
    return float(written.replace(",", ""))


def figures(pattern: str, item: Item) -> list[float] | None:
    found = re.search(pattern, item["sentence_en"])
    return None if found is None else [number(part) for part in found.groups()]


def of_meter(city: LoadedCity, site: str, item: Item) -> None:
    """Days measured, and the use of those above idle."""
    kind = item["signal"].partition("_")[0]
    known, span = figures(rf"{NUMBER} of {NUMBER} days measured", item) or (None, None)
    assert known is not None and span is not None, item["sentence_en"]
    first, last = item["period"]
    days = ask(city, DAYS + "SELECT count(*) AS n, max(value) AS most FROM days WHERE day BETWEEN :first AND :last",
               site=site, kind=kind, first=first, last=last)  # fmt: skip
    if "readings up to" in item["sentence_en"]:
        return  # bills: there are no days to count
    assert abs(days.n - known) <= max(1.0, 0.02 * span), (site, item["sentence_en"], days)
    busy = figures(
        rf"{NUMBER} days above idle.*, {NUMBER} {UNIT} a day on them, idle (?:taken as )?{NUMBER} {UNIT}",
        item,
    )
    if busy is None:
        quiet = figures(rf"nothing above idle, {NUMBER} {UNIT} a day", item)
        assert quiet is not None, item["sentence_en"]
        mean = ask(city, DAYS + "SELECT avg(value) AS mean FROM days WHERE day BETWEEN :first AND :last",
                   site=site, kind=kind, first=first, last=last).mean  # fmt: skip
        assert quiet[0] == pytest.approx(mean, rel=0.05, abs=0.05), (site, item["sentence_en"])
        return
    n, mean, idle = busy
    above = ask(city, DAYS + "SELECT avg(value) AS mean FROM (SELECT value FROM days WHERE day BETWEEN :first AND :last"
                " ORDER BY value DESC LIMIT :n) most", site=site, kind=kind, first=first, last=last,
                n=max(round(n), 1))  # fmt: skip
    assert mean == pytest.approx(above.mean, rel=0.15), (site, item["sentence_en"], above)
    assert idle < days.most


def of_callers(kinds: tuple[str, ...]) -> Callable[[LoadedCity, str, Item], None]:
    def check(city: LoadedCity, site: str, item: Item) -> None:
        """Different vehicles and days of the stored visits; every one of the vehicles has a fix near the site."""
        found = figures(rf"{NUMBER} different ones on {NUMBER} days", item) or [0.0, 0.0]
        came = ask(city, CAME, site=site, kinds=list(kinds), first=item["period"][0])
        near = ask(city, NEAR, site=site, kinds=list(kinds), first=item["period"][0], reach_m=460)[0]
        assert found[0] <= came.vehicles <= near, (site, item["sentence_en"], came, near)
        if not re.search("live there|depot", item["sentence_en"]):
            assert (came.vehicles, came.days) == (found[0], found[1]), (site, item["sentence_en"], came)
        assert (item["value"] > 0) <= (found[0] > 0)

    return check


def of_nights(city: LoadedCity, site: str, item: Item) -> None:
    came = ask(city, CAME, site=site, kinds=["hazmat", "other"], first=item["period"][0])
    assert item["value"] == pytest.approx(came.night, abs=0.2), (site, item["sentence_en"], came)


def of_silences(city: LoadedCity, site: str, item: Item) -> None:
    """A vehicle that fell silent has a last fix near the site, and the next one a quarter of an hour later or more."""
    found = figures(rf"{NUMBER} different ones", item)
    if found is None:
        assert item["value"] == 0.0
        return
    gone = ask(
        city,
        "SELECT count(DISTINCT f.vehicle_id) FROM (SELECT vehicle_id, t, lon, lat, lead(t) OVER (PARTITION BY vehicle_id"
        " ORDER BY t) AS next FROM fixes) f, sites s WHERE s.site_id = :site AND f.t >= CAST(:first AS date) - interval"
        " '1 day' AND (f.next IS NULL OR f.next - f.t >= interval '15 minutes') AND ST_DWithin(s.geom::geography,"
        " ST_SetSRID(ST_MakePoint(f.lon, f.lat), 4326)::geography, 2500)",
        site=site, first=item["period"][0],
    )[0]  # fmt: skip
    assert found[0] <= gone, (site, item["sentence_en"], gone)


def of_yard(city: LoadedCity, site: str, item: Item) -> None:
    found = figures(rf"{NUMBER} different ones", item) or [0.0]
    near = ask(city, NEAR, site=site, kinds=["hazmat"], first=item["period"][0], reach_m=600)[0]
    assert found[0] <= near and (item["value"] > 0) <= (found[0] > 0), (site, item["sentence_en"], near)


def of_quietest_weeks(city: LoadedCity, site: str, item: Item) -> None:
    """The lowest median of any four weeks since the closure."""
    found = figures(rf": {NUMBER} {UNIT} of", item)
    assert found is not None, item["sentence_en"]
    kind = "power" if " of power " in item["sentence_en"] else "water"
    lowest = ask(
        city,
        DAYS + "SELECT min(median) AS lowest FROM (SELECT (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY e.value)"
        " FROM days e WHERE e.day BETWEEN d.day AND d.day + 27) AS median FROM days d WHERE d.day >= :first"
        " AND d.day + 27 <= :last) spans",
        site=site, kind=kind, first=item["period"][0], last=item["period"][1],
    ).lowest  # fmt: skip
    if lowest is not None:
        assert found[0] == pytest.approx(lowest, rel=0.25), (site, item["sentence_en"], lowest)


def of_rhythm(city: LoadedCity, site: str, item: Item) -> None:
    """The difference between working days and rest days, where that is the rhythm."""
    found = re.search(
        rf"Rhythm: (working days|weekends).* of daily (\w+), a difference of {NUMBER}", item["sentence_en"]
    )
    if found is None or item["value"] < 0.5:
        assert 0.0 <= item["value"] <= 1.0
        return
    by_week = ask(
        city,
        DAYS + "SELECT avg(value) FILTER (WHERE extract(isodow FROM day) < 6) - avg(value) FILTER (WHERE"
        " extract(isodow FROM day) > 5) AS more FROM days WHERE day BETWEEN :first AND :last",
        site=site, kind=found[2], first=item["period"][0], last=item["period"][1],
    ).more  # fmt: skip
    sign = 1.0 if found[1] == "working days" else -1.0
    assert sign * by_week == pytest.approx(number(found[3]), rel=0.5), (site, item["sentence_en"], by_week)


def of_agreement(city: LoadedCity, site: str, item: Item) -> None:
    """Meters that agree show it: both had their greatest day well above their least one."""
    for kind in ("power", "water"):
        first, last = item["period"]
        days = ask(city, DAYS + "SELECT min(value) AS least, max(value) AS most FROM days WHERE day BETWEEN"
                   " CAST(:first AS date) - 120 AND :last", site=site, kind=kind, first=first, last=last)  # fmt: skip
        assert item["value"] < 0.5 or days.most is None or days.most > 1.3 * days.least, (site, kind, days)


def of_encounters(city: LoadedCity, site: str, item: Item) -> None:
    found = figures(rf"{NUMBER} different ones", item)
    met = ask(city, "SELECT count(*) FROM encounters e, sites s WHERE s.site_id = :site AND"
              " ST_DWithin(e.geom::geography, s.geom::geography, 1000)", site=site)[0]  # fmt: skip
    assert (found or [0.0])[0] <= met and (item["value"] > 0) <= (found is not None), (site, item, met)


CHECKS: dict[str, Callable[[LoadedCity, str, Item], None]] = {
    **dict.fromkeys(("power_use", "water_use", "gas_use"), of_meter),
    "hazmat_visits": of_callers(("hazmat",)),
    "heavy_visits": of_callers(("other",)),
    "night_visits": of_nights,
    "dark_near_site": of_silences,
    "neighbour_yard": of_yard,
    "encounters_near_site": of_encounters,
    "never_fell": of_quietest_weeks,
    "working_rhythm": of_rhythm,
    "power_water_agree": of_agreement,
}
ELSEWHERE = {
    "fence_breaches",
    "fence_breach_days",
    "fence_breach_hours",
    "fence_night_share",
    "fence_exempt_share",
}
"""Signals of fences, not of sites: `test_fence_alerts` computes them again."""
NOT_IN_THESE_CITIES = {"power_night_share", "power_per_day", "counties_apart"}
"""Signals of hourly readings and licences, which the cities lack: `test_licence_models` computes those two again."""


def test_every_signal_has_its_check() -> None:
    assert set(CHECKS) | NOT_IN_THESE_CITIES | ELSEWHERE == set(catalogue().signals)


def test_every_figure_is_computed_again(city: LoadedCity) -> None:
    with session(SYSTEM, city.url) as db:
        alerts = db.execute(
            text(
                "SELECT s.site_id, a.evidence FROM alerts a JOIN sites s ON s.id = a.site_id WHERE a.status = 'open'"
            )
        ).all()
    seen: set[str] = set()
    for site, evidence in alerts:
        for item in evidence:
            name = item["signal"]
            if name in NOT_IN_THESE_CITIES:
                assert item["value"] is None
            elif name in CHECKS and item["value"] is not None:
                CHECKS[name](city, site, item)
                seen.add(name)
            elif name not in CHECKS:
                assert re.fullmatch(r"notice_\w+|\w+_cap|\w+_blind", name), name
    assert len(alerts) >= 6 and len(seen) >= 7, seen
