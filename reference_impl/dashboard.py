"""
The dashboard at `/admin/webhooks`: what the receiver holds, for the people who operate it.

Exists only if a password is set.  Pages without scripts and without anything from elsewhere; what
changes something is a form with a token of its own, behind a page that asks first.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
from http import HTTPMethod
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from reference_impl import history, logs
from reference_impl.floods import Floods
from reference_impl.forms import Forms
from reference_impl.pages import Pages
from reference_impl.upkeep import CannotReplayError, DoneAlreadyError, Upkeep, why_not_again

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from reference_impl.clock import Clock
    from reference_impl.settings import Settings
    from reference_impl.store import Store

ADMIN_PATH = "/admin/webhooks"

#: What can be done to a delivery, and the states in which it makes sense.
ACTIONS = {"replay": ("dead", "done", "discarded"), "discard": ("dead",)}

#: What the log says of each.
_BY_HAND = {"replay": "Delivery replayed by hand", "discard": "Delivery discarded by hand"}

_HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}

_CHALLENGE = {"www-authenticate": 'Basic realm="webhooks", charset="UTF-8"'}

_NO_STORE = "The store cannot be used now: the receiver's log says why. Please try again."


class Dashboard:
    """The pages about what *store* holds, for whoever knows the password."""

    def __init__(self, settings: Settings, store: Store, clock: Clock) -> None:
        self._settings = settings
        self._store = store
        self._clock = clock
        self._floods = Floods(logs.left_out)
        self._forms = Forms(_bytes(settings.admin_password), clock)
        self._pages = Pages(ADMIN_PATH)

    def routes(self) -> list[Route]:
        """Every address of the dashboard."""
        one = f"{ADMIN_PATH}/{{number:int}}"
        return [
            Route(ADMIN_PATH, self._guarded(self.overview)),
            Route(f"{ADMIN_PATH}/style.css", self._guarded(self.style)),
            Route(one, self._guarded(self.event)),
            Route(f"{one}/{{action}}", self._guarded(self.ask)),
            Route(f"{one}/{{action}}", self._guarded(self.act), methods=["POST"]),
            # Everything else that anybody may try here.
            *(
                Route(path, self._guarded(self.missing), methods=[*HTTPMethod])
                for path in (ADMIN_PATH, f"{ADMIN_PATH}/{{rest:path}}")
            ),
        ]

    # --- who may ----------------------------------------------------------------------------

    def _guarded(
        self, page: Callable[[Request], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def guard(request: Request) -> Response:
            shown = request.headers.get("authorization", "")
            if not self.may(shown):
                # A browser asks once without, before its person is asked.
                if shown and self._floods.admits("dashboard"):
                    client = request.client.host if request.client else ""
                    logs.logger().warning("Dashboard refused", status=401, client=client)
                answer = Response("Unauthorized", 401, _CHALLENGE)
            else:
                try:
                    answer = await page(request)
                except HTTPException as problem:
                    answer = self._problem(problem.status_code, problem.detail)
                except SQLAlchemyError as problem:
                    reason = logs.describe(problem)
                    logs.logger().error("Dashboard without the store", reason=reason)
                    answer = self._problem(503, _NO_STORE)
            answer.headers.update(_HEADERS)
            return answer

        return guard

    def may(self, authorization: str) -> bool:
        """Whether an Authorization header holds the password, compared in constant time."""
        scheme, _, given = authorization.partition(" ")
        try:
            pair = base64.b64decode(given, validate=True)
        except (binascii.Error, ValueError):
            return False
        password = pair.partition(b":")[2]
        right = hmac.compare_digest(password, _bytes(self._settings.admin_password))
        return right and scheme.lower() == "basic"

    # --- pages ------------------------------------------------------------------------------

    async def overview(self, request: Request) -> Response:
        """
        How things are; with `booking`, the deliveries about the one of that uid or id.

        A webhook id, as the log has it, leads to its delivery.
        """
        name = request.query_params.get("booking", "").strip()
        if name:
            number = await asyncio.to_thread(self._look, lambda c: history.number_of(c, name))
            if number is not None:
                return RedirectResponse(f"{ADMIN_PATH}/{number}", 303)
            found = await asyncio.to_thread(self._look, lambda c: history.of_booking(c, name))
            return self._page("booking.html", name=name, found=found)
        seen = await asyncio.to_thread(self._look, self._overview)
        return self._page("overview.html", live="live" in request.query_params, **seen)

    def _overview(self, connection: Any) -> dict[str, Any]:
        now = self._clock.now()
        return {
            "now": now,
            # Without administrators nobody is to be told, and nothing is amiss.
            "telling": bool(self._settings.notify),
            "stand": history.stand(connection, now),
            "triggers": history.triggers(connection),
            "queue": history.queue(connection),
            "dead": history.dead(connection),
        }

    async def event(self, request: Request) -> Response:
        """One delivery with its history."""
        event = await self._event(request)
        may = [action for action, states in ACTIONS.items() if self._fits(event, states)]
        pruned = why_not_again(event) if event["body"] is None else None
        return self._page("event.html", event=event, actions=may, pruned=pruned)

    async def ask(self, request: Request) -> Response:
        """The page that asks before something is done."""
        event, action = await self._event(request), self._action(request)
        if not self._fits(event, ACTIONS[action]):
            if action == "replay" and event["body"] is None:
                raise HTTPException(409, f"Not replayed: {why_not_again(event)}.")
            raise HTTPException(
                409, f"This delivery is not to be {_past(action)}: it is {event['state']}."
            )
        token = self._forms.token(action, event["id"], event["acted"])
        return self._page("ask.html", event=event, action=action, token=token)

    async def act(self, request: Request) -> Response:
        """Do what was asked for, unless the same form did it before, and show the delivery."""
        action, number = self._action(request), int(request.path_params["number"])
        seen = await self._forms.read(request, action, number)
        await self._event(request)
        upkeep = Upkeep(self._settings, self._store, self._clock.now())
        try:
            await asyncio.to_thread(getattr(upkeep, action), str(number), seen=seen)
        except CannotReplayError as problem:
            raise HTTPException(409, f"Not {_past(action)}: {problem}.") from None
        except DoneAlreadyError:
            pass
        else:
            logs.logger().info(_BY_HAND[action], row=number)
        return RedirectResponse(f"{ADMIN_PATH}/{number}", 303)

    async def missing(self, _: Request) -> Response:
        """Say that there is nothing."""
        raise HTTPException(404, "There is no such page.")

    async def style(self, _: Request) -> Response:
        """The style sheet: from here, so that the policy may forbid all others."""
        return Response(self._pages.source("style.css"), media_type="text/css")

    # --- helpers ----------------------------------------------------------------------------

    def _look(self, look: Callable[[Any], Any]) -> Any:
        with self._store.read() as connection:
            return look(connection)

    async def _event(self, request: Request) -> dict[str, Any]:
        number = int(request.path_params["number"])
        found = None
        # Any longer number is no row's.
        if number < 10**18:
            found = await asyncio.to_thread(self._look, lambda c: history.one(c, number))
        if found is None:
            raise HTTPException(404, "There is no such delivery.")
        event: dict[str, Any] = found
        return event

    def _action(self, request: Request) -> str:
        action = str(request.path_params["action"])
        if action not in ACTIONS:
            raise HTTPException(404, "There is no such page.")
        return action

    def _fits(self, event: dict[str, Any], states: tuple[str, ...]) -> bool:
        return event["state"] in states and (event["body"] is not None)

    def _problem(self, status: int, text: str) -> Response:
        title = "Not found" if status == 404 else "Not possible"
        return self._page("problem.html", status, title=title, text=text)

    def _page(self, template: str, status: int = 200, /, **values: Any) -> Response:
        return Response(self._pages.text(template, **values), status, media_type="text/html")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _past(action: str) -> str:
    return f"{action}ed"
