"""The own account: passphrases, logins and their ends, and guessing that keeps nobody out."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine, text
from starlette.testclient import TestClient

from geo_api.auth.accounts import create_user
from geo_api.credentials import DEVICE_COOKIE, LoginThrottle, check_passphrase, read_browser
from layers.errors import InputError
from layers.postgres import SYSTEM, session
from tests.support.application import PASSWORD, Api, logged_in
from tests.support.small_town import TOWN_A

_numbers = itertools.count()
WINDOWS_EDGE = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 "
    "Safari/537.36 Edg/141.0.3537.57"
)


@pytest.fixture
def account(api: Api) -> Callable[..., str]:
    def make(role: str = "viewer") -> str:
        name = f"{role}.own{next(_numbers)}"
        with session(SYSTEM, api.url) as db:
            create_user(db, username=name, password=PASSWORD, role=role, area_code=TOWN_A)
        return name

    return make


def ids(client: TestClient) -> list[int]:
    return [login["id"] for login in client.get("/v1/account").json()["logins"]]


@pytest.mark.parametrize(
    "passphrase",
    [
        "password", "12345678", "qwertyuiop", "P@ssw0rd123", "iloveyou1", "1qaz2wsx", "aaaaaaaaaaaa",  # common everywhere
        "woaini1314", "zhongguo123", "guanliyuan888", "5201314520", "woaizhongguo",  # common in China
        "zhangwei2026", "ZhangWei!123", "张伟张伟张伟", "zhang.wei.2026",  # the person
        "Nantong2026!", "南通市2026", "nantong12345", "NT123456789", "wangge2026!",  # city and service
        "short 1", "ｐａｓｓｗｏｒｄ",
    ],
)  # fmt: skip
def test_passphrases_that_are_refused(passphrase: str) -> None:
    with pytest.raises(InputError, match="password"):
        check_passphrase(passphrase, ("zhang.wei", "张伟", None))


@pytest.mark.parametrize(
    "passphrase",
    ["three grey herons wade", "竹马绕床弄青梅同居长干里", "k7#vR!q2Lw0z", "lorry kettle Tuesday"],
)
def test_passphrases_that_are_accepted(passphrase: str) -> None:
    check_passphrase(passphrase, ("zhang.wei", "张伟"))


def test_another_password_ends_every_login_and_this_one_goes_on(
    api: Api, account: Callable[..., str]
) -> None:
    name = account()
    other, client = logged_in(api.app, name), logged_in(api.app, name)
    former = client.cookies["wangge_session"]
    new = "three grey herons wade"

    def change(password: str, new_password: str) -> Any:
        return client.post("/v1/account/password", json={"password": password, "new_password": new_password})

    assert change("wrong", new).status_code == 401
    for weak in ("password1", name, "Nantong2026!"):
        assert change(PASSWORD, weak).status_code == 422
    assert other.get("/v1/account").status_code == 200, "nothing happened yet"
    answer = change(PASSWORD, new)
    assert answer.status_code == 200 and answer.headers["cache-control"] == "no-store"
    assert client.cookies["wangge_session"] != former
    assert other.get("/v1/account").status_code == 401
    assert TestClient(api.app, cookies={"wangge_session": former}).get("/v1/account").status_code == 401
    client.headers["X-CSRF-Token"] = answer.json()["csrf_token"]
    assert len(ids(client)) == 1 and client.delete("/v1/account/logins").json() == {"ended": 0}
    tries = [
        TestClient(api.app).post("/v1/login", json={"username": name, "password": each}).status_code
        for each in (PASSWORD, new)
    ]
    assert tries == [401, 200]


def test_wrong_passwords_of_a_login_that_is_open_are_counted(api: Api, account: Callable[..., str]) -> None:
    client = logged_in(api.app, account())
    body = {"password": "guess", "new_password": "three grey herons wade"}
    statuses = [client.post("/v1/account/password", json=body).status_code for _ in range(6)]
    assert statuses == [401] * 5 + [429]


def test_logins_are_listed_and_ended(api: Api, account: Callable[..., str]) -> None:
    name, stranger = account(), logged_in(api.app, account())
    first, second = logged_in(api.app, name), logged_in(api.app, name)
    body = {"username": name, "password": PASSWORD}
    third = TestClient(api.app, headers={"User-Agent": WINDOWS_EDGE})
    third.headers["X-CSRF-Token"] = third.post("/v1/login", json=body).json()["csrf_token"]
    listed = third.get("/v1/account").json()["logins"]
    assert [login["this_one"] for login in listed] == [True, False, False]
    assert (listed[0]["browser"], listed[0]["system"]) == ("Edge 141", "Windows")
    assert listed[0]["address"] == "testclient"
    mine = ids(first)[-1]
    assert stranger.delete(f"/v1/account/logins/{mine}").status_code == 404
    assert first.get("/v1/account").status_code == 200
    assert third.delete(f"/v1/account/logins/{mine}").json() == {"ended": 1}
    assert first.get("/v1/account").status_code == 401
    assert third.delete("/v1/account/logins").json() == {"ended": 1}
    assert second.get("/v1/account").status_code == 401
    assert len(ids(third)) == 1 and len(ids(stranger)) == 1


def test_ending_logins_needs_the_page(api: Api, account: Callable[..., str]) -> None:
    client = logged_in(api.app, account())
    del client.headers["X-CSRF-Token"]
    assert client.delete("/v1/account/logins").status_code == 403


def test_a_login_that_is_not_used_ends(api: Api, account: Callable[..., str], api_engine: Engine) -> None:
    name = account()
    client = logged_in(api.app, name)

    def unused_for(minutes: int) -> None:
        with api_engine.begin() as connection:
            connection.execute(
                text(
                    "UPDATE login_sessions SET last_used_at = now() - make_interval(mins => :minutes)"
                    " WHERE user_id = (SELECT id FROM users WHERE username = :name)"
                ),
                {"minutes": minutes, "name": name},
            )

    assert client.get("/v1/me").json()["idle_minutes"] == 60
    unused_for(59)
    assert client.get("/v1/account").status_code == 200
    with api_engine.connect() as connection:
        fresh = connection.execute(
            text("SELECT now() - max(last_used_at) < interval '1 min' FROM login_sessions s"
                 " JOIN users u ON u.id = s.user_id WHERE username = :name"), {"name": name},
        ).scalar_one()  # fmt: skip
    assert fresh, "a request is a use"
    unused_for(61)
    assert client.get("/v1/account").status_code == 401
    assert client.get("/v1/me").json() == {"role": "public"}


def test_a_login_ends_after_its_hours_however_it_is_used(
    api: Api, account: Callable[..., str], api_engine: Engine
) -> None:
    client = logged_in(api.app, account())
    opened = client.get("/v1/account").json()
    assert opened["session_hours"] == 12
    with api_engine.begin() as connection:
        connection.execute(
            text("UPDATE login_sessions SET expires_at = now() - interval '1 s' WHERE id = :id"),
            {"id": opened["logins"][0]["id"]},
        )
    assert client.get("/v1/account").status_code == 401


def guess(api: Api, name: str, address: str, password: str, cookies: dict[str, str] | None = None) -> Any:
    client = TestClient(api.app, client=(address, 50_000), cookies=cookies)
    return client.post("/v1/login", json={"username": name, "password": password})


def test_many_addresses_are_held_up_but_the_known_browser_comes_in(
    api: Api, account: Callable[..., str]
) -> None:
    name = account("dispatcher")
    welcome = guess(api, name, "198.51.100.1", PASSWORD)
    device = {DEVICE_COOKIE: welcome.cookies[DEVICE_COOKIE]}
    path = next(c for c in welcome.headers.get_list("set-cookie") if c.startswith(DEVICE_COOKIE)).lower()
    assert "httponly" in path and "path=/v1/login" in path and "samesite=lax" in path
    statuses = [guess(api, name, f"192.0.2.{host}", "wrong").status_code for host in range(40)]
    assert statuses == [401] * 20 + [429] * 20
    assert guess(api, name, "203.0.113.9", PASSWORD).status_code == 429, "also with the right password"
    assert guess(api, name, "192.0.2.1", PASSWORD, device).status_code == 200, (
        "from where the guesses came, too"
    )
    assert guess(api, name, "203.0.113.9", "wrong").status_code == 429, "a success elsewhere opens nothing"


def test_a_stolen_device_cookie_gives_few_guesses_and_is_of_one_name(
    api: Api, account: Callable[..., str]
) -> None:
    name, other = account(), account()
    stolen = {DEVICE_COOKIE: guess(api, name, "198.51.100.2", PASSWORD).cookies[DEVICE_COOKIE]}
    statuses = [guess(api, name, f"192.0.2.{host}", "wrong", stolen).status_code for host in range(7)]
    assert statuses == [401] * 5 + [429] * 2
    statuses = [guess(api, other, f"192.0.2.{host}", "wrong", stolen).status_code for host in range(21)]
    assert statuses == [401] * 20 + [429], "counts as no device of another"
    forged = {DEVICE_COOKIE: stolen[DEVICE_COOKIE][:-3] + "abc"}
    statuses = [guess(api, name, f"192.0.2.{host}", "wrong", forged).status_code for host in range(100, 121)]
    assert statuses == [401] * 20 + [429]


def test_a_browser_is_known_for_all_who_share_it(api: Api, account: Callable[..., str]) -> None:
    names = [account() for _ in range(3)]
    desk = TestClient(api.app)
    for name in names:
        assert desk.post("/v1/login", json={"username": name, "password": PASSWORD}).status_code == 200
    device = {DEVICE_COOKIE: desk.cookies[DEVICE_COOKIE]}
    for name in names:
        for host in range(21):
            guess(api, name, f"192.0.2.{host}", "wrong")
        assert guess(api, name, "192.0.2.1", PASSWORD, device).status_code == 200


def test_an_attempt_that_is_taken_back_is_neither_success_nor_failure() -> None:
    throttle = LoginThrottle(failures=2, window_s=60)
    assert throttle.begin("a", "::1") == 0
    for _ in range(5):
        assert throttle.begin("a", "::1") == 0
        throttle.take_back("a", "::1")
    assert throttle.begin("a", "::1") == 0 and throttle.begin("a", "::1") > 0


@pytest.mark.parametrize(
    ("user_agent", "browser"),
    [
        (WINDOWS_EDGE, ("Edge 141", "Windows")),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", ("Firefox 140", "Linux")),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
            " Version/18.5 Mobile/15E148 Safari/604.1",
            ("Safari 18", "iOS"),
        ),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"
            " Version/18.4 Safari/605.1.15",
            ("Safari 18", "macOS"),
        ),
        (
            "Mozilla/5.0 (Linux; Android 14; V2309A) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0"
            " Chrome/126.0.6478.188 Mobile Safari/537.36 MicroMessenger/8.0.60",
            ("WeChat 8", "Android"),
        ),
        ("", (None, None)),
        ("x" * 5_000, (None, None)),
    ],
)
def test_browsers_in_plain_words(user_agent: str, browser: tuple[str | None, str | None]) -> None:
    assert read_browser(user_agent) == browser
