"""The main job: fixes → stays → visits → signals → models → alerts → cases, and hot spots beside it.

Everything is written in one transaction under a lock: a run killed in the middle leaves nothing, a second run
on the same data finds the first and changes nothing.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from geo_api.http.progress import step, tell_waiting
from geo_api.jobs.blind_spots import models_without_licences, refused_models, spots_of_run, told
from geo_api.jobs.hot_spots import HOT_SPOT_PARAMETERS, store_hot_spots
from geo_api.jobs.judging import Judged, judge, raise_judged
from geo_api.jobs.measured_signals import HAZMAT_VEHICLES, MeasuredSignals, measure_signals
from geo_api.jobs.measured_vehicles import write_measured_vehicles
from geo_api.jobs.model_needs import models_without_fences
from geo_api.jobs.movement import Movement, Window, newest_moment, read_movement, window_of, write_movement
from geo_api.jobs.parameters import GAP_RULE, RUN_DAYS, STAY_PARAMETERS
from geo_api.jobs.snapshots import SnapshotStore
from geo_api.models.in_force import models_of_run
from geo_api.models.model_files import ModelFile
from grid.alerts import (
    CASE_LEVELS,
    RESUMPTION_KIND,
    WithoutCase,
    WouldRaise,
    ensure_kind,
    kept_without_case,
    would_raise,
)
from layers.local_time import local_zone
from layers.postgres import SYSTEM, advisory_lock, forbid_writes, session
from layers.records import findings
from layers.runs import read_fingerprint
from spatial_models.suspicion import Model

MODEL = "illegal_resumption"
VERSION = "4"
WITHOUT_CASE = "alerts_without_case"
"""Name of their count in the record of a run."""
VISITS_UNJUDGED = {
    "zh": "未导入危险货物车辆名单，只能按一般货车判断到访；请用 wangge import vehicles 导入（类别 hazmat）",
    "en": "no hazardous-goods list was imported, visits are judged as those of any lorry: `wangge import vehicles` with"
    " the kind hazmat",
}
"""Told where no vehicle is of the kind hazmat."""


@dataclass
class AnalysisResult:
    """Results of a run, and the seconds of each step.

    Attributes
    ----------
    run_id : int or None
        None: nothing was written.
    without_cases : sequence of WithoutCase
        Open alerts without a case since the duty list lacks their matter, one entry a kind.
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
    without_cases: Sequence[WithoutCase] = ()
    window: tuple[dt.datetime, dt.datetime] | None = None
    fingerprint: dict[str, str] = field(default_factory=dict)
    blind_spots: Sequence[Mapping[str, object]] = ()
    would_raise: list[WouldRaise] | None = None

    @property
    def without_case(self) -> WithoutCase | None:
        """Open alerts of illegal resumption without a case, else those of the first kind; None: every alert has one."""
        own = [left for left in self.without_cases if left.matter.kind == RESUMPTION_KIND]
        return next(iter([*own, *self.without_cases]), None)

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
    models_folder : Path or None
        Folder with models of the city's own; None: the others only.
    only_models : collection of str or None
        Names of the models that judge; None: all in force.
    models : sequence of Model or None
        Models that judge in place of those in force: of a look back.
    """

    def __init__(
        self,
        url: str,
        *,
        at: dt.datetime | None = None,
        days: int = RUN_DAYS,
        snapshots: SnapshotStore | None = None,
        models_folder: Path | None = None,
        only_models: Sequence[str] | None = None,
        models: Sequence[Model] | None = None,
    ) -> None:
        self.snapshots = snapshots
        self.url = url
        self.at = at
        self.days = days
        self.models_folder = models_folder
        self.only_models = only_models
        self.given_models = models
        self.models: list[Model] = []
        self.refused: Sequence[ModelFile] = ()
        self.zone = local_zone().key
        self.seconds: dict[str, float] = {}
        self.counts: dict[str, int] = {}
        self.without_cases: Sequence[WithoutCase] = ()
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
        layers.errors.NotFound
            A model that was named is not there.
        """
        with (
            session(SYSTEM, self.url) as db,
            advisory_lock(db, "analyse", partial(tell_waiting, "分析", "analysis")),
        ):
            newest = newest_moment(db)
            window = window_of(self.at or newest, self.days, self.zone)
            if self.given_models is None:
                self.models, self.refused = models_of_run(db, self.models_folder, self.only_models)
            else:
                self.models = list(self.given_models)
            if not (window.at >= newest if write is None else write):
                return self._look_back(db, window, only_stays)
            return self._write(db, window, only_stays)

    def _look_back(self, db: Session, window: Window, only_stays: bool) -> AnalysisResult:
        forbid_writes(db)
        moved = self._moved(db, window)
        would: list[WouldRaise] = []
        if only_stays:
            self._see(db, window, moved, None)
        else:
            _, judged = self._judge(db, window, moved)
            for one in judged:
                would += would_raise(db, one.findings, one.model.alert_kind)
        self.counts |= {"alerts_raised": len(would), "cases_opened": 0}
        return self._result(window, None, would_raise=would)

    def _write(self, db: Session, window: Window, only_stays: bool) -> AnalysisResult:
        for model in () if only_stays else self.models:  # before the fingerprint, which the kinds are part of
            ensure_kind(db, model.alert_kind, model.title.zh, model.title.en)
        fingerprint = read_fingerprint(
            db, window.read_from, window.end, today=window.today, only_fixes=only_stays
        )
        parameters: dict[str, Any] = {
            "stays": STAY_PARAMETERS | {"gaps": asdict(GAP_RULE)},
            "days": self.days,
        }
        if not only_stays:
            parameters["models"] = {model.name: model.document() for model in self.models}
            parameters["hot_spots"] = HOT_SPOT_PARAMETERS
        key = self._key(window, only_stays, fingerprint)
        if found := findings.find_run(db, key):
            self.without_cases = () if only_stays else self._kept_without_case(db)
            self.counts, self.seconds = dict(found.counts), {"analyse": 0.0}
            self.blind_spots = found.blind_spots
            return self._result(window, found.id, unchanged=True, fingerprint=fingerprint)
        record = partial(
            findings.record_run, db, model=self._name(only_stays), version=VERSION, key=key, at=window.at,
            parameters=parameters, window=(window.start, window.end), fingerprint=fingerprint,
        )  # fmt: skip
        run_id = record(counts={})
        moved = self._moved(db, window)
        self.counts |= write_movement(db, run_id, window, moved, self.seconds)
        if only_stays:
            self._see(db, window, moved, None)
        else:
            self._suspect(db, run_id, window, moved)
        record(counts=self.counts, blind_spots=self.blind_spots, seconds=self.seconds)
        return self._result(window, run_id, fingerprint=fingerprint)

    def _result(self, window: Window, run_id: int | None, **more: Any) -> AnalysisResult:
        return AnalysisResult(
            window.at, run_id, counts=self.counts, seconds=self.seconds, without_cases=self.without_cases,
            window=(window.start, window.end), blind_spots=self.blind_spots, **more,
        )  # fmt: skip

    def _key(self, window: Window, only_stays: bool, fingerprint: Mapping[str, str]) -> str:
        facts = [
            VERSION,
            only_stays,
            window.start,
            window.end,
            STAY_PARAMETERS,
            asdict(GAP_RULE),
            HOT_SPOT_PARAMETERS,
            [] if only_stays else [(model.name, model.digest()) for model in self.models],
            self.zone,
        ]
        text_key = json.dumps([*facts, fingerprint], default=str, sort_keys=True)
        return f"{self._name(only_stays)}:{hashlib.sha256(text_key.encode()).hexdigest()[:24]}"

    def _name(self, only_stays: bool) -> str:
        """Return the model that the run is stored under: the one that hot spots are of, if it judges."""
        names = [model.name for model in self.models]
        return "stays" if only_stays else MODEL if MODEL in names or not names else names[0]

    def _moved(self, db: Session, window: Window) -> Movement:
        moved = read_movement(db, window, self.zone, self.seconds)
        self.counts |= moved.counts()
        return moved

    def _see(self, db: Session, window: Window, moved: Movement, measured: MeasuredSignals | None) -> None:
        """Keep what the run cannot see."""
        found = spots_of_run(db, window, moved.sampling, measured)
        if measured is not None:
            found += models_without_licences(self.models, measured.licences["licence_kind"])
            found += models_without_fences(self.models, moved.fences, measured.vehicle_kinds)
        self.blind_spots = told([*found, *refused_models(self.refused)])

    def _judge(self, db: Session, window: Window, moved: Movement) -> tuple[MeasuredSignals, list[Judged]]:
        """Score the sites of every model; nothing is written."""
        measured = measure_signals(
            db, window, moved, self.zone, models=self.models, parameters=self._signal_parameters(),
            seconds=self.seconds, counts=self.counts,
        )  # fmt: skip
        judged = judge(self.models, measured, window, self.zone, self.seconds)
        self._see(db, window, moved, measured)
        for one in judged:
            plain = one.model.name == MODEL
            self.counts |= {
                name if plain else f"{one.model.name}_{name}": n for name, n in one.counts().items()
            }
        return measured, judged

    def _signal_parameters(self) -> dict[str, dict[str, bool | int | float]]:
        """Return the parameters of signals that models set: signals are shared, so the first that sets one decides."""
        found: dict[str, dict[str, bool | int | float]] = {}
        for model in reversed(self.models):
            for room, values in model.parameters.items():
                found.setdefault(room, {}).update(values)
        return found

    def _suspect(self, db: Session, run_id: int, window: Window, moved: Movement) -> None:
        measured, judged = self._judge(db, window, moved)
        with step("写入到访 writing visits", self.seconds, "write_visits"):
            findings.write_visits(db, measured.visits, run_id, window.read_from, window.end, moved.begins)
        with step("写入失联与会遇 writing silences and encounters", self.seconds, "write_meetings"):
            self.counts |= write_measured_vehicles(db, run_id, measured.vehicles, window.start, window.end)
        self.counts |= dict.fromkeys(
            ("alerts_raised", "alerts_lowered", "alerts_faded", "alerts_suppressed", "cases_opened"), 0
        )
        for one in judged:
            self._raise(db, run_id, one, measured, window.at)
        self.without_cases = self._kept_without_case(db)
        if self.without_cases:
            self.counts[WITHOUT_CASE] = sum(left.alerts for left in self.without_cases)
        with step("热点 hot spots", self.seconds, "hot_spots"):
            of_closed = next((one.scored for one in judged if one.model.name == MODEL), None)
            if of_closed is not None:
                self.counts |= store_hot_spots(
                    db, run_id, MODEL, of_closed, window.start, window.end, self.zone
                )

    def _kept_without_case(self, db: Session) -> list[WithoutCase]:
        return kept_without_case(db, {model.alert_kind for model in self.models}, CASE_LEVELS)

    def _raise(
        self, db: Session, run_id: int, judged: Judged, measured: MeasuredSignals, at: dt.datetime
    ) -> None:
        name = "cases" if judged.model.name == MODEL else f"{judged.model.name}_cases"
        with step(f"预警与案件 alerts and cases: {judged.model.title.zh}", self.seconds, name) as tell:
            raised = raise_judged(
                db, run_id, judged, measured, at=at, zone=self.zone, snapshots=self.snapshots, progress=tell
            )
        of_model = {
            "alerts_raised": raised.alerts,
            "alerts_lowered": raised.lowered,
            "alerts_faded": raised.faded,
            "alerts_suppressed": raised.suppressed,
            "cases_opened": raised.cases,
        }
        self.counts |= {name: self.counts[name] + n for name, n in of_model.items()}
