"""The published collections: what there is, pages of features, one feature."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Path, Query, Request, Response
from sqlalchemy import text
from sqlalchemy.orm import Session

from geo_api.access import CallerDep, Db
from geo_api.caching import cached_response
from geo_api.parameters import CollectionDep, Paging, PagingDep, SelectionDep
from layers.catalog import COLLECTIONS, Collection
from layers.features import Page, count, read_feature, read_page, write_cursor

GEOJSON = "application/geo+json"
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
router = APIRouter(tags=["collections"])
Format = Annotated[str, Query(alias="f", pattern="^(json|geojson)$", description="json")]


@router.get("/collections")
def collections(request: Request, caller: CallerDep, db: Db, f: Format = "json") -> dict[str, Any]:
    """Every collection that the caller may read."""
    extent = _extent(db)
    shown = [c for c in COLLECTIONS.values() if caller.logged_in or not c.login]
    link = {"rel": "self", "type": "application/json", "href": _base(request) + "/collections"}
    return {"collections": [_describe(request, c, extent) for c in shown], "links": [link]}


@router.get("/collections/{collection_id}")
def one_collection(request: Request, found: CollectionDep, db: Db, f: Format = "json") -> dict[str, Any]:
    """One collection, with its properties."""
    return _describe(request, found, _extent(db))


@router.get("/collections/{collection_id}/items", response_class=Response)
def items(
    request: Request,
    found: CollectionDep,
    selection: SelectionDep,
    paging: PagingDep,
    db: Db,
    f: Format = "json",
) -> Response:
    """A page of features as GeoJSON; the collection's filterable properties are parameters too."""
    page = read_page(
        db, found, selection, limit=paging.limit, after=paging.after, offset=paging.offset, sort=paging.sort
    )
    matched = count(db, found, selection) if paging.counted else None
    body = _page_body(request, found, page, paging, matched)
    return cached_response(request, body, GEOJSON, private=found.login, headers={"Content-Crs": f"<{CRS84}>"})


@router.get("/collections/{collection_id}/items/{feature_id}", response_class=Response)
def item(
    request: Request,
    found: CollectionDep,
    feature_id: Annotated[int, Path(ge=-(2**63), lt=2**63)],
    db: Db,
    f: Format = "json",
) -> Response:
    """One feature as GeoJSON."""
    body = read_feature(db, found, feature_id).encode()
    return cached_response(request, body, GEOJSON, private=found.login, headers={"Content-Crs": f"<{CRS84}>"})


def _base(request: Request) -> str:
    return str(request.base_url).rstrip("/")


def _page_body(request: Request, found: Collection, page: Page, paging: Paging, matched: int | None) -> bytes:
    """The feature collection: features as the database wrote them, links and counts around."""
    links = [f'{{"rel":"self","type":"{GEOJSON}","href":{_text(str(request.url))}}}']
    if page.last is not None:
        href = _text(_next_url(request, found, page, paging))
        links.append(f'{{"rel":"next","type":"{GEOJSON}","href":{href}}}')
    total = "" if matched is None else f',"numberMatched":{matched}'
    return (
        f'{{"type":"FeatureCollection","numberReturned":{len(page.features)}{total},'
        f'"links":[{",".join(links)}],"features":[{",".join(page.features)}]}}'
    ).encode()


def _text(value: str) -> str:
    return '"' + value.replace("\\", "%5C").replace('"', "%22") + '"'


def _next_url(request: Request, found: Collection, page: Page, paging: Paging) -> str:
    """The same question from the next position: every parameter stays, ``offset`` is spent."""
    assert page.last is not None
    cursor = write_cursor(request.app.state.signing_key, f"{found.id}|{paging.context}", page.last)
    kept = [(k, v) for k, v in request.query_params.multi_items() if k not in ("cursor", "offset")]
    return f"{_base(request)}{request.url.path}?{urlencode([*kept, ('cursor', cursor)])}"


def _extent(db: Session) -> list[float]:
    """Box of the city's areas of today: the same for every collection, so that no row is given away."""
    row = db.execute(
        text(
            "SELECT ST_XMin(e), ST_YMin(e), ST_XMax(e), ST_YMax(e) FROM"
            " (SELECT ST_Extent(geom) AS e FROM areas WHERE kind IN ('city', 'county') AND valid_to IS NULL) box"
        )
    ).one()
    return [float(v) for v in row] if row[0] is not None else [-180.0, -90.0, 180.0, 90.0]


def _describe(request: Request, found: Collection, extent: list[float]) -> dict[str, Any]:
    here = f"{_base(request)}/collections/{found.id}"
    tiles = f"{here}/tiles/WebMercatorQuad/{{tileMatrix}}/{{tileRow}}/{{tileCol}}"
    return {
        "id": found.id,
        "title": found.en,
        "title_zh": found.zh,
        "description": found.about_en,
        "description_zh": found.about_zh,
        "itemType": "feature",
        "crs": [CRS84],
        "login": found.login,
        "extent": {"spatial": {"bbox": [extent], "crs": CRS84}, "temporal": {"interval": [[None, None]]}},
        "properties": {p.name: {"type": p.type, "title": p.en, "title_zh": p.zh} for p in found.properties},
        "filterable": list(found.filterable),
        "sortable": list(found.sortable),
        "links": [
            {"rel": "self", "type": "application/json", "href": here},
            {"rel": "items", "type": GEOJSON, "href": f"{here}/items"},
            {"rel": "item", "type": "application/vnd.mapbox-vector-tile", "href": tiles, "templated": True},
        ],
    }
