"""Log lines of those who are turned away, when there are very many of them."""

import asyncio
import dataclasses
import json
import logging

import pytest

from reference_impl.floods import BURST, PER_SECOND, Floods
from reference_impl.gathering import StoreUnavailableError
from tests.unit.reference_impl.bodies import a_body, signed
from tests.unit.reference_impl.process import Process


class Later:
    """A timer that rings when it is told to."""

    def __init__(self, seconds, ring):
        self.ring, self.running = ring, False

    def start(self):
        self.running = True

    def cancel(self):
        self.running = False


@pytest.fixture
def flood():
    """Floods, with `told` of them, `timers` of theirs, and a clock that is `set`."""
    told, timers, clock = [], [], [0.0]

    def timer(*arguments):
        timers.append(Later(*arguments))
        return timers[-1]

    floods = Floods(lambda *what: told.append(what), now=lambda: clock[0], timer=timer)
    floods.told, floods.timers, floods.set = told, timers, lambda time: clock.__setitem__(0, time)
    return floods


def test_ordinary_refusals_are_all_written(flood):
    assert all(flood.admits("forged") for _ in range(BURST))
    for second in range(1, 100):
        flood.set(float(second))
        assert all(flood.admits("forged") for _ in range(PER_SECOND))
    assert flood.timers == []


def test_a_flood_is_a_line_now_and_then_and_one_about_the_rest(flood):
    written = 0
    for thousandth in range(10_000):
        flood.set(thousandth / 1000)
        written += flood.admits("forged")
    assert written == BURST + 10 * PER_SECOND - 1
    assert len(flood.timers) == 1
    flood.timers[0].ring()
    assert flood.told == [("forged", 10_000 - written)]
    flood.tell()
    assert len(flood.told) == 1


def test_a_flood_of_one_kind_hides_no_other(flood):
    while flood.admits("forged"):
        pass
    assert flood.admits("too large")


def test_what_the_server_warns_of_is_bounded_and_its_errors_are_not(log_lines):
    for _ in range(BURST + 10):
        logging.getLogger("uvicorn.error").warning("Invalid HTTP request received.")
        logging.getLogger("uvicorn.error").error("Trouble")
    written = log_lines.getvalue()
    assert written.count("Invalid HTTP request") <= BURST + PER_SECOND
    assert written.count("Trouble") == BURST + 10


def test_strangers_fill_no_disk_and_are_counted_at_the_end(tmp_path):
    receiver = Process(tmp_path)
    attempts = 2 * BURST
    for _ in range(attempts):
        assert receiver.request(receiver.url, b"{}")[0] == 401
    assert receiver.end() == 0
    lines = [json.loads(line) for line in receiver.log.read_text().splitlines()]
    refused = [line for line in lines if line["event"] == "Cal.com webhook refused"]
    left_out = [line for line in lines if line["event"] == "Log lines left out"]
    assert BURST <= len(refused) < attempts
    assert {line["kind"] for line in left_out} == {"missing signature"}
    assert len(refused) + sum(line["lines"] for line in left_out) == attempts


def test_a_store_in_trouble_fills_no_disk_either(machine, log_lines):
    for _ in range(BURST + 1):
        assert machine.receiver.unavailable(StoreUnavailableError("busy")).status == 503
    assert log_lines.getvalue().count("Cal.com webhook not stored") == BURST


def test_those_who_have_to_wait_fill_no_disk_either(assemble, settings, log_lines, flood):
    receiver = assemble(dataclasses.replace(settings, throttle=1)).receiver
    body = a_body()

    async def insist():
        return [await receiver.judge("192.0.2.1", signed(body), body) for _ in range(BURST + 2)]

    receiver.floods = flood
    receiver.accept = lambda _: asyncio.sleep(0, result=True)
    statuses = [answer.status for answer in asyncio.run(insist())]
    assert statuses == [202, *[429] * (BURST + 1)]
    assert log_lines.getvalue().count("Cal.com webhook throttled") == BURST


def test_an_attempt_that_is_left_out_is_answered_and_counted_all_the_same(machine, log_lines):
    counted = []
    machine.receiver.meter.refused = counted.append
    for _ in range(BURST + 1):
        assert machine.receiver.not_allowed("BREW").status == 405
    assert len(counted) == BURST + 1
    assert log_lines.getvalue().count("BREW") == BURST
    machine.receiver.floods.tell()
    assert '"lines":1' in log_lines.getvalue()
