"""API keys of persons: made and ended by their owner, shown once, never with more rights than the account has."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyotp
import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from geo_api.auth.access import create_user
from geo_api.auth.accounts import switch_off
from geo_api.auth.api_keys import MOST_KEYS, revoke_keys
from geo_api.server.app import create_app
from layers.postgres import SYSTEM, session
from tests.support.application import PASSWORD, Api, Seeded, api_over, logged_in
from tests.support.small_town import TOWN_A, TOWN_B

KEYS = "/v1/account/keys"


@pytest.fixture
def own(seeded: Seeded, tmp_path: Path) -> Iterator[Api]:
    yield from api_over(seeded, f"keys_{tmp_path.name}", tmp_path)


def make(client: TestClient, **values: Any) -> dict[str, Any]:
    answer = client.post(KEYS, json={"name": "脚本", "password": PASSWORD, **values})
    assert answer.status_code == 201, answer.text
    assert answer.headers["cache-control"] == "no-store"
    made: dict[str, Any] = answer.json()
    return made


def by(api: Api, key: str) -> TestClient:
    return TestClient(api.app, raise_server_exceptions=False, headers={"Authorization": f"Bearer {key}"})


def alerts_seen(client: TestClient) -> set[str]:
    answer = client.get("/collections/alerts/items")
    assert answer.status_code == 200, answer.text
    return {one["properties"]["site_id"] for one in answer.json()["features"]}


def test_a_key_acts_as_its_account_and_is_shown_once(own: Api) -> None:
    person = logged_in(own.app, "officer.a")
    made = make(person, days=30)
    assert made["key"].startswith("wk_") and made["read_only"] is False
    ends = dt.datetime.fromisoformat(made["expires_at"]) - dt.datetime.fromisoformat(made["created_at"])
    assert ends == dt.timedelta(days=30)
    listed = person.get(KEYS)
    assert made["key"] not in listed.text and [one["name"] for one in listed.json()["keys"]] == ["脚本"]
    with session(SYSTEM, own.url) as db:
        kept = db.execute(text("SELECT k::text FROM api_keys k")).scalars().all()
        assert len(kept) == 1 and made["key"] not in kept[0], "a hash is stored"
    program = by(own, made["key"])
    mine, its = person.get("/v1/me").json(), program.get("/v1/me").json()
    assert {name: its[name] for name in ("role", "username", "area", "body")} == {
        name: mine[name] for name in ("role", "username", "area", "body")
    }
    assert alerts_seen(program) == alerts_seen(person) == {"S-A"}
    # An unsafe step with it needs no CSRF token, and is that person's.
    noted = program.post(
        f"/v1/alerts/{own.ids['alert_A']}/outcome", json={"outcome": "legal_use", "note": "核查"}
    )
    assert noted.status_code in (200, 201), noted.text
    assert listed.json()["keys"][0]["last_used_at"] is None
    assert person.get(KEYS).json()["keys"][0]["last_used_at"] is not None


def test_a_key_that_only_reads_reads_all_of_the_account_and_writes_nothing(own: Api) -> None:
    person = logged_in(own.app, "dispatcher")
    program = by(own, make(person, read_only=True)["key"])
    assert alerts_seen(program) == {"S-A", "S-B"}
    assert program.get("/v1/vehicles/V-A/track").status_code == 200, "a dispatcher reads tracks"
    for method, path in (
        ("POST", "/v1/clues"),
        ("POST", f"/v1/alerts/{own.ids['alert_A']}/outcome"),
        ("POST", "/v1/tracks?crs=wgs84"),
        ("PUT", "/collections/sites/items/1"),
        ("PATCH", "/collections/sites/items/1"),
        ("DELETE", "/collections/sites/items/1"),
        ("POST", "/v1/logout"),
    ):
        answer = program.request(method, path, json={})
        assert answer.status_code == 403 and "仅可读取" in answer.json()["detail_zh"], (method, path)
    with session(SYSTEM, own.url) as db:
        before = db.scalar(text("SELECT count(*) FROM clues"))
    form = {"api_key": make(person, name="表单", read_only=True)["key"], "service_code": "ECO-001"}
    assert program.post("/open311/v2/requests.json", data=form).status_code == 403
    with session(SYSTEM, own.url) as db:
        assert db.scalar(text("SELECT count(*) FROM clues")) == before


def test_a_key_never_has_more_than_its_account_has_now(own: Api) -> None:
    program = by(own, make(logged_in(own.app, "dispatcher"))["key"])
    assert alerts_seen(program) == {"S-A", "S-B"}
    with session(SYSTEM, own.url) as db:
        db.execute(
            text("UPDATE users SET role = 'viewer', area_code = :a WHERE username = 'dispatcher'"),
            {"a": TOWN_B},
        )
    own.app.state.known_callers.changed()
    assert alerts_seen(program) == {"S-B"}
    assert program.get("/v1/vehicles/V-B/track").status_code == 403, "a viewer reads no tracks"


@pytest.mark.parametrize("how", ["switched off", "password", "rights", "ended", "revoked", "over"])
def test_a_key_dies(own: Api, how: str) -> None:
    person = logged_in(own.app, "officer.a")
    made = make(person)
    program = by(own, made["key"])
    assert program.get("/v1/me").json()["username"] == "officer.a"
    if how == "password":
        new = {"password": PASSWORD, "new_password": "three grey herons wade"}
        assert person.post("/v1/account/password", json=new).status_code == 200
    elif how == "ended":
        assert person.delete(f"{KEYS}/{made['id']}").json() == {"ended": 1}
        assert person.delete(f"{KEYS}/{made['id']}").status_code == 404
    else:
        with session(SYSTEM, own.url) as db:
            if how == "switched off":
                switch_off(db, "officer.a")
            elif how == "rights":
                create_user(db, username="officer.a", password=PASSWORD, role="supervisor")
            elif how == "revoked":
                assert revoke_keys(db, "officer.a") == 1
            else:
                db.execute(text("UPDATE api_keys SET expires_at = now() - interval '1 s'"))
        own.app.state.known_callers.changed()
    answer = program.get("/v1/me")
    assert answer.status_code == 401 and "invalid_token" in answer.headers["www-authenticate"]
    if how in ("ended", "revoked", "over", "password"):
        assert logged_in_again(own, how).get(KEYS).json()["keys"] == []


def logged_in_again(api: Api, how: str) -> TestClient:
    client = TestClient(api.app)
    password = "three grey herons wade" if how == "password" else PASSWORD
    client.post("/v1/login", json={"username": "officer.a", "password": password})
    return client


def test_a_key_of_a_service_that_becomes_a_person_ends(own: Api) -> None:
    """Else a key that an operator gave to a device would act as a supervisor."""
    from geo_api.auth.api_keys import create_key

    with session(SYSTEM, own.url) as db:
        create_user(db, username="device", password=PASSWORD, role="service", area_code=TOWN_A)
        key = create_key(db, "device")
        create_user(db, username="device", password=PASSWORD, role="service")
    assert by(own, key).get("/v1/me").json()["role"] == "service", "rights of a service are set anew"
    with session(SYSTEM, own.url) as db:
        create_user(db, username="device", password=PASSWORD, role="supervisor")
    own.app.state.known_callers.changed()
    assert by(own, key).get("/v1/me").status_code == 401


def test_a_key_opens_no_account_and_keys_are_the_owners_alone(own: Api) -> None:
    person, other = logged_in(own.app, "officer.a"), logged_in(own.app, "officer.b")
    made = make(person)
    program = by(own, made["key"])
    for method, path in (
        ("GET", KEYS),
        ("POST", KEYS),
        ("DELETE", f"{KEYS}/{made['id']}"),
        ("GET", "/v1/account"),
    ):
        body = {"name": "x", "password": PASSWORD} if method == "POST" else None
        assert program.request(method, path, json=body).status_code == 403, (method, path)
    assert other.get(KEYS).json()["keys"] == []
    assert other.delete(f"{KEYS}/{made['id']}").status_code == 404
    in_address = TestClient(own.app).get(
        "/v1/tracks/osmand", params={"key": make(logged_in(own.app, "dispatcher"))["key"], "id": "1"}
    )
    assert in_address.status_code == 401, "addresses stand in logs"


def test_what_is_asked_of_a_new_key(own: Api) -> None:
    person = logged_in(own.app, "officer.a")
    whole = {"name": "a", "password": PASSWORD}
    for wrong, status in (
        ({"password": "wrong"}, 401),
        ({"name": "  "}, 422),
        ({"name": "x" * 61}, 422),
        ({"days": 0}, 422),
        ({"days": 367}, 422),
        ({"role": "supervisor"}, 422),
    ):
        assert person.post(KEYS, json=whole | wrong).status_code == status, wrong
    without = TestClient(own.app, cookies={"wangge_session": person.cookies["wangge_session"]})
    assert without.post(KEYS, json=whole).status_code == 403, "no CSRF token"
    assert person.get(KEYS).json()["keys"] == []
    make(person, name="a")
    taken = person.post(KEYS, json=whole)
    assert taken.status_code == 409 and "同名" in taken.json()["detail_zh"]
    for number in range(MOST_KEYS - 1):
        make(person, name=f"n{number}")
    assert person.post(KEYS, json=whole | {"name": "one more"}).status_code == 409


def test_making_and_ending_is_logged_and_calls_name_their_key(own: Api) -> None:
    person = logged_in(own.app, "officer.a")
    made = make(person, name="夜间同步")
    alerts_seen(by(own, made["key"]))
    person.delete(f"{KEYS}/{made['id']}")
    log = logged_in(own.app, "supervisor").get("/v1/access-log?user=officer.a").json()["calls"]
    told = {(one["method"], one["path"], one["status"], (one["detail"] or {}).get("api_key")) for one in log}
    assert ("POST", KEYS, 201, None) in told and ("DELETE", f"{KEYS}/{made['id']}", 200, None) in told
    assert ("GET", "/collections/alerts/items", 200, "夜间同步") in told
    assert made["key"] not in str(log)


def test_a_second_factor_goes_before_every_key(own: Api) -> None:
    person = logged_in(own.app, "officer.a")
    before = make(person, name="before")["key"]
    # A role that must have one: keys of who has none do not work.
    strict = own.settings.model_copy(update={"second_factor_roles": "officer"})
    app = create_app(strict)
    refused = TestClient(app, headers={"Authorization": f"Bearer {before}"}).get("/v1/me")
    assert refused.status_code == 401
    started = person.post("/v1/account/second-factor", json={"password": PASSWORD}).json()
    codes = pyotp.TOTP(started["secret"])
    recovery = person.post("/v1/account/second-factor/confirm", json={"code": codes.now()}).json()[
        "recovery_codes"
    ]
    accepted = TestClient(app, headers={"Authorization": f"Bearer {before}"}).get("/v1/me")
    assert accepted.status_code == 200
    bare = person.post(KEYS, json={"name": "after", "password": PASSWORD})
    assert bare.status_code == 401 and bare.json()["type"].endswith("second-factor-failed")
    wrong = person.post(KEYS, json={"name": "after", "password": PASSWORD, "code": "000000"})
    assert wrong.status_code == 401
    make(person, name="after", code=recovery[0])


def test_a_key_by_http_basic_is_the_same_key_and_a_password_is_none(own: Api) -> None:
    """As ``curl -u`` and BI tools send it; a header for a proxy in front leaves the login alone."""
    key = make(logged_in(own.app, "officer.a"))["key"]
    anew = TestClient(own.app, raise_server_exceptions=False)
    seen = alerts_seen(by(own, key))
    assert seen == {"S-A"}
    for user, password in (("officer.a", key), (key, ""), (key, "x")):
        answer = anew.get("/collections/alerts/items", auth=(user, password))
        assert {one["properties"]["site_id"] for one in answer.json()["features"]} == seen
    assert anew.get("/v1/me", auth=("officer.b", key)).status_code == 401
    assert anew.get("/v1/me", auth=("officer.a", key + "x")).status_code == 401
    assert anew.get("/collections/alerts/items", auth=("officer.a", PASSWORD)).status_code == 401
    person = logged_in(own.app, "officer.b")
    assert person.get("/v1/me", auth=("proxy", "secret")).json()["username"] == "officer.b"
