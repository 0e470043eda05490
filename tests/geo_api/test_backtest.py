"""A backtest sees what had arrived by the day, on the demo and on the second city, and writes nothing.

Every import is set back to before the data end, as if it had arrived day by day; what a test imports then arrives later.
The tests follow each other.
"""

from __future__ import annotations

import csv
import datetime as dt
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import InternalError
from typer.testing import CliRunner

from geo_api.cli.main import app as command
from geo_api.imports.import_file import import_file
from geo_api.jobs.analysis import Analysis
from geo_api.jobs.backtest import Backtest, backtest
from geo_api.jobs.movement import newest_moment
from geo_api.models.learning import add_model_file
from geo_api.models.model_files import model_text
from grid.alerts import RESUMPTION_KIND, record_outcome
from layers.postgres import SYSTEM, engine, session, url_as_known
from layers.private_server import Cluster
from spatial_models.learning import Flagged, Found, looks_back
from tests.support.cities import in_force
from tests.support.loaded_cities import MAKERS, LoadedCity, loaded_city
from tests.support.row_digests import differing_tables, row_digests

MODEL = "illegal_resumption"
DAY = dt.timedelta(days=1)


@pytest.fixture(scope="module", params=list(MAKERS))
def module_city(request: pytest.FixtureRequest, cluster: Cluster, _migrated: str) -> Iterator[LoadedCity]:
    with loaded_city(cluster, _migrated, request.param) as loaded:
        with session(SYSTEM, loaded.url) as db:
            long_before = newest_moment(db) - 300 * DAY
            db.execute(text("UPDATE batches SET received_at = :at"), {"at": long_before})
        yield loaded


@pytest.fixture
def city(module_city: LoadedCity, monkeypatch: pytest.MonkeyPatch) -> Iterator[LoadedCity]:
    monkeypatch.setenv("WANGGE_DATABASE_URL", module_city.url)
    with in_force(module_city.city):
        yield module_city


def moment(city: LoadedCity) -> dt.datetime:
    with session(SYSTEM, city.url) as db:
        return db.scalar(text("SELECT at FROM model_runs ORDER BY id LIMIT 1"))  # type: ignore[return-value]


def look(city: LoadedCity, *moments: dt.datetime, **options: Any) -> Backtest:
    return backtest(city.url, MODEL, moments, **options)


def flagged(city: LoadedCity, at: dt.datetime, **options: Any) -> list[tuple[str, float]]:
    seen = url_as_known(
        city.url, at if options.get("as_known", True) else dt.datetime.max.replace(tzinfo=dt.UTC)
    )
    result = Analysis(seen, at=at).run(write=False)
    engine(seen).dispose()
    return [
        (one.finding.subject_id, round(one.finding.score, 9))
        for one in result.would_raise or []
        if one.kind == RESUMPTION_KIND
    ]


def import_later(
    city: LoadedCity, kind: str, lines: list[dict[str, Any]], folder: Path, at: dt.datetime
) -> None:
    """Import rows as a batch that arrived at a moment."""
    path = folder / f"{kind}.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(lines[0]))
        writer.writeheader()
        writer.writerows(lines)
    import_file(kind, path, url=city.url)
    with session(SYSTEM, city.url) as db:
        db.execute(
            text("UPDATE batches SET received_at = :at WHERE id = (SELECT max(id) FROM batches)"), {"at": at}
        )


def test_what_was_known_then_is_what_the_run_of_that_day_found(city: LoadedCity) -> None:
    at = moment(city)
    with session(SYSTEM, city.url) as db:
        rows = db.execute(
            text(
                "SELECT s.site_id, a.score FROM alerts a JOIN sites s ON s.id = a.site_id WHERE a.kind = :kind"
            ),
            {"kind": MODEL},
        )
        stored = {site: round(score, 9) for site, score in rows}
    assert stored and dict(flagged(city, at)).items() >= stored.items()


