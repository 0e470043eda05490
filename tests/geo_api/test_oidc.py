"""Tokens of an identity provider: a real one on this machine, good tokens, and hostile ones."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from jwt.algorithms import RSAAlgorithm
from pydantic import SecretStr
from sqlalchemy import text
from starlette.testclient import TestClient

from geo_api.auth.oidc import MAX_TOKEN_BYTES, TokenRefused, TokenVerifier
from geo_api.auth.oidc_keys import KeySet, KeysUnavailable
from geo_api.http.settings import Settings
from geo_api.server.app import create_app
from layers.postgres import sessions as database
from tests.support.application import Api, Seeded
from tests.support.identity_provider import (
    AUDIENCE,
    EC,
    ED,
    RSA,
    STRANGER,
    WEAK,
    Provider,
    providing,
    published,
)
from tests.support.small_town import TOWN_A

ALERTS = "/collections/alerts/items"


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    """The provider of most tests: nobody changes it."""
    with providing() as made:
        yield made


@pytest.fixture
def own_provider() -> Iterator[Provider]:
    """A provider of one test, which changes it or counts what it was asked."""
    with providing() as made:
        yield made


@pytest.fixture(scope="module")
def own_url(seeded: Seeded) -> Iterator[str]:
    url = seeded.copy("oidc")
    yield url
    database.engine(url).dispose()


def configured(provider: Provider, url: str, folder: Path, **more: Any) -> Settings:
    return Settings(
        database_url=url, data_dir=folder, secret=SecretStr("test"), log_level="error",
        oidc_issuer=provider.address, oidc_audience=AUDIENCE, **more,
    )  # fmt: skip


@pytest.fixture(scope="module")
def bearer_api(
    provider: Provider, own_url: str, seeded: Seeded, tmp_path_factory: pytest.TempPathFactory
) -> Api:
    settings = configured(provider, own_url, tmp_path_factory.mktemp("oidc"))
    return Api(create_app(settings), own_url, seeded.ids, settings)


@pytest.fixture
def client(bearer_api: Api) -> TestClient:
    return TestClient(bearer_api.app, raise_server_exceptions=False)


def ask(client: TestClient, token: str, path: str = ALERTS) -> Any:
    return client.get(path, headers={"Authorization": f"Bearer {token}"})


@pytest.mark.parametrize(
    ("key", "algorithm", "kid"),
    [
        (RSA, "RS256", "rsa"),
        (RSA, "PS384", "rsa"),
        (EC, "ES256", "ec"),
        (ED, "EdDSA", "ed"),
        (EC, "ES256", None),
    ],
)
def test_a_good_token_sees_its_area(
    client: TestClient, provider: Provider, key: Any, algorithm: str, kid: str | None
) -> None:
    answer = ask(client, provider.token(key, algorithm, kid))
    assert answer.status_code == 200, answer.text
    assert [f["properties"]["site_id"] for f in answer.json()["features"]] == ["S-A"]
    me = ask(client, provider.token(key, algorithm, kid), "/v1/me").json()
    assert (me["username"], me["role"], me["area"]) == (
        "oidc:wang",
        "officer",
        {"code": TOWN_A, "name": "A镇"},
    )


def test_a_token_writes_without_a_csrf_token_and_under_its_own_name(
    client: TestClient, provider: Provider, bearer_api: Api
) -> None:
    body = {"outcome": "cannot_tell", "note": ""}
    headers = {"Authorization": f"Bearer {provider.token(preferred_username='officer.b')}"}
    alert = bearer_api.ids["alert_B"]
    assert client.post(f"/v1/alerts/{alert}/outcome", json=body, headers=headers).status_code == 404
    alert = bearer_api.ids["alert_A"]
    assert client.post(f"/v1/alerts/{alert}/outcome", json=body, headers=headers).status_code == 200
    with database.engine(bearer_api.url).connect() as connection:
        rows = connection.execute(
            text("SELECT DISTINCT username FROM access_log WHERE path LIKE '/v1/alerts/%'")
        )
        assert rows.scalars().all() == ["oidc:officer.b"]


def raw(header: Any, payload: Any, signature: bytes = b"x") -> str:
    def part(value: Any) -> str:
        data = value if isinstance(value, bytes) else json.dumps(value).encode()
        return base64.urlsafe_b64encode(data).decode().rstrip("=")

    return f"{part(header)}.{part(payload)}.{part(signature)}"


def signed(provider: Provider, payload: bytes, header: bytes = b'{"alg":"RS256","kid":"rsa"}') -> str:
    """Signed with the provider's key over bytes that no library would write."""
    head, body, _ = raw(header, payload).split(".")
    signature = RSAAlgorithm(RSAAlgorithm.SHA256).sign(f"{head}.{body}".encode(), RSA)
    return f"{head}.{body}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"


