"""Webhooks: what happened is sent in its order, signed, at least once, within the scope of the account, and never inside."""

from __future__ import annotations

import base64
import datetime as dt
import http.server
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from standardwebhooks.webhooks import Webhook as StandardWebhook
from standardwebhooks.webhooks import WebhookVerificationError
from starlette.testclient import TestClient
from typer.testing import CliRunner

from geo_api.auth.access import create_user
from geo_api.auth.api_keys import create_key
from geo_api.cli.main import app as cli
from geo_api.http.progress import console
from geo_api.sharing.addresses import AddressRefused, networks, target_of
from geo_api.sharing.deliveries import MAX_TRIES, Sender, deliver_due
from geo_api.sharing.webhooks import create_webhook, rotate_secret
from grid.cases import open_case, transition
from grid.responsibility import assign
from layers.postgres import SYSTEM, session
from layers.sharing import deliveries_of, send_again
from tests.support.application import Api, Seeded, api_over, logged_in
from tests.support.small_town import BOXES, TOWN_A

OPENED = dt.datetime(2026, 3, 1, 10, tzinfo=dt.UTC)
KEY = b"test"
HERE = networks("127.0.0.1/32")


@pytest.fixture
def own(seeded: Seeded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    monkeypatch.setenv("WANGGE_WEBHOOK_NETWORKS", str(HERE[0]))
    for made in api_over(seeded, f"hooks_{tmp_path.name}", tmp_path):
        monkeypatch.setenv("WANGGE_DATABASE_URL", made.url)
        monkeypatch.setenv("WANGGE_DATA_DIR", str(tmp_path))
        monkeypatch.setenv("WANGGE_SECRET", "test")
        yield made


@dataclass
class Receiver:
    """A server that answers as it is told, and keeps what it was sent."""

    port: int = 0
    answers: list[int] = field(default_factory=list)
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook?a=1"

    def events(self) -> list[tuple[str, int]]:
        found = [json.loads(body)["data"] for _, body in self.got]
        return [(each["number"], each["seq"]) for each in found if "number" in each]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            made.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
            status = made.answers.pop(0) if made.answers else 204
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", made.url)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield made
    server.shutdown()
    server.server_close()
    thread.join()


class Clock:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.now = dt.datetime.now(dt.UTC)

    def __call__(self) -> dt.datetime:
        return self.now


def sender_of(api: Api, clock: Clock | None = None) -> Sender:
    return Sender(api.url, KEY, HERE, clock=clock or Clock())


def hook(
    api: Api, url: str, username: str = "supervisor", types: tuple[str, ...] = ("case.*",)
) -> tuple[int, str]:
    with session(SYSTEM, api.url) as db:
        made, secret = create_webhook(db, KEY, username, url, types, dt.datetime.now(dt.UTC), HERE)
        return made.id, secret


def opened(api: Api, lon: float = 120.1, steps: tuple[str, ...] = ("verify",)) -> str:
    place = {"lon": lon, "lat": 31.2}
    with session(SYSTEM, api.url) as db:
        answer = assign(db, item_code="ECO-001", at=OPENED, **place)
        case = open_case(db, title="t", item_code="ECO-001", assignment=answer, opened_at=OPENED, **place)
        for action in steps:
            transition(db, case.number, action, actor="dispatcher", role="dispatcher", note="x")
        return str(case.number)


def states(api: Api, webhook_id: int) -> list[str]:
    with session(SYSTEM, api.url) as db:
        return [each["state"] for each in reversed(deliveries_of(db, webhook_id, None, 1000))]


def test_the_library_of_the_standard_verifies_what_is_sent(own: Api, receiver: Receiver) -> None:
    _, secret = hook(own, receiver.url)
    number = opened(own)
    assert deliver_due(sender_of(own)) == 2 and receiver.events() == [(number, 1), (number, 2)]
    for headers, body in receiver.got:
        read: Any = StandardWebhook(secret).verify(body, headers)
        assert read["type"] in ("case.report", "case.verify") and read["data"]["number"] == number
        assert "actor" not in read["data"] and headers["content-type"] == "application/json"
        with pytest.raises(WebhookVerificationError):
            StandardWebhook(secret).verify(body.replace(b"case.", b"Case."), headers)
    assert len({headers["webhook-id"] for headers, _ in receiver.got}) == 2
    assert deliver_due(sender_of(own)) == 0 and len(receiver.got) == 2, "what was accepted is not sent again"


def test_after_a_rotation_both_secrets_verify_for_a_day(own: Api, receiver: Receiver) -> None:
    webhook, former = hook(own, receiver.url)
    clock = Clock()
    with session(SYSTEM, own.url) as db:
        fresh = rotate_secret(db, KEY, webhook, None, clock.now)
    opened(own, steps=())
    deliver_due(sender_of(own, clock))
    headers, body = receiver.got[-1]
    for secret in (former, fresh):
        StandardWebhook(secret).verify(body, headers)
    clock.now += dt.timedelta(hours=25)
    opened(own, steps=())
    deliver_due(sender_of(own, clock))
    assert len(receiver.got[-1][0]["webhook-signature"].split()) == 1


def test_secrets_are_not_readable_in_the_database(own: Api, receiver: Receiver) -> None:
    _, secret = hook(own, receiver.url)
    with session(SYSTEM, own.url) as db:
        stored = bytes(db.scalar(text("SELECT secret FROM webhooks")) or b"")
    plain = base64.b64decode(secret.removeprefix("whsec_"))
    assert plain not in stored and secret.encode() not in stored and len(stored) > 40


def test_an_undone_step_is_not_sent(own: Api, receiver: Receiver) -> None:
    hook(own, receiver.url)
    number = opened(own, steps=())
    with pytest.raises(ZeroDivisionError), session(SYSTEM, own.url) as db:
        transition(db, number, "verify", actor="dispatcher", role="dispatcher")
        raise ZeroDivisionError
    deliver_due(sender_of(own))
    assert receiver.events() == [(number, 1)]


def test_a_failed_message_waits_longer_each_time_keeps_its_id_and_the_later_ones_wait_behind_it(
    own: Api, receiver: Receiver
) -> None:
    webhook, _ = hook(own, receiver.url)
    number, clock = opened(own), Clock()
    receiver.answers = [500, 302, 204, 204]
    assert deliver_due(sender_of(own, clock)) == 0 and receiver.events() == [(number, 1)]
    assert deliver_due(sender_of(own, clock)) == 0 and len(receiver.got) == 1, "it is not due yet"
    waits = []
    for _ in range(2):
        with session(SYSTEM, own.url) as db:
            due = db.scalar(text("SELECT min(next_at) FROM webhook_deliveries WHERE tries > 0"))
        waits.append((due - clock.now).total_seconds())
        clock.now = due
        deliver_due(sender_of(own, clock))
    assert 2.5 <= waits[0] <= 7.5 and 7.5 <= waits[1] <= 22.5
    assert receiver.events() == [(number, 1)] * 3 + [(number, 2)], "in order, and no redirect was followed"
    assert len({headers["webhook-id"] for headers, _ in receiver.got[:3]}) == 1
    assert states(own, webhook) == ["delivered", "delivered"]


def test_a_message_is_dead_after_many_tries_and_can_be_sent_again(own: Api, receiver: Receiver) -> None:
    webhook, _ = hook(own, receiver.url)
    number, clock = opened(own), Clock()
    receiver.answers = [503] * MAX_TRIES
    for _ in range(MAX_TRIES):
        deliver_due(sender_of(own, clock))
        clock.now += dt.timedelta(hours=10)
    assert states(own, webhook) == ["dead", "delivered"] and receiver.events()[-1] == (number, 2)
    code = CliRunner().invoke(cli, ["webhooks", "dead", str(webhook)], env={"COLUMNS": "200"})
    assert code.exit_code == 0 and "503" in code.output
    with session(SYSTEM, own.url) as db:
        assert send_again(db, webhook, clock.now) == 1
    deliver_due(sender_of(own, clock))
    assert states(own, webhook) == ["delivered", "delivered"] and receiver.events()[-1] == (number, 1)


def test_a_receiver_that_is_gone_is_sent_nothing_more(own: Api, receiver: Receiver) -> None:
    webhook, _ = hook(own, receiver.url)
    receiver.answers = [410]
    opened(own)
    deliver_due(sender_of(own))
    clock = Clock()
    clock.now += dt.timedelta(days=1)
    deliver_due(sender_of(own, clock))
    assert len(receiver.got) == 1 and states(own, webhook) == ["dead", "waiting"]


def test_only_what_the_account_may_see_is_sent_and_nothing_after_it_is_off(
    own: Api, receiver: Receiver
) -> None:
    """The scope counts when a message is due: by area here."""
    for letter in "ab":
        hook(own, f"{receiver.url}&of={letter}", f"officer.{letter}")
    first, second = opened(own, BOXES["A"][0] + 0.1), opened(own, BOXES["B"][0] + 0.1)
    with session(SYSTEM, own.url) as db:
        towns = dict(
            db.execute(
                text("SELECT c.number, a.code FROM cases c JOIN areas a ON a.id = c.town_area_id")
            ).all()
        )
        accounts = dict(db.execute(text("SELECT username, area_code FROM users")).all())
    assert towns[first] != towns[second]
    deliver_due(sender_of(own))
    with session(SYSTEM, own.url) as db:
        sent = db.execute(
            text(
                "SELECT w.username, o.data ->> 'number' AS number, d.state FROM webhook_deliveries d"
                " JOIN webhooks w ON w.id = d.webhook_id JOIN outbox o ON o.id = d.outbox_id"
            )
        ).all()
    assert len(sent) == 8
    for username, number, state in sent:
        assert state == ("delivered" if towns[number] == accounts[username] else "skipped"), (
            username,
            number,
        )
    assert len(receiver.got) == 4
    with session(SYSTEM, own.url) as db:
        db.execute(text("UPDATE users SET active = false"))
    opened(own)
    deliver_due(sender_of(own))
    assert len(receiver.got) == 4


def test_two_workers_send_nothing_twice_and_keep_the_order(own: Api, receiver: Receiver) -> None:
    hook(own, receiver.url)
    numbers = [opened(own) for _ in range(5)]
    threads = [threading.Thread(target=deliver_due, args=(sender_of(own),)) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    deliver_due(sender_of(own))
    assert receiver.events() == [(number, seq) for number in numbers for seq in (1, 2)]


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127.1", "2130706433", "0x7f.1", "localhost", "[::1]", "169.254.169.254", "10.1.2.3", "192.168.0.1",
     "172.16.0.9", "100.64.0.1", "0.0.0.0", "[::]", "[::ffff:127.0.0.1]", "[::ffff:10.0.0.1]", "[fe80::1]", "[fd00::1]",
     "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[::7f00:1]", "224.0.0.1", "255.255.255.255", "192.0.2.1"],
)  # fmt: skip
def test_private_addresses_are_refused(host: str) -> None:
    with pytest.raises((AddressRefused, socket.gaierror)):
        target_of(f"https://{host}/hook", ())


