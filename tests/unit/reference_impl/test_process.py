"""The receiver as it runs: a process on a socket, killed when it hurts most."""

import collections
import contextlib
import http.client
import itertools
import json
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request

import pytest

from tests.unit.reference_impl.bodies import a_body, sign
from tests.unit.reference_impl.process import PATIENCE, Process, environment

DATABASES = ("sqlite", "postgresql")


@pytest.fixture
def start(tmp_path, database_url):
    processes = []

    def run(*arguments, **changes):
        process = Process(tmp_path, *arguments, DATABASE_URL=database_url, **changes)
        processes.append(process)
        return process

    yield run
    for process in processes:
        if process.popen.poll() is None:
            process.end(signal.SIGKILL)


def test_it_says_where_it_listens_works_and_ends_gracefully(start):
    receiver = start("--testing")
    assert receiver.line.startswith("listening on http://127.0.0.1:")
    assert receiver.deliver(a_body()) == 202
    seen = receiver.settled("uid-1")
    assert [one["status"] for one in seen["appointments"]] == ["confirmed"]
    assert [effect["kind"] for effect in seen["effects"]] == ["created"]
    assert receiver.request(receiver.url)[0] == 405
    assert receiver.end() == 0
    for line in receiver.log.read_text().splitlines():
        json.loads(line)