def confused(provider: Provider, form: bytes) -> str:
    """HS256 with the public key as the secret."""
    head, body, _ = raw({"alg": "HS256", "typ": "JWT", "kid": "rsa"}, provider.claims()).split(".")
    mac = hmac.new(form, f"{head}.{body}".encode(), hashlib.sha256).digest()
    return f"{head}.{body}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"


PEM = RSA.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
)
DER = RSA.public_key().public_bytes(
    serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
)
NOW = int(time.time())
HOSTILE: dict[str, Any] = {
    "alg none": lambda p: raw({"alg": "none", "kid": "rsa"}, p.claims(), b""),
    "alg none with a signature": lambda p: raw({"alg": "none", "kid": "rsa"}, p.claims()),
    "alg None": lambda p: raw({"alg": "nOnE", "kid": "rsa"}, p.claims()),
    "alg null": lambda p: raw({"alg": None, "kid": "rsa"}, p.claims()),
    "alg a list": lambda p: raw({"alg": ["RS256"], "kid": "rsa"}, p.claims()),
    "HS256 with the PEM": lambda p: confused(p, PEM),
    "HS256 with the DER": lambda p: confused(p, DER),
    "HS256 with the JWK": lambda p: confused(p, json.dumps(p.keys[0]).encode()),
    "another's key": lambda p: p.token(STRANGER),
    "another kind of key": lambda p: p.token(EC, "ES256", "rsa"),
    "the key of another algorithm": lambda p: raw({"alg": "ES256", "kid": "rsa"}, p.claims()),
    "its own jwk": lambda p: jwt.encode(p.claims(), STRANGER, "RS256", {"jwk": published("rsa", STRANGER), "kid": "rsa"}),
    "jku and x5u": lambda p: jwt.encode(
        p.claims(), STRANGER, "RS256", {"jku": f"{p.address}/evil", "x5u": f"{p.address}/evil", "kid": "rsa"}
    ),
    "x5c": lambda p: jwt.encode(p.claims(), STRANGER, "RS256", {"x5c": ["MIIB"], "kid": "rsa"}),
    "kid a path": lambda p: p.token(STRANGER, kid="../../../../dev/null"),
    "kid an address": lambda p: p.token(STRANGER, kid=f"{p.address}/evil"),
    "kid SQL": lambda p: p.token(STRANGER, kid="x' UNION SELECT 'secret"),
    "kid a number": lambda p: raw({"alg": "RS256", "kid": 7}, p.claims()),
    "kid very long": lambda p: p.token(kid="k" * 300),
    "crit": lambda p: jwt.encode(p.claims(), RSA, "RS256", {"kid": "rsa", "crit": ["exp"]}),
    "b64": lambda p: signed(p, json.dumps(p.claims()).encode(), b'{"alg":"RS256","kid":"rsa","b64":true}'),
    "typ of another kind": lambda p: jwt.encode(p.claims(), RSA, "RS256", {"kid": "rsa", "typ": "logout+jwt"}),
    "expired": lambda p: p.token(exp=NOW - 100),
    "expired since ever": lambda p: p.token(exp=0),
    "not valid yet": lambda p: p.token(nbf=NOW + 3_600),
    "issued in the future": lambda p: p.token(iat=NOW + 3_600),
    "no exp": lambda p: p.token(exp=None),
    "no iat": lambda p: p.token(iat=None),
    "no sub": lambda p: p.token(sub=None),
    "sub a number": lambda p: p.token(sub=7),
    "wrong aud": lambda p: p.token(aud="another"),
    "aud an object": lambda p: p.token(aud={"wangge": 1}),
    "no aud": lambda p: p.token(aud=None),
    "wrong iss": lambda p: p.token(iss="https://evil.example"),
    "iss a prefix": lambda p: p.token(iss=p.address + ".evil.example"),
    "iss a list": lambda p: signed(p, json.dumps(p.claims(iss=[p.address])).encode()),
    "no iss": lambda p: signed(p, json.dumps(p.claims(iss=None)).encode()),
    "exp a text": lambda p: signed(p, json.dumps(p.claims(exp="soon")).encode()),
    "exp infinite": lambda p: signed(p, json.dumps(p.claims(exp="E")).replace('"E"', "1e999").encode()),
    "exp NaN": lambda p: signed(p, json.dumps(p.claims(exp="E")).replace('"E"', "NaN").encode()),
    "a claim twice": lambda p: signed(p, json.dumps(p.claims())[:-1].encode() + b',"wangge_role":"supervisor"}'),
    "alg twice": lambda p: signed(p, json.dumps(p.claims()).encode(), b'{"alg":"RS256","kid":"rsa","alg":"none"}'),
    "payload a list": lambda p: signed(p, b"[1]"),
    "payload deep": lambda p: signed(p, b'{"a":' + b"[" * 2_000 + b"]" * 2_000 + b"}"),
    "payload no UTF-8": lambda p: signed(p, b'{"sub":"\xff\xfe"}'),
    "garbage": lambda p: "not-a-token",
    "garbage in base64": lambda p: "%%%.@@@.!!!",
    "two parts": lambda p: ".".join(p.token().split(".")[:2]),
    "five parts": lambda p: p.token() + ".a.b",
    "padding": lambda p: p.token() + "==",
    "empty": lambda p: "",
    "huge": lambda p: p.token(more="x" * MAX_TOKEN_BYTES),
    "huge garbage": lambda p: "a" * 60_000,
    "a byte changed": lambda p: p.token()[:-6] + "AAAAAA",
    "another's payload": lambda p: ".".join(
        [p.token().split(".")[0], p.token(wangge_role="supervisor").split(".")[1], p.token().split(".")[2]]
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_token_proves_nothing(client: TestClient, provider: Provider, name: str) -> None:
    token = HOSTILE[name](provider)
    for path in (ALERTS, "/collections/areas/items", "/v1/me"):
        answer = ask(client, token, path)
        assert answer.status_code == 401, (name, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["www-authenticate"].startswith('Bearer realm="wangge", error="invalid_token"')
        assert "S-A" not in answer.text and "Traceback" not in answer.text
    assert set(provider.asked) <= {"/.well-known/openid-configuration", "/jwks"}


@pytest.mark.parametrize(
    "claims",
    [
        {"wangge_role": None},
        {"wangge_role": "king"},
        {"wangge_role": "SUPERVISOR"},
        {"wangge_role": ["officer", "supervisor"]},
        {"wangge_role": {"officer": True}},
        {"wangge_role": [["officer"]]},
        {"wangge_role": "officer'; DROP TABLE users; --"},
        {"wangge_role": "public"},
        {"wangge_area": None},
        {"wangge_area": []},
        {"wangge_area": 320601001},
        {"wangge_area": True},
        {"wangge_area": {"code": TOWN_A}},
        {"wangge_area": [TOWN_A, "*"]},
        {"wangge_area": "999999"},
        {"wangge_area": f"{TOWN_A}' OR '1'='1"},
        {"wangge_area": "%"},
        {"wangge_area": ["x"] * 101},
        {"wangge_domains": []},
        {"wangge_domains": "everything"},
        {"wangge_domains": "ecology,urban"},
        {"wangge_domains": 7},
        {"wangge_body": 7},
        {"preferred_username": ""},
        {"preferred_username": "a\nb"},
        {"preferred_username": ["dispatcher"]},
        {"preferred_username": "x" * 201},
    ],
)
def test_a_good_token_of_whom_may_not_come_in_is_refused_with_the_reason(
    client: TestClient, provider: Provider, claims: dict[str, Any]
) -> None:
    answer = ask(client, provider.token(**claims))
    assert answer.status_code == 403, answer.text
    assert answer.json()["detail"].startswith("The token is refused: ") and len(answer.json()["detail"]) < 300
    assert "S-A" not in answer.text


def test_the_area_and_the_domains_of_a_token_are_its_scope(
    client: TestClient, provider: Provider, bearer_api: Api
) -> None:
    def sites(**claims: Any) -> set[str]:
        return {f["properties"]["site_id"] for f in ask(client, provider.token(**claims)).json()["features"]}

    assert sites(wangge_area="*") == sites(wangge_area="320600") == {"S-A", "S-B"}
    assert sites(wangge_area="320601002") == {"S-B"}
    assert sites(wangge_area=[TOWN_A, "320601002"]) == {"S-A", "S-B"}
    assert sites(wangge_area="*", wangge_domains=["ecology"]) == {"S-A", "S-B"}
    assert sites(wangge_area="*", wangge_domains=["market", "urban"]) == set()
    assert sites(wangge_role=["offline_access", "viewer"], preferred_username=None) == {"S-A"}


def test_a_role_that_was_taken_away_holds_with_the_next_token(client: TestClient, provider: Provider) -> None:
    track = "/v1/vehicles/V-A/track"
    assert ask(client, provider.token(), track).status_code == 200
    assert ask(client, provider.token(wangge_role="viewer"), track).status_code == 403


def test_a_refused_token_is_not_saved_by_a_cookie(client: TestClient, provider: Provider) -> None:
    client.post("/v1/login", json={"username": "supervisor", "password": "correct horse"})
    assert client.get(ALERTS).status_code == 200
    assert ask(client, provider.token(STRANGER)).status_code == 401
    both = [("Authorization", f"Bearer {provider.token()}"), ("Authorization", "Bearer wk_x")]
    answer = client.get(ALERTS, headers=both)
    assert answer.status_code == 401 and "invalid_request" in answer.headers["www-authenticate"]


def test_names_of_the_provider_are_mapped(own_provider: Provider, own_url: str, tmp_path: Path) -> None:
    settings = configured(
        own_provider, own_url, tmp_path, oidc_jwks_url=f"{own_provider.address}/jwks", oidc_roles="duty=dispatcher,"
                                                                                                  " inspectors=officer",
        oidc_role_claim="realm_access.roles", oidc_area_claim="https://city.example/area", oidc_username_claim="email",
        oidc_username_prefix="",
    )  # fmt: skip
    client = TestClient(create_app(settings))
    token = own_provider.token(
        realm_access={"roles": ["inspectors", "uma_authorization"]}, email="wang@city.example",
        **{"https://city.example/area": "320601"},
    )  # fmt: skip
    me = ask(client, token, "/v1/me").json()
    assert (me["username"], me["role"], me["area"]["code"]) == ("wang@city.example", "officer", "320601")
    assert own_provider.asked == ["/jwks"]
    assert ask(client, own_provider.token()).status_code == 403


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"oidc_audience": ""}, "AUDIENCE"),
        ({"oidc_issuer": "http://id.example"}, "https"),
        ({"oidc_jwks_url": "file:///etc/passwd"}, "https"),
        ({"oidc_roles": "duty=king"}, "king"),
    ],
)
def test_a_wrong_configuration_does_not_start(wrong: dict[str, str], told: str, tmp_path: Path) -> None:
    right = {"oidc_issuer": "https://id.example", "oidc_audience": "wangge"}
    settings = Settings(database_url="postgresql://nowhere/x", data_dir=tmp_path, **{**right, **wrong})
    with pytest.raises(ValueError, match=told):
        create_app(settings)


