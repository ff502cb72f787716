"""
What a run has to remember: plain data that reports are made of.

No secret gets in here: an exchange keeps the signature only where it is not a right one, since a
right signature over a body is all that is needed to send it again.
"""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import hashlib
import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from calcontract import verdicts
from calcontract.errors import CalcontractError, Exit, StateUnknown
from calcontract.verdicts import ACCUSING, ClauseOutcomes, Conclusion, Outcome, Verdict
from calcontract.vigil import DIED, Death
from mock_calcom.secrecy import LEAST, MASK

if TYPE_CHECKING:
    from calcontract.catalogue import Clause
    from calcontract.known import KnownViolations, Stale
    from calcontract.settings import Settings
    from mock_calcom.sender import Attempt

#: Stands in reports for a signature that was right, of the body that `Exchange.signed` holds.
SIGNED = "<signed with the shared secret>"
#: Stand in reports for the secret, as it is and in base64.
SECRET = "<the secret>"  # noqa: S105 - a placeholder
SECRET_BASE64 = "<the secret in base64>"  # noqa: S105 - a placeholder
#: Stands in reports for a value from which a right signature could be guessed.
WITHHELD = "<made from a right signature>"

#: The reason of a check that was to be run and was not.
NOT_RUN = "not-run"

#: No more than this of an answer's body is shown, in characters.
_SHOWN = 2000

#: As many digits in a row of a right signature are no accident, and too many to be told.
_TELLING = 16


@dataclass(frozen=True)
class Exchange:
    """
    One attempt as a report may show it.

    `signed` is the body whose signature it carried; what was `spoiled` Cal.com would not send, and
    what was `taken` had been acknowledged before.
    """

    method: str
    url: str
    headers: Sequence[tuple[str, str]]
    body: bytes
    signed: bytes
    status: int | None
    answer_headers: Sequence[tuple[str, str]]
    answer_body: str
    problem: str | None
    seconds: float
    spoiled: bool = False
    taken: bool = False


def _digest(body: bytes, secret: str) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def _telling(value: str, digests: Iterable[str]) -> bool:
    """Whether *value* shows a good part of one of *digests*, in any case, order or in base64."""
    shown = (value.lower(), value.lower()[::-1])
    for digest in digests:
        parts = {digest[at : at + _TELLING] for at in range(len(digest) - _TELLING + 1)}
        if any(part in text for part in parts for text in shown):
            return True
        if base64.b64encode(bytes.fromhex(digest)).decode()[:_TELLING] in value:
            return True
    return False


def named(text: str, secret: str) -> str:
    """*text* without any secret, and with words in place of the shared *secret* as it is."""
    return MASK.hidden(text.replace(secret, SECRET) if len(secret) >= LEAST else text)


