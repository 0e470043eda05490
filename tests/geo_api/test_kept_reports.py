"""Reports that are kept: made once by one thread, given to all, made again when they are old."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from geo_api.cases.kept_reports import KeptReports
from tests.support.waiting import PATIENCE_S


def test_many_who_ask_at_once_wait_for_one_who_makes_it() -> None:
    kept, started, made = KeptReports(), threading.Barrier(8, timeout=PATIENCE_S), []

    def make() -> bytes:
        made.append(threading.get_ident())
        return b"report"

    def ask(_: int) -> bytes:
        started.wait()
        return kept.get("a", make)

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, range(8))) == [b"report"] * 8
    assert len(made) == 1


def test_one_that_failed_is_tried_again_and_old_ones_go() -> None:
    kept = KeptReports(kept=2)

    def fail() -> bytes:
        raise ValueError("no data")

    for _ in range(2):
        with pytest.raises(ValueError, match="no data"):
            kept.get("a", fail)
    assert [kept.get(key, key.encode) for key in ("a", "b", "c")] == [b"a", b"b", b"c"]
    assert kept.get("c", lambda: b"other") == b"c"
    assert kept.get("a", lambda: b"other") == b"other"
    assert KeptReports(kept_s=0).get("a", lambda: b"1") == b"1"


def test_one_that_is_old_is_made_again() -> None:
    kept = KeptReports(kept_s=0)
    assert [kept.get("a", lambda text=text: text) for text in (b"1", b"2")] == [b"1", b"2"]  # type: ignore[misc]
