import socket
import threading
import time

import pytest

from mock_calcom import delivery, wire
from mock_calcom.delivery import Subscription
from mock_calcom.sender import Sender
from tests.unit.mock_calcom.loopback import answers, read_request


@pytest.fixture
def composed(calendar, at):
    """Makes a delivery to *url*."""

    def compose(url):
        occurrence = calendar.any_of("BOOKING_CREATED", at)
        return delivery.compose(occurrence, Subscription(url, "s3cret"))

    return compose


SCRIPTS = {
    "exact": wire.exact,
    "torn": lambda sent: wire.torn(sent, 20, 0.01),
    "torn after the head": lambda sent: wire.torn(sent, 0, 0.01),
    "slow": lambda sent: wire.slow(sent, 200, 0.001),
}


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
def test_however_it_is_cut_the_same_bytes_arrive(receiver, composed, script):
    listening = receiver(answers())
    sent = composed(listening.url)
    attempt = script(sent)
    head, body = listening.received[0]
    assert attempt.acknowledged
    assert attempt.answer.body == b'{"status":"accepted"}'
    assert body == sent.body
    assert head.startswith(b"POST /hook?x=1 HTTP/1.1\r\nhost: 127.0.0.1")


def test_a_torn_body_arrives_in_two_segments(receiver, composed):
    def play(connection, listening):
        pieces = [connection.recv(65536), connection.recv(65536)]
        listening.received.extend(pieces)
        connection.sendall(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")

    listening = receiver(play)
    sent = composed(listening.url)
    assert wire.torn(sent, 5, 0.05).acknowledged
    first, second = listening.received
    assert first.endswith(b"\r\n\r\n" + sent.body[:5])
    assert second == sent.body[5:]


def test_a_chunked_body_has_no_length(receiver, composed):
    listening = receiver(answers())
    sent = composed(listening.url)
    assert wire.chunked(sent, 1000).acknowledged
    head, body = listening.received[0]
    assert b"content-length" not in head
    assert b"transfer-encoding: chunked" in head
    assert body.startswith(b"3e8\r\n" + sent.body[:1000])
    assert body.endswith(b"0\r\n\r\n")


def test_any_header_line_and_method_can_be_sent(receiver, composed):
    listening = receiver(answers(b"405 Method Not Allowed"))
    lines = [(b"Host", b"x"), ("X-Odd", b"\xff\xfe"), ("x-odd", "twice")]
    attempt = wire.exact(composed(listening.url).with_body(b""), lines=lines, method="PUT")
    assert attempt.status == 405
    assert listening.received[0][0] == (
        b"PUT /hook?x=1 HTTP/1.1\r\nHost: x\r\nX-Odd: \xff\xfe\r\nx-odd: twice"
    )


def test_an_answer_to_head_has_no_body(receiver, composed):
    listening = receiver(answers(b"405 Method Not Allowed"))
    attempt = wire.exact(composed(listening.url), method="HEAD")
    assert (attempt.status, attempt.answer.body) == (405, b"")


def test_repeated_headers_of_an_answer_are_joined(receiver, composed):
    listening = receiver(answers(headers=[b"X-A: 1", b"x-a: 2"]))
    assert wire.exact(composed(listening.url)).answer.headers["x-a"] == "1, 2"


def test_an_interim_answer_is_not_the_answer(receiver, composed):
    def play(connection, listening):
        connection.recv(10)
        connection.sendall(b"HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n")
        listening.received.append(read_request(connection))
        connection.sendall(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")

    listening = receiver(play)
    sent = composed(listening.url)
    assert wire.slow(sent, 500, 0.002).status == 202
    assert listening.received[0][1] == sent.body


def test_who_leaves_before_the_answer_gets_none(receiver, composed):
    gone = threading.Event()

    def play(connection, listening):
        listening.received.append(read_request(connection))
        while connection.recv(100):
            pass
        gone.set()

    listening = receiver(play)
    sent = composed(listening.url)
    attempt = wire.abandoned(sent)
    assert (attempt.answer, attempt.problem) == (None, "abandoned")
    assert gone.wait(5)
    assert listening.received[0][1] == sent.body


def test_who_crashes_leaves_a_reset(receiver, composed):
    errors = []

    def play(connection, _):
        read_request(connection)
        try:
            while connection.recv(100):
                pass
        except ConnectionResetError as error:
            errors.append(error)

    listening = receiver(play)
    assert wire.abandoned(composed(listening.url), reset=True, linger=0.05).problem == "abandoned"
    deadline = time.monotonic() + 5
    while not errors and time.monotonic() < deadline:
        time.sleep(0.001)
    assert errors


def test_a_body_that_never_comes_ends_with_the_attempt(receiver, composed):
    listening = receiver(lambda connection, _: read_request(connection))
    attempt = wire.headers_only(composed(listening.url), timeout=0.2)
    assert attempt.problem == "timeout"
    assert 0.2 <= attempt.seconds < 2


def test_a_truncated_body_can_be_answered(receiver, composed):
    listening = receiver(answers(b"400 Bad Request", b""))
    sent = composed(listening.url)
    assert wire.truncated(sent, 10).status == 400
    assert listening.received[0][1] == sent.body[:10]


def test_an_early_answer_stops_a_slow_body(receiver, composed):
    def play(connection, listening):
        listening.received.append(connection.recv(65536))
        connection.sendall(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")

    attempt = wire.slow(composed(receiver(play).url), 1, 0.05)
    assert attempt.status == 408
    assert attempt.seconds < 1


def test_an_early_answer_stops_a_large_body(receiver, composed):
    def play(connection, _):
        connection.recv(1000)
        connection.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
        time.sleep(0.3)  # keeps the connection open without reading from it

    large = composed(receiver(play).url).with_body(b"x" * 8_000_000)
    assert wire.exact(large).status == 413


def test_a_receiver_that_does_not_read_times_out(receiver, composed):
    release = threading.Event()
    listening = receiver(lambda *_: release.wait(5))
    large = composed(listening.url).with_body(b"x" * 8_000_000)
    attempt = wire.exact(large, timeout=0.2)
    release.set()
    assert attempt.problem == "timeout"
    assert attempt.seconds < 2


@pytest.mark.parametrize(
    ("said", "problem"), [(b"", "reset"), (b"220 smtp\r\n", "garbage"), (b"HTTP/1.1 20", "garbage")]
)
def test_what_is_no_answer_is_named(receiver, composed, said, problem):
    def play(connection, _):
        read_request(connection)
        connection.sendall(said)

    assert wire.exact(composed(receiver(play).url)).problem == problem


def test_a_body_that_breaks_off_leaves_the_status(receiver, composed):
    def play(connection, _):
        read_request(connection)
        connection.sendall(b"HTTP/1.1 202 Accepted\r\nContent-Length: 100\r\n\r\nhalf")

    attempt = wire.exact(composed(receiver(play).url))
    assert (attempt.status, attempt.answer.body) == (202, b"half")


def test_a_body_that_never_ends_is_cut_off(receiver, composed):
    def play(connection, _):
        read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n")
        while True:
            connection.sendall(b"x" * 65536)

    attempt = wire.exact(composed(receiver(play).url))
    assert len(attempt.answer.body) == 1024 * 1024


def test_nobody_listening_is_no_connection(composed):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    attempt = wire.exact(composed(f"http://127.0.0.1:{port}/"))
    assert attempt.problem == "connection"


@pytest.mark.parametrize("send", [wire.slow, wire.chunked])
def test_a_piece_of_nothing_is_refused(composed, send):
    with pytest.raises(ValueError, match="at least one byte"):
        send(composed("http://127.0.0.1:9/"), 0)


# --- all at once ---------------------------------------------------------------------------------


def test_a_volley_arrives_whole_at_the_same_instant(receiver, composed):
    moments = []

    def play(connection, listening):
        listening.received.append(read_request(connection))
        moments.append(time.monotonic())
        connection.sendall(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")

    listening = receiver(play)
    sent = composed(listening.url)
    made = Sender(5).volley([sent] * 20)
    assert [attempt.status for attempt in made] == [202] * 20
    assert {body for _, body in listening.received} == {sent.body}
    assert max(moments) - min(moments) < 1  # on busy cores; in quiet it is a millisecond


def test_no_delivery_of_a_volley_is_complete_before_all_are_ready(receiver, composed):
    """Every connection has sent all but its last byte before any of them sends that one."""
    barrier = threading.Barrier(5)

    def play(connection, _):
        read = b""
        while not read.endswith(b"}"):
            read += connection.recv(65536)
        barrier.wait(5)  # breaks unless all five have got that far
        while not read.endswith(b"}}"):
            read += connection.recv(65536)
        connection.sendall(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")

    sent = composed(receiver(play).url)
    assert all(attempt.acknowledged for attempt in Sender(5).volley([sent] * 5))


def test_a_volley_keeps_its_order_and_its_failures_apart(receiver, composed):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        nobody = f"http://127.0.0.1:{taken.getsockname()[1]}/"
    good, bad = composed(receiver(answers()).url), composed(nobody)
    silent = composed(receiver(lambda connection, _: read_request(connection)).url)
    made = Sender(5).volley([good, bad, silent, good])
    assert [attempt.problem for attempt in made] == [None, "connection", "reset", None]
    assert [attempt.delivery for attempt in made] == [good, bad, silent, good]


def test_a_volley_of_nothing_is_nothing():
    assert Sender(5).volley([]) == []


def test_a_volley_does_not_outlast_its_timeout(receiver, composed):
    release = threading.Event()
    listening = receiver(lambda *_: release.wait(5))
    made = Sender(0.2).volley([composed(listening.url)] * 3)
    release.set()
    assert [attempt.problem for attempt in made] == ["timeout"] * 3
    assert all(attempt.seconds < 2 for attempt in made)
