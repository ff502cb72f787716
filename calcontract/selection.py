"""
Which checks a run has, and in which order they are run.

What belongs to the profile is chosen, what the target has no capability for is set aside by name,
and the rest is shuffled by the run's seed.  The same settings give the same order in every process.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import pytest

from calcontract import catalogue
from calcontract.catalogue import Clause, Contract
from calcontract.recording import record_of
from calcontract.records import CheckRecord
from calcontract.settings import Settings
from calcontract.verdicts import Outcome

#: The clause that an item checks.
CLAUSE = pytest.StashKey[Clause]()


@dataclass(frozen=True)
class Selection:
    """
    The checks of one run.

    Args:
        clauses: every clause that the verdict speaks of.
        inside: what is to be run, in this order.
        outside: what the target does not allow to be run, as it counts.
        gaps: a record for each clause of which only some checks were chosen.
    """

    clauses: Sequence[Clause]
    inside: Sequence[pytest.Item]
    outside: Sequence[CheckRecord]
    gaps: Sequence[CheckRecord]

    def __bool__(self) -> bool:
        """Whether there is any check in it, in scope or not."""
        return bool(self.clauses)


def of(
    items: Sequence[pytest.Item],
    contract: Contract,
    told: Settings,
    *,
    capabilities: Collection[str],
    seed: int,
) -> Selection:
    """
    What of *items* is to be run.

    Args:
        items: what pytest has collected, and not left out itself.
        contract: the clauses.
        told: the settings: the profile, and whether the target may be disturbed.
        capabilities: what the target offers.
        seed: of the order.
    """
    chosen = [item for item in items if _belongs(item, contract, told.profile)]
    missing = {item: _missing(item, told, capabilities) for item in chosen}
    inside = [item for item in chosen if not missing[item]]
    random.Random(seed).shuffle(inside)  # noqa: S311 - an order, no secret
    # Side by side, checks that start the receiver otherwise need not start it as usual between.
    inside.sort(key=lambda item: ("last" in item.keywords, "needs-secrets" in item.keywords))
    return Selection(
        # What was chosen decides which clauses the verdict speaks of, scope or not.
        clauses=list({item.stash[CLAUSE].id: item.stash[CLAUSE] for item in chosen}.values()),
        inside=inside,
        outside=[
            _left_out(item, sentence, capabilities)
            for item, sentence in missing.items()
            if sentence
        ],
        gaps=_gaps(chosen),
    )


def _left_out(item: pytest.Item, sentence: str, capabilities: Collection[str]) -> CheckRecord:
    if "needs-tls" in item.keywords and "tls" not in capabilities:
        # Nothing that the target withholds: it was named by another scheme.
        return record_of(
            item,
            item.stash[CLAUSE],
            Outcome.NOT_APPLICABLE,
            sentence="the target's URL is not https",
            reason="does-not-arise",
            ran=False,
        )
    return record_of(item, item.stash[CLAUSE], Outcome.OUTSIDE_SCOPE, sentence=sentence, ran=False)


def _belongs(item: pytest.Item, contract: Contract, profile: str) -> bool:
    clause = contract.first_of(mark.name for mark in item.iter_markers())
    if clause is None:
        return False
    item.stash[CLAUSE] = clause
    return profile in clause.profiles


def _missing(item: pytest.Item, told: Settings, capabilities: Collection[str]) -> str:
    """What the target lacks for the check *item*, in words; empty if it lacks nothing."""
    lacking = [
        name
        for name in catalogue.CAPABILITIES
        if f"needs-{name}" in item.keywords and name not in capabilities
    ]
    if lacking:
        return f"needs the capability {' and '.join(lacking)}"
    if "disruptive" in item.keywords and not (told.is_local or told.disruptive):
        return "disturbs the target; allow it with CALCONTRACT_DISRUPTIVE=1"
    return ""


def _gaps(chosen: Sequence[pytest.Item]) -> Sequence[CheckRecord]:
    """A clause of which only some checks were selected is no verified one."""
    counts = Counter(item.stash[CLAUSE].id for item in chosen)
    clauses = {item.stash[CLAUSE].id: item.stash[CLAUSE] for item in chosen}
    whole = {name: sum(check.rows for check in clauses[name].checks) for name in counts}
    return [
        CheckRecord(
            clause=name,
            title="The other checks of the clause are left out",
            outcome=Outcome.NOT_VERIFIED,
            sentence=f"{count} of its {whole[name]} checks were selected",
            reason="partial-selection",
            ran=False,
        )
        for name, count in counts.items()
        if count < whole[name]
    ]
