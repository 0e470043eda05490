"""Login, logout, and who am I."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from geo_api.auth.access import COOKIE, Caller, CallerDep, SystemDb, area_of, check_origin
from geo_api.auth.accounts import close_login
from geo_api.auth.login_tries import answer_with_login, checked_account, is_secure, set_device_cookie
from geo_api.auth.schemas import CallerDocument, EndedLogin, LoginBody, OpenedLogin
from geo_api.http.caching import NEVER_KEPT, PRIVATE
from geo_api.http.representations import json_response
from geo_api.http.request_bodies import JsonRoute
from layers.postgres import Scope

router = APIRouter(prefix="/v1", tags=["login"], route_class=JsonRoute)


@router.post("/login", response_model=OpenedLogin)
def log_in(body: LoginBody, request: Request, db: SystemDb) -> Response:
    """Log in: sets the cookie ``wangge_session`` (HttpOnly, SameSite=Lax). A login that the browser had ends.

    An account with a second factor sends a ``code`` too; without it the answer is a problem
    ``second-factor-needed``.
    """
    check_origin(request)
    user = checked_account(request, db, body.username, body.password, body.code)
    close_login(db, request.cookies.get(COOKIE, ""))
    request.state.caller = Caller(Scope(role=user.role, username=user.username), area_code=user.area_code)
    response = answer_with_login(request, db, user)
    set_device_cookie(request, response, user.username)
    return response


@router.post("/logout", response_model=EndedLogin)
def log_out(request: Request, caller: CallerDep, db: SystemDb) -> Response:
    """Log out: the login ends on the server at once."""
    close_login(db, request.cookies.get(COOKIE, ""))
    response = json_response({"role": "public"}, headers=NEVER_KEPT)
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="lax", secure=is_secure(request))
    return response


@router.get("/me", response_model=CallerDocument)
def get_caller(request: Request, caller: CallerDep, db: SystemDb) -> Response:
    """Return the caller, and the token that unsafe requests must send as ``X-CSRF-Token``."""
    headers = {"Cache-Control": PRIVATE}
    if caller.enrolling is not None:
        enrolling = {"username": caller.enrolling, "display_name": caller.display_name, "enrolling": True}
        return json_response(
            {"role": "public", **enrolling, "csrf_token": caller.csrf_token}, headers=headers
        )
    if not caller.logged_in:
        return json_response({"role": "public"}, headers=headers)
    who = {
        "username": caller.username,
        "display_name": caller.display_name,
        "role": caller.role,
        "area": area_of(db, caller.area_code),
        "body": caller.scope.body,
        "csrf_token": caller.csrf_token,
        "idle_minutes": request.app.state.settings.session_idle_minutes if caller.csrf_token else None,
    }
    return json_response(who, headers=headers)
