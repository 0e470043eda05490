"""The evidence card: bars that add up to the score, different vehicles, places near the site, what an outcome changes."""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

from playwright.sync_api import Locator, expect
from sqlalchemy import text

from layers.postgres import SYSTEM, session
from tests.support.console import Console, photo
from tests.support.served_city import City

Open = Callable[..., Console]
CITY = ZoneInfo("Asia/Shanghai")


def alert_of(city: City) -> Any:
    """The open alert of the highest score whose site has silences."""
    statement = (
        "SELECT a.id, a.site_id, a.score, a.evidence, r.window_from, r.at FROM alerts a JOIN model_runs r ON r.id = a.run_id"
        " WHERE a.status = 'open' AND EXISTS (SELECT FROM silences d WHERE d.site_id = a.site_id)"
        " ORDER BY a.score DESC, a.id LIMIT 1"
    )
    return city.rows(statement)[0]


def open_card(console: Console, alert_id: int) -> Locator:
    console.log_in("dispatcher")
    console.goto(f"/map/#view=alert/{alert_id}")
    console.page.reload()
    card = console.page.locator(f"[data-card='{alert_id}']")
    expect(card).to_be_visible()
    return card


def signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")


def shown(card: Locator, part: str) -> str:
    return card.locator(f".two-sided[data-part={part}] > b").inner_text()


def test_bars_of_families_and_the_prior_add_up_to_the_score(open_page: Open, city: City) -> None:
    alert = alert_of(city)
    console = open_page()
    card = open_card(console, alert.id)
    totals = {
        family: sum(one["contribution"] for one in alert.evidence if one["family"] == family)
        for family in ("meters", "vehicles")
    }
    log_odds = math.log(alert.score / (1 - alert.score))
    for family, total in totals.items():
        expect(card.locator(f".two-sided[data-part={family}] > b")).to_have_text(signed(total))
    assert shown(card, "sum") == signed(log_odds)
    assert shown(card, "prior") == signed(log_odds - sum(totals.values()))
    numbers = [
        float(shown(card, part).replace("−", "-").replace("+", ""))
        for part in ("prior", "meters", "vehicles")
    ]
    assert abs(1 / (1 + math.exp(-sum(numbers))) - alert.score) < 0.01
    widths = {
        part: [
            float(each.removesuffix("%"))
            for each in card.locator(f".two-sided[data-part={part}] .axis > :is(.takes, .adds)").evaluate_all(
                "(all) => all.map((each) => each.style.width)"
            )
        ]
        for part in ("prior", "sum")
    }
    assert widths["prior"][0] > 0 == widths["prior"][1]
    assert abs(widths["sum"][1] / widths["prior"][0] - log_odds / (sum(totals.values()) - log_odds)) < 0.02
    photo(console, "evidence_card_en")


def test_a_blind_family_is_named_with_what_would_settle_it(open_page: Open, city: City) -> None:
    alert = city.rows("SELECT id, evidence FROM alerts WHERE status = 'open' ORDER BY score, id LIMIT 1")[0]
    blind = {
        "signal": "vehicles_blind", "value": None, "baseline": None, "period": ["2026-10-31", "2026-10-31"],
        "contribution": 0.0, "family": "vehicles", "quality": 0.0, "sentence_zh": "到现场看。", "sentence_en": "Look there.",
    }  # fmt: skip
    kept = [one for one in alert.evidence if one["family"] != "vehicles"]
    write_evidence(city, alert.id, [*kept, blind])
    try:
        console = open_page(size=(390, 844))
        card = open_card(console, alert.id)
        expect(card.locator(".two-sided[data-part=vehicles] .blind")).to_have_text("blind")
        expect(card.locator("[data-blind=vehicles]")).to_have_text("Look there.")
        console.language("zh")
        expect(card.locator("[data-blind=vehicles]")).to_have_text("到现场看。")
        photo(console, "evidence_card_blind_zh")
    finally:
        write_evidence(city, alert.id, alert.evidence)


def write_evidence(city: City, alert_id: int, evidence: list[dict[str, Any]]) -> None:
    with session(SYSTEM, city.url) as db:
        statement = text("UPDATE alerts SET evidence = CAST(:evidence AS jsonb) WHERE id = :id")
        db.execute(statement, {"id": alert_id, "evidence": json.dumps(evidence, ensure_ascii=False)})


