"""Open311 GeoReport v2 (https://wiki.open311.org/GeoReport_v2/): discovery, services, requests and tokens."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Coroutine, Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form, Path, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from geo_api.auth.access import MAY, SystemDb
from geo_api.auth.api_keys import find_key
from geo_api.http.errors import TITLES, Problem, kind_of
from geo_api.http.schemas import aware
from geo_api.open311.documents import answer, request_document, service_document
from grid.intake import ClueFacts, public_clues, receive_clue, valid_matters
from layers.city import city_in_force
from layers.errors import NotFound
from layers.local_time import local_day

LONGEST = dt.timedelta(days=90)
MOST_REQUESTS = 1_000
FormatName = Annotated[Literal["json", "xml"], Path()]


class GeoReportRoute(APIRoute):
    """A route whose errors are the list that GeoReport wants."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler of the route."""
        handle = super().get_route_handler()

        async def handled(request: Request) -> Response:
            try:
                return await handle(request)
            except RequestValidationError as error:
                names = ", ".join(str(each["loc"][-1]) for each in error.errors())
                return _refused(request, 400, f"{names}: missing or not valid 缺少或无效")
            except Problem as problem:
                return _refused(
                    request, TITLES[problem.kind][0], f"{problem.detail} {problem.detail_zh}".strip()
                )
            except Exception as error:
                kind = kind_of(error)
                if kind is None or TITLES[kind][0] >= 500:
                    raise
                status = 404 if isinstance(error, NotFound) else 400
                zh = getattr(error, "message_zh", "")
                return _refused(request, status, f"{_by_its_name(str(error))} {_by_its_name(zh)}".strip())

        return handled


NAMES_HERE = {"text": "description", "lon, lat": "lat, long", "lon、lat": "lat、long", "address": "address_string",
              "name": "first_name, last_name"}  # fmt: skip
"""Names of members of a clue as GeoReport has them."""


def _by_its_name(reason: str) -> str:
    """Return a reason that begins with the name of a member, with the name by which it was sent.

    Examples
    --------
    >>> _by_its_name("text: it is too long"), _by_its_name("lon、lat：不在本市"), _by_its_name("no such thing")
    ('description: it is too long', 'lat、long：不在本市', 'no such thing')
    """
    for separator in (": ", "："):
        name, found, rest = reason.partition(separator)
        if found and name in NAMES_HERE:
            return f"{NAMES_HERE[name]}{separator}{rest}"
    return reason


def _refused(request: Request, status: int, description: str) -> Response:
    form = "json" if request.url.path.endswith(".json") else "xml"
    return answer("errors", [{"code": status, "description": description}], form, status)


router = APIRouter(
    prefix="/open311/v2", tags=["open311"], route_class=GeoReportRoute, include_in_schema=False
)
Jurisdiction = Annotated[str | None, Query(max_length=100)]


@router.get("/discovery.{form}")
def discover(request: Request, form: FormatName, jurisdiction_id: Jurisdiction = None) -> Response:
    """Return where and how this service is reached."""
    base = str(request.base_url).rstrip("/")
    endpoint = {
        "specification": "http://wiki.open311.org/GeoReport_v2",
        "url": f"{base}/open311/v2",
        "changeset": "2026-11-29T00:00:00Z",
        "type": "production",
        "formats": ["application/json", "text/xml"],
    }
    document = {
        "changeset": "2026-11-29T00:00:00Z",
        "contact": city_in_force().name or "wangge",
        "key_service": f"{base}/docs",
        "endpoints": [endpoint],
    }
    return answer("discovery", document, form)


@router.get("/services.{form}")
def list_services(form: FormatName, db: SystemDb, jurisdiction_id: Jurisdiction = None) -> Response:
    """Return the matters in force as services."""
    today = local_day(dt.datetime.now(dt.UTC))
    return answer("services", [service_document(each) for each in valid_matters(db, today)], form)


@router.get("/services/{service_code}.{form}")
def define_service(
    service_code: str, form: FormatName, db: SystemDb, jurisdiction_id: Jurisdiction = None
) -> Response:
    """Return the attributes of a service: there are none beside those of every request."""
    today = local_day(dt.datetime.now(dt.UTC))
    if service_code not in {each.item_code for each in valid_matters(db, today)}:
        raise NotFound(f"service_code {service_code!r} was not found", "没有此服务")
    return answer("service_definition", {"service_code": service_code, "attributes": []}, form)


