"""The main job: fixes → stays → visits → meter signals → suspicion → alerts → cases, and hot spots beside it.

Everything is written in one transaction under a lock: a run killed in the middle leaves nothing, a second run
on the same data finds the first and changes nothing.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import polars as pl
from sqlalchemy.orm import Session

from geo_api.http.progress import step
from geo_api.jobs.hot_spots import HOT_SPOT_PARAMETERS, store_hot_spots
from geo_api.jobs.scored_findings import findings_of
from geo_api.jobs.snapshots import SnapshotMaker, SnapshotStore
from grid.alerts import RESUMPTION_KIND, Finding, Matter, WithoutCase, case_matter, raise_alerts
from grid.areas import cells_of
from layers.errors import InputError
from layers.local_time import local_zone
from layers.postgres import SYSTEM, advisory_lock, session
from layers.records import enterprises, fences, findings, meters, refresh_tracks, tracks
from spatial_models.fences import detect_fence_events
from spatial_models.stays import detect_stays
from spatial_models.suspicion import DEFAULT_CONFIG, score_sites, use_after_closure
from spatial_models.visits import find_visits

MODEL = "illegal_resumption"
VERSION = "2"
WITHOUT_CASE = "alerts_without_case"
"""Name of their count in the record of a run."""
HAZMAT_VEHICLES = "hazmat_vehicles"
VISITS_UNJUDGED = {
    "zh": "未导入危险货物车辆名单，无法判断到访；请用 wangge import vehicles 导入（类别 hazmat）",
    "en": "no hazardous-goods list was imported, visits cannot be judged: `wangge import vehicles` with the"
    " kind hazmat",
}
"""Told where no vehicle is of the kind hazmat: no visit is then no sign of anything."""

STAY_PARAMETERS: dict[str, Any] = {
    "radius_m": 150.0,
    "min_duration_s": 600.0,
    "max_gap_s": 900.0,
    "anchor": "centroid",
    "outliers": 1,
    "max_speed_kmh": 200.0,
}
MICROSECOND = dt.timedelta(microseconds=1)


@dataclass
class AnalysisResult:
    """Results of a run, and the seconds of each step."""

    at: dt.datetime
    run_id: int
    unchanged: bool = False
    counts: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    without_case: WithoutCase | None = None

    @property
    def visits_unjudged(self) -> Mapping[str, str] | None:
        """The message in Chinese and English when no vehicle is known to carry hazardous goods.

        None: some are.
        """
        return VISITS_UNJUDGED if self.counts.get(HAZMAT_VEHICLES) == 0 else None


class Analysis:
    """One look back from a moment.

    Parameters
    ----------
    url : str
        The database.
    at : datetime or None
        The moment to look back from; None is the newest fix or reading.
    days : int
        How far back tracks are read.
    snapshots : SnapshotStore or None
        Where the rows behind each alert are kept; None: nowhere.
    """

    def __init__(
        self,
        url: str,
        *,
        at: dt.datetime | None = None,
        days: int = 30,
        snapshots: SnapshotStore | None = None,
    ) -> None:
        self.snapshots = snapshots
        self.url = url
        self.at = at
        self.days = days
        self.config = dataclasses.replace(DEFAULT_CONFIG, local_zone=local_zone().key)
        self.seconds: dict[str, float] = {}
        self.counts: dict[str, int] = {}
        self.without_case: WithoutCase | None = None

    def run(self, *, only_stays: bool = False) -> AnalysisResult:
        """Analyse and write.

        Raises
        ------
        layers.errors.InputError
            There is nothing to analyse.
        """
        with session(SYSTEM, self.url) as db, advisory_lock(db, "analyse"):
            at = (self.at or self._newest(db)).astimezone(dt.UTC)
            start, end = at - dt.timedelta(days=self.days), at + MICROSECOND
            matter = case_matter(db, RESUMPTION_KIND)
            key = self._key(db, start, end, only_stays, matter)
            if found := findings.find_run(db, key):
                left = found.counts.get(WITHOUT_CASE)
                without_case = WithoutCase(left, matter) if left else None
                return AnalysisResult(at, found.id, True, dict(found.counts), {"analyse": 0.0}, without_case)
            parameters = {"stays": STAY_PARAMETERS, "days": self.days, "suspicion": _plain(self.config)}
            parameters["hot_spots"] = HOT_SPOT_PARAMETERS
            model = "stays" if only_stays else MODEL
            record = partial(
                findings.record_run, db, model=model, version=VERSION, key=key, at=at, parameters=parameters
            )
            run_id = record(counts={})
            stays = self._stays(db, run_id, start, end)
            if not only_stays:
                self._suspect(db, run_id, stays, start, end, at)
            record(counts=self.counts)
        return AnalysisResult(at, run_id, False, self.counts, self.seconds, self.without_case)

    def _newest(self, db: Session) -> dt.datetime:
        span, day = tracks.time_span(db), meters.last_day(db)
        moments = [span[1]] if span else []
        if day:
            moments.append(dt.datetime.combine(day, dt.time(23, 59, 59), local_zone()))
        if not moments:
            raise InputError("nothing to analyse: import tracks or meters first")
        return max(moments)

    def _key(
        self, db: Session, start: dt.datetime, end: dt.datetime, only_stays: bool, matter: Matter
    ) -> str:
        facts = [VERSION, only_stays, start, end, STAY_PARAMETERS, HOT_SPOT_PARAMETERS, _plain(self.config)]
        if not (
            only_stays or matter.in_list
        ):  # with the matter the same data are another run: it opens the cases
            facts.append("without matter")
        text_key = json.dumps(
            [*facts, findings.data_fingerprint(db, start, end), fences.fences_fingerprint(db)],
            default=str,
            sort_keys=True,
        )
        return f"{MODEL}:{hashlib.sha256(text_key.encode()).hexdigest()[:24]}"

    def _stays(self, db: Session, run_id: int, start: dt.datetime, end: dt.datetime) -> pl.DataFrame:
        with step("读取轨迹 reading fixes", self.seconds, "read_fixes"):
            fixes = tracks.read_fixes(db, start, end)
        with step(f"停留 stays of {fixes.height:,} fixes", self.seconds, "stays"):
            result = detect_stays(fixes, **STAY_PARAMETERS)
            cells = cells_of(result.stays["lon"].to_numpy(), result.stays["lat"].to_numpy(), 9)
            stays = result.stays.with_columns(h3_9=pl.Series(cells.astype(np.int64)))
        with step("写入停留 writing stays", self.seconds, "write_stays"):
            findings.write_stays(db, stays, run_id, start, end)
        with step("轨迹线 tracks", self.seconds, "tracks"):
            self.counts["tracks"] = refresh_tracks(db, start, end)
        self._at_fences(db, run_id, fixes, start, end)
        self.counts |= {"fixes": fixes.height, "stays": stays.height}
        self.counts |= {
            f"fixes_{reason}": int(n)
            for reason, n in result.quality.items()
            if n and reason not in ("rows", "used")
        }
        return stays

    def _at_fences(
        self, db: Session, run_id: int, fixes: pl.DataFrame, start: dt.datetime, end: dt.datetime
    ) -> None:
        given = fences.read_fences(db)
        if given.is_empty():
            return
        with step("围栏 fences", self.seconds, "fences"):
            vehicles = tracks.read_vehicles(db)
            number = dict(zip(vehicles["vehicle_id"], vehicles["id"].cast(pl.String), strict=True))
            named = pl.col("vehicle_ids").list.eval(pl.element().replace(number))
            kinds = vehicles.select(pl.col("id").alias("vehicle_id"), "kind")
            events = detect_fence_events(
                fixes, given.with_columns(named), kinds, crossings=True, local_zone=self.config.local_zone
            ).events
            self.counts["fence_events"] = fences.write_fence_events(db, events, run_id, start, end)

    def _suspect(
        self,
        db: Session,
        run_id: int,
        stays: pl.DataFrame,
        start: dt.datetime,
        end: dt.datetime,
        at: dt.datetime,
    ) -> None:
        sites = enterprises.read_sites(db)
        today = self.config.local_day(at)
        notices = enterprises.read_notices(db, today)
        vehicles = tracks.read_vehicles(db)
        with step("到访 visits", self.seconds, "visits"):
            listed = vehicles.filter(pl.col("kind") == "hazmat")["id"]
            self.counts[HAZMAT_VEHICLES] = listed.len()
            hazmat = listed.implode()
            hazardous = sites.filter(pl.col("hazard") != "none")
            visits = find_visits(
                stays.filter(pl.col("vehicle_id").is_in(hazmat)),
                hazardous,
                enterprises.read_places(db),
                window=(start, end),
                local_zone=self.config.local_zone,
            )
            self.counts["visits"] = findings.write_visits(db, visits, run_id, start, end)
        with step("水电信号 meter signals", self.seconds, "meters"):
            closed = hazardous.filter(pl.col("status") != "operating")
            readings = meters.read_readings(db, until=today).filter(
                pl.col("site_id").is_in(closed["site_id"].implode())
            )
            signals = use_after_closure(readings, closed, notices, at=today)
        with step("研判 suspicion", self.seconds, "suspicion"):
            scored = score_sites(closed, signals, visits, notices, at=at, config=self.config).sites
        keep = self._keeper(case_matter(db, RESUMPTION_KIND), closed, readings, visits, notices, at)
        self._raise(db, run_id, scored, findings_of(scored, signals, visits, self.config), at, keep)
        with step("热点 hot spots", self.seconds, "hot_spots"):
            zone = self.config.local_zone
            self.counts |= store_hot_spots(db, run_id, MODEL, scored, start, end, zone)

    def _keeper(
        self,
        matter: Matter,
        closed: pl.DataFrame,
        readings: pl.DataFrame,
        visits: pl.DataFrame,
        notices: pl.DataFrame,
        at: dt.datetime,
    ) -> Callable[[Session, str, int], object]:
        """Return what keeps the rows behind an alert."""
        if self.snapshots is None:
            return lambda db, site_id, alert_id: None
        question = {
            "model": MODEL,
            "version": VERSION,
            "at": at.isoformat(),
            "local_zone": self.config.local_zone,
            "parameters": json.loads(json.dumps(_plain(self.config), default=str)),
            "item_code": matter.item_code,
        }
        return SnapshotMaker(self.snapshots, closed, readings, visits, notices, question).keep

    def _raise(
        self,
        db: Session,
        run_id: int,
        scored: pl.DataFrame,
        found: Sequence[Finding],
        at: dt.datetime,
        keep: Callable[[Session, str, int], object],
    ) -> None:
        with step("预警与案件 alerts and cases", self.seconds, "cases") as tell:
            raised = raise_alerts(
                db,
                found,
                kind=RESUMPTION_KIND,
                run_id=run_id,
                at=at,
                progress=tell,
                keep=keep,
                complete=True,
            )
        levels = scored["level"].value_counts()
        self.counts |= {f"level_{level}": count for level, count in levels.iter_rows()}
        self.counts |= {"candidates": scored.height, "alerts_raised": raised.alerts}
        self.counts |= {"alerts_lowered": raised.lowered, "alerts_faded": raised.faded}
        self.counts |= {"alerts_suppressed": raised.suppressed, "cases_opened": raised.cases}
        self.without_case = raised.without_case
        if raised.without_case is not None:
            self.counts[WITHOUT_CASE] = raised.without_case.alerts


def _plain(config: Any) -> Any:
    return (
        dataclasses.asdict(config)
        if dataclasses.is_dataclass(config) and not isinstance(config, type)
        else str(config)
    )
