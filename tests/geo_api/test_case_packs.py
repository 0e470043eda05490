"""Case packs: what they hold, who may have one, and that the verifier inside names whatever was changed."""

from __future__ import annotations

import datetime as dt
import io
import json
import random
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import text
from typer.testing import CliRunner

from geo_api.cases import verify_pack
from geo_api.cases.chain_keys import ChainKeys, FileSigner
from geo_api.cases.packs import _zip, make_pack
from geo_api.cli.main import app
from grid.cases import open_case, transition
from grid.cases.proof.hash_chain import event_hash
from grid.responsibility import assign
from layers.postgres import SYSTEM, session
from layers.tables import ChainHead
from tests.support.application import Api, Seeded, api_over, logged_in

OPENED = dt.datetime(2026, 3, 1, 10, tzinfo=dt.UTC)


@pytest.fixture
def own(seeded: Seeded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    for made in api_over(seeded, f"pack_{tmp_path.name}", tmp_path):
        monkeypatch.setenv("WANGGE_DATABASE_URL", made.url)
        monkeypatch.setenv("WANGGE_DATA_DIR", str(tmp_path))
        made.app.state.chain_keys.ensure()
        yield made


def opened(api: Api) -> str:
    """A case with a step, beside another one that shares its heads."""
    place = {"lon": 120.1, "lat": 31.2}
    with session(SYSTEM, api.url) as db:
        answer = assign(db, item_code="ECO-001", at=OPENED, **place)
        case, _ = (
            open_case(db, title=title, item_code="ECO-001", assignment=answer, opened_at=OPENED, **place)
            for title in ("疑似非法复工", "另一件")
        )
        transition(db, case.number, "verify", actor="dispatcher", role="dispatcher", note="已电话核实")
        return str(case.number)


def pack_of(api: Api, number: str) -> bytes:
    return make_pack(
        api.url, api.app.state.chain_keys, api.app.state.attachment_store, number, dt.datetime.now(dt.UTC)
    )


def public_key(api: Api) -> str:
    return str(ChainKeys(api.settings.chain_keys_folder()).signer().public_key())


def contents(pack: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(pack)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_verifier_of_the_pack_runs_alone_and_finds_it_whole(own: Api, tmp_path: Path) -> None:
    number = opened(own)
    code = CliRunner().invoke(app, ["cases", "pack", number, "--out", str(tmp_path / "case.zip")])
    assert code.exit_code == 0, code.output
    path = tmp_path / "case.zip"
    assert path.stat().st_mode & 0o077 == 0, "personal data is for the account that made the pack"
    files = contents(path.read_bytes())
    assert {"case.json", "events.json", "areas.geojson", "duty_lines.json", "alert.json", "heads.json"} < set(
        files
    )
    case = json.loads(files["case.json"])
    kinds = {f["properties"]["kind"] for f in json.loads(files["areas.geojson"])["features"]}
    assert case["number"] == number and {"county", "town", "community"} <= kinds
    assert [e["action"] for e in json.loads(files["events.json"])] == ["report", "verify"]
    assert all(line["item_code"] == "ECO-001" for line in json.loads(files["duty_lines.json"]))
    away = tmp_path / "away"
    away.mkdir()
    (away / "verify.py").write_bytes(files["verify.py"])
    lines = files["verify.py"].decode().splitlines()
    imported = {
        found[1].split(".")[0] for line in lines if (found := re.match(r"(?:from|import) ([\w.]+)", line))
    }
    assert len(lines) <= 200 and imported - set(sys.stdlib_module_names) == {"cryptography"}
    for words, wanted in ((["--key", public_key(own)], 0), ([], 0), (["--key", "00" * 32], 1)):
        done = subprocess.run(
            [sys.executable, "-I", str(away / "verify.py"), str(path), *words],
            capture_output=True, text=True, timeout=60, cwd=away,
        )  # fmt: skip
        assert done.returncode == wanted, done.stdout + done.stderr


def test_a_flipped_byte_is_named_in_every_file_and_in_the_archive_itself(own: Api) -> None:
    pack, key = pack_of(own, opened(own)), public_key(own)
    assert verify_pack.verify(pack, [key])[0] == []
    with zipfile.ZipFile(io.BytesIO(pack)) as archive:
        begins = {one.filename: one.header_offset for one in archive.infolist()}
        sizes = {one.filename: one.compress_size for one in archive.infolist()}
    chance = random.Random(8)
    for name, begin in begins.items():
        first = begin + 30 + len(name.encode())
        for _ in range(12):
            place = first + chance.randrange(sizes[name])
            changed = pack[:place] + bytes([pack[place] ^ (1 << chance.randrange(8))]) + pack[place + 1 :]
            found = verify_pack.verify(changed, [key])[0]
            assert any(name in fault for fault in found), (name, found)
    for place in [*range(30), *range(len(pack) - 200, len(pack)), *chance.sample(range(len(pack)), 100)]:
        changed = pack[:place] + bytes([pack[place] ^ 1]) + pack[place + 1 :]
        assert verify_pack.verify(changed, [key])[0], place


def test_a_changed_file_in_a_sound_archive_is_named(own: Api) -> None:
    """Every byte of every file, by a sample: the archive is made anew around it, so only the hashes can tell."""
    pack, key = pack_of(own, opened(own)), public_key(own)
    files, chance = contents(pack), random.Random(9)
    for name, content in files.items():
        for place in chance.sample(range(len(content)), min(len(content), 15)):
            changed = files | {name: content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]}
            found = verify_pack.verify(sound(changed), [key])[0]
            assert any(name.partition(".")[0] in fault for fault in found), (name, place, found)
    for name in set(files) - {"manifest.json", "manifest.sig"}:
        fewer = {other: content for other, content in files.items() if other != name}
        assert any(name in fault for fault in verify_pack.verify(sound(fewer), [key])[0])
    assert any("extra" in fault for fault in verify_pack.verify(sound(files | {"extra": b"x"}), [key])[0])


def sound(files: dict[str, bytes]) -> bytes:
    """An archive of these files whose own bytes fit."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
        archive.comment = b"0" * 64
    before = made.getvalue()[:-64]
    return before + sha256(before).hexdigest().encode()


def rebuild_events(api: Api, number: str) -> None:
    """As the owner of the database: another note in the last event, with every hash of the case computed anew."""
    with session(SYSTEM, api.url) as db:
        for table in ("case_events", "chain_entries", "chain_heads"):
            db.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
        row = db.execute(
            text(
                "SELECT e.* FROM case_events e JOIN cases c ON c.id = e.case_id WHERE c.number = :n AND seq = 2"
            ),
            {"n": number},
        ).one()
        payload = row.payload | {"note": "未核实"}
        names = ("seq", "at", "actor", "role", "action", "from_state", "to_state", "prev_hash")
        made = event_hash(number=number, payload=payload, **{name: getattr(row, name) for name in names})
        asked = {"hash": made, "id": row.id, "payload": json.dumps(payload)}
        db.execute(
            text("UPDATE case_events SET hash = :hash, payload = CAST(:payload AS jsonb) WHERE id = :id"),
            asked,
        )
        db.execute(text("UPDATE chain_entries SET hash = :hash WHERE event_id = :id"), asked)


def rebuild_heads(api: Api, number: str) -> None:
    """The heads too, with their digests and hashes, but without the key."""
    rebuild_events(api, number)
    with session(SYSTEM, api.url) as db:
        head = db.query(ChainHead).one()
        lines = db.scalars(
            text(
                "SELECT number || ' ' || seq || ' ' || hash FROM chain_entries ORDER BY number COLLATE \"C\", seq"
            )
        ).all()
        head.entries_digest = sha256("\n".join(lines).encode()).hexdigest()
        said = json.loads(_head_text(head)) | {"entries_digest": head.entries_digest}
        written = json.dumps(said, sort_keys=True, separators=(",", ":")).encode()
        head.hash = sha256(written).hexdigest()


def _head_text(head: ChainHead) -> bytes:
    from grid.cases.proof.heads import HeadFacts, head_text

    return head_text(HeadFacts(**{name: getattr(head, name) for name in HeadFacts.__dataclass_fields__}))


def forget_heads(api: Api, number: str) -> None:
    """The heads are removed, and the service signs the rebuilt events anew without knowing."""
    rebuild_events(api, number)
    with session(SYSTEM, api.url) as db:
        db.execute(text("ALTER TABLE access_log DISABLE TRIGGER USER"))
        db.execute(text("DELETE FROM chain_heads"))
        db.execute(text("UPDATE chain_entries SET head = NULL"))
        db.execute(text("UPDATE access_log SET head = NULL"))


@pytest.mark.parametrize("rebuild", [rebuild_events, rebuild_heads, forget_heads])
def test_a_chain_rebuilt_by_the_owner_of_the_database_is_found(
    own: Api, rebuild: Callable[[Api, str], None]
) -> None:
    number = opened(own)
    assert verify_pack.verify(pack_of(own, number), [public_key(own)])[0] == []
    rebuild(own, number)
    found = verify_pack.verify(pack_of(own, number), [public_key(own)])[0]
    assert any("head" in fault for fault in found), found


def test_a_chain_signed_with_a_key_of_the_forger_is_found_by_who_knows_the_key(own: Api) -> None:
    number = opened(own)
    files = contents(pack_of(own, number))
    forger = FileSigner(Ed25519PrivateKey.generate())
    heads: list[Any] = json.loads(files["heads.json"])
    for head in heads:
        said = json.loads(head["text"]) | {"key_id": forger.key_id}
        written = json.dumps(said, sort_keys=True, separators=(",", ":")).encode()
        head |= {
            "text": written.decode(),
            "hash": sha256(written).hexdigest(),
            "signature": forger.sign(written).hex(),
        }
    keys = [{"key_id": forger.key_id, "public_key": forger.public_key(), "valid_from": "2020-01-01T00:00:00+00:00",
             "valid_to": None}]  # fmt: skip
    kept = {name: content for name, content in files.items() if not name.startswith("manifest")}
    forged = _zip(
        kept | {"heads.json": json.dumps(heads).encode(), "keys.json": json.dumps(keys).encode()},
        number, forger, [], dt.datetime.now(dt.UTC),
    )  # fmt: skip
    found, said = verify_pack.verify(forged, [public_key(own)])
    assert any("not a key that you know" in fault for fault in found) and forger.public_key() in said
    assert verify_pack.verify(forged, [])[0] == [], "without a key from before, nothing tells it"


def test_a_pack_is_for_dispatchers_and_supervisors_of_the_area(own: Api) -> None:
    number = opened(own)
    path = f"/v1/cases/{number}/pack.zip"
    answer = logged_in(own.app, "supervisor").get(path)
    assert answer.status_code == 200 and answer.headers["content-type"] == "application/zip"
    assert answer.headers["cache-control"] == "private, no-store"
    assert verify_pack.verify(answer.content, [public_key(own)])[0] == []
    assert logged_in(own.app, "officer.a").get(path).status_code == 403
    assert logged_in(own.app, "supervisor").get("/v1/cases/none/pack.zip").status_code == 404