def test_without_an_issuer_no_token_is_taken(public: TestClient, own_provider: Provider) -> None:
    answer = ask(public, own_provider.token())
    assert answer.status_code == 401 and "no issuer" in answer.json()["detail"]
    assert own_provider.asked == []


def key_set(provider: Provider, **more: Any) -> KeySet:
    return KeySet(provider.address, f"{provider.address}/jwks", **more)


def test_unknown_kids_make_no_storm(own_provider: Provider, tmp_path: Path) -> None:
    keys = key_set(own_provider)
    verifier = TokenVerifier(configured(own_provider, "postgresql://nowhere/x", tmp_path), keys)

    def try_one(number: int) -> bool:
        try:
            verifier.claims(own_provider.token(STRANGER, kid=f"unknown-{number}"))
        except TokenRefused:
            return True
        return False

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(try_one, range(200)))
    assert own_provider.asked == ["/jwks"] and keys.fetches == 1
    assert verifier.claims(own_provider.token())["sub"] == "u-1"


def test_a_new_key_of_the_provider_is_found_and_a_withdrawn_one_gone(
    own_provider: Provider, tmp_path: Path
) -> None:
    keys = key_set(own_provider, retry_after_s=0.0)
    verifier = TokenVerifier(configured(own_provider, "postgresql://nowhere/x", tmp_path), keys)
    old = own_provider.token()
    verifier.claims(old)
    own_provider.keys = [published("next", STRANGER)]
    assert verifier.claims(own_provider.token(STRANGER, kid="next"))["sub"] == "u-1"
    with pytest.raises(TokenRefused):
        verifier.claims(old)


