"""Doors, headers, problems that nobody foresaw, and the stream of changes."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from geo_api.http.errors import TITLES
from geo_api.http.settings import Settings
from geo_api.server.app import create_app
from geo_api.server.middleware import content_security_policy
from layers.postgres import SYSTEM, session
from tests.support.application import Api
from tests.support.event_streams import listening, log_in


def test_landing_is_html_for_people_and_json_for_machines(public: TestClient) -> None:
    html = public.get("/", headers={"Accept": "text/html,*/*;q=0.8"})
    assert html.headers["content-type"].startswith("text/html")
    assert "谁负责" in html.text and "who is responsible" not in html.text
    english = public.get("/", headers={"Accept": "text/html", "Accept-Language": "en"}).text
    assert "谁负责" not in english and "who is responsible" in english
    assert public.get("/", headers={"Accept": "text/html"}).headers["content-type"].startswith("text/html")
    links = public.get("/", headers={"Accept": "application/json"}).json()["links"]
    assert {"self", "service-desc", "conformance", "data"} <= {link["rel"] for link in links}
    for link in links:
        if link["rel"] != "map":
            assert public.get(link["href"]).status_code == 200, link


def test_pages_name_no_foreign_host(public: TestClient) -> None:
    for path in ("/", "/docs", "/map/", "/static/docs.js", "/static/page.css"):
        found = re.findall(r"(?:src|href|url)\s*[=(]\s*[\"']?(https?://[^\"')\s]+)", public.get(path).text)
        assert [url for url in found if not url.startswith("http://testserver")] == [], path


def test_security_headers_stand_on_every_answer(public: TestClient) -> None:
    for path in ("/", "/collections/areas/items", "/nothing", "/v1/alerts/1", "/static/page.css"):
        headers = public.get(path).headers
        assert headers["x-content-type-options"] == "nosniff" and headers["x-frame-options"] == "DENY"
        assert "default-src 'self'" in headers["content-security-policy"]
        assert "http" not in headers["content-security-policy"]


def test_only_a_configured_base_map_is_allowed_as_a_foreign_host() -> None:
    assert "https://t.example" in content_security_policy("/map/", "https://t.example")
    assert "https:" not in content_security_policy("/map/", "")
    report = content_security_policy("/v1/cases/1/report.html", "https://t.example")
    assert "default-src 'none'" in report and "t.example" not in report


def test_health_tells_whether_the_database_answers(public: TestClient, tmp_path: Path) -> None:
    assert public.get("/health/ready").json()["status"] == "ok"
    settings = Settings(
        database_url="postgresql://nobody@/none?host=/nowhere", data_dir=tmp_path, log_level="error"
    )
    alone = TestClient(create_app(settings), raise_server_exceptions=False)
    assert alone.get("/health/live").status_code == 200
    for path in ("/health/ready", "/collections/areas/items"):
        answer = alone.get(path)
        assert (answer.status_code, answer.json()["type"]) == (503, "/problems/not-available")
        assert "nowhere" not in answer.text
    assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600


def test_a_500_shows_a_number_and_nothing_else(api: Api, capfd: pytest.CaptureFixture[str]) -> None:
    app = create_app(api.settings)

    @app.get("/broken")
    def broken() -> None:
        raise RuntimeError("the secret cause")

    answer = TestClient(app, raise_server_exceptions=False).get("/broken")
    assert (answer.status_code, answer.json()["type"]) == (500, "/problems/internal")
    assert "secret cause" not in answer.text and answer.json()["request_id"] in answer.json()["detail"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    logged = capfd.readouterr().err
    assert "the secret cause" in logged and answer.json()["request_id"] in logged


def test_request_ids_are_kept_when_they_are_plain(public: TestClient) -> None:
    assert (
        public.get("/health/live", headers={"X-Request-Id": "abcdef-12345"}).headers["x-request-id"]
        == "abcdef-12345"
    )
    assert (
        public.get("/health/live", headers={"X-Request-Id": "bad id\t"}).headers["x-request-id"] != "bad id\t"
    )


def test_a_wrong_body_names_the_field(public: TestClient) -> None:
    for body, field in (
        ({"lon": 999, "lat": 0, "item_code": "x"}, "lon"),
        ({"lat": 0, "item_code": "x"}, "geometry"),
        ({"lon": 1, "lat": 0, "item_code": "x", "when": 1}, "when"),
    ):
        answer = public.post("/v1/assign", json=body)
        assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid-body")
        assert answer.json()["faults"][0]["field"] == field
    broken = public.post("/v1/assign", content=b"{", headers={"Content-Type": "application/json"})
    assert (broken.status_code, broken.headers["content-type"]) == (400, "application/problem+json")


def test_metrics_count_by_route_and_not_by_path(public: TestClient) -> None:
    public.get("/collections/areas/items/1")
    shown = public.get("/metrics").text
    assert 'route="/collections/{collection_id}/items/{feature_id}"' in shown
    assert 'route="/collections/areas/items/1"' not in shown


def test_settings_duties_runs_and_style(public: TestClient, login: Callable[[str], TestClient]) -> None:
    settings = public.get("/v1/settings").json()
    assert set(settings) == {
        "pdf",
        "base_maps", "version", "city", "city_zh", "city_en", "city_code", "time_zone", "languages",
    }  # fmt: skip
    assert settings["time_zone"] == "Asia/Shanghai" and settings["city"] == "南通市 Nantong"
    assert public.get("/v1/runs").status_code == 401  # its counts tell of alerts
    assert login("officer.a").get("/v1/runs").json()["runs"][0]["model"] == "suspicion"
    assert public.get("/v1/duty-items?q=x").json()["items"] == []
    assert public.get("/v1/style").json()["alert_levels"]["high"]["zh"] == "高"


def test_every_problem_type_has_a_page(public: TestClient) -> None:
    for kind in TITLES:
        assert TITLES[kind][2] in public.get(f"/problems/{kind}").text
    assert public.get("/problems/none").status_code == 404


def test_the_card_of_an_alert(login: Callable[[str], TestClient], api: Api) -> None:
    card = login("officer.a").get(f"/v1/alerts/{api.ids['alert_A']}").json()
    assert (card["level"], card["score"], card["site"]["site_id"]) == ("high", 0.9, "S-A")
    assert card["evidence"][0]["sentence_zh"] and card["would_lower"][0]["en"]
    assert len(card["meters"]["power"]) == len(card["meters"]["water"]) == 59  # January and February 2026
    first = card["meters"]["power"][0]
    assert (first["day"], first["value"], first["quality"], first["flags"]) == (
        "2026-01-01",
        10,
        "measured",
        [],
    )
    assert (first["from_at"], first["to_at"]) == ("2025-12-31T16:00:00Z", "2026-01-01T16:00:00Z")  # of UTC+8
    assert card["visits"][0]["vehicle_id"] == "V-A" and card["enterprise"]["name"] == "测试A化工厂"


def test_a_track_is_cut_at_gaps(login: Callable[[str], TestClient]) -> None:
    client = login("officer.a")
    track = client.get("/v1/vehicles/V-A/track").json()
    first, *gaps = track["features"]
    assert first["geometry"]["type"] == "MultiLineString"
    assert [len(part) for part in first["geometry"]["coordinates"]] == [10, 10]
    assert [part["n_fixes"] for part in first["properties"]["parts"]] == [10, 10]
    # Nine minutes after the tenth fix the eleventh would come; it comes an hour later.
    assert len(gaps) == 1 and gaps[0]["properties"]["gap_s"] == 61 * 60
    assert track["fix_count"] == 20
    part = client.get("/v1/vehicles/V-A/track?from=2026-03-01T02:00:00Z&to=2026-03-01T02:04:00Z").json()
    assert part["fix_count"] == 5 and len(part["features"]) == 1
    assert client.get("/v1/vehicles/V-A/track?from=2026-03-02&to=2026-03-01").status_code == 400
    assert client.get("/v1/vehicles/V-A/track?from=2020-03-02&to=2026-03-01").status_code == 400


def touch(api: Api, table: str) -> None:
    with session(SYSTEM, api.url) as db:
        db.execute(
            text(
                f"UPDATE {table} SET area_id = area_id"
                if table == "alerts"
                else f"UPDATE {table} SET name = name"
            )
        )


def test_changes_are_heard_by_those_who_may(served: str, api: Api) -> None:
    with listening(served) as public, listening(served, log_in(served, "officer.a")) as officer:
        touch(api, "alerts")
        officer.next("alerts")
        touch(api, "areas")
        officer.next("areas")
        assert "alerts" not in {event["layer"] for event in public.until("areas")}


def test_a_lost_database_connection_comes_back_and_missed_changes_are_told(served: str, api: Api) -> None:
    with listening(served) as stream:
        with session(SYSTEM, api.url) as db:
            ended: Any = db.execute(
                text(
                    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE query LIKE"
                    " 'LISTEN%' AND datname = current_database()"
                )
            ).scalar_one()
        assert ended >= 1
        told = stream.next("hot_spots")["change"] or 0  # everything may have changed meanwhile
        touch(api, "areas")
        stream.until("areas", told + 1)


@pytest.mark.parametrize(
    "operations",
    [
        [],
        [{"op": "explode"}],
        [{"op": "merge", "area_ids": [1]}],
        [{"op": "split", "area_id": 1}],
        [{"op": "split", "area_id": 1, "line": {"type": "Point", "coordinates": [1, 2]}}],
    ],
)
def test_operations_that_cannot_be_read_are_refused(
    login: Callable[[str], TestClient], operations: list[Any]
) -> None:
    answer = login("grid.a").post("/v1/change-sets", json={"operations": operations})
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid-body")


HOSTILE = (
    "/collections/areas/items?at=0001-01-01T00:00:00%2B14:00",
    "/collections/areas/items?datetime=9999-12-31/..",
    "/collections/areas/items?bbox=-1e400,0,1,1",
    "/collections/areas/items?limit=1000000000000000000000000000000x",
    "/collections/areas/items?code=%00",
    "/collections/areas/items?cursor=%F0%9F%92%A9",
    "/collections/areas/items?parent_id=99999999999999999999",
    "/collections/areas/items/99999999999999999999",
    "/v1/vehicles/%00/track",
    "/v1/vehicles/V-A/track?from=9999-12-31T23:59:59Z",
    "/v1/cases/a%00b",
    "/v1/cases/%F0%28%8C%28",
    "/v1/duty-items?q=%00",
    "/v1/change-sets?area=99999999999999999999999",
    "/v1/change-sets?area=%C2%B2",
    "/v1/alerts/0",
)


@pytest.mark.parametrize("path", HOSTILE)
def test_hostile_values_are_refused_and_never_an_internal_error(
    login: Callable[[str], TestClient], path: str
) -> None:
    answer = login("dispatcher").get(path)
    assert answer.status_code in (200, 400, 404), answer.text
    if answer.status_code != 200:
        assert answer.headers["content-type"] == "application/problem+json"


def test_hostile_bodies_are_refused(login: Callable[[str], TestClient]) -> None:
    manager = login("grid.a")
    point = {"lon": 120, "lat": 31, "item_code": "ECO-001"}
    for path, body in (
        ("/v1/login", {"username": "\x00", "password": "x"}),
        ("/v1/assign", {**point, "item_code": "\x00"}),
        ("/v1/assign", {**point, "at": "0001-01-01T00:00:00+14:00"}),
        ("/v1/change-sets", {"operations": [{"op": "merge", "area_ids": [2**70, 1]}]}),
        ("/v1/change-sets", {"operations": [{"op": "merge", "area_ids": [2**62, 1]}]}),
    ):
        answer = manager.post(path, json=body)
        assert 400 <= answer.status_code < 500, (path, body, answer.text)
