"""Attachments of cases: what is taken, what is refused, what is served, and what the chain holds."""

from __future__ import annotations

import datetime as dt
import io
import json
import struct
import zipfile
import zlib
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from PIL.TiffImagePlugin import IFDRational
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from geo_api.cases.packs import make_pack
from geo_api.cases.verify_pack import verify
from geo_api.cli.check_database import check_attachments
from geo_api.server.request_limits import body_limit
from grid.cases import open_case, transition, verify_chain
from grid.responsibility import assign
from layers.attachments import AttachmentStore, MissingFile, UnfitFile, media_type_of, read_photo
from layers.postgres import SYSTEM, Scope, session
from tests.support.application import Api, Seeded, api_over, logged_in

OPENED = dt.datetime(2026, 3, 1, 2, tzinfo=dt.UTC)
PDF = b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"

ANY = {"If-Match": "*"}


@pytest.fixture
def own(seeded: Seeded, tmp_path: Path) -> Iterator[Api]:
    yield from api_over(seeded, f"attached_{tmp_path.name}", tmp_path)


def case_of(api: Api, letter: str = "A") -> str:
    """A case in the middle of the town's community."""
    with session(SYSTEM, api.url) as db:
        lon, lat = db.execute(
            text("SELECT ST_X(label_point), ST_Y(label_point) FROM areas WHERE id = :id"),
            {"id": api.ids[f"community_{letter}"]},
        ).one()
        answer = assign(db, lon=lon, lat=lat, item_code="ECO-001", at=OPENED)
        case = open_case(
            db, title="t", item_code="ECO-001", assignment=answer, lon=lon, lat=lat, opened_at=OPENED
        )
        return str(case.number)


def place_of(api: Api, number: str) -> tuple[float, float]:
    with session(SYSTEM, api.url) as db:
        row = db.execute(
            text("SELECT ST_X(geom), ST_Y(geom) FROM cases WHERE number = :n"), {"n": number}
        ).one()
        return row[0], row[1]


def sexagesimal(degrees: float) -> tuple[IFDRational, ...]:
    whole, rest = divmod(abs(degrees) * 60, 60)[0], abs(degrees) * 60
    minutes = int(rest - whole * 60)
    seconds = (rest - whole * 60 - minutes) * 60
    return IFDRational(int(whole)), IFDRational(minutes), IFDRational(round(seconds * 10_000), 10_000)


def photo(
    place: tuple[float, float] | None = None, taken: str | None = None, kind: str = "JPEG", **more: Any
) -> bytes:
    """A photo as a phone writes it: its owner and serial number are in the EXIF, too."""
    exif = Image.Exif()
    exif[315], exif[0x010F] = "Zhang San", "Phone"
    details = exif.get_ifd(0x8769)
    details[0xA430], details[0xA431] = "OWNER-NAME", "SERIAL-4711"
    if taken:
        details[36867] = taken
    if place:
        lon, lat = place
        exif.get_ifd(0x8825).update(
            {1: "N" if lat >= 0 else "S", 2: sexagesimal(lat), 3: "E", 4: sexagesimal(lon)}
        )
    exif.get_ifd(0x8825).update(more.get("gps", {}))
    made = io.BytesIO()
    Image.new("RGB", more.get("size", (640, 480)), "olive").save(made, kind, exif=exif)
    return made.getvalue()


def post(api: Api, number: str, content: bytes, who: str = "dispatcher", name: str = "现场.jpg") -> Any:
    path = f"/v1/cases/{number}/attachments"
    return logged_in(api.app, who).post(path, params={"name": name}, content=content)


