import random

import pytest

from mock_calcom import triggers
from mock_calcom.profiles import DEFAULT, PROFILES


class Always:
    """A source of chance that always says the same."""

    def __init__(self, value):
        self._value = value

    def random(self):
        return self._value


def test_the_six_senders_are_there_and_the_newest_direct_one_is_ordinary():
    assert list(PROFILES) == [
        "direct-2026",
        "direct-2025",
        "task-2026",
        "v2026-07-27",
        "selfhosted-tz",
        "guide",
    ]
    assert DEFAULT is PROFILES["direct-2026"]
    assert all(name == profile.name for name, profile in PROFILES.items())


def test_there_are_28_triggers_and_8_events_of_the_guide():
    assert len(set(triggers.TRIGGERS)) == 28
    assert len(set(triggers.GUIDE_TRIGGERS)) == 8
    assert set(triggers.GUIDE_TRIGGERS) - set(triggers.TRIGGERS) == {"BOOKING_CONFIRMED"}
    assert triggers.PING not in triggers.TRIGGERS
    assert set(triggers.TRIGGERS) > triggers.FLAT | triggers.GENERIC | triggers.WITH_ICS


@pytest.mark.parametrize("name", ["direct-2026", "direct-2025", "guide"])
@pytest.mark.parametrize("status", [None, 429, 500, 503])
def test_a_direct_sender_never_sends_again(name, status):
    assert not PROFILES[name].sends_again(status, 1)


@pytest.mark.parametrize("status", [None, 408, 429, 500, 502, 503, 504])
def test_the_task_path_sends_four_times_at_most(status):
    task = PROFILES["task-2026"]
    assert [task.sends_again(status, attempts) for attempts in (1, 2, 3, 4)] == [
        True,
        True,
        True,
        False,
    ]


@pytest.mark.parametrize("status", [301, 400, 401, 404, 410, 413, 422, 501, 505])
def test_the_task_path_gives_up_on_anything_else(status):
    assert not PROFILES["task-2026"].sends_again(status, 1)


@pytest.mark.parametrize(("chance", "delays"), [(0.0, [0.0, 10.0, 15.0]), (1.0, [0.0, 20.0, 30.0])])
def test_the_task_path_waits_longer_each_time(chance, delays):
    task = PROFILES["task-2026"]
    assert [task.delay(attempts, Always(chance)) for attempts in (1, 2, 3)] == delays


def test_a_wait_never_exceeds_ten_minutes():
    assert PROFILES["task-2026"].delay(40, random.Random(1)) == 600.0
