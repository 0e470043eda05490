"""Every answer of an application in a test is one that its description declares.

Path, method, status and members.

The description leaves models open, so that members may be added later; here they are closed: a member that no
model names is a fault too.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

DESCRIPTION = Path(__file__).parents[2] / "geo_api" / "openapi.json"
CLIENT_LEFT = 499
"""For the log: nobody reads it."""
NOT_DESCRIBED = ("/docs", "/openapi.json", "/map", "/static", "/events")
MOST_FAULTS = 20


def closed(schema: Any) -> Any:
    """A schema whose objects have no members beyond those that it names."""
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    made = {name: closed(value) for name, value in schema.items()}
    if isinstance(schema.get("properties"), dict) and schema.get("type") == "object":
        made.setdefault("additionalProperties", False)
    return made


class DeclaredAnswers:
    """Compares answers with a description."""

    def __init__(self, description: dict[str, Any]) -> None:
        self._components = closed(description["components"])
        self._patterns = [
            (re.compile("[^/]+".join(map(re.escape, re.split(r"\{[^}]+\}", path)))), operations)
            for path, operations in sorted(description["paths"].items(), key=lambda item: "{" in item[0])
        ]
        self._validators: dict[str, Any] = {}
        self.faults: list[str] = []

    def compare(self, method: str, path: str, status: int, media: str, body: bytes) -> None:
        """Note what is wrong with one answer."""
        told = f"{method} {path} → {status}"
        if path.startswith(NOT_DESCRIBED) or status == CLIENT_LEFT:
            return
        operations = next((found for pattern, found in self._patterns if pattern.fullmatch(path)), {})
        operation = operations.get("get" if method == "HEAD" else method.lower())
        if operation is None:
            if media == "application/problem+json":
                self._validate(told, {"$ref": "#/components/schemas/ProblemDocument"}, body)
            return
        declared = operation["responses"].get(str(status))
        if declared is None:
            self._note(f"{told}: {operation['operationId']} does not declare this status")
            return
        if "$ref" in declared:
            declared = self._components["responses"][declared["$ref"].rpartition("/")[2]]
        contents = {name.partition(";")[0]: content for name, content in declared.get("content", {}).items()}
        if status in (204, 304):
            return
        if media not in contents:
            self._note(
                f"{told}: {operation['operationId']} does not declare {media or 'an answer without type'}"
            )
        elif media.endswith("json") and method != "HEAD":
            self._validate(told, closed(contents[media]["schema"]), body)

    def _validate(self, told: str, schema: dict[str, Any], body: bytes) -> None:
        key = json.dumps(schema, sort_keys=True)
        if key not in self._validators:
            whole = {**schema, "components": self._components}
            self._validators[key] = jsonschema_rs.Draft202012Validator(whole, validate_formats=True)
        for error in list(self._validators[key].iter_errors(json.loads(body)))[:3]:
            place = "/".join(map(str, error.instance_path))
            self._note(f"{told}: {place or 'whole answer'}: {error.message[:300]}")

    def _note(self, fault: str) -> None:
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(fault)

    def around(self, app: ASGIApp) -> ASGIApp:
        """The application, with its answers compared as they leave."""

        async def compared(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            start: Message = {}
            blocks: list[bytes] = []

            async def noted(message: Message) -> None:
                nonlocal start
                if message["type"] == "http.response.start":
                    start = message
                elif message["type"] == "http.response.body" and b"json" in _header(start, b"content-type"):
                    blocks.append(message.get("body", b""))
                await send(message)
                if message["type"] == "http.response.body" and not message.get("more_body", False):
                    self._ended(scope, start, b"".join(blocks))

            await app(scope, receive, noted)

        return compared

    def _ended(self, scope: Scope, start: Message, body: bytes) -> None:
        if _header(start, b"content-encoding") == b"gzip":
            body = gzip.decompress(body) if body else body
        media = _header(start, b"content-type").decode("latin-1").partition(";")[0].strip()
        path = scope["path"].removeprefix(scope.get("root_path", "").rstrip("/"))
        self.compare(scope["method"], path, start["status"], media, body)


def _header(message: Message, name: bytes) -> bytes:
    return next((value for one, value in message.get("headers", ()) if one.lower() == name), b"")


@cache
def declared_answers() -> DeclaredAnswers:
    """What this test process compares with the committed description."""
    return DeclaredAnswers(json.loads(DESCRIPTION.read_text(encoding="utf-8")))


@contextmanager
def every_answer_compared() -> Iterator[None]:
    """Within it every application that is made compares its answers, whoever makes it."""
    plain = FastAPI.build_middleware_stack
    FastAPI.build_middleware_stack = (  # type: ignore[method-assign]
        lambda app: declared_answers().around(plain(app))
    )
    try:
        yield
    finally:
        FastAPI.build_middleware_stack = plain  # type: ignore[method-assign]
