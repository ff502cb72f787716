"""What the tests of the mock share: an account, an instant, and receivers."""

import contextlib
import datetime as dt
import random

import pytest

from mock_calcom.ids import Ids
from mock_calcom.life import Calendar
from mock_calcom.people import People
from mock_calcom.profiles import DEFAULT
from tests.unit.mock_calcom.loopback import Receiver

AT = dt.datetime(2026, 7, 7, 9, 15, 42, 318000, tzinfo=dt.UTC)


@pytest.fixture
def at():
    return AT


@pytest.fixture
def account():
    """Makes an account: the same seed, the same life."""

    def make(profile=DEFAULT, seed=7):
        return Calendar(People(seed), Ids(random.Random(seed)), profile)

    return make


@pytest.fixture
def calendar(account):
    return account()


@pytest.fixture
def receiver():
    """Starts receivers that play what a test tells them to."""
    with contextlib.ExitStack() as stack:

        def start(play):
            return stack.enter_context(contextlib.closing(Receiver(play)))

        yield start
