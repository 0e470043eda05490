"""Files of backups: their place and owner, who may read them, and their encryption to a public key (age)."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from layers.errors import ClusterError

AGE_HEADER = b"age-encryption.org/v1"
FOREIGN_WRITERS = stat.S_IWGRP | stat.S_IWOTH


def check_place(path: Path) -> None:
    """Refuse a path at which another account could put, replace or read a backup.

    Raises
    ------
    ClusterError
        The path is a link or no ordinary file; a folder above it belongs to another account, or others may
        write into it.
    """
    folder = path.parent
    if not folder.is_dir():
        raise ClusterError(f"文件夹不存在。There is no folder {folder}")
    if folder.is_symlink():
        raise ClusterError(f"备份文件夹是符号链接。{folder} is a link: name the folder itself")
    _check_folder(folder, sticky_is_enough=False)
    for above in folder.resolve().parents:
        _check_folder(above, sticky_is_enough=True)
    if path.is_symlink() or path.exists():
        check_own_file(path)


def _check_folder(folder: Path, *, sticky_is_enough: bool) -> None:
    found = folder.stat()
    if found.st_uid not in {0, os.geteuid()}:
        raise ClusterError(
            f"备份文件夹属于其他用户。{folder} belongs to another account (uid {found.st_uid})"
        )
    kept = sticky_is_enough and found.st_mode & stat.S_ISVTX
    if found.st_mode & FOREIGN_WRITERS and not kept:
        raise ClusterError(
            f"备份文件夹可被其他用户写入。Others may write into {folder}: `chmod go-w {folder}`, or name another folder"
        )


def check_own_file(path: Path) -> None:
    """Refuse a file that another account could have written: what is restored runs as the database's owner.

    Raises
    ------
    ClusterError
    """
    if not path.exists() and not path.is_symlink():
        raise ClusterError(f"文件不存在。There is no file {path}")
    found = path.lstat()
    if not stat.S_ISREG(found.st_mode):
        raise ClusterError(f"{path} 不是普通文件。It is a link or no ordinary file")
    if found.st_uid not in {0, os.geteuid()} or found.st_mode & FOREIGN_WRITERS:
        raise ClusterError(
            f"{path} 属于其他用户或可被其他用户写入。It belongs to another account, or others may write it: "
            f"`chmod go-w {path}`, `chown`"
        )


@contextmanager
def new_private_file(path: Path) -> Iterator[Path]:
    """Give the path of an empty file of mode 0600, which takes the place of ``path`` at the end of the block.

    After an error there is no such file, and the older one is as it was. The folder was checked before.
    """
    partial = path.with_name(path.name + ".partial")
    partial.unlink(missing_ok=True)
    os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600))
    try:
        yield partial
        for place in (partial, None):
            descriptor = os.open(place or path.parent, os.O_RDONLY)
            os.fsync(descriptor)
            os.close(descriptor)
            if place is not None:
                os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def encrypt(source: IO[bytes], target: IO[bytes], recipients: Sequence[str]) -> None:
    """Copy a stream, encrypted so that only the holders of the private keys can read it.

    Parameters
    ----------
    source, target : file
    recipients : sequence of str
        Public keys: ``age1…`` or ``ssh-ed25519 …``.

    Raises
    ------
    ClusterError
        A key that cannot be read.
    """
    pyrage = _pyrage()
    pyrage.encrypt_io(source, target, [_recipient(pyrage, text) for text in recipients])


def check_recipients(recipients: Sequence[str]) -> None:
    """Refuse a public key that cannot be read, before anything is written.

    Raises
    ------
    ClusterError
    """
    for text in recipients:
        _recipient(_pyrage(), text)


def decrypt(source: IO[bytes], target: IO[bytes], identity_file: Path) -> None:
    """Copy a stream, decrypted by the private key in a file; a stream that was cut or changed is an error.

    Raises
    ------
    ClusterError
        The key cannot be read or is not the right one, or the stream is not whole.
    """
    pyrage = _pyrage()
    identities = _identities(pyrage, identity_file)
    try:
        pyrage.decrypt_io(source, target, identities)
    except BrokenPipeError:
        raise
    except (pyrage.DecryptError, OSError) as error:
        raise ClusterError(f"备份无法解密。The backup cannot be decrypted: {error}") from error


def is_encrypted(path: Path) -> bool:
    """Return whether a backup is encrypted."""
    with path.open("rb") as file:
        return file.read(len(AGE_HEADER)) == AGE_HEADER


def _recipient(pyrage: Any, text: str) -> Any:
    kind = pyrage.ssh if text.startswith("ssh-") else pyrage.x25519
    try:
        return kind.Recipient.from_str(text.strip())
    except pyrage.RecipientError as error:
        raise ClusterError(f"公钥无效。Not a public key of age or SSH: {text!r} ({error})") from error


def _identities(pyrage: Any, file: Path) -> list[Any]:
    text = file.read_text(errors="replace")
    try:
        if "PRIVATE KEY-----" in text:
            return [pyrage.ssh.Identity.from_buffer(text.encode())]
        keys = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
        return [pyrage.x25519.Identity.from_str(key) for key in keys]
    except pyrage.IdentityError as error:
        raise ClusterError(f"私钥无效。{file} holds no private key of age or SSH ({error})") from error


def _pyrage() -> Any:
    import pyrage

    return pyrage
