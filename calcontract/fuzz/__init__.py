"""
Fuzzing: what a receiver does with bodies that nobody thought of.

The contract's clauses try what is known to go wrong; this looks for what is not.  `shapes` makes
bodies out of the schemas (schemathesis), `spoiled` spoils real deliveries (hypothesis), `hunt`
sends them and judges, `words` tells what was found.

Only this module is imported without need: schemathesis is heavy.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """
    One kind of body.

    Args:
        name: what it is called.
        text: what it is, in a few words.
        weight: its part of the examples.
        inert: whether bodies of this kind may be expected to have no effect; these come first, so
            that a later retry of an effectful one cannot be taken for their doing.
    """

    name: str
    text: str
    weight: int
    inert: bool = False


FORGED = Kind("forged", "wrongly signed or unsigned", 3, inert=True)
NONSENSE = Kind("nonsense", "signed, and no envelope of a known trigger", 5, inert=True)
ENVELOPES = Kind("envelopes", "inside or just outside an envelope's schema, signature included", 3)
PAYLOADS = Kind("payloads", "inside or just outside a trigger's schema, signature included", 4)
SPOILED = Kind("spoiled", "signed, an ordinary delivery with something spoiled", 5)

#: How many bodies may be asked for, and how many seconds may be given.
EXAMPLES = (5, 100_000)
SECONDS = (1, 86_400)

#: In the order in which they are sent.
KINDS = (FORGED, NONSENSE, ENVELOPES, PAYLOADS, SPOILED)


def named(name: str) -> Kind:
    """The kind called *name*."""
    return next(kind for kind in KINDS if kind.name == name)


def quotas(examples: int) -> dict[Kind, int]:
    """How many of *examples* each kind gets: by weight, and one at the least."""
    total = sum(kind.weight for kind in KINDS)
    shares = {kind: max(1, examples * kind.weight // total) for kind in KINDS}
    # What rounding left over goes to the last kind, which finds the most.
    shares[KINDS[-1]] += max(0, examples - sum(shares.values()))
    return shares
