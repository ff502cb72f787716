"""
Where the contract comes from, section by section: `features/sources.toml`, read.

Pure data about the guide, the real Cal.com and the ways in which receivers have gone wrong; which
clauses cover which of them, and why some are covered by none.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass

from calcontract.catalogue import Contract
from calcontract.errors import CatalogueError
from calcontract.resources import room

FILE = "sources.toml"


@dataclass(frozen=True)
class Entry:
    """
    A section of a source, or a way to go wrong.

    Args:
        name: the section's title, or the number of the failure.
        text: what goes wrong; empty for a section.
        clauses: ids of the clauses that cover it.
        remark: why there is none, or what else there is to say.
    """

    name: str
    text: str
    clauses: tuple[str, ...]
    remark: str


@dataclass(frozen=True)
class Sources:
    """All tables, in the order of what they speak of."""

    guide: tuple[Entry, ...]
    calcom: tuple[Entry, ...]
    failures: tuple[Entry, ...]

    def entries(self) -> Iterator[Entry]:
        """Every entry of every table."""
        yield from (*self.guide, *self.calcom, *self.failures)

    def require(self, contract: Contract) -> None:
        """
        Make sure that every entry names clauses of *contract* or says why it names none.

        Raises:
            CatalogueError: if one does not.
        """
        known = {clause.id for clause in contract.clauses()}
        for entry in self.entries():
            if unknown := [name for name in entry.clauses if name not in known]:
                raise CatalogueError(f"{FILE}: {entry.name!r} names {', '.join(unknown)}")
            if not entry.clauses and not entry.remark:
                raise CatalogueError(f"{FILE}: {entry.name!r} names no clause and does not say why")


def load() -> Sources:
    """
    The tables of this installation.

    Raises:
        CatalogueError: if the file cannot be read, or a row is not what it should be.
    """
    try:
        found = tomllib.loads((room("features") / FILE).read_text(encoding="utf-8"))
        return Sources(
            guide=tuple(Entry(name, "", tuple(ids), said) for name, ids, said in found["guide"]),
            calcom=tuple(Entry(name, "", tuple(ids), said) for name, ids, said in found["calcom"]),
            failures=tuple(
                Entry(name, text, tuple(ids), said) for name, text, ids, said in found["failures"]
            ),
        )
    except (OSError, tomllib.TOMLDecodeError, KeyError, ValueError) as error:
        raise CatalogueError(f"{FILE} cannot be read: {error}") from error
