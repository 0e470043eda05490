"""GeoReport v2: read by a client that knows nothing of this service, written by plain forms."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from georeport import GeoReport
from sqlalchemy import text
from starlette.testclient import TestClient

from geo_api.auth.access import create_user
from geo_api.auth.api_keys import create_key
from layers.postgres import SYSTEM, session
from tests.support.application import PASSWORD, Api, serving

BASE = "/open311/v2"
AT_A = {"lat": "31.21", "long": "120.11"}


@pytest.fixture(scope="module")
def key(api: Api) -> str:
    with session(SYSTEM, api.url) as db:
        db.execute(
            text(
                "INSERT INTO matters (item_code, name, domain, public, valid_from) VALUES"
                " ('PUB-1', '占道摆摊', 'urban', true, '2020-01-01'), ('PRI-1', '内部事项', 'urban', false, '2020-01-01')"
            )
        )
        create_user(db, username="open311.app", password=PASSWORD, role="service")
        return create_key(db, "open311.app")


def test_discovery_services_and_definitions(api: Api, key: str) -> None:
    client = TestClient(api.app)
    found = client.get(f"{BASE}/discovery.json").json()
    assert found["endpoints"][0]["url"] == "http://testserver/open311/v2"
    services = client.get(f"{BASE}/services.json").json()
    one = next(each for each in services if each["service_code"] == "PUB-1")
    assert one["service_name"] == "占道摆摊" and one["type"] == "realtime" and one["metadata"] is False
    tree = ET.fromstring(client.get(f"{BASE}/services.xml").content)
    assert tree.tag == "services" and "PUB-1" in {
        each.findtext("service_code") for each in tree.findall("service")
    }
    assert client.get(f"{BASE}/services/PUB-1.json").json() == {"service_code": "PUB-1", "attributes": []}
    assert client.get(f"{BASE}/services/NONE.json").json()[0]["code"] == 404


def test_a_form_makes_a_request_that_says_nothing_personal(api: Api, key: str) -> None:
    client = TestClient(api.app)
    form = {
        "api_key": key,
        "service_code": "PUB-1",
        **AT_A,
        "description": "门口摆摊",
        "first_name": "五",
        "last_name": "王",
        "phone": "13712345678",
    }
    made = client.post(f"{BASE}/requests.json", data=form)
    assert made.status_code == 201, made.text
    number = made.json()[0]["service_request_id"]
    found = client.get(f"{BASE}/requests/{number}.json")
    assert found.json()[0]["status"] == "open" and found.json()[0]["service_code"] == "PUB-1"
    for secret in ("王五", "13712345678", "门口", "120.11"):
        assert secret not in found.text
    tree = ET.fromstring(client.get(f"{BASE}/requests.xml?service_code=PUB-1").content)
    assert number in {each.findtext("service_request_id") for each in tree.findall("request")}
    assert client.get(f"{BASE}/requests.json?status=closed&service_code=PUB-1").json() == []
    assert client.get(f"{BASE}/tokens/{number}.json").json()[0]["service_request_id"] == number
    hidden = client.post(f"{BASE}/requests.json", data=form | {"service_code": "PRI-1"}).json()[0][
        "service_request_id"
    ]
    assert client.get(f"{BASE}/requests/{hidden}.json").status_code == 404


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"api_key": "wk_wrong"}, 403),
        ({"api_key": ""}, 403),
        ({"service_code": "NONE"}, 404),
        ({"lat": "31.2", "long": "125"}, 400),
        ({"lat": "north"}, 400),
        ({"phone": "x"}, 400),
    ],
)
def test_errors_are_the_list_of_the_specification(
    api: Api, key: str, form: dict[str, str], status: int
) -> None:
    client = TestClient(api.app)
    sent = {"api_key": key, "service_code": "PUB-1", "description": "门口摆摊", **AT_A, **form}
    answer = client.post(f"{BASE}/requests.json", data=sent)
    assert answer.status_code == status, answer.text
    assert [set(each) for each in answer.json()] == [{"code", "description"}]
    tree = ET.fromstring(client.post(f"{BASE}/requests.xml", data=sent).content)
    assert tree.tag == "errors" and tree.find("error/code") is not None


def test_ninety_days(api: Api, key: str) -> None:
    client = TestClient(api.app)
    span = {"start_date": "2026-01-01T00:00:00Z", "end_date": "2026-04-02T00:00:00Z"}
    assert client.get(f"{BASE}/requests.json", params=span).status_code == 400
    span["end_date"] = "2026-04-01T00:00:00Z"
    assert client.get(f"{BASE}/requests.json", params=span).status_code == 200


@pytest.mark.parametrize("form", ["json", "xml"])
def test_the_client_georeport_reads_every_document(api: Api, key: str, form: str) -> None:
    posted = {"api_key": key, "service_code": "PUB-1", "description": "门口摆摊", **AT_A}
    number = TestClient(api.app).post(f"{BASE}/requests.json", data=posted).json()[0]["service_request_id"]
    with serving(api.settings) as address:
        client = GeoReport(f"{address}{BASE}", output_format=form)
        services = client.get_service_list()
        assert "PUB-1" in {each["service_code"] for each in services}
        found = client.get_service_requests(service_code="PUB-1")
        assert number in {each["service_request_id"] for each in found}
        one = client.get_service_request(number)
        assert number in str(one)
