"""Keys that sign the heads of the chain: files beside the settings, never in the database.

::

    chain_keys/
    ├── private.pem        the key in use, mode 0600
    ├── keys.json          every public key with its id and the time in which it signed
    └── newest_head.json   the newest head that was made: what the database must still have
"""

from __future__ import annotations

import datetime as dt
import json
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from geo_api.http.settings import WrongSetting
from grid.cases import NewestHead, VerifyingKey
from layers.private_server import give_to_owner_of


class WrongChainKey(WrongSetting):
    """The key of the chain cannot be used; the message says why and how to mend it, in both languages."""


@dataclass(frozen=True)
class ListedKey:
    """A public key (32 bytes, hexadecimal) and when it signed."""

    key_id: str
    public_key: str
    valid_from: dt.datetime
    valid_to: dt.datetime | None


class FileSigner:
    """The private key of a file; it never leaves this object."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.key_id = key_id_of(key.public_key())

    def sign(self, message: bytes) -> bytes:
        """Sign a text (Ed25519, 64 bytes)."""
        return self._key.sign(message)

    def public_key(self) -> str:
        """Return the public key: 32 bytes, hexadecimal."""
        return self._key.public_key().public_bytes_raw().hex()


def key_id_of(key: Ed25519PublicKey) -> str:
    """Return the id of a public key: the first 16 hexadecimal digits of its SHA-256."""
    return sha256(key.public_bytes_raw()).hexdigest()[:16]


class ChainKeys:
    """The folder of the keys.

    Parameters
    ----------
    folder : Path
        Only the account that runs the service may read its private key.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._private = folder / "private.pem"
        self._list = folder / "keys.json"
        self._newest = folder / "newest_head.json"

    def ensure(self) -> None:
        """Make a key unless there is one; the first of several starting processes makes it."""
        if self._private.exists():
            if not any(one.key_id == self.signer().key_id for one in self.listed()):
                self._list_newest(dt.datetime.now(dt.UTC))
            return
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = self._written_key()
        try:
            os.link(fresh, self._private)
        except FileExistsError:
            return
        finally:
            fresh.unlink()
        self._list_newest(dt.datetime.now(dt.UTC))

    def rotate(self) -> str:
        """Sign with a new key from now on; the former public key stays for verification.

        Returns the new key's id.
        """
        self.signer()  # refused while others may read the present one
        os.replace(self._written_key(), self._private)
        return self._list_newest(dt.datetime.now(dt.UTC))

    def signer(self) -> FileSigner:
        """Return the key in use.

        Raises
        ------
        WrongChainKey
            There is none, others may read it, or it is no Ed25519 key.
        """
        try:
            mode = stat.S_IMODE(self._private.stat().st_mode)
            content = self._private.read_bytes()
        except OSError as error:
            raise WrongChainKey(
                f"{self._private}: {error.strerror}; `wangge init` makes it · 密钥不可读，wangge init 生成"
            ) from error
        if mode & 0o077:
            raise WrongChainKey(
                f"{self._private} may be read by others (mode {mode:04o}): chmod 600, and `wangge cases keys"
                " rotate` if somebody may have read it · 密钥文件权限过宽"
            )
        try:
            key = serialization.load_pem_private_key(content, password=None)
        except ValueError as error:
            raise WrongChainKey(f"{self._private} is no private key · 不是私钥文件") from error
        if not isinstance(key, Ed25519PrivateKey):
            raise WrongChainKey(f"{self._private} is no Ed25519 key · 不是 Ed25519 密钥")
        return FileSigner(key)

    def listed(self) -> list[ListedKey]:
        """Every public key, the oldest first."""
        return [
            ListedKey(
                one["key_id"],
                one["public_key"],
                dt.datetime.fromisoformat(one["valid_from"]),
                dt.datetime.fromisoformat(one["valid_to"]) if one["valid_to"] else None,
            )
            for one in _json(self._list, [])
        ]

    def public_keys(self) -> Mapping[str, VerifyingKey]:
        """Every public key by its id, as :func:`grid.cases.verify_all` takes them."""
        return {
            one.key_id: VerifyingKey(_verifier(one.public_key), one.valid_from, one.valid_to)
            for one in self.listed()
        }

    def known_head(self) -> NewestHead | None:
        """Return the newest head that this machine has made or accepted."""
        found = _json(self._newest, None)
        return None if found is None else NewestHead(found["sequence"], found["hash"])

    def remember(self, head: NewestHead | None, *, accept: bool = False) -> None:
        """Keep the newest head: the database must have it from now on.

        ``accept`` takes an older one, or none.
        """
        known = self.known_head()
        if head is None:
            self._newest.unlink(missing_ok=True)
        elif accept or known is None or head.sequence > known.sequence:
            _replace(self._newest, json.dumps({"sequence": head.sequence, "hash": head.hash}))

    def _written_key(self) -> Path:
        """Return a new private key in a file of its own, mode 0600."""
        path = self.folder / f"private.{os.getpid()}"
        content = Ed25519PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            give_to_owner_of(self.folder, file.fileno())
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        return path

    def _list_newest(self, now: dt.datetime) -> str:
        """Put the key in use at the end of the list; the one before it ends."""
        key = self.signer()
        listed = [one for one in _json(self._list, []) if one["key_id"] != key.key_id]
        for one in listed:
            one["valid_to"] = one["valid_to"] or now.isoformat()
        public = key.public_key()
        listed.append(
            {"key_id": key.key_id, "public_key": public, "valid_from": now.isoformat(), "valid_to": None}
        )
        _replace(self._list, json.dumps(listed, indent=1))
        return key.key_id


def _verifier(public_key: str) -> Any:
    key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key))

    def verify(signature: bytes, message: bytes) -> bool:
        try:
            key.verify(signature, message)
        except InvalidSignature:
            return False
        return True

    return verify


def _json(path: Path, missing: Any) -> Any:
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        return missing
    except ValueError as error:
        raise WrongChainKey(f"{path} cannot be read: {error} · 文件损坏") from error


def _replace(path: Path, content: str) -> None:
    """Write a file whole, or not at all, and to the disk."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    with open(fresh, "x") as file:
        give_to_owner_of(path.parent, file.fileno())
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(fresh, path)
