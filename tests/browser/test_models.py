"""The queue by the budget of the county; models with versions, old against new, reliability; into force and back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from playwright.sync_api import expect
from sqlalchemy import text

from grid.alerts import RESUMPTION_KIND, change_budget, record_outcome
from layers.alerts import NewBudget
from layers.local_time import local_zone
from layers.models import NewVersion, add_version, put_version_back, put_version_in_force, read_version
from layers.postgres import SYSTEM, session
from layers.records.findings import record_run
from spatial_models.learning import JudgedAlert, fit_points
from spatial_models.suspicion import shipped_texts
from tests.support.console import Console, photo
from tests.support.served_city import City

Open = Callable[..., Console]
MODEL = "illegal_resumption"
NOW = dt.datetime.now(dt.UTC)
TODAY = NOW.astimezone(local_zone()).date()


@pytest.fixture
def budget(city: City) -> Iterator[tuple[str, int, int]]:
    """The county with the most open alerts, how many those are, and a budget that leaves two checks this week.

    Outcomes that other tests have recorded there since Monday were checks of this week.
    """
    found = city.rows(
        "WITH RECURSIVE u AS (SELECT a.id AS alert, r.kind, r.code, r.parent_id FROM alerts a JOIN areas r ON r.id = a.area_id"
        " WHERE a.status = 'open' AND a.joined_to IS NULL AND a.kind = :kind"
        " UNION ALL SELECT u.alert, r.kind, r.code, r.parent_id FROM u JOIN areas r ON r.id = u.parent_id)"
        " SELECT code, count(*) AS n FROM u WHERE kind = 'county' GROUP BY code ORDER BY n DESC, code LIMIT 1",
        kind=RESUMPTION_KIND,
    )[0]

    def put(k: int | None) -> None:
        with session(SYSTEM, city.url) as db:
            change_budget(db, NewBudget(found.code, RESUMPTION_KIND, k, TODAY, "test"), SYSTEM, NOW)

    checked = city.value(
        "WITH RECURSIVE u AS (SELECT o.alert_id, r.kind, r.code, r.parent_id FROM alert_outcomes o"
        " JOIN alerts a ON a.id = o.alert_id JOIN areas r ON r.id = a.area_id"
        " WHERE o.at >= date_trunc('week', now(), :zone) AND a.kind = :kind AND a.joined_to IS NULL"
        " AND a.status IN ('open', 'checked')"
        " UNION ALL SELECT u.alert_id, r.kind, r.code, r.parent_id FROM u JOIN areas r ON r.id = u.parent_id)"
        " SELECT count(DISTINCT alert_id) FROM u WHERE kind = 'county' AND code = :code",
        kind=RESUMPTION_KIND,
        code=found.code,
        zone=str(local_zone()),
    )
    put(checked + 2)
    yield found.code, found.n, checked + 2
    put(None)


@pytest.fixture(scope="module")
def version(city: City) -> str:
    """A version that was fitted to outcomes drawn here, made by an account that no test logs in with."""
    random = np.random.default_rng(9)
    drawn = []
    for number in range(240):
        power = float(random.uniform(-1.5, 2.2))
        label = bool(random.random() < 1 / (1 + np.exp(0.5 - 1.6 * power)))
        at = NOW - dt.timedelta(days=300 - number)
        drawn.append(JudgedAlert(f"S-{number}", at, label, {"meters": {"power_use": power}}, -1.0))
    fitted = fit_points(drawn, shipped_texts()[MODEL], version="fitted+1")
    figures = fitted.as_json() | {
        "warnings": [{"zh": "只有预警才会被核查。", "en": "Only alerts are checked."}]
    }
    with session(SYSTEM, city.url) as db:
        add_version(
            db, NewVersion(MODEL, "fitted+1", fitted.document, "li.analyst", None, "2026 H1", figures), NOW
        )
    return "fitted+1"


def test_the_queue_shows_what_the_budget_has_checked_this_week(
    open_page: Open, budget: tuple[str, int, int]
) -> None:
    _, n_open, k = budget
    due = min(2, n_open)
    console = open_page(size=(390, 844))
    console.log_in("dispatcher")
    console.tab("alerts")
    page = console.page
    expect(page.locator(".row .badge.due")).to_have_count(due)
    expect(page.locator(".row").first.locator(".badge.due")).to_have_text("Due this week")
    expect(page.locator(".row").first.locator("[data-place]")).to_have_text(f"place 1, {k} checks a week")
    expect(page.locator(".row [data-place]")).to_have_count(n_open)
    photo(console, "queue_by_budget_phone")
    page.click(".filters summary")
    page.click(".chip[data-due]")
    expect(page.locator(".row")).to_have_count(due)
    assert "due=1" in page.url, "what is seen can be sent as a link"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (
        "nothing is cut off on a phone"
    )
    console.language("zh")
    expect(page.locator(".row .badge.due").first).to_have_text("本周核查")
    photo(console, "queue_due_phone_zh")


def test_the_budget_is_set_in_the_page_by_those_who_may(
    open_page: Open, city: City, budget: tuple[str, int, int]
) -> None:
    code, n_open, k = budget
    console = open_page(size=(390, 844))
    console.log_in("dispatcher")
    console.tab("alerts")
    page = console.page
    page.click("[data-budgets] summary")
    expect(page.locator(f"[data-budget='{code}'] b").last).to_have_text(str(k))
    form = page.locator("[data-form=budget]")
    form.locator("[name=area]").select_option(code)
    form.locator("[name=kind]").select_option(RESUMPTION_KIND)
    form.locator("[name=checks_per_week]").fill(str(k + 1))
    form.locator("[name=note]").fill("three inspectors")
    photo(console, "budget_form_phone")
    form.locator("button[type=submit]").click()
    expect(page.locator(f"[data-budget='{code}'] b").last).to_have_text(str(k + 1))
    expect(page.locator(f"[data-budget='{code}']")).to_contain_text("three inspectors")
    expect(page.locator(".row .badge.due")).to_have_count(min(3, n_open))
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    stored = "SELECT checks_per_week, set_by, note FROM alert_budgets ORDER BY id DESC LIMIT 1"
    assert tuple(city.rows(stored)[0]) == (k + 1, city.login("dispatcher").username, "three inspectors")
    logged = "SELECT count(*) FROM access_log WHERE path = '/v1/alert-budgets' AND method = 'PUT'"
    assert city.rows(logged)[0][0] >= 1
    console.language("zh")
    expect(page.locator("[data-budgets] summary")).to_have_text("核查预算")
    photo(console, "budget_phone_zh")


def test_officers_see_the_budgets_and_set_none(open_page: Open, budget: tuple[str, int, int]) -> None:
    console = open_page()
    console.log_in("officer")
    console.tab("alerts")
    console.page.click("[data-budgets] summary")
    expect(console.page.locator("budgets-panel ul, budgets-panel .empty")).to_have_count(1)
    expect(console.page.locator("[data-form=budget]")).to_have_count(0)


def test_the_share_confirmed_stands_beside_the_score_while_a_fitted_version_is_in_force(
    open_page: Open, city: City, version: str
) -> None:
    with session(SYSTEM, city.url) as db:
        put_version_in_force(db, read_version(db, MODEL, version), by="supervisor.2", now=NOW, note="")
        run = record_run(
            db, model=MODEL, version="4", key="of-the-version", at=NOW, counts={},
            parameters={"models": {MODEL: {"version": version, "alert_kind": MODEL}}},
        )  # fmt: skip
    try:
        console = open_page(size=(390, 844))
        console.log_in("supervisor")
        console.tab("alerts")
        first = console.page.locator(".row").first
        expect(first.locator("[data-confirmed]")).to_contain_text("of such alerts were confirmed")
        told = first.locator("[data-confirmed]").inner_text()
        photo(console, "queue_share_confirmed_phone")
        first.click()
        expect(console.page.locator(".score-line [data-confirmed]")).to_have_text(told)
        console.language("zh")
        expect(console.page.locator(".score-line [data-confirmed]")).to_contain_text("此类预警核查属实比例")
        photo(console, "card_share_confirmed_phone_zh")
    finally:
        with session(SYSTEM, city.url) as db:
            put_version_back(db, MODEL, by="supervisor.2", now=NOW, note="")
            db.execute(text("DELETE FROM model_runs WHERE id = :run"), {"run": run})


def test_a_version_is_put_into_force_and_back(open_page: Open, city: City, version: str) -> None:
    console = open_page()
    console.log_in("supervisor")
    console.tab("alerts")
    page = console.page
    page.get_by_role("link", name="Models", exact=True).click()
    page.click(f"[data-model={MODEL}]")
    expect(page.locator("[data-in-force]")).to_have_text("The file is in force.")
    expect(page.locator("h2")).to_have_text("Suspected illegal resumption")
    shown = page.locator(f"[data-version='{version}']")
    expect(shown).to_contain_text("li.analyst")
    expect(shown.locator(".old-new tbody tr").first).to_contain_text("Log loss")
    expect(shown.locator(".reliability [data-bin]")).to_have_count(5)
    photo(console, "model_version")
    shown.locator("[data-put-in-force]").click()
    page.fill("dialog [name=reason]", "checked on the first half year")
    page.click("dialog [data-confirm]")
    expect(page.locator("[data-in-force]")).to_have_text(f"Version {version} is in force.")
    stored = "SELECT actor, note FROM model_version_steps ORDER BY id DESC LIMIT 1"
    assert tuple(city.rows(stored)[0]) == (
        city.login("supervisor").username,
        "checked on the first half year",
    )
    expect(shown.locator("[data-put-in-force]")).to_have_count(0)
    page.click("[data-put-back]")
    page.fill("dialog [name=reason]", "too many false alarms")
    page.click("dialog [data-confirm]")
    expect(page.locator("[data-in-force]")).to_have_text("The file is in force.")
    expect(shown).to_contain_text("Put back")
    console.language("zh")
    expect(page.locator("[data-in-force]")).to_have_text("当前使用模型文件。")
    photo(console, "model_version_zh")


def test_who_may_not_decide_sees_the_models_and_no_button(open_page: Open, version: str) -> None:
    console = open_page(size=(390, 844))
    console.page.emulate_media(color_scheme="dark")
    console.log_in("officer")
    console.goto(f"/map/#view=models/{MODEL}&lang=en")
    page = console.page
    shown = page.locator(f"[data-version='{version}']")
    expect(shown.locator(".reliability")).to_be_visible()
    expect(page.locator("[data-put-in-force], [data-put-back]")).to_have_count(0)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (
        "nothing is cut off on a phone"
    )
    photo(console, "model_version_phone")
    shown.locator("summary").click()
    expect(shown.locator(".model-file")).to_contain_text('name = "illegal_resumption"')


def test_a_run_shows_what_checks_found_since(open_page: Open, city: City) -> None:
    (alert,) = city.rows(
        "SELECT id, run_id FROM alerts WHERE status = 'open' AND joined_to IS NULL ORDER BY score, id LIMIT 1"
    )
    with session(SYSTEM, city.url) as db:
        record_outcome(db, alert.id, "legal_use", note="", actor="x", role="officer", body=None)
    console = open_page()
    console.log_in("supervisor")
    console.goto("/map/#view=runs&lang=en")
    part = console.page.locator(f"[data-figures='{alert.run_id}']")
    part.locator("summary").click()
    expect(part.locator("dl")).to_contain_text("Legal use (false alarms)")
    expect(part.locator(".reliability [data-bin]").first).to_be_attached()
    photo(console, "run_figures")
