"""The bounds of a header block and of a body's time, over a real socket."""

from __future__ import annotations

import asyncio
import socket
import time
from urllib.parse import urlsplit

import pytest
import uvicorn
from uvicorn.server import ServerState

from reference_impl.protocol import Protocol
from tests.unit.reference_impl.bodies import a_body, sign
from tests.unit.reference_impl.process import Process


@pytest.fixture(scope="module")
def receiver(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bounded")
    bounds = {"RECEIVER_HEAD_BYTES": "8192", "RECEIVER_HEAD_SECONDS": "0.3"}
    bounds["RECEIVER_BODY_SECONDS"] = "0.3"
    with socket.create_server(("127.0.0.1", 0)) as free:
        bounds["RECEIVER_METRICS"] = f"127.0.0.1:{free.getsockname()[1]}"
    process = Process(folder, **bounds)
    process.metrics = f"http://{bounds['RECEIVER_METRICS']}/metrics"
    yield process
    assert process.end() == 0


@pytest.fixture
def talk(receiver):
    """What comes back for some pieces, to the end of the connection."""

    def send(*pieces):
        parts = urlsplit(receiver.url)
        with socket.create_connection((parts.hostname, parts.port), timeout=10) as line:
            try:
                for piece in pieces:
                    line.sendall(piece)
                answer = b""
                while piece := line.recv(65536):
                    answer += piece
            except ConnectionError:
                return b"reset"
            return answer

    return send


START = b"POST /api/webhooks/calcom HTTP/1.1\r\nhost: x\r\n"


@pytest.mark.parametrize(
    "pieces",
    [
        [START + b"x-one: " + b"p" * 9000 + b"\r\n\r\n"],
        [START + b"x-one: ", *[b"p" * 1000] * 10],
        [START + b"".join(b"x-%04d: p\r\n" % number for number in range(1000)) + b"\r\n"],
        [b"POST /" + b"p" * 9000 + b" HTTP/1.1\r\nhost: x\r\n\r\n"],
    ],
    ids=["one field", "in pieces", "many fields", "the target"],
)
def test_a_header_block_that_is_too_large_is_refused(talk, pieces):
    answer = talk(*pieces)
    # What was not read when it is closed resets the connection; the answer may be lost with it.
    assert answer == b"reset" or answer.startswith(b"HTTP/1.1 431 ")


@pytest.mark.parametrize("begun", [b"", START], ids=["nothing", "some fields"])
def test_a_header_block_that_is_too_slow_is_given_up(talk, begun):
    assert talk(begun).startswith(b"HTTP/1.1 408 ")


def test_the_header_block_of_a_later_request_has_no_more_time(receiver):
    parts = urlsplit(receiver.url)
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as line:
        line.sendall(START + b"content-length: 0\r\n\r\n")
        answer = b""
        while b"Missing signature" not in answer:
            answer += line.recv(65536)
        line.sendall(START)
        assert line.recv(65536).startswith(b"HTTP/1.1 408 ")


def drip(line):
    """Send a byte now and then, which keeps a connection alive that nobody watches."""
    for _ in range(300):
        line.sendall(b"x")
        time.sleep(0.1)


@pytest.mark.parametrize(
    "start",
    [START, START.replace(b"POST", b"GET"), START.replace(b"/api", b"/no")],
    ids=["read", "another method", "another path"],
)
def test_a_body_that_never_ends_is_hung_up_on_whether_or_not_anybody_reads_it(receiver, start):
    parts = urlsplit(receiver.url)
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as line:
        line.sendall(start + b"content-length: 100000\r\n\r\n")
        with pytest.raises(ConnectionError):
            drip(line)


def test_a_body_is_none_of_its_business(receiver):
    for _ in range(3):
        body = a_body().replace(b"{", b'{"pad":"' + b"p" * 40_000 + b'",', 1)
        assert receiver.deliver(body) == 202


def test_two_requests_on_one_connection_have_a_block_each(talk):
    body = a_body()
    head = START + b"x-pad: %b\r\nx-cal-signature-256: %b\r\ncontent-length: %d\r\n" % (
        b"p" * 5000,
        sign(body).encode() if isinstance(sign(body), str) else sign(body),
        len(body),
    )
    last = head + b"connection: close\r\n\r\n" + body
    answer = talk(head + b"\r\n" + body + last)
    assert answer.count(b"HTTP/1.1 202 ") == 2


#: More requests than may wait for the one before them.
MANY = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n" * 200


@pytest.mark.parametrize(
    ("reason", "piece"),
    [
        ("head too large", START + b"x-one: " + b"p" * 9000 + b"\r\n\r\n"),
        ("head too slow", START),
        ("too many at once", MANY),
        ("malformed request", b"\x16\x03\x01 nonsense\r\n\r\n"),
    ],
)
def test_who_never_gets_to_the_door_is_counted(receiver, talk, reason, piece):
    def counted():
        text = receiver.request(receiver.metrics)[1].decode()
        line = f'receiver_refused_attempts_total{{reason="{reason}"}} '
        return float(text.partition(line)[2].split("\n")[0])

    before = counted()
    talk(piece)
    assert counted() == before + 1


class Transport:
    """What is done to a connection, in its order."""

    def __init__(self):
        self.done = []

    def write(self, data):
        self.done.append(data)

    def close(self):
        self.done.append("closed")

    def is_closing(self):
        return "closed" in self.done

    def get_extra_info(self, _name):
        return None

    def abort(self):
        self.done.append("closed")

    def pause_reading(self):
        self.done.append("paused")

    def resume_reading(self):
        pass


async def answers(scope, receive, send):
    await receive()
    await send({"type": "http.response.start", "status": 202, "headers": []})
    for piece, more in ((b"one", True), (b"two", False)):
        await send({"type": "http.response.body", "body": piece, "more_body": more})


def spoken(*pieces):
    """What is done to the connection on which a server hears *pieces*."""

    async def run():
        transport, state = Transport(), ServerState()
        protocol = Protocol(uvicorn.Config(answers, log_config=None), state, {})
        protocol.connection_made(transport)
        for piece in pieces:
            protocol.data_received(piece)
            for _ in range(5):
                await asyncio.sleep(0)
        done = transport.done[:]
        protocol.connection_lost(None)
        return done

    return asyncio.run(run())


def test_an_answer_is_one_packet():
    (answer,) = spoken(START + b"content-length: 2\r\n\r\n{}")
    assert answer.startswith(b"HTTP/1.1 202 ")
    assert answer.endswith(b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n")


def test_what_was_written_is_sent_before_the_connection_is_closed():
    answer, closed = spoken(START + b"connection: close\r\ncontent-length: 2\r\n\r\n{}")
    assert answer.endswith(b"0\r\n\r\n")
    assert closed == "closed"


def test_a_go_ahead_is_not_kept_until_there_is_an_answer():
    expecting = START + b"expect: 100-continue\r\ncontent-length: 2\r\n\r\n"
    go_ahead, answer = spoken(expecting, b"{}")
    assert go_ahead == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert answer.startswith(b"HTTP/1.1 202 ")


PING = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n"


def test_a_stranger_who_sends_hundreds_of_requests_without_waiting_is_hung_up_on(talk):
    # All of them are there before the first one is answered.
    answer = talk(PING * 1000)
    assert answer == b"reset" or answer.count(b"HTTP/1.1 200 ") < 100


def test_as_many_as_an_eager_client_sends_are_answered(talk):
    last = PING.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n")
    assert talk(PING * 40 + last).count(b"HTTP/1.1 200 ") == 41


class Unread(Transport):
    """A connection whose client reads nothing."""

    def __init__(self):
        super().__init__()
        self.aborted = asyncio.Event()

    def abort(self):
        self.aborted.set()


async def an_unread_connection(body_seconds):
    config = uvicorn.Config(answers, http=Protocol, ws="none", lifespan="off", log_config=None)
    protocol = Protocol(config, ServerState(), {})
    protocol.body_seconds = body_seconds
    transport = Unread()
    protocol.connection_made(transport)
    return protocol, transport


def test_a_client_that_reads_no_answer_is_given_up():
    async def stall():
        protocol, transport = await an_unread_connection(0.01)
        protocol.pause_writing()
        await asyncio.wait_for(transport.aborted.wait(), 10)
        protocol.connection_lost(None)

    asyncio.run(stall())


def test_a_client_that_reads_again_is_not_given_up():
    async def stall():
        protocol, transport = await an_unread_connection(0.05)
        protocol.pause_writing()
        protocol.resume_writing()
        await asyncio.sleep(0.15)
        assert not transport.aborted.is_set()
        protocol.connection_lost(None)

    asyncio.run(stall())
