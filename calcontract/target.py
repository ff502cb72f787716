"""
The receiver under test, as one run sees it.

Holds what is open to us (address, secret, capabilities), sends deliveries with the manners that the
target's place asks for, and waits until the receiver has come to rest.
"""

from __future__ import annotations

import itertools
import secrets
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import TypedDict

from calcontract.certificates import Flaw, flaw_of
from calcontract.errors import Inconclusive, NotVerified
from calcontract.handling import KINDS, Words
from calcontract.life import Life
from calcontract.logs import Log
from calcontract.probes import Look, Probe
from calcontract.probes.http import HttpProbe, HttpStates
from calcontract.process import NotListeningError, Process
from calcontract.sent import Sent
from calcontract.settings import PRINTED, Settings
from calcontract.verdicts import scope_of
from calcontract.waiting import waiting
from mock_calcom.delivery import Delivery, Subscription
from mock_calcom.ids import Ids
from mock_calcom.people import People
from mock_calcom.profiles import DEFAULT, PROFILES
from mock_calcom.sender import Attempt, Sender

#: An attempt is given up this long after the budget: enough to see that it is late, in seconds.
_GRACE = 2.0
#: How often a throttled delivery is sent again, and the longest pause a target may ask for, in s.
_THROTTLE_TRIES = 3
_THROTTLE_PAUSE = 15.0
#: What is left of the patience with a receiver that never comes to rest, in seconds.
_LEAST_PATIENCE = 0.05
#: The first and the longest pause between two looks, in seconds.
_FIRST_PAUSE = 0.001
_LONGEST_PAUSE = 0.05

Transport = Callable[[Delivery], Attempt]


class Line(TypedDict):
    """What every attempt over a socket of our own is told."""

    timeout: float
    verify: bool | str


