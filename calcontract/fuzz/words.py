"""What a hunt has to say: each finding as a small letter, and one line for the whole."""

from __future__ import annotations

import base64
import shlex
from collections.abc import Iterator

from calcontract import fuzz
from calcontract.fuzz.results import Finding, Result
from calcontract.judges import fate
from calcontract.records import SIGNED, Exchange
from calcontract.report import letters
from calcontract.settings import Settings
from mock_calcom.secrecy import MASK

_INDENT = " " * 9

#: A longer body is shown up to here, in bytes.
_SHOWN = 600

#: No command is given for a longer body, in bytes.
_LONGEST = 8000


def escaped(body: bytes) -> str:
    """*body* in printable ASCII, cut off where it gets long; its length is said then."""
    text = "".join(
        chr(byte) if 0x20 <= byte < 0x7F and byte != 0x5C else f"\\x{byte:02x}"
        for byte in body[:_SHOWN]
    )
    return f"{text} ... ({len(body)} bytes)" if len(body) > _SHOWN else text or "(no bytes)"


def letter(finding: Finding, result: Result, told: Settings) -> str:
    """Everything there is to say about one finding of a hunt that was *told* where to go."""
    lines = [
        f"{finding.kind.name:<9} {finding.kind.text}",
        _line("expected", finding.expected),
        _line("but", finding.sentence),
    ]
    exchange = finding.exchange
    if exchange is not None:
        if what_follows := _what_follows(finding, exchange):
            lines.append(_line("next", what_follows))
        lines.append(_line("body", escaped(exchange.body)))
        if command := letters.curl(exchange) or _with_file(exchange):
            lines.append(_line("by hand", letters.sourced(command, told.secret_words())))
    lines.append(_line("repeat", repeat(result, told)))
    # What was seen may quote the receiver.
    return MASK.hidden("\n".join(lines))


def _what_follows(finding: Finding, exchange: Exchange) -> str:
    """What follows from *finding*; empty of what is forged, for Cal.com sends no such thing."""
    if finding.kind is fuzz.FORGED:
        return ""
    # A hunt looks for no clause's violation, and sends nothing twice.
    return fate.after(finding.reason, exchange.status, clause="")


def _with_file(exchange: Exchange) -> str:
    """A command for a body that no argument can hold: it makes a file first; empty if too long."""
    if len(exchange.body) > _LONGEST:
        return ""
    encoded = base64.b64encode(exchange.body).decode()
    words = [
        f"printf %s {encoded} | base64 -d > body &&",
        f"curl -sS -i {letters.quoted(exchange.url)}",
    ]
    for name, value in exchange.headers:
        if value == SIGNED:
            words += ["-H", f'"{name}: $(mock-calcom sign body --secret-env SECRET)"']
        else:
            words += ["-H", shlex.quote(f"{name}: {value}")]
    return " ".join([*words, "--data-binary @body"])


def repeat(result: Result, told: Settings) -> str:
    """The command that sends the same bodies again."""
    place = [told.shown(told.target or ""), *told.secret_words()]
    counts = ["--examples", str(result.asked), "--seed", str(result.seed)]
    return letters.command("calcontract", "fuzz", *place, *counts)


def _line(word: str, text: str) -> str:
    return f"{_INDENT}{word:<9} {text}"


def summary(result: Result) -> Iterator[str]:
    """What was sent of each kind and how it was answered, and the outcome in the last line."""
    for kind, tally in result.tallies.items():
        answered = f"{tally.acknowledged} acknowledged, {tally.refused} refused"
        if otherwise := tally.attempts - tally.acknowledged - tally.refused:
            answered += f", {otherwise} otherwise"
        extra = tally.attempts - tally.examples
        shrunk = f" ({extra} more to make findings small)" if extra else ""
        yield f"{kind.name:<9} {tally.examples:>4} examples: {answered}{shrunk}; {kind.text}"
    if result.stopped:
        yield f"stopped   {result.stopped}"
    if result.untried:
        names = ", ".join(kind.name for kind in result.untried)
        more = "" if result.stopped else "; give it more --seconds"
        yield f"open      not tried: {names}{more}"
    elif result.examples < result.asked and not result.stopped:
        yield f"short     the time was up after {result.examples} of {result.asked} examples"
    shallow = ", ".join(kind.name for kind in result.shallow)
    if shallow:
        yield f"shallow   nothing was acknowledged of: {shallow}; what lies behind was not reached"
    found = len(result.findings)
    outcome = {0: "no finding", 1: "1 finding"}.get(found, f"{found} findings")
    yield (
        f"fuzz      {outcome}; {result.examples} examples of {len(result.tallies)} kinds "
        f"in {result.seconds:.1f} s, seed {result.seed}"
    )
