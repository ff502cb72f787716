"""Mutants that do nothing about a trigger event, and do not say so."""

from __future__ import annotations

from gallery import breaks

from reference_impl.handlers import Handlers


@breaks(
    part="handlers",
    guide={"eff-009"},
    calcom={"evt-011"},
    reasons={"effect-missing"},
    # What never took effect cannot do so twice.
    unverified={"idm-001", "ord-011", "eff-015"},
)
class IgnoresRequests(Handlers):
    """Has no handler for BOOKING_REQUESTED."""

    def handles(self, trigger):
        return trigger != "BOOKING_REQUESTED" and super().handles(trigger)


@breaks(
    "eff-010",
    part="handlers",
    calcom={"evt-011"},
    reasons={"effect-missing", "requested", "still-live", "appointments-missing"},
    unverified={"idm-001"},
)
class IgnoresRejections(Handlers):
    """Has no handler for BOOKING_REJECTED."""

    def handles(self, trigger):
        return trigger != "BOOKING_REJECTED" and super().handles(trigger)
