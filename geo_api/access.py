"""Who calls, what the role may do, and the transaction in which the database applies the caller's scope."""

from __future__ import annotations

import datetime as dt
import hmac
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from geo_api.accounts import create_user, find_login
from geo_api.api_keys import find_key, given_key
from geo_api.errors import Problem
from geo_api.settings import Settings
from grid.areas import scope_area_ids
from grid.errors import UnknownArea
from layers.database import PUBLIC, SYSTEM, Scope, session
from layers.tables import AccessLog, Area, User

__all__ = [
    "MAY",
    "Caller",
    "CallerDep",
    "Db",
    "SystemDb",
    "create_user",
    "current_caller",
    "needs",
    "record_access",
]

COOKIE = "wangge_session"
CSRF_HEADER = "x-csrf-token"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
SCOPE_SECONDS = 10
"""How long the areas below a caller's area are remembered."""

MAY: Mapping[str, frozenset[str]] = {
    "read_alerts": frozenset({"viewer", "grid_manager", "officer", "dispatcher", "supervisor", "service"}),
    "read_cases": frozenset({"viewer", "grid_manager", "officer", "dispatcher", "supervisor", "service"}),
    "read_tracks": frozenset({"officer", "dispatcher", "supervisor", "service"}),
    "read_plates": frozenset({"dispatcher", "supervisor"}),
    "record_outcome": frozenset({"officer", "dispatcher", "supervisor"}),
    "move_cases": frozenset({"grid_manager", "officer", "dispatcher", "supervisor"}),
    "edit_sites": frozenset({"grid_manager", "officer", "dispatcher", "supervisor"}),
    "edit_places": frozenset({"grid_manager", "officer", "dispatcher", "supervisor"}),
    "edit_areas": frozenset({"grid_manager", "supervisor"}),
    "write_tracks": frozenset({"dispatcher", "service"}),
    "read_change_sets": frozenset({"grid_manager", "officer", "dispatcher", "supervisor"}),
}
"""Which roles may do what. Which *rows* a role sees is decided in the database."""

LOGGED_PATHS = (
    "/collections/alerts",
    "/collections/cases",
    "/collections/stays",
    "/collections/visits",
    "/collections/tracks",
    "/collections/fence_events",
    "/v1/alerts",
    "/v1/cases",
    "/v1/vehicles",
    "/v1/change-sets",
    "/v1/login",
    "/v1/logout",
)
"""Reads and writes under these paths go into the access log."""


@dataclass(frozen=True)
class Caller:
    """Who calls.

    Attributes
    ----------
    scope : Scope
        What the database lets the caller see.
    display_name, area_code, csrf_token : str or None
        Of the account; None when not logged in.
    by_key : bool
        The caller sent an API key and no cookie: there is no page to prove.
    """

    scope: Scope = PUBLIC
    display_name: str | None = None
    area_code: str | None = None
    csrf_token: str | None = None
    by_key: bool = False

    @property
    def logged_in(self) -> bool:
        """Whether there is an account."""
        return self.scope.username is not None

    @property
    def username(self) -> str:
        """Name of the account; empty when there is none."""
        return self.scope.username or ""

    @property
    def role(self) -> str:
        """Role of the account, or ``public``."""
        return self.scope.role

    def may(self, permission: str) -> bool:
        """Whether the role has a permission of ``MAY``."""
        return self.scope.role in MAY[permission]

    def check(self, permission: str) -> None:
        """Refuse unless the caller is logged in and the role has the permission."""
        self.check_login()
        if not self.may(permission):
            raise Problem(
                "not-allowed", f"The role {self.role} may not {permission}.", f"角色 {self.role} 无此权限。"
            )

    def check_login(self) -> None:
        """Refuse callers who are not logged in."""
        if not self.logged_in:
            raise Problem("login-required", "Log in first: POST /v1/login.", "请先登录。")


class ScopeAreas:
    """The ids of an area and of all areas below it, remembered for a short time."""

    def __init__(self, seconds: float = SCOPE_SECONDS) -> None:
        self._seconds = seconds
        self._known: dict[str, tuple[float, tuple[int, ...]]] = {}
        self._lock = threading.Lock()

    def of(self, db: Session, area_code: str) -> tuple[int, ...]:
        """Ids of that area in every version and of all below, from ``grid.areas.scope_area_ids``."""
        with self._lock:
            at, ids = self._known.get(area_code, (0.0, ()))
        if time.monotonic() - at < self._seconds and ids:
            return ids
        try:
            ids = tuple(scope_area_ids(db, area_code))
        except UnknownArea:  # an account of an area that is not loaded sees nothing
            ids = ()
        with self._lock:
            self._known[area_code] = (time.monotonic(), ids)
        return ids


def caller_of(request: Request) -> Caller:
    """The caller of the key or cookie; a wrong or ended cookie is nobody, a wrong key is refused."""
    if key := given_key(request):
        return _caller_of_key(request, key)
    token = request.cookies.get(COOKIE)
    if not token:
        return Caller()
    with session(SYSTEM, request.app.state.url) as db:
        found = find_login(db, token)
        if found is None:
            return Caller()
        user, login = found
        areas = request.app.state.scope_areas.of(db, user.area_code) if user.area_code else ()
    return Caller(_scope_of(user, areas), user.display_name, user.area_code, login.csrf_token)


