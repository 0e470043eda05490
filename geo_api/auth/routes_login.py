"""Login, logout, and who am I."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from geo_api.auth.access import COOKIE, Caller, CallerDep, SystemDb, area_of, check_origin
from geo_api.auth.accounts import LoginBrake, check_password, close_login, open_login
from geo_api.http.errors import Problem
from geo_api.http.schemas import LoginBody
from layers.postgres import Scope
from layers.tables import User

router = APIRouter(prefix="/v1", tags=["login"])


@router.post("/login")
def login(body: LoginBody, request: Request, response: Response, db: SystemDb) -> dict[str, Any]:
    """Log in: sets the cookie ``wangge_session`` (HttpOnly, SameSite=Lax). A login that the browser had ends."""
    check_origin(request)
    user = _checked(request, body, db)
    close_login(db, request.cookies.get(COOKIE, ""))
    fresh = open_login(db, user, request.app.state.settings.session_hours)
    _set_cookie(request, response, fresh.token)
    request.state.caller = Caller(Scope(role=user.role, username=user.username), area_code=user.area_code)
    who = {"username": user.username, "display_name": user.display_name, "role": user.role, "body": user.body}
    return {"user": {**who, "area": area_of(db, user.area_code)}, "csrf_token": fresh.csrf_token}


@router.post("/logout")
def logout(request: Request, response: Response, caller: CallerDep, db: SystemDb) -> dict[str, str]:
    """Log out: the login ends on the server at once."""
    close_login(db, request.cookies.get(COOKIE, ""))
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="lax", secure=_is_secure(request))
    response.headers["Cache-Control"] = "no-store"
    return {"role": "public"}


@router.get("/me")
def me(response: Response, caller: CallerDep, db: SystemDb) -> dict[str, Any]:
    """The caller, and the token that unsafe requests must send as ``X-CSRF-Token``."""
    response.headers["Cache-Control"] = "private, no-store"
    if not caller.logged_in:
        return {"role": "public"}
    return {
        "username": caller.username,
        "display_name": caller.display_name,
        "role": caller.role,
        "area": area_of(db, caller.area_code),
        "body": caller.scope.body,
        "csrf_token": caller.csrf_token,
    }


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
    response.headers["Cache-Control"] = "no-store"


def _is_secure(request: Request) -> bool:
    told: bool | None = request.app.state.settings.cookie_secure
    return request.url.scheme == "https" if told is None else told
