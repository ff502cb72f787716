"""Mutants whose comparison takes longer the more of a forgery is right."""

from __future__ import annotations

import time

from gallery import breaks

from reference_impl.receiver import Receiver

#: What one digit costs, in seconds: seen on a machine with other work, too.
_A_DIGIT = 100e-6


@breaks("sig-025", part="receiver", reasons={"timing-leak"})
class ComparesDigitByDigit(Receiver):
    """Compares one digit after another and stops at the first wrong one."""

    def matches(self, given, accepted):
        return any(self.same(given, form) for form in accepted)

    def same(self, given, form):
        if len(given) != len(form):
            return False
        for one, other in zip(given, form, strict=True):
            if one != other:
                return False
            until = time.perf_counter() + _A_DIGIT
            while time.perf_counter() < until:
                pass
        return True
