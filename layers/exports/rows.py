"""Exports of a collection: rows leave the database by COPY and are written at once, in constant memory.

Rows and columns are those of the items: one statement, in the caller's scope, as of one moment.
"""

from __future__ import annotations

import contextlib
import itertools
import threading
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import psycopg
import pyarrow as pa
from sqlalchemy import BigInteger, Integer, Select, Text, cast, func, literal_column, select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from layers.collections import Collection, Expression, Property, Selection, feature_json, selection_conditions
from layers.exports.spreadsheet_text import sql_cell
from layers.postgres import Scope, apply_scope, engine, limit_statements

BLOCK_BYTES = 256 * 1024
"""Approximate size of a block of text."""
FRAME_BYTES = 2**20
"""Approximate size of the rows of a record batch."""
GEOMETRY = "geometry"
BOM = b"\xef\xbb\xbf"
"""Byte order mark: without it spreadsheets misread Chinese in a CSV file."""
RECORD_SEPARATOR = b"\x1e"
"""First byte of each text of a GeoJSON text sequence (RFC 8142)."""

STATEMENT_NAME = "wangge export"
"""Application name of an export's connection in the database."""
CANCEL_TIMEOUT_S = 5.0


class ExportAbandoned(Exception):
    """The client no longer waits for the export."""


class ExportStop:
    """Stop request for an export, made from another thread.

    It cancels the running statement and prevents further ones.
    """

    def __init__(self) -> None:
        self._gone = threading.Event()
        self._lock = threading.Lock()
        self._connection: psycopg.Connection[Any] | None = None

    @property
    def requested(self) -> bool:
        """Whether :meth:`request` was called."""
        return self._gone.is_set()

    def request(self) -> None:
        """Stop the export; safe to repeat."""
        self._gone.set()
        with self._lock:
            if self._connection is not None:
                with contextlib.suppress(psycopg.Error):
                    self._connection.cancel_safe(timeout=CANCEL_TIMEOUT_S)

    def check(self) -> None:
        """Raise :class:`ExportAbandoned` after a request."""
        if self.requested:
            raise ExportAbandoned

    @contextlib.contextmanager
    def cancelling(self, connection: psycopg.Connection[Any]) -> Iterator[None]:
        """Let a request cancel this connection inside the ``with`` block.

        Afterwards it is never cancelled, because the pool may have given it to another caller.
        """
        with self._lock:
            self._connection = connection
        try:
            self.check()
            yield
        finally:
            with self._lock:
                self._connection = None


@dataclass(frozen=True)
class ExportSource:
    """Content of an export and the scope of its caller.

    Attributes
    ----------
    url : str
        URL of the database.
    scope : Scope
    collection : Collection
    selection : Selection
    timeout_s : int
        Greatest time of the statement, seconds; a slow client counts too.
    stop : ExportStop
        Checked between blocks.
    codes_as_text : bool
        In CSV texts that look like numbers are written as ``="0320"``, which a spreadsheet keeps as text.
    zone : ZoneInfo or None
        Zone in which CSV and XLSX show times, without offset; None: UTC, as ``2026-01-31T08:00:00Z``.
    """

    url: str
    scope: Scope
    collection: Collection
    selection: Selection
    timeout_s: int
    stop: ExportStop = field(default_factory=ExportStop)
    codes_as_text: bool = False
    zone: ZoneInfo | None = None

    @contextlib.contextmanager
    def session(self) -> Iterator[Session]:
        """Open a read-only transaction in the scope, with one snapshot."""
        snapshot = engine(self.url).execution_options(isolation_level="REPEATABLE READ")
        with Session(snapshot) as db, db.begin():
            apply_scope(db, self.scope)
            limit_statements(db, self.timeout_s)
            db.execute(text("SELECT set_config('application_name', :name, true)"), {"name": STATEMENT_NAME})
            driver = db.connection().connection.driver_connection
            assert isinstance(driver, psycopg.Connection)
            with self.stop.cancelling(driver):
                yield db

    def statement(self, columns: list[Expression]) -> Select[*tuple[Any, ...]]:
        """Select these columns of the chosen features, in the order of the key."""
        return (
            select(*columns)
            .select_from(self.collection.source)
            .where(*selection_conditions(self.collection, self.selection))
            .order_by(self.collection.key)
        )


def csv_blocks(source: ExportSource) -> Iterator[bytes]:
    """Yield CSV in UTF-8 with a header: id, properties, then ``lon`` and ``lat`` or the geometry as WKT.

    Texts are cells of a spreadsheet (``layers.exports.spreadsheet_text``).
    """
    statement = source.statement(_csv_columns(source))
    with source.session() as db:
        rows = _copy(db, statement, "csv, HEADER")
        with contextlib.closing(rows):
            yield from _join_blocks(itertools.chain([BOM], rows), source)


def _csv_columns(source: ExportSource) -> list[Expression]:
    collection = source.collection
    columns: list[Expression] = [collection.key.label("id")]
    for prop in collection.properties:
        shown = cast(prop.output, Text) if prop.type == "boolean" else prop.output
        if prop.type == "time" and source.zone is not None:
            local = func.timezone(source.zone.key, prop.expression)
            shown = func.to_char(local, "YYYY-MM-DD HH24:MI:SS")
        if prop.type == "text" and not prop.values:
            shown = sql_cell(shown, codes_as_text=source.codes_as_text)
        columns.append(shown.label(prop.name))
    if collection.geometry_type == "point":
        point = (func.ST_X(collection.geom).label("lon"), func.ST_Y(collection.geom).label("lat"))
        return [*columns, *point]
    return [*columns, func.ST_AsText(collection.geom, collection.digits).label("wkt")]


