import socket

import pytest
import requests
import responses
from responses import matchers

from mock_calcom import delivery
from mock_calcom.delivery import Subscription
from mock_calcom.profiles import DEFAULT, PROFILES
from mock_calcom.sender import Sender
from tests.unit.mock_calcom.loopback import answers, read_request

URL = "http://receiver.example/api/webhooks/calcom"
TASK = PROFILES["task-2026"]


@pytest.fixture
def mocked():
    with responses.RequestsMock(assert_all_requests_are_fired=True) as mock:
        yield mock


@pytest.fixture
def composed(calendar, at):
    """Makes a delivery to *url*."""

    def compose(url=URL):
        occurrence = calendar.any_of("BOOKING_CREATED", at)
        return delivery.compose(occurrence, Subscription(url, "s3cret"))

    return compose


@pytest.fixture
def naps():
    return []


@pytest.fixture
def sender(naps):
    class NoChance:
        def random(self):
            return 0.0

    return Sender(5, sleep=naps.append, chance=NoChance())


# --- against a stand-in --------------------------------------------------------------------------


def test_an_attempt_posts_the_bytes_under_undicis_headers(mocked, sender, composed):
    sent = composed()
    mocked.post(URL, json={"status": "accepted"}, status=202)
    attempt = sender.attempt(sent)
    request = mocked.calls[0].request
    assert request.body == sent.body
    assert list(request.headers.items())[2:5] == list(sent.headers)
    assert request.headers["user-agent"] == "node"
    assert attempt.acknowledged
    assert attempt.answer.body == b'{"status": "accepted"}'
    assert attempt.answer.headers["content-type"] == "application/json"
    assert attempt.problem is None


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (200, "acknowledged"),
        (202, "acknowledged"),
        (204, "acknowledged"),
        (301, "failed"),
        (307, "failed"),
        (400, "refused"),
        (401, "refused"),
        (410, "refused"),
        (413, "refused"),
        (429, "failed"),
        (500, "failed"),
        (503, "failed"),
    ],
)
def test_an_answer_is_one_of_three_things(mocked, sender, composed, status, verdict):
    mocked.post(URL, status=status, headers={"Location": "http://elsewhere.example/"})
    attempt = sender.attempt(composed())
    assert attempt.status == status
    verdicts = {word: getattr(attempt, word) for word in ("acknowledged", "refused", "failed")}
    assert [word for word, holds in verdicts.items() if holds] == [verdict]


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        (requests.exceptions.ReadTimeout(), "timeout"),
        (requests.exceptions.ConnectTimeout(), "timeout"),
        (requests.exceptions.SSLError(), "tls"),
        (requests.exceptions.ConnectionError(ConnectionResetError(104, "reset")), "reset"),
        (requests.exceptions.ConnectionError("nobody there"), "connection"),
    ],
)
def test_trouble_is_part_of_the_attempt(mocked, sender, composed, error, problem):
    mocked.post(URL, body=error)
    attempt = sender.attempt(composed())
    assert attempt.problem == problem
    assert attempt.answer is None
    assert attempt.status is None
    assert attempt.failed


def test_the_direct_path_sends_once_whatever_happens(mocked, sender, composed, naps):
    mocked.post(URL, status=503)
    assert [attempt.status for attempt in sender.deliver(composed(), DEFAULT)] == [503]
    assert naps == []


def test_the_task_path_sends_the_same_bytes_again_until_it_is_heard(mocked, sender, composed, naps):
    for status in (503, 429, 500, 202):
        mocked.post(URL, status=status)
    made = sender.deliver(composed(), TASK)
    assert [attempt.status for attempt in made] == [503, 429, 500, 202]
    assert naps == [0.0, 10.0, 15.0]
    assert len({(call.request.body, str(call.request.headers)) for call in mocked.calls}) == 1


def test_the_task_path_gives_up_after_four(mocked, sender, composed):
    mocked.post(URL, body=requests.exceptions.ReadTimeout())
    made = sender.deliver(composed(), TASK)
    assert [attempt.problem for attempt in made] == ["timeout"] * 4


@pytest.mark.parametrize("status", [202, 301, 400, 410, 501])
def test_the_task_path_takes_other_answers_as_final(mocked, sender, composed, status):
    mocked.post(URL, status=status)
    assert len(sender.deliver(composed(), TASK)) == 1


def test_gone_ends_the_subscription(mocked, sender, composed):
    mocked.post(URL, status=410)
    made = sender.deliver(composed(), TASK)
    assert not Subscription(URL, profile=TASK).after(made[-1].status).active


def test_the_query_is_kept(mocked, sender, composed):
    mocked.post(URL, status=202, match=[matchers.query_param_matcher({"x": "1"})])
    assert sender.attempt(composed(f"{URL}?x=1")).acknowledged


@pytest.mark.parametrize(
    "url", ["ftp://r.example/", "nowhere", "http://*/", "http://u:p@r.example"]
)
def test_a_url_that_cannot_be_posted_to_is_a_mistake_of_the_caller(sender, composed, url):
    with pytest.raises(ValueError, match=r"URL|url"):
        sender.attempt(composed(url))


# --- against a socket ----------------------------------------------------------------------------


