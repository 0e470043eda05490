"""Headers that every answer has, whatever it is and whoever made it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pydantic import SecretStr
from starlette.testclient import TestClient

from geo_api.http.settings import Settings
from geo_api.server.app import create_app
from layers.postgres import sessions as database
from tests.support.application import Api, Seeded

SITES = "/collections/sites/items?limit=1"
TILE = "/collections/sites/tiles/WebMercatorQuad/8/104/213"
FIXED = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


@pytest.fixture(scope="module")
def failing(seeded: Seeded, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """An application with a base map of another host, a fault, and few requests allowed."""
    url = seeded.copy("headers")
    settings = Settings(
        database_url=url,
        data_dir=tmp_path_factory.mktemp("headers"),
        secret=SecretStr("test"),
        log_level="error",
        rate_limits="login=0.1/1",
        tile_url="https://base.example/{z}/{x}/{y}.png",
    )
    app = create_app(settings)

    @app.get("/boom")
    def boom() -> None:
        raise RuntimeError("secret cause")

    yield TestClient(app, raise_server_exceptions=False)
    database.engine(url).dispose()


def policy_of(answer: Any) -> dict[str, list[str]]:
    text = answer.headers["content-security-policy"]
    parts = [part.split() for part in text.split(";") if part.strip()]
    assert len(parts) == len({part[0] for part in parts})
    return {part[0]: part[1:] for part in parts}


def check(answer: Any, status: int) -> None:
    assert answer.status_code == status, answer.text
    headers = answer.headers
    assert {name: headers.get_list(name) for name in FIXED} == {
        name: [value] for name, value in FIXED.items()
    }
    assert "geolocation=(self)" in headers["permissions-policy"]
    assert re.fullmatch(r"[A-Za-z0-9._-]{8,64}", headers["x-request-id"])
    policy = policy_of(answer)
    assert policy["default-src"] == ["'self'"] and policy["frame-ancestors"] == ["'none'"]
    assert policy["script-src"] == ["'self'"] and policy["object-src"] == ["'none'"]
    assert "server" not in headers and "x-powered-by" not in headers
    if status >= 400 and answer.request.method != "HEAD" and "json" in headers.get("content-type", ""):
        assert headers["content-type"] == "application/problem+json"
        assert answer.json()["request_id"] == headers["x-request-id"]


ANSWERS = [
    ("GET", SITES, 200),
    ("HEAD", SITES, 200),
    ("GET", TILE, 200),
    ("GET", TILE, 200),  # from the cache
    ("GET", "/", 200),
    ("GET", "/docs", 200),
    ("GET", "/openapi.json", 200),
    ("GET", "/metrics", 200),
    ("GET", "/health/live", 200),
    ("GET", "/static/page.css", 200),
    ("GET", "/static/swagger-ui-bundle.js", 200),
    ("GET", "/v1/style", 200),
    ("GET", "/map", 307),
    ("GET", f"{SITES}&nonsense=1", 400),
    ("GET", f"{SITES}&bbox=1,2", 400),
    ("GET", "/v1/runs", 401),
    ("GET", "/collections/alerts/items", 401),
    ("GET", "/nowhere", 404),
    ("GET", "/static/nothing.js", 404),
    ("GET", "/static/../app.py", 404),
    ("GET", "/collections/sites/items/999999999", 404),
    ("GET", "/collections/sites/tiles/WebMercatorQuad/2/9/9", 404),
    ("PUT", "/v1/style", 405),
    ("POST", "/static/page.css", 405),
    ("POST", "/v1/assign", 422),
    ("GET", "/boom", 500),
    ("HEAD", "/boom", 500),
]


@pytest.mark.parametrize(("method", "path", "status"), ANSWERS)
def test_every_answer_has_them(failing: TestClient, method: str, path: str, status: int) -> None:
    check(failing.request(method, path, follow_redirects=False), status)


def test_the_console_has_them(failing: TestClient) -> None:
    answer = failing.get("/map/")
    check(answer, answer.status_code)
    assert answer.status_code in (200, 503)  # built, or the page that says how to
    for script in re.findall(r'(?:src|href)="(\.?/?[\w./-]+\.(?:js|css))"', answer.text):
        asset = failing.get(f"/map/{script.removeprefix('./').removeprefix('/map/').removeprefix('/')}")
        check(asset, 200)
    assert not re.search(r"<script(?![^>]*\bsrc=)[^>]*>\s*\S", answer.text), (
        "a script inside: the policy forbids it"
    )


@pytest.mark.parametrize("path", [SITES, TILE, "/static/page.css"])
def test_what_has_not_changed_has_them(failing: TestClient, path: str) -> None:
    tag = failing.get(path).headers["etag"]
    answer = failing.get(path, headers={"If-None-Match": tag})
    check(answer, 304)
    assert answer.content == b"" and answer.headers["etag"] == tag


def test_a_refusal_for_too_many_has_them(failing: TestClient) -> None:
    person = {"username": "nobody", "password": "wrong password"}
    check(failing.post("/v1/login", json=person), 401)
    check(failing.post("/v1/login", json=person), 429)


def test_a_failure_shows_its_number_and_not_its_cause(failing: TestClient) -> None:
    answer = failing.get("/boom", headers={"X-Request-Id": "number-0001"})
    check(answer, 500)
    assert answer.headers["x-request-id"] == "number-0001"
    assert "number-0001" in answer.json()["detail"] and "secret" not in answer.text


@pytest.mark.parametrize("given", ["short", "with space 1", "x" * 65, "new\tline-1", "<script>1", "é" * 9])
def test_a_number_that_is_no_number_is_replaced(failing: TestClient, given: str) -> None:
    answer = failing.get("/health/live", headers={b"X-Request-Id": given.encode("latin-1")})
    check(answer, 200)
    assert answer.headers["x-request-id"] != given


def test_the_base_map_is_the_only_other_host(failing: TestClient, public: TestClient) -> None:
    hosts = {
        source
        for sources in policy_of(failing.get("/docs")).values()
        for source in sources
        if "://" in source
    }
    assert hosts == {"https://base.example"}
    policy = policy_of(failing.get("/docs"))
    assert "https://base.example" in policy["img-src"] and "https://base.example" in policy["connect-src"]
    assert "://" not in public.get("/docs").headers["content-security-policy"]


def test_a_report_may_ask_nobody(api: Api, login: Callable[[str], TestClient]) -> None:
    answer = login("dispatcher").get("/v1/cases/NO-SUCH/report.html")
    assert policy_of(answer)["default-src"] == ["'none'"]
    assert (
        answer.headers["x-content-type-options"] == "nosniff" and answer.headers["x-frame-options"] == "DENY"
    )


def test_rows_of_an_area_are_kept_by_nobody(login: Callable[[str], TestClient], public: TestClient) -> None:
    for path in ("/collections/alerts/items", "/collections/alerts/tiles/WebMercatorQuad/8/104/213"):
        assert login("dispatcher").get(path).headers["cache-control"] == "private, no-store"
    assert public.get(SITES).headers["cache-control"] == "public, no-cache"


def test_https_is_kept_to(api: Api) -> None:
    """A browser that came by https never comes by http again; over http the header would mean nothing."""
    for path in (
        "/",
        "/collections/none",
        "/health/live",
        "/collections/areas/tiles/WebMercatorQuad/8/104/213",
    ):
        over_https = TestClient(api.app, base_url="https://testserver").get(path)
        assert over_https.headers["strict-transport-security"] == "max-age=31536000", path
        assert "strict-transport-security" not in TestClient(api.app).get(path).headers
