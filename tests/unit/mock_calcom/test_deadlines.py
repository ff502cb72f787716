"""Work within a time: what it gives, what it raises, and who does it."""

import threading

import pytest

from mock_calcom.deadlines import Deadline, DeadlineExceededError, within


def test_work_in_time_gives_its_result():
    assert within(Deadline(5), lambda: 7) == 7


@pytest.mark.parametrize("error", [ValueError("no"), TimeoutError("its own")])
def test_work_that_fails_raises_its_own_error(error):
    def fail():
        raise error

    with pytest.raises(type(error)) as caught:
        within(Deadline(5), fail)
    assert caught.value is error


def test_work_that_takes_too_long_is_left_to_itself_and_holds_up_none_after_it():
    go_on = threading.Event()
    ended = threading.Event()

    def wait():
        go_on.wait(10)
        ended.set()

    with pytest.raises(DeadlineExceededError):
        within(Deadline(0.01), wait)
    assert within(Deadline(5), threading.get_ident) != threading.get_ident()
    assert not ended.is_set()
    go_on.set()
    assert ended.wait(10)


def test_one_thread_does_what_comes_one_after_another():
    first = within(Deadline(5), threading.get_ident)
    assert {within(Deadline(5), threading.get_ident) for _ in range(5)} == {first}
