"""The store of attached files: any file system of fsspec, each file under the SHA-256 of its content."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

import fsspec
from fsspec.implementations.local import LocalFileSystem

from layers.errors import LayerError

_DIGEST = re.compile(r"[0-9a-f]{64}")


class MissingFile(LayerError):
    """A file that the store does not have, or has with another content."""


class AttachmentStore:
    """Files by the SHA-256 of their content; what is there is never written over, and nothing is deleted.

    Parameters
    ----------
    url : str
        A folder, or any URL of fsspec (``s3://bucket/folder``, ``memory://``).
    """

    def __init__(self, url: str) -> None:
        self._files, self._root = fsspec.url_to_fs(url)
        self.url = url

    @property
    def local_folder(self) -> str | None:
        """Folder of a store on this machine; None: it is elsewhere."""
        return self._root if isinstance(self._files, LocalFileSystem) else None

    def put(self, content: bytes) -> str:
        """Store a file, unless it is there; returns its SHA-256."""
        digest = sha256(content).hexdigest()
        self._write(self._path(digest), content)
        return digest

    def put_copy(self, digest: str, name: str, content: bytes) -> None:
        """Store a copy that was made of a file, such as its preview, beside it."""
        self._write(f"{self._path(digest)}.{name}", content)

    def get(self, digest: str) -> bytes:
        """Return a file, after a look at its hash.

        Raises
        ------
        MissingFile
        """
        try:
            content: bytes = self._files.cat_file(self._path(digest))
        except FileNotFoundError as error:
            raise MissingFile(f"the attachment {digest} is not in the store") from error
        if sha256(content).hexdigest() != digest:
            raise MissingFile(f"the attachment {digest} was changed in the store")
        return content

    def get_copy(self, digest: str, name: str) -> bytes | None:
        """Return a copy that was made of a file; None when there is none."""
        try:
            content: bytes = self._files.cat_file(f"{self._path(digest)}.{name}")
        except FileNotFoundError:
            return None
        return content

    def faults(self, digests: Iterable[str]) -> Iterator[tuple[str, str]]:
        """Give each file that is ``missing`` or ``changed``, with which of both."""
        for digest in digests:
            try:
                self.get(digest)
            except MissingFile as error:
                yield digest, "missing" if isinstance(error.__cause__, FileNotFoundError) else "changed"

    def _path(self, digest: str) -> str:
        if not _DIGEST.fullmatch(digest):
            raise MissingFile(f"{digest!r} is no SHA-256")
        return f"{self._root}/{digest[:2]}/{digest}"

    def _write(self, path: str, content: bytes) -> None:
        """Write a file whole or not at all: under another name first, which is moved."""
        if self._files.exists(path):
            return
        if not isinstance(self._files, LocalFileSystem):
            self._files.makedirs(path.rpartition("/")[0], exist_ok=True)
            self._files.pipe_file(path, content)  # object stores write whole or not at all
            return
        target = Path(path)
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial = target.with_name(f"{target.name}.{uuid4().hex}.partial")
        with partial.open("xb") as file:
            partial.chmod(0o600)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, target)
