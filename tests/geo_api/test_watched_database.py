"""The private database under a running service.

Killed, told to stop, out of disk, and not to be started any more.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import psutil  # type: ignore[import-untyped]
import pytest
from sqlalchemy import text

from geo_api.cli.check import check_disk
from geo_api.http.settings import Settings
from geo_api.server.serving import DATABASE_LOST
from layers.postgres import SYSTEM, session
from layers.private_server import Cluster
from tests.support.acknowledged_writes import Writers, compare
from tests.support.application import PASSWORD, Api, logged_in
from tests.support.fix_batches import NDJSON, encoded, rows
from tests.support.private_town import PrivateTown, make_private_town
from tests.support.service_process import Service, serve
from tests.support.small_disks import fill, small_disk
from tests.support.waiting import PATIENCE_S, wait_until

MIB = 2**20
UNTIRING = {"WANGGE_DATABASE_PAUSE_S": "1", "WANGGE_DATABASE_STARTS": "500"}
"""Setting of a short pause between tries: the tests are not about its length, nor about the end of trying."""
AREAS = "/collections/areas/items?limit=5"
DISK_FULL_FUNCTION = """
CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$
"""
DISK_FULL_TRIGGER = "CREATE TRIGGER no_room BEFORE INSERT ON vehicles EXECUTE FUNCTION no_room()"


@pytest.fixture(scope="module")
def made_town(short_tmp: Path) -> PrivateTown:
    """The town that the others are copies of; nobody serves it."""
    return make_private_town(short_tmp / "made")


@pytest.fixture(scope="module")
def town(made_town: PrivateTown, short_tmp: Path) -> PrivateTown:
    """The town of the service that several tests share."""
    return made_town.copy(short_tmp / "shared")


@pytest.fixture
def idle_town(
    made_town: PrivateTown, short_tmp: Path, request: pytest.FixtureRequest
) -> Iterator[PrivateTown]:
    """A town of this test's own."""
    own = made_town.copy(short_tmp / f"own-{abs(hash(request.node.name)) % 10**6}")
    yield own
    if own.cluster.pid is not None:
        own.cluster.stop(force=True)


def postmasters(cluster: Cluster) -> list[int]:
    """Servers that work on the data of a cluster.

    Processes in its folder that are no child of another such.
    """
    inside = {}
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.cwd() == str(cluster.pgdata) and process.name() == "postgres":
                inside[process.pid] = process.ppid()
    return [pid for pid, parent in inside.items() if parent not in inside]


def get(service: Service, path: str) -> httpx2.Response:
    return httpx2.get(service.address + path, timeout=PATIENCE_S)


def refusal(service: Service, path: str) -> httpx2.Response:
    """Ask until the service refuses: each worker remembers for a second that it was ready."""

    def refused() -> httpx2.Response | None:
        answer = get(service, path)
        return answer if answer.status_code >= 400 else None

    found: httpx2.Response = wait_until(refused, f"{path} is refused")
    return found


def ready(service: Service) -> bool:
    return get(service, "/health/ready").status_code == 200


def kill(cluster: Cluster, number: int = signal.SIGKILL) -> int:
    pid = cluster.pid
    assert pid is not None
    os.kill(pid, number)
    return pid


def make_unstartable(cluster: Cluster) -> Callable[[], object]:
    """Let no start of the server succeed, until what is returned is called."""
    configuration = cluster.pgdata / "postgresql.auto.conf"
    before = configuration.read_text()
    configuration.write_text(before + "no_such_setting = 1\n")
    return lambda: configuration.write_text(before)


@pytest.fixture(scope="module")
def service(town: PrivateTown) -> Iterator[Service]:
    with serve(None, town.folder, workers=2, **UNTIRING) as running:
        yield running
        assert running.end()[0] == 0
    assert town.cluster.pid is None


