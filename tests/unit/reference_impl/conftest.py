import io

import pytest

from reference_impl import logs
from reference_impl.app import Machine, Parts
from reference_impl.settings import Settings
from tests.unit.reference_impl.bodies import SECRET, FixedClock


def pytest_generate_tests(metafunc):
    """Run the tests of a module that names several `DATABASES` on each of them."""
    names = getattr(metafunc.module, "DATABASES", ())
    chosen = [
        mark
        for mark in metafunc.definition.iter_markers("parametrize")
        if "database_url" in mark.args[0]
    ]
    if names and "database_url" in metafunc.fixturenames and not chosen:
        metafunc.parametrize("database_url", names, indirect=True)


@pytest.fixture(autouse=True)
def log_lines():
    """What was logged: a stream whose lines are JSON."""
    stream = io.StringIO()
    logs.configure(stream)
    return stream


@pytest.fixture
def database_url(request, tmp_path):
    """Where the store of a test lies: an SQLite file, or a database of PostgreSQL."""
    if getattr(request, "param", "sqlite") == "sqlite":
        yield f"sqlite:///{tmp_path}/receiver.db"
    else:
        with request.getfixturevalue("postgresql").fresh() as url:
            yield url


@pytest.fixture
def settings(database_url):
    return Settings(secret=SECRET, database_url=database_url)


@pytest.fixture
def assemble(settings):
    """Put receivers together: tables made, no thread started, the clock fixed."""
    machines = []

    def put_together(settings=settings, **parts):
        machine = Machine(settings, Parts(clock=FixedClock, **parts))
        machine.store.create()
        machines.append(machine)
        return machine

    yield put_together
    for machine in machines:
        machine.store.close()


@pytest.fixture
def machine(assemble):
    return assemble()
