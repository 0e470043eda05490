"""Comparison of the CRS that a file states with the CRS that the caller names.

Systems are compared by their parameters (datum, prime meridian, unit, projection), because a ``.prj`` seldom has
a code, and a wrong central meridian moves a city by tens of kilometres.
"""

from __future__ import annotations

import math
import re
from functools import lru_cache

import numpy as np
from pyproj import CRS
from pyproj.crs import Datum
from pyproj.exceptions import CRSError

from layers.errors import UnknownCrs

_SHIFTED_NAMES = {
    "gcj02": re.compile(r"gcj|火星", re.IGNORECASE),
    "bd09": re.compile(r"bd-?_?09|百度", re.IGNORECASE),
}
_CODES = {"wgs84": 4326, "cgcs2000": 4490}
_STORED_DATUMS = ("world geodetic system 1984", "china 2000")
"""Datums that are treated as equal: they differ by decimetres."""
_NO_STATEMENT = ("undefined", "unknown", "unnamed")
_DATUM_SPELLINGS = {
    "cgcs2000": "china 2000",
    "cgcs 2000": "china 2000",
    "wgs84": "world geodetic system 1984",
}
_WORDS = {
    "longitude of natural origin": "central meridian 中央子午线",
    "latitude of natural origin": "latitude of origin 起始纬度",
    "scale factor at natural origin": "scale factor 比例因子",
    "false easting": "false easting 东偏",
    "false northing": "false northing 北偏",
}


def check_declared_crs(own: CRS | None, named: str, file: str) -> None:
    """Check that the CRS stated in a file does not contradict the CRS that the caller names.

    Parameters
    ----------
    own : pyproj.CRS or None
        CRS stated in the file, None without one.
    named : str
        Name as :func:`layers.codes.normalise_crs_name` returns it. A file that states a system of the usual kind
        contradicts ``gcj02`` and ``bd09``.
    file : str
        Name of the file, for the message.

    Raises
    ------
    UnknownCrs
        Names both, and the first parameter that differs.

    Examples
    --------
    >>> check_declared_crs(CRS(4490), "wgs84", "areas.shp")
    >>> check_declared_crs(CRS(4549), "wgs84", "areas.shp")
    Traceback (most recent call last):
    layers.errors.UnknownCrs: areas.shp: the file says EPSG:4549, the command says wgs84: metres, not degrees 单位不符
    >>> check_declared_crs(None, "gcj02", "areas.shp")
    """
    if own is None or states_nothing(own):
        return
    if named in _SHIFTED_NAMES:
        if not _SHIFTED_NAMES[named].search(own.name):
            raise _contradiction(file, own, named, f"no {named} 文件声明的不是 {named}")
        return
    if difference := crs_difference(own, CRS(_CODES.get(named) or named)):
        raise _contradiction(file, own, named, difference)


def _contradiction(file: str, own: CRS, named: str, difference: str) -> UnknownCrs:
    code = own.to_epsg()
    said = f"EPSG:{code}" if code else own.name
    return UnknownCrs(f"{file}: the file says {said}, the command says {named}: {difference}")


def states_nothing(own: CRS) -> bool:
    """Return whether a CRS is a placeholder of a format for an unknown one.

    Examples
    --------
    >>> states_nothing(CRS.from_wkt('LOCAL_CS["Undefined Cartesian SRS",UNIT["metre",1]]')), states_nothing(CRS(4326))
    (True, False)
    """
    return own.name.lower().startswith(_NO_STATEMENT)