def _caller_of_key(request: Request, key: str) -> Caller:
    with session(SYSTEM, request.app.state.url) as db:
        user = find_key(db, key)
        if user is None:
            raise Problem("login-required", "This API key is unknown or revoked.", "API 密钥无效或已吊销。")
        areas = request.app.state.scope_areas.of(db, user.area_code) if user.area_code else ()
    return Caller(_scope_of(user, areas), user.display_name, user.area_code, by_key=True)


def _scope_of(user: User, areas: tuple[int, ...]) -> Scope:
    return Scope(
        role=user.role,
        city_wide=user.area_code is None,
        area_ids=areas,
        username=user.username,
        domains=tuple(user.domains),
        body=user.body,
    )


def current_caller(request: Request) -> Caller:
    """The caller; an unsafe method with a cookie must prove that the page asked for it.

    Two checks: the ``X-CSRF-Token`` header equals the login's token, and a browser that names the origin of the
    request names this one.
    """
    caller = caller_of(request)
    request.state.caller = caller
    if request.method not in SAFE_METHODS:
        check_origin(request)
        if caller.logged_in and not caller.by_key:
            given = request.headers.get(CSRF_HEADER, "")
            if not hmac.compare_digest(given.encode(), (caller.csrf_token or "").encode()):
                raise Problem(
                    "csrf",
                    "Send the csrf_token of GET /v1/me as X-CSRF-Token.",
                    "请求缺少有效的 X-CSRF-Token。",
                )
    return caller


def check_origin(request: Request) -> None:
    """Refuse an unsafe request that a browser sends for another site."""
    site = request.headers.get("sec-fetch-site")
    if site is not None and site not in ("same-origin", "none"):
        raise Problem("csrf", f"A request from another site ({site}) is refused.", "拒绝来自其他站点的请求。")
    origin = request.headers.get("origin")
    if origin is not None and origin.partition("://")[2] != request.headers.get("host"):
        raise Problem("csrf", "The origin of this request is another site.", "请求来源与本站不一致。")


CallerDep = Annotated[Caller, Depends(current_caller)]


def needs(permission: str) -> Any:
    """A dependency that refuses callers without a permission."""

    def check(caller: CallerDep) -> Caller:
        caller.check(permission)
        return caller

    return Depends(check)


def _timeout(db: Session, settings: Settings) -> None:
    db.execute(
        text("SELECT set_config('statement_timeout', :ms, true)"),
        {"ms": str(settings.statement_timeout_s * 1000)},
    )


def scoped_session(request: Request, caller: CallerDep) -> Iterator[Session]:
    """A transaction in the caller's scope; committed before the answer leaves."""
    with session(caller.scope, request.app.state.url) as db:
        _timeout(db, request.app.state.settings)
        yield db


def system_session(request: Request) -> Iterator[Session]:
    """A transaction of the service itself: for accounts, and for writes that were checked before."""
    with session(SYSTEM, request.app.state.url) as db:
        _timeout(db, request.app.state.settings)
        yield db


Db = Annotated[Session, Depends(scoped_session, scope="function")]
SystemDb = Annotated[Session, Depends(system_session, scope="function")]


def area_of(db: Session, area_code: str | None) -> dict[str, str] | None:
    """Code and name of a caller's area, as ``/v1/me`` shows it."""
    if area_code is None:
        return None
    name = db.scalar(
        select(Area.name)
        .where(Area.code == area_code)
        .order_by(Area.kind == "functional_zone", Area.valid_from.desc())
        .limit(1)
    )
    return {"code": area_code, "name": name or area_code}


def is_logged(path: str, method: str = "GET") -> bool:
    """Whether calls of that path go into the access log: rows of an area, and every write of a feature."""
    return path.startswith(LOGGED_PATHS) or (method not in SAFE_METHODS and path.startswith("/collections/"))


def record_access(url: str, caller: Caller, *, method: str, path: str, status: int, request_id: str) -> None:
    """Add one row to the access log (append-only)."""
    with session(SYSTEM, url) as db:
        db.add(
            AccessLog(
                at=dt.datetime.now(dt.UTC),
                username=caller.scope.username,
                role=caller.role,
                method=method,
                path=path,
                status=status,
                request_id=request_id,
            )
        )


def mask_plate(plate: str | None) -> str | None:
    """A plate with its middle hidden: enough to tell two vehicles apart, not enough to know one.

    Examples
    --------
    >>> mask_plate("苏FA1234"), mask_plate("苏FD12345"), mask_plate(None), mask_plate("")
    ('苏F·A**34', '苏F·D***45', None, '')
    """
    if not plate:
        return plate
    plain = plate.replace("·", "")
    if len(plain) < 6:
        return "*" * len(plain)
    return f"{plain[:2]}·{plain[2]}{'*' * (len(plain) - 5)}{plain[-2:]}"
