"""The grid manager splits and merges unit grids on the map."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.support.console import Console
from tests.support.grid_editor import (
    CURRENT,
    UNITS,
    across,
    draw,
    open_editor,
    pick,
    say_why,
    show,
    take_back,
)
from tests.support.served_city import City
from tests.support.waiting import wait_until

Open = Callable[..., Console]


@pytest.fixture
def editor(open_page: Open) -> Console:
    """The editor of a grid manager, whose map has gone to the own town."""
    console = open_page()
    start = console.page.evaluate("() => window.__wangge.map.getZoom()")
    open_editor(console)
    wait_until(
        lambda: console.page.evaluate("() => window.__wangge.map.getZoom()") > start + 0.5,
        "the map flies to the own town",
    )
    console.idle()
    return console


def applied(console: Console, city: City, parent: int, size: float) -> set[str]:
    """Apply the draft; the community must be covered as before. Gives the codes of its grids."""
    say_why(console)
    console.page.click("[data-edit=apply]")
    expect(console.page.locator("[data-applied]")).to_be_visible()
    rows = city.rows(CURRENT, parent=parent)
    assert sum(row.size for row in rows) == pytest.approx(size, rel=1e-9)
    return {row.code for row in rows}


def test_a_grid_is_split_and_the_split_is_undone(editor: Console, city: City) -> None:
    unit = city.rows(UNITS + " ORDER BY u.area_m2 LIMIT 1", town=city.town)[0]
    before = city.rows(CURRENT, parent=unit.parent_id)
    size = sum(row.size for row in before)
    cases = city.rows("SELECT number, grid_area_id FROM cases ORDER BY number")
    show(editor, unit)
    pick(editor, unit)
    draw(editor, *across(unit))
    preview = editor.page.locator("[data-preview]")
    expect(preview.locator(".code-list.void code")).to_have_text([unit.code])
    new = preview.locator(".code-list.new code").all_inner_texts()
    assert len(new) == 2 and not set(new) & {row.code for row in before}
    assert {each["code"] for each in editor.drawn_soon("edit-result-fill")} == set(new)
    assert city.value("SELECT count(*) FROM areas WHERE code = ANY(:new)", new=new) == 0, (
        "a draft is not in force"
    )

    assert applied(editor, city, unit.parent_id, size) == {row.code for row in before} - {unit.code} | set(
        new
    )
    wait_until(
        lambda: (
            set(new) <= (codes := {each["code"] for each in editor.drawn("unit_grid-line")})
            and unit.code not in codes
        ),
        "the map shows the new codes and not the old one",
    )
    assert city.rows("SELECT number, grid_area_id FROM cases ORDER BY number") == cases, (
        "cases keep their grid"
    )

    take_back(editor)
    back = city.rows(CURRENT, parent=unit.parent_id)
    assert sorted(row.size for row in back) == pytest.approx(sorted(row.size for row in before))
    wait_until(
        lambda: not set(new) & {each["code"] for each in editor.drawn("unit_grid-line")},
        "the map is as before",
    )


def test_a_line_that_does_not_cross_is_refused_with_its_place(editor: Console, city: City) -> None:
    unit = city.rows(UNITS + " ORDER BY u.area_m2 OFFSET 1 LIMIT 1", town=city.town)[0]
    areas = city.value("SELECT count(*) FROM areas")
    show(editor, unit)
    pick(editor, unit)
    part = (unit.east - unit.west) * 0.08
    editor.expect_status(422)
    draw(editor, (unit.lon - part, unit.lat), (unit.lon + part, unit.lat))
    refused = editor.page.locator(".refused")
    expect(refused).to_have_attribute("data-rule", "line_does_not_cross")
    expect(refused).to_contain_text(unit.code)
    assert editor.drawn_soon("edit-clash-point"), "the loose end of the line is marked"
    assert city.value("SELECT count(*) FROM areas") == areas
    expect(editor.page.locator("[data-edit=apply]")).to_have_count(0)


def test_escape_leaves_the_drawing_and_the_selection_stays(editor: Console, city: City) -> None:
    unit = city.rows(UNITS + " ORDER BY u.area_m2 OFFSET 2 LIMIT 1", town=city.town)[0]
    show(editor, unit)
    pick(editor, unit)
    draw(editor, (unit.lon, unit.lat), finish=False)
    editor.page.keyboard.press("Escape")
    expect(editor.page.locator(".drawing-hint")).to_have_count(0)
    expect(editor.page.locator("[data-edit=split]")).to_be_enabled()
    editor.language("zh")
    expect(editor.page.locator("[data-edit=split]")).to_have_text("划线拆分")
    expect(editor.page.locator(".picked code")).to_have_text(unit.code)


def test_neighbours_are_merged_and_kept_apart_again(editor: Console, city: City) -> None:
    pair = city.rows(
        f"WITH u AS ({UNITS}) SELECT a.id AS one, b.id AS two FROM u a JOIN u b ON a.id < b.id AND"
        " a.parent_id = b.parent_id JOIN areas x ON x.id = a.id JOIN areas y ON y.id = b.id"
        " WHERE ST_Length(ST_CollectionExtract(ST_Intersection(x.geom, y.geom), 2)) > 0.001 ORDER BY 1 DESC,"
        " 2 LIMIT 1",
        town=city.town,
    )[0]
    one, two = (
        city.rows(UNITS + " AND u.id = :id", town=city.town, id=key)[0] for key in (pair.one, pair.two)
    )
    before = city.rows(CURRENT, parent=one.parent_id)
    both = city.rows(
        "SELECT ST_XMin(e) west, ST_YMin(e) south, ST_XMax(e) east, ST_YMax(e) north FROM"
        " (SELECT ST_Extent(geom) e FROM areas WHERE id IN (:one, :two)) box",
        one=one.id,
        two=two.id,
    )[0]
    show(editor, both)
    pick(editor, one)
    expect(editor.page.locator("[data-edit=merge]")).to_be_disabled()
    pick(editor, two)
    editor.page.click("[data-edit=merge]")
    preview = editor.page.locator("[data-preview]")
    expect(preview.locator(".code-list.void code")).to_have_count(2)
    (new,) = preview.locator(".code-list.new code").all_inner_texts()
    codes = applied(editor, city, one.parent_id, sum(row.size for row in before))
    assert codes == {row.code for row in before} - {one.code, two.code} | {new}
    take_back(editor)
    assert len(city.rows(CURRENT, parent=one.parent_id)) == len(before)


def test_grids_of_another_town_are_refused(editor: Console, city: City) -> None:
    """What the page allows is not what counts: the service checks the manager's area."""
    foreign = city.value(
        "SELECT u.id FROM areas u JOIN areas c ON c.id = u.parent_id JOIN areas t ON t.id = c.parent_id"
        " WHERE u.kind = 'unit_grid' AND u.valid_to IS NULL AND t.code <> :town LIMIT 1",
        town=city.town,
    )
    unit = city.rows(
        UNITS.replace("t.code = :town", "t.code <> :town") + " AND u.id = :id", town=city.town, id=foreign
    )[0]
    show(editor, unit)
    pick(editor, unit)
    editor.expect_status(403)
    draw(editor, *across(unit))
    refused = editor.page.locator(".refused[data-rule=out_of_reach]")
    expect(refused).to_contain_text("is changed by whoever manages")
    expect(editor.page.locator("[data-step]")).to_have_count(0)


