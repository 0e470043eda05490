"""Hot spots by other libraries, in their own environment (see peers.sh): prints the seconds of each call as JSON.

``python peer_hotspots.py esda_star|esda_permutations|pymannkendall FILE.npz``; reads one line from standard
input before each timed call, so that calls can take turns. The file holds ``values`` and the rows of the
weights (``indptr``, ``indices``), or ``series``.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np


def esda_call(path: str, permutations: int) -> Callable[[], Any]:
    from esda.getisord import G_Local
    from libpysal.weights import W

    given = np.load(path)
    rows = np.split(given["indices"], given["indptr"][1:-1])
    weights = W({i: row.tolist() for i, row in enumerate(rows)}, silence_warnings=True)
    values = given["values"]
    return lambda: G_Local(
        values, weights, transform="B", star=True, permutations=permutations, seed=1, n_jobs=1
    )


def pymannkendall_call(path: str) -> Callable[[], Any]:
    from pymannkendall import original_test

    series = np.load(path)["series"]
    return lambda: [original_test(row) for row in series]


def main() -> None:
    warnings.simplefilter("ignore")
    name, path = sys.argv[1:3]
    calls = {
        "esda_star": lambda: esda_call(path, 0),
        "esda_permutations": lambda: esda_call(path, 999),
        "pymannkendall": lambda: pymannkendall_call(path),
    }
    call = calls[name]()
    for _ in sys.stdin:
        begin = time.perf_counter()
        call()
        print(json.dumps({"seconds": time.perf_counter() - begin}), flush=True)


if __name__ == "__main__":
    main()
