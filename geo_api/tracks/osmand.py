"""One fix as the OsmAnd protocol of telematics servers sends it: query or form parameters.

``id`` (or ``deviceid``), ``lat`` and ``lon`` (or ``location=lat,lon``) in WGS-84 degrees, ``timestamp`` (seconds or
milliseconds since 1970, ISO 8601, or ``yyyy-MM-dd HH:mm:ss`` in UTC), ``speed`` in knots, ``bearing`` (or
``heading``) in degrees. The protocol says knots; the OsmAnd app itself sends metres a second and is told apart by
``speed_unit=ms`` in its address.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from layers.collections import parse_moment
from layers.errors import InputError

KMH_PER_UNIT = {"kn": 1.852, "ms": 3.6, "kmh": 1.0}
"""A knot is 1,852 m an hour by definition."""
MILLISECONDS_FROM = 100_000_000_000
"""Seconds would be the year 5138 here, milliseconds are 1973."""


def osmand_fix(values: Mapping[str, str], now: dt.datetime) -> dict[str, Any]:
    """The fix as the columns of a track: ``vehicle_id``, ``t``, ``lon``, ``lat``, ``speed_kmh``, ``heading_deg``.

    Raises
    ------
    InputError
        A parameter is missing or is not what it should be.

    Examples
    --------
    >>> now = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
    >>> fix = osmand_fix({"id": "7", "lat": "32.0", "lon": "120.8", "timestamp": "1772323200", "speed": "10"}, now)
    >>> fix["t"].isoformat(), fix["speed_kmh"]
    ('2026-03-01T00:00:00+00:00', 18.52)
    """
    vehicle = values.get("id") or values.get("deviceid")
    if not vehicle:
        raise InputError("id: is missing")
    lat, lon = values.get("lat"), values.get("lon")
    if "location" in values:
        lat, _, lon = values["location"].partition(",")
    unit = values.get("speed_unit", "kn")
    if unit not in KMH_PER_UNIT:
        raise InputError(f"speed_unit: one of {', '.join(KMH_PER_UNIT)}")
    speed = _number(values, "speed")
    heading = _number(values, "bearing" if "bearing" in values else "heading")
    return {
        "vehicle_id": vehicle,
        "t": _moment(values.get("timestamp"), now),
        "lon": _number({"lon": lon or ""}, "lon", required=True),
        "lat": _number({"lat": lat or ""}, "lat", required=True),
        "speed_kmh": None if speed is None else round(speed * KMH_PER_UNIT[unit], 6),
        "heading_deg": heading,
    }


def _number(values: Mapping[str, str], name: str, *, required: bool = False) -> float | None:
    text = values.get(name, "").strip()
    if not text and not required:
        return None
    try:
        return float(text)
    except ValueError as error:
        raise InputError(f"{name}: not a number: {text!r}") from error


def _moment(text: str | None, now: dt.datetime) -> dt.datetime:
    if not text:
        return now
    try:
        number = float(text)
    except ValueError:
        return parse_moment(text, "timestamp")
    seconds = number / 1000 if abs(number) >= MILLISECONDS_FROM else number
    try:
        return dt.datetime.fromtimestamp(seconds, dt.UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise InputError(f"timestamp: out of range: {text!r}") from error