def test_a_photo_is_compared_with_the_case_and_served_without_what_names_people(own: Api) -> None:
    number = case_of(own)
    lon, lat = place_of(own, number)
    # 1,200 m north: a minute of latitude is a nautical mile, 1,852 m, within a few metres at this latitude.
    content = photo((lon, lat + 1_200 / 1_852 / 60), "2026:03:01 11:30:00")
    answer = post(own, number, content)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert abs(made["distance_m"] - 1_200) < 6 and made["sha256"] == sha256(content).hexdigest()
    place, time = made["comparison"]
    assert (place["zh"], place["fit"]) == ("照片拍摄地距案件 1.2 km", "far")
    assert made["taken_at"] == "2026-03-01T03:30:00Z", "a time without zone is that of the city"
    assert "2026-03-01 11:30" in time["zh"] and time["fit"] == "near"
    client = logged_in(own.app, "dispatcher")
    for address in (made["file"], made["preview"]):
        served = client.get(address)
        assert served.headers["content-type"] == "image/jpeg"
        assert "sandbox" in served.headers["content-security-policy"]
        assert not any(word in served.content for word in (b"SERIAL", b"OWNER", b"Zhang", b"Exif", b"Phone"))
        assert not Image.open(io.BytesIO(served.content)).getexif()
    assert max(Image.open(io.BytesIO(client.get(made["preview"]).content)).size) == 320
    original = f"/v1/cases/{number}/attachments/{made['id']}/original"
    assert made["original"] is None and client.get(original).status_code == 403
    kept = logged_in(own.app, "supervisor").get(original)
    assert kept.content == content and kept.headers["content-disposition"].startswith("attachment")


def test_the_chain_holds_the_hash_and_not_the_place_of_a_photo(own: Api) -> None:
    number = case_of(own)
    made = post(own, number, photo(place_of(own, number))).json()
    event = logged_in(own.app, "dispatcher").get(f"/v1/cases/{number}").json()["events"][-1]
    assert (event["action"], event["seq"]) == ("attach", made["event_seq"])
    assert event["payload"]["sha256"] == made["sha256"] and event["payload"]["name"] == "现场.jpg"
    assert not {"lon", "lat", "place"} & set(event["payload"]) and event["payload"]["distance_m"] <= 1
    with session(SYSTEM, own.url) as db:
        assert verify_chain(db, number) == []


@pytest.mark.parametrize(
    ("gps", "taken", "place", "time"),
    [
        ({}, None, "missing", "missing"),
        ({1: "N", 2: (IFDRational(95), IFDRational(0), IFDRational(0)), 3: "E", 4: sexagesimal(121)}, None, "wrong", "missing"),
        ({1: "Q", 2: sexagesimal(32), 3: "E", 4: sexagesimal(121)}, "2026:13:41 25:00:00", "wrong", "wrong"),
        ({1: "N", 2: (IFDRational(0),) * 3, 3: "E", 4: (IFDRational(0),) * 3}, "2199:01:01 00:00:00", "wrong", "wrong"),
        ({1: "N", 2: (IFDRational(1, 0),) * 3, 3: "E", 4: sexagesimal(121)}, "2019:01:01 00:00:00", "wrong", "far"),
    ],
)  # fmt: skip
def test_wrong_and_missing_exif_is_told_and_not_refused(
    own: Api, gps: Any, taken: str, place: str, time: str
) -> None:
    answer = post(own, case_of(own), photo(None, taken, gps=gps))
    assert answer.status_code == 201, answer.text
    assert [each["fit"] for each in answer.json()["comparison"]] == [place, time]


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "HEIF"])
def test_other_photos_are_known_by_their_content(own: Api, kind: str) -> None:
    answer = post(own, case_of(own), photo(kind=kind), name="a.txt")
    wanted = {"PNG": "image/png", "WEBP": "image/webp", "HEIF": "image/heic"}[kind]
    assert answer.status_code == 201 and answer.json()["media_type"] == wanted, answer.text


