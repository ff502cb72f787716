"""
What is tried again before it accuses.

A lost packet, a machine under load and a race that goes one way this time are no defects that show
every time.  Pure: the policy is here, and whoever knows how to run a check hands it in.

1. A check of a race (`@race`) is tried several times even when nothing is wrong: one try would
   overlook a race that is usually lost.
2. What may be an accident - no answer, a late one - accuses only if it happens again.  One accident
   among several tries is none of the receiver's doing.
3. What fails every time is a violation; what fails at times is one too, and says how often.
4. A receiver that dies may have been killed by an earlier check: that is an accident as well, where
   it lives again and can be tried.  A try that met it dead was none.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from calcontract.errors import CheckStop, Flaky, NotVerified, Violation
from calcontract.vigil import DIED

#: A check that may go either way is tried this often.
TRIES = 5
#: So many failures in a row, and none but failures, leave no doubt.
CERTAIN = 3
#: How often an accident has to happen before it is none.
_NO_ACCIDENT = 2

#: What speed, load or the network can bring about without the receiver, by reason code.
_ACCIDENTS = frozenset({"too-late", "processed-inside-the-request", "stuck-after-restart", DIED})
_NO_ANSWER = "no-answer-"

#: Tags of checks whose failures may come and go, and are no accidents all the same.
_CHANCY = frozenset({"race", "needs-process"})


def may_be_an_accident(reason: str) -> bool:
    """Whether *reason* can come about without the receiver's doing."""
    return reason in _ACCIDENTS or reason.startswith(_NO_ANSWER)


def judge(
    first: CheckStop | None,
    again: Callable[[], CheckStop | None],
    *,
    tags: Collection[str],
    proven: Collection[str] = (),
    revives: Callable[[], bool] = lambda: True,
) -> CheckStop | None:
    """
    How a check ended for good, which ended with *first* the first time; None if it passed.

    Args:
        first: how the first try ended.
        again: makes another try, and says how that ended.
        tags: the check's tags.
        proven: the reasons for which its clause is accused already; more proof would be idle.
        revives: whether a receiver that has died lives again for the next try.
    """

    def is_left_dead(end: CheckStop | None) -> bool:
        return end is not None and end.reason == DIED and not revives()

    if is_left_dead(first):
        return first
    if _met_it_dead(first):
        first = again()
    if (
        _met_it_dead(first)
        or not _worth_another(first, tags)
        or (first is not None and first.reason in proven)
    ):
        return first
    ends = [first]
    while len(ends) < (TRIES if None in ends else CERTAIN):
        end = again()
        ends.append(end)
        if isinstance(end, Violation) and is_left_dead(end):
            return end
        if _met_it_dead(end):
            break
        if not _worth_another(end, tags) and end is not None:
            # A plain violation needs no more; whatever else keeps us from trying is not held
            # against the receiver.
            break
    return _weighed(ends)


def _met_it_dead(end: CheckStop | None) -> bool:
    return isinstance(end, NotVerified) and end.reason == DIED


def _worth_another(end: CheckStop | None, tags: Collection[str]) -> bool:
    """Whether a check whose first try ended with *end* has to be tried again."""
    if end is None:
        return "race" in tags
    return may_be_an_accident(end.reason) or (
        isinstance(end, Violation) and not _CHANCY.isdisjoint(tags)
    )


def _weighed(ends: Sequence[CheckStop | None]) -> CheckStop | None:
    """What tries that came to these *ends* amount to."""
    unmade = [end for end in ends if _met_it_dead(end)]
    ends = [end for end in ends if not _met_it_dead(end)]
    violations = [end for end in ends if isinstance(end, Violation)]
    others = [end for end in ends if end is not None and not isinstance(end, Violation)]
    sure = [one for one in violations if not may_be_an_accident(one.reason)]
    if sure or len(violations) >= _NO_ACCIDENT:
        shown = (sure or violations)[-1]
        kind = Violation if len(violations) == len(ends) else Flaky
        return kind(
            f"{shown.sentence} (in {len(violations)} of {len(ends)} tries)",
            expected=shown.expected,
            reason=shown.reason,
            attempt=shown.attempt,
        )
    plain = [one for one in others if not may_be_an_accident(one.reason)]
    if plain or len(violations) + len(others) >= _NO_ACCIDENT:
        return (plain or others or violations)[-1]
    return next(iter(unmade), None)
