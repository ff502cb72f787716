import pytest

from tests.crash.deployment import Deployment
from tests.crash.history import History


@pytest.fixture
def history(tmp_path):
    told = History(tmp_path / "history.jsonl")
    yield told
    told.close()


@pytest.fixture
def url(request, tmp_path):
    """A store that nobody has made tables in: an SQLite file, or a database of PostgreSQL."""
    if getattr(request, "param", "sqlite") == "sqlite":
        yield f"sqlite:///{tmp_path}/receiver.db"
    else:
        with request.getfixturevalue("postgresql").empty() as made:
            yield made


@pytest.fixture
def deploy(tmp_path, history, url):
    """Start deployments, on the store of the test unless they name another."""
    running = []

    def start(*, on=url, **choices):
        deployment = Deployment(tmp_path, history, url=on, **choices)
        running.append(deployment.__enter__())
        return deployment

    yield start
    for deployment in running:
        deployment.__exit__()
