"""Given, Then: hostile text, markup of strangers, and what answers tell."""

from __future__ import annotations

from typing import Any

from pytest_bdd import given, parsers, then

from calcontract.errors import Inconclusive, Violation
from calcontract.judges import effects, surface
from calcontract.listener import Listener
from calcontract.stimuli import hostile, signatures
from calcontract.story import Story
from mock_calcom.signature import HEADER

#: How long somebody may take to ask for an address after all is processed, in seconds.
_CURIOSITY = 0.2
#: And where nobody can see whether all is processed.
_CURIOSITY_UNSEEN = 1.0


@given(parsers.re(r"its title holds (?P<text>.+)$"))
def _title(story: Story, text: str) -> None:
    _entitle(story, hostile.text(text, story.it.delivery))


def _entitle(story: Story, title: str, **more: str) -> None:
    def write(envelope: dict[str, Any]) -> dict[str, Any]:
        envelope["payload"] |= {"title": title, **more}
        return envelope

    story.title = title
    story.rewrite(story.it, write, lawful=True)


@given("its notes name an address of ours")
def _our_address(story: Story) -> None:
    if not story.target.settings.is_local:
        raise Inconclusive("another machine cannot reach an address of ours", reason="not-here")
    story.listener = story.leaving.enter_context(Listener())
    url = story.listener.url
    text = f'{url} <img src="{url}"> [link]({url})'
    _entitle(story, f"Call about {url}", additionalNotes=text, description=text, location=url)


@then("nobody asks for our address")
def _unasked(story: Story) -> None:
    if story.listener is None:
        return
    wait = _CURIOSITY_UNSEEN
    if story.target.probe is not None:
        story.look()
        wait = _CURIOSITY
    if story.listener.was_asked(wait):
        raise Violation(
            "an address that stood in the notes was asked for",
            expected="an address to be kept and not asked for",
            reason="fetched",
        )


@then("its appointment shows nothing that was evaluated")
def _unevaluated(story: Story) -> None:
    effects.unevaluated(story.look(), result=hostile.RESULT, mark=hostile.mark(story.it.delivery))


@then("its appointment carries that title")
def _same_title(story: Story) -> None:
    effects.entitled(story.look(), story.title, mark=hostile.mark(story.it.delivery))


@given(parsers.re(r"markup of a stranger stands (?P<place>.+)$"))
def _markup(story: Story, place: str) -> None:
    item = story.it
    item.delivery = hostile.marked(place, item.delivery)
    if place in hostile.SIGNED:
        story.spoil(item, item.delivery.body)


@given(parsers.re(r"its payload has a member called (?P<name>\S+)$"))
def _member(story: Story, name: str) -> None:
    def add(envelope: dict[str, Any]) -> dict[str, Any]:
        envelope["payload"][name] = {"toString": 1, "isAdmin": True, "uid": None}
        return envelope

    story.rewrite(story.it, add, lawful=False)


@then("the answer shows nothing of the receiver's insides")
def _undisclosed(story: Story) -> None:
    surface.undisclosed(story.it.last)


@then("the answer is word for word that to any wrong signature")
def _word_for_word(story: Story) -> None:
    item = story.it
    other = signatures.Material(item.lawful.body, story.target.secret, story.target.chance).other()
    model = story.attempt(item.lawful.with_header(HEADER, other))
    surface.word_for_word(item.last, model)


@then("the answer does not show the markup to a browser")
def _unreflected(story: Story) -> None:
    surface.unreflected(story.it.last, hostile.markup(story.it.lawful))


@then("the answer tells no version")
def _versionless(story: Story) -> None:
    surface.versionless(story.it.last)


@then("the answer sets no cookie")
def _cookieless(story: Story) -> None:
    surface.cookieless(story.it.last)
