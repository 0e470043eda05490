"""A decision made again from its snapshot: the same bytes whatever became of the rows since."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from geo_api.cases.chain_keys import ChainKeys
from geo_api.cases.packs import make_pack
from geo_api.cases.verify_pack import verify
from geo_api.cli.main import app
from geo_api.http.settings import Settings
from geo_api.jobs.snapshots import SnapshotFault, SnapshotStore, replay
from grid.cases.proof.hash_chain import canonical
from layers.attachments import AttachmentStore
from layers.errors import NotFound
from layers.postgres import SYSTEM, session
from tests.support.prepared_demo import PreparedDemo


@pytest.fixture(scope="module")
def city(
    prepared_demo: PreparedDemo, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, SnapshotStore, Settings]]:
    with prepared_demo.copy(tmp_path_factory.mktemp("replayed") / "data", "replayed") as settings:
        yield settings.database_url, SnapshotStore(str(settings.snapshots_folder())), settings


def test_the_same_bytes_after_late_fixes_corrected_meters_and_a_merged_county(
    city: tuple[str, SnapshotStore, Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, store, settings = city
    with session(SYSTEM, url) as db:
        cases = db.execute(
            text(
                "SELECT c.number, c.alert_id, c.assignment, a.level, a.score, a.evidence, a.would_lower"
                " FROM cases c JOIN alerts a ON a.id = c.alert_id ORDER BY c.id"
            )
        ).all()
    assert len(cases) >= 3
    before = {row.number: replay(url, store, row.number) for row in cases}
    for row in cases:  # what was decided then, as it is stored
        read = json.loads(before[row.number])
        assert (read["level"], read["evidence"], read["would_lower"]) == (
            row.level, canonical(row.evidence), canonical(row.would_lower),
        )  # fmt: skip
        assert read["score"] == pytest.approx(row.score, abs=0)
        assert read["assignment"] == canonical(row.assignment)
        assert replay(url, store, str(row.alert_id)) == before[row.number]
    with session(SYSTEM, url) as db:
        db.execute(text("UPDATE meter_readings SET value = value * 0.1, quality = 'measured'"))
        db.execute(text("UPDATE visits SET entered_at = entered_at - interval '3 days', seen_s = 1"))
        db.execute(text("DELETE FROM fixes"))
        db.execute(text("UPDATE enterprises SET status = 'operating', hazard = 'none'"))
        db.execute(text("UPDATE duty_items SET body = body || '（新）', valid_to = DATE '2001-01-01'"))
        counties = db.scalars(
            text("SELECT id FROM areas WHERE kind = 'county' AND valid_to IS NULL ORDER BY id")
        ).all()
        db.execute(
            text(
                "UPDATE areas SET name = '合并县', valid_to = valid_from + interval '1 day' WHERE id = ANY (:ids)"
            ),
            {"ids": list(counties)},
        )
        db.execute(text("UPDATE areas SET parent_id = :one WHERE kind = 'town'"), {"one": counties[0]})
    for number, decision in before.items():
        again = replay(url, store, number)
        place = next((i for i, (a, b) in enumerate(zip(again, decision, strict=False)) if a != b), None)
        assert again == decision, (again[place - 200 : place + 60], decision[place - 60 : place + 60])
    monkeypatch.setenv("WANGGE_DATABASE_URL", url)
    monkeypatch.setenv("WANGGE_DATA_DIR", str(settings.data_dir))
    number = cases[0].number
    said = CliRunner().invoke(app, ["replay", number])
    assert said.exit_code == 0 and said.stdout.strip().splitlines()[-1].encode() == before[number]


def test_the_first_event_names_the_snapshot_and_a_flipped_byte_of_it_is_named(
    city: tuple[str, SnapshotStore, Settings],
) -> None:
    url, store, settings = city
    with session(SYSTEM, url) as db:
        number, digest = db.execute(
            text(
                "SELECT c.number, e.payload ->> 'snapshot_sha256' FROM cases c JOIN case_events e ON e.case_id = c.id"
                " WHERE e.seq = 1 ORDER BY c.id DESC LIMIT 1"
            )
        ).one()
    keys, files = ChainKeys(settings.chain_keys_folder()), AttachmentStore(settings.attachments_place())
    pack = make_pack(url, keys, files, number, dt.datetime.now(dt.UTC), settings.snapshots_folder())
    assert verify(pack, [])[0] == [], "the pack holds the snapshot that the first event names"
    assert any(
        digest in fault
        for fault in verify(make_pack(url, keys, files, number, dt.datetime.now(dt.UTC)), [])[0]
    )
    path: Path = settings.snapshots_folder() / f"{digest}.parquet"
    whole = path.read_bytes()
    for place in (0, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(SnapshotFault, match=digest):
            replay(url, store, number)
    path.unlink()
    with pytest.raises(SnapshotFault, match="missing"):
        replay(url, store, number)
    path.write_bytes(whole)
    with pytest.raises(NotFound):
        replay(url, store, "AJ-none")
