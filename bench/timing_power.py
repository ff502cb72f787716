"""
What the timing check of signatures can see, and how often it is wrong: `docs/timing.md`.

    python bench/timing_power.py [RUNS]

A twin of a receiver, in a process of its own on this machine, refuses forgeries over a connection
that is kept alive.  It compares signatures in constant time, or digit by digit with a delay for
each right one.  The check is run against it again and again, and how often it says LEAK is counted.
Then the times that the constant twin took are drawn from at random, with a leak of a known size
added to half of them, for rates that would take hours to measure.
"""

from __future__ import annotations

import contextlib
import hmac
import multiprocessing
import socket
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection
from random import Random

from calcontract import timing
from calcontract.stimuli import forgeries
from mock_calcom.delivery import Delivery

_RIGHT = "5f2a9c0d1e8b7a6f" * 4
_BODY = b'{"triggerEvent":"BOOKING_CREATED","payload":{}}' * 40
_ANSWER = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 17\r\n\r\nInvalid signature"
_NAME = b"x-signature: "

#: Delays per right digit in which a real twin is measured, in seconds.
_DELAYS = (0.0, 50e-9, 200e-9, 1e-6, 20e-6)

#: Sizes of leaks that are added to recorded times, in seconds.
_SIZES = (0.0, 1e-6, 2e-6, 5e-6, 10e-6, 20e-6, 50e-6, 100e-6)

#: How often a recorded null is judged, and each size of leak.
_NULLS, _DRAWS = 20_000, 1_000


def _digit_by_digit(given: bytes, right: bytes, delay: float) -> bool:
    for one, other in zip(given, right, strict=True):
        if one != other:
            return False
        until = time.perf_counter() + delay
        while time.perf_counter() < until:
            pass
    return True


def _serve(channel: Connection, delay: float) -> None:
    """Refuse one connection's forgeries after another, for as long as somebody asks."""
    right = _RIGHT.encode()
    with socket.create_server(("127.0.0.1", 0)) as server:
        channel.send(server.getsockname()[1])
        while True:
            sock, _ = server.accept()
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with sock, contextlib.suppress(ConnectionError):
                buffer = b""
                while piece := sock.recv(65536):
                    buffer += piece
                    head, end, body = buffer.partition(b"\r\n\r\n")
                    if not end or len(body) < len(_BODY):
                        continue
                    given = head[head.index(_NAME) + len(_NAME) :][: len(right)]
                    if delay:
                        _digit_by_digit(given, right, delay)
                    else:
                        hmac.compare_digest(given, right)
                    sock.sendall(_ANSWER)
                    buffer = b""


@contextlib.contextmanager
def _twin(delay: float) -> Iterator[str]:
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(target=_serve, args=(theirs, delay), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}/"
    finally:
        process.terminate()
        process.join()


def _delivery(url: str, value: str) -> Delivery:
    return Delivery(url, (("x-signature", value),), _BODY)


def _judged(url: str, chance: Random) -> tuple[timing.Finding, list[list[float]]]:
    near = _delivery(url, forgeries.near(_RIGHT))
    far = _delivery(url, forgeries.far(_RIGHT))
    with timing.Line(near, 5.0) as line:
        blocks = timing.sampled(lambda: line.ask(near), lambda: line.ask(far), chance)
    return timing.judge(blocks), blocks


def _measured(runs: int, chance: Random) -> list[float]:
    """Print the rates of real runs; the differences that the constant twin gave."""
    recorded: list[float] = []
    _say(f"{'a right digit costs':>22}  {'LEAK':>11}  {'smallest leak found':>20}  seconds a run")
    for delay in _DELAYS:
        with _twin(delay) as url:
            began = time.perf_counter()
            made = [_judged(url, chance) for _ in range(runs)]
            seconds = (time.perf_counter() - began) / runs
        leaks = sum(finding.verdict is timing.Verdict.LEAK for finding, _ in made)
        floor = statistics.median(finding.floor for finding, _ in made)
        cost = f"{delay * 1e9:.0f} ns" if delay else "nothing"
        _say(f"{cost:>22}  {leaks:>4} of {runs:>4}  {floor * 1e6:>17.1f} us  {seconds:.2f}")
        if not delay:
            recorded = [value for _, blocks in made for block in blocks for value in block]
    return recorded


def _drawn(recorded: Sequence[float], size: float, chance: Random) -> timing.Finding:
    """One judgement over recorded differences, each with a sign by lot and a leak of *size*."""
    return timing.judge(
        [
            [
                chance.choice((-1, 1)) * value + size
                for value in chance.choices(recorded, k=timing.PAIRS)
            ]
            for _ in range(timing.BLOCKS)
        ]
    )


def _resampled(recorded: Sequence[float], chance: Random) -> None:
    _say(f"\n{'a leak of':>22}  {'LEAK':>14}  rate")
    for size in _SIZES:
        draws = _DRAWS if size else _NULLS
        leaks = sum(
            _drawn(recorded, size, chance).verdict is timing.Verdict.LEAK for _ in range(draws)
        )
        _say(f"{size * 1e6:>19.0f} us  {leaks:>5} of {draws:>5}  {leaks / draws:.4f}")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    lot = Random(1)  # noqa: S311 - draws orders, keeps no secret
    _resampled(_measured(int(sys.argv[1]) if sys.argv[1:] else 100, lot), lot)
