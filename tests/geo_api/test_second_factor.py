"""One-time codes as a second factor.

Enrolment, codes used once, recovery, reset, and roles that must have one.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import struct
import urllib.parse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError
from sqlalchemy import Engine, text
from starlette.testclient import TestClient
from typer.testing import CliRunner

from geo_api.auth.accounts import create_user
from geo_api.cli.main import app as cli
from geo_api.credentials import check_code, confirm_enrolment, second_factor, start_enrolment
from geo_api.http.settings import Settings
from geo_api.server.app import create_app
from layers.postgres import SYSTEM, session
from layers.postgres import sessions as database
from layers.records import find_account
from tests.support.application import PASSWORD, Api, Seeded, logged_in
from tests.support.small_town import TOWN_A

KEY = b"test"


class Clock:
    """The clock of the codes: it stands still, so that no test depends on where in its 30 s a code is."""

    def time(self) -> float:
        return 1_900_000_005.0


CLOCK = Clock()
_numbers = itertools.count()


def code_of(secret: str, at_s: float) -> str:
    """RFC 6238 and RFC 4226 by hand: HMAC-SHA-1 of the step, dynamically truncated."""
    mac = hmac.new(base64.b32decode(secret), struct.pack(">Q", int(at_s) // 30), hashlib.sha1).digest()
    place = mac[-1] & 15
    return f"{(struct.unpack('>I', mac[place : place + 4])[0] & 0x7FFFFFFF) % 10**6:06}"


def test_the_codes_of_the_test_are_those_of_the_standard() -> None:
    """RFC 6238, appendix B: eight digits there, of which these are the last six."""
    secret = base64.b32encode(b"12345678901234567890").decode()
    assert [code_of(secret, at) for at in (59, 1111111109, 20000000000)] == ["287082", "081804", "353130"]


@pytest.fixture(autouse=True)
def _clock_stands_still(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(second_factor, "time", CLOCK)


@pytest.fixture
def account(api: Api) -> Callable[..., str]:
    def make(role: str = "viewer", area_code: str | None = TOWN_A) -> str:
        name = f"{role}.{next(_numbers)}"
        with session(SYSTEM, api.url) as db:
            create_user(db, username=name, password=PASSWORD, role=role, area_code=area_code)
        return name

    return make


def enrolled(client: TestClient) -> tuple[str, list[str]]:
    """The secret and the recovery codes of a client that has set up its second factor just now."""
    made = client.post("/v1/account/second-factor", json={"password": PASSWORD}).json()
    first = {"code": code_of(made["secret"], CLOCK.time())}
    answer = client.post("/v1/account/second-factor/confirm", json=first)
    assert answer.status_code == 200, answer.text
    return made["secret"], answer.json()["recovery_codes"]


def try_login(app: Any, username: str, code: str | None = None, password: str = PASSWORD) -> Any:
    body = {"username": username, "password": password, **({} if code is None else {"code": code})}
    return TestClient(app, raise_server_exceptions=False).post("/v1/login", json=body)


def kind(answer: Any) -> str:
    return str(answer.json()["type"].removeprefix("/problems/"))


def test_a_login_with_a_second_factor(api: Api, account: Callable[..., str]) -> None:
    name = account()
    client = logged_in(api.app, name)
    secret, _ = enrolled(client)
    assert client.get("/v1/account").json()["second_factor"]["recovery_codes_left"] == 10
    without = try_login(api.app, name)
    assert (without.status_code, kind(without)) == (401, "second-factor-needed")
    assert "set-cookie" not in without.headers
    now = CLOCK.time()
    assert kind(try_login(api.app, name, code_of(secret, now))) == "second-factor-failed", "used to confirm"
    following = code_of(secret, now + 30)
    assert try_login(api.app, name, following).status_code == 200
    assert kind(try_login(api.app, name, following)) == "second-factor-failed", "a code is accepted once"
    wrong_password = try_login(api.app, name, code_of(secret, now + 30), "wrong password")
    assert kind(wrong_password) == "login-failed"


def test_codes_count_for_one_step_before_and_after_and_only_once(
    api: Api, account: Callable[..., str]
) -> None:
    name, now = account(), 1_800_000_015.0
    with session(SYSTEM, api.url) as db:
        user = find_account(db, name)
        assert user is not None
        secret = start_enrolment(db, KEY, user, "test").secret
        assert confirm_enrolment(db, KEY, user, code_of(secret, now - 300), now) is None, "long over"
        assert confirm_enrolment(db, KEY, user, code_of(secret, now), now) is not None
        later = now + 600

        def accepted(at_s: float) -> bool:
            return check_code(db, KEY, user, code_of(secret, at_s), later)

        assert [accepted(later + steps * 30) for steps in (-2, 2)] == [False, False]
        assert [accepted(later + steps * 30) for steps in (-1, -1, 0, 0, 1, 1)] == [True, False] * 3
        assert not accepted(later - 30) and not accepted(later), "older than one that was used"


def test_typed_with_blanks(api: Api, account: Callable[..., str]) -> None:
    name = account()
    secret, recovery = enrolled(logged_in(api.app, name))
    code = code_of(secret, CLOCK.time() + 30)
    assert try_login(api.app, name, f" {code[:3]} {code[3:]} ").status_code == 200
    assert try_login(api.app, name, recovery[0].lower().replace("-", " ")).status_code == 200


def test_recovery_codes_open_once_and_end_with_new_ones(api: Api, account: Callable[..., str]) -> None:
    name = account()
    client = logged_in(api.app, name)
    secret, old = enrolled(client)
    assert len(set(old)) == 10 and all(len(code.replace("-", "")) == 16 for code in old)
    assert try_login(api.app, name, old[0]).status_code == 200
    assert kind(try_login(api.app, name, old[0])) == "second-factor-failed"
    assert client.get("/v1/account").json()["second_factor"]["recovery_codes_left"] == 9
    proof = {"password": PASSWORD, "code": code_of(secret, CLOCK.time() + 30)}
    fresh = client.post("/v1/account/recovery-codes", json=proof).json()["recovery_codes"]
    assert not set(old) & set(fresh)
    assert kind(try_login(api.app, name, old[1])) == "second-factor-failed"
    assert try_login(api.app, name, fresh[0]).status_code == 200


def test_neither_secret_nor_codes_can_be_read_in_the_database(
    api: Api, account: Callable[..., str], api_engine: Engine
) -> None:
    name = account()
    secret, recovery = enrolled(logged_in(api.app, name))
    with api_engine.connect() as connection:
        everything = connection.execute(
            text(
                "SELECT string_agg(f::text || encode(f.secret, 'escape'), '') ||"
                " (SELECT string_agg(r::text, '') FROM recovery_codes r) FROM second_factors f"
            )
        ).scalar_one()
    assert secret not in everything and base64.b32decode(secret).hex() not in everything
    assert not any(code in everything or code.replace("-", "") in everything for code in recovery)


def test_a_secret_opens_with_the_key_and_in_the_account_of_its_enrolment_only(
    api: Api, account: Callable[..., str], api_engine: Engine
) -> None:
    mine, other = account(), account()
    secret, recovery = enrolled(logged_in(api.app, mine))
    enrolled(logged_in(api.app, other))
    now = CLOCK.time()
    with session(SYSTEM, api.url) as db:
        user = find_account(db, mine)
        assert user is not None
        assert not check_code(db, b"another key", user, code_of(secret, now + 30), now)
        assert check_code(db, KEY, user, code_of(secret, now + 30), now)
    with api_engine.begin() as connection:  # somebody writes an own secret over that of another
        connection.execute(
            text(
                "UPDATE second_factors SET last_step = 0, secret ="
                " (SELECT secret FROM second_factors s JOIN users u ON u.id = s.user_id WHERE u.username = :mine)"
                " WHERE user_id = (SELECT id FROM users WHERE username = :other)"
            ),
            {"mine": mine, "other": other},
        )
    assert kind(try_login(api.app, other, code_of(secret, CLOCK.time()))) == "second-factor-failed"
    assert try_login(api.app, mine, recovery[0]).status_code == 200


def test_enrolling_shows_a_picture_of_the_address(api: Api, account: Callable[..., str]) -> None:
    name = account()
    client = logged_in(api.app, name)
    assert client.post("/v1/account/second-factor", json={"password": "wrong"}).status_code == 401
    answer = client.post("/v1/account/second-factor", json={"password": PASSWORD})
    made = answer.json()
    assert answer.headers["cache-control"] == "no-store"
    assert made["picture"].startswith("data:image/svg+xml") and "http-equiv" not in made["picture"]
    address = urllib.parse.urlsplit(made["uri"])
    assert (address.scheme, address.netloc) == ("otpauth", "totp")
    assert urllib.parse.parse_qs(address.query)["secret"] == [made["secret"]]
    assert urllib.parse.unquote(address.path).endswith(f":{name}")
    assert len(base64.b32decode(made["secret"])) >= 20, "RFC 4226 asks for 160 bits"
    assert try_login(api.app, name).status_code == 200, "not in force before a first code"
    wrong = client.post("/v1/account/second-factor/confirm", json={"code": "000000"})
    assert kind(wrong) == "second-factor-failed"
    # Once it is in force, another cannot be put over it.
    again = {"code": code_of(made["secret"], CLOCK.time())}
    assert client.post("/v1/account/second-factor/confirm", json=again).status_code == 200
    assert client.post("/v1/account/second-factor", json={"password": PASSWORD}).status_code == 409


def test_confirming_ends_logins_that_were_opened_without(api: Api, account: Callable[..., str]) -> None:
    name = account()
    before, client = logged_in(api.app, name), logged_in(api.app, name)
    enrolled(client)
    assert before.get("/v1/account").status_code == 401
    assert client.get("/v1/account").status_code == 200


def test_removing_needs_password_and_code(api: Api, account: Callable[..., str]) -> None:
    name = account()
    client = logged_in(api.app, name)
    assert (
        client.post("/v1/account/second-factor/remove", json={"password": PASSWORD, "code": "1"}).status_code
        == 409
    )
    secret, _ = enrolled(client)
    code = code_of(secret, CLOCK.time() + 30)
    for proof in ({"password": "wrong", "code": code}, {"password": PASSWORD, "code": "000000"}):
        assert client.post("/v1/account/second-factor/remove", json=proof).status_code == 401
    proof = {"password": PASSWORD, "code": code}
    assert client.post("/v1/account/second-factor/remove", json=proof).status_code == 200
    assert try_login(api.app, name).status_code == 200


def test_codes_cannot_be_guessed_by_who_knows_the_password(api: Api, account: Callable[..., str]) -> None:
    name = account()
    enrolled(logged_in(api.app, name))
    statuses = []
    for guess in range(6):  # asking without a code between the guesses does not begin the count anew
        statuses.append(try_login(api.app, name, f"{guess:06}").status_code)
        try_login(api.app, name)
    assert statuses == [401] * 5 + [429]


@pytest.fixture
def strict(seeded: Seeded, tmp_path: Path) -> Iterator[Api]:
    """An installation whose dispatchers and supervisors must have a second factor."""
    url = seeded.copy(f"strict_{next(_numbers)}")
    settings = Settings(
        database_url=url, data_dir=tmp_path, secret=SecretStr("test"), log_level="error",
        second_factor_roles="supervisor, dispatcher",
    )  # fmt: skip
    yield Api(create_app(settings), url, seeded.ids, settings)
    database.engine(url).dispose()


def test_who_must_have_one_can_only_set_it_up(strict: Api) -> None:
    client = logged_in(strict.app, "dispatcher")
    me = client.get("/v1/me").json()
    assert (me["role"], me["enrolling"], me["username"]) == ("public", True, "dispatcher")
    refused = client.get("/collections/alerts/items")
    assert (refused.status_code, kind(refused)) == (403, "enrolment-needed")
    assert client.delete("/v1/account/logins").status_code == 403
    state = client.get("/v1/account").json()["second_factor"]
    assert (state["required"], state["enrolled"]) == (True, False)
    del client.headers["X-CSRF-Token"]
    assert kind(client.post("/v1/account/second-factor", json={"password": PASSWORD})) == "csrf"
    client.headers["X-CSRF-Token"] = me["csrf_token"]
    secret, _ = enrolled(client)
    assert client.get("/v1/me").json()["role"] == "dispatcher"
    assert client.get("/collections/alerts/items").status_code == 200
    assert kind(try_login(strict.app, "dispatcher")) == "second-factor-needed"
    assert try_login(strict.app, "dispatcher", code_of(secret, CLOCK.time() + 30)).status_code == 200
    # Removed, it must be set up again before anything else.
    proof = {"password": PASSWORD, "code": code_of(secret, CLOCK.time() + 30)}
    assert kind(client.post("/v1/account/second-factor/remove", json=proof)) == "second-factor-failed"
    assert logged_in(strict.app, "officer.a").get("/collections/alerts/items").status_code == 200


def test_a_role_that_is_none_is_refused() -> None:
    with pytest.raises(ValidationError, match="'dispatchr' is no role"):
        Settings(second_factor_roles="supervisor,dispatchr")


def test_an_administrator_resets_it_and_the_log_says_so(
    strict: Api, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("WANGGE_DATABASE_URL", strict.url)
    monkeypatch.setenv("WANGGE_DATA_DIR", str(tmp_path))
    client = logged_in(strict.app, "dispatcher")
    enrolled(client)
    done = CliRunner().invoke(cli, ["users", "totp", "reset", "dispatcher"])
    assert done.exit_code == 0, done.output
    assert client.get("/v1/account").status_code == 401, "its logins ended"
    assert logged_in(strict.app, "dispatcher").get("/v1/me").json()["enrolling"] is True
    assert CliRunner().invoke(cli, ["users", "totp", "reset", "dispatcher"]).exit_code != 0, "there is none"
    assert CliRunner().invoke(cli, ["users", "totp", "reset", "nobody"]).exit_code != 0
    with session(SYSTEM, strict.url) as db:
        rows = db.execute(text("SELECT username, path FROM access_log WHERE method = 'RESET'")).all()
    assert len(rows) == 1 and "dispatcher" in rows[0].path and "@" in rows[0].username
