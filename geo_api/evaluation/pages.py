"""Page and document of an evaluation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from geo_api.demo_city.kinds import KINDS, OTHER_KINDS
from geo_api.evaluation.metrics import (
    KindRow,
    Share,
    average_precision,
    by_kind,
    curve_of,
    lead_times,
    precision_recall,
    reliability,
    summary,
)
from geo_api.evaluation.outcomes import Outcome

HEADER = (
    "| 类别 kind | 植入 sites | 立案 cases | 关注 attention | 漏 missed | 达到 found as far as possible |"
    " 滞后 days to the first alert |\n"
    "|---|---|---|---|---|---|---|"
)
DECOY_HEADER = (
    "| 干扰类别 decoy | 数 sites | 误立案 false cases | 关注 attention | 无预警 nothing | 误立案比例 share |\n"
    "|---|---|---|---|---|---|"
)


def document(outcomes: Sequence[Outcome], about: Mapping[str, object]) -> dict[str, Any]:
    """All figures as plain values.

    Parameters
    ----------
    outcomes : sequence of Outcome
    about : mapping
        What was run: seeds, cities, kinds, versions.

    Returns
    -------
    dict
        ``about, summary, kinds, curve, average_precision, reliability, lead_days, outcomes``.
    """
    figures = summary(outcomes)
    scores, labels = curve_of(outcomes)
    precision, recall, threshold = precision_recall(scores, labels)
    return {
        "about": dict(about),
        "summary": {name: share.as_json() for name, share in vars(figures).items()},
        "kinds": [_kind_as_json(row) for row in by_kind(outcomes)],
        "curve": {
            "precision": precision.round(4).tolist(),
            "recall": recall.round(4).tolist(),
            "threshold": threshold.round(4).tolist(),
        },
        "average_precision": average_precision(scores, labels),
        "reliability": [
            {"low": one.low, "high": one.high, "mean_score": round(one.mean_score, 4), **one.guilty.as_json()}
            for one in reliability(outcomes)
        ],
        "lead_days": lead_times(outcomes),
        "outcomes": [
            {
                "city": one.city,
                "seed": one.seed,
                "site_id": one.site_id,
                "kind": one.kind,
                "guilty": one.guilty,
                "found": one.found,
                "level": one.level,
                "score": round(one.score, 4),
                "lead_days": one.lead_days,
            }
            for one in outcomes
        ],
    }


def _kind_as_json(row: KindRow) -> dict[str, object]:
    return {
        "kind": row.kind,
        "guilty": row.guilty,
        "expected": row.expected,
        "sites": row.sites,
        "cases": row.cases,
        "attention": row.attention,
        "missed": row.missed,
        "found": row.found.as_json(),
        "lead_days": row.lead_days,
    }


def shown(share: Share) -> str:
    """Write a share as people read it.

    Examples
    --------
    >>> shown(Share(8, 10))
    '0.80 (0.49–0.94), 8/10'
    >>> shown(Share(0, 0))
    '–'
    """
    if share.value is None or share.interval is None:
        return "–"
    low, high = share.interval
    return f"{share.value:.2f} ({low:.2f}–{high:.2f}), {share.part}/{share.of}"


def page(outcomes: Sequence[Outcome], about: Mapping[str, object], pictures: Sequence[str] = ()) -> str:
    """Markdown with the figures, the table by kind and the pictures.

    Parameters
    ----------
    outcomes : sequence of Outcome
    about : mapping
    pictures : sequence of str
        Paths of pictures beside the page.
    """
    figures = summary(outcomes)
    rows = by_kind(outcomes)
    scores, labels = curve_of(outcomes)
    average = average_precision(scores, labels)
    lines = [
        "# 评估结果 Results of an evaluation",
        "",
        *(f"- {name}: {value}" for name, value in about.items()),
        "",
        "| 指标 figure | 值 value (95 %), 计数 counts |",
        "|---|---|",
        f"| 两类来源可见者的立案召回 recall of cases where two families speak | {shown(figures.recall_cases)} |",
        f"| 召回（可达程度） recall, as far as each kind can be found | {shown(figures.recall)} |",
        f"| 召回（含关注） recall, any alert | {shown(figures.recall_any)} |",
        f"| 立案精确 precision of cases | {shown(figures.precision)} |",
        f"| 误立案 false cases among sites not planted | {shown(figures.false_cases)} |",
        f"| 平均精确率 average precision of the ranking | {'–' if average is None else f'{average:.2f}'} |",
        "",
        HEADER,
        *(_planted_row(row) for row in rows if row.guilty),
        "",
        DECOY_HEADER,
        *(_decoy_row(row) for row in rows if not row.guilty),
        "",
        *(f"![{path}]({path})" for path in pictures),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _name(kind: str) -> str:
    known = KINDS.get(kind) or next((each for each in OTHER_KINDS if each.name == kind), None)
    return f"`{kind}` {known.zh} {known.en}" if known else f"`{kind}`"


def _planted_row(row: KindRow) -> str:
    lead = "–" if row.lead_days is None else f"{row.lead_days:g}"
    blind = " (一类不可见 one family blind)" if row.expected == "attention" else ""
    return (
        f"| {_name(row.kind)}{blind} | {row.sites} | {row.cases} | {row.attention} | {row.missed} |"
        f" {shown(row.found)} | {lead} |"
    )


def _decoy_row(row: KindRow) -> str:
    return f"| {_name(row.kind)} | {row.sites} | {row.cases} | {row.attention} | {row.missed} | {shown(row.found)} |"
