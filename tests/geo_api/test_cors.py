"""Pages of other origins: nobody's by default, those that are named wholly, ``*`` without cookies."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest
from pydantic import SecretStr
from starlette.testclient import TestClient

from geo_api.http.settings import Settings
from geo_api.server.app import create_app
from layers.postgres import sessions as database
from tests.support.application import PASSWORD, Seeded

PORTAL = "https://portal.example"
OTHER = "https://evil.example"
SITES = "/collections/sites/items?limit=1"
TILE = "/collections/sites/tiles/WebMercatorQuad/8/104/213"
HERE = "http://testserver"


class Open(Protocol):
    """Opens the application with a value of WANGGE_CORS_ORIGINS."""

    def __call__(self, origins: str, rate_limits: str = "") -> TestClient:
        """A client of it."""


@pytest.fixture(scope="module")
def own_url(seeded: Seeded) -> Iterator[str]:
    url = seeded.copy("cors")
    yield url
    database.engine(url).dispose()


@pytest.fixture
def open_to(own_url: str, tmp_path: Path) -> Open:
    """The application with a value of WANGGE_CORS_ORIGINS."""

    def opened(origins: str, rate_limits: str = "") -> TestClient:
        settings = Settings(
            database_url=own_url,
            data_dir=tmp_path,
            secret=SecretStr("test"),
            log_level="error",
            cors_origins=origins,
            rate_limits=rate_limits,
        )
        return TestClient(create_app(settings), raise_server_exceptions=False)

    return opened


def allowed(answer: Any) -> set[str]:
    return {name for name in answer.headers if name.startswith("access-control-")}


def varies(answer: Any) -> set[str]:
    return {part.strip().lower() for part in answer.headers.get("vary", "").split(",")}


@pytest.mark.parametrize("path", [SITES, TILE, "/v1/me", "/health/live", "/static/page.css", "/nowhere"])
def test_without_the_setting_no_page_is_told_anything(open_to: Open, path: str) -> None:
    client = open_to("")
    asked = {"Origin": OTHER, "Access-Control-Request-Method": "GET"}
    assert allowed(client.get(path, headers={"Origin": OTHER})) == set()
    assert allowed(client.options(path, headers=asked)) == set()


@pytest.mark.parametrize(
    "path", [SITES, TILE, TILE, "/v1/me", "/v1/alerts/1", "/static/page.css", "/nowhere"]
)
def test_a_named_origin_is_told_by_its_name(open_to: Open, path: str) -> None:
    client = open_to(f"https://second.example, {PORTAL}/")
    answer = client.get(path, headers={"Origin": PORTAL})
    assert answer.headers["access-control-allow-origin"] == PORTAL
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert "origin" in varies(answer)
    shown = {name.strip().lower() for name in answer.headers["access-control-expose-headers"].split(",")}
    assert {"etag", "link", "location", "content-crs", "x-request-id", "retry-after"} <= shown


@pytest.mark.parametrize(
    "origin",
    [OTHER, "http://portal.example", f"{PORTAL}:8443", f"{PORTAL}.evil.example", f"{PORTAL}/", "null"],
)
@pytest.mark.parametrize("path", [SITES, TILE])
def test_another_origin_is_told_nothing(open_to: Open, path: str, origin: str) -> None:
    client = open_to(PORTAL)
    answer = client.get(path, headers={"Origin": origin})
    assert answer.status_code == 200 and allowed(answer) == set() and "origin" in varies(answer)
    preflight = client.options(path, headers={"Origin": origin, "Access-Control-Request-Method": "PUT"})
    assert allowed(preflight) == set()


def test_an_answer_to_nobodys_page_varies_too_for_a_cache_between(open_to: Open) -> None:
    client = open_to(PORTAL)
    answer = client.get(SITES)
    assert allowed(answer) == set() and "origin" in varies(answer)
    again = client.get(SITES, headers={"If-None-Match": answer.headers["etag"], "Origin": PORTAL})
    assert again.status_code == 304 and again.headers["access-control-allow-origin"] == PORTAL


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_a_preflight_of_a_named_origin(open_to: Open, method: str) -> None:
    client = open_to(PORTAL)
    wanted = "x-csrf-token,if-match,authorization,content-type"
    answer = client.options(
        "/collections/sites/items/1",
        headers={
            "Origin": PORTAL,
            "Access-Control-Request-Method": method,
            "Access-Control-Request-Headers": wanted,
        },
    )
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == PORTAL
    assert answer.headers["access-control-allow-credentials"] == "true"
    methods = {m.strip() for m in answer.headers["access-control-allow-methods"].split(",")}
    sent = {h.strip().lower() for h in answer.headers["access-control-allow-headers"].split(",")}
    assert method in methods and set(wanted.split(",")) <= sent and "origin" in varies(answer)
    assert "*" not in answer.headers["access-control-allow-origin"]


def test_a_preflight_for_what_is_not_offered_is_refused(open_to: Open) -> None:
    client = open_to(PORTAL)
    for asked in ({"Method": "TRACE"}, {"Method": "GET", "Headers": "x-evil"}):
        headers = {f"Access-Control-Request-{name}": value for name, value in asked.items()}
        assert client.options(SITES, headers={"Origin": PORTAL, **headers}).status_code == 400


def test_a_page_of_a_named_origin_logs_in_and_writes_with_its_token_only(open_to: Open) -> None:
    client = open_to(PORTAL)
    from_portal = {"Origin": PORTAL, "Sec-Fetch-Site": "cross-site"}
    person = {"username": "dispatcher", "password": PASSWORD}
    login = client.post("/v1/login", json=person, headers=from_portal)
    assert login.status_code == 200 and login.headers["access-control-allow-origin"] == PORTAL
    place = {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [120.87, 32.02]},
        "properties": {"kind": "petrol", "radius_m": 60},
    }
    without = client.post("/collections/places/items", json=place, headers=from_portal)
    assert without.status_code == 403 and without.json()["type"] == "/problems/csrf"
    token = {"X-CSRF-Token": login.json()["csrf_token"]}
    for foreign in ({"Origin": OTHER}, {"Origin": OTHER, "Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}):
        refused = client.post("/collections/places/items", json=place, headers=foreign | token)
        assert refused.status_code == 403 and refused.json()["type"] == "/problems/csrf"
        assert allowed(refused) == set()
    made = client.post("/collections/places/items", json=place, headers=from_portal | token)
    assert made.status_code != 403, made.text
    assert made.headers["access-control-allow-origin"] == PORTAL


def test_nobody_else_may_log_a_browser_in(open_to: Open) -> None:
    person = {"username": "dispatcher", "password": PASSWORD}
    for origins in ("", PORTAL, "*"):
        answer = open_to(origins).post("/v1/login", json=person, headers={"Origin": OTHER})
        assert answer.status_code == 403 and "set-cookie" not in answer.headers
    own = open_to("").post("/v1/login", json=person, headers={"Origin": HERE})
    assert own.status_code == 200


def test_everybody_is_without_cookies(open_to: Open) -> None:
    client = open_to("*")
    person = {"username": "dispatcher", "password": PASSWORD}
    token = client.post("/v1/login", json=person).json()["csrf_token"]
    assert client.cookies
    answer = client.get("/v1/me", headers={"Origin": OTHER})
    assert "access-control-allow-credentials" not in answer.headers
    preflight = client.options(SITES, headers={"Origin": OTHER, "Access-Control-Request-Method": "POST"})
    assert preflight.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in preflight.headers
    refused = client.post("/v1/logout", headers={"Origin": OTHER, "X-CSRF-Token": token})
    assert refused.status_code == 403
    stranger = open_to("*").get(SITES, headers={"Origin": OTHER})
    assert stranger.status_code == 200 and stranger.headers["access-control-allow-origin"] == "*"


def test_a_named_page_can_read_refusals_and_failures(open_to: Open) -> None:
    client = open_to(PORTAL, rate_limits="reads=0.1/1")
    app: Any = client.app

    @app.get("/boom")  # type: ignore[untyped-decorator]
    def boom() -> None:
        raise RuntimeError("secret cause")

    first, second = (client.get("/boom", headers={"Origin": PORTAL}) for _ in range(2))
    assert (first.status_code, second.status_code) == (500, 429)
    for answer in (first, second):
        assert answer.headers["access-control-allow-origin"] == PORTAL
        assert answer.json()["request_id"] == answer.headers["x-request-id"]
    assert "secret cause" not in first.text
    assert allowed(client.get("/boom", headers={"Origin": OTHER})) == set()


@pytest.mark.parametrize(
    "wrong", [f"*,{PORTAL}", "portal.example", "ftp://a.example", f"{PORTAL}/map", "https://*.a"]
)
def test_a_setting_that_says_too_much_does_not_start(open_to: Open, wrong: str) -> None:
    with pytest.raises(ValueError, match="WANGGE_CORS_ORIGINS"):
        open_to(wrong)
