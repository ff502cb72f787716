"""SIGTERM, while something is under way: a real process ends in time and loses nothing."""

import asyncio
import http.client
import signal
import socket
import sqlite3
import threading
import time

import pytest
import uvicorn
import uvloop

from reference_impl import serving
from reference_impl.listening import listen
from reference_impl.protocol import Protocol
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


# --- who is at the door when it closes --------------------------------------------------------

REQUEST = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n"


async def answers(_scope, _receive, send):
    headers = [(b"content-length", b"0")]
    await send({"type": "http.response.start", "status": 202, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


async def becomes(condition):
    """Turn the loop until *condition* holds."""
    while not condition():  # noqa: ASYNC110 - what is waited for tells nobody
        await asyncio.sleep(0)


class Closing:
    """A server that is about to stop, and a client of it."""

    def __init__(self):
        self.listening = listen("127.0.0.1", 0)
        config = uvicorn.Config(answers, http=Protocol, lifespan="off", log_config=None)
        config.load()
        self.server = serving._Server(config, "nowhere", None)
        self.server.lifespan = config.lifespan_class(config)
        self.client = socket.socket()

    async def open(self):
        await uvicorn.Server.startup(self.server, [self.listening])

    def knock(self):
        """Connect; the system answers, whether or not the server ever looks."""
        self.client.connect(self.listening.getsockname())

    async def entered(self):
        await becomes(lambda: self.server.server_state.connections)

    async def stop(self):
        """As it does on SIGTERM, once no more work is begun."""
        await self.server._close_door([self.listening])
        await uvicorn.Server.shutdown(self.server)

    async def begun(self):
        """The rest of `stop`, which has begun when nobody listens any more."""
        stopping = asyncio.ensure_future(self.stop())
        await becomes(lambda: self.listening.fileno() < 0)
        return stopping

    async def heard(self, until=b""):
        """What the client reads, up to the words *until* or the end of the connection."""
        self.client.setblocking(False)
        loop, answer = asyncio.get_running_loop(), b""
        while not until or until not in answer:
            piece = await loop.sock_recv(self.client, 1000)
            if not piece:
                break
            answer += piece
        return answer


async def waits_outside(closing):
    closing.knock()
    closing.client.sendall(REQUEST)
    return asyncio.ensure_future(closing.stop())


async def says_nothing_yet(closing):
    closing.knock()
    await closing.entered()
    stopping = await closing.begun()
    closing.client.sendall(REQUEST)
    return stopping


async def begins_another(closing):
    closing.knock()
    closing.client.sendall(REQUEST)
    await closing.heard(b"\r\n\r\n")
    closing.client.sendall(REQUEST)
    return asyncio.ensure_future(closing.stop())


async def is_half_way_through(closing):
    closing.knock()
    closing.client.sendall(REQUEST[:20])
    await closing.entered()
    stopping = await closing.begun()
    closing.client.sendall(REQUEST[20:])
    return stopping


@pytest.mark.parametrize(
    "does", [waits_outside, says_nothing_yet, begins_another, is_half_way_through]
)
def test_who_was_let_in_gets_an_answer_and_the_connection_is_closed(does):
    async def story():
        closing = Closing()
        with closing.client:
            await closing.open()
            stopping = await does(closing)
            answer = await closing.heard()
            await stopping
            return answer

    assert uvloop.run(asyncio.wait_for(story(), 20)).startswith(b"HTTP/1.1 202 ")


@pytest.mark.parametrize("said", [b"", REQUEST[:20]], ids=["nothing", "half a head"])
def test_who_has_nothing_to_say_is_not_waited_for(said):
    async def story():
        closing = Closing()
        with closing.client:
            await closing.open()
            closing.knock()
            closing.client.sendall(said)
            await closing.entered()
            await closing.stop()
            return await closing.heard()

    assert uvloop.run(asyncio.wait_for(story(), 20)) == b""