def test_keys_are_kept_when_the_provider_is_down(own_provider: Provider, tmp_path: Path) -> None:
    keys = key_set(own_provider, retry_after_s=0.0)
    verifier = TokenVerifier(configured(own_provider, "postgresql://nowhere/x", tmp_path), keys)
    verifier.claims(own_provider.token())
    own_provider.up = False
    keys._read_at -= 7_200
    assert verifier.claims(own_provider.token())["sub"] == "u-1"
    with pytest.raises(TokenRefused, match="no published key"):
        verifier.claims(own_provider.token(kid="unknown"))


def test_without_any_key_the_service_says_that_it_cannot_tell(
    own_provider: Provider, own_url: str, tmp_path: Path
) -> None:
    own_provider.up = False
    client = TestClient(create_app(configured(own_provider, own_url, tmp_path)))
    answer = ask(client, own_provider.token())
    assert answer.status_code == 503 and answer.headers["retry-after"] == "30"
    assert own_provider.address not in answer.text
    assert client.get("/collections/areas/items").status_code == 200


@pytest.mark.parametrize(
    "keys",
    [
        [{"kty": "oct", "k": "c2VjcmV0", "kid": "rsa"}],
        [published("rsa", WEAK)],
        [published("rsa", RSA) | {"use": "enc"}],
        [published("rsa", RSA) | {"key_ops": ["encrypt"]}],
        [7, None, "x", {"kid": "rsa"}],
        {"rsa": 1},
    ],
)
def test_published_keys_that_are_no_good_verify_nothing(own_provider: Provider, keys: Any) -> None:
    own_provider.keys = keys
    with pytest.raises(KeysUnavailable):
        key_set(own_provider).find("rsa", "RSA", frozenset())


def test_a_key_for_one_algorithm_is_not_used_for_another(own_provider: Provider, tmp_path: Path) -> None:
    own_provider.keys = [published("rsa", RSA, alg="RS256")]
    verifier = TokenVerifier(
        configured(own_provider, "postgresql://nowhere/x", tmp_path), key_set(own_provider)
    )
    assert verifier.claims(own_provider.token())["sub"] == "u-1"
    with pytest.raises(TokenRefused, match="another algorithm"):
        verifier.claims(own_provider.token(RSA, "PS256"))


def test_a_provider_cannot_send_us_elsewhere(own_provider: Provider) -> None:
    own_provider.redirect = f"{own_provider.address}/jwks2"
    with pytest.raises(KeysUnavailable):
        key_set(own_provider).find("rsa", "RSA", frozenset())
    assert own_provider.asked == ["/jwks"]
