"""
What can go wrong, and whose fault it is.

The life of a run, and the error that belongs to each step:

1. The command line and the settings are read: `UsageError` (exit code 2).
2. The contract is read out of `features/`: `CatalogueError` (5, our own fault).
3. The target is looked at (smoke): `SetupError` and its heirs (3): it cannot be reached, it is no
   receiver, its secret is another one, or a capability it declares does not work.
4. Checks run.  A check ends by raising a `CheckStop` or by passing:
   `Violation` is the receiver's fault and raised by judges only (`Flaky` is one that comes and
   goes); `Blocked`, `Inconclusive` and `NotVerified` say why no verdict could be reached,
   `NotApplicable` why none is due; anything else is a fault of the suite (5).

Every message says what happened; `hint` starts with a verb and says what to do.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from mock_calcom.secrecy import MASK

if TYPE_CHECKING:
    from mock_calcom.attempts import Attempt


class Exit(IntEnum):
    """The exit codes of every command of `calcontract`."""

    CONFORMS = 0
    VIOLATES = 1
    USAGE = 2
    SETUP = 3
    NOT_VERIFIED = 4
    SUITE_FAILED = 5
    #: What a shell makes of an interrupt.
    INTERRUPTED = 130


class CalcontractError(Exception):
    """
    A run cannot start or go on.

    Args:
        message: what happened, in one sentence.
        hint: what to do about it, starting with a verb.
    """

    exit_code = Exit.SUITE_FAILED

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        # It may quote what a receiver has printed, or a URL.
        return MASK.hidden(f"{self.message}; {self.hint}" if self.hint else self.message)


class UsageError(CalcontractError):
    """The command was used wrongly, or its settings contradict each other."""

    exit_code = Exit.USAGE


class CatalogueError(CalcontractError):
    """The contract in `features/` breaks its own house rules."""


class SetupError(CalcontractError):
    """The target cannot be judged as it stands."""

    exit_code = Exit.SETUP


class TargetUnreachableError(SetupError):
    """Nothing answers at the target's address."""


class CapabilityError(SetupError):
    """A capability that the target declares (probe, states, process) does not work."""


class CheckStop(Exception):  # noqa: N818 - a way for a check to end, not an error of ours
    """
    A check ended without passing.

    Args:
        sentence: what was seen.
        reason: a short, stable, kebab-case code for machines.
        attempt: the attempt that it was seen at, where one alone shows it.
    """

    def __init__(self, sentence: str, *, reason: str, attempt: Attempt | None = None) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.reason = reason
        self.attempt = attempt


class Violation(CheckStop):
    """
    The receiver broke the clause that is being checked.

    Args:
        sentence: what came instead of what the clause asks for.
        expected: what the clause asks for, in a few words.
        reason: a short, stable, kebab-case code for machines.
        attempt: the attempt that it was seen at, where one alone shows it.
    """

    def __init__(
        self, sentence: str, *, expected: str, reason: str, attempt: Attempt | None = None
    ) -> None:
        super().__init__(sentence, reason=reason, attempt=attempt)
        self.expected = expected


class Flaky(Violation):
    """The receiver broke the clause in some tries and kept it in others."""


class Blocked(CheckStop):
    """The lawful twin of a negative was not acknowledged, so the refusal proves nothing."""


class Inconclusive(CheckStop):
    """The target's behaviour allows no verdict: throttled, or too slow to be observed."""


class NotApplicable(CheckStop):
    """The check asks for something that the target is declared not to do."""


class StateUnknown(NotApplicable):
    """
    The check needs a provider state that the target says it does not know.

    Args:
        state: the name of the state.
    """

    REASON = "state-unknown"

    def __init__(self, state: str) -> None:
        super().__init__(
            f"the receiver does not know the provider state {state!r}", reason=self.REASON
        )


class NotVerified(CheckStop):
    """A prerequisite of the check is missing or broke during the run."""
