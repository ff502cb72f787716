"""Mutants of transport: connections, framing, methods and addresses."""

from __future__ import annotations

import asyncio
import gzip
import time

from gallery import breaks
from starlette.responses import Response
from starlette.routing import Router

from reference_impl import answers, door, protocol
from reference_impl.answers import Answer
from reference_impl.door import Door
from reference_impl.receiver import Receiver


def values(scope, name):
    """The values of the header called *name*."""
    return [value for key, value in scope["headers"] if key == name]


def never_hang_up():
    """Have the connection wait for a body as long as the door does."""
    protocol.Protocol._hang_up = lambda *_: None


@breaks("net-001", "net-002", part="door", reasons={"too-late", "no-answer-timeout", "held"})
class ReadsOneBodyAtATime(Door):
    """Has one worker, which waits for each body to its end, and for strangers' without a limit."""

    def __init__(self, receiver, *, seconds):
        super().__init__(receiver, seconds=seconds * 3600)
        never_hang_up()
        self.worker = asyncio.Lock()

    async def _answer(self, scope, receive):
        async with self.worker:
            return await super()._answer(scope, receive)


@breaks("net-002", part="door", reasons={"held"})
class WaitsForBodiesForEver(Door):
    """Sets no limit of time for a body."""

    def __init__(self, receiver, *, seconds):
        super().__init__(receiver, seconds=seconds * 3600)
        never_hang_up()

    async def _answer(self, scope, receive):
        return await super()._answer(scope, receive)


@breaks("net-003", part="door", reasons={"status-202"})
class TakesHeadersOfAnySize(Door):
    """Sets no limit for the header block."""

    def __init__(self, receiver, *, seconds):
        super().__init__(receiver, seconds=seconds)
        protocol.Protocol._stop = lambda *_: None
        protocol.Protocol.data_received = protocol.HttpToolsProtocol.data_received


class Early(Door):
    """Looks at a delivery before its body has come."""

    def signature(self, scope):
        return b"".join(values(scope, b"x-cal-signature-256"))


@breaks("net-004", part="door", reasons={"status-409", "effect-missing"})
class MarksBeforeTheBody(Early):
    """Notes the signature as used as soon as it comes, and refuses it while its body is due."""

    def __init__(self, *arguments, **more):
        super().__init__(*arguments, **more)
        self.begun = set()

    async def _answer(self, scope, receive):
        signature = self.signature(scope)
        if signature and signature in self.begun:
            return Answer(409, b'{"error":"Already being received"}')
        self.begun.add(signature)
        answer = await super()._answer(scope, receive)
        self.begun.discard(signature)
        return answer


@breaks("net-004", part="door", reasons={"effect-missing"})
class TakesATornDeliveryForKnown(Early):
    """Notes the signature as processed as soon as it comes, and acknowledges it from then on."""

    def __init__(self, *arguments, **more):
        super().__init__(*arguments, **more)
        self.torn = set()

    async def _answer(self, scope, receive):
        signature = self.signature(scope)
        if signature in self.torn:
            return answers.ACCEPTED
        try:
            return await super()._answer(scope, receive)
        except door._ClientGoneError:
            if signature:
                self.torn.add(signature)
            raise


@breaks("net-005", part="door", reasons={"effect-unexpected"})
class TakesATornBodyForWhole(Door):
    """Takes the end of the connection for the end of the body."""

    async def _answer(self, scope, receive):
        body = []

        async def forgiving():
            message = await receive()
            if message["type"] == "http.disconnect":
                return {"type": "http.request", "body": b"", "more_body": False}
            body.append(message.get("body", b""))
            return message

        return await super()._answer(scope, forgiving)


@breaks("net-006", part="door", reasons={"status-401"})
class ReadsAsMuchAsIsAnnounced(Door):
    """Reads as many bytes as the length says, and none where there is no length."""

    async def _answer(self, scope, receive):
        async def nothing():
            return {"type": "http.request", "body": b"", "more_body": False}

        announced = values(scope, b"content-length") or scope["method"] != "POST"
        return await super()._answer(scope, receive if announced else nothing)


@breaks("net-007", "net-008", part="door", reasons={"status-202"})
class TrustsTheConnection(Door):
    """Verifies the first delivery of a connection, and takes the rest for its sender's as well."""

    def __init__(self, *arguments, **more):
        super().__init__(*arguments, **more)
        self.trusted = {}

    async def _answer(self, scope, receive):
        client = tuple(scope["client"])
        # A later connection may have the same port: no connection of a run lasts for long.
        if time.monotonic() - self.trusted.get(client, 0) < 1:
            return answers.ACCEPTED
        answer = await super()._answer(scope, receive)
        if answer.status == 202:
            self.trusted[client] = time.monotonic()
        return answer


