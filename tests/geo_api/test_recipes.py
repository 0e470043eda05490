"""The recipes for other programs, run as they stand on the page, against a served town."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import geopandas as gpd
import httpx2
import pytest

from tests.support.application import Seeded
from tests.support.every_collection import Town, serve_every_collection
from tests.support.waiting import PATIENCE_S

DOCS = Path(__file__).parents[2] / "docs"
HEADING = {"recipes.md": "## Out again: other programs", "recipes.zh.md": "## 数据导出：其他程序"}
SEEN = """
import json
print("SEEN" + json.dumps({
    "areas": areas["code"].tolist(), "cases": len(cases), "sites": len(sites), "levels": levels, "layers": layers,
    "sheet": [row[list(next(sheet.values)).index("code")] for row in list(sheet.values)[1:]],
    "for_excel": [row["code"] for row in for_excel], "towns": towns["code"].tolist(), "stays": len(stays),
    "tile": list(tile.to_crs(4326).total_bounds), "uris": [features_uri, tiles_uri]}, default=str))
"""


def blocks(page: str, language: str) -> list[str]:
    below = (DOCS / page).read_text(encoding="utf-8").split(HEADING[page], 1)[1]
    return re.findall(rf"```{language}\n(.*?)```", below, re.DOTALL)


@pytest.fixture(scope="module")
def town(seeded: Seeded, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with serve_every_collection(seeded, tmp_path_factory.mktemp("recipes")) as served:
        yield served


def filled_in(code: str, town: Town) -> str:
    return code.replace("http://127.0.0.1:8000", town.address).replace("wk_…", town.key)


def test_both_pages_have_the_same_code() -> None:
    for language in ("python", "sh"):
        assert blocks("recipes.md", language) == blocks("recipes.zh.md", language) != []


def test_pandas_duckdb_gdal_and_spreadsheets_read_what_the_service_has(town: Town, tmp_path: Path) -> None:
    code = filled_in("\n".join(blocks("recipes.md", "python")), town) + SEEN
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )  # fmt: skip
    assert "SEEN" in done.stdout, done.stderr
    seen = json.loads(done.stdout.split("SEEN", 1)[1])
    known = {name: town.features(name) for name in ("areas", "cases", "sites", "stays", "alerts")}
    codes = sorted(f["properties"]["code"] for f in known["areas"])
    assert sorted(seen["areas"]) == sorted(seen["sheet"]) == codes
    assert sorted(seen["for_excel"]) == [f'="{code}"' for code in codes]
    assert [seen[name] for name in ("cases", "sites", "stays")] == [
        len(known[n]) for n in ("cases", "sites", "stays")
    ]
    levels = Counter(f["properties"]["level"] for f in known["alerts"])
    assert [tuple(one) for one in seen["levels"]] == sorted(levels.items())
    assert set(known) <= set(seen["layers"])
    assert sorted(seen["towns"]) == ["320601001", "320601002"]
    # the tile holds the west of the county, which begins at 120 E
    assert seen["tile"][:2] == pytest.approx([120.0, 31.0], abs=0.01)
    features, tiles = seen["uris"]
    assert features.startswith(f"url='{town.address}'")
    address = unquote(re.search(r"url=(.*?)&", tiles)[1]).format(z=8, y=104, x=213)  # type: ignore[index]
    (tmp_path / "t.mvt").write_bytes(httpx2.get(address, timeout=PATIENCE_S).raise_for_status().content)
    assert len(gpd.read_file(f"MVT:{tmp_path / 't.mvt'}", layer="areas", Z=8, X=213, Y=104))


@pytest.mark.skipif(shutil.which("ogr2ogr") is None, reason="ogr2ogr is not installed: apt gdal-bin")
def test_ogr2ogr_reads_features_and_tiles(town: Town, tmp_path: Path) -> None:
    for code in blocks("recipes.md", "sh"):
        env = os.environ | {"KEY": town.key}
        subprocess.run(["sh", "-ec", filled_in(code, town)], cwd=tmp_path, env=env, check=True, timeout=120)
    assert len(gpd.read_file(tmp_path / "cases.gpkg")) == len(town.features("cases"))
    assert len(gpd.read_file(tmp_path / "tile.gpkg", layer="areas"))
