"""Files in: all or nothing, every fault by row and field, safe to repeat."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import geopandas as gpd
import polars as pl
import pytest
import shapely
from sqlalchemy import text

from geo_api.imports.import_file import import_file
from layers.errors import InputError, MissingColumns, RejectedRows, UnknownCrs
from layers.imports import FILE_KINDS, template
from layers.imports.readers import EXAMPLE_USCC
from layers.postgres import SYSTEM, session

NOW = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)


def count(url: str, table: str) -> int:
    with session(SYSTEM, url) as db:
        return int(db.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())


def write(folder: Path, kind: str, lines: list[str] | None = None) -> Path:
    """A CSV of this kind: the template's header with these lines, or the template itself."""
    header = template(kind).splitlines()
    path = folder / f"{kind}.csv"
    path.write_text(
        "\n".join([header[0], *(lines if lines is not None else header[1:])]) + "\n", encoding="utf-8"
    )
    return path


def square(west: float, south: float, size: float) -> shapely.Polygon:
    return shapely.box(west, south, west + size, south + size)


def areas_frame() -> gpd.GeoDataFrame:
    rows = [
        ("990100", "示例市", "city", None, square(120, 32, 1)),
        ("990121", "示例县", "county", "990100", square(120, 32, 1)),
        ("990121100", "掘港镇", "town", "990121", square(120, 32, 1)),
        ("990121100001", "一社区", "community", "990121100", shapely.box(120, 32, 120.5, 33)),
        ("990121100002", "二社区", "community", "990121100", shapely.box(120.5, 32, 121, 33)),
    ]
    frame = gpd.GeoDataFrame(rows, columns=["code", "name", "kind", "parent_code", "geometry"], crs=4326)
    return frame.assign(valid_from="2020-07-23")


@pytest.fixture
def city(fresh_database: str, tmp_path: Path) -> str:
    """A database with one town of two communities, one enterprise and one site."""
    areas_frame().to_parquet(tmp_path / "areas.parquet")
    import_file("areas", tmp_path / "areas.parquet", crs="wgs84", url=fresh_database)
    import_file("enterprises", write(tmp_path, "enterprises"), url=fresh_database)
    site = f"S-0001,{EXAMPLE_USCC},production,120.8645,32.0163,"
    import_file("sites", write(tmp_path, "sites", [site]), crs="wgs84", url=fresh_database)
    return fresh_database


def test_every_template_but_areas_loads_after_its_parents(city: str, tmp_path: Path) -> None:
    for kind in ("vehicles", "tracks", "meters", "places", "notices", "duties"):
        report = import_file(kind, write(tmp_path, kind), crs="wgs84", url=city, now=NOW)
        assert report.written.inserted == len(FILE_KINDS[kind].examples), kind


@pytest.mark.parametrize(
    "kind", ["enterprises", "sites", "vehicles", "tracks", "meters", "places", "notices", "duties"]
)
def test_the_same_file_again_changes_nothing(city: str, tmp_path: Path, kind: str) -> None:
    path = write(tmp_path, kind)
    import_file(kind, path, crs="wgs84", url=city, now=NOW)
    again = import_file(kind, path, crs="wgs84", url=city, now=NOW).written
    assert (again.inserted, again.updated, again.unchanged) == (0, 0, len(FILE_KINDS[kind].examples))


def test_areas_again_change_nothing_and_a_later_version_keeps_the_old(city: str, tmp_path: Path) -> None:
    path = tmp_path / "areas.parquet"
    assert import_file("areas", path, crs="wgs84", url=city).written.unchanged == 5
    renamed = areas_frame()
    renamed.loc[4, ["name", "valid_from"]] = ["三社区", "2026-01-01"]
    renamed.to_parquet(path)
    assert import_file("areas", path, crs="wgs84", url=city).written.updated == 1
    with session(SYSTEM, city) as db:
        rows = db.execute(
            text("SELECT name, valid_to IS NULL FROM areas WHERE code = '990121100002' ORDER BY valid_from")
        ).all()
        assert [tuple(r) for r in rows] == [("二社区", False), ("三社区", True)]
        assert db.execute(text("SELECT count(*) FROM area_successions")).scalar_one() == 1


