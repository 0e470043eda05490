"""Sources in ``city.toml``: read in their order, refused with line, field and reason."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import jsonschema_rs
import pytest

from geo_api.city_file import WrongCityFile, read_city, read_sources, sources_schema, write_city
from geo_api.cli.importing import map_of_options
from tests.support.cities import SECOND

SCHEMA = Path(__file__).parents[2] / "docs" / "sources.schema.json"
WHOLE = """[[sources]]
name = "场所"
kind = "sites"
department = "市场监管局"
files = ["场所.csv", "更多/*.xlsx"]
crs = "gcj02"
after = "名录"
[sources.columns]
kind = { value = "production" }
lon = "经度(GCJ02)"
site_id = { heading = "户号", table = "对照.xlsx", key = "户号", value = "场所编号" }

[[sources]]
name = "表"
kind = "meters"
files = "表.csv"
unit = "MWh"
order = -1
[sources.multiplier]
value = 40
[sources.values.quality]
"正常" = "measured"
[sources.add_days]
to = 1

[[sources]]
name = "名录"
kind = "enterprises"
files = "名录.xlsx"
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "city.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_sources_come_in_their_order_and_each_after_those_it_names(tmp_path: Path) -> None:
    sources = read_sources(written(tmp_path, WHOLE))
    assert [source.name for source in sources] == ["表", "名录", "场所"]
    found = sources[2].column_map(tmp_path)
    assert found.constants == {"kind": "production"} and found.headings == {"lon": "经度(GCJ02)"}
    assert found.lookups["site_id"].tables == (tmp_path / "对照.xlsx",)
    assert sources[0].column_map(tmp_path).constants == {"unit": "MWh"}


def test_sources_stay_when_the_city_of_a_file_is_written_anew(tmp_path: Path) -> None:
    path = written(tmp_path, WHOLE)
    write_city(path, SECOND)
    assert read_city(path) == SECOND
    assert [source.name for source in read_sources(path)] == ["表", "名录", "场所"]


@pytest.mark.parametrize(("old", "new", "where"), [
    ('kind = "sites"', 'kind = "site"', "line 3, sources[0].kind: unknown site, did you mean sites?"),
    ('crs = "gcj02"\n', "", "line 1, sources[0].crs: is needed"),
    ('crs = "gcj02"', 'crs = "gcj3"', "line 6, sources[0].crs"),
    ('after = "名录"', 'after = "名册"', "line 7, sources[0].after: unknown 名册, did you mean 名录?"),
    ('"production" }', '"produktion" }', "line 9, sources[0].columns.kind.value: unknown produktion, did you mean production?"),
    ("lon = ", "lun = ", "line 10, sources[0].columns.lun: unknown lun, did you mean lon?"),
    (', value = "场所编号"', "", "line 11, sources[0].columns.site_id.value: Field required"),
    ('name = "表"', 'name = "场所"', "line 14, sources[1].name: is named twice"),
    ("order = -1", "ordre = -1", "line 18, sources[1].ordre: unknown key"),
    ("order = -1", 'after = "场所"\n[[sources]]\nname = "乙"\nkind = "bodies"\nfiles = "b"\nafter = "丙"\n'
     '[[sources]]\nname = "丙"\nkind = "bodies"\nfiles = "b"\nafter = "乙"\nunit = "x"', "wait for each other"),
    ("value = 40", "value = 0", "line 20, sources[1].multiplier.value"),
    ('"measured"', '"mesured"', "line 22, sources[1].values.quality.正常: unknown mesured"),
    ("to = 1", "value = 1", "line 24, sources[1].add_days.value"),
    ('unit = "MWh"', 'tz = "Asia/Shanghi"', "line 17, sources[1].tz: unknown Asia/Shanghi, did you mean Asia/Shanghai?"),
    ('unit = "MWh"', 'encoding = "gb2"', "line 17, sources[1].encoding"),
])  # fmt: skip
def test_a_wrong_source_is_refused_with_line_and_field(
    tmp_path: Path, old: str, new: str, where: str
) -> None:
    assert old in WHOLE
    with pytest.raises(WrongCityFile) as refused:
        read_sources(written(tmp_path, WHOLE.replace(old, new, 1)))
    assert where in str(refused.value)


def test_the_published_schema_is_that_of_the_code_and_takes_a_right_file() -> None:
    published = json.loads(SCHEMA.read_text(encoding="utf-8"))
    assert published == json.loads(json.dumps(sources_schema())), "run scripts/write_sources_schema.py"
    check = jsonschema_rs.validator_for(published)
    assert check.is_valid(tomllib.loads(WHOLE))
    for old, new in (('"sites"', '"site"'), ("value = 40", 'value = "x"'), ("order = -1", "ordre = -1")):
        assert not check.is_valid(tomllib.loads(WHOLE.replace(old, new))), new


def test_the_example_of_the_page_is_a_right_file(tmp_path: Path) -> None:
    page = (SCHEMA.parent / "imports.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    assert [source.name for source in read_sources(written(tmp_path, example))] == [
        "企业名录",
        "企业场所",
        "用电月账单",
    ]
    lines = [line for line in page.splitlines() if line.startswith("wangge import") and "--map" in line]
    assert len(lines) == 2
    for line in lines:
        assert map_of_options(re.findall(r"--map (\S+)", line), line.split()[2]).as_options(), line
