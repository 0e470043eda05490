"""From a request to its caller: an API key, a token of the identity provider, or the cookie of a login."""

from __future__ import annotations

import base64
import binascii
import contextlib
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Literal

from fastapi import Request
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from starlette.requests import HTTPConnection
from starlette.types import Scope as AsgiScope

from geo_api.auth.accounts import end_of_login, find_login, note_use, scope_of
from geo_api.auth.api_keys import KEY_IN_QUERY_PATHS, PREFIX, find_key, narrowed
from geo_api.auth.callers import Caller, unauthenticated
from geo_api.auth.known_callers import KnownCallers
from geo_api.auth.oidc import Identity, IdentityRefused, TokenRefused, TokenVerifier
from geo_api.auth.oidc_keys import KeysUnavailable
from geo_api.credentials import has_factor
from geo_api.http.errors import Problem
from geo_api.http.settings import Settings
from layers.postgres import PUBLIC, SYSTEM, Scope, session
from layers.records import accounts
from layers.tables import LoginSession, User

COOKIE = "wangge_session"
NOBODY = Caller()
LONGEST = 16_384
"""Bytes of a header that are looked at."""


@dataclass(frozen=True, slots=True)
class Credential:
    """Credential of a request: cookie, key, key in the address or with a user's name (Basic), or token."""

    kind: Literal["key", "key in address", "basic", "token", "cookie"]
    text: str


def credential(connection: HTTPConnection) -> Credential | None:
    """Return the credential of a request; a header goes before the cookie, two headers prove nothing.

    Raises
    ------
    Problem
        More than one ``Authorization``.
    """
    given = connection.headers.getlist("authorization")
    if len(given) > 1:
        raise unauthenticated(
            "Send one Authorization header.", "只能有一个 Authorization 头。", error="invalid_request"
        )
    scheme, _, token = given[0].partition(" ") if given else ("", "", "")
    if scheme.lower() == "bearer":
        text = token.strip()
        return Credential("key" if text.startswith(PREFIX) else "token", text[:LONGEST])
    if scheme.lower() == "basic" and (sent := _basic_key(token.strip()[:LONGEST])):
        return Credential("basic", sent)
    if connection.scope["path"] in KEY_IN_QUERY_PATHS and (key := connection.query_params.get("key")):
        return Credential("key in address", key[:LONGEST])
    cookie = connection.cookies.get(COOKIE)
    return Credential("cookie", cookie[:LONGEST]) if cookie else None


def known_caller(scope: AsgiScope) -> Caller | None:
    """Return the caller without asking the database: nobody, or somebody remembered.

    None: :func:`caller_of` must look.
    """
    connection = HTTPConnection(scope)
    try:
        found = credential(connection)
    except Problem:
        return None
    if found is None:
        return NOBODY
    known: KnownCallers = scope["app"].state.known_callers
    return known.get(found.kind + found.text)


def caller_of(request: Request) -> Caller:
    """Return the caller; a wrong or ended cookie is nobody, a wrong key or token is refused.

    Raises
    ------
    Problem
        401 for a key or token that proves nothing, 403 for a good token of somebody who may not come in.
    """
    found = credential(request)
    if found is None:
        return NOBODY
    known: KnownCallers = request.app.state.known_callers
    if (caller := known.get(found.kind + found.text)) is not None:
        return caller
    version = known.version()
    caller, until = _LOOKUPS[found.kind](request, found.text)
    if caller.logged_in:
        known.put(found.kind + found.text, caller, version, until)
    return caller


def _of_cookie(request: Request, token: str) -> tuple[Caller, float]:
    settings: Settings = request.app.state.settings
    with session(SYSTEM, request.app.state.url) as db:
        found = find_login(db, token, settings.session_idle_minutes)
        if found is None:
            return NOBODY, 0.0
        user, login = found
        scope = _scope_of(request, db, user)
        enrols = user.role in settings.roles_with_second_factor() and not has_factor(db, user)
    _note_use(request, login)
    if enrols:
        return Caller(PUBLIC, user.display_name, csrf_token=login.csrf_token, enrolling=user.username), 0.0
    until = end_of_login(login, settings.session_idle_minutes).timestamp()
    return Caller(scope, user.display_name, user.area_code, login.csrf_token), until


def _note_use(request: Request, login: LoginSession) -> None:
    """In a transaction of its own: a database that takes no writes now still lets people read."""
    with contextlib.suppress(DBAPIError), session(SYSTEM, request.app.state.url) as db:
        note_use(db, login)


def _of_key_in_address(request: Request, key: str) -> tuple[Caller, float]:
    """Addresses stand in logs and histories: there only keys of services are taken."""
    return _of_key(request, key, of_person=False)