def geojsonseq_blocks(source: ExportSource) -> Iterator[bytes]:
    """Yield a GeoJSON text sequence (RFC 8142): a record separator, a feature, a line feed."""
    statement = source.statement([cast(feature_json(source.collection), Text)])
    with source.session() as db:
        rows = _copy(db, statement, "text")
        with contextlib.closing(rows):
            # COPY's text format doubles backslashes, the only character of JSON that it escapes.
            yield from _join_blocks((RECORD_SEPARATOR + row.replace(b"\\\\", b"\\") for row in rows), source)


def psycopg_sql(db: Session, statement: Select[*tuple[Any, ...]]) -> tuple[str, dict[str, Any]]:
    """Return the statement as text for psycopg, and its parameters."""
    compiled = statement.compile(dialect=db.get_bind().dialect, compile_kwargs={"render_postcompile": True})
    return str(compiled), dict(compiled.params)


@contextlib.contextmanager
def sqlalchemy_errors(statement: str) -> Iterator[None]:
    """Raise the driver's errors about a slow or lost server as SQLAlchemy's errors."""
    try:
        yield
    except psycopg.OperationalError as error:
        raise OperationalError(statement, None, error) from error


def _copy(db: Session, statement: Select[*tuple[Any, ...]], form: str) -> Generator[bytes, None, None]:
    """Yield rows of the statement as COPY writes them; the statement ends with the iterator."""
    query, parameters = psycopg_sql(db, statement)
    driver = db.connection().connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    statement_text = f"COPY ({query}) TO STDOUT (FORMAT {form})"
    with (
        sqlalchemy_errors(statement_text),
        driver.cursor() as cursor,
        cursor.copy(statement_text.encode(), parameters) as copy,
    ):
        for row in copy:
            yield bytes(row)


def _join_blocks(rows: Iterable[bytes], source: ExportSource, size: int = BLOCK_BYTES) -> Iterator[bytes]:
    held: list[bytes] = []
    held_bytes = 0
    for row in rows:
        held.append(row)
        held_bytes += len(row)
        if held_bytes >= size:
            source.stop.check()
            yield b"".join(held)
            held, held_bytes = [], 0
    if held:
        yield b"".join(held)


def record_batches(source: ExportSource) -> Iterator[pa.RecordBatch]:
    """Yield the rows as record batches: ``id``, the properties, ``geometry`` as WKB.

    Their schema is :func:`schema_of`.
    """
    collection = source.collection
    columns: list[Expression] = [collection.key.label("id")]
    columns += [_plain(prop).label(prop.name) for prop in collection.properties]
    columns.append(func.encode(func.ST_AsBinary(collection.geom), "hex").label(GEOMETRY))
    schema = schema_of(collection)
    with source.session() as db:
        rows = _copy(db, source.statement(columns), "csv")
        with contextlib.closing(rows):
            for block in _join_blocks(rows, source, FRAME_BYTES):
                yield from _typed(block, collection).to_arrow().cast(schema).combine_chunks().to_batches()


def _plain(prop: Property) -> Expression:
    """Return a property as plain text or number, the fastest form to parse."""
    if prop.type == "time":
        return cast(func.extract("epoch", prop.expression) * 1_000_000, BigInteger)
    if prop.type == "date":
        return cast(prop.expression - literal_column("DATE '1970-01-01'"), Integer)
    if prop.type == "boolean":
        return cast(prop.expression, Text)
    return prop.output


_POLARS_TYPES: dict[str, Any] = {
    "text": pl.Utf8,
    "integer": pl.Int64,
    "number": pl.Float64,
    "boolean": pl.Boolean,
    "time": pl.Int64,
    "date": pl.Int32,
    "json": pl.Utf8,
}
_ARROW_TYPES: dict[str, pa.DataType] = {
    "text": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
    "time": pa.timestamp("us", "UTC"),
    "date": pa.date32(),
    "json": pa.string(),
}


def schema_of(collection: Collection) -> pa.Schema:
    """Return names and types of an export's columns."""
    properties = [(prop.name, _ARROW_TYPES[prop.type]) for prop in collection.properties]
    return pa.schema([("id", pa.int64()), *properties, (GEOMETRY, pa.binary())])


def geometry_kind(collection: Collection) -> str:
    """Return the type of the stored geometry: ``Point``, ``LineString``, ``MultiLineString`` …."""
    stored = str(collection.geom.type.geometry_type)  # type: ignore[attr-defined]
    return {
        "POINT": "Point",
        "LINESTRING": "LineString",
        "MULTILINESTRING": "MultiLineString",
        "POLYGON": "Polygon",
        "MULTIPOLYGON": "MultiPolygon",
    }[stored]


def _typed(block: bytes, collection: Collection) -> pl.DataFrame:
    schema = {
        "id": pl.Int64,
        **{p.name: _POLARS_TYPES[p.type] for p in collection.properties},
        GEOMETRY: pl.Utf8,
    }
    frame = pl.read_csv(block, has_header=False, schema=schema)  # "" is empty text, nothing is null
    times = [
        pl.from_epoch(p.name, "us").dt.replace_time_zone("UTC")
        for p in collection.properties
        if p.type == "time"
    ]
    dates = [pl.col(p.name).cast(pl.Date) for p in collection.properties if p.type == "date"]
    return frame.with_columns(*times, *dates, pl.col(GEOMETRY).str.decode("hex"))
