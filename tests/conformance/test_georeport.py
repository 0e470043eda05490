"""Answers of Open311 against the published schemas of GeoReport v2, as JSON and as XML; posts as the text says.

XML becomes JSON by the Spark convention of the text (a list is an element of elements), so that one schema judges both.
"""

from __future__ import annotations

import copy
import json
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import jsonschema_rs
import pytest
from sqlalchemy import text

from geo_api.auth.access import create_user
from geo_api.auth.api_keys import create_key
from layers.postgres import SYSTEM, session
from tests.support.application import PASSWORD, Api, Seeded, api_over, serving
from tests.support.waiting import PATIENCE_S

SCHEMA = json.loads((Path(__file__).parent / "schemas" / "georeport_v2.json").read_text(encoding="utf-8"))
LISTS = {"services": "service", "service_requests": "request", "errors": "error", "endpoints": "endpoint",
         "attributes": "attribute", "formats": "format"}  # fmt: skip
TYPES = {"true": True, "false": False}
NUMBERS = {"code"}
"""Elements of errors that are numbers; a service has no element of that name."""


@pytest.fixture(scope="module")
def api(seeded: Seeded, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """An application of this module's own: a matter more changes what others are suggested."""
    yield from api_over(seeded, "georeport", tmp_path_factory.mktemp("georeport"))


@pytest.fixture(scope="module")
def address(api: Api) -> Iterator[str]:
    with serving(api.settings) as address:
        yield address


@pytest.fixture(scope="module")
def key(api: Api) -> str:
    with session(SYSTEM, api.url) as db:
        db.execute(
            text(
                "INSERT INTO matters (item_code, name, domain, public, keywords, valid_from)"
                " VALUES ('GR-1', '占道摆摊', 'urban', true, '{地摊,小贩}', '2020-01-01')"
            )
        )
        create_user(db, username="georeport.app", password=PASSWORD, role="service")
        return create_key(db, "georeport.app")


def judge(name: str, document: Any) -> None:
    schema = {"$ref": f"#/$defs/{name}", "$defs": SCHEMA["$defs"]}
    faults = list(jsonschema_rs.validator_for(schema, validate_formats=True).iter_errors(document))
    assert not faults, [str(each) for each in faults]


def spark(element: ET.Element) -> Any:
    """JSON of an element."""
    assert "}" not in element.tag, "no namespace"
    if element.tag in LISTS:
        assert {each.tag for each in element} <= {LISTS[element.tag]}, ET.tostring(element)
        return [spark(each) for each in element]
    if len(element):
        return {each.tag: spark(each) for each in element}
    written = element.text
    if element.tag in NUMBERS and written is not None:
        return int(written)
    return TYPES.get(written or "", written)


class Service:
    """Open311 of a server, whose answers are judged as they come."""

    def __init__(self, address: str, form: str) -> None:
        self.base, self.form = f"{address}/open311/v2", form

    def ask(self, path: str, schema: str, status: int = 200, **sent: Any) -> Any:
        method = "POST" if "data" in sent else "GET"
        answer = httpx2.request(method, f"{self.base}/{path}.{self.form}", timeout=PATIENCE_S, **sent)
        assert answer.status_code == status, answer.text
        media = {"json": "application/json; charset=utf-8", "xml": "text/xml; charset=utf-8"}
        assert answer.headers["content-type"].lower() == media[self.form]
        document = answer.json() if self.form == "json" else self.of_xml(answer.content, schema)
        judge(schema, document)
        return document

    @staticmethod
    def of_xml(content: bytes, schema: str) -> Any:
        assert content.startswith(b"<?xml") and b"utf-8" in content[:60].lower(), content[:60]
        root = ET.fromstring(content)
        assert root.tag == {"posted": "service_requests", "tokens": "service_requests"}.get(schema, schema)
        return spark(root)


@pytest.fixture(params=["json", "xml"])
def service(address: str, request: pytest.FixtureRequest) -> Service:
    return Service(address, request.param)


def test_discovery_services_and_definitions(service: Service, key: str) -> None:
    found = service.ask("discovery", "discovery")
    assert found["endpoints"][0]["url"] == service.base, "the address leads here"
    one = next(each for each in service.ask("services", "services") if each["service_code"] == "GR-1")
    assert one["keywords"] == "地摊,小贩" and one["metadata"] is False
    defined = service.ask("services/GR-1", "service_definition")
    assert defined["service_code"] == "GR-1" and not defined["attributes"]


def test_a_posted_form_a_token_and_the_requests(service: Service, key: str) -> None:
    """The form is what the text says: urlencoded, the place as lat and long or as address_string."""
    form = {
        "api_key": key, "service_code": "GR-1", "lat": "31.21", "long": "120.11", "description": "门口摆摊", "email": "",
        "device_id": "d", "account_id": "", "first_name": "五", "last_name": "王", "phone": "", "media_url": "",
    }  # fmt: skip
    number = service.ask("requests", "posted", 201, data=form)[0]["service_request_id"]
    assert service.ask(f"tokens/{number}", "tokens")[0]["service_request_id"] == number
    (one,) = service.ask(f"requests/{number}", "service_requests")
    assert (one["service_request_id"], one["status"], one["service_code"]) == (number, "open", "GR-1")
    listed = service.ask("requests", "service_requests", params={"service_request_id": f"{number},1"})
    assert number in {each["service_request_id"] for each in listed}
    assert (
        service.ask("requests", "service_requests", params={"service_code": "GR-1", "status": "closed"}) == []
    )
    by_address = {name: value for name, value in form.items() if name not in ("lat", "long")}
    service.ask("requests", "posted", 201, data=by_address | {"address_string": "A镇"})


@pytest.mark.parametrize(
    ("path", "status", "sent"),
    [
        ("services/NONE", 404, {}),
        ("requests/999999999", 404, {}),
        ("tokens/999999999", 404, {}),
        ("requests", 400, {"params": {"status": "half"}}),
        ("requests", 400, {"params": {"start_date": "yesterday"}}),
        ("requests", 400, {"params": {"start_date": "2026-01-01T00:00:00Z", "end_date": "2026-12-01T00:00:00Z"}}),
        ("requests", 403, {"data": {"service_code": "GR-1"}}),
        ("requests", 403, {"data": {"service_code": "GR-1", "api_key": "wk_wrong"}}),
        ("requests", 400, {"data": {"api_key": "KEY"}}),
        ("requests", 404, {"data": {"service_code": "NONE", "api_key": "KEY"}}),
        ("requests", 400, {"data": {"service_code": "GR-1", "api_key": "KEY", "lat": "31.2", "long": "125"}}),
    ],
)  # fmt: skip
def test_errors(service: Service, key: str, path: str, status: int, sent: dict[str, Any]) -> None:
    sent = copy.deepcopy(sent)
    if sent.get("data", {}).get("api_key") == "KEY":
        sent["data"]["api_key"] = key
    for error in service.ask(path, "errors", status, **sent):
        assert error["code"] == status


def test_the_schema_refuses_what_the_text_forbids() -> None:
    """A judge that passes everything would prove nothing."""
    good = {
        "service_request_id": "1",
        "status": "open",
        "service_code": "a",
        "requested_datetime": "2026-01-01T00:00:00Z",
    }
    judge("service_requests", [good])
    for name, value in (
        ("status", "half"),
        ("requested_datetime", "1.1.2026"),
        ("lat", "31"),
        ("service_request_id", 1),
    ):
        with pytest.raises(AssertionError):
            judge("service_requests", [good | {name: value}])
    with pytest.raises(AssertionError):
        judge("errors", [{"description": "x"}])
