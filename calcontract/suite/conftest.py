"""Hands each scenario its story."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from calcontract.plugin import SESSION
from calcontract.session import Session
from calcontract.story import Story


def pytest_collection(session: pytest.Session) -> None:
    """Refuse to run the contract against nothing."""
    if session.config.pluginmanager.get_plugin(SESSION) is None:
        raise pytest.UsageError(
            "the contract needs a receiver; name one with --target URL --secret-env NAME"
        )


@pytest.fixture
def story(request: pytest.FixtureRequest) -> Iterator[Story]:
    """The check in progress."""
    session = request.config.pluginmanager.get_plugin(SESSION)
    assert isinstance(session, Session)
    with session.story(request.node) as story:
        yield story
