"""Create, replace, change and delete one feature (OGC API Features, part 4), never blindly.

If-Match is needed.
"""

from __future__ import annotations

import json
import re
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request, Response
from sqlalchemy.orm import Session

from geo_api.auth.access import CallerDep, Db
from geo_api.features.descriptions import collection_url
from geo_api.features.parameters import CollectionDep
from geo_api.features.routes_items import FeatureId, content_crs
from geo_api.http.caching import PRIVATE, strong_etag
from geo_api.http.errors import Problem
from geo_api.http.representations import GEOJSON, JSON, GeoJson
from geo_api.http.request_bodies import ReadRequest, media_type
from layers.codes import CRS84, ReferenceSystem, reference_system
from layers.collections import (
    Collection,
    FeatureInput,
    create_feature,
    delete_feature,
    read_feature,
    read_version,
    replace_feature,
)

router = APIRouter(tags=["editing"])
MERGE_PATCH = "application/merge-patch+json"
ITEMS, ITEM = "/collections/{collection_id}/items", "/collections/{collection_id}/items/{feature_id}"
READ_ONLY, READ_ITEMS, READ_WRITE = (
    "GET, HEAD, OPTIONS",
    "GET, HEAD, POST, OPTIONS",
    ("GET, HEAD, PUT, PATCH, DELETE, OPTIONS"),
)
_ETAG = re.compile(r'"(\d{1,19})(?:-[0-9a-z-]*)?"')
_ELSEWHERE = {
    "areas": ("Areas change by change sets: POST /v1/change-sets.", "区域须通过变更集修改。"),
    "cases": ("Cases change by events: POST /v1/cases/{number}/events.", "案件须通过流转记录修改。"),
    "alerts": ("Alerts get an outcome: POST /v1/alerts/{alert_id}/outcome.", "预警须通过核查结果修改。"),
}
_RUNS = ("Models write this collection; it is not edited by hand.", "该数据集由模型生成，不可手工修改。")


def editable_collection(found: CollectionDep, request: Request) -> Collection:
    """Return the collection, if it is edited feature by feature; else 405 and where to go instead."""
    if not found.editable:
        raise Problem("method-not-allowed", *_ELSEWHERE.get(found.id, _RUNS), headers={"Allow": READ_ONLY})
    return found


EditableDep = Annotated[Collection, Depends(editable_collection)]


def writer(found: EditableDep, caller: CallerDep) -> Collection:
    """Return the collection, if the role may edit it; where it may is for the database to say."""
    caller.check(f"edit_{found.id}")
    return found


WriterDep = Annotated[Collection, Depends(writer)]


def expected_version(
    found: WriterDep,
    if_match: Annotated[str | None, Header(description="ETag of the feature as you know it")] = None,
) -> int:
    """Return the version in ``If-Match``; 428 without it, 412 when no version of ours is in it."""
    if if_match is None or if_match.strip() == "*":
        raise Problem(
            "version-needed", "Send the ETag of GET as If-Match.", "请以 If-Match 发送读取时的 ETag。"
        )
    match = _ETAG.fullmatch(if_match.strip())
    if match is None:
        raise Problem("version-conflict", f"If-Match: {if_match[:80]!r} is not an ETag of this feature.")
    return int(match.group(1))


VersionDep = Annotated[int, Depends(expected_version)]


async def body_of(request: Request, media_types: tuple[str, ...]) -> dict[str, Any]:
    """Return the JSON object that was sent.

    Its size and depth were checked before (``geo_api.server.request_limits``).
    """
    media = media_type(request)
    if media not in media_types:
        raise Problem("unsupported-media-type", f"{media or 'no type'}: {', '.join(media_types)} is needed.")
    try:
        body = await ReadRequest(request.scope, request.receive).json()
    except ValueError as error:
        raise Problem("bad-request", f"Not JSON: {error}", "不是有效的 JSON。") from error
    if not isinstance(body, dict):
        raise Problem("invalid-body", "A JSON object is needed.")
    return body


async def whole_feature(request: Request, found: WriterDep) -> dict[str, Any]:
    """Return a GeoJSON feature."""
    body = await body_of(request, (GEOJSON, JSON))
    if body.get("type") != "Feature" or not isinstance(body.get("properties"), dict):
        raise Problem("invalid-body", "type: a GeoJSON Feature with properties is needed.")
    return body