def test_a_killed_database_is_started_again_and_nothing_acknowledged_is_lost(
    town: PrivateTown, service: Service
) -> None:
    cluster = town.cluster
    with Writers(service.address, town.case_number) as writers:
        for _ in range(3):
            writers.wait_for(10)
            killed = kill(cluster)
            wait_until(lambda gone=killed: cluster.pid not in (None, gone), "another server runs")
            assert len(postmasters(cluster)) == 1
            wait_until(lambda: ready(service), "the service is ready by itself")
        writers.wait_for(10)
    assert writers.seen.faults == []
    found = compare(cluster.url, writers.seen, town.case_number)
    assert found.missing == () and found.acknowledged == found.stored


def test_health_says_what_is_while_the_database_is_away(town: PrivateTown, service: Service) -> None:
    assert get(service, "/health/live").json() == {"status": "ok", "database": "running"}
    mend = make_unstartable(town.cluster)
    kill(town.cluster)
    wait_until(lambda: not ready(service), "the service is not ready")
    assert get(service, "/health/live").json() == {"status": "ok", "database": "starting"}
    for path in ("/health/ready", AREAS, "/v1/duty-items"):
        answer = refusal(service, path)
        assert answer.status_code == 503 and int(answer.headers["retry-after"]) > 0, path
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["type"] == "/problems/not-available" and answer.json()["detail_zh"]
    wait_until(lambda: "did not start, 2 of 500" in service.log.read_text(), "the tries are told")
    mend()
    wait_until(lambda: ready(service), "the service is ready by itself")
    assert get(service, "/health/live").json()["database"] == "running"


def test_a_server_that_somebody_told_to_stop_is_no_end_of_the_service(
    town: PrivateTown, service: Service
) -> None:
    """SIGTERM lets PostgreSQL wait for its sessions, and those of a service stay open."""
    told = kill(town.cluster, signal.SIGTERM)
    wait_until(lambda: town.cluster.pid not in (None, told), "another server runs")
    wait_until(lambda: ready(service), "the service is ready by itself")
    assert len(postmasters(town.cluster)) == 1


def test_when_no_start_succeeds_the_service_ends_with_a_code_of_its_own(idle_town: PrivateTown) -> None:
    with serve(None, idle_town.folder, WANGGE_DATABASE_STARTS="2") as service:
        mend = make_unstartable(idle_town.cluster)
        kill(idle_town.cluster)
        assert service.process.wait(PATIENCE_S) == DATABASE_LOST
    mend()
    with idle_town.cluster as again:
        assert again.pid is not None, "what a supervisor starts anew serves again"


def test_a_database_of_somebody_else_is_not_started(idle_town: PrivateTown, tmp_path: Path) -> None:
    with idle_town.cluster as other, serve(other.url, tmp_path) as service:
        assert get(service, "/health/live").json() == {"status": "ok", "database": "external"}
        assert "wangge_data_folder_free_bytes" in get(service, "/metrics").text
        kill(other)
        wait_until(lambda: not ready(service), "the service is not ready")
        assert get(service, AREAS).status_code == 503 and other.pid is None


