"""The description of the API (OpenAPI 3.1): routes as FastAPI finds them, every collection by its own paths.

A route declares the model of its answer. What many operations share is added here: problems, by one table;
how a caller proves who it is; and, in place of ``/collections/{collection_id}/items``, a path for each
collection with the members and filters of the catalog.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from http import HTTPStatus
from importlib import resources
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute, RouteContext, iter_route_contexts
from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from geo_api.auth.access import COOKIE, CSRF_HEADER, SAFE_METHODS, current_caller
from geo_api.features.schemas import INPUTS, PATCHES
from geo_api.http.errors import MEDIA_TYPE, TITLES
from geo_api.http.feature_schemas import FEATURES, PAGES, member_schema, singular
from geo_api.http.representations import GEOJSON
from geo_api.http.schemas import ProblemDocument
from geo_api.server.problem_statuses import PROBLEM_STATUSES, problem_statuses
from layers.collections import COLLECTIONS, Collection

FILE_NAME = "openapi.json"
CLIENT_NAME = "wangge"
"""Generated clients are named by the title: Latin letters, so that it can be a package."""
SERVERS = [{"url": "/", "description": "The server that gave this description"}]
SECURITY_SCHEMES: dict[str, Any] = {
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": COOKIE,
        "description": "Of a login by `POST /v1/login`; unsafe methods need `csrf` too.",
    },
    "csrf": {
        "type": "apiKey",
        "in": "header",
        "name": CSRF_HEADER.title(),
        "description": "The token that `POST /v1/login` and `GET /v1/me` tell; only with `session`.",
    },
    "apiKey": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "wk_…",
        "description": "Key of a service account (`wangge users key`).",
    },
    "basic": {
        "type": "http",
        "scheme": "basic",
        "description": "An account and one of its API keys, for programs that know nothing else; no password is taken.",
    },
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "Token of the identity provider (OpenID Connect), where one is configured.",
    },
}
_ITEMS = "/collections/{collection_id}/items"
_NAMES = {
    "listItems": "list{0}s",
    "getItem": "get{0}Feature",
    "createItem": "create{0}Feature",
    "replaceItem": "replace{0}Feature",
    "changeItem": "change{0}Feature",
    "deleteItem": "delete{0}Feature",
}
"""Names of the operations on features, with the name of one feature in them."""
Operation = dict[str, Any]


def operation_id(route: APIRoute) -> str:
    """Name of an operation: that of its function, as clients in most languages write it.

    Examples
    --------
    >>> operation_id(APIRoute("/x", lambda: None, name="assign_point"))
    'assignPoint'
    """
    first, *others = route.name.split("_")
    return first + "".join(map(str.capitalize, others))


@cache
def written_description() -> dict[str, Any]:
    """Return the description as it was written by ``scripts/write_openapi.py``: to make it takes seconds."""
    text = resources.files("geo_api").joinpath(FILE_NAME).read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def describe_api(app: FastAPI) -> dict[str, Any]:
    """OpenAPI 3.1 of the application, made anew."""
    made = get_openapi(
        title=CLIENT_NAME,
        version=app.version,
        summary=app.title,
        description=app.description,
        routes=app.routes,
        servers=SERVERS,
    )
    components = made["components"]
    components["securitySchemes"] = SECURITY_SCHEMES
    components["responses"] = _problem_responses()
    for path, method, route in _routes(app):
        _complete(made["paths"][path][method], method, path, route)
    made["paths"] = _with_collections(made["paths"])
    schemas = components["schemas"] | _schemas("validation", INPUTS, PATCHES)
    schemas |= _schemas("serialization", PAGES, FEATURES, {"": ProblemDocument})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    components["schemas"] = {name: _plain(schemas[name]) for name in sorted(schemas)}
    return made


def _routes(app: FastAPI) -> Iterator[tuple[str, str, RouteContext]]:
    """Path, method and route of every operation that is described."""
    for route in iter_route_contexts(app.routes):
        if isinstance(route.original_route, APIRoute) and route.include_in_schema:
            for method in route.methods or ():
                yield str(route.path_format), method.lower(), route


def dependencies(route: Any) -> set[Callable[..., Any]]:
    """Everything that a route depends on, at any depth."""
    found: set[Callable[..., Any]] = set()
    waiting = list(route.dependant.dependencies)
    while waiting:
        one = waiting.pop()
        found.add(one.call)
        waiting += one.dependencies
    return found


def _complete(operation: Operation, method: str, path: str, route: Any) -> None:
    """Add the problems and the security of an operation."""
    calls = dependencies(route)
    statuses = problem_statuses(
        operation["operationId"], method.upper(), path, calls, has_body=route.body_field is not None
    )
    operation["responses"].pop("422", None)
    operation["responses"] |= {
        str(status): {"$ref": f"#/components/responses/Problem{status}"} for status in statuses
    }
    if current_caller in calls:
        required = any(hasattr(call, "permission") for call in calls)
        operation["security"] = _security(method, required=required)
    else:
        operation["security"] = []


def _security(method: str, *, required: bool) -> list[dict[str, list[str]]]:
    """One of these proves who calls; an empty one stands for nobody."""
    session: dict[str, list[str]] = {"session": []}
    if method.upper() not in SAFE_METHODS:
        session["csrf"] = []
    found: list[dict[str, list[str]]] = [session, {"apiKey": []}, {"basic": []}, {"bearer": []}]
    return found if required else [{}, *found]


def _problem_responses() -> dict[str, Any]:
    content = {MEDIA_TYPE: {"schema": {"$ref": f"#/components/schemas/{ProblemDocument.__name__}"}}}
    return {
        f"Problem{status}": {
            "description": f"{HTTPStatus(status).phrase}: "
            + "; ".join(f"{kind} ({zh})" for kind, (one, _, zh) in TITLES.items() if one == status),
            "content": content,
        }
        for status in PROBLEM_STATUSES
    }


def _with_collections(paths: dict[str, Any]) -> dict[str, Any]:
    """Return the paths with those of features written out for each collection."""
    found: dict[str, Any] = {}
    for path, operations in paths.items():
        if not path.startswith(_ITEMS):
            found[path] = operations
            continue
        for collection in COLLECTIONS.values():
            own = {
                method: _of_collection(operation, method, collection)
                for method, operation in operations.items()
                if method == "get" or collection.editable
            }
            if own:
                found[path.replace("{collection_id}", collection.id)] = own
    return found


def _of_collection(operation: Operation, method: str, found: Collection) -> Operation:
    """Return an operation on features as it is for one collection."""
    name = singular(found.id)
    made = copy.deepcopy(operation)
    made["operationId"] = _NAMES[operation["operationId"]].format(name)
    made["tags"] = [found.id]
    others = {"collection_id"} | ({"at"} if found.history is None else set())
    given = [p for p in made.get("parameters", ()) if p["name"] not in others]
    listed = operation["operationId"] == "listItems"
    made["parameters"] = [*given, *(_filters(found) if listed else ())]
    model = (PAGES if listed else FEATURES)[found.id]
    for status in ("200", "201"):
        if status in made["responses"] and GEOJSON in made["responses"][status].get("content", {}):
            made["responses"][status]["content"][GEOJSON] = {"schema": _reference(model)}
    if method in ("post", "put", "patch"):
        model = (PATCHES if method == "patch" else INPUTS)[found.id]
        for media in made["requestBody"]["content"].values():
            media["schema"] = _reference(model)
    if found.login and method == "get":
        made["security"] = _security(method, required=True)
    return made


def _filters(found: Collection) -> list[dict[str, Any]]:
    """Return the properties that a reader may filter by, as parameters; several values are alternatives."""
    return [
        {
            "name": prop.name,
            "in": "query",
            "required": False,
            "description": f"{prop.en} · {prop.zh}; alternatives with commas",
            "style": "form",
            "explode": False,
            "schema": {
                "type": "array",
                "items": {k: v for k, v in member_schema(prop).items() if not k.startswith(("title", "x-"))},
            },
        }
        for prop in found.properties
        if prop.filterable
    ]


def _reference(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{model.__name__}"}


def _schemas(mode: JsonSchemaMode, *models: Mapping[str, type[BaseModel]]) -> dict[str, Any]:
    """Schemas of models and of what they hold, by name."""
    wanted = [(model, mode) for group in models for model in group.values()]
    _, made = models_json_schema(wanted, ref_template="#/components/schemas/{model}")
    schemas: dict[str, Any] = made["$defs"]
    return schemas


def _says_nothing(key: str, value: Any, schema: Mapping[str, Any], *, names: bool) -> bool:
    if names:
        return key == "bbox" and "type" in schema  # of GeoJSON, where it may be left out
    return (key == "title" and isinstance(value, str)) or (key == "default" and value is None)


def _plain(schema: Any, *, names: bool = False) -> Any:
    """Return a schema without what says nothing.

    Titles that repeat names, defaults of null, boxes that no answer has.
    """
    if isinstance(schema, list):
        return [_plain(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: _plain(value, names=key == "properties" and not names)
        for key, value in schema.items()
        if not _says_nothing(key, value, schema, names=names)
    }
