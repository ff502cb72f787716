"""
The hunt: sends what the strategies make, judges each answer, and keeps one finding of each sort.

Hypothesis draws and shrinks; what is a finding is said by the judges.  A finding is kept in its
smallest form as it is met, so that a receiver which behaves differently the next time, or the end
of the time, takes nothing away.
"""

from __future__ import annotations

import contextlib
import functools
import hmac
import time
from collections.abc import Iterator

import hypothesis
from hypothesis import HealthCheck, Phase, Verbosity
from hypothesis import strategies as st
from hypothesis.errors import Flaky

from calcontract import fuzz, smoke
from calcontract.errors import Inconclusive, SetupError, Violation
from calcontract.fuzz import Kind, shapes, spoiled
from calcontract.fuzz.results import Finding, Result, Tally
from calcontract.judges import answers
from calcontract.probes import Look
from calcontract.records import exchange_of
from calcontract.target import Target
from calcontract.vigil import DIED
from mock_calcom.delivery import Delivery
from mock_calcom.sender import Attempt
from mock_calcom.signature import HEADER, sign

#: So many more attempts than its examples a kind may spend on making findings small.
_SHRINKING = 150

#: How often a kind is tried anew with what was found so far taken as known.
_ROUNDS = 4

#: The distance between the seeds of two rounds: the rounds of one seed are not those of the next.
_APART = 1_000_003

#: The reason of the finding that an ordinary delivery is no longer acknowledged.
_HARMED = "harmed"


class _Found(Exception):  # noqa: N818 - a way to tell hypothesis, not an error of ours
    """
    Hypothesis shrinks this.

    It tells failures apart by their type, so every sort of finding has one of its own.
    """


class _Enough(BaseException):
    """Time or patience is over.  Not an `Exception`, since hypothesis would shrink that."""


@functools.cache
def _sort(kind: str, reason: str) -> type[_Found]:
    return type(f"Found_{kind}_{reason}", (_Found,), {})


