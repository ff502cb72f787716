from collections import Counter

import pytest

from load.plan import CANCELLED, CREATED, MOST, RESCHEDULED, Plan, arrivals

URL = "http://127.0.0.1:8000/api/webhooks/calcom"
ENVIRONMENT = {"CALCONTRACT_TARGET": URL, "CALCOM_WEBHOOK_SECRET": "shared"}


def a_plan(**settings):
    return Plan(URL, "shared", **settings)


def test_arrivals_are_due_evenly_and_as_many_as_were_asked_for():
    coming = arrivals(a_plan(rate=50, duration=3))
    assert [arrival.due for arrival in coming] == [number / 50 for number in range(150)]


def test_a_short_test_has_one_arrival():
    assert len(arrivals(a_plan(rate=0.5, duration=0.1))) == 1


def test_the_same_seed_makes_the_same_schedule():
    assert arrivals(a_plan(seed=4)) == arrivals(a_plan(seed=4))
    assert arrivals(a_plan(seed=4)) != arrivals(a_plan(seed=5))


def test_shares_are_kept():
    coming = arrivals(a_plan(rate=1000, duration=20))
    counts = Counter("again" if arrival.again else arrival.step for arrival in coming)
    assert counts["again"] / 20_000 == pytest.approx(0.1, abs=0.01)
    assert counts[RESCHEDULED] / 20_000 == pytest.approx(0.2, abs=0.01)
    assert counts[CANCELLED] / 20_000 == pytest.approx(0.1, abs=0.01)


def test_a_booking_lives_in_order():
    lives = {}
    for arrival in arrivals(a_plan(rate=1000, duration=5)):
        if not arrival.again:
            lives.setdefault(arrival.life, []).append((arrival.step, arrival.moved))
    assert set(map(tuple, lives.values())) == {
        ((CREATED, False),),
        ((CREATED, False), (RESCHEDULED, False)),
        ((CREATED, False), (CANCELLED, False)),
        ((CREATED, False), (RESCHEDULED, False), (CANCELLED, True)),
    }


def test_a_redelivery_repeats_what_was_due_before():
    before = set()
    for arrival in arrivals(a_plan(rate=1000, duration=5)):
        what = (arrival.life, arrival.step, arrival.moved)
        assert (what in before) is arrival.again
        before.add(what)


@pytest.mark.parametrize(
    "settings",
    [
        {"rate": 0},
        {"rate": 2001},
        {"rate": float("nan")},
        {"duration": 601},
        {"rate": 1000, "duration": MOST / 1000 + 1},
        {"redeliveries": -0.1},
        {"redeliveries": 0.6, "reschedules": 0.6},
        {"redeliveries": float("nan")},
        {"cancellations": float("nan")},
        {"duration": float("inf")},
        {"budget": 0},
        {"budget": float("nan")},
        {"budget": float("inf")},
        {"budget": 1e10},
        {"seed": -1},
        {"seed": 2**53},
        {"profile": "other"},
    ],
)
def test_a_plan_without_bounds_is_refused(settings):
    with pytest.raises(ValueError, match=r"^[a-z0-9]"):
        a_plan(**settings)


def test_a_plan_is_read_from_the_environment():
    told = {**ENVIRONMENT, "CALCONTRACT_LOAD_RATE": "5", "CALCONTRACT_PROFILE": "calcom"}
    plan = Plan.of(told)
    assert (plan.url, plan.secret, plan.rate, plan.profile) == (URL, "shared", 5, "calcom")
    assert Plan.of(told, "http://127.0.0.1:1/").url == "http://127.0.0.1:1/"


def test_a_plan_does_not_show_its_secret():
    assert "shared" not in repr(a_plan())


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"CALCONTRACT_TARGET": ""}, "no receiver is named"),
        ({"CALCOM_WEBHOOK_SECRET": ""}, "CALCOM_WEBHOOK_SECRET holds no secret"),
        ({"CALCONTRACT_LOAD_RATE": "fast"}, "CALCONTRACT_LOAD_RATE is no number"),
        ({"CALCONTRACT_BUDGET": "inf"}, "the budget is to be above 0 and at most 3600 s"),
        ({"CALCONTRACT_SEED": "inf"}, "CALCONTRACT_SEED is no whole number"),
        ({"CALCONTRACT_SEED": "-1"}, "the seed is to be from 0"),
        ({"CALCONTRACT_TARGET": "http://u:p@127.0.0.1/"}, "cannot send to a URL with a login"),
        ({"CALCONTRACT_TARGET": f" {URL}"}, "white space or a control character"),
        ({"CALCONTRACT_TARGET": "http://127.0.0.1:x/"}, "not an http or https URL"),
        ({"CALCONTRACT_TARGET": "https://hooks.example/"}, "hooks.example is not this machine"),
        (
            {
                "CALCONTRACT_TARGET": "http://hooks.example/",
                "CALCONTRACT_I_MAY_TEST": "hooks.example",
            },
            "plain http",
        ),
    ],
)
def test_what_is_not_allowed_is_said_in_a_sentence(changes, sentence):
    with pytest.raises(ValueError, match=sentence):
        Plan.of({**ENVIRONMENT, **changes})


def test_another_machine_is_allowed_by_its_name():
    told = {**ENVIRONMENT, "CALCONTRACT_TARGET": "https://hooks.example/"}
    assert Plan.of({**told, "CALCONTRACT_I_MAY_TEST": "hooks.example"}).rate == 20
