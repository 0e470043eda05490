"""The description of the API: what FastAPI finds, and that every error is a problem."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from geo_api.http.errors import MEDIA_TYPE

PROBLEM = {
    "type": "object",
    "title": "Problem",
    "description": "RFC 9457; further members depend on the type.",
    "required": ["type", "title", "title_zh", "status", "detail", "instance", "request_id"],
    "properties": {
        "type": {"type": "string", "examples": ["/problems/invalid-parameter"]},
        "title": {"type": "string"},
        "title_zh": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string"},
        "detail_zh": {"type": "string"},
        "instance": {"type": "string"},
        "request_id": {"type": "string"},
    },
}
_ANSWER = {
    "description": "Problem",
    "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
_METHODS = ("get", "post", "put", "patch", "delete", "options")


def describe_api(app: FastAPI) -> dict[str, Any]:
    """OpenAPI 3.1 of the application, made once."""
    if app.openapi_schema is None:
        made = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes
        )
        schemas = made.setdefault("components", {}).setdefault("schemas", {})
        for name in ("HTTPValidationError", "ValidationError"):
            schemas.pop(name, None)
        schemas["Problem"] = PROBLEM
        for operations in made["paths"].values():
            for method in _METHODS:
                if method in operations:
                    answers = operations[method]["responses"]
                    answers.pop("422", None)
                    answers |= {"4XX": _ANSWER, "5XX": _ANSWER}
        app.openapi_schema = made
    return app.openapi_schema
