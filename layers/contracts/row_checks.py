"""Rules about the rows of a delivery, checked by pandera frame after frame in bounded memory."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import polars as pl

from layers.codes import iso_day, to_half_width
from layers.codes.written_values import BLANKS
from layers.contracts.findings import MOST_KEPT, Findings
from layers.contracts.table_schema import Contract, ContractField, limit_day
from layers.errors import Fault
from layers.imports import ROW, FileKind, read_times, words_of

if TYPE_CHECKING:
    import pandera.polars as pa

TYPE_WORDS = {
    "integer": ("整数", "a whole number"),
    "number": ("数字", "a number"),
    "boolean": ("是或否", "yes or no"),
    "date": ("日期", "a date"),
    "datetime": ("时间", "a time"),
}
_TRUE, _FALSE = ("true", "yes", "1", "是"), ("false", "no", "0", "否")
_DTYPES: dict[str, pl.DataType | type[pl.DataType]] = {
    "string": pl.Utf8, "any": pl.Utf8, "integer": pl.Int64, "number": pl.Float64, "boolean": pl.Boolean,
    "date": pl.Date, "datetime": pl.Datetime("us", "UTC"),
}  # fmt: skip


class RowChecks:
    """Checks of the rows of one delivery; a key is compared over all its frames.

    Parameters
    ----------
    zone : ZoneInfo
        Of times that are written without one.
    """

    def __init__(self, contract: Contract, kind: FileKind, zone: ZoneInfo) -> None:
        self.contract, self.findings, self._zone = contract, Findings(), zone
        self._words = {column.name: words_of(column) for column in kind.columns if column.choices}
        self._schema = _schema_of(contract)
        self._keys: list[list[pl.DataFrame]] = [[] for _ in contract.unique]
        self._empty = {one.name: 0 for one in contract.fields if self._required(one)}
        self.newest: dt.date | dt.datetime | None = None

    def take(self, faults: list[Fault]) -> None:
        """Take over rows that did not fit the header, and quotes that did not match."""
        for fault in faults:
            self.findings.add([fault.row], 1, fault.field, "shape", "hold", fault.reason, fault.reason)

    def check(self, frame: pl.DataFrame) -> None:
        """Check the rows of one frame, with the row numbers of the reader."""
        import pandera.errors

        self.findings.rows += frame.height
        if not frame.height or not self.contract.fields:
            return
        typed = frame.select(ROW, *(self._typed(frame, one) for one in self.contract.fields))
        try:
            self._schema.validate(typed.drop(ROW), lazy=True)
        except pandera.errors.SchemaErrors as errors:
            self._take_failures(errors.failure_cases, typed[ROW])
        for key, seen in zip(self.contract.unique, self._keys, strict=True):
            whole = typed.drop_nulls(list(key))
            seen.append(whole.select(ROW, key=pl.struct(key).hash()))
        if (fresh := self.contract.freshness) is not None:
            newest: Any = typed[fresh.field].max()
            self.newest = max(filter(None, (self.newest, newest)), default=None)

    def finish(self) -> Findings:
        """Return the findings about all rows: keys that stand there twice, columns without any value."""
        for key, seen in zip(self.contract.unique, self._keys, strict=True):
            rows = pl.concat(seen) if seen else pl.DataFrame(schema={ROW: pl.UInt32, "key": pl.UInt64})
            again = rows.filter(~pl.col("key").is_first_distinct())[ROW]
            named = ", ".join(key)
            level = self.contract.level_of("unique")
            self.findings.add(
                again[:MOST_KEPT].to_list(),
                len(again),
                named,
                "unique",
                level,
                "重复出现",
                "stands in the delivery twice",
            )
        for name, empty in self._empty.items():
            if self.findings.rows and empty == self.findings.rows:
                rule = f"{name}.required"
                self.findings.drop(rule)
                said = ("整列缺失或全空", "the column is missing or wholly empty")
                self.findings.add([0], empty, name, rule, self.contract.level_of(rule), *said)
        return self.findings

    def _required(self, one: ContractField) -> bool:
        return bool(one.constraints.get("required")) or one.name in self.contract.primary_key

    def _typed(self, frame: pl.DataFrame, one: ContractField) -> pl.Series:
        """Return a column in its type; a value that is none of it is a finding, and null from then on."""
        series = (
            frame[one.name]
            if one.name in frame.columns
            else pl.Series(one.name, [None] * frame.height, dtype=pl.Utf8)
        )
        if series.dtype == pl.Utf8:
            series = series.str.strip_chars(BLANKS)
            missing = [*self.contract.missing_values, ""]
            series = series.set(series.is_in(missing).fill_null(False), None)
            if words := self._words.get(one.name):
                series = series.replace(words)
        if one.name in self._empty:
            self._empty[one.name] += series.null_count()
            self._tell(one.name, "required", frame[ROW].filter(series.is_null()), *_said("required", None))
        typed = _in_type(series, one.type, self._zone.key)
        failed = (series.is_not_null() & typed.is_null()).fill_null(False)
        zh, en = TYPE_WORDS.get(one.type, ("文本", "a text"))
        self._tell(one.name, "type", frame[ROW].filter(failed), f"不是{zh}", f"is not {en}")
        return typed.alias(one.name)

    def _tell(self, column: str, rule: str, rows: pl.Series, zh: str, en: str) -> None:
        named = f"{column}.{rule}"
        level = self.contract.level_of(named)
        self.findings.add(rows[:MOST_KEPT].to_list(), len(rows), column, named, level, zh, en)

    def _take_failures(self, cases: pl.DataFrame, numbers: pl.Series) -> None:
        """Take the failures of pandera: column, rule, and the place in the frame."""
        for (column, rule), found in cases.group_by("column", "check", maintain_order=True):
            of = next(one for one in self.contract.fields if one.name == column)
            rows = numbers.gather(found["index"].sort())
            self._tell(str(column), str(rule), rows, *_said(str(rule), of.constraints.get(str(rule))))


def _said(rule: str, value: Any) -> tuple[str, str]:
    """Return the reason in Chinese and English."""
    shown = ", ".join(map(str, value[:12])) if isinstance(value, list) else value
    return {
        "required": ("不能为空", "must not be empty"),
        "minLength": (f"少于 {shown} 个字符", f"shorter than {shown} characters"),
        "maxLength": (f"超过 {shown} 个字符", f"longer than {shown} characters"),
        "minimum": (f"小于 {shown}", f"below {shown}"),
        "maximum": (f"大于 {shown}", f"above {shown}"),
        "pattern": (f"不符合格式 {shown}", f"does not match {shown}"),
        "enum": (f"不在允许值内：{shown}", f"none of {shown}"),
    }[rule]


def _schema_of(contract: Contract) -> pa.DataFrameSchema:
    """Return the rules of the columns as pandera has them; types are right by then."""
    import pandera.polars as pa

    return pa.DataFrameSchema(
        {
            one.name: pa.Column(
                _DTYPES[one.type],
                [
                    _check(rule, value, one.type)
                    for rule, value in one.constraints.items()
                    if rule in _CHECKED
                ],
                nullable=True,  # an empty value was told before it got its type
            )
            for one in contract.fields
        }
    )


_CHECKED = ("minLength", "maxLength", "minimum", "maximum", "pattern", "enum")


def _check(rule: str, value: Any, of_type: str) -> pa.Check:
    import pandera.polars as pa

    if rule in ("minimum", "maximum") and of_type in ("date", "datetime"):
        value = limit_day(value, of_type)
    made = {
        "minLength": lambda: pa.Check.str_length(min_value=value, error=rule),
        "maxLength": lambda: pa.Check.str_length(max_value=value, error=rule),
        "minimum": lambda: pa.Check.ge(value, error=rule),
        "maximum": lambda: pa.Check.le(value, error=rule),
        "pattern": lambda: pa.Check.str_matches(f"^(?:{value})$", error=rule),
        "enum": lambda: pa.Check.isin(value, error=rule),
    }
    return made[rule]()


def _in_type(series: pl.Series, of_type: str, zone: str) -> pl.Series:
    """Return a column in a type, null where a value is none of it."""
    if of_type == "datetime":
        return read_times(series, zone)[0]
    if of_type == "date":
        return _days(series)
    if of_type in ("string", "any"):
        return series.cast(pl.Utf8, strict=False)
    if series.dtype == pl.Utf8:
        wide = series.str.contains(r"[^\x00-\x7f]").fill_null(False)
        if wide.any():
            texts = series.filter(wide).unique().to_list()
            series = series.replace({text: to_half_width(text) for text in texts})
    if of_type == "boolean":
        text = series.cast(pl.Utf8, strict=False).str.to_lowercase()
        return text.replace_strict(
            dict.fromkeys(_TRUE, True) | dict.fromkeys(_FALSE, False), default=None, return_dtype=pl.Boolean
        )
    numbers = series.cast(pl.Float64, strict=False)
    numbers = numbers.set(~numbers.is_finite().fill_null(True), None)
    if of_type == "number":
        return numbers
    whole = series.cast(pl.Int64, strict=False) if not series.dtype.is_float() else None
    rounded = numbers.set((numbers != numbers.floor()).fill_null(False), None).cast(pl.Int64, strict=False)
    return rounded if whole is None else whole.zip_with(whole.is_not_null(), rounded)


def _days(series: pl.Series) -> pl.Series:
    if series.dtype != pl.Utf8:
        return series.cast(pl.Date, strict=False)
    other = (~series.str.contains(r"^\d{4}-\d\d-\d\d$")).fill_null(False)
    if other.any():
        texts = series.filter(other).unique().to_list()
        series = series.replace({text: iso_day(text) or text for text in texts})
    return series.str.to_date("%Y-%m-%d", strict=False)
