"""The city in the documented format of `docs/data.md`: what `wangge import all plain --crs wgs84` loads."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import geopandas
import numpy as np
import polars as pl
import pyogrio
import shapely

from geo_api.second_city.land.coordinates import degrees, geometry_in_degrees
from geo_api.second_city.meters import spread_over_days
from geo_api.second_city.vehicles import FLEETS

if TYPE_CHECKING:
    from geo_api.second_city.city import SecondCity
    from geo_api.second_city.planted import PlainParts

    Parts: TypeAlias = SecondCity | PlainParts

NOTE = """What this form of the city cannot say

- Monthly bills: the documented format knows daily values only. A bill is spread evenly over its days, each day marked
  `estimated`; which days belong to one bill, and who read it, is lost.
- Enterprises of which only an address is known: a site needs a position, so these enterprises have no site here
  (or only their other sites). The office form has their addresses.
- Markets: no kind of place fits, so they are left out.
- Names of places, meter accounts, operators of terminals: no column.
- Nothing says which vehicles carry dangerous goods: all lorries are of kind `other`.
"""


def write_plain(city: SecondCity, folder: Path) -> dict[str, int]:
    """Write every file and tell the rows of each kind."""
    folder.mkdir(parents=True, exist_ok=True)
    tables = {
        "enterprises": enterprise_table(city),
        "sites": site_table(city),
        "vehicles": vehicle_table(city),
        "places": place_table(city),
        "fences": fence_table(city),
        "notices": notice_table(city),
        "duties": duty_table(city),
    }
    for name, table in tables.items():
        table.write_csv(folder / f"{name}.csv")
    meters = meter_table(city)
    meters.write_parquet(folder / "meters.parquet", compression="zstd", statistics=True)
    city.fixes.write_parquet(folder / "tracks.parquet", compression="zstd", compression_level=9)
    areas = write_areas(city, folder / "areas.gpkg")
    (folder / "NOTE.txt").write_text(NOTE, encoding="utf-8")
    counts = {name: table.height for name, table in tables.items()}
    return {"areas": areas, **counts, "meters": meters.height, "tracks": city.fixes.height}


def write_areas(city: Parts, path: Path) -> int:
    """All areas as one GeoPackage in degrees, larger ones first."""
    areas = city.borders.areas
    shapes = [geometry_in_degrees(area.shape) for area in areas]
    labels = np.array([shape.representative_point().coords[0] for shape in shapes])
    frame = geopandas.GeoDataFrame(
        {
            "code": [area.code for area in areas],
            "name": [area.name for area in areas],
            "kind": [area.kind for area in areas],
            "parent_code": [area.parent_code or None for area in areas],
            "valid_from": [area.valid_from.isoformat() for area in areas],
            "predecessor_codes": [";".join(area.predecessor_codes) for area in areas],
            "households": [area.households for area in areas],
            "road_length_m": [area.road_length_m for area in areas],
            "label_lon": np.round(labels[:, 0], 7),
            "label_lat": np.round(labels[:, 1], 7),
        },
        geometry=shapes,
        crs=4326,
    )
    path.unlink(missing_ok=True)
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": "2026-03-02T00:00:00.000Z"})
    try:
        frame.to_file(path, driver="GPKG", layer="areas", engine="pyogrio")
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})
    return len(frame)


def enterprise_table(city: Parts) -> pl.DataFrame:
    """Enterprises."""
    return pl.DataFrame(
        [
            {
                "uscc": e.uscc,
                "name": e.name,
                "industry": e.trade.name,
                "hazard": e.trade.hazard,
                "status": e.status,
                "status_since": e.status_since,
            }
            for e in city.enterprises.all
        ]
    )


def site_table(city: Parts) -> pl.DataFrame:
    """Sites with a position, in degrees."""
    rows = [(e, s) for e, s in city.enterprises.sites() if s.xy is not None]
    lonlat = degrees(np.array([site.xy for _, site in rows]))
    return pl.DataFrame(
        {
            "site_id": [site.site_id for _, site in rows],
            "uscc": [enterprise.uscc for enterprise, _ in rows],
            "kind": [site.kind for _, site in rows],
            "lon": np.round(lonlat[:, 0], 7),
            "lat": np.round(lonlat[:, 1], 7),
            "boundary": [_wkt(site.boundary) for _, site in rows],
        }
    )


def _wkt(shape: Any) -> str | None:
    return None if shape is None else shapely.to_wkt(geometry_in_degrees(shape), rounding_precision=7)


def vehicle_table(city: SecondCity) -> pl.DataFrame:
    """Vehicles that stand on the list."""
    return pl.DataFrame(
        [
            {
                "vehicle_id": v.vehicle_id,
                "plate": v.plate,
                "plate_color": FLEETS[v.fleet].plate_color,
                "kind": FLEETS[v.fleet].kind,
            }
            for v in city.vehicles
            if v.listed
        ]
    )


def meter_table(city: Parts) -> pl.DataFrame:
    """Daily values of smart meters as they are, bills spread over their days."""
    daily = city.daily.select("site_id", "kind", "day", "value", "quality")
    return pl.concat([daily, spread_over_days(city.bills)]).sort("site_id", "kind", "day")


def place_table(city: SecondCity) -> pl.DataFrame:
    """Return listed places, in degrees."""
    lonlat = degrees(np.array([place.xy for place in city.places]))
    return pl.DataFrame(
        {
            "kind": [place.kind for place in city.places],
            "lon": np.round(lonlat[:, 0], 7),
            "lat": np.round(lonlat[:, 1], 7),
            "radius_m": [place.radius_m for place in city.places],
        }
    )


def fence_table(city: SecondCity) -> pl.DataFrame:
    """Fences with their outlines in degrees."""
    return pl.DataFrame(
        [
            {
                "fence_id": fence.fence_id,
                "name": fence.name,
                "rule": fence.rule,
                "boundary": _wkt(fence.shape),
                "medium": fence.medium,
                "limit_s": fence.limit_s,
                "vehicle_kinds": fence.vehicle_kinds,
                "times": fence.times,
                "legal_basis": fence.legal_basis,
            }
            for fence in city.fences
        ],
        infer_schema_length=None,
    )


def notice_table(city: SecondCity) -> pl.DataFrame:
    """Return registered reasons."""
    return pl.DataFrame(
        [(n.site_id, n.kind, n.valid_from, n.valid_to) for n in city.notices],
        schema=["site_id", "kind", "valid_from", "valid_to"],
        orient="row",
        infer_schema_length=None,
    )


def duty_table(city: Parts) -> pl.DataFrame:
    """Return the duty list."""
    return pl.DataFrame(
        [
            {
                "item_code": duty.matter.code,
                "item": duty.matter.name,
                "domain": duty.matter.domain,
                "legal_basis": duty.matter.basis,
                "kind": duty.matter.kind,
                "body": duty.body,
                "level": duty.level,
                "area_code": duty.area_code,
                "role": duty.role,
                "valid_from": duty.valid_from,
                "valid_to": duty.valid_to,
            }
            for duty in city.duties
        ],
        infer_schema_length=None,
    )
