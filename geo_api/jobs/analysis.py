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
from geo_api.jobs.blind_spots import blind_spots, sampling_gaps_s, told
from geo_api.jobs.hot_spots import HOT_SPOT_PARAMETERS, store_hot_spots
from geo_api.jobs.moments import newest_moment
from geo_api.jobs.parameters import RUN_DAYS, STAY_PARAMETERS
from geo_api.jobs.scored_findings import findings_of
from geo_api.jobs.snapshots import SnapshotMaker, SnapshotStore
from grid.alerts import (
    RESUMPTION_KIND,
    Decision,
    Finding,
    Matter,
    WithoutCase,
    case_matter,
    raise_alerts,
    would_raise,
)
from grid.areas import cells_of
from layers.local_time import local_zone
from layers.postgres import SYSTEM, advisory_lock, forbid_writes, session
from layers.records import enterprises, fences, findings, meters, refresh_tracks, tracks
from layers.runs import read_coverage, read_fingerprint, read_spans
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

MICROSECOND = dt.timedelta(microseconds=1)


LINK_GAP_S = 43_200.0
"""Longest gap between the stays of one visit, seconds."""
LEAD = dt.timedelta(days=1)
"""Time before the window that is read, too: a stay that began before the window is seen to have begun there."""


@dataclass(frozen=True)
class Window:
    """The moment of a run, the window ``[start, end)`` that it judges, and what it reads.

    Attributes
    ----------
    read_from : datetime
        From here on stays and visits are written anew.
    today : date
        Day of ``at`` in the city.
    """

    at: dt.datetime
    start: dt.datetime
    end: dt.datetime
    read_from: dt.datetime
    today: dt.date


@dataclass(frozen=True)
class Movement:
    """Fixes of a run with the stays in them.

    Attributes
    ----------
    fixes : polars.DataFrame
        From ``read_from`` on.
    begins : dict of int to datetime
        Vehicles whose stays were found from an earlier moment on, since one of them lies over ``read_from``.
    quality : dict of str to int
        Counts of `spatial_models.stays.detect_stays`.
    """

    fixes: pl.DataFrame
    stays: pl.DataFrame
    begins: dict[int, dt.datetime]
    quality: dict[str, int]


@dataclass(frozen=True)
class Judged:
    """Frames that the model read and gave, of all sites."""

    closed: pl.DataFrame
    readings: pl.DataFrame
    notices: pl.DataFrame
    visits: pl.DataFrame
    signals: pl.DataFrame
    scored: pl.DataFrame
    findings: list[Finding]


