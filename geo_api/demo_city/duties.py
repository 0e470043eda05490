"""A first duty list for the six domains: who may act on what, where and from when.

``duties.csv`` holds the items; item names and laws are real in kind, the distribution over bodies and the
dates of empowerment are invented. Column ``joint`` names departments that join, ``town`` marks items given to
towns.
"""

from __future__ import annotations

import csv
from importlib import resources

import numpy as np
import polars as pl

from geo_api.demo_city.boundaries import CITY_CODE, CITY_NAME, County, Town

_DEPARTMENTS = {
    "ecology": "生态环境局",
    "urban": "城市管理局",
    "transport": "交通运输局",
    "agriculture": "农业农村局",
    "culture_tourism": "文化广电和旅游局",
    "market": "市场监督管理局",
}
Row = tuple[str | None, ...]
_COLUMNS = (
    "item_code", "item", "domain", "legal_basis", "kind", "body", "level", "area_code", "role",
    "valid_from", "valid_to",
)  # fmt: skip
_START = "2021-07-15"
_GIVEN = "2022-03-01"
_TAKEN_BACK = "2025-07-01"


def read_items() -> list[dict[str, str]]:
    """Return the items of the duty list, as they stand in ``duties.csv``."""
    text = resources.files(__package__).joinpath("duties.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def county_body(county: County, department: str) -> str:
    """Name of a county's department; ecology bureaus are branches of the city's.

    Examples
    --------
    >>> import shapely
    >>> county_body(County("320623", "如东县", (0.0, 0.0), shapely.Point()), "生态环境局")
    '南通市如东生态环境局'
    """
    if department == "生态环境局":
        return f"{CITY_NAME}{county.name[:-1]}{department}"
    return f"{county.name}{department}"


def town_body(town: Town) -> str:
    """Return the body of a town (government), street (office) or zone (committee)."""
    name = town.name.split("（")[0]
    if name.endswith("街道"):
        return f"{name}办事处"
    return f"{name}人民政府" if name.endswith("镇") else f"{name}管理委员会"


def make_duties(counties: list[County], towns: list[Town], rng: np.random.Generator) -> pl.DataFrame:
    """Return the duty list in import columns; dates as ISO text, ``valid_to`` empty while it holds.

    City and county rows cover every item. Town rows follow the empowerment of single towns: most have the
    items marked for towns, some got them later, and two towns had one withdrawn.
    """
    rows: list[Row] = []
    for item in read_items():
        head = tuple(item[c] for c in ("item_code", "item", "domain", "legal_basis", "kind"))
        department = _DEPARTMENTS[item["domain"]]
        joint = [name for name in item["joint"].split("|") if name]
        rows.append((*head, f"{CITY_NAME}{department}", "city", CITY_CODE, "lead", _START, None))
        rows += [(*head, f"{CITY_NAME}{name}", "city", CITY_CODE, "joint", _START, None) for name in joint]
        for county in counties:
            rows.append((*head, county_body(county, department), "county", county.code, "lead", _START, None))
            rows += [
                (*head, county_body(county, j), "county", county.code, "joint", _START, None) for j in joint
            ]
        if item["town"]:
            rows += _town_rows(head, towns, rng)
    return pl.DataFrame(rows, schema={name: pl.Utf8 for name in _COLUMNS}, orient="row")


def _town_rows(head: tuple[str, ...], towns: list[Town], rng: np.random.Generator) -> list[Row]:
    able = [town for town in towns if rng.uniform() < 0.7]
    withdrawn = {
        town.code for town in rng.choice(np.array(able, dtype=object), size=min(2, len(able)), replace=False)
    }
    rows: list[Row] = []
    for town in able:
        given = _GIVEN if rng.uniform() < 0.8 else "2023-09-01"
        until = _TAKEN_BACK if town.code in withdrawn else None
        rows.append((*head, town_body(town), "town", town.code, "lead", given, until))
    return rows
