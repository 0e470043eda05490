"""One grammar of written times, at every door: files, posts of fixes, devices, places to assign."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from geo_api.imports.assign_file import PLACES
from geo_api.imports.written_tables import open_table
from geo_api.tracks.osmand import osmand_fix
from layers.errors import InputError
from layers.imports import FILE_KINDS, ROW, checks, read_written_time
from layers.imports import readers as files

NOW = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
EIGHT = dt.datetime(2026, 10, 1, 0, 0, tzinfo=dt.UTC)
TAKEN: dict[str, dt.datetime] = {
    "2026-10-01T08:00:00+08:00": EIGHT,
    "2026-10-01T00:00:00Z": EIGHT,
    "2026-10-01t00:00:00z": EIGHT,
    "2026-10-01T08:00:00+08": EIGHT,
    "2026-10-01T08:00:00+0800": EIGHT,
    "2026-10-01 08:00:00+08": EIGHT,
    "2026-10-01 08:00:00.000+08:00": EIGHT,
    "2026-10-01 08:00:00 +08:00": EIGHT,
    "2026-09-30 19:00:00-05": EIGHT,
    "2026-10-01 05:30:00+05:30": EIGHT,
    "20261001T000000Z": EIGHT,
    "20261001T080000+0800": EIGHT,
    "2026-10-01 00:00:00 UTC": EIGHT,
    "2026-10-01T00:00:00.25Z": EIGHT.replace(microsecond=250_000),
    "2026-10-01T00:00:00.123456789Z": EIGHT.replace(microsecond=123_456),
    "2026-10-01T00:00:00,5Z": EIGHT.replace(microsecond=500_000),
    "２０２６-１０-０１ ００：００：００Z": EIGHT,
}
CLOCKS = (
    "2026-10-01T08:00:00",
    "2026-10-01 08:00:00",
    "2026-10-01 08:00",
    "2026/10/1 8:00:00",
    "2026.10.01 08:00:00",
    "20261001T080000",
    "20261001 080000",
    "2026年10月1日 08:00:00",
    "2026年10月1日8时0分0秒",
)
"""Written without a zone: of the city in files, UTC over HTTP."""
REFUSED = (
    "46296.3333333",
    "1790812800",
    "2026-02-30T08:00:00Z",
    "2026-10-01T24:00:00Z",
    "2026-10-01T08:60:00Z",
    "01/10/2026 08:00",
    "10-01-2026 08:00:00",
    "2026-10-01",
    "yesterday",
    "infinity",
    "2026-10-01T08:00:00+99",
)
Door = Callable[[str, Path], dt.datetime | None]


def _checked(frame: pl.DataFrame, kind: str, name: str, zone: str) -> dt.datetime | None:
    spec = PLACES if kind == "places" else FILE_KINDS[kind]
    checked = checks.check_frame(frame, spec, now=NOW, zone=zone)
    (value,) = checked.frame[name].to_list()
    assert (value is None) == any(fault.field == name and fault.row == 1 for fault in checked.faults)
    return value


def of_file(text: str, folder: Path) -> dt.datetime | None:
    path = folder / "tracks.csv"
    path.write_text(f'vehicle_id,t,lon,lat\nV-1,"{text}",120.5,32\n', encoding="utf-8")
    with open_table(path, FILE_KINDS["tracks"]) as table:
        (frame,) = files.read_batches(table.path, FILE_KINDS["tracks"])
        return _checked(frame, "tracks", "t", "Asia/Shanghai")


def of_places(text: str, folder: Path) -> dt.datetime | None:
    path = folder / "places.csv"
    path.write_text(f'lon,lat,item_code,at\n120.5,32,X-1,"{text}"\n', encoding="utf-8")
    with open_table(path, PLACES) as table:
        (frame,) = files.read_batches(table.path, PLACES)
        return _checked(frame, "places", "at", "Asia/Shanghai")


def of_post(text: str, folder: Path) -> dt.datetime | None:
    values = {"vehicle_id": ["V-1"], "t": [text], "lon": [120.5], "lat": [32.0]}
    return _checked(pl.DataFrame(values).with_row_index(ROW, offset=1), "tracks", "t", "UTC")


def of_device(text: str, folder: Path) -> dt.datetime | None:
    try:
        return osmand_fix({"id": "7", "lat": "32", "lon": "120.5", "timestamp": text}, NOW)["t"]  # type: ignore[no-any-return]
    except InputError:
        return None


FILES: dict[str, Door] = {"import": of_file, "assign": of_places}
MACHINES: dict[str, Door] = {"post": of_post, "device": of_device}


@pytest.mark.parametrize("door", [*FILES, *MACHINES])
@pytest.mark.parametrize("text", TAKEN)
def test_a_time_with_a_zone_is_the_same_everywhere(tmp_path: Path, door: str, text: str) -> None:
    assert (FILES | MACHINES)[door](text, tmp_path) == TAKEN[text]


@pytest.mark.parametrize("door", [*FILES, *MACHINES])
@pytest.mark.parametrize("text", CLOCKS)
def test_a_time_without_a_zone_is_the_citys_in_files_and_utc_from_machines(
    tmp_path: Path, door: str, text: str
) -> None:
    wanted = EIGHT if door in FILES else EIGHT + dt.timedelta(hours=8)
    assert (FILES | MACHINES)[door](text, tmp_path) == wanted


@pytest.mark.parametrize("door", [*FILES, *MACHINES])
@pytest.mark.parametrize("text", REFUSED)
def test_what_is_no_time_is_refused_everywhere(tmp_path: Path, door: str, text: str) -> None:
    if door == "device" and text in ("1790812800", "46296.3333333"):
        pytest.skip("seconds since 1970 are part of that protocol")
    assert (FILES | MACHINES)[door](text, tmp_path) is None


def test_a_skipped_hour_is_no_time_and_of_a_repeated_one_the_first_is_meant() -> None:
    texts = ["2026-03-29T02:30:00", "2026-10-25T02:30:00", "2026/10/25 2:30"]
    frame = pl.DataFrame({"vehicle_id": list("abc"), "t": texts, "lon": [13.4] * 3, "lat": [52.5] * 3})
    checked = checks.check_frame(
        frame.with_row_index(ROW, offset=1), FILE_KINDS["tracks"], now=NOW, zone="Europe/Berlin"
    )
    assert [f.row for f in checked.faults if f.field == "t"] == [1]
    first = dt.datetime(2026, 10, 25, 0, 30, tzinfo=dt.UTC)
    assert checked.frame["t"].to_list()[1:] == [first, first] and checked.times_without_zone == 2


def test_forms_are_read_each_by_itself() -> None:
    """A column of many forms: none is guessed from another."""
    frame = pl.DataFrame({"t": [*TAKEN, *REFUSED]})
    times, n = checks.read_times(frame["t"], "Asia/Shanghai")
    assert times.to_list() == [*TAKEN.values(), *[None] * len(REFUSED)] and n == 0
    assert read_written_time("") is None
