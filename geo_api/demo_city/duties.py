"""A first duty list for the six domains: who may act on what, where and from when.

``duties.csv`` holds the items; item names and laws are real in kind, the distribution over bodies and the
dates of empowerment are invented. Column ``joint`` names departments that join, ``town`` marks items given to
towns. The registers of bodies, officers (invented) and matters follow from the list.
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


_SURNAMES = tuple("王李张刘陈杨黄赵周吴徐孙马朱胡郭何高林罗")
_GIVEN_NAMES = tuple("安宁平和文武明亮清川海江山松柏青云远志诚信敏捷思齐乐")
_URGENT = {"ECO-RESUME-001", "ECO-WASTE-005", "TRA-HAZ-001", "TRA-STOP-002", "URB-GAS-007", "AGR-FISH-001"}


def make_bodies(duties: pl.DataFrame) -> pl.DataFrame:
    """Return the bodies that a duty list names, in import columns; departments of counties answer to the city's."""
    named = (
        duties.group_by("body", "level", "area_code")
        .agg(pl.col("domain").filter(pl.col("role") == "lead").unique().sort())
        .sort("area_code", "body")
    )
    codes: dict[str, int] = {}
    rows = []
    departments = {r["body"][-4:]: "" for r in named.iter_rows(named=True) if r["level"] == "city"}
    for row in named.iter_rows(named=True):
        number = codes[row["area_code"]] = codes.get(row["area_code"], 0) + 1
        code = f"B{row['area_code']}-{number:02d}"
        if row["level"] == "city":
            departments[row["body"][-4:]] = code
        parent = departments.get(row["body"][-4:], "") if row["level"] == "county" else ""
        rows.append(
            (code, row["body"], row["level"], row["area_code"], ";".join(row["domain"]), parent, _START)
        )
    columns = ("code", "name", "level", "area_code", "domains", "parent_code", "valid_from")
    return pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.Utf8), orient="row")


def make_officers(bodies: pl.DataFrame, towns: list[str], rng: np.random.Generator) -> pl.DataFrame:
    """Return invented officers: at least six in most towns, fewer in a few, four of each department."""
    rows: list[tuple[str, ...]] = []
    places = [
        (b["code"], b["area_code"], b["domains"], 4)
        for b in bodies.iter_rows(named=True)
        if b["level"] != "town"
    ]
    by_area = {b["area_code"]: b for b in bodies.iter_rows(named=True) if b["level"] == "town"}
    for town in towns:
        if town in by_area:
            few = rng.uniform() < 0.1
            number = int(rng.integers(2, 6)) if few else int(rng.integers(6, 10))
            places.append((by_area[town]["code"], town, by_area[town]["domains"], number))
    for body, area, domains, number in places:
        for i in range(number):
            name = str(rng.choice(_SURNAMES)) + "".join(
                rng.choice(_GIVEN_NAMES, size=int(rng.integers(1, 3)))
            )
            on_duty = "no" if rng.uniform() < 0.1 and number > 6 and i == 0 else "yes"
            number_of = f"{CITY_CODE}{len(rows) + 1:06d}"
            rows.append(
                (number_of, name, "2023-01-01", "2029-12-31", body, area, domains, on_duty, "2023-01-01")
            )
    columns = (
        "certificate_no", "name", "certificate_from", "certificate_to", "body_code", "area_codes", "domains",
        "on_duty", "valid_from",
    )  # fmt: skip
    return pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.Utf8), orient="row")


def make_grid_workers(areas: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Return invented grid workers: one of each unit grid but a few, and a part-time one of some communities.

    Parameters
    ----------
    areas : polars.DataFrame
        Columns ``code`` and ``kind``.
    """
    rows: list[tuple[str, ...]] = []
    for kind, share, post in (("unit_grid", 0.95, "full_time"), ("community", 0.3, "part_time")):
        codes = areas.filter(pl.col("kind") == kind)["code"].sort().to_list()
        for code in np.array(codes)[rng.uniform(size=len(codes)) < share].tolist():
            name = str(rng.choice(_SURNAMES)) + "".join(
                rng.choice(_GIVEN_NAMES, size=int(rng.integers(1, 3)))
            )
            rows.append((f"WG{CITY_CODE}{len(rows) + 1:06d}", name, code, post, "2024-01-01"))
    columns = ("worker_no", "name", "area_codes", "post", "valid_from")
    return pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.Utf8), orient="row")


def make_grid_households(areas: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Return invented counts of households and residents: a few hundred in each unit grid, none counted in a few."""
    codes = areas.filter(pl.col("kind") == "unit_grid")["code"].sort().to_list()
    households = rng.lognormal(5.8, 0.35, size=len(codes)).round().astype(np.int64)
    residents = (households * rng.uniform(2.2, 3.1, size=len(codes))).round().astype(np.int64)
    counted = rng.uniform(size=len(codes)) < 0.98
    frame = pl.DataFrame({"grid_code": codes, "households": households, "residents": residents})
    return frame.filter(pl.Series(counted)).with_columns(valid_from=pl.lit("2025-01-01"))


def make_matters() -> pl.DataFrame:
    """Return the items of the duty list with limits, evidence and rules for duplicates."""
    rows = []
    for item in read_items():
        code, inspection = item["item_code"], "检查" in item["kind"]
        resumption = code == "ECO-RESUME-001"
        overall = "3工作日" if resumption else f"{7 if inspection else 15}工作日"
        urgent = "；紧急 2工作日；特急 24小时" if code in _URGENT else ""
        rows.append((
            code, item["item"], item["domain"], overall + urgent, "1工作日", "1工作日", "8工作小时",
            "yes", "0" if resumption else "15", "photo;note", "no" if inspection else "yes", "200", "30",
            "no" if inspection else "yes", "illegal_resumption" if resumption else "", _START,
        ))  # fmt: skip
    columns = (
        "item_code", "name", "domain", "limit_overall", "limit_verify", "limit_file", "limit_dispatch",
        "suspension_stops_clock", "extension_days_at_most", "evidence", "legal_review", "duplicate_radius_m",
        "duplicate_days", "public", "alert_kind", "valid_from",
    )  # fmt: skip
    return pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.Utf8), orient="row")
