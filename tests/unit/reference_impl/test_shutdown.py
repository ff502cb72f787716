"""SIGTERM, while something is under way: a real process ends in time and loses nothing."""

import http.client
import signal
import socket
import sqlite3
import threading
import time

import pytest

from tests.unit.reference_impl.bodies import a_body, sign
from tests.unit.reference_impl.process import Process


@pytest.fixture
def start(tmp_path):
    processes = []

    def run(*arguments, **changes):
        process = Process(tmp_path, *arguments, **changes)
        processes.append(process)
        return process

    yield run
    for process in processes:
        if process.popen.poll() is None:
            process.end(signal.SIGKILL)


def processing(receiver, uid):
    """Wait until the delivery of *uid* is being worked on."""
    while receiver.probe(uid)["deliveries"][0]["state"] != "processing":
        pass


def rows(folder):
    with sqlite3.connect(folder / "receiver.db") as connection:
        query = "SELECT uid, state, tries, interruptions, lease_token FROM webhook_events"
        found = connection.execute(query).fetchall()
    connection.close()
    return found


def test_a_delivery_under_way_is_finished(start, tmp_path):
    receiver = start("--testing")
    receiver.state("processing is slow", uid="slow", seconds=1)
    assert receiver.deliver(a_body(uid="slow")) == 202
    processing(receiver, "slow")
    # Waits behind the slow one, and is left for the next process.
    receiver.deliver(a_body(uid="slow", minute=1))
    assert receiver.end() == 0
    states = [row[1] for row in rows(tmp_path)]
    assert states == ["done", "waiting"]


def test_a_delivery_that_takes_too_long_is_given_back(start, tmp_path):
    receiver = start("--testing", RECEIVER_STOP_SECONDS="1")
    receiver.state("processing is slow", uid="slow", seconds=60)
    assert receiver.deliver(a_body(uid="slow")) == 202
    processing(receiver, "slow")
    # It is given a third of the minute that it would take.
    assert receiver.end() == 0
    assert rows(tmp_path) == [("slow", "waiting", 0, 1, None)]
    assert "Deliveries given back unfinished" in receiver.log.read_text()
    again = start("--testing")
    assert len(again.settled("slow")["effects"]) == 1


def test_an_attempt_under_way_gets_its_answer(start):
    receiver = start(RECEIVER_STOP_SECONDS="20")
    body = a_body()
    head = (
        f"POST /api/webhooks/calcom HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n"
        f"x-cal-signature-256: {sign(body)}\r\n\r\n"
    )
    host, port = receiver.origin.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=15) as attempt:
        attempt.sendall(head.encode() + body[:10])
        # Answered after the head of the first was read: both connections are known to it.
        assert receiver.request(receiver.url)[0] == 405
        ending = threading.Thread(target=receiver.end)
        ending.start()
        closed(host, int(port))
        attempt.sendall(body[10:])
        assert attempt.recv(1000).startswith(b"HTTP/1.1 202 ")
    ending.join(20)
    assert receiver.popen.returncode == 0


def test_an_attempt_that_never_ends_holds_nothing_up(start, tmp_path):
    receiver = start(RECEIVER_STOP_SECONDS="1", RECEIVER_BODY_SECONDS="60")
    host, port = receiver.origin.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=15) as attempt:
        attempt.sendall(
            b"POST /api/webhooks/calcom HTTP/1.1\r\nhost: x\r\ncontent-length: 99\r\n\r\n{"
        )
        assert receiver.request(receiver.url)[0] == 405
        assert receiver.end() == 0
    assert rows(tmp_path) == []


def closed(host, port):
    """Wait until nobody listens there any more."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            socket.create_connection((host, port), timeout=1).close()
        except OSError:
            return
        time.sleep(0.01)
    pytest.fail("it still takes connections")


def test_all_that_was_acknowledged_during_the_end_is_there(start, tmp_path):
    receiver = start("--testing")
    acknowledged, stop = [], threading.Event()

    def burst(thread):
        number = 0
        while not stop.is_set():
            number += 1
            uid = f"u{thread}-{number}"
            try:
                if receiver.deliver(a_body(uid=uid)) == 202:
                    acknowledged.append(uid)
            except (OSError, http.client.HTTPException):
                return

    threads = [threading.Thread(target=burst, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    while len(acknowledged) < 20:
        time.sleep(0.001)
    assert receiver.end() == 0
    stop.set()
    for thread in threads:
        thread.join()
    stored = {row[0] for row in rows(tmp_path)}
    assert set(acknowledged) <= stored
    # Nothing is left half-done.
    assert {row[1] for row in rows(tmp_path)} <= {"done", "waiting"}
