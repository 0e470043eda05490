"""Sources on a schedule: a department that sends late, twice, wrong and not at all, and sources elsewhere."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
from sqlalchemy import text

from geo_api.city_file import Source
from geo_api.jobs.worker import job_app, resume_stalled
from geo_api.sharing.addresses import networks
from geo_api.sources.configured import SourcesSetup, sources_setup
from geo_api.sources.folder_drop import look
from geo_api.sources.health import health_of
from geo_api.sources.runs import run_due, run_source
from layers.batches import undo_batch
from layers.postgres import SYSTEM, advisory_lock, libpq_url, session
from tests.support.application import Api, Seeded, api_over, logged_in

ZONE = ZoneInfo("Asia/Shanghai")
CITY = """
name_zh = "测试市"
name_en = "Test"
code = "320600"
case_prefix = "CS"
time_zone = "Asia/Shanghai"

[[sources]]
name = "用电"
kind = "meters"
department = "供电公司"
files = "drop/*.csv"
every = "10m"
contract = "power.json"
"""
CONTRACT = {
    "fields": [
        {"name": "场所编号", "type": "string", "constraints": {"required": True, "pattern": "S-[A-Z]"}},
        {"name": "kind", "type": "string", "constraints": {"enum": ["电", "水", "power"]}},
        {"name": "日期", "type": "date"},
        {"name": "value", "type": "number", "constraints": {"minimum": 0, "maximum": 1000}},
        {"name": "quality"},
        {"name": "meter_id"},
    ],
    "primaryKey": ["场所编号", "日期", "meter_id"],
    "wangge": {
        "warn": ["value.maximum"],
        "freshness": {"field": "日期", "at_most": "3d"},
        "volume": {"at_least": 0.5, "at_most": 2, "of_last": 10},
        "delivery": {"every": "1d", "by": "09:00", "grace": "1h"},
    },
}


@dataclass
class Office:
    """An installation, the folder of a department, and the time that the test says it is."""

    api: Api
    setup: SourcesSetup
    now: dt.datetime = dt.datetime(2026, 3, 1, 8, tzinfo=ZONE)

    def __post_init__(self) -> None:
        self.setup = replace(self.setup, clock=lambda: self.now.astimezone(dt.UTC))

    def at(self, day: int, hour: int, minute: int = 0) -> None:
        self.now = dt.datetime(2026, 3, day, hour, minute, tzinfo=ZONE)

    def send(self, name: str, rows: list[str]) -> Path:
        """Put a file into the folder a minute ago."""
        path = self.setup.city_folder / "drop" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(
            "场所编号,kind,日期,value,quality,meter_id\n" + "\n".join(rows) + "\n", encoding="utf-8"
        )
        then = (self.now - dt.timedelta(minutes=1)).timestamp()
        os.utime(path, (then, then))
        return path

    def look(self) -> dict[int, str]:
        states: dict[int, str] = {}
        for report in run_due(self.setup):
            states |= report.states
            assert report.outcome != "failed", report.notes
        return states

    def problems(self) -> list[str]:
        with session(SYSTEM, self.api.url) as db:
            return [problem.kind for problem in health_of(db, self.setup)[0].problems]

    def count(self, what: str) -> Any:
        with session(SYSTEM, self.api.url) as db:
            return db.scalar(text(f"SELECT count(*) FROM {what}"))


def readings(day: int, meters: int = 4, value: float = 50) -> list[str]:
    """Rows of the day before."""
    date = dt.date(2026, 3, 1) + dt.timedelta(days=day - 2)
    return [f"S-A,power,{date},{value + n:g},measured,M{n}" for n in range(meters)]


@pytest.fixture
def office(seeded: Seeded, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Office]:
    for api in api_over(seeded, f"sources_{abs(hash(request.node.name))}", tmp_path):
        (tmp_path / "city.toml").write_text(CITY, encoding="utf-8")
        api.settings.city_file = tmp_path / "city.toml"
        (tmp_path / "power.json").write_text(json.dumps(CONTRACT), encoding="utf-8")
        yield Office(api, sources_setup(api.settings, api.url))


def test_a_department_sends_late_twice_wrong_and_not_at_all(office: Office) -> None:
    before = office.count("meter_readings")
    for day in (3, 4, 5):  # as it should be
        office.at(day, 8, 30)
        office.send(f"{day}.csv", readings(day))
        assert list(office.look().values()) == ["imported"]
        assert office.problems() == []
    assert office.count("meter_readings") == before + 3 * 4

    # Day one: late. At eleven nothing is there; what comes in the afternoon is taken, and the next day is due by nine.
    office.at(6, 9, 59)
    assert (office.look(), office.problems()) == ({}, [])
    office.at(6, 11)
    assert (office.look(), office.problems()) == ({}, ["late"])
    office.at(6, 15)
    office.send("6.csv", readings(6))
    assert list(office.look().values()) == ["imported"]
    assert office.problems() == []

    # Day two: twice, the second time under another name; nothing is imported twice.
    office.at(7, 8)
    office.send("7.csv", readings(7))
    assert list(office.look().values()) == ["imported"]
    batches = office.count("batches")
    office.at(7, 8, 30)
    office.send("7 (1).csv", readings(7))
    assert list(office.look().values()) == ["same"]
    assert (office.count("batches"), office.count("meter_readings")) == (batches, before + 5 * 4)
    office.at(7, 9)
    assert office.look() == {}, "what was taken is not taken again"

    # Day three: wrong. It is held with the rows and reasons, and good data is late in spite of it.
    office.at(8, 8)
    office.send(
        "8.csv", [*readings(8), readings(8)[0], "S-A,power,2026-03-07,-3,measured,M8", "x,电,8月,5000,,M9"]
    )
    held = office.look()
    assert list(held.values()) == ["quarantined"] and office.problems() == ["held"]
    assert office.count("meter_readings") == before + 5 * 4
    office.at(8, 12)
    assert office.problems() == ["held", "late", "stopped"], "and nobody has looked since eight"
    assert (office.look(), office.problems()) == ({}, ["held", "late"])
    (delivery_id,) = held
    client = logged_in(office.api.app, "dispatcher")
    body = client.get(f"/v1/deliveries/{delivery_id}").json()
    assert {rule["rule"]: (rule["level"], rule["rows"]) for rule in body["rules"]} == {
        "site_id.pattern": ("hold", 1), "value.minimum": ("hold", 1), "value.maximum": ("warn", 1),
        "unique": ("hold", 1), "day.type": ("hold", 1),
    }  # fmt: skip
    assert {(one["row"], one["rule"]) for one in body["findings"]} == {
        (5, "unique"), (6, "value.minimum"), (7, "site_id.pattern"), (7, "value.maximum"), (7, "day.type"),
    }  # fmt: skip
    report = client.get(f"/v1/deliveries/{delivery_id}/report?f=csv").text
    assert "6,value,value.minimum,暂存 held,小于 0,below 0" in report
    assert "-3" not in report and "5000" not in report, "no value leaves with the report"
    page = client.get(f"/v1/deliveries/{delivery_id}/report").text
    assert "8.csv" in page and "小于 0" in page and "below 0" in page
    # The corrected file comes; the wrong one is refused with a reason.
    office.at(8, 13)
    office.send("8 改.csv", readings(8))
    assert list(office.look().values()) == ["imported"]
    refused = client.post(f"/v1/deliveries/{delivery_id}/refuse", json={"reason": "已重报"})
    assert refused.status_code == 200 and refused.json()["decided_by"] == "dispatcher"
    assert client.post(f"/v1/deliveries/{delivery_id}/release", json={"reason": "x"}).status_code == 409
    assert office.problems() == []

    # Day four: nothing. It is late, by how much is said, and the curve holds what came.
    office.at(9, 22)
    assert (office.look(), office.problems()) == ({}, ["late"])
    with session(SYSTEM, office.api.url) as db:
        health = health_of(db, office.setup)[0]
    assert health.late_s == 12 * 3600 and "12.0 h" in health.problems[0].en
    states = [(one.rows, one.state) for one in health.curve]
    assert states[-4:] == [(4, "imported"), (None, "same"), (7, "refused"), (4, "imported")]


def test_lineage_leads_from_a_row_to_the_row_of_the_file(office: Office) -> None:
    office.at(3, 8)
    office.send("3.csv", readings(3))
    (delivery_id,) = office.look()
    client = logged_in(office.api.app, "supervisor")
    key = {"key": ["site_id:S-A", "kind:power", "day:2026-03-02"]}
    answer = client.get("/v1/lineage/rows/meter_readings", params=key)
    assert answer.status_code == 200, answer.text
    (origin,) = answer.json()["origins"]
    assert origin["delivery"]["id"] == delivery_id and origin["run"]["source"] == "用电"
    assert origin["file_rows"] == [1, 2, 3, 4] and origin["import"]["file_name"] == "3.csv"
    answer = client.get(f"/v1/lineage/alerts/{office.api.ids['alert_A']}")
    assert answer.status_code == 200, answer.text
    behind = answer.json()["origins"]
    assert delivery_id in {(one["delivery"] or {}).get("id") for one in behind}
    of_import = client.get(f"/v1/lineage/imports/{origin['import']['id']}").json()["origins"]
    assert of_import[0]["rows"] == 4 and of_import[0]["delivery"]["origin"].endswith("drop/3.csv")
    assert logged_in(office.api.app, "officer.a").get("/v1/sources").status_code == 403


def test_held_rows_are_released_by_a_person_and_a_volume_is_held(office: Office) -> None:
    for day in (3, 4, 5):
        office.at(day, 8)
        office.send(f"{day}.csv", readings(day))
        office.look()
    office.at(6, 8)
    office.send("6.csv", readings(6, meters=1))
    (held,) = office.look().items()
    assert held[1] == "quarantined"
    client = logged_in(office.api.app, "supervisor")
    (rule,) = client.get(f"/v1/deliveries/{held[0]}").json()["rules"]
    assert rule == {"rule": "volume", "level": "hold", "rows": 1}
    assert client.post(f"/v1/deliveries/{held[0]}/release", json={"reason": ""}).status_code == 422
    released = client.post(f"/v1/deliveries/{held[0]}/release", json={"reason": "三块表停用"})
    assert released.json()["state"] == "released"
    office.at(6, 8, 1)
    assert office.look() == {held[0]: "imported"}
    # An import that is undone may come again.
    with session(SYSTEM, office.api.url) as db:
        batch = db.scalar(text("SELECT batch_id FROM deliveries WHERE id = :id"), {"id": held[0]})
        undo_batch(db, batch, by="test", now=office.now)
    office.at(6, 9)
    office.send("6 again.csv", readings(6, meters=1))
    assert list(office.look().values()) == ["quarantined"]


KILLED = """
import os, sys
from pathlib import Path
from geo_api.http.settings import Settings
from geo_api.sources import runs
from geo_api.sources.configured import sources_setup
settings = Settings(database_url=sys.argv[1], data_dir=Path(sys.argv[2]))
setup = sources_setup(settings, settings.database_url)
whole = getattr(runs, sys.argv[3])
def killed(*args, **more):
    if sys.argv[3] == "import_source_file":
        whole(*args, **more)
    os._exit(9)
