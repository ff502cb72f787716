"""Several deliveries on one connection, requests that never become whole, and odd lengths."""

import contextlib
import socket

import pytest

from mock_calcom import connections, delivery, headers, wire
from mock_calcom.delivery import Subscription
from mock_calcom.signature import HEADER
from mock_calcom.strangers import Strangers
from tests.unit.mock_calcom.loopback import answers, read_request

ACCEPTED = b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\nok"
REFUSED = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"


@pytest.fixture
def two(calendar, at):
    """Makes two deliveries to *url*."""

    def compose(url):
        subscription = Subscription(url, "s3cret")
        return [
            delivery.compose(calendar.any_of("BOOKING_CREATED", at), subscription) for _ in "12"
        ]

    return compose


def playing(*replies, close_after=9):
    """A play that answers each request of a connection with the next of *replies*."""
    left = list(replies)

    def play(connection, listening):
        data = b""
        for _ in range(close_after):
            while b"\r\n\r\n" not in data:
                piece = connection.recv(65536)
                if not piece:
                    return
                data += piece
            head, _, rest = data.partition(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            while len(rest) < length:
                rest += connection.recv(65536)
            listening.received.append((head, rest[:length]))
            data = rest[length:]
            connection.sendall(left.pop(0))

    return play


@pytest.mark.parametrize("waiting", [True, False])
def test_each_of_two_on_a_connection_gets_its_own_answer(receiver, two, waiting):
    listening = receiver(playing(ACCEPTED, REFUSED))
    sent = two(listening.url)
    made = connections.in_a_row(sent, waiting=waiting, timeout=5)
    assert [attempt.status for attempt in made] == [202, 401]
    assert [attempt.delivery for attempt in made] == sent
    assert [body for _, body in listening.received] == [one.body for one in sent]


@pytest.mark.parametrize("waiting", [True, False])
def test_a_connection_that_is_closed_after_an_answer_is_opened_again(receiver, two, waiting):
    listening = receiver(playing(ACCEPTED, REFUSED, close_after=1))
    made = connections.in_a_row(two(listening.url), waiting=waiting, timeout=5)
    assert [attempt.status for attempt in made] == [202, 401]


def test_a_receiver_that_announces_the_end_of_a_connection_is_believed(receiver, two):
    closing = ACCEPTED.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    listening = receiver(playing(closing, closing, close_after=1))
    made = connections.in_a_row(two(listening.url), timeout=5)
    assert [attempt.status for attempt in made] == [202, 202]


def test_nobody_listening_is_part_of_the_result(two):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/"
    made = connections.in_a_row(two(url), timeout=5)
    assert [attempt.problem for attempt in made] == ["connection", "connection"]


def test_a_question_is_waited_for_and_then_the_body_is_sent(receiver, two):
    def play(connection, listening):
        head = connection.recv(65536)
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        listening.received.append((head, connection.recv(65536)))
        connection.sendall(ACCEPTED)

    listening = receiver(play)
    sent = two(listening.url)[0]
    assert wire.asking(sent, 5, timeout=5).acknowledged
    head, body = listening.received[0]
    assert b"expect: 100-continue\r\n" in head
    assert head.endswith(b"\r\n\r\n")
    assert body == sent.body


def test_a_question_without_an_answer_is_not_waited_for_for_ever(receiver, two):
    listening = receiver(answers())
    assert wire.asking(two(listening.url)[0], 0.01, timeout=5).acknowledged


def test_a_refusal_before_the_body_is_an_answer(receiver, two):
    def play(connection, _):
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n")

    assert wire.asking(two(receiver(play).url)[0], 5, timeout=5).status == 417


def test_an_overstated_body_is_whole_and_its_length_is_not(receiver, two):
    listening = receiver(answers())
    sent = two(listening.url)[0]
    assert wire.overstated(sent, 7, timeout=5).acknowledged
    head, body = listening.received[0]
    assert b"content-length: %d" % (len(sent.body) + 7) in head
    assert head.lower().count(b"content-length") == 1
    assert body == sent.body


def test_a_connection_that_breaks_off_has_sent_so_much_and_gets_no_answer(receiver, two):
    listening = receiver(lambda connection, it: it.received.append(read_request(connection)))
    sent = two(listening.url)[0]
    cut = len(headers.head(sent)) + 10
    attempt = wire.broken_off(sent, cut, timeout=5)
    assert attempt.problem == "abandoned"
    assert attempt.answer is None


@pytest.mark.parametrize("within", ["headers", "body"])
@pytest.mark.parametrize("pace", [None, 0.001])
def test_strangers_are_unsigned_and_never_become_whole(receiver, two, within, pace):
    def play(connection, listening):
        data = b""
        with contextlib.suppress(OSError):
            while piece := connection.recv(65536):
                data += piece
        listening.received.append(data)

    listening = receiver(play)
    sent = two(listening.url)[0]
    with Strangers(sent, 2, within=within, pace=pace) as strangers:
        assert strangers.left(0.05) == 2
    for thread in listening._threads:
        thread.join(5)
    whole = headers.head(sent.without_header(HEADER)) + sent.body
    assert len(listening.received) == 2
    for data in listening.received:
        assert HEADER.lower().encode() not in data.lower()
        assert whole.startswith(data)
        assert len(data) < len(whole)
        assert (b"\r\n\r\n" in data) == (within == "body") or pace


def test_strangers_that_are_hung_up_on_or_answered_are_not_left(receiver, two):
    def play(connection, listening):
        connection.recv(65536)
        listening.received.append(1)
        if len(listening.received) == 1:
            connection.sendall(b"HTTP/1.1 408 Request Timeout\r\n\r\n")

    listening = receiver(play)
    with Strangers(two(listening.url)[0], 2, within="headers") as strangers:
        assert strangers.left(5) == 0
