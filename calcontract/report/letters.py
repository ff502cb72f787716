"""
What is told to people, in words.

A failure is a small letter: the clause and why it matters, what was expected and what came, what
Cal.com would do next, what to change, and how to repeat it.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence

from calcontract.catalogue import CAPABILITIES, Clause, Contract
from calcontract.handling import KINDS
from calcontract.judges import fate
from calcontract.judges.answers import ACKNOWLEDGED
from calcontract.judges.configurations import TAKEN
from calcontract.layers import CONFIG_FILE
from calcontract.records import (
    NOT_RUN,
    SECRET,
    SECRET_BASE64,
    SIGNED,
    WITHHELD,
    CheckRecord,
    Exchange,
    RunRecord,
)
from calcontract.verdicts import ACCUSING, NAMED, SCOPES, UNVERIFIED, Level, Outcome

_INDENT = " " * 9

#: A longer body or header block is described, not printed, in bytes.
_SHOWN_BODY = 3500

#: More clauses of a kind than this are counted in a verdict: each is in the list of its chapter.
_NAMES = 8

#: The clause whose violation, by refusing honest bytes, has others fail which ask for something
#: else.
_ROOT = "sig-010"

#: The one that whoever verifies nothing violates, and who leaves out one case does not.
_ANY_KEY = "sig-003"

#: The clause whose control sees each trigger event's effect.
_HANDLED = "evt-011"

#: The reason of a check during which the receiver stopped accepting connections.
_DIED = "receiver-died"

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
    """
    A command that sends the same delivery, for a shell whose variable SECRET holds the secret.

    A right signature is made when it is run.  Empty where the body or the headers are too long to
    be read, or the signature could only be told by giving a right one away.
    """
    lines = [f"{name}: {value}" for name, value in exchange.headers]
    # Most attempts are their body; those that are their headers are no easier to read.
    if max(len(exchange.body), sum(map(len, lines))) > _SHOWN_BODY:
        return ""
    if any(WITHHELD in line for line in lines):
        return ""
    if b"\0" in exchange.body:
        # No argument of a command can hold it.
        return ""
    body = _ansi_c(exchange.body)
    words = ["curl", "-sS", "-i", "-X", exchange.method, shlex.quote(exchange.url)]
    for line in lines:
        words += ["-H", _header(line)]
    if not any(line.lower().startswith("content-type:") for line in lines):
        # curl would declare a form.
        words += ["-H", "Content-Type:"]
    command = " ".join([*words, "--data-raw", body])
    if not any(SIGNED in line for line in lines):
        return command
    # Without a signature nothing is sent: a refusal would prove the wrong thing.
    sign = f"printf %s {_ansi_c(exchange.signed)} | mock-calcom sign - --secret-env SECRET"
    return f"signature=$({sign}) && {command}"


def _header(line: str) -> str:
    """The header *line* as shell words in a row: text as it is, what is secret made on the spot."""
    made = {
        SIGNED: '"$signature"',
        SECRET: '"$SECRET"',
        SECRET_BASE64: '"$(printf %s "$SECRET" | base64 | tr -d \'\\n\')"',
    }
    name, _, value = line.partition(": ")
    if not value.strip():
        # curl leaves a header without a value out, unless its name ends in a semicolon.
        line = f"{name};"
    parts = re.split("|".join(f"({re.escape(word)})" for word in made), line)
    return "".join(
        made.get(part) or _ansi_c(part.encode("latin-1", "replace")) for part in parts if part
    )


def letter(
    record: CheckRecord, clause: Clause, run: RunRecord, *, longest: int | None = None
) -> str:
    """
    Everything there is to say about a check that did not pass.

    Args:
        record: how it ended.
        clause: what it checks.
        run: the run that it belongs to.
        longest: characters beyond which a command is described and not printed.
    """
    spelled = _SPELLED.get(record.outcome, record.outcome)
    lines = [
        f"{clause.id}  {clause.text}",
        f"{_INDENT}{record.title}",
        _line("verdict", f"{spelled} ({record.reason}){', as is known' if record.known else ''}"),
    ]
    if record.expected:
        lines.append(_line("expected", record.expected))
    lines.append(_line("but" if record.expected else "because", record.sentence))
    if record.exchange and _has_a_fate(record, clause):
        lines.append(_line("next", fate.of(record.exchange.status)))
    if record.outcome in ACCUSING:
        lines += [_line("why", clause.why), _line("fix", _fix(record, clause, run))]
    lines.append(_line("source", clause.source))
    lines.append(_line("repeat", repeat(record, run)))
    if record.exchange:
        command = _by_hand(record.exchange, run)
        if longest is not None and len(command) > longest:
            command = f"{len(command)} characters: --verbose prints them, --report DIR keeps them"
        lines.append(_line("by hand", command))
    return "\n".join(lines)


def _has_a_fate(record: CheckRecord, clause: Clause) -> bool:
    """Whether it was about a delivery of Cal.com's, of which something becomes."""
    return (
        record.outcome in ACCUSING
        and record.exchange is not None
        and _is_genuine(record.exchange)
        # Traffic that Cal.com never sends, and a secret that it has no more.
        and clause.level is not Level.HARDENING
        and not record.reason.endswith(TAKEN)
    )