@breaks("net-009", part="door", reasons={"status-400"})
class FailsAtQuestions(Door):
    """Refuses a request that asks before it sends its body."""

    async def _answer(self, scope, receive):
        if values(scope, b"expect"):
            return Answer(400, b'{"error":"Bad request"}')
        return await super()._answer(scope, receive)


@breaks("net-010", guide={"ack-007"}, part="door", reasons={"status-202", "effect-unexpected"})
class AcceptsPut(Door):
    """Takes a PUT for a delivery as well."""

    async def _answer(self, scope, receive):
        if scope["method"] == "PUT":
            scope = {**scope, "method": "POST"}
        return await super()._answer(scope, receive)


@breaks("net-010", part="receiver", reasons={"status-500"})
class FailsAtMonitors(Receiver):
    """Has no idea what to do with a HEAD, and says so with a 500."""

    def not_allowed(self, method):
        answer = super().not_allowed(method)
        return answers.FAILED if method == "HEAD" else answer


@breaks("net-011", part="door", reasons={"status-200", "effect-missing"})
class AnswersEverywhere(Door):
    """Stands on a host that answers 200 at every address."""

    def __init__(self, *arguments, **more):
        super().__init__(*arguments, **more)
        Router.not_found = self.welcome

    async def welcome(self, scope, receive, send):
        await Response("ok", 200)(scope, receive, send)


@breaks("net-011", part="door", reasons={"status-202", "effect-missing"})
class VerifiesEverywhereAndLoses(Door):
    """Verifies signatures before it looks at the address, and takes what is right for delivered."""

    def __init__(self, *arguments, **more):
        super().__init__(*arguments, **more)
        Router.not_found = self.verify_alone

    async def verify_alone(self, scope, receive, send):
        body = await self._body(receive, 2**24)
        wrong = self._receiver.authenticate(scope["headers"], body)
        await Response("ok", 401 if wrong else 202)(scope, receive, send)


@breaks("net-012", part="door", reasons={"status-500"})
class InflatesBeforeItVerifies(Door):
    """Inflates what is said to be compressed, before anybody asks who sent it."""

    async def _answer(self, scope, receive):
        if values(scope, b"content-encoding") != [b"gzip"]:
            return await super()._answer(scope, receive)
        packed = await self._body(receive, 2**24)
        plain = gzip.decompress(packed)

        async def whole():
            return {"type": "http.request", "body": plain, "more_body": False}

        return await super()._answer(scope, whole)


@breaks("net-013", guide={"ack-003"}, part="receiver", reasons={"page", "body"})
class AcknowledgesWithAPage(Receiver):
    """Stands behind something that shows a page with every answer."""

    def accepted(self, entry):
        super().accepted(entry)
        page = b"<!doctype html><html><body><form>Sign in</form></body></html>"
        return Answer(202, page, b"text/html")


@breaks("net-014", part="receiver", reasons={"status-403"})
class ChecksTheOrigin(Receiver):
    """Refuses what says that it comes from another site, as against forged forms."""

    async def judge(self, client, headers, body):
        if any(name in {b"origin", b"referer"} for name, _ in headers):
            return Answer(403, b'{"error":"Origin not allowed"}')
        return await super().judge(client, headers, body)


@breaks("net-014", part="receiver", reasons={"status-403"})
class TakesLibrariesForBots(Receiver):
    """Stands behind a filter that lets known clients through and nobody else."""

    async def judge(self, client, headers, body):
        agents = [value for name, value in headers if name == b"user-agent"]
        if any(b"node-fetch" in value or not value for value in agents):
            return Answer(403, b"Forbidden", b"text/plain")
        return await super().judge(client, headers, body)


#: What stands in the way of trust shows in one clause, whatever it is.
_TRUST = ("-m", "net-015 or net-016 or ack-001")


@breaks("net-015", part="door", reasons={"self-signed"}, tls="self-signed", arguments=_TRUST)
class SignsItsCertificateItself(Door):
    """Shows a certificate that it has signed itself."""

    async def _answer(self, scope, receive):
        return await super()._answer(scope, receive)


@breaks("net-015", part="door", reasons={"expired"}, tls="expired", arguments=_TRUST)
class ForgetsToRenewItsCertificate(Door):
    """Shows a certificate that was good until yesterday."""

    async def _answer(self, scope, receive):
        return await super()._answer(scope, receive)


@breaks("net-015", part="door", reasons={"wrong-host"}, tls="wrong-host", arguments=_TRUST)
class ShowsTheCertificateOfAnother(Door):
    """Shows the certificate of another host."""

    async def _answer(self, scope, receive):
        return await super()._answer(scope, receive)
