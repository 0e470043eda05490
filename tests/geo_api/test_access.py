"""Who gets in, who may do what, and that A never gets a row of B by any door."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable

import pytest
from sqlalchemy import Engine, text
from starlette.testclient import TestClient

from geo_api.auth.access import MAY
from geo_api.auth.accounts import create_user
from layers.collections import COLLECTIONS
from layers.errors import InputError
from layers.postgres import SYSTEM, session
from layers.tables import ROLES
from tests.support.application import PASSWORD, Api
from tests.support.service_process import ROOT

Login = Callable[[str], TestClient]
SCOPED = ("alerts", "cases", "stays", "visits")
TILE = "/collections/{}/tiles/WebMercatorQuad/8/104/213"  # holds both towns


def test_me_of_nobody_and_of_somebody(public: TestClient, login: Login) -> None:
    assert public.get("/v1/me").json() == {"role": "public"}
    officer = login("officer.a")
    me = officer.get("/v1/me").json()
    assert (me["username"], me["role"], me["body"]) == ("officer.a", "officer", "officer.a 的单位")
    assert me["area"] == {"code": "320601001", "name": "A镇"}
    assert me["csrf_token"] == officer.headers["X-CSRF-Token"]
    assert login("dispatcher").get("/v1/me").json()["area"] is None


def test_the_cookie_is_out_of_reach_of_scripts(public: TestClient) -> None:
    answer = public.post("/v1/login", json={"username": "dispatcher", "password": PASSWORD})
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=lax" in cookie and "secure" not in cookie
    assert answer.headers["cache-control"] == "no-store"


def test_over_https_the_cookie_is_secure(api: Api) -> None:
    client = TestClient(api.app, base_url="https://wangge")
    answer = client.post("/v1/login", json={"username": "dispatcher", "password": PASSWORD})
    assert "secure" in answer.headers["set-cookie"].lower()


def test_only_a_hash_of_the_token_is_stored(login: Login, api_engine: Engine) -> None:
    client = login("officer.a")
    token = client.cookies["wangge_session"]
    with api_engine.connect() as connection:
        rows = connection.execute(text("SELECT token_hash FROM login_sessions")).scalars().all()
        hashes = connection.execute(text("SELECT password_hash FROM users")).scalars().all()
    assert rows and token not in rows
    assert all(value.startswith("$argon2id$") for value in hashes)


def test_a_password_is_hashed_at_no_less_than_the_advised_cost(api: Api, api_engine: Engine) -> None:
    """OWASP's least for Argon2id: 19 MiB and two passes.

    Made in a process of its own, since tests hash quickly.
    """
    code = (
        "from geo_api.auth.accounts import create_user; from layers.postgres import SYSTEM, session\n"
        f"with session(SYSTEM, {api.url!r}) as db:\n"
        f"    create_user(db, username='slowly.hashed', password={PASSWORD!r}, role='viewer')"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
    with api_engine.begin() as connection:
        stored = "DELETE FROM users WHERE username = 'slowly.hashed' RETURNING password_hash"
        told = re.match(r"\$argon2id\$v=19\$m=(\d+),t=(\d+),", connection.execute(text(stored)).scalar_one())
    assert told is not None
    assert int(told[1]) >= 19 * 1024 and int(told[2]) >= 2


@pytest.mark.parametrize(
    "body", [{"username": "officer.a", "password": "wrong"}, {"username": "nobody", "password": PASSWORD}]
)
def test_wrong_password_and_unknown_name_are_told_the_same(public: TestClient, body: dict[str, str]) -> None:
    answer = public.post("/v1/login", json=body)
    assert answer.status_code == 401
    assert (answer.json()["type"], answer.json()["detail"]) == (
        "/problems/login-failed",
        "Wrong user name or password.",
    )


def test_guessing_is_slowed_down(public: TestClient) -> None:
    tries = [public.post("/v1/login", json={"username": "guessed", "password": f"p{i}"}) for i in range(7)]
    assert [t.status_code for t in tries] == [401] * 5 + [429] * 2
    assert int(tries[-1].headers["retry-after"]) > 0
    # Another name from the same address is not held up.
    assert public.post("/v1/login", json={"username": "viewer.a", "password": PASSWORD}).status_code == 200


def test_logout_ends_the_login_on_the_server(login: Login, api: Api) -> None:
    client = login("officer.a")
    token = client.cookies["wangge_session"]
    assert client.post("/v1/logout").status_code == 200
    thief = TestClient(api.app, cookies={"wangge_session": token})
    assert thief.get("/v1/me").json() == {"role": "public"}


def test_an_ended_or_invented_login_is_nobody(login: Login, api: Api, api_engine: Engine) -> None:
    client = login("viewer.a")
    with api_engine.begin() as connection:
        connection.execute(
            text("UPDATE login_sessions SET expires_at = now() - interval '1 s' WHERE csrf_token = :csrf"),
            {"csrf": client.headers["X-CSRF-Token"]},
        )
    assert client.get("/collections/alerts/items").status_code == 401
    assert TestClient(api.app, cookies={"wangge_session": "x" * 43}).get("/v1/me").json() == {
        "role": "public"
    }


def test_an_account_that_is_switched_off_is_out_at_once(login: Login, api: Api, api_engine: Engine) -> None:
    with session(SYSTEM, api.url) as db:
        create_user(db, username="leaver", password=PASSWORD, role="dispatcher")
    client = login("leaver")
    assert client.get("/collections/alerts/items").status_code == 200
    with api_engine.begin() as connection:
        connection.execute(text("UPDATE users SET active = false WHERE username = 'leaver'"))
    assert client.get("/collections/alerts/items").status_code == 401
    with session(SYSTEM, api.url) as db, pytest.raises(InputError, match="role"):
        create_user(db, username="x", password=PASSWORD, role="king")
    with (
        session(SYSTEM, api.url) as db,
        pytest.raises(InputError, match="no area has the code '99' 没有此区域"),
    ):
        create_user(db, username="x", password=PASSWORD, role="viewer", area_code="99")
    with session(SYSTEM, api.url) as db, pytest.raises(InputError, match="password"):
        create_user(db, username="x", password="short", role="viewer")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"X-CSRF-Token": ""}, 403),
        ({"X-CSRF-Token": "guessed"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "http://testserver"}, 200),
    ],
)
def test_an_unsafe_request_must_come_from_our_page(
    login: Login, headers: dict[str, str], status: int
) -> None:
    answer = login("officer.a").post("/v1/logout", headers=headers)
    assert answer.status_code == status
    if status == 403:
        assert answer.json()["type"] == "/problems/csrf"


def test_a_foreign_page_cannot_log_somebody_in(public: TestClient) -> None:
    body = {"username": "officer.a", "password": PASSWORD}
    assert public.post("/v1/login", json=body, headers={"Origin": "https://evil.example"}).status_code == 403


@pytest.mark.parametrize("path", ["/items", "/items/1", "/tiles/WebMercatorQuad/8/104/213", ""])
@pytest.mark.parametrize("collection", SCOPED)
def test_scoped_collections_need_a_login(public: TestClient, collection: str, path: str) -> None:
    answer = public.get(f"/collections/{collection}{path}")
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "path",
    ["/v1/alerts/1", "/v1/cases/x", "/v1/vehicles/V-A/track", "/v1/change-sets", "/v1/cases/x/report.html"],
)
def test_the_public_reads_nothing_of_an_area(public: TestClient, path: str) -> None:
    assert public.get(path).status_code == 401


def test_the_public_sees_public_collections_only(public: TestClient, login: Login) -> None:
    names = [c["id"] for c in public.get("/collections").json()["collections"]]
    assert set(names) == {
        "areas", "grids", "sites", "places", "fences", "hot_spots", "emerging_hot_spots", "roads", "waterways", "buildings",
    }  # fmt: skip
    seen = {c["id"] for c in login("viewer.a").get("/collections").json()["collections"]}
    assert seen == set(COLLECTIONS) - {"tracks"}
    assert len(login("officer.a").get("/collections").json()["collections"]) == len(COLLECTIONS)


@pytest.mark.parametrize("collection", ["alerts", "stays", "visits"])
def test_items_tiles_and_counts_keep_to_the_scope(login: Login, collection: str) -> None:
    mark = {"alerts": ("site_id", "S-"), "stays": ("vehicle_id", "V-"), "visits": ("site_id", "S-")}[
        collection
    ]
    tiles = {}
    for letter, other in (("a", "B"), ("b", "A")):
        client = login(f"officer.{letter}")
        page = client.get(f"/collections/{collection}/items?count=exact")
        assert [f["properties"][mark[0]] for f in page.json()["features"]] == [mark[1] + letter.upper()]
        assert page.json()["numberMatched"] == 1
        assert page.headers["cache-control"] == "private, no-store"
        assert f"{mark[1]}{other}" not in page.text
        tile = client.get(TILE.format(collection))
        assert (
            tile.headers["x-features-matched"] == "1" and tile.headers["cache-control"] == "private, no-store"
        )
        assert f"{mark[1]}{other}".encode() not in tile.content
        tiles[letter] = tile
        empty = client.get(f"/collections/{collection}/items?{mark[0]}={mark[1]}{other}").json()
        assert empty["features"] == []
    # The tag of A's tile does not answer 304 for B.
    again = login("officer.b").get(
        TILE.format(collection), headers={"If-None-Match": tiles["a"].headers["etag"]}
    )
    assert again.status_code == 200


def test_one_item_and_the_card_of_another_area_are_not_found(login: Login, api: Api) -> None:
    officer, dispatcher = login("officer.a"), login("dispatcher")
    for path in (f"/collections/alerts/items/{api.ids['alert_B']}", f"/v1/alerts/{api.ids['alert_B']}"):
        assert officer.get(path).status_code == 404
        assert dispatcher.get(path).status_code == 200
    assert officer.get(f"/v1/alerts/{api.ids['alert_A']}").status_code == 200


def test_a_cursor_of_one_scope_gives_another_its_own_rows_only(login: Login) -> None:
    page = login("dispatcher").get("/collections/alerts/items?limit=1").json()
    link = next(link["href"] for link in page["links"] if link["rel"] == "next")
    following = login("officer.a").get(link.removeprefix("http://testserver")).json()
    assert following["features"] == []  # the next alert is B's


def test_an_outcome_of_another_area_cannot_be_written(login: Login, api: Api, api_engine: Engine) -> None:
    body = {"outcome": "cannot_tell", "note": ""}
    assert login("officer.a").post(f"/v1/alerts/{api.ids['alert_B']}/outcome", json=body).status_code == 404
    assert login("officer.b").post(f"/v1/alerts/{api.ids['alert_B']}/outcome", json=body).status_code == 200
    with api_engine.connect() as connection:
        rows = dict(connection.execute(text("SELECT id, outcome FROM alerts")).all())  # type: ignore[arg-type]
    assert rows == {api.ids["alert_A"]: None, api.ids["alert_B"]: "cannot_tell"}
    assert login("viewer.a").post(f"/v1/alerts/{api.ids['alert_A']}/outcome", json=body).status_code == 403


def test_tracks_are_cut_to_the_scope_and_plates_masked(login: Login, api: Api) -> None:
    officer, dispatcher = login("officer.a"), login("dispatcher")
    assert officer.get("/v1/vehicles/V-B/track").status_code == 404
    assert dispatcher.get("/v1/vehicles/V-B/track").json()["fix_count"] == 20
    assert login("viewer.a").get("/v1/vehicles/V-A/track").status_code == 403
    card = officer.get(f"/v1/alerts/{api.ids['alert_A']}")
    assert card.json()["visits"][0]["plate_masked"] == "苏F·A**34"
    assert "苏FA1234" not in card.text and "plate" not in card.json()["visits"][0]
    seen = dispatcher.get(f"/v1/alerts/{api.ids['alert_A']}").json()["visits"][0]
    assert (seen["plate"], seen["plate_masked"]) == ("苏FA1234", "苏F·A**34")


def test_reads_of_an_area_are_logged_and_the_log_cannot_be_changed(
    login: Login, public: TestClient, api_engine: Engine
) -> None:
    login("officer.a").get("/collections/alerts/items", headers={"X-Request-Id": "from-the-test-1"})
    public.get("/v1/alerts/1", headers={"X-Request-Id": "from-the-test-2"})
    with api_engine.connect() as connection:
        rows = connection.execute(
            text(
                "SELECT username, role, path, status FROM access_log WHERE request_id LIKE 'from-the-test-%'"
                " ORDER BY request_id"
            )
        ).all()
        assert [tuple(r) for r in rows] == [
            ("officer.a", "officer", "/collections/alerts/items", 200),
            (None, "public", "/v1/alerts/1", 401),
        ]
        with pytest.raises(Exception, match="append-only"):
            connection.execute(text("DELETE FROM access_log"))


def test_every_permission_names_known_roles() -> None:
    assert set(MAY) and all(roles <= set(ROLES) for roles in MAY.values())
    assert "viewer" not in MAY["record_outcome"] | MAY["edit_areas"] | MAY["move_cases"]


def test_no_secret_gets_into_the_log(api: Api, capfd: pytest.CaptureFixture[str]) -> None:
    from geo_api.http.logs import configure_logs

    configure_logs("info")
    client = TestClient(api.app)
    client.post("/v1/login", json={"username": "officer.a", "password": PASSWORD})
    client.get("/v1/me?secret-question=1")
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines() if line.startswith("{")]
    configure_logs("error")
    assert [line["path"] for line in lines] == ["/v1/login", "/v1/me"]
    assert lines[0]["user"] == "officer.a"
    text_ = json.dumps(lines)
    assert (
        PASSWORD not in text_
        and client.cookies["wangge_session"] not in text_
        and "secret-question" not in text_
    )