setattr(runs, sys.argv[3], killed)
runs.run_due(setup)
"""


@pytest.mark.parametrize("at", ["check_file", "import_source_file"])
def test_a_killed_worker_is_resumed_without_doubling(office: Office, at: str) -> None:
    office.now = dt.datetime.now(ZONE)
    day = (office.now - dt.timedelta(days=1)).date()
    office.send("now.csv", [f"S-A,power,{day},{n},measured,K{n}" for n in range(5)])
    before = office.count("meter_readings")
    environment = os.environ | {"WANGGE_CITY_FILE": str(office.setup.city_file)}
    arguments = [sys.executable, "-c", KILLED, office.api.url, str(office.setup.city_folder), at]
    assert subprocess.run(arguments, timeout=240, env=environment).returncode == 9
    assert office.count("deliveries WHERE state = 'received'") == 1
    assert "cut" in office.problems()
    with session(SYSTEM, office.api.url) as db, advisory_lock(db, "source 用电"):
        assert "cut" not in office.problems()  # somebody is at it
    assert list(office.look().values()) == ["imported"]
    assert office.count("meter_readings") == before + 5
    assert office.count("batches WHERE options ? 'delivery'") == 1
    assert office.count("source_runs WHERE outcome = 'running'") == 0
    assert "cut" not in office.problems()


def test_a_file_that_goes_while_it_is_taken_is_told_and_the_others_are_taken(tmp_path: Path) -> None:
    (drop := tmp_path / "drop").mkdir()
    for name in ("a.csv", "b.csv", "c.csv"):
        (drop / name).write_text("x\n")
        os.utime(drop / name, (1, 1))
    (drop / "d.csv").symlink_to(drop / "nothing.csv")

    def forgotten(origin: str, _: str) -> bool:
        if origin.endswith("b.csv"):
            Path(origin).unlink()
        return False

    (incoming := tmp_path / "incoming").mkdir()
    fetched = look(["drop/*.csv"], "meters", tmp_path, incoming, 1000, forgotten)
    assert [found.content.file_name for found in fetched.found] == ["a.csv", "c.csv"]
    assert [note.split(":")[0] for note in fetched.notes if "gone before" in note] == ["d.csv", "b.csv"]


def test_a_job_of_a_worker_that_died_is_put_back(office: Office) -> None:
    async def die_and_resume() -> int:
        app = job_app(office.api.url, office.api.settings)
        async with app.open_async():
            await app.tasks["geo_api.worker.sources"].defer_async(timestamp=1)
            with session(SYSTEM, office.api.url) as db:
                db.execute(text(DEAD_WORKER))
            return await resume_stalled(app)

    assert asyncio.run(die_and_resume()) == 1
    assert office.count("procrastinate_jobs WHERE status = 'todo'") == 1


DEAD_WORKER = """
WITH dead AS (INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '5 minutes') RETURNING id)
UPDATE procrastinate_jobs SET status = 'doing', worker_id = (SELECT id FROM dead)
"""


class _Server(ThreadingHTTPServer):
    body = b""
    seen: list[tuple[str | None, str | None]]


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        server: Any = self.server
        server.seen.append((self.headers.get("If-None-Match"), self.headers.get("Authorization")))
        etag = f'"{len(server.body)}"'
        if self.path == "/moved.csv":
            self.send_response(302)
            self.send_header("Location", "/power.csv")
            self.end_headers()
            return
        if self.headers.get("If-None-Match") == etag:
            self.send_response(304)
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("ETag", etag)
        self.send_header("Content-Length", str(len(server.body)))
        self.end_headers()
        self.wfile.write(server.body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def department() -> Iterator[_Server]:
    server = _Server(("127.0.0.1", 0), _Handler)
    server.seen = []
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    thread.join(timeout=10)
    server.server_close()


HEAD = "site_id,kind,day,value,quality,meter_id\n"


def test_http_is_asked_for_what_changed_and_for_no_private_address(
    office: Office, department: _Server
) -> None:
    address = f"http://127.0.0.1:{department.server_address[1]}"
    department.body = (HEAD + "S-A,power,2026-03-01,5,measured,H1\n").encode()
    source = Source.model_validate(
        {"name": "网", "kind": "meters", "from": {"url": f"{address}/power.csv", "secret": "web"}}
    )
    secrets = office.setup.city_folder / "source_secrets.toml"
    secrets.write_text('[web]\nheaders = { Authorization = "Bearer sesame" }\n')
    office.at(3, 8)
    refused = run_source(office.setup, source, "test")
    assert refused.outcome == "failed" and "chmod 600" in refused.notes[0]
    secrets.chmod(0o600)
    refused = run_source(office.setup, source, "test")
    assert refused.outcome == "failed" and "WANGGE_SOURCE_NETWORKS" in refused.notes[0]
    assert department.seen == [], "a private address is not even asked"

    allowed = replace(office.setup, allowed=networks("127.0.0.1/32"))
    assert list(run_source(allowed, source, "test").states.values()) == ["imported"]
    assert run_source(allowed, source, "test").states == {}
    department.body += b"S-A,power,2026-03-02,6,measured,H1\n"
    assert list(run_source(allowed, source, "test").states.values()) == ["imported"]
    first = f'"{len(department.body.partition(b"S-A,power,2026-03-02")[0])}"'
    assert [asked for asked, _ in department.seen] == [None, first, first]
    assert {told for _, told in department.seen} == {"Bearer sesame"}
    with session(SYSTEM, office.api.url) as db:
        stored = db.scalar(text("SELECT string_agg(d::text, '') || (SELECT string_agg(r::text, '') FROM source_runs r)"
                                " || (SELECT string_agg(s::text, '') FROM source_states s) FROM deliveries d"))  # fmt: skip
    assert "sesame" not in stored
    small = replace(allowed, limit_bytes=20)
    department.body += b" "
    assert "WANGGE_SOURCE_MAX_MB" in run_source(small, source, "test").notes[0]
    moved = Source.model_validate({"name": "移", "kind": "meters", "from": {"url": f"{address}/moved.csv"}})
    assert "302 (redirects are not followed)" in run_source(allowed, moved, "test").notes[0]


def test_rows_of_a_table_come_once_and_late_ones_are_not_lost(office: Office) -> None:
    """Names as no office should give them; a transaction that ends after one with later times."""
    url = libpq_url(office.api.url)
    with psycopg.connect(url, autocommit=True) as server:
        server.execute('CREATE SCHEMA other; CREATE TABLE other."Me""ter" (site_id text, kind text, day date, value float8,'
                       ' quality text, meter_id text, "at; --" timestamptz, id serial)')  # fmt: skip

    def put(meter: str, at: str) -> None:
        with psycopg.connect(url, autocommit=True) as server:
            server.execute(
                'INSERT INTO other."Me""ter" VALUES (%s, %s, %s, 1, %s, %s, %s)',
                ("S-A", "power", "2026-03-01", "measured", meter, at),
            )

    columns = ["site_id", "kind", "day", "value", "quality", "meter_id"]
    of = {"database": "power", "table": 'other.Me"ter', "by": "at; --", "key": "id", "columns": columns}
    source = Source.model_validate({"name": "表", "kind": "meters", "from": of})
    secrets = office.setup.city_folder / "source_secrets.toml"
    secrets.write_text(f"[power]\nurl = {json.dumps(url)}\n")
    secrets.chmod(0o600)
    office.at(3, 8)

    def look() -> list[str]:
        report = run_source(office.setup, source, "test")
        assert not report.notes or report.states, report.notes
        return list(report.states.values())

    put("T1", "2026-03-02 00:00:00Z")
    put("T2", "2026-03-02 00:01:00Z")
    assert (look(), office.count("meter_readings WHERE meter_id LIKE 'T%'")) == (["imported"], 2)
    assert look() == []
    put("T3", "2026-03-02 00:00:30Z")  # ended late: before the last row that was read
    assert (look(), office.count("meter_readings WHERE meter_id LIKE 'T%'")) == (["imported"], 3)
    put("T4", "2026-03-02 00:01:00Z")  # the same time as the last one
    assert (look(), office.count("meter_readings WHERE meter_id LIKE 'T%'")) == (["imported"], 4)
    assert look() == []
    with psycopg.connect(url, autocommit=True) as server:
        server.execute('ALTER TABLE other."Me""ter" ALTER "at; --" DROP NOT NULL')
        server.execute('UPDATE other."Me""ter" SET "at; --" = NULL WHERE meter_id = %s', ("T1",))
    failed = run_source(office.setup, source, "test")
    assert failed.outcome == "failed" and "would never be read" in failed.notes[0]
