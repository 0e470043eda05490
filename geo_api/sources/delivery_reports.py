"""Report on a delivery for the department that sent it: row, field and reason in both languages, as HTML or CSV."""

from __future__ import annotations

import csv
import io

from geo_api.http.representations import whole_page
from layers.contracts import MOST_KEPT
from layers.exports import spreadsheet_text
from layers.local_time import local_zone
from layers.tables import Delivery

HEADINGS = ("行 row", "列 field", "规则 rule", "级别 level", "原因", "reason")
LEVELS = {"hold": "暂存 held", "warn": "提醒 warning"}


def report_csv(delivery: Delivery) -> str:
    """Return the findings of a delivery as CSV that spreadsheets open in the right encoding; row 0: all of it."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(HEADINGS)
    for one in delivery.report.get("findings", []):
        cells = (one["row"], one["field"], one["rule"], LEVELS[one["level"]], one["zh"], one["en"])
        writer.writerow(spreadsheet_text(cell) if isinstance(cell, str) else cell for cell in cells)
    return "\ufeff" + out.getvalue()


def report_html(delivery: Delivery) -> str:
    """Return the report as a page that stands alone."""
    findings = delivery.report.get("findings", [])
    return whole_page(
        "delivery_report",
        delivery=delivery,
        received=delivery.received_at.astimezone(local_zone()),
        rules=delivery.report.get("rules", []),
        findings=findings,
        levels=LEVELS,
        cut=len(findings) >= MOST_KEPT,
    )
