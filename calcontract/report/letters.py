"""
What is told to people, in words.

A failure is a small letter: the clause and why it matters, what was expected and what came, what
Cal.com would do next, what to change, and how to repeat it.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from calcontract.catalogue import Clause, Contract
from calcontract.judges import fate
from calcontract.records import SIGNED, CheckRecord, Exchange, RunRecord
from calcontract.verdicts import ACCUSING, SCOPES, UNVERIFIED, Level, Outcome

_INDENT = " " * 9

#: A longer body is described, not printed, in bytes.
_SHOWN_BODY = 1500

_SPELLED = {
    Outcome.FAIL: "violated",
    Outcome.FLAKY: "violated at times",
    Outcome.BLOCKED: "blocked",
    Outcome.INCONCLUSIVE: "inconclusive",
    Outcome.NOT_VERIFIED: "not verified",
    Outcome.ERROR: "suite error",
}


def _ansi_c(body: bytes) -> str:
    """*body* as a shell word that survives any byte."""
    if body.isascii() and all(byte >= 0x20 for byte in body):
        return shlex.quote(body.decode())
    escaped = "".join(
        chr(byte) if 0x20 <= byte < 0x7F and byte not in b"'\\" else f"\\x{byte:02x}"
        for byte in body
    )
    return f"$'{escaped}'"


def curl(exchange: Exchange) -> str:
    """A command that sends the same delivery; a right signature is made when it is run."""
    if len(exchange.body) > _SHOWN_BODY:
        return ""
    words = ["curl", "-sS", "-i", "-X", "POST", shlex.quote(exchange.url)]
    body = _ansi_c(exchange.body)
    for name, value in exchange.headers:
        if SIGNED in value:
            made = value.replace(
                SIGNED, f"$(printf %s {body} | mock-calcom sign - --secret-env SECRET)"
            )
            words += ["-H", f'"{name}: {made}"']
        else:
            words += ["-H", _ansi_c(f"{name}: {value}".encode("latin-1", "replace"))]
    return " ".join([*words, "--data-binary", body])


def letter(record: CheckRecord, clause: Clause, run: RunRecord) -> str:
    """Everything there is to say about a check that did not pass."""
    spelled = _SPELLED.get(record.outcome, record.outcome)
    lines = [
        f"{clause.id}  {clause.text}",
        f"{_INDENT}{record.title}",
        _line("verdict", f"{spelled} ({record.reason}){', as is known' if record.known else ''}"),
    ]
    if record.expected:
        lines.append(_line("expected", record.expected))
    lines.append(_line("but" if record.expected else "because", record.sentence))
    if record.exchange and record.outcome in ACCUSING:
        lines.append(_line("next", fate.of(record.exchange.status)))
    if record.outcome in ACCUSING:
        lines += [_line("why", clause.why), _line("fix", clause.fix)]
    lines.append(_line("source", clause.source))
    lines.append(_line("repeat", repeat(record, run)))
    if record.exchange and (command := curl(record.exchange)):
        lines.append(_line("by hand", command))
    return "\n".join(lines)


def _line(word: str, text: str) -> str:
    return f"{_INDENT}{word:<9} {text}"


def repeat(record: CheckRecord, run: RunRecord) -> str:
    """The command that runs the clause of *record* again, in the same order."""
    return (
        f"calcontract check {run.target} --secret-env SECRET --profile {run.profile} "
        f"--seed {run.seed} -m {record.clause}"
    )


def headline(run: RunRecord) -> str:
    """The verdict in one line."""
    if run.setup_problem is not None:
        return f"not judged: {run.setup_problem}"
    verdict = run.verdict
    if verdict is None:
        return "not judged"
    must = f"{verdict.must_verified} of {verdict.must_in_scope} MUST"
    # "conforms" alone is said of the full scope only.
    scope = "" if verdict.scope == "crash" else f" ({verdict.scope})"
    line = f"{verdict.conclusion}{scope}, profile {run.profile}: {must} verified"
    if known := [name for name in run.levels if run.outcome(name) is Outcome.KNOWN]:
        line += f", known to violate {', '.join(known)}"
    if verdict.deviations:
        line += f", deviates from {', '.join(verdict.deviations)}"
    return line


def summary(run: RunRecord, contract: Contract) -> Iterator[str]:
    """The verdict with all that belongs to it."""
    if run.verdict is not None:
        outside = [
            clause
            for clause in contract.clauses()
            if clause.id in run.levels
            and clause.level is Level.MUST
            and run.outcome(clause.id) is Outcome.OUTSIDE_SCOPE
        ]
        yield f"scope    {run.scope}: {SCOPES[run.scope]}"
        if outside:
            yield (
                f"outside  {len(outside)} MUST need more than this target offers: "
                f"{', '.join(clause.id for clause in outside)}"
            )
        unverified = [clause_id for clause_id in run.levels if run.outcome(clause_id) in UNVERIFIED]
        if unverified:
            yield f"open     not verified: {', '.join(unverified)}"
    known = sorted(
        {record.clause for records in run.checks.values() for record in records if record.known}
    )
    if known:
        yield f"known    {', '.join(known)}"
    for stale in run.stale:
        yield f"stale    {stale.entry.id} {stale.why}: take it off the list ({stale.entry.link})"
    yield (
        f"run      {run.ran} checks, {run.attempts} attempts in {run.seconds:.1f} s, "
        f"seed {run.seed}"
    )
    yield f"verdict  {headline(run)}"


def mark(outcome: Outcome) -> str:
    """The sign of an outcome in a list."""
    return {
        Outcome.PASS: "✓",
        Outcome.FAIL: "✗",
        Outcome.FLAKY: "≈",
        Outcome.KNOWN: "~",
        Outcome.OUTSIDE_SCOPE: "-",
        Outcome.NOT_APPLICABLE: "-",
        Outcome.ERROR: "!",
    }.get(outcome, "?")
