"""The stream of changes.

Who hears what, coming back, and no old tile after an answer, with several workers.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import text

from geo_api.features import change_feed as events
from layers.collections import COLLECTIONS
from layers.postgres import SYSTEM, CommittedChange, session
from tests.support.application import Api, Seeded, serving
from tests.support.event_streams import Stream, listening, log_in
from tests.support.service_process import serve
from tests.support.tiles import tile_of
from tests.support.waiting import PATIENCE_S


def touch(api: Api, statement: str, **values: Any) -> None:
    with session(SYSTEM, api.url) as db:
        db.execute(text(statement), values)


TOUCH_ALERT = "UPDATE alerts SET score = score WHERE id = :id"
TOUCH_AREA = "UPDATE areas SET name = name WHERE id = :id"


def heard_before_mark(api: Api, *streams: Stream) -> list[list[dict[str, Any]]]:
    """Collect the events of each stream before a change that everybody hears.

    Events come in the order of their commits.
    """
    touch(api, "UPDATE hot_spots SET field = field")
    return [stream.until("hot_spots")[:-1] for stream in streams]


def test_an_event_says_where(served: str, api: Api) -> None:
    with listening(served) as public, listening(served, path="/events") as same:
        touch(api, "UPDATE sites SET kind = kind WHERE id = :id", id=api.ids["site_A"])
        heard = public.next()
        assert same.next() == heard
        assert heard["layer"] == "sites" and heard["zoom"] == 12
        assert heard["change"] == int(heard["id"])
        _, column, row = tile_of(120.1, 31.2, 12)
        assert [column, row] in heard["cells"] and len(heard["cells"]) <= 4
        west, south, east, north = heard["bbox"]
        assert west <= 120.1 <= east <= west + 0.2 and south <= 31.2 <= north <= south + 0.2


def test_nobody_hears_of_rows_of_others(served: str, api: Api) -> None:
    cookies = {name: log_in(served, name) for name in ("officer.a", "officer.b", "dispatcher", "viewer.a")}
    with (
        listening(served) as public,
        listening(served, cookies["officer.a"]) as a,
        listening(served, cookies["officer.b"]) as b,
        listening(served, cookies["dispatcher"]) as all_,
        listening(served, cookies["viewer.a"]) as viewer,
    ):
        touch(api, TOUCH_ALERT, id=api.ids["alert_B"])
        touch(api, "UPDATE stays SET open = open")
        touch(api, TOUCH_AREA, id=api.ids["community_A"])
        streams = {"public": public, "a": a, "b": b, "all": all_, "viewer": viewer}
        heard = dict(zip(streams, heard_before_mark(api, *streams.values()), strict=True))
    layers = {name: {event["layer"] for event in found} for name, found in heard.items()}
    assert layers["public"] == {"areas", "grids"}
    assert "alerts" not in layers["a"] and "stays" in layers["a"]
    assert {"alerts", "stays"} <= layers["b"] and {"alerts", "stays"} <= layers["all"]
    at = {letter: list(tile_of(lon, 31.2, 12)[1:]) for letter, lon in (("A", 120.1), ("B", 120.6))}
    stays = {
        name: next(e["cells"] for e in heard[name] if e["layer"] == "stays") for name in ("a", "b", "all")
    }
    assert at["B"] not in stays["a"] and at["A"] not in stays["b"]
    assert len(stays["a"]) + len(stays["b"]) == len(stays["all"])


def test_a_page_that_comes_back_to_another_worker_misses_nothing(served: str, api: Api) -> None:
    cookies = log_in(served, "officer.a")
    with listening(served, cookies) as before:
        touch(api, TOUCH_AREA, id=api.ids["grid_A1"])
        seen = before.next("grids")["id"]  # the last of what one commit told
    touch(api, TOUCH_ALERT, id=api.ids["alert_A"])
    touch(api, TOUCH_ALERT, id=api.ids["alert_B"])
    touch(api, "UPDATE sites SET kind = kind WHERE id = :id", id=api.ids["site_B"])
    with serving(api.settings) as other:
        with listening(other, cookies, seen) as after:
            missed = {event["layer"]: event for event in (after.next(), after.next())}
            assert set(missed) == {"alerts", "sites"} and heard_before_mark(api, after) == [[]]
            assert list(tile_of(120.6, 31.2, 12)[1:]) not in missed["alerts"]["cells"]
            newest = after.last_id
            touch(api, TOUCH_ALERT, id=api.ids["alert_A"])
            assert after.next()["layer"] == "alerts", "and it goes on"
        with listening(other, None, newest) as public:
            assert heard_before_mark(api, public) == [[]], "not told to nobody, not told twice"


@pytest.mark.parametrize("unknown", ["999999999999", "no number", "18446744073709551616"])
def test_after_too_long_everything_may_have_changed(served: str, unknown: str) -> None:
    with listening(served, None, unknown) as public:
        told = [public.next() for _ in range(sum(not c.login for c in COLLECTIONS.values()))]
    assert {event["layer"] for event in told} == {c.id for c in COLLECTIONS.values() if not c.login}
    assert all(event["cells"] is None for event in told)


def test_who_logged_out_hears_of_public_layers_only(served: str, api: Api) -> None:
    cookies = log_in(served, "officer.a")
    with httpx2.Client(cookies=cookies, timeout=PATIENCE_S) as client, listening(served, cookies) as stream:
        touch(api, TOUCH_ALERT, id=api.ids["alert_A"])
        assert stream.next()["layer"] == "alerts"
        token = client.get(f"{served}/v1/me").json()["csrf_token"]
        assert client.post(f"{served}/v1/logout", headers={"X-CSRF-Token": token}).status_code < 300
        touch(api, TOUCH_ALERT, id=api.ids["alert_A"])
        touch(api, TOUCH_AREA, id=api.ids["grid_A1"])
        (heard,) = heard_before_mark(api, stream)
        assert {event["layer"] for event in heard} == {"areas", "grids"}


def test_streams_have_a_limit(served: str, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events.ChangeFeed, "check_room", _full)
    answer = httpx2.get(f"{served}/v1/events", timeout=PATIENCE_S)
    assert answer.status_code == 429 and answer.headers["retry-after"] == "10"


def _full(feed: events.ChangeFeed, real: Any = events.ChangeFeed.check_room) -> None:
    feed._streams = 0
    real(feed)


def test_a_page_that_does_not_read_keeps_one_entry_a_layer() -> None:
    subscriber = events.Subscriber()
    for i in range(50_000):
        subscriber.put(CommittedChange("sites", i, frozenset({f"|{i}"})))
        subscriber.put(CommittedChange("cases", i, frozenset({f"{i % 5000};ecology|{i}"})))
    waiting = list(subscriber._pending.values())
    assert {change.layer: change.id for change in waiting} == {"sites": 49_999, "cases": 49_999}
    assert all(change.touched is None or len(change.touched) <= 1000 for change in waiting)


def test_no_old_tile_after_the_answer_with_two_workers(seeded: Seeded, tmp_path: Path) -> None:
    """Twelve kept connections spread over both workers.

    Each must show the place that was just acknowledged.
    """
    url = seeded.copy("two_workers")
    lon, lat = 120.2, 31.2
    zoom, column, row = tile_of(lon, lat, 14)
    low = tile_of(lon, lat, 5)
    with serve(url, tmp_path, workers=2, WANGGE_RATE_LIMITS="off") as service:
        address = service.address
        cookies = log_in(address, "dispatcher")
        readers = [httpx2.Client(base_url=address, timeout=PATIENCE_S) for _ in range(12)]
        with httpx2.Client(base_url=address, cookies=cookies, timeout=PATIENCE_S) as writer:
            token = writer.get("/v1/me").json()["csrf_token"]
            for n in range(1, 26):
                for reader in readers:  # fills the caches of both workers
                    reader.get(f"/collections/places/tiles/WebMercatorQuad/{zoom}/{row}/{column}")
                place = {
                    "type": "Feature",
                    "geometry": {"type": "Point", "coordinates": [lon + n * 1e-5, lat]},
                    "properties": {"kind": "petrol", "radius_m": 60},
                }
                made = writer.post("/collections/places/items", json=place, headers={"X-CSRF-Token": token})
                assert made.status_code == 201, made.text
                for reader in readers:
                    for z, x, y in ((zoom, column, row), low):
                        tile = reader.get(f"/collections/places/tiles/WebMercatorQuad/{z}/{y}/{x}")
                        assert tile.status_code == 200, tile.text
                        assert tile.headers["x-features-matched"] == str(n), f"an old tile {z}/{y}/{x}"
        for reader in readers:
            reader.close()
