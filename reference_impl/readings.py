"""
How the text of a setting is read.

Of a text that cannot be read it is said what was expected, and never what was there: a misplaced
secret would show.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

#: In seconds.  Whoever waits for longer waits for ever, and timers of the system overflow.
YEAR = 365 * 24 * 3600

_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off", ""})

# `int` takes the digits of every script, and a line between them.
_DIGITS = re.compile(r"\s*[+-]?[0-9]+\s*")

_SECONDS = "a number of seconds above 0, a year (31536000) at most"


def boolean(text: str) -> bool:
    """Reads a yes or a no, in one of the ways in which people say it."""
    lowered = text.strip().lower()
    if lowered in _TRUE:
        return True
    if lowered in _FALSE:
        return False
    raise ValueError("expected true or false")


def whole(least: int, most: int) -> Callable[[str], int]:
    """Reads a whole number from *least* to *most*."""

    def read(text: str) -> int:
        # 18 characters hold every bound there is, and `int` refuses thousands.
        number = int(text) if len(text) <= 18 and _DIGITS.fullmatch(text) else least - 1
        if not least <= number <= most:
            raise ValueError(f"expected a whole number from {least} to {most}")
        return number

    return read


def seconds(text: str) -> float:
    """Reads a number of seconds that somebody may wait."""
    number = _seconds(text)
    if number is None:
        raise ValueError(f"expected {_SECONDS}")
    return number


def schedule(text: str) -> tuple[float, ...]:
    """Reads numbers of seconds, with commas between."""
    numbers = tuple(map(_seconds, text.split(",")))
    if None in numbers:
        raise ValueError(f"expected, with commas between, each {_SECONDS}")
    return tuple(filter(None, numbers))


def _seconds(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if 0 < number <= YEAR and "_" not in text else None


def words(text: str) -> tuple[str, ...]:
    """Reads words with white space between."""
    return tuple(text.split())


def short_name(text: str) -> str:
    """Reads a name that databases can pass on."""
    if not text.strip() or len(text) > 200 or not text.isprintable():
        raise ValueError("expected a name of 1 to 200 characters")
    return text
