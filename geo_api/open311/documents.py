"""Documents of GeoReport v2 as JSON and as XML, with public facts only."""

from __future__ import annotations

import datetime as dt
import xml.etree.ElementTree as ET
from typing import Any

import orjson
from starlette.responses import Response

NAMES = {"services": "service", "service_requests": "request", "errors": "error", "endpoints": "endpoint"}
"""Name of an entry of each list in XML."""


def answer(root: str, document: Any, form: str, status: int = 200) -> Response:
    """Return a document as JSON or XML.

    Parameters
    ----------
    root : str
        Name of the outermost element in XML.
    form : str
        ``json`` or ``xml``.
    """
    if form == "json":
        return Response(
            orjson.dumps(document), status, {"Cache-Control": "no-store"}, "application/json; charset=utf-8"
        )
    text = ET.tostring(_element(root, document), encoding="utf-8", xml_declaration=True)
    return Response(text, status, {"Cache-Control": "no-store"}, "text/xml; charset=utf-8")


def _element(name: str, value: Any) -> ET.Element:
    made = ET.Element(name)
    if isinstance(value, dict):
        made.extend(_element(key, each) for key, each in value.items())
    elif isinstance(value, list):
        made.extend(_element(NAMES.get(name, name.removesuffix("s")), each) for each in value)
    elif value is not None:
        made.text = str(value).lower() if isinstance(value, bool) else str(value)
    return made


def service_document(matter: Any) -> dict[str, Any]:
    """Return a matter as a service."""
    return {
        "service_code": matter.item_code,
        "service_name": matter.name,
        "description": matter.name_en or matter.name,
        "metadata": False,
        "type": "realtime",
        "keywords": ",".join(matter.keywords),
        "group": matter.domain,
    }


def request_document(row: Any) -> dict[str, Any]:
    """Return a clue as a request: no text, no name, and the place to the town only."""
    closed = row.state == "rejected" or row.closed_at is not None
    return {
        "service_request_id": str(row.id),
        "status": "closed" if closed else "open",
        "status_notes": row.case_state or row.state,
        "service_name": row.name,
        "service_code": row.item_code,
        "description": None,
        "agency_responsible": row.lead_body,
        "service_notice": None,
        "requested_datetime": written(row.created_at),
        "updated_datetime": written(row.updated_at),
        "expected_datetime": None,
        "address": row.town,
        "address_id": None,
        "zipcode": None,
        "lat": None,
        "long": None,
        "media_url": None,
    }


def written(at: dt.datetime) -> str:
    """Return a time of W3C, in UTC."""
    return at.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
