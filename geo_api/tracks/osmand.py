"""One fix as the OsmAnd protocol of telematics servers sends it.

Query or form parameters, or a JSON location.

``id`` (or ``deviceid``), ``lat`` and ``lon`` (or ``location=lat,lon``) in WGS-84 degrees, ``timestamp``
(seconds or milliseconds since 1970, ISO 8601, or ``yyyy-MM-dd HH:mm:ss`` in UTC), ``speed`` in knots,
``bearing`` (or ``heading``) in degrees. The protocol says knots; the OsmAnd app itself sends metres a second
and is told apart by ``speed_unit=ms`` in its address. Clients of mobile phones send JSON, whose speed is
always in metres a second. A speed or bearing below zero means that the device does not know it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import orjson

from layers.collections import plain_number
from layers.errors import InputError
from layers.imports import read_written_time

KMH_PER_UNIT = {"kn": 1.852, "ms": 3.6, "kmh": 1.0}
"""A knot is 1,852 m an hour by definition."""
MILLISECONDS_FROM = 100_000_000_000
"""Seconds would be the year 5138 here, milliseconds are 1973."""


def osmand_fix(values: Mapping[str, str], now: dt.datetime) -> dict[str, Any]:
    """Return the fix as the columns of a track.

    ``vehicle_id``, ``t``, ``lon``, ``lat``, ``speed_kmh``, ``heading_deg``.

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
    speed = _known(_number(values, "speed"))
    heading = _known(_number(values, "bearing" if "bearing" in values else "heading"))
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
        return plain_number(text)
    except ValueError as error:
        raise InputError(f"{name}: not a number: {text!r}") from error


def _known(value: float | None) -> float | None:
    """Return a measured value; None for the ``-1`` of devices that measured nothing."""
    return None if value is not None and value < 0 else value


def location_values(body: bytes) -> dict[str, str]:
    """Return the parameters in the JSON body of a phone's client.

    ``{"location": {"timestamp", "coords"}, "device_id"}``.

    Raises
    ------
    InputError
        The body is no such JSON.

    Examples
    --------
    >>> body = b'{"location": {"timestamp": "2026-03-01T00:00:00Z", "coords": {"latitude": 32, "longitude": 120.8,'
    >>> body += b' "speed": 10, "heading": -1}}, "device_id": "7"}'
    >>> fix = osmand_fix(location_values(body), dt.datetime(2026, 3, 1, tzinfo=dt.UTC))
    >>> fix["vehicle_id"], fix["speed_kmh"], fix["heading_deg"]
    ('7', 36.0, None)
    """
    try:
        sent = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InputError(f"body: not JSON: {error.msg}") from error
    location = sent.get("location") if isinstance(sent, dict) else None
    if not isinstance(location, dict) or not isinstance(coords := location.get("coords"), dict):
        raise InputError("body: location.coords is missing")
    told = {
        "id": sent.get("device_id"),
        "timestamp": location.get("timestamp"),
        "lat": coords.get("latitude"),
        "lon": coords.get("longitude"),
        "speed": coords.get("speed"),
        "heading": coords.get("heading"),
    }
    values = {name: str(value) for name, value in told.items() if isinstance(value, str | int | float)}
    return values | {"speed_unit": "ms"}


def _moment(text: str | None, now: dt.datetime) -> dt.datetime:
    if not text:
        return now
    try:
        number = plain_number(text.strip())
    except ValueError:
        return _written(text)
    seconds = number / 1000 if abs(number) >= MILLISECONDS_FROM else number
    try:
        return dt.datetime.fromtimestamp(seconds, dt.UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise InputError(f"timestamp: out of range: {text!r}") from error


def _written(text: str) -> dt.datetime:
    """Return a written time; without a zone it is UTC, as the protocol says."""
    read = read_written_time(text.strip())
    if read is None:
        raise InputError(f"timestamp: not a time (ISO 8601): {text!r}")
    clock, ahead = read
    try:
        return (clock - (ahead or dt.timedelta())).replace(tzinfo=dt.UTC)
    except OverflowError as error:
        raise InputError(f"timestamp: out of range: {text!r}") from error
