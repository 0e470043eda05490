"""校验案卷包 Verify a case pack: python verify.py PACK.zip [--key PUBLIC_KEY ...].

Needs Python 3.11 and `cryptography`, nothing else. Every fault is one line that names the file, event or
head; exit code 0: whole, 1: faults, 2: no pack. --key names a public key (64 hexadecimal digits) that you
know from before, from somebody else than the sender: without it the pack proves only that it fits its own keys.
"""

from __future__ import annotations

import io
import json
import sys
import zipfile
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

Row = dict[str, Any]
Faults = list[str]


def digest(content: bytes) -> str:
    """Return the SHA-256 in hexadecimal digits."""
    return sha256(content).hexdigest()


def written(value: Any) -> bytes:
    """Return the canonical JSON that was hashed."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def signed(keys: Row, key_id: str, signature: str, text: bytes) -> bool:
    """Whether a listed key made this signature of this text."""
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(keys[key_id]["public_key"]))
        key.verify(bytes.fromhex(signature), text)
    except (InvalidSignature, KeyError, ValueError, TypeError):
        return False
    return True


def read_files(pack: bytes, faults: Faults) -> dict[str, bytes]:
    """Read every file of the archive; one that cannot be read is a fault that names it."""
    files = {}
    with zipfile.ZipFile(io.BytesIO(pack)) as archive:
        for one in archive.infolist():
            try:
                if one.filename in files:
                    faults.append(f"{one.filename}: 重复出现 stands twice in the archive")
                files[one.filename] = archive.read(one)
            except Exception as error:  # whatever a changed byte makes of it
                faults.append(f"{one.filename}: 无法读取 cannot be read ({error})")
    return files


def read_keys(files: dict[str, bytes], faults: Faults) -> Row:
    """Return the public keys by their ids."""
    try:
        return {one["key_id"]: one for one in json.loads(files["keys.json"])}
    except (ValueError, KeyError, TypeError) as error:
        faults.append(f"keys.json: 无法读取 cannot be read ({error})")
        return {}


def check_files(files: dict[str, bytes], keys: Row, faults: Faults) -> Row:
    """Compare every file with the signed manifest."""
    text = files.get("manifest.json", b"{}")
    try:
        listed = (manifest := dict(json.loads(text)))["files"].copy()
    except (ValueError, KeyError, TypeError):
        faults.append("manifest.json: 已损坏 cannot be read")
        return {}
    signature = files.get("manifest.sig", b"").decode("ascii", "replace")
    if not signed(keys, str(manifest.get("key_id")), signature, text):
        faults.append("manifest.json, manifest.sig: 签名无效 the signature does not hold")
    for name, expected in listed.items():
        if name not in files:
            faults.append(f"{name}: 缺失 is missing")
        elif digest(files[name]) != expected:
            faults.append(f"{name}: 内容已改动 its content was changed")
    for name in sorted(set(files) - set(listed) - {"manifest.json", "manifest.sig"}):
        faults.append(f"{name}: 不在清单中 is not in the manifest")
    for told in manifest.get("faults", []):
        faults.append(f"出具时已发现 found by the service when the pack was made: {told}")
    return manifest


def check_events(case: Row, events: list[Row], faults: Faults) -> None:
    """Compute the hash of every event anew, and compare the case with what its events say."""
    number, before, state = case["number"], "0" * 64, None
    for place, event in enumerate(events, start=1):
        content = {name: event[name] for name in ("seq", "actor", "role", "action", "payload", "prev_hash")}
        content |= {"case": number, "from": event["from_state"], "to": event["to_state"]}
        content["at"] = datetime.fromisoformat(event["at"]).astimezone(UTC).isoformat(timespec="microseconds")
        if digest(written(content)) != event["hash"]:
            faults.append(f"event {place}: 内容与哈希不符 its content does not have its hash")
        if (event["seq"], event["prev_hash"], event["from_state"]) != (place, before, state):
            faults.append(f"event {place}: 与上一步不衔接 does not follow the event before it")
        before, state = event["hash"], event["to_state"]
    if case["state"] != state:
        faults.append(f"case.json: 环节与记录不符 state {case['state']}, not {state}")
    told = dict(events[0]["payload"].get("case", {})) if events else {}
    for event in events:
        told |= event["payload"].get("moved", {})
    stored = case | {"assignment_sha256": digest(written(case["assignment"]))}
    for name, value in told.items():
        if name != "due_at" and stored.get(name) != value:
            faults.append(f"case.json: {name} 与首条记录不符 is not what the first event says")


def check_named_files(events: list[Row], files: dict[str, bytes], faults: Faults) -> None:
    """Compare attachments and the snapshot with the hashes that the events name."""
    there = {None, *map(digest, files.values())}
    for event in events:
        for named in (event["payload"].get("sha256"), event["payload"].get("snapshot_sha256")):
            if named not in there:
                faults.append(f"event {event['seq']}: 所载文件缺失 the file {named} is missing")


def check_heads(number: str, events: list[Row], heads: list[Row], keys: Row, faults: Faults) -> set[str]:
    """Verify the signature of every head, and that each event is under one; returns the keys that signed."""
    under: dict[str, str] = {}
    used = set()
    for head in heads:
        said = json.loads(head["text"])
        name, lines = f"head {said['sequence']}", head["lines"]
        if digest(head["text"].encode()) != head["hash"]:
            faults.append(f"{name}: 内容与哈希不符 its content does not have its hash")
        if not signed(keys, said["key_id"], head["signature"], head["text"].encode()):
            faults.append(f"{name}: 签名无效 its signature does not hold")
        elif not in_time(keys[said["key_id"]], said["made_at"]):
            faults.append(f"{name}: 不在密钥有效期内 was not made while its key was in use")
        if (digest("\n".join(lines).encode()), len(lines)) != (said["entries_digest"], said["n_entries"]):
            faults.append(f"{name}: 所载记录已改动 the events that it binds are not those")
        used |= {said["key_id"]}
        under |= {line.split(" ")[1]: line.split(" ")[2] for line in lines if line.split(" ")[0] == number}
    for event in events:
        bound = under.pop(str(event["seq"]), None)
        if bound is None:
            faults.append(f"event {event['seq']}: 不在任何链首之下 is under no head")
        elif bound != event["hash"]:
            faults.append(f"event {event['seq']}: 与链首所载不符 is not the one that was put under its head")
    faults += [f"event {seq}: 已被删除 was removed" for seq in under]
    return used


def in_time(key: Row, made_at: str) -> bool:
    """Whether a head was made while its key was in use."""
    made, slack = datetime.fromisoformat(made_at), timedelta(seconds=60)
    begin, end = datetime.fromisoformat(key["valid_from"]), key["valid_to"]
    return begin - slack <= made and (end is None or made <= datetime.fromisoformat(end) + slack)


def verify(pack: bytes, known: list[str]) -> tuple[Faults, str]:
    """Verify a pack; returns the faults, and one line on what was verified."""
    faults: Faults = []
    if pack[-64:] != digest(pack[:-64]).encode():
        faults.append("archive: 字节已改动 bytes of the archive were changed")
    try:
        files = read_files(pack, faults)
        keys = read_keys(files, faults)
        manifest = check_files(files, keys, faults)
        case, events, heads = (json.loads(files[f"{name}.json"]) for name in ("case", "events", "heads"))
        check_events(case, events, faults)
        check_named_files(events, files, faults)
        used = check_heads(case["number"], events, heads, keys, faults) | {str(manifest.get("key_id"))}
    except Exception as error:  # whatever a changed byte makes of it
        return [*faults, f"archive: 无法读取 cannot be read ({type(error).__name__}: {error})"], ""
    public = {name: keys[name].get("public_key") for name in sorted(used & set(keys))}
    unknown = [name for name, key in public.items() if known and key not in known]
    faults += [f"key {name}: 非已知密钥 not a key that you know" for name in unknown]
    shown = " ".join(f"{name}={key}" for name, key in public.items())
    said = f"{case['number']}: {len(events)} events, {len(heads)} heads, {len(files)} files; keys {shown}"
    return faults, said


def main(words: list[str]) -> int:
    """Verify the pack that the command line names."""
    if not words or "--help" in words or (len(words) > 1 and words[1] != "--key"):
        print(__doc__)
        return 2
    known = [word.lower() for word in words[2:]]
    faults, said = verify(Path(words[0]).read_bytes(), known)
    print(said)
    for fault in faults:
        print(f"✗ {fault}")
    if not known:
        print("! 请与既存公钥核对 compare the keys above with a copy from before: --key")
    print("✗ 有误 faults" if faults else "✓ 完整 whole")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
