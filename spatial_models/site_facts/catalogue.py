"""Catalogue of the signals that facts of a site give."""

from __future__ import annotations

from spatial_models.signal_rows import SignalKind

FACT_SIGNALS: tuple[SignalKind, ...] = (
    SignalKind(
        "power_per_day", "meters", "kWh/day", 0.0, float("inf"), ("readings",),
        "近 28 天平均每日用电量（实测），不与历史比较",
        "Mean power of a day of the last 28, as measured, compared with no history",
    ),
    SignalKind(
        "counties_apart", "register", "counties", 0.0, float("inf"), ("sites", "areas"),
        "同一企业登记、生产、销售场所所在县（市、区）中，与本场所不同的个数",
        "Counties other than that of the site in which its enterprise is registered or sells",
    ),
)  # fmt: skip
"""Signals of `power_rows` and `county_rows`."""
