"""After login: alerts with their evidence, tracks, and a case that goes through its states."""

from __future__ import annotations

import io
import re
from collections.abc import Callable

from PIL import Image
from playwright.sync_api import expect

from tests.support.console import Console
from tests.support.served_city import City


def gray_picture() -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (800, 600), "gray").save(made, "JPEG")
    return made.getvalue()


Open = Callable[..., Console]
LEVELS = ["high", "warning", "attention"]


def test_a_wrong_password_is_refused_in_words(open_page: Open) -> None:
    console = open_page(locale="zh-CN")
    console.expect_status(401)
    console.log_in("dispatcher", password="not the password")
    expect(console.page.locator("dialog .fault")).to_contain_text("用户名或密码错误")
    expect(console.page.locator("[data-logout]")).to_have_count(0)


def test_login_and_logout_change_what_is_shown(open_page: Open) -> None:
    console = open_page()
    console.log_in("dispatcher")
    expect(console.page.locator(".who")).to_contain_text("City dispatcher · whole city")
    console.expect_drawn("alerts-point")
    console.expect_drawn("cases-point")
    console.tab("alerts")
    console.page.click("[data-logout]")
    expect(console.page.locator("[data-tab=alerts]")).to_have_count(0)
    expect(console.page.locator(".view-overview")).to_be_visible()
    assert console.page.evaluate("() => window.__wangge.map.getSource('alerts') === undefined")


def test_alerts_are_listed_worst_first(open_page: Open, city: City) -> None:
    console = open_page()
    console.log_in("dispatcher")
    console.tab("alerts")
    expect(console.page.locator(".row").first).to_be_visible()
    shown = [
        int(i) for i in console.page.locator(".row").evaluate_all("(all) => all.map((e) => e.dataset.alert)")
    ]
    stored = {row.id: row for row in city.rows("SELECT id, level, score FROM alerts WHERE status = 'open'")}
    order = [(LEVELS.index(stored[alert].level), -stored[alert].score) for alert in shown]
    assert set(shown) == set(stored) and order == sorted(order)
    some = stored[shown[0]].level
    console.page.locator(".chip", has_text=some.capitalize()).click()
    expect(console.page.locator(".row")).to_have_count(sum(row.level == some for row in stored.values()))


def test_the_evidence_card_shows_why(open_page: Open, city: City) -> None:
    alert = city.rows("SELECT id, site_id, score, evidence FROM alerts ORDER BY score DESC LIMIT 1")[0]
    console = open_page(as_people_see_it=True)
    console.log_in("dispatcher")
    console.tab("alerts")
    console.page.click(f"[data-alert='{alert.id}']")
    card = console.page.locator(f"[data-card='{alert.id}']")
    expect(card).to_contain_text("A clue, not proof")
    expect(card.locator(".big")).to_have_text(f"{alert.score:.2f}")
    assert card.locator(".evidence li p").all_inner_texts() == [
        item["sentence_en"] for item in alert.evidence
    ]
    widths = [
        float(w.removesuffix("%"))
        for w in card.locator(".bar i").evaluate_all("(all) => all.map((e) => e.style.width)")
    ]
    weights = [abs(item["contribution"]) for item in alert.evidence]
    assert all(abs(w - 100 * x / max(weights)) < 0.06 for w, x in zip(widths, weights, strict=True))
    expect(card.locator(".chart canvas")).not_to_have_count(0)
    expect(card.locator(".chart .closure").first).to_contain_text("closed")
    plates = card.locator(".visits tbody td:first-child").all_inner_texts()
    assert plates and all("*" in plate for plate in plates)
    console.language("zh")
    expect(card.locator(".evidence li p").first).to_have_text(alert.evidence[0]["sentence_zh"])
    with console.page.expect_download() as saved:
        console.page.click("text=导出 JSON")
    assert saved.value.suggested_filename == f"alert-{alert.id}.json"


def test_a_track_is_drawn_with_its_stays(open_page: Open, city: City) -> None:
    alert = city.value("SELECT id FROM alerts ORDER BY score DESC LIMIT 1")
    console = open_page()
    console.log_in("dispatcher")
    console.tab("alerts")
    console.page.click(f"[data-alert='{alert}']")
    button = console.page.locator("[data-track]").first
    vehicle = button.get_attribute("data-track")
    button.click()
    box = console.page.locator(".track-box")
    expect(box).to_contain_text("fixes")
    console.idle()
    assert {each["kind"] for each in console.drawn_soon("track-line")} == {"track"}
    assert {each["vehicle_id"] for each in console.drawn_soon("track-stays")} == {vehicle}
    fixes = int(re.search(r"(\d+) fixes", box.inner_text()).group(1))  # type: ignore[union-attr]
    assert (
        0
        < fixes
        <= city.value(
            "SELECT count(*) FROM fixes f JOIN vehicles v ON v.id = f.vehicle_id WHERE v.vehicle_id = :v",
            v=vehicle,
        )
    )
    slider = box.locator("input[type=range]")
    slider.fill("500")
    console.expect_drawn("track-head")
    box.locator("button").click()
    console.idle()
    assert console.drawn("track-line") == []


