"""Imports over the API and the command line.

What is a batch, who sees it, and what an undo is refused for.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import geopandas
import polars as pl
import pytest
import shapely
from sqlalchemy import text
from starlette.testclient import TestClient
from typer.testing import CliRunner

from geo_api.auth.access import create_user
from geo_api.auth.api_keys import create_key
from geo_api.cli.main import app as command_line
from geo_api.imports.import_file import ImportReport, import_file
from layers.errors import RejectedRows
from layers.imports import template
from layers.postgres import SYSTEM, session
from tests.support.application import PASSWORD, Api, Seeded, api_over, logged_in
from tests.support.direct_writes import write_cases_directly
from tests.support.fix_batches import NDJSON, NOW, encoded, rows
from tests.support.row_digests import differing_tables, row_digests
from tests.support.small_town import TOWN_A

Login = Callable[[str], TestClient]
GEOJSON = {"Content-Type": "application/geo+json"}


@pytest.fixture
def own(seeded: Seeded, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Api]:
    yield from api_over(seeded, f"imports_{abs(hash(request.node.name))}", tmp_path)


@pytest.fixture
def login(own: Api) -> Login:
    return partial(logged_in, own.app)


def load(own: Api, folder: Path, kind: str, lines: list[str]) -> ImportReport:
    path = folder / f"{kind}.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return import_file(kind, path, crs="wgs84", url=own.url, actor="office")


READINGS = [
    "site_id,kind,day,value,quality",
    "S-A,power,2026-01-05,99,measured",
    "S-A,gas,2026-01-05,7,measured",
]


def read(own: Api, statement: str, **values: Any) -> Any:
    with session(SYSTEM, own.url) as db:
        return db.execute(text(statement), values).scalars().all()


def write(own: Api, statement: str, **values: Any) -> None:
    with session(SYSTEM, own.url) as db:
        write_cases_directly(db)
        db.execute(text(statement), values)


def resting(answer: Any) -> dict[str, list[str]]:
    assert answer.status_code == 409 and answer.json()["type"] == "/problems/conflict", answer.text
    return {found["kind"]: found["ids"] for found in answer.json()["rests_on"]}


def test_an_import_is_listed_shown_and_undone_once(own: Api, login: Login, tmp_path: Path) -> None:
    before = row_digests(own.url)
    report = load(own, tmp_path, "meters", READINGS)
    client = login("supervisor")
    listed = client.get("/v1/imports").json()["imports"]
    assert [(b["id"], b["kind"], b["source"], b["actor"], b["file_name"]) for b in listed] == [
        (report.batch_id, "meters", "file", "office", "meters.csv")
    ]
    assert listed[0]["counts"] == {"rows": 2, "inserted": 1, "updated": 1, "unchanged": 0, "skipped": 0}
    shown = client.get(f"/v1/imports/{report.batch_id}").json()
    assert shown["rows"] == [{"table": "meter_readings", "standing": 2, "replaced": 0, "kept": 1}]
    undone = client.post(f"/v1/imports/{report.batch_id}/undo")
    assert undone.status_code == 200, undone.text
    assert (undone.json()["state"], undone.json()["undone_by"]) == ("undone", "supervisor")
    assert differing_tables(before, row_digests(own.url)) == []
    again = client.post(f"/v1/imports/{report.batch_id}/undo")
    assert again.status_code == 409 and "was undone on" in again.json()["detail"]
    assert "已于" in again.json()["detail_zh"]
    assert client.post("/v1/imports/999/undo").status_code == 404


def test_what_an_alert_and_its_case_rest_on_stays(own: Api, login: Login, tmp_path: Path) -> None:
    report = load(own, tmp_path, "meters", READINGS)
    run = "INSERT INTO model_runs (model, version, key, at, parameters, counts, finished_at) VALUES ('suspicion', '1', 'k', now(), '{}', '{}', now())"
    write(own, run)
    write(
        own,
        "UPDATE alerts SET run_id = (SELECT max(id) FROM model_runs) WHERE id = :id",
        id=own.ids["alert_A"],
    )
    write(
        own,
        "INSERT INTO cases (number, alert_id, title, item_code, domain, co_handlers, assignment, state,"
        " opened_at, geom)"
        " SELECT 'C-1', id, '', '', 'ecology', '{}', '{}', 'reported', now(), geom FROM alerts WHERE id = :id",
        id=own.ids["alert_A"],
    )
    before = row_digests(own.url)
    found = resting(login("dispatcher").post(f"/v1/imports/{report.batch_id}/undo"))
    assert found == {"cases": ["C-1"], "alerts": [str(own.ids["alert_A"])]}
    assert differing_tables(before, row_digests(own.url)) == []
    assert read(own, "SELECT state FROM batches") == ["done"]


def test_an_alert_of_before_does_not_rest_on_it(own: Api, login: Login, tmp_path: Path) -> None:
    report = load(own, tmp_path, "meters", READINGS)
    assert login("dispatcher").post(f"/v1/imports/{report.batch_id}/undo").status_code == 200


def test_a_later_import_of_the_same_rows_is_undone_first(own: Api, login: Login, tmp_path: Path) -> None:
    before = row_digests(own.url)
    first = load(own, tmp_path, "meters", READINGS)
    second = load(own, tmp_path, "meters", [READINGS[0], "S-A,power,2026-01-05,98,measured"])
    client = login("dispatcher")
    assert resting(client.post(f"/v1/imports/{first.batch_id}/undo")) == {"batches": [str(second.batch_id)]}
    for report in (second, first):
        assert client.post(f"/v1/imports/{report.batch_id}/undo").status_code == 200
    assert differing_tables(before, row_digests(own.url)) == []


def test_rows_that_refer_to_new_ones_are_named(own: Api, login: Login, tmp_path: Path) -> None:
    uscc = read(own, "SELECT uscc FROM enterprises ORDER BY id LIMIT 1")[0]
    write(own, "UPDATE enterprises SET uscc = '913206000000001230' WHERE uscc = :uscc", uscc=uscc)
    header = "site_id,uscc,kind,lon,lat,boundary"
    sites = load(own, tmp_path, "sites", [header, "S-N,913206000000001230,sales,120.1,31.3,"])
    load(own, tmp_path, "meters", [READINGS[0], "S-N,power,2026-01-05,1,measured"])
    found = resting(login("dispatcher").post(f"/v1/imports/{sites.batch_id}/undo"))
    assert list(found) == ["meter_readings"] and len(found["meter_readings"]) == 1


def test_the_same_file_is_told_and_equal_rows_keep_their_batch(own: Api, tmp_path: Path) -> None:
    first = load(own, tmp_path, "meters", READINGS)
    again = load(own, tmp_path, "meters", READINGS)
    assert again.written.unchanged == 2
    assert any(f"the same file was imported as batch {first.batch_id} on" in note for note in again.notes)
    assert read(own, "SELECT DISTINCT batch_id FROM meter_readings WHERE batch_id IS NOT NULL") == [
        first.batch_id
    ]


def test_a_refused_file_is_kept_as_failed_and_wrote_nothing(own: Api, login: Login, tmp_path: Path) -> None:
    before = row_digests(own.url)
    with pytest.raises(RejectedRows):
        load(own, tmp_path, "meters", [*READINGS, "S-Z,power,2026-01-05,1,measured"])
    assert differing_tables(before, row_digests(own.url)) == []
    failed = login("supervisor").get("/v1/imports?state=failed").json()["imports"][0]
    assert "unknown site" in failed["reason"]
    refused = login("supervisor").post(f"/v1/imports/{failed['id']}/undo")
    assert refused.status_code == 409 and "wrote nothing" in refused.json()["detail"]


def new_grids(own: Api, folder: Path) -> ImportReport:
    """A later version of both unit grids of town A."""
    frame = geopandas.GeoDataFrame(
        {
            "code": [f"{TOWN_A}001001", f"{TOWN_A}001002"],
            "name": ["甲格", "乙格"],
            "kind": "unit_grid",
            "parent_code": f"{TOWN_A}001",
            "valid_from": "2026-05-01",
        },
        geometry=[shapely.box(120, 31, 120.2, 31.5), shapely.box(120.2, 31, 120.5, 31.5)],
        crs=4326,
    )
    path = folder / "areas.parquet"
    frame.to_parquet(path)
    return import_file("areas", path, crs="wgs84", url=own.url)


def test_areas_that_a_change_set_replaced_stay(own: Api, login: Login, tmp_path: Path) -> None:
    report = new_grids(own, tmp_path)
    assert report.written.updated == 2
    client = login("supervisor")
    ids = read(own, "SELECT id FROM areas WHERE batch_id = :batch", batch=report.batch_id)
    drafted = client.post("/v1/change-sets", json={"operations": [{"op": "merge", "area_ids": list(ids)}]})
    assert drafted.status_code == 201, drafted.text
    change_set = drafted.json()["id"]
    applied = login("supervisor.2").post(f"/v1/change-sets/{change_set}/apply")
    assert applied.status_code == 200, applied.text
    found = resting(client.post(f"/v1/imports/{report.batch_id}/undo"))
    assert found["change_sets"] == [str(change_set)]


def test_scopes_follow_an_undo_of_areas(own: Api, login: Login, tmp_path: Path) -> None:
    before = row_digests(own.url)
    report = new_grids(own, tmp_path)
    assert login("supervisor").post(f"/v1/imports/{report.batch_id}/undo").status_code == 200
    assert differing_tables(before, row_digests(own.url)) == []
    names = login("officer.a").get("/collections/areas/items?kind=unit_grid").json()["features"]
    assert {feature["properties"]["name"] for feature in names} == {"A网格1", "A网格2", "B网格1", "B网格2"}


@pytest.mark.parametrize("kind", ["roads", "waterways", "buildings"])
def test_ground_is_undone(own: Api, login: Login, tmp_path: Path, kind: str) -> None:
    path, before = tmp_path / f"{kind}.geojson", row_digests(own.url)
    path.write_text(template(kind), encoding="utf-8")
    first = import_file(kind, path, crs="wgs84", url=own.url)
    between = row_digests(own.url)
    path.write_text(template(kind).replace("-1", "-2").replace('"name": "', '"name": "新'), encoding="utf-8")
    import_file(kind, path, crs="wgs84", url=own.url)
    path.write_text(template(kind).replace('"name": "', '"name": "新'), encoding="utf-8")
    changed = import_file(kind, path, crs="wgs84", url=own.url)
    assert changed.written.updated == 1
    client = login("supervisor")
    refused = client.post(f"/v1/imports/{first.batch_id}/undo")
    assert resting(refused) == {"batches": [str(changed.batch_id)]}
    for batch_id in (changed.batch_id, changed.batch_id - 1):
        assert client.post(f"/v1/imports/{batch_id}/undo").status_code == 200
    assert differing_tables(between, row_digests(own.url)) == []
    assert client.post(f"/v1/imports/{first.batch_id}/undo").status_code == 200
    assert differing_tables(before, row_digests(own.url)) == []


def place(lon: float) -> dict[str, Any]:
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [lon, 31.2]},
        "properties": {"kind": "petrol", "radius_m": 60},
    }


def test_edits_are_imports_of_their_author(own: Api, login: Login) -> None:
    officer, supervisor = login("officer.a"), login("supervisor")
    before = row_digests(own.url)
    made = officer.post("/collections/places/items", json=place(120.11), headers=GEOJSON)
    url, etag = made.headers["location"], made.headers["etag"]
    moved = officer.put(url, json=place(120.12), headers={"If-Match": etag, **GEOJSON})
    assert moved.status_code == 200, moved.text
    between = row_digests(own.url)
    assert officer.delete(url, headers={"If-Match": moved.headers["etag"]}).status_code == 204
    listed = officer.get("/v1/imports").json()["imports"]
    assert [(b["kind"], b["source"], b["actor"]) for b in listed] == [("places", "edit", "officer.a")] * 3
    assert [list(b["counts"]) for b in listed] == [["deleted"], ["updated"], ["inserted"]]
    assert login("officer.b").get("/v1/imports").json()["imports"] == []
    assert login("officer.b").get(f"/v1/imports/{listed[0]['id']}").status_code == 404
    assert officer.post(f"/v1/imports/{listed[0]['id']}/undo").status_code == 403
    deleted, updated, inserted = (batch["id"] for batch in listed)
    assert resting(supervisor.post(f"/v1/imports/{inserted}/undo")) == {"batches": [str(updated)]}
    assert supervisor.post(f"/v1/imports/{deleted}/undo").status_code == 200
    assert differing_tables(between, row_digests(own.url)) == []
    for batch in (updated, inserted):
        assert supervisor.post(f"/v1/imports/{batch}/undo").status_code == 200
    assert differing_tables(before, row_digests(own.url)) == []


def test_who_does_not_see_the_city_is_told_how_many_rows_not_which(own: Api, login: Login) -> None:
    with session(SYSTEM, own.url) as db:
        create_user(db, username="above.a", password=PASSWORD, role="supervisor", area_code=TOWN_A)
    client = login("above.a")
    made = client.post("/collections/places/items", json=place(120.11), headers=GEOJSON)
    client.put(
        made.headers["location"], json=place(120.12), headers={"If-Match": made.headers["etag"], **GEOJSON}
    )
    first = client.get("/v1/imports").json()["imports"][-1]["id"]
    refused = client.post(f"/v1/imports/{first}/undo")
    assert refused.json()["rests_on"] == [{"kind": "batches", "count": 1, "ids": []}]
    assert refused.json()["detail"].endswith("rest 1 batches")
    assert refused.json()["detail_zh"].endswith("：后续批次 1")


def test_a_key_that_somebody_took_is_named(own: Api, login: Login) -> None:
    officer = login("officer.a")
    made = officer.post("/collections/places/items", json=place(120.11), headers=GEOJSON)
    headers = {"If-Match": made.headers["etag"]}
    assert officer.delete(made.headers["location"], headers=headers).status_code == 204
    deleted = officer.get("/v1/imports?limit=1").json()["imports"][0]["id"]
    taken = officer.post("/collections/places/items", json=place(120.11), headers=GEOJSON)
    found = resting(login("supervisor").post(f"/v1/imports/{deleted}/undo"))
    assert found == {"places": [taken.headers["location"].rpartition("/")[2]]}


def test_pages_of_imports_follow_each_other(own: Api, login: Login, tmp_path: Path) -> None:
    ids = [load(own, tmp_path, "meters", READINGS).batch_id for _ in range(3)]
    client = login("supervisor")
    page = client.get("/v1/imports?limit=2&kind=meters").json()
    further = client.get(page["links"][0]["href"].removeprefix("http://testserver")).json()
    assert [b["id"] for b in page["imports"] + further["imports"]] == ids[::-1]
    assert further["links"] == []
    paths = {row["path"] for row in client.get("/v1/access-log?path=/v1/imports").json()["calls"]}
    assert paths == {"/v1/imports"}


@pytest.fixture
def key(own: Api) -> str:
    with session(SYSTEM, own.url) as db:
        create_user(db, username="svc", password=PASSWORD, role="service")
        return create_key(db, "svc", name="depot")


def post(own: Api, key: str, frame: pl.DataFrame) -> Any:
    headers = {"Authorization": f"Bearer {key}", "Content-Type": NDJSON}
    client = TestClient(own.app, raise_server_exceptions=False)
    answer = client.post("/v1/tracks?crs=wgs84", content=encoded(frame, NDJSON), headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_post_of_fixes_is_one_batch_and_goes_as_a_whole(own: Api, login: Login, key: str) -> None:
    before = row_digests(own.url)
    post(own, key, rows("N-1"))
    post(own, key, rows("N-1"))  # nothing new, no batch
    client = login("dispatcher")
    listed = client.get("/v1/imports").json()["imports"]
    assert [(b["source"], b["actor"], b["api_key"], b["counts"]["inserted"]) for b in listed] == [
        ("api", "svc", "depot", 5)
    ]
    assert client.post(f"/v1/imports/{listed[0]['id']}/undo").status_code == 200
    assert differing_tables(before, row_digests(own.url)) == []


def test_a_vehicle_that_reported_again_stays(own: Api, login: Login, key: str) -> None:
    post(own, key, rows("N-1"))
    post(own, key, rows("N-1", start=NOW - dt.timedelta(hours=1)))
    later, first = (batch["id"] for batch in login("dispatcher").get("/v1/imports").json()["imports"])
    assert login("dispatcher").post(f"/v1/imports/{first}/undo").status_code == 200
    assert read(own, "SELECT batch_id FROM vehicles WHERE vehicle_id = 'N-1'") == [later]
    assert read(
        own,
        "SELECT DISTINCT f.batch_id FROM fixes f JOIN vehicles v ON v.id = f.vehicle_id AND v.vehicle_id = 'N-1'",
    ) == [later]


def test_stays_that_a_model_found_in_the_fixes_are_named(own: Api, login: Login, key: str) -> None:
    post(own, key, rows("N-1"))
    batch = login("dispatcher").get("/v1/imports").json()["imports"][0]["id"]
    write(
        own,
        "INSERT INTO model_runs (model, version, key, at, parameters, counts, finished_at) VALUES ('stays',"
        " '1', 'k', now(), '{}', '{}', now())",
    )
    write(
        own,
        "INSERT INTO stays (run_id, vehicle_id, started_at, ended_at, ended_by, open, radius_m, n_fixes,"
        " geom, h3_9) SELECT (SELECT max(id) FROM model_runs), v.id, min(f.t), max(f.t), 'left', false, 50,"
        " 5, ST_Point(120.1, 31.2, 4326), 0 FROM fixes f JOIN vehicles v ON v.id = f.vehicle_id WHERE"
        " v.vehicle_id = 'N-1' GROUP BY v.id",
    )
    assert list(resting(login("dispatcher").post(f"/v1/imports/{batch}/undo"))) == ["stays"]


def test_fixes_of_devices_are_one_batch_of_their_key_and_day(own: Api, login: Login, key: str) -> None:
    client = TestClient(own.app, raise_server_exceptions=False)
    before = row_digests(own.url)
    stamp = int(NOW.timestamp()) - 60
    asked = {"key": key, "id": "D-1", "lat": "31.2", "lon": "120.1"}
    for second in range(3):
        sent = client.get("/v1/tracks/osmand", params=asked | {"timestamp": str(stamp + second)})
        assert sent.json()["accepted"] == 1, sent.text
    dispatcher = login("dispatcher")
    (batch,) = dispatcher.get("/v1/imports").json()["imports"]
    assert (batch["source"], batch["state"], batch["counts"]) == ("device", "open", {})
    standing = dispatcher.get(f"/v1/imports/{batch['id']}").json()["rows"]
    assert standing[0] == {"table": "fixes", "standing": 3, "replaced": 0, "kept": 0}
    assert dispatcher.post(f"/v1/imports/{batch['id']}/undo").status_code == 200
    assert differing_tables(before, row_digests(own.url)) == []
    client.get("/v1/tracks/osmand", params=asked | {"timestamp": str(stamp)})
    listed = dispatcher.get("/v1/imports").json()["imports"]
    assert [b["state"] for b in listed] == ["open", "undone"]


def test_the_command_line(own: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANGGE_DATABASE_URL", own.url)
    path = tmp_path / "meters.csv"
    path.write_text("\n".join(READINGS) + "\n", encoding="utf-8")
    run = CliRunner()
    imported = run.invoke(command_line, ["import", "meters", str(path)])
    assert imported.exit_code == 0, imported.output
    (listed,) = json.loads(run.invoke(command_line, ["imports", "list", "--json"]).stdout)
    assert f"批次 batch {listed['id']}" in imported.output
    assert (listed["kind"], listed["state"]) == ("meters", "done") and len(listed["sha256"]) == 64
    shown = json.loads(run.invoke(command_line, ["imports", "show", str(listed["id"])]).stdout)
    assert shown["rows"][0]["standing"] == 2
    assert run.invoke(command_line, ["imports", "undo", str(listed["id"])], input="n\n").exit_code == 1
    assert read(own, "SELECT state FROM batches") == ["done"]
    undone = run.invoke(command_line, ["imports", "undo", str(listed["id"])], input="y\n")
    assert undone.exit_code == 0, undone.output
    assert read(own, "SELECT state FROM batches") == ["undone"]
    twice = run.invoke(command_line, ["imports", "undo", str(listed["id"]), "--yes"])
    assert twice.exit_code and "was undone on" in str(twice.exception)
    assert run.invoke(command_line, ["imports", "undo", "77", "--yes"]).exit_code
    assert "meters.csv" in run.invoke(command_line, ["imports", "list"]).output


def test_nothing_is_half_undone(own: Api, tmp_path: Path) -> None:
    """A failure after the rows went leaves everything as it was."""
    from layers.batches import undo_batch

    report = load(own, tmp_path, "meters", READINGS)
    before = row_digests(own.url)
    with pytest.raises(ZeroDivisionError), session(SYSTEM, own.url) as db:
        undo_batch(db, report.batch_id, by="x", now=dt.datetime.now(dt.UTC))
        raise ZeroDivisionError
    assert differing_tables(before, row_digests(own.url)) == []
    assert read(own, "SELECT state FROM batches") == ["done"]
