"""Bills, hours and registers on the card of an alert: bars of their own width, flags by name, licences."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import expect
from sqlalchemy import text

from layers.postgres import SYSTEM, session
from tests.support.console import Console, photo
from tests.support.served_city import City

Open = Callable[..., Console]
BILLS = """
WITH gone AS (DELETE FROM meter_readings m USING alerts a WHERE a.id = :id AND m.site_id = a.site_id AND m.kind = 'power'
              RETURNING m.began_at)
INSERT INTO meter_readings (site_id, kind, began_at, ended_at, value, unit, quality, flags)
SELECT a.site_id, 'power', month, month + make_interval(months => 1), 3000 + 1000 * (n % 5), 'kWh',
       CASE n % 4 WHEN 2 THEN 'estimated' ELSE 'measured' END, CASE WHEN n = 3 THEN ARRAY['unit_jump'] ELSE '{}' END
FROM alerts a, model_runs r, generate_series(2, 10) n,
     date_trunc('month', r.at - make_interval(months => n)) month
WHERE a.id = :id AND r.id = a.run_id AND n <> 6
"""
LICENCE = """
INSERT INTO licences (enterprise_id, licence_kind, number, valid_from)
SELECT s.enterprise_id, 'hazardous_storage', '储-7', DATE '2025-01-01' FROM alerts a JOIN sites s ON s.id = a.site_id WHERE a.id = :id
"""


def test_bills_are_bars_of_their_own_width_and_flags_are_named(open_page: Open, city: City) -> None:
    (alert,) = city.rows("SELECT id FROM alerts WHERE status = 'open' ORDER BY score DESC, id LIMIT 1")
    with session(SYSTEM, city.url) as db:
        for statement in (BILLS, LICENCE):
            db.execute(text(statement), {"id": alert.id})
    console = open_page(size=(900, 900))
    console.log_in("dispatcher")
    console.tab("alerts")
    page = console.page
    page.click(f"[data-alert='{alert.id}']")
    power = page.locator("meter-chart", has=page.locator(".plot-power"))
    expect(power.locator(".flags")).to_have_text("Suspicious readings: jump of the unit (1)")
    power.locator(".plot").focus()
    page.keyboard.press("Home")
    expect(power.locator("output")).to_contain_text("kWh a day")
    assert power.locator(".plot canvas").evaluate(
        "c => new Set(c.getContext('2d').getImageData(0, 0, c.width, c.height).data).size > 8"
    ), "bars are drawn"
    expect(page.locator(f"[data-card='{alert.id}']")).to_contain_text("hazardous storage 储-7")
    power.scroll_into_view_if_needed()
    photo(console, "meter_bills")