def test_nothing_is_written_and_the_database_refuses_it(city: LoadedCity) -> None:
    before = row_digests(city.url)
    at = moment(city)
    done = look(city, at - 14 * DAY, at)
    assert len(done.results.days) == 2
    assert differing_tables(before, row_digests(city.url)) == []
    seen = url_as_known(city.url, at)
    with pytest.raises(InternalError, match="read-only"), session(SYSTEM, seen) as db:
        db.execute(text("INSERT INTO public.places (kind, lon, lat, radius_m) VALUES ('park', 1, 1, 1)"))
    engine(seen).dispose()


def test_a_day_by_which_nothing_had_arrived_is_told(city: LoadedCity) -> None:
    early = moment(city) - 400 * DAY
    done = look(city, early)
    assert done.without_data == [early] and not done.results.days


def test_a_late_permit_and_late_corrections_change_no_earlier_day(city: LoadedCity, tmp_path: Path) -> None:
    at = moment(city)
    before = flagged(city, at)
    first = before[0][0]
    since = at.astimezone(city.city.zone).date() - 60 * DAY
    import_later(
        city,
        "notices",
        [{"site_id": first, "kind": "permit", "valid_from": since, "valid_to": ""}],
        tmp_path,
        at + DAY,
    )
    days = [since + n * DAY for n in range(60)]
    low = [
        {"site_id": before[1][0], "kind": kind, "day": day, "value": "0", "quality": "measured"}
        for kind in ("power", "water")
        for day in days
    ]
    import_later(city, "meters", low, tmp_path, at + 2 * DAY)
    assert flagged(city, at) == before, "the day does not know what arrived later"
    later = dict(flagged(city, at, as_known=False))
    assert first not in later, "the permit explains everything"
    assert later.get(before[1][0], 0.0) < before[1][1]
    with session(SYSTEM, url_as_known(city.url, at + DAY * 1.5)) as db:
        notices = db.scalar(text("SELECT count(*) FROM notices n JOIN sites s ON s.id = n.site_id"
                                 " WHERE s.site_id = :site AND n.kind = 'permit' AND n.valid_from = :since"),
                            {"site": first, "since": since})  # fmt: skip
        zeros = db.scalar(text("SELECT count(*) FROM meter_readings m JOIN sites s ON s.id = m.site_id"
                               " WHERE s.site_id = :site AND m.value = 0"), {"site": before[1][0]})  # fmt: skip
    assert notices == 1 and zeros < 120, "between both arrivals the permit is known and the correction is not"


def test_a_site_whose_entry_was_corrected_later_is_as_it_was(city: LoadedCity, tmp_path: Path) -> None:
    at = moment(city)
    before = flagged(city, at)
    with session(SYSTEM, city.url) as db:
        row = db.execute(
            text(
                "SELECT e.uscc, e.name, e.industry, e.hazard FROM enterprises e JOIN sites s ON s.enterprise_id = e.id"
                " WHERE s.site_id = :site"
            ),
            {"site": before[-1][0]},
        ).one()
    entry = {**row._mapping, "status": "operating", "status_since": at.date()}
    import_later(city, "enterprises", [entry], tmp_path, at + 3 * DAY)
    assert flagged(city, at) == before
    assert before[-1][0] not in dict(flagged(city, at, as_known=False))


