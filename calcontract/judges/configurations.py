"""Which deliveries a receiver may take under the secrets that it was started with."""

from __future__ import annotations

from collections.abc import Mapping

from calcontract.errors import Inconclusive, Violation
from calcontract.judges import answers
from mock_calcom.sender import Attempt

#: The end of the reason of who has taken a delivery under a secret that does not count.
TAKEN = "-secret-taken"


def none_taken(attempts: Mapping[str, Attempt], *, own: Attempt) -> None:
    """
    None of *attempts* was acknowledged, by a receiver that has no secret.

    Args:
        attempts: by the signature that each carried.
        own: an attempt under the secret that was taken away.

    Raises:
        Violation: if one was.
        Inconclusive: if the receiver still has its secret, from somewhere else.
    """
    taken = {word: attempt for word, attempt in attempts.items() if attempt.acknowledged}
    if taken:
        raise Violation(
            f"it acknowledged deliveries whose signature is {', '.join(taken)}",
            expected="no delivery taken without a secret",
            reason="fails-open",
            attempt=next(iter(taken.values())),
        )
    if own.acknowledged:
        raise Inconclusive(
            "it still has its secret: it reads it from somewhere else as well",
            reason="secret-from-elsewhere",
        )


def counting(attempts: Mapping[str, Attempt], wanted: frozenset[str]) -> None:
    """
    Deliveries under the *wanted* secrets were acknowledged, and those under the others refused.

    Args:
        attempts: by the name of the secret that each was signed with: new, old or another.
        wanted: names of the secrets that count.

    Raises:
        Violation: if one of them was treated otherwise.
        Inconclusive: if the receiver goes on as before: its variable may have another name.
    """
    taken = {name for name, attempt in attempts.items() if attempt.acknowledged}
    if "new" in wanted and taken == {"old"}:
        raise Inconclusive(
            "it goes on with the secret it had: it does not read the variable that was named",
            reason="secret-not-read",
        )
    for name, attempt in attempts.items():
        if name not in wanted:
            if attempt.acknowledged:
                raise Violation(
                    f"it acknowledged a delivery under {_words(name)}",
                    expected=f"a refusal of {_words(name)}",
                    reason=f"{name}{TAKEN}",
                    attempt=attempt,
                )
            answers.refused(attempt)
        elif not attempt.acknowledged:
            raise Violation(
                f"{answers.described(attempt)} to a delivery under {_words(name)}",
                expected=f"an acknowledgement under {_words(name)}",
                reason=f"{name}-secret-refused",
                attempt=attempt,
            )


def listening(*, listens: bool) -> None:
    """
    A receiver that was given a secret listens.

    Raises:
        Violation: if it does not.
    """
    if not listens:
        raise Violation(
            "it does not listen with the secret that it was given",
            expected="a receiver that starts with any secret",
            reason="not-listening",
        )


def _words(name: str) -> str:
    return {"new": "the new secret", "old": "the old secret"}.get(name, "another secret")
