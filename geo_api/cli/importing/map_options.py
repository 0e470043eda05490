"""Option ``--map`` of ``wangge import KIND FILE``: headings, constants, factors and words of one file."""

from __future__ import annotations

import re
from collections.abc import Iterable

import typer

from geo_api.city_file import map_of_fields
from layers.imports.column_map import NO_MAP, ColumnMap

_GIVEN = re.compile(r"(?P<field>\w+)(?:\[(?P<word>[^\]]*)\])?(?P<sign>:=|\*=|\+=|=)(?P<value>.*)", re.DOTALL)


def map_of_options(given: Iterable[str], kind: str) -> ColumnMap:
    """Return the map that options give.

    ``lon=X坐标`` is a heading, ``kind:=county`` a constant, ``value*=0.001`` a factor, ``valid_to+=1`` days to add,
    ``kind[区县]=county`` a word; ``encoding=gb18030`` and ``unit=MWh`` as in ``city.toml``.

    Raises
    ------
    typer.BadParameter
        No such form, or a column that the kind does not have.

    Examples
    --------
    >>> made = map_of_options(["lon=X", "kind:=petrol", "radius_m*=1000", "kind[油站]=petrol"], "places")
    >>> dict(made.headings), dict(made.constants), dict(made.multiplier), dict(made.values)
    ({'lon': 'X'}, {'kind': 'petrol'}, {'radius_m': 1000.0}, {'kind': {'油站': 'petrol'}})
    >>> map_of_options([], "places") == NO_MAP
    True
    """
    fields: dict[str, object] = {}
    for text in given:
        found = _GIVEN.fullmatch(text)
        if found is None:
            raise typer.BadParameter(f"{text!r}: write column=heading 应写作 列=表头", param_hint="--map")
        name, word, sign, value = found.group("field", "word", "sign", "value")
        if sign == "=" and word is None and name in ("encoding", "unit"):
            fields[name] = value
            continue
        table, content = {
            ":=": ("columns", {"value": value}),
            "*=": ("multiplier", value),
            "+=": ("add_days", value),
            "=": ("columns", value),
        }[sign]
        target = fields.setdefault("values" if word is not None else table, {})
        assert isinstance(target, dict)
        if word is None:
            target[name] = content
        else:
            target.setdefault(name, {})[word] = value
    if not fields:
        return NO_MAP
    try:
        return map_of_fields(kind, fields)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--map") from error