@dataclass
class AnalysisResult:
    """Results of a run, and the seconds of each step.

    Attributes
    ----------
    run_id : int or None
        None: nothing was written.
    blind_spots : list
        What the run could not see (:class:`geo_api.jobs.blind_spots.BlindSpot` as plain values).
    would_raise : list or None
        Of a run that wrote nothing: what would come into the queue; None: the run was written.
    """

    at: dt.datetime
    run_id: int | None
    unchanged: bool = False
    counts: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    without_case: WithoutCase | None = None
    window: tuple[dt.datetime, dt.datetime] | None = None
    fingerprint: dict[str, str] = field(default_factory=dict)
    blind_spots: Sequence[Mapping[str, object]] = ()
    would_raise: list[tuple[Finding, Decision]] | None = None

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
        days: int = RUN_DAYS,
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
        self.blind_spots: Sequence[Mapping[str, object]] = ()

    def run(self, *, only_stays: bool = False, write: bool | None = None) -> AnalysisResult:
        """Analyse, and write what was found.

        Parameters
        ----------
        write : bool or None
            None: unless the moment is older than the newest fix or reading. A run that does not write reads in a
            transaction in which the database refuses every write, and says what it would raise.

        Raises
        ------
        layers.errors.InputError
            There is nothing to analyse.
        """
        with session(SYSTEM, self.url) as db, advisory_lock(db, "analyse"):
            newest = newest_moment(db)
            window = self._window(self.at or newest)
            if not (window.at >= newest if write is None else write):
                return self._look_back(db, window, only_stays)
            return self._write(db, window, only_stays)

    def _window(self, at: dt.datetime) -> Window:
        at = at.astimezone(dt.UTC)
        start = at - dt.timedelta(days=self.days)
        return Window(at, start, at + MICROSECOND, start - LEAD, self.config.local_day(at))

    def _look_back(self, db: Session, window: Window, only_stays: bool) -> AnalysisResult:
        forbid_writes(db)
        moved = self._movement(db, window)
        would: list[tuple[Finding, Decision]] = []
        if only_stays:
            self._see_coverage(db, window, moved.fixes, None)
        else:
            judged = self._judge(db, window, moved)
            would = would_raise(db, judged.findings, RESUMPTION_KIND)
        self.counts |= {"alerts_raised": len(would), "cases_opened": 0}
        return self._result(window, None, would_raise=would)

    def _write(self, db: Session, window: Window, only_stays: bool) -> AnalysisResult:
        fingerprint = read_fingerprint(
            db, window.read_from, window.end, today=window.today, only_fixes=only_stays
        )
        parameters = {"stays": STAY_PARAMETERS, "days": self.days, "suspicion": _plain(self.config)}
        if not only_stays:
            parameters["hot_spots"] = HOT_SPOT_PARAMETERS
        key = self._key(window, only_stays, fingerprint)
        if found := findings.find_run(db, key):
            left = found.counts.get(WITHOUT_CASE)
            self.without_case = WithoutCase(left, case_matter(db, RESUMPTION_KIND)) if left else None
            self.counts, self.seconds = dict(found.counts), {"analyse": 0.0}
            self.blind_spots = found.blind_spots
            return self._result(window, found.id, unchanged=True, fingerprint=fingerprint)
        record = partial(
            findings.record_run, db, model="stays" if only_stays else MODEL, version=VERSION, key=key, at=window.at,
            parameters=parameters, window=(window.start, window.end), fingerprint=fingerprint,
        )  # fmt: skip
        run_id = record(counts={})
        moved = self._movement(db, window)
        self._write_movement(db, run_id, window, moved)
        if only_stays:
            self._see_coverage(db, window, moved.fixes, None)
        else:
            self._suspect(db, run_id, window, moved)
        record(counts=self.counts, blind_spots=self.blind_spots, seconds=self.seconds)
        return self._result(window, run_id, fingerprint=fingerprint)

    def _result(self, window: Window, run_id: int | None, **more: Any) -> AnalysisResult:
        return AnalysisResult(
            window.at, run_id, counts=self.counts, seconds=self.seconds, without_case=self.without_case,
            window=(window.start, window.end), blind_spots=self.blind_spots, **more,
        )  # fmt: skip

    def _key(self, window: Window, only_stays: bool, fingerprint: Mapping[str, str]) -> str:
        facts = [
            VERSION,
            only_stays,
            window.start,
            window.end,
            STAY_PARAMETERS,
            HOT_SPOT_PARAMETERS,
            _plain(self.config),
        ]
        text_key = json.dumps([*facts, fingerprint], default=str, sort_keys=True)
        return f"{MODEL}:{hashlib.sha256(text_key.encode()).hexdigest()[:24]}"

    def _movement(self, db: Session, window: Window) -> Movement:
        with step("读取轨迹 reading fixes", self.seconds, "read_fixes"):
            fixes = tracks.read_fixes(db, window.read_from, window.end)
            max_gap_s = STAY_PARAMETERS["max_gap_s"]
            spans, more = read_spans(
                db, window.read_from, window.end, max_gap_s=max_gap_s, link_gap_s=LINK_GAP_S
            )
        with step(f"停留 stays of {fixes.height:,} fixes", self.seconds, "stays"):
            result = detect_stays(pl.concat([fixes, more]), **STAY_PARAMETERS)
            cells = cells_of(result.stays["lon"].to_numpy(), result.stays["lat"].to_numpy(), 9)
            stays = result.stays.with_columns(h3_9=pl.Series(cells.astype(np.int64)))
        self.counts |= {"fixes": fixes.height, "stays": stays.height}
        self.counts |= {
            f"fixes_{reason}": int(n)
            for reason, n in result.quality.items()
            if n and reason not in ("rows", "used")
        }
        begins = {span.vehicle_id: span.begins_at for span in spans if span.begins_at < window.read_from}
        return Movement(fixes, stays, begins, result.quality)

    def _see_coverage(
        self, db: Session, window: Window, fixes: pl.DataFrame, signals: pl.DataFrame | None
    ) -> None:
        """Keep what the run cannot see."""
        coverage = read_coverage(db, window.start, window.end, today=window.today)
        gaps = sampling_gaps_s(fixes)
        found = blind_spots(coverage, gaps, max_gap_s=STAY_PARAMETERS["max_gap_s"], signals=signals)
        self.blind_spots = told(found)

    def _write_movement(self, db: Session, run_id: int, window: Window, moved: Movement) -> None:
        with step("写入停留 writing stays", self.seconds, "write_stays"):
            findings.write_stays(db, moved.stays, run_id, window.read_from, window.end, moved.begins)
        with step("轨迹线 tracks", self.seconds, "tracks"):
            self.counts["tracks"] = refresh_tracks(db, window.start, window.end)
        self._at_fences(db, run_id, moved.fixes, window.read_from, window.end)

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

    def _judge(self, db: Session, window: Window, moved: Movement) -> Judged:
        """Score every closed site with a hazard; nothing is written."""
        sites = enterprises.read_sites(db)
        notices = enterprises.read_notices(db, window.today)
        hazardous = sites.filter(pl.col("hazard") != "none")
        with step("到访 visits", self.seconds, "visits"):
            vehicles = tracks.read_vehicles(db)
            listed = vehicles.filter(pl.col("kind") == "hazmat")["id"]
            self.counts[HAZMAT_VEHICLES] = listed.len()
            visits = find_visits(
                moved.stays.filter(pl.col("vehicle_id").is_in(listed.implode())),
                hazardous,
                enterprises.read_places(db),
                link_gap_s=LINK_GAP_S,
                window=(min([window.read_from, *moved.begins.values()]), window.end),
                local_zone=self.config.local_zone,
            )
            self.counts["visits"] = visits.height
        with step("水电信号 meter signals", self.seconds, "meters"):
            closed = hazardous.filter(pl.col("status") != "operating")
            readings = meters.read_readings(db, until=window.today).filter(
                pl.col("site_id").is_in(closed["site_id"].implode())
            )
            signals = use_after_closure(readings, closed, notices, at=window.today)
        with step("研判 suspicion", self.seconds, "suspicion"):
            scored = score_sites(closed, signals, visits, notices, at=window.at, config=self.config).sites
        self._see_coverage(db, window, moved.fixes, signals)
        levels = scored["level"].value_counts()
        self.counts |= {f"level_{level}": count for level, count in levels.iter_rows()}
        self.counts["candidates"] = scored.height
        found = findings_of(scored, signals, visits, self.config)
        return Judged(closed, readings, notices, visits, signals, scored, found)

    def _suspect(self, db: Session, run_id: int, window: Window, moved: Movement) -> None:
        judged = self._judge(db, window, moved)
        with step("写入到访 writing visits", self.seconds, "write_visits"):
            findings.write_visits(db, judged.visits, run_id, window.read_from, window.end, moved.begins)
        self._raise(db, run_id, judged, window.at)
        with step("热点 hot spots", self.seconds, "hot_spots"):
            zone = self.config.local_zone
            self.counts |= store_hot_spots(db, run_id, MODEL, judged.scored, window.start, window.end, zone)

    def _keeper(
        self, matter: Matter, judged: Judged, at: dt.datetime
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
        tables = (judged.closed, judged.readings, judged.visits, judged.notices)
        return SnapshotMaker(self.snapshots, *tables, question).keep

    def _raise(self, db: Session, run_id: int, judged: Judged, at: dt.datetime) -> None:
        keep = self._keeper(case_matter(db, RESUMPTION_KIND), judged, at)
        with step("预警与案件 alerts and cases", self.seconds, "cases") as tell:
            raised = raise_alerts(
                db, judged.findings, kind=RESUMPTION_KIND, run_id=run_id, at=at, progress=tell, keep=keep,
                complete=True,
            )  # fmt: skip
        self.counts |= {"alerts_raised": raised.alerts, "alerts_lowered": raised.lowered}
        self.counts |= {"alerts_faded": raised.faded, "alerts_suppressed": raised.suppressed}
        self.counts["cases_opened"] = raised.cases
        self.without_case = raised.without_case
        if raised.without_case is not None:
            self.counts[WITHOUT_CASE] = raised.without_case.alerts


def _plain(config: Any) -> Any:
    return (
        dataclasses.asdict(config)
        if dataclasses.is_dataclass(config) and not isinstance(config, type)
        else str(config)
    )
