"""From errors to RFC 9457 problems: one table from class to status and type.

Packages below know no HTTP. A problem is ``{type, title, title_zh, status, detail, instance, request_id}``
with further members that its kind needs. A 500 shows its request id and nothing of the exception.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
import psycopg
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from sqlalchemy.exc import DataError, DBAPIError, InterfaceError, OperationalError, PendingRollbackError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.responses import Response

import grid.errors
import layers.attachments
import layers.errors
import maps.errors
from geo_api.http.refused_values import reasons_of

log = structlog.get_logger("geo_api")
MEDIA_TYPE = "application/problem+json"
TYPE_BASE = "/problems/"
MOST_FAULTS = 100
"""Faults of one body that are listed; the rest is counted."""

TITLES: Mapping[str, tuple[int, str, str]] = {
    "bad-request": (400, "Bad request", "请求有误"),
    "unknown-parameter": (400, "Unknown query parameter", "未知的查询参数"),
    "invalid-parameter": (400, "Invalid parameter", "参数无效"),
    "login-required": (401, "Login required", "需要登录"),
    "login-failed": (401, "Wrong user name or password", "用户名或密码错误"),
    "second-factor-needed": (401, "A code of the second factor is needed", "需要二次验证码"),
    "second-factor-failed": (401, "Wrong code", "验证码错误"),
    "enrolment-needed": (403, "The second factor must be set up first", "须先设置二次验证"),
    "not-allowed": (403, "Not allowed for this role or area", "当前角色或区域无权操作"),
    "csrf": (403, "CSRF token missing or wrong", "跨站请求校验失败"),
    "not-found": (404, "Not found", "未找到"),
    "method-not-allowed": (405, "Method not allowed", "不支持该请求方法"),
    "not-acceptable": (406, "Not acceptable", "无法提供所请求的格式"),
    "changes-gone": (410, "These changes are not kept any more", "变更记录已不再保留"),
    "version-needed": (428, "If-Match is needed", "缺少 If-Match"),
    "version-conflict": (412, "Somebody else changed it", "已被他人修改"),
    "conflict": (409, "Conflict with the current state", "与当前状态冲突"),
    "illegal-transition": (409, "This step is not possible now", "当前环节不允许此操作"),
    "edit-conflict": (409, "Somebody else changed these areas", "区域已被他人修改"),
    "chain-broken": (409, "The event chain is broken", "案件记录链校验失败"),
    "invalid-body": (422, "Invalid body", "请求内容无效"),
    "unknown-area": (422, "No such area at that time", "该时间没有此区域"),
    "unknown-item": (422, "No such item in the duty list", "权责清单中没有此事项"),
    "topology-fault": (422, "The result would not be a partition", "拓扑错误：修改后将出现缝隙或重叠"),
    "calendar-unknown": (422, "No working-day calendar for this year", "该年份的工作日历尚未发布"),
    "unknown-host": (421, "Unknown host", "未知的域名"),
    "too-large": (413, "Too large", "内容过大"),
    "head-too-large": (431, "Request header fields too large", "请求头过大"),
    "unsupported-media-type": (415, "Media type not supported", "不支持的内容类型"),
    "rejected": (422, "Every row was rejected", "所有行均被拒绝"),
    "too-slow-body": (408, "The body did not arrive in time", "请求体传输超时"),
    "busy": (429, "Too much at once", "系统繁忙"),
    "too-many-requests": (429, "Too many attempts", "尝试次数过多"),
    "internal": (500, "Internal error", "内部错误"),
    "not-available": (503, "Not available now", "服务暂不可用"),
    "pdf-not-available": (503, "The report cannot be had as PDF", "无法提供 PDF 报告"),
    "too-slow": (503, "The query took too long", "查询超时"),
    "insufficient-storage": (507, "The disk of the database is full", "数据库磁盘空间不足"),
}


class Problem(Exception):
    """An answer other than success, made by a route or a parser.

    Parameters
    ----------
    kind : str
        A key of ``TITLES``.
    detail, detail_zh : str
        What was wrong, in English and Chinese.
    extras : mapping
        Further members of the problem.
    """

    def __init__(
        self,
        kind: str,
        detail: str = "",
        detail_zh: str = "",
        *,
        extras: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.detail_zh = detail_zh
        self.extras = dict(extras or {})
        self.headers = dict(headers or {})


KINDS: dict[type[Exception], str] = {
    grid.errors.GridError: "invalid-body",
    grid.errors.TopologyFault: "topology-fault",
    grid.errors.EditConflict: "edit-conflict",
    grid.errors.DraftChanged: "version-conflict",
    grid.errors.TooManyDrafts: "conflict",
    grid.errors.UnknownArea: "unknown-area",
    grid.errors.UnknownItem: "unknown-item",
    grid.errors.UnknownEntry: "not-found",
    grid.errors.EntryInUse: "conflict",
    grid.errors.EntryOutOfReach: "not-allowed",
    grid.errors.AreaOutOfReach: "not-allowed",
    grid.errors.ApprovalRefused: "not-allowed",
    grid.errors.IllegalTransition: "illegal-transition",
    grid.errors.SecondCase: "illegal-transition",
    grid.errors.StaleCase: "version-conflict",
    grid.errors.ChainBroken: "chain-broken",
    grid.errors.CalendarUnknown: "calendar-unknown",
    layers.attachments.UnknownFileKind: "unsupported-media-type",
    layers.attachments.MissingFile: "not-found",
    layers.errors.NotFound: "not-found",
    layers.errors.InvalidFilter: "invalid-parameter",
    layers.errors.ChangesGone: "changes-gone",
    layers.errors.OutOfScope: "not-allowed",
    layers.errors.VersionConflict: "version-conflict",
    layers.errors.StillReferred: "conflict",
    layers.errors.BatchInUse: "conflict",
    layers.errors.BatchNotInForce: "conflict",
    layers.errors.DeliverySettled: "conflict",
    layers.errors.InputError: "invalid-body",
    maps.errors.ChromiumMissing: "pdf-not-available",
    maps.errors.PrintingFailed: "pdf-not-available",
    layers.errors.ClusterError: "not-available",
    layers.errors.DatabaseUnavailable: "not-available",
    PoolTimeout: "not-available",
    OperationalError: "not-available",
    PendingRollbackError: "not-available",
    psycopg.OperationalError: "not-available",
    psycopg.InterfaceError: "not-available",
}
"""Class to kind; the most special class wins."""


def kind_of(error: Exception) -> str | None:
    """Return the kind of problem that an error is, None when it is not foreseen."""
    return next((KINDS[cls] for cls in type(error).__mro__ if cls in KINDS), None)


def problem_response(
    request: Request,
    kind: str,
    detail: str = "",
    detail_zh: str = "",
    *,
    status: int | None = None,
    extras: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """One problem as ``application/problem+json``, never stored by a cache."""
    default, title, title_zh = TITLES[kind]
    code = status or default
    body = {
        "type": TYPE_BASE + kind,
        "title": title,
        "title_zh": title_zh,
        "status": code,
        "detail": detail,
        "instance": request.url.path,
        "request_id": request.scope.get("request_id", ""),
    }
    if detail_zh:
        body["detail_zh"] = detail_zh
    asked = {"WWW-Authenticate": 'Bearer realm="wangge"'} if code == 401 else {}
    return Response(
        orjson.dumps({**(extras or {}), **body}),
        status_code=code,
        media_type=MEDIA_TYPE,
        headers={"Cache-Control": "no-store", **asked, **(headers or {})},
    )


def _on_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return problem_response(
        request, error.kind, error.detail, error.detail_zh, extras=error.extras, headers=error.headers
    )


def _on_known(request: Request, error: Exception) -> Response:
    if isinstance(error, DBAPIError):
        return _on_database(request, error)
    if isinstance(error, psycopg.Error):
        return _on_database(request, OperationalError("", None, error))
    kind = kind_of(error) or "internal"
    if kind == "not-available":
        return _on_no_database(request, error)
    extras: dict[str, Any] = {}
    if isinstance(error, layers.errors.RejectedRows):
        rows = [
            {
                "in": "body",
                "field": fault.field,
                "reason": fault.reason,
                "reason_zh": fault.reason,
                "row": fault.row,
            }
            for fault in error.faults[:MOST_FAULTS]
        ]
        extras = {"faults": rows, "faults_found": len(error.faults)}
    for name, member in (
        ("rule", "rule"),
        ("zones", "zones"),
        ("geometry", "clash"),
        ("position", "position"),
        ("rests_on", "rests_on"),
        ("nearest", "nearest"),
        ("stored_version", "version"),
    ):
        if getattr(error, name, None) is not None:
            extras[member] = getattr(error, name)
    detail = str(getattr(error, "message_en", None) or error)
    return problem_response(request, kind, detail, getattr(error, "message_zh", "") or "", extras=extras)


def known_problem(request: Request, error: Exception) -> Response | None:
    """Return the answer to an error that the routes would answer too, for code around them.

    None: it is not foreseen.
    """
    if isinstance(error, Problem):
        return _on_problem(request, error)
    foreseen = isinstance(error, DBAPIError) or kind_of(error) is not None
    return _on_known(request, error) if foreseen else None


def _on_database(request: Request, error: DBAPIError) -> Response:
    """Return the problem of a database error: a cancelled statement is too slow, a refused write not allowed.

    A full disk is told, a lost server not available.
    """
    state = getattr(error.orig, "sqlstate", None)
    if state == "57014":
        return problem_response(
            request, "too-slow", "Ask for a smaller area or a shorter time.", "请缩小范围或时间段。"
        )
    if state == DISK_FULL:
        log.error("disk_full", error=str(error.orig), request_id=request.scope.get("request_id"))
        return _on_problem(request, no_room())
    if state == "42501":
        return problem_response(
            request, "not-allowed", "The database refused this write.", "数据库拒绝了此操作。"
        )
    if isinstance(error, DataError):
        detail, zh = "A value is one that the database cannot hold.", "参数值超出数据库允许的范围。"
        return problem_response(request, "bad-request", detail, zh)
    if isinstance(error, OperationalError | InterfaceError) or error.connection_invalidated:
        return _on_no_database(request, error)
    return unforeseen(request, error)


def _on_no_database(request: Request, error: Exception) -> Response:
    """Answer 503; the reason and the address of the database are only logged."""
    log.warning("database_unavailable", error=str(error), request_id=request.scope.get("request_id"))
    detail, zh = "The database does not answer.", "数据库无响应。"
    return problem_response(request, "not-available", detail, zh, headers={"Retry-After": "5"})


def _on_validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    faults = []
    for each in error.errors():
        (where, *path), (reason, reason_zh) = each["loc"], reasons_of(each)
        field = ".".join(map(str, path))
        faults.append({"in": str(where), "field": field, "reason": reason, "reason_zh": reason_zh})
    kind = "invalid-body" if any(f["in"] == "body" for f in faults) else "invalid-parameter"
    detail = "; ".join(f"{f['field'] or f['in']}: {f['reason']}" for f in faults[:5])
    detail_zh = "；".join(f"{f['field'] or '请求体'}：{f['reason_zh']}" for f in faults[:5])
    extras = {"faults": faults[:MOST_FAULTS], "faults_found": len(faults)}
    return problem_response(request, kind, detail, detail_zh, extras=extras)


_BY_STATUS = {
    400: "bad-request",
    401: "login-required",
    403: "not-allowed",
    404: "not-found",
    405: "method-not-allowed",
}


def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    kind = _BY_STATUS.get(error.status_code, "internal" if error.status_code >= 500 else "bad-request")
    headers = dict(error.headers or {})
    if error.status_code == 405:
        headers["Allow"] = ", ".join(_methods_of(request))
    return problem_response(request, kind, str(error.detail or ""), status=error.status_code, headers=headers)


def _methods_of(request: Request) -> list[str]:
    """Every method of a path, also when several routes share it."""
    found: set[str] = set()
    for route in iter_route_contexts(request.app.routes):
        if (pattern := getattr(route, "path_regex", None)) and pattern.match(request.scope["path"]):
            found |= route.methods or set()
    return sorted(found | ({"HEAD"} if "GET" in found else set()))


def unforeseen(request: Request, error: BaseException) -> Response:
    """Return a 500 that shows its number only; the log has the rest."""
    log.error("unforeseen_error", request_id=request.scope.get("request_id"), exc_info=error)
    number = request.scope.get("request_id", "")
    return problem_response(
        request, "internal", f"Tell the operator this number: {number}", f"请将此编号告知管理员：{number}"
    )


def register(app: FastAPI) -> None:
    """Answer every error of the application as a problem."""
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(RequestValidationError, _on_validation)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(DBAPIError, _on_known)
    for cls in KINDS:
        app.add_exception_handler(cls, _on_known)


RETRY_AFTER_S = 2
DISK_FULL = "53100"
"""SQLSTATE of a write for which the database's disk has no room."""


def no_room() -> Problem:
    """507: the disk has no room for a write."""
    return Problem(
        "insufficient-storage",
        "The disk of the database has no room. Nothing was written; reading goes on. Tell the operator.",
        "数据库磁盘空间不足，本次未写入任何数据，查询不受影响。请告知管理员。",
    )


def busy(why: str) -> Problem:
    """429 with the time after which another try makes sense."""
    return Problem(
        "busy",
        f"{why}; try again in {RETRY_AFTER_S} s. Nothing was written.",
        f"接收繁忙，请在 {RETRY_AFTER_S} 秒后重试。本次未写入任何数据。",
        headers={"Retry-After": f"{RETRY_AFTER_S}"},
    )