def test_a_changed_area_without_a_later_date_is_refused(city: str, tmp_path: Path) -> None:
    renamed = areas_frame()
    renamed.loc[4, "name"] = "三社区"
    renamed.to_parquet(tmp_path / "areas.parquet")
    with pytest.raises(RejectedRows, match="row 5 行, valid_from: stored already"):
        import_file("areas", tmp_path / "areas.parquet", crs="wgs84", url=city)


def test_a_site_is_placed_in_its_community(city: str) -> None:
    with session(SYSTEM, city) as db:
        name = db.execute(text("SELECT a.name FROM sites s JOIN areas a ON a.id = s.area_id")).scalar_one()
    assert name == "二社区"  # 120.8645 lies east of 120.5


@pytest.mark.parametrize(
    ("kind", "line", "field", "reason"),
    [
        ("enterprises", f"{EXAMPLE_USCC[:-1]}9,某厂,化工,chemical,closed,2025-01-01", "uscc", "check"),
        ("enterprises", f"{EXAMPLE_USCC},某厂,化工,nuclear,closed,2025-01-01", "hazard", "not one of"),
        ("enterprises", f"{EXAMPLE_USCC},某厂,化工,chemical,closed,01/02/2025", "status_since", "not a date"),
        ("sites", f"S-2,{EXAMPLE_USCC},production,32.01,120.86,", "lat", "swapped"),
        ("sites", f"S-2,{EXAMPLE_USCC},production,NaN,32.01,", "lon", "finite"),
        ("sites", f"S-2,{EXAMPLE_USCC},production,120.86,32.01,POLYGON((0 0", "boundary", "WKT"),
        ("sites", "S-2,91990100MA1EXAMPL0,production,120.86,32.01,", "uscc", ""),
        ("tracks", "V-1,2031-01-01T00:00:00Z,120.1,32.1,,", "t", "future"),
        ("tracks", "V-1,yesterday,120.1,32.1,,", "t", "not a time"),
        ("tracks", ",2026-10-01T00:00:00Z,120.1,32.1,,", "vehicle_id", "empty"),
        ("meters", "S-0001,power,2026-10-01,-3,measured", "value", "below 0"),
        ("meters", "S-9999,power,2026-10-01,3,measured", "site_id", "unknown site"),
        (
            "duties",
            "X-1,某事项,ecology,法,检查,某局,county,999999,lead,2024-01-01,",
            "area_code",
            "unknown area code",
        ),
        ("places", "petrol,120.1,32.1,0.1", "radius_m", "below 1"),
    ],
)
def test_a_wrong_value_is_named_and_nothing_is_written(
    city: str, tmp_path: Path, kind: str, line: str, field: str, reason: str
) -> None:
    good = template(kind).splitlines()[1]
    good = good.replace("S-0001", "S-0003") if kind == "sites" else good
    path = write(tmp_path, kind, [good, line])
    table = {"tracks": "fixes", "meters": "meter_readings", "duties": "duty_items"}.get(kind, kind)
    before = count(city, table)
    with pytest.raises(RejectedRows) as caught:
        import_file(kind, path, crs="wgs84", url=city, now=NOW)
    faults = [f for f in caught.value.faults if f.field == field]
    assert [f.row for f in faults] == [2] * len(faults) and faults
    assert any(reason in f.reason for f in faults)
    assert count(city, table) == before


def test_skip_bad_writes_the_good_rows_and_keeps_the_bad_with_their_reasons(
    city: str, tmp_path: Path
) -> None:
    path = write(
        tmp_path, "places", ["petrol,120.1,32.1,50", "petrol,120.2,nowhere,50", "casino,120.3,32.1,50"]
    )
    report = import_file("places", path, crs="wgs84", skip_bad=True, url=city)
    assert report.written.inserted == 1
    assert report.rejected is not None
    rejected = pl.read_csv(report.rejected)
    assert rejected["row"].to_list() == [2, 3]
    assert "lat: not a number" in rejected["reason"][0]
    assert "not one of petrol" in rejected["reason"][1]