def test_a_case_goes_through_its_states(open_page: Open, city: City) -> None:
    """The officer disposes and cannot close; the dispatcher checks and closes; the chain proves itself."""
    number = city.value(
        "SELECT c.number FROM cases c JOIN areas a ON a.id = c.town_area_id WHERE a.code = :town AND c.state"
        " = 'reported' ORDER BY c.number LIMIT 1",
        town=city.town,
    )
    others = [login for login in city.logins if login.username.startswith("joint")]
    handlers = city.rows("SELECT lead_body, co_handlers FROM cases WHERE number = :number", number=number)[0]
    assert [login.body for login in others] == handlers.co_handlers != []
    dispatcher, officer = open_page(), open_page(locale="zh-CN")
    for console, name in ((dispatcher, "dispatcher"), (officer, "officer")):
        console.log_in(name)
        console.tab("cases")
        console.page.click(f"[data-number='{number}']")
        expect(console.page.locator(f"[data-open-case='{number}']")).to_be_visible()
    for action in ("verify", "file", "dispatch"):
        dispatcher.step(action)
    expect(officer.page.locator("[data-action=dispose]")).to_be_visible()  # heard of it without a reload
    expect(officer.page.locator("[data-parties]")).to_contain_text(handlers.lead_body)
    officer.step("arrive")
    # The matter asks for a photo and a note before disposal.
    officer.page.fill(".view-case textarea", "现场已查看")
    officer.page.click("[data-action=note]")
    officer.page.click("[data-confirm]")
    expect(officer.page.locator(".timeline")).to_contain_text("现场已查看")
    picture = {"name": "scene.jpg", "mimeType": "image/jpeg", "buffer": gray_picture()}
    officer.page.locator("case-files [data-attach]").set_input_files([picture])
    expect(officer.page.locator("case-files [data-file]")).to_have_count(1)
    officer.step("dispose", note="现场已断电封存")
    officer.step("feed_back")
    expect(dispatcher.page.locator("[data-action=check]")).to_have_count(0)  # the others have not fed back
    for login in others:
        partner = open_page()
        partner.log_in("officer", username=login.username)
        partner.tab("cases")  # of another town: shown because the body takes part
        partner.page.click(f"[data-number='{number}']")
        for action in ("dispose", "feed_back"):
            partner.step(action)
    assert officer.page.locator("[data-action=check], [data-action=close]").count() == 0
    expect(dispatcher.page.locator("[data-action=check]")).to_be_visible()
    dispatcher.step("check")
    dispatcher.step("close")
    expect(dispatcher.page.locator(".card-head .badge")).to_have_text("Closed")
    expect(dispatcher.page.locator(".timeline")).to_contain_text("现场已断电封存")
    dispatcher.page.click("text=Verify the chain")
    expect(dispatcher.page.locator(".verdict.good")).to_contain_text(f"{11 + 2 * len(others)} events intact")
    assert city.value("SELECT state FROM cases WHERE number = :number", number=number) == "closed"
    steps = city.rows(
        "SELECT e.action, e.actor FROM case_events e JOIN cases c ON c.id = e.case_id WHERE c.number ="
        " :number ORDER BY seq",
        number=number,
    )
    assert [row.action for row in steps][1:] == [
        "verify",
        "file",
        "dispatch",
        "arrive",
        "note",
        "attach",
        *["dispose", "feed_back"] * (1 + len(others)),
        "check",
        "close",
    ]
    assert {row.actor for row in steps if row.action in ("dispose", "feed_back")} == {
        city.login("officer").username,
        *(login.username for login in others),
    }


def test_an_action_that_needs_a_reason_asks_for_it(open_page: Open, city: City) -> None:
    number = city.value("SELECT number FROM cases ORDER BY number DESC LIMIT 1")
    console = open_page()
    console.log_in("dispatcher")
    console.tab("cases")
    console.page.click(f"[data-number='{number}']")
    before = city.value("SELECT count(*) FROM case_events")
    console.page.click("[data-action=note]")
    expect(console.page.locator(".view-case .fault").first).to_have_text("This step needs a note.")
    assert city.value("SELECT count(*) FROM case_events") == before


def test_an_officer_sees_the_own_town_and_cases_of_the_own_body_only(open_page: Open, city: City) -> None:
    own = {
        row[0]
        for row in city.rows(
            "SELECT c.number FROM cases c JOIN areas a ON a.id = c.town_area_id WHERE a.code = :town"
            " OR EXISTS (SELECT FROM case_parties p WHERE p.case_id = c.id AND p.until IS NULL AND p.body = :body)",
            town=city.town,
            body=city.login("officer").body,
        )
    }
    console = open_page()
    console.log_in("officer")
    console.tab("cases")
    console.page.select_option("[name=case-state]", "all")  # a case that is closed has left the queue
    expect(console.page.locator("[data-count]")).to_contain_text(str(len(own)))
    assert set(console.page.locator(".row").evaluate_all("(all) => all.map((e) => e.dataset.number)")) == own

    other = min(own)
    elsewhere = [login.username for login in city.logins if login.username.startswith("officer.")][1]
    console = open_page()
    console.expect_status(404)
    console.log_in("officer", username=elsewhere)
    console.tab("cases")
    console.look_at(*city.rows("SELECT ST_X(geom), ST_Y(geom) FROM cases WHERE number = :n", n=other)[0], 13)
    assert console.drawn("cases-point") == [] and console.page.locator(".row").count() == 0
    status = console.page.evaluate("(n) => fetch(`../v1/cases/${n}`).then((r) => r.status)", other)
    assert status == 404
