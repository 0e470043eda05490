"""Exact Li 2008 as short as it can be written in numba.

What the machine gives, to set the kernel of the product beside.

It takes clean arrays, counts stays and keeps nothing: no state, no outliers, no antimeridian, no centre, no
``left_by``.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

Array = np.ndarray[Any, Any]


@njit(nogil=True)  # type: ignore[untyped-decorator]
def li_2008(
    t: Array, lon: Array, lat: Array, starts: Array, ends: Array, radius_m: float, least: int, gap: int
) -> int:
    """How many stays there are (distance <= radius, duration >= least, closed by a gap or the end)."""
    m_per_deg = 6_371_008.8 * math.pi / 180.0
    limit = (radius_m / m_per_deg) ** 2
    found = 0
    for v in range(len(starts)):
        i, end = starts[v], ends[v]
        while i < end:
            k = i + 1
            shrink = math.cos(lat[i] * math.pi / 180.0)
            while k < end and t[k] - t[k - 1] <= gap:
                x, y = (lon[k] - lon[i]) * shrink, lat[k] - lat[i]
                if x * x + y * y > limit:
                    break
                k += 1
            if k - i >= 2 and t[k - 1] - t[i] >= least:
                found += 1
                i = k
            else:
                i += 1
    return found
