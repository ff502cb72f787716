"""Given, When, Then: several signatures at once, one occurrence in two spellings, and timing."""

from __future__ import annotations

from pytest_bdd import given, parsers, then, when

from calcontract import timing
from calcontract.deliveries import Item
from calcontract.errors import CatalogueError, Inconclusive, Violation
from calcontract.stimuli import bodies, forgeries, signatures
from calcontract.story import Story
from mock_calcom.delivery import Delivery
from mock_calcom.signature import HEADER, sign

#: What a header of several may hold.
_KIND = r"(?:right|wrong|empty|absent|prefixed|prefixed and wrong)"


def _made(story: Story, kind: str) -> str | None:
    """The value of a header that holds what a feature file calls *kind*."""
    material = story.material(story.it)
    match kind:
        case "right":
            return material.digest()
        case "wrong":
            return material.other()
        case "empty":
            return ""
        case "prefixed":
            return f"sha256={material.digest()}"
        case "prefixed and wrong":
            return f"sha256={material.other()}"
        case _:
            return None


@given(
    parsers.re(rf"its signature header comes twice, (?P<one>{_KIND}) and then (?P<two>{_KIND})$")
)
def _twice(story: Story, one: str, two: str) -> None:
    item = story.it
    first, second = _made(story, one) or "", _made(story, two) or ""
    bare = item.delivery.without_header(HEADER)
    item.delivery = bare.with_repeated_header(HEADER, first).with_repeated_header(HEADER, second)


@given(parsers.re(rf"the guide's four headers hold (?P<kinds>{_KIND}(?:, {_KIND}){{3}})$"))
def _four(story: Story, kinds: str) -> None:
    item = story.it
    wanted = kinds.split(", ")
    item.delivery = _with_four(story, wanted)
    # The fault is in the first header that is there.
    first = next((place for place, kind in enumerate(wanted) if kind != "absent"), None)
    if first is None:
        raise CatalogueError("one of the four headers has to be there")
    item.lawful = _with_four(story, [*wanted[:first], "right", *wanted[first + 1 :]])


def _with_four(story: Story, kinds: list[str]) -> Delivery:
    delivery = story.it.delivery
    for name in signatures.HEADERS:
        delivery = delivery.without_header(name)
    for name, kind in zip(signatures.HEADERS, kinds, strict=True):
        value = _made(story, kind)
        if value is not None:
            delivery = delivery.with_header(name, value)
    return delivery


@when(parsers.re(r"Cal\.com delivers it again, written (?P<spelling>.+)$"))
def _again_written(story: Story, spelling: str) -> None:
    item = story.it
    story.look()
    body = bodies.spelled(spelling, item.lawful.body)
    signed = item.lawful.with_body(body).with_header(HEADER, sign(body, story.target.secret))
    story.send(Item(item.name, item.occurrence, signed, signed))


# --- timing ---------------------------------------------------------------------------------------


def _listed(statuses: set[int]) -> str:
    return " or ".join(map(str, sorted(statuses)))


@then("the time it takes to refuse it does not tell how much of its signature is right")
def _even_handed(story: Story) -> None:
    item = story.it
    digest = story.material(item).digest()
    near = item.lawful.with_header(HEADER, forgeries.near(digest))
    far = item.lawful.with_header(HEADER, forgeries.far(digest))
    story.target.note(item.lawful, timing.ATTEMPTS)
    with (
        story.target.life.required_inside(),
        timing.Line(item.lawful, **story.target.line) as line,
    ):
        blocks = timing.sampled(lambda: line.ask(near), lambda: line.ask(far), story.target.chance)
    if line.statuses[near] != line.statuses[far]:
        raise Violation(
            "forgeries with 63 right digits and with none are answered with "
            f"{_listed(line.statuses[near])} and with {_listed(line.statuses[far])}",
            expected="one answer to every forgery",
            reason="forgeries-told-apart",
        )
    finding = timing.judge(blocks)
    if finding.verdict is timing.Verdict.LEAK:
        raise Violation(
            f"a forgery with 63 right digits is refused {finding.leak * 1e6:.1f} microseconds "
            f"later than one with none, in {len(finding.scores)} of {len(finding.scores)} samples",
            expected="a comparison that takes the same time whatever it compares",
            reason="timing-leak",
        )
    if finding.verdict is timing.Verdict.INCONCLUSIVE:
        raise Inconclusive(
            f"answers vary so much that nothing below {finding.floor * 1e3:.1f} ms would be seen",
            reason="too-noisy",
        )
