"""Column numbers and codes of the arrays that the compiled loops share.

They cover the state of one vehicle (integers and floats), the reason why a fix is not used, and the counts.
``t`` is int64 microseconds since 1970 UTC, ``lon`` and ``lat`` are float64 degrees (WGS 84), ``code`` is the
int64 number of a vehicle: its row among the vehicle ids.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
NO_TIME = np.iinfo(np.int64).min
TIME_LIMIT = 4_000_000_000_000_000_000
POLAR_DEG = 80.0
KEEP, BAD_VEHICLE, BAD_TIME, BAD_NUMBER, BAD_RANGE, BAD_ZERO, LATE, DUPLICATE = range(8)
# columns of the carried state: integers and floats of one vehicle
PHASE, ANCHOR_T, LAST_IN_T, N_IN, N_OUTLIERS, LAST_T, KEPT_T = range(7)
ANCHOR_LON, ANCHOR_LAT, SUM_DLON, SUM_DLAT, FAR_M2, KEPT_LON, KEPT_LAT = range(7)
# columns of the counts that cleaning and scanning add to
C_DUPLICATES, C_CONFLICTS, C_OUT_OF_ORDER, C_SPIKES, C_PENDING, C_OUTLIERS, C_STAYS, C_USED = range(8)
