"""Login, logout, and who am I."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from geo_api.auth.access import COOKIE, Caller, CallerDep, SystemDb, area_of, check_origin
from geo_api.auth.accounts import LoginBrake, check_password, close_login, open_login
from geo_api.auth.schemas import CallerDocument, EndedLogin, LoginBody, OpenedLogin
from geo_api.http.caching import PRIVATE
from geo_api.http.errors import Problem
from geo_api.http.representations import json_response
from layers.postgres import Scope
from layers.tables import User

router = APIRouter(prefix="/v1", tags=["login"])


@router.post("/login", response_model=OpenedLogin)
def log_in(body: LoginBody, request: Request, db: SystemDb) -> Response:
    """Log in: sets the cookie ``wangge_session`` (HttpOnly, SameSite=Lax). A login that the browser had ends."""
    check_origin(request)
    user = _checked(request, body, db)
    close_login(db, request.cookies.get(COOKIE, ""))
    fresh = open_login(db, user, request.app.state.settings.session_hours)
    request.state.caller = Caller(Scope(role=user.role, username=user.username), area_code=user.area_code)
    who = {"username": user.username, "display_name": user.display_name, "role": user.role, "body": user.body}
    opened = {"user": {**who, "area": area_of(db, user.area_code)}, "csrf_token": fresh.csrf_token}
    response = json_response(opened, headers={"Cache-Control": "no-store"})
    _set_cookie(request, response, fresh.token)
    return response


@router.post("/logout", response_model=EndedLogin)
def log_out(request: Request, caller: CallerDep, db: SystemDb) -> Response:
    """Log out: the login ends on the server at once."""
    close_login(db, request.cookies.get(COOKIE, ""))
    response = json_response({"role": "public"}, headers={"Cache-Control": "no-store"})
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="lax", secure=_is_secure(request))
    return response


@router.get("/me", response_model=CallerDocument)
def get_caller(caller: CallerDep, db: SystemDb) -> Response:
    """The caller, and the token that unsafe requests must send as ``X-CSRF-Token``."""
    headers = {"Cache-Control": PRIVATE}
    if not caller.logged_in:
        return json_response({"role": "public"}, headers=headers)
    who = {
        "username": caller.username,
        "display_name": caller.display_name,
        "role": caller.role,
        "area": area_of(db, caller.area_code),
        "body": caller.scope.body,
        "csrf_token": caller.csrf_token,
    }
    return json_response(who, headers=headers)


def _checked(request: Request, body: LoginBody, db: SystemDb) -> User:
    """The account, unless name or password is wrong or there were too many tries."""
    brake: LoginBrake = request.app.state.login_brake
    address = getattr(request.state, "address", None) or (request.client.host if request.client else "")
    if wait_s := brake.begin(body.username, address):
        headers = {"Retry-After": str(wait_s)}
        raise Problem(
            "too-many-requests", f"Try again in {wait_s} s.", f"请在 {wait_s} 秒后重试。", headers=headers
        )
    user = check_password(db, body.username, body.password)
    if user is None:
        raise Problem("login-failed", "Wrong user name or password.", "用户名或密码错误。")
    brake.succeeded(body.username, address)
    return user


def _set_cookie(request: Request, response: Response, token: str) -> None:
    response.set_cookie(
        COOKIE,
        token,
        max_age=request.app.state.settings.session_hours * 3600,
        path="/",
        httponly=True,
        samesite="lax",
        secure=_is_secure(request),
    )


def _is_secure(request: Request) -> bool:
    told: bool | None = request.app.state.settings.cookie_secure
    return request.url.scheme == "https" if told is None else told
