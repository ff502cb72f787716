"""
One run: load and kills on a deployment, and what they came to.

Seeds are printed and decide every choice; what the machine makes of them is its own affair, so a
seed repeats the kind of a failure and mostly the failure.
"""

import os
import secrets
import time
from dataclasses import dataclass
from random import Random

from tests.crash import checker, killer, state
from tests.crash.senders import Senders
from tests.unit.reference_impl.bodies import SECRET

#: The seed of every run of this session; one that failed is given back as `CRASH_SEED`.
SEED = int(os.environ.get("CRASH_SEED") or secrets.randbelow(10**6))

#: Whether to kill as often as the evidence asks for, or as a gate can afford.
THOROUGH = os.environ.get("CRASH") == "thorough"

#: What is counted by its name.
_KINDS = ("lost", "doubled", "ghost", "wrong state")


@dataclass(frozen=True)
class Outcome:
    """What a run came to."""

    name: str
    seed: int
    seconds: float
    kills: int
    attempts: int
    acknowledged: int
    given_up: int
    findings: tuple

    def __str__(self):
        found = ", ".join(
            f"{sum(one.kind == kind for one in self.findings)} {kind}" for kind in _KINDS
        )
        other = sum(one.kind not in _KINDS for one in self.findings)
        return (
            f"{self.name}, seed {self.seed}: {self.kills} kills in {self.seconds:.0f} s, "
            f"{self.attempts} attempts, {self.acknowledged} deliveries acknowledged, "
            f"{self.given_up} given up; {found}, {other} other"
        )


def crash(name, deployment, kills, *, seed=None, rounds=1, **load):
    """
    Load *deployment*, kill its processes *kills* times, and judge what is there in the end.

    With several *rounds* of so many kills it is judged after each, and the run ends with the first
    one that something is found in.
    """
    seed = SEED if seed is None else seed
    tell(f"{name}: CRASH_SEED={seed}")
    chance, began, killed = Random(f"{seed} killer"), time.monotonic(), 0
    for number in range(rounds):
        senders = Senders(f"{seed} {number}", deployment.urls, SECRET, deployment.history, **load)
        with senders:
            killed += killer.kill_at_random(deployment, chance, kills)
        findings = judged(name, deployment, senders, chance)
        if findings:
            break
    history = deployment.history
    outcome = Outcome(
        name,
        seed,
        time.monotonic() - began,
        killed,
        history.counts["sent"],
        len(history.acknowledged),
        history.counts["given up"],
        findings,
    )
    tell(outcome, *findings[:20])
    return outcome


def judged(name, deployment, senders, chance):
    """What is found once everything is over and some of it was sent once more."""
    state.settled(deployment.url)
    senders.again(chance)
    state.settled(deployment.url)
    return (
        *checker.check(deployment.history.records, state.read(deployment.url)),
        *(checker.Finding("fallen", one, f"of {name} ended") for one in deployment.fallen()),
    )


def tell(*lines):
    """Say *lines* to whoever watches; pytest shows them with a failure."""
    print(*lines, sep="\n  ", flush=True)  # noqa: T201 - a seed nobody sees repeats nothing