class Target:
    """
    One receiver in one run.

    Args:
        settings: what the run was told; its `target` is set.
        seed: of people and of every value that may repeat between runs.
        process: the receiver's process, if we may kill it.
    """

    def __init__(self, settings: Settings, *, seed: int, process: Process | None = None) -> None:
        self.settings = settings
        self.seed = seed
        self.url = settings.target or ""
        self.secret = settings.shared_secret()
        dialect = PROFILES["guide"] if settings.profile == "guide" else DEFAULT
        self.subscription = Subscription(self.url, self.secret, profile=dialect)
        words = Words.of(settings.triggers, settings.appointments)
        trusted = str(settings.ca_file) if settings.ca_file else True
        self.sender = Sender(timeout=settings.budget + _GRACE, verify=trusted)
        self.probe: Probe | None = (
            HttpProbe(settings.probe, words, verify=trusted) if settings.probe else None
        )
        self.states: HttpStates | None = (
            HttpStates(settings.states, verify=trusted) if settings.states else None
        )
        #: What is wrong with the certificate, once it was looked at.
        self.flaw: Flaw | None = None
        #: The provider states that it does not know, once it was asked.
        self.unknown_states: Sequence[str] = ()
        self.process = process
        self.log = _log(settings, process)
        self.chance = Random(seed)  # noqa: S311 - chooses test data, keeps no secret
        # Uids and booking ids are new in every run, whatever the seed: a receiver that has seen
        # this seed before must not take today's bookings for redeliveries.
        self.ids = Ids(Random(secrets.randbits(64)))  # noqa: S311 - test data
        self.people = People(seed)
        self.sent = Sent()
        #: Numbers the checks of this run.
        self.stories = itertools.count()
        self.life = Life(self.url, self.secret, process)
        self._last_sent = 0.0
        self._patience = settings.patience
        #: A new booking that was seen to take effect before any other, since the receiver started.
        self.earliest: Delivery | None = None
        #: Whether its probe has shown a delivery in this run.
        self.shows_deliveries = False

    def first_story(self, number: int) -> None:
        """Number the checks from *number* on, apart from those of other processes of the run."""
        self.stories = itertools.count(number)

    @property
    def capabilities(self) -> frozenset[str]:
        """What the target offers beyond its URL."""
        secrets_known = self.process and self.settings.receiver_secret_env
        offered = {
            "probe": self.probe,
            "states": self.states,
            "process": self.process,
            "secrets": secrets_known,
            "rotation": secrets_known and self.settings.receiver_previous_env,
            "log": self.log,
            "tls": self.url.startswith("https://"),
        }
        return frozenset(name for name, there in offered.items() if there)

    def handles(self, trigger: str) -> bool:
        """Whether an effect of *trigger* may be asked for, as far as is declared."""
        triggers = self.settings.triggers
        return triggers is None or trigger in triggers or trigger not in KINDS

    def examine_certificate(self) -> str:
        """
        What is wrong with the target's certificate, in words; if anything, it is verified no more.

        Its own clause accuses it, and the rest of the receiver is to be judged all the same.
        """
        authority = self.settings.ca_file
        self.flaw = flaw_of(self.url, authority=authority, timeout=self.sender.timeout)
        if self.flaw is None:
            return ""
        self.sender.verify = False
        for beside in (self.probe, self.states):
            if isinstance(beside, HttpProbe | HttpStates):
                beside.trust_anybody()
        return self.flaw.sentence

    @property
    def line(self) -> Line:
        """How long an attempt over a socket may take, and whom it trusts."""
        return {"timeout": self.sender.timeout, "verify": self.sender.verify}

    @property
    def scope(self) -> str:
        """The name of what the target lets us see."""
        return scope_of(self.capabilities)

    def attempt(self, delivery: Delivery, transport: Transport | None = None) -> Attempt:
        """
        One attempt at *delivery*, over *transport* if it is an odd one.

        A throttled attempt is repeated after the pause that the target asks for.

        Raises:
            Inconclusive: if the target keeps throttling.
            Violation: if the target has died under the check.
            NotVerified: if it has died, and perhaps under another one.
        """
        send = transport or self.sender.attempt
        for _ in range(_THROTTLE_TRIES):
            attempt = self._polite(send, delivery)
            if attempt.answer is None or attempt.answer.status != 429:
                break
            pause = _pause(attempt.answer.headers.get("retry-after"))
            with waiting("the end of the pause that the receiver asks for", pause):
                time.sleep(pause)
        else:
            raise Inconclusive("the receiver throttles every attempt (429)", reason="throttled")
        self.look_for_life([attempt])
        return attempt

    def attempt_once(self, delivery: Delivery) -> Attempt:
        """One attempt at *delivery*, and none after it if it is throttled."""
        return self._polite(self.sender.attempt, delivery)

    def _polite(self, send: Transport, delivery: Delivery) -> Attempt:
        if not self.settings.is_local:
            wait = self._last_sent + 1 / self.settings.rate - time.monotonic()
            time.sleep(max(wait, 0.0))
        self._last_sent = time.monotonic()
        self.note(delivery)
        with waiting("an answer", self.sender.timeout):
            attempt = send(delivery)
        self.life.heard([attempt])
        return attempt

    def note(self, delivery: Delivery, attempts: int = 1) -> None:
        """Remember that *delivery* was sent, for the report."""
        self.sent.attempts += attempts
        if delivery.uid:
            self.sent.uids.add(delivery.uid)

    # --- life and death --------------------------------------------------------------------------

    def look_for_life(self, attempts: Sequence[Attempt]) -> None:
        """Tell connections that failed by accident from a receiver that is no more: see `Life`."""
        self.life.look(attempts)

    def require_life(self) -> None:
        """
        Refuse to go on with a receiver that died in an earlier check.

        Raises:
            NotVerified: if it did.
        """
        self.life.require()

    def revive(self) -> None:
        """Let the receiver's process run as it did when the run began, if it does not."""
        if self.process is None or not self.life.is_over():
            return
        if self.life.can_begin_anew:
            self.process.kill()
            self.restart()
        else:
            self.life.give_up()

    def look(self, uids: Sequence[str] = (), appointment: str | None = None) -> Look:
        """
        What the receiver holds about *uids* once it has come to rest.

        At rest nothing acknowledged is waiting to be processed; a delivery that waits for a later
        try does not count.

        Raises:
            Inconclusive: if the receiver does not come to rest within the patience of the run.
            NotVerified: if the target has no probe.
            CapabilityError: if the probe does not work.
        """
        if self.probe is None:
            raise NotVerified("this needs a probe", reason="no-probe")
        with waiting("the receiver to come to rest", self._patience), self.life.required_inside():
            look = self._at_rest(self.probe, uids, appointment)
        self._patience = self.settings.patience
        return look

    def _at_rest(self, probe: Probe, uids: Sequence[str], appointment: str | None) -> Look:
        deadline = time.monotonic() + self._patience
        pause = _FIRST_PAUSE
        while busy := self._busy(look := probe.look(uids, appointment), uids):
            if time.monotonic() > deadline:
                given = self._patience
                # A receiver whose processing has stopped must not cost the full patience each time.
                self._patience = max(given / 2, _LEAST_PATIENCE)
                raise Inconclusive(
                    f"{busy} deliveries are still being processed after {given:g} s",
                    reason="not-at-rest",
                )
            time.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
        return look

    def _busy(self, look: Look, uids: Sequence[str]) -> int:
        """
        How many deliveries stand between *look* and the receiver at rest.

        Where bookings are asked for, only theirs count: what is stuck elsewhere is another check's.
        Who shows no delivery, be it of what was just taken, tells of all that is pending alone.
        """
        self.shows_deliveries |= bool(look.records)
        return look.under_way if uids and self.shows_deliveries else look.pending

    def kill(self, *, politely: bool = False) -> None:
        """
        Kill the receiver's process, or end it *politely*, as a deployment does.

        Raises:
            NotVerified: if we may not.
        """
        if self.process is None:
            raise NotVerified("this needs the receiver's process", reason="no-process")
        self.life.require_unharmed()
        if politely:
            self.process.stop()
        else:
            self.process.kill()

    def restart(self) -> None:
        """
        Start the receiver's process again.

        Raises:
            NotVerified: if we may not.
            SetupError: if it does not start.
            CapabilityError: if its probe does not work.
        """
        if self.process is None:
            raise NotVerified("this needs the receiver's process", reason="no-process")
        self.process.start()
        self._lives_anew(self.process)
        if self.probe is not None:
            # A socket may listen long before whoever serves it has begun.
            self.probe.look(())

    def advance(self, seconds: float) -> None:
        """
        Move the receiver's idea of now forward.

        Raises:
            NotVerified: if the target offers no provider states.
            StateUnknown: if it does not know how to.
            CapabilityError: if it fails.
        """
        self.set_state("clock advances", seconds=seconds)
        if self.process is not None:
            self.process.advanced += seconds

    def _lives_anew(self, process: Process) -> None:
        self.life.begins_anew()
        # What it has to know of its life before this one is asked by clauses of their own.
        self.earliest = None
        # A new process starts at the true time; what the old one wrote would lie in its future.
        if self.states is not None and process.advanced:
            self.set_state("clock advances", seconds=process.advanced)

    def start_with(self, secret: str | None, previous: str | None = None) -> bool:
        """
        End the receiver and start it with other secrets: whether it listens then.

        Args:
            secret: what its variable holds; None takes the variable away.
            previous: what the variable of the retired secret holds, if it has one.

        Raises:
            NotVerified: if we may not, or do not know the variables.
        """
        if self.process is None or self.settings.receiver_secret_env is None:
            raise NotVerified("this needs the receiver's secrets", reason="no-secrets")
        changes = {self.settings.receiver_secret_env: secret}
        if self.settings.receiver_previous_env:
            changes[self.settings.receiver_previous_env] = previous
        self.life.is_over()
        self.process.kill()
        try:
            self.process.start(changes)
        except NotListeningError:
            return False
        self._lives_anew(self.process)
        return True

    def set_state(self, state: str, **params: object) -> None:
        """
        Bring the receiver into a provider state.

        Raises:
            NotVerified: if the target offers no provider states.
            StateUnknown: if it does not know this one.
            CapabilityError: if it fails.
        """
        if self.states is None:
            raise NotVerified("this needs provider states", reason="no-states")
        with self.life.required_inside():
            self.states.set(state, **params)


def _log(settings: Settings, process: Process | None) -> Log | None:
    """The log that *settings* name, if they name one and it can be had."""
    if settings.log != PRINTED:
        return Log(Path(settings.log)) if settings.log else None
    return Log(process.log, whole=True) if process is not None else None


def _pause(retry_after: str | None) -> float:
    try:
        return min(float(retry_after or 1), _THROTTLE_PAUSE)
    except ValueError:
        return 1.0
