"""Sources of a city: the tables ``[[sources]]`` of ``city.toml``, what each department delivers and how it is read.

The schema for editors is ``docs/sources.schema.json``; a wrong table is refused with line, field and reason.
"""

from __future__ import annotations

import codecs
import datetime as dt
import difflib
import zoneinfo
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag, ValidationError

from layers.codes import normalise_crs_name
from layers.codes.toml_text import Path as FieldPath
from layers.codes.toml_text import line_of, told_fault, written_path
from layers.contracts import read_duration
from layers.errors import UnknownCrs
from layers.ground import GROUND_LAYERS
from layers.imports import FILE_KINDS, Column, FileKind
from layers.imports.column_map import ColumnMap, Lookup

Faults = Iterator[tuple[FieldPath, str, str]]
"""Path of a field, and the reason in Chinese and in English."""
WITH_CRS = ("areas", *GROUND_LAYERS)
"""Kinds with shapes, beside those with coordinates in columns."""


def _listed(value: Any) -> Any:
    """Return one text as a list of it."""
    return [value] if isinstance(value, str) else value


Texts = Annotated[
    tuple[Annotated[str, Field(min_length=1)], ...],
    BeforeValidator(_listed, json_schema_input_type=str | list[str]),
]


class Constant(BaseModel):
    """A value that every row has."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    value: str | int | float


class LookedUp(BaseModel):
    """A value that stands in another table: by what the column ``heading`` holds, compared without blanks and dots."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    heading: Annotated[str, Field(description="Column of this source", min_length=1)]
    table: Annotated[
        Texts, Field(description="Files of the other table, relative to city.toml", min_length=1)
    ]
    key: Annotated[str, Field(description="Its column that is compared", min_length=1)]
    value: Annotated[str, Field(description="Its column that holds the value", min_length=1)]
    keep: Annotated[
        bool, Field(description="What the table does not have stays as it is; else it is refused")
    ] = False


_FORM = "form: "


def _form_of(value: Any) -> str:
    """Return which form of a mapped column a value has."""
    if isinstance(value, str):
        return f"{_FORM}heading"
    names = value.keys() if isinstance(value, dict) else value.__class__.model_fields.keys()
    return f"{_FORM}constant" if {*names} == {"value"} else f"{_FORM}look-up"


MappedColumn = Annotated[
    Annotated[str, Field(min_length=1), Tag(f"{_FORM}heading")]
    | Annotated[Constant, Tag(f"{_FORM}constant")]
    | Annotated[LookedUp, Tag(f"{_FORM}look-up")],
    Discriminator(_form_of),
]


class FromUrl(BaseModel):
    """Files that are fetched over HTTP, when they changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: Annotated[str, Field(description="https://host/path; http to allowed private networks")]
    file_name: Annotated[
        str | None, Field(description="When the path does not end in one", pattern=r"^[^/\\]{1,120}$")
    ] = None
    secret: Annotated[str | None, Field(description="Name in the file of secrets, for headers")] = None


class FromTable(BaseModel):
    """Rows of a table of PostgreSQL that are new or changed since the last time."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    database: Annotated[str, Field(description="Name in the file of secrets, for the URL", min_length=1)]
    table: Annotated[str, Field(description="name or schema.name", pattern=r"^[^.\x00]+(\.[^.\x00]+)?$")]
    by: Annotated[str, Field(description="Column that grows with each new or changed row", min_length=1)]
    key: Annotated[str, Field(description="Column that orders rows with the same value", min_length=1)]
    columns: Annotated[Texts, Field(description="Columns that are read; all when left out")] = ()


def _form_of_origin(value: Any) -> str:
    names = value.keys() if isinstance(value, dict) else value.__class__.model_fields.keys()
    return f"{_FORM}url" if "url" in names else f"{_FORM}table"


FromElsewhere = Annotated[
    Annotated[FromUrl, Tag(f"{_FORM}url")] | Annotated[FromTable, Tag(f"{_FORM}table")],
    Discriminator(_form_of_origin),
]


