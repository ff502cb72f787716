"""
What a run has to remember: plain data that reports are made of.

No secret gets in here: an exchange keeps the signature only where it is not a right one, since a
right signature over a body is all that is needed to send it again.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from calcontract import verdicts
from calcontract.errors import CalcontractError, Exit
from calcontract.verdicts import ClauseOutcomes, Outcome, Verdict

if TYPE_CHECKING:
    from calcontract.catalogue import Clause
    from calcontract.known import KnownViolations, Stale
    from mock_calcom.sender import Attempt

#: Stands in reports for a signature that was right.
SIGNED = "<signed with the shared secret>"

#: No more than this of an answer's body is shown, in characters.
_SHOWN = 2000


@dataclass(frozen=True)
class Exchange:
    """One attempt as a report may show it."""

    url: str
    headers: Sequence[tuple[str, str]]
    body: bytes
    status: int | None
    answer_headers: Sequence[tuple[str, str]]
    answer_body: str
    problem: str | None
    seconds: float


def exchange_of(attempt: Attempt, secret: str) -> Exchange:
    """What may be shown of *attempt*; *secret* is recognised and left out wherever it stands."""
    right = hmac.new(secret.encode(), attempt.delivery.body, hashlib.sha256).hexdigest()

    def safe(value: str) -> str:
        return value.replace(right, SIGNED).replace(secret, "<the secret>")

    answer = attempt.answer
    return Exchange(
        url=attempt.delivery.url,
        headers=tuple((name, safe(value)) for name, value in attempt.delivery.headers),
        body=attempt.delivery.body.replace(secret.encode(), b"<the secret>"),
        status=answer.status if answer else None,
        answer_headers=tuple(
            (name, safe(value)) for name, value in (answer.headers.items() if answer else ())
        ),
        answer_body=safe(answer.body.decode("utf-8", "replace"))[:_SHOWN] if answer else "",
        problem=attempt.problem,
        seconds=attempt.seconds,
    )


@dataclass(frozen=True)
class CheckRecord:
    """
    How one check ended.

    Args:
        clause: the id of its clause.
        title: what happens in it.
        node: pytest's name for it, without the file.
        sentence: what was seen, if it did not pass.
        expected: what the clause asks for.
        reason: a short code for machines.
        seconds: how long it took.
        exchange: the last attempt, if it did not pass.
        known: whether it is a known violation.
    """

    clause: str
    title: str
    outcome: Outcome
    node: str = ""
    sentence: str = ""
    expected: str = ""
    reason: str = ""
    seconds: float = 0.0
    exchange: Exchange | None = None
    known: bool = False


@dataclass
class RunRecord:
    """Everything a report says about a run."""

    target: str
    profile: str
    scope: str
    capabilities: Sequence[str]
    seed: int
    started: dt.datetime
    strict: bool = False
    hardened: bool = False
    planned: int = 0
    seconds: float = 0.0
    attempts: int = 0
    uids: Sequence[str] = ()
    checks: dict[str, list[CheckRecord]] = field(default_factory=dict)
    levels: dict[str, verdicts.Level] = field(default_factory=dict)
    setup_problem: CalcontractError | None = None
    stale: Sequence[Stale] = ()
    verdict: Verdict | None = None
    exit_code: Exit = Exit.NOT_VERIFIED

    def clause(self, clause: Clause) -> None:
        """Let the verdict speak of *clause*."""
        self.levels[clause.id] = clause.level
        self.checks.setdefault(clause.id, [])

    def add(self, record: CheckRecord) -> None:
        """Keep *record* at its clause."""
        self.checks.setdefault(record.clause, []).append(record)

    def outcome(self, clause_id: str) -> Outcome:
        """The outcome of the clause called *clause_id*."""
        return self._outcomes(clause_id).outcome

    def _outcomes(self, clause_id: str) -> ClauseOutcomes:
        outcomes = [
            # A known violation is still shown, and no longer decides.
            Outcome.KNOWN if record.known else record.outcome
            for record in self.checks[clause_id]
        ]
        return ClauseOutcomes(clause_id, self.levels[clause_id], outcomes)

    @property
    def ran(self) -> int:
        """Number of checks that were run, whatever came of them."""
        return sum(
            record.outcome is not Outcome.OUTSIDE_SCOPE
            for records in self.checks.values()
            for record in records
        )

    def conclude(self, known: KnownViolations) -> None:
        """Reach the verdict."""
        self.checks = {
            clause_id: [known.marked(record) for record in records]
            for clause_id, records in self.checks.items()
        }
        if self.setup_problem is not None:
            self.exit_code = Exit(self.setup_problem.exit_code)
            return
        self.verdict = verdicts.judge(
            [self._outcomes(clause_id) for clause_id in self.levels],
            scope=self.scope,
            strict=self.strict,
            hardened=self.hardened,
        )
        self.exit_code = self.verdict.exit_code
        if self.stale and self.exit_code is Exit.CONFORMS:
            self.exit_code = Exit.VIOLATES