def test_the_header_block_on_the_wire_is_nodes(receiver, sender, composed):
    listening = receiver(answers())
    sent = composed(listening.url)
    attempt = sender.attempt(sent)
    head, body = listening.received[0]
    lines = head.decode().split("\r\n")
    assert lines[0] == "POST /hook?x=1 HTTP/1.1"
    assert [line.split(":")[0] for line in lines[1:]] == [
        "host",
        "connection",
        "Content-Type",
        "X-Cal-Signature-256",
        "X-Cal-Webhook-Version",
        "accept",
        "accept-language",
        "sec-fetch-mode",
        "user-agent",
        "accept-encoding",
        "content-length",
    ]
    assert body == sent.body
    assert attempt.answer.seconds <= attempt.seconds < 5


def test_odd_headers_go_over_a_raw_socket(receiver, sender, composed):
    listening = receiver(answers())
    odd = composed(listening.url).with_repeated_header("X-Cal-Signature-256", "é")
    assert sender.attempt(odd).acknowledged
    assert listening.received[0][0].count(b"X-Cal-Signature-256") == 2
    assert b"X-Cal-Signature-256: \xe9" in listening.received[0][0]


def test_a_redirect_is_not_followed(receiver, sender, composed):
    elsewhere = receiver(answers())
    moved = receiver(
        answers(b"308 Permanent Redirect", headers=[b"Location: " + elsewhere.url.encode()])
    )
    assert sender.attempt(composed(moved.url)).status == 308
    assert elsewhere.received == []


def test_a_proxy_of_the_environment_is_ignored(receiver, sender, composed, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert sender.attempt(composed(receiver(answers()).url)).acknowledged


def test_nobody_listening_is_no_connection(sender, composed):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert sender.attempt(composed(f"http://127.0.0.1:{port}/")).problem == "connection"


def test_hanging_up_without_an_answer_is_a_reset(receiver, sender, composed):
    listening = receiver(lambda connection, _: read_request(connection))
    assert sender.attempt(composed(listening.url)).problem == "reset"


def test_an_answer_that_is_no_http_is_garbage(receiver, sender, composed):
    def play(connection, _):
        read_request(connection)
        connection.sendall(b"SSH-2.0-OpenSSH\r\n\r\n")

    assert sender.attempt(composed(receiver(play).url)).problem == "garbage"


@pytest.mark.parametrize(
    "said", [b"HTTP/1.1 202 Accepted\r\n", b"HTTP/1.1 202 OK\r\nX-A: b\r\n", b"HTTP"]
)
def test_a_head_that_breaks_off_is_no_acknowledgement(receiver, sender, composed, said):
    def play(connection, _):
        read_request(connection)
        connection.sendall(said)

    assert sender.attempt(composed(receiver(play).url)).problem == "garbage"


def test_an_interim_answer_is_not_the_answer(receiver, sender, composed):
    def play(connection, listening):
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        answers()(connection, listening)

    assert sender.attempt(composed(receiver(play).url)).status == 202


@pytest.mark.parametrize("body", [b"", b"garbage that no gzip reader knows"])
def test_a_body_that_cannot_be_read_leaves_the_status(receiver, sender, composed, body):
    listening = receiver(answers(body=body, headers=[b"Content-Encoding: gzip"]))
    attempt = sender.attempt(composed(listening.url))
    assert (attempt.status, attempt.answer.body) == (202, b"")


def test_a_chunked_answer_is_read_whole(receiver, sender, composed):
    def play(connection, _):
        read_request(connection)
        connection.sendall(
            b"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
        )

    assert sender.attempt(composed(receiver(play).url)).answer.body == b"abc"


def drip(first, piece):
    """A play that never finishes: *first*, then *piece* again and again."""

    def play(connection, _):
        import time

        read_request(connection)
        connection.sendall(first)
        while True:
            connection.sendall(piece)
            time.sleep(0.02)  # the receiver's pace: far below any timeout per read

    return play


def test_an_answer_that_drips_for_ever_does_not_outlast_the_timeout(receiver, composed):
    attempt = Sender(0.3).attempt(composed(receiver(drip(b"HTTP/1.1 202 OK\r\n", b"X")).url))
    assert attempt.problem == "timeout"
    assert attempt.seconds < 2  # it would last five, and the machine may be busy


def test_a_body_that_drips_for_ever_leaves_the_status(receiver, composed):
    head = b"HTTP/1.1 202 Accepted\r\nContent-Length: 100000\r\n\r\n"
    attempt = Sender(0.3).attempt(composed(receiver(drip(head, b"x")).url))
    assert attempt.acknowledged
    assert set(attempt.answer.body) <= {ord("x")}
    assert attempt.seconds < 2  # it would last five, and the machine may be busy


def test_an_endless_answer_is_cut_at_a_mebibyte(receiver, sender, composed):
    def play(connection, _):
        read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n")
        while True:
            connection.sendall(b"x" * 65536)

    attempt = sender.attempt(composed(receiver(play).url))
    assert attempt.acknowledged
    assert len(attempt.answer.body) == 1024 * 1024


def test_an_answer_given_before_the_body_ends_is_heard(receiver, sender, composed):
    def play(connection, _):
        connection.recv(1000)
        connection.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass

    large = composed(receiver(play).url).with_body(b"x" * 3_000_000)
    assert sender.attempt(large).status == 413
