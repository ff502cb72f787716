import contextlib
import threading

from reference_impl.turns import Turns

FOR_EVER = float("inf")


def test_who_finds_no_turn_left_waits_until_one_has_ended():
    turns, seen, near = Turns(1), [], threading.Event()

    def other():
        near.set()
        with turns.taken(FOR_EVER):
            seen.append("other")

    with turns.taken(FOR_EVER):
        thread = threading.Thread(target=other)
        thread.start()
        near.wait(10)
        thread.join(0.05)
        seen.append("first")
    thread.join(10)
    assert seen == ["first", "other"]


def test_there_are_as_many_turns_at_a_time_as_were_asked_for():
    turns = Turns(2)
    with turns.taken(FOR_EVER), turns.taken(FOR_EVER):
        assert turns._count(FOR_EVER) == 2
    assert turns._count(FOR_EVER) == 0


def test_a_slow_turn_stands_in_no_ones_way():
    turns = Turns(1)
    with turns.taken(0), turns.taken(0):
        pass


def test_a_turn_that_ends_badly_is_free_again():
    turns = Turns(1)
    for _ in range(2):
        with contextlib.suppress(ZeroDivisionError), turns.taken(FOR_EVER):
            raise ZeroDivisionError
    assert turns._count(FOR_EVER) == 0
