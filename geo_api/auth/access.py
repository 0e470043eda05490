"""Access: the caller, the permissions of the role and the transaction in the caller's scope."""

from __future__ import annotations

import contextlib
import datetime as dt
import hmac
from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool
from sqlalchemy.orm import Session
from starlette.types import Scope as AsgiScope

from geo_api.auth.accounts import create_user
from geo_api.auth.caller_lookup import COOKIE, caller_of, known_caller
from geo_api.auth.callers import MAY, Caller
from geo_api.http.database_slots import database_slot
from geo_api.http.errors import Problem
from layers.postgres import SYSTEM, limit_statements, session
from layers.records import add_last_call, newest_area_name

__all__ = [
    "COOKIE",
    "MAY",
    "Caller",
    "CallerDep",
    "Db",
    "SystemDb",
    "access_row",
    "caller_of",
    "create_user",
    "current_caller",
    "known_caller",
    "needs",
]

CSRF_HEADER = "x-csrf-token"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

LOGGED_PATHS = (
    "/collections/alerts",
    "/collections/cases",
    "/collections/stays",
    "/collections/visits",
    "/collections/tracks",
    "/collections/fence_events",
    "/collections/silences",
    "/collections/encounters",
    "/v1/access-log",
    "/v1/account",
    "/v1/alert-budgets",
    "/v1/alerts",
    "/v1/areas",
    "/v1/cases",
    "/v1/clues",
    "/v1/deliveries",
    "/v1/dispatches",
    "/v1/registers",
    "/v1/reports",
    "/v1/sites",
    "/v1/sources",
    "/v1/duty-proposals",
    "/v1/imports",
    "/v1/lineage",
    "/v1/models",
    "/v1/vehicles",
    "/v1/webhooks",
    "/v1/change-sets",
    "/v1/drafts",
    "/v1/login",
    "/v1/logout",
    "/v1/runs",
)
"""Reads and writes under these paths go into the access log."""
REFUSED = frozenset({401, 403})
"""Answers that go into the access log whatever the path: somebody tried what is not allowed.

429 is not among them, or a flood would become one of writes.
"""


async def current_caller(request: Request) -> Caller:
    """Return the caller; an unsafe method with a cookie must prove that the page asked for it.

    Two checks: the ``X-CSRF-Token`` header equals the login's token, and a browser that names the origin of
    the request names this one.
    """
    caller = known_caller(request.scope)
    if caller is None:  # the database must be asked, or a wrong header be refused
        caller = await run_in_threadpool(caller_of, request)
    request.state.caller = caller
    if request.method not in SAFE_METHODS:
        if caller.read_only:
            raise Problem("not-allowed", "This API key only reads.", "此 API 密钥仅可读取。")
        if not caller.by_header:
            check_origin(request)
        if caller.csrf_token is not None:  # a login by cookie
            given = request.headers.get(CSRF_HEADER, "")
            if not hmac.compare_digest(given.encode(), (caller.csrf_token or "").encode()):
                raise Problem(
                    "csrf",
                    "Send the csrf_token of GET /v1/me as X-CSRF-Token.",
                    "请求缺少有效的 X-CSRF-Token。",
                )
    return caller


def check_origin(request: Request) -> None:
    """Refuse an unsafe request that a browser sends for another site, unless that site is in WANGGE_CORS_ORIGINS."""
    origin = request.headers.get("origin")
    if origin is not None and origin in request.app.state.settings.allowed_origins():
        return
    site = request.headers.get("sec-fetch-site")
    if site is not None and site not in ("same-origin", "none"):
        raise Problem("csrf", f"A request from another site ({site}) is refused.", "拒绝来自其他站点的请求。")
    if origin is not None and origin.partition("://")[2] != request.headers.get("host"):
        raise Problem("csrf", "The origin of this request is another site.", "请求来源与本站不一致。")


CallerDep = Annotated[Caller, Depends(current_caller)]