def test_public_addresses_are_taken_over_https_only() -> None:
    assert (
        target_of("https://hooks.example/x", (), lambda host, port: ["93.184.216.34"]).address
        == "93.184.216.34"
    )
    with pytest.raises(AddressRefused):
        target_of("http://hooks.example/x", (), lambda host, port: ["93.184.216.34"])
    with pytest.raises(AddressRefused, match=r"10\.0\.0\.1"):
        target_of("https://hooks.example/x", (), lambda host, port: ["93.184.216.34", "10.0.0.1"])


def test_a_name_is_resolved_once_and_the_connection_goes_there(own: Api, receiver: Receiver) -> None:
    """A name that has another address the second time (DNS rebinding) is not asked a second time."""
    asked: list[str] = []

    def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["169.254.169.254"]

    hook(own, f"http://hooks.invalid:{receiver.port}/")
    opened(own, steps=())
    deliver_due(Sender(own.url, KEY, HERE, resolve=resolve, clock=Clock()))
    assert asked == ["hooks.invalid"] and receiver.got[0][0]["host"] == f"hooks.invalid:{receiver.port}"
    opened(own, steps=())
    deliver_due(Sender(own.url, KEY, HERE, resolve=resolve, clock=Clock()))
    assert len(receiver.got) == 1
    with session(SYSTEM, own.url) as db:
        faults = db.scalars(text("SELECT fault FROM webhook_deliveries WHERE state = 'waiting'")).all()
    assert len(faults) == 1 and "169.254.169.254" in faults[0]