def test_degrees_with_signs_letters_and_minutes_are_read_and_told(city: str, tmp_path: Path) -> None:
    lines = [
        "petrol,120.5°E,32.5°N,60",
        "petrol,东经120°31′30″,北纬32度30分36秒,60",
        'petrol,E120°32\'24""",32.25,"1,000"'.replace("E120", '"E120'),
        "petrol,32.5°N,120.5°E,60",
    ]
    report = import_file("places", write(tmp_path, "places", lines), crs="wgs84", skip_bad=True, url=city)
    # by hand: 31.5 min = 0.525, 30.6 min = 0.51, 32.4 min = 0.54 degrees
    with session(SYSTEM, city) as db:
        stored = db.execute(text("SELECT ST_X(geom), ST_Y(geom), radius_m FROM places ORDER BY 1")).all()
    assert [tuple(round(value, 9) for value in row) for row in stored] == [
        (120.5, 32.5, 60),
        (120.525, 32.51, 60),
        (120.54, 32.25, 1000),
    ]
    assert [(f.row, f.field) for f in report.faults] == [(4, "lon"), (4, "lat")]
    assert [note.split()[0] for note in report.notes if "坐标带度" in note or "千位" in note] == ["5", "1"]


def test_rejected_rows_are_cells_of_a_spreadsheet(city: str, tmp_path: Path) -> None:
    """The file is opened in a spreadsheet to be mended.

    Nothing in it runs, and an apostrophe taken away is the value.
    """
    lines = [
        '"=HYPERLINK(""http://x"")",,,hazmat',
        "V-1,@SUM(1),,casino",
        "-7,,,hazmat",
        "V-2,苏FD12345,,hazmat",
    ]
    path = write(tmp_path, "vehicles", lines)
    report = import_file("vehicles", path, skip_bad=True, url=city)
    assert (report.written.inserted, report.skipped) == (1, 3)
    assert report.rejected is not None
    rejected = pl.read_csv(report.rejected, infer_schema=False)
    assert rejected["vehicle_id"].to_list() == ['\'=HYPERLINK("http://x")', "V-1", "-7"], (
        "numbers stay numbers"
    )
    assert rejected["plate"][1] == "'@SUM(1)"
    assert "vehicle_id" in rejected["reason"][0] and "kind" in rejected["reason"][1]


@pytest.mark.parametrize("kind", ["vehicles", "tracks"])
@pytest.mark.parametrize("wrong", ["=1+1", "@a", "+86", "a/b", "T\u202ex", "x" * 65])
def test_ids_of_vehicles_in_files_have_an_alphabet(city: str, tmp_path: Path, kind: str, wrong: str) -> None:
    rest = {"vehicles": ",,,hazmat", "tracks": ",2026-10-01T08:00:00Z,120.1,32.1,,"}[kind]
    path = write(tmp_path, kind, [f"苏F·A1234{rest}", f"{wrong}{rest}"])
    crs = "wgs84" if kind == "tracks" else None
    with pytest.raises(RejectedRows) as caught:
        import_file(kind, path, crs=crs, url=city)
    assert [(fault.row, fault.field) for fault in caught.value.faults] == [(2, "vehicle_id")]


def test_bulk_files_name_their_crs(city: str, tmp_path: Path) -> None:
    with pytest.raises(UnknownCrs, match="no default"):
        import_file("places", write(tmp_path, "places"), url=city)
    with pytest.raises(UnknownCrs, match="wgs48"):
        import_file("places", write(tmp_path, "places"), crs="wgs48", url=city)


def test_gcj02_is_brought_to_storage(city: str, tmp_path: Path) -> None:
    # golden point of the published formula: WGS 120.8645,32.0163 is GCJ 120.868746860,32.014148162
    path = write(tmp_path, "places", ["petrol,120.868746860,32.014148162,50"])
    import_file("places", path, crs="gcj02", url=city)
    with session(SYSTEM, city) as db:
        lon, lat = db.execute(text("SELECT ST_X(geom), ST_Y(geom) FROM places")).one()
    assert (lon, lat) == (pytest.approx(120.8645, abs=1e-7), pytest.approx(32.0163, abs=1e-7))


