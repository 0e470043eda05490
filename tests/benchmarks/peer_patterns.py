"""Patterns over time by pyehsa or xarray-spatial, each in an environment of its own: names to standard output.

``python peer_patterns.py pyehsa|xrspatial FILE.npz``: ``marks`` (cells, steps), ``trend_z`` and ``trend_p``.
xarray-spatial 0.10.20 needs Python 3.12.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module

import numpy as np


def main() -> None:
    name, path = sys.argv[1:3]
    given = np.load(path)
    rows = zip(given["marks"], given["trend_z"], given["trend_p"], strict=True)
    if name == "pyehsa":
        from pyehsa.ehsa_classification import EhsaClassification

        found = [
            EhsaClassification.classify_hotspot(marks.astype(float), marks != 0, z, p, 0.05)["name"]
            for marks, z, p in rows
        ]
    else:
        module = import_module("xrspatial.emerging_hotspots")  # the package has a function of this name

        names = "new consecutive intensifying persistent diminishing sporadic oscillating historical".split()
        found = []
        for marks, z, p in rows:
            code = int(module._classify_single_pixel(marks, len(marks), z, p, 0.05))
            found.append(f"{names[abs(code) - 1]}_{'hot' if code > 0 else 'cold'}" if code else "no_pattern")
    print(json.dumps(found))


if __name__ == "__main__":
    main()