class Hunt:
    """
    One hunt.

    Args:
        target: the receiver; its seed is the seed of the hunt.
        examples: how many bodies to try.
        seconds: how long at the most; the last attempt may outlast it by the budget.
    """

    def __init__(self, target: Target, *, examples: int, seconds: float) -> None:
        self.target = target
        self.result = Result(seed=target.seed, asked=examples)
        self._shapes = shapes.Shapes(target.subscription)
        self._spoiled = spoiled.Spoiled(target.subscription, target.seed)
        self._quotas = fuzz.quotas(examples)
        self._seconds = seconds
        self._began = time.monotonic()
        self._deadline = self._began + seconds
        self._before: Look | None = None
        self._last: Attempt | None = None

    def run(self) -> Result:
        """
        Look whether the target can be judged, try every kind, and look once more.

        Raises:
            SetupError: if an ordinary delivery is not acknowledged before the hunt.
        """
        self.look()
        try:
            for kind in fuzz.KINDS:
                self.try_kind(kind)
            self.conclude()
        except KeyboardInterrupt:
            self._break_off()
        return self.result

    def _break_off(self) -> None:
        """Leave it at what was found by now."""
        self.result.interrupted = True
        self.result.stopped = "somebody has interrupted the hunt"
        self.result.seconds = time.monotonic() - self._began

    def look(self) -> None:
        """
        Make sure that the target is a receiver, and start the clock.

        Raises:
            SetupError: if an ordinary delivery is not acknowledged.
        """
        smoke.look(self.target)
        self._began = time.monotonic()
        self._deadline = self._began + self._seconds

    def try_kind(self, kind: Kind) -> list[Finding]:
        """Try bodies of *kind* within its share of the time; what was found, also among earlier."""
        tally = self.result.tallies.setdefault(kind, Tally())
        if not self.result.stopped:
            later = [other for other in fuzz.KINDS if other not in self.result.tallies]
            left = max(self._deadline - time.monotonic(), 0.0)
            self._try(kind, tally, until=time.monotonic() + left / (1 + len(later)))
        return [found for found in self.result.findings.values() if found.kind is kind]

    def conclude(self) -> Finding | None:
        """See that the receiver still takes an ordinary delivery; a finding if it does not."""
        if not self.result.stopped:
            try:
                smoke.look(self.target)
            except SetupError as error:
                self._keep(
                    fuzz.KINDS[-1],
                    Violation(
                        f"after the hunt: {error.message}",
                        expected="an ordinary delivery to be acknowledged as before",
                        reason=_HARMED,
                    ),
                    None,
                )
        self.result.seconds = time.monotonic() - self._began
        return self.result.findings.get((fuzz.KINDS[-1].name, _HARMED))

    # --- one kind --------------------------------------------------------------------------------

    def _try(self, kind: Kind, tally: Tally, *, until: float) -> None:
        """
        Try the examples of *kind*, in rounds.

        Hypothesis soon stops looking for more once it has a failure; so what is known is no failure
        in the next round.
        """
        quota = self._quotas[kind]
        strategy = self._strategy(kind)
        self._before = None
        for turn in range(_ROUNDS):
            known = set(self.result.findings)
            self._round(strategy, kind, tally, turn=turn, until=until)
            if set(self.result.findings) == known or tally.examples >= quota or self.result.stopped:
                return

    def _round(
        self,
        strategy: st.SearchStrategy[Delivery],
        kind: Kind,
        tally: Tally,
        *,
        turn: int,
        until: float,
    ) -> None:
        quota = self._quotas[kind] - tally.examples
        known = set(self.result.findings)
        sent = 0

        @hypothesis.seed(self.result.seed + turn * _APART)
        @hypothesis.settings(
            max_examples=quota,
            database=None,
            deadline=None,
            derandomize=False,
            verbosity=Verbosity.quiet,
            print_blob=False,
            report_multiple_bugs=True,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        )
        @hypothesis.given(strategy)
        def each(delivery: Delivery) -> None:
            nonlocal sent
            if time.monotonic() > until or sent >= quota + _SHRINKING:
                raise _Enough
            found = self._found(kind, delivery, tally, until)
            # Beyond the quota, hypothesis makes small what it has found.
            sent += 1
            tally.examples += sent <= quota
            if found and (kind.name, found.reason) not in known:
                raise _sort(kind.name, found.reason)(found.sentence)

        with _shrunk():
            each()

    def _found(
        self, kind: Kind, delivery: Delivery, tally: Tally, until: float
    ) -> Violation | None:
        """Send *delivery* and say what is wrong with what came, if something is."""
        try:
            attempt = self._judge(kind, delivery, until)
        except Inconclusive as error:
            self.result.stopped = error.sentence
            raise _Enough from None
        except Violation as violation:
            self._keep(kind, violation, delivery)
            tally.attempts += 1
            # What this body has changed is not to be laid at the next one's door.
            self._before = None
            return violation
        tally.attempts += 1
        tally.acknowledged += attempt.acknowledged
        tally.refused += attempt.refused
        return None

    def _strategy(self, kind: Kind) -> st.SearchStrategy[Delivery]:
        return {
            fuzz.FORGED: self._spoiled.forged,
            fuzz.NONSENSE: self._spoiled.nonsense,
            fuzz.ENVELOPES: self._shapes.envelopes,
            fuzz.PAYLOADS: self._shapes.payloads,
            fuzz.SPOILED: self._spoiled.deliveries,
        }[kind]()

    # --- one body --------------------------------------------------------------------------------

    def _judge(self, kind: Kind, delivery: Delivery, until: float) -> Attempt:
        """
        Send *delivery* and judge what came.

        Raises:
            Violation: if it is a finding.
            Inconclusive: if the receiver throttles.
        """
        if kind.inert and self.target.probe and self._before is None:
            self._before = self._totals()
        attempt = self.target.attempt(delivery, lambda one: self._patiently(one, until))
        if self._is_signed(delivery):
            answers.unfailing(attempt)
        else:
            answers.refused(attempt)
        answers.in_time(attempt, self.target.settings.budget)
        if kind.inert and self.target.probe:
            self._require_no_effect(delivery)
        return attempt

    def _is_signed(self, delivery: Delivery) -> bool:
        given = delivery.header(HEADER) or ""
        right = sign(delivery.body, self.target.secret)
        return hmac.compare_digest(given.encode("utf-8", "replace"), right.encode())

    def _patiently(self, delivery: Delivery, until: float) -> Attempt:
        """
        One attempt, repeated for as long as the receiver throttles and there is time.

        Raises:
            Inconclusive: if it throttles until the time is over.
        """
        while (attempt := self.target.sender.attempt(delivery)).status == 429:
            pause = _seconds(attempt.answer.headers.get("retry-after") if attempt.answer else None)
            if time.monotonic() + pause > until:
                raise Inconclusive(
                    f"the receiver throttles (429) and asks for {pause:g} s", reason="throttled"
                )
            time.sleep(pause)
        self._last = attempt
        return attempt

    def _totals(self) -> Look | None:
        """What there is before a body is sent, or nothing if the receiver does not come to rest."""
        with contextlib.suppress(Inconclusive):
            return self.target.look()
        return None

    def _require_no_effect(self, delivery: Delivery) -> None:
        """
        Nothing is added to the receiver's world by a body that names no trigger or is forged.

        Raises:
            Violation: if something is.
        """
        before, after = self._before, self._totals()
        self._before = after
        if before is None or after is None:
            return
        if not self._is_signed(delivery) or spoiled.is_inert(delivery.body):
            _require_same(before, after)

    def _keep(self, kind: Kind, violation: Violation, delivery: Delivery | None) -> None:
        key = (kind.name, violation.reason)
        known = self.result.findings.get(key)
        if known and known.exchange and delivery and len(known.exchange.body) <= len(delivery.body):
            return
        last = self._last if self._last and self._last.delivery is delivery else None
        self.result.findings[key] = Finding(
            kind,
            violation.reason,
            violation.sentence,
            violation.expected,
            exchange_of(last, self.target.secret) if last else None,
        )
        if violation.reason == DIED:
            self.result.stopped = violation.sentence


def _require_same(before: Look, after: Look) -> None:
    for name in ("appointments", "effects"):
        was, now = before.totals.get(name), after.totals.get(name)
        if was != now:
            raise Violation(
                f"the number of {name} went from {was} to {now}",
                expected="no effect",
                reason=f"effect-{name}",
            )


@contextlib.contextmanager
def _shrunk() -> Iterator[None]:
    """
    Take note that hypothesis has done what it could.

    Its report is of no use here: every finding was kept when it was met.
    """
    try:
        yield
    except (_Found, _Enough, Flaky):
        pass
    except BaseExceptionGroup as group:
        _, other = group.split((_Found, Flaky))
        if other:
            raise other from None


def _seconds(retry_after: str | None) -> float:
    try:
        return max(float(retry_after or 1), 0.05)
    except ValueError:
        return 1.0