def exchange_of(
    attempt: Attempt,
    secret: str,
    *,
    lawful: Iterable[bytes] = (),
    method: str = "POST",
    spoiled: bool = False,
    taken: bool = False,
) -> Exchange:
    """
    What may be shown of *attempt*.

    The secret, and whatever a right signature could be made of, is left out wherever it stands.

    Args:
        attempt: what was sent and what came.
        secret: the shared secret.
        lawful: other bodies of the same check whose signatures may have been used.
        method: what it was sent with.
        spoiled: whether it differs from what Cal.com sends.
        taken: whether the same had been acknowledged before.
    """
    body = attempt.delivery.body
    candidates = dict.fromkeys([body, body.rstrip(b"\r\n"), *lawful])
    digests = {_digest(candidate, secret): candidate for candidate in candidates}
    values = [value for _, value in attempt.delivery.headers]
    used = next((d for d in digests if any(d in value for value in values)), _digest(body, secret))

    def safe(value: str) -> str:
        value = value.replace(used, SIGNED).replace(secret, SECRET)
        value = value.replace(base64.b64encode(secret.encode()).decode(), SECRET_BASE64)
        return WITHHELD if _telling(value, digests) else MASK.without_known(value)

    def hidden(text: bytes) -> bytes:
        return MASK.without_known_bytes(text.replace(secret.encode(), SECRET.encode()))

    answer = attempt.answer
    return Exchange(
        method=method,
        url=named(attempt.delivery.url, secret),
        headers=tuple((name, safe(value)) for name, value in attempt.delivery.headers),
        body=hidden(body),
        signed=hidden(digests[used]),
        status=answer.status if answer else None,
        answer_headers=tuple(
            (name, safe(value)) for name, value in (answer.headers.items() if answer else ())
        ),
        answer_body=safe(answer.body.decode("utf-8", "replace"))[:_SHOWN] if answer else "",
        problem=attempt.problem,
        seconds=attempt.seconds,
        spoiled=spoiled,
        taken=taken,
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
        ran: whether it was run, and not only counted.
        needs_states: whether it needs provider states.
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
    ran: bool = True
    needs_states: bool = False


def _as_offered(records: Sequence[CheckRecord]) -> Sequence[CheckRecord]:
    """
    The *records* of a clause, what an unknown state kept from being judged outside of the scope.

    So it would be if no states were offered, and nobody loses by offering some of them.  A clause
    all of whose checks need states would be outside as a whole, and is not verified by the rest.
    """
    if all(record.needs_states for record in records):
        return records
    return [
        dataclasses.replace(record, outcome=Outcome.OUTSIDE_SCOPE)
        if record.reason == StateUnknown.REASON
        else record
        for record in records
    ]


def _falls_away(records: Sequence[CheckRecord]) -> bool:
    """Whether an example of the clause is not applicable in any of its rows."""
    by_example: dict[str, list[Outcome]] = {}
    for record in records:
        by_example.setdefault(record.node.partition("[")[0], []).append(record.outcome)
    return any(set(outcomes) == {Outcome.NOT_APPLICABLE} for outcomes in by_example.values())


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
    #: The trigger events that the target is declared to act on; nothing if none are declared.
    handled: Sequence[str] | None = None
    #: The provider states that the target does not know, of those that the profile asks for.
    unknown_states: Sequence[str] = ()
    #: The options that select some of the contract; empty if all of it was to be run.
    selection: str = ""
    #: The arguments of `calcontract check` that start the same run.
    words: Sequence[str] = ()
    seconds: float = 0.0
    attempts: int = 0
    uids: Sequence[str] = ()
    checks: dict[str, list[CheckRecord]] = field(default_factory=dict)
    levels: dict[str, verdicts.Level] = field(default_factory=dict)
    setup_problem: CalcontractError | None = None
    #: What is wrong with the receiver's certificate, in words.
    certificate: str = ""
    #: Whether somebody has stopped it: what was not run says nothing of the receiver.
    interrupted: bool = False
    stale: Sequence[Stale] = ()
    #: How often, and in whose presence, the receiver has died although nobody had killed it.
    deaths: Sequence[Death] = ()
    verdict: Verdict | None = None
    exit_code: Exit = Exit.NOT_VERIFIED

    @classmethod
    def of(cls, told: Settings, *, capabilities: Iterable[str], seed: int) -> RunRecord:
        """The record of a run that was *told* this, before anything is in it."""
        offered = tuple(sorted(capabilities))
        return cls(
            target=MASK.hidden(told.target or ""),
            profile=told.profile,
            scope=verdicts.scope_of(offered),
            capabilities=offered,
            seed=seed,
            started=dt.datetime.now(dt.UTC),
            strict=told.strict,
            hardened=told.hardened,
            handled=told.handled,
            words=told.words(),
        )

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
        records = _as_offered(self.checks[clause_id])
        is_known = any(record.known for record in records)
        outcomes = [
            # A known violation is still shown, and no longer decides; nor does what it keeps from
            # being judged.
            Outcome.KNOWN
            if record.known or (is_known and record.outcome is Outcome.BLOCKED)
            else record.outcome
            for record in records
        ]
        if _falls_away(records):
            # What is left may be the control alone, which proves nothing without its negative.
            outcomes = [
                Outcome.NOT_APPLICABLE if outcome is Outcome.PASS else outcome
                for outcome in outcomes
            ]
        return ClauseOutcomes(clause_id, self.levels[clause_id], outcomes)

    def is_outside(self, clause_id: str) -> bool:
        """Whether the clause called *clause_id* needs more than the target offers."""
        outcome = self.outcome(clause_id)
        return outcome is Outcome.OUTSIDE_SCOPE or (
            outcome is Outcome.NOT_APPLICABLE
            and any(record.reason == StateUnknown.REASON for record in self.checks[clause_id])
        )

    @property
    def ran(self) -> int:
        """Number of checks that were run, whatever came of them."""
        return sum(record.ran for records in self.checks.values() for record in records)

    @property
    def unrun(self) -> int:
        """Number of checks that were to be run and were not."""
        return sum(
            record.reason == NOT_RUN for records in self.checks.values() for record in records
        )

    @property
    def not_applicable(self) -> int:
        """Number of checks that ask for something that the target is declared not to do."""
        return sum(
            record.outcome is Outcome.NOT_APPLICABLE and record.reason != "does-not-arise"
            for records in self.checks.values()
            for record in records
        )

    def replace(self, record: CheckRecord) -> None:
        """Let *record* stand in place of what the same check came to before."""
        kept = [one for one in self.checks[record.clause] if one.node != record.node]
        self.checks[record.clause] = [*kept, record]

    def saw_it_die(self, clause_id: str) -> bool:
        """Whether a check of a clause is accused of what a dying receiver does."""
        return any(
            record.outcome in ACCUSING
            and (record.reason == DIED or record.reason.startswith("no-answer-"))
            for record in self.checks.get(clause_id, ())
        )

    def explains(self, death: Death) -> bool:
        """Whether a clause that was checked then is accused of it, or of one just like it."""
        alike = [one for one in self.deaths if one.words and one.voice == death.voice]
        return any(self.saw_it_die(clause) for one in [death, *alike] for clause in one.clauses)

    @property
    def unexplained(self) -> Sequence[Death]:
        """The deaths of which no clause is accused."""
        return [death for death in self.deaths if not self.explains(death)]

    def fail(self) -> None:
        """Let the verdict be that the suite itself failed, whatever the checks came to."""
        self.exit_code = Exit.SUITE_FAILED
        if self.verdict is not None:
            self.verdict = dataclasses.replace(
                self.verdict, conclusion=Conclusion.SUITE_FAILED, exit_code=Exit.SUITE_FAILED
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
        if self.unexplained and self.verdict.exit_code is Exit.CONFORMS:
            # Whatever it has died of, no check has seen it.
            self.verdict = dataclasses.replace(
                self.verdict, conclusion=Conclusion.NOT_VERIFIED, exit_code=Exit.NOT_VERIFIED
            )
        if self.interrupted:
            self.verdict = dataclasses.replace(
                self.verdict, conclusion=Conclusion.INCOMPLETE, exit_code=Exit.INTERRUPTED
            )
        elif self.stale and self.verdict.exit_code in (Exit.CONFORMS, Exit.NOT_VERIFIED):
            self.verdict = dataclasses.replace(
                self.verdict, conclusion=Conclusion.OUT_OF_DATE, exit_code=Exit.VIOLATES
            )
        self.exit_code = self.verdict.exit_code
