"""Mutants of secrecy and abuse: what answers tell, and what hostile text does."""

from __future__ import annotations

import contextlib
import dataclasses
import html
import re
import traceback
import urllib.request
from urllib.parse import unquote

from gallery import breaks

from reference_impl.answers import Answer
from reference_impl.door import Door
from reference_impl.facts import Reader
from reference_impl.handlers import Handlers
from reference_impl.receiver import Receiver


class Titles(Reader):
    """Does something to titles."""

    def read(self, envelope, received_at):
        fact = super().read(envelope, received_at)
        if not isinstance(fact.title, str):
            return fact
        return dataclasses.replace(fact, title=self.retitled(fact.title))


@breaks("sec-001", part="reader", reasons={"evaluated"})
class EvaluatesBraces(Titles):
    """Renders titles with a template engine, and so evaluates what stands in braces."""

    def retitled(self, title):
        def value(match):
            return str(int(match[1]) * int(match[2]))

        return re.sub(r"\{\{\((\d+)\*(\d+)\)\}\}", value, title)


@breaks("sec-002", part="reader", reasons={"altered"})
class EscapesOnTheWayIn(Titles):
    """Stores titles as they would be written in HTML."""

    def retitled(self, title):
        return html.escape(title)


@breaks("sec-002", part="reader", reasons={"altered"})
class KeepsWesternLettersAlone(Titles):
    """Stores titles in Latin-1, with a question mark for whatever that has not."""

    def retitled(self, title):
        return title.encode("latin-1", "replace").decode("latin-1")


@breaks("sec-002", part="reader", reasons={"altered"})
class StripsTags(Titles):
    """Removes from titles whatever looks like a tag."""

    def retitled(self, title):
        return re.sub(r"<[^>]*>", "", title)


@breaks(
    "sec-003",
    guide={"env-002", "env-003", "env-004"},
    part="receiver",
    reasons={"insides", "body"},
)
class ShowsItsStack(Receiver):
    """Answers an invalid payload with the stack that led there."""

    def invalid(self, problem):
        answer = super().invalid(problem)
        stack = "".join(traceback.format_exception(problem))
        return dataclasses.replace(answer, body=stack.encode(), content_type=b"text/plain")


@breaks("sec-003", guide={"ack-005"}, part="receiver", reasons={"insides", "body"})
class ShowsItsStatement(Receiver):
    """Looks a signature up in its database, and answers with what the database says."""

    def refused(self, refusal):
        answer = super().refused(refusal)
        said = b"SQLSTATE[42601]: syntax error: SELECT id FROM subscriptions WHERE signature = ?"
        return dataclasses.replace(answer, body=said)


@breaks("sec-004", part="receiver", reasons={"body"})
class ExplainsWhatIsWrong(Receiver):
    """Tells a signature of another length from one that is wrong."""

    def authenticate(self, headers, body):
        refusal = super().authenticate(headers, body)
        given = self.signature_in(headers)
        if refusal is None or not isinstance(given, bytes) or len(given) == 64:
            return refusal
        return dataclasses.replace(refusal, message=f"{refusal.message}: wrong length")


@breaks("sec-005", part="receiver", reasons={"reflected"})
class RepeatsTheBody(Receiver):
    """Shows what it could not read, on a page."""

    async def judge(self, client, headers, body):
        answer = await super().judge(client, headers, body)
        if answer.status != 400 or b"<svg" not in body:
            return answer
        return Answer(400, b"<p>Invalid payload: " + body + b"</p>", b"text/html; charset=utf-8")


@breaks("sec-005", part="door", reasons={"reflected"})
class RepeatsTheQuery(Door):
    """Shows where a refused request said that it came from, on a page."""

    async def _answer(self, scope, receive):
        answer = await super()._answer(scope, receive)
        query = unquote(scope["query_string"].decode("latin-1"))
        if answer.status != 401 or not query:
            return answer
        return dataclasses.replace(
            answer, body=answer.body + query.encode(), content_type=b"text/html"
        )


@breaks("sec-006", part="handlers", reasons={"fetched"})
class FetchesPreviews(Handlers):
    """Asks for every address in a title, to show a preview of it."""

    def prepare(self, envelope, received_at):
        for url in re.findall(r"http://127\.0\.0\.1:\d+/\w+", str(envelope.payload.get("title"))):
            with contextlib.suppress(OSError):
                urllib.request.urlopen(url, timeout=1).close()
        return super().prepare(envelope, received_at)


@breaks("sec-007", part="receiver", reasons={"version"})
class TellsItsVersion(Receiver):
    """Says in every refusal what it was made with, and which version."""

    def refused(self, refusal):
        answer = super().refused(refusal)
        return dataclasses.replace(
            answer, headers=(*answer.headers, (b"x-powered-by", b"PHP/8.1.2"))
        )


@breaks("sec-008", part="receiver", reasons={"cookie"})
class BeginsSessions(Receiver):
    """Begins a session with whoever comes."""

    def accepted(self, entry):
        answer = super().accepted(entry)
        cookie = (b"set-cookie", b"laravel_session=eyJpdiI6IjAifQ; path=/; httponly")
        return dataclasses.replace(answer, headers=(*answer.headers, cookie))


@breaks("sec-009", part="receiver", reasons={"status-500"})
class PollutesItsPrototypes(Receiver):
    """Copies every member into an object of its own, and is another program afterwards."""

    def read(self, body):
        parsed = super().read(body)
        if "__proto__" in parsed.payload or "constructor" in parsed.payload:
            raise TypeError("Object prototype may only be an Object or null")
        return parsed