@contextlib.contextmanager
def manager(address):
    """The socket at which a service manager waits for a word."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as opened:
        opened.bind(address.replace("@", "\0"))
        opened.settimeout(PATIENCE)
        yield opened


@pytest.mark.parametrize("kind", ["", "@"], ids=["file", "name"])
def test_who_started_it_is_told_when_it_takes_deliveries(start, tmp_path, kind):
    address = f"{kind}{tmp_path}/notify"
    with manager(address) as waiting:
        receiver = start(NOTIFY_SOCKET=address)
        assert waiting.recv(100) == b"READY=1"
        assert receiver.deliver(a_body()) == 202


def test_who_started_a_worker_is_told_when_it_works(start_worker, tmp_path):
    with manager(f"{tmp_path}/notify") as waiting:
        start_worker(NOTIFY_SOCKET=f"{tmp_path}/notify")
        assert waiting.recv(100) == b"READY=1"


def test_it_starts_where_nobody_waits_to_be_told(start, tmp_path):
    assert start(NOTIFY_SOCKET=f"{tmp_path}/nowhere").deliver(a_body()) == 202


def test_an_effect_follows_its_acknowledgement_without_a_poll(start):
    # The next poll is further away than anybody waits here.
    receiver = start("--testing", RECEIVER_POLL="3600")
    for number in range(20):
        assert receiver.deliver(a_body(uid=f"u{number}")) == 202
        assert len(receiver.settled(f"u{number}")["effects"]) == 1


def test_a_chunked_body_torn_inside_a_character_is_taken(start):
    receiver = start("--testing")
    body = json.dumps(
        {
            "triggerEvent": "BOOKING_CREATED",
            "payload": {"uid": "z", "title": "Zoë 😀", "startTime": "2026-02-01T09:00:00Z"},
        },
        ensure_ascii=False,
    ).encode()
    cut = body.index("😀".encode()) + 2
    connection = http.client.HTTPConnection(receiver.origin.removeprefix("http://"), timeout=10)
    headers = {"X-Cal-Signature-256": sign(body)}
    pieces = (body[:cut], body[cut:])
    connection.request("POST", "/api/webhooks/calcom", pieces, headers, encode_chunked=True)
    assert connection.getresponse().status == 202
    connection.close()
    assert receiver.settled("z")["appointments"][0]["title"] == "Zoë 😀"


def test_a_body_far_beyond_the_limit_gets_its_answer(start):
    receiver = start()
    assert receiver.request(receiver.url, b"x" * 5_000_000)[0] == 413
    assert receiver.deliver(a_body()) == 202


def test_a_slow_body_holds_nobody_up_and_is_given_up(start):
    receiver = start(RECEIVER_BODY_SECONDS="0.3")
    host, port = receiver.origin.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as slow:
        slow.sendall(
            b"POST /api/webhooks/calcom HTTP/1.1\r\nhost: x\r\ncontent-length: 99\r\n\r\n{"
        )
        assert receiver.deliver(a_body()) == 202
        assert slow.recv(1000).startswith(b"HTTP/1.1 408 ")


def test_provider_states_disturb_and_the_clock_mends(start):
    receiver = start("--testing")
    receiver.state("processing fails", uid="u", times=2)
    assert receiver.deliver(a_body(uid="u")) == 202
    for seconds in (60, 300):
        seen = receiver.settled("u")
        assert seen["effects"] == []
        assert seconds - 5 < seen["deliveries"][0]["nextTrySeconds"] <= seconds
        receiver.state("clock advances", seconds=seconds)
    seen = receiver.settled("u")
    assert (seen["deliveries"][0]["state"], seen["deliveries"][0]["tries"]) == ("done", 3)
    assert len(seen["effects"]) == 1
    receiver.state("reset")
    assert set(receiver.probe()["totals"].values()) == {0}


def test_slow_processing_holds_neither_acknowledgements_nor_other_bookings_up(start):
    receiver = start("--testing")
    # Long enough for the work of the others, short enough to wait for.
    receiver.state("processing is slow", uid="slow", seconds=3)
    assert receiver.deliver(a_body(uid="slow")) == 202
    for number in range(10):
        assert receiver.deliver(a_body(uid=f"u{number}")) == 202
    while receiver.probe()["totals"]["effects"] < 10:
        assert receiver.probe("slow")["effects"] == []
    assert receiver.probe("slow")["effects"] == []
    assert len(receiver.settled("slow")["effects"]) == 1


def test_a_kill_between_the_acknowledgement_and_the_work_loses_nothing(start):
    receiver = start("--testing")
    receiver.state("worker pauses")
    uids = [f"u{number}" for number in range(30)]
    for uid in uids:
        assert receiver.deliver(a_body(uid=uid)) == 202
    assert receiver.probe()["totals"]["effects"] == 0
    receiver.end(signal.SIGKILL)
    again = start("--testing")
    seen = again.settled(*uids)
    assert collections.Counter(effect["uid"] for effect in seen["effects"]) == dict.fromkeys(
        uids, 1
    )
    assert len(seen["appointments"]) == 30
    # Redelivered to the restarted receiver, nothing happens twice.
    for uid in uids:
        assert again.deliver(a_body(uid=uid)) == 202
    assert again.settled()["totals"]["effects"] == 30


def test_a_kill_in_the_middle_of_the_work_is_made_good_at_once(start):
    receiver = start("--testing")
    receiver.state("processing is slow", uid="u", seconds=30)
    assert receiver.deliver(a_body(uid="u")) == 202
    while receiver.probe("u")["deliveries"][0]["state"] != "processing":
        pass
    receiver.end(signal.SIGKILL)
    # The lease would run for another minute.
    seen = start("--testing").settled("u")
    assert seen["deliveries"][0]["state"] == "done"
    assert len(seen["effects"]) == 1


def test_a_kill_during_a_burst_loses_nothing_that_was_acknowledged(start):
    acknowledged, numbers = [], itertools.count()
    receiver = start("--testing")
    for _ in range(3):
        stop = threading.Event()

        def burst(receiver=receiver, stop=stop):
            while not stop.is_set():
                uid = f"u{next(numbers)}"
                try:
                    if receiver.deliver(a_body(uid=uid)) == 202:
                        acknowledged.append(uid)
                except (OSError, http.client.HTTPException):
                    return

        threads = [threading.Thread(target=burst) for _ in range(8)]
        before = len(acknowledged)
        for thread in threads:
            thread.start()
        while len(acknowledged) < before + 60:
            time.sleep(0.001)
        receiver.end(signal.SIGKILL)
        stop.set()
        for thread in threads:
            thread.join()
        receiver = start("--testing")
    seen = receiver.settled(*acknowledged)
    effects = collections.Counter(effect["uid"] for effect in seen["effects"])
    assert effects == dict.fromkeys(acknowledged, 1)


@pytest.mark.parametrize(
    ("proxies", "statuses"),
    [("127.0.0.1", [401, 401, 401]), ("10.0.0.0/8", [401, 401, 429]), ("", [401, 401, 429])],
)
def test_only_a_proxy_that_was_named_says_who_its_client_is(start, proxies, statuses):
    receiver = start(RECEIVER_THROTTLE="2", RECEIVER_TRUSTED_PROXIES=proxies)
    clients = [{"X-Forwarded-For": f"192.0.2.{number}"} for number in range(3)]
    assert [receiver.request(receiver.url, b"{}", client)[0] for client in clients] == statuses


def test_a_network_of_ipv6_is_one_client(start):
    receiver = start(RECEIVER_THROTTLE="2", RECEIVER_TRUSTED_PROXIES="127.0.0.1")
    clients = [{"X-Forwarded-For": f"2001:db8::{number}"} for number in range(3)]
    answers = [receiver.request(receiver.url, b"{}", client)[0] for client in clients]
    assert answers == [401, 401, 429]


def test_a_client_does_not_say_who_it_is_through_a_proxy(start):
    receiver = start(RECEIVER_THROTTLE="2", RECEIVER_TRUSTED_PROXIES="127.0.0.1")
    # The proxy adds whom it saw at the end; what stands before is the client's own word.
    clients = [{"X-Forwarded-For": f"192.0.2.{number}, 198.51.100.7"} for number in range(3)]
    answers = [receiver.request(receiver.url, b"{}", client)[0] for client in clients]
    assert answers == [401, 401, 429]


@pytest.fixture
def start_worker(tmp_path, database_url):
    """Start a worker, and wait until it says so."""
    workers = []

    def run(**changes):
        log = tmp_path / f"worker-{len(workers)}.log"
        with log.open("wb") as stream:
            worker = subprocess.Popen(
                [sys.executable, "-m", "reference_impl", "worker"],
                env=environment(tmp_path, DATABASE_URL=database_url, **changes),
                stderr=stream,
            )
        workers.append(worker)
        while "Worker started" not in log.read_text():
            assert worker.poll() is None, log.read_text()
            time.sleep(0.01)
        return worker

    yield run
    for worker in workers:
        if worker.poll() is None:
            worker.kill()
            worker.wait(timeout=20)


def test_a_worker_of_its_own_does_the_work(start, start_worker):
    receiver = start("--testing", "--no-worker")
    assert receiver.deliver(a_body()) == 202
    assert receiver.probe("uid-1")["pending"] == 1
    worker = start_worker()
    assert len(receiver.settled("uid-1")["effects"]) == 1
    worker.terminate()
    assert worker.wait(timeout=20) == 0


def test_workers_that_lag_take_no_accepting_process_out_of_service(start):
    old = {"RECEIVER_BACKLOG_SECONDS": "1"}
    accepting = start("--testing", "--no-worker", **old)
    both = start("--testing", CALCOM_WEBHOOK_QUEUE="another", **old)
    assert accepting.deliver(a_body()) == 202
    while accepting.request(f"{both.origin}/readyz")[0] == 200:
        time.sleep(0.05)
    assert accepting.request(f"{accepting.origin}/readyz")[0] == 200
    assert accepting.deliver(a_body(uid="uid-2")) == 202


def test_a_worker_says_whether_it_is_well(start_worker):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    start_worker(RECEIVER_METRICS=f"127.0.0.1:{port}")
    for path, said in (("healthz", "ok"), ("readyz", "ready")):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=10) as answer:
            assert json.load(answer) == {"status": said}


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_worker_elsewhere_is_woken_by_the_commit(start, start_worker):
    # The next poll is further away than anybody waits here.
    start_worker(RECEIVER_POLL="3600")
    receiver = start("--testing", "--no-worker")
    for number in range(10):
        assert receiver.deliver(a_body(uid=f"u{number}")) == 202
        assert len(receiver.settled(f"u{number}")["effects"]) == 1


def test_what_a_killed_worker_held_is_taken_by_the_next_at_once(start, start_worker):
    receiver = start("--testing", "--no-worker")
    uids = [f"u{number}" for number in range(300)]
    # A worker that dies among them, whatever it is just doing.
    first, second = start_worker(RECEIVER_LEASE="600"), start_worker(RECEIVER_LEASE="600")
    for uid in uids:
        assert receiver.deliver(a_body(uid=uid)) == 202
    first.kill()
    second.kill()
    first.wait(timeout=20)
    second.wait(timeout=20)
    start_worker()
    seen = receiver.settled(*uids)
    effects = collections.Counter(effect["uid"] for effect in seen["effects"])
    assert effects == dict.fromkeys(uids, 1)
