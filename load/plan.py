"""
What a load test sends and when: settings, and a schedule that is fixed before the first attempt.

Open model: arrivals come when they are due, however slow the receiver is.  A sender that waits for
answers slows down with the receiver and hides what its users would feel.  Pure.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field

from mock_calcom import headers
from mock_calcom.numbers import LARGEST_SEED
from mock_calcom.numbers import LONGEST as LONGEST_BUDGET
from mock_calcom.secrecy import MASK

#: Nobody gets more than this by a slip of the finger.
MOST_PER_SECOND = 2000.0
LONGEST = 600.0
MOST = 200_000

#: The steps of a booking's life, each with its own delivery.
CREATED, RESCHEDULED, CANCELLED = range(3)

#: A redelivery repeats one of so many deliveries before it, as a sender's retry would.
_RECENT = 200

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True)
class Plan:
    """
    The settings of one load test; rates are per second, durations in seconds, shares from 0 to 1.

    Raises:
        ValueError: with one sentence, if the settings make no sense or are not allowed.
    """

    url: str
    secret: str = field(repr=False)
    rate: float = 20.0
    duration: float = 10.0
    redeliveries: float = 0.1
    reschedules: float = 0.2
    cancellations: float = 0.1
    budget: float = 30.0
    seed: int = 0
    profile: str = "guide"

    def __post_init__(self) -> None:
        """See that it is bounded."""
        if not 0 < self.rate <= MOST_PER_SECOND:
            raise ValueError(f"the rate is to be above 0 and at most {MOST_PER_SECOND:g} a second")
        if not 0 < self.duration <= LONGEST:
            raise ValueError(f"the duration is to be above 0 and at most {LONGEST:g} s")
        if self.count > MOST:
            raise ValueError(f"{self.count} deliveries are too many; {MOST} are allowed")
        if not 0 < self.budget <= LONGEST_BUDGET:
            raise ValueError(f"the budget is to be above 0 and at most {LONGEST_BUDGET:g} s")
        if not 0 <= self.seed <= LARGEST_SEED:
            raise ValueError(f"the seed is to be from 0 to {LARGEST_SEED}")
        shares = (self.redeliveries, self.reschedules, self.cancellations)
        # Put so that it holds of no share that is "nan".
        if not (min(shares) >= 0 and sum(shares) <= 1):
            raise ValueError("the shares are to be 0 or more, and together at most 1")
        if self.profile not in {"guide", "calcom"}:
            raise ValueError(f"there is no profile {self.profile!r}; choose guide or calcom")
        if not self.secret:
            raise ValueError("no secret is given")

    @property
    def count(self) -> int:
        """How many deliveries arrive."""
        return max(1, round(self.rate * self.duration))

    @classmethod
    def of(cls, environment: Mapping[str, str], host: str | None = None) -> Plan:
        """
        The plan that the *environment* tells; *host* goes before its target.

        Raises:
            ValueError: if it tells nonsense, or of a receiver that may not be tested.
        """
        url = host or environment.get("CALCONTRACT_TARGET", "")
        named = environment.get("CALCONTRACT_SECRET_ENV", "CALCOM_WEBHOOK_SECRET")
        MASK.learn(environment.get(named))
        MASK.learn_url(url)
        _permit(url, environment)
        if not environment.get(named):
            raise ValueError(f"the environment variable {named} holds no secret")
        numbers = {
            "rate": "CALCONTRACT_LOAD_RATE",
            "duration": "CALCONTRACT_LOAD_DURATION",
            "redeliveries": "CALCONTRACT_LOAD_REDELIVERIES",
            "reschedules": "CALCONTRACT_LOAD_RESCHEDULES",
            "cancellations": "CALCONTRACT_LOAD_CANCELLATIONS",
            "budget": "CALCONTRACT_BUDGET",
        }
        return cls(
            url=url,
            secret=environment[named],
            seed=_seed(environment),
            profile=environment.get("CALCONTRACT_PROFILE", cls.profile),
            **{
                name: _number(environment, key, getattr(cls, name)) for name, key in numbers.items()
            },
        )


def _number(environment: Mapping[str, str], key: str, default: float) -> float:
    try:
        return float(environment.get(key, default))
    except ValueError:
        raise ValueError(f"{key} is no number") from None


def _seed(environment: Mapping[str, str]) -> int:
    try:
        return int(environment.get("CALCONTRACT_SEED", 0))
    except ValueError:
        raise ValueError("CALCONTRACT_SEED is no whole number") from None


def _permit(url: str, environment: Mapping[str, str]) -> None:
    if not url:
        raise ValueError("no receiver is named; set CALCONTRACT_TARGET to its http or https URL")
    parts = headers.split(url)
    if parts.hostname in _LOOPBACK:
        return
    if environment.get("CALCONTRACT_I_MAY_TEST") != parts.hostname:
        raise ValueError(
            f"{parts.hostname} is not this machine; set CALCONTRACT_I_MAY_TEST={parts.hostname} "
            "if you are allowed to load it"
        )
    allowed = environment.get("CALCONTRACT_INSECURE_HTTP", "").lower() in {"1", "true", "yes", "on"}
    if parts.scheme == "http" and not allowed:
        raise ValueError(f"plain http to {parts.hostname} shows every delivery to the network")


@dataclass(frozen=True, slots=True)
class Arrival:
    """
    One attempt that is due.

    Args:
        due: when, in seconds after the start.
        life: the number of the booking.
        step: what happens to it.
        moved: whether it was rescheduled before, which changes its uid.
        again: whether the same bytes have been sent before.
    """

    due: float
    life: int
    step: int = CREATED
    moved: bool = False
    again: bool = False


def arrivals(plan: Plan) -> list[Arrival]:
    """
    Every attempt of *plan*, evenly spaced, in the order in which they are due.

    A booking is rescheduled and cancelled once at the most, and after it was created.
    """
    chance = random.Random(plan.seed)  # noqa: S311 - a schedule, no secret
    coming: list[Arrival] = []
    fresh: list[int] = []  # bookings that may be moved or cancelled
    moved: list[int] = []  # bookings that were moved, and may be cancelled
    lives = 0
    for number in range(plan.count):
        due = number / plan.rate
        drawn = chance.random()
        if coming and drawn < plan.redeliveries:
            old = chance.choice(coming[-_RECENT:])
            coming.append(Arrival(due, old.life, old.step, old.moved, again=True))
            continue
        drawn -= plan.redeliveries
        if fresh and 0 <= drawn < plan.reschedules:
            life = _taken(fresh, chance)
            moved.append(life)
            coming.append(Arrival(due, life, RESCHEDULED))
            continue
        drawn -= plan.reschedules
        if (fresh or moved) and 0 <= drawn < plan.cancellations:
            source = chance.choice([pile for pile in (fresh, moved) if pile])
            coming.append(Arrival(due, _taken(source, chance), CANCELLED, moved=source is moved))
            continue
        coming.append(Arrival(due, lives))
        fresh.append(lives)
        lives += 1
    return coming


def _taken(pile: list[int], chance: random.Random) -> int:
    """One of *pile*, removed from it without moving the others."""
    index = chance.randrange(len(pile))
    pile[index], pile[-1] = pile[-1], pile[index]
    return pile.pop()