def bomb() -> bytes:
    """A PNG of 400 million pixels in a few bytes."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", 20_000, 20_000, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(b"\0" * 9))
        + chunk(b"IEND", b"")
    )


def archive() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as file:
        file.writestr("a.class", b"x")
    return made.getvalue()


HOSTILE = {
    "html": (b"<html><script>alert(1)</script></html>", 415),
    "svg": (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", 415),
    "gif": (b"GIF89a/*<script>*/=1;", 415),
    "program": (b"\x7fELF" + b"\0" * 100, 415),
    "empty": (b"", 422),
    "photo with a script behind": (photo() + b"<script>alert(1)</script>", 422),
    "photo with a page behind": (photo() + b"<!DOCTYPE html><body onload=x>", 422),
    "photo that is an archive": (photo() + archive(), 422),
    "photo that is a PDF": (photo()[:20] + PDF + photo()[20:], 422),
    "cut photo": (photo()[:2000], 422),
    "signature alone": (b"\xff\xd8\xff\xe0", 422),
    "bomb": (bomb(), 422),
    "PDF with a script": (PDF.replace(b"<<>>", b"<</OpenAction<</S/JavaScript/JS(x)>>>>", 1), 422),
    "cut PDF": (PDF[:20], 422),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_plain_photo_or_pdf_is_refused_and_leaves_nothing(own: Api, name: str) -> None:
    content, status = HOSTILE[name]
    number = case_of(own)
    answer = post(own, number, content)
    assert answer.status_code == status, answer.text
    assert answer.json()["detail"] and answer.json()["detail_zh"]
    client = logged_in(own.app, "dispatcher")
    assert client.get(f"/v1/cases/{number}/attachments").json() == {"attachments": []}
    assert len(client.get(f"/v1/cases/{number}").json()["events"]) == 1
    assert not [*own.settings.data_dir.glob("attachments/**/*")]


def test_two_gigabytes_are_refused_before_they_are_read(own: Api) -> None:
    number = case_of(own)
    client = logged_in(own.app, "dispatcher")
    path = f"/v1/cases/{number}/attachments?name=a.jpg"
    answer = client.post(path, content=b"\xff\xd8\xff", headers={"Content-Length": str(2 * 2**30)})
    assert answer.status_code == 413
    assert body_limit("/v1/cases/NT-1/attachments").max_bytes == 25 * 2**20
    assert body_limit("/v1/cases/NT-1/attachments/3/take-back").max_bytes == body_limit("/v1/x").max_bytes


def test_a_pdf_is_saved_and_never_run(own: Api) -> None:
    number = case_of(own)
    made = post(own, number, PDF, name="../../etc/文书\u202e.pdf").json()
    assert (made["kind"], made["name"], made["preview"]) == ("document", "文书.pdf", None)
    served = logged_in(own.app, "dispatcher").get(made["file"])
    assert served.content == PDF and served.headers["content-type"] == "application/pdf"
    assert served.headers["content-disposition"].startswith("attachment")
    assert "sandbox" in served.headers["content-security-policy"]


def test_taken_back_is_hidden_with_its_reason_and_stays_in_the_pack(own: Api) -> None:
    number = case_of(own)
    content = photo()
    made = post(own, number, content, who="officer.a").json()
    again = post(own, number, content)
    assert again.status_code == 409
    back = f"/v1/cases/{number}/attachments/{made['id']}/take-back"
    client = logged_in(own.app, "dispatcher")
    assert client.post(back, json={"reason": "  "}).status_code == 409
    answer = client.post(back, json={"reason": "拍错地点"})
    assert answer.status_code == 200 and answer.json()["taken_back_reason"] == "拍错地点"
    assert client.get(made["file"]).status_code == 404 and client.get(made["preview"]).status_code == 404
    assert client.post(back, json={"reason": "again"}).status_code == 404
    (listed,) = client.get(f"/v1/cases/{number}/attachments").json()["attachments"]
    assert (listed["file"], listed["taken_back_by"]) == (None, "dispatcher")
    assert post(own, number, content).status_code == 201, "it may be attached again"
    state = own.app.state
    pack = make_pack(own.url, state.chain_keys, state.attachment_store, number, dt.datetime.now(dt.UTC))
    assert verify(pack, [])[0] == []
    names = zipfile.ZipFile(io.BytesIO(pack)).namelist()
    assert len([name for name in names if name.startswith("attachments/")]) == 2
    with session(SYSTEM, own.url) as db, pytest.raises(ProgrammingError):
        db.execute(text("DELETE FROM attachments"))


def test_attachments_are_seen_by_who_sees_the_case(own: Api) -> None:
    number = case_of(own, "A")
    made = post(own, number, photo()).json()
    other = logged_in(own.app, "officer.b")
    assert other.get(f"/v1/cases/{number}/attachments").status_code == 404
    assert other.get(made["file"]).status_code == 404
    assert post(own, number, photo(size=(50, 50)), who="officer.b").status_code == 404
    with session(Scope("officer", False, (own.ids["community_B"],), "officer.b"), own.url) as db:
        assert db.scalar(text("SELECT count(*) FROM attachments")) == 0
    with session(Scope("officer", False, (own.ids["community_A"],), "officer.a"), own.url) as db:
        assert db.scalar(text("SELECT count(*) FROM attachments")) == 1


def test_a_step_without_a_file_is_no_attachment(own: Api) -> None:
    number = case_of(own)
    client = logged_in(own.app, "dispatcher")
    path = f"/v1/cases/{number}/events"
    for action, payload in (("attach", {"name": "x"}), ("take_back", {}), ("note", {"sha256": "a" * 64})):
        answer = client.post(path, json={"action": action, "note": "x", "payload": payload}, headers=ANY)
        assert answer.status_code == 422, (action, answer.text)


def test_a_matter_that_asks_for_evidence_refuses_a_disposal_without_it(own: Api) -> None:
    with session(SYSTEM, own.url) as db:
        db.execute(
            text(
                "INSERT INTO matters (item_code, name, domain, evidence, valid_from)"
                " VALUES ('ECO-001', '非法复工', 'ecology', '{photo,document}', '2020-01-01')"
                " ON CONFLICT (item_code, valid_from) DO UPDATE SET evidence = EXCLUDED.evidence"
            )
        )
        db.execute(text("UPDATE users SET body = '测试区生态环境局' WHERE username = 'officer.a'"))
        db.execute(text("UPDATE matters SET evidence = '{photo,document,note}' WHERE item_code = 'ECO-001'"))
    number = case_of(own)
    with session(SYSTEM, own.url) as db:
        for action in ("verify", "file", "dispatch"):
            transition(db, number, action, actor="dispatcher", role="dispatcher", at=OPENED)
    client = logged_in(own.app, "officer.a")
    path, step = f"/v1/cases/{number}/events", {"action": "dispose", "note": "x"}
    bare = client.post(path, json={"action": "dispose"}, headers=ANY)
    assert bare.json()["detail_zh"] == "处置前须补充证据：照片、文书、备注", "the disposal's own note is one"
    refused = client.post(path, json=step, headers=ANY)
    assert refused.status_code == 409 and refused.json()["detail_zh"] == "处置前须补充证据：照片、文书"
    made = post(own, number, photo(), who="officer.a").json()
    assert client.post(path, json=step, headers=ANY).json()["detail_zh"] == "处置前须补充证据：文书"
    post(own, number, PDF, who="officer.a", name="a.pdf")
    back = f"/v1/cases/{number}/attachments/{made['id']}/take-back"
    client.post(back, json={"reason": "x"})
    assert client.post(path, json=step, headers=ANY).json()["detail_zh"] == "处置前须补充证据：照片"
    post(own, number, photo(size=(40, 40)), who="officer.a")
    assert client.post(path, json=step, headers=ANY).status_code == 201


def test_the_store_keeps_files_by_their_hash_and_names_what_is_wrong(tmp_path: Path) -> None:
    for url in (str(tmp_path / "store"), "memory://attached"):
        store = AttachmentStore(url)
        kept, gone = store.put(PDF), sha256(b"gone").hexdigest()
        assert store.put(PDF) == kept == sha256(PDF).hexdigest() and store.get(kept) == PDF
        assert [*store.faults([kept, gone])] == [(gone, "missing")]
        for wrong in ("../secret", kept[:10], kept.upper()):
            with pytest.raises(MissingFile):
                store.get(wrong)
    (tmp_path / "store" / kept[:2] / kept).write_bytes(PDF + b" ")
    assert [*AttachmentStore(str(tmp_path / "store")).faults([kept])] == [(kept, "changed")]


def test_the_check_of_an_installation_names_files_that_the_store_lost(own: Api) -> None:
    made = post(own, case_of(own), PDF).json()
    store = own.app.state.attachment_store

    def found() -> Any:
        return check_attachments(own.url, store)

    assert found().ok
    (own.settings.data_dir / "attachments" / made["sha256"][:2] / made["sha256"]).write_bytes(b"changed")
    assert not found().ok and f"{made['sha256'][:12]}… changed" in found().detail_en


def test_the_kind_of_a_file_is_that_of_its_content() -> None:
    assert media_type_of(PDF) == "application/pdf" and media_type_of(photo()) == "image/jpeg"
    with pytest.raises(UnfitFile):
        media_type_of(b"\xff\xd8\xff" + b"\0" * (25 * 2**20))
    assert read_photo(photo(size=(64, 32))).width == 64
    assert json.dumps(read_photo(photo((121.5, 32.25))).place) is not None
    lon, lat = read_photo(photo((121.5, 32.25))).place or (0, 0)
    assert (round(lon, 6), round(lat, 6)) == (121.5, 32.25)