def test_vehicles_are_counted_once_each_with_what_is_left_out(open_page: Open, city: City) -> None:
    alert = alert_of(city)
    visits = city.rows(
        "SELECT v.vehicle_id, v.plate, v.kind, w.entered_at, w.left_at, w.share, w.excluded_by FROM visits w"
        " JOIN vehicles v ON v.id = w.vehicle_id WHERE w.site_id = :site",
        site=alert.site_id,
    )
    begin = alert.window_from or alert.at - dt.timedelta(days=30)
    own = [one for one in visits if begin <= one.entered_at <= alert.at]
    counted = [one for one in own if one.excluded_by is None and one.share >= 0.2 and one.kind == "hazmat"]
    days = {one.entered_at.astimezone(CITY).date() for one in counted}
    hours = sum((one.left_at - one.entered_at).total_seconds() / 3600 * one.share for one in counted)
    neighbour = [one for one in own if one.excluded_by is None and one.share < 0.2 and one.kind == "hazmat"]
    console = open_page()
    card = open_card(console, alert.id)
    told = card.locator(".counts")
    n = len({one.vehicle_id for one in counted})
    assert n
    expect(told).to_contain_text(
        f"vehicles: {n}, days: {len(days)}, attributed: {hours:.1f}".removesuffix(".0")
    )
    if neighbour:
        vehicles = len({one.vehicle_id for one in neighbour})
        expect(told).to_contain_text(
            f"Left out: served a neighbour: vehicles: {vehicles}, visits: {len(neighbour)}"
        )
    expect(card.locator("tr[data-caller]:not(.excluded)")).to_have_count(
        len({one.vehicle_id for one in own if one.excluded_by is None and one.share >= 0.2})
    )
    words = card.inner_text()
    assert not [one.plate for one in own if one.plate and one.plate in words], "a plate that is not masked"


def test_silences_near_the_site_are_listed_and_drawn(open_page: Open, city: City) -> None:
    alert = alert_of(city)
    silences = city.rows(
        "SELECT id, ST_X(geom) AS lon, ST_Y(geom) AS lat FROM silences"
        " WHERE site_id = :site AND began_at BETWEEN :begin AND :end",
        site=alert.site_id, begin=alert.window_from or alert.at - dt.timedelta(days=30), end=alert.at,
    )  # fmt: skip
    console = open_page()
    card = open_card(console, alert.id)
    expect(card.locator("[data-place^='silence/']")).to_have_count(len(silences))
    one = silences[0]
    card.locator(f"[data-place='silence/{one.id}']").evaluate(
        "(each) => each.closest('details')?.setAttribute('open', '')"
    )
    card.locator(f"[data-place='silence/{one.id}']").click()
    console.page.wait_for_function(
        "() => !window.__wangge.map.isMoving() && window.__wangge.map.getZoom() > 15"
    )
    assert "silence" in {each["kind"] for each in console.drawn_soon("listed-places")}
    x, y = console.pixel(one.lon, one.lat)
    assert 404 < x < 1280 and 56 < y < 800
    console.tab("alerts")
    expect(console.page.locator(".row").first).to_be_visible()
    console.settle()
    assert console.drawn("listed-places") == []


def test_the_start_of_work_is_drawn_and_an_outcome_says_what_it_changes(open_page: Open, city: City) -> None:
    alert = alert_of(city)
    started = {one["signal"]: one["started"] for one in alert.evidence if one.get("started")}
    score = city.rows(
        "SELECT at, score, families FROM alert_scores WHERE alert_id = :id ORDER BY id DESC LIMIT 1",
        id=alert.id,
    )[0]
    odds = score.score / (1 - score.score) * math.e
    console = open_page(size=(390, 844))
    card = open_card(console, alert.id)
    expect(card.locator(".chart .start")).to_have_count(len(started))
    first, last = next(iter(started.values()))
    expect(card.locator(".chart .start").filter(has_text=first).filter(has_text=last).first).to_be_visible()
    effects = card.locator(".effects")
    expect(effects).to_contain_text(f"later than {score.at.astimezone(CITY).date()}")
    expect(effects).to_contain_text(f"a score of {odds / (1 + odds):.3f} or more")
    expect(effects).to_contain_text("Legal use")
    missing = [each for each in ("meters", "vehicles") if each not in score.families]
    expect(effects.get_by_text("a family that does not count now")).to_have_count(1 if missing else 0)
    assert console.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing is cut off"
    console.language("zh")
    expect(effects).to_contain_text(f"{score.at.astimezone(CITY).date()} 之后的读数或到访")
    photo(console, "evidence_card_phone_zh")
