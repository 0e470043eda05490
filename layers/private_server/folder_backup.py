"""Backup of a folder of files beside the backup of the database: one tar, encrypted as that is."""

from __future__ import annotations

import os
import tarfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

from layers.errors import ClusterError
from layers.private_server.backup_files import (
    check_own_file,
    check_place,
    check_recipients,
    decrypt,
    encrypt,
    is_encrypted,
    new_private_file,
)


def dump_folder(folder: Path, path: Path, *, recipients: Sequence[str] = ()) -> int:
    """Write the files below a folder into a tar of mode 0600, completely or not at all; returns how many.

    Parameters
    ----------
    recipients : sequence of str
        Public keys that the tar is encrypted to; no file ever holds the plain text then.

    Raises
    ------
    ClusterError
        The place is not safe, or the file cannot be written.
    """
    path = path.absolute()
    check_place(path)
    check_recipients(recipients)
    files = sorted(each for each in folder.rglob("*") if each.is_file() and each.suffix != ".partial")

    def write(target: IO[bytes]) -> None:
        with tarfile.open(fileobj=target, mode="w|") as archive:
            for each in files:
                archive.add(each, arcname=str(each.relative_to(folder)), recursive=False)

    with new_private_file(path) as partial, partial.open("wb") as file:
        if recipients:
            _piped(write, lambda source: encrypt(source, file, recipients))
        else:
            write(file)
    return len(files)


def restore_folder(folder: Path, path: Path, *, identity_file: Path | None = None) -> int:
    """Add the files of a tar to a folder; those that are there stay as they are. Returns how many were added.

    Raises
    ------
    ClusterError
        The tar is missing, not this account's, or encrypted without a key.
    """
    path = path.absolute()
    check_own_file(path)
    added: list[str] = []

    def read(source: IO[bytes]) -> None:
        with tarfile.open(fileobj=source, mode="r|") as archive:
            for member in archive:
                if member.isfile() and not (folder / member.name).exists():
                    archive.extract(member, folder, filter="data")
                    added.append(member.name)

    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.open("rb") as file:
        if not is_encrypted(path):
            read(file)
        elif identity_file is None:
            raise ClusterError(
                f"备份已加密，请用 --identity 指定私钥文件。{path} is encrypted: name the key with --identity"
            )
        else:
            key = identity_file
            _piped(lambda target: decrypt(file, target, key), read)
    return len(added)


def _piped(write: Callable[[IO[bytes]], None], read: Callable[[IO[bytes]], None]) -> None:
    """Run a writer in a thread and a reader here, with a pipe between them; the first error of both is raised."""
    reading, writing = os.pipe()
    errors: list[Exception] = []

    def run() -> None:
        try:
            with open(writing, "wb") as target:
                write(target)
        except BrokenPipeError:
            return  # the reader has ended, and says why
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        with open(reading, "rb") as source:
            read(source)
    except Exception as error:
        errors.append(error)
    thread.join()
    if errors:
        raise errors[0]
