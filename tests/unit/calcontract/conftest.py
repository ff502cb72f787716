import os

import pytest

from tests.unit.calcontract.stand import Stand


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """An empty current folder, and nothing about us in the environment."""
    for name in list(os.environ):
        if name.upper().startswith("CALCONTRACT_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def receiver():
    """A receiver that a test may teach to answer otherwise."""
    made = Stand()
    yield made
    made.close()
