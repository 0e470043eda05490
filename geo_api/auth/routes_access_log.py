"""The access log, for supervisors: who read or wrote rows of an area, and who was refused."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response

from geo_api.auth.access import CallerDep, Db, needs
from geo_api.auth.schemas import AccessLogPage
from geo_api.http.caching import PRIVATE
from geo_api.http.parameters import moment_parameter
from geo_api.http.representations import json_response, next_link
from layers.collections import read_cursor, write_cursor
from layers.exports import spreadsheet_text
from layers.local_time import utc_text
from layers.records import CallFilter, read_calls
from layers.tables import AccessLog

router = APIRouter(prefix="/v1/access-log", tags=["access log"])
CSV_ROWS = 10_000
CURSOR = "access-log"
FIELDS = (
    "id",
    "at",
    "username",
    "role",
    "area_code",
    "address",
    "method",
    "path",
    "status",
    "request_id",
    "detail",
)
Text = Annotated[str | None, Query(max_length=1_000)]


async def written(request: Request) -> None:
    """Write the waiting access records of this process to the table."""
    await request.app.state.access_records.flush()


@router.get(
    "",
    dependencies=[needs("read_access_log"), Depends(written)],
    response_model=AccessLogPage,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
)
def list_calls(
    request: Request,
    caller: CallerDep,
    db: Db,
    user: Annotated[str | None, Query(max_length=300, description="Name of an account")] = None,
    path: Annotated[str | None, Query(max_length=1_000, description="How the path begins")] = None,
    status: Annotated[int | None, Query(ge=100, le=599)] = None,
    request_id: Annotated[str | None, Query(max_length=64)] = None,
    start: Annotated[str | None, Query(alias="from", description="RFC 3339")] = None,
    until: Annotated[str | None, Query(alias="to", description="RFC 3339, not included")] = None,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
    cursor: Annotated[str | None, Query(max_length=500, description="From a next link")] = None,
    f: Literal["json", "csv"] = "json",
) -> Response:
    """Return calls, newest first. A supervisor of an area sees those of the area's accounts."""
    before = read_cursor(request.app.state.signing_key, CURSOR, cursor)[0] if cursor is not None else None
    wanted = CallFilter(
        username=user,
        path_start=path,
        status=status,
        request_id=request_id,
        start=moment_parameter("from", start),
        end=moment_parameter("to", until),
        before_id=before,
    )
    if f == "csv":
        return _csv(read_calls(db, wanted, CSV_ROWS))
    return _page(request, read_calls(db, wanted, limit + 1), limit)


def _page(request: Request, rows: Sequence[AccessLog], limit: int) -> Response:
    links = []
    if len(rows) > limit:
        further = write_cursor(request.app.state.signing_key, CURSOR, (rows[limit - 1].id,))
        links.append(next_link(request, further))
    body = {"calls": [_plain(row) for row in rows[:limit]], "links": links}
    return json_response(body, headers={"Cache-Control": PRIVATE})


def _plain(row: AccessLog) -> dict[str, Any]:
    return {name: getattr(row, name) for name in FIELDS}


def _csv(rows: Iterable[AccessLog]) -> Response:
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(FIELDS)
    for row in rows:
        table.writerow([_safe(value) for value in _plain(row).values()])
    headers = {
        "Cache-Control": PRIVATE,
        "Content-Disposition": f'attachment; filename="access-log-{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%SZ}.csv"',
    }
    return Response("﻿" + text.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)


def _safe(value: Any) -> Any:
    """Return a cell that no spreadsheet takes for a formula: paths and names are what strangers sent."""
    if isinstance(value, dt.datetime):
        return utc_text(value)
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    return spreadsheet_text(value) if isinstance(value, str) else value
