"""Remembered questions of pages: the same answers, each caller's own rows, nothing that was not checked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from geo_api.features import routes_items as items
from layers.codes import CRS84, reference_system
from layers.collections import COLLECTIONS, Selection, Sort, fetch_page, read_page
from layers.postgres import SYSTEM, AsyncReader, Scope, session
from tests.support.application import Api

Login = Callable[[str], TestClient]


def ids(client: TestClient, path: str) -> set[int]:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return {feature["id"] for feature in answer.json()["features"]}


def test_each_caller_gets_own_rows_however_often(api: Api, login: Login, public: TestClient) -> None:
    path = "/collections/alerts/items?limit=50"
    a, b = login("officer.a"), login("officer.b")
    for _ in range(3):
        assert ids(a, path) == {api.ids["alert_A"]} and ids(b, path) == {api.ids["alert_B"]}
        assert public.get(path).status_code == 401
        assert public.get(path, headers={"Cookie": "wangge_session=wrong"}).status_code == 401
        assert public.get(path, headers={"Authorization": "Bearer wk_wrong"}).status_code == 401
        assert public.get(f"{path}&cursor=A").status_code == 401, "who may not read learns nothing of cursors"


def test_a_remembered_question_is_answered_as_it_was(public: TestClient) -> None:
    for path in ("/collections/sites/items", "/collections/areas/items?limit=2&sortby=-code&count=exact"):
        first, *more = [public.get(path) for _ in range(3)]
        for again in more:
            assert again.content == first.content and again.headers["etag"] == first.headers["etag"]
            assert again.headers["content-crs"] == first.headers["content-crs"]
        assert public.get(path, headers={"If-None-Match": first.headers["etag"]}).status_code == 304
        page = public.get(path, headers={"Accept": "text/html"})
        assert page.headers["content-type"].startswith("text/html")
        assert public.head(path).headers["etag"] == first.headers["etag"]


def test_what_is_refused_is_not_remembered(public: TestClient) -> None:
    for path in (
        "/collections/sites/items?knid=x",
        "/collections/sites/items?limit=0",
        "/collections/no/items",
    ):
        assert len({public.get(path).status_code for _ in range(3)} - {400, 404, 422}) == 0


def test_next_links_of_a_remembered_question_go_through_all_of_it_once(public: TestClient) -> None:
    path = "/collections/areas/items?limit=3&sortby=code"
    whole = [f["id"] for f in public.get("/collections/areas/items?sortby=code").json()["features"]]
    assert len(whole) > 6
    for _ in range(2):
        seen, url = [], path
        while url:
            page = public.get(url).json()
            seen += [feature["id"] for feature in page["features"]]
            url = next((link["href"] for link in page["links"] if link["rel"] == "next"), "")
        assert seen == whole
    other = next(link["href"] for link in public.get(path).json()["links"] if link["rel"] == "next")
    for wrong in (other.replace("sortby=code", "sortby=-code"), other[:-3] + "AAA", f"{path}&cursor=A"):
        public.get(wrong.partition("&cursor")[0])
        assert public.get(wrong).status_code == 400


def test_no_more_questions_than_the_bound(
    api: Api, public: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(items, "QUESTIONS", 3)
    for limit in range(1, 8):
        assert public.get(f"/collections/sites/items?limit={limit}").status_code == 200
    api.app.state.page_questions.clear()
    for limit in range(1, 8):
        assert public.get(f"/collections/sites/items?limit={limit}").status_code == 200
    assert len(api.app.state.page_questions) == 3


@pytest.mark.parametrize(
    ("sort", "crs", "bbox"),
    [
        (None, CRS84.uri, None),
        (Sort("code"), CRS84.uri, None),
        (Sort("valid_from", True), "gcj02", None),
        (None, "http://www.opengis.net/def/crs/EPSG/0/4549", None),
        (None, CRS84.uri, (120.0, 31.0, 120.4, 31.4)),
    ],
)
def test_both_ways_of_reading_give_the_same_pages(
    api: Api, sort: Sort | None, crs: str, bbox: tuple[float, float, float, float] | None
) -> None:
    """Walk the collection by cursors, once through a session and once on the event loop."""
    areas, system, selection = COLLECTIONS["areas"], reference_system(crs), Selection(bbox=bbox)
    if sort is not None and sort.name not in areas.sortable:
        sort = Sort(areas.sortable[-1], sort.descending)
    reader = AsyncReader(api.url, size=1)
    scope, after, n = Scope(), None, 0
    while True:
        with session(scope, api.url) as db:
            expected = read_page(db, areas, selection, limit=3, after=after, sort=sort, system=system)
        found = asyncio.run(
            fetch_page(reader, scope, areas, selection, limit=3, after=after, sort=sort, system=system)
        )
        assert found == expected
        n += len(found.features)
        after = found.last
        if after is None:
            break
    assert n >= 4 and scope != SYSTEM
