"""An identity provider on this machine: its keys, its tokens, and what it is asked."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from tests.support.small_town import TOWN_A
from tests.support.waiting import PATIENCE_S

AUDIENCE = "wangge"
RSA = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
EC = ec.generate_private_key(ec.SECP256R1())
ED = ed25519.Ed25519PrivateKey.generate()
STRANGER = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
WEAK = rsa.generate_private_key(public_exponent=65_537, key_size=1_024)


def published(kid: str, key: Any, **more: Any) -> dict[str, Any]:
    kind: Any = {rsa.RSAPrivateKey: RSAAlgorithm, ec.EllipticCurvePrivateKey: ECAlgorithm}
    made = next((a for cls, a in kind.items() if isinstance(key, cls)), OKPAlgorithm)
    return {**made.to_jwk(key.public_key(), as_dict=True), "kid": kid, "use": "sig", **more}


@dataclass
class Provider:
    """An identity provider: its address, what it publishes, and how often it was asked."""

    address: str = ""
    keys: list[dict[str, Any]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    up: bool = True
    redirect: str = ""

    def token(self, key: Any = RSA, algorithm: str = "RS256", kid: str | None = "rsa", **claims: Any) -> str:
        header = {} if kid is None else {"kid": kid}
        return jwt.encode(self.claims(**claims), key, algorithm=algorithm, headers=header)

    def claims(self, **claims: Any) -> dict[str, Any]:
        now = int(time.time())
        made = {
            "iss": self.address, "aud": AUDIENCE, "sub": "u-1", "iat": now, "exp": now + 3600,
            "preferred_username": "wang", "wangge_role": "officer", "wangge_area": TOWN_A, **claims,
        }  # fmt: skip
        return {name: value for name, value in made.items() if value is not None}


@contextlib.contextmanager
def providing() -> Iterator[Provider]:
    made = Provider(keys=[published("rsa", RSA), published("ec", EC), published("ed", ED)])

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.asked.append(self.path)
            if not made.up:
                self.send_error(503)
                return
            if made.redirect:
                self.send_response(302)
                self.send_header("Location", made.redirect)
                self.end_headers()
                return
            body = {
                "/.well-known/openid-configuration": {
                    "issuer": made.address,
                    "jwks_uri": f"{made.address}/jwks",
                },
                "/jwks": {"keys": made.keys},
            }.get(self.path, {})
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield made
    server.shutdown()
    server.server_close()
    thread.join(timeout=PATIENCE_S)
