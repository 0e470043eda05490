"""Backup of a folder of files: whole, encrypted when keys are named, and nothing written over at the return."""

from __future__ import annotations

from pathlib import Path

import pyrage
import pytest

from layers.errors import ClusterError
from layers.private_server import dump_folder, restore_folder


@pytest.mark.parametrize("encrypted", [False, True])
def test_files_come_back_as_they_were(tmp_path: Path, encrypted: bool) -> None:
    store, tar, key = tmp_path / "store", tmp_path / "db.attachments", tmp_path / "key"
    identity = pyrage.x25519.Identity.generate()
    key.write_text(f"{identity}\n")
    contents = {f"{n:02x}/file{n}": bytes([n]) * 300_000 for n in range(4)}
    for name, content in contents.items():
        (store / name).parent.mkdir(parents=True)
        (store / name).write_bytes(content)
    (store / "00" / "x.partial").write_bytes(b"half")
    recipients = [str(identity.to_public())] if encrypted else []
    assert dump_folder(store, tar, recipients=recipients) == 4
    assert (b"\x03" * 1000 in tar.read_bytes()) != encrypted and tar.stat().st_mode & 0o777 == 0o600
    back = tmp_path / "back"
    (back / "01").mkdir(parents=True)
    (back / "01" / "file1").write_bytes(b"newer")
    if encrypted:
        with pytest.raises(ClusterError):
            restore_folder(back, tar)
    assert restore_folder(back, tar, identity_file=key if encrypted else None) == 3
    there = {str(each.relative_to(back)): each.read_bytes() for each in back.rglob("*") if each.is_file()}
    assert there == contents | {"01/file1": b"newer"}
