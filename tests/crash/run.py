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
from tests.crash.checker import Finding
from tests.crash.senders import Senders
from tests.unit.reference_impl.bodies import SECRET

#: The seed of every run of this session; one that failed is given back as `CRASH_SEED`.
SEED = int(os.environ.get("CRASH_SEED") or secrets.randbelow(10**6))

#: Whether to kill as often as the evidence asks for, or as a gate can afford.
THOROUGH = os.environ.get("CRASH") == "thorough"

#: Seconds within which deliveries are acknowledged again after a trouble.
_RECOVERY = 30.0

#: More threads than any load has.
_THREADS = 100

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


def crash(name, deployment, kills, *, rounds=1, **load):
    """
    Load *deployment*, kill its processes *kills* times, and judge what is there in the end.

    With several *rounds* of so many kills it is judged after each, and the run ends with the first
    one that something is found in.
    """
    run = Run(name, deployment)
    for _ in range(rounds):
        with run.load(**load) as senders:
            run.kills += killer.kill_at_random(deployment, run.chance, kills)
        if run.judge(senders):
            break
    return run.outcome()


def endure(name, deployment, *troubles, **load):
    """
    Load *deployment* through each of the *troubles*, one after the other, and judge.

    Each is a context in which it is in trouble; entered, it is given the history and returns when
    there has been enough of it.  Between two of them the load has to come through again.
    """
    run = Run(name, deployment)
    with run.load(**load) as senders:
        assert run.comes_through(), "nothing is acknowledged before there is any trouble"
        for trouble in troubles:
            begun = len(run.history.records)
            with trouble:
                trouble.last(run.history)
            during = run.history.answers(begun)
            tell(f"{name}: {trouble}: {dict(during)}")
            trouble.judge(during)
            assert run.comes_through(), f"nothing is acknowledged any more after {trouble}"
    run.judge(senders)
    return run.outcome()


class Run:
    """One run under way."""

    def __init__(self, name, deployment):
        tell(f"{name}: CRASH_SEED={SEED}")
        self.name, self.deployment, self.history = name, deployment, deployment.history
        self.chance, self.kills, self.findings = Random(f"{SEED} killer"), 0, ()
        self._began, self._loads = time.monotonic(), 0

    def load(self, **choices):
        """Senders that have not begun yet."""
        self._loads += 1
        seed = f"{SEED} {self._loads}"
        first = self._loads * _THREADS
        return Senders(seed, self.deployment.urls, SECRET, self.history, first=first, **choices)

    def comes_through(self):
        """Whether deliveries are acknowledged now."""
        return self.history.wait(20, _RECOVERY)

    def judge(self, senders):
        """What is found once everything is over and some of it was sent once more."""
        url = self.deployment.url
        if state.settled(url):
            senders.again(self.chance)
            state.settled(url)
        self.findings = (
            *checker.check(self.history.records, state.read(url)),
            *(Finding("fallen", one, "ended by itself") for one in self.deployment.fallen()),
        )
        return self.findings

    def outcome(self):
        """What it came to, told as well."""
        outcome = Outcome(
            self.name,
            SEED,
            time.monotonic() - self._began,
            self.kills,
            self.history.counts["sent"],
            len(self.history.acknowledged),
            self.history.counts["given up"],
            self.findings,
        )
        tell(outcome, *self.findings[:20])
        return outcome


def tell(*lines):
    """Say *lines* to whoever watches; pytest shows them with a failure."""
    print(*lines, sep="\n  ", flush=True)  # noqa: T201 - a seed nobody sees repeats nothing
