"""Facts of a site that need no history: the power that it draws a day, and the counties of its enterprise."""

from __future__ import annotations

from spatial_models.site_facts.catalogue import FACT_SIGNALS
from spatial_models.site_facts.counties import county_rows
from spatial_models.site_facts.power import power_rows

__all__ = ["FACT_SIGNALS", "county_rows", "power_rows"]