def crs_difference(own: CRS, wanted: CRS) -> str | None:
    """Return the first parameter in which two systems differ, in words; None when they are the same.

    Heights are left out, WGS-84 and CGCS2000 count as one datum.

    Examples
    --------
    >>> crs_difference(CRS(4549), CRS(4548))
    'central meridian 中央子午线 120, not 117'
    >>> crs_difference(CRS(4610), CRS(4490))
    'datum 基准 Xian 1980, not China 2000'
    >>> crs_difference(CRS(4490), CRS(4326)) is None
    True
    """
    own, wanted = _horizontal(own), _horizontal(wanted)
    for system in (own, wanted):
        if not (system.is_geographic or system.is_projected):
            return f"{system.name} is a local system 独立坐标系"
    if own.is_projected != wanted.is_projected:
        return "metres, not degrees 单位不符" if own.is_projected else "degrees, not metres 单位不符"
    if not _same_datum(own, wanted):
        return f"datum 基准 {_datum_name(own)}, not {_datum_name(wanted)}"
    meridians = [0.0 if s.prime_meridian is None else s.prime_meridian.longitude for s in (own, wanted)]
    if not math.isclose(*meridians, rel_tol=0, abs_tol=1e-9):
        return f"prime meridian 本初子午线 {meridians[0]:g}, not {meridians[1]:g}"
    units = [system.axis_info[0].unit_conversion_factor for system in (own, wanted)]
    if not math.isclose(*units, rel_tol=1e-9):
        return f"unit 单位 {own.axis_info[0].unit_name}, not {wanted.axis_info[0].unit_name}"
    return _projection_difference(own, wanted) if own.is_projected else None


def _horizontal(system: CRS) -> CRS:
    """Return a system without its height and without a transformation that is bound to it."""
    while system.is_bound and system.source_crs is not None:
        system = system.source_crs
    if system.is_compound and system.sub_crs_list:
        return _horizontal(system.sub_crs_list[0])
    return system.to_2d()


def _datum_name(system: CRS) -> str:
    return system.datum.name if system.datum is not None else system.name


@lru_cache(maxsize=256)
def _known_datum(name: str) -> str | None:
    """Return the name of PROJ for a datum in any spelling; None when it knows none such."""
    plain = re.sub(r"[_\s]+", " ", name.removeprefix("D_").removesuffix(" ensemble")).strip()
    if spelt := _DATUM_SPELLINGS.get(plain.lower()):
        return spelt
    for form in (name, plain):
        try:
            return str(Datum.from_name(form).name).lower().removesuffix(" ensemble")
        except CRSError:
            continue
    return None


def _same_datum(own: CRS, wanted: CRS) -> bool:
    names = [_known_datum(_datum_name(system)) for system in (own, wanted)]
    if None not in names:
        return names[0] == names[1] or all(name in _STORED_DATUMS for name in names)
    shapes = [system.ellipsoid for system in (own, wanted)]
    if shapes[0] is None or shapes[1] is None:
        return False
    return bool(
        abs(shapes[0].semi_major_metre - shapes[1].semi_major_metre) < 0.01
        and abs(shapes[0].inverse_flattening - shapes[1].inverse_flattening) < 1e-4
    )


def _parameters(system: CRS) -> dict[str, float]:
    operation = system.coordinate_operation
    assert operation is not None
    return {
        p.name.lower(): p.value * (p.unit_conversion_factor if "false" in p.name.lower() else 1.0)
        if "false" in p.name.lower() or not p.unit_conversion_factor or p.unit_name == "unity"
        else float(np.degrees(p.value * p.unit_conversion_factor))
        for p in operation.params
    }


def _projection_difference(own: CRS, wanted: CRS) -> str | None:
    first, second = own.coordinate_operation, wanted.coordinate_operation
    assert first is not None and second is not None
    if _method(first.method_name) != _method(second.method_name):
        return f"projection 投影 {first.method_name}, not {second.method_name}"
    ours, theirs = _parameters(own), _parameters(wanted)
    for name in sorted(ours.keys() | theirs.keys()):
        default = 1.0 if "scale" in name else 0.0
        a, b = ours.get(name, default), theirs.get(name, default)
        if not np.isclose(a, b, rtol=0, atol=1e-3 if "false" in name else 1e-9):
            return f"{_WORDS.get(name, name)} {a:.12g}, not {b:.12g}"
    return None


def _method(name: str) -> str:
    plain = re.sub(r"[\W_]+", " ", name.lower()).strip()
    return "transverse mercator" if plain in ("gauss kruger", "gauss kruger 3 degree") else plain
