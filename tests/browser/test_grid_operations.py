"""Each operation of the grid editor by hand: corners, edges, boundaries, transfers, new parents.

Drafts of several steps; two managers at once.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyogrio
import pytest
from playwright.sync_api import expect

from tests.support.console import Console, photo
from tests.support.grid_editor import (
    CORNERS,
    CURRENT,
    GIVEABLE,
    OVERLAPS,
    PAIRS,
    UNITS,
    across,
    box,
    drag,
    draw,
    fit,
    in_force,
    last_operation,
    open_editor,
    pick,
    say_why,
    show,
    steps,
    take_back,
    unit_of,
)
from tests.support.served_city import City
from tests.support.waiting import wait_until

Open = Callable[..., Console]


@pytest.fixture
def sitting(open_page: Open, city: City) -> Iterator[Callable[..., Console]]:
    """Opens the editor for a role."""

    def open_(role: str = "grid_manager", **options: Any) -> Console:
        return open_editor(open_page(**options), role)

    yield open_


def test_a_shared_corner_moves_in_every_grid(sitting: Callable[..., Console], city: City) -> None:
    corner = city.rows(CORNERS, town=city.town)[0]
    before = city.rows(CURRENT, parent=corner.parent_id)
    editor = sitting(size=(1440, 900))
    unit = unit_of(city, corner.id)
    show(editor, unit)
    pick(editor, unit)
    editor.page.click("[data-edit=move]")
    expect(editor.page.locator("[data-activity=moving]")).to_be_visible()
    editor.expect_drawn("edit-handles-point")
    photo(editor, "move-handles")
    toward = (corner.lon + (unit.lon - corner.lon) * 0.12, corner.lat + (unit.lat - corner.lat) * 0.12)
    drag(editor, (corner.lon, corner.lat), toward)
    preview = editor.page.locator("[data-preview]")
    expect(preview.locator(".code-list.void code")).to_have_count(corner.n)
    expect(preview.locator(".code-list.new code")).to_have_count(corner.n)
    editor.expect_drawn("edit-void-line")
    editor.expect_drawn("edit-result-fill")
    assert steps(editor) == ["move_vertex"]
    photo(editor, "move-preview")
    in_force(editor)
    operation = last_operation(city)
    assert operation["vertex"] == [corner.lon, corner.lat], "the corner's own coordinates, not rendered ones"
    assert len(operation["area_ids"]) == corner.n
    after = city.rows(CURRENT, parent=corner.parent_id)
    assert sum(row.size for row in after) == pytest.approx(sum(row.size for row in before), rel=1e-9)
    assert city.value(OVERLAPS) == 0
    take_back(editor)
    assert sorted(row.size for row in city.rows(CURRENT, parent=corner.parent_id)) == pytest.approx(
        sorted(row.size for row in before)
    )


def test_a_corner_moves_by_keys_and_escape_leaves(sitting: Callable[..., Console], city: City) -> None:
    corner = city.rows(CORNERS, town=city.town)[0]
    editor = sitting()
    unit = unit_of(city, corner.id)
    show(editor, unit)
    pick(editor, unit)
    editor.page.click("[data-edit=move]")
    editor.expect_drawn("edit-handles-point")
    editor.page.keyboard.press("Escape")
    expect(editor.page.locator("[data-activity]")).to_have_count(0)
    expect(editor.page.locator(".picked code")).to_have_text(unit.code)
    editor.page.click("[data-edit=move]")
    editor.expect_drawn("edit-handles-point")
    note = editor.page.locator("[data-handle-note]")
    for _ in range(20):  # the last corners may lie on the border of the town
        editor.page.keyboard.press("PageUp")
        if "Point at a handle" in note.inner_text():
            break
    for _ in range(3):
        editor.page.keyboard.press("Shift+ArrowRight")
    editor.expect_drawn("edit-sketch-fill")
    editor.expect_status(422)
    editor.page.keyboard.press("Enter")
    expect(editor.page.locator("[data-preview], .refused")).to_be_visible()


def test_an_edge_moves_with_both_ends(sitting: Callable[..., Console], city: City) -> None:
    """An edge between two corners inside of the community."""
    found = city.rows(
        f"WITH k AS ({CORNERS}), u AS ({UNITS}), e AS (SELECT u.id, u.parent_id,"
        " (ST_DumpSegments(a.geom)).geom s FROM u JOIN areas a ON a.id = u.id)"
        " SELECT e.id, e.parent_id, ST_X(ST_StartPoint(s)) ax, ST_Y(ST_StartPoint(s)) ay,"
        " ST_X(ST_EndPoint(s)) bx, ST_Y(ST_EndPoint(s)) by"
        " FROM e JOIN areas c ON c.id = e.parent_id WHERE ST_Distance(ST_Boundary(c.geom), ST_StartPoint(s)) > 1e-6"
        " AND ST_Distance(ST_Boundary(c.geom), ST_EndPoint(s)) > 1e-6 ORDER BY ST_Length(s) DESC LIMIT 1".replace(
            f"WITH k AS ({CORNERS}), u", "WITH u"
        ),
        town=city.town,
    )
    if not found:
        pytest.fail("the demo city has no edge inside of a community")
    edge = found[0]
    unit = unit_of(city, edge.id)
    editor = sitting()
    show(editor, unit)
    pick(editor, unit)
    editor.page.click("[data-edit=move]")
    editor.expect_drawn("edit-handles-point")
    middle = ((edge.ax + edge.bx) / 2, (edge.ay + edge.by) / 2)
    editor.expect_status(422)
    editor.page.keyboard.down("Shift")
    drag(
        editor,
        middle,
        (middle[0] + (unit.lon - middle[0]) * 0.08, middle[1] + (unit.lat - middle[1]) * 0.08),
    )
    editor.page.keyboard.up("Shift")
    expect(editor.page.locator("[data-preview]")).to_be_visible()
    assert steps(editor) == ["move_edge"]
    size = sum(row.size for row in city.rows(CURRENT, parent=edge.parent_id))
    in_force(editor)
    ends = {tuple(each) for each in last_operation(city)["edge"]["coordinates"]}
    assert ends == {(edge.ax, edge.ay), (edge.bx, edge.by)}
    assert sum(row.size for row in city.rows(CURRENT, parent=edge.parent_id)) == pytest.approx(size, rel=1e-9)
    assert city.value(OVERLAPS) == 0
    take_back(editor)


def test_a_border_of_communities_bends_and_a_frozen_corner_says_who_may(
    sitting: Callable[..., Console], city: City
) -> None:
    editor = sitting(size=(1366, 768), locale="zh-CN")
    own = {row.id: row.parent_id for row in city.rows(UNITS, town=city.town)}
    token = editor.page.evaluate("async () => (await (await fetch('/v1/me')).json()).csrf_token")
    asked = editor.page.request
    headers = {"X-CSRF-Token": token}
    url = f"{city.address}/v1/change-sets/corners"
    told = {key: asked.post(url, data={"area_id": key}, headers=headers).json() for key in own}
    crossing = [
        (key, edge["ends"])
        for key, found in told.items()
        for edge in found["edges"]
        if edge["bends"] and len({own.get(grid) for grid in edge["grids"]}) > 1
        and any(corner["moves"] == "frozen" for corner in found["corners"])
    ]  # fmt: skip
    key, ends = max(crossing, key=lambda each: abs(each[1][0][0] - each[1][1][0]))
    unit = unit_of(city, key)
    fit(editor, unit)
    pick(editor, unit)
    editor.page.click("[data-edit=move]")
    editor.expect_drawn("edit-handles-point")
    frozen = next(corner for corner in told[key]["corners"] if corner["moves"] == "frozen")
    editor.page.mouse.move(*editor.pixel(*frozen["at"]), steps=3)
    expect(editor.page.locator("[data-handle-note]")).to_have_text(frozen["reason_zh"])
    photo(editor, "move-frozen-zh")
    middle = ((ends[0][0] + ends[1][0]) / 2, (ends[0][1] + ends[1][1]) / 2)
    editor.page.mouse.move(*editor.pixel(*middle), steps=3)
    editor.page.mouse.down()
    editor.page.mouse.move(700, -30, steps=4)  # let go outside of the map: it is let go
    editor.page.mouse.up()
    expect(editor.page.locator("[data-activity=moving]")).to_be_visible()
    drag(editor, middle, (middle[0] + (unit.lon - middle[0]) * 0.2, middle[1] + (unit.lat - middle[1]) * 0.2))
    expect(editor.page.locator("[data-preview]")).to_be_visible()
    assert steps(editor) == ["insert_vertex"]
    in_force(editor)
    outlines = {row.code for row in city.rows("SELECT code FROM areas WHERE kind = 'community' AND valid_to IS NULL AND change_set_id IS NOT NULL")}  # fmt: skip
    assert len(outlines) == 2 and city.value(OVERLAPS) == 0
    take_back(editor)


def test_a_refused_line_is_put_right_and_grids_are_chosen_by_box_and_list(
    sitting: Callable[..., Console], city: City
) -> None:
    unit = city.rows(UNITS + " ORDER BY u.area_m2 DESC OFFSET 2 LIMIT 1", town=city.town)[0]
    editor = sitting()
    show(editor, unit)
    pick(editor, unit)
    editor.expect_status(422)
    start, end = across(unit)
    draw(editor, start, (unit.lon, unit.lat))
    expect(editor.page.locator("[data-rule=line_does_not_cross]")).to_be_visible()
    expect(editor.page.locator("[data-activity=correcting]")).to_be_visible()
    editor.expect_drawn("edit-line-fix-point")
    drag(editor, (unit.lon, unit.lat), end)
    expect(editor.page.locator("[data-preview] .code-list.void code")).to_have_text([unit.code])
    assert steps(editor) == ["split"]
    editor.page.click("[data-edit=step-clear]")
    editor.page.click("dialog [data-confirm]")
    editor.settle()
    editor.page.keyboard.down("Shift")
    editor.page.mouse.move(*editor.pixel(unit.west, unit.north))
    editor.page.mouse.down()
    editor.page.mouse.move(*editor.pixel(unit.east, unit.south), steps=4)
    editor.page.mouse.up()
    editor.page.keyboard.up("Shift")
    expect(editor.page.locator(".picked code", has_text=unit.code)).to_be_visible()
    editor.page.click("[data-edit=all-community]")
    siblings = city.value("SELECT count(*) FROM areas WHERE parent_id = :p AND kind = 'unit_grid' AND valid_to IS NULL", p=unit.parent_id)  # fmt: skip
    wait_until(
        lambda: editor.page.locator(".picked code").count() >= siblings, "the whole community is chosen"
    )
    editor.page.click("[data-grid-list] summary")
    row = editor.page.locator("[data-grid-list] label", has_text=unit.code).locator("input")
    expect(row).to_be_checked()
    row.press("Space")
    expect(editor.page.locator(".picked code", has_text=unit.code)).to_have_count(0)


def test_a_boundary_is_drawn_anew_and_snaps_to_source_corners(
    sitting: Callable[..., Console], city: City
) -> None:
    pair = city.rows(PAIRS, town=city.town)[0]
    border = json.loads(pair.border)["coordinates"]
    one, two = unit_of(city, pair.one), unit_of(city, pair.two)
    editor = sitting(size=(1024, 768), locale="zh-CN")
    fit(editor, box(city, pair.one, pair.two))
    pick(editor, one)
    expect(editor.page.locator("[data-edit=reshape]")).to_be_disabled()
    pick(editor, two)
    editor.page.click("[data-edit=reshape]")
    expect(editor.page.locator(".drawing-hint")).to_contain_text("新边界")
    middle = (
        (border[0][0] + border[-1][0]) / 2 + (one.lon - two.lon) * 0.05,
        (border[0][1] + border[-1][1]) / 2 + (one.lat - two.lat) * 0.05,
    )
    for k, (lon, lat) in enumerate((border[0], middle, border[-1])):
        x, y = editor.pixel(lon, lat)
        off = 4 if k != 1 else 0  # a hand is not exact: it snaps
        editor.page.mouse.move(x + off, y + off, steps=3)
        editor.page.mouse.click(x + off, y + off)
        editor.frames()
    editor.page.keyboard.press("Enter")
    expect(editor.page.locator("[data-preview] .code-list.void code")).to_have_count(2)
    photo(editor, "reshape-1024-zh")
    size = sum(row.size for row in city.rows(CURRENT, parent=pair.parent_id))
    in_force(editor)
    line = last_operation(city)["line"]["coordinates"]
    corners = {
        (row.x, row.y)
        for row in city.rows(
            "SELECT DISTINCT ST_X(p) x, ST_Y(p) y FROM (SELECT (ST_DumpPoints(geom)).geom p FROM areas WHERE"
            " id IN (:one, :two)) d",
            one=pair.one,
            two=pair.two,
        )
    }
    assert {tuple(line[0]), tuple(line[-1])} <= corners, "both ends are corners as they are stored"
    assert sum(row.size for row in city.rows(CURRENT, parent=pair.parent_id)) == pytest.approx(size, rel=1e-9)
    take_back(editor)


def test_a_grid_is_given_to_another_community(sitting: Callable[..., Console], city: City) -> None:
    given = city.rows(GIVEABLE, town=city.town)[0]
    unit = unit_of(city, given.id)
    editor = sitting(size=(1440, 900), locale="zh-CN")
    show(editor, box(city, given.id, given.receiver))
    pick(editor, unit)
    editor.page.click("[data-edit=transfer]")
    expect(editor.page.locator("[data-activity=pointing]")).to_contain_text(unit.code)
    editor.click_map(given.lon, given.lat)
    preview = editor.page.locator("[data-preview]")
    expect(preview.locator(".code-list.void code")).to_have_text([unit.code])
    (new,) = preview.locator(".code-list.new code").all_inner_texts()
    assert new.startswith(given.receiver_code)
    expect(preview).to_contain_text("外廓变化")
    legend = preview.locator(".edit-legend")
    expect(legend).to_contain_text("划转到其他社区的网格")
    expect(legend).not_to_contain_text("作废")
    for layer in ("edit-void-line", "edit-result-fill"):
        wait_until(
            lambda layer=layer: {each.get("fate") for each in editor.drawn(layer)} == {"moves"},  # type: ignore[misc]
            f"{layer} shows what moves",
        )
    photo(editor, "transfer-zh")
    editor.language("en")
    expect(legend).to_contain_text("grids that move to another community")
    past = editor.page.locator("section", has_text="Change sets").last
    expect(past.locator("[data-row], .empty").first).to_be_visible()  # the lists are told anew too
    in_force(editor)
    assert (
        city.value(
            "SELECT c.code FROM areas u JOIN areas c ON c.id = u.parent_id WHERE u.code = :code AND"
            " u.valid_to IS NULL",
            code=new,
        )
        == given.receiver_code
    )
    assert city.value(OVERLAPS) == 0
    take_back(editor)


def test_a_fault_is_told_in_words_with_names_and_place(sitting: Callable[..., Console], city: City) -> None:
    """A grid far from the community that is to take it."""
    far = city.rows(
        f"WITH u AS ({UNITS}) SELECT a.id, c.id AS receiver, c.name, ST_X(c.label_point) lon,"
        " ST_Y(c.label_point) lat FROM u a JOIN areas x ON x.id = a.id JOIN areas c ON c.kind = 'community'"
        " AND c.valid_to IS NULL AND c.parent_id = (SELECT parent_id FROM areas WHERE id = a.parent_id)"
        " WHERE ST_Distance(x.geom, c.geom) > 0.002 ORDER BY ST_Distance(x.geom, c.geom) LIMIT 1",
        town=city.town,
    )[0]
    unit = unit_of(city, far.id)
    editor = sitting()
    show(editor, box(city, far.id, far.receiver))
    pick(editor, unit)
    editor.page.click("[data-edit=transfer]")
    editor.expect_status(422)
    editor.click_map(far.lon, far.lat)
    refused = editor.page.locator(".refused")
    expect(refused).to_have_attribute("data-rule", "not_neighbours")
    expect(refused).to_contain_text("no common edge")
    expect(refused).to_contain_text(far.name)
    editor.expect_drawn("edit-clash-fill")
    assert steps(editor) == []
    photo(editor, "fault-en")
    editor.language("zh")
    expect(refused).to_contain_text("没有公共边")
    expect(refused).not_to_contain_text("no edge in common")
    expect(refused).to_contain_text(far.name)
    photo(editor, "fault-zh")
    editor.page.fill("[name=parts-reason]", "飞地")
    editor.page.click("[data-edit=parts]")
    expect(editor.page.locator("[data-preview]")).to_be_visible()
    assert steps(editor) == ["transfer"]


def test_several_steps_are_taken_back_done_again_and_turned_down(
    sitting: Callable[..., Console], city: City
) -> None:
    units = city.rows(UNITS + " ORDER BY u.area_m2 DESC LIMIT 2", town=city.town)
    editor = sitting(size=(1440, 900))
    for unit in units:
        show(editor, unit)
        pick(editor, unit)
        draw(editor, *across(unit))
        expect(editor.page.locator("[data-preview]")).to_be_visible()
        wait_until(lambda: len(steps(editor)) >= 1, "a step")
    wait_until(lambda: steps(editor) == ["split", "split"], "two steps")
    expect(editor.page.locator("[data-preview] .code-list.void code")).to_have_count(2)
    assert city.value("SELECT count(*) FROM change_sets WHERE title = 'Two grids'") == 0
    editor.page.locator("h2").first.click()
    editor.page.keyboard.press("Control+z")
    wait_until(lambda: steps(editor) == ["split"], "one step less")
    expect(editor.page.locator("[data-preview] .code-list.void code")).to_have_count(1)
    editor.page.keyboard.press("Control+y")
    wait_until(lambda: steps(editor) == ["split", "split"], "it is back")
    expect(editor.page.locator("[data-preview] .code-list.void code")).to_have_count(2)

    day = (dt.date.today() + dt.timedelta(days=40)).isoformat()
    editor.page.fill("[name=draft-title]", "Two grids")
    editor.page.fill("[name=draft-reason]", "too many households")
    editor.page.fill("[name=draft-day]", day)
    editor.page.keyboard.press("Tab")
    photo(editor, "steps-en")
    say_why(editor)
    editor.page.click("[data-edit=submit]")
    number = str(editor.page.locator("[data-submitted]").get_attribute("data-submitted"))
    assert steps(editor) == []

    above = sitting("supervisor", size=(1024, 768), locale="zh-CN")
    above.page.click(f"[data-review='{number}']")
    review = above.page.locator(f"[data-change-set='{number}']")
    expect(review).to_contain_text("too many households")
    expect(review).to_contain_text(day)
    photo(above, "review-1024-zh")
    above.page.click("[data-edit=reject]")
    above.page.fill("dialog [name=reason]", "先征求社区意见")
    above.page.click("dialog [data-confirm]")
    expect(above.page.locator(f"[data-row='{number}']")).to_contain_text("先征求社区意见")

    again = editor.page.locator(f"[data-take='{number}']")
    editor.page.click("[data-tab=overview]")
    editor.tab("edit")
    expect(editor.page.locator(f"[data-row='{number}']")).to_contain_text("先征求社区意见")
    again.click()
    wait_until(lambda: steps(editor) == ["split", "split"], "the operations are a draft again")
    expect(editor.page.locator("[data-preview]")).to_be_visible()
    editor.page.fill("[name=draft-day]", day)
    editor.page.keyboard.press("Tab")
    say_why(editor)
    editor.page.click("[data-edit=submit]")
    expect(editor.page.locator("[data-submitted]")).not_to_have_attribute("data-submitted", number)
    second = str(editor.page.locator("[data-submitted]").get_attribute("data-submitted"))
    above.page.click("[data-tab=overview]")
    above.tab("edit")
    above.page.click(f"[data-review='{second}']")
    above.page.click("[data-edit=apply]")
    expect(above.page.locator("[data-submitted]")).to_contain_text("已批准")
    assert city.value("SELECT status FROM change_sets WHERE id = :id", id=int(second)) == "approved", (
        "it waits for its day"
    )
    editor.page.click("[data-tab=overview]")
    editor.tab("edit")
    editor.page.click(f"[data-review='{second}']")
    editor.page.click("[data-edit=reject]")
    editor.page.click("dialog [data-confirm]")
    expect(editor.page.locator(f"[data-row='{second}']")).to_contain_text("Withdrawn")


def test_the_later_of_two_managers_keeps_the_drawing(sitting: Callable[..., Console], city: City) -> None:
    unit = city.rows(UNITS + " ORDER BY u.area_m2 DESC OFFSET 2 LIMIT 1", town=city.town)[0]
    later = sitting()
    show(later, unit)
    pick(later, unit)
    north = unit.lat + (unit.north - unit.lat) * 0.3
    out = (unit.east - unit.west) * 0.06
    draw(later, (unit.west - out, north), (unit.east + out, north))
    expect(later.page.locator("[data-preview]")).to_be_visible()

    faster = sitting("supervisor")
    show(faster, unit)
    pick(faster, unit)
    south = unit.lat - (unit.lat - unit.south) * 0.3
    draw(faster, (unit.west - out, south), (unit.east + out, south))
    expect(faster.page.locator("[data-preview]")).to_be_visible()
    later.expect_status(409)
    in_force(faster)

    conflict = later.page.locator("[data-conflict]")
    expect(conflict).to_be_visible()  # told without asking: the service announces changes
    expect(conflict).to_contain_text("supervisor")
    expect(conflict).to_contain_text(unit.code)
    assert steps(later) == ["split"], "nothing is lost"
    photo(later, "conflict-en")
    later.page.click("[data-edit=carry-over]")
    expect(later.page.locator("[data-preview]")).to_be_visible()
    (void,) = later.page.locator("[data-preview] .code-list.void code").all_inner_texts()
    assert void != unit.code
    size = sum(row.size for row in city.rows(CURRENT, parent=unit.parent_id))
    in_force(later)
    assert sum(row.size for row in city.rows(CURRENT, parent=unit.parent_id)) == pytest.approx(size, rel=1e-9)
    assert city.value(OVERLAPS) == 0


def test_the_load_is_shown_and_a_suggestion_becomes_a_draft(
    sitting: Callable[..., Console], city: City
) -> None:
    editor = sitting(size=(1440, 900), locale="zh-CN")
    editor.page.click("[data-balance=show]")
    zones = editor.page.locator("[data-zone]")
    expect(zones.first).to_be_visible()
    assert zones.count() == city.value(
        "SELECT count(*) FROM areas c JOIN areas t ON t.id = c.parent_id WHERE t.code = :town AND c.kind ="
        " 'community' AND c.valid_to IS NULL AND EXISTS (SELECT 1 FROM areas u WHERE u.parent_id = c.id AND"
        " u.kind = 'unit_grid' AND u.valid_to IS NULL)",
        town=city.town,
    )
    paint = "() => JSON.stringify(window.__wangge.map.getPaintProperty('community-fill', 'fill-color'))"
    assert "match" in editor.page.evaluate(paint)
    editor.page.locator("[data-balance=show]").scroll_into_view_if_needed()
    photo(editor, "balance-zh")
    take = editor.page.locator("[data-balance=take]")
    if take.count():
        editor.expect_status(422)
        take.click()
        expect(editor.page.locator("[data-preview], .refused").first).to_be_visible()
        wait_until(lambda: "transfer" in steps(editor), "a transfer is in the draft")
        photo(editor, "balance-taken-zh")
    editor.page.click("[data-balance=hide]")
    assert editor.page.evaluate(paint) == '"#000000"'


def test_grids_and_drafts_are_taken_away_as_files(
    sitting: Callable[..., Console], city: City, tmp_path: Path
) -> None:
    editor = sitting()
    with editor.page.expect_download() as loaded:
        editor.page.click("button[data-export=geojson]")
    features = json.loads(Path(loaded.value.path()).read_text())["features"]
    codes = {feature["properties"]["code"] for feature in features}
    assert codes == {row.code for row in city.rows(UNITS, town=city.town)}
    with editor.page.expect_download() as loaded:
        editor.page.click("[data-export=gpkg]")
    assert Path(loaded.value.path()).read_bytes()[:15] == b"SQLite format 3"
    unit = city.rows(UNITS + " ORDER BY u.area_m2 DESC OFFSET 3 LIMIT 1", town=city.town)[0]
    show(editor, unit)
    pick(editor, unit)
    draw(editor, *across(unit))
    preview = editor.page.locator("[data-preview]")
    expect(preview.locator(".code-list.new code")).to_have_count(2)
    new = set(preview.locator(".code-list.new code").all_inner_texts())
    found = {}
    for name in ("draft", "draft-gpkg", "draft-fgb", "draft-csv"):
        with editor.page.expect_download() as loaded:
            editor.page.click(f"[data-export='{name}']")
        file = tmp_path / loaded.value.suggested_filename
        loaded.value.save_as(file)
        frame = pyogrio.read_dataframe(file, read_geometry=False)
        found[file.name] = set(frame["code"].astype(str))
    assert found == dict.fromkeys(("draft.geojson", "draft.gpkg", "draft.fgb", "draft.csv"), new)
    editor.page.click("[data-edit=step-clear]")
    editor.page.click("dialog [data-confirm]")


def test_a_login_that_ended_loses_nothing(sitting: Callable[..., Console], city: City) -> None:
    unit = city.rows(UNITS + " ORDER BY u.area_m2 DESC OFFSET 4 LIMIT 1", town=city.town)[0]
    editor = sitting()
    show(editor, unit)
    pick(editor, unit)
    draw(editor, *across(unit), finish=False)
    editor.settle()  # the questions about the choice are answered: the next one is about the line
    editor.visit.context.clear_cookies()
    editor.expect_status(401, 403)
    editor.page.keyboard.press("Enter")
    dialog = editor.page.locator("dialog.login")
    expect(dialog).to_contain_text("nothing that you drew is lost")
    photo(editor, "login-ended")
    login = city.login("grid_manager")
    editor.page.fill("dialog [name=username]", login.username)
    editor.page.fill("dialog [name=password]", login.password)
    editor.page.click("dialog button[type=submit]")
    expect(editor.page.locator("[data-preview] .code-list.void code")).to_have_text([unit.code])
    assert steps(editor) == ["split"]
    editor.goto("/map/")
    editor.tab("edit")
    wait_until(lambda: steps(editor) == ["split"], "the draft outlives the page")
    expect(editor.page.locator("[data-preview] .code-list.void code")).to_have_text([unit.code])
    editor.page.click("[data-edit=step-clear]")
    editor.page.click("dialog [data-confirm]")
    wait_until(lambda: steps(editor) == [], "the draft is empty")


def test_a_community_goes_to_another_town(sitting: Callable[..., Console], city: City) -> None:
    """By a supervisor: the town that takes it is not the manager's."""
    found = city.rows(
        "SELECT c.id, c.code, ST_X(c.label_point) lon, ST_Y(c.label_point) lat, t.id AS receiver, t.code AS"
        " town, ST_X(t.label_point) tlon, ST_Y(t.label_point) tlat, (SELECT count(*) FROM areas s WHERE"
        " s.parent_id = c.parent_id AND s.valid_to IS NULL) n FROM areas c JOIN areas t ON t.kind = 'town'"
        " AND t.valid_to IS NULL AND t.id <> c.parent_id AND t.geom && c.geom"
        " WHERE c.kind = 'community' AND c.valid_to IS NULL"
        " AND ST_Length(ST_CollectionExtract(ST_Intersection(c.geom, t.geom), 2)) > 0.002 ORDER BY 9 DESC, 1"
    )
    if not found:
        pytest.fail("no community lies on another town")
    place = found[0]
    editor = sitting("supervisor", size=(1440, 900))
    fit(editor, box(city, place.id), "community-fill")
    editor.page.click("[data-edit=reparent-community]")
    expect(editor.page.locator("[data-activity=pointing]")).to_contain_text("Community")
    editor.click_map(place.lon, place.lat)
    expect(editor.page.locator("[data-activity=pointing]")).to_contain_text("Town")
    editor.look_at(place.tlon, place.tlat, 12)  # the map may be moved in between
    editor.expect_drawn("town-fill")
    editor.expect_status(422)
    editor.click_map(place.tlon, place.tlat)
    preview = editor.page.locator("[data-preview]")
    expect(preview).to_be_visible()
    assert steps(editor) == ["reparent"]
    assert all(
        code.startswith(place.town) for code in preview.locator(".code-list.new code").all_inner_texts()
    )
    photo(editor, "reparent")
    in_force(editor)
    assert city.value("SELECT count(*) FROM areas WHERE id = :id AND valid_to IS NULL", id=place.id) == 0
    assert city.value(OVERLAPS) == 0
    take_back(editor)


