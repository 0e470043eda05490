"""Patterns over time beside those of pyehsa and xarray-spatial: how often they differ, by pair of names.

``python compare_patterns.py PYTHON_WITH_PYEHSA PYTHON_WITH_XARRAY_SPATIAL``. Given are all 3^6 ends of a
series after a long beginning of one kind, with a rising, a falling and no trend. The differences are explained
in docs/hotspots.md.
"""

from __future__ import annotations

import collections
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from spatial_models.hotspots import PATTERNS, classify_patterns


def main() -> None:
    ends = np.stack(np.meshgrid(*[[-1, 0, 1]] * 6), axis=-1).reshape(-1, 6).astype(np.int8)
    marks = np.tile(np.concatenate([np.repeat(ends[:, :1], 14, axis=1), ends], axis=1), (3, 1))
    z = np.repeat([3.0, -3.0, 0.0], len(ends))
    p = np.repeat([0.003, 0.003, 1.0], len(ends))
    ours = [PATTERNS[code] for code in classify_patterns(marks, z, p)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "marks.npz"
        np.savez(path, marks=marks, trend_z=z, trend_p=p)
        for name, python in zip(("pyehsa", "xrspatial"), sys.argv[1:], strict=True):
            script = Path(__file__).with_name("peer_patterns.py")
            told = subprocess.run([python, script, name, path], capture_output=True, text=True, check=True)
            theirs = [_as_ours(each) for each in json.loads(told.stdout.splitlines()[-1])]
            apart = collections.Counter(pair for pair in zip(ours, theirs, strict=True) if pair[0] != pair[1])
            print(f"{name}: {len(ours) - apart.total()} of {len(ours)} alike")
            for (here, there), times in apart.most_common():
                print(f"  here {here}, there {there}: {times}")


def _as_ours(name: str) -> str:
    """Return the name as here: pyehsa writes ``new hotspot`` and ``no pattern detected``."""
    if name in PATTERNS:
        return name
    kind, _, sort = name.partition(" ")
    wanted = f"{kind}_{sort.removesuffix('spot')}"
    return wanted if wanted in PATTERNS else "no_pattern"


if __name__ == "__main__":
    main()