def needs(permission: str) -> Any:
    """Return a dependency that refuses callers without a permission."""

    def check(caller: CallerDep) -> Caller:
        caller.check(permission)
        return caller

    check.permission = permission  # type: ignore[attr-defined]  # for the description of the API
    return Depends(check)


DatabaseSlot = Annotated[None, Depends(database_slot, scope="function")]


@contextlib.contextmanager
def logged_with_the_act(request: Request) -> Iterator[None]:
    """Note whether the row of the access log was committed with what the call wrote."""
    try:
        yield
    except BaseException:
        request.state.logged_status = None
        raise


def _log_act(request: Request, db: Session) -> None:
    """Write the row of a write in its own transaction.

    What was answered is in the log whatever ends the process.
    """
    state, path = request.state, request.scope["path"]
    if (
        request.method in SAFE_METHODS
        or getattr(state, "logged_status", None)
        or not is_logged(path, request.method)
    ):
        return
    state.logged_status = getattr(request.scope.get("route"), "status_code", None) or 200
    add_last_call(db, row_of_call(request.scope, state.logged_status))


def row_of_call(
    scope: AsgiScope, status: int, *, method: str | None = None, caller: Caller | None = None
) -> dict[str, Any]:
    """Return the row of the access log for a call that is being answered.

    Parameters
    ----------
    method : str or None
        None: that of the scope.
    caller : Caller or None
        None: the one that the state of the call names.
    """
    state = scope["state"]
    address = state.get("address")
    return access_row(
        caller or state.get("caller") or Caller(),
        method=method or scope["method"],
        path=scope["path"],
        status=status,
        request_id=scope["request_id"],
        address=str(address) if address else None,
    )


def scoped_session(request: Request, caller: CallerDep, _slot: DatabaseSlot) -> Iterator[Session]:
    """Open a transaction in the caller's scope; it is committed before the answer is sent."""
    with logged_with_the_act(request), session(caller.scope, request.app.state.url) as db:
        limit_statements(db, request.app.state.settings.statement_timeout_s)
        yield db
        _log_act(request, db)


def system_session(request: Request, _slot: DatabaseSlot) -> Iterator[Session]:
    """Yield a transaction of the service itself: for accounts, and for writes that were checked before.

    After the commit of a write no process of this machine remembers a caller or the areas of one any more.
    """
    with logged_with_the_act(request), session(SYSTEM, request.app.state.url) as db:
        limit_statements(db, request.app.state.settings.statement_timeout_s)
        yield db
        _log_act(request, db)
    if request.method not in SAFE_METHODS:
        request.app.state.known_callers.changed()


Db = Annotated[Session, Depends(scoped_session, scope="function")]
SystemDb = Annotated[Session, Depends(system_session, scope="function")]


def area_of(db: Session, area_code: str | None) -> dict[str, str] | None:
    """Code and name of a caller's area, as ``/v1/me`` shows it."""
    if area_code is None:
        return None
    return {"code": area_code, "name": newest_area_name(db, area_code) or area_code}


def is_logged(path: str, method: str = "GET", status: int = 200) -> bool:
    """Return whether a call is written to the access log: rows of an area, every write, every refusal."""
    return (
        path.startswith(LOGGED_PATHS)
        or (method not in SAFE_METHODS and path.startswith("/collections/"))
        or status in REFUSED
    )


def access_row(
    caller: Caller,
    *,
    method: str,
    path: str,
    status: int,
    request_id: str,
    address: str | None = None,
) -> dict[str, Any]:
    """One row of the access log, as of now.

    The query string is left out: filters and keys of trackers may be in it.
    """
    return {
        "at": dt.datetime.now(dt.UTC),
        "username": caller.scope.username or caller.enrolling,
        "role": caller.role,
        "method": method[:20],
        "path": path[:1000].replace("\x00", "�"),
        "status": status,
        "request_id": request_id,
        "area_code": caller.area_code,
        "address": address,
        "detail": {"api_key": caller.key_name} if caller.key_name else None,
    }


def mask_plate(plate: str | None) -> str | None:
    """Return a plate with its middle hidden: enough to tell two vehicles apart, not enough to know one.

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
