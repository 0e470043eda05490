"""Balance of a score: the log-odds for and against by family of evidence, which with the prior make the score."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from grid.alerts.findings import NOTICE

Item = Mapping[str, object]
_LEAST_CHANCE = 1e-9


@dataclass(frozen=True)
class FamilyBalance:
    """A family of evidence in log-odds; ``adds`` less ``takes`` and ``explained`` is its ``total``.

    Attributes
    ----------
    adds, takes : float
        Of its signals, each at least 0. What goes beyond the bounds of the family is taken from the side that goes
        beyond.
    explained : float
        What registered notices explain, at least 0.
    is_blind : bool
        Whether there were no data to judge by.
    settle : mapping of str to str or None
        What would settle it, ``zh`` and ``en``; None: it is not blind.
    """

    family: str
    adds: float
    takes: float
    explained: float
    total: float
    is_blind: bool
    settle: Mapping[str, str] | None


@dataclass(frozen=True)
class Balance:
    """The prior and the families; their sum is ``log_odds``, and the score is its probability."""

    prior: float
    families: list[FamilyBalance]
    log_odds: float


def balance_of(score: float, evidence: Sequence[Item]) -> Balance:
    """Return the balance of a score; the prior is what is left of it.

    Examples
    --------
    >>> seen = [
    ...     {"signal": "power_use", "family": "meters", "contribution": 3.0},
    ...     {"signal": "water_use", "family": "meters", "contribution": -0.5},
    ...     {"signal": "meters_cap", "family": "meters", "contribution": -0.5},
    ...     {"signal": "vehicles_blind", "family": "vehicles", "contribution": 0.0,
    ...      "sentence_zh": "到现场看。", "sentence_en": "Look there."},
    ... ]
    >>> found = balance_of(0.5, seen)
    >>> found.prior, [(one.family, one.adds, one.takes, one.total) for one in found.families]
    (-2.0, [('meters', 2.5, 0.5, 2.0), ('vehicles', 0.0, 0.0, 0.0)])
    >>> found.families[1].settle["en"]
    'Look there.'
    >>> balance_of(0.5, []).families
    []
    """
    chance = min(max(score, _LEAST_CHANCE), 1.0 - _LEAST_CHANCE)
    log_odds = math.log(chance / (1.0 - chance))
    names = sorted({str(item.get("family") or "") for item in evidence})
    families = [
        _family(name, [item for item in evidence if (item.get("family") or "") == name]) for name in names
    ]
    return Balance(log_odds - sum(one.total for one in families), families, log_odds)


def _family(name: str, items: Sequence[Item]) -> FamilyBalance:
    notices = [item for item in items if _signal(item).startswith(NOTICE)]
    bounds = sum(_weights(item for item in items if _signal(item) == f"{name}_cap"))
    signals = _weights(
        item
        for item in items
        if item not in notices and _signal(item) not in (f"{name}_cap", f"{name}_blind")
    )
    adds = sum((weight for weight in signals if weight > 0), 0.0) + min(bounds, 0.0)
    takes = 0.0 - sum(weight for weight in signals if weight < 0) - max(bounds, 0.0)
    blind = next((item for item in items if _signal(item) == f"{name}_blind"), None)
    settle = None
    if blind is not None:
        settle = {language: str(blind.get(f"sentence_{language}") or "") for language in ("zh", "en")}
    explained = 0.0 - sum(_weights(notices))
    return FamilyBalance(name, adds, takes, explained, sum(_weights(items), 0.0), blind is not None, settle)


def _signal(item: Item) -> str:
    return str(item.get("signal", ""))


def _weights(items: Iterable[Item]) -> list[float]:
    found = (item.get("contribution", 0.0) for item in items)
    return [float(weight) if isinstance(weight, int | float) else 0.0 for weight in found]
