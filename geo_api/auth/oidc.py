"""Bearer tokens (JWT) of an OpenID Connect provider.

Verified against its published keys, and who they stand for.

Nothing of a token chooses how it is verified: the algorithms are fixed, the keys come from the configured
address only (``jku``, ``x5u``, ``jwk`` and ``x5c`` are not read), and ``kid`` is compared with names of keys
that are there.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jwt

from geo_api.auth.oidc_keys import KeySet, KeysUnavailable
from geo_api.http.settings import Settings
from layers.tables import DOMAINS, ROLES

LEEWAY_S = 30
MAX_TOKEN_BYTES = 8_192
ALGORITHMS: Mapping[str, tuple[str, frozenset[str]]] = {
    **{name: ("RSA", frozenset()) for name in ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")},
    "ES256": ("EC", frozenset({"P-256"})),
    "ES384": ("EC", frozenset({"P-384"})),
    "ES512": ("EC", frozenset({"P-521"})),
    "EdDSA": ("OKP", frozenset({"Ed25519", "Ed448"})),
}
"""What a token may be signed with, by kind of key and curve: public keys only."""
TYPES = frozenset({"jwt", "at+jwt", "application/at+jwt"})
_FORM = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
EVERYWHERE = "*"
"""As the area of a token: the whole city.

Without an area a token is refused, so that a claim forgotten opens nothing.
"""


class TokenRefused(Exception):
    """The token proves nothing: 401."""


class IdentityRefused(Exception):
    """The token is good, but whom it names may not come in here: 403."""


@dataclass(frozen=True)
class Identity:
    """Identity of a token; ``area_codes`` None: the whole city. ``until`` in seconds since 1970."""

    username: str
    display_name: str
    role: str
    area_codes: tuple[str, ...] | None
    domains: tuple[str, ...]
    body: str | None
    until: float


class TokenVerifier:
    """Reads tokens of one issuer.

    Raises
    ------
    KeysUnavailable
        From :meth:`identity`, when there are no keys to verify with.
    """

    def __init__(self, settings: Settings, keys: KeySet | None = None) -> None:
        if not settings.oidc_audience:
            raise ValueError("WANGGE_OIDC_AUDIENCE is needed with WANGGE_OIDC_ISSUER")
        self._settings = settings
        self._roles = roles_of(settings.oidc_roles)
        self.keys = keys or KeySet(settings.oidc_issuer, settings.oidc_jwks_url)

    def identity(self, token: str) -> Identity:
        """Return the identity of a token.

        Raises
        ------
        TokenRefused, IdentityRefused, KeysUnavailable
        """
        return self._named(self.claims(token))

    def claims(self, token: str) -> dict[str, Any]:
        """Return the claims of a token whose signature, issuer, audience and times hold."""
        if len(token) > MAX_TOKEN_BYTES:
            raise TokenRefused(f"longer than {MAX_TOKEN_BYTES:,} bytes")
        if not _FORM.fullmatch(token):
            raise TokenRefused("not a JWT of three parts in base64url")
        header, payload, _ = token.split(".")
        algorithm, kid = _checked_header(_read_json(header, "header"))
        _read_json(payload, "payload")
        key = self.keys.find(kid, *ALGORITHMS[algorithm])
        if key is None:
            raise TokenRefused("no published key of the issuer fits this token")
        if key.get("alg", algorithm) != algorithm:
            raise TokenRefused("the key is for another algorithm")
        try:
            return jwt.decode(
                token,
                jwt.PyJWK(key, algorithm=algorithm),
                algorithms=[algorithm],
                audience=self._settings.oidc_audience,
                issuer=self._settings.oidc_issuer,
                leeway=LEEWAY_S,
                options={"require": ["exp", "iat", "iss", "aud", "sub"]},
            )
        except jwt.PyJWTError as error:
            raise TokenRefused(_REASONS.get(type(error), "cannot be verified")) from error
        except (ValueError, TypeError, OverflowError, RecursionError) as error:
            raise TokenRefused("cannot be verified") from error

    def _named(self, claims: dict[str, Any]) -> Identity:
        known = self._settings
        name = claim(claims, known.oidc_username_claim)
        name = claims["sub"] if name is None else name
        if not isinstance(name, str) or not 0 < len(name) <= 200 or not name.isprintable():
            raise IdentityRefused(f"{known.oidc_username_claim}: is no name")
        shown = claims.get("name")
        body = claim(claims, known.oidc_body_claim)
        return Identity(
            username=known.oidc_username_prefix + name,
            display_name=shown if isinstance(shown, str) and shown else name,
            role=self._role(claim(claims, known.oidc_role_claim)),
            area_codes=_areas(claim(claims, known.oidc_area_claim), known.oidc_area_claim),
            domains=_domains(claim(claims, known.oidc_domains_claim), known.oidc_domains_claim),
            body=_body(body, known.oidc_body_claim),
            until=float(claims["exp"]),
        )

    def _role(self, given: Any) -> str:
        """Return the one role that the claim names; a provider's other groups in it are passed over."""
        path = self._settings.oidc_role_claim
        found = {self._roles[name] for name in _texts(given, path) if name in self._roles}
        if len(found) != 1:
            told = "names no role of this service" if not found else f"names several roles: {sorted(found)}"
            raise IdentityRefused(f"{path}: {told}")
        return found.pop()


