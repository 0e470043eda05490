"""Judged alerts as numbers: the log-odds of each signal, the families and what notices explain, the label, the site."""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

NOTICE = "notice_"
Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class JudgedAlert:
    """An alert with the outcome of its check and what each signal gave the score that was judged.

    Attributes
    ----------
    site_id : str
        Alerts of one site are in one fold.
    at : datetime
        Of the outcome.
    is_confirmed : bool
        Confirmed (1), or legal use (0); an alert of which nobody could tell is no label.
    families : mapping of str to mapping of str to float
        Family → signal → log-odds, as the score was made: with the items of caps and notices.
    """

    site_id: str
    at: dt.datetime
    is_confirmed: bool
    families: Mapping[str, Mapping[str, float]]
    prior: float


@dataclass(frozen=True)
class ModelShape:
    """The part of a model that fitting keeps: signals of each family, caps and prior.

    Attributes
    ----------
    signals : tuple of str
        In the order of the file.
    family_of : array of int
        Index into ``families`` for each signal.
    lower, upper : array
        Caps of each family, log-odds.
    """

    signals: tuple[str, ...]
    families: tuple[str, ...]
    family_of: npt.NDArray[np.int64]
    lower: Numbers
    upper: Numbers

    @classmethod
    def of(cls, document: str) -> ModelShape:
        r"""Return the shape of a model's file (TOML).

        Examples
        --------
        >>> text = '[families.meters]\nupper = 3.6\nlower = -2.5\n[[signals]]\nsignal = "power"\nfamily = "meters"'
        >>> shape = ModelShape.of(text)
        >>> shape.signals, shape.upper.tolist()
        (('power',), [3.6])
        """
        given: Mapping[str, Any] = tomllib.loads(document)
        families = tuple(given["families"])
        place = {name: number for number, name in enumerate(families)}
        signals = given["signals"]
        return cls(
            tuple(str(one["signal"]) for one in signals),
            families,
            np.array([place[one["family"]] for one in signals], dtype=np.int64),
            np.array([float(given["families"][name]["lower"]) for name in families]),
            np.array([float(given["families"][name]["upper"]) for name in families]),
        )


@dataclass(frozen=True)
class Judged:
    """Judged alerts as arrays, one row an alert.

    Attributes
    ----------
    log_odds : array (rows, signals)
        What each signal gave, before caps and notices.
    explained : array (rows, families)
        Share of a family's evidence that notices explain, 0 to 1.
    prior : array
        Log-odds before any evidence.
    labels : array of 0 and 1
    groups : array of int
        One number a site.
    times : array
        Seconds since 1970 of the outcomes.
    other : int
        Judged alerts that were left out since they were scored by signals that the file does not name.
    """

    log_odds: Numbers
    explained: Numbers
    prior: Numbers
    labels: Numbers
    groups: npt.NDArray[np.int64]
    times: Numbers
    other: int = 0

    def __len__(self) -> int:
        return len(self.labels)

    def of(self, rows: npt.NDArray[Any]) -> Judged:
        """Return some rows."""
        return Judged(
            self.log_odds[rows], self.explained[rows], self.prior[rows], self.labels[rows], self.groups[rows],
            self.times[rows],
        )  # fmt: skip


def judged_frame(alerts: Sequence[JudgedAlert], shape: ModelShape) -> Judged:
    """Return judged alerts as arrays in the order of their times.

    Alerts scored by signals that the model does not name are counted in ``other`` and left out: their evidence means
    something else.

    Examples
    --------
    >>> shape = ModelShape(("power",), ("meters",), np.array([0]), np.array([-2.5]), np.array([3.6]))
    >>> judged_frame([], shape).labels.size
    0
    """
    known = [alert for alert in alerts if _strangers(alert, shape) == 0]
    known.sort(key=lambda alert: (alert.at, alert.site_id))
    numbers = {site: number for number, site in enumerate(dict.fromkeys(alert.site_id for alert in known))}
    place = {name: number for number, name in enumerate(shape.signals)}
    log_odds = np.zeros((len(known), len(shape.signals)))
    explained = np.zeros((len(known), len(shape.families)))
    for row, alert in enumerate(known):
        for number, family in enumerate(shape.families):
            items = alert.families.get(family, {})
            for name, weight in items.items():
                if name in place:
                    log_odds[row, place[name]] += weight
            explained[row, number] = _explained(items)
    return Judged(
        log_odds,
        explained,
        np.array([alert.prior for alert in known], dtype=float),
        np.array([alert.is_confirmed for alert in known], dtype=float),
        np.array([numbers[alert.site_id] for alert in known], dtype=np.int64),
        np.array([alert.at.timestamp() for alert in known], dtype=float),
        len(alerts) - len(known),
    )


def _is_rest(name: str) -> bool:
    """Whether an item of the evidence is no signal: what a notice explains, or what is above a cap."""
    return name.startswith(NOTICE) or name.endswith("_cap")


def _strangers(alert: JudgedAlert, shape: ModelShape) -> int:
    named = [(name, weight) for items in alert.families.values() for name, weight in items.items()]
    return sum(not _is_rest(name) and name not in shape.signals and weight != 0 for name, weight in named)


def _explained(items: Mapping[str, float]) -> float:
    evidence = sum(weight for name, weight in items.items() if not name.startswith(NOTICE))
    lowered = -sum(weight for name, weight in items.items() if name.startswith(NOTICE))
    return min(max(lowered / evidence, 0.0), 1.0) if evidence > 0 else 0.0
