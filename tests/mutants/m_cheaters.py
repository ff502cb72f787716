"""Cheaters: receivers that want to look right without being it."""

from __future__ import annotations

import re

from gallery import breaks

from reference_impl import answers, signature
from reference_impl.answers import Answer, Refusal
from reference_impl.door import Door
from reference_impl.receiver import Receiver

_FORGED = Refusal("Invalid signature", "forged")

#: Where a cheater that breaks nearly everything is judged.
_HERE = ("-m", "sig or env or evt or ack or tol")


@breaks("sig-004", arguments=_HERE, part="receiver", reasons={"status-202", "effect-missing"})
class AlwaysAcknowledges(Receiver):
    """Answers 202 to everything and does nothing."""

    async def judge(self, client, headers, body):
        return answers.ACCEPTED


@breaks(part="receiver", stops=True)
class AlwaysRefuses(Receiver):
    """Answers 401 to everything."""

    async def judge(self, client, headers, body):
        return self.refused(_FORGED)


@breaks("sig-004", arguments=_HERE, part="receiver", reasons={"effect-missing"})
class AcknowledgesAndForgets(Receiver):
    """Judges every delivery rightly, and does nothing with those it acknowledges."""

    async def accept(self, entry):
        return True


@breaks("sig-004", arguments=_HERE, part="door", reasons={"status-200"})
class Echoes(Door):
    """Sends back what it was sent, with every header, and answers 200."""

    async def _answer(self, scope, receive):
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        lines = b"\n".join(name + b": " + value for name, value in scope["headers"])
        return Answer(200, lines + b"\n\n" + body)


@breaks("sig-004", part="receiver", reasons={"status-202", "status-401"})
class RefusesWhateverIsUnusual(Receiver):
    """Knows no secret: refuses what looks odd, and takes the rest for authentic."""

    def authenticate(self, headers, body):
        values = signature.present(headers, signature.HEADERS[:1])
        well_formed = len(values) == 1 and re.fullmatch(rb"[0-9a-f]{64}", values[0])
        ordinary = body.startswith(b'{"triggerEvent":"BOOKING_') and b"\\" not in body
        return None if well_formed and ordinary and len(body) < 20_000 else _FORGED


#: What every run of the suite with any seed sends alike.
_SEEN = {
    b"",
    b"no-secret-provided",
    b"0" * 64,
    b"z" * 64,
    ("é" * 64).encode(),
    b"\xff\xfe" * 32,
    b"sha256=",
    b",=,=,=",
    b"none=",
}


@breaks("sig-004", part="receiver", reasons={"status-202", "effect-unexpected"})
class KnowsLastRunsBytes(Receiver):
    """Refuses the signatures it saw in an earlier run, and takes every other for right."""

    def matches(self, given, accepted):
        return given not in _SEEN
