"""
The verdict of a run in words: one line, and all that belongs to it.

Whoever reads the last screen alone is told what was found, in which scope, and where to start.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from calcontract.catalogue import CAPABILITIES, Contract
from calcontract.handling import KINDS
from calcontract.layers import CONFIG_FILE
from calcontract.records import NOT_RUN, RunRecord
from calcontract.report import deaths
from calcontract.report.letters import ROOT, refusals_at_root
from calcontract.verdicts import ACCUSING, NAMED, SCOPES, UNVERIFIED, Level, Outcome

#: More clauses of a kind than this are counted in a verdict: each is in the list of its chapter.
_NAMES = 8

#: The one that whoever verifies nothing violates, and who leaves out one case does not.
_ANY_KEY = "sig-003"

#: Of whose profiles a clause is that the real Cal.com's receivers do not owe.
_GUIDE = frozenset({"guide"})

#: Whoever violates so many of these was hardly built by the guide.
_SEVERAL = 4

#: The trigger event that everybody acts on.
_BOOKED = "BOOKING_CREATED"

#: The clause whose control sees each trigger event's effect.
_HANDLED = "evt-011"


def headline(run: RunRecord) -> str:
    """The verdict in one line."""
    if run.setup_problem is not None:
        return f"not judged: {run.setup_problem}"
    verdict = run.verdict
    if verdict is None:
        return "not judged"
    must = f"{verdict.must_verified} of {verdict.must_in_scope} MUST verified"
    if run.interrupted:
        must = f"interrupted after {run.ran} of {run.ran + run.unrun} checks, {must} by then"
    # "conforms" alone is said of those who offer everything there is to see.
    scope = f" ({verdict.scope})" if _withheld(run) else ""
    part = f", only {run.selection}" if run.selection else ""
    line = f"{verdict.conclusion}{scope}, profile {run.profile}{part}: {must}"
    if not run.interrupted and run.unexplained:
        line += ", and it died of what no clause explains"
    if violated := _violated(run):
        line += f", violates {_some(violated)}"
    if known := [name for name in run.levels if run.outcome(name) is Outcome.KNOWN]:
        line += f", known to violate {_some(known)}"
    if verdict.deviations:
        line += f", deviates from {_some(verdict.deviations)}"
    return line


def _violated(run: RunRecord) -> list[str]:
    """The MUST clauses that were seen to be violated, and what else was asked to bind like them."""
    binding = {Level.MUST, Level.HARDENING} if run.hardened else {Level.MUST}
    return [
        name
        for name, level in run.levels.items()
        if level in binding and run.outcome(name) in ACCUSING
    ]


def _some(names: Sequence[str]) -> str:
    """The first of *names*, and how many there are beside them."""
    shown = ", ".join(names[:_NAMES])
    return f"{shown} and {len(names) - _NAMES} more" if len(names) > _NAMES else shown


def _withheld(run: RunRecord) -> list[str]:
    """
    The capabilities and provider states that the target could offer and does not.

    TLS belongs to an https URL.
    """
    return [
        *(name for name in CAPABILITIES if name not in run.capabilities and name != "tls"),
        *(f"the state {name!r}" for name in run.unknown_states),
    ]


def lines(run: RunRecord, contract: Contract) -> Iterator[str]:
    """The verdict with all that belongs to it."""
    if run.verdict is not None:
        outside = [
            clause
            for clause in contract.clauses()
            if clause.id in run.levels and clause.level is Level.MUST and run.is_outside(clause.id)
        ]
        yield f"scope    {_scope(run)}"
        if run.handled is not None:
            yield f"handles  {', '.join(run.handled)}, as declared"
        if run.not_applicable:
            yield f"n/a      {run.not_applicable} checks ask for what this target does not do"
        if outside:
            yield (
                f"outside  {len(outside)} MUST need more than this target offers: "
                f"{', '.join(clause.id for clause in outside)}"
            )
        if run.interrupted:
            yield f"not run  {_unrun(run)}: the run was interrupted"
        unverified = [name for name in run.levels if _is_open(run, name)]
        if unverified:
            yield f"open     not verified: {', '.join(unverified)}"
        yield from _where_to_start(run, contract)
    known = sorted(
        {record.clause for records in run.checks.values() for record in records if record.known}
    )
    if known:
        yield f"known    {', '.join(known)}"
    for stale in run.stale:
        yield f"stale    {stale.entry.id} {stale.why}: {stale.remedy} ({stale.entry.link})"
    if run.certificate:
        yield f"tls      {run.certificate}; the run went on without verifying it"
    checks = "no checks" if run.setup_problem is not None else _counted(run.ran, "check")
    attempts = _counted(run.attempts, "attempt")
    yield f"run      {checks}, {attempts} in {run.seconds:.1f} s, seed {run.seed}"
    yield f"verdict  {headline(run)}"


def _unrun(run: RunRecord) -> str:
    if run.unrun:
        return f"{run.unrun} of {run.ran + run.unrun} checks"
    return "the search for what it has died of" if run.deaths else "what follows the last check"


def _is_open(run: RunRecord, clause_id: str) -> bool:
    """Whether no verdict was reached on a clause, and not only because the run came to no end."""
    return run.outcome(clause_id) in UNVERIFIED and not (
        run.interrupted
        and all(
            record.reason == NOT_RUN
            for record in run.checks[clause_id]
            if record.outcome in UNVERIFIED
        )
    )


def _where_to_start(run: RunRecord, contract: Contract) -> Iterator[str]:
    yield from deaths.told(run)
    own = [name for name in _violated(run) if contract.clause(name).profiles == _GUIDE]
    if len(own) >= _SEVERAL:
        yield (
            f"start    with the profile: {_some(own)} are the configuration guide's alone; "
            "a receiver of the real Cal.com is held to --profile calcom"
        )
    if refusals_at_root(run):
        yield f"start    with {ROOT}: who refuses honest bytes fails elsewhere for that alone"
    if _verifies_nothing(run):
        yield f"start    with {_ANY_KEY}: who verifies nothing fails elsewhere for that alone"
    idle = _idle(run) if run.handled is None else []
    if _BOOKED in idle:
        # Nobody receives bookings and means to do nothing about them.
        yield (
            f"start    with the probe: {_BOOKED} was acknowledged and had no effect: the receiver "
            "answers before it has stored it, or `pending` leaves out what it has not processed"
        )
    elif idle:
        yield (
            f"start    with what it is to handle: no effect of {', '.join(idle)} was seen; "
            f"where none is meant, declare the others under [triggers] in {CONFIG_FILE}"
        )


def _idle(run: RunRecord) -> list[str]:
    """The trigger events that a receiver which declared none was seen to do nothing about."""
    return [
        next(word for word in record.title.split() if word in KINDS)
        for record in run.checks.get(_HANDLED, ())
        if record.outcome in ACCUSING and record.reason == "effect-missing"
    ]


def _scope(run: RunRecord) -> str:
    """What the target let us see, what else it offered, and what it did not."""
    beside = [
        name
        for name in CAPABILITIES
        if name in run.capabilities and name not in NAMED[run.scope] and name != "tls"
    ]
    offered = f", with {', '.join(beside)}" if beside else "" if NAMED[run.scope] else " only"
    withheld = _withheld(run)
    without = f"; without {', '.join(withheld)}" if withheld else ""
    return f"{run.scope}: {SCOPES[run.scope]}{offered}{without}"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _verifies_nothing(run: RunRecord) -> bool:
    return any(
        record.outcome in ACCUSING and record.reason.startswith("status-2")
        for record in run.checks.get(_ANY_KEY, ())
    )
