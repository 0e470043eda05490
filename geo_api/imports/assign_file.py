"""Files of places: who is responsible for every row."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import numpy as np
import polars as pl
from sqlalchemy.orm import Session

from geo_api.imports.crs_choice import choose_crs
from geo_api.imports.written_tables import open_table
from grid.responsibility import ANSWER_SCHEMA, assign, assign_many
from layers.codes.credit_codes import uscc_is_valid
from layers.errors import Fault, InputError, RejectedRows
from layers.exports import as_cells
from layers.imports import Column, FileKind, checks
from layers.imports import readers as files
from layers.local_time import local_zone, start_of_day
from layers.records import areas, duty_lists

PLACES = FileKind(
    "places_to_assign",
    (
        Column("lon", "float", "经度", "x in the file's CRS"),
        Column("lat", "float", "纬度", "y in the file's CRS"),
        Column("item_code", "text", "事项编码", "code of the item"),
        Column("at", "time", "时间", "when it happened", required=False, nullable=True),
        Column(
            "accuracy_m",
            "float",
            "定位精度 m",
            "radius",
            required=False,
            nullable=True,
            minimum=0,
            maximum=10_000,
        ),
        Column(
            "enterprise_uscc",
            "text",
            "统一社会信用代码",
            "enterprise in question",
            required=False,
            nullable=True,
        ),
        Column("id", "text", "编号", "yours", required=False, nullable=True),
    ),
    (files.ROW,),
    (),
    has_coordinates=True,
)
"""Columns of a file of places; other columns are ignored."""


def assign_file(
    db: Session,
    source: Path,
    target: Path,
    *,
    crs: str | None,
    at: dt.datetime | None = None,
    explain: bool = False,
) -> dict[str, int]:
    """Answer every row of a CSV or Parquet file and write the answers beside them.

    Parameters
    ----------
    source, target : Path
        CSV, or Parquet by the ending ``.parquet``.
    crs : str
        ``wgs84|cgcs2000|gcj02|bd09|EPSG:n``.
    at : datetime, optional
        The time of rows that name none; now when left out.
    explain : bool
        Add a column ``explanation`` (JSON). Such rows are answered one by one.

    Returns
    -------
    dict
        Rows by outcome.

    Raises
    ------
    layers.errors.InputError, RejectedRows
        Nothing is written.
    """
    now = dt.datetime.now(dt.UTC)
    crs = choose_crs(source, crs).name
    with open_table(source, PLACES) as table:
        batches = files.read_batches(table.path, PLACES)
        frames = [checks.check_frame(batch, PLACES, now=now, zone=local_zone().key) for batch in batches]
    faults: list[Fault] = []
    for checked in frames:
        checked.take(table.take_faults(checked.frame))
        checks.to_storage(checked, crs)
        faults += checked.faults + _faulty_enterprises(checked.frame)
    faults += table.take_faults()
    frame = pl.concat([checked.frame for checked in frames]) if frames else pl.DataFrame()
    faults += _unknown_items(db, frame)
    if faults:
        raise RejectedRows(source.name, sorted(faults, key=lambda fault: fault.row))
    frame = frame.with_columns(
        pl.col("at").fill_null(at or dt.datetime.now(dt.UTC)), pl.col("accuracy_m").fill_null(0.0)
    )
    answers = _one_by_one(db, frame, True) if explain else _in_bulk(db, frame)
    out = answers.sort(files.ROW).with_columns(pl.col("co_handlers", "enterprise_sites").list.join("; "))
    _write(out.rename({files.ROW: "row"}), target)
    return {row["outcome"]: row["len"] for row in out.group_by("outcome").len().to_dicts()}


def _faulty_enterprises(frame: pl.DataFrame) -> list[Fault]:
    given = frame.filter(pl.col("enterprise_uscc").is_not_null()).select(files.ROW, "enterprise_uscc")
    wrong = given.filter(~uscc_is_valid(given["enterprise_uscc"].to_numpy().astype(str)))
    reason = "not a valid unified social credit code 统一社会信用代码校验不符"
    return [Fault(int(row), "enterprise_uscc", reason, code) for row, code in wrong.iter_rows()]


def _unknown_items(db: Session, frame: pl.DataFrame) -> list[Fault]:
    if frame.is_empty():
        return []
    known = duty_lists.known_item_codes(db)
    bad = frame.filter(~pl.col("item_code").is_in(known))
    return [
        Fault(int(row), "item_code", "not in the duty list 清单中没有此事项", code)
        for row, code in bad.select(files.ROW, "item_code").iter_rows()
    ]


def _in_bulk(db: Session, frame: pl.DataFrame) -> pl.DataFrame:
    """Rows of one state of areas and list together; rows with an accuracy one by one."""
    exact = frame.filter(pl.col("accuracy_m") == 0)
    answers = [_one_by_one(db, frame.filter(pl.col("accuracy_m") > 0), False)]
    borders = _borders(db)
    moments = exact["at"].dt.timestamp("us").to_numpy()
    epochs = exact.with_columns(__epoch=np.searchsorted(borders, moments, side="right"))
    for part in epochs.partition_by("__epoch", maintain_order=True):
        answers.append(assign_many(db, part.drop("__epoch"), at=part["at"][0]))
    return pl.concat([answer for answer in answers if answer.height] or answers)


def _borders(db: Session) -> np.ndarray:
    """Moments (microseconds) at which an answer may change.

    Areas begin and end, lines of the list likewise.
    """
    moments = areas.moments_of_change(db)
    moments |= {start_of_day(day) for day in duty_lists.days_of_change(db)}
    epoch = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    return np.array(sorted((m - epoch) // dt.timedelta(microseconds=1) for m in moments), dtype=np.int64)


def _one_by_one(db: Session, frame: pl.DataFrame, explain: bool) -> pl.DataFrame:
    rows = []
    for row in frame.iter_rows(named=True):
        answer = assign(
            db,
            lon=row["lon"],
            lat=row["lat"],
            item_code=row["item_code"],
            at=row["at"],
            accuracy_m=row["accuracy_m"],
            enterprise_uscc=row["enterprise_uscc"],
        )
        told = answer.flat()
        if explain:
            told["explanation"] = json.dumps(
                [step.as_json() for step in answer.explanation], ensure_ascii=False
            )
        rows.append(told)
    schema = ANSWER_SCHEMA | ({"explanation": pl.String} if explain else {})
    return frame.hstack(pl.DataFrame(rows, schema=schema))


def _write(frame: pl.DataFrame, target: Path) -> None:
    part = target.with_name(target.name + ".part")
    try:
        if target.suffix == ".parquet":
            frame.write_parquet(part)
        else:
            as_cells(frame).write_csv(part)
        part.replace(target)
    except OSError as error:
        raise InputError(f"{target}: cannot be written ({error.strerror})") from error
    finally:
        part.unlink(missing_ok=True)
