"""
From the outcomes of checks to the verdict of a run.

Pure: values in, values out.  No socket, clock, file or environment.

1. A clause takes the worst outcome of its checks; a run only gets worse by what is added to it.
2. No mix of outcomes conforms without at least one verified MUST, and without every MUST of the
   scope verified.  Nothing ran, everything blocked and "could not tell" are not passes.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from calcontract.errors import Exit


class Outcome(enum.StrEnum):
    """How a check ended; in the order from best to worst."""

    NOT_APPLICABLE = "not applicable"
    OUTSIDE_SCOPE = "outside scope"
    PASS = "pass"  # noqa: S105 - an outcome, not a password
    KNOWN = "known violation"
    INCONCLUSIVE = "inconclusive"
    BLOCKED = "blocked"
    NOT_VERIFIED = "not verified"
    FLAKY = "flaky"
    FAIL = "fail"
    ERROR = "suite error"

    @property
    def badness(self) -> int:
        """The place of this outcome in the order from best to worst."""
        return _ORDER.index(self)


_ORDER = tuple(Outcome)

#: Outcomes that say nothing about the receiver although the check was in scope.
UNVERIFIED = frozenset({Outcome.INCONCLUSIVE, Outcome.BLOCKED, Outcome.NOT_VERIFIED})
#: Outcomes that accuse the receiver.
ACCUSING = frozenset({Outcome.FAIL, Outcome.FLAKY})
#: Outcomes that leave both numerator and denominator: what is known to be violated is neither
#: verified nor news.
UNCOUNTED = frozenset({Outcome.NOT_APPLICABLE, Outcome.OUTSIDE_SCOPE, Outcome.KNOWN})


class Level(enum.StrEnum):
    """How strongly a clause binds (RFC 2119); `HARDENING` is traffic Cal.com would never send."""

    MUST = "must"
    SHOULD = "should"
    MAY = "may"
    HARDENING = "hardening"


class Conclusion(enum.StrEnum):
    """The verdict of a run."""

    CONFORMS = "conforms"
    VIOLATES = "violates"
    NOT_VERIFIED = "not verified"
    SUITE_FAILED = "suite failed"
    #: Of a run that would have conformed, or verified nothing, and shows the list of what is known
    #: to be violated to be out of date.
    OUT_OF_DATE = "known violations out of date"
    #: Of a run that was interrupted, whatever it has found until then.
    INCOMPLETE = "incomplete"


#: What the target lets us see, from least to most; a verdict always names it.
SCOPES: Mapping[str, str] = {
    "wire": "URL and secret",
    "effects": "the wire and a probe",
    "states": "effects and provider states",
    "crash": "states and killing the process",
}

#: The capabilities that a scope's name tells of.
NAMED: Mapping[str, frozenset[str]] = {
    "wire": frozenset(),
    "effects": frozenset({"probe"}),
    "states": frozenset({"probe", "states"}),
    "crash": frozenset({"probe", "states", "process"}),
}


def scope_of(capabilities: Iterable[str]) -> str:
    """
    The name of the scope that *capabilities* open (`probe`, `states`, `process`).

    A capability without the one below it opens nothing: states are of no use unseen.
    """
    offered = frozenset(capabilities)
    if "probe" not in offered:
        return "wire"
    if "states" not in offered:
        return "effects"
    return "crash" if "process" in offered else "states"


@dataclass(frozen=True)
class ClauseOutcomes:
    """A clause's level and how each of its checks ended."""

    id: str
    level: Level
    outcomes: Sequence[Outcome]

    @property
    def outcome(self) -> Outcome:
        """
        The worst outcome of the clause's checks.

        Checks outside the scope do not drag the others down, and a clause without any check in
        scope is itself outside it.
        """
        if not self.outcomes:
            return Outcome.NOT_VERIFIED
        return max(self.outcomes, key=lambda outcome: outcome.badness)


@dataclass(frozen=True)
class Verdict:
    """
    What a run says about the receiver.

    Args:
        conclusion: the verdict in one word.
        scope: the name of what the target lets us see.
        exit_code: what the command ends with.
        deviations: ids of SHOULD clauses that failed.
        must: number of MUST clauses by outcome.
    """

    conclusion: Conclusion
    scope: str
    exit_code: Exit
    deviations: Sequence[str] = ()
    must: Mapping[Outcome, int] = field(default_factory=dict)

    @property
    def must_verified(self) -> int:
        """Number of MUST clauses that were checked in this scope and hold."""
        return self.must.get(Outcome.PASS, 0)

    @property
    def must_in_scope(self) -> int:
        """Number of MUST clauses that apply to the target and can be seen in this scope."""
        return sum(count for outcome, count in self.must.items() if outcome not in UNCOUNTED)


def judge(
    clauses: Sequence[ClauseOutcomes], *, scope: str, strict: bool = False, hardened: bool = False
) -> Verdict:
    """
    The verdict over *clauses*.

    Args:
        clauses: every clause of the profile, with the outcomes of its checks.
        scope: what the target lets us see, a key of `SCOPES`.
        strict: whether a SHOULD that fails violates too.
        hardened: whether a hardening clause that fails violates too.
    """
    binding = {Level.MUST}
    if strict:
        binding.add(Level.SHOULD)
    if hardened:
        binding.add(Level.HARDENING)

    must: dict[Outcome, int] = {}
    for clause in clauses:
        if clause.level is Level.MUST:
            must[clause.outcome] = must.get(clause.outcome, 0) + 1
    deviations = tuple(
        clause.id
        for clause in clauses
        if clause.level is Level.SHOULD and clause.outcome in ACCUSING
    )

    if any(clause.outcome is Outcome.ERROR for clause in clauses):
        conclusion, code = Conclusion.SUITE_FAILED, Exit.SUITE_FAILED
    elif any(clause.level in binding and clause.outcome in ACCUSING for clause in clauses):
        conclusion, code = Conclusion.VIOLATES, Exit.VIOLATES
    elif not must.get(Outcome.PASS) or any(must.get(outcome) for outcome in UNVERIFIED):
        conclusion, code = Conclusion.NOT_VERIFIED, Exit.NOT_VERIFIED
    else:
        conclusion, code = Conclusion.CONFORMS, Exit.CONFORMS
    return Verdict(conclusion, scope, code, deviations, must)
