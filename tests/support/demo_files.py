"""Files of the small demo cities, made once a run.

Test processes that run together share them and only read them.
"""

from __future__ import annotations

import os

import pytest

from geo_api.cli.demo import GENERATOR
from geo_api.demo_city import END_DAY, DemoCity, make_city
from layers.private_server.locks import exclusive_lock

GRIDS = 12_000
"""Number of grids by which ``prepare_demo`` names the folder, unless it is told another one."""


def demo_city(factory: pytest.TempPathFactory, seed: int = 1) -> DemoCity:
    """The small demo city of a seed. Its folder's parent is a ``demo_dir`` for :class:`Settings`."""
    base = factory.getbasetemp()
    root = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "demo-cities"
    root.mkdir(exist_ok=True)
    folder = root / f"small-{seed}-{GRIDS}"
    with exclusive_lock(root / f"{seed}.lock"):
        if not (mark := folder / "complete").exists():
            make_city(folder, seed=seed, size="small")
            mark.write_text(f"{GENERATOR} {END_DAY}", encoding="utf-8")
    return DemoCity(folder, seed)