class Source(BaseModel):
    """Delivery of one department: files of one kind, and how they are read."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    name: Annotated[
        str, Field(description="Unique; commands and batches name it", pattern=r"^[^\s/][^/\n]{0,79}$")
    ]
    kind: Annotated[str, Field(json_schema_extra={"enum": list(FILE_KINDS)})]
    files: Annotated[Texts, Field(description="Files or globs, relative to city.toml")] = ()
    from_: Annotated[
        FromElsewhere | None,
        Field(alias="from", description="Instead of files: over HTTP, or a table of PostgreSQL"),
    ] = None
    every: Annotated[
        str | None,
        Field(
            description="The worker looks for more so often, as 15m, 2h or 1d", pattern=r"^\d{1,4} ?[mhd]$"
        ),
    ] = None
    contract: Annotated[
        str | None, Field(description="Table Schema in JSON, relative to city.toml", min_length=1)
    ] = None
    department: Annotated[str, Field(description="Who delivers it")] = ""
    sheet: Annotated[Texts, Field(description="Sheets of workbooks; all when left out")] = ()
    layer: Annotated[Texts, Field(description="Layers or members of archives; all when left out")] = ()
    crs: Annotated[str | None, Field(description="wgs84, cgcs2000, gcj02, bd09, EPSG:n or file")] = None
    ignore_file_crs: Annotated[bool, Field(description="The files state a wrong CRS")] = False
    tz: Annotated[str | None, Field(description="IANA zone of times without one; the city's")] = None
    encoding: Annotated[str | None, Field(description="Of text files; else UTF-8 or GB 18030 is found")] = (
        None
    )
    columns: Annotated[
        dict[str, MappedColumn],
        Field(description="Our column → their heading, a constant, or a look-up"),
    ] = {}
    values: Annotated[
        dict[str, dict[str, str]], Field(description="Our column → their word → our value")
    ] = {}
    unit: Annotated[str | None, Field(description="Of meters: unit of every row")] = None
    multiplier: Annotated[dict[str, float], Field(description="Our column → factor, for numbers")] = {}
    add_days: Annotated[
        dict[str, int], Field(description="Our column → days, as 1 for a last day that is included")
    ] = {}
    order: Annotated[
        int | None, Field(description="Smaller ones first; else areas before sites before readings …")
    ] = None
    after: Annotated[Texts, Field(description="Names of sources that go first")] = ()
    skip_bad: Annotated[bool, Field(description="Write good rows, tell bad ones")] = False
    indicative: Annotated[bool, Field(description="Boundaries are no official ones")] = False
    add_bodies: Annotated[bool, Field(description="Duties: add unknown bodies, unconfirmed")] = False

    @property
    def interval(self) -> dt.timedelta | None:
        """Return how often the worker looks for more; None: never."""
        return read_duration(self.every)

    @property
    def has_crs(self) -> bool:
        """Return whether the files have coordinates or shapes."""
        return FILE_KINDS[self.kind].has_coordinates or self.kind in WITH_CRS

    @property
    def place(self) -> tuple[int, int]:
        """Its place in the order before ``after`` is heard."""
        return self.order or 0, [*FILE_KINDS, self.kind].index(self.kind)

    def column_map(self, folder: Path) -> ColumnMap:
        """Return how its columns are read; tables of look-ups are relative to ``folder``."""
        constants = {f: str(c.value) for f, c in self.columns.items() if isinstance(c, Constant)}
        if self.unit is not None:
            constants["unit"] = self.unit
        return ColumnMap(
            headings={f: c for f, c in self.columns.items() if isinstance(c, str)},
            constants=constants,
            lookups={
                f: Lookup(c.heading, tuple(folder / one for one in c.table), c.key, c.value, c.keep)
                for f, c in self.columns.items()
                if isinstance(c, LookedUp)
            },
            values=self.values,
            multiplier=self.multiplier,
            add_days=self.add_days,
            encoding=self.encoding,
        )


class SourceTables(BaseModel):
    """The part of ``city.toml`` that names its sources; other tables of the file are not of this schema."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    sources: tuple[Source, ...] = ()


def sources_schema() -> dict[str, Any]:
    """Return the JSON Schema of the sources in ``city.toml``."""
    schema = SourceTables.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | schema


def read_sources(path: Path) -> list[Source]:
    """Return the sources of a city file in the order in which they are imported; none when it names none.

    Raises
    ------
    WrongCityFile
        No TOML, or a table is wrong: line, field and reason of each.
    """
    from geo_api.city_file.document import read_document

    return in_order(SourceTables.model_validate(read_document(path)).sources)


def map_of_fields(kind: str, fields: Mapping[str, Any]) -> ColumnMap:
    """Return the map of one file of a kind, from fields as a source has them.

    Raises
    ------
    ValueError
        Field and reason of what is wrong.
    """
    document = {"name": "--map", "kind": kind, "files": ".", "crs": "file", **fields}
    if faults := list(source_faults({"sources": [document]})):
        raise ValueError(
            "; ".join(f"{where.removeprefix('sources[0].')}: {en} {zh}" for where, en, zh in faults)
        )
    return Source.model_validate(document).column_map(Path())


def source_faults(document: Mapping[str, Any], text: str = "") -> Iterator[tuple[str, str, str]]:
    """Find the faults of the sources of a document: field with its line, reason in English, reason in Chinese."""
    try:
        sources = SourceTables.model_validate({"sources": document.get("sources", [])}).sources
        faults = [(path, en, zh) for path, zh, en in _cross_faults(sources)]
    except ValidationError as error:
        faults = [(path, en, zh) for path, zh, en in map(told_fault, error.errors())]
    for path, en, zh in faults:
        path = tuple(step for step in path if not str(step).startswith(_FORM))
        line = f"第 {line_of(text, path)} 行 line {line_of(text, path)}, " if text else ""
        yield f"{line}{written_path(path)}", en, zh


