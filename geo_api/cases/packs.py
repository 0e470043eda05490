"""Case packs (案卷包): one zip of a case with all that proves it, and the program that verifies it.

Every file is named with its SHA-256 in ``manifest.json``, which is signed with the key of the chain; the
comment of the archive is the SHA-256 of all bytes before it, so that a changed byte shows wherever it is.
Nothing is compressed: a changed byte of the archive is one of a file, and its name is told.
"""

from __future__ import annotations

import datetime as dt
import io
import json
import zipfile
from dataclasses import asdict
from hashlib import sha256
from importlib import resources
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from geo_api.cases.chain_keys import ChainKeys, FileSigner
from geo_api.cases.head_making import make_heads
from grid.alerts import alert_card
from grid.cases import read_pack_content, verify_case
from layers.attachments import AttachmentStore
from layers.postgres import SYSTEM, engine, session

MEDIA_TYPE = "application/zip"
READ_ME = """案卷包 case pack {number}

verify.py   校验程序 the program that verifies this pack (Python and `cryptography`):
            python verify.py {number}.zip --key PUBLIC_KEY
            Take the program and the public key from somebody else than the sender of the pack
            (`wangge cases keys list` of the service that made it, or a copy from before).
case.json, events.json   案件与每一步 the case and every step
areas.geojson            当时的区域版本 the versions of its areas
duty_lines.json          当时的权责清单 the lines of the duty list of then
alert.json               预警证据 the evidence of its alert (null: it came from no alert)
snapshot.parquet         判定所依据的数据 the rows that it was decided from, if they were kept
attachments/             附件原件 attached files as they were sent
heads.json, keys.json    签名链首与公钥 signed heads over the events, and the public keys
manifest.json, .sig      文件清单及签名 the SHA-256 of every file, signed

含个人信息，按职责使用。Holds personal data: for those whose duty it is.
"""


def make_pack(
    url: str,
    keys: ChainKeys,
    store: AttachmentStore,
    number: str,
    now: dt.datetime,
    snapshots: Path | None = None,
) -> bytes:
    """Make the pack of a case; what waits comes under a head before.

    Parameters
    ----------
    store : AttachmentStore
        Attached files go into the pack as they were sent.
    number : str
        Of a case that the caller may see: it is read with the rights of the service.
    snapshots : Path or None
        Folder of the snapshots behind alerts; that of the case goes into its pack.

    Raises
    ------
    layers.errors.NotFound
    layers.attachments.MissingFile
        The store lost an attached file.
    WrongChainKey
        The key of the chain cannot be used.
    """
    keys.ensure()
    make_heads(url, keys)
    with session(SYSTEM, url) as db:
        report = verify_case(db, number, keys.public_keys(), keys.known_head(), now)
    files = _files(url, store, number, snapshots)
    listed = [
        {
            "key_id": one.key_id,
            "public_key": one.public_key,
            "valid_from": one.valid_from.isoformat(),
            "valid_to": one.valid_to.isoformat() if one.valid_to else None,
        }
        for one in keys.listed()
    ]
    files |= {
        "keys.json": _json(listed),
        "verify.py": (resources.files("geo_api") / "cases" / "verify_pack.py").read_bytes(),
        "README.txt": READ_ME.format(number=number).encode(),
    }
    return _zip(files, number, keys.signer(), [str(fault) for fault in report.faults], now)


def _files(url: str, store: AttachmentStore, number: str, snapshots: Path | None) -> dict[str, bytes]:
    """Read everything as of one moment."""
    one_moment = engine(url).execution_options(isolation_level="REPEATABLE READ")
    with Session(one_moment) as db:
        content = read_pack_content(db, number)
        alert_id = content.case["alert_id"]
        alert = None if alert_id is None else asdict(alert_card(db, alert_id))
    return {
        "case.json": _json(content.case),
        "events.json": _json(content.events),
        "areas.geojson": _json(content.areas),
        "duty_lines.json": _json(content.duty_lines),
        "alert.json": _json(alert),
        "heads.json": _json(content.heads),
        **_snapshot(content.events[0]["payload"].get("snapshot_sha256"), snapshots),
        **{name: store.get(digest) for name, digest in content.attached().items()},
    }


def _snapshot(digest: str | None, folder: Path | None) -> dict[str, bytes]:
    """Return the rows that the case was decided from, when they are kept."""
    path = None if digest is None or folder is None else folder / f"{digest}.parquet"
    return {} if path is None or not path.is_file() else {"snapshot.parquet": path.read_bytes()}


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True).encode()


def _zip(
    files: dict[str, bytes], number: str, signer: FileSigner, faults: list[str], now: dt.datetime
) -> bytes:
    manifest = _json(
        {
            "case": number,
            "made_at": now.astimezone(dt.UTC).isoformat(timespec="microseconds"),
            "key_id": signer.key_id,
            "faults": faults,
            "files": {name: sha256(content).hexdigest() for name, content in sorted(files.items())},
        }
    )
    files = {"manifest.json": manifest, "manifest.sig": signer.sign(manifest).hex().encode(), **files}
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, content in sorted(files.items()):
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content)
        archive.comment = b"0" * 64
    before = made.getvalue()[:-64]
    return before + sha256(before).hexdigest().encode()
