"""The published keys (JWKS) of an identity provider: fetched seldom, kept when it does not answer."""

from __future__ import annotations

import base64
import http.client
import json
import threading
import time
import urllib.request
from typing import Any
from urllib.parse import urlsplit

import structlog

log = structlog.get_logger("geo_api.oidc")
TIMEOUT_S = 3.0
MAX_BYTES = 1_000_000
MAX_KEYS = 100
REFRESH_AFTER_S = 3_600.0
"""Keys older than this are fetched again at the next token."""
RETRY_AFTER_S = 30.0
"""Between two fetches, whatever unknown keys tokens name."""
MIN_RSA_BITS = 2_048
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
Key = dict[str, Any]


class KeysUnavailable(Exception):
    """There is no key to verify with: the provider did not answer yet. 503."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        """Follow no redirection: the provider's address is configured, another one that it names is not asked."""


class KeySet:
    """Keys of one issuer, for all threads.

    Parameters
    ----------
    issuer : str
        Its metadata at ``/.well-known/openid-configuration`` names the keys when ``jwks_url`` is empty.
    """

    def __init__(self, issuer: str, jwks_url: str = "", *, retry_after_s: float = RETRY_AFTER_S) -> None:
        for url in (issuer, jwks_url):
            if url:
                check_address(url)
        self._issuer = issuer
        self._jwks_url = jwks_url
        self._retry_after_s = retry_after_s
        self._keys: list[Key] = []
        self._read_at = float("-inf")
        self._tried_at = float("-inf")
        self._fetching = threading.Lock()
        self._opener = urllib.request.build_opener(_NoRedirect, urllib.request.ProxyHandler({}))
        self.fetches = 0

    def find(self, kid: str | None, kty: str, curves: frozenset[str]) -> Key | None:
        """Return the key of that name and kind; without a name the only one of that kind. None: there is none.

        Raises
        ------
        KeysUnavailable
        """
        found = self._among(kid, kty, curves)
        if found is None or time.monotonic() - self._read_at > REFRESH_AFTER_S:
            self._refresh()
            found = self._among(kid, kty, curves)
        if not self._keys:
            raise KeysUnavailable("the identity provider's keys could not be read")
        return found

    def _among(self, kid: str | None, kty: str, curves: frozenset[str]) -> Key | None:
        fitting = [
            key
            for key in self._keys
            if key["kty"] == kty
            and (not curves or key.get("crv") in curves)
            and kid in (None, key.get("kid"))
        ]
        return fitting[0] if len(fitting) == 1 else None

    def _refresh(self) -> None:
        """Fetch the keys unless that was tried a short time ago or another thread is at it."""
        if not self._fetching.acquire(blocking=not self._keys, timeout=-1 if self._keys else 2 * TIMEOUT_S):
            return
        try:
            if time.monotonic() - self._tried_at < self._retry_after_s:
                return
            self._tried_at = time.monotonic()
            self._keys = self._fetched()
            self._read_at = time.monotonic()
        except (OSError, ValueError, http.client.HTTPException) as error:
            log.warning("oidc_keys_not_read", error=str(error), keys=len(self._keys))
        finally:
            self._fetching.release()

    def _fetched(self) -> list[Key]:
        self.fetches += 1
        url = self._jwks_url or self._discovered()
        published = self._read(url).get("keys")
        if not isinstance(published, list):
            raise ValueError(f"{url} holds no list of keys")
        return [key for key in published[:MAX_KEYS] if is_usable(key)]

    def _discovered(self) -> str:
        about = self._read(f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")
        if about.get("issuer") != self._issuer:
            raise ValueError("the metadata are of another issuer")
        url = about.get("jwks_uri")
        if not isinstance(url, str):
            raise ValueError("the metadata name no jwks_uri")
        check_address(url)
        return url

    def _read(self, url: str) -> dict[str, Any]:
        with self._opener.open(url, timeout=TIMEOUT_S) as answer:
            raw = answer.read(MAX_BYTES + 1)
        if len(raw) > MAX_BYTES:
            raise ValueError(f"{url} answers more than {MAX_BYTES:,} bytes")
        found = json.loads(raw)
        if not isinstance(found, dict):
            raise ValueError(f"{url} answers no JSON object")
        return found


def check_address(url: str) -> None:
    """Refuse an address that is not https; plain http is for this machine.

    Examples
    --------
    >>> check_address("https://id.example/realm"), check_address("http://127.0.0.1:9/keys")
    (None, None)
    >>> check_address("http://id.example/keys")
    Traceback (most recent call last):
    ValueError: http://id.example/keys: https is needed
    """
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise ValueError(f"{url}: https is needed")


def is_usable(key: Any) -> bool:
    """Return whether a published key is a public key for signatures, and strong enough.

    Examples
    --------
    >>> is_usable({"kty": "oct", "k": "c2VjcmV0"}), is_usable({"kty": "EC", "crv": "P-256", "use": "enc"})
    (False, False)
    """
    if not isinstance(key, dict) or key.get("kty") not in ("RSA", "EC", "OKP"):
        return False
    if key.get("use", "sig") != "sig" or "verify" not in key.get("key_ops", ["verify"]):
        return False
    if key["kty"] != "RSA":
        return True
    modulus = str(key.get("n", ""))
    try:
        raw = base64.urlsafe_b64decode(modulus + "=" * (-len(modulus) % 4))
    except ValueError:
        return False
    return int.from_bytes(raw).bit_length() >= MIN_RSA_BITS
