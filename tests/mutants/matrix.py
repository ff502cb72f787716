"""
Which mutants kill which clauses, as a page of Markdown: `python tests/mutants/matrix.py`.

Read out of the gallery, and out of the mistakes that independent receivers can be told to make
where there are any; nothing is run.  That it is true is what the gate asserts.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import gallery

from calcontract import catalogue
from calcontract.catalogue import PROFILES

#: Receivers that share no code with the reference receiver, and the list of their mistakes.
RECEIVERS = Path(__file__).parent.parent / "receivers"

HEAD = """\
# The kill matrix

Which mutants every clause catches, profile by profile.
A mutant is a receiver that is wrong in exactly one way; the gate (`make mutants`) runs each of them
and asserts that it is caught by these clauses, for the reasons it names, and by no others.
This page is generated: `make docs` writes it.
"""


def independent():
    """The mistakes of the independent receivers; none where there are no such receivers."""
    if not (RECEIVERS / "faults.py").is_file():
        return ()
    sys.path.insert(0, str(RECEIVERS))
    return tuple(importlib.import_module("faults").FAULTS)


def killers(mutants, clause, profile):
    """The names of the *mutants* that *clause* has to catch in *profile*."""
    if profile not in clause.profiles:
        return []
    return [name for name, mutant in mutants.items() if clause.id in mutant.broken_in(profile)]


def _cell(mutants, faults, clause, profile):
    if profile not in clause.profiles:
        return "not in this profile"
    names = [f"[{name}](#{name.lower()})" for name in killers(mutants, clause, profile)]
    names += [
        f"{fault.receiver}: {fault.name}"
        for fault in faults
        if clause.id in fault.broken_in(profile)
    ]
    return ", ".join(names)


def _row(*cells):
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _broken(mutant, contract):
    """What *mutant* breaks, in words."""
    spoken = {
        profile: {clause.id for clause in contract.clauses() if profile in clause.profiles}
        for profile in PROFILES
    }
    found = {profile: mutant.broken_in(profile) & spoken[profile] for profile in PROFILES}
    if len({frozenset(ids) for ids in found.values()}) == 1:
        return ", ".join(sorted(found[PROFILES[0]])) or "none: the run is stopped before it begins"
    return "; ".join(
        f"{profile}: {', '.join(sorted(ids)) or 'none'}" for profile, ids in found.items()
    )


def _totals(mutants, contract):
    clauses = list(contract.clauses())
    must = [clause for clause in clauses if clause.level == "must"]
    caught = [c for c in clauses if any(killers(mutants, c, profile) for profile in PROFILES)]
    yield f"{len(mutants)} mutants; {len(caught)} of {len(clauses)} clauses catch at least one."
    for profile in PROFILES:
        spoken = [clause for clause in must if profile in clause.profiles]
        killing = [clause for clause in spoken if killers(mutants, clause, profile)]
        yield f"In profile `{profile}` {len(killing)} of {len(spoken)} MUST clauses catch one."


def _of_the_independent(faults, contract):
    if not faults:
        return
    yield from ("", "## Mistakes of independent receivers", "")
    yield f"{len(faults)} mistakes of receivers that share no code with the reference receiver."
    yield from ("", _row("receiver", "mistake", "what it does", "breaks"), "| --- " * 4 + "|")
    for fault in faults:
        yield _row(fault.receiver, fault.name, fault.says, _broken(fault, contract))


def page(mutants, contract, faults=()):
    """The page, with a line end at its end."""
    lines = [HEAD, *_totals(mutants, contract)]
    for chapter in contract.chapters:
        lines += ["", f"## {chapter.name}: {chapter.title}", ""]
        lines += [_row("clause", "level", *(f"profile {p}" for p in PROFILES)), "| --- " * 4 + "|"]
        lines += [
            _row(
                clause.id,
                clause.level.value,
                *(_cell(mutants, faults, clause, p) for p in PROFILES),
            )
            for clause in chapter.clauses
        ]
    lines += ["", "## The mutants"]
    for name, mutant in sorted(mutants.items()):
        lines += ["", f"### {name}", "", mutant.doc, ""]
        lines += [f"- Breaks: {_broken(mutant, contract)}"]
        if mutant.reasons:
            lines += [f"- Reasons: {', '.join(sorted(mutant.reasons))}"]
        if mutant.unverified:
            lines += [f"- Leaves open: {', '.join(sorted(mutant.unverified))}"]
    lines += _of_the_independent(faults, contract)
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(page(gallery.load(), catalogue.load(), independent()))
