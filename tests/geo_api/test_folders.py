"""Folders as offices hand them over: every file is taken or named, in the order in which kinds refer to each other."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import pytest
import shapely
from typer.testing import CliRunner

from geo_api.cli.main import app
from geo_api.imports.folders import find_files
from geo_api.imports.import_file import import_file
from layers.errors import InputError, MissingColumns
from layers.imports import FILE_KINDS, add_names, columns_at, read_area_file, template, words_of
from layers.imports.names import plain_name


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("", encoding="utf-8")


def test_files_are_known_by_the_beginning_of_their_names(tmp_path: Path) -> None:
    touch(
        tmp_path,
        "duties.xlsx",
        "enterprises.xlsx",
        "tracks_20261022.csv",
        "tracks_20261021.csv.gz",
        "用电/2026-10.csv",
        "权责清单（征求意见稿）.xlsx",
        "areas.shp",
        "areas.dbf",
        "areas.prj",
        "roads.osm.pbf",
        "~$duties.xlsx",
        "tracks.csv.rejected.csv",
        "city.toml",
    )
    found = find_files("all", tmp_path)
    assert not found.unknown
    assert [(kind, str(path.relative_to(tmp_path))) for kind, path in found.files] == [
        ("areas", "areas.shp"),
        ("enterprises", "enterprises.xlsx"),
        ("tracks", "tracks_20261021.csv.gz"),
        ("tracks", "tracks_20261022.csv"),
        ("meters", "用电/2026-10.csv"),
        ("duties", "duties.xlsx"),
        ("duties", "权责清单（征求意见稿）.xlsx"),
        ("roads", "roads.osm.pbf"),
    ]


def test_what_is_not_taken_has_a_reason(tmp_path: Path) -> None:
    touch(
        tmp_path,
        "tracks.csv",
        "readme.docx",
        "NOTE.txt",
        "truth/kinds.json",
        "tracks.mp4",
        "tracksuit.csv",
        "areas.csvx",
    )
    found = find_files("all", tmp_path)
    assert [path.name for path in found.papers] == ["NOTE.txt", "readme.docx", "kinds.json"]
    assert {path.name: reason.split(" ")[0] for path, reason in found.unknown} == {
        "tracksuit.csv": "文件名不是任何类别的名称",
        "tracks.mp4": "不能读取此格式",
        "areas.csvx": "不能读取此格式",
    }


def test_a_folder_and_a_glob_of_day_files_are_of_the_named_kind(tmp_path: Path) -> None:
    touch(tmp_path, "20261021.csv", "20261022.csv", "notes.pdf")
    found = find_files("tracks", tmp_path)
    assert [path.name for _, path in found.files] == ["20261021.csv", "20261022.csv"]
    assert [path.name for path in found.papers] == ["notes.pdf"] and not found.unknown
    assert [path.name for _, path in find_files("tracks", tmp_path / "*22.csv").files] == ["20261022.csv"]


def run(*arguments: str, **env: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["import", *arguments], env={"COLUMNS": "300", **env})
    return result.exit_code, result.output


def test_the_command_takes_nothing_until_all_is_known(fresh_database: str, tmp_path: Path) -> None:
    (tmp_path / "enterprises_2026.csv").write_text(template("enterprises"), encoding="utf-8")
    touch(tmp_path, "unknown.csv")
    env = {"WANGGE_DATABASE_URL": fresh_database, "WANGGE_DATA_DIR": str(tmp_path / "data")}
    code, told = run("all", str(tmp_path), "--crs", "wgs84", **env)
    assert code == 2 and "unknown.csv" in told and "新增" not in told
    code, told = run("all", str(tmp_path), "--crs", "wgs84", "--skip-unknown", **env)
    assert code == 0 and "unknown.csv" in told and "enterprises_2026.csv" in told and "新增 1 new" in told


def city(name: str, code: str, west: float, kind: str = "county") -> gpd.GeoDataFrame:
    shape = shapely.box(120, 32, 122, 33) if kind == "city" else shapely.box(west, 32, west + 1, 33)
    rows = {
        "code": [code], "name": [name], "kind": [kind],
        "parent_code": [None if kind == "city" else "320600"], "valid_from": "2020-07-23",
    }  # fmt: skip
    return gpd.GeoDataFrame(rows, geometry=[shape], crs=4326)


def layered(folder: Path) -> Path:
    path = folder / "boundaries.gpkg"
    for layer, frame in {
        "市": city("甲市", "320600", 120, "city"),
        "西": city("乙区", "320602", 120),
        "东": city("丙县", "320623", 121),
    }.items():
        frame.to_file(path, layer=layer)
    return path


def test_all_layers_are_taken_or_those_that_are_named(fresh_database: str, tmp_path: Path) -> None:
    from geo_api.imports.source_parts import Choice

    path = layered(tmp_path)
    first = import_file("areas", path, crs="wgs84", url=fresh_database, choice=Choice(layers=("市",)))
    assert first.written.inserted == 1
    whole = import_file("areas", path, crs="wgs84", url=fresh_database)
    assert (whole.rows, whole.written.inserted, whole.written.unchanged) == (3, 2, 1)
    assert [note for note in whole.notes if "行 rows" in note] == [
        "市: 1-1 行 rows",
        "西: 2-2 行 rows",
        "东: 3-3 行 rows",
    ]
    with pytest.raises(InputError, match="has no 北"):
        import_file("areas", path, crs="wgs84", url=fresh_database, choice=Choice(layers=("北",)))


def test_a_layer_that_lacks_columns_is_refused_with_the_names_of_the_others(
    fresh_database: str, tmp_path: Path
) -> None:
    path = layered(tmp_path)
    gpd.GeoDataFrame({"a": [1]}, geometry=[shapely.Point(0, 0)], crs=4326).to_file(path, layer="其他")
    with pytest.raises(MissingColumns, match="--layer 请用 --layer 选择: 市, 西, 东"):
        import_file("areas", path, crs="wgs84", url=fresh_database)


def test_a_cut_name_of_a_shapefile_damages_that_name_only(tmp_path: Path) -> None:
    frame = gpd.GeoDataFrame(
        {
            "code": ["320600001", "320600002", "320600003"],
            "name": ["东村", "西村镇人民政府", "北村"],
            "kind": ["town"] * 3,
            "parent_cod": ["320600"] * 3,
            "valid_from": ["2020-07-23"] * 3,
        },
        geometry=[shapely.box(x, 32, x + 1, 33) for x in (120, 121, 122)],
        crs=4326,
    )
    path = tmp_path / "areas.shp"
    frame.to_file(path, encoding="utf-8")
    table = bytearray(path.with_suffix(".dbf").read_bytes())
    at = table.index("西村镇人民政府".encode())
    end = at + len("西村镇人民政府".encode())
    table[end - 1 : end] = (
        b" "  # the last character loses its last byte, as a program that cuts by bytes does
    )
    path.with_suffix(".dbf").write_bytes(bytes(table))
    notes: list[str] = []
    found = read_area_file(path, None, notes)
    assert found["name"].tolist() == ["东村", "西村镇人民政", "北村"]
    assert len(notes) == 1 and "row 2 行, name" in notes[0] and "残缺" in notes[0]


def test_names_of_a_city_are_added_by_a_file(tmp_path: Path) -> None:
    path = tmp_path / "import_names.toml"
    path.write_text('[columns]\nlon = ["东经值"]\n[values]\npetrol = ["油站"]\n', encoding="utf-8")
    kind = FILE_KINDS["places"]
    try:
        add_names(path)
        assert [c.name for c in columns_at(["东经值", "lat"], kind).values()] == ["lon", "lat"]
        assert words_of(kind.columns[0])["油站"] == "petrol"
        path.write_text('[columns]\nlongitude = ["x"]\n', encoding="utf-8")
        with pytest.raises(InputError, match=r"columns\.longitude: no such name"):
            add_names(path)
    finally:
        add_names(tmp_path / "none.toml")
    assert not columns_at(["东经值"], kind)


@pytest.mark.parametrize(
    ("kind", "heading", "column"),
    [
        ("areas", "XZQDM", "code"),
        ("areas", "XZQMC", "name"),
        ("sites", "场所编号", "site_id"),
        ("tracks", "GPS时间", "t"),
    ],
)
def test_headings_of_offices(kind: str, heading: str, column: str) -> None:
    assert [c.name for c in columns_at([heading], FILE_KINDS[kind]).values()] == [column]


def test_no_heading_means_two_columns_of_a_kind() -> None:
    from layers.imports.names import headings_of

    for kind in FILE_KINDS.values():
        seen: dict[str, str] = {}
        for column in kind.columns:
            for heading in headings_of(column):
                assert seen.setdefault(plain_name(heading), column.name) == column.name, (kind.name, heading)


def test_what_every_file_says_is_told_once_with_the_files(fresh_database: str, tmp_path: Path) -> None:
    for day in (21, 22, 23):
        rows = [f"V-1,2026-10-{day} 0{hour}:00:00,120.5,32" for hour in range(day - 20)]
        (tmp_path / f"tracks_{day}.csv").write_text(
            "\n".join(["vehicle_id,t,lon,lat", *rows]), encoding="utf-8"
        )
    shown = " ".join(
        CliRunner().invoke(app, ["import", "tracks", str(tmp_path), "--crs", "wgs84"]).output.split()
    )
    assert shown.count("times without a zone") == 2  # with the first file, and in the summary
    assert "in 3 files, 6 in all: tracks_21.csv, tracks_22.csv, tracks_23.csv" in shown
