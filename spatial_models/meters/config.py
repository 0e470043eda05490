"""Parameters of the meter model; they are stored with every run."""

from __future__ import annotations

from dataclasses import dataclass

from spatial_models.parameter_checks import check_between


@dataclass(frozen=True)
class MeterConfig:
    """Parameters of `spatial_models.meters.meter_signals`; days are local days.

    Attributes
    ----------
    recent_days : int
        The window, up to the day of the analysis, in which work is looked for.
    stale_days : int
        A meter whose last reading is older than this has no result.
    regime_days : int
        Days up to the day of the analysis for which regimes are given.
    history_days : int
        Older readings are not read.
    former_days, run_down_days : int
        The former level covers ``former_days`` up to ``run_down_days`` before the closure.
    settle_days : int
        Most days after the closure that are not idle yet; a quarter of the time since then when it is short.
    idle_window_days : int
        Length of the quietest span, which gives the idle level.
    stopped_share : float
        A stopped plant draws at most this share of its former use (Weifang study: it falls by more than 75 %).
    idle_prior_share : float
        Expected idle level as a share of the former one, where few idle days are known.
    least_noise : float
        Least standard deviation of the logarithm of idle use.
    start_rate, stop_rate : float
        Probability a day that use leaves the idle level, and that it returns.
    outlier_share : float
        Share of idle days with any use at all (a test, a visitor).
    prior : float
        Probability of work at a closed site before its meter is read.
    work_median, work_spread, rest_median, rest_spread : float
        Excess over idle as a share of the former level, of work and of other use (guards, pumps, heating):
        median, and standard deviation of the logarithm.
    work_ratio, work_ratio_spread, rest_ratio, rest_ratio_spread : float
        The same as a multiple of idle, where no former level is known.
    run_gap_days : int
        A run of active days ends after as many quiet days.
    heating_months : tuple of int
        Months in which use without a weekly pattern may be heating.
    power_heating_share, gas_heating_share : float
        Excess, as a share of the former level, up to which heating is likely; from twice of it on it is not.
    rhythm_evidence, step_evidence, hours_evidence : float
        Log-likelihood ratios for work: of a clear and large rhythm; of a rise at once; of power that moved to the
        night, or is divided over the day as before the closure.
    slow_evidence, weather_evidence, year_before_evidence : float
        Against work: of a rise from nothing along a slope; of ups and downs in common with other closed sites, times
        their correlation; of the same excess in the same season a year before.
    power_heating_evidence, gas_heating_evidence : float
        Against work: of likely heating.
    outage_sites, outage_days : int
        Zeros that begin and end on the same days at as many sites, for at most so many days, are an outage.
    slow_run_days : int
        Runs of this length are tested for a slow rise (a leak, a trend).
    """

    recent_days: int = 28
    stale_days: int = 75
    regime_days: int = 90
    history_days: int = 3650
    former_days: int = 400
    run_down_days: int = 14
    settle_days: int = 30
    idle_window_days: int = 28
    stopped_share: float = 0.25
    idle_prior_share: float = 0.08
    least_noise: float = 0.08
    start_rate: float = 0.02
    stop_rate: float = 0.2
    outlier_share: float = 0.001
    prior: float = 0.12
    work_median: float = 0.35
    work_spread: float = 0.7
    rest_median: float = 0.04
    rest_spread: float = 0.9
    work_ratio: float = 6.0
    work_ratio_spread: float = 1.0
    rest_ratio: float = 0.7
    rest_ratio_spread: float = 0.8
    run_gap_days: int = 21
    heating_months: tuple[int, ...] = (11, 12, 1, 2, 3)
    power_heating_share: float = 0.15
    gas_heating_share: float = 0.3
    rhythm_evidence: float = 2.0
    step_evidence: float = 0.7
    hours_evidence: float = 1.0
    slow_evidence: float = -4.0
    weather_evidence: float = -3.0
    year_before_evidence: float = -2.0
    power_heating_evidence: float = -1.5
    gas_heating_evidence: float = -2.0
    outage_sites: int = 4
    outage_days: int = 30
    slow_run_days: int = 45

    def __post_init__(self) -> None:
        for name in (
            "recent_days", "stale_days", "regime_days", "history_days", "former_days", "settle_days",
            "idle_window_days", "run_gap_days", "outage_sites", "outage_days", "slow_run_days",
        ):  # fmt: skip
            check_between(name, getattr(self, name), 1, 10_000)
        check_between("run_down_days", self.run_down_days, 0, 10_000)
        for name in (
            "stopped_share",
            "idle_prior_share",
            "start_rate",
            "stop_rate",
            "outlier_share",
            "prior",
        ):
            check_between(name, getattr(self, name), 1e-6, 1 - 1e-6)
        for name in (
            "least_noise", "work_median", "work_spread", "rest_median", "rest_spread", "work_ratio",
            "work_ratio_spread", "rest_ratio", "rest_ratio_spread",
        ):  # fmt: skip
            check_between(name, getattr(self, name), 1e-6, 1e6)
        for name in ("rhythm_evidence", "step_evidence", "hours_evidence"):
            check_between(name, getattr(self, name), 0, 10)
        for name in (
            "slow_evidence", "weather_evidence", "year_before_evidence", "power_heating_evidence",
            "gas_heating_evidence",
        ):  # fmt: skip
            check_between(name, getattr(self, name), -10, 0)


DEFAULT_METERS = MeterConfig()
