"""
What a receiver has died of, where the checks that met the death cannot tell.

Held at the end of a run over a receiver that the suite can start again.  The suspects of a death
are run once more, half of them at a time, until one is left; and that one, run alone and watched
for a while, is accused if the receiver dies of it again and again.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Sequence

import pytest
from _pytest.runner import runtestprotocol

from calcontract import interrupts
from calcontract.checks import INTERRUPTED, Checks, record_in
from calcontract.errors import CheckStop
from calcontract.recording import name_of
from calcontract.records import CheckRecord
from calcontract.verdicts import Level
from calcontract.vigil import DELAY

#: After so few checks the receiver is watched for a moment longer: that is the repetition of one.
_FEW = 20

#: Deaths beyond so many are not inquired into.
_INQUESTS = 3


def hold(checks: Checks, items: Sequence[pytest.Item]) -> None:
    """Find out, as far as possible, what the receiver of *checks* has died of among *items*."""
    _await_the_end(checks, items)
    by_name = {name_of(item.nodeid): item for item in items}
    vigil = checks.target.life.vigil
    checks.run.deaths = deaths = vigil.deaths
    of_each = [
        (death, [by_name[check.node] for check in death.suspects if check.node in by_name])
        for death in checks.run.unexplained
    ]
    # What Cal.com never sends comes first: other clauses may send the same on the way.
    of_each.sort(key=lambda one: not any(map(_is_hardening, one[1])))
    for death, suspects in of_each[:_INQUESTS]:
        if interrupts.asked() or not checks.target.life.can_begin_anew:
            break
        if suspects and not checks.run.explains(death):
            suspects.sort(key=lambda item: not _is_hardening(item))
            # What it dies of here it has died of before: no death of its own.
            vigil.deaths = []
            try:
                culprit = _culprit(checks, suspects)
                if not interrupts.asked():
                    _accuse(checks, culprit)
            finally:
                vigil.deaths = deaths


def _await_the_end(checks: Checks, items: Sequence[pytest.Item]) -> None:
    """See whether the receiver has died of the last checks, or does now."""
    life = checks.target.life
    is_short = 0 < len(items) <= _FEW and checks.target.process is not None
    if is_short and not life.is_over() and not interrupts.asked():
        with contextlib.suppress(CheckStop):
            life.linger(DELAY)
    life.is_over()


def _is_hardening(item: pytest.Item) -> bool:
    return Level.HARDENING.value in item.keywords


def _culprit(checks: Checks, suspects: Sequence[pytest.Item]) -> pytest.Item:
    while len(suspects) > 1:
        half = len(suspects) // 2
        suspects = suspects[:half] if _dies_of(checks, suspects[:half]) else suspects[half:]
    return suspects[0]


def _dies_of(checks: Checks, items: Sequence[pytest.Item]) -> bool:
    """Whether the receiver dies in the course of *items* or soon after."""
    life = checks.target.life
    checks.target.revive()
    life.vigil.deaths.clear()
    _run(items)
    try:
        life.linger(DELAY)
    except CheckStop:
        return True
    return bool(life.vigil.deaths)


def _accuse(checks: Checks, item: pytest.Item) -> None:
    """Let *item* come to what it comes to if it is watched for a moment longer."""
    checks.target.revive()
    checks.target.life.vigil.deaths.clear()
    checks.lingers = True
    for record in _run([item]):
        checks.run.replace(record)
    checks.lingers = False


def _run(items: Sequence[pytest.Item]) -> list[CheckRecord]:
    records = []
    for item, following in itertools.zip_longest(items, items[1:]):
        # Not through the hook: pytest has counted it already.
        for report in runtestprotocol(item, log=False, nextitem=following):
            record = record_in(report)
            records += [record] if record is not None and record.reason != INTERRUPTED else []
    return records