@pytest.mark.parametrize(
    "url",
    ["ftp://a.example/", "https://", "https://u:p@a.example/", "https://a.example/#x", "https://a.example:99999/",
     "https://a.example/\nHost: b", "https://a b.example/", "javascript:alert(1)", "https://a.example\\@b/", "x" * 3000],
)  # fmt: skip
def test_urls_that_are_none_are_refused_at_the_door(own: Api, url: str) -> None:
    answer = logged_in(own.app, "supervisor").post("/v1/webhooks", json={"url": url})
    assert answer.status_code in (400, 422), answer.text


def test_webhooks_over_the_api_belong_to_their_account(own: Api, receiver: Receiver) -> None:
    client, other = logged_in(own.app, "supervisor"), logged_in(own.app, "dispatcher")
    made = client.post("/v1/webhooks", json={"url": receiver.url, "types": ["case.*"]})
    assert made.status_code == 201 and made.json()["secret"].startswith("whsec_")
    path = f"/v1/webhooks/{made.json()['id']}"
    assert client.post("/v1/webhooks", json={"url": receiver.url, "types": ["cases"]}).status_code == 422
    assert other.get("/v1/webhooks").json() == {"webhooks": []}
    for method, url in (
        ("GET", "/deliveries"),
        ("POST", "/secret"),
        ("POST", "/deliveries/send-again"),
        ("DELETE", ""),
    ):
        assert other.request(method, f"{path}{url}").status_code == 404
    opened(own)
    deliver_due(sender_of(own))
    listed = client.get(f"{path}/deliveries").json()["deliveries"]
    assert [(each["type"], each["state"], each["status"]) for each in listed] == [
        ("case.verify", "delivered", 204), ("case.report", "delivered", 204),
    ]  # fmt: skip
    assert client.post(f"{path}/deliveries/{listed[0]['id']}/send-again").json() == {"waiting": 1}
    deliver_due(sender_of(own))
    assert len(receiver.got) == 3
    fresh = client.post(f"{path}/secret").json()["secret"]
    assert fresh != made.json()["secret"]
    shown = client.get("/v1/webhooks").json()["webhooks"][0]
    assert shown["deliveries"] == {"delivered": 2} and "secret" not in shown
    assert client.delete(path).status_code == 204 and client.get("/v1/webhooks").json() == {"webhooks": []}


