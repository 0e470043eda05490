"""Rate limits: who shares a bucket, what a refusal says, what it costs, and whom a proxy may speak for."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from starlette.testclient import TestClient

from geo_api.http.settings import Settings
from geo_api.server.app import create_app
from geo_api.server.rate_limits import DEFAULTS, Buckets, Limit, client_address, limits_of, networks_of
from layers.postgres import sessions as database
from tests.support.application import PASSWORD, Seeded, serving
from tests.support.waiting import PATIENCE_S

SITES = "/collections/sites/items?limit=1"


@pytest.fixture(scope="module")
def own_url(seeded: Seeded) -> Iterator[str]:
    url = seeded.copy("rates")
    yield url
    database.engine(url).dispose()


def limited(url: str, folder: Path, rates: str, **more: str) -> Settings:
    return Settings(
        database_url=url,
        data_dir=folder,
        secret=SecretStr("test"),
        log_level="error",
        rate_limits=rates,
        **more,
    )


def test_a_flood_is_refused_and_told_when_to_come_again(own_url: str, tmp_path: Path) -> None:
    client = TestClient(create_app(limited(own_url, tmp_path, "reads=0.1/3")))
    answers = [client.get(SITES) for _ in range(5)]
    assert [a.status_code for a in answers] == [200, 200, 200, 429, 429]
    assert answers[0].headers["ratelimit-policy"] == '"reads";q=3;w=30'
    assert answers[0].headers["ratelimit"] == '"reads";r=2;t=10'
    refused = answers[3]
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["type"] == "/problems/too-many-requests" and refused.json()["detail_zh"]
    assert 0 < int(refused.headers["retry-after"]) <= 10 and refused.headers["ratelimit"].startswith(
        '"reads";r=0;'
    )
    assert refused.headers["x-content-type-options"] == "nosniff" and refused.headers["x-request-id"]
    # Other classes have buckets of their own; health and metrics none.
    assert client.get("/collections/sites/tiles/WebMercatorQuad/8/104/213").status_code == 200
    assert client.get("/health/live").status_code == client.get("/metrics").status_code == 200


def test_invented_credentials_buy_nothing(own_url: str, tmp_path: Path) -> None:
    client = TestClient(create_app(limited(own_url, tmp_path, "reads=0.1/3")))
    statuses = [
        client.get(SITES, headers={"Cookie": f"wangge_session=invented-{i}", "X-Forwarded-For": f"10.0.0.{i}"}).status_code
        for i in range(5)
    ]  # fmt: skip
    assert statuses == [200, 200, 200, 429, 429]
    assert client.get(SITES, headers={"Authorization": "Bearer wk_invented"}).status_code == 429


def test_a_known_caller_is_not_held_up_by_the_neighbours(own_url: str, tmp_path: Path) -> None:
    with (
        serving(limited(own_url, tmp_path, "reads=0.1/6")) as address,
        httpx2.Client(base_url=address, timeout=PATIENCE_S) as user,
    ):
        user.post("/v1/login", json={"username": "officer.a", "password": PASSWORD})
        wait_until_known(user)
        for _ in range(10):
            httpx2.get(f"{address}{SITES}", timeout=PATIENCE_S)
        assert httpx2.get(f"{address}{SITES}", timeout=PATIENCE_S).status_code == 429
        assert user.get(SITES).status_code == 200  # six for the account
        assert [user.get(SITES).status_code for _ in range(6)][-1] == 429


def wait_until_known(user: httpx2.Client) -> None:
    """Asked on a path of another class, so that no token of the class under test is spent."""
    for _ in range(3):
        assert user.get("/collections/alerts/tiles/WebMercatorQuad/8/104/213").status_code == 200


def test_limits_of_logins(own_url: str, tmp_path: Path) -> None:
    client = TestClient(create_app(limited(own_url, tmp_path, "login=0.01/2")))
    body = {"username": "viewer.a", "password": PASSWORD}
    assert [client.post("/v1/login", json=body).status_code for _ in range(3)] == [200, 200, 429]


def test_a_proxy_that_is_trusted_speaks_for_its_clients(own_url: str, tmp_path: Path) -> None:
    with serving(limited(own_url, tmp_path, "reads=0.01/2", trusted_proxies="127.0.0.1")) as address:

        def ask(told: str) -> int:
            return httpx2.get(
                f"{address}{SITES}", headers={"X-Forwarded-For": told}, timeout=PATIENCE_S
            ).status_code

        assert [ask("9.9.9.9") for _ in range(3)] == [200, 200, 429]
        assert ask("9.9.9.8") == 200
        assert ask("1.2.3.4, 9.9.9.9") == 429, "what a client put in itself is not believed"


@pytest.mark.parametrize(
    ("told", "address"),
    [
        ([b"9.9.9.9"], "9.9.9.9"),
        ([b"6.6.6.6, 9.9.9.9"], "9.9.9.9"),
        ([b"9.9.9.9, 10.1.1.1, 10.2.2.2"], "9.9.9.9"),
        ([b"9.9.9.9", b"10.2.2.2"], "9.9.9.9"),
        ([b"2001:db8::1"], "2001:db8::1"),
        ([b"9.9.9.9, garbage"], "10.0.0.1"),
        ([b"garbage, 9.9.9.9"], "9.9.9.9"),
        ([b""], "10.0.0.1"),
        ([], "10.0.0.1"),
        ([b"10.9.9.9, 10.8.8.8"], "10.9.9.9"),
        ([b"\xff\xfe"], "10.0.0.1"),
    ],
)
def test_the_address_behind_proxies(told: list[bytes], address: str) -> None:
    scope = {"client": ("10.0.0.1", 5), "headers": [(b"x-forwarded-for", value) for value in told]}
    assert client_address(scope, networks_of("10.0.0.0/8")) == address
    assert client_address(scope, networks_of("192.168.0.0/16")) == "10.0.0.1"


@pytest.mark.parametrize(
    "text", ["reads", "reads=0", "king=5", "reads=5/0", "reads=-1", "reads=1/2/3", "reads=x"]
)
def test_a_wrong_setting_does_not_start(text: str) -> None:
    with pytest.raises(ValueError, match="WANGGE_RATE_LIMITS"):
        limits_of(text)


@given(
    st.lists(st.floats(0, 2), min_size=1, max_size=200),
    st.floats(0.1, 50),
    st.integers(1, 20),
)
def test_no_more_passes_than_the_limit_allows(gaps_s: list[float], per_second: float, burst: int) -> None:
    buckets, now, passed = Buckets(), 1_000.0, 0
    for gap in gaps_s:
        now += gap
        passed += buckets.take("a", Limit(per_second, burst), now) >= 0
    assert passed <= burst + per_second * (now - 1_000.0) + 1e-6
    assert passed >= min(len(gaps_s), burst)


def test_memory_is_bounded() -> None:
    buckets = Buckets(capacity=100)
    for number in range(10_000):
        buckets.take(("reads", None, f"10.0.{number}"), DEFAULTS["reads"], float(number))
    assert len(buckets) == 100


def test_taking_a_token_costs_microseconds() -> None:
    """A generous bound, so that a slow machine passes: a list of all buckets would need milliseconds."""
    buckets, limit = Buckets(), DEFAULTS["tiles"]
    keys = [("tiles", None, f"10.0.0.{i}") for i in range(1_000)]
    begun = time.process_time()
    for i in range(100_000):
        buckets.take(keys[i % 1_000], limit, float(i))
    assert (time.process_time() - begun) / 100_000 < 100e-6
