"""The lock files hold versions and hashes, and no address: which index is asked is for whoever installs."""

from __future__ import annotations

from pathlib import Path

import pytest

LOCKS = sorted((Path(__file__).parent.parent).glob("requirements*.lock"))


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_a_lock_names_no_address(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")
    assert "--hash=sha256:" in text
    assert "://" not in text and "--index" not in text and "--find-links" not in text
