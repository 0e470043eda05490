"""Hot spots against esda and pymannkendall, calls taking turns in one run, by ``.setup/peers`` (peers.sh).

``python bench_hotspots.py [PEER_PYTHON]``. Gi* of 100,000 cells and its joint permutations (999) against
esda's Gi* and its conditional ones; emerging patterns of 20,000 cells x 52 steps against pymannkendall for the
trend alone, of which it computes 2,000 rows whose seconds are multiplied by 10. Weights are made before.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h3
import numpy as np

from spatial_models.hotspots import count_excess, emerging_hot_spots, getis_ord_star, ring_weights

PEERS = Path(__file__).parents[2] / ".setup" / "peers" / "bin" / "python"
ROUNDS = 3
DRAWS = 999


def cells(n: int) -> np.ndarray:
    rings = 1
    while 3 * rings * (rings + 1) + 1 < n:
        rings += 1
    disk = h3.grid_disk(h3.latlng_to_cell(32.0, 120.9, 8), rings)
    return np.array(sorted(h3.str_to_int(c) for c in disk)[:n], dtype=np.uint64)


class Peer:
    """A library in its own process: ``seconds`` of one call."""

    def __init__(self, python: str, name: str, path: Path) -> None:
        script = Path(__file__).with_name("peer_hotspots.py")
        self.process = subprocess.Popen(
            [python, str(script), name, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def seconds(self) -> float:
        """Seconds of one call."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        return float(json.loads(self.process.stdout.readline())["seconds"])

    def close(self) -> None:
        """End the process."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


def seconds_of(call: Callable[[], Any]) -> float:
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


def compare(title: str, peer: Peer, ours: Callable[[], Any], bar: float, times: float = 1.0) -> None:
    """Print the medians and the ratio of calls that take turns."""
    ours()  # compiled before
    pairs = [(peer.seconds() * times, seconds_of(ours)) for _ in range(ROUNDS)]
    peer.close()
    theirs, own = (statistics.median(column) for column in zip(*pairs, strict=True))
    print(
        f"{title}: peer {theirs:.3f} s, here {own:.4f} s, {theirs / own:.0f} x (bar {bar:.0f} x)", flush=True
    )


def main() -> None:
    python = sys.argv[1] if len(sys.argv) > 1 else str(PEERS)
    rng = np.random.default_rng(1)
    with tempfile.TemporaryDirectory() as folder:
        area = cells(100_000)
        near = ring_weights(area)
        values = rng.poisson(2.0, len(area)).astype(float)
        field = Path(folder) / "field.npz"
        np.savez(field, values=values, indptr=near.indptr, indices=near.indices)
        compare(
            "Gi*, 100,000 cells, esda",
            Peer(python, "esda_star", field),
            lambda: getis_ord_star(values, near),
            100,
        )
        compare(
            "joint permutations (999), 100,000 cells, esda's conditional ones",
            Peer(python, "esda_permutations", field),
            lambda: getis_ord_star(values, near, permutations=DRAWS, rng=np.random.default_rng(1)),
            20,
        )
        some, cube = cells(20_000), rng.poisson(3.0, (20_000, 52)).astype(float)
        series = Path(folder) / "series.npz"
        np.savez(series, series=cube[:2_000])
        ring = ring_weights(some)
        compare(
            "emerging patterns, 20,000 cells x 52 steps, pymannkendall's trend alone",
            Peer(python, "pymannkendall", series),
            lambda: emerging_hot_spots(cube, ring),
            100,
            times=10,
        )
    trials = rng.poisson(5.0, 5_000)
    cases, windows = rng.binomial(trials, 0.2), [ring_weights(cells(5_000), k) for k in (1, 2)]
    count = lambda: count_excess(cases, trials, windows, chance="each", rng=np.random.default_rng(1))  # noqa: E731
    count()
    print(f"counts against exposure, 5,000 cells, two windows, 999 draws: {seconds_of(count):.2f} s")


if __name__ == "__main__":
    main()
