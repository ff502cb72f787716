"""What a hunt remembers: plain data, of which its words are made."""

from __future__ import annotations

from dataclasses import dataclass, field

from calcontract.errors import Exit
from calcontract.fuzz import Kind
from calcontract.records import Exchange


@dataclass(frozen=True)
class Finding:
    """What one sort of body did, in the smallest form that was met."""

    kind: Kind
    reason: str
    sentence: str
    expected: str
    exchange: Exchange | None


#: Of so many examples of a kind that may be taken one will be.
_ENOUGH = 10


@dataclass
class Tally:
    """What was sent of one kind, and how it was answered."""

    examples: int = 0
    attempts: int = 0
    acknowledged: int = 0
    refused: int = 0


@dataclass
class Result:
    """What came of a hunt."""

    seed: int
    asked: int
    tallies: dict[Kind, Tally] = field(default_factory=dict)
    findings: dict[tuple[str, str], Finding] = field(default_factory=dict)
    #: Why the hunt could not go on, once that is so.
    stopped: str = ""
    #: Whether somebody has ended it.
    interrupted: bool = False
    seconds: float = 0.0

    @property
    def examples(self) -> int:
        """The examples that were sent and judged, of all kinds."""
        return sum(tally.examples for tally in self.tallies.values())

    @property
    def untried(self) -> list[Kind]:
        """The kinds of which nothing was judged."""
        return [kind for kind, tally in self.tallies.items() if not tally.examples]

    @property
    def shallow(self) -> list[Kind]:
        """The kinds that hold what Cal.com might send, and of which nothing was acknowledged."""
        return [
            kind
            for kind, tally in self.tallies.items()
            if not kind.inert and tally.examples >= _ENOUGH and not tally.acknowledged
        ]

    @property
    def exit_code(self) -> Exit:
        """1 for any finding, 4 if a kind could not be tried, else 0; 130 if it was interrupted."""
        if self.interrupted:
            return Exit.INTERRUPTED
        if self.findings:
            return Exit.VIOLATES
        return Exit.NOT_VERIFIED if self.untried else Exit.CONFORMS