async def feature_patch(request: Request, found: WriterDep) -> dict[str, Any]:
    """Members that change (RFC 7396)."""
    return await body_of(request, (MERGE_PATCH, GEOJSON, JSON))


def body_system(
    crs: Annotated[str, Header(alias="Content-Crs", description="CRS of the coordinates sent")] = CRS84.uri,
) -> ReferenceSystem:
    """``Content-Crs``."""
    return reference_system(crs, "Content-Crs")


SystemDep = Annotated[ReferenceSystem, Depends(body_system)]
_BODY = {"requestBody": {"required": True, "content": {GEOJSON: {}}}}
_PATCH = {"requestBody": {"required": True, "content": {MERGE_PATCH: {}}}}


@router.post(ITEMS, status_code=201, response_class=GeoJson, openapi_extra=_BODY)
def create_item(
    request: Request,
    found: WriterDep,
    system: SystemDep,
    db: Db,
    body: Annotated[dict[str, Any], Depends(whole_feature)],
) -> Response:
    """Create a feature inside the own area; `Location` is its address."""
    key = create_feature(db, found, _given(body, system))
    answer = _shown(db, found, key, system, 201)
    answer.headers["Location"] = f"{collection_url(request, found)}/items/{key}"
    return answer


@router.put(ITEM, response_class=GeoJson, openapi_extra=_BODY)
def replace_item(
    found: WriterDep,
    feature_id: FeatureId,
    version: VersionDep,
    system: SystemDep,
    db: Db,
    body: Annotated[dict[str, Any], Depends(whole_feature)],
) -> Response:
    """Replace a feature that is still the version of `If-Match`."""
    replace_feature(db, found, feature_id, version, _given(body, system))
    return _shown(db, found, feature_id, system, 200)


@router.patch(ITEM, response_class=GeoJson, openapi_extra=_PATCH)
def change_item(
    found: WriterDep,
    feature_id: FeatureId,
    version: VersionDep,
    system: SystemDep,
    db: Db,
    body: Annotated[dict[str, Any], Depends(feature_patch)],
) -> Response:
    """Change some members (JSON merge patch) of a feature that is still the version of `If-Match`."""
    now = json.loads(read_feature(db, found, feature_id, system))
    merged = _merged({"geometry": now["geometry"], "properties": now["properties"]}, body)
    if not isinstance(merged.get("properties"), dict):
        raise Problem("invalid-body", "properties: an object is needed.")
    replace_feature(db, found, feature_id, version, _given(merged, system))
    return _shown(db, found, feature_id, system, 200)


@router.delete(ITEM, status_code=204, response_class=Response)
def delete_item(found: WriterDep, feature_id: FeatureId, version: VersionDep, db: Db) -> Response:
    """Delete a feature that is still the version of `If-Match`, if nothing refers to it."""
    delete_feature(db, found, feature_id, version)
    return Response(status_code=204)


@router.options(ITEMS, status_code=204, response_class=Response, include_in_schema=False)
def items_options(found: CollectionDep) -> Response:
    """Methods allowed on the items."""
    return Response(status_code=204, headers={"Allow": READ_ITEMS if found.editable else READ_ONLY})


@router.options(ITEM, status_code=204, response_class=Response, include_in_schema=False)
def item_options(found: CollectionDep, feature_id: FeatureId) -> Response:
    """Methods allowed on one item."""
    headers = {"Allow": READ_WRITE if found.editable else READ_ONLY}
    return Response(
        status_code=204, headers=headers | ({"Accept-Patch": MERGE_PATCH} if found.editable else {})
    )


def _given(body: dict[str, Any], system: ReferenceSystem) -> FeatureInput:
    return FeatureInput(body.get("geometry"), body["properties"], system)


def _merged(target: Any, patch: Any) -> Any:
    """RFC 7396."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = _merged(merged.get(name), value)
    return merged


def _shown(db: Session, found: Collection, key: int, system: ReferenceSystem, status: int) -> Response:
    """Return the feature as it is now, with its new ETag."""
    body = read_feature(db, found, key, system).encode()
    headers = {"ETag": strong_etag(read_version(db, found, key), body), "Cache-Control": PRIVATE}
    return Response(body, status_code=status, media_type=GEOJSON, headers=headers | content_crs(system))
