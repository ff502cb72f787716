import pytest

from load.summary import BROKEN, GOOD, NOT_VERIFIED, Sample, Summary, percentile


def summed(samples, *, budget=30.0, arrivals=None):
    return Summary.of(
        samples,
        rate=100.0,
        duration=len(samples) / 100,
        budget=budget,
        seed=7,
        arrivals=len(samples) if arrivals is None else arrivals,
    )


def prompt(number, *, seconds=0.01, lag=0.0, failure=""):
    due = number / 100
    return Sample(due, due + lag, due + lag + seconds, failure)


@pytest.mark.parametrize(
    ("share", "value"), [(0.5, 50), (0.99, 99), (0.999, 100), (1.0, 100), (0.001, 1)]
)
def test_a_percentile_is_one_of_the_values(share, value):
    assert percentile(range(1, 101), share) == value


def test_all_in_time_is_good():
    summary = summed([prompt(number) for number in range(100)])
    assert summary.exit_code == GOOD
    assert summary.within_budget == summary.acknowledged == 100
    assert summary.latencies["p99"] == pytest.approx(0.01)


def test_latency_counts_from_when_an_attempt_was_due():
    summary = summed([prompt(number, lag=0.05) for number in range(100)])
    assert summary.latencies["p50"] == pytest.approx(0.06)


def test_a_failed_delivery_breaks_it_and_is_counted_by_reason():
    samples = [prompt(number) for number in range(98)]
    samples += [prompt(98, failure="answer 500"), prompt(99, failure="answer 500")]
    summary = summed(samples)
    assert summary.exit_code == BROKEN
    assert summary.failures == {"answer 500": 2}
    assert "2 deliveries failed" in summary.verdict


def test_an_acknowledgement_after_the_budget_breaks_it():
    summary = summed([prompt(0), prompt(1, seconds=0.4)], budget=0.3)
    assert summary.exit_code == BROKEN
    assert (summary.within_budget, summary.slow) == (1, 1)


def test_lateness_of_ours_is_not_held_against_the_receiver():
    samples = [prompt(number, lag=0.5 if number < 2 else 0.0) for number in range(100)]
    summary = summed(samples, budget=0.3)
    assert summary.late == 2
    assert summary.exit_code == NOT_VERIFIED
    assert "could not keep" in summary.verdict


def test_one_late_attempt_in_a_hundred_is_tolerated():
    samples = [prompt(number, lag=0.5 if number == 0 else 0.0) for number in range(100)]
    assert summed(samples).exit_code == GOOD


def test_an_attempt_that_was_not_sent_is_never_green():
    summary = summed([prompt(number) for number in range(1000)], arrivals=1001)
    assert summary.unsent == 1
    assert summary.exit_code == NOT_VERIFIED


def test_failures_weigh_more_than_an_overloaded_generator():
    samples = [prompt(number, lag=1.0, failure="nobody listens") for number in range(10)]
    summary = summed(samples, arrivals=20)
    assert summary.overloaded
    assert summary.exit_code == BROKEN
    assert not summary.latencies


def test_what_is_said_and_what_is_written_agree():
    summary = summed([prompt(number) for number in range(100)])
    document = summary.document()
    assert document["lines"] == list(summary.lines())
    assert document["lines"][-1] == "verdict   every delivery was acknowledged within 30 s"
    assert document["latencyMs"]["max"] == pytest.approx(10)
    assert document["exitCode"] == GOOD
