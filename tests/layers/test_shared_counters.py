"""Counters in a file: what one process writes the others read, and nothing that is counted is lost."""

from __future__ import annotations

import gc
import multiprocessing
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from layers.postgres import SharedCounters


def _raise(path: str, times: int) -> None:
    counters = SharedCounters(2, Path(path))
    for _ in range(times):
        counters.increment(0)


def test_processes_that_count_at_once_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "count"
    fork = multiprocessing.get_context("fork")
    workers = [fork.Process(target=_raise, args=(str(path), 500)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert SharedCounters(2, path).words.tolist() == [1_500, 0]


@pytest.mark.parametrize("shared", [True, False])
def test_threads_that_count_at_once_lose_nothing(tmp_path: Path, shared: bool) -> None:
    counters = SharedCounters(1, tmp_path / "count" if shared else None)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: counters.increment(0), range(4_000)))
    assert counters.words[0] == 4_000


def test_each_reads_what_another_wrote_and_a_new_one_begins_where_they_are(tmp_path: Path) -> None:
    path = tmp_path / "count"
    one, other = SharedCounters(3, path), SharedCounters(3, path)
    with one.locked():
        one.words[1] = 2**64 - 1
    assert other.words.tolist() == SharedCounters(3, path).words.tolist() == [0, 2**64 - 1, 0]
    assert path.stat().st_size == 24


def test_a_file_that_was_shorter_keeps_its_numbers(tmp_path: Path) -> None:
    path = tmp_path / "count"
    SharedCounters(1, path).increment(0)
    assert SharedCounters(2, path).words.tolist() == [1, 0]


def test_private_counters_are_no_one_elses() -> None:
    one, other = SharedCounters(1), SharedCounters(1)
    one.increment(0)
    assert (one.words[0], other.words[0]) == (1, 0)


def test_others_may_not_read_the_file_and_its_folder_must_be_there(tmp_path: Path) -> None:
    SharedCounters(1, tmp_path / "count")
    assert stat.S_IMODE((tmp_path / "count").stat().st_mode) == 0o600
    with pytest.raises(FileNotFoundError):
        SharedCounters(1, tmp_path / "none" / "count")


def test_the_file_is_closed_with_its_counters(tmp_path: Path) -> None:
    gc.collect()
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(200):
        SharedCounters(1, tmp_path / "count").increment(0)
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) < before + 100
