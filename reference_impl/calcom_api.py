"""
Cal.com's API v2, as far as subscriptions are asked of it.

`GET .../webhooks` lists them, 250 at a time, in a plain array without a word about further pages;
every error but "no such scope" means that nothing can be said about the subscription.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests

from reference_impl import logs

if TYPE_CHECKING:
    from collections.abc import Mapping

#: The version of the API; the routes of subscriptions are the same in all of them.
API_VERSION = "2024-08-13"

#: Most subscriptions in one page, and most pages before the API is taken for confused.
PAGE = 250
_PAGES = 40

#: Seconds to connect, and seconds between two bytes of the answer.
_TIMEOUT = (5.0, 20.0)

_NO_URL = "CALCOM_API_URL must be a URL without a query, as https://api.cal.com/v2"

#: What refusals mean.
_REFUSALS = {
    401: "the API refuses the key (401): CALCOM_API_KEY is wrong, expired or revoked",
    403: "the API refuses (403): the key's owner may not read these subscriptions",
    404: "the API knows no such place (404): is CALCOM_API_URL right, and the scope?",
}


class ApiError(Exception):
    """The API did not answer the question; the message is one sentence without the key."""


class UnusableSettingError(ValueError):
    """The key must not, or cannot, be sent to this URL; the message is one sentence."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose subscriptions are asked for: the key's owner, unless told otherwise."""

    event_type: int | None = None
    team: int | None = None
    organization: int | None = None

    @property
    def path(self) -> str:
        """The collection of these subscriptions."""
        if self.organization is not None:
            return f"/organizations/{self.organization}/webhooks"
        if self.event_type is None:
            return "/webhooks"
        team = "" if self.team is None else f"/teams/{self.team}"
        return f"{team}/event-types/{self.event_type}/webhooks"


@dataclass(frozen=True, slots=True)
class Subscription:
    """One subscription as the API tells it.  Its repr hides the secret."""

    id: str
    url: str
    active: bool
    triggers: tuple[str, ...]
    template: str | None
    secret: str | None

    def __repr__(self) -> str:
        return f"Subscription(id={self.id!r}, url={self.url!r})"


class CalcomApi:
    """
    Reads subscriptions from the API at *url* with the API *key*.

    Raises:
        UnusableSettingError: if the key would travel in the clear, or nowhere, or fits no header.
    """

    def __init__(self, url: str, key: str) -> None:
        try:
            parts = urlsplit(url)
            # Read only when asked for, and only then found to be none.
            _ = parts.port
        except ValueError:
            raise UnusableSettingError(_NO_URL) from None
        if parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(parts)):
            raise UnusableSettingError("CALCOM_API_URL must start with https://: the key is secret")
        if not parts.hostname or parts.query or parts.fragment:
            raise UnusableSettingError(_NO_URL)
        if not (key.isascii() and key.isprintable()):
            raise UnusableSettingError("CALCOM_API_KEY holds characters that no key has")
        self._url = url.rstrip("/")
        self._key = key

    def subscriptions(self, scope: Scope) -> list[Subscription]:
        """
        Every subscription in *scope*.

        Raises:
            ApiError: if the API cannot be reached, refuses, or gives what cannot be understood.
        """
        found: dict[str, Subscription] = {}
        with requests.Session() as session:
            # Not a proxy's nor a .netrc's doing who gets the key.
            session.trust_env = False
            for page in range(_PAGES):
                items = [_read(item) for item in self._page(session, scope.path, page * PAGE)]
                fresh = {item.id: item for item in items if item.id not in found}
                found |= fresh
                if len(items) < PAGE:
                    return list(found.values())
                if not fresh:
                    break
        raise ApiError("the API gives the same page again and again")

    def _page(self, session: requests.Session, path: str, skip: int) -> list[Any]:
        try:
            answer = session.get(
                self._url + path,
                params={"take": PAGE, "skip": skip},
                headers={
                    "Authorization": f"Bearer {self._key}",
                    "Accept": "application/json",
                    "cal-api-version": API_VERSION,
                },
                timeout=_TIMEOUT,
                # A redirect would carry the question to a place nobody named.
                allow_redirects=False,
            )
        except requests.RequestException as problem:
            raise ApiError(f"the API cannot be reached ({type(problem).__name__})") from None
        if answer.status_code != 200:
            raise ApiError(_refusal(answer.status_code, answer.headers))
        try:
            document = answer.json()
        except requests.JSONDecodeError:
            raise ApiError("the API's answer is not JSON: is CALCOM_API_URL right?") from None
        if not isinstance(document, dict) or document.get("status") != "success":
            raise ApiError("the API's answer is not a success")
        data = document.get("data")
        if not isinstance(data, list):
            raise ApiError("the API's answer holds no list of subscriptions")
        return data


def _refusal(status: int, headers: Mapping[str, str]) -> str:
    """What *status* means, in one sentence."""
    if status == 429:
        wait = headers.get("Retry-After", "")
        when = f"in {wait} seconds" if wait.isascii() and wait.isdigit() else "in a minute"
        return f"the API has had too many questions (429): try again {when}"
    if status >= 500:
        return f"the API fails ({status}): try again later"
    return _REFUSALS.get(status, f"the API refuses ({status}): is CALCOM_API_URL right?")


def _read(item: object) -> Subscription:
    """
    The subscription that *item* tells.

    Raises:
        ApiError: if it is none.
    """
    if not isinstance(item, dict):
        raise ApiError("the API lists something that is no subscription")
    triggers, template = item.get("triggers"), item.get("payloadTemplate")
    well = (
        isinstance(item.get("id"), str | int)
        and isinstance(item.get("subscriberUrl"), str)
        and isinstance(item.get("active"), bool)
        and isinstance(triggers, list)
        and all(isinstance(trigger, str) for trigger in triggers)
        and isinstance(template, str | None)
        and isinstance(item.get("secret"), str | None)
    )
    if not well:
        raise ApiError(f"the API tells of a subscription what cannot be read: {_name(item)}")
    return Subscription(
        id=str(item["id"]),
        url=item["subscriberUrl"],
        active=item["active"],
        triggers=tuple(triggers or ()),
        template=template or None,
        secret=item.get("secret") or None,
    )


def _name(item: Mapping[str, Any]) -> str:
    return logs.plain(str(item.get("id"))) if isinstance(item.get("id"), str | int) else "no id"


def _is_loopback(parts: Any) -> bool:
    host = parts.hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
