"""
What is told to people, in words.

A failure is a small letter: the clause and why it matters, what was expected and what came, what
Cal.com would do next, what to change, and how to repeat it.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

from calcontract.catalogue import Clause
from calcontract.judges import fate
from calcontract.judges.answers import ACKNOWLEDGED
from calcontract.records import (
    SECRET,
    SECRET_BASE64,
    SIGNED,
    WITHHELD,
    CheckRecord,
    Exchange,
    RunRecord,
)
from calcontract.verdicts import ACCUSING, Level, Outcome
from calcontract.vigil import DIED

_INDENT = " " * 9

#: A longer body or header block is described, not printed, in bytes.
_SHOWN_BODY = 3500

#: The clause whose violation, by refusing honest bytes, has others fail which ask for something
#: else.
ROOT = "sig-010"

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
    words = ["curl", "-sS", "-i", "-X", exchange.method, quoted(exchange.url)]
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
    if what_follows := _what_follows(record, clause):
        lines.append(_line("next", what_follows))
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


def _what_follows(record: CheckRecord, clause: Clause) -> str:
    """What follows from an accusation about a delivery of Cal.com's; empty where it is of none."""
    exchange = record.exchange
    if record.outcome not in ACCUSING or exchange is None or not _is_genuine(exchange):
        return ""
    if clause.level is Level.HARDENING:
        # Traffic that Cal.com never sends.
        return ""
    return fate.after(record.reason, exchange.status, clause=clause.id, taken=exchange.taken)


def _is_genuine(exchange: Exchange) -> bool:
    """Whether Cal.com would send it so; what becomes of anything else is no loss to anybody."""
    rightly_signed = any(SIGNED in value for _, value in exchange.headers)
    return rightly_signed and not exchange.spoiled and exchange.method == "POST"


def _fix(record: CheckRecord, clause: Clause, run: RunRecord) -> str:
    """What to change; first of all the root, where an honest delivery was refused for that."""
    if record.reason == DIED:
        return "find out why its process ended; it may have nothing to do with this clause"
    if clause.id != ROOT and _is_refusal(record) and record.reason in refusals_at_root(run):
        return f"{ROOT} first: an honest delivery was refused here too; then {clause.fix}"
    return clause.fix


def _is_refusal(record: CheckRecord) -> bool:
    """Whether the receiver refused what it was to acknowledge."""
    return (
        record.outcome in ACCUSING
        and record.reason.startswith("status-4")
        and record.expected.startswith(ACKNOWLEDGED)
    )


def refusals_at_root(run: RunRecord) -> set[str]:
    """The reasons for which honest bytes were refused: the same elsewhere come of that."""
    return {record.reason for record in run.checks.get(ROOT, ()) if _is_refusal(record)}


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
    source = _source(words)
    if "SECRET" not in command or source == '"$SECRET"':
        return command
    return f"export SECRET={source}; {command}"


def _source(words: Sequence[str]) -> str:
    """The shell's word for the secret, from where the arguments *words* say it is."""
    if "--secret-file" in words:
        return f'"$(cat {shlex.quote(words[words.index("--secret-file") + 1])})"'
    name = words[words.index("--secret-env") + 1] if "--secret-env" in words else "SECRET"
    return f'"${name}"'


def quoted(word: str, source: str = '"$SECRET"') -> str:
    """*word* for a shell, with *source* wherever the secret was left out of it."""
    return source.join(shlex.quote(part) if part else "" for part in word.split(SECRET)) or "''"


def command(*words: str) -> str:
    """The command of those *words*; the shell puts the secret in where they leave it out."""
    return " ".join(quoted(word, _source(words)) for word in words)


def repeat(record: CheckRecord, run: RunRecord) -> str:
    """The command that runs the clause of *record* again, with the same people."""
    return command("calcontract", "check", *run.words, "--seed", str(run.seed), "-m", record.clause)


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
