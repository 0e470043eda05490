"""Attribution of a visit to several sites nearby."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import polars as pl

from spatial_models.errors import InputFrameError
from spatial_models.frames import Array, float_column

STATUS_DEMAND = {"operating": 1.0, "suspended": 0.3, "closed": 0.2, "dismantled": 0.1}


@dataclass(frozen=True)
class Attribution:
    """Parameters of `attribute`.

    Attributes
    ----------
    decay_m : float
        Distance over which the weight of a site falls to 1/e, metres.
    inside_weight : float
        Factor for a site whose boundary contains the vehicle.
    status_demand : dict of str to float
        Licensed demand by status; a closed site has little demand, but more than 0.
    no_hazard_demand : float
        Factor for sites without hazardous goods.
    """

    decay_m: float = 80.0
    inside_weight: float = 6.0
    status_demand: dict[str, float] = field(default_factory=lambda: dict(STATUS_DEMAND))
    no_hazard_demand: float = 0.1


def attribute(
    visit: Array,
    site: Array,
    distance_m: Array,
    inside: Array,
    excluded: Array,
    sites: pl.DataFrame,
    parameters: Attribution = Attribution(),
) -> Array:
    r"""Return the share of each visit that is attributed to each candidate site.

    The shares follow the rule of Huff, "A probabilistic analysis of shopping center trade areas", 1963, with
    an exponential decay:

    .. math:: s_{vi} = \frac{w_{vi}}{\sum_j w_{vj}}, \qquad
              w_{vi} = d_i \cdot k^{[v\ inside\ i]} \cdot e^{-r_{vi} / \lambda}

    with licensed demand :math:`d_i`, distance :math:`r_{vi}` to the boundary, ``inside_weight`` :math:`k` and
    ``decay_m`` :math:`\lambda`. The shares of a visit sum to 1; those of an excluded visit are 0.

    Parameters
    ----------
    visit, site : ndarray of int64, shape (pairs,)
        Row of the visit and of the site.
    distance_m, inside : ndarray, shape (pairs,)
    excluded : ndarray of bool, shape (visits,)
    sites : polars.DataFrame
        ``demand``, or ``status`` and ``hazard``, when it has them.

    Returns
    -------
    ndarray of float64, shape (pairs,)

    Examples
    --------
    A truck inside a closed plant's fence, an open one 100 m away:

    >>> sites = pl.DataFrame({"site_id": ["closed", "open"], "status": ["closed", "operating"]})
    >>> two = np.array([0, 0]), np.array([0, 1]), np.array([0.0, 100.0]), np.array([True, False])
    >>> attribute(*two, np.array([False]), sites).round(2).tolist()
    [0.81, 0.19]
    """
    demand = _demand(sites, parameters)[site]
    # the nearest candidate gives the scale, so that far-off ones do not underflow
    nearest = np.full(len(excluded), np.inf)
    np.minimum.at(nearest, visit, distance_m)
    pull = np.exp(-(distance_m - nearest[visit]) / parameters.decay_m)
    weight = demand * np.where(inside, parameters.inside_weight, 1.0) * pull
    total = np.bincount(visit, weights=weight, minlength=len(excluded))
    share: Array = np.where(excluded[visit], 0.0, weight / total[visit]) if len(visit) else np.empty(0)
    return share


def _demand(sites: pl.DataFrame, parameters: Attribution) -> Array:
    """Return the demand of each site: the licensed demand, or a default by status and hazard."""
    if "demand" in sites.columns:
        demand = float_column(sites["demand"], "sites")
        if not (np.isfinite(demand) & (demand > 0)).all():
            raise InputFrameError(
                "sites: demand must be above 0 in every row; a closed site has little, not none"
            )
        return demand
    demand = np.ones(sites.height)
    if "status" in sites.columns:
        status = sites["status"].cast(pl.String)
        demand = np.array([parameters.status_demand.get(s or "operating", 1.0) for s in status.to_list()])
    if "hazard" in sites.columns:
        harmless = (sites["hazard"].cast(pl.String) == "none").fill_null(False).to_numpy()
        demand = np.where(harmless, demand * parameters.no_hazard_demand, demand)
    return demand
