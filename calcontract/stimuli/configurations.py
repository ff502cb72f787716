"""
What a receiver is started with, and what anybody could send who has no secret.

Made by the standard library alone, like all signatures that are not Cal.com's own.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping

from calcontract.stimuli import named, signatures
from calcontract.stimuli.signatures import Material

#: Signatures that need no secret, as `signatures` calls them.
OPEN_VALUES = (
    "absent",
    "empty",
    "the literal no-secret-provided",
    "64 random hex digits",
    "64 zeros",
    "the plain SHA-256 of the body",
)

#: Keys that a missing setting turns into.
OPEN_KEYS = (
    "the empty key",
    'the key "undefined"',
    'the key "null"',
    'the key "None"',
    'the key "changeme"',
    'the key "not-provided"',
    'the key "no-secret-provided"',
    "the guide's sample key",
)

_KINDS: Mapping[str, Callable[[str], str]] = {
    "is base64 behind a prefix": lambda secret: (
        f"whsec_{base64.b64encode(secret.encode()).decode()}"
    ),
    "is long and holds signs and letters beyond ASCII": lambda secret: (
        f"{secret} \"'$x #=&%~ Schlüssel-ключ-{secret * 5}"
    ),
    "ends in a line feed": lambda secret: f"{secret}\n",
}


def that(word: str, secret: str) -> str:
    """A secret of the kind that a feature file calls *word*, made of the random *secret*."""
    return named(_KINDS, word, "kind of secret")(secret)


def secrets(what: str, *, new: str, old: str) -> tuple[str | None, str | None]:
    """The secret, and the one being retired, of a receiver that is started with *what*."""
    table: Mapping[str, tuple[str | None, str | None]] = {
        "no secret": (None, None),
        "an empty secret": ("", None),
        "a new secret": (new, None),
        "a new secret beside the old one": (new, old),
    }
    return (new, None) if what.startswith("a secret that ") else named(table, what, "secret")


def signature(body: bytes, secret: str) -> str:
    """The right signature of *body* under *secret*, in hex."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def open_signatures(material: Material) -> Mapping[str, bytes | None]:
    """Header values that need no secret, by what they are; nothing is no header at all."""
    values = {word: signatures.value(word, material) for word in OPEN_VALUES}
    return values | {
        f"made with {word}": signatures.signed_with(word, material) for word in OPEN_KEYS
    }
