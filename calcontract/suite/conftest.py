"""Hands each scenario its story."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any

import pytest

from calcontract import interrupts, lookup
from calcontract.checks import Checks
from calcontract.errors import CheckStop, Exit
from calcontract.plugin import FUZZED, SESSION
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


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop() -> Generator[None, object, object]:
    """Let no sentence be looked up twice."""
    with lookup.remembered():
        return (yield)


def pytest_runtest_setup() -> None:
    """End the run before the next check if somebody has asked to stop."""
    if interrupts.asked():
        pytest.exit("interrupted", returncode=int(Exit.INTERRUPTED))


def pytest_itemcollected(item: pytest.Item) -> None:
    """
    Let a check that ended without passing be told by its letter, not by a traceback.

    Rendering the traceback costs more than the whole check, and the letter takes its place anyway.
    """
    usual = item.repr_failure

    def brief(excinfo: pytest.ExceptionInfo[BaseException], *style: Any) -> Any:
        stop = excinfo.value
        return stop.sentence if isinstance(stop, CheckStop) else usual(excinfo, *style)

    item.repr_failure = brief  # type: ignore[method-assign, assignment]


@pytest.fixture
def story(request: pytest.FixtureRequest) -> Iterator[Story]:
    """The check in progress."""
    checks = request.config.pluginmanager.get_plugin(SESSION)
    assert isinstance(checks, Checks)
    with checks.story(request.node) as story:
        yield story
