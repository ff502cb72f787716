"""Hands each scenario its story."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from calcontract.errors import Exit
from calcontract.plugin import FUZZED, SESSION
from calcontract.session import Session
from calcontract.story import Story

#: Fuzzing is a run of its own: pytest collects it only when it is named.
collect_ignore = ["test_fuzz.py"]


# Not earlier: pytest reads this file only while it collects what was named by package.
def pytest_collection_modifyitems(config: pytest.Config) -> None:
    """Refuse to run the contract against nothing."""
    has_session = config.pluginmanager.get_plugin(SESSION) is not None
    if not has_session and FUZZED not in config.stash:
        pytest.exit(
            "the contract needs a receiver; name one with --target URL --secret-env NAME",
            returncode=int(Exit.USAGE),
        )


@pytest.fixture
def story(request: pytest.FixtureRequest) -> Iterator[Story]:
    """The check in progress."""
    session = request.config.pluginmanager.get_plugin(SESSION)
    assert isinstance(session, Session)
    with session.story(request.node) as story:
        yield story
