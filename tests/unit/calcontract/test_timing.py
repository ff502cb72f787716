"""The statistics behind the timing clause, and the connection that it asks over."""

from __future__ import annotations

import socket
import threading
from random import Random

import pytest

from calcontract import timing
from calcontract.errors import Inconclusive
from calcontract.timing import Verdict
from mock_calcom.delivery import Delivery


def noise(chance, size=0.0, spread=50e-6):
    return [[chance.gauss(size, spread) for _ in range(timing.PAIRS)] for _ in range(timing.BLOCKS)]


@pytest.mark.parametrize(
    ("differences", "expected"),
    [
        ([], 0.0),
        ([0.0, 0.0], 0.0),
        ([1.0, -1.0], 0.0),
        # Ranks 1 to 4, all positive: 10 over the root of 30.
        ([1.0, 2.0, 3.0, 4.0], 1.8257),
        ([-1.0, -2.0, -3.0, -4.0], -1.8257),
        # Two ties share the ranks 1 and 2.
        ([1.0, 1.0, -3.0], 0.0),
        ([2.0, -1.0, 0.0, 3.0], 1.069),
    ],
)
def test_the_signed_rank_score_is_that_of_the_textbook(differences, expected):
    assert timing.score(differences) == pytest.approx(expected, abs=1e-3)


def test_a_leak_of_a_microsecond_per_digit_is_found():
    finding = timing.judge(noise(Random(1), size=63e-6))
    assert finding.verdict is Verdict.LEAK
    assert finding.leak == pytest.approx(63e-6, rel=0.2)
    assert finding.floor < 63e-6


def test_noise_alone_accuses_nobody():
    chance = Random(2)
    found = [timing.judge(noise(chance)).verdict for _ in range(500)]
    assert set(found) == {Verdict.NO_LEAK}


def test_what_is_faster_for_a_nearly_right_forgery_is_no_leak():
    assert timing.judge(noise(Random(3), size=-63e-6)).verdict is Verdict.NO_LEAK


def test_one_block_that_disagrees_is_enough_to_stay_silent():
    blocks = noise(Random(4), size=63e-6)
    blocks[0] = [-value for value in blocks[0]]
    assert timing.judge(blocks).verdict is Verdict.NO_LEAK


def test_where_anything_could_hide_nothing_is_said():
    assert timing.judge(noise(Random(5), spread=1.0)).verdict is Verdict.INCONCLUSIVE


def test_pairs_are_asked_in_an_order_drawn_by_lot():
    asked = []
    near, far = (lambda name=name: asked.append(name) or 0.0 for name in ("near", "far"))
    blocks = timing.sampled(near, far, Random(6), blocks=2, pairs=50)
    assert [len(block) for block in blocks] == [50, 50]
    counted = asked[-200:]
    assert counted.count("near") == counted.count("far") == 100
    firsts = counted[::2]
    assert 20 < firsts.count("near") < 80


def served(answers):
    """A receiver that gives each of *answers* once, on one connection as long as it can."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve():
        left = list(answers)
        with server:
            while left:
                sock, _ = server.accept()
                with sock:
                    while left and sock.recv(65536):
                        answer = left.pop(0)
                        if answer is None:
                            break
                        sock.sendall(answer)

    threading.Thread(target=serve, daemon=True).start()
    return Delivery(f"http://127.0.0.1:{server.getsockname()[1]}/", (), b"{}")


REFUSAL = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno"


def test_a_line_is_kept_and_opened_again_when_the_receiver_hangs_up():
    delivery = served([REFUSAL, REFUSAL, None, REFUSAL])
    with timing.Line(delivery, 5.0) as line:
        seconds = [line.ask(delivery) for _ in range(3)]
    assert all(0 < one < 5 for one in seconds)
    assert line.statuses == {delivery: {401}}


def test_the_head_of_each_answer_is_acknowledged_at_once(monkeypatch):
    told = []

    class Noting(socket.socket):
        def setsockopt(self, *option):
            told.append(option)
            super().setsockopt(*option)

    monkeypatch.setattr(socket, "socket", Noting)
    delivery = served([REFUSAL] * 3)
    with timing.Line(delivery, 5.0) as line:
        for _ in range(3):
            line.ask(delivery)
    assert told.count((socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)) == 3


def test_a_throttled_line_says_nothing():
    delivery = served([b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n"])
    with timing.Line(delivery, 5.0) as line, pytest.raises(Inconclusive, match="throttles"):
        line.ask(delivery)


def test_a_line_that_the_receiver_ends_is_closed_whoever_keeps_the_error():
    delivery = served([REFUSAL, None, None])
    with timing.Line(delivery, 5.0) as line:
        line.ask(delivery)
        kept = line._sock
        with pytest.raises(Inconclusive) as caught:
            line.ask(delivery)
        assert caught.value.__context__ is not None
        assert kept.fileno() == -1


def test_a_line_without_an_answer_says_nothing():
    delivery = served([None])
    with timing.Line(delivery, 5.0) as line, pytest.raises(Inconclusive, match="no answer"):
        line.ask(delivery)