def in_order(sources: Iterable[Source]) -> list[Source]:
    """Return sources by their order, each after those that it names.

    Examples
    --------
    >>> roads = Source(name="r", kind="roads", files="r.gpkg", crs="file")
    >>> areas = Source(name="a", kind="areas", files="a.gpkg", crs="file", after=["r"])
    >>> [source.name for source in in_order([areas, roads])], in_order([])
    (['r', 'a'], [])
    """
    waiting = sorted(sources, key=lambda source: source.place)
    done: list[Source] = []
    while waiting:
        names = {source.name for source in waiting}
        ready = next((one for one in waiting if not names & {*one.after} - {one.name}), waiting[0])
        waiting.remove(ready)
        done.append(ready)
    return done


def _cross_faults(sources: tuple[Source, ...]) -> Faults:
    """Find what one field says against another, or against the kinds of files."""
    names = [source.name for source in sources]
    for n, source in enumerate(sources):
        at: FieldPath = ("sources", n)
        if source.name in names[:n]:
            yield (*at, "name"), "名称重复", "is named twice"
        if source.kind not in FILE_KINDS:
            yield (*at, "kind"), *_unknown(source.kind, FILE_KINDS)
            continue
        for before in source.after:
            if before not in names or before == source.name:
                yield (*at, "after"), *_unknown(before, [name for name in names if name != source.name])
        yield from ((at + path, zh, en) for path, zh, en in _faults_of(source))
    ordered = [source.name for source in in_order(sources)]
    for n, source in enumerate(sources):
        if any(ordered.index(b) > ordered.index(source.name) for b in source.after if b in names):
            yield ("sources", n, "after"), "互相等待", "the sources wait for each other"


def _faults_of(source: Source) -> Faults:
    kind = FILE_KINDS[source.kind]
    yield from _faults_of_reading(source)
    yield from _faults_of_origin(source)
    columns = {column.name: column for column in kind.columns}
    for table in ("columns", "values", "multiplier", "add_days") if source.kind in GROUND_LAYERS else ():
        if getattr(source, table):
            yield (
                (table,),
                "道路、河道、建筑文件不能映射列",
                "columns of roads, waterways and buildings are not mapped",
            )
    for table in ("columns", "values", "multiplier", "add_days"):
        for field in getattr(source, table):
            if field not in columns:
                yield (table, field), *_unknown(field, columns)
    yield from _faults_of_words(source, columns)
    for field, factor in source.multiplier.items():
        if field in columns and (columns[field].dtype != "float" or not factor):
            yield ("multiplier", field), "应为数字列，倍数不为 0", "must be of a column of numbers, and not 0"
    for field in source.add_days:
        if field in columns and columns[field].dtype not in ("date", "moment"):
            yield ("add_days", field), "应为日期列", "must be of a column of days"


def _faults_of_origin(source: Source) -> Faults:
    """Find faults of where a source comes from and how often."""
    if bool(source.files) == (source.from_ is not None):
        yield ("files",), "files 与 from 应有且仅有一项", "give either files or from"
    if source.every is not None and source.interval is None:
        yield ("every",), "应为大于零的间隔", "must be longer than nothing"
    if isinstance(source.from_, FromUrl):
        parts = urlsplit(source.from_.url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.password:
            yield (
                ("from", "url"),
                "应为不含账号的 https://主机/路径",
                "must be https://host/path without a login",
            )


def _faults_of_words(source: Source, columns: Mapping[str, Column]) -> Faults:
    """Find values that a column cannot have, in its words and constants."""
    constants = {f: {"value": c.value} for f, c in source.columns.items() if isinstance(c, Constant)}
    for table, given in (("values", source.values), ("columns", constants)):
        for field, words in given.items():
            choices = columns[field].choices if field in columns else ()
            for word, value in words.items():
                if choices and value not in choices:
                    yield (table, field, word), *_unknown(str(value), choices)


def _faults_of_reading(source: Source) -> Faults:
    """Find faults of the systems in which the files are read: CRS, zone, encoding, unit."""
    if source.has_crs and source.crs is None:
        yield ("crs",), "该类文件须指明坐标系", "is needed for this kind: it has no default"
    if source.crs not in (None, "file"):
        try:
            normalise_crs_name(str(source.crs))
        except UnknownCrs as error:
            yield ("crs",), "未知坐标系", str(error)
    if source.tz is not None and source.tz not in zoneinfo.available_timezones():
        yield ("tz",), *_unknown(source.tz, zoneinfo.available_timezones())
    if source.encoding is not None:
        try:
            codecs.lookup(source.encoding)
        except LookupError:
            yield ("encoding",), "未知编码", "no such encoding"
    if source.unit is not None and not _has_unit(FILE_KINDS[source.kind]):
        yield ("unit",), "该类文件没有单位列", "this kind has no column of units"


def _has_unit(kind: FileKind) -> bool:
    return any(column.name == "unit" for column in kind.columns)


def _unknown(name: str, known: Iterable[str]) -> tuple[str, str]:
    """Return the reason for a name that is not known, with the nearest known one."""
    near = difflib.get_close_matches(name, list(known), 1, 0.4)
    hint_zh, hint_en = (f"，是否为 {near[0]}？", f", did you mean {near[0]}?") if near else ("", "")
    return f"未知 {name}{hint_zh}", f"unknown {name}{hint_en}"
