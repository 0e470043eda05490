"""The description of the API: up to date, complete, and held by every answer of the tests."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from geo_api.cases.schemas import SiteMeters
from grid.alerts import outcomes
from grid.responsibility.duties import LEVELS
from layers.alert_levels import ALERT_LEVELS
from layers.collections import COLLECTIONS
from layers.imports import FENCE_RULES, METER_KINDS
from layers.tables import DOMAINS
from layers.tables.fences import BREACH_BEGINS, BREACH_ENDS, RULES
from layers.tables.findings import OUTCOMES
from layers.tables.movement import STAY_ENDS
from spatial_models.fences import events as fence_events
from spatial_models.stays import detect as stays
from tests.support.application import Api
from tests.support.declared_answers import DeclaredAnswers

ROOT = Path(__file__).parents[2]
DESCRIPTION = json.loads((ROOT / "geo_api" / "openapi.json").read_text(encoding="utf-8"))
OPERATIONS = [operation for operations in DESCRIPTION["paths"].values() for operation in operations.values()]


def test_the_file_is_what_the_routes_say() -> None:
    made = runpy.run_path(str(ROOT / "scripts" / "write_openapi.py"))["text"]()
    assert json.loads(made) == DESCRIPTION, "run make fmt"


def test_it_is_what_the_service_gives(public: Any) -> None:
    assert public.get("/openapi.json").json() == DESCRIPTION


def test_every_operation_has_a_name_of_its_own() -> None:
    names = [operation["operationId"] for operation in OPERATIONS]
    assert len(names) == len(set(names)) and all(name.isalpha() and name[0].islower() for name in names)
    assert {"assignPoint", "listCases", "getCase", "postFixes", "logIn"} <= set(names)


def test_every_json_answer_has_members() -> None:
    for operation in OPERATIONS:
        name = operation["operationId"]
        told = [answer for status, answer in operation["responses"].items() if status.startswith("2")]
        assert told, name
        for answer in told:
            for media, content in answer.get("content", {}).items():
                for schema in _resolved(content["schema"]) if media.endswith("json") else ():
                    assert schema["type"] == "object" and schema["properties"], name
                    assert schema["description"], name


def _resolved(schema: dict[str, Any]) -> list[dict[str, Any]]:
    if "anyOf" in schema:
        return [found for one in schema["anyOf"] for found in _resolved(one)]
    name = schema["$ref"].removeprefix("#/components/schemas/")
    return [DESCRIPTION["components"]["schemas"][name]]


def test_every_problem_is_a_problem_document() -> None:
    for operation in OPERATIONS:
        told = operation["operationId"]
        problems = [
            s for s in operation["responses"] if s >= "400" and s != "416"
        ]  # of a range: RFC 9110 has its own
        assert {"400", "500"} <= set(problems), told
        for status in problems:
            name = operation["responses"][status]["$ref"].removeprefix("#/components/responses/")
            content = DESCRIPTION["components"]["responses"][name]["content"]
            assert list(content) == ["application/problem+json"], (told, status)


@pytest.mark.parametrize("name", COLLECTIONS)
def test_a_collection_is_described_by_the_members_of_its_catalog(name: str) -> None:
    found = COLLECTIONS[name]
    operation = DESCRIPTION["paths"][f"/collections/{name}/items"]["get"]
    (page,) = _resolved(operation["responses"]["200"]["content"]["application/geo+json"]["schema"])
    (feature,) = _resolved(page["properties"]["features"]["items"])
    (properties,) = _resolved(feature["properties"]["properties"])
    assert list(properties["properties"]) == [prop.name for prop in found.properties]
    assert all("description" in member for member in properties["properties"].values())
    asked = {parameter["name"] for parameter in operation["parameters"]}
    assert set(found.filterable) <= asked and not asked & (set(found.by_name) - set(found.filterable))
    assert ({} in operation["security"]) == (not found.login)


@pytest.mark.parametrize(
    ("named", "elsewhere"),
    [
        (STAY_ENDS, stays.ENDED_BY),
        (BREACH_BEGINS, fence_events.BEGUN_BY),
        (BREACH_ENDS, fence_events.ENDED_BY),
        (OUTCOMES, tuple(outcomes.OUTCOMES)),
        (METER_KINDS, tuple(SiteMeters.model_fields)),
        (FENCE_RULES, RULES),
    ],
)
def test_lists_of_texts_are_those_of_who_writes_them(
    named: tuple[str, ...], elsewhere: tuple[str, ...]
) -> None:
    assert named == elsewhere


@pytest.mark.parametrize(
    ("schema", "values"),
    [("AlertLevel", ALERT_LEVELS), ("Outcome", OUTCOMES), ("Domain", DOMAINS), ("Level", LEVELS)],
)
def test_the_description_gives_each_list_whole(schema: str, values: tuple[str, ...]) -> None:
    assert DESCRIPTION["components"]["schemas"][schema]["enum"] == list(values)


def test_it_can_be_read_as_openapi_by_others() -> None:
    """Every schema of it is a JSON Schema, and no reference leads to nothing."""
    for name in DESCRIPTION["components"]["schemas"]:
        jsonschema_rs.meta.validate(DESCRIPTION["components"]["schemas"][name])
        whole = {"$ref": f"#/components/schemas/{name}", "components": DESCRIPTION["components"]}
        jsonschema_rs.validator_for(whole)


@pytest.mark.parametrize(
    ("path", "status", "body", "fault"),
    [
        ("/health/live", 200, {"status": "ok", "database": "running"}, None),
        ("/health/live", 200, {"status": "well", "database": "running"}, "status"),
        ("/health/live", 200, {}, "required"),
        ("/health/live", 200, {"status": "ok", "database": "running", "more": 1}, "more"),
        ("/health/live", 418, {}, "does not declare this status"),
    ],
)
def test_an_answer_that_is_not_declared_is_told(
    path: str, status: int, body: dict[str, Any], fault: str | None
) -> None:
    answers = DeclaredAnswers(DESCRIPTION)
    answers.compare("GET", path, status, "application/json", json.dumps(body).encode())
    assert (fault is None and answers.faults == []) or (fault is not None and fault in answers.faults[0])


def test_the_answers_of_every_application_are_compared(api: Api) -> None:
    assert "compared" in repr(api.app.build_middleware_stack())


WITHOUT_PAGES = {
    "/collections": "the collections are few and fixed",
    "/v1/drafts": "the drafts that a person or a town keeps: few, the one changed last first",
    "/v1/search": "the best of each group, with their count: a longer text finds fewer",
    "/v1/published-cases": "by day of decision: `since` and `until` choose, `limit` bounds",
}
"""Lists of documents that answer all at once, with the reason."""


def test_every_list_that_is_limited_leads_on() -> None:
    """A list with ``limit`` has ``links``, of which ``next`` leads to the rest."""
    without = []
    for path, operations in DESCRIPTION["paths"].items():
        parameters = {each.get("name") for each in operations.get("get", {}).get("parameters", ())}
        if "limit" not in parameters or path in WITHOUT_PAGES:
            continue
        content = operations["get"]["responses"]["200"]["content"]
        for media, of in content.items():
            name = of["schema"].get("$ref", "").rpartition("/")[2]
            if (
                "json" in media
                and name
                and "links" not in DESCRIPTION["components"]["schemas"][name]["properties"]
            ):
                without.append(path)
    assert not without