def test_a_strip_is_cut_off_and_given_away_in_one_draft(sitting: Callable[..., Console], city: City) -> None:
    """The half of a grid towards another community: cut, picked on the map although it is not stored, given away."""
    given = city.rows(GIVEABLE, town=city.town)[0]
    unit = unit_of(city, given.id)
    editor = sitting(size=(1366, 768), locale="zh-CN")
    expect(editor.page.locator("[data-edit=reparent-community]")).to_be_disabled()
    expect(editor.page.locator("[data-edit=reparent-town]")).to_be_disabled()
    show(editor, box(city, given.id, given.receiver))
    pick(editor, unit)
    draw(editor, *dividing(city, given.id, given.receiver))
    preview = editor.page.locator("[data-preview]")
    expect(preview.locator(".code-list.new code")).to_have_count(2)
    near = city.rows(
        "SELECT ST_X(p) lon, ST_Y(p) lat FROM (SELECT ST_LineInterpolatePoint(ST_MakeLine(u.label_point,"
        " ST_ClosestPoint(c.geom, u.label_point)), 0.6) p FROM areas u, areas c WHERE u.id = :one AND c.id = :two) x",
        one=given.id,
        two=given.receiver,
    )[0]
    editor.click_map(near.lon, near.lat)
    expect(editor.page.locator(".picked code")).to_have_count(1)
    photo(editor, "chain-picked-zh")
    editor.page.click("[data-edit=transfer]")
    editor.click_map(given.lon, given.lat)
    wait_until(lambda: steps(editor) == ["split", "transfer"], "the second step is in the draft")
    expect(preview).to_contain_text("外廓变化")
    expect(preview.locator(".code-list.void code")).to_have_text([unit.code])
    new = preview.locator(".code-list.new code").all_inner_texts()
    assert sorted(code.startswith(given.receiver_code) for code in new) == [False, True]
    photo(editor, "chain-preview-zh")
    editor.page.click("[data-edit=step-undo]")
    expect(preview).not_to_contain_text("外廓变化")
    editor.page.click("[data-edit=step-redo]")
    expect(preview).to_contain_text("外廓变化")
    in_force(editor)
    expect(editor.page.locator("[data-applied] .code-list.new code")).to_have_count(2)
    photo(editor, "chain-applied-zh")
    assert [
        each["op"] for each in city.value("SELECT operations FROM change_sets ORDER BY id DESC LIMIT 1")
    ] == [
        "split",
        "transfer",
    ]
    assert city.value(OVERLAPS) == 0
    take_back(editor)


def dividing(city: City, area_id: int, receiver: int) -> list[tuple[float, float]]:
    """A line through the label point of a grid, across the way to a community, from outside to outside."""
    row = city.rows(
        "SELECT ST_X(u.label_point) lon, ST_Y(u.label_point) lat, ST_X(p) px, ST_Y(p) py,"
        " ST_XMax(u.geom) - ST_XMin(u.geom) + ST_YMax(u.geom) - ST_YMin(u.geom) size FROM areas u,"
        " LATERAL (SELECT ST_ClosestPoint(c.geom, u.label_point) p FROM areas c WHERE c.id = :two) c WHERE u.id = :one",
        one=area_id,
        two=receiver,
    )[0]
    dx, dy = row.px - row.lon, row.py - row.lat
    far = row.size * 0.45 / (dx * dx + dy * dy) ** 0.5
    return [(row.lon + dy * far, row.lat - dx * far), (row.lon - dy * far, row.lat + dx * far)]
