"""
Known violations: a list of what fails today, that must go on failing for the same reason.

Each entry names a clause, the reason code, a link and a day on which it expires.  An entry that
conforms by now, fails for another reason, or has expired, fails the run: a list that nobody clears
hides the next defect.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from calcontract.errors import UsageError
from calcontract.verdicts import ACCUSING, UNCOUNTED, Outcome

if TYPE_CHECKING:
    from calcontract.catalogue import Contract
    from calcontract.records import CheckRecord, RunRecord

_FIELDS = {"id": str, "reason": str, "link": str, "expires": dt.date}


@dataclass(frozen=True)
class Known:
    """One clause that is known to be violated, why, where that is tracked, and until when."""

    id: str
    reason: str
    link: str
    expires: dt.date


@dataclass(frozen=True)
class Stale:
    """An entry that does not hold any more, why, and what is to be done about it."""

    entry: Known
    why: str
    remedy: str


# What is to be done about an entry that conforms, has expired, or fails otherwise.
_MENDED = "take it off the list"
_LATE = "mend the receiver, or give it another day"
_OTHER = "look at it, for it is another fault"


class KnownViolations:
    """
    The entries of one file.

    Args:
        entries: what is known.
        today: the day that decides whether an entry has expired.
    """

    def __init__(self, entries: Sequence[Known], *, today: dt.date) -> None:
        self._entries = entries
        self._today = today

    @classmethod
    def load(cls, path: Path | None, contract: Contract) -> KnownViolations:
        """
        The entries in the TOML file *path* (`[[violation]]` with id, reason, link and expires).

        Raises:
            UsageError: if the file cannot be read, an entry is incomplete, or a clause is unknown.
        """
        today = dt.datetime.now(dt.UTC).date()
        if path is None:
            return cls((), today=today)
        try:
            document = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else error
            raise UsageError(
                f"the known violations in {str(path)!r} cannot be read: {why}",
                hint="name a TOML file of [[violation]] tables",
            ) from None
        tables = document.pop("violation", [])
        if document or not isinstance(tables, list):
            raise UsageError(
                f"the known violations in {str(path)!r} hold something else",
                hint="write [[violation]] tables and nothing beside them",
            )
        entries = []
        for table in tables:
            # Not isinstance: a date with a time is a date to Python, and cannot be compared to one.
            if not isinstance(table, dict) or {k: type(v) for k, v in table.items()} != _FIELDS:
                raise UsageError(
                    f"a known violation in {str(path)!r} needs {', '.join(_FIELDS)} and no more: "
                    "texts, and a date without quotes",
                    hint='write for example expires = 2027-01-31, id = "idm-001"',
                )
            contract.clause(table["id"])
            entries.append(Known(**table))
        return cls(entries, today=today)

    def marked(self, record: CheckRecord) -> CheckRecord:
        """*record*, marked as known if an entry in force names its clause and its reason."""
        known = record.outcome in ACCUSING and any(
            entry.id == record.clause
            and entry.reason == record.reason
            and entry.expires >= self._today
            for entry in self._entries
        )
        return dataclasses.replace(record, known=known)

    def stale(self, run: RunRecord) -> Sequence[Stale]:
        """The entries that no longer hold for *run*."""
        found = []
        for entry in self._entries:
            records = [
                record for record in run.checks.get(entry.id, ()) if record.outcome not in UNCOUNTED
            ]
            reasons = {record.reason for record in records if record.outcome in ACCUSING}
            if entry.expires < self._today:
                found.append(Stale(entry, f"expired on {entry.expires}", _LATE))
            elif reasons and entry.reason not in reasons:
                others = ", ".join(sorted(reasons))
                found.append(Stale(entry, f"fails for another reason: {others}", _OTHER))
            elif records and all(record.outcome is Outcome.PASS for record in records):
                # What could not be verified says nothing of the entry.
                found.append(Stale(entry, "conforms by now", _MENDED))
        return found
