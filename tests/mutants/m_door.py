"""Mutants before the inbox: authenticity, envelopes, answers."""

from __future__ import annotations

import json

from gallery import breaks

from reference_impl import signature
from reference_impl.receiver import Receiver


@breaks("sig-010", part="receiver", reasons={"status-401", "status-202"})
class VerifiesReserialisedJson(Receiver):
    """Signs what a JSON library makes of the body, not the body."""

    def accepted_signatures(self, body):
        try:
            compact = json.dumps(json.loads(body), separators=(",", ":"), ensure_ascii=False)
        except (ValueError, RecursionError):
            return super().accepted_signatures(body)
        return [form for secret in self.secrets() for form in signature.forms(compact.encode(), secret)]
