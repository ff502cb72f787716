"""The fuzzing through pytest, one test for each kind of body; collected only when it is named."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from calcontract import fuzz
from calcontract.plugin import FUZZED

if TYPE_CHECKING:
    from calcontract.fuzz.hunt import Hunt


@pytest.fixture(scope="module")
def hunt(request: pytest.FixtureRequest) -> Iterator[Hunt]:
    """The hunt in progress; its last line is printed at the end."""
    from calcontract.fuzz import words  # noqa: PLC0415 - schemathesis is heavy
    from calcontract.fuzz.hunt import Hunt  # noqa: PLC0415 - schemathesis is heavy
    from calcontract.target import Target  # noqa: PLC0415 - with the others

    told = request.config.stash[FUZZED]
    told.permit()
    hunt = Hunt(
        Target(told, seed=told.seed if told.seed is not None else secrets.randbelow(10**6)),
        examples=request.config.getoption("--fuzz-examples"),
        seconds=request.config.getoption("--fuzz-seconds"),
    )
    hunt.look()
    yield hunt
    harm = hunt.conclude()
    for line in words.summary(hunt.result):
        print(line)  # noqa: T201 - shown with pytest's -s or -rP
    if harm:
        pytest.fail(words.letter(harm, hunt.result, hunt.target.settings), pytrace=False)


@pytest.mark.parametrize("name", [kind.name for kind in fuzz.KINDS])
def test_every_answer_to_what_nobody_thought_of_is_definite(name: str, hunt: Hunt) -> None:
    """One kind of body."""
    from calcontract.fuzz import words  # noqa: PLC0415 - schemathesis is heavy

    kind = fuzz.named(name)
    findings = hunt.try_kind(kind)
    if findings:
        letters = [words.letter(found, hunt.result, hunt.target.settings) for found in findings]
        pytest.fail("\n\n".join(letters), pytrace=False)
    if kind in hunt.result.untried:
        why = hunt.result.stopped or "the time was up"
        pytest.fail(f"nothing of this kind could be judged: {why}", pytrace=False)
