"""A short form of the drills.

Each fault that no other test does, once, and a soak of seconds with a backup.
"""

from __future__ import annotations

from pathlib import Path

from tests.support.drills.faults import END_IN_TRANSFERS, KILL_SERVER, LASTING, run_round
from tests.support.drills.soak import soak
from tests.support.private_town import make_private_town

ELSEWHERE = {"kill -9 of the postmaster", "disk full"}
"""Faults of ``test_watched_database.py``."""


def test_nothing_acknowledged_is_lost(short_tmp: Path) -> None:
    town = make_private_town(short_tmp / "drill")
    lasting = tuple(fault for fault in LASTING if fault.name not in ELSEWHERE)
    faults = (*lasting, KILL_SERVER, END_IN_TRANSFERS)
    results = run_round(town, faults, viewers=10, streams=3)
    assert [result.fault for result in results] == [fault.name for fault in faults]
    for result in results:
        assert result.faults == () and result.found.missing == (), result
        assert result.found.acknowledged == result.found.stored
        assert min(result.found.stored.values()) > 0
    found, backup = soak(town, 4, viewers=5, streams=2)
    assert found.found.missing == () and backup.differing == () and backup.rows > 500
    unlike = [fault for fault in found.faults if " grew from " not in fault]  # seconds say nothing of growth
    assert unlike == [] and min(found.found.stored.values()) > 0