def test_a_supervisor_reviews_a_managers_draft_and_puts_it_into_force(
    editor: Console, open_page: Open, city: City
) -> None:
    unit = city.rows(UNITS + " ORDER BY u.area_m2 DESC LIMIT 1", town=city.town)[0]
    size = sum(row.size for row in city.rows(CURRENT, parent=unit.parent_id))
    show(editor, unit)
    pick(editor, unit)
    draw(editor, *across(unit))
    expect(editor.page.locator("[data-preview]")).to_be_visible()
    new = editor.page.locator("[data-preview] .code-list.new code").all_inner_texts()
    say_why(editor)
    editor.page.click("[data-edit=submit]")
    submitted = editor.page.locator("[data-submitted]")
    expect(submitted).to_be_visible()
    number = submitted.get_attribute("data-submitted")

    above = open_page()
    above.log_in("supervisor")
    above.tab("edit")
    above.page.click(f"[data-review='{number}']")
    expect(above.page.locator(f"[data-change-set='{number}']")).to_be_visible()
    assert {each["code"] for each in above.drawn_soon("edit-result-fill")} == set(new)
    assert set(new) <= applied(above, city, unit.parent_id, size)
    expect(above.page.locator(f"[data-undo='{number}']")).to_be_visible()
    take_back(above)
