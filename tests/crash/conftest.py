import pytest

from tests.crash.deployment import Deployment
from tests.crash.history import History


@pytest.fixture
def history(tmp_path):
    told = History(tmp_path / "history.jsonl")
    yield told
    told.close()


@pytest.fixture
def deploy(tmp_path, history):
    """Start deployments; by default on an SQLite file of the test's own."""
    running = []

    def start(*, url=None, **choices):
        url = url or f"sqlite:///{tmp_path}/receiver.db"
        deployment = Deployment(tmp_path, history, url=url, **choices)
        running.append(deployment.__enter__())
        return deployment

    yield start
    for deployment in running:
        deployment.__exit__()
