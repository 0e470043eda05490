"""Parameters of the signals of vehicles; none of them was fitted to a city."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from layers.visit_share import LEAST_SHARE
from spatial_models.errors import ParameterError
from spatial_models.parameter_checks import check_between


@dataclass(frozen=True)
class VehicleConfig:
    """Parameters of `spatial_models.visits.vehicle_signals`.

    Attributes
    ----------
    window_days : int
        Days before ``at`` whose visits count. What the frames hold before is the past of sites and vehicles.
    reach_m : float
        Reach of a site, as in `spatial_models.visits.find_visits`, metres.
    near_m, decay_m : float
        A visit inside the boundary has nearness 1; outside, it falls to 1/e with every ``decay_m``. A site without
        boundary has nearness 1 up to ``near_m`` from its point, metres.
    least_share : float
        A visit with a smaller share serves another site.
    least_seen_s, unseen_weight : float
        A visit of which less was seen than ``least_seen_s``, seconds, counts the part ``unseen_weight``: the terminal
        was off, so the vehicle most likely stood there.
    repeat_factor : float
        A further day of the same vehicle counts this part of the day before: with 0.5, no vehicle counts more than
        two.
    night_least_s : float
        A vehicle spends a night at a place when it is there for this part of 22:00-06:00, seconds.
    home_m, home_nights, home_share : float, int, float
        A vehicle lives at a place when it spends at least ``home_nights`` nights, and this share of the nights that
        are known of it, within ``home_m`` of it.
    depot_vehicles : int
        A place where this many other vehicles live within ``home_m`` is a depot.
    customer_days, customer_factor : int, float
        A vehicle that served an open neighbour on this many other days is its usual caller: its visits between the
        two count this part here.
    ring_m, ring_points : float, int
        Surroundings from which the rate of vehicles that stand anyhow is taken: this distance around a site, without
        the reach of all sites. The free part of it is measured by so many points.
    prior_km2 : float
        The rate of the surroundings is drawn to that of all closed sites as if it had been seen on this area.
    least_expected : float
        Effective vehicles that are expected everywhere at least.
    least_candidates : int
        Closed sites with traffic around them from which it is known what such a site gets of it.
    past_days : float
        Days of a site's own past after its closure from which its rate is known.
    seen_m : float
        Vehicles that stood within this distance show that the surroundings are seen, metres.
    unseen_factor : float
        Factor of the quality where nobody was seen there.
    least_stand_s : float
        A dark vehicle must have had this time to stand, seconds.
    travel_kmh : float
        Speed at which a dark vehicle would have driven to where it reappeared.
    dark_m : float
        Silences within this distance are at the same place, metres.
    max_interval_s : float
        A vehicle that reports less often (median) cannot be judged, seconds: it may come for the time of the
        shortest visit and go unseen.
    sparse_interval_s : float
        Sentences say how many vehicles report less often (median), seconds: of their stays begin and end are known
        to so much only.
    outage_vehicles, outage_share : int, float
        Nobody is accused when so many other vehicles fell silent and came back in the same minutes, or when so many
        and this share of those that were reporting fell silent in the same minutes.
    passing_vehicles, silent_vehicles : int
        A place is a dead zone when so many other vehicles fell silent there and drove on, or so many at all.
    back_elsewhere, never_back : float
        Weight of a silence that ended elsewhere, and of one that did not end.
    yard_weight, busy_yard_weight : float
        Part of a visit in a neighbour's yard that may belong to the closed site, when the neighbour has no need of
        such goods, and when it has.
    yard_decay_m : float
        In a yard without need of such goods that part falls to 1/e with so many metres between the closed site and the
        vehicle: they are carried on from there, so all that lies in reach is near. In others it falls as nearness does.
    regular_days, regular_vehicles : int
        A neighbour with so many vehicles that each came on so many days is busy: its usual callers explain
        everything.
    """

    window_days: int = 30
    reach_m: float = 300.0
    near_m: float = 150.0
    decay_m: float = 100.0
    least_share: float = LEAST_SHARE
    least_seen_s: float = 600.0
    unseen_weight: float = 0.8
    repeat_factor: float = 0.5
    night_least_s: float = 14_400.0
    home_m: float = 250.0
    home_nights: int = 3
    home_share: float = 0.5
    depot_vehicles: int = 3
    customer_days: int = 2
    customer_factor: float = 0.25
    ring_m: float = 1500.0
    ring_points: int = 48
    prior_km2: float = 5.0
    least_expected: float = 0.01
    least_candidates: int = 20
    past_days: float = 14.0
    seen_m: float = 3000.0
    unseen_factor: float = 0.5
    least_stand_s: float = 1800.0
    travel_kmh: float = 40.0
    dark_m: float = 500.0
    max_interval_s: float = 1800.0
    sparse_interval_s: float = 450.0
    outage_vehicles: int = 3
    outage_share: float = 0.2
    passing_vehicles: int = 3
    silent_vehicles: int = 10
    back_elsewhere: float = 0.7
    never_back: float = 0.3
    yard_weight: float = 0.5
    busy_yard_weight: float = 0.2
    yard_decay_m: float = 300.0
    regular_days: int = 3
    regular_vehicles: int = 3


_SHARES = (
    "least_share", "unseen_weight", "repeat_factor", "home_share", "customer_factor", "unseen_factor", "outage_share",
    "back_elsewhere", "never_back", "yard_weight", "busy_yard_weight",
)  # fmt: skip


def check_config(config: object) -> None:
    """Check that shares lie between 0 and 1 and everything else is 0 or more.

    Raises
    ------
    ParameterError
        Names the parameter and its value.
    """
    if not isinstance(config, VehicleConfig):
        raise ParameterError(f"config must be a VehicleConfig, got {type(config).__name__}")
    for field in dataclasses.fields(config):
        most = 1 if field.name in _SHARES else 1e9
        check_between(field.name, getattr(config, field.name), 0, most)
    for name in (
        "window_days",
        "decay_m",
        "ring_points",
        "prior_km2",
        "least_expected",
        "travel_kmh",
        "yard_decay_m",
    ):
        check_between(name, getattr(config, name), 1e-6, 1e9)
