"""Pages and reports show one language: the one that is asked for, else the one that the browser prefers."""

from __future__ import annotations

import re

import pytest
from starlette.testclient import TestClient

PAGES = (
    "/",
    "/docs",
    "/collections/areas",
    "/collections/areas/items",
    "/problems/not-found",
    "/conformance",
)
HAN = re.compile("[一-鿿]")


def page_in(public: TestClient, path: str, preferred: str) -> str:
    answer = public.get(path, headers={"Accept": "text/html", "Accept-Language": preferred})
    assert answer.status_code == 200
    assert "accept-language" in answer.headers["vary"].lower(), "a cache between keeps one for each language"
    return answer.text


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize(
    ("preferred", "language"),
    [
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh-CN"),
        ("en-GB,en;q=0.9", "en"),
        ("fr", "zh-CN"),
        ("zh;q=0.2,en;q=0.7", "en"),
    ],
)
def test_a_page_is_in_the_preferred_language(
    public: TestClient, path: str, preferred: str, language: str
) -> None:
    page = page_in(public, path, preferred)
    assert f'<html lang="{language}">' in page
    title = re.search(r"<title>(.*?)</title>", page, re.DOTALL)
    heading = re.search(r"<h1>(.*?)</h1>", page, re.DOTALL)
    for shown in (found[1] for found in (title, heading) if found and path != "/"):
        assert bool(HAN.search(shown)) is (language == "zh-CN"), shown


@pytest.mark.parametrize(("asked", "language"), [("zh", "zh-CN"), ("en", "en")])
def test_what_is_asked_for_comes_before_what_is_preferred(
    public: TestClient, asked: str, language: str
) -> None:
    answer = public.get(f"/v1/hot-spots/report.html?lang={asked}", headers={"Accept-Language": "zh, en"})
    if answer.status_code == 404:
        pytest.skip("no run of the hot spots in this town")
    assert f'lang="{language}"' in answer.text[:500]


def test_a_language_that_no_page_has_is_refused(public: TestClient) -> None:
    assert public.get("/v1/hot-spots/report.html?lang=fr").status_code == 400
