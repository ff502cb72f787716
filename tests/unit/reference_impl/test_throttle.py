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
    addresses = ["192.0.2.1", "192.0.2.2", "2001:db8:0:1::1", "2001:db8:0:2::1", "::1", "", "x%y"]
    assert len({whose(address) for address in addresses}) == len(addresses)
    throttle = Throttle(1)
    assert [throttle.wait(address) for address in addresses] == [None] * len(addresses)