def test_writes_are_refused_below_the_reserve_and_reads_go_on(idle_town: PrivateTown) -> None:
    """The reserve is larger than any disk: no disk has to be filled for it."""
    limits = {"WANGGE_DISK_RESERVE_MB": str(2**40), "WANGGE_DISK_WARNING_MB": str(2**41)}
    town = idle_town
    with serve(None, town.folder, **limits) as service, httpx2.Client(base_url=service.address) as client:
        logged_in = client.post("/v1/login", json={"username": "dispatcher", "password": PASSWORD})
        assert logged_in.status_code == 200, "who is to read may log in"
        client.headers["X-CSRF-Token"] = logged_in.json()["csrf_token"]
        case = f"/v1/cases/{town.case_number}"
        refused = [
            client.post(f"{case}/events", json={"action": "note", "note": "none"}),
            client.post("/v1/tracks?crs=wgs84", content=b"x" * 100_000),
            client.get("/v1/tracks/osmand?id=K&lat=31.2&lon=120.1"),
            client.delete("/collections/sites/items/1", headers={"If-Match": '"1"'}),
        ]
        for answer in refused:
            assert answer.status_code == 507, answer.text
            problem = answer.json()
            assert problem["type"] == "/problems/insufficient-storage" and problem["detail_zh"]
            assert answer.headers["content-type"] == "application/problem+json"
        point = {"lon": 120.1, "lat": 31.2, "item_code": "ECO-001"}
        assert client.post("/v1/assign", json=point).status_code == 200
        assert client.get(case).status_code == 200 and client.get(AREAS).status_code == 200
        assert httpx2.post(f"{service.address}{case}/events", json={}).status_code == 401
        assert "full up to its reserve" in service.log.read_text()
    settings = Settings(data_dir=town.folder, disk_warning_mb=2**41, disk_reserve_mb=2**40)
    (finding,) = check_disk(settings)
    assert not finding.ok and "507" in finding.detail_en and "507" in finding.detail_zh
    (finding,) = check_disk(Settings(data_dir=town.folder, disk_warning_mb=0, disk_reserve_mb=0))
    assert finding.ok


def test_a_full_disk_refuses_writes_and_heals_when_it_has_room(
    made_town: PrivateTown, short_tmp: Path
) -> None:
    """First only the reserve is left, then not a byte: PostgreSQL cannot even be started there."""
    disk = short_tmp / "disk"
    with small_disk(disk, 640) as mounted:
        if not mounted:
            pytest.skip("no tmpfs may be mounted here")
        town = made_town.copy(disk / "data")
        limits = {"WANGGE_DISK_RESERVE_MB": "64", "WANGGE_DISK_WARNING_MB": "128", **UNTIRING}
        with serve(None, town.folder, log=short_tmp / "full.log", **limits) as service:
            with Writers(service.address, town.case_number) as writers:
                writers.wait_for(10)
                ballast = fill(disk, leave_bytes=48 * MIB)
                wait_until(lambda: writers.seen.statuses[507] > 20, "writes are refused")
                assert get(service, AREAS).status_code == 200 and ready(service)
                metric = get(service, "/metrics").text.split("\nwangge_data_folder_free_bytes ")[1]
                assert 0 < float(metric.split()[0]) < 64 * MIB
                os.truncate(ballast, 0)
                writers.wait_for(10)

                def cannot_start() -> bool:
                    """Also where the end of the server made room for a start: that is taken away again."""
                    fill(disk, leave_bytes=0)
                    if town.cluster.pid is not None:
                        kill(town.cluster)
                    return "did not start" in service.log.read_text()

                wait_until(cannot_start, "it cannot be started")
                os.truncate(ballast, 0)
                wait_until(lambda: ready(service), "the service is ready by itself")
                writers.wait_for(10)
            assert writers.seen.faults == []
            assert compare(town.cluster.url, writers.seen, town.case_number).missing == ()
        assert "nearly full" in service.log.read_text() or "full up to" in service.log.read_text()


def test_postgres_s_own_disk_full_is_507(api: Api) -> None:
    """SQLSTATE 53100, raised by the database itself in the middle of a request."""
    with session(SYSTEM, api.url) as db:
        db.execute(text(DISK_FULL_FUNCTION))
        db.execute(text(DISK_FULL_TRIGGER))
    try:
        answer = logged_in(api.app, "dispatcher").post(
            "/v1/tracks?crs=wgs84", content=encoded(rows("K-full"), NDJSON), headers={"Content-Type": NDJSON}
        )
    finally:
        with session(SYSTEM, api.url) as db:
            db.execute(text("DROP FUNCTION no_room CASCADE"))
    assert (answer.status_code, answer.json()["type"]) == (507, "/problems/insufficient-storage")
    assert answer.json()["detail_zh"]
