"""Needs of each model: which sources, fences, licences and matters it lacks, told before a run in both languages."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from pathlib import Path

import polars as pl
from sqlalchemy.orm import Session

from geo_api.jobs.blind_spots import BlindSpot, blind_spots
from geo_api.jobs.movement import newest_moment
from geo_api.jobs.parameters import GAP_RULE
from geo_api.models.in_force import models_of_run
from grid.alerts import case_matter
from layers.errors import NotFound
from layers.local_time import local_zone
from layers.records import enterprises, fences, tracks
from layers.runs import Coverage, read_coverage
from spatial_models.stays import sampling_gaps_s
from spatial_models.suspicion import Model, catalogue, fence_population

_SOURCES = {
    "readings": ("水电读数", "meter readings"),
    "fixes": ("车船轨迹", "tracks"),
    "vehicle_list": ("危险货物车辆名单", "the hazardous-goods list"),
}
"""Sources of signals of sites, as people read them; others follow from these."""


def lacks_of_models(
    db: Session,
    models: Sequence[Model],
    coverage: Coverage,
    *,
    licence_kinds: Collection[str],
    known_fences: pl.DataFrame,
    vehicle_kinds: Collection[str],
) -> list[BlindSpot]:
    """Return an entry for each model that lacks something; one that lacks nothing has none.

    Parameters
    ----------
    licence_kinds, vehicle_kinds : collection of str
        Kinds of licences and of vehicles that were imported.
    known_fences : polars.DataFrame
        As of `spatial_models.suspicion.fence_population`.
    """
    there = {
        "readings": coverage.looked_at == 0 or coverage.without_readings < coverage.looked_at,
        "fixes": coverage.vehicles > 0,
        "vehicle_list": coverage.hazmat_vehicles > 0,
    }
    found = []
    for model in models:
        lacks = _without_sources(model, there) + _without_subjects(
            model, licence_kinds, known_fences, vehicle_kinds
        )
        if (matter := _without_matter(db, model.alert_kind)) is not None:
            lacks.append(matter)
        if lacks:
            zh, en = "；".join(zh for zh, _ in lacks), "; ".join(en for _, en in lacks)
            found.append(
                BlindSpot(
                    "models", "model_lacks", False, len(lacks), len(lacks),
                    f"模型“{model.title.zh}”缺少：{zh}", f"the model {model.name} lacks: {en}",
                )
            )  # fmt: skip
    return found


def spots_before_run(db: Session, *, days: int, models_folder: Path | None = None) -> list[BlindSpot]:
    """Return what a run over the newest data could not see, and what each model lacks, as far as it can be said before.

    The sampling is that of the last day with fixes.

    Parameters
    ----------
    models_folder : Path or None
        Folder with models of the city's own.

    Raises
    ------
    layers.errors.InputError
        There are no data.
    """
    newest = newest_moment(db)
    today = newest.astimezone(local_zone()).date()
    end = newest + dt.timedelta(microseconds=1)
    coverage = read_coverage(db, newest - dt.timedelta(days=days), end, today=today)
    span = tracks.time_span(db)
    last = newest if span is None else span[1]
    fixes = tracks.read_fixes(db, last - dt.timedelta(days=1), last + dt.timedelta(microseconds=1))
    models, _ = models_of_run(db, models_folder)
    kinds = enterprises.read_licences(db, today)["licence_kind"]
    return blind_spots(
        coverage, sampling_gaps_s(fixes), seen_interval_s=GAP_RULE.seen_interval_s
    ) + lacks_of_models(
        db,
        models,
        coverage,
        licence_kinds=set(kinds),
        known_fences=fences.read_fences(db),
        vehicle_kinds=set(tracks.read_vehicles(db)["kind"]),
    )


def models_without_fences(
    models: Sequence[Model], known_fences: pl.DataFrame, vehicle_kinds: Collection[str]
) -> list[BlindSpot]:
    """Return a blind spot for each model about fences that has none to look at, or of whose vessels none is known."""
    found = []
    for model in models:
        if lacks := _without_fences(model, known_fences, vehicle_kinds):
            code, (zh, en) = lacks
            found.append(
                BlindSpot(
                    "fences", code, False, 0, 0,
                    f"模型“{model.title.zh}”未作研判：缺少{zh}",
                    f"the model {model.name} judged nothing: it lacks {en}",
                )
            )  # fmt: skip
    return found


Words = tuple[str, str]


def _without_sources(model: Model, there: dict[str, bool]) -> list[Words]:
    if model.population.subject == "fence":
        return [] if there["fixes"] else [_SOURCES["fixes"]]
    signals = catalogue().signals
    asked = {need for signal in model.signals for need in signals[signal.signal].needs}
    return [words for need, words in _SOURCES.items() if need in asked and not there[need]]


def _without_subjects(
    model: Model, licence_kinds: Collection[str], known_fences: pl.DataFrame, vehicle_kinds: Collection[str]
) -> list[Words]:
    asked = {model.population.lacks_licence, model.population.holds_licence} - {None}
    lacks = [
        (f"许可证（类别 {kind}）", f"licences of the kind {kind}")
        for kind in sorted(map(str, asked))
        if kind not in licence_kinds
    ]
    if of_fences := _without_fences(model, known_fences, vehicle_kinds):
        lacks.append(of_fences[1])
    return lacks


def _without_fences(
    model: Model, known_fences: pl.DataFrame, vehicle_kinds: Collection[str]
) -> tuple[str, Words] | None:
    if model.population.subject != "fence":
        return None
    if fence_population(model, known_fences).is_empty():
        words = "、".join(model.population.fence_words)
        return "no_fences", (
            f"围栏（{words}）" if words else "围栏",
            "a fence whose name or legal basis holds one of " + words if words else "a fence",
        )
    if model.population.fence_media == ("water",) and "vessel" not in vehicle_kinds:
        return "no_vessels", ("船舶名单（类别 vessel）", "a list of vessels (vehicles of the kind vessel)")
    return None


def _without_matter(db: Session, kind: str) -> Words | None:
    try:
        matter = case_matter(db, kind)
    except NotFound:
        return "立案事项（未设定）", "a matter: its alerts open no case"
    if matter.in_list:
        return None
    return f"立案事项（{matter.fault_zh}）", f"a matter, so its alerts open no case ({matter.fault_en})"
