"""
What columns of text hold, where a database is narrower than the senders of Cal.com.

SQLite takes every text at any length.  PostgreSQL takes no U+0000, and no index of its keeps a
key of more than some 2,700 bytes: what a sender may write has to fit all the same.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, Integer, Text, TypeDecorator

if TYPE_CHECKING:
    from sqlalchemy import Dialect

#: A character nobody assigned, which stands before the two that are spelled differently.
_MARK = "\ue000"

#: Characters that stand for a text in an index of beginnings.
BEGINNING = 100

#: Characters of the longest key: four bytes each at most, so that it fits.
_LONGEST = 500

#: Characters of the longest name that shares an entry with such a key.
_LONGEST_NAME = 150


class _Words(TypeDecorator[str]):
    """Any text, U+0000 included."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - SQLAlchemy's
        """How *value* is written."""
        if value is None or ("\0" not in value and _MARK not in value):
            return value
        return value.replace(_MARK, f"{_MARK}1").replace("\0", f"{_MARK}0")

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - SQLAlchemy's
        """What was written as *value*."""
        if value is None or _MARK not in value:
            return value
        return value.replace(f"{_MARK}0", "\0").replace(f"{_MARK}1", _MARK)


def short(key: str, longest: int) -> str:
    """*key* if it has no more than *longest* characters, else what stands for it."""
    if len(key) <= longest:
        return key
    return f"sha256 {hashlib.sha256(key.encode()).hexdigest()}"


class _Key(_Words):
    """A text that is found again by itself; one of more than *longest* is kept `short`."""

    cache_ok = True

    def __init__(self, longest: int) -> None:
        super().__init__()
        self.longest = longest

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """How *value* is written."""
        kept = None if value is None else short(value, self.longest)
        return super().process_bind_param(kept, dialect)


class _Beginning(TypeDecorator[str]):
    """The first characters of a text, for an index that keeps no key of any length."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - SQLAlchemy's
        """How the beginning of *value* is written."""
        # For SQLite's functions a text ends with its first U+0000.
        return None if value is None else value[:BEGINNING].partition("\0")[0]


class _BeginningOfWords(_Words):
    """The same of what is written otherwise than it reads."""

    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """How the beginning of *value* is written."""
        written = super().process_bind_param(value, dialect)
        return None if written is None else written[:BEGINNING]


#: Text that a sender may have written.
WORDS = Text().with_variant(_Words(), "postgresql")

#: The same where it has to be unique.
KEY = Text().with_variant(_Key(_LONGEST), "postgresql")

#: The same where it is unique together with a key.
NAME = Text().with_variant(_Key(_LONGEST_NAME), "postgresql")

#: How that text begins.
BEGINNINGS = _Beginning().with_variant(_BeginningOfWords(), "postgresql")

#: A key counted up by the store; SQLite counts only columns it knows as INTEGER.
SERIAL = BigInteger().with_variant(Integer, "sqlite")

#: How often something happened.
COUNT = BigInteger().with_variant(Integer, "sqlite")