def test_a_key_of_less_than_its_account_adds_no_webhook(own: Api, receiver: Receiver) -> None:

    with session(SYSTEM, own.url) as db:
        create_user(db, username="service.x", password="correct horse", role="service")
        whole, part = (
            create_key(db, "service.x", name="a"),
            create_key(db, "service.x", name="b", area_code=TOWN_A),
        )
    for key, status in ((whole, 201), (part, 403)):
        client = TestClient(own.app, headers={"Authorization": f"Bearer {key}"})
        assert client.post("/v1/webhooks", json={"url": receiver.url}).status_code == status


def test_webhooks_from_the_command_line(
    own: Api, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console, "_width", 250)

    def command(*words: str) -> str:
        done = CliRunner().invoke(cli, ["webhooks", *words])
        assert done.exit_code == 0, done.output
        return done.output

    said = command("add", "supervisor", receiver.url, "--type", "case.*")
    secret = next(line for line in said.splitlines() if line.startswith("whsec_"))
    webhook = said.split()[1]
    opened(own, steps=())
    deliver_due(sender_of(own))
    headers, body = receiver.got[0]
    StandardWebhook(secret).verify(body, headers)
    assert receiver.url in command("list") and command("rotate", webhook).startswith("whsec_")
    assert "✓ 0" in command("resend", webhook)
    command("remove", webhook)
    assert receiver.url not in command("list")