def _of_key(request: Request, key: str, *, of_person: bool = True) -> tuple[Caller, float]:
    with session(SYSTEM, request.app.state.url) as db:
        needing = request.app.state.settings.roles_with_second_factor()
        found = find_key(db, key, second_factor_roles=needing)
        if found is None or not (of_person or found[0].role == "service"):
            raise unauthenticated(
                "This API key is unknown, revoked or over.",
                "API 密钥无效、已吊销或已过期。",
                error="invalid_token",
            )
        user, kept = found
        scope = _scope_of(request, db, user)
        if kept.area_code:
            scope = narrowed(scope, request.app.state.known_callers.areas(db, kept.area_code))
    scope = replace(scope, role=kept.role)
    until = kept.expires_at.timestamp() if kept.expires_at else float("inf")
    area_code = kept.area_code or user.area_code
    return Caller(
        scope,
        user.display_name,
        area_code,
        by_key=True,
        granted=kept.granted,
        key_name=kept.name,
        read_only=kept.read_only,
    ), until


def _basic_key(sent: str) -> str | None:
    """Return ``user key`` of an HTTP Basic header with an API key; the user is empty when the key stands in its place.

    None: no key is in it. A password of an account is never taken so, and a header that is meant for a proxy in
    front of the service is left alone.

    Examples
    --------
    >>> _basic_key(base64.b64encode(b"gis:wk_1").decode()), _basic_key(base64.b64encode(b"wk_1:").decode())
    ('gis wk_1', ' wk_1')
    >>> _basic_key("?"), _basic_key(base64.b64encode(b"wang:secret").decode())
    (None, None)
    """
    try:
        user, _, password = base64.b64decode(sent, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    if user.startswith(PREFIX):
        return f" {user}"
    return f"{user} {password}" if password.startswith(PREFIX) and " " not in user else None


def _of_basic(request: Request, sent: str) -> tuple[Caller, float]:
    user, _, key = sent.partition(" ")
    caller, until = _of_key(request, key)
    if user and caller.username != user:
        raise unauthenticated(
            "This API key is of another account.", "API 密钥不属于该账号。", error="invalid_token"
        )
    return caller, until


def _of_token(request: Request, token: str) -> tuple[Caller, float]:
    verifier: TokenVerifier | None = request.app.state.token_verifier
    if verifier is None:
        raise unauthenticated(
            "Tokens are not accepted here: no issuer is configured. Keys begin with wk_.",
            "未配置身份提供方，不接受令牌。",
            error="invalid_token",
        )
    try:
        who = verifier.identity(token)
    except TokenRefused as error:
        raise unauthenticated(
            f"The token is refused: {error}.", "令牌无效。", error="invalid_token"
        ) from error
    except IdentityRefused as error:
        raise Problem(
            "not-allowed", f"The token is refused: {error}.", "令牌中的角色、区域或领域不可用。"
        ) from error
    except KeysUnavailable as error:
        raise Problem(
            "not-available", f"{error}.", "暂时无法读取身份提供方的公钥。", headers={"Retry-After": "30"}
        ) from error
    areas = () if who.area_codes is None else _areas_of_token(request, who.area_codes)
    scope = Scope(who.role, who.area_codes is None, areas, who.username, who.domains, who.body)
    if who.body:
        with session(SYSTEM, request.app.state.url) as db:
            acting = accounts.body_of_account(db, who.username, who.body)
        scope = replace(scope, body=acting.name, body_id=acting.body_id)
    area_code = None if who.area_codes is None else ",".join(who.area_codes)
    return Caller(scope, who.display_name, area_code, by_token=True), min(who.until, time.time() + 3_600)


def _areas_of_token(request: Request, codes: Iterable[str]) -> tuple[int, ...]:
    found: set[int] = set()
    with session(SYSTEM, request.app.state.url) as db:
        for code in codes:
            ids = request.app.state.known_callers.areas(db, code)
            if not ids:
                raise Problem(
                    "not-allowed",
                    f"The token is refused: there is no area {code}.",
                    f"令牌中的区域 {code} 不存在。",
                )
            found.update(ids)
    return tuple(sorted(found))


def _scope_of(request: Request, db: Session, user: User) -> Scope:
    areas = request.app.state.known_callers.areas(db, user.area_code) if user.area_code else ()
    return scope_of(db, user, areas)


_LOOKUPS: dict[str, Callable[[Request, str], tuple[Caller, float]]] = {
    "cookie": _of_cookie,
    "key": _of_key,
    "key in address": _of_key_in_address,
    "basic": _of_basic,
    "token": _of_token,
}

__all__ = ["COOKIE", "Credential", "Identity", "caller_of", "credential", "known_caller"]
