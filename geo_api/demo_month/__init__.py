"""A month of invented cases for the demo, worked through the functions that the service uses."""

from __future__ import annotations

from geo_api.demo_month.month import DEFAULT_REPORTS, work_month
from geo_api.demo_month.report import MonthReport

__all__ = ["DEFAULT_REPORTS", "MonthReport", "work_month"]
