"""
From an occurrence to the bytes and headers that leave Cal.com.

Source: Cal.com `sendPayload.ts` (three headers, in this order).  Pure.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from mock_calcom import envelope, javascript, profiles, signature, templates, triggers

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

    from mock_calcom.occurrences import Occurrence
    from mock_calcom.profiles import Profile

#: The header that names the version of the subscription.
VERSION_HEADER = "X-Cal-Webhook-Version"

#: The triggers whose payload repeats the subscription they are sent to.
_ECHOING = frozenset({"AFTER_HOSTS_CAL_VIDEO_NO_SHOW", "AFTER_GUESTS_CAL_VIDEO_NO_SHOW"})


@dataclasses.dataclass(frozen=True, slots=True)
class Subscription:
    """A subscriber URL with what it wants to hear of and the secret to sign with."""

    url: str
    secret: str | None = dataclasses.field(default=None, repr=False)
    #: What it wants to hear of; nothing means everything.
    triggers: tuple[str, ...] | None = None
    active: bool = True
    template: str | None = None
    profile: Profile = profiles.DEFAULT

    def wants(self, trigger: str) -> bool:
        """Whether a delivery of this trigger is made; the test button asks nobody."""
        if trigger == triggers.PING:
            return True
        return self.active and (self.triggers is None or trigger in self.triggers)

    def after(self, status: int | None) -> Subscription:
        """The subscription after an answer: 410 switches it off where the profile says so."""
        if status == 410 and self.profile.gone_deactivates:
            return dataclasses.replace(self, active=False)
        return self


@dataclasses.dataclass(frozen=True, slots=True)
class Delivery:
    """One envelope for one subscription: its body and headers, fixed and signed."""

    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    trigger: str | None = None
    uid: str | None = None

    def header(self, name: str) -> str | None:
        """The first value of that header, whatever the case of its name."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), None)

    def with_header(self, name: str, value: str) -> Delivery:
        """The same delivery with that header set: in its old place if it was there before."""
        wanted = name.lower()
        headers: list[tuple[str, str]] = []
        for key, old in self.headers:
            if key.lower() != wanted:
                headers.append((key, old))
            elif not any(known.lower() == wanted for known, _ in headers):
                headers.append((name, value))
        if self.header(name) is None:
            headers.append((name, value))
        return dataclasses.replace(self, headers=tuple(headers))

    def with_repeated_header(self, name: str, value: str) -> Delivery:
        """The same delivery with one more line of that header; it may then occur twice."""
        return dataclasses.replace(self, headers=(*self.headers, (name, value)))

    def without_header(self, name: str) -> Delivery:
        """The same delivery without any header of that name."""
        wanted = name.lower()
        headers = tuple((key, value) for key, value in self.headers if key.lower() != wanted)
        return dataclasses.replace(self, headers=headers)

    def with_body(self, body: bytes) -> Delivery:
        """The same headers, and so the same signature, over another body."""
        return dataclasses.replace(self, body=body)


def compose(
    occurrence: Occurrence,
    subscription: Subscription,
    *,
    created_at: dt.datetime | None = None,
) -> Delivery:
    """
    The delivery of *occurrence* to *subscription*, whether or not it is subscribed to.

    Args:
        occurrence: what happened.
        subscription: where to and how.
        created_at: the envelope's `createdAt`; Cal.com takes it anew for each subscription.

    Raises:
        TemplateError: if the template is broken, in which case Cal.com sends nothing.
        UnsupportedTemplateError: if the template uses what the mock does not imitate.
    """
    if occurrence.trigger in _ECHOING:
        occurrence = _echoed(occurrence, subscription)
    instant = created_at or occurrence.at
    template = _template(occurrence, subscription)
    if template is None:
        rendered = envelope.render(occurrence, instant, subscription.profile)
        body = javascript.stringify(rendered)
    else:
        body = templates.body(template, _context(occurrence, instant, subscription.profile))
    return from_body(
        body,
        subscription,
        trigger=occurrence.trigger,
        uid=occurrence.uid,
        content_type=templates.content_type(template),
    )


def from_body(
    body: bytes,
    subscription: Subscription,
    *,
    trigger: str | None = None,
    uid: str | None = None,
    content_type: str = templates.JSON,
) -> Delivery:
    """A delivery of exactly these bytes, signed with the secret of *subscription*."""
    headers = [
        ("Content-Type", content_type),
        (signature.HEADER, signature.sign(body, subscription.secret)),
    ]
    if subscription.profile.version:
        headers.append((VERSION_HEADER, subscription.profile.version))
    return Delivery(subscription.url, tuple(headers), body, trigger, uid)


def fan_out(occurrence: Occurrence, subscriptions: Iterable[Subscription]) -> list[Delivery]:
    """One delivery for each subscription that wants it; one URL may so get several."""
    return [
        compose(occurrence, subscription)
        for subscription in subscriptions
        if subscription.wants(occurrence.trigger)
    ]


def _template(occurrence: Occurrence, subscription: Subscription) -> str | None:
    """The template that applies: none for flat bodies, nor for forms before December 2025."""
    old_form = not subscription.profile.recent and occurrence.trigger.startswith("FORM_")
    # Cal.com asks `if (template)`, so an empty one is none.
    return None if occurrence.flat or old_form else subscription.template or None


def _context(occurrence: Occurrence, created_at: dt.datetime, profile: Profile) -> dict[str, Any]:
    """What a template can name: the payload's own fields, except for the generic sender."""
    rendered = envelope.render(occurrence, created_at, profile)
    if occurrence.trigger in triggers.GENERIC:
        return rendered
    payload = rendered.pop("payload")
    return {**rendered, **payload}


def _echoed(occurrence: Occurrence, subscription: Subscription) -> Occurrence:
    row = {
        **occurrence.payload["webhook"],
        "subscriberUrl": subscription.url,
        "payloadTemplate": subscription.template,
    }
    return dataclasses.replace(occurrence, payload={**occurrence.payload, "webhook": row})
