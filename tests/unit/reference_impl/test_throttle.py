import time

import pytest

from reference_impl.throttle import Throttle, whose


@pytest.mark.parametrize(
    "addresses",
    [
        [
            "2001:db8::1",
            "2001:db8::2",
            "2001:db8:0:0:ffff::",
            "2001:DB8::1",
            "2001:0db8::0001%eth0",
        ],
        ["192.0.2.1", "::ffff:192.0.2.1", "::FFFF:c000:201"],
    ],
)
def test_one_client_has_one_count_whatever_address_it_takes(addresses):
    throttle = Throttle(2)
    waits = [throttle.wait(address) for address in addresses]
    assert waits[:2] == [None, None]
    assert all(wait is not None for wait in waits[2:])


def test_clients_that_differ_have_counts_that_differ():
    networks = [f"2001:db8:0:{number}::1" for number in (1, 2, 3)]
    addresses = ["192.0.2.1", "192.0.2.2", *networks, "::1", "", "x%y"]
    assert len({whose(address) for address in addresses}) == len(addresses)
    throttle = Throttle(1)
    assert [throttle.wait(address) for address in addresses] == [None] * len(addresses)


def test_who_has_to_wait_is_told_how_long_and_then_gets_through(monkeypatch):
    now = [1_000_000.0]
    monkeypatch.setattr(time, "time", lambda: now[0])
    throttle = Throttle(2)
    assert throttle.wait("client") is None
    now[0] += 20.5
    assert throttle.wait("client") is None
    # In whole seconds, and none too few.
    for later, wait in ((0, 40), (39, 1), (1, None), (0, 20)):
        now[0] += later
        assert throttle.wait("client") == wait


def test_without_a_limit_nobody_waits():
    throttle = Throttle(0)
    assert [throttle.wait("client") for _ in range(1000)] == [None] * 1000