@router.get("/requests.{form}")
def list_requests(
    form: FormatName,
    db: SystemDb,
    service_request_id: Annotated[str | None, Query(max_length=2_000)] = None,
    service_code: Annotated[str | None, Query(max_length=2_000)] = None,
    start_date: Annotated[dt.datetime | None, Query()] = None,
    end_date: Annotated[dt.datetime | None, Query()] = None,
    status: Annotated[str | None, Query(max_length=50)] = None,
    jurisdiction_id: Jurisdiction = None,
) -> Response:
    """Return requests of public matters: of the last 90 days, or of a span of 90 days at most."""
    ids = None if service_request_id is None else _ids(service_request_id)
    now, begin, end = (
        dt.datetime.now(dt.UTC),
        _moment("start_date", start_date),
        _moment("end_date", end_date),
    )
    until = end or (begin + LONGEST if begin else now)
    since = begin or until - LONGEST
    if not dt.timedelta(0) <= until - since <= LONGEST:
        raise Problem("bad-request", "start_date, end_date: 90 days at most", "时间跨度不得超过 90 天")
    wanted = set((status or "open,closed").split(","))
    if not wanted <= {"open", "closed"}:
        raise Problem("bad-request", "status: open, closed or both", "status 应为 open 或 closed")
    codes = None if service_code is None else service_code.split(",")
    rows = public_clues(db, ids=ids, codes=codes, since=since, until=until, day=local_day(now),
                        most=MOST_REQUESTS)  # fmt: skip
    found = [request_document(row) for row in rows]
    return answer("service_requests", [each for each in found if each["status"] in wanted], form)


@router.get("/requests/{service_request_id}.{form}")
def get_request(
    service_request_id: str, form: FormatName, db: SystemDb, jurisdiction_id: Jurisdiction = None
) -> Response:
    """Return one request of a public matter."""
    rows = _one_clue(db, service_request_id)
    if not rows:
        raise NotFound(f"service_request_id {service_request_id!r} was not found", "没有此请求")
    return answer("service_requests", [request_document(row) for row in rows], form)


@router.get("/tokens/{token}.{form}")
def get_token(token: str, form: FormatName, db: SystemDb, jurisdiction_id: Jurisdiction = None) -> Response:
    """Return the id of a request by its token, which is the id: requests have their id at once."""
    rows = _one_clue(db, token)
    if not rows:
        raise NotFound(f"token {token!r} was not found", "没有此令牌")
    return answer("service_requests", [{"service_request_id": token, "token": token}], form)


@router.post("/requests.{form}", status_code=201)
def add_request(
    request: Request,
    form: FormatName,
    db: SystemDb,
    service_code: Annotated[str, Form(max_length=100)],
    api_key: Annotated[str | None, Form(max_length=200)] = None,
    lat: Annotated[float | None, Form()] = None,
    long: Annotated[float | None, Form()] = None,
    address_string: Annotated[str | None, Form(max_length=200)] = None,
    description: Annotated[str, Form(max_length=4_000)] = "",
    first_name: Annotated[str, Form(max_length=100)] = "",
    last_name: Annotated[str, Form(max_length=100)] = "",
    phone: Annotated[str | None, Form(max_length=20)] = None,
    email: Annotated[str | None, Form(max_length=200)] = None,
    jurisdiction_id: Annotated[str | None, Form(max_length=100)] = None,
) -> Response:
    """Report a request with the key of an account that may report; it becomes a clue."""
    needing = request.app.state.settings.roles_with_second_factor()
    found = find_key(db, api_key, second_factor_roles=needing) if api_key else None
    if found is None or found[1].read_only or found[1].role not in MAY["report_clues"]:
        raise Problem("not-allowed", "api_key: missing or not valid", "api_key 缺少或无效")
    now = dt.datetime.now(dt.UTC)
    if service_code not in {each.item_code for each in valid_matters(db, local_day(now))}:
        raise NotFound(f"service_code {service_code!r} was not found", "没有此服务")
    facts = ClueFacts(
        source="system",
        text=description.strip() or service_code,
        address=address_string,
        lon=long,
        lat=lat,
        item_code=service_code,
        reporter_name=f"{last_name}{first_name}" or None,
        phone=phone or None,
        email=email or None,
    )
    clue = receive_clue(db, facts, at=now, created_by=found[0].username)
    document = [{"service_request_id": str(clue.id), "service_notice": None, "account_id": None}]
    return answer("service_requests", document, form, 201)


def _one_clue(db: SystemDb, written: str) -> Sequence[Any]:
    today = local_day(dt.datetime.now(dt.UTC))
    return public_clues(db, ids=_ids(written), codes=None, since=None, until=None, day=today, most=1)


def _moment(name: str, at: dt.datetime | None) -> dt.datetime | None:
    try:
        return aware(at)
    except ValueError as error:
        raise Problem("bad-request", f"{name}: {error}", f"{name}：年份超出范围") from error


def _ids(written: str) -> list[int]:
    """Return the numbers of a list with commas; what is no number is no id of a request."""
    return [int(each) for each in written.split(",") if each.isascii() and each.isdigit() and len(each) < 18]
