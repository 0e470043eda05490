"""Attribution of a visit to several sites nearby."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import polars as pl
from scipy import sparse

from spatial_models.errors import InputFrameError
from spatial_models.frames import Array, float_column

MOST_DECAYS = 4.0
"""A site out of reach pulls like one at this distance, in lengths of ``decay_m``."""
STATUS_DEMAND = {"operating": 1.0, "suspended": 0.3, "closed": 0.2, "dismantled": 0.1}


@dataclass(frozen=True)
class Attribution:
    """Parameters of `attribute`.

    Attributes
    ----------
    decay_m : float
        Distance over which the weight of a site falls to 1/e, metres.
    inside_weight : float
        Factor for a site whose boundary contains the vehicle. Who serves a site stands inside it four times of five;
        one of five of those who serve another one stand around theirs, on some 8 ha: on the same area, 1 to 20.
    disc_weight : float
        Factor for a site without boundary whose disc contains the vehicle; its size is a guess, so it is less.
    status_demand : dict of str to float
        Licensed demand by status; a closed site has little demand, but more than 0.
    no_hazard_demand : float
        Factor for sites without hazardous goods.
    most_repeats : float
        A vehicle that comes to a place again serves the same site there: its visits speak together, as that many
        independent ones at most.
    """

    decay_m: float = 80.0
    inside_weight: float = 20.0
    disc_weight: float = 6.0
    status_demand: dict[str, float] = field(default_factory=lambda: dict(STATUS_DEMAND))
    no_hazard_demand: float = 0.1
    most_repeats: float = 3.0


def attribute(
    visit: Array,
    site: Array,
    distance_m: Array,
    inside: Array,
    excluded: Array,
    sites: pl.DataFrame,
    parameters: Attribution = Attribution(),
    disc_m: Array | None = None,
    again: sparse.csr_array | None = None,
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
    disc_m : ndarray, shape (sites,), optional
        From `spatial_models.visits.nearness.disc_radii_m`.
    again : scipy.sparse.csr_array, shape (visits, visits), optional
        1 where two visits are of one vehicle at one place, and on the diagonal.
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
    [0.93, 0.07]
    """
    demand = _demand(sites, parameters)[site]
    factor = np.where(inside, parameters.inside_weight, 1.0)
    if disc_m is not None:
        in_disc = (disc_m[site] > 0) & (distance_m <= disc_m[site])
        factor = np.where(in_disc, parameters.disc_weight, factor)
        distance_m = np.maximum(distance_m - disc_m[site], 0.0)
    pull = np.log(factor) - distance_m / parameters.decay_m
    if again is not None:
        pull = _pooled(visit, site, pull, again, parameters)
    # the greatest candidate gives the scale, so that far-off ones do not underflow
    greatest = np.full(len(excluded), -np.inf)
    np.maximum.at(greatest, visit, pull)
    weight = demand * np.exp(pull - greatest[visit])
    total = np.bincount(visit, weights=weight, minlength=len(excluded))
    share: Array = np.where(excluded[visit], 0.0, weight / total[visit]) if len(visit) else np.empty(0)
    return share


def _pooled(
    visit: Array, site: Array, pull: Array, again: sparse.csr_array, parameters: Attribution
) -> Array:
    """Return the pull of each pair over all visits of the vehicle to the place, as that of ``most_repeats`` at most."""
    far = -MOST_DECAYS
    shape = (again.shape[0], int(site.max(initial=-1)) + 1)
    pulls = sparse.csr_array((np.maximum(pull - far, 0.0), (visit, site)), shape=shape)
    visits = np.asarray(again.sum(axis=1)).ravel()
    total = (again @ pulls).tocsr()
    mean = np.asarray(total[visit, site]).ravel() / visits[visit] + far
    return np.minimum(visits, parameters.most_repeats)[visit] * mean


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