def test_the_command_tells_what_checks_found_later(city: LoadedCity) -> None:
    at = moment(city)
    sites = [site for site, _ in flagged(city, at)]
    with session(SYSTEM, city.url) as db:
        rows = db.execute(
            text(
                "SELECT s.site_id, a.id FROM alerts a JOIN sites s ON s.id = a.site_id WHERE a.kind = :kind"
            ),
            {"kind": MODEL},
        )
        ids = dict(rows.all())  # type: ignore[arg-type]
        checked = [site for site in sites if site in ids][:3]
        for number, site in enumerate(checked):
            outcome = "legal_use" if number == 2 else "confirmed"
            record_outcome(
                db,
                ids[site],
                outcome,
                note="",
                actor="x",
                role="officer",
                body=None,
                at=at + (number + 5) * DAY,
            )
    day = at.astimezone(city.city.zone).date()
    words = [
        "models",
        "backtest",
        MODEL,
        "--from",
        str(day - 7 * DAY),
        "--to",
        str(day),
        "--every",
        "7d",
        "--json",
    ]
    result = CliRunner().invoke(command, words)
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["figures"]["confirmed"] == 2 and told["figures"]["n"] == 3
    assert sum(row["false_alarms"] for row in told["by_area"].values()) == 1
    assert set(told["lead_days"]) == set(checked[:2]) and told["notes"]
    assert told["missed"] == []


def test_a_version_that_is_not_in_force_is_looked_back_with_and_compared(city: LoadedCity) -> None:
    """A version whose levels hardly any score reaches misses what the file finds."""
    text_of_file = model_text(MODEL, None)
    strict = re.sub(r"^version = .*$", 'version = "2099.1"', text_of_file, flags=re.M)
    for name, value in (("attention", 0.9997), ("warning", 0.9998), ("high", 0.9999)):
        strict = re.sub(rf"^{name} = [\d.]+", f"{name} = {value}", strict, flags=re.M)
    at = moment(city)
    with session(SYSTEM, city.url) as db:
        add_model_file(db, strict, by="x", note="", now=at)
    day = str(at.astimezone(city.city.zone).date())
    words = ["models", "backtest", MODEL, "--from", day, "--to", day, "--json", "--version"]
    found = {}
    for version in ("2099.1", "file"):
        result = CliRunner().invoke(command, [*words, version])
        assert result.exit_code == 0, result.output
        found[version] = json.loads(result.stdout)
    assert [found[name]["days"][0]["flagged"] > 0 for name in ("2099.1", "file")] == [False, True]
    assert found["2099.1"]["version"] == "2099.1"
    assert CliRunner().invoke(command, [*words, "7"]).exit_code != 0
    told = CliRunner().invoke(
        command, ["models", "diff", MODEL, "file", "2099.1", "--from", day, "--to", day]
    )
    assert told.exit_code == 0 and "sites flagged" in told.output, told.output
    row = next(line for line in told.output.splitlines() if "sites flagged" in line)
    assert [int(n) for n in re.findall(r"\b\d+\b", row)][-1] == 0


def test_figures_of_looks_are_those_counted_by_hand() -> None:
    begin = dt.datetime(2026, 5, 1, tzinfo=dt.UTC)
    looks = [
        (begin, [Flagged("A", "high", 0.9)]),
        (
            begin + 7 * DAY,
            [Flagged("B", "high", 0.95), Flagged("A", "high", 0.9), Flagged("C", "attention", 0.2)],
        ),
    ]
    found = {
        "A": [Found(begin + 3 * DAY, None), Found(begin + 10 * DAY, True)],
        "B": [Found(begin + 6 * DAY, True), Found(begin + 9 * DAY, False)],
        "D": [Found(begin + 8 * DAY, True)],
        "E": [Found(begin - DAY, True)],
    }
    result = looks_back(looks, found, {"A": "east", "B": "east", "C": "west"})
    # A: its case came 3 days after the look that flagged it first. B was checked before it was flagged, and is a
    # false alarm after. C has no check, D was never flagged, E was confirmed before the first look.
    assert result.lead_days == {"A": 3.0} and result.median_lead_days == 3.0
    assert (result.figures.n, result.figures.confirmed, result.not_judged) == (2, 1, 1)
    assert result.missed == ("B", "D")
    assert result.by_area == {
        "east": {"flagged": 2, "confirmed": 1, "false_alarms": 1},
        "west": {"flagged": 1, "confirmed": 0, "false_alarms": 0},
    }
    assert [(day.flagged, day.judged, day.confirmed) for day in result.days] == [(1, 1, 1), (3, 2, 1)]
