"""The documentation names every endpoint, setting and problem type that it should."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from geo_api.http.errors import KINDS, TITLES
from geo_api.http.settings import Settings
from layers.collections import COLLECTIONS, FEATURE_CAP, MAX_LIMIT
from tests.support.application import Api

TEXT = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")


def test_every_endpoint_is_described(api: Api) -> None:
    def shown(path: str) -> bool:
        pattern = re.escape(path).replace(r"\{", "{").replace(r"\}", "}")
        pattern = re.sub(r"\{[^}]+\}", r"[^/\\s`?]+", pattern)
        return (
            re.search(rf"(?:GET|POST|:8000|[\s`]){pattern}(?=[\s`'?\",:;]|$)", TEXT, re.MULTILINE) is not None
        )

    each = re.compile(rf"^/collections/({'|'.join(COLLECTIONS)})/items")
    paths = {each.sub("/collections/{collection_id}/items", path) for path in api.app.openapi()["paths"]}
    missing = [path for path in paths if not shown(path)]
    assert missing == []


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_described(name: str) -> None:
    assert f"`WANGGE_{name.upper()}`" in TEXT


def test_numbers_and_names_are_those_of_the_code() -> None:
    assert f"{MAX_LIMIT:,}" in TEXT and f"{FEATURE_CAP:,}" in TEXT
    assert all(f"`{name}`" in TEXT for name in COLLECTIONS)
    assert set(KINDS.values()) <= set(TITLES)