def _is_genuine(exchange: Exchange) -> bool:
    """Whether Cal.com would send it so; what becomes of anything else is no loss to anybody."""
    rightly_signed = any(SIGNED in value for _, value in exchange.headers)
    return rightly_signed and not exchange.spoiled and exchange.method == "POST"


def _fix(record: CheckRecord, clause: Clause, run: RunRecord) -> str:
    """What to change; first of all the root, where an honest delivery was refused for that."""
    if record.reason == _DIED:
        return "find out why its process ended; it may have nothing to do with this clause"
    if clause.id != _ROOT and _is_refusal(record) and record.reason in _refusals_at_root(run):
        return f"{_ROOT} first: an honest delivery was refused here too; then {clause.fix}"
    return clause.fix


def _saw_it_die(run: RunRecord, clause_id: str) -> bool:
    return any(
        record.reason == _DIED and record.outcome in ACCUSING for record in run.checks[clause_id]
    )


def _is_refusal(record: CheckRecord) -> bool:
    """Whether the receiver refused what it was to acknowledge."""
    return (
        record.outcome in ACCUSING
        and record.reason.startswith("status-4")
        and record.expected.startswith(ACKNOWLEDGED)
    )


def _refusals_at_root(run: RunRecord) -> set[str]:
    """The reasons for which honest bytes were refused: the same elsewhere come of that."""
    return {record.reason for record in run.checks.get(_ROOT, ()) if _is_refusal(record)}


def _verifies_nothing(run: RunRecord) -> bool:
    return any(
        record.outcome in ACCUSING and record.reason.startswith("status-2")
        for record in run.checks.get(_ANY_KEY, ())
    )


def _line(word: str, text: str) -> str:
    return f"{_INDENT}{word:<9} {text}"


def _by_hand(exchange: Exchange, run: RunRecord) -> str:
    """The command that sends *exchange* once more, or why there is none."""
    command = curl(exchange)
    if not command:
        return "no command can show these bytes; verdicts.json holds the attempt (--report DIR)"
    return sourced(command, run.words)


def sourced(command: str, words: Sequence[str]) -> str:
    """*command*, with its variable SECRET set from where the arguments *words* say it is."""
    if "SECRET" not in command:
        return command
    if "--secret-file" in words:
        file = words[words.index("--secret-file") + 1]
        return f'export SECRET="$(cat {shlex.quote(file)})"; {command}'
    name = words[words.index("--secret-env") + 1] if "--secret-env" in words else "SECRET"
    return command if name == "SECRET" else f'export SECRET="${name}"; {command}'


def repeat(record: CheckRecord, run: RunRecord) -> str:
    """The command that runs the clause of *record* again, with the same people."""
    return shlex.join(
        ["calcontract", "check", *run.words, "--seed", str(run.seed), "-m", record.clause]
    )


def headline(run: RunRecord) -> str:
    """The verdict in one line."""
    if run.setup_problem is not None:
        return f"not judged: {run.setup_problem}"
    verdict = run.verdict
    if verdict is None:
        return "not judged"
    must = f"{verdict.must_verified} of {verdict.must_in_scope} MUST verified"
    if run.interrupted:
        must = f"interrupted after {run.ran} of {run.ran + run.unrun} checks, {must} by then"
    # "conforms" alone is said of those who offer everything there is to see.
    scope = f" ({verdict.scope})" if _withheld(run) else ""
    line = f"{verdict.conclusion}{scope}, profile {run.profile}: {must}"
    if violated := list(_violated(run)):
        line += f", violates {_some(violated)}"
    if known := [name for name in run.levels if run.outcome(name) is Outcome.KNOWN]:
        line += f", known to violate {_some(known)}"
    if verdict.deviations:
        line += f", deviates from {_some(verdict.deviations)}"
    return line


def _violated(run: RunRecord) -> Iterator[str]:
    """The MUST clauses that were seen to be violated, and what else was asked to bind like them."""
    binding = {Level.MUST, Level.HARDENING} if run.hardened else {Level.MUST}
    for name, level in run.levels.items():
        if level in binding and run.outcome(name) in ACCUSING:
            yield name


