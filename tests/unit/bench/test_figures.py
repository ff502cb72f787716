import pytest

from bench.receiving.figures import (
    Cpu,
    Round,
    Spread,
    Target,
    due,
    middle,
    ratio,
    rotated,
)


def test_a_spread_is_told_in_milliseconds_and_from_all_samples():
    spread = Spread.of([number / 1000 for number in range(1000, 0, -1)])
    assert (spread.p50, spread.p99, spread.p999) == pytest.approx((500, 990, 999))


def test_one_sample_is_every_share_of_itself():
    assert Spread.of([0.25]) == Spread(250, 250, 250)


def test_no_samples_have_no_spread():
    with pytest.raises(ValueError, match="nothing was answered"):
        Spread.of([])


def test_the_middle_of_rounds_is_the_median_of_each_figure_by_itself():
    rounds = [
        Round(10, Cpu(3, 9), Spread(1, 2, 3), Spread(7, 8, 9)),
        Round(30, Cpu(1, 8), Spread(5, 1, 9), Spread(9, 7, 8)),
        Round(20, Cpu(2, 7), Spread(3, 3, 1), Spread(8, 9, 7)),
    ]
    assert middle(rounds) == Round(20, Cpu(2, 8), Spread(3, 2, 3), Spread(8, 8, 8))


def test_two_rounds_meet_half_way():
    assert middle([Spread(1, 1, 1), Spread(2, 3, 4)]) == Spread(1.5, 2, 2.5)


@pytest.mark.parametrize(
    ("turns", "order"), [(0, "abc"), (1, "bca"), (2, "cab"), (3, "abc"), (7, "bca")]
)
def test_every_round_begins_with_another(turns, order):
    assert rotated("abc", turns) == list(order)


def test_nobody_has_no_order():
    assert rotated([], 3) == []


def test_over_as_many_rounds_as_there_are_candidates_each_has_every_place_once():
    orders = [rotated(range(4), number) for number in range(4)]
    assert all(sorted(place) == [0, 1, 2, 3] for place in zip(*orders, strict=True))


def test_attempts_are_due_evenly_whatever_becomes_of_those_before():
    assert due(4, 2) == [0, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75]


def test_the_slowest_load_has_one_attempt():
    assert due(0.1, 1) == [0]


@pytest.mark.parametrize(
    ("target", "value", "line"),
    [
        (Target("a / b", 0.5), 0.5, "a / b >= 0.5: 0.50, met"),
        (Target("a / b", 3), 2.994, "a / b >= 3: 2.99, MISSED"),
        (Target("p99", 20, at_most=True, unit=" ms"), 20.0, "p99 <= 20 ms: 20.00 ms, met"),
        (Target("p99", 20, at_most=True, unit=" ms"), 21.5, "p99 <= 20 ms: 21.50 ms, MISSED"),
        (Target("a / b", 1), None, "a / b >= 1: not measured"),
    ],
)
def test_a_target_says_what_was_promised_and_what_was_measured(target, value, line):
    assert target.line(value) == line


@pytest.mark.parametrize(("one", "other"), [(None, 1.0), (1.0, None), (1.0, 0.0)])
def test_what_was_not_measured_has_no_ratio(one, other):
    assert ratio(one, other) is None


def test_a_ratio_is_one_for_each_of_the_other():
    assert ratio(3.0, 2.0) == 1.5


def test_cpu_is_told_for_each_of_what_was_done_in_between():
    assert Cpu(3.0, 1.5).each(Cpu(1.0, 1.0), 10_000) == Cpu(pytest.approx(200), pytest.approx(50))
