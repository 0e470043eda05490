"""Names under which the service answers."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from geo_api.server.app import create_app
from tests.support.application import Api


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.0.0.1:8000",
        "[::1]:8000",
        "10.1.2.3",
        "localhost:8000",
        "map",
        "map.localhost",
        "MAP:80",
    ],
)
def test_addresses_and_plain_names_need_no_setting(public: TestClient, host: str) -> None:
    answer = public.get("/", headers={"Host": host, "Accept": "application/json"})
    assert answer.status_code == 200
    assert any(f"//{host.lower()}" in link["href"].lower() for link in answer.json()["links"])


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:80",
        "a b",
        "127.0.0.1:x",
        "a.b/c",
        "user@evil.example",
        "",
        "x" * 400,
        "é.example",
    ],
)
def test_a_foreign_host_is_refused_and_stands_in_no_link(public: TestClient, host: str) -> None:
    for path in ("/", "/collections", "/v1/settings"):
        answer = public.get(path, headers={"Host": host.encode("latin-1"), "Accept": "application/json"})  # type: ignore[dict-item]
        assert (answer.status_code, answer.json()["type"]) == (421, "/problems/unknown-host"), path
        assert "evil" not in answer.text.replace(answer.json()["instance"], "")


def test_health_is_answered_under_every_name(public: TestClient) -> None:
    assert public.get("/health/live", headers={"Host": "probe.example"}).status_code == 200


def test_names_of_the_setting(api: Api) -> None:
    settings = api.settings.model_copy(update={"allowed_hosts": "map.city.example, .gov.example"})
    client = TestClient(create_app(settings))
    for host, status in (
        ("map.city.example", 200),
        ("MAP.city.example:443", 200),
        ("a.gov.example", 200),
        ("gov.example", 421),
        ("agov.example", 421),
        ("city.example", 421),
    ):
        assert client.get("/", headers={"Host": host}).status_code == status, host
    anyone = TestClient(create_app(api.settings.model_copy(update={"allowed_hosts": "*"})))
    assert anyone.get("/", headers={"Host": "evil.example"}).status_code == 200