def _some(names: Sequence[str]) -> str:
    """The first of *names*, and how many there are beside them."""
    shown = ", ".join(names[:_NAMES])
    return f"{shown} and {len(names) - _NAMES} more" if len(names) > _NAMES else shown


def _withheld(run: RunRecord) -> list[str]:
    """The capabilities that the target could offer and does not; TLS belongs to an https URL."""
    return [name for name in CAPABILITIES if name not in run.capabilities and name != "tls"]


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
        yield f"scope    {_scope(run)}"
        if run.handled is not None:
            yield f"handles  {', '.join(run.handled)}, as declared"
        if run.not_applicable:
            yield f"n/a      {run.not_applicable} checks ask for what this target does not do"
        if outside:
            yield (
                f"outside  {len(outside)} MUST need more than this target offers: "
                f"{', '.join(clause.id for clause in outside)}"
            )
        if run.interrupted:
            yield f"not run  {run.unrun} of {run.ran + run.unrun} checks: the run was interrupted"
        unverified = [name for name in run.levels if _is_open(run, name)]
        if unverified:
            yield f"open     not verified: {', '.join(unverified)}"
        yield from _where_to_start(run)
    known = sorted(
        {record.clause for records in run.checks.values() for record in records if record.known}
    )
    if known:
        yield f"known    {', '.join(known)}"
    for stale in run.stale:
        yield f"stale    {stale.entry.id} {stale.why}: take it off the list ({stale.entry.link})"
    if run.certificate:
        yield f"tls      {run.certificate}; the run went on without verifying it"
    checks = "no checks" if run.setup_problem is not None else f"{run.ran} checks"
    yield f"run      {checks}, {_attempts(run.attempts)} in {run.seconds:.1f} s, seed {run.seed}"
    yield f"verdict  {headline(run)}"


def _is_open(run: RunRecord, clause_id: str) -> bool:
    """Whether no verdict was reached on a clause, and not only because the run came to no end."""
    return run.outcome(clause_id) in UNVERIFIED and not (
        run.interrupted
        and all(
            record.reason == NOT_RUN
            for record in run.checks[clause_id]
            if record.outcome in UNVERIFIED
        )
    )


def _where_to_start(run: RunRecord) -> Iterator[str]:
    if died := [name for name in run.levels if _saw_it_die(run, name)]:
        yield (
            f"died     it stopped accepting connections during {', '.join(died)}: "
            "look at that first; what came after it is not verified"
        )
    if _refusals_at_root(run):
        yield f"start    with {_ROOT}: who refuses honest bytes fails elsewhere for that alone"
    if _verifies_nothing(run):
        yield f"start    with {_ANY_KEY}: who verifies nothing fails elsewhere for that alone"
    if run.handled is None and (idle := _idle(run)):
        yield (
            f"start    with what it is to handle: no effect of {', '.join(idle)} was seen; "
            f"where none is meant, declare the others under [triggers] in {CONFIG_FILE}"
        )


def _idle(run: RunRecord) -> list[str]:
    """The trigger events that a receiver which declared none was seen to do nothing about."""
    return [
        next(word for word in record.title.split() if word in KINDS)
        for record in run.checks.get(_HANDLED, ())
        if record.outcome in ACCUSING and record.reason == "effect-missing"
    ]


def _scope(run: RunRecord) -> str:
    """What the target let us see, what else it offered, and what it did not."""
    beside = [
        name
        for name in CAPABILITIES
        if name in run.capabilities and name not in NAMED[run.scope] and name != "tls"
    ]
    offered = f", with {', '.join(beside)}" if beside else "" if NAMED[run.scope] else " only"
    withheld = _withheld(run)
    without = f"; without {', '.join(withheld)}" if withheld else ""
    return f"{run.scope}: {SCOPES[run.scope]}{offered}{without}"


def _attempts(count: int) -> str:
    return f"{count} {'attempt' if count == 1 else 'attempts'}"


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


def in_full(clause: Clause) -> str:
    """Everything the contract says about *clause*, without running anything."""
    checks = "\n".join(
        f"  {known.title}"
        + (f"  ({known.rows} rows)" if known.rows > 1 else "")
        + "".join(f"  needs {name}" for name in sorted(known.capabilities))
        for known in clause.checks
    )
    return (
        f"{clause.id}  {clause.text}\n"
        f"level     {clause.level.upper()}\n"
        f"profiles  {', '.join(sorted(clause.profiles))}\n"
        f"source    {clause.source}\nwhy       {clause.why}\nfix       {clause.fix}\n"
        f"checks    ({clause.file}:{clause.line})\n{checks}"
    )