def test_degrees_in_a_metric_crs_are_refused(city: str, tmp_path: Path) -> None:
    with pytest.raises(RejectedRows, match="looks like degrees"):
        import_file("places", write(tmp_path, "places"), crs="EPSG:4549", url=city)


def test_metres_called_degrees_are_refused(city: str, tmp_path: Path) -> None:
    with pytest.raises(RejectedRows, match="no degrees"):
        import_file("places", write(tmp_path, "places", ["petrol,582000,3544000,50"]), crs="wgs84", url=city)


def test_missing_columns_are_all_named(city: str, tmp_path: Path) -> None:
    path = tmp_path / "tracks.csv"
    path.write_text("vehicle_id,lon\nV,1\n")
    with pytest.raises(MissingColumns, match="t, lat"):
        import_file("tracks", path, crs="wgs84", url=city)


def test_no_such_file_and_no_such_kind(city: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        import_file("places", tmp_path / "none.csv", crs="wgs84", url=city)
    with pytest.raises(InputError, match="unknown kind"):
        import_file("ships", tmp_path / "none.csv", crs="wgs84", url=city)


def test_an_area_file_that_contradicts_the_command_is_refused(city: str, tmp_path: Path) -> None:
    path = tmp_path / "metric.parquet"
    areas_frame().to_crs(4549).to_parquet(path)
    with pytest.raises(UnknownCrs, match="EPSG:4549"):
        import_file("areas", path, crs="wgs84", url=city)


def test_an_invalid_polygon_is_named_with_its_place(city: str, tmp_path: Path) -> None:
    frame = areas_frame()
    frame.loc[4, "geometry"] = shapely.Polygon([(120, 32), (121, 33), (121, 32), (120, 33)])
    frame.to_parquet(tmp_path / "bow.parquet")
    with pytest.raises(RejectedRows, match=r"row 5 行, geometry: an outline crosses itself at 120.5, 32.5"):
        import_file("areas", tmp_path / "bow.parquet", crs="wgs84", url=city)


def test_overlapping_siblings_are_reported_with_a_place(city: str, tmp_path: Path) -> None:
    frame = areas_frame()
    frame.loc[4, ["geometry", "valid_from"]] = [shapely.box(120.4, 32, 121, 33), "2026-01-01"]
    frame.to_parquet(tmp_path / "overlap.parquet")
    report = import_file("areas", tmp_path / "overlap.parquet", crs="wgs84", url=city)
    assert any("二社区" in note and "overlap" in note and "@ 120.4" in note for note in report.notes)


def test_a_vehicle_that_was_not_registered_becomes_one_of_kind_other(city: str, tmp_path: Path) -> None:
    report = import_file("tracks", write(tmp_path, "tracks"), crs="wgs84", url=city, now=NOW)
    assert "1 vehicle(s) were not registered: added with kind other" in report.notes
    with session(SYSTEM, city) as db:
        assert db.execute(text("SELECT kind FROM vehicles")).scalar_one() == "other"
        assert db.execute(text("SELECT t FROM fixes")).scalar_one() == dt.datetime(2026, 10, 1, tzinfo=dt.UTC)


def test_parquet_and_csv_give_the_same_rows(city: str, tmp_path: Path) -> None:
    path = tmp_path / "tracks.parquet"
    pl.DataFrame(
        {
            "vehicle_id": ["V-001", "V-001"],
            "t": [dt.datetime(2026, 10, 1, tzinfo=dt.UTC), dt.datetime(2026, 10, 2, tzinfo=dt.UTC)],
            "lon": [120.8645, 120.8645],
            "lat": [32.0163, 32.0163],
        }
    ).write_parquet(path)
    import_file("tracks", write(tmp_path, "tracks"), crs="wgs84", url=city, now=NOW)
    written = import_file("tracks", path, crs="wgs84", url=city, now=NOW).written
    assert (written.inserted, written.unchanged) == (1, 1)
