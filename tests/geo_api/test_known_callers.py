"""Callers that a process remembers.

Right in every worker at once, and without the database when nothing changed.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr
from sqlalchemy import event, text
from typer.testing import CliRunner

from geo_api.auth.accounts import create_user
from geo_api.auth.api_keys import create_key, revoke_keys
from geo_api.auth.callers import Caller
from geo_api.auth.known_callers import CAPACITY, KnownCallers
from geo_api.cli.main import app as cli
from geo_api.credentials import LoginThrottle
from geo_api.http.settings import Settings
from layers.errors import InputError
from layers.postgres import SYSTEM, Scope, session
from layers.postgres import sessions as database
from tests.support.application import PASSWORD, Api, Seeded, serving
from tests.support.small_town import TOWN_A, TOWN_B
from tests.support.waiting import PATIENCE_S, wait_until

ALERTS = "/collections/alerts/items"


@pytest.fixture(scope="module")
def two(
    seeded: Seeded, tmp_path_factory: pytest.TempPathFactory, _no_real_data_folder: None
) -> Iterator[tuple[str, str, Api]]:
    """Two workers over one database and one data folder: their addresses.

    Each test has accounts of its own.
    """
    url, folder = seeded.copy("two"), tmp_path_factory.mktemp("two")
    settings = Settings(database_url=url, data_dir=folder, secret=SecretStr("test"), log_level="error")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WANGGE_DATABASE_URL", url)
        patch.setenv("WANGGE_DATA_DIR", str(folder))
        with serving(settings) as one, serving(settings) as other:
            yield one, other, Api(None, url, seeded.ids, settings)  # type: ignore[arg-type]
    database.engine(url).dispose()


_numbers = itertools.count()


def account(api: Api, role: str, area_code: str | None = None) -> str:
    """A new account: its name."""
    name = f"{role}.{next(_numbers)}"
    with session(SYSTEM, api.url) as db:
        create_user(db, username=name, password=PASSWORD, role=role, area_code=area_code)
    return name


def login(address: str, username: str) -> httpx2.Client:
    client = httpx2.Client(base_url=address, timeout=PATIENCE_S)
    answer = client.post("/v1/login", json={"username": username, "password": PASSWORD})
    assert answer.status_code == 200
    client.headers["X-CSRF-Token"] = answer.json()["csrf_token"]
    return client


def elsewhere(client: httpx2.Client, address: str) -> httpx2.Client:
    """The same login at another worker."""
    return httpx2.Client(
        base_url=address, cookies=dict(client.cookies), headers=dict(client.headers), timeout=PATIENCE_S
    )


def test_a_logout_at_one_worker_holds_at_the_other_at_once(two: tuple[str, str, Api]) -> None:
    one, other, api = two
    name = account(api, "officer", TOWN_A)
    for _ in range(10):
        client = login(one, name)
        there = elsewhere(client, other)
        assert [there.get(ALERTS).status_code for _ in range(3)] == [200] * 3
        assert client.post("/v1/logout").status_code == 200
        assert [there.get(ALERTS).status_code for _ in range(3)] == [401] * 3


def test_a_new_login_ends_the_one_that_the_browser_had(two: tuple[str, str, Api]) -> None:
    one, other, api = two
    name = account(api, "officer", TOWN_A)
    fixed = login(one, name)
    before = elsewhere(fixed, other)
    assert before.get(ALERTS).status_code == 200
    answer = fixed.post("/v1/login", json={"username": account(api, "viewer", TOWN_B), "password": PASSWORD})
    assert answer.status_code == 200 and answer.cookies["wangge_session"] != before.cookies["wangge_session"]
    assert before.get(ALERTS).status_code == 401
    planted = httpx2.Client(
        base_url=one, cookies={"wangge_session": "planted-by-an-attacker"}, timeout=PATIENCE_S
    )
    answer = planted.post("/v1/login", json={"username": name, "password": PASSWORD})
    assert answer.cookies["wangge_session"] != "planted-by-an-attacker"


def test_another_password_role_or_area_holds_at_once(two: tuple[str, str, Api]) -> None:
    one, other, api = two
    name = account(api, "officer", TOWN_B)
    client = login(one, name)
    there = elsewhere(client, other)
    assert {f["properties"]["site_id"] for f in there.get(ALERTS).json()["features"]} == {"S-B"}
    changed = ["users", "add", name, "--role", "viewer", "--area", TOWN_A, "--password", "another password"]
    told = CliRunner().invoke(cli, changed)
    assert told.exit_code == 0, told.output
    assert there.get(ALERTS).status_code == client.get(ALERTS).status_code == 401
    assert CliRunner().invoke(cli, ["users", "off", name]).exit_code == 0
    body = {"username": name, "password": "another password"}
    assert httpx2.post(f"{one}/v1/login", json=body, timeout=PATIENCE_S).status_code == 401


def test_a_revoked_key_and_one_that_is_over_are_refused_at_once(two: tuple[str, str, Api]) -> None:
    one, other, api = two
    with session(SYSTEM, api.url) as db:
        create_user(db, username="svc", password=PASSWORD, role="service")
        key, short = create_key(db, "svc", name="a"), create_key(db, "svc", name="b", days=1)

    def statuses(key: str) -> list[int]:
        headers = {"Authorization": f"Bearer {key}"}
        return [
            httpx2.get(f"{a}{ALERTS}", headers=headers, timeout=PATIENCE_S).status_code
            for a in (one, other)
            for _ in range(2)
        ]

    assert statuses(key) == statuses(short) == [200] * 4
    assert CliRunner().invoke(cli, ["users", "key", "svc", "--name", "a", "--revoke"]).exit_code == 0
    assert statuses(key) == [401] * 4 and statuses(short) == [200] * 4
    with session(SYSTEM, api.url) as db:
        db.execute(text("UPDATE api_keys SET expires_at = now() WHERE name = 'b'"))
    wait_until(lambda: statuses(short) == [401] * 4, "both workers refuse the key that is over")


def test_plain_sql_is_heard(two: tuple[str, str, Api]) -> None:
    """Another machine, or a person at a prompt: by the notice of the database, a moment later."""
    one, other, api = two
    name = account(api, "officer", TOWN_A)
    client = login(one, name)
    assert client.get(ALERTS).status_code == elsewhere(client, other).get(ALERTS).status_code == 200
    with database.engine(api.url).begin() as connection:
        connection.execute(text("UPDATE users SET active = false WHERE username = :name"), {"name": name})
    wait_until(
        lambda: client.get(ALERTS).status_code == elsewhere(client, other).get(ALERTS).status_code == 401,
        "both workers refuse the account",
    )


def test_a_community_that_moved_to_another_town_is_the_new_manager_s_at_once(
    two: tuple[str, str, Api],
) -> None:
    one, other, api = two
    ids = api.ids
    with session(SYSTEM, api.url) as db:  # two communities in B, so that one can leave
        second = db.scalar(
            text(
                "INSERT INTO areas (code, name, kind, parent_id, valid_from, geom, label_point, area_m2)"
                " SELECT '320601002002', '第二社区', 'community', :town, valid_from, geom, label_point, area_m2"
                " FROM areas WHERE id = :grid RETURNING id"
            ),
            {"town": ids["town_B"], "grid": ids["grid_B2"]},
        )
        db.execute(text("UPDATE areas SET parent_id = :c WHERE id = :g"), {"c": second, "g": ids["grid_B2"]})
        db.execute(
            text("UPDATE areas SET geom = (SELECT geom FROM areas WHERE id = :g) WHERE id = :c"),
            {"c": ids["community_B"], "g": ids["grid_B1"]},
        )
    supervisor = login(one, "supervisor")
    managers = [login(one, account(api, "officer", code)) for code in (TOWN_A, TOWN_B)]

    def scopes() -> list[set[str]]:
        """Codes of the communities in whose areas each of the two may edit, as the other worker takes it."""
        found = []
        for client in managers:
            answers = {
                name: elsewhere(client, other).post(
                    "/collections/places/items",
                    json={"type": "Feature", "geometry": {"type": "Point", "coordinates": [lon, 31.3 + next(_numbers) / 1e4]},
                          "properties": {"kind": "petrol", "radius_m": 50}},
                    headers={"Content-Type": "application/geo+json"},
                ).status_code
                for name, lon in (("A", 120.3), ("B1", 120.6), ("B2", 120.9))
            }  # fmt: skip
            assert set(answers.values()) <= {201, 403}
            found.append({name for name, status in answers.items() if status == 201})
        return found

    assert scopes() == [{"A"}, {"B1", "B2"}]
    operations = [{"op": "reparent", "area_id": ids["community_B"], "parent_id": ids["town_A"]}]
    drafted = supervisor.post("/v1/change-sets", json={"operations": operations})
    assert drafted.status_code == 201, drafted.text
    applied = login(one, "supervisor.2").post(f"/v1/change-sets/{drafted.json()['id']}/apply")
    assert applied.status_code == 200, applied.text
    assert scopes() == [{"A", "B1"}, {"B2"}]


def test_a_caller_who_is_known_costs_no_query(two: tuple[str, str, Api]) -> None:
    one, _, api = two
    client = login(one, account(api, "officer", TOWN_A))
    asked: list[str] = []

    def heard(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        asked.append(statement)

    def costs_nothing() -> bool:
        asked.clear()
        assert client.get(ALERTS).status_code == 200
        return not [s for s in asked if "login_sessions" in s or "users" in s or "RECURSIVE" in s]

    engine = database.engine(api.url)
    event.listen(engine, "before_cursor_execute", heard)
    try:
        assert not costs_nothing()
        wait_until(costs_nothing, "the notices of the new account are through")
        assert all(costs_nothing() for _ in range(3))
    finally:
        event.remove(engine, "before_cursor_execute", heard)


def test_without_the_notices_nothing_is_remembered(tmp_path: Path) -> None:
    known = KnownCallers("postgresql://nowhere/x", tmp_path / "count")
    known.put("token", Caller(Scope(username="a")), known.version(), time.time() + 60)
    assert known.get("token") is None and not known.live


def test_what_was_read_before_a_change_is_not_remembered_after_it(tmp_path: Path) -> None:
    known = KnownCallers("postgresql://nowhere/x", tmp_path / "count")
    known._open_shared()
    known._listening = True
    before = known.version()
    known.changed()
    known.put("token", Caller(Scope(username="a")), before, time.time() + 60)
    assert known.get("token") is None
    known.put("token", Caller(Scope(username="a")), known.version(), time.time() + 60)
    assert known.get("token") is not None
    known.put("over", Caller(Scope(username="a")), known.version(), time.time() - 1)
    assert known.get("over") is None
    known.changed()
    assert known.get("token") is None
    for number in range(CAPACITY + 50):
        known.put(f"t{number}", Caller(), known.version(), time.time() + 60)
    assert len(known._callers) == CAPACITY


def test_a_key_may_do_less_than_its_account(two: tuple[str, str, Api]) -> None:
    one, _, api = two
    with session(SYSTEM, api.url) as db:
        create_user(db, username="svc.all", password=PASSWORD, role="service")
        create_user(db, username="svc.a", password=PASSWORD, role="service", area_code=TOWN_A)
        reader, sender = create_key(db, "svc.all", role="viewer"), create_key(db, "svc.all", role="sender")
        part = create_key(db, "svc.all", area_code=TOWN_B)
        with pytest.raises(InputError, match="not inside"):
            create_key(db, "svc.a", area_code=TOWN_B)
        with pytest.raises(InputError, match="role"):
            create_key(db, "svc.all", role="supervisor")
        with pytest.raises(InputError, match="days"):
            create_key(db, "svc.all", days=0)

    def ask(key: str, path: str) -> Any:
        return httpx2.get(f"{one}{path}", headers={"Authorization": f"Bearer {key}"}, timeout=PATIENCE_S)

    def sites(key: str) -> set[str]:
        return {f["properties"]["site_id"] for f in ask(key, ALERTS).json()["features"]}

    assert sites(reader) == {"S-A", "S-B"} and sites(part) == {"S-B"} and sites(sender) == set()
    assert ask(sender, f"/v1/alerts/{api.ids['alert_A']}").status_code == 403
    assert ask(sender, "/v1/vehicles/V-A/track").status_code == 403
    fix = {"vehicle_id": "V-K", "t": "2026-03-01T09:00:00Z", "lon": 120.1, "lat": 31.2}
    for key, status in ((sender, 200), (reader, 403)):
        answer = httpx2.post(
            f"{one}/v1/tracks?crs=wgs84", json=fix,
            headers={"Authorization": f"Bearer {key}", "Content-Type": "application/x-ndjson"}, timeout=PATIENCE_S,
        )  # fmt: skip
        assert answer.status_code == status, answer.text
    told = CliRunner().invoke(cli, ["users", "list"])
    assert told.exit_code == 0 and "svc.a" in told.output and "wk_" not in told.output
    with session(SYSTEM, api.url) as db:
        assert revoke_keys(db, "svc.all") == 3


def test_many_guesses_at_once_are_not_more_than_one_after_the_other() -> None:
    throttle = LoginThrottle(failures=3, window_s=60)
    assert [throttle.begin("a", "::1") > 0 for _ in range(5)] == [False] * 3 + [True] * 2
    throttle.succeeded("a", "::1")
    assert throttle.begin("a", "::1") == 0


def test_an_address_that_tries_many_names_is_held_up() -> None:
    throttle = LoginThrottle(failures=3, window_s=60)
    allowed = sum(throttle.begin(f"name-{i}", "::1") == 0 for i in range(200))
    assert allowed == 3 * 20
    assert throttle.begin("name-1", "::2") == 0
