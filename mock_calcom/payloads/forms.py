"""
Routing forms: an answer sheet before any booking exists.

Source: Cal.com `packages/app-store/routing-forms/trpc/utils.ts`.  The shape of
ROUTING_FORM_FALLBACK_HIT is inferred from Cal.com's types; no public document shows it.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mock_calcom.payloads.parts import Payload


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """One answer; *option_id* is set where the field offers options."""

    value: Any
    option_id: str | None = None

    @property
    def response(self) -> Any:
        """The answer in its newer form: objects for options."""
        if self.option_id is None:
            return self.value
        return [{"label": label, "id": self.option_id} for label in self.value]


@dataclasses.dataclass(frozen=True, slots=True)
class Sheet:
    """A filled-in form; keys are field identifiers or labels, in any language."""

    form_id: str
    form_name: str
    team_id: int | None
    response_id: int
    answers: dict[str, Answer]


def submitted(sheet: Sheet) -> Payload:
    """Somebody sent the form; nothing is booked yet, so there is no uid."""
    return {**_form(sheet), "responses": _responses(sheet)}


def root(sheet: Sheet) -> Payload:
    """The answers as Cal.com repeats them at the root of the body, for old integrations."""
    return {key: answer.value for key, answer in sheet.answers.items()}


def without_booking(sheet: Sheet) -> Payload:
    """A quarter of an hour later nothing had been booked."""
    return {
        **_form(sheet),
        "redirect": {"type": "eventTypeRedirectUrl", "value": "team/acme/intro-call"},
        "responseId": sheet.response_id,
        "responses": _responses(sheet),
    }


def fallback_hit(sheet: Sheet, event_type_id: int) -> Payload:
    """No route of the form matched (shape unverified)."""
    return {
        **_form(sheet),
        "responseId": sheet.response_id,
        "fallbackAction": {
            "type": "eventTypeRedirectUrl",
            "value": "team/acme/fallback-call",
            "eventTypeId": event_type_id,
        },
        "responses": _responses(sheet),
    }


def _form(sheet: Sheet) -> Payload:
    return {"formId": sheet.form_id, "formName": sheet.form_name, "teamId": sheet.team_id}


def _responses(sheet: Sheet) -> Payload:
    return {
        key: {"value": answer.value, "response": answer.response}
        for key, answer in sheet.answers.items()
    }
