"""Addresses of tiles."""

from __future__ import annotations

import math


def tile_of(lon: float, lat: float, zoom: int) -> tuple[int, int, int]:
    """Zoom, column and row by the formula of the OpenStreetMap wiki (slippy map tile names)."""
    n = 2**zoom
    row = (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * n
    return zoom, int((lon + 180) / 360 * n), int(row)
