"""Who watches a run is told what it waits for, once, if that takes long."""

from __future__ import annotations

import re
import time

import pytest

from calcontract.waiting import Watch, waiting


@pytest.fixture
def watch():
    made = Watch(lambda line: made.said.append(line.decode()))
    made.said = []
    with made.checking("net-002"):
        yield made


def test_what_takes_long_is_told_once_with_its_end(watch):
    now = time.monotonic()
    with waiting("strangers to be given up", 32):
        for later in (0, 1, 4, 20):
            watch.look(now + later)
    (line,) = watch.said
    assert re.fullmatch(
        r"net-002: waiting for strangers to be given up, "
        r"until \d\d:\d\d:\d\d at the latest \(32 s in all\)",
        line,
    )


def test_what_cannot_take_long_is_not_told(watch):
    with waiting("an answer", 4):
        watch.look(time.monotonic() + 3.5)
    watch.look(time.monotonic() + 9)
    assert watch.said == []


def test_of_waits_within_one_another_the_inner_one_is_told(watch):
    now = time.monotonic()
    with waiting("the receiver to come to rest", 20):
        with waiting("an answer", 32):
            watch.look(now + 5)
        watch.look(now + 9)
    assert ["an answer" in watch.said[0], "come to rest" in watch.said[1]] == [True, True]


def test_every_wait_is_told_of_anew(watch):
    for _ in range(2):
        now = time.monotonic()
        with waiting("an answer", 32):
            watch.look(now + 5)
    assert len(watch.said) == 2


def test_a_check_that_takes_long_is_told_once_whatever_it_does(watch):
    now = time.monotonic()
    for later in (1, 9, 11, 40):
        watch.look(now + later)
    with watch.checking("sig-025"):
        watch.look(now + 50)
    watch.look(now + 90)
    assert watch.said == ["net-002: under way for 11 s", "sig-025: under way for 50 s"]
