"""Pictures of an evaluation as SVG: the same figures give the same bytes, readable on light and dark ground."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from geo_api.evaluation.metrics import by_kind, curve_of, lead_times, precision_recall, reliability
from geo_api.evaluation.outcomes import Outcome
from layers.errors import InputError

INK, GRID = "#768390", "#76839055"
"""Middle grey: at least 4 to 1 on white and on the dark ground of code hosts."""
GOOD, HALF, BAD, LINE = "#2f9e68", "#d9962b", "#d1495b", "#3b82c4"


def pictures_can_be_drawn() -> bool:
    """Whether the library of the extra ``evaluate`` is installed."""
    return find_spec("matplotlib") is not None


def draw_pictures(outcomes: Sequence[Outcome], folder: Path) -> list[Path]:
    """Write ``precision_recall.svg``, ``reliability.svg``, ``lead_time.svg`` and ``kinds.svg``.

    Parameters
    ----------
    outcomes : sequence of Outcome
    folder : Path

    Raises
    ------
    InputError
        When matplotlib is missing; names the extra.
    """
    if not pictures_can_be_drawn():
        raise InputError("pictures need matplotlib: pip install 'wangge[evaluate]' 绘图需安装 matplotlib")
    folder.mkdir(parents=True, exist_ok=True)
    pictures: dict[str, Callable[[Sequence[Outcome], Any], None]] = {
        "precision_recall": _curve,
        "reliability": _reliability,
        "lead_time": _lead_time,
        "kinds": _kinds,
    }
    return [_draw(draw, outcomes, folder / f"{name}.svg") for name, draw in pictures.items()]


def _draw(draw: Callable[[Sequence[Outcome], Any], None], outcomes: Sequence[Outcome], path: Path) -> Path:
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    settings = {
        "svg.hashsalt": "wangge",
        "svg.fonttype": "none",
        "font.family": "sans-serif",
        "font.size": 9,
        "text.color": INK,
        "axes.labelcolor": INK,
        "axes.edgecolor": INK,
        "xtick.color": INK,
        "ytick.color": INK,
        "grid.color": GRID,
        "axes.spines.top": False,
        "axes.spines.right": False,
    }
    with matplotlib.rc_context(settings):
        rows = len(by_kind(outcomes)) if draw is _kinds else 0
        figure = Figure(figsize=(6.4, max(4.0, 0.2 * rows + 1.2)), layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.add_subplot()
        axes.grid(axis="x" if rows else "both", linewidth=0.6)
        axes.set_axisbelow(True)
        draw(outcomes, axes)
        figure.savefig(path, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return path


def _curve(outcomes: Sequence[Outcome], axes: Any) -> None:
    scores, labels = curve_of(outcomes)
    precision, recall, _ = precision_recall(scores, labels)
    axes.step(recall, precision, where="post", color=LINE)
    axes.axhline(float(labels.mean()) if len(labels) else 0.0, color=INK, linestyle=":", linewidth=1)
    cases = [one for one in outcomes if one.case]
    if cases and labels.any():
        right = sum(one.guilty for one in cases)
        axes.plot(right / labels.sum(), right / len(cases), "o", color=BAD)
        axes.annotate("cases", (right / labels.sum(), right / len(cases)), (6, 6), textcoords="offset points")
    axes.set(xlim=(0, 1.02), ylim=(0, 1.02), xlabel="recall", ylabel="precision")
    axes.set_title("Ranking by score: precision and recall (dotted: chance)")


def _reliability(outcomes: Sequence[Outcome], axes: Any) -> None:
    bins = reliability(outcomes)
    axes.plot([0, 1], [0, 1], color=INK, linestyle=":", linewidth=1)
    for one in bins:
        assert one.guilty.value is not None and one.guilty.interval is not None
        low, high = one.guilty.interval
        axes.plot([one.mean_score] * 2, [low, high], color=LINE, linewidth=1)
        axes.plot(one.mean_score, one.guilty.value, "o", color=LINE)
        axes.annotate(f"n={one.guilty.of}", (one.mean_score, high), (3, 3), textcoords="offset points")
    axes.set(
        xlim=(0, 1.02), ylim=(0, 1.08), xlabel="mean score of the alerts", ylabel="share that is planted"
    )
    axes.set_title("Reliability of the scores (95 % intervals)")


def _lead_time(outcomes: Sequence[Outcome], axes: Any) -> None:
    planted = sum(one.guilty for one in outcomes)
    days = lead_times(outcomes)
    share = [(place + 1) / max(planted, 1) for place in range(len(days))]
    if days:
        axes.step([min(0, days[0]), *days], [0, *share], where="post", color=LINE)
    axes.set(ylim=(0, 1.02), xlabel="days since the true start", ylabel="share of the planted sites")
    axes.set_title("Lead time: planted sites with a first alert (looked at weekly)")


def _kinds(outcomes: Sequence[Outcome], axes: Any) -> None:
    rows = by_kind(outcomes)[::-1]
    names = [row.kind for row in rows]
    sites = [max(row.sites, 1) for row in rows]
    cases = [row.cases / n for row, n in zip(rows, sites, strict=True)]
    attention = [row.attention / n for row, n in zip(rows, sites, strict=True)]
    colors = [GOOD if row.guilty else BAD for row in rows]
    axes.barh(names, cases, color=colors)
    axes.barh(names, attention, left=cases, color=HALF)
    for place, row in enumerate(rows):
        axes.annotate(f"{row.sites}", (1.0, place), (4, 0), textcoords="offset points", va="center")
    axes.set(xlim=(0, 1.06), ylim=(-0.6, len(rows) - 0.4), xlabel="share of the sites of the kind")
    axes.set_title("By kind: cases (green: planted, red: false), attention (orange), number of sites")
