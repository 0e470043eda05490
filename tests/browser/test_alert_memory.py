"""An outcome takes an alert out of the queue; its card says who found what and how the score changed; the runs are shown."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import expect
from sqlalchemy import text

from layers.postgres import SYSTEM, session
from tests.support.console import Console, photo
from tests.support.served_city import City

Open = Callable[..., Console]


def lower_the_score(city: City, alert_id: int) -> None:
    """The score of a later run, with its reason, as a permit makes it."""
    statement = (
        "INSERT INTO alert_scores (alert_id, run_id, at, level, score, log_odds, unexplained_log_odds, families, status,"
        " change, reasons) SELECT id, run_id, raised_at + interval '1 day', 'attention', 0.4, -0.4, 2, '{meters}', status,"
        ' \'lower\', \'[{"signal": "notice_permit", "before": null, "after": -2.4, "zh": "已登记复工许可。",'
        ' "en": "A registered permit."}]\' FROM alerts WHERE id = :id'
    )
    with session(SYSTEM, city.url) as db:
        db.execute(text(statement), {"id": alert_id})


def test_an_outcome_takes_the_alert_out_of_the_queue(open_page: Open, city: City) -> None:
    (alert,) = city.rows("SELECT id, score FROM alerts WHERE status = 'open' ORDER BY score, id LIMIT 1")
    lower_the_score(city, alert.id)
    console = open_page(size=(390, 844))
    console.log_in("dispatcher")
    console.tab("alerts")
    page = console.page
    page.click(f"[data-alert='{alert.id}']")
    card = page.locator(f"[data-card='{alert.id}']")
    expect(card.locator(".change")).to_have_text(f"was {alert.score:.2f}, now 0.40: A registered permit.")
    expect(card.locator(".history li")).to_have_count(2)
    card.locator("textarea").fill("fire pumps only")
    card.get_by_role("button", name="Legal use").click()
    found = card.locator(".outcomes li")
    expect(found).to_have_count(1)
    expect(found).to_contain_text("dispatcher")
    expect(found).to_contain_text("fire pumps only")
    expect(card.locator(".score-line [data-status=checked]")).to_have_text("Checked")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (
        "nothing is cut off on a phone"
    )
    photo(console, "alert_memory_card_phone")
    console.tab("alerts")
    expect(page.locator(".row").first).to_be_visible()
    expect(page.locator(f"[data-alert='{alert.id}']")).to_have_count(0)
    page.click(".chip[data-status=checked]")
    expect(page.locator(f"[data-alert='{alert.id}']")).to_have_count(1)
    photo(console, "alert_memory_checked_phone")
    console.language("zh")
    page.click(f"[data-alert='{alert.id}']")
    expect(card.locator(".change")).to_have_text(f"原 {alert.score:.2f}，现 0.40：已登记复工许可。")
    photo(console, "alert_memory_card_phone_zh")


def test_the_runs_are_shown_with_what_they_could_not_see(open_page: Open, city: City) -> None:
    run = city.rows("SELECT id, blind_spots FROM model_runs ORDER BY id DESC LIMIT 1")[0]
    console = open_page()
    console.log_in("dispatcher")
    console.tab("alerts")
    console.page.get_by_role("link", name="Runs of the models").click()
    shown = console.page.locator(f"[data-run='{run.id}']")
    expect(shown).to_be_visible()
    if run.blind_spots:
        shown.get_by_text("What it could not see").click()
    expect(shown.locator("[data-blind]")).to_have_count(len(run.blind_spots))
    photo(console, "model_runs")