_REASONS: Mapping[type[Exception], str] = {
    jwt.ExpiredSignatureError: "expired",
    jwt.ImmatureSignatureError: "not valid yet",
    jwt.InvalidAudienceError: "for another audience",
    jwt.InvalidIssuerError: "from another issuer",
    jwt.InvalidSignatureError: "its signature does not hold",
    jwt.MissingRequiredClaimError: "exp, iat, iss, aud and sub are needed",
}


def roles_of(text: str) -> dict[str, str]:
    """Return the mapping ``group=role,…`` of a provider's names to roles; empty: the roles' own names.

    Examples
    --------
    >>> roles_of("city-duty=dispatcher, inspectors=officer")
    {'city-duty': 'dispatcher', 'inspectors': 'officer'}
    >>> roles_of("")["viewer"]
    'viewer'
    """
    if not text.strip():
        return {role: role for role in ROLES}
    pairs = [part.rpartition("=")[::2] for part in text.split(",")]
    found = {name.strip(): role.strip() for name, role in pairs}
    if wrong := sorted(set(found.values()) - set(ROLES)):
        raise ValueError(f"WANGGE_OIDC_ROLES: {', '.join(wrong)} is none of {', '.join(ROLES)}")
    return found


def claim(claims: Mapping[str, Any], path: str) -> Any:
    """Return a claim by its name, or by a dotted path into nested ones.

    Examples
    --------
    >>> claim({"realm_access": {"roles": ["officer"]}}, "realm_access.roles")
    ['officer']
    >>> claim({"https://city.example/area": "320601"}, "https://city.example/area"), claim({}, "a.b")
    ('320601', None)
    """
    if path in claims:
        return claims[path]
    found: Any = claims
    for step in path.split("."):
        found = found.get(step) if isinstance(found, Mapping) else None
    return found


def _texts(given: Any, path: str) -> list[str]:
    """Return a claim that is a text or a list of texts."""
    if isinstance(given, str):
        return [given]
    if given is None:
        return []
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        raise IdentityRefused(f"{path}: a text or a list of texts is needed")
    return given


def _areas(given: Any, path: str) -> tuple[str, ...] | None:
    codes = _texts(given, path)
    if codes == [EVERYWHERE]:
        return None
    if not codes or len(codes) > 100 or not all(re.fullmatch(r"[\w-]{1,40}", code) for code in codes):
        raise IdentityRefused(f"{path}: the code of an area is needed, or {EVERYWHERE} for the whole city")
    return tuple(sorted(set(codes)))


def _domains(given: Any, path: str) -> tuple[str, ...]:
    names = _texts(given, path)
    if given is not None and not names:
        raise IdentityRefused(f"{path}: is empty; leave it out for every domain")
    if wrong := sorted(set(names) - set(DOMAINS)):
        raise IdentityRefused(f"{path}: {wrong[0][:40]!r} is none of {', '.join(DOMAINS)}")
    return tuple(sorted(set(names)))


def _body(given: Any, path: str) -> str | None:
    if given is None:
        return None
    if not isinstance(given, str) or len(given) > 200 or not given.isprintable():
        raise IdentityRefused(f"{path}: is no name of a body")
    return given or None


def _read_json(part: str, name: str) -> dict[str, Any]:
    """One part of a token: a JSON object in which no name stands twice and no number is NaN."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise ValueError("a name stands twice")
        return found

    def refuse(text: str) -> Any:
        raise ValueError(f"{text} is no number of JSON")

    try:
        raw = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
        found = json.loads(raw, object_pairs_hook=once, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise TokenRefused(f"its {name} cannot be read") from error
    if not isinstance(found, dict):
        raise TokenRefused(f"its {name} cannot be read")
    return found


def _checked_header(header: dict[str, Any]) -> tuple[str, str | None]:
    algorithm, kid = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise TokenRefused(f"alg: one of {', '.join(ALGORITHMS)}")
    if "crit" in header or "b64" in header:
        raise TokenRefused("crit and b64 are not understood")
    if str(header.get("typ", "JWT")).lower() not in TYPES:
        raise TokenRefused("typ: not an access token")
    if kid is not None and (not isinstance(kid, str) or len(kid) > 256):
        raise TokenRefused("kid: is no name of a key")
    return algorithm, kid


__all__ = ["Identity", "IdentityRefused", "KeysUnavailable", "TokenRefused", "TokenVerifier"]
