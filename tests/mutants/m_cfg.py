"""Mutants that are configured wrongly, or believe in the wrong secret."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path

import again
from gallery import breaks
from sqlalchemy import text

from reference_impl.receiver import Receiver
from reference_impl.settings import Settings
from reference_impl.testing import ProviderStates
from reference_impl.worker import Worker

#: What these break shows only when the receiver is started with other secrets.
_CFG = ("-m", "cfg or idm-010")


class _ChecksNothing(Settings):
    """Starts with any settings."""

    def check(self):
        return self


@breaks(
    "cfg-001",
    part="receiver",
    beside={"settings": _ChecksNothing},
    reasons={"fails-open"},
    process=True,
    arguments=_CFG,
)
class FailsOpenWithoutASecret(Receiver):
    """Verifies signatures only if it has a secret to verify them with."""

    def authenticate(self, headers, body):
        return super().authenticate(headers, body) if self.settings.secret else None


@breaks(
    "cfg-001",
    part="receiver",
    beside={"settings": _ChecksNothing},
    reasons={"fails-open"},
    process=True,
    arguments=_CFG,
)
class KeysItsHmacWithNothing(Receiver):
    """Takes a secret that is not set for the empty text, and signs with that."""

    def secrets(self):
        return super().secrets() or ("",)


@breaks(
    "cfg-001",
    part="receiver",
    beside={"settings": _ChecksNothing},
    reasons={"fails-open"},
    process=True,
    arguments=_CFG,
)
class HasADefaultSecret(Receiver):
    """Falls back to the secret that the guide prints."""

    def secrets(self):
        return super().secrets() or ("your-generated-secret-here",)


def _memory(settings, name, default):
    """What a mutant remembers from start to start, beside the store."""
    path = Path(settings.database_url.removeprefix("sqlite:///")).with_suffix(f".{name}")
    return path, json.loads(path.read_text()) if path.is_file() else default


@breaks(
    *("cfg-002", "cfg-004", "cfg-006", "cfg-007"),
    part="receiver",
    reasons={"old-secret-taken"},
    process=True,
    arguments=_CFG,
)
class KeepsItsFirstSecret(Receiver):
    """Goes on believing in the secret that it was started with the first time."""

    def secrets(self):
        path, first = _memory(self.settings, "first", self.settings.secret)
        path.write_text(json.dumps(first))
        return (*super().secrets(), first)


@breaks(
    "cfg-003",
    part="receiver",
    reasons={"old-secret-refused"},
    process=True,
    arguments=_CFG,
)
class KnowsOneSecretOnly(Receiver):
    """Has no place for a secret that is being retired."""

    def secrets(self):
        return super().secrets()[:1]


class _RemembersOverlaps(Receiver):
    """Remembers which secret each secret replaced."""

    def replaced(self):
        """The secret that was retired beside the one it has, now or in an earlier start."""
        path, replaced = _memory(self.settings, "replaced", {})
        if self.settings.previous_secret:
            replaced[self.settings.secret] = self.settings.previous_secret
            path.write_text(json.dumps(replaced))
        return replaced.get(self.settings.secret)


@breaks(
    "cfg-004",
    part="receiver",
    reasons={"old-secret-taken"},
    process=True,
    arguments=_CFG,
)
class NeverRetiresASecret(_RemembersOverlaps):
    """Believes for ever in a secret that was retired once."""

    def secrets(self):
        retired = self.replaced()
        return (*super().secrets(), *([retired] if retired else []))


@breaks(
    "cfg-004",
    part="receiver",
    reasons={"new-secret-refused"},
    process=True,
    arguments=_CFG,
)
class RetiresBothSecrets(_RemembersOverlaps):
    """Takes both secrets out of use when the overlap ends."""

    def secrets(self):
        retired = self.replaced()
        return super().secrets() if not retired or self.settings.previous_secret else ()


class _NoticesAnotherSecret(Worker):
    """Does something when it starts under another secret than the last time."""

    def start(self):
        path, last = _memory(self.settings, "last", self.settings.secret)
        if last != self.settings.secret:
            self.forget()
        path.write_text(json.dumps(self.settings.secret))
        super().start()


@breaks(
    *("cfg-005", "idm-010"),
    part="worker",
    reasons={"effect-repeated"},
    process=True,
    arguments=_CFG,
)
class KnowsDeliveriesByTheirSignature(_NoticesAnotherSecret):
    """Recognises a delivery by its signature, which is another one under another secret."""

    def forget(self):
        again.know_nothing(self.store)


@breaks(
    "cfg-005",
    part="worker",
    reasons={"effect-missing"},
    process=True,
    arguments=_CFG,
)
class VerifiesOnceMoreWhenItProcesses(_NoticesAnotherSecret):
    """Verifies again behind the queue: what waited while the secret was replaced is thrown away."""

    def forget(self):
        with self.store.write() as connection:
            connection.execute(
                text("UPDATE webhook_events SET state = 'done' WHERE state = 'waiting'")
            )


@breaks(
    "cfg-006",
    part="receiver",
    reasons={"new-secret-refused"},
    process=True,
    arguments=_CFG,
)
class DecodesItsSecret(Receiver):
    """Takes a prefix for another scheme's and decodes what stands behind it."""

    def secrets(self):
        return tuple(
            base64.b64decode(secret.removeprefix("whsec_")).decode()
            if secret.startswith("whsec_")
            else secret
            for secret in super().secrets()
        )


@breaks(
    "cfg-006",
    part="receiver",
    reasons={"new-secret-refused"},
    process=True,
    arguments=_CFG,
)
class CutsItsSecret(Receiver):
    """Has room for 64 letters of a secret."""

    def secrets(self):
        return tuple(secret[:64] for secret in super().secrets())


@breaks(
    "cfg-007",
    part="receiver",
    reasons={"new-secret-refused"},
    process=True,
    arguments=_CFG,
)
class TurnsALineFeedIntoABlank(Receiver):
    """Tidies the white space in its secret up: neither reading of a line feed is left."""

    def secrets(self):
        return tuple(re.sub(r"\s", " ", secret) for secret in super().secrets())


@breaks(
    "cfg-007",
    part="receiver",
    reasons={"old-secret-taken"},
    process=True,
    arguments=_CFG,
)
class GivesUpOnAnOddSecret(Receiver):
    """Switches verification off where its secret holds a line end."""

    def authenticate(self, headers, body):
        return None if "\n" in self.settings.secret else super().authenticate(headers, body)


class _AsleepUntilAsked(Worker):
    """Works only when it is asked to."""

    def wake(self, deliveries=1):
        """Whatever has come: nobody has asked."""

    def asked(self):
        """Somebody has asked."""
        super().wake(self.settings.workers)


@breaks(
    # A log that is read without asking for anything tells of no processing either.
    *("cfg-008", "obs-006", "obs-011"),
    part="states",
    beside={"worker": _AsleepUntilAsked},
    reasons={"waits-to-be-asked", "log-silent"},
    arguments=("-m", "cfg or obs"),
)
class WaitsToBeAsked(ProviderStates):
    """Processes what it has taken when the next request comes, and not before."""

    def _look(self, uids, ids):
        seen = super()._look(uids, ids)
        self.machine.worker.asked()
        return seen
