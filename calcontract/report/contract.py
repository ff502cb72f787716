"""
The whole contract as one page of Markdown: `python -m calcontract.report.contract`.

Made of `features/` alone: every clause in full, how many there are, and which section of which
source became which clauses.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence

from calcontract import catalogue, sources
from calcontract.catalogue import PROFILES, Clause, Contract
from calcontract.sources import Entry, Sources
from calcontract.verdicts import Level

_HEAD = """\
# The contract

Every clause of `features/`, and where it comes from.
This page is generated: `make docs` writes it.

A clause is one sentence that a receiver keeps or breaks.
Its level is its RFC 2119 word; *hardening* is traffic that Cal.com would never send.
Its checks are the examples that can refute it; some need more of a receiver than its address
([for authors of receivers](for-receivers.md))."""


def page(contract: Contract, tables: Sources) -> str:
    """The page, with a line end at its end."""
    return "\n".join(_lines(contract, tables)) + "\n"


def _lines(contract: Contract, tables: Sources) -> Iterator[str]:
    yield from (_HEAD, "", "## In numbers", "")
    yield from _numbers(contract)
    for chapter in contract.chapters:
        yield from ("", f"## {chapter.name}: {chapter.title}")
        for clause in chapter.clauses:
            yield from _clause(clause)
    yield from ("", "## The configuration guide, section by section", "")
    yield from _table(("section", "clauses", "remark"), map(_section, tables.guide))
    yield from ("", "## The real Cal.com, section by section", "")
    yield "What its code and its documentation say of webhooks, as the mock Cal.com plays it."
    yield ""
    yield from _table(("section", "clauses", "remark"), map(_section, tables.calcom))
    yield from ("", "## How receivers have gone wrong", "")
    covered = sum(bool(entry.clauses) for entry in tables.failures)
    yield (
        f"{len(tables.failures)} ways, found in public reports and code; {covered} of them are "
        "covered by clauses."
    )
    yield ""
    yield from _table(
        ("way", "what goes wrong", "clauses", "remark"),
        (
            (entry.name, entry.text, _links(entry.clauses), entry.remark)
            for entry in tables.failures
        ),
    )


def _numbers(contract: Contract) -> Iterator[str]:
    levels = tuple(Level)
    rows = [
        (
            f"[{chapter.name}](#{_anchor(f'{chapter.name}: {chapter.title}')})",
            chapter.title,
            *_counts(chapter.clauses, levels),
        )
        for chapter in contract.chapters
    ]
    everything = list(contract.clauses())
    rows.append(("", "all", *_counts(everything, levels)))
    for profile in PROFILES:
        spoken = [clause for clause in everything if profile in clause.profiles]
        rows.append(("", f"profile `{profile}`", *_counts(spoken, levels)))
    words = [level.upper() if level is not Level.HARDENING else level.value for level in levels]
    yield from _table(("chapter", "about", *words, "clauses", "checks"), rows)


def _counts(clauses: Sequence[Clause], levels: Sequence[Level]) -> tuple[str, ...]:
    by_level = [sum(clause.level is level for clause in clauses) for level in levels]
    checks = sum(check.rows for clause in clauses for check in clause.checks)
    return tuple(map(str, (*by_level, len(clauses), checks)))


def _clause(clause: Clause) -> Iterator[str]:
    level = clause.level.upper() if clause.level is not Level.HARDENING else "hardening"
    checks = sum(check.rows for check in clause.checks)
    needs = sorted({name for check in clause.checks for name in check.capabilities})
    facts = [
        f"**{level}**",
        f"profiles {', '.join(sorted(clause.profiles, reverse=True))}",
        f"{checks} check{'s' if checks > 1 else ''}",
    ]
    if needs:
        all_need = all(check.capabilities for check in clause.checks)
        facts.append(f"{'needs' if all_need else 'partly needs'} {', '.join(needs)}")
    yield from ("", f"### {clause.id}", "", clause.text, "")
    yield from (" · ".join(facts), "")
    yield f"- Source: {clause.source}"
    yield f"- Why: {clause.why}"
    yield f"- Fix: {clause.fix}"


def _section(entry: Entry) -> tuple[str, ...]:
    return entry.name, _links(entry.clauses), entry.remark


def _links(ids: Iterable[str]) -> str:
    return ", ".join(f"[{name}](#{name})" for name in ids)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{' --- |' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"


def _anchor(heading: str) -> str:
    """What a heading is linked by: letters, digits and hyphens."""
    kept = "".join(letter for letter in heading.lower() if letter.isalnum() or letter in " -")
    return kept.replace(" ", "-")


def main() -> None:
    """Write the page to standard output."""
    contract = catalogue.load()
    tables = sources.load()
    tables.require(contract)
    sys.stdout.write(page(contract, tables))


if __name__ == "__main__":
    main()
