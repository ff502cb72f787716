"""
What this receiver handles, and how it says so.

Sound receivers differ: in the trigger events they act on, in the 2xx and 4xx they choose, in the
words for what they keep.  `calcontract.toml` says which of it is meant, so that none of it is ever
called a violation; what is left undeclared is judged as the contract has it.

    [triggers]                      # the receiver acts on these, and on no others
    BOOKING_CREATED = ["lead"]      # what its probe calls the effect
    BOOKING_CANCELLED = ["cancelled"]

    [appointments]
    kept = true                     # whether it keeps appointments at all
    words = { booked = "confirmed" }

    [statuses]
    acknowledge = [200]
    refuse = [400, 401]
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StrictBool, field_validator

#: The kinds of effect that an occurrence of each trigger may have; the first is the plain one.
KINDS: Mapping[str, tuple[str, ...]] = {
    "BOOKING_CREATED": ("created", "confirmed"),
    "BOOKING_CONFIRMED": ("confirmed",),
    "BOOKING_REQUESTED": ("requested",),
    "BOOKING_RESCHEDULED": ("rescheduled",),
    "BOOKING_CANCELLED": ("cancelled",),
    "BOOKING_REJECTED": ("rejected",),
    "BOOKING_PAYMENT_INITIATED": ("payment_initiated",),
    "BOOKING_PAID": ("paid",),
    "FORM_SUBMITTED": ("form_submitted",),
}

#: What an appointment can be.
STATES = ("scheduled", "requested", "confirmed", "cancelled", "rejected")

#: Statuses by which no receiver may refuse: 410 ends the subscription, 429 says "later".
_NO_REFUSAL = frozenset({410, 429})

_Success = Annotated[int, Field(ge=200, le=299)]
_Refusal = Annotated[int, Field(ge=400, le=499)]


def _did_you_mean(word: str, known: tuple[str, ...]) -> str:
    near = difflib.get_close_matches(word, known, n=1)
    return f"did you mean {near[0]}?" if near else f"choose from {', '.join(known)}"


class Appointments(BaseModel):
    """
    What the receiver keeps.

    Args:
        kept: whether it keeps appointments; if not, its effects alone are judged.
        words: the probe's word for the status of an appointment, and ours for it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kept: StrictBool = True
    words: dict[str, str] = {}

    @field_validator("words")
    @classmethod
    def _known_states(cls, value: dict[str, str]) -> dict[str, str]:
        for word, state in value.items():
            if state not in STATES:
                raise ValueError(
                    f"{word!r} stands for {state!r}, which no appointment can be; "
                    f"{_did_you_mean(state, STATES)}"
                )
        return value


class Statuses(BaseModel):
    """
    The statuses that the receiver has promised, where it has promised any.

    Args:
        acknowledge: those that acknowledge a delivery; any 2xx if none are named.
        refuse: those that refuse one, for whatever reason; any 4xx if none are named.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    acknowledge: tuple[_Success, ...] = ()
    refuse: tuple[_Refusal, ...] = ()

    @field_validator("refuse")
    @classmethod
    def _no_other_meaning(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        wrong = sorted(_NO_REFUSAL & set(value))
        if wrong:
            raise ValueError(
                f"{wrong[0]} is no refusal: 410 switches the subscription off, 429 asks for a pause"
            )
        return value


def known_triggers(
    triggers: dict[str, tuple[str, ...]] | None,
) -> dict[str, tuple[str, ...]] | None:
    """
    *triggers*, if they can be told apart by their effects.

    Raises:
        ValueError: if one has no effect that the suite knows how to judge, or two share a word.
    """
    if triggers is None:
        return None
    if not triggers:
        raise ValueError("[triggers] names none; name those that the receiver acts on")
    meant: dict[str, str] = {}
    for trigger, words in triggers.items():
        if trigger not in KINDS:
            raise ValueError(
                f"no effect of {trigger!r} can be judged; {_did_you_mean(trigger, tuple(KINDS))}"
            )
        for word in words or KINDS[trigger]:
            kind = _kind(trigger, word)
            if meant.setdefault(word, kind) != kind:
                raise ValueError(
                    f"the effect {word!r} stands for two triggers; "
                    "let the probe name them differently"
                )
    return triggers


def _kind(trigger: str, word: str) -> str:
    """Our name for the effect of *trigger* that the probe calls *word*."""
    return word if word in KINDS[trigger] else KINDS[trigger][0]


@dataclass(frozen=True)
class Words:
    """
    A translation from the probe's words into ours; a word without an entry is ours already.

    Args:
        effects: our kinds of effect by the probe's.
        states: our states of an appointment by the probe's.
        appointments: whether appointments are kept at all.
    """

    effects: Mapping[str, str] = field(default_factory=dict)
    states: Mapping[str, str] = field(default_factory=dict)
    appointments: bool = True

    @classmethod
    def of(cls, triggers: Mapping[str, tuple[str, ...]] | None, appointments: Appointments) -> Self:
        """The words that these settings declare."""
        effects = {
            word: _kind(trigger, word)
            for trigger, words in (triggers or {}).items()
            for word in words
        }
        return cls(effects, appointments.words, appointments.kept)
