"""Batches of fixes in every format that a sender may choose."""

from __future__ import annotations

import datetime as dt
import io

import polars as pl
import pyarrow as pa

NOW = dt.datetime.now(dt.UTC).replace(microsecond=0)
NDJSON, CSV = "application/x-ndjson", "text/csv"
ARROW, PARQUET = "application/vnd.apache.arrow.stream", "application/vnd.apache.parquet"


def rows(vehicle: str, n: int = 5, *, lon: float = 120.1, start: dt.datetime = NOW) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "vehicle_id": [vehicle] * n,
            "t": [start - dt.timedelta(minutes=n - i) for i in range(n)],
            "lon": [lon + i * 1e-4 for i in range(n)],
            "lat": [31.2] * n,
            "speed_kmh": [None, *(30.5 + i for i in range(n - 1))],
            "heading_deg": [90.0] * n,
        }
    )


def encoded(frame: pl.DataFrame, media: str) -> bytes:
    buffer = io.BytesIO()
    if media == PARQUET:
        frame.write_parquet(buffer)
    elif media == ARROW:
        table = frame.to_arrow()
        with pa.ipc.new_stream(buffer, table.schema) as writer:
            writer.write_table(table)
    else:
        as_text = frame.with_columns(t=pl.col("t").dt.strftime("%Y-%m-%dT%H:%M:%S%.fZ"))
        as_text.write_csv(buffer) if media == CSV else as_text.write_ndjson(buffer)
    return buffer.getvalue()
