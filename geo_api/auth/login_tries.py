"""Tries of passwords and codes: counted by the throttle, and the cookies that a success sets."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import Request, Response
from sqlalchemy.orm import Session

from geo_api.auth.access import area_of
from geo_api.auth.accounts import check_password, open_login
from geo_api.auth.caller_lookup import COOKIE
from geo_api.credentials import (
    DEVICE_COOKIE,
    DEVICE_DAYS,
    LoginThrottle,
    add_device,
    check_code,
    find_device,
    has_factor,
)
from geo_api.http.caching import NEVER_KEPT
from geo_api.http.errors import Problem
from geo_api.http.representations import json_response
from layers.tables import User

DEVICE_PATH = "/v1/login"
"""The cookie of a known device is sent there only."""


@dataclass(frozen=True)
class Try:
    """One try of a password or a code; it counts as a failure until it is said to be none.

    Attributes
    ----------
    device : str or None
        A browser in which the person has logged in before, or a login that is open: it has a count of its
        own.
    """

    throttle: LoginThrottle
    username: str
    address: str
    device: str | None

    def begin(self) -> None:
        """Count the try.

        Raises
        ------
        Problem
            429: there were too many.
        """
        if wait_s := self.throttle.begin(self.username, self.address, self.device):
            headers = {"Retry-After": str(wait_s)}
            raise Problem(
                "too-many-requests", f"Try again in {wait_s} s.", f"请在 {wait_s} 秒后重试。", headers=headers
            )

    def take_back(self) -> None:
        """Count it as neither."""
        self.throttle.take_back(self.username, self.address, self.device)

    def succeeded(self) -> None:
        """Count it as a success."""
        self.throttle.succeeded(self.username, self.address, self.device)


def address_of(request: Request) -> str:
    """Return the address of the client, behind trusted proxies too."""
    return getattr(request.state, "address", None) or (request.client.host if request.client else "")


def checked_account(
    request: Request, db: Session, username: str, password: str, code: str | None = None
) -> User:
    """Return the account of a name and a password, and of a code where it has a second factor.

    Raises
    ------
    Problem
        401: something is wrong or missing; 429: there were too many tries.
    """
    key = request.app.state.signing_key
    device = find_device(key, username, request.cookies.get(DEVICE_COOKIE, ""))
    tried = Try(request.app.state.login_throttle, username, address_of(request), device)
    tried.begin()
    user = check_password(db, username, password)
    if user is None:
        raise Problem("login-failed", "Wrong user name or password.", "用户名或密码错误。")
    if has_factor(db, user):
        if not code:
            tried.take_back()
            raise Problem("second-factor-needed", "Send the code of your app as `code`.", "请输入验证码。")
        check_second_factor(db, key, user, code)
    tried.succeeded()
    return user


def check_second_factor(db: Session, key: bytes, user: User, code: str) -> None:
    """Use a code.

    Raises
    ------
    Problem
        401: the code is wrong, or was used before.
    """
    if not check_code(db, key, user, code):
        raise Problem(
            "second-factor-failed",
            "The code is wrong, over, or was used before.",
            "验证码错误、已过期或已使用过。",
        )


def answer_with_login(request: Request, db: Session, user: User) -> Response:
    """Open a login from where the request comes: the account, its CSRF token, and the cookie."""
    hours = request.app.state.settings.session_hours
    fresh = open_login(db, user, hours, address_of(request), request.headers.get("user-agent"))
    who = {"username": user.username, "display_name": user.display_name, "role": user.role, "body": user.body}
    opened = {"user": {**who, "area": area_of(db, user.area_code)}, "csrf_token": fresh.csrf_token}
    response = json_response(opened, headers=NEVER_KEPT)
    response.set_cookie(
        COOKIE,
        fresh.token,
        max_age=hours * 3600,
        path="/",
        httponly=True,
        samesite="lax",
        secure=is_secure(request),
    )
    return response


def set_device_cookie(request: Request, response: Response, username: str) -> None:
    """Let the browser be known as one in which that person has logged in."""
    known = request.cookies.get(DEVICE_COOKIE, "")
    response.set_cookie(
        DEVICE_COOKIE,
        add_device(request.app.state.signing_key, username, known),
        max_age=DEVICE_DAYS * 86_400,
        path=DEVICE_PATH,
        httponly=True,
        samesite="lax",
        secure=is_secure(request),
    )


def is_secure(request: Request) -> bool:
    """Return whether cookies are for https only."""
    told: bool | None = request.app.state.settings.cookie_secure
    return request.url.scheme == "https" if told is None else told
