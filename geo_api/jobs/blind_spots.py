"""Blind spots: what a run cannot see, by family of evidence, told before a run and stored with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

import polars as pl
from sqlalchemy.orm import Session

from geo_api.jobs.measured_signals import MeasuredSignals
from geo_api.jobs.movement import Window
from geo_api.jobs.parameters import GAP_RULE
from geo_api.models.model_files import ModelFile
from layers.runs import Coverage, read_coverage
from spatial_models.suspicion import Model, catalogue


@dataclass(frozen=True)
class BlindSpot:
    """Something that a run cannot see.

    Attributes
    ----------
    family : str
        ``vehicles``, ``meters``, ``sites``, ``licences``, ``fences`` or ``models``.
    code : str
        ``no_tracks``, ``no_hazmat_list``, ``sampling``, ``no_readings``, ``few_readings``, ``not_judged``,
        ``no_place``, ``no_hazard``, ``no_closure_date``, ``no_licences``, ``no_fences``, ``no_vessels``,
        ``no_case_possible``, ``model_lacks``, ``wrong_model_file``.
    is_whole : bool
        Whether the whole family is blind.
    n, of : int
        How many vehicles or sites of how many.
    zh, en : str
        What a person reads.
    """

    family: str
    code: str
    is_whole: bool
    n: int
    of: int
    zh: str
    en: str

    def as_json(self) -> dict[str, object]:
        """Return it as plain values."""
        return asdict(self)


def blind_spots(
    coverage: Coverage, gaps: pl.DataFrame, *, seen_interval_s: float, signals: pl.DataFrame | None = None
) -> list[BlindSpot]:
    """Return what a run cannot see, vehicles first.

    Parameters
    ----------
    gaps : polars.DataFrame
        Of `spatial_models.stays.sampling_gaps_s`.
    seen_interval_s : float
        Usual interval of a vehicle up to which its stays are seen, seconds.
    signals : polars.DataFrame or None
        ``SIGNAL_ROWS`` of the run; None: before a run.
    """
    found = [
        *_of_vehicles(coverage, gaps, seen_interval_s),
        *_of_meters(coverage, signals),
        *_of_sites(coverage),
    ]
    blind = [spot.family for spot in found if spot.is_whole and spot.family != "sites"]
    if blind:
        zh = "、".join({"vehicles": "车辆", "meters": "水电"}[family] for family in dict.fromkeys(blind))
        en = " and ".join(dict.fromkeys(blind))
        found.append(
            BlindSpot(
                blind[0], "no_case_possible", True, coverage.looked_at, coverage.looked_at,
                f"{zh}无法判断：单一来源的线索最高为“关注”，不会立案",
                f"blind for {en}: evidence of one family alone stays at the level attention, no case can be opened",
            )
        )  # fmt: skip
    return found


def _of_vehicles(coverage: Coverage, gaps: pl.DataFrame, seen_interval_s: float) -> list[BlindSpot]:
    if coverage.vehicles == 0:
        return [
            BlindSpot(
                "vehicles", "no_tracks", True, 0, 0,
                "分析时段内没有车辆轨迹", "no vehicle has fixes in the window",
            )
        ]  # fmt: skip
    found = []
    if coverage.hazmat_vehicles == 0:
        found.append(
            BlindSpot(
                "vehicles", "no_hazmat_list", False, 0, coverage.vehicles,
                "未导入危险货物车辆名单，只能按一般货车判断到访",
                "no hazardous-goods list was imported, visits are judged as those of any lorry",
            )
        )  # fmt: skip
    slow = gaps.filter(pl.col("gap_s") > seen_interval_s).height
    if slow:
        share, minutes = slow / gaps.height, seen_interval_s / 60
        found.append(
            BlindSpot(
                "vehicles", "sampling", slow == gaps.height, slow, gaps.height,
                f"{slow} 辆车（{share:.0%}）的定位间隔中位数超过 {minutes:.0f} 分钟，其停留难以识别",
                f"{slow} of {gaps.height} vehicles ({share:.0%}) report at intervals longer than {minutes:.0f} minutes"
                " (median): stays shorter than an hour are not seen",
            )
        )  # fmt: skip
    return found


def _of_meters(coverage: Coverage, signals: pl.DataFrame | None) -> list[BlindSpot]:
    of = coverage.looked_at
    found = []
    if of and coverage.without_readings:
        found.append(
            BlindSpot(
                "meters", "no_readings", coverage.without_readings == of, coverage.without_readings, of,
                f"{of} 个停产场所中 {coverage.without_readings} 个没有用电、用水读数（不等于未使用）",
                f"{coverage.without_readings} of {of} closed sites have no readings of power or water, which is not"
                " the same as no use",
            )
        )  # fmt: skip
    if of and coverage.with_few_readings:
        found.append(
            BlindSpot(
                "meters", "few_readings", coverage.with_few_readings == of, coverage.with_few_readings, of,
                f"{of} 个停产场所中 {coverage.with_few_readings} 个近 28 天读数不足 10 条（如按月抄表），难以判断",
                f"{coverage.with_few_readings} of {of} closed sites have fewer than 10 readings in the last 28 days"
                " (monthly bills, every fifth day): hard to judge",
            )
        )  # fmt: skip
    judged = _unjudged(signals)
    if judged is not None and judged[0]:
        n, of_judged = judged
        found.append(
            BlindSpot(
                "meters", "not_judged", n == of_judged, n, of_judged,
                f"{of_judged} 个停产场所中 {n} 个的水电无法判断（无读数、无基线或停产日期不详）",
                f"the meters of {n} of {of_judged} closed sites could not be judged (no readings, no baseline, or no"
                " date of closure)",
            )
        )  # fmt: skip
    return found


def _unjudged(signals: pl.DataFrame | None) -> tuple[int, int] | None:
    """Return how many sites have no meter that says anything, of how many."""
    if signals is None or signals.is_empty():
        return None
    names = [kind.name for kind in catalogue().signals.values() if kind.family == "meters"]
    blind = (
        signals.filter(pl.col("signal").is_in(names)).group_by("site_id").agg(pl.col("value").is_null().all())
    )
    return int(blind["value"].sum()), blind.height


def _of_sites(coverage: Coverage) -> list[BlindSpot]:
    found = []
    if coverage.without_place:
        found.append(
            BlindSpot(
                "sites", "no_place", False, coverage.without_place, coverage.sites,
                f"{coverage.sites} 个生产、仓储场所中 {coverage.without_place} 个只有地址、尚未定位，不参与研判",
                f"{coverage.without_place} of {coverage.sites} production and storage sites have an address and no"
                " place: no model looks at them",
            )
        )  # fmt: skip
    if coverage.without_hazard:
        found.append(
            BlindSpot(
                "sites", "no_hazard", False, coverage.without_hazard, coverage.closed_sites,
                f"{coverage.closed_sites} 个停产场所中 {coverage.without_hazard} 个未登记危险性，研判时先验概率较低",
                f"{coverage.without_hazard} of {coverage.closed_sites} closed sites have no hazard entered: they are"
                " looked at with a lower prior",
            )
        )  # fmt: skip
    if coverage.without_closure_date:
        found.append(
            BlindSpot(
                "sites", "no_closure_date", False, coverage.without_closure_date, coverage.looked_at,
                f"{coverage.without_closure_date} 个停产场所停产日期不详，水电无法判断",
                f"{coverage.without_closure_date} closed sites have no date of closure: their meters cannot be judged",
            )
        )  # fmt: skip
    return found


def models_without_licences(models: Sequence[Model], known_kinds: Iterable[str]) -> list[BlindSpot]:
    """Return a blind spot for each model that asks for a kind of licence of which none is known: it looks at nothing.

    Examples
    --------
    >>> from spatial_models.suspicion import shipped_models
    >>> models = [shipped_models()["hazardous_storage"], shipped_models()["illegal_resumption"]]
    >>> [(spot.family, spot.code) for spot in models_without_licences(models, [])]
    [('licences', 'no_licences')]
    >>> models_without_licences(models, ["hazardous_storage"])
    []
    """
    known, found = set(known_kinds), []
    for model in models:
        asked = model.population
        for kind in sorted({asked.lacks_licence, asked.holds_licence} - known - {None}, key=str):
            found.append(
                BlindSpot(
                    "licences", "no_licences", False, 0, 0,
                    f"模型“{model.title.zh}”未作研判：未导入许可证（类别 {kind}），无从判断谁没有",
                    f"the model {model.name} judged nothing: no licence of the kind {kind} was imported, so nobody can"
                    " be said to lack one",
                )
            )  # fmt: skip
    return found


def spots_of_run(
    db: Session, window: Window, sampling: pl.DataFrame, measured: MeasuredSignals | None
) -> list[BlindSpot]:
    """Return what a run cannot see; without signals it was a run that finds stays only."""
    coverage = read_coverage(db, window.start, window.end, today=window.today)
    return blind_spots(
        coverage,
        sampling,
        seen_interval_s=GAP_RULE.seen_interval_s,
        signals=None if measured is None else measured.signals,
    )


def refused_models(files: Sequence[ModelFile]) -> list[BlindSpot]:
    """Return a blind spot for each model file that is refused: nothing of it is used."""
    return [
        BlindSpot(
            "models", "wrong_model_file", False, 1, 1,
            f"模型文件被拒绝，未参与研判：{file.fault}", f"a model file is refused and was not used: {file.fault}",
        )
        for file in files
    ]  # fmt: skip


def told(spots: Sequence[BlindSpot]) -> list[Mapping[str, object]]:
    """Return the blind spots as they are stored with a run."""
    return [spot.as_json() for spot in spots]
