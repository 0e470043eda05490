"""Authors who may not approve their own drafts.

Who waits for whom, a town that changes its county, two corners in one draft.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from layers.postgres import SYSTEM, session
from layers.private_server import Cluster
from tests.support.console import Console, photo
from tests.support.databases import own_database
from tests.support.grid_editor import (
    CURRENT,
    OVERLAPS,
    UNITS,
    across,
    box,
    drag,
    draw,
    fit,
    in_force,
    open_editor,
    pick,
    say_why,
    show,
    steps,
    take_back,
)
from tests.support.page_faults import LAYOUT_FAULTS, NAMELESS
from tests.support.served_city import City, serve_city
from tests.support.two_counties import COUNTIES, STEP, TOWN, add_accounts, logins, seed_two_counties
from tests.support.waiting import wait_until

Open = Callable[..., Console]
Sit = Callable[..., Console]
SIZES = ((1440, 900), (1024, 768))
NEXT_S = 60_000
"""The lists are looked at every 15 s."""


@pytest.fixture(scope="module")
def strict(cluster: Cluster, _migrated: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """The lattice city, with a service that does not let authors approve."""
    with own_database(cluster, _migrated, "strict") as url:
        with session(SYSTEM, url) as db:
            seed_two_counties(db)
            add_accounts(db)
        with serve_city(url, tmp_path_factory.mktemp("strict"), list(logins()), self_approval=False) as made:
            yield made


@pytest.fixture
def sit(open_page: Open, strict: City) -> Sit:
    """Opens the editor for somebody."""

    def open_(role: str, **options: Any) -> Console:
        return open_editor(open_page(at=strict, **options), role)

    return open_


def grid(city: City, code: str) -> Any:
    return city.rows(UNITS + " AND u.code = :code", town=code[:9], code=code)[0]


def laid_out(console: Console, name: str) -> None:
    """Look at it in both languages and both sizes: nothing cut off, nothing over something else."""
    before = console.page.viewport_size
    start = "zh" if console.page.evaluate("() => document.documentElement.lang").startswith("zh") else "en"
    for language in ("zh", "en"):
        console.language(language)
        for width, height in SIZES:
            console.page.set_viewport_size({"width": width, "height": height})
            console.settle()
            photo(console, f"{name}-{width}-{language}")
            assert console.page.evaluate(LAYOUT_FAULTS) == [], f"{name} at {width} × {height}, {language}"
    console.language(start)
    if before:
        console.page.set_viewport_size(before)


def split_draft(console: Console, unit: Any) -> list[str]:
    show(console, unit)
    pick(console, unit)
    draw(console, *across(unit))
    preview = console.page.locator("[data-preview]")
    expect(preview).to_be_visible()
    return preview.locator(".code-list.new code").all_inner_texts()


def approved_by_deputy(sit: Sit, author: Console) -> Console:
    """A supervisor's draft is handed in, shows its author whom it waits for, and is put into force by the
    other one.
    """
    expect(author.page.locator("[data-edit=apply]")).to_have_count(0)
    say_why(author)
    author.page.click("[data-edit=submit]")
    submitted = author.page.locator("[data-submitted]")
    expect(submitted).to_contain_text("city.supervisor")
    number = str(submitted.get_attribute("data-submitted"))
    deputy = sit("deputy", size=SIZES[0])
    deputy.page.click(f"[data-review='{number}']")
    review = deputy.page.locator(f"[data-change-set='{number}']")
    expect(review).to_contain_text("a supervisor of the whole city other than city.supervisor")
    in_force(deputy)
    applied = author.page.locator(f"[data-applied='{number}']")
    expect(applied).to_be_visible(timeout=NEXT_S)
    expect(applied.locator("[data-edit=undo]")).to_have_count(0)
    return deputy


def test_a_draft_waits_for_a_higher_level_and_its_author_hears_of_it(sit: Sit, strict: City) -> None:
    unit = grid(strict, f"{TOWN}001005")
    author = sit("grid_manager", size=SIZES[0])
    new = split_draft(author, unit)
    expect(author.page.locator("[data-edit=apply]")).to_have_count(0)
    expect(
        author.page.locator(".muted", has_text="Somebody else must approve: a supervisor of the area")
    ).to_be_visible()
    author.page.fill("[name=draft-title]", "Two halves")
    author.page.fill("[name=draft-reason]", "a new estate")
    author.page.keyboard.press("Tab")
    say_why(author)
    author.page.click("[data-edit=submit]")
    submitted = author.page.locator("[data-submitted]")
    expect(submitted).to_contain_text("Waits for approval by a supervisor of the area of the change")
    number = str(submitted.get_attribute("data-submitted"))
    author.page.click(f"[data-review='{number}']")
    review = author.page.locator(f"[data-change-set='{number}']")
    expect(review.locator("[data-edit=apply]")).to_have_count(0)
    expect(review.locator("[data-edit=reject]")).to_have_text("Withdraw")
    laid_out(author, "waits")

    above = sit("county_manager", size=SIZES[1], locale="zh-CN")
    above.page.click(f"[data-review='{number}']")
    expect(above.page.locator(f"[data-change-set='{number}']")).to_contain_text("a new estate")
    expect(above.page.locator("[data-edit=reject]")).to_have_text("不予批准")
    laid_out(above, "review")
    in_force(above)
    expect(above.page.locator("[data-applied] [data-edit=undo]")).to_be_visible()

    applied = author.page.locator(f"[data-applied='{number}']")
    expect(applied).to_be_visible(timeout=NEXT_S)  # nobody touched the author's page
    expect(applied).to_contain_text("county.manager")
    expect(author.page.locator(f"[data-row='{number}']")).to_contain_text("In force")
    wait_until(
        lambda: set(new) <= {each["code"] for each in author.drawn("unit_grid-line")},
        "the author's map shows the new codes",
    )
    expect(author.page.locator("[data-edit=undo]")).to_have_count(0)
    laid_out(author, "applied")
    take_back(above)
    wait_until(
        lambda: not set(new) & {each["code"] for each in author.drawn("unit_grid-line")},
        "the author sees that it was taken back",
    )


def test_a_new_draft_reaches_whoever_approves_and_a_refusal_its_author(sit: Sit, strict: City) -> None:
    above = sit("supervisor")
    author = sit("grid_manager", locale="zh-CN")
    split_draft(author, grid(strict, f"{TOWN}002001"))
    say_why(author)
    author.page.click("[data-edit=submit]")
    number = str(author.page.locator("[data-submitted]").get_attribute("data-submitted"))
    look = above.page.locator(f"[data-review='{number}']")
    expect(look).to_be_visible(timeout=NEXT_S)
    look.click()
    above.page.click("[data-edit=reject]")
    above.page.fill("dialog [name=reason]", "ask the village first")
    above.page.click("dialog [data-confirm]")
    notice = author.page.locator(".notice.bad")
    expect(notice).to_contain_text("ask the village first", timeout=NEXT_S)
    expect(author.page.locator("[data-submitted]")).to_have_count(0)
    expect(author.page.locator(f"[data-row='{number}']")).to_contain_text("ask the village first")


def test_two_corners_of_one_grid_move_in_one_draft(sit: Sit, strict: City) -> None:
    unit = grid(strict, f"{TOWN}002005")  # the middle one of nine
    before = strict.rows(CURRENT, parent=unit.parent_id)
    author = sit("supervisor", size=SIZES[0], locale="zh-CN")
    west, east = unit.west, unit.east
    inward = STEP * 0.2
    show(author, unit)
    pick(author, unit)
    author.page.click("[data-edit=move]")
    for start, end in (
        ((west, unit.north), (west + inward, unit.north - inward)),
        ((east, unit.south), (east - inward, unit.south + inward)),
    ):
        author.expect_drawn("edit-handles-point")
        author.settle()
        drag(author, start, end)
        expect(author.page.locator("[data-preview]")).to_be_visible()
        expect(author.page.locator("[data-activity=moving]")).to_be_visible()  # the next corner
    wait_until(lambda: steps(author) == ["move_vertex", "move_vertex"], "both moves are in the draft")
    preview = author.page.locator("[data-preview]")
    expect(preview.locator(".edit-legend")).to_contain_text("边界调整的网格")
    # each corner belongs to four grids, and three lie on both
    expect(preview.locator(".code-list.void code")).to_have_count(7)
    laid_out(author, "corners")
    deputy = approved_by_deputy(sit, author)
    after = strict.rows(CURRENT, parent=unit.parent_id)
    assert sum(row.size for row in after) == pytest.approx(sum(row.size for row in before), rel=1e-9)
    assert len(after) == len(before) and strict.value(OVERLAPS) == 0
    moved = strict.value(
        "SELECT ST_Area(geom) FROM areas WHERE kind = 'unit_grid' AND valid_to IS NULL AND parent_id ="
        " :parent AND ST_Contains(geom, ST_SetSRID(ST_MakePoint(:lon, :lat), 4326))",
        parent=unit.parent_id,
        lon=unit.lon,
        lat=unit.lat,
    )
    # the square loses two triangles at each corner: inward × STEP / 2, twice; a pointer stands on whole
    # pixels
    assert moved == pytest.approx(STEP**2 - 2 * inward * STEP, rel=1e-2)
    take_back(deputy)


def test_a_town_goes_to_another_county(sit: Sit, strict: City) -> None:
    town = strict.rows(
        "SELECT id, ST_X(label_point) lon, ST_Y(label_point) lat FROM areas WHERE code = :code AND valid_to"
        " IS NULL",
        code=f"{COUNTIES[1]}002",
    )[0]
    county = strict.rows(
        "SELECT id, ST_X(label_point) lon, ST_Y(label_point) lat FROM areas WHERE code = :code AND valid_to"
        " IS NULL",
        code=COUNTIES[0],
    )[0]
    area = "SELECT sum(ST_Area(geom)) FROM areas WHERE kind = 'county' AND valid_to IS NULL"
    size = strict.value(area)
    above = sit("supervisor", size=SIZES[0])
    fit(above, box(strict, town.id, county.id), "town-fill")
    above.page.click("[data-edit=reparent-town]")
    pointing = above.page.locator("[data-activity=pointing]")
    expect(pointing).to_contain_text("Town")
    laid_out(above, "town-which")
    fit(above, box(strict, town.id, county.id), "town-fill")
    above.click_map(town.lon, town.lat)
    expect(pointing).to_contain_text("County")
    expect(pointing).to_contain_text("南东镇")
    above.click_map(county.lon, county.lat)
    preview = above.page.locator("[data-preview]")
    expect(preview).to_be_visible()
    assert steps(above) == ["reparent"]
    new = preview.locator(".code-list.new code").all_text_contents()
    assert len(new) == 1 + 2 + 18 and all(code.startswith(COUNTIES[0]) for code in new)
    expect(preview.locator(".edit-legend")).to_contain_text("areas that move to another parent")
    laid_out(above, "town-preview")
    deputy = approved_by_deputy(sit, above)
    laid_out(deputy, "town-applied")
    children = "SELECT count(*) FROM areas t JOIN areas c ON c.id = t.parent_id WHERE t.kind = 'town' AND t.valid_to IS NULL AND c.code = :code"
    assert [strict.value(children, code=code) for code in COUNTIES] == [3, 1]
    assert strict.value(area) == pytest.approx(size, rel=1e-9) and strict.value(OVERLAPS) == 0
    take_back(deputy)
    assert [strict.value(children, code=code) for code in COUNTIES] == [2, 2]


def test_the_keyboard_alone_hands_in_a_split(sit: Sit, strict: City) -> None:
    """What has the focus is to be seen, and every control has a name."""
    author = sit("grid_manager", size=SIZES[1])
    unit = grid(strict, f"{TOWN}002009")
    show(author, unit)
    pick(author, unit)
    author.page.focus("[data-edit=split]")
    author.page.keyboard.press("Shift+Tab")
    author.page.keyboard.press("Tab")
    ring = author.page.evaluate(
        "() => { const s = getComputedStyle(document.activeElement); return [s.outlineStyle,"
        " parseFloat(s.outlineWidth)]; }"
    )
    assert ring[0] == "solid" and ring[1] >= 2
    photo(author, "focus-1024-en")
    assert author.page.evaluate(NAMELESS) == []


def saved(console: Console) -> None:
    expect(console.page.locator("[data-saving=saved]")).to_be_visible()


def test_a_draft_is_opened_in_another_tab_and_neither_overwrites_the_other(sit: Sit, strict: City) -> None:
    """The second tab opens it by its link and saves; the first is told, and goes on with its own as a copy."""
    author = sit("grid_manager")
    split_draft(author, grid(strict, f"{TOWN}001001"))
    saved(author)
    number = int(
        strict.value("SELECT id FROM edit_drafts WHERE owner = :me", me=strict.login("grid_manager").username)
    )
    other = sit("grid_manager", size=(390, 844))
    other.page.goto(f"{strict.address}/map/#view=edit&draft={number}")
    wait_until(lambda: steps(other) == ["split"], "the other tab has the step")
    other.settle()
    photo(other, "draft-phone")
    with other.page.expect_response(lambda answer: answer.request.method == "PUT"):
        other.page.fill("[name=draft-title]", "Two halves")
        other.page.locator("[name=draft-title]").blur()
    assert strict.value("SELECT title FROM edit_drafts WHERE id = :id", id=number) == "Two halves"
    author.expect_status(412)
    author.page.fill("[name=draft-title]", "Mine")
    author.page.locator("[name=draft-title]").blur()
    expect(author.page.locator("[data-saving=overtaken]")).to_be_visible()
    photo(author, "draft-overtaken")
    author.page.click("[data-draft=copy-mine]")
    saved(author)
    assert {row.title for row in strict.rows("SELECT title FROM edit_drafts")} == {"Two halves", "Mine"}
    deputy = sit("deputy")
    show(deputy, grid(strict, f"{TOWN}001001"))
    pick(deputy, grid(strict, f"{TOWN}001001"))
    expect(deputy.page.locator("[data-around-draft]")).to_have_count(2)
    photo(deputy, "draft-around")
    author.page.click("[data-edit=step-clear]")
    with author.page.expect_response(lambda answer: answer.request.method == "DELETE"):
        author.page.click("dialog [data-confirm]")
    assert strict.value("SELECT count(*) FROM edit_drafts") == 1, "the copy is deleted"


def test_the_whole_change_is_seen_at_once_with_codes_and_history(sit: Sit, strict: City) -> None:
    """Both halves lie in the view, before and after are shown apart, the codes are a table, the past can be looked at."""
    unit = grid(strict, f"{TOWN}002001")
    author = sit("grid_manager")
    split_draft(author, unit)
    author.page.click("[data-edit=submit]")
    expect(author.page.locator("[name=draft-title]")).to_be_focused()
    say_why(author)
    author.page.click("[data-edit=submit]")
    number = str(author.page.locator("[data-submitted]").get_attribute("data-submitted"))
    above = sit("supervisor", size=(1366, 768))
    above.page.click(f"[data-review='{number}']")
    expect(above.page.locator(".code-table tbody tr")).to_have_count(2)
    above.settle()
    laid_out(above, "review")
    corners = [(unit.west, unit.south), (unit.east, unit.north)]
    width = above.page.evaluate("() => document.querySelector('.side').offsetWidth")
    assert all(above.pixel(*corner)[0] > width for corner in corners), "no part of it lies under the panel"
    above.page.click("[data-side=before]")
    wait_until(lambda: not above.drawn("edit-result-fill"), "the new grids are away")
    above.page.click("[data-side=after]")
    wait_until(lambda: not above.drawn("edit-void-line"), "the former grid is away")
    above.page.click("[data-change-set] [data-edit=apply]")
    expect(above.page.locator("[data-applied]")).to_be_visible()
    above.page.select_option("[name=change-filter]", "in_force")
    above.page.click(f"[data-review='{number}']")
    expect(above.page.locator("[data-status=applied]")).to_be_visible()
    above.page.fill("[name=story-code]", unit.code)
    above.page.click("[data-history=story]")
    expect(above.page.locator("[data-version]", has_text=unit.code).first).to_be_visible()
    photo(above, "story")
